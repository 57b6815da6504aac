package descriptor

import (
	"slices"
	"strconv"
	"strings"

	"specter/internal/btc"
	"specter/internal/errs"
)

// maxPolicyKeys bounds the key information of a policy.
const maxPolicyKeys = 1000

// FromPolicy turns a wallet policy (BIP388) into its multipath descriptor. keys are the key
// information items: extended public keys with optional origins. Besides /** and /<m;n>/* the
// template may use /* (one of the BIP's optional paths), but not together with the others.
// Codes: malformed, bad-key, bad-path, bad-context, mismatch (keys and placeholders do not fit)
// and those of Parse.
func FromPolicy(template string, keys []string, o Options) (*Descriptor, error) {
	if len(template) > maxLength || len(keys) > maxPolicyKeys {
		return nil, errs.Bad(errs.TooLarge, "the policy is too long")
	}
	if _, err := Checksum(template); err != nil {
		return nil, err
	}
	o.AllowPrivate = false
	p := &parser{o: o}
	infos, err := p.parseKeyInfos(keys)
	if err != nil {
		return nil, err
	}
	p.policy = infos
	root, err := p.parseExpr(template, atTop)
	if err != nil {
		return nil, err
	}
	if p.used == 0 {
		return nil, errs.Bad(errs.Mismatch, "the policy has no key placeholder such as @0/**")
	}
	if p.used < len(keys) {
		return nil, errs.Bad(errs.Mismatch, "the policy has %d keys, but its template uses %d", len(keys), p.used)
	}
	d := &Descriptor{root: root, keys: p.keys}
	if err := d.checkPolicyShape(); err != nil {
		return nil, err
	}
	if err := checkDisjoint(d.keys); err != nil {
		return nil, err
	}
	return d, d.validate()
}

// parseKeyInfos reads the key information items; their public keys must differ.
func (p *parser) parseKeyInfos(keys []string) ([]*keyExpr, error) {
	infos := make([]*keyExpr, len(keys))
	seen := make(map[[33]byte]int)
	for i, s := range keys {
		if _, err := Checksum(s); err != nil {
			return nil, err
		}
		k, err := p.parseSingleKey(s, keyRules{})
		if err != nil {
			return nil, err
		}
		if k.xkey == nil || len(k.path) > 0 || k.wild != fixed {
			return nil, errs.Bad(errs.BadKey, "key @%d of the policy is no plain extended public key", i)
		}
		if j, twice := seen[k.xkey.PublicKey]; twice {
			return nil, errs.Bad(errs.BadKey, "keys @%d and @%d of the policy are the same", j, i)
		}
		seen[k.xkey.PublicKey] = i
		k.place = strconv.Itoa(i)
		infos[i] = k
	}
	return infos, nil
}

// parsePlaceholder reads @N and the path after it.
func (p *parser) parsePlaceholder(s string) (*keyExpr, error) {
	head, path, _ := strings.Cut(s, "/")
	k, err := p.bareKey(head)
	if err != nil {
		return nil, err
	}
	return k, k.parsePolicyPath(strings.TrimPrefix(s, head), path)
}

// bareKey reads @N alone. Placeholders must appear in order, without gaps.
func (p *parser) bareKey(s string) (*keyExpr, error) {
	digits, ok := strings.CutPrefix(s, "@")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || strconv.Itoa(n) != digits {
		return nil, errs.Bad(errs.BadKey, "%q is no key placeholder such as @0; a policy's keys stand in its list", clip(s))
	}
	switch {
	case n > p.used:
		return nil, errs.Bad(errs.Mismatch, "@%d appears before @%d", n, p.used)
	case n >= len(p.policy):
		return nil, errs.Bad(errs.Mismatch, "@%d has no key; the list has %d", n, len(p.policy))
	}
	p.used = max(p.used, n+1)
	return p.policy[n].clone(), nil
}

// parsePolicyPath reads /**, /<m;n>/* or /*.
func (k *keyExpr) parsePolicyPath(s, path string) error {
	switch {
	case s == "/**":
		path = "<0;1>/*"
	case s != "/*" && !(strings.HasPrefix(s, "/<") && strings.HasSuffix(s, ">/*")):
		return errs.Bad(errs.BadPath, "a placeholder is followed by /** or /<m;n>/*, not by %q", clip(s))
	}
	if err := k.parsePath(path); err != nil {
		return err
	}
	if s != "/*" && (len(k.path) != 1 || len(k.multi) != 2 || hasHardened(k.multi)) {
		return errs.Bad(errs.BadPath, "%q is not a pair of unhardened branches", clip(s))
	}
	return k.checkDepth()
}

// placeOfMuSig names the set of keys of a musig() placeholder; none may come twice.
func placeOfMuSig(parts []*keyExpr) (string, error) {
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = p.place
	}
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		return "", errs.Bad(errs.BadKey, "a key may not be twice in a musig() of a policy")
	}
	return strings.Join(names, ","), nil
}

