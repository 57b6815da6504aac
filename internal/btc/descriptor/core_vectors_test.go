package descriptor_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"specter/internal/btc/descriptor"
	"specter/internal/errs"
	"specter/internal/vectors"
)

var hardenedMark = regexp.MustCompile(`([0-9*])'`)

// withH writes hardened steps with h, as we print them.
func withH(s string) string { return hardenedMark.ReplaceAllString(s, "${1}h") }

var apostropheMark = regexp.MustCompile(`([0-9*])h([\],;>)/])`)

// withApostrophe is the form over which Bitcoin Core hashes a descriptor's identity.
func withApostrophe(s string) string {
	for range 2 { // matches may overlap in their last character
		s = apostropheMark.ReplaceAllString(s, "${1}'${2}")
	}
	return s
}

func bare(s string) string { s, _, _ = strings.Cut(s, "#"); return s }

func parsePrivate(t testing.TB, s, net string) (*descriptor.Descriptor, error) {
	return descriptor.Parse(s, descriptor.Options{AllowPrivate: true, Network: network(t, net)})
}

type coreValid struct {
	Private    string `json:"descriptor_private"`
	Public     string `json:"descriptor_public"`
	Normalized string
	Ranged     bool
	Needs      bool `json:"needs_private_key_to_derive"`
	Solvable   bool
	OutputType *string `json:"output_type"`
	Scripts    [][]string
	ID         string     `json:"descriptor_id"`
	KeyPaths   [][]uint32 `json:"key_paths"`
	Flags      []string
	Network    string
}

func TestCoreDescriptorsInAllTheirForms(t *testing.T) {
	vectors.Each(t, "descriptors/core_valid.json", nil, func(c vectors.Case) error {
		var v coreValid
		c.Decode(&v)
		d, err := parsePrivate(t, v.Private, v.Network)
		if err != nil {
			return err
		}
		pub, err := descriptor.Parse(v.Public, descriptor.Options{Network: network(t, v.Network)})
		if err != nil {
			return err
		}
		return firstError(
			equal("public form", bare(d.String()), withH(v.Public)),
			equal("public form of the public one", bare(pub.String()), withH(v.Public)),
			equal("Public()", d.Public().String(), pub.String()),
			equal("private form", bare(d.StringPrivate()), withH(v.Private)),
			equal("has private keys", fmt.Sprint(d.HasPrivateKeys(), pub.HasPrivateKeys()), fmt.Sprint(v.Private != v.Public, false)),
			checkNormalized(d, pub, v),
			equal("ranged", d.IsRanged(), v.Ranged),
			equal("solvable", d.IsSolvable(), v.Solvable),
			checkOutputType(d, v.OutputType),
			sameScripts(d, v.Scripts),
			checkPublicDerivation(pub, v),
			checkCoreID(pub, v.ID),
			checkKeyPaths(d, v),
		)
	})
}

func firstError(list ...error) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}

func equal[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s: got %v, want %v", what, got, want)
	}
	return nil
}

func checkNormalized(d, pub *descriptor.Descriptor, v coreValid) error {
	n, err := d.Normalize()
	if err != nil {
		return err
	}
	if err := equal("normalized", bare(n.String()), v.Normalized); err != nil {
		return err
	}
	if !v.Needs {
		return nil
	}
	_, err = pub.Normalize()
	if strings.Contains(v.Normalized, "*h") {
		return nil // nothing can be normalized
	}
	if err == nil {
		return fmt.Errorf("the public form was normalized without its private keys")
	}
	return nil
}

func checkOutputType(d *descriptor.Descriptor, want *string) error {
	if want == nil {
		return equal("output type", d.OutputType(), "")
	}
	return equal("output type", d.OutputType(), *want)
}

func checkPublicDerivation(pub *descriptor.Descriptor, v coreValid) error {
	if !v.Needs {
		return sameScripts(pub, v.Scripts)
	}
	if _, err := scriptsAt(pub, 0); errs.CodeOf(err) != errs.BadPath {
		return fmt.Errorf("a hardened step was derived from a public key (%v)", err)
	}
	return nil
}

