package bitbox02test

import (
	"crypto/rand"
	"errors"

	"github.com/flynn/noise"

	"specter/internal/signer/bitbox02/hww"
	"specter/internal/signer/protolite"
	"specter/internal/signer/signertest"
)

// channel is the encrypted channel to a host.
type channel struct {
	shake    *noise.HandshakeState
	send     *noise.CipherState
	get      *noise.CipherState
	verified bool
}

// operate does what the first byte of a request says.
func (b *Box) operate(t *task, body []byte) []byte {
	if len(body) == 0 {
		return []byte{hww.Refused}
	}
	var out []byte
	err := errNoise
	switch op, rest := body[0], body[1:]; op {
	case hww.Unlock:
		return []byte{b.unlock(t)}
	case hww.Greet:
		err = b.greet()
	case hww.Handshake:
		out, err = b.handshake(rest)
	case hww.Verify:
		err = b.pair(t)
	case hww.Noise:
		out, err = b.message(t, rest)
	}
	if err != nil {
		return []byte{hww.Refused}
	}
	return append([]byte{hww.Success}, out...)
}

var errNoise = errors.New("the channel is not in a state for this")

// unlock asks for the password until it is right.
func (b *Box) unlock(t *task) byte {
	if b.Empty {
		return hww.Uninitialized
	}
	for !b.isUnlocked() {
		d := b.d.Person.Ask(t.ctx, signertest.ShowPIN, "Enter password")
		if t.ctx.Err() != nil {
			return hww.Refused
		}
		if d.Approve && d.Text == b.d.PIN {
			b.mu.Lock()
			b.unlocked = true
			b.mu.Unlock()
		} else if !d.Approve {
			return hww.Refused
		}
	}
	return hww.Success
}

func (b *Box) isUnlocked() bool { b.mu.Lock(); defer b.mu.Unlock(); return b.unlocked && !b.Empty }

func (b *Box) greet() error {
	state, err := noise.NewHandshakeState(noise.Config{
		CipherSuite: noise.NewCipherSuite(noise.DH25519, noise.CipherChaChaPoly, noise.HashSHA256),
		Pattern:     noise.HandshakeXX, Prologue: []byte(hww.Pattern), StaticKeypair: b.static, Random: rand.Reader,
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.channel = channel{shake: state}
	return err
}

func (b *Box) handshake(message []byte) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := &b.channel
	if c.shake == nil || c.send != nil {
		return nil, errNoise
	}
	_, get, send, err := c.shake.ReadMessage(nil, message)
	if err != nil {
		return nil, err
	}
	if get == nil {
		out, _, _, err := c.shake.WriteMessage(nil, nil)
		return out, err
	}
	c.send, c.get = send, get
	if c.verified = b.hosts[string(c.shake.PeerStatic())]; c.verified {
		return []byte{0}, nil
	}
	return []byte{1}, nil
}

func (b *Box) pair(t *task) error {
	b.mu.Lock()
	c := b.channel
	b.mu.Unlock()
	if c.send == nil {
		return errNoise
	}
	if !b.ask(t, signertest.ShowPairing, hww.PairingCode(c.shake.ChannelBinding())) {
		b.mu.Lock()
		b.channel = channel{}
		b.mu.Unlock()
		return errNoise
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.channel.verified = true
	b.hosts[string(c.shake.PeerStatic())] = true
	return nil
}

// ask shows a screen; a call that was given up is a refusal.
func (b *Box) ask(t *task, kind, text string) bool {
	return b.d.Person.Ask(t.ctx, kind, text).Approve && t.ctx.Err() == nil
}

// message is a request through the channel.
func (b *Box) message(t *task, sealed []byte) ([]byte, error) {
	m, err := b.open(sealed)
	if err != nil {
		return nil, err
	}
	return b.seal(t, b.process(t, m))
}

func (b *Box) open(sealed []byte) (protolite.Message, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.channel.get == nil || !b.channel.verified {
		return protolite.Message{}, errNoise
	}
	plain, err := b.channel.get.Decrypt(nil, nil, sealed)
	if err != nil {
		return protolite.Message{}, err
	}
	return protolite.Parse(plain)
}

// seal encrypts an answer. A task that was given up says nothing: the channel may be another now.
func (b *Box) seal(t *task, response protolite.Builder) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.channel.send == nil || t.ctx.Err() != nil {
		return nil, errNoise
	}
	if b.Garble != nil {
		response = b.Garble(response)
	}
	return b.channel.send.Encrypt(nil, nil, response)
}

// next answers in the middle of a dialogue and waits for the host's next message.
func (b *Box) next(t *task, response protolite.Builder) (protolite.Message, error) {
	sealed, err := b.seal(t, response)
	if err != nil {
		return protolite.Message{}, fault(hww.ErrEncrypt)
	}
	t.out <- answer{append([]byte{hww.Success}, sealed...), false}
	select {
	case <-t.ctx.Done():
		return protolite.Message{}, fault(hww.ErrUserAbort)
	case body := <-t.in:
		if len(body) == 0 || body[0] != hww.Noise {
			return protolite.Message{}, fault(hww.ErrInvalidInput)
		}
		m, err := b.open(body[1:])
		if err != nil {
			return protolite.Message{}, fault(hww.ErrDecrypt)
		}
		return m, nil
	}
}
