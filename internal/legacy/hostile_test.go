package legacy_test

import (
	"archive/zip"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/legacy"
	"specter/internal/legacy/legacytest"
)

// Wrong types, deep and huge values, and names that look like paths are one problem each at most;
// what is sound beside them comes in.
func TestHostileFilesAreHarmless(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 200_000) + "1" + strings.Repeat("}", 200_000)
	single := "wpkh(" + key84 + "/0/*)"
	files := map[string]string{
		"config.json":     `{"auth": {"method": ["none"], "registration_link_timeout": {}}, "uid": "../../etc", "explorers": [], "rpc": 7, "active_node_alias": ["x"], "unit": {"sat": 1}}`,
		"users.json":      `[null, 7, "x", {"id": "../evil", "username": "Evil"}, {"id": "eve", "username": ["Eve"]}, {"id": "mallory", "username": "Mallory", "password": "hunter22", "jwt_tokens": ["a"], "config": 5}]`,
		"otps.json":       `{"new_user_otps": {"otp": 1}}`,
		"nodes/deep.json": deep,
		"nodes/odd.json":  `{"name": {"a": 1}, "host": ["h"], "port": "99999999999999999999", "external_node": "maybe", "user": null}`,
		"devices/d.json":  `{"name": ["x"], "type": 5, "keys": [5, null, {"original": 7}, {"original": "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi"}, {"original": "` + vpub + `", "fingerprint": "zz", "derivation": ["m"], "type": "evil"}]}`,
		"devices/e.json":  `[1, 2, 3]`,
		"wallets/regtest/paths.json": oldWallet("../../../etc/passwd", single, map[string]any{"alias": "../../x", "fullpath": "/etc/shadow", "address_index": -7, "change_index": 1e300,
			"keypool": "many", "frozen_utxo": map[string]any{"a": 1}, "pending_psbts": map[string]any{"x": 5, "y": map[string]any{"base64": "cHNidP8="}, "../z": map[string]any{"base64": 5}}, "labels": []int{1}, "blockheight": "NaN"}),
		"wallets/regtest/paths_addr.csv":                                    "label,address\n\"a\x00b\x1b[31m\"," + a0 + "\nx,not an address\nx,bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4\n\"unclosed," + a1,
		"wallets/regtest/paths_txs.csv":                                     "txid,blockheight\n../../../etc/passwd,1\n" + strings.Repeat("0", 64) + ",5\nzz\n",
		"wallets/regtest/paths_txs_raw/" + strings.Repeat("0", 64) + ".bin": "no transaction",
		"wallets/regtest/bad.json":                                          oldWallet("Bad", "wpkh("+key84+"/0/*)", map[string]any{"change_descriptor": "wpkh(" + key84 + "/7/*)"}),
		"wallets/regtest/none.json":                                         `{"recv_descriptor": 5}`,
		"wallets/main/foreign.json":                                         oldWallet("Foreign", single, nil), // a test key on mainnet
		"wallets/regtest/private.json":                                      oldWallet("Private", "wpkh(tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2AtHcQJCCRUcMRvmDUjyEmNUWwx8UbK/0/*)", nil),
		"wallets_x/regtest/\u202egnp.json":                                  oldWallet("Reverse", single, nil),
		"wallets/regtest/" + strings.Repeat("n", 190) + ".json":             oldWallet(strings.Repeat("ü", 5000), "wpkh([73c5da0a/48h/1h/0h/2h]"+tpub48+"/0/*)", nil),
		"hwi_bridge_config.json":                                            `{"whitelisted_domains": {"a": "b"}}`, "onion.txt": strings.Repeat("a", 1<<20), ".tor_service_key": "ED25519-V3:AAAA", "cert.pem": "x", "key.pem": "y",
	}
	dir := folder(t, files)
	links := 0
	for name, to := range map[string]string{"wallets/regtest/link.json": "/etc/passwd", "wallets/signet": "/etc", "devices/self.json": "self.json", "cert.pem.json": "/dev/zero"} {
		if os.Symlink(to, filepath.Join(dir, filepath.FromSlash(name))) == nil {
			links++
		}
	}
	h := newHouse(t)
	r := h.take(dir, legacy.Options{})
	for _, name := range []string{"config.json", "users.json", "nodes/deep.json", "devices/e.json", "wallets/regtest/bad.json", "onion.txt", ".tor_service_key", "cert.pem"} {
		found := false
		for _, p := range r.Problems {
			found = found || p.File == name
		}
		if !found {
			t.Errorf("nothing is told of %s", name)
		}
	}
	if links > 0 && !told(r, "wallets/regtest/link.json", "link") {
		t.Errorf("nothing is told of a link: %v", r.Problems)
	}
	var names []string
	for _, w := range h.list(auth.OwnerID, btc.Regtest) {
		names = append(names, w.Name+" "+w.Alias+" "+w.NodeName)
		if strings.Contains(w.Alias, "/") || strings.Contains(w.Alias, ".") || len(w.Alias) > 200 || w.Next[0] > 1 {
			t.Errorf("a wallet is %q %q %v", w.Name, w.Alias, w.Next)
		}
	}
	if len(names) != 2 {
		t.Errorf("wallets are %q", names)
	}
	if outcome(r, "wallet", "Private") != legacy.LeftOut || outcome(r, "wallet", "Foreign") != legacy.LeftOut || outcome(r, "wallet", "none") != legacy.LeftOut {
		t.Errorf("it said %v", r.Lines)
	}
	for _, l := range r.Lines {
		if strings.ContainsAny(l.Name+l.Detail+l.User, "\x00\x1b\n\u202e") {
			t.Errorf("a line reaches the terminal with %q", l.Name+l.Detail)
		}
	}
	if d, err := h.devices.List(context.Background(), auth.OwnerID); err != nil || len(d) != 1 || len(d[0].Keys) != 1 {
		t.Errorf("devices are %+v, %v", d, err)
	}
}

