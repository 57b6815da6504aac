package interop_test

import (
	"fmt"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/errs"
	"specter/internal/interop"
	"specter/internal/vectors"
)

func TestDeviceKeyExports(t *testing.T) {
	vectors.Each(t, "import/device_keys.json", nil, func(c vectors.Case) error {
		var v struct {
			File, Derivation, Fingerprint string
			ScriptType                    string `json:"script_type"`
			XPub                          string `json:"xpub_any_slip132"`
		}
		c.Decode(&v)
		f, err := interop.ReadKeys(vectors.Read(t, v.File))
		if err != nil {
			return err
		}
		want, _, err := btc.ParseXKey(v.XPub)
		if err != nil {
			return err
		}
		for _, k := range f.Keys {
			if k.ScriptType == v.ScriptType {
				if k.Origin.Path.Full() != v.Derivation || k.Origin.Fingerprint.String() != v.Fingerprint || !k.XKey.Identical(want) {
					return fmt.Errorf("got %s", k)
				}
				return nil
			}
		}
		return fmt.Errorf("no key of type %s in %v", v.ScriptType, f.Keys)
	})
}

func TestWalletFiles(t *testing.T) {
	exceptions := map[string]string{"electrum-encrypted": "encrypted Electrum files are refused with a sentence, as the case's note allows"}
	vectors.Each(t, "import/wallet_files.json", exceptions, func(c vectors.Case) error {
		var v struct {
			File, Name, Network string
			ScriptType          string `json:"script_type"`
			M, N                int
			Keys                []struct {
				Index                         int
				Fingerprint, Derivation, XPub string
			}
			KeyNames []string `json:"key_names"`
			Error    bool
			SameAs   string `json:"same_wallet_as"`
		}
		c.Decode(&v)
		w, err := interop.ReadWallet(vectors.Read(t, v.File), nil)
		if v.Error {
			if err == nil {
				return fmt.Errorf("was accepted")
			}
			return nil
		}
		if err != nil {
			return err
		}
		if v.SameAs != "" {
			twin, err := interop.ReadWallet(vectors.Read(t, "import/files/sparrow/"+v.SameAs+".txt"), nil)
			if err != nil {
				return err
			}
			if twin.Descriptor != w.Descriptor {
				return fmt.Errorf("got %s, want %s", w.Descriptor, twin.Descriptor)
			}
			return nil
		}
		if v.Name != "" && v.Name != w.Name || v.ScriptType != w.ScriptType || v.M != w.M || v.N != w.N || (v.Network == "main") != w.Main {
			return fmt.Errorf("got %q %s %d of %d main=%v", w.Name, w.ScriptType, w.M, w.N, w.Main)
		}
		for _, k := range v.Keys {
			got := w.Cosigners[k.Index].Key
			if got.Origin.Fingerprint.String() != k.Fingerprint || got.Origin.Path.Full() != k.Derivation || k.XPub != "" && got.XKey.String() != k.XPub {
				return fmt.Errorf("key %d: got %s", k.Index, got.Expression())
			}
		}
		for i, name := range v.KeyNames {
			if w.Cosigners[i].Name != name {
				return fmt.Errorf("key %d is named %q", i, w.Cosigners[i].Name)
			}
		}
		return nil
	})
}

func TestBSMSRecords(t *testing.T) {
	vectors.Each(t, "import/bsms.json", nil, func(c vectors.Case) error {
		var v struct {
			Valid      bool
			Record     string
			ScriptType string `json:"script_type"`
			M          int
			First      string `json:"first_receive_address"`
		}
		c.Decode(&v)
		w, err := interop.ReadWallet([]byte(v.Record), nil)
		if !v.Valid {
			if err == nil {
				return fmt.Errorf("was accepted as %s", w.Descriptor)
			}
			return nil
		}
		if err != nil {
			return err
		}
		if v.First != "" && w.FirstAddress != v.First || v.M != 0 && w.M != v.M || v.ScriptType != "" && w.ScriptType != v.ScriptType {
			return fmt.Errorf("got %s %d %s", w.ScriptType, w.M, w.FirstAddress)
		}
		return nil
	})
}

func TestWalletTextsThatSpecterImports(t *testing.T) {
	vectors.Each(t, "import/specter_wallet_importer.json", nil, func(c vectors.Case) error {
		var v struct {
			Input   string `json:"input_text"`
			Receive string `json:"descriptor_receive"`
			Network string
			Error   bool
		}
		c.Decode(&v)
		network, err := btc.ParseNetwork(v.Network)
		if err != nil {
			return err
		}
		w, err := interop.ReadWallet([]byte(v.Input), &network)
		if v.Error {
			if err == nil {
				return fmt.Errorf("was accepted")
			}
			return nil
		}
		if err != nil {
			return err
		}
		d, err := descriptor.Parse(w.Descriptor, descriptor.Options{})
		if err != nil {
			return err
		}
		got, err := d.Branch(0)
		if err != nil {
			return err
		}
		want, err := descriptor.Parse(v.Receive, descriptor.Options{AllowSLIP132: true})
		if err != nil {
			return err
		}
		if got.String() != want.String() {
			return fmt.Errorf("got %s, want %s", got, want)
		}
		return nil
	})
}

