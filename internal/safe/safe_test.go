package safe_test

import (
	"bytes"
	"strings"
	"testing"

	"specter/internal/errs"
	"specter/internal/safe"
)

var cheap = safe.Cost{Passes: 1, Memory: 64, Lanes: 1}

// A value opens at its own place, whole, and nowhere else; no part of it stands in clear.
func TestValuesOpenAtTheirPlaceAlone(t *testing.T) {
	s := safe.New()
	secret := []byte("correct horse battery staple")
	sealed, err := s.Seal("node/home/password", secret)
	if err != nil || bytes.Contains(sealed, secret[:8]) || !safe.Sealed(sealed) {
		t.Fatalf("sealed to %q, %v", sealed, err)
	}
	if got, err := s.Open("node/home/password", sealed); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("opened to %q, %v", got, err)
	}
	if _, err := s.Open("node/other/password", sealed); !errs.Is(err, errs.Unavailable) {
		t.Errorf("at another place: %v", err)
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if got, err := s.Open("node/home/password", bad); err == nil && bytes.Equal(got, secret) {
			t.Errorf("byte %d changed, and it opened", i)
		}
	}
	if _, err := safe.New().Open("node/home/password", sealed); !errs.Is(err, errs.Unavailable) {
		t.Errorf("another safe: %v", err)
	}
	text, err := s.SealText("p", "hunter22")
	if back, err2 := s.OpenText("p", text); err != nil || err2 != nil || back != "hunter22" || strings.Contains(text, "hunter22") || !safe.SealedText(text) {
		t.Errorf("text %q came back as %q, %v, %v", text, back, err, err2)
	}
	if back, err := s.OpenText("p", "never sealed"); err != nil || back != "never sealed" {
		t.Errorf("a value from before came back as %q, %v", back, err)
	}
}

// The key file opens, the password opens, each alone, and wrong ones do not.
func TestEitherLockOpens(t *testing.T) {
	s := safe.New()
	sealed, _ := s.Seal("x", []byte("secret"))
	key, text := safe.NewFile()
	w, err := s.WithFile(safe.Wraps{}, key)
	if err != nil {
		t.Fatal(err)
	}
	if w, err = s.WithPassword(w, "pass wörd", cheap, false); err != nil {
		t.Fatal(err)
	}
	if w, err = safe.ReadWraps(w.Text()); err != nil || !w.Any() || !w.HasFile() || !w.HasPassword() {
		t.Fatalf("wraps %+v, %v", w, err)
	}
	read, err := safe.ReadFile(text)
	if err != nil {
		t.Fatal(err)
	}
	opens := func(how string, open func(*safe.Safe) error, want bool) {
		var locked safe.Safe
		if _, err := locked.Open("x", sealed); err != safe.ErrLocked {
			t.Errorf("%s, before: %v", how, err)
		}
		err := open(&locked)
		if got, _ := locked.Open("x", sealed); (err == nil) != want || (string(got) == "secret") != want || locked.Locked() == want {
			t.Errorf("%s: %v, opened to %q", how, err, got)
		}
	}
	opens("key file", func(s *safe.Safe) error { return s.OpenFile(w, read) }, true)
	opens("password", func(s *safe.Safe) error { return s.OpenPassword(w, "pass wörd") }, true)
	opens("password composed otherwise", func(s *safe.Safe) error { return s.OpenPassword(w, "pass wo\u0308rd") }, true)
	opens("wrong password", func(s *safe.Safe) error { return s.OpenPassword(w, "pass word") }, false)
	opens("no password", func(s *safe.Safe) error { return s.OpenPassword(w, "") }, false)
	other, _ := safe.NewFile()
	opens("other key file", func(s *safe.Safe) error { return s.OpenFile(w, other) }, false)
}

// While a password changes both open; afterwards the new one alone.
func TestChangedPasswordsTakeOver(t *testing.T) {
	s := safe.New()
	w, _ := s.WithPassword(safe.Wraps{}, "old old", cheap, false)
	w, _ = s.WithPassword(w, "new new", cheap, true)
	if !w.Opens("old old") || !w.Opens("new new") {
		t.Error("not both open")
	}
	w, _ = s.WithPassword(w, "new new", cheap, false)
	if w.Opens("old old") || !w.Opens("new new") {
		t.Error("the old one opens still, or the new one does not")
	}
}

func FuzzReadWraps(f *testing.F) {
	s := safe.New()
	w, _ := s.WithPassword(safe.Wraps{}, "password", cheap, false)
	f.Add(w.Text())
	f.Add(`{"v":1,"passwords":[{"t":4000000000,"m":4000000000,"p":255}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		w, err := safe.ReadWraps(text)
		if err != nil {
			return
		}
		if again, err := safe.ReadWraps(w.Text()); err != nil || again.Text() != w.Text() {
			t.Errorf("%q changed on the way: %v", text, err)
		}
	})
}

func FuzzReadFile(f *testing.F) {
	_, text := safe.NewFile()
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		if key, err := safe.ReadFile(text); err == nil && len(key) != safe.KeyLen {
			t.Errorf("a key of %d bytes", len(key))
		}
	})
}
