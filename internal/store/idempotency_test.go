package store_test

import (
	"context"
	"crypto/sha256"
	"path/filepath"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/store"
)

func TestAnswersAreKeptByUserAndForgottenInTime(t *testing.T) {
	ctx := context.Background()
	db, err := store.Open(ctx, filepath.Join(t.TempDir(), "specter.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	hashed := func(key string) []byte { sum := sha256.Sum256([]byte(key)); return sum[:] }
	if err := db.AddUser(ctx, auth.UserRow{User: auth.User{ID: "bob", Name: "bob", Role: auth.Member}, Key: "bob"}); err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	put := func(user, key, answer string, at time.Time) {
		t.Helper()
		if err := db.PutIdempotentAnswer(ctx, user, hashed(key), []byte("print of "+answer), []byte(answer), at, at.Add(-24*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	want := func(user, key, answer string, at time.Time) {
		t.Helper()
		print, got, found, err := db.IdempotentAnswer(ctx, user, hashed(key), at.Add(-24*time.Hour))
		if err != nil || found != (answer != "") || string(got) != answer || found && string(print) != "print of "+answer {
			t.Errorf("%s under %s: got %q (%v, print %q), want %q: %v", user, key, got, found, print, answer, err)
		}
	}
	put("admin", "k", "one", now)
	want("admin", "k", "one", now)
	want("bob", "k", "", now) // another's key is not his
	want("admin", "other", "", now)
	want("admin", "k", "one", now.Add(24*time.Hour))
	want("admin", "k", "", now.Add(24*time.Hour+time.Second)) // too old, though nothing swept it yet
	put("bob", "k", "two", now.Add(25*time.Hour))             // sweeps
	want("admin", "k", "", now)
	put("bob", "k", "three", now.Add(26*time.Hour))
	want("bob", "k", "three", now.Add(26*time.Hour))
}
