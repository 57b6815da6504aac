package legacy_test

import (
	"archive/zip"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/legacy"
	"specter/internal/legacy/legacytest"
)

// read writes one file into a folder and reads it as an old Specter's; whatever it holds, it ends.
func read(t *testing.T, name string, data []byte) *legacy.Found {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := legacy.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f, err := legacy.Read(s, nil)
	if err != nil {
		return nil
	}
	for _, w := range f.Wallets {
		if _, err := s.Txs(&w, func([]txs) error { return nil }); err != nil && err.Error() == "" {
			t.Error("an error says nothing")
		}
	}
	return f
}

// seeds adds the files of the older forms that a target reads, and those cut in the middle.
func seeds(f *testing.F, part string) {
	for name, text := range everything() {
		if strings.Contains(name, part) {
			f.Add([]byte(text))
			f.Add([]byte(text[:len(text)/2]))
		}
	}
	f.Add([]byte("null"))
	f.Add([]byte("[]"))
	f.Add([]byte(`{"a":{"b":[1e400,"\ud800"]}}`))
}

func fuzzFile(f *testing.F, name, part string) {
	seeds(f, part)
	f.Fuzz(func(t *testing.T, data []byte) { read(t, name, data) })
}

func FuzzConfig(f *testing.F)   { fuzzFile(f, "config.json", "config.json") }
func FuzzUsers(f *testing.F)    { fuzzFile(f, "users.json", "users.json") }
func FuzzLinks(f *testing.F)    { fuzzFile(f, "otps.json", "otps.json") }
func FuzzBridge(f *testing.F)   { fuzzFile(f, "hwi_bridge_config.json", "bridge") }
func FuzzNode(f *testing.F)     { fuzzFile(f, "nodes/n.json", "nodes/") }
func FuzzDevice(f *testing.F)   { fuzzFile(f, "devices/d.json", "devices") }
func FuzzServices(f *testing.F) { fuzzFile(f, "wallets/w_swan.json", "swan") }

// What is read of a wallet goes through the wallets' room, too.
func FuzzWallet(f *testing.F) {
	seeds(f, "wallets")
	h := newHouse(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		found := read(t, "wallets/regtest/w.json", data)
		if found == nil {
			return
		}
		for _, w := range found.Wallets {
			if _, _, err := h.wallets.Twin(context.Background(), auth.OwnerID, btc.Regtest, w.Descriptor); err != nil && err.Error() == "" {
				t.Error("an error says nothing")
			}
		}
	})
}

// The tables beside a wallet are read to where they are sound.
func FuzzTables(f *testing.F) {
	f.Add([]byte("address,index,change,label,used,service_id\r\n"+a0+",0,False,salary march,True,\r\n"), []byte("txid,blockhash,blockheight,time\r\n"))
	f.Add([]byte("\ufefflabel,address\n\"a\"\"b\",x\n\"open"), []byte("txid,txid\n,\n"))
	wallet := oldWallet("W", "wpkh("+key84+"/0/*)", nil)
	f.Fuzz(func(t *testing.T, addresses, transactions []byte) {
		dir := folder(t, map[string]string{"wallets/regtest/w.json": wallet, "wallets/regtest/w_addr.csv": string(addresses), "wallets/regtest/w_txs.csv": string(transactions)})
		s, err := legacy.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		found, err := legacy.Read(s, nil)
		if err != nil || len(found.Wallets) != 1 {
			t.Fatalf("the wallet is lost with its tables: %v", err)
		}
		for _, p := range found.Wallets[0].Used {
			if p.Branch > 1 || p.Index > 99_999 {
				t.Errorf("the place %+v is beyond what a wallet has", p)
			}
		}
		if _, err := s.Txs(&found.Wallets[0], func([]txs) error { return nil }); err != nil && err.Error() == "" {
			t.Error("an error says nothing")
		}
	})
}

// An archive is refused or read; it never reaches beyond itself.
func FuzzArchive(f *testing.F) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range map[string]string{"devices/cold.json": oldDevice("Cold", "other"), "wallets/w.json": oldWallet("W", "wpkh("+key84+"/0/*)", nil)} {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			f.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "x.zip")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := legacy.Open(path)
		if err != nil {
			return
		}
		defer s.Close()
		_, _ = legacy.Read(s, nil)
	})
}

// What a browser sends is refused or read, and takes no more memory than it may.
func FuzzOpenBytes(f *testing.F) {
	for name, data := range legacytest.Archives() {
		if len(data) < 1<<16 {
			f.Add(name+".zip", data)
		}
	}
	for name, text := range everything() {
		f.Add(name, []byte(text))
	}
	f.Add("mac.zip", legacytest.Mac())
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		s, err := legacy.OpenBytes(name, data)
		if err != nil {
			return
		}
		defer s.Close()
		if found, err := legacy.Read(s, nil); err == nil && found.Empty() && len(found.Problems) == 0 {
			t.Error("nothing was found, and nothing is told")
		}
	})
}
