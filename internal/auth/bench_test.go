package auth_test

import (
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
)

// BenchmarkBearer is what a token costs each call: signature, one row, the hash.
func BenchmarkBearer(b *testing.B) {
	h := &house{t: &testing.T{}, path: b.TempDir() + "/specter.db", at: time.Now().UTC(), hash: cheap}
	h.start()
	defer h.db.Close()
	if err := h.SetOwner(ctx, "Olga", ownerPW); err != nil {
		b.Fatal(err)
	}
	_, text, err := h.NewToken(ctx, h.owner(), auth.TokenRequest{Description: "one", Life: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := h.Bearer(ctx, text); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSession is what a cookie costs each page.
func BenchmarkSession(b *testing.B) {
	h := &house{t: &testing.T{}, path: b.TempDir() + "/specter.db", at: time.Now().UTC(), hash: cheap}
	h.start()
	defer h.db.Close()
	if err := h.SetOwner(ctx, "Olga", ownerPW); err != nil {
		b.Fatal(err)
	}
	cookie := h.login("Olga", ownerPW)
	for b.Loop() {
		if _, err := h.Session(ctx, cookie, home, ""); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLogin is one guess at the cost of a real password.
func BenchmarkLogin(b *testing.B) {
	h := &house{t: &testing.T{}, path: b.TempDir() + "/specter.db", at: time.Now().UTC()}
	h.start()
	defer h.db.Close()
	if err := h.SetOwner(ctx, "Olga", ownerPW); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		h.pass(time.Hour)
		if err := h.try("Olga", "wrong", home); !errs.Is(err, errs.Denied) || isFast(err) {
			b.Fatal(err)
		}
	}
}
