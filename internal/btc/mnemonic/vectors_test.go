package mnemonic_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/mnemonic"
	"specter/internal/vectors"
)

// same returns an error where two texts differ.
func same(what, got, want string) error {
	if got != want {
		return fmt.Errorf("%s: got %s, want %s", what, got, want)
	}
	return nil
}

func first(errors ...error) error {
	for _, err := range errors {
		if err != nil {
			return err
		}
	}
	return nil
}

func checkBIP39(c vectors.Case) error {
	var v struct {
		Language, Mnemonic, Passphrase string
		Entropy                        string `json:"entropy_hex"`
		Seed                           string `json:"seed_hex"`
		Root                           string `json:"root_xprv"`
	}
	c.Decode(&v)
	if v.Language == "" {
		v.Language = "english"
	}
	m, err := mnemonic.Parse(v.Mnemonic)
	if err != nil {
		return err
	}
	in, err := mnemonic.ParseIn(v.Mnemonic, mnemonic.Language(v.Language))
	if err != nil {
		return err
	}
	entropy, err := hex.DecodeString(v.Entropy)
	if err != nil {
		return err
	}
	made, err := mnemonic.FromEntropy(entropy, mnemonic.Language(v.Language))
	if err != nil {
		return err
	}
	seed := m.Seed(v.Passphrase)
	root, err := btc.NewMaster(seed, true)
	if err != nil {
		return err
	}
	return first(
		same("entropy", hex.EncodeToString(in.Entropy()), v.Entropy),
		same("words", strings.Join(made.Words(), " "), strings.Join(in.Words(), " ")),
		same("seed", hex.EncodeToString(seed), v.Seed),
		same("root", root.String(), v.Root),
	)
}

func TestVectorsEnglish(t *testing.T) { vectors.Each(t, "bip39/english.json", nil, checkBIP39) }
func TestVectorsOtherLanguages(t *testing.T) {
	vectors.Each(t, "bip39/other_languages.json", nil, checkBIP39)
}

func TestVectorsValidity(t *testing.T) {
	vectors.Each(t, "bip39/validity.json", nil, func(c vectors.Case) error {
		var v struct {
			Mnemonic, Language string
			Valid              *bool
			Fixed              string `json:"checksum_fixed"`
		}
		c.Decode(&v)
		m, err := mnemonic.Parse(v.Mnemonic)
		if v.Valid != nil && *v.Valid != (err == nil) {
			return fmt.Errorf("valid is %v, want %v", err == nil, *v.Valid)
		}
		if v.Fixed != "" {
			fixed, err := mnemonic.FixChecksum(v.Mnemonic, mnemonic.English)
			if err != nil {
				return err
			}
			if err := same("fixed", fixed.Phrase(), v.Fixed); err != nil {
				return err
			}
		}
		if v.Language == "" {
			return nil
		}
		return first(err, same("language", string(m.Language()), v.Language))
	})
}

func TestVectorsSeedQR(t *testing.T) {
	vectors.Each(t, "bip39/seedqr.json", nil, func(c vectors.Case) error {
		var v struct {
			Seed   string
			Digits string `json:"as_digits"`
			Bytes  string `json:"as_compact_bytes"`
		}
		c.Decode(&v)
		m, err := mnemonic.Parse(v.Seed)
		if err != nil {
			return err
		}
		digits, err1 := m.SeedQR()
		compact, err2 := m.CompactSeedQR()
		fromDigits, err3 := mnemonic.FromSeedQR(v.Digits)
		raw, err4 := hex.DecodeString(v.Bytes)
		fromBytes, err5 := mnemonic.FromCompactSeedQR(raw)
		return first(err1, err2, err3, err4, err5,
			same("digits", digits, v.Digits),
			same("compact", hex.EncodeToString(compact), v.Bytes),
			same("from digits", fromDigits.Phrase(), v.Seed),
			same("from bytes", fromBytes.Phrase(), v.Seed))
	})
}

// master is the root key of a mnemonic without passphrase.
func master(words string, main bool) (btc.XKey, error) {
	m, err := mnemonic.Parse(words)
	if err != nil {
		return btc.XKey{}, err
	}
	return btc.NewMaster(m.Seed(""), main)
}

func derive(root btc.XKey, path string) (btc.XKey, error) {
	p, err := btc.ParsePath(path)
	if err != nil {
		return btc.XKey{}, err
	}
	return root.Derive(p)
}

func TestVectorsHWIPaths(t *testing.T) {
	vectors.Each(t, "bip32/hwi_mnemonic_paths.json", nil, func(c vectors.Case) error {
		var v struct {
			Mnemonic string
			Account  string `json:"xpub_m_44h_0h_0h"`
			Chain    []struct{ Path, XPub string }
		}
		c.Decode(&v)
		root, err := master(v.Mnemonic, true)
		if err != nil {
			return err
		}
		account, err := derive(root, "m/44h/0h/0h")
		if err := first(err, same("account", account.Public().String(), v.Account)); err != nil {
			return err
		}
		if len(v.Chain) == 0 {
			return fmt.Errorf("no chain in the case")
		}
		for _, link := range v.Chain {
			k, err := derive(root, link.Path)
			if err := first(err, same(link.Path, k.Public().String(), link.XPub)); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestVectorsCaravanNodes(t *testing.T) {
	vectors.Each(t, "bip32/caravan_nodes.json", nil, func(c vectors.Case) error {
		var v map[string]string
		c.Decode(&v)
		main, err := master(v["mnemonic"], true)
		if err != nil {
			return err
		}
		test, err := master(v["mnemonic"], false)
		if err != nil {
			return err
		}
		k, err := derive(main, v["path"])
		if err != nil {
			return err
		}
		tk, err := derive(test, v["path"])
		if err != nil {
			return err
		}
		checked := 0
		want := func(what, got, want string) error {
			if want == "" {
				return nil
			}
			checked++
			return same(what, got, want)
		}
		err = first(
			want("fingerprint", main.Fingerprint().String(), v["fingerprint"]),
			want("root fingerprint", main.Fingerprint().String(), v["rootFingerprint"]),
			want("pub", hex.EncodeToString(k.PublicKey[:]), v["pub"]),
			want("chain code", hex.EncodeToString(k.ChainCode[:]), v["chaincode"]))
		for name, value := range v {
			version, unknown := btc.VersionByPrefix(name)
			if err != nil || unknown != nil {
				continue
			}
			key := k
			if !version.Main {
				key = tk
			}
			if !version.Private {
				key = key.Public()
			}
			err = want(name, key.Encode(version.Bytes), value)
		}
		if err == nil && checked < 2 {
			return fmt.Errorf("only %d fields checked", checked)
		}
		return err
	})
}
