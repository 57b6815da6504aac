package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/vectors"
)

// step is a key of a chain of derivations.
type step struct{ Path, XPub, XPrv string }

func TestVectorsKeys(t *testing.T) {
	eachCase(t, "bip32/derivation.json", nil, func(v struct {
		Seed  string `json:"seed_hex"`
		Chain []step
	}) error {
		seed, err := hex.DecodeString(v.Seed)
		if err != nil {
			return err
		}
		root, err := btc.NewMaster(seed, true)
		if err != nil {
			return err
		}
		for _, s := range v.Chain {
			a := ask("key derive", fields{"key": root.String(), "path": s.Path, "show_private": true})
			secret := ask("key derive", fields{"key": root.String(), "path": s.Path})
			if err := errors.Join(a.err(), a.is(s.XPub, "xpub"), a.is(s.XPrv, "xprv"), secret.is(nil, "xprv")); err != nil {
				return err
			}
		}
		return nil
	})
	type child struct {
		XPub  string `json:"parent_xpub"`
		XPrv  string `json:"parent_xprv"`
		Child string `json:"child_xpub"`
		Index *uint32
		Path  string
	}
	derive := func(v child) error {
		path := v.Path
		if v.Index != nil {
			path = fmt.Sprint(*v.Index)
		}
		a := ask("key derive", fields{"key": v.XPub, "path": path})
		b := ask("key derive", fields{"key": v.XPrv, "path": path})
		return errors.Join(a.is(v.Child, "xpub"), b.is(v.Child, "xpub"))
	}
	eachCase(t, "bip32/hwi_deriv.json", nil, derive)
	eachCase(t, "bip32/hwi_deriv_path.json", nil, derive)
	eachCase(t, "bip32/hwi_serialization.json", nil, func(v struct {
		XPub, XPrv string
		Deser      struct {
			Testnet   bool   `json:"is_testnet"`
			Parent    string `json:"parent_fingerprint"`
			Chaincode string
			PubKey    string
			Depth     int
			Child     uint32 `json:"child_num"`
		}
	}) error {
		for _, key := range []string{v.XPub, v.XPrv} {
			a := ask("key inspect", fields{"key": key})
			if err := errors.Join(a.is(networkWord(!v.Deser.Testnet), "network"), a.is(v.Deser.Depth, "depth"), a.is(v.Deser.Parent, "parent_fingerprint"),
				a.is(v.Deser.Child, "child"), a.is(v.Deser.Chaincode, "chain_code"), a.is(v.Deser.PubKey, "pubkey"), a.is(v.XPub, "canonical")); err != nil {
				return err
			}
		}
		return nil
	})
	eachCase(t, "bip32/invalid_xkeys.json", nil, func(v struct{ XKey string }) error {
		return ask("key inspect", fields{"key": v.XKey}).refusedIf(true)
	})
	eachCase(t, "slip132/conversions.json", nil, func(v struct{ Input, To, Output string }) error {
		return ask("key convert", fields{"key": v.Input, "to": v.To}).is(v.Output, "key")
	})
	eachCase(t, "slip132/specter_keys.json", nil, func(v struct {
		Input  string
		Expect struct {
			Fingerprint string
			KeyType     string `json:"key_type"`
			Purpose     string
			XPub        string
		}
	}) error {
		a, d := ask("key inspect", fields{"key": v.Input}), ask("device parse", fields{"file": v.Input})
		return errors.Join(ifGiven(a, notEmpty(v.Expect.Fingerprint), "fingerprint"), ifGiven(a, notEmpty(v.Expect.KeyType), "script_type"),
			ifGiven(a, notEmpty(v.Expect.XPub), "canonical"), ifGiven(d, notEmpty(v.Expect.Purpose), "keys", 0, "purpose"),
			ifGiven(d, notEmpty(v.Expect.Fingerprint), "keys", 0, "fingerprint"), ifGiven(d, notEmpty(v.Expect.XPub), "keys", 0, "xpub"))
	})
}

func TestVectorsSeedPaths(t *testing.T) {
	vectors.Each(t, "bip32/caravan_nodes.json", nil, checkCaravanNode)
	eachCase(t, "bip32/hwi_mnemonic_paths.json", nil, func(v struct {
		Mnemonic, Passphrase string
		Master               string `json:"xpub_m_44h_0h_0h"`
		Chain                []step
	}) error {
		paths := []string{"m/44h/0h/0h"}
		for _, s := range v.Chain {
			paths = append(paths, s.Path)
		}
		a := ask("seed derive", fields{"mnemonic": v.Mnemonic, "passphrase": v.Passphrase, "paths": paths})
		err := errors.Join(a.err(), a.is(v.Master, "keys", 0, "xpub"))
		for i, s := range v.Chain {
			err = errors.Join(err, a.is(s.XPub, "keys", i+1, "xpub"))
		}
		return err
	})
}

func checkCaravanNode(c vectors.Case) error {
	var v map[string]any // its names differ in case alone: ypub, Ypub
	c.Decode(&v)
	field := func(name string) *string { s, _ := v[name].(string); return notEmpty(s) }
	get := func(network string) answer {
		return ask("seed derive", fields{"mnemonic": v["mnemonic"], "paths": []any{v["path"]}, "network": network})
	}
	a, test := get("main"), get("test")
	err := errors.Join(a.err(), ifGiven(a, field("pub"), "keys", 0, "pubkey"), ifGiven(a, field("xpub"), "keys", 0, "xpub"),
		ifGiven(test, field("tpub"), "keys", 0, "xpub"), ifGiven(a, field("rootFingerprint"), "fingerprint"))
	for _, prefix := range []string{"ypub", "Ypub", "zpub", "Zpub", "upub", "Upub", "vpub", "Vpub"} {
		err = errors.Join(err, ifGiven(ask("key convert", fields{"key": a.text("keys", 0, "xpub"), "to": prefix}), field(prefix), "key"))
	}
	return err
}

