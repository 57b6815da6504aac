package bitbox02

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	becdsa "github.com/btcsuite/btcd/btcec/v2/ecdsa"
)

func TestTheVendorsKeysAreRead(t *testing.T) {
	if n := len(roots()); n != 110 {
		t.Errorf("%d keys", n)
	}
}

func TestAttestations(t *testing.T) {
	root, err := btcec.NewPrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	id := sha256.Sum256(root.PubKey().SerializeUncompressed())
	list := map[[32]byte]*btcec.PublicKey{id: root.PubKey()}
	device, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := device.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	challenge := bytes.Repeat([]byte{5}, 32)
	good := append(bytes.Repeat([]byte{3}, 32), point[1:]...) // bootloader, device
	digest := sha256.Sum256(good)
	good = append(good, becdsa.SignCompact(root, digest[:], true)[1:]...)
	good = append(good, id[:]...)
	digest = sha256.Sum256(challenge)
	r, s, err := ecdsa.Sign(rand.Reader, device, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	good = append(good, append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)...)
	if len(good) != attestationSize || !genuine(list, challenge, good) {
		t.Fatal("a genuine device is not believed")
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if genuine(list, challenge, bad) {
			t.Errorf("a change of byte %d is not noticed", i)
		}
	}
	if genuine(list, bytes.Repeat([]byte{6}, 32), good) {
		t.Error("an old answer is believed")
	}
	if genuine(roots(), challenge, good) {
		t.Error("a root of somebody else is believed")
	}
}

func TestVersions(t *testing.T) {
	for text, want := range map[string]version{"v9.27.0": {9, 27, 0}, "v9.21.0-pre+abc": {9, 21, 0}, "v9.2.10+12": {9, 2, 10}} {
		if got, ok := parseVersion(text); !ok || got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	for _, text := range []string{"", "9.27.0", "v9.27", "v9.27.0.1", "v9.-1.0", "v9.x.0", "v9.27.1234567"} {
		if got, ok := parseVersion(text); ok {
			t.Errorf("%q was read as %v", text, got)
		}
	}
	if !(version{9, 10, 0}).atLeast(version{9, 9, 9}) || (version{9, 9, 9}).atLeast(version{9, 10, 0}) || !(version{10, 0, 0}).atLeast(version{9, 99, 0}) {
		t.Error("versions are ordered wrongly")
	}
}

func FuzzReadInfo(f *testing.F) {
	f.Add(append(append([]byte{7}, "v9.27.0"...), 2, 1, 1, 1))
	f.Add([]byte{255})
	f.Fuzz(func(t *testing.T, raw []byte) {
		s := &session{}
		if err := s.readInfo(raw); err == nil && (s.info.Model == "" || s.info.Firmware == "") {
			t.Errorf("%x was taken for %+v", raw, s.info)
		}
	})
}
