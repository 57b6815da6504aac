package legacy_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/legacy"
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

// Archives that no Specter writes are refused whole.
func TestHostileArchivesAreRefused(t *testing.T) {
	sound := []string{"devices/cold.json", oldDevice("Cold", "other")}
	entry := func(name string, mode os.FileMode, text string) func(*zip.Writer) {
		return func(z *zip.Writer) {
			h := &zip.FileHeader{Name: name, Method: zip.Deflate}
			h.SetMode(mode)
			w, err := z.CreateHeader(h)
			if err == nil {
				_, err = w.Write([]byte(text))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, change := range map[string]func(*zip.Writer){
		"parent":        entry("../devices/x.json", 0o600, "{}"),
		"inner parent":  entry("devices/../../x.json", 0o600, "{}"),
		"absolute":      entry("/devices/x.json", 0o600, "{}"),
		"backslash":     entry(`devices\..\x.json`, 0o600, "{}"),
		"drive":         entry("C:/devices/x.json", 0o600, "{}"),
		"link":          entry("devices/x.json", 0o777|os.ModeSymlink, "/etc/passwd"),
		"device":        entry("devices/x.json", 0o600|os.ModeDevice, ""),
		"double":        entry("devices/cold.json", 0o600, "{}"),
		"case clash":    entry("devices/COLD.json", 0o600, "{}"),
		"control":       entry("devices/a\nb.json", 0o600, "{}"),
		"dot":           entry("./devices/x.json", 0o600, "{}"),
		"double slash":  entry("devices//x.json", 0o600, "{}"),
		"bomb":          entry("devices/x.json", 0o600, strings.Repeat("0", 20<<20)),
		"with comment":  func(z *zip.Writer) { _ = z.SetComment("hello") },
		"folder's link": entry("devices/x/", 0o777|os.ModeSymlink, ""),
	} {
		if _, err := legacy.Open(pack(t, change, sound...)); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	whole, err := os.ReadFile(pack(t, nil, sound...))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func([]byte) []byte{
		"cut off":        func(b []byte) []byte { return b[:len(b)-10] },
		"no directory":   func(b []byte) []byte { return b[:30] },
		"more behind":    func(b []byte) []byte { return append(b, 0) },
		"count of none":  func(b []byte) []byte { binary.LittleEndian.PutUint16(b[len(b)-12:], 0); return b },
		"huge directory": func(b []byte) []byte { binary.LittleEndian.PutUint32(b[len(b)-10:], 0xfffffff0); return b },
	} {
		path := filepath.Join(t.TempDir(), "x.zip")
		if err := os.WriteFile(path, change(bytes.Clone(whole)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := legacy.Open(path); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A list of a million files is refused before it is read into memory.
func TestMillionEntriesAreRefusedWithLittleMemory(t *testing.T) {
	var b bytes.Buffer
	const count = 1_000_000
	head := make([]byte, 46)
	binary.LittleEndian.PutUint32(head, 0x02014b50)
	binary.LittleEndian.PutUint16(head[28:], 7)
	b.WriteString("PK\x03\x04")
	start := b.Len()
	for i := range count {
		b.Write(head)
		fmt.Fprintf(&b, "%07d", i)
	}
	end := make([]byte, 22)
	binary.LittleEndian.PutUint32(end, 0x06054b50)
	binary.LittleEndian.PutUint16(end[10:], count&0xffff)
	binary.LittleEndian.PutUint32(end[12:], uint32(b.Len()-start))
	binary.LittleEndian.PutUint32(end[16:], uint32(start))
	b.Write(end)
	path := filepath.Join(t.TempDir(), "million.zip")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	size := b.Len()
	b = bytes.Buffer{}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	_, err := legacy.Open(path)
	runtime.ReadMemStats(&after)
	if !errs.Is(err, errs.Invalid) {
		t.Errorf("%d bytes of names: %v", size, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
		t.Errorf("it took %d bytes", used)
	}
}