type bip39Case struct {
	Language, Mnemonic, Passphrase string
	Entropy                        string `json:"entropy_hex"`
	Seed                           string `json:"seed_hex"`
	Root                           string `json:"root_xprv"`
}

func checkBIP39(v bip39Case) error {
	a := ask("seed inspect", fields{"mnemonic": v.Mnemonic, "passphrase": v.Passphrase, "show_private": true})
	secret := ask("seed inspect", fields{"mnemonic": v.Mnemonic, "passphrase": v.Passphrase})
	err := errors.Join(a.err(), a.is(true, "valid"), a.is(v.Seed, "seed"), a.is(v.Root, "root_xprv"),
		secret.is(nil, "entropy"), secret.is(nil, "seed"), secret.is(nil, "root_xprv"))
	if len(a.list("languages")) == 0 { // words of several lists have several entropies
		err = errors.Join(err, a.is(v.Entropy, "entropy"), ifGiven(a, notEmpty(v.Language), "language"))
	}
	return err
}

func TestVectorsSeeds(t *testing.T) {
	eachCase(t, "bip39/english.json", nil, checkBIP39)
	eachCase(t, "bip39/other_languages.json", nil, checkBIP39)
	eachCase(t, "bip39/validity.json", nil, func(v struct {
		Mnemonic, Language string
		Valid              *bool
	}) error {
		a := ask("seed inspect", fields{"mnemonic": v.Mnemonic})
		if v.Valid != nil && !*v.Valid {
			return errors.Join(a.refusedIf(true), a.is(false, "valid"))
		}
		return errors.Join(a.err(), a.is(v.Language, "language"))
	})
	eachCase(t, "bip39/seedqr.json", nil, func(v struct {
		Seed    string
		Digits  string `json:"as_digits"`
		Compact string `json:"as_compact_bytes"`
	}) error {
		return errors.Join(ask("seed from-qr", fields{"data": v.Digits}).is(v.Seed, "mnemonic"), ask("seed from-qr", fields{"data": v.Compact}).is(v.Seed, "mnemonic"),
			ask("seed to-qr", fields{"mnemonic": v.Seed}).is(v.Digits, "data"), ask("seed to-qr", fields{"mnemonic": v.Seed, "compact": true}).is(v.Compact, "data"),
			ask("qr decode", fields{"parts": []string{v.Digits}}).is("mnemonic", "kind"), ask("qr decode", fields{"parts": []string{v.Digits}}).is(nil, "mnemonic"))
	})
}

// functions writes a descriptor around a key for a script type.
var functions = map[string]string{"pkh": "pkh(%s)", "sh-wpkh": "sh(wpkh(%s))", "wpkh": "wpkh(%s)", "tr": "tr(%s)"}

func TestVectorsAccounts(t *testing.T) {
	vectors.Each(t, "bip44-86/accounts.json", nil, func(c vectors.Case) error {
		var v struct {
			Mnemonic, Network string
			ScriptType        string `json:"script_type"`
			Path              string `json:"account_path"`
			SLIP              string `json:"account_xpub_slip132"`
			XPub              string `json:"account_xpub"`
			XPrv              string `json:"account_xprv"`
			Root              string
			Addresses         []struct{ Path, Address, Pubkey string }
		}
		c.Decode(&v)
		a := ask("seed derive", fields{"mnemonic": v.Mnemonic, "paths": []string{v.Path}, "network": v.Network, "show_private": true})
		err := errors.Join(a.err(), ifGiven(a, notEmpty(v.SLIP), "keys", 0, "slip132"), ifGiven(a, notEmpty(v.XPub), "keys", 0, "xpub"),
			ifGiven(a, notEmpty(v.XPrv), "keys", 0, "xprv"))
		for _, want := range v.Addresses {
			rest := strings.TrimPrefix(strings.TrimPrefix(want.Path, v.Path), "/")
			desc := fmt.Sprintf(functions[v.ScriptType], a.text("keys", 0, "xpub")+"/"+rest)
			err = errors.Join(err, ask("descriptor derive", fields{"descriptor": desc, "network": v.Network}).is(want.Address, "branches", 0, "items", 0, "address"))
		}
		return err
	})
	vectors.Each(t, "bip44-86/specter_seeds.json", nil, checkSpecterSeed)
}

func checkSpecterSeed(c vectors.Case) error {
	var v struct {
		Mnemonic, Network string
		Keys              map[string]any
		Account           string `json:"account_tprv"`
		PubKey            string `json:"pubkey_0_0"`
		Address           string `json:"address_0_0"`
	}
	c.Decode(&v)
	var err error
	for path, raw := range v.Keys {
		list, many := raw.([]any)
		if !many {
			list = []any{raw}
		}
		for _, want := range list {
			network := "main"
			if k := ask("key inspect", fields{"key": want}); k.text("network") == "test" {
				network = "test"
			}
			a := ask("seed derive", fields{"mnemonic": v.Mnemonic, "paths": []string{path}, "network": network})
			if a.text("keys", 0, "xpub") != want && a.text("keys", 0, "slip132") != want {
				err = errors.Join(err, fmt.Errorf("%s: got %v, want %v", path, a.at("keys", 0), want))
			}
		}
	}
	if v.PubKey == "" {
		return err
	}
	a := ask("descriptor derive", fields{"descriptor": "wpkh(" + v.PubKey + ")", "network": v.Network})
	k := ask("key derive", fields{"key": v.Account, "path": "0/0"})
	return errors.Join(err, a.is(v.Address, "branches", 0, "items", 0, "address"), k.is(v.PubKey, "pubkey"))
}
