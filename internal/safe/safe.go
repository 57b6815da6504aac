// Package safe keeps secrets unreadable at rest: passwords of nodes, keys of TLS, SSH and the
// onion service, seeds of software keys, the key that signs tokens. They are encrypted with
// XChaCha20-Poly1305 under one data key that is made once. The data key itself is stored wrapped:
// under a key file, under the owner's password, or both; either opens it. Where the wraps and the
// encrypted values are stored is decided by others; nothing here touches the disk.
package safe

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"

	"specter/internal/errs"
)

// KeyLen is the length of a data key and of a key file's key, in bytes.
const KeyLen = chacha20poly1305.KeySize

// magic begins every sealed value; no PEM, JSON or password of people begins so.
var magic = []byte("\x00specter-sealed\x01")

// textMagic begins a sealed value in a column of text.
const textMagic = "\x01specter-sealed:1:"

// ErrLocked is what every question about a secret gets before the safe was opened.
var ErrLocked = errs.E(errs.Unavailable, "this Specter is locked: log in as the owner to open it")

// Safe seals and opens values. The zero Safe is locked. It is safe for concurrent use.
type Safe struct {
	mu  sync.RWMutex
	key []byte // nil: locked
}

// New makes an open safe with a fresh data key.
func New() *Safe {
	key := make([]byte, KeyLen)
	rand.Read(key) // never fails, see crypto/rand
	return &Safe{key: key}
}

// Locked reports whether the data key is not there yet.
func (s *Safe) Locked() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.key == nil
}

// unlock takes the data key.
func (s *Safe) unlock(key []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = bytes.Clone(key)
}

// dataKey returns the key; ErrLocked where it is not there.
func (s *Safe) dataKey() ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.key == nil {
		return nil, ErrLocked
	}
	return s.key, nil
}

// Sealed reports whether a value is one that Seal made.
func Sealed(value []byte) bool { return bytes.HasPrefix(value, magic) }

// SealedText reports whether a text is one that SealText made.
func SealedText(value string) bool { return strings.HasPrefix(value, textMagic) }

// Seal encrypts a value for a place, such as "file/tls/specter.key"; it opens at that place
// alone. ErrLocked before the safe was opened.
func (s *Safe) Seal(place string, plain []byte) ([]byte, error) {
	key, err := s.dataKey()
	if err != nil {
		return nil, err
	}
	return box(key, place, plain)
}

// Open decrypts what Seal made. A value that is not sealed comes back as it is: it was stored
// before there was a safe. errs.Unavailable: it is damaged, of another place or another safe.
func (s *Safe) Open(place string, value []byte) ([]byte, error) {
	if !Sealed(value) {
		return value, nil
	}
	key, err := s.dataKey()
	if err != nil {
		return nil, err
	}
	return unbox(key, place, value)
}

// SealText is Seal for columns of text; "" stays "".
func (s *Safe) SealText(place, plain string) (string, error) {
	if plain == "" {
		return "", nil
	}
	b, err := s.Seal(place, []byte(plain))
	if err != nil {
		return "", err
	}
	return textMagic + base64.RawStdEncoding.EncodeToString(b[len(magic):]), nil
}

// OpenText is Open for columns of text.
func (s *Safe) OpenText(place, value string) (string, error) {
	body, is := strings.CutPrefix(value, textMagic)
	if !is {
		return value, nil
	}
	b, err := base64.RawStdEncoding.DecodeString(body)
	if err != nil {
		return "", errDamaged(place)
	}
	plain, err := s.Open(place, append(bytes.Clone(magic), b...))
	return string(plain), err
}

func errDamaged(place string) error {
	return errs.E(errs.Unavailable, "a stored secret (%s) cannot be opened: it is damaged, or was written under another key. Restore it from a backup, or set it anew", place)
}

func box(key []byte, place string, plain []byte) ([]byte, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(magic)+aead.NonceSize(), len(magic)+aead.NonceSize()+len(plain)+aead.Overhead())
	copy(out, magic)
	nonce := out[len(magic):]
	rand.Read(nonce)
	return aead.Seal(out, nonce, plain, []byte(place)), nil
}

func unbox(key []byte, place string, value []byte) ([]byte, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	body, is := bytes.CutPrefix(value, magic)
	if !is || len(body) < aead.NonceSize() {
		return nil, errDamaged(place)
	}
	plain, err := aead.Open(nil, body[:aead.NonceSize()], body[aead.NonceSize():], []byte(place))
	if err != nil {
		return nil, errDamaged(place)
	}
	return plain, nil
}

// derive makes a key for one purpose from one that is uniformly random.
func derive(key []byte, purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, key, nil, "specter "+purpose, KeyLen)
}

// FromKeyFile makes an open safe whose data key follows from a key file's key, for what is kept
// apart from the data: one purpose does not open what another sealed.
func FromKeyFile(fileKey []byte, purpose string) (*Safe, error) {
	key, err := derive(fileKey, purpose)
	if err != nil {
		return nil, err
	}
	return &Safe{key: key}, nil
}

// SealedPrefix is how every sealed value begins, for looking for them.
func SealedPrefix() []byte { return bytes.Clone(magic) }

// SealedTextPrefix is how every sealed text begins.
func SealedTextPrefix() string { return textMagic }
