package message_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/btc/message"
	"specter/internal/btc/mnemonic"
	"specter/internal/errs"
	"specter/internal/vectors"
)

func wif(text string) (*btcec.PrivateKey, error) {
	w, err := btcutil.DecodeWIF(text)
	if err != nil {
		return nil, err
	}
	return w.PrivKey, nil
}

func TestVectorsLegacy(t *testing.T) {
	vectors.Each(t, "message/legacy.json", nil, func(c vectors.Case) error {
		var v struct {
			Network, Address, Message, Signature string
			Valid                                bool
			WIF, Mnemonic, Path                  string
			Hex                                  string `json:"private_key_hex"`
			ScriptType                           string `json:"script_type"`
			NoScriptType                         bool   `json:"no_script_type_in_header"`
			Source                               string
			SignResult                           string `json:"sign_result"`
		}
		c.Decode(&v)
		network, err := btc.ParseNetwork(v.Network)
		if err != nil {
			return err
		}
		r, err := message.Verify(v.Address, network, v.Message, v.Signature)
		if v.Valid != (err == nil) {
			return fmt.Errorf("valid: %v (%v), want %v", err == nil, err, v.Valid)
		}
		if err == nil && r.Format != message.Legacy && r.Format != message.BIP137 {
			return fmt.Errorf("format %s", r.Format)
		}
		if v.SignResult != "same" {
			return nil
		}
		key, err := keyFor(v.WIF, v.Hex, v.Mnemonic, v.Path)
		if err != nil {
			return err
		}
		format := message.Legacy
		if !v.NoScriptType && (v.ScriptType == "sh-wpkh" || v.ScriptType == "wpkh") {
			format = message.BIP137
		}
		if v.Source == "electrum" {
			format = message.Low
		}
		sig, err := message.Sign(key, v.Address, network, v.Message, format)
		if err != nil {
			return err
		}
		if sig != v.Signature {
			return fmt.Errorf("signed %s", sig)
		}
		return nil
	})
}

func keyFor(wifText, hexText, words, path string) (*btcec.PrivateKey, error) {
	if wifText != "" {
		return wif(wifText)
	}
	if hexText != "" {
		raw, err := hex.DecodeString(hexText)
		key, _ := btcec.PrivKeyFromBytes(raw)
		return key, err
	}
	m, err := mnemonic.Parse(words)
	if err != nil {
		return nil, err
	}
	root, err := btc.NewMaster(m.Seed(""), true)
	if err != nil {
		return nil, err
	}
	p, err := btc.ParsePath(path)
	if err != nil {
		return nil, err
	}
	k, err := root.Derive(p)
	if err != nil {
		return nil, err
	}
	key, ok := k.PrivateKey()
	if !ok {
		return nil, fmt.Errorf("no private key at %s", path)
	}
	return key, nil
}

// BIP322's own file has three lists of cases in a form of its own.
func TestVectorsBIP322(t *testing.T) {
	var doc struct {
		Simple []struct {
			Message, Address, Type string
			Keys                   []string `json:"private_keys"`
			WitnessScript          string   `json:"witness_script"`
			Signatures             []string `json:"bip322_signatures"`
		}
		Error []struct{ Description, Message, Address, Signature string }
	}
	if err := json.Unmarshal(vectors.Read(t, "message/bip322/basic-test-vectors.json"), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Simple) < 4 || len(doc.Error) < 8 {
		t.Fatalf("%d and %d cases", len(doc.Simple), len(doc.Error))
	}
	for _, v := range doc.Simple {
		t.Run(v.Type+" "+v.Message, func(t *testing.T) {
			for _, s := range v.Signatures {
				if r, err := message.Verify(v.Address, btc.Mainnet, v.Message, s); err != nil || r.Format != message.Simple || r.LockTime != 0 || r.Sequence != 0 {
					t.Errorf("%s: %+v, %v", s, r, err)
				}
			}
			var keys []*btcec.PrivateKey
			for _, k := range v.Keys {
				key, err := wif(k)
				if err != nil {
					t.Fatal(err)
				}
				keys = append(keys, key)
			}
			var sig string
			var err error
			if v.WitnessScript != "" {
				script, _ := hex.DecodeString(v.WitnessScript)
				slices.Reverse(keys) // the order of the keys is the script's, not ours
				sig, err = message.SignMultisig(keys, script, v.Message, message.Simple)
			} else {
				sig, err = message.Sign(keys[0], v.Address, btc.Mainnet, v.Message, message.Simple)
			}
			without := strings.TrimPrefix(sig, "smp")
			if err != nil || !slices.Contains(v.Signatures, sig) && !slices.Contains(v.Signatures, without) {
				t.Errorf("signed %s, %v", sig, err)
			}
		})
	}
	for _, v := range doc.Error {
		t.Run(v.Description, func(t *testing.T) {
			if r, err := message.Verify(v.Address, btc.Mainnet, v.Message, v.Signature); errs.KindOf(err) != errs.Invalid {
				t.Errorf("accepted: %+v, %v", r, err)
			}
		})
	}
}
