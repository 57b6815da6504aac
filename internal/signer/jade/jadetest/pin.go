package jadetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"sync"

	"github.com/btcsuite/btcd/btcec/v2"
	"golang.org/x/crypto/chacha20poly1305"

	"specter/internal/signer/signertest"
)

// The PIN server's addresses, as the firmware names them.
const (
	OracleURL   = "https://j8d.io/get_pin"
	OracleOnion = "http://mrrxtq6tjpbnbm7vh5jt6mpjctn7ggyfy5wegvbeff3x7jrznqawlmid.onion/get_pin"
)

// Oracle is a blind PIN server: it holds half of a key and gives it to who knows the PIN, of which
// it sees a hash alone. To a wrong PIN it answers with chance, as the real one does, and after
// three it forgets the key. The sealing is simpler than the real one's: only who stands between
// device and server, the host, must not be able to read it.
type Oracle struct {
	mu    sync.Mutex
	own   *btcec.PrivateKey
	pin   [32]byte // hash of the right PIN
	half  [32]byte // the key for it
	wrong int
	seen  []string // addresses that were asked, each question's joined by blanks
	Break func(answer []byte) []byte
}

// NewOracle makes a server that knows a PIN.
func NewOracle(pin string) (*Oracle, error) {
	own, err := btcec.NewPrivateKey()
	if err != nil {
		return nil, err
	}
	o := &Oracle{own: own, pin: sha256.Sum256([]byte(pin))}
	copy(o.half[:], random(32))
	return o, nil
}

// Asked lists the addresses that the host was told to choose from, one text per question.
func (o *Oracle) Asked() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string(nil), o.seen...)
}

// Relay is a signer.Relay to the server: what a host does with a device's errand.
func (o *Oracle) Relay(_ context.Context, urls []string, body []byte) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := ""
	for _, u := range urls {
		text += " " + u
	}
	o.seen = append(o.seen, text[1:])
	var q struct{ Data []byte }
	if err := json.Unmarshal(body, &q); err != nil || len(q.Data) < 33 {
		return nil, errors.New("400 bad request")
	}
	theirs, err := btcec.ParsePubKey(q.Data[:33])
	if err != nil {
		return nil, errors.New("400 bad request")
	}
	key := sha256.Sum256(btcec.GenerateSharedSecret(o.own, theirs))
	hash, err := open(key, q.Data[33:])
	if err != nil {
		return nil, errors.New("500 cannot be opened")
	}
	answer := o.half[:]
	if o.wrong >= 3 || !bytes.Equal(hash, o.pin[:]) {
		o.wrong++
		answer = random(32)
	} else {
		o.wrong = 0
	}
	out, err := json.Marshal(map[string]string{"data": base64.StdEncoding.EncodeToString(seal(key, answer))})
	if o.Break != nil {
		out = o.Break(out)
	}
	return out, err
}

func seal(key [32]byte, plain []byte) []byte {
	box, _ := chacha20poly1305.NewX(key[:]) // the key has the right length
	nonce := random(box.NonceSize())
	return box.Seal(nonce, nonce, plain, nil)
}

func open(key [32]byte, sealed []byte) ([]byte, error) {
	box, _ := chacha20poly1305.NewX(key[:])
	if len(sealed) < box.NonceSize() {
		return nil, errors.New("too short")
	}
	return box.Open(nil, sealed[:box.NonceSize()], sealed[box.NonceSize():], nil)
}

// visit is a question to the server that is on its way.
type visit struct{ key [32]byte }

func (l *link) authUser(ctx context.Context, m call) (any, error) {
	var p struct {
		Network string `cbor:"network"`
		Epoch   uint64 `cbor:"epoch"`
	}
	if err := m.into(&p); err != nil {
		return nil, err
	}
	if _, err := l.b.networkOf(p.Network); err != nil {
		return nil, err
	}
	switch {
	case l.b.unlocked:
		return true, nil
	case l.b.state() != "LOCKED":
		return nil, refuse(hardwareLocked, "Initialise wallet")
	case l.b.Oracle == nil:
		return nil, refuse(internalError, "no PIN server is set up")
	}
	d := l.ask(ctx, signertest.ShowPIN, "Enter PIN")
	if !d.Approve {
		return nil, refuse(userCancelled, "User abandonded pin entry")
	}
	typed := d.Text
	if typed == "" {
		typed = l.b.PIN // a person who approves everything types what is right
	}
	once, err := btcec.NewPrivateKey()
	if err != nil {
		return nil, err
	}
	v := &visit{sha256.Sum256(btcec.GenerateSharedSecret(once, l.b.Oracle.own.PubKey()))}
	hash := sha256.Sum256([]byte(typed))
	l.b.pending = v
	data := append(once.PubKey().SerializeCompressed(), seal(v.key, hash[:])...)
	return map[string]any{"http_request": map[string]any{
		"params": map[string]any{
			"urls": []string{OracleURL, OracleOnion}, "method": "POST", "accept": "json",
			"data": map[string]string{"data": base64.StdEncoding.EncodeToString(data)},
		},
		"on-reply": "pin",
	}}, nil
}

func (l *link) pin(m call) (any, error) {
	v := l.b.pending
	l.b.pending = nil
	var p struct {
		Data string `cbor:"data"`
	}
	if err := m.into(&p); err != nil {
		return nil, err
	}
	if v == nil {
		return nil, refuse(protocolError, "Unexpected message")
	}
	raw, err := base64.StdEncoding.DecodeString(p.Data)
	if err != nil {
		return nil, refuse(badParameters, "Failed to read data")
	}
	half, err := open(v.key, raw)
	if err != nil {
		return nil, refuse(internalError, "Failed to decrypt payload")
	}
	l.b.unlocked = bytes.Equal(half, l.b.Oracle.half[:])
	return l.b.unlocked, nil
}
