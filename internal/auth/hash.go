package auth

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"specter/internal/errs"
)

// HashParams is what one Argon2id hash costs.
type HashParams struct {
	Memory uint32 // KiB
	Passes uint32
	Lanes  uint8
}

// standard is what new passwords cost: about 0.2 s of one core, and memory that makes many
// guesses at once dear.
var standard = HashParams{Memory: 64 << 10, Passes: 3, Lanes: 1}

// The bounds of the work at one time. Two hashes need 128 MiB.
const (
	hashesAtOnce = 2
	hashesQueued = 64 // waiting, for those nobody knows
	queueForOurs = 32 // and so many more places for known browsers and addresses
	passwordMax  = 1024
	saltLen      = 16
	keyLen       = 32
)

// hasher computes password hashes, few at once.
type hasher struct {
	params  HashParams
	running chan struct{}
	waiting atomic.Int32
	ran     atomic.Int64 // Argon2id hashes that were computed
}

func newHasher(p HashParams) (*hasher, error) {
	if p == (HashParams{}) {
		p = standard
	}
	if !p.sane() {
		return nil, fmt.Errorf("password hash parameters %+v are out of bounds", p)
	}
	return &hasher{params: p, running: make(chan struct{}, hashesAtOnce)}, nil
}

// sane bounds what a stored hash may ask for.
func (p HashParams) sane() bool {
	return p.Memory >= 8*uint32(p.Lanes) && p.Memory <= 1<<20 && p.Passes >= 1 && p.Passes <= 64 && p.Lanes >= 1 && p.Lanes <= 16
}

// errBusy says that the queue is full; nothing was computed.
var errBusy = &TooFast{Wait: busyWait}

// do runs f when there is room. known callers have places of their own in the queue. When it
// returns an error f has not run.
func (h *hasher) do(ctx context.Context, known bool, f func()) error {
	room := int32(hashesQueued)
	if known {
		room += queueForOurs
	}
	if h.waiting.Add(1) > room+hashesAtOnce {
		h.waiting.Add(-1)
		return errBusy
	}
	defer h.waiting.Add(-1)
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case h.running <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-h.running }()
	f()
	return nil
}

// make hashes a password with a fresh salt.
func (h *hasher) make(password string) string {
	salt := make([]byte, saltLen)
	rand.Read(salt)
	key := h.argon(password, salt, h.params)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.params.Memory, h.params.Passes, h.params.Lanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

// argon hashes the password's NFC form, so that it does not matter whose keyboard composed it.
func (h *hasher) argon(password string, salt []byte, p HashParams) []byte {
	h.ran.Add(1)
	return argon2.IDKey([]byte(norm.NFC.String(password)), salt, p.Passes, p.Memory, p.Lanes, keyLen)
}

// check compares a password with a stored hash ("": there is none). fresh is the hash to store
// instead, where the stored one is of an old form. One Argon2id hash is computed in every case,
// so that the time says nothing about the account.
func (h *hasher) check(stored, password string) (ok bool, fresh string) {
	if len(password) > passwordMax {
		password = ""
	}
	switch {
	case strings.HasPrefix(stored, "$argon2id$"):
		p, salt, key, err := parsePHC(stored)
		if err != nil {
			break
		}
		ok = subtle.ConstantTimeCompare(h.argon(password, salt, p), key) == 1
		if ok && (p != h.params || len(salt) != saltLen) {
			fresh = h.make(password)
		}
		return ok, fresh
	case strings.HasPrefix(stored, legacyPrefix):
		if checkLegacy(stored, password) {
			return true, h.make(password)
		}
	}
	h.argon(password, make([]byte, saltLen), h.params) // the same work for nobody's password
	return false, ""
}

// parsePHC reads the string form of an Argon2id hash.
func parsePHC(s string) (p HashParams, salt, key []byte, err error) {
	bad := fmt.Errorf("this is not an Argon2id hash of ours")
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, nil, nil, bad
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.Memory, &p.Passes, &p.Lanes); err != nil || !p.sane() {
		return p, nil, nil, bad
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil || len(salt) < 8 || len(salt) > 64 {
		return p, nil, nil, bad
	}
	if key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(key) != keyLen {
		return p, nil, nil, bad
	}
	return p, salt, key, nil
}

// The old Specter's hash: PBKDF2-HMAC-SHA256 over the salt's text. It is replaced at the first
// login.
const (
	legacyPrefix = "$specter-pbkdf2$"
	legacyRounds = 10_000
)

// LegacyHash turns the old Specter's {salt, pwdhash} into a stored hash. errs.Invalid when they
// are of no such form.
func LegacyHash(salt, pwdhash string) (string, error) {
	key, err := base64.StdEncoding.DecodeString(pwdhash)
	if err != nil || len(key) != keyLen || salt == "" || len(salt) > 256 || strings.Contains(salt, "$") {
		return "", errs.E(errs.Invalid, "the password of the old data folder cannot be read; set a new one")
	}
	return legacyPrefix + salt + "$" + pwdhash, nil
}

func checkLegacy(stored, password string) bool {
	salt, pwdhash, _ := strings.Cut(strings.TrimPrefix(stored, legacyPrefix), "$")
	want, err := base64.StdEncoding.DecodeString(pwdhash)
	if err != nil || len(want) != keyLen {
		return false
	}
	got, err := pbkdf2.Key(sha256.New, password, []byte(salt), legacyRounds, keyLen)
	return err == nil && subtle.ConstantTimeCompare(got, want) == 1
}
