package web

import (
	"crypto/rand"
	"sync"
	"time"
)

// maxKept bounds a vault, so that a client that never comes back cannot fill the memory.
const maxKept = 256

// vault keeps small values in memory between two requests, under names nobody can guess. What
// must not travel through cookies or hidden fields (words of a seed, sentences) goes here.
type vault[T any] struct {
	now  func() time.Time
	ttl  time.Duration
	mu   sync.Mutex
	kept map[string]entry[T]
}

type entry[T any] struct {
	value T
	until time.Time
}

func newVault[T any](now func() time.Time, ttl time.Duration) *vault[T] {
	return &vault[T]{now: now, ttl: ttl, kept: map[string]entry[T]{}}
}

// put keeps a value and returns its name.
func (v *vault[T]) put(value T) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.now()
	oldest, when := "", time.Time{}
	for name, e := range v.kept {
		if e.until.Before(now) {
			delete(v.kept, name)
			continue
		}
		if oldest == "" || e.until.Before(when) {
			oldest, when = name, e.until
		}
	}
	if len(v.kept) >= maxKept {
		delete(v.kept, oldest)
	}
	name := rand.Text()
	v.kept[name] = entry[T]{value, now.Add(v.ttl)}
	return name
}

// get returns a value and leaves it.
func (v *vault[T]) get(name string) (T, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	e, ok := v.kept[name]
	if !ok || e.until.Before(v.now()) {
		var zero T
		return zero, false
	}
	return e.value, true
}

// take returns a value and forgets it.
func (v *vault[T]) take(name string) (T, bool) {
	value, ok := v.get(name)
	v.mu.Lock()
	delete(v.kept, name)
	v.mu.Unlock()
	return value, ok
}
