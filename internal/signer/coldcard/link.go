package coldcard

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"github.com/btcsuite/btcd/btcec/v2"

	"specter/internal/btc"
	"specter/internal/signer"
)

// link carries messages to the device and back. It survives a call that was given up at any
// byte: answers that are still owed are read and dropped before the next question, a question
// that was sent in part is taken back.
type link struct {
	conn signer.Conn
	in   assembler

	secret   bool // the key below is agreed
	key      [32]byte
	block    cipher.Block
	up, down uint64 // bytes of the two key streams that are used up

	owed  int  // answers that the device still owes
	stuck bool // a question was sent in part
	dead  error
}

// streamAt encrypts or decrypts p with the key stream from a byte on. The counter begins at 0
// and counts blocks in big endian.
func streamAt(b cipher.Block, at uint64, p []byte) []byte {
	var counter [aes.BlockSize]byte
	binary.BigEndian.PutUint64(counter[8:], at/aes.BlockSize)
	stream := cipher.NewCTR(b, counter[:])
	skip := make([]byte, at%aes.BlockSize)
	stream.XORKeyStream(skip, skip)
	out := make([]byte, len(p))
	stream.XORKeyStream(out, p)
	return out
}

// call sends a message and returns the answer's, which has at least four bytes.
func (l *link) call(ctx context.Context, message []byte) ([]byte, error) {
	if err := l.send(ctx, message); err != nil {
		return nil, err
	}
	for {
		answer, err := l.receive(ctx)
		if err != nil {
			return nil, err
		}
		if l.owed == 0 {
			return answer, nil
		}
	}
}

// send writes a message.
func (l *link) send(ctx context.Context, message []byte) error {
	if l.dead != nil {
		return l.dead
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if l.stuck {
		if err := l.write(ctx, resetPacket()); err != nil {
			return err
		}
		l.stuck = false
	}
	size := uint64(len(message))
	if l.secret {
		message = streamAt(l.block, l.up, message)
	}
	for i, p := range packets(message, l.secret) {
		if err := l.write(ctx, p); err != nil {
			l.stuck = i > 0
			return err
		}
	}
	// The device decrypts whole messages alone, so the stream moves on only now.
	if l.secret {
		l.up += size
	}
	l.owed++
	return nil
}

func (l *link) write(ctx context.Context, p []byte) error {
	if _, err := l.conn.Write(ctx, p); err != nil {
		return l.lost(ctx, err)
	}
	return nil
}

// receive reads one message.
func (l *link) receive(ctx context.Context) ([]byte, error) {
	if l.dead != nil {
		return nil, l.dead
	}
	for {
		packet := make([]byte, packetSize+1)
		n, err := l.conn.Read(ctx, packet)
		if err != nil {
			return nil, l.lost(ctx, err)
		}
		message, secret, done, err := l.in.take(packet[:n])
		if err != nil {
			return nil, l.kill(err)
		}
		if done {
			l.owed = max(l.owed-1, 0)
			return l.open(message, secret)
		}
	}
}

// open decrypts a message. The device answers as it was asked, but tells in plain that a packet
// could not be read.
func (l *link) open(message []byte, secret bool) ([]byte, error) {
	switch {
	case secret && !l.secret:
		return nil, l.kill(garbled())
	case secret:
		size := uint64(len(message))
		message = streamAt(l.block, l.down, message)
		l.down += size
	case l.secret && !bytes.HasPrefix(message, []byte("fram")):
		return nil, l.kill(signer.E(signer.CodeConnection, "an answer came unencrypted over an encrypted link; something between the Coldcard and this computer may be changing what it says"))
	}
	// An unknown word means that a packet was lost and the key streams no longer agree; all that
	// follows would be noise, so the link ends and the next one agrees on a new key.
	if len(message) < 4 || !slices.Contains(words, string(message[:4])) {
		return nil, l.kill(garbled())
	}
	return message, nil
}

// lost tells a failure of the connection from a call that was given up.
func (l *link) lost(ctx context.Context, err error) error {
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return err
	}
	return l.kill(signer.Lost(err))
}

// kill ends the link for good: what would come next could not be trusted.
func (l *link) kill(err error) error { l.dead = err; return err }

// forget drops the key.
func (l *link) forget() {
	l.key, l.block = [32]byte{}, nil
	if l.dead == nil {
		l.dead = signer.E(signer.CodeConnection, "the connection to the Coldcard was closed")
	}
}

