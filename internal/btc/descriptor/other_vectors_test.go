package descriptor_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"specter/internal/btc/descriptor"
	"specter/internal/errs"
	"specter/internal/vectors"
)

func TestChecksumsAreVerified(t *testing.T) {
	vectors.Each(t, "descriptors/bip380_checksum.json", nil, func(c vectors.Case) error {
		var v struct {
			Descriptor string
			Valid      bool
		}
		c.Decode(&v)
		d, err := descriptor.Parse(v.Descriptor, descriptor.Options{})
		if !v.Valid {
			return equal("code", errs.CodeOf(err), errs.BadChecksum)
		}
		if err != nil {
			return err
		}
		return firstError(
			equal("given", d.ChecksumGiven(), strings.Contains(v.Descriptor, "#")),
			equal("checksum", d.Checksum(), "89f8spxm"),
		)
	})
}

func TestKeyExpressions(t *testing.T) {
	vectors.Each(t, "descriptors/bip380_key_expressions.json", nil, func(c vectors.Case) error {
		var v struct {
			Key   string `json:"key_expression"`
			Valid bool
		}
		c.Decode(&v)
		d, err := parsePrivate(t, "pkh("+v.Key+")", "any")
		k, kerr := descriptor.ParseKeyExpression(v.Key, descriptor.Options{AllowPrivate: true})
		if (err == nil) != v.Valid || (kerr == nil) != v.Valid {
			return fmt.Errorf("in pkh(): %v; alone: %v", err, kerr)
		}
		if err != nil {
			return nil
		}
		_, publicOnly := descriptor.Parse("pkh("+v.Key+")", descriptor.Options{})
		return firstError(
			equal("private form", bare(d.StringPrivate()), "pkh("+withH(v.Key)+")"),
			equal("text alone", k.TextPrivate(), withH(v.Key)),
			equal("public text", k.Text, d.Keys()[0].Text),
			equal("private keys refused where not allowed", publicOnly != nil, d.HasPrivateKeys()),
		)
	})
}

func TestMultipathExpands(t *testing.T) {
	vectors.Each(t, "descriptors/bip389_multipath.json", nil, func(c vectors.Case) error {
		var v struct {
			Descriptor string
			Expanded   []string
		}
		c.Decode(&v)
		d, err := parsePrivate(t, v.Descriptor, "any")
		if err != nil {
			return err
		}
		for i, e := range d.Expand() {
			if err := equal("expanded", bare(e.StringPrivate()), v.Expanded[i]); err != nil {
				return err
			}
		}
		return equal("number", len(d.Expand()), len(v.Expanded))
	})
}

func TestAnnotations(t *testing.T) {
	vectors.Each(t, "descriptors/bip393_annotations.json", nil, func(c vectors.Case) error {
		var v struct {
			Descriptor string
			Without    string `json:"descriptor_without_checksum"`
			Valid      bool
		}
		c.Decode(&v)
		text := v.Descriptor
		if text == "" {
			text = descriptor.AddChecksum(v.Without)
		}
		d, err := descriptor.Parse(text, descriptor.Options{})
		if !v.Valid {
			return equal("code", errs.CodeOf(err), errs.Malformed)
		}
		if err != nil {
			return err
		}
		plain, err := d.WithAnnotations(nil)
		if err != nil {
			return err
		}
		height, ok := d.Annotations().Get("bh")
		return firstError(
			equal("printed", d.String(), v.Descriptor),
			equal("has a birthday", ok && height > 0, true),
			equal("plain form", strings.Contains(plain.String(), "?"), false),
			equal("same script", fmt.Sprint(scriptsAt(d, 3)), fmt.Sprint(scriptsAt(plain, 3))),
		)
	})
}

func TestExpandedOutputsOfElectrumAndHWI(t *testing.T) {
	vectors.Each(t, "descriptors/electrum_hwi_expand.json", nil, func(c vectors.Case) error {
		var v struct {
			Descriptor, Network, Address string
			Index                        uint32
			Valid                        bool
			Output                       string `json:"output_script"`
			Witness                      string `json:"witness_script"`
		}
		c.Decode(&v)
		d, err := parsePrivate(t, v.Descriptor, v.Network)
		if (err == nil) != v.Valid || err != nil {
			if v.Valid {
				return err
			}
			return equal("refused", err != nil, true)
		}
		o, err := d.Derive(v.Index)
		if err != nil {
			return err
		}
		if v.Address != "" {
			a, _ := o.Address(*network(t, v.Network))
			if err := equal("address", a, v.Address); err != nil {
				return err
			}
		}
		if v.Witness != "" {
			if err := equal("witness script", hex.EncodeToString(o.WitnessScript), v.Witness); err != nil {
				return err
			}
		}
		return equal("script", hex.EncodeToString(o.Script), v.Output)
	})
}

// variant picks one script of a combo().
func variant(d *descriptor.Descriptor, index uint32, n int) (*descriptor.Output, error) {
	outs, err := d.Outputs(index)
	if err != nil {
		return nil, err
	}
	if n >= len(outs) {
		return nil, fmt.Errorf("there is no variant %d", n)
	}
	return outs[n], nil
}

