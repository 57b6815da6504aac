package coldcardtest

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"specter/internal/btc"
	"specter/internal/btc/message"
	"specter/internal/signer/signertest"
)

// ask puts a question on the screen; the host polls for what becomes of it. Where one is open,
// another is refused as busy, unless it may replace it.
func (p *port) ask(kind string, replace bool, decide func(ctx context.Context) []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.active; r != nil && !r.done && !replace {
		return errBusy
	}
	if p.active != nil {
		p.active.cancel()
	}
	ctx, cancel := context.WithCancel(p.ctx)
	r := &request{kind: kind, cancel: cancel, settled: make(chan struct{})}
	p.active = r
	go func() {
		answer := decide(ctx)
		p.mu.Lock()
		r.answer, r.done = answer, true
		p.mu.Unlock()
		close(r.settled)
		cancel()
	}()
	return nil
}

// busyWith tells whether a question of another kind is open.
func (p *port) busyWith(kind string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.active != nil && !p.active.done && p.active.kind != kind
}

// atWork is how long the firmware leaves the host without an answer while it reads or signs.
const atWork = 150 * time.Millisecond

// decided answers the polling.
func (p *port) decided() ([]byte, error) {
	p.mu.Lock()
	r := p.active
	p.mu.Unlock()
	if r != nil {
		select {
		case <-r.settled:
		case <-time.After(atWork):
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.active == nil:
		return nil, said("No active request")
	case !p.active.done:
		return nil, nil
	}
	answer := p.active.answer
	p.active = nil
	if answer == nil {
		return nil, said("No active request")
	}
	return answer, nil
}

var refusal = []byte("refu")

// look shows an address; the person is not waited for.
func (p *port) look(address string) {
	gone, cancel := context.WithCancel(p.ctx)
	cancel()
	p.Person.Ask(gone, signertest.ShowAddress, address)
}

// switchWallet asks whether to use a passphrase.
func (p *port) switchWallet(passphrase string) error {
	if p.inPassphrase() {
		return said("no seed")
	}
	if len(passphrase) == 0 || len(passphrase) >= 100 {
		return said("too long")
	}
	return p.ask("pass", true, func(ctx context.Context) []byte {
		if !p.Person.Ask(ctx, signertest.ShowPassphrase, passphrase).Approve {
			return refusal
		}
		key := other(p.Master, passphrase)
		if passphrase == p.Passphrase {
			key = p.Master
		}
		p.mu.Lock()
		p.now = key
		p.mu.Unlock()
		return []byte("asci" + p.master().Public().String())
	})
}

func (p *port) inPassphrase() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	base := p.Master
	if p.Passphrase != "" {
		base = other(p.Master, "")
	}
	return !p.now.Identical(base)
}

// Formats of addresses.
var singleForms = map[uint32]string{0x01: "pkh", 0x07: "wpkh", 0x13: "sh-wpkh", 0x23: "tr", 0x17: "tr"}

func (p *port) singleAddress(format uint32, text string) (string, btc.XKey, error) {
	form, known := singleForms[format]
	if !known {
		return "", btc.XKey{}, said("Unknown/unsupported addr format")
	}
	key, _, err := p.derive(text)
	if err != nil {
		return "", btc.XKey{}, err
	}
	address, ok := btc.AddressOf(signertest.SingleScripts(key)[form], p.network())
	if !ok {
		return "", btc.XKey{}, said("no address")
	}
	return address, key, nil
}

func (p *port) showSingle(args []byte) ([]byte, error) {
	nums, path, err := words(args, 1)
	if err != nil {
		return nil, err
	}
	address, key, err := p.singleAddress(nums[0], string(path))
	if err != nil {
		return nil, err
	}
	if p.Lie.Address {
		address, _ = btc.AddressOf(signertest.SingleScripts(signertest.Elsewhere(key))[singleForms[nums[0]]], p.network())
	}
	p.look(address)
	return []byte("asci" + address), nil
}

// signMessage asks whether to sign a message.
func (p *port) signMessage(args []byte) error {
	nums, rest, err := words(args, 3)
	if err != nil || uint64(len(rest)) != uint64(nums[1])+uint64(nums[2]) {
		return said("badlen")
	}
	path, text := string(rest[:nums[1]]), string(rest[nums[1]:])
	if len(text) < 2 || len(text) > 240 {
		return said("msg too short (min. 2)")
	}
	address, key, err := p.singleAddress(nums[0], path)
	if err != nil {
		return err
	}
	if p.Lie.Signature {
		key = other(p.master(), "a stranger")
	}
	return p.ask("smsg", false, func(ctx context.Context) []byte {
		if !p.Person.Ask(ctx, signertest.ShowMessage, text).Approve {
			return refusal
		}
		sig, err := p.signedText(key, singleForms[nums[0]], text)
		if err != nil {
			return append([]byte("err_"), err.Error()...)
		}
		answer := binary.LittleEndian.AppendUint32([]byte("smrx"), uint32(len(address)))
		return append(append(answer, address...), sig...)
	})
}

func (p *port) signedText(key btc.XKey, form, text string) ([]byte, error) {
	format := message.BIP137
	if form == "pkh" || p.old(5, 1) {
		format = message.Legacy
	}
	private, ok := key.PrivateKey()
	address, known := btc.AddressOf(signertest.SingleScripts(key)[form], p.network())
	if !ok || !known {
		return nil, said("no key")
	}
	sig, err := message.Sign(private, address, p.network(), text, format)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(sig)
}

// finished is the answer when a file is ready.
func finished(file []byte) []byte {
	sum := sha256.Sum256(file)
	return append(binary.LittleEndian.AppendUint32([]byte("strx"), uint32(len(file))), sum[:]...)
}
