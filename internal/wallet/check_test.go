package wallet_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/device"
	"specter/internal/errs"
	"specter/internal/interop"
	"specter/internal/store"
	"specter/internal/wallet"
)

// keyAt is a key of a person at any path, as an expression.
func keyAt(t *testing.T, name, path string) string {
	t.Helper()
	p, err := btc.ParsePath(path)
	if err != nil {
		t.Fatal(err)
	}
	m := master(name)
	k, err := m.Derive(p)
	if err != nil {
		t.Fatal(err)
	}
	return "[" + btc.KeyOrigin{Fingerprint: m.Fingerprint(), Path: p}.String() + "]" + k.Public().String()
}

// checker is a wallet service whose devices are given: fake and without a node.
func checker(t *testing.T, keys []wallet.KnownKey) *wallet.Service {
	t.Helper()
	db, err := store.Open(context.Background(), freshFile(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return wallet.New(wallet.Config{Store: db, UID: "0011", Limits: device.Limit,
		Devices: func(context.Context, wallet.Owner, btc.Network) ([]wallet.KnownKey, error) { return keys, nil }})
}

func knownKey(t *testing.T, id int64, typ, expression string) wallet.KnownKey {
	t.Helper()
	_, key, _ := strings.Cut(expression, "]")
	x, _, err := btc.ParseXKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return wallet.KnownKey{XKey: x, DeviceID: id, DeviceName: fmt.Sprintf("device %d", id), DeviceType: typ, Hot: typ == "hot"}
}

func TestSetUpCatchesMistakes(t *testing.T) {
	w := func(name string) string { return keyAt(t, name, "48h/1h/0h/2h") }
	a, b, c := w("alice"), w("bob"), w("carol")
	zero := "[00000000" + b[9:]
	bare := a[strings.Index(a, "]")+1:]
	multi := func(m int, keys ...string) string {
		return fmt.Sprintf("wsh(sortedmulti(%d,%s/<0;1>/*))", m, strings.Join(keys, "/<0;1>/*,"))
	}
	for _, q := range []struct {
		name  string
		desc  string
		known []wallet.KnownKey
		want  []string // codes
		grave []string // of them, those of danger
	}{
		{"all is well", multi(2, a, b, c), []wallet.KnownKey{knownKey(t, 1, "coldcard", a), knownKey(t, 2, "trezor", b), knownKey(t, 3, "jade", c)}, nil, nil},
		{"nobody's", multi(2, a, b, c), nil, []string{"no-device"}, nil},
		{"a stranger's key", multi(2, a, b, c), []wallet.KnownKey{knownKey(t, 1, "coldcard", a)}, []string{"unknown-key"}, nil},
		{"same seed twice", multi(2, a, keyAt(t, "alice", "48h/1h/1h/2h"), c), nil, []string{"same-seed", "no-device"}, []string{"same-seed"}},
		{"one device twice", multi(2, a, b, c), []wallet.KnownKey{knownKey(t, 1, "coldcard", a), knownKey(t, 1, "coldcard", b), knownKey(t, 2, "jade", c)}, []string{"same-device"}, nil},
		{"1 of 3", multi(1, a, b, c), nil, []string{"one-of-n", "no-device"}, []string{"one-of-n"}},
		{"3 of 3", multi(3, a, b, c), nil, []string{"n-of-n", "no-device"}, nil},
		{"zero fingerprint", multi(2, a, zero, c), nil, []string{"zero-fingerprint", "no-device"}, nil},
		{"no origin", multi(2, bare, b, c), nil, []string{"no-origin", "no-device"}, nil},
		{"another network's path", multi(2, keyAt(t, "alice", "48h/0h/0h/2h"), b, c), nil, []string{"path-network", "no-device"}, nil},
		{"a single key's path", multi(2, keyAt(t, "alice", "84h/1h/0h"), b, c), nil, []string{"odd-path", "no-device"}, nil},
		{"the nested path", multi(2, keyAt(t, "alice", "48h/1h/0h/1h"), b, c), nil, []string{"odd-path", "no-device"}, nil},
		{"BIP87", multi(2, keyAt(t, "alice", "87h/1h/0h"), b, c), nil, []string{"no-device"}, nil},
		{"a path of the wrong length", multi(2, strings.Replace(a, "/2h]", "]", 1), b, c), nil, []string{"path-depth", "no-device"}, []string{"path-depth"}},
		{"a path of another key", multi(2, strings.Replace(a, "/2h]", "/1h]", 1), b, c), nil, []string{"path-mismatch", "no-device"}, []string{"path-mismatch"}},
		{"root keys", multi(2, keyAt(t, "alice", "m"), b, c), nil, []string{"root-key", "no-device"}, nil},
		{"hot keys enough", multi(2, a, b, c), []wallet.KnownKey{knownKey(t, 1, "hot", a), knownKey(t, 2, "hot", b), knownKey(t, 3, "jade", c)}, []string{"hot-quorum"}, []string{"hot-quorum"}},
		{"hot key not enough", multi(2, a, b, c), []wallet.KnownKey{knownKey(t, 1, "hot", a), knownKey(t, 2, "ledger", b), knownKey(t, 3, "jade", c)}, nil, nil},
		{"unsorted on a BitBox02", "wsh(multi(2," + a + "/<0;1>/*," + b + "/<0;1>/*," + c + "/<0;1>/*))", []wallet.KnownKey{knownKey(t, 1, "bitbox02", a), knownKey(t, 2, "ledger", b), knownKey(t, 3, "jade", c)}, []string{"device-unsorted"}, nil},
		{"miniscript on a Trezor", "wsh(and_v(v:pk(" + a + "/<0;1>/*),or_d(pk(" + b + "/<0;1>/*),older(1000))))", []wallet.KnownKey{knownKey(t, 1, "trezor", a), knownKey(t, 2, "ledger", b)}, []string{"device-miniscript"}, nil},
		{"taproot on a Jade", "tr(" + keyAt(t, "alice", "86h/1h/0h") + "/<0;1>/*)", []wallet.KnownKey{knownKey(t, 1, "jade", keyAt(t, "alice", "86h/1h/0h"))}, []string{"device-taproot"}, nil},
		{"taproot on a Coldcard", "tr(" + keyAt(t, "alice", "86h/1h/0h") + "/<0;1>/*)", []wallet.KnownKey{knownKey(t, 1, "coldcard", keyAt(t, "alice", "86h/1h/0h"))}, []string{"device-firmware"}, nil},
		{"taproot scripts on a Trezor", "tr(" + keyAt(t, "alice", "86h/1h/0h") + "/<0;1>/*,pk(" + b + "/<0;1>/*))", []wallet.KnownKey{knownKey(t, 1, "trezor", keyAt(t, "alice", "86h/1h/0h")), knownKey(t, 2, "ledger", b)}, []string{"device-taptree"}, nil},
		{"an unknown device", multi(2, a, b, c), []wallet.KnownKey{knownKey(t, 1, "other", a), knownKey(t, 2, "abacus", b), knownKey(t, 3, "jade", c)}, nil, nil},
		{"legacy", "pkh(" + keyAt(t, "alice", "44h/1h/0h") + "/<0;1>/*)", nil, []string{"legacy", "no-device"}, nil},
		{"nested", "sh(wpkh(" + keyAt(t, "alice", "49h/1h/0h") + "/<0;1>/*))", nil, []string{"nested", "no-device"}, nil},
		{"an address", "addr(" + stranger(3) + ")", nil, []string{"watch-only"}, nil},
	} {
		t.Run(q.name, func(t *testing.T) {
			p, err := checker(t, q.known).Check(context.Background(), admin, btc.Regtest, wallet.NewWallet{Name: "Vault", Descriptor: q.desc})
			if err != nil {
				t.Fatal(err)
			}
			var codes, grave []string
			for _, r := range p.Findings {
				codes = append(codes, r.Code)
				if r.Level == wallet.Danger {
					grave = append(grave, r.Code)
				}
				if strings.Contains(r.Text(), "%!") || r.Text() == "" {
					t.Errorf("the finding %s reads %q", r.Code, r.Text())
				}
				if r.Level != wallet.Notice != slices.Contains(p.Warnings, r.Text()) {
					t.Errorf("the %s %s is among the warnings or not: %q", r.Level, r.Code, p.Warnings)
				}
			}
			if !slices.Equal(codes, q.want) || !slices.Equal(grave, q.grave) {
				t.Errorf("findings %q (danger %q), want %q (%q)", codes, grave, q.want, q.grave)
			}
			if p.FirstAddress == "" {
				t.Error("there is no first address to compare")
			}
		})
	}
}

func TestWalletWrittenInAnotherOrderIsFound(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	h.create("Vault", "wsh", 2, "alice", "bob", "carol")
	keys := []string{expression("carol", "wsh"), expression("alice", "wsh"), expression("bob", "wsh")}
	_, err := h.s.Check(ctx, admin, btc.Regtest, wallet.NewWallet{Name: "Again", ScriptType: "wsh", Threshold: 2, Keys: keys})
	wantKind(t, err, errs.Conflict, "the same wallet in another order")
	if err == nil || !strings.Contains(err.Error(), "Vault") {
		t.Errorf("the wallet is not named: %v", err)
	}
	for name, w := range map[string]wallet.NewWallet{
		"unsorted":          {Name: "Again", ScriptType: "wsh", Threshold: 2, Keys: keys, Unsorted: true},
		"another threshold": {Name: "Again", ScriptType: "wsh", Threshold: 3, Keys: keys},
	} {
		p, err := h.s.Check(ctx, admin, btc.Regtest, w)
		if err != nil || !slices.ContainsFunc(p.Findings, func(r wallet.Finding) bool { return r.Code == "same-keys" }) {
			t.Errorf("%s: %+v, %v", name, p.Findings, err)
		}
	}
	p, err := h.s.Check(ctx, admin, btc.Regtest, wallet.NewWallet{Name: "Pair", ScriptType: "wsh", Threshold: 2, Keys: keys[:2]})
	if err != nil || !slices.ContainsFunc(p.Findings, func(r wallet.Finding) bool { return r.Code == "key-in-use" && strings.Contains(r.Text(), "1, 2") }) {
		t.Errorf("keys of another wallet: %+v, %v", p.Findings, err)
	}
}

func TestEveryWalletFileIsTaken(t *testing.T) {
	ctx := context.Background()
	a, b := keyAt(t, "alice", "48h/1h/0h/2h"), keyAt(t, "bob", "48h/1h/0h/2h")
	d, err := descriptor.Parse("wsh(sortedmulti(2,"+a+"/<0;1>/*,"+b+"/<0;1>/*))", descriptor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	receive, err := d.Branch(0)
	if err != nil {
		t.Fatal(err)
	}
	out, err := receive.Derive(0)
	if err != nil {
		t.Fatal(err)
	}
	address, _ := out.Address(btc.Regtest)
	told := interop.Wallet{Name: "Family vault", Descriptor: d.String(), BlockHeight: 123, Labels: map[string]string{address: "rent", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4": "of another network"}}
	for _, format := range interop.WalletFormats() {
		file, err := interop.WriteWallet(told, format, btc.Regtest)
		if err != nil {
			t.Errorf("%s is not written: %v", format, err)
			continue
		}
		h := newHouse(t)
		w := wallet.NewWallet{File: file}
		p, err := h.s.Check(ctx, admin, btc.Regtest, w)
		if errs.Is(err, errs.Invalid) && strings.Contains(err.Error(), "name") { // the format has none
			w.Name = "Family vault"
			p, err = h.s.Check(ctx, admin, btc.Regtest, w)
		}
		if err != nil || p.File == nil {
			t.Errorf("%s: %v", format, err)
			continue
		}
		r, err := h.s.Create(ctx, admin, btc.Regtest, w)
		if err != nil || r.Descriptor != d.String() || p.FirstAddress != address {
			t.Errorf("%s: %s, %v", format, r.Descriptor, err)
			continue
		}
		if format == "specter" || format == "account-map" {
			if p.FromHeight == nil || *p.FromHeight != 123 || r.Scan == nil || r.Scan.From != 123 || p.Name != "Family vault" {
				t.Errorf("%s: looks from %v, named %q", format, p.FromHeight, p.Name)
			}
		}
		if format == "specter" {
			row, err := h.s.AddressInfo(ctx, r.Ref(), address)
			if err != nil || row.Label != "rent" || p.File.Labels != 1 {
				t.Errorf("the label came as %q of %d (%v)", row.Label, p.File.Labels, err)
			}
		}
	}
	h := newHouse(t)
	for name, file := range map[string]string{"nothing": " ", "a poem": "roses are red", "binary": "\xff\xfe\x00", "mainnet": "wpkh([73c5da0a/84h/0h/0h]xpub6CatWdiZiodmUeTDp8LT5or8nmbKNcuyvz7WyksVFkKB4RHwCD3XyuvPEbvqAQY3rAPshWcMLoP2fMFMKHPJ4ZeZXYVUhLv1VMrjPC7PW6V/0/*)"} {
		_, err := h.s.Check(ctx, admin, btc.Regtest, wallet.NewWallet{Name: "x", File: []byte(file)})
		wantKind(t, err, errs.Invalid, name)
	}
	if _, err := h.s.Create(ctx, admin, btc.Regtest, wallet.NewWallet{Name: "One", File: []byte("addr(" + stranger(8) + ")\n")}); err != nil {
		t.Errorf("a single address: %v", err)
	}
	_, err = h.s.Check(ctx, admin, btc.Regtest, wallet.NewWallet{Name: "x", File: []byte(d.String()), Descriptor: "wpkh(" + expression("bob", "wpkh") + "/<0;1>/*)"})
	wantKind(t, err, errs.Invalid, "two descriptors that differ")
}

// TestNamesOfAFilesDevicesAreKept: a key that no device of the user holds is called what the
// wallet file called its device, until a device holds it.
func TestNamesOfAFilesDevicesAreKept(t *testing.T) {
	ctx := context.Background()
	keys := []string{keyAt(t, "alice", "48h/1h/0h/2h"), keyAt(t, "somebody else", "48h/1h/0h/2h")}
	told := interop.Wallet{Name: "Family vault", Descriptor: "wsh(sortedmulti(2," + keys[0] + "/<0;1>/*," + keys[1] + "/<0;1>/*))"}
	for i, name := range []string{"A name of theirs", "Grandmother's Coldcard"} {
		k, err := interop.ParseKey(keys[i])
		if err != nil {
			t.Fatal(err)
		}
		told.Cosigners = append(told.Cosigners, interop.Cosigner{Key: k, Name: name, DeviceType: "coldcard"})
	}
	file, err := interop.WriteWallet(told, "specter", btc.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t)
	p, err := h.s.Check(ctx, admin, btc.Regtest, wallet.NewWallet{File: file})
	if err != nil || p.Cosigners[1].DeviceName != "Grandmother's Coldcard" || p.Cosigners[1].DeviceID != 0 {
		t.Errorf("proposed: %+v, %v", p.Cosigners, err)
	}
	r, err := h.s.Create(ctx, admin, btc.Regtest, wallet.NewWallet{File: file})
	if err != nil {
		t.Fatal(err)
	}
	h.reopen()
	got := h.get(r.Ref()).Cosigners
	if got[0].DeviceName != "alice" || got[0].DeviceID != 1 || got[1].DeviceName != "Grandmother's Coldcard" || got[1].DeviceID != 0 || got[1].DeviceAlias != "" || got[1].Hot {
		t.Errorf("kept: %+v", got)
	}
	adopted, err := h.s.Adopt(ctx, admin, btc.Signet, wallet.Adopted{Name: "Old", Descriptor: told.Descriptor, Devices: []string{"one", "two"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := h.get(adopted.Ref()).Cosigners; got[1].DeviceName != "two" {
		t.Errorf("taken over: %+v", got)
	}
}
