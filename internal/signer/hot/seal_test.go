package hot_test

import (
	"bytes"
	"fmt"
	"testing"

	"specter/internal/errs"
	"specter/internal/signer/hot"
)

const words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"

func TestSealOpensWithItsPasswordAlone(t *testing.T) {
	sealed, err := hot.Seal(words, "", "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("abandon")) {
		t.Fatal("the words stand in the sealed bytes")
	}
	keys, err := hot.Open(sealed, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if got := keys.Fingerprint().String(); got != "73c5da0a" {
		t.Errorf("fingerprint %s, want 73c5da0a", got)
	}
	if _, err := hot.Open(sealed, "wrong"); !errs.Is(err, errs.Denied) {
		t.Errorf("a wrong password gave %v", err)
	}
	for i := range sealed {
		damaged := bytes.Clone(sealed)
		damaged[i] ^= 1
		if k, err := hot.Open(damaged, "correct horse"); err == nil && k.Fingerprint() != keys.Fingerprint() {
			t.Fatalf("damage at byte %d gave another key without an error", i)
		}
		if i > 12 {
			break // each attempt costs an argon2id run; the header is what matters here
		}
	}
}

func TestPassphraseMakesAnotherKey(t *testing.T) {
	sealed, err := hot.Seal(words, "TREZOR", "")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := hot.Open(sealed, "")
	if err != nil {
		t.Fatal(err)
	}
	if keys.Fingerprint().String() == "73c5da0a" {
		t.Error("the passphrase was not used")
	}
}

func TestKeysPrintNothing(t *testing.T) {
	sealed, err := hot.Seal(words, "", "")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := hot.Open(sealed, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, keys); got != "software key" {
			t.Errorf("%s printed %q", verb, got)
		}
	}
}
