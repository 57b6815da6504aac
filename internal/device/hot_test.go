package device_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/device"
	"specter/internal/errs"
	"specter/internal/signer/hot"
	"specter/internal/store"
)

func openStore(t *testing.T) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), filepath.Join(t.TempDir(), "specter.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// TestSoftwareKeysDeriveWhatTheBIPsPrint: the account keys of BIP84's, BIP86's and BIP49's own test
// seed, and of BIP48 as other programs derive them from it.
func TestSoftwareKeysDeriveWhatTheBIPsPrint(t *testing.T) {
	for n, want := range map[btc.Network]map[string]string{
		btc.Mainnet: {
			"wpkh": "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs",
			"tr":   "xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ",
		},
		btc.Testnet3: {
			"sh-wpkh": "upub5EFU65HtV5TeiSHmZZm7FUffBGy8UKeqp7vw43jYbvZPpoVsgU93oac7Wk3u6moKegAEWtGNF8DehrnHtv21XXEMYRUocHqguyjknFHYfgY",
		},
	} {
		s := device.New(device.Config{Store: openStore(t), Seal: hot.Seal, Now: time.Now})
		d, err := s.CreateHot(context.Background(), "admin", "Red", device.Seed{Words: words, Network: n, Password: "pw"})
		if err != nil {
			t.Fatal(err)
		}
		purposes := map[string]string{}
		for _, k := range d.Keys {
			purposes[k.ScriptType] = k.Path.Full()
			if xpub, ok := want[k.ScriptType]; ok && k.Original != xpub {
				t.Errorf("%s %s is %s, want %s", n, k.ScriptType, k.Original, xpub)
			}
			if k.Fingerprint.String() != "73c5da0a" {
				t.Errorf("%s %s has the fingerprint %s", n, k.ScriptType, k.Fingerprint)
			}
		}
		coin := map[bool]string{true: "0h", false: "1h"}[n.IsMain()]
		for kind, path := range map[string]string{"wpkh": "m/84h/" + coin + "/0h", "tr": "m/86h/" + coin + "/0h", "sh-wpkh": "m/49h/" + coin + "/0h", "pkh": "m/44h/" + coin + "/0h",
			"wsh": "m/48h/" + coin + "/0h/2h", "sh-wsh": "m/48h/" + coin + "/0h/1h"} {
			if purposes[kind] != path {
				t.Errorf("%s: the %s key is of %s, want %s", n, kind, purposes[kind], path)
			}
		}
	}
}

func TestSoftwareKeysAreOffUnlessAskedFor(t *testing.T) {
	ctx := context.Background()
	allowed := false
	s := device.New(device.Config{Store: openStore(t), Seal: hot.Seal, Now: time.Now, HotAllowed: func(context.Context) (bool, error) { return allowed, nil }})
	seed := device.Seed{Words: words, Network: btc.Mainnet, Password: "pw"}
	if _, err := s.CreateHot(ctx, "admin", "Red", seed); !errs.Is(err, errs.Denied) {
		t.Errorf("while they are off: %v", err)
	}
	allowed = true
	if _, err := s.CreateHot(ctx, "admin", "Red", seed); err != nil {
		t.Errorf("while they are on: %v", err)
	}
	seed.Password = ""
	if _, err := s.CreateHot(ctx, "admin", "Green", seed); !errs.Is(err, errs.Invalid) {
		t.Errorf("without a password on mainnet: %v", err)
	}
	seed.Unprotected = true
	if d, err := s.CreateHot(ctx, "admin", "Green", seed); err != nil || d.NeedsSecret {
		t.Errorf("without a password, said so: %v", err)
	}
	seed.Unprotected, seed.Network = false, btc.Signet
	if _, err := s.CreateHot(ctx, "admin", "Blue", seed); err != nil {
		t.Errorf("without a password for play money: %v", err)
	}
}
