package web

import (
	"crypto/rand"
	"sync"
	"time"

	"specter/internal/door"
)

// Bounds of what is kept of forms whose session ran out.
const (
	maxBody      = door.DefaultMaxBody // one form
	maxKeptBytes = 32 << 20            // in all
	maxKeptForms = 64                  // of one user
	keptFor      = 30 * time.Minute
)

// keptForm is a form that came after its session had ended: it waits in memory until its own
// user has logged in again and says that it shall be sent.
type keptForm struct {
	ID      string
	user    string
	pattern string // of the route
	path    string // with query, without the prefix
	kind    string // Content-Type
	body    []byte
	At      time.Time
	sending bool
}

// keptForms holds them. Nobody sees or sends a form but the user whose session it was.
type keptForms struct {
	now  func() time.Time
	mu   sync.Mutex
	list []*keptForm // oldest first
}

// put keeps a form. Where memory is short, the user who has most in it loses the oldest.
func (k *keptForms) put(f keptForm) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f.ID, f.At = rand.Text(), k.now()
	k.sweep()
	k.list = append(k.list, &f)
	for k.size("") > maxKeptBytes {
		k.dropOldest(k.greatest())
	}
	if len(k.of(f.user)) > maxKeptForms {
		k.dropOldest(f.user)
	}
}

// sweep forgets what has waited too long.
func (k *keptForms) sweep() {
	k.drop(func(f *keptForm) bool { return k.now().Sub(f.At) > keptFor })
}

func (k *keptForms) drop(gone func(*keptForm) bool) {
	left := k.list[:0]
	for _, f := range k.list {
		if !gone(f) {
			left = append(left, f)
		}
	}
	clear(k.list[len(left):]) // so that the bodies leave the memory
	k.list = left
}

func (k *keptForms) dropOldest(user string) {
	done := false
	k.drop(func(f *keptForm) bool {
		if done || f.user != user {
			return false
		}
		done = true
		return true
	})
}

// size counts the bytes of a user's forms; "" counts everybody's.
func (k *keptForms) size(user string) (n int) {
	for _, f := range k.list {
		if user == "" || f.user == user {
			n += len(f.body) + len(f.path) + len(f.kind)
		}
	}
	return n
}

// greatest is the user with the most bytes.
func (k *keptForms) greatest() (user string) {
	most := -1
	for _, f := range k.list {
		if n := k.size(f.user); n > most {
			user, most = f.user, n
		}
	}
	return user
}

func (k *keptForms) of(user string) (out []*keptForm) {
	for _, f := range k.list {
		if f.user == user {
			out = append(out, f)
		}
	}
	return out
}

// forms lists a user's kept forms, oldest first.
func (k *keptForms) forms(user string) (out []keptForm) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sweep()
	for _, f := range k.of(user) {
		out = append(out, *f)
	}
	return out
}

// begin hands out a form for sending, once at a time.
func (k *keptForms) begin(user, id string) (keptForm, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sweep()
	for _, f := range k.of(user) {
		if f.ID == id && !f.sending {
			f.sending = true
			return *f, true
		}
	}
	return keptForm{}, false
}

// end forgets a form that was taken, or lets it wait on.
func (k *keptForms) end(user, id string, taken bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.drop(func(f *keptForm) bool {
		if f.user != user || f.ID != id {
			return false
		}
		f.sending = false
		return taken
	})
}