// checkPolicyShape allows what BIP388 knows at the top and in sh().
func (d *Descriptor) checkPolicyShape() error {
	e := d.root
	ok := false
	switch e.kind {
	case kPKH, kWPKH, kWSH, kTR:
		ok = true
	case kSH:
		switch e.sub.kind {
		case kWPKH, kWSH, kMulti, kSortedMulti:
			ok = true
		}
	}
	if !ok {
		return errs.Bad(errs.BadContext, "%s is none of the forms of wallet policies (BIP388)", d.form())
	}
	return nil
}

// form prints the functions without their keys, for messages: sh(pk).
func (d *Descriptor) form() string {
	e, s, end := d.root, "", ""
	for ; e.sub != nil; e = e.sub {
		s, end = s+kindNames[e.kind]+"(", end+")"
	}
	return s + kindNames[e.kind] + "()" + end
}

// checkDisjoint holds the rule that no key is derived twice: the branches of one placeholder
// differ, and /* does not mix with pairs.
func checkDisjoint(keys []*keyExpr) error {
	used := make(map[string]map[uint32]bool)
	pairs, singles := 0, 0
	for _, k := range keys {
		if k.multi == nil {
			singles++
		} else {
			pairs++
		}
		set := used[k.place]
		switch {
		case set == nil:
			set = make(map[uint32]bool)
			used[k.place] = set
		case k.multi == nil:
			return errRepeated(k.place)
		}
		for _, n := range k.multi {
			if set[n] {
				return errRepeated(k.place)
			}
			set[n] = true
		}
	}
	if pairs > 0 && singles > 0 {
		return errs.Bad(errs.BadPath, "a policy may not mix /* with /** or /<m;n>/*")
	}
	return nil
}

func errRepeated(place string) error {
	return errs.Bad(errs.BadKey, "the key @%s is used twice with the same path; give it another pair such as /<2;3>/*", strings.ReplaceAll(place, ",", " and @"))
}

// Policy returns the descriptor as a wallet policy (BIP388): the template with /** for
// /<0;1>/*, and the key information items with ' for hardened steps, as the BIP writes them.
// Descriptors that are no policies are refused with code unsupported.
func (d *Descriptor) Policy() (template string, keys []string, err error) {
	b := &policyBuilder{places: make(map[[33]byte]int)}
	texts := make([]string, len(d.keys))
	for i, k := range d.keys {
		if texts[i], err = b.placeholder(k); err != nil {
			return "", nil, err
		}
	}
	var s strings.Builder
	d.print(&s, d.root, func(i int) string { return texts[i] })
	again, err := FromPolicy(s.String(), b.keys, Options{})
	if err != nil {
		return "", nil, errs.Bad(errs.Unsupported, "the descriptor is no wallet policy: %w", err)
	}
	plain, err := d.WithAnnotations(nil)
	if err != nil || again.String() != plain.String() {
		return "", nil, errs.Bad(errs.Unsupported, "the descriptor cannot be said as a wallet policy")
	}
	return s.String(), b.keys, nil
}

// policyBuilder numbers keys by their first appearance.
type policyBuilder struct {
	places map[[33]byte]int
	keys   []string
}

func (b *policyBuilder) placeholder(k *keyExpr) (string, error) {
	var head string
	if k.parts == nil {
		var err error
		if head, err = b.number(k); err != nil {
			return "", err
		}
	} else {
		names := make([]string, len(k.parts))
		for i, p := range k.parts {
			if len(p.path) > 0 || p.wild != fixed {
				return "", errs.Bad(errs.Unsupported, "a wallet policy derives after musig(), not in it")
			}
			var err error
			if names[i], err = b.number(p); err != nil {
				return "", err
			}
		}
		head = "musig(" + strings.Join(names, ",") + ")"
	}
	if k.wild != ranged || len(k.path) != 1 || len(k.multi) != 2 || hasHardened(k.multi) {
		return "", errs.Bad(errs.Unsupported, "every key of a wallet policy ends in /<m;n>/*, such as /<0;1>/*")
	}
	if k.multi[0] == 0 && k.multi[1] == 1 {
		return head + "/**", nil
	}
	return head + k.suffix(), nil
}

// number returns the placeholder of an extended key.
func (b *policyBuilder) number(k *keyExpr) (string, error) {
	if k.xkey == nil || k.isPrivate() {
		return "", errs.Bad(errs.Unsupported, "the keys of a wallet policy are extended public keys")
	}
	info := policyKey(k.origin, k.xkey)
	i, known := b.places[k.xkey.PublicKey]
	if !known {
		i = len(b.keys)
		b.places[k.xkey.PublicKey] = i
		b.keys = append(b.keys, info)
	}
	if b.keys[i] != info {
		return "", errs.Bad(errs.Unsupported, "one key stands in the descriptor with two origins")
	}
	return "@" + strconv.Itoa(i), nil
}

func policyKey(o *btc.KeyOrigin, x *btc.XKey) string {
	if o == nil {
		return x.String()
	}
	return "[" + strings.ReplaceAll(o.String(), "h", "'") + "]" + x.String()
}