func checkCoreID(pub *descriptor.Descriptor, want string) error {
	if want == "" {
		return nil
	}
	sum := sha256.Sum256([]byte(descriptor.AddChecksum(withApostrophe(bare(pub.String())))))
	slices.Reverse(sum[:])
	return equal("identity", hex.EncodeToString(sum[:]), want)
}

// checkKeyPaths compares the origins' paths over all the case's indexes as sets.
func checkKeyPaths(d *descriptor.Descriptor, v coreValid) error {
	if v.KeyPaths == nil {
		return nil
	}
	got := make(map[string]bool)
	for i := range v.Scripts {
		outs, err := d.Outputs(uint32(i))
		if err != nil {
			return err
		}
		for _, o := range outs {
			for _, k := range o.Keys {
				got[fmt.Sprint([]uint32(k.Origin.Path))] = true
			}
			for _, m := range o.MuSig {
				got[fmt.Sprint([]uint32(m.Origin.Path))] = true
			}
		}
	}
	for _, p := range v.KeyPaths {
		if !got[fmt.Sprint(p)] {
			return fmt.Errorf("no key has the path %v, only %v", p, got)
		}
		delete(got, fmt.Sprint(p))
	}
	if len(got) > 0 {
		return fmt.Errorf("keys have paths that Core does not know: %v", got)
	}
	return nil
}

func TestCoreInvalidDescriptorsAreRefused(t *testing.T) {
	codes := make(map[errs.Code]int)
	vectors.Each(t, "descriptors/core_invalid.json", nil, func(c vectors.Case) error {
		var v struct{ Descriptor, Network string }
		c.Decode(&v)
		_, err := parsePrivate(t, v.Descriptor, v.Network)
		if err == nil {
			return fmt.Errorf("%s was accepted", v.Descriptor)
		}
		if !errs.Is(err, errs.Invalid) {
			return fmt.Errorf("the refusal is not of kind invalid: %w", err)
		}
		codes[errs.CodeOf(err)]++
		return nil
	})
	t.Log(codes)
}

func TestCoreMultipathDescriptorsExpand(t *testing.T) {
	vectors.Each(t, "descriptors/core_multipath.json", nil, func(c vectors.Case) error {
		var v struct {
			Private    string       `json:"descriptor_private"`
			Public     string       `json:"descriptor_public"`
			ExpPrivate []string     `json:"expanded_private"`
			ExpPublic  []string     `json:"expanded_public"`
			ExpNormal  []string     `json:"expanded_normalized"`
			Scripts    [][][]string `json:"scripts"`
			OutputType *string      `json:"output_type"`
			Network    string
		}
		c.Decode(&v)
		d, err := parsePrivate(t, v.Private, v.Network)
		if err != nil {
			return err
		}
		if err := firstError(
			equal("public form", bare(d.String()), withH(v.Public)),
			equal("private form", bare(d.StringPrivate()), withH(v.Private)),
			equal("branches", d.Branches(), len(v.ExpPublic)),
			checkOutputType(d, v.OutputType),
		); err != nil {
			return err
		}
		var parts []*descriptor.Descriptor
		for i, b := range d.Expand() {
			parts = append(parts, b)
			n, err := b.Normalize()
			if err != nil {
				return err
			}
			if err := firstError(
				equal("expanded private", bare(b.StringPrivate()), withH(v.ExpPrivate[i])),
				equal("expanded public", bare(b.String()), withH(v.ExpPublic[i])),
				equal("expanded normalized", bare(n.String()), withH(v.ExpNormal[i])),
				sameScripts(b, v.Scripts[i]),
			); err != nil {
				return fmt.Errorf("branch %d: %w", i, err)
			}
		}
		joined, err := descriptor.Join(parts...)
		if err != nil {
			return err
		}
		return equal("joined again", joined.StringPrivate(), d.StringPrivate())
	})
}

