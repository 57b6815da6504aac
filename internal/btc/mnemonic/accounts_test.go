package mnemonic_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"

	"specter/internal/btc"
	"specter/internal/vectors"
)

// scriptOf builds the single-key scriptPubKey of a script type (BIP44, 49, 84, 86).
func scriptOf(scriptType string, k btc.XKey) ([]byte, error) {
	hash := address.Hash160(k.PublicKey[:])
	switch scriptType {
	case "pkh":
		return btc.PayToPubKeyHash(hash), nil
	case "wpkh":
		return btc.WitnessScript(0, hash), nil
	case "sh-wpkh":
		return btc.PayToScriptHash(address.Hash160(btc.WitnessScript(0, hash))), nil
	case "tr":
		p, err := btcec.ParsePubKey(k.PublicKey[:])
		if err != nil {
			return nil, err
		}
		return btc.WitnessScript(1, schnorr.SerializePubKey(txscript.ComputeTaprootKeyNoScript(p))), nil
	}
	return nil, fmt.Errorf("no script type %q", scriptType)
}

func TestVectorsAccounts(t *testing.T) {
	vectors.Each(t, "bip44-86/accounts.json", nil, func(c vectors.Case) error {
		var v struct {
			Mnemonic, Network string
			ScriptType        string `json:"script_type"`
			Root              string
			RootPub           string `json:"root_pub"`
			AccountPath       string `json:"account_path"`
			XPrv              string `json:"account_xprv"`
			XPub              string `json:"account_xpub"`
			Prv132            string `json:"account_xprv_slip132"`
			Pub132            string `json:"account_xpub_slip132"`
			Addresses         []struct {
				Path, Address, XPrv, XPub string
				PubKey                    string `json:"pubkey_hex"`
				PrivKey                   string `json:"privkey_hex"`
				Script                    string `json:"script_pubkey"`
			}
		}
		c.Decode(&v)
		network, err := btc.ParseNetwork(v.Network)
		if err != nil {
			return err
		}
		root, err := master(v.Mnemonic, network.IsMain())
		if err != nil {
			return err
		}
		account, err := derive(root, v.AccountPath)
		if err != nil {
			return err
		}
		slip := func(k btc.XKey) string {
			return k.Encode(btc.VersionFor(v.ScriptType, network.IsMain(), k.IsPrivate()).Bytes)
		}
		optional := func(what, got, want string) error {
			if want == "" {
				return nil
			}
			return same(what, got, want)
		}
		err = first(
			optional("root", slip(root), v.Root), optional("root pub", slip(root.Public()), v.RootPub),
			optional("xprv", account.String(), v.XPrv), optional("xpub", account.Public().String(), v.XPub),
			optional("xprv", slip(account), v.Prv132), optional("xpub", slip(account.Public()), v.Pub132))
		if err != nil {
			return err
		}
		if len(v.Addresses) == 0 {
			return fmt.Errorf("no addresses in the case")
		}
		for _, a := range v.Addresses {
			k, err := derive(root, a.Path)
			if err != nil {
				return err
			}
			script, err := scriptOf(v.ScriptType, k)
			if err != nil {
				return err
			}
			addr, _ := btc.AddressOf(script, network)
			private, _ := k.PrivateKey()
			if err := first(
				same("address", addr, a.Address),
				optional("script", hex.EncodeToString(script), a.Script),
				optional("private key", hex.EncodeToString(private.Serialize()), a.PrivKey),
				optional("public key", hex.EncodeToString(k.PublicKey[:]), a.PubKey),
				optional("xprv", k.String(), a.XPrv), optional("xpub", k.Public().String(), a.XPub),
			); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestVectorsSpecterSeeds(t *testing.T) {
	vectors.Each(t, "bip44-86/specter_seeds.json", nil, func(c vectors.Case) error {
		var v struct {
			Mnemonic, Network string
			Root              string `json:"root_xprv"`
			Account           string `json:"account_tprv"`
			Address           string `json:"address_0_0"`
			Keys              map[string]json.RawMessage
		}
		c.Decode(&v)
		for path, raw := range v.Keys {
			var keys []string
			if json.Unmarshal(raw, &keys) != nil {
				keys = make([]string, 1)
				if err := json.Unmarshal(raw, &keys[0]); err != nil {
					return err
				}
			}
			for _, want := range keys {
				_, version, err := btc.ParseXKey(want)
				if err != nil {
					return err
				}
				root, err := master(v.Mnemonic, version.Main)
				if err != nil {
					return err
				}
				k, err := derive(root, path)
				if err := first(err, same(path, k.Public().Encode(version.Bytes), want)); err != nil {
					return err
				}
			}
		}
		if v.Account == "" {
			return nil
		}
		main, err := master(v.Mnemonic, true)
		if err != nil {
			return err
		}
		test, err := master(v.Mnemonic, false)
		if err != nil {
			return err
		}
		account, err1 := derive(test, "84h/1h/0h")
		k, err2 := derive(account, "0/0")
		script, err3 := scriptOf("wpkh", k)
		addr, _ := btc.AddressOf(script, btc.Testnet3)
		return first(err1, err2, err3, same("root", main.String(), v.Root),
			same("account", account.String(), v.Account), same("address", addr, v.Address))
	})
}
