package auth

import (
	"context"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Hashes is how many Argon2id hashes were computed.
func Hashes(s *Service) int64 { return s.hash.ran.Load() }

// FillQueue takes all places of hashes until the function that it returns is called.
func FillQueue(s *Service) (empty func()) {
	s.hash.waiting.Add(hashesQueued + hashesAtOnce)
	return func() { s.hash.waiting.Add(-hashesQueued - hashesAtOnce) }
}

// StopHashing lets no hash begin until the function that it returns is called.
func StopHashing(s *Service) (begin func()) {
	for range hashesAtOnce {
		s.hash.running <- struct{}{}
	}
	return func() {
		for range hashesAtOnce {
			<-s.hash.running
		}
	}
}

// Waiting is how many wait for a hash or have one computed.
func Waiting(s *Service) int { return int(s.hash.waiting.Load()) }

// Counts is how many counts of tries are kept.
func Counts(s *Service) int { return len(s.limits.counts) }

// CountsMax bounds them.
const CountsMax = countsMax

// Try takes the slot of a guess and leaves it counted.
func Try(s *Service, name, client string) error {
	_, err := s.limits.take(guess{name: name, client: client}, s.now())
	return err
}

// Sweep removes what has expired.
func Sweep(s *Service) error { return s.sweep(context.Background()) }

// NetworkOf is what an address counts as.
func NetworkOf(client string) string { return networkOf(client) }

// FoldName is the form in which names are compared.
func FoldName(name string) string { return foldName(name) }

// TokenKey is the key of the tokens.
func TokenKey(s *Service) []byte { return s.tokenKey }

// SignExample signs claims as the program does.
func SignExample(key []byte, name, id, description string, exp, iat int64) (string, error) {
	return sign(claims{Username: name, ID: id, Description: description, Expires: jwt.NewNumericDate(time.Unix(exp, 0)), Issued: jwt.NewNumericDate(time.Unix(iat, 0))}, key)
}

// ReadToken checks signature and expiry and returns the id.
func ReadToken(text string, key []byte, now time.Time) (string, error) {
	return readToken(text, key, now)
}

// Clean is a scope in its one form.
func Clean(s Scope) (Scope, error) { return s.clean() }