func TestKeysThatSpecterReads(t *testing.T) {
	const T = "tpubDC8msFGeGuwnKG9Upg7DM2b4DaRqg3CUZa5g8v2SRQ6K4NSkxUgd7HsL2XVWbVm39yBA4LAxysQAm397zwQSQoQgewGiYZqrA9DsP4zbQ1M"
	const V = "vpub5Y6cjg78GGuNLsaPhmYsiw4gYX3HoQiRBiSwDaBXKUafCt9bNwWQiitDk5VZ5BVxYnQdwoTyXSs2JHRPAgjAvtbBrf8ZhDYe2jWAqvZVnsc"
	for _, c := range []struct{ in, fp, path, typ, fails string }{
		{"[73c5da0a/84h/1h/0h]" + T, "73c5da0a", "m/84h/1h/0h", "wpkh", ""},
		{"[73C5DA0A/84'/1'/0']" + V, "73c5da0a", "m/84h/1h/0h", "wpkh", ""},
		{"[73c5da0a/84h/1h/0h/]" + T, "73c5da0a", "m/84h/1h/0h", "wpkh", ""},
		{"[73-c5-da-0a/84h/1h/0h]" + T, "73c5da0a", "m/84h/1h/0h", "wpkh", ""},
		{T, "e99b8628", "m", "", ""},
		{V, "e99b8628", "m", "wpkh", ""},
		{"[73c5da0a]" + T, "73c5da0a", "m", "", ""},
		{"[73c5da0a/84/1h/0h]" + T, "73c5da0a", "m/84/1h/0h", "", ""},
		{"[73c5da0a/84h/1h]" + T, "", "", "", "depth 3"},
		{"[73c5da/84h/1h/0h]" + T, "", "", "", "fingerprint"},
		{"[zzzzzzzz/84h/1h/0h]" + T, "", "", "", "fingerprint"},
		{"73c5da0a/84h/1h/0h]" + T, "", "", "", "["},
		{"[73c5da0a/84h/xx/0h]" + T, "", "", "", "xx"},
		{T[:len(T)-1] + "N", "", "", "", "checksum"},
	} {
		k, err := interop.ParseKey(c.in)
		if c.fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%s: got %v, want an error about %q", c.in, err, c.fails)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if k.Origin.Fingerprint.String() != c.fp || k.Origin.Path.Full() != c.path || k.ScriptType != c.typ || k.XKey.String() != T {
			t.Errorf("%s: got %s %s %q", c.in, k.Origin.Fingerprint, k.Origin.Path.Full(), k.ScriptType)
		}
	}
}

func FuzzReadKeys(f *testing.F) {
	f.Add([]byte(`{"xfp":"73C5DA0A","p2wsh":"x","p2wsh_deriv":"m/48'"}`))
	f.Add([]byte("wpkh([73c5da0a/84h]xpub/0/*)"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := interop.ReadKeys(data)
		if err != nil {
			return
		}
		for _, k := range file.Keys {
			again, err := interop.ParseKey(k.Expression())
			if err != nil || again.Expression() != k.Expression() {
				t.Fatalf("%s does not read back: %v", k.Expression(), err)
			}
		}
	})
}

func TestWalletFilesWithoutAKeyAreRefused(t *testing.T) {
	for _, s := range []string{"Policy: 0of0\n:", "Policy: 1 of 1\n00000000:", "Policy: 1 of 1\nFormat: P2WSH\n00000000:  \n",
		`{"wallet_type":"0of0"}`, `{"wallet_type":"1of1","x1/":{}}`, `{"wallet_type":"standard","keystore":{}}`} {
		if w, err := interop.ReadWallet([]byte(s), nil); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q: %+v, %v", s, w, err)
		}
	}
}

func FuzzReadWallet(f *testing.F) {
	f.Add([]byte("BSMS 1.0\nwsh(sortedmulti(1,a/**))\n/0/*,/1/*\nbc1q"))
	f.Add([]byte(`{"wallet_type":"1of1","x1/":{"xpub":"a"}}`))
	f.Add([]byte("Policy: 1 of 1\nFormat: P2WSH\n00000000: xpub"))
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := interop.ReadWallet(data, nil)
		if err != nil {
			return
		}
		again, err := interop.ReadWallet([]byte(w.Descriptor), nil)
		if err != nil || again.Descriptor != w.Descriptor {
			t.Fatalf("%s does not read back: %v", w.Descriptor, err)
		}
	})
}
