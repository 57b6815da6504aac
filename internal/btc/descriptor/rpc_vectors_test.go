package descriptor_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/vectors"
)

func TestCoreSortsKeysOfMultisigs(t *testing.T) {
	var cases []struct {
		Keys            []string
		Sorted          []string `json:"sorted_keys"`
		Script, Address string
	}
	if err := json.Unmarshal(vectors.Read(t, "core_functional/rpc_bip67.json"), &cases); err != nil || len(cases) == 0 {
		t.Fatal(len(cases), err)
	}
	for _, v := range cases {
		if err := checkSortedMulti(t, 2, v.Keys, v.Sorted, v.Script, v.Address, "regtest"); err != nil {
			t.Error(err)
		}
	}
}

// specterCase is what Specter reads out of a descriptor; values are words or lists of words.
type specterCase struct {
	Descriptor string
	Expect     map[string]json.RawMessage
}

func TestSpecterReadsTheSame(t *testing.T) {
	vectors.Each(t, "descriptors/specter_desktop.json", nil, func(c vectors.Case) error {
		var v specterCase
		c.Decode(&v)
		d, err := descriptor.Parse(v.Descriptor, descriptor.Options{})
		if err != nil {
			return err
		}
		for field, raw := range v.Expect {
			got, err := specterField(d, field)
			if err != nil {
				return err
			}
			var want any
			if err := json.Unmarshal(raw, &want); err != nil {
				return err
			}
			if s, ok := want.(string); ok {
				want = withH(s)
			}
			if list, ok := want.([]any); ok {
				for i, s := range list {
					if s, ok := s.(string); ok {
						list[i] = withH(s)
					}
				}
			}
			a, _ := json.Marshal(got)
			b, _ := json.Marshal(want)
			if field == "serialize()" || field == "origin_path" && len(v.Expect) == 1 {
				a, b = []byte(bare(string(a))), []byte(bare(string(b)))
			}
			if string(a) != string(b) {
				return fmt.Errorf("%s: got %s, want %s", field, a, b)
			}
		}
		return nil
	})
}

// specterField computes one of the facts that Specter's tests assert.
func specterField(d *descriptor.Descriptor, field string) (any, error) {
	yes := func(b bool) any {
		if b {
			return true
		}
		return nil
	}
	switch field {
	case "wpkh":
		return yes(d.ScriptType() == "wpkh"), nil
	case "sh_wpkh":
		return yes(d.ScriptType() == "sh-wpkh"), nil
	case "wsh":
		return yes(d.ScriptType() == "wsh"), nil
	case "sh_wsh":
		return yes(d.ScriptType() == "sh-wsh"), nil
	case "address_type":
		return d.ScriptType(), nil
	case "testnet":
		main, _ := d.IsMain()
		return !main, nil
	case "serialize()":
		return d.String(), nil
	case "derive(1).serialize()":
		return derivedKeys(d, 1)
	case "derive(1, keep_xpubs=True).serialize()":
		return keepXPubs(d, 1)
	case "address(5)":
		return addressAt(d, 5, btc.Regtest)
	case "address(5, 'main')":
		return addressAt(d, 5, btc.Mainnet)
	}
	return keyField(d, field), nil
}

// keyField is a fact per key: a word for one key, a list for several.
func keyField(d *descriptor.Descriptor, field string) any {
	var out []any
	for _, k := range d.Keys() {
		var v any
		switch {
		case field == "base_key":
			v = k.XKey.String()
		case field == "path_suffix" && k.Path != "":
			v = "/" + k.Path
		case k.Origin == nil:
		case field == "origin_fingerprint":
			v = k.Origin.Fingerprint.String()
		case field == "origin_path":
			v = "/" + k.Origin.Path.String()
		case field == "m_path_base":
			v = k.Origin.Path.Full()
		case field == "m_path":
			v = k.Origin.Path.Full() + "/" + k.Path
		}
		out = append(out, v)
	}
	if len(out) == 1 {
		return out[0]
	}
	return out
}

func addressAt(d *descriptor.Descriptor, index uint32, n btc.Network) (any, error) {
	o, err := d.Derive(index)
	if err != nil {
		return nil, err
	}
	a, _ := o.Address(n)
	return a, nil
}

// derivedKeys writes the keys of sh(wsh(sortedmulti())) at an index, sorted, in hex.
func derivedKeys(d *descriptor.Descriptor, index uint32) (any, error) {
	return sortedText(d, index, func(_ descriptor.Key, pub string) string { return pub })
}

// keepXPubs writes the extended keys with their path to an index in the order of the script.
func keepXPubs(d *descriptor.Descriptor, index uint32) (any, error) {
	return sortedText(d, index, func(k descriptor.Key, _ string) string { return k.Text })
}

func sortedText(d *descriptor.Descriptor, index uint32, word func(k descriptor.Key, pub string) string) (any, error) {
	at, err := d.At(index)
	if err != nil {
		return nil, err
	}
	o, err := at.Derive(0)
	if err != nil {
		return nil, err
	}
	keys := at.Keys()
	slices.SortFunc(o.Keys, func(a, b descriptor.DerivedKey) int { return bytes.Compare(a.PubKey, b.PubKey) })
	m, _, _ := d.Threshold()
	words := []string{fmt.Sprint(m)}
	for _, k := range o.Keys {
		words = append(words, word(keys[k.Expression], hex.EncodeToString(k.PubKey)))
	}
	return descriptor.AddChecksum("sh(wsh(sortedmulti(" + strings.Join(words, ",") + ")))"), nil
}
