package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"

	"specter/internal/errs"
)

// Basic says who sent a name and a password with a call. It works whatever the login method,
// but not before the first start is finished and not for users without a password. Errors as of
// Login. A password that was right is remembered for 5 minutes, so that a program that sends it
// with every call is not slow.
func (s *Service) Basic(ctx context.Context, name, password, client string) (Identity, error) {
	if s.Settings().Method == MethodUnset {
		return Identity{}, errWrong
	}
	key := foldName(name)
	row, err := s.c.Store.UserByKey(ctx, key)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return Identity{}, err
	}
	proof := s.basics.proof(key, password, row)
	if row.ID == "" || !s.basics.has(proof, s.now()) {
		if row, err = s.prove(ctx, guess{name: key, client: client}, row, password, false, "api"); err != nil {
			return Identity{}, err
		}
		s.basics.put(s.basics.proof(key, password, row), s.now())
	}
	if s.isLeaving(row.ID) {
		return Identity{}, errWrong
	}
	return Identity{User: row.User}, nil
}

const (
	basicsFor = 5 * time.Minute
	basicsMax = 256
)

// basics remembers proofs of right passwords. A proof is a MAC over name, password and the
// stored hash under a key of this process: it says nothing to others, and fits no longer once
// the name or the password was changed or the user deleted.
type basics struct {
	key  []byte
	mu   sync.Mutex
	till map[[sha256.Size]byte]time.Time
}

func newBasics() *basics {
	b := &basics{key: make([]byte, 32), till: map[[sha256.Size]byte]time.Time{}}
	rand.Read(b.key)
	return b
}

func (b *basics) proof(key, password string, row UserRow) [sha256.Size]byte {
	m := hmac.New(sha256.New, b.key)
	for _, part := range []string{key, password, row.ID, row.Hash} {
		sum := sha256.Sum256([]byte(part)) // of fixed length: parts cannot run into each other
		m.Write(sum[:])
	}
	return [sha256.Size]byte(m.Sum(nil))
}

func (b *basics) has(proof [sha256.Size]byte, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return now.Before(b.till[proof])
}

func (b *basics) put(proof [sha256.Size]byte, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.till) >= basicsMax {
		for k := range b.till { // any: it costs one hash
			delete(b.till, k)
			break
		}
	}
	b.till[proof] = now.Add(basicsFor)
}

func (b *basics) sweep(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for k, till := range b.till {
		if !now.Before(till) {
			delete(b.till, k)
		}
	}
}
