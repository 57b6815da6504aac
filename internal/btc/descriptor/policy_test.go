package descriptor_test

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/errs"
	"specter/internal/vectors"
)

// policyKeys are distinct account keys for templates that come without.
var policyKeys = []string{
	"[6738736c/48'/0'/0'/100']xpub6FC1fXFP1GXQpyRFfSE1vzzySqs3Vg63bzimYLeqtNUYbzA87kMNTcuy9ubr7MmavGRjW2FRYHP4WGKjwutbf1ghgkUW9H7e3ceaPLRcVwa",
	"[b2b1f0cf/44'/0'/0'/100']xpub6EYajCJHe2CK53RLVXrN14uWoEttZgrRSaRztujsXg7yRhGtHmLBt9ot9Pd5ugfwWEu6eWyJYKSshyvZFKDXiNbBcoK42KRZbxwjRQpm5Js",
	"[a666a867/44'/0'/0'/100']xpub6Dgsze3ujLi1EiHoCtHFMS9VLS1UheVqxrHGfP7sBJ2DBfChEUHV4MDwmxAXR2ayeytpwm3zJEU3H3pjCR6q6U5sP2p2qzAD71x9z5QShK2",
}

var placeholder = regexp.MustCompile(`@[0-9]+`)

// keysFor returns as many keys as a template has different placeholders.
func keysFor(template string) []string {
	seen := make(map[string]bool)
	for _, p := range placeholder.FindAllString(template, -1) {
		seen[p] = true
	}
	return policyKeys[:len(seen)]
}

func TestBIP388PoliciesBothWays(t *testing.T) {
	vectors.Each(t, "bip388/vectors.json", nil, func(c vectors.Case) error {
		var v struct {
			Template, Descriptor string
			Keys                 []string
			Valid                bool
		}
		c.Decode(&v)
		if !v.Valid {
			_, err := descriptor.FromPolicy(v.Template, keysFor(v.Template), descriptor.Options{})
			t.Log(err)
			return equal("refused", errs.Is(err, errs.Invalid), true)
		}
		d, err := descriptor.FromPolicy(v.Template, v.Keys, descriptor.Options{})
		if err != nil {
			return err
		}
		same, err := descriptor.Parse(v.Descriptor, descriptor.Options{})
		if err != nil {
			return err
		}
		template, keys, err := same.Policy()
		if err != nil {
			return err
		}
		return firstError(
			equal("descriptor", bare(d.String()), withH(v.Descriptor)),
			equal("template", template, v.Template),
			equal("keys", fmt.Sprint(keys), fmt.Sprint(v.Keys)),
		)
	})
}

func TestTemplatesThatAreNoPolicies(t *testing.T) {
	for name, template := range map[string]string{
		"no path":                   "pkh(@0)",
		"path before the branches":  "pkh(@0/0/**)",
		"branches overlap":          "sh(multi(1,@0/<0;1>/*,@0/<1;2>/*))",
		"hardened branches":         "pkh(@0/<0h;1h>/*)",
		"equal branches":            "pkh(@0/<1;1>/*)",
		"no placeholder":            "raw(00)",
		"unused key":                "wpkh(@0/**)", // with two keys, below
		"leading zero":              "pkh(@00/**)",
		"bare multisig":             "multi(1,@0/**)",
		"combo":                     "combo(@0/**)",
		"checksum":                  "wpkh(@0/**)#00000000",
		"key twice in musig":        "tr(musig(@0,@0)/**)",
		"musig without a path":      "tr(musig(@0,@1))",
		"same musig in other order": "tr(musig(@0,@1)/**,pk(musig(@1,@0)/**))",
		"single and pair mixed":     "sh(multi(1,@0/**,@1/*))",
		"musig out of taproot":      "wsh(pk(musig(@0,@1)/**))",
	} {
		keys := keysFor(template)
		if name == "unused key" {
			keys = policyKeys[:2]
		}
		if d, err := descriptor.FromPolicy(template, keys, descriptor.Options{}); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %s became %v (%v)", name, template, d, err)
		}
	}
	again := []string{policyKeys[0], strings.Replace(policyKeys[0], "6738736c", "00000001", 1)}
	if _, err := descriptor.FromPolicy("sh(multi(1,@0/**,@1/**))", again, descriptor.Options{}); errs.CodeOf(err) != errs.BadKey {
		t.Errorf("one key under two numbers was taken (%v)", err)
	}
	if _, err := descriptor.FromPolicy("wpkh(@0/**)", []string{policyKeys[0] + "/1"}, descriptor.Options{}); errs.CodeOf(err) != errs.BadKey {
		t.Errorf("key information with a path was taken (%v)", err)
	}
}

func TestLibwallyPolicies(t *testing.T) {
	vectors.Each(t, "bip388/libwally_policies.json", nil, func(c vectors.Case) error {
		var v struct {
			Template, Network string
			Keys              []string
			Index             uint32
			Valid             bool
			Script            string `json:"script_pubkey_at_index"`
			Checksum          string `json:"descriptor_checksum"`
		}
		c.Decode(&v)
		d, err := descriptor.FromPolicy(v.Template, v.Keys, descriptor.Options{Network: network(t, v.Network)})
		if (err == nil) != v.Valid {
			return fmt.Errorf("error is %v", err)
		}
		if err != nil {
			return nil
		}
		b, err := d.Branch(0)
		if err != nil {
			return err
		}
		o, err := b.Derive(v.Index)
		if err != nil {
			return err
		}
		return firstError(equal("script", hex.EncodeToString(o.Script), v.Script), equal("checksum", d.Checksum(), v.Checksum))
	})
}

func TestLedgerPoliciesGiveTheirAddresses(t *testing.T) {
	vectors.Each(t, "bip388/ledger_addresses.json", nil, func(c vectors.Case) error {
		var v struct {
			Policy struct {
				Template   string   `json:"descriptor_template"`
				Equivalent string   `json:"template_equivalent"`
				Keys       []string `json:"keys_info"`
			}
			Change              int
			Index               uint32
			Address, Descriptor string
		}
		c.Decode(&v)
		n := btc.Testnet3
		template := v.Policy.Template + v.Policy.Equivalent
		d, err := descriptor.FromPolicy(template, v.Policy.Keys, descriptor.Options{Network: &n})
		if err != nil {
			return err
		}
		b, err := d.Branch(v.Change)
		if err != nil {
			return err
		}
		o, err := b.Derive(v.Index)
		if err != nil {
			return err
		}
		a, _ := o.Address(n)
		again, keys, err := d.Policy()
		if err != nil {
			return err
		}
		return firstError(
			equal("address", a, v.Address), equal("descriptor", bare(d.String()), withH(v.Descriptor)),
			equal("template", again, template), equal("keys", fmt.Sprint(keys), fmt.Sprint(v.Policy.Keys)),
		)
	})
}

func TestHWIDescriptorsThatAreNoPolicies(t *testing.T) {
	vectors.Each(t, "bip388/hwi_conversion.json", nil, func(c vectors.Case) error {
		var v struct{ Descriptor string }
		c.Decode(&v)
		d, err := descriptor.Parse(v.Descriptor, descriptor.Options{})
		if err != nil {
			return err
		}
		_, _, err = d.Policy()
		return equal("code", errs.CodeOf(err), errs.Unsupported)
	})
}
