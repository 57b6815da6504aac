package device_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/device"
	"specter/internal/errs"
	"specter/internal/signer/hot"
	"specter/internal/store"
)

const (
	owner = "admin"
	words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
	key   = "[73c5da0a/84h/1h/0h]vpub5Y6cjg78GGuNLsaPhmYsiw4gYX3HoQiRBiSwDaBXKUafCt9bNwWQiitDk5VZ5BVxYnQdwoTyXSs2JHRPAgjAvtbBrf8ZhDYe2jWAqvZVnsc"
)

// open makes a service on a real database; used lists the xpubs that a wallet has.
func open(t *testing.T, used ...string) *device.Service {
	t.Helper()
	db, err := store.Open(context.Background(), filepath.Join(t.TempDir(), "specter.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return device.New(device.Config{Store: db, Now: time.Now, Seal: hot.Seal, Uses: func(_ context.Context, _ string, xpub string) ([]string, error) {
		for _, u := range used {
			if u == xpub {
				return []string{"Vault"}, nil
			}
		}
		return nil, nil
	}})
}

func parse(t *testing.T, s *device.Service) []device.Key {
	t.Helper()
	p, err := s.ParseKeys([]byte(key))
	if err != nil || len(p.Keys) != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	return p.Keys
}

func TestDeviceKeepsItsKeysAsTyped(t *testing.T) {
	s, ctx := open(t), context.Background()
	made, err := s.Create(ctx, owner, "My Cold-Card #1", "coldcard", parse(t, s))
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(ctx, owner, "my_cold_card_1")
	if err != nil {
		t.Fatal(err)
	}
	k := got.Keys[0]
	if got.ID != made.ID || k.Original != strings.SplitAfter(key, "]")[1] || k.ScriptType != "wpkh" || k.Fingerprint.String() != "73c5da0a" || !strings.HasPrefix(k.XPub, "tpub") {
		t.Errorf("got %+v", got)
	}
	if _, err := s.Get(ctx, "somebody else", "my_cold_card_1"); !errs.Is(err, errs.NotFound) {
		t.Errorf("another user got %v", err)
	}
}

func TestRefusedDevices(t *testing.T) {
	s, ctx := open(t), context.Background()
	keys := parse(t, s)
	if _, err := s.Create(ctx, owner, "Taken", "other", keys); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		name, typ string
		keys      []device.Key
		kind      errs.Kind
	}{
		"a name that is taken": {"taken", "other", keys, errs.Conflict},
		"no letter":            {"--", "other", keys, errs.Invalid},
		"a control character":  {"a\x00b", "other", keys, errs.Invalid},
		"no keys":              {"Empty", "other", nil, errs.Invalid},
		"hot without a seed":   {"Hot", "hot", keys, errs.Invalid},
	} {
		if _, err := s.Create(ctx, owner, c.name, c.typ, c.keys); !errs.Is(err, c.kind) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := s.ParseKeys([]byte("xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi")); err == nil || !strings.Contains(err.Error(), "private") {
		t.Errorf("a private key gave %v", err)
	}
}

func TestKeysInUseStay(t *testing.T) {
	free := open(t)
	xpub := parse(t, free)[0].XPub
	s, ctx := open(t, xpub), context.Background()
	d, err := s.Create(ctx, owner, "Signer", "other", parse(t, s))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Forget(ctx, owner, d.Alias); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "Vault") {
		t.Errorf("forgetting a device in use gave %v", err)
	}
	if _, err := s.RemoveKey(ctx, owner, d.Alias, xpub, "wpkh"); !errs.Is(err, errs.Conflict) {
		t.Errorf("removing a key in use gave %v", err)
	}
	again, err := s.AddKeys(ctx, owner, d.Alias, d.Keys)
	if err != nil || len(again.Keys) != 1 {
		t.Errorf("the same key twice: %d keys, %v", len(again.Keys), err)
	}
}

func TestSoftwareKeyIsMarkedAndItsSeedSealed(t *testing.T) {
	s, ctx := open(t), context.Background()
	d, err := s.CreateHot(ctx, owner, "Hot", device.Seed{Words: words, Password: "secret", Network: btc.Regtest})
	if err != nil {
		t.Fatal(err)
	}
	if !d.Hot() || !d.NeedsSecret || strings.Contains(string(d.Sealed), "abandon") || len(d.Keys) != 6 {
		t.Errorf("got %+v", d)
	}
	if got := d.KeysFor(btc.Regtest, "wsh")[0].Expression(); !strings.HasPrefix(got, "[73c5da0a/48h/1h/0h/2h]tpubDFH9dgzveyD8z") {
		t.Errorf("the multisig key is %s", got)
	}
	if _, err := s.SetType(ctx, owner, d.Alias, "trezor"); !errs.Is(err, errs.Invalid) {
		t.Errorf("a software key became a device: %v", err)
	}
}