func TestCoreGetDescriptorInfo(t *testing.T) {
	vectors.Each(t, "descriptors/core_getdescriptorinfo.json", nil, func(c vectors.Case) error {
		var v struct {
			Network, Descriptor                        string
			Valid, IsRange, IsSolvable, HasPrivateKeys bool
			With                                       string   `json:"descriptor_with_checksum"`
			Expansion                                  []string `json:"multipath_expansion"`
		}
		c.Decode(&v)
		d, err := parsePrivate(t, v.Descriptor, v.Network)
		if (err == nil) != v.Valid {
			return fmt.Errorf("error is %v", err)
		}
		if err != nil {
			return nil
		}
		parts := d.Expand()
		if d.Type() == "combo" {
			parts = []*descriptor.Descriptor{d}
		}
		for i, want := range v.Expansion {
			if err := equal("expansion", parts[i].String(), want); err != nil {
				return err
			}
		}
		return firstError(
			equal("with checksum", parts[0].String(), v.With),
			equal("ranged", d.IsRanged(), v.IsRange),
			equal("solvable", d.IsSolvable(), v.IsSolvable),
			equal("private", d.HasPrivateKeys(), v.HasPrivateKeys),
		)
	})
}

func TestCoreDeriveAddresses(t *testing.T) {
	exceptions := map[string]string{
		"bad-02": "'Missing checksum' is a rule of Core's command line; the file says so itself",
		"bad-07": "a range for a descriptor that has none is refused by the command, not by the descriptor",
	}
	vectors.Each(t, "descriptors/core_deriveaddresses.json", exceptions, func(c vectors.Case) error {
		var v struct {
			Network, Descriptor string
			Range               *[2]uint32
			Addresses           []json.RawMessage
			Error               bool
		}
		c.Decode(&v)
		d, err := parsePrivate(t, v.Descriptor, v.Network)
		if err != nil {
			return err
		}
		got, err := addresses(d, v.Network, v.Range, t)
		if v.Error {
			if err == nil {
				return fmt.Errorf("got %v", got)
			}
			return nil
		}
		if err != nil {
			return err
		}
		want, _ := json.Marshal(v.Addresses)
		have, _ := json.Marshal(got)
		if d.Branches() == 1 {
			have, _ = json.Marshal(got[0])
		}
		return equal("addresses", string(have), string(want))
	})
}

func addresses(d *descriptor.Descriptor, net string, r *[2]uint32, t testing.TB) ([][]string, error) {
	var out [][]string
	for i := range d.Branches() {
		b, err := d.Branch(i)
		if err != nil {
			return nil, err
		}
		from, to := uint32(0), uint32(0)
		if r != nil {
			from, to = r[0], r[1]
		}
		var list []string
		for index := from; index <= to; index++ {
			o, err := b.Derive(index)
			if err != nil {
				return nil, err
			}
			a, ok := o.Address(*network(t, net))
			if !ok {
				return nil, fmt.Errorf("no address")
			}
			list = append(list, a)
		}
		out = append(out, list)
	}
	return out, nil
}

func TestCoreInfersDescriptors(t *testing.T) {
	vectors.Each(t, "descriptors/core_infer.json", nil, func(c vectors.Case) error {
		var v struct {
			Script, Descriptor string
			Scripts            []string    `json:"known_scripts"`
			Keys               [][2]string `json:"known_pubkeys"`
		}
		c.Decode(&v)
		var known descriptor.Known
		for _, k := range v.Keys {
			key, err := descriptor.ParseKnownKey(k[0])
			if err != nil {
				t.Logf("no key at all: %v", err)
				continue
			}
			known.Keys = append(known.Keys, key)
		}
		script, _ := hex.DecodeString(v.Script)
		d, err := descriptor.Infer(script, known)
		if err != nil {
			return err
		}
		return equal("descriptor", bare(d.String()), v.Descriptor)
	})
}

func TestCoreWatchOnlyMiniscriptsAreAccepted(t *testing.T) {
	vectors.Each(t, "miniscript/core_wallet_watchonly.json", nil, func(c vectors.Case) error {
		var v struct{ Network, Descriptor string }
		c.Decode(&v)
		d, err := descriptor.Parse(v.Descriptor, descriptor.Options{Network: network(t, v.Network)})
		if err != nil {
			return err
		}
		o, err := d.Derive(7)
		if err != nil {
			return err
		}
		if _, ok := o.Address(*network(t, v.Network)); !ok {
			return fmt.Errorf("no address")
		}
		if _, err := d.MaxInputWeight(); err != nil {
			return err
		}
		return equal("printed", bare(d.String()), withH(v.Descriptor))
	})
}
