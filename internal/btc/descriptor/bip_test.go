package descriptor_test

import (
	"encoding/hex"
	"fmt"
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/vectors"
)

// scriptsAt returns the scriptPubKeys of a single-path descriptor at an index in hex.
func scriptsAt(d *descriptor.Descriptor, index uint32) ([]string, error) {
	outs, err := d.Outputs(index)
	if err != nil {
		return nil, err
	}
	var scripts []string
	for _, o := range outs {
		scripts = append(scripts, hex.EncodeToString(o.Script))
	}
	return scripts, nil
}

// sameScripts compares scripts[i] with what the descriptor derives at i.
func sameScripts(d *descriptor.Descriptor, want [][]string) error {
	for i, w := range want {
		got, err := scriptsAt(d, uint32(i))
		if err != nil {
			return fmt.Errorf("index %d: %w", i, err)
		}
		if fmt.Sprint(got) != fmt.Sprint(w) {
			return fmt.Errorf("index %d: scripts %v, want %v", i, got, w)
		}
	}
	return nil
}

// network turns a vector's network word into an option; nil for "any".
func network(t testing.TB, word string) *btc.Network {
	t.Helper()
	if word == "any" || word == "" {
		return nil
	}
	n, err := btc.ParseNetwork(word)
	if err != nil {
		t.Fatal(err)
	}
	return &n
}

func TestBIPDescriptorsDeriveTheirScripts(t *testing.T) {
	vectors.Each(t, "descriptors/bip381_390_valid.json", nil, func(c vectors.Case) error {
		var v struct {
			Descriptor, Network string
			Ranged              bool
			Scripts             [][]string
		}
		c.Decode(&v)
		d, err := descriptor.Parse(v.Descriptor, descriptor.Options{AllowPrivate: true, Network: network(t, v.Network)})
		if err != nil {
			return err
		}
		if d.IsRanged() != v.Ranged {
			return fmt.Errorf("ranged is %v", d.IsRanged())
		}
		return sameScripts(d, v.Scripts)
	})
}

func TestBIPInvalidDescriptorsAreRefused(t *testing.T) {
	vectors.Each(t, "descriptors/bip381_390_invalid.json", nil, func(c vectors.Case) error {
		var v struct{ Descriptor, Network string }
		c.Decode(&v)
		_, err := descriptor.Parse(v.Descriptor, descriptor.Options{AllowPrivate: true, Network: network(t, v.Network)})
		if err == nil {
			return fmt.Errorf("%s was accepted", v.Descriptor)
		}
		t.Log(err)
		return nil
	})
}
