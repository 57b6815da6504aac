// Package hot is the software signer: a BIP39 seed, encrypted at rest, that signs PSBTs in
// this program's memory. It is for tests, demos and small change; pages mark it hot
// everywhere. What lives here: sealing a seed and deriving keys from it. What does not: who
// may sign when (room wallet), where the sealed bytes are kept (store).
package hot

import (
	"crypto/rand"
	"encoding/json"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"

	"specter/internal/errs"
)

// The cost of opening a seal: argon2id (RFC 9106) with 64 MiB, 3 passes, 2 lanes.
const (
	argonTime    = 3
	argonMemory  = 64 << 10 // KiB
	argonThreads = 2
)

// sealed is the stored form; the parameters stand in it so that they can be raised later.
type sealed struct {
	Version int    `json:"v"`
	KDF     string `json:"kdf"`
	Time    uint32 `json:"t"`
	Memory  uint32 `json:"m"` // KiB
	Threads uint8  `json:"p"`
	Salt    []byte `json:"salt"`
	Nonce   []byte `json:"nonce"`
	Box     []byte `json:"box"` // XChaCha20-Poly1305 of the secret's JSON
}

// secret is what is sealed.
type secret struct {
	Words      string `json:"words"`
	Passphrase string `json:"passphrase"`
}

// Seal encrypts a mnemonic and its BIP39 passphrase under a password with argon2id and
// XChaCha20-Poly1305. An empty password protects against nobody who can read the file.
func Seal(words, passphrase, password string) ([]byte, error) {
	s := sealed{Version: 1, KDF: "argon2id", Time: argonTime, Memory: argonMemory, Threads: argonThreads,
		Salt: make([]byte, 16), Nonce: make([]byte, chacha20poly1305.NonceSizeX)}
	rand.Read(s.Salt) // never fails, see crypto/rand
	rand.Read(s.Nonce)
	plain, err := json.Marshal(secret{words, passphrase})
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(s.key(password))
	if err != nil {
		return nil, err
	}
	s.Box = aead.Seal(nil, s.Nonce, plain, []byte(header))
	clear(plain)
	return json.Marshal(s)
}

// header is authenticated with the box: a box of another kind or version does not open.
const header = "specter hot seed v1 argon2id"

func (s sealed) key(password string) []byte {
	return argon2.IDKey([]byte(password), s.Salt, s.Time, s.Memory, s.Threads, chacha20poly1305.KeySize)
}

// Open decrypts a seal. A wrong password is errs.Denied.
func Open(data []byte, password string) (*Keys, error) {
	var s sealed
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, errs.E(errs.Internal, "the stored seed cannot be read: %w", err)
	}
	if s.Version != 1 || s.KDF != "argon2id" || len(s.Nonce) != chacha20poly1305.NonceSizeX {
		return nil, errs.E(errs.Internal, "the stored seed has a form that this version does not know")
	}
	if s.Time < 1 || s.Time > 100 || s.Memory > 4<<20 || s.Threads < 1 {
		return nil, errs.E(errs.Internal, "the stored seed asks for an unreasonable amount of work")
	}
	aead, err := chacha20poly1305.NewX(s.key(password))
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, s.Nonce, s.Box, []byte(header))
	if err != nil {
		return nil, errs.E(errs.Denied, "the password of this software key is wrong")
	}
	defer clear(plain)
	var sec secret
	if err := json.Unmarshal(plain, &sec); err != nil {
		return nil, errs.E(errs.Internal, "the stored seed cannot be read: %w", err)
	}
	return fromWords(sec.Words, sec.Passphrase)
}
