package safe

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"specter/internal/errs"
)

// Wraps are the locks on the data key, as they are stored. Any one of them opens it.
type Wraps struct {
	Version   int        `json:"v"`
	File      []byte     `json:"file,omitempty"`      // under a key file; nil: there is none
	Passwords []password `json:"passwords,omitempty"` // one; two while a password is being changed
	Done      bool       `json:"done,omitempty"`      // what was stored in clear before was rewritten
}

// password is the data key under a password.
type password struct {
	Time    uint32 `json:"t"`
	Memory  uint32 `json:"m"` // KiB
	Threads uint8  `json:"p"`
	Salt    []byte `json:"salt"`
	Box     []byte `json:"box"`
}

// Cost is what opening by password takes: argon2id (RFC 9106).
type Cost struct {
	Passes uint32
	Memory uint32 // KiB
	Lanes  uint8
}

// standard takes about 0.2 s of one core.
var standard = Cost{Passes: 3, Memory: 64 << 10, Lanes: 1}

const (
	placeFile     = "data key under a key file"
	placePassword = "data key under the owner's password"
	maxPassword   = 1024 // bytes
)

// ReadWraps reads stored wraps.
func ReadWraps(text string) (Wraps, error) {
	var w Wraps
	if err := json.Unmarshal([]byte(text), &w); err != nil || w.Version != 1 || len(w.Passwords) > 4 {
		return Wraps{}, errs.E(errs.Unavailable, "the locks of the stored secrets are damaged or of a newer program; restore a backup")
	}
	for _, p := range w.Passwords {
		if p.Time < 1 || p.Time > 64 || p.Memory > 1<<20 || p.Threads < 1 || p.Threads > 16 || len(p.Salt) < 16 || len(p.Salt) > 64 {
			return Wraps{}, errs.E(errs.Unavailable, "the locks of the stored secrets ask for an unreasonable amount of work; restore a backup")
		}
	}
	return w, nil
}

// Text is how wraps are stored.
func (w Wraps) Text() string {
	w.Version = 1
	b, err := json.Marshal(w)
	if err != nil {
		panic(err) // numbers and bytes
	}
	return string(b)
}

// Any reports whether there is any lock at all.
func (w Wraps) Any() bool { return len(w.File) > 0 || len(w.Passwords) > 0 }

// HasPassword reports whether the owner's password opens.
func (w Wraps) HasPassword() bool { return len(w.Passwords) > 0 }

// HasFile reports whether a key file opens.
func (w Wraps) HasFile() bool { return len(w.File) > 0 }

// WithFile puts the lock of a key file on.
func (s *Safe) WithFile(w Wraps, fileKey []byte) (Wraps, error) {
	data, err := s.dataKey()
	if err != nil {
		return w, err
	}
	key, err := derive(fileKey, placeFile)
	if err != nil {
		return w, err
	}
	w.File, err = box(key, placeFile, data)
	return w, err
}

// WithPassword puts the lock of a password on. keep leaves those of before, until the new
// password itself is stored.
func (s *Safe) WithPassword(w Wraps, text string, c Cost, keep bool) (Wraps, error) {
	data, err := s.dataKey()
	if err != nil {
		return w, err
	}
	if text == "" || len(text) > maxPassword {
		return w, errs.E(errs.Invalid, "the password is missing or too long")
	}
	if c == (Cost{}) {
		c = standard
	}
	p := password{Time: c.Passes, Memory: c.Memory, Threads: c.Lanes, Salt: make([]byte, 16)}
	rand.Read(p.Salt)
	if p.Box, err = box(p.key(text), placePassword, data); err != nil {
		return w, err
	}
	if old := w.Passwords; keep && len(old) > 0 {
		w.Passwords = []password{p, old[0]}
	} else {
		w.Passwords = []password{p}
	}
	return w, nil
}

// key hashes the password's NFC form, so that it does not matter whose keyboard composed it.
func (p password) key(text string) []byte {
	return argon2.IDKey([]byte(norm.NFC.String(text)), p.Salt, p.Time, p.Memory, p.Threads, KeyLen)
}

// OpenFile opens the safe with a key file's key; errs.Denied where it is another safe's.
func (s *Safe) OpenFile(w Wraps, fileKey []byte) error {
	key, err := derive(fileKey, placeFile)
	if err != nil {
		return err
	}
	data, err := unbox(key, placeFile, w.File)
	if err != nil || len(data) != KeyLen {
		return errs.E(errs.Denied, "this key file belongs to other data")
	}
	s.unlock(data)
	return nil
}

// OpenPassword opens the safe with the owner's password; errs.Denied where it is wrong.
func (s *Safe) OpenPassword(w Wraps, text string) error {
	if len(text) > maxPassword {
		text = ""
	}
	for _, p := range w.Passwords {
		if data, err := unbox(p.key(text), placePassword, p.Box); err == nil && len(data) == KeyLen {
			s.unlock(data)
			return nil
		}
	}
	return errs.E(errs.Denied, "the password is wrong")
}

// Opens reports whether a password is one that opens, without opening.
func (w Wraps) Opens(text string) bool { return new(Safe).OpenPassword(w, text) == nil }

// fileHead is the first line of a key file.
const fileHead = "specter key file 1"

// NewFile makes a key and the text of its file.
func NewFile() (key, text []byte) {
	key = make([]byte, KeyLen)
	rand.Read(key)
	return key, []byte(fileHead + "\n" + hex.EncodeToString(key) + "\n")
}

// ReadFile reads the text of a key file.
func ReadFile(text []byte) ([]byte, error) {
	lines := slices.Collect(strings.Lines(strings.TrimSpace(string(text[:min(len(text), 1000)]))))
	if len(lines) != 2 || strings.TrimSpace(lines[0]) != fileHead {
		return nil, errs.E(errs.Invalid, "it is no key file of Specter")
	}
	key, err := hex.DecodeString(strings.TrimSpace(lines[1]))
	if err != nil || len(key) != KeyLen {
		return nil, errs.E(errs.Invalid, "the key file is damaged; put it back from a copy")
	}
	return key, nil
}