func TestLibwallyAddresses(t *testing.T) {
	vectors.Each(t, "descriptors/libwally_addresses.json", nil, func(c vectors.Case) error {
		var v struct {
			Descriptor, Network string
			Variant             int    `json:"combo_variant"`
			First               uint32 `json:"first_index"`
			Branch              int
			Addresses           []string
			Error               bool
		}
		c.Decode(&v)
		got, err := func() ([]string, error) {
			d, err := parsePrivate(t, v.Descriptor, v.Network)
			if err != nil {
				return nil, err
			}
			b, err := d.Branch(v.Branch)
			if err != nil {
				return nil, err
			}
			var got []string
			for i := range max(1, len(v.Addresses)) {
				o, err := variant(b, v.First+uint32(i), v.Variant)
				if err != nil {
					return nil, err
				}
				a, ok := o.Address(*network(t, v.Network))
				if !ok {
					return nil, fmt.Errorf("no address")
				}
				got = append(got, a)
			}
			return got, nil
		}()
		if v.Error {
			return equal("refused", err != nil, true)
		}
		if err != nil {
			return err
		}
		return equal("addresses", strings.Join(got, " "), strings.Join(v.Addresses, " "))
	})
}

func TestLibwallyValid(t *testing.T) {
	vectors.Each(t, "descriptors/libwally_valid.json", nil, func(c vectors.Case) error {
		var v struct {
			Descriptor, Network, Checksum string
			Variant                       int `json:"combo_variant"`
			Index                         uint32
			Script                        string `json:"script_pubkey"`
		}
		c.Decode(&v)
		sum, err := descriptor.Checksum(bare(v.Descriptor))
		if err != nil {
			return err
		}
		if err := equal("checksum", sum, v.Checksum); err != nil {
			return err
		}
		d, err := parsePrivate(t, v.Descriptor, v.Network)
		if err != nil {
			return err
		}
		b, err := d.Branch(0)
		if err != nil {
			return err
		}
		o, err := variant(b, v.Index, v.Variant)
		if err != nil {
			return err
		}
		return equal("script", hex.EncodeToString(o.Script), v.Script)
	})
}

func TestLibwallyInvalid(t *testing.T) {
	vectors.Each(t, "descriptors/libwally_invalid.json", nil, func(c vectors.Case) error {
		var v struct{ Descriptor, Network string }
		c.Decode(&v)
		d, err := parsePrivate(t, v.Descriptor, v.Network)
		if err == nil {
			var b *descriptor.Descriptor
			if b, err = d.Branch(0); err == nil {
				_, err = b.Outputs(0)
			}
		}
		return equal("refused", err != nil, true)
	})
}

func TestBranchAndIndexOfMultipath(t *testing.T) {
	vectors.Each(t, "descriptors/multipath_derive_hwi.json", nil, func(c vectors.Case) error {
		var v struct {
			Descriptor string
			Index      uint32
			Branch     int
			Derived    string `json:"derived_descriptor"`
		}
		c.Decode(&v)
		d, err := descriptor.Parse(v.Descriptor, descriptor.Options{})
		if err != nil {
			return err
		}
		b, err := d.Branch(v.Branch)
		if err != nil {
			return err
		}
		at, err := b.At(v.Index)
		if err != nil {
			return err
		}
		return firstError(
			equal("descriptor", bare(at.String()), v.Derived),
			equal("script", fmt.Sprint(scriptsAt(at, 0)), fmt.Sprint(scriptsAt(b, v.Index))),
		)
	})
}

func TestPastedKeysAndDescriptorsAreNormalized(t *testing.T) {
	vectors.Each(t, "descriptors/sparrow_normalise.json", nil, func(c vectors.Case) error {
		var v struct {
			Input, Normalized string
			With              bool `json:"with_checksum"`
		}
		c.Decode(&v)
		d, err := descriptor.ParseAny(v.Input, descriptor.Options{})
		if err != nil {
			return err
		}
		if v.With {
			return equal("normalized", d.String(), v.Normalized)
		}
		return equal("normalized", bare(d.String()), v.Normalized)
	})
}

func TestWatchedKeysGiveTheirAddresses(t *testing.T) {
	vectors.Each(t, "descriptors/sparrow_watch_addresses.json", nil, func(c vectors.Case) error {
		var v struct {
			Input, Address, Network string
			Branch                  int
			Index                   uint32
		}
		c.Decode(&v)
		d, err := descriptor.ParseAny(v.Input, descriptor.Options{Network: network(t, v.Network)})
		if err != nil {
			return err
		}
		if w, err := d.WithBranches(); err == nil {
			d = w
		} else if errs.CodeOf(err) != errs.Unsupported {
			return err
		}
		b, err := d.Branch(v.Branch)
		if err != nil {
			return err
		}
		o, err := b.Derive(v.Index)
		if err != nil {
			return err
		}
		a, _ := o.Address(*network(t, v.Network))
		return equal("address", a, v.Address)
	})
}
