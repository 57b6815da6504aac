package btc_test

import (
	"crypto/pbkdf2"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/vectors"
)

// masterOf makes the master key of English words (BIP39).
func masterOf(words, passphrase string, main bool) (btc.XKey, error) {
	seed, err := pbkdf2.Key(sha512.New, words, []byte("mnemonic"+passphrase), 2048, 64)
	if err != nil {
		return btc.XKey{}, err
	}
	return btc.NewMaster(seed, main)
}

func deriveText(k btc.XKey, path string) (btc.XKey, error) {
	p, err := btc.ParsePath(path)
	if err != nil {
		return btc.XKey{}, err
	}
	return k.Derive(p)
}

// same compares words; the error names what differs.
func same(what, got, want string) error {
	if got != want {
		return fmt.Errorf("%s: got %s, want %s", what, got, want)
	}
	return nil
}

func firstOf(list ...error) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestBIP32Derivation(t *testing.T) {
	vectors.Each(t, "bip32/derivation.json", nil, func(c vectors.Case) error {
		var v struct {
			Seed  string `json:"seed_hex"`
			Chain []struct{ Path, XPub, XPrv string }
		}
		c.Decode(&v)
		seed, err := hex.DecodeString(v.Seed)
		if err != nil {
			return err
		}
		master, err := btc.NewMaster(seed, true)
		if err != nil {
			return err
		}
		for _, step := range v.Chain {
			k, err := deriveText(master, step.Path)
			if err != nil {
				return err
			}
			if err := firstOf(same(step.Path, k.String(), step.XPrv), same(step.Path, k.Public().String(), step.XPub), roundTrip(step.XPrv), roundTrip(step.XPub)); err != nil {
				return err
			}
		}
		return nil
	})
}

func roundTrip(text string) error {
	k, v, err := btc.ParseXKey(text)
	if err != nil {
		return err
	}
	return same("printed", k.Encode(v.Bytes), text)
}

func TestBIP32InvalidKeys(t *testing.T) {
	vectors.Each(t, "bip32/invalid_xkeys.json", nil, func(c vectors.Case) error {
		var v struct{ XKey, Reason string }
		c.Decode(&v)
		if k, _, err := btc.ParseXKey(v.XKey); errs.CodeOf(err) != errs.BadKey {
			return fmt.Errorf("%s was read as %+v (%v)", v.Reason, k.Public(), err)
		}
		return nil
	})
}

type hwiChild struct {
	ParentPub string `json:"parent_xpub"`
	ParentPrv string `json:"parent_xprv"`
	ChildPub  string `json:"child_xpub"`
	Index     *uint32
	Path      string
}

func TestHWIChildren(t *testing.T) {
	check := func(c vectors.Case) error {
		var v hwiChild
		c.Decode(&v)
		path := v.Path
		if v.Index != nil {
			path = btc.Path{*v.Index}.Full()
		}
		for _, parent := range []string{v.ParentPub, v.ParentPrv} {
			k, _, err := btc.ParseXKey(parent)
			if err != nil {
				return err
			}
			child, err := deriveText(k, path)
			if err != nil {
				return err
			}
			if err := same(path, child.Public().String(), v.ChildPub); err != nil {
				return err
			}
		}
		return nil
	}
	vectors.Each(t, "bip32/hwi_deriv.json", nil, check)
	vectors.Each(t, "bip32/hwi_deriv_path.json", nil, check)
}

