package btc_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2/base58"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/errs"
	"specter/internal/vectors"
)

func vectorNetwork(t testing.TB, word string) btc.Network {
	t.Helper()
	if word == "" {
		return btc.Mainnet // an address of no network is none of this one either
	}
	n, err := btc.ParseNetwork(word)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCoreAddressesAndKeys(t *testing.T) {
	vectors.Each(t, "address/core_key_io_valid.json", nil, func(c vectors.Case) error {
		var v struct {
			Input, Network, Kind string
			Script               string `json:"script_pubkey"`
			AnyCase              bool   `json:"case_insensitive"`
			Private              string `json:"privkey_hex"`
			Compressed           bool
		}
		c.Decode(&v)
		n := vectorNetwork(t, v.Network)
		if v.Kind == "privkey" {
			return checkWIF(v.Input, v.Private, v.Compressed, n)
		}
		a, err := btc.ParseAddress(v.Input, n)
		if err != nil {
			return err
		}
		back, ok := btc.AddressOf(a.Script, n)
		if got := hex.EncodeToString(a.Script); got != v.Script || !ok || back != v.Input {
			return fmt.Errorf("script %s, printed as %s; want %s", got, back, v.Script)
		}
		upper, err := btc.ParseAddress(strings.ToUpper(v.Input), n)
		if v.AnyCase != (err == nil) || v.AnyCase && string(upper.Script) != string(a.Script) {
			return fmt.Errorf("in capitals: %v", err)
		}
		for _, other := range btc.Networks() {
			if _, err := btc.ParseAddress(v.Input, other); other.IsMain() != n.IsMain() && errs.CodeOf(err) != errs.WrongNetwork {
				return fmt.Errorf("on %s: %v", other, err)
			}
		}
		return nil
	})
}

// checkWIF reads a private key as a key expression, on its network and on another one.
func checkWIF(text, want string, compressed bool, n btc.Network) error {
	k, err := descriptor.ParseKeyExpression(text, descriptor.Options{AllowPrivate: true, Network: &n})
	if err != nil {
		return err
	}
	priv, ok := k.PrivateKey()
	if !ok || hex.EncodeToString(priv.Serialize()) != want || (len(k.PubKey) == 33) != compressed || k.TextPrivate() != text {
		return fmt.Errorf("read as %x, printed as %s", k.PubKey, k.TextPrivate())
	}
	other := btc.Mainnet
	if n.IsMain() {
		other = btc.Regtest
	}
	if _, err := descriptor.ParseKeyExpression(text, descriptor.Options{AllowPrivate: true, Network: &other}); errs.CodeOf(err) != errs.WrongNetwork {
		return fmt.Errorf("on %s: %v", other, err)
	}
	return nil
}

func TestCoreStringsThatAreNeitherAddressNorKey(t *testing.T) {
	vectors.Each(t, "address/core_key_io_invalid.json", nil, func(c vectors.Case) error {
		var v struct{ Input string }
		c.Decode(&v)
		for _, n := range btc.Networks() {
			if a, err := btc.ParseAddress(v.Input, n); !errs.Is(err, errs.Invalid) {
				return fmt.Errorf("%q is %+v on %s (%v)", v.Input, a, n, err)
			}
		}
		if k, err := descriptor.ParseKeyExpression(v.Input, descriptor.Options{AllowPrivate: true}); err == nil {
			return fmt.Errorf("%q is the key %s", v.Input, k.Text)
		}
		return nil
	})
}

func TestCoreValidateAddress(t *testing.T) {
	vectors.Each(t, "address/core_validate.json", nil, func(c vectors.Case) error {
		var v struct {
			Network, Address string
			Valid            bool
			Locations        []int  `json:"error_locations"`
			Script           string `json:"script_pubkey"`
		}
		c.Decode(&v)
		a, err := btc.ParseAddress(v.Address, vectorNetwork(t, v.Network))
		if (err == nil) != v.Valid {
			return fmt.Errorf("error is %v", err)
		}
		if v.Valid {
			if hex.EncodeToString(a.Script) != v.Script && v.Script != "" {
				return fmt.Errorf("script %x", a.Script)
			}
			return nil
		}
		var where *btc.AddressError
		if !errors.As(err, &where) {
			if len(v.Locations) > 0 || errs.CodeOf(err) != errs.WrongNetwork {
				return fmt.Errorf("%w tells no places, want %v", err, v.Locations)
			}
			return nil
		}
		if !slices.Equal(where.Positions, v.Locations) {
			return fmt.Errorf("%w at %v, want %v", err, where.Positions, v.Locations)
		}
		return nil
	})
}

func TestBIP350Addresses(t *testing.T) {
	vectors.Each(t, "address/segwit_bip350.json", nil, func(c vectors.Case) error {
		var v struct {
			Network, Address string
			Valid            bool
			Script           string `json:"script_pubkey"`
		}
		c.Decode(&v)
		a, err := btc.ParseAddress(v.Address, vectorNetwork(t, v.Network))
		if (err == nil) != v.Valid || hex.EncodeToString(a.Script) != v.Script {
			return fmt.Errorf("script %x (%v)", a.Script, err)
		}
		if err != nil {
			return nil
		}
		if back, ok := btc.AddressOf(a.Script, a.Network); !ok || back != strings.ToLower(v.Address) {
			return fmt.Errorf("printed as %s", back)
		}
		return nil
	})
}

func TestBech32Strings(t *testing.T) {
	vectors.Each(t, "bech32/strings.json", nil, func(c vectors.Case) error {
		var v struct {
			Encoding, Input string
			Valid           bool
		}
		c.Decode(&v)
		want := map[string]btc.Bech32Encoding{"bech32": btc.Bech32, "bech32m": btc.Bech32m}[v.Encoding]
		var raw []byte // the odd byte is given as the code point of the same number
		for _, r := range v.Input {
			raw = append(raw, byte(r))
		}
		hrp, data, enc, err := btc.DecodeBech32(string(raw), 90)
		if valid := err == nil && enc == want; valid != v.Valid {
			return fmt.Errorf("read as %q %x (%v, encoding %d)", hrp, data, err, enc)
		}
		if v.Valid {
			if back := btc.EncodeBech32(hrp, data, enc); back != strings.ToLower(v.Input) {
				return fmt.Errorf("printed as %s", back)
			}
		}
		return nil
	})
}

func TestBase58Strings(t *testing.T) {
	vectors.Each(t, "base58/core.json", nil, func(c vectors.Case) error {
		var v struct{ Hex, Base58 string }
		c.Decode(&v)
		raw, err := hex.DecodeString(v.Hex)
		if err != nil {
			return err
		}
		if got := base58.Encode(raw); got != v.Base58 {
			return fmt.Errorf("encoded as %s", got)
		}
		if got := hex.EncodeToString(base58.Decode(v.Base58)); !strings.EqualFold(got, v.Hex) {
			return fmt.Errorf("decoded as %s", got)
		}
		return nil
	})
}

func TestOneMistypedCharacterIsFound(t *testing.T) {
	const addr = "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"
	if _, err := btc.ParseAddress(addr, btc.Mainnet); err != nil {
		t.Fatal(err)
	}
	for i := len("bc1"); i < len(addr); i++ {
		wrong := []byte(addr)
		wrong[i] = 'q'
		if addr[i] == 'q' {
			wrong[i] = 'p'
		}
		_, err := btc.ParseAddress(string(wrong), btc.Mainnet)
		var where *btc.AddressError
		if !errors.As(err, &where) || !slices.Equal(where.Positions, []int{i}) {
			t.Errorf("character %d was changed, but the answer is %v (%+v)", i, err, where)
		}
	}
}

// What Bitcoin Core's LocateErrors tells about strings that are not even bech32.
func TestPlacesInStringsThatAreNotBech32(t *testing.T) {
	for s, want := range map[string][]int{
		"bc1Qw508D6qejxtdg4y5r3zarvary0c5xw7kv8f3t4":     {3, 8},
		"bc1qw508d6qejxtdg4y5r3zarvary 0c5xw7kv8f3t\x7f": {29, 42},
		"bcqw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4":      nil,
		"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv81f3t4":    {38},
		"bc1" + strings.Repeat("q", 90):                  {90, 91, 92},
	} {
		_, err := btc.ParseAddress(s, btc.Mainnet)
		var where *btc.AddressError
		if !errors.As(err, &where) || !slices.Equal(where.Positions, want) {
			t.Errorf("%q: %v (%+v), want %v", s, err, where, want)
		}
	}
}
