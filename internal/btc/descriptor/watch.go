package descriptor

import (
	"strings"

	"specter/internal/btc"
	"specter/internal/errs"
)

// ParseAny reads what people paste: a descriptor, or a single extended key with or without an
// origin and a path. A key becomes the descriptor that its SLIP-132 prefix asks for (ypub
// sh(wpkh), zpub wpkh), else the one of its origin's purpose (44h, 49h, 84h, 86h), else pkh.
// Prefixes of multisig keys (Ypub, Zpub) are refused for a single key with code unsupported.
func ParseAny(s string, o Options) (*Descriptor, error) {
	s = strings.TrimSpace(s)
	o.AllowSLIP132 = true
	if strings.Contains(s, "(") {
		return Parse(s, o)
	}
	if len(s) > maxLength {
		return nil, errs.Bad(errs.TooLarge, "the key is longer than %d characters", maxLength)
	}
	if _, err := Checksum(s); err != nil {
		return nil, err
	}
	p := &parser{o: o}
	k, err := p.parseSingleKey(s, keyRules{})
	if err != nil {
		return nil, err
	}
	if k.xkey == nil {
		return nil, errs.Bad(errs.BadKey, "this is neither a descriptor nor an extended key such as xpub…")
	}
	root, err := rootFor(k)
	if err != nil {
		return nil, err
	}
	d := &Descriptor{root: root, keys: []*keyExpr{k}}
	return d, d.validate()
}

func rootFor(k *keyExpr) (*expr, error) {
	one := []int{0}
	word := "pkh"
	if k.origin != nil && len(k.origin.Path) > 0 {
		switch k.origin.Path[0] {
		case 49 | btc.Hardened:
			word = "sh-wpkh"
		case 84 | btc.Hardened:
			word = "wpkh"
		case 86 | btc.Hardened:
			word = "tr"
		}
	}
	if k.slip132 != "" {
		v, err := btc.VersionByPrefix(k.slip132)
		if err != nil {
			return nil, err
		}
		word = v.ScriptType
	}
	switch word {
	case "pkh":
		return &expr{kind: kPKH, keys: one}, nil
	case "wpkh":
		return &expr{kind: kWPKH, keys: one}, nil
	case "sh-wpkh":
		return &expr{kind: kSH, sub: &expr{kind: kWPKH, keys: one}}, nil
	case "tr":
		return &expr{kind: kTR, keys: one}, nil
	}
	return nil, errs.Bad(errs.Unsupported, "%s marks a key of a multisig wallet; one such key alone has no addresses", k.slip132)
}

// WithBranches returns the descriptor with a receiving and a change branch, as wallets use
// it. Keys that end in /0/* or in nothing come out with /<0;1>/*; plain keys stay. A descriptor
// that is multipath already is returned as it is. Code unsupported where a key ends otherwise
// (in a single /*, say): such a descriptor has one branch alone.
func (d *Descriptor) WithBranches() (*Descriptor, error) {
	if d.Branches() > 1 {
		return d, nil
	}
	return d.with(func(k *keyExpr) (*keyExpr, error) {
		if k.parts == nil && k.xkey == nil {
			return k, nil
		}
		c := k.clone()
		c.path = k.path.Child()
		switch n := len(k.path); {
		case k.wild == rangedHardened || k.parts != nil && k.partsRanged():
			return nil, errBranches
		case k.wild == ranged && n > 0 && k.path[n-1] == 0:
			c.multiAt = n - 1
		case k.wild == fixed && n == 0:
			c.path, c.multiAt = btc.Path{0}, 0
		default:
			return nil, errBranches
		}
		c.multi, c.wild = []uint32{0, 1}, ranged
		if c.parts != nil {
			return c, c.checkMuSig()
		}
		return c, c.checkDepth()
	})
}

var errBranches = errs.Bad(errs.Unsupported, "a key does not end in /0/* or in nothing, so its change branch cannot be told; write it as /<0;1>/*")
