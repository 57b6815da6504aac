package backup

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"

	"filippo.io/age"

	"specter/internal/errs"
)

// Lock is what a backup is encrypted to: recipients, or else a passphrase.
type Lock struct {
	Recipients []string // "age1…"
	Passphrase string
	Work       int // log2 of scrypt's work; 0: age's own choice, about a second
}

// Keys open a backup: the passphrase, or secret keys ("AGE-SECRET-KEY-1…"), one a line, with
// comments and blank lines as in age's identity files.
type Keys struct {
	Passphrase string
	Identities string
}

// Bounds of keys.
const (
	maxRecipients = 20
	maxIdentities = 64 << 10
	// MinPassphrase is how many characters a passphrase has at least.
	MinPassphrase = 12
	maxPassphrase = 1000
	maxWork       = 20 // log2 of scrypt's work that is done for a foreign file; 1 GiB of memory
)

// ParseRecipients reads public keys as people paste them: separated by blanks, commas or lines.
// Each comes in its one spelling; errs.Invalid names the one that is none.
func ParseRecipients(text string) ([]string, error) {
	fields := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' })
	if len(fields) > maxRecipients {
		return nil, errs.E(errs.Invalid, "more than %d public keys are too many", maxRecipients)
	}
	var out []string
	seen := map[string]bool{}
	for _, f := range fields {
		if strings.HasPrefix(strings.ToUpper(f), "AGE-SECRET-KEY-") {
			return nil, errs.E(errs.Invalid, "this is a secret key; only the public one, which begins with age1, belongs here")
		}
		r, err := age.ParseX25519Recipient(strings.ToLower(f))
		if err != nil {
			return nil, errs.E(errs.Invalid, "%.80q is no public key of age; such a key begins with age1", f)
		}
		if s := r.String(); !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out, nil
}

// KeyPair makes a pair of keys: the secret one opens what is encrypted to the public one.
func KeyPair() (secret, public string, err error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return "", "", err
	}
	return id.String(), id.Recipient().String(), nil
}

// CheckPassphrase reports whether a passphrase is one that a new backup may be encrypted with.
func CheckPassphrase(p string) error {
	switch n := len([]rune(p)); {
	case n < MinPassphrase:
		return errs.E(errs.Invalid, "a backup holds everything: its passphrase needs at least %d characters, best several words", MinPassphrase)
	case len(p) > maxPassphrase:
		return errs.E(errs.Invalid, "the passphrase is too long")
	}
	return nil
}

// recipients are what age encrypts to, and the keys with which the result is read again at once.
// Where only public keys are known, a further pair is made for that and forgotten afterwards.
func (l Lock) recipients() ([]age.Recipient, []age.Identity, error) {
	if len(l.Recipients) == 0 {
		if err := CheckPassphrase(l.Passphrase); err != nil {
			return nil, nil, err
		}
		r, err := age.NewScryptRecipient(l.Passphrase)
		if err != nil {
			return nil, nil, err
		}
		if l.Work != 0 {
			r.SetWorkFactor(l.Work)
		}
		ids, err := Keys{Passphrase: l.Passphrase}.identities()
		return []age.Recipient{r}, ids, err
	}
	list, err := ParseRecipients(strings.Join(l.Recipients, " "))
	if err != nil {
		return nil, nil, err
	}
	once, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, nil, err
	}
	out := []age.Recipient{once.Recipient()}
	for _, text := range list {
		r, err := age.ParseX25519Recipient(text)
		if err != nil {
			return nil, nil, err
		}
		out = append(out, r)
	}
	return out, []age.Identity{once}, nil
}

func (k Keys) identities() ([]age.Identity, error) {
	if k.Identities != "" {
		if len(k.Identities) > maxIdentities {
			return nil, errs.E(errs.Invalid, "this is too much for secret keys")
		}
		ids, err := age.ParseIdentities(strings.NewReader(k.Identities))
		if err != nil || len(ids) == 0 {
			return nil, errs.E(errs.Invalid, "this is no secret key of age; such a key begins with AGE-SECRET-KEY-1")
		}
		return ids, nil
	}
	if k.Passphrase == "" || len(k.Passphrase) > maxPassphrase {
		return nil, errs.E(errs.Invalid, "give the passphrase of the backup, or the secret key that it was made for")
	}
	id, err := age.NewScryptIdentity(k.Passphrase)
	if err != nil {
		return nil, err
	}
	id.SetMaxWorkFactor(maxWork)
	return []age.Identity{id}, nil
}

// Sniff tells from the beginning of a file whether it is encrypted with age, and whether by a
// passphrase.
func Sniff(head []byte) (encrypted, passphrase bool) {
	line, rest, _ := bytes.Cut(head, []byte("\n"))
	if string(bytes.TrimSuffix(line, []byte("\r"))) != "age-encryption.org/v1" {
		return false, false
	}
	return true, bytes.HasPrefix(rest, []byte("-> scrypt "))
}

// open decrypts. The errors are for the person at the other end.
func open(r io.Reader, ids []age.Identity) (io.Reader, error) {
	b := bufio.NewReaderSize(r, 4096)
	head, _ := b.Peek(HeadSize)
	if k := Recognise(head); k != ByPassphrase && k != ByKey {
		return nil, &Foreign{k}
	}
	// age reads its header to the end, however long it is; ours names a few keys.
	limited := &headLimit{r: b, left: maxHeader}
	plain, err := age.Decrypt(limited, ids...)
	limited.left = -1
	var no *age.NoIdentityMatchError
	switch {
	case errors.As(err, &no):
		return nil, errs.E(errs.Denied, "this passphrase or key does not open the backup")
	case err != nil:
		return nil, errs.E(errs.Invalid, "the backup is damaged at its beginning, or the passphrase is wrong: %w", err)
	}
	return plain, nil
}

// headLimit ends a reader after so many bytes; -1: not any more.
type headLimit struct {
	r    io.Reader
	left int
}

// Read implements io.Reader.
func (h *headLimit) Read(p []byte) (int, error) {
	if h.left < 0 {
		return h.r.Read(p)
	}
	if h.left == 0 {
		return 0, errors.New("the header is too long")
	}
	n, err := h.r.Read(p[:min(len(p), h.left)])
	h.left -= n
	return n, err
}