// maxStale is how many old answers are skipped at the beginning.
const maxStale = 64

// greet clears what another program or call left behind: a message begun is taken back, and
// old answers are skipped until the device echoes a number of ours.
func (l *link) greet(ctx context.Context, random io.Reader) error {
	nonce := make([]byte, 16)
	if _, err := io.ReadFull(random, nonce); err != nil {
		return err
	}
	if err := l.write(ctx, resetPacket()); err != nil {
		return err
	}
	if err := l.send(ctx, append([]byte("ping"), nonce...)); err != nil {
		return err
	}
	var refusal error
	for range maxStale {
		message, err := l.anything(ctx)
		switch {
		case err != nil && refusal != nil && ctx.Err() != nil:
			return refusal
		case err != nil:
			return err
		case bytes.Equal(message, append([]byte("biny"), nonce...)):
			l.owed = 0
			return nil
		case bytes.Equal(message, []byte("frammust encrypt")):
			return refused(message) // whoever asked: nothing in plain is answered any more
		case bytes.HasPrefix(message, []byte("fram")):
			refusal = refused(message) // an old one, or the answer: then no other comes
		}
	}
	return signer.ErrNotThisKind
}

// anything reads a message without understanding it; what is no message is skipped.
func (l *link) anything(ctx context.Context) ([]byte, error) {
	for range maxStale {
		packet := make([]byte, packetSize+1)
		n, err := l.conn.Read(ctx, packet)
		if err != nil {
			return nil, l.lost(ctx, err)
		}
		if message, _, done, err := l.in.take(packet[:n]); err == nil && done {
			return message, nil
		}
	}
	return nil, signer.ErrNotThisKind
}

// about is what the device says of its master key when a link begins.
type about struct {
	fingerprint btc.Fingerprint
	xpub        string // "" without a seed
}

// encrypt agrees on a key: SHA-256 of the x and y of the ECDH point.
func (l *link) encrypt(ctx context.Context, random io.Reader, version uint32) (about, error) {
	ours, err := ephemeral(random)
	if err != nil {
		return about{}, err
	}
	request := binary.LittleEndian.AppendUint32([]byte("ncry"), version)
	answer, err := l.call(ctx, append(request, ours.PubKey().SerializeUncompressed()[1:]...))
	if err != nil {
		return about{}, err
	}
	body, err := expect(answer, "mypb")
	if err != nil {
		return about{}, err
	}
	theirs, m, err := readAbout(body)
	if err != nil {
		return about{}, l.kill(err)
	}
	l.key = sessionKey(ours, theirs)
	if l.block, err = aes.NewCipher(l.key[:]); err != nil {
		return about{}, err
	}
	l.secret, l.up, l.down = true, 0, 0
	return m, nil
}

// readAbout reads the answer to "ncry": 64 bytes of a public key, fingerprint, length of the
// extended key and the key.
func readAbout(body []byte) (*btcec.PublicKey, about, error) {
	if len(body) < 72 {
		return nil, about{}, garbled()
	}
	theirs, err := btcec.ParsePubKey(append([]byte{4}, body[:64]...))
	if err != nil {
		return nil, about{}, garbled()
	}
	if size := binary.LittleEndian.Uint32(body[68:72]); uint64(size) != uint64(len(body)-72) || size > 200 {
		return nil, about{}, garbled()
	}
	return theirs, about{btc.Fingerprint(body[64:68]), string(body[72:])}, nil
}

// ephemeral draws a private key.
func ephemeral(random io.Reader) (*btcec.PrivateKey, error) {
	for {
		var raw [32]byte
		if _, err := io.ReadFull(random, raw[:]); err != nil {
			return nil, err
		}
		var n btcec.ModNScalar
		if overflow := n.SetBytes(&raw); overflow == 0 && !n.IsZero() {
			return btcec.PrivKeyFromScalar(&n), nil
		}
	}
}

func sessionKey(ours *btcec.PrivateKey, theirs *btcec.PublicKey) [32]byte {
	var point, shared btcec.JacobianPoint
	theirs.AsJacobian(&point)
	btcec.ScalarMultNonConst(&ours.Key, &point, &shared)
	shared.ToAffine()
	x, y := shared.X.Bytes(), shared.Y.Bytes()
	return sha256.Sum256(append(x[:], y[:]...))
}