// pack writes a zip; names are taken as they are.
func pack(t testing.TB, change func(*zip.Writer), files ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i+1 < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err == nil {
			_, err = w.Write([]byte(files[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if change != nil {
		change(z)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "backup.zip")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The old program's backup, and a zip of its whole folder, come over.
func TestBackupArchivesComeOver(t *testing.T) {
	single := oldWallet("Savings", "wpkh("+key84+"/0/*)", map[string]any{"address": a0, "labels": map[string][]string{"salary march": {a0}}})
	device := oldDevice("Cold", "bitcoincore_watchonly", map[string]any{"original": vpub, "fingerprint": "73c5da0a", "derivation": "m/84h/1h/0h"})
	for name, files := range map[string][]string{
		"backup":         {"wallets/savings.json", single, "devices/cold.json", device},
		"whole folder":   {".specter/config.json", `{"auth": "none", "uid": "` + uid + `"}`, ".specter/wallets/regtest/savings.json", single, ".specter/devices/cold.json", device},
		"folder's inner": {"home/ann/.specter/wallets/regtest/savings.json", single, "home/ann/.specter/devices/cold.json", device},
	} {
		h := newHouse(t)
		r := h.take(pack(t, nil, files...), legacy.Options{})
		list := h.list(auth.OwnerID, btc.Regtest)
		if len(list) != 1 || h.labels(list[0].Ref())[a0] != "salary march" || outcome(r, "device", "Cold") != legacy.Taken {
			t.Errorf("%s: %v %v", name, r.Lines, r.Problems)
		}
	}
}

// Archives that no Specter writes are refused whole, from the disk and from memory, with words and
// with little memory.
func TestHostileArchivesAreRefused(t *testing.T) {
	for name, data := range legacytest.Archives() {
		path := filepath.Join(t.TempDir(), "backup.zip")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		used := allocated(func() {
			if _, err := legacy.Open(path); !errs.Is(err, errs.Invalid) || len(err.Error()) < 20 {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := legacy.OpenBytes("backup.zip", data); !errs.Is(err, errs.Invalid) {
				t.Errorf("%s, sent: %v", name, err)
			}
		})
		if used > 8<<20 {
			t.Errorf("%s took %d bytes", name, used)
		}
	}
}

// allocated is how many bytes of memory something takes, all in all.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A file that is larger than its archive says is not read on, and what is packed within a packed
// file stays packed.
func TestArchivesThatLie(t *testing.T) {
	for name, data := range map[string][]byte{"liar": legacytest.Liar(), "nested": legacytest.Nested()} {
		var f *legacy.Found
		used := allocated(func() {
			s, err := legacy.OpenBytes("x.zip", data)
			if err != nil {
				t.Fatal(name, err)
			}
			if f, err = legacy.Read(s, nil); err != nil {
				t.Fatal(name, err)
			}
		})
		if used > 8<<20 || len(f.Devices) != 1 {
			t.Errorf("%s took %d bytes; devices %v, %v", name, used, f.Devices, f.Problems)
		}
		if name == "liar" && len(f.Problems) != 1 {
			t.Errorf("the liar: %v", f.Problems)
		}
	}
	h := newHouse(t)
	path := filepath.Join(t.TempDir(), "mac.zip")
	if err := os.WriteFile(path, legacytest.Mac(), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := h.take(path, legacy.Options{}); outcome(r, "device", "Cold") != legacy.Taken {
		t.Errorf("a zip made by macOS: %v %v", r.Lines, r.Problems)
	}
}