func TestHWIFieldsOfExtendedKeys(t *testing.T) {
	vectors.Each(t, "bip32/hwi_serialization.json", nil, func(c vectors.Case) error {
		var v struct {
			XPub, XPrv string
			Deser      struct {
				PubVersion  string `json:"pub_version"`
				PrivVersion string `json:"priv_version"`
				Testnet     bool   `json:"is_testnet"`
				Depth       uint8
				Parent      string `json:"parent_fingerprint"`
				Child       uint32 `json:"child_num"`
				ChainCode   string
				PubKey      string
				PrivKey     string
			}
		}
		c.Decode(&v)
		d := v.Deser
		for text, version := range map[string]string{v.XPub: d.PubVersion, v.XPrv: d.PrivVersion} {
			k, ver, err := btc.ParseXKey(text)
			if err != nil {
				return err
			}
			if k.Main == d.Testnet || k.Depth != d.Depth || k.ChildIndex != d.Child {
				return fmt.Errorf("main %v, depth %d, child %d", k.Main, k.Depth, k.ChildIndex)
			}
			priv := d.PrivKey
			if key, ok := k.PrivateKey(); ok {
				priv = hex.EncodeToString(key.Serialize())
			}
			if err := firstOf(
				same("version", hex.EncodeToString(ver.Bytes[:]), strings.ToLower(version)),
				same("parent", k.Parent.String(), d.Parent),
				same("chain code", hex.EncodeToString(k.ChainCode[:]), d.ChainCode),
				same("public key", hex.EncodeToString(k.PublicKey[:]), d.PubKey),
				same("private key", priv, d.PrivKey),
				same("printed", k.String(), text),
			); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestHWIPathsFromWords(t *testing.T) {
	vectors.Each(t, "bip32/hwi_mnemonic_paths.json", nil, func(c vectors.Case) error {
		var v struct {
			Mnemonic, Passphrase string
			Account              string `json:"xpub_m_44h_0h_0h"`
			Chain                []struct{ Path, XPub string }
		}
		c.Decode(&v)
		master, err := masterOf(v.Mnemonic, v.Passphrase, true)
		if err != nil {
			return err
		}
		account, err := deriveText(master, "m/44h/0h/0h")
		if err != nil {
			return err
		}
		if err := same("account", account.Public().String(), v.Account); err != nil {
			return err
		}
		for _, step := range v.Chain {
			k, err := deriveText(master, step.Path)
			if err != nil {
				return err
			}
			if err := same(step.Path, k.Public().String(), step.XPub); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestCaravanNodes(t *testing.T) {
	vectors.Each(t, "bip32/caravan_nodes.json", nil, func(c vectors.Case) error {
		var v map[string]string
		c.Decode(&v)
		master, err := masterOf(v["mnemonic"], "", true)
		if err != nil {
			return err
		}
		k, err := deriveText(master, v["path"])
		if err != nil {
			return err
		}
		k = k.Public()
		if err := same("master's fingerprint", master.Fingerprint().String(), v["fingerprint"]); err != nil {
			return err
		}
		compared := 0
		for field, want := range v {
			got := ""
			switch field {
			case "pub":
				got = hex.EncodeToString(k.PublicKey[:])
			case "chaincode":
				got = hex.EncodeToString(k.ChainCode[:])
			case "rootFingerprint":
				got = master.Fingerprint().String()
			default:
				ver, err := btc.VersionByPrefix(field)
				if err != nil {
					continue // no key
				}
				got = k.Encode(ver.Bytes)
			}
			compared++
			if err := same(field, got, want); err != nil {
				return err
			}
		}
		if compared == 0 {
			return fmt.Errorf("the case holds nothing to compare")
		}
		return nil
	})
}

func TestSLIP132Conversions(t *testing.T) {
	vectors.Each(t, "slip132/conversions.json", nil, func(c vectors.Case) error {
		var v struct{ Input, To, Output string }
		c.Decode(&v)
		k, _, err := btc.ParseXKey(v.Input)
		if err != nil {
			return err
		}
		to, err := btc.VersionByPrefix(v.To)
		if err != nil {
			return err
		}
		back, _, err := btc.ParseXKey(v.Output)
		if err != nil {
			return err
		}
		return firstOf(same("converted", k.Encode(to.Bytes), v.Output), same("canonical", back.String(), k.String()))
	})
}

func TestSLIP132KeysOfSpecter(t *testing.T) {
	vectors.Each(t, "slip132/specter_keys.json", nil, func(c vectors.Case) error {
		var v struct {
			Input  string
			Expect struct {
				Fingerprint, XPub string
				KeyType           string `json:"key_type"`
			}
		}
		c.Decode(&v)
		k, ver, err := btc.ParseXKey(v.Input)
		if err != nil {
			return err
		}
		if v.Expect.Fingerprint != "" {
			return same("fingerprint", k.Fingerprint().String(), v.Expect.Fingerprint)
		}
		return firstOf(same("type", ver.ScriptType, v.Expect.KeyType), same("xpub", k.String(), v.Expect.XPub))
	})
}

func TestSLIP132Versions(t *testing.T) {
	vectors.Each(t, "slip132/version_bytes.json", nil, func(c vectors.Case) error {
		var v struct {
			Network   string
			PubBytes  string `json:"pub_version"`
			PubPrefix string `json:"pub_prefix"`
			PrvBytes  string `json:"prv_version"`
			PrvPrefix string `json:"prv_prefix"`
		}
		c.Decode(&v)
		pub, err := btc.VersionByPrefix(v.PubPrefix)
		if err != nil {
			return err
		}
		prv, err := btc.VersionByPrefix(v.PrvPrefix)
		if err != nil {
			return err
		}
		if main := v.Network == "main"; pub.Main != main || prv.Main != main || pub.Private || !prv.Private {
			return fmt.Errorf("%+v and %+v", pub, prv)
		}
		// The prefix is what people see: a key under these bytes must begin with it.
		k, err := masterOf("abandon", "", pub.Main)
		if err != nil {
			return err
		}
		return firstOf(
			same("public bytes", hex.EncodeToString(pub.Bytes[:]), v.PubBytes), same("private bytes", hex.EncodeToString(prv.Bytes[:]), v.PrvBytes),
			same("public prefix", k.Public().Encode(pub.Bytes)[:4], v.PubPrefix), same("private prefix", k.Encode(prv.Bytes)[:4], v.PrvPrefix),
		)
	})
}

func TestAccountsFromWords(t *testing.T) {
	vectors.Each(t, "bip44-86/accounts.json", nil, func(c vectors.Case) error {
		var v struct {
			Mnemonic, Network, Root string
			RootPub                 string `json:"root_pub"`
			Type                    string `json:"script_type"`
			Path                    string `json:"account_path"`
			SlipPrv                 string `json:"account_xprv_slip132"`
			SlipPub                 string `json:"account_xpub_slip132"`
			XPrv                    string `json:"account_xprv"`
			XPub                    string `json:"account_xpub"`
		}
		c.Decode(&v)
		main := v.Network == "main"
		master, err := masterOf(v.Mnemonic, "", main)
		if err != nil {
			return err
		}
		account, err := deriveText(master, v.Path)
		if err != nil {
			return err
		}
		for want, k := range map[string]btc.XKey{v.Root: master, v.RootPub: master.Public(), v.SlipPrv: account, v.SlipPub: account.Public(), v.XPrv: account, v.XPub: account.Public()} {
			if want == "" {
				continue
			}
			got, ver, err := btc.ParseXKey(want)
			if err != nil {
				return err
			}
			if err := firstOf(same("key", got.String(), k.String()), same("in its own prefix", k.Encode(ver.Bytes), want)); err != nil {
				return err
			}
		}
		for want, private := range map[string]bool{v.SlipPrv: true, v.SlipPub: false} {
			if want == "" || v.Type == "tr" {
				continue
			}
			k := account
			if !private {
				k = account.Public()
			}
			if err := same("for the script type", k.Encode(btc.VersionFor(v.Type, main, private).Bytes), want); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestSeedsOfSpecter(t *testing.T) {
	vectors.Each(t, "bip44-86/specter_seeds.json", nil, func(c vectors.Case) error {
		var v struct {
			Mnemonic string
			Keys     map[string]json.RawMessage
			RootXPrv string `json:"root_xprv"`
		}
		c.Decode(&v)
		master, err := masterOf(v.Mnemonic, "", true)
		if err != nil {
			return err
		}
		if v.RootXPrv != "" {
			if err := same("root", master.String(), v.RootXPrv); err != nil {
				return err
			}
		}
		for path, raw := range v.Keys {
			var list []string
			if json.Unmarshal(raw, &list) != nil {
				list = make([]string, 1)
				if err := json.Unmarshal(raw, &list[0]); err != nil {
					return err
				}
			}
			k, err := deriveText(master, path)
			if err != nil {
				return err
			}
			for _, want := range list {
				_, ver, err := btc.ParseXKey(want)
				if err != nil {
					return err
				}
				if err := same(path, k.Public().Encode(ver.Bytes), want); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func TestAPrivateKeyUnderAPublicPrefixIsPublic(t *testing.T) {
	master, err := masterOf("abandon", "", true)
	if err != nil {
		t.Fatal(err)
	}
	zpub, err := btc.VersionByPrefix("zpub")
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := btc.ParseXKey(master.Encode(zpub.Bytes))
	if err != nil || got.IsPrivate() || got.PublicKey != master.PublicKey {
		t.Fatalf("a private key went out under zpub (%v)", err)
	}
}
