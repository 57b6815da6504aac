package descriptor

import (
	"strings"

	"github.com/btcsuite/btcd/btcec/v2"

	"specter/internal/btc"
	"specter/internal/btc/miniscript"
	"specter/internal/errs"
)

// Key is a key expression of a descriptor; the keys in a musig() are listed one by one.
type Key struct {
	Text    string         // canonical, public: [d34db33f/84h/0h/0h]xpub…/<0;1>/*
	Origin  *btc.KeyOrigin // as written; nil without
	XKey    *btc.XKey      // public part; nil for plain keys
	PubKey  []byte         // 33 or 65 bytes of a plain key; of an extended key its own 33
	Path    string         // after the key, without a leading slash: "0/*", "<0;1>/*" or ""
	Ranged  bool
	Private bool   // it was given with its private part
	XOnly   bool   // it is printed with 32 bytes
	MuSig   int    // number of the musig() it stands in, from 0; -1 outside
	SLIP132 string // the prefix it was given with where that was not xpub, tpub, xprv or tprv

	expr *keyExpr
}

// Kind returns what the key was given as: "xpub", "xprv", "wif" or "pubkey".
func (k Key) Kind() string {
	switch {
	case k.XKey != nil && k.Private:
		return "xprv"
	case k.XKey != nil:
		return "xpub"
	case k.Private:
		return "wif"
	}
	return "pubkey"
}

// IsMain tells whether the key is of mainnet or of the test networks; known is false for
// plain public keys, which are of no network.
func (k Key) IsMain() (main, known bool) { return k.expr.isMain() }

// TextPrivate returns the expression with its private key where there is one.
func (k Key) TextPrivate() string { return k.expr.text(true) }

// PrivateXKey returns the extended private key; ok is false where there is none.
func (k Key) PrivateXKey() (x btc.XKey, ok bool) {
	if k.expr.xkey == nil || !k.expr.xkey.IsPrivate() {
		return btc.XKey{}, false
	}
	return *k.expr.xkey, true
}

// PrivateKey returns the key of a WIF expression; ok is false elsewhere.
func (k Key) PrivateKey() (key *btcec.PrivateKey, ok bool) {
	if k.expr.wif == nil {
		return nil, false
	}
	return k.expr.wif.key, true
}

// ParseKeyExpression reads a single key expression (BIP380): an optional origin, a key in hex,
// WIF, or an extended key, and its path. Uncompressed and x-only keys are read too.
func ParseKeyExpression(s string, o Options) (Key, error) {
	s = strings.TrimSpace(s)
	if len(s) > maxLength {
		return Key{}, errs.Bad(errs.TooLarge, "the key is longer than %d characters", maxLength)
	}
	if _, err := Checksum(s); err != nil {
		return Key{}, err
	}
	p := &parser{o: o}
	rules := keyRules{uncompressed: true}
	if rest := s[strings.IndexByte(s, ']')+1:]; len(rest) == 64 && isHex(rest) {
		rules.xOnly = true
	}
	k, err := p.parseSingleKey(s, rules)
	if err != nil {
		return Key{}, err
	}
	return k.describe(-1), nil
}

// Head returns origin and key without the path that follows: [d34db33f/84h/0h/0h]xpub….
func (k Key) Head() string {
	if k.Path == "" {
		return k.Text
	}
	return k.Text[:len(k.Text)-len(k.Path)-1]
}

// Keys returns the key expressions in order of appearance.
func (d *Descriptor) Keys() []Key {
	var out []Key
	group := 0
	for _, k := range d.keys {
		n := -1
		if k.parts != nil {
			n, group = group, group+1
		}
		for _, leaf := range k.leaves() {
			out = append(out, leaf.describe(n))
		}
	}
	return out
}

func (k *keyExpr) describe(group int) Key {
	out := Key{
		Text: k.text(false), Origin: k.origin, PubKey: k.pub, Ranged: k.isRanged(),
		Private: k.isPrivate(), XOnly: k.xOnly, MuSig: group, SLIP132: k.slip132, expr: k,
	}
	if s := k.suffix(); s != "" {
		out.Path = s[1:]
	}
	if k.xkey != nil {
		x := k.xkey.Public()
		out.XKey, out.PubKey = &x, append([]byte(nil), x.PublicKey[:]...)
	}
	return out
}

// Type returns the outermost function: "pkh", "sh", "wsh", "tr", "combo"…
func (d *Descriptor) Type() string { return kindNames[d.root.kind] }

// ScriptType returns Specter's word: pkh, wpkh, sh-wpkh, tr, sh, wsh or sh-wsh; for what has
// none of these, the function's name (pk, multi, sortedmulti, combo, addr, raw, rawtr).
func (d *Descriptor) ScriptType() string {
	if d.root.kind != kSH {
		return kindNames[d.root.kind]
	}
	switch d.root.sub.kind {
	case kWPKH:
		return "sh-wpkh"
	case kWSH:
		return "sh-wsh"
	}
	return "sh"
}

// inner returns the expression that holds the condition to spend: what stands in sh() and
// wsh(), else the descriptor's own.
func (d *Descriptor) inner() *expr {
	e := d.root
	for e.sub != nil {
		e = e.sub
	}
	return e
}

// Threshold returns m of n where the descriptor is a plain multisig: multi or sortedmulti, or
// multi_a or sortedmulti_a as the only leaf of a tr().
func (d *Descriptor) Threshold() (m, n int, ok bool) {
	e := d.inner()
	if e.kind == kTR && e.tree != nil && e.tree.leaf != nil {
		e = e.tree.leaf
	}
	switch e.kind {
	case kMulti, kSortedMulti, kMultiA, kSortedMultiA:
		return e.threshold, len(e.keys), true
	}
	return 0, 0, false
}

// IsSolvable reports whether the descriptor tells how its scripts are spent; addr() and raw()
// do not.
func (d *Descriptor) IsSolvable() bool { return d.root.kind != kAddr && d.root.kind != kRaw }

// IsMain tells whether the keys or the address are of mainnet or of a test network; known is
// false where the descriptor does not say.
func (d *Descriptor) IsMain() (main, known bool) {
	if d.network != nil {
		return d.network.IsMain(), true
	}
	for _, k := range d.keys {
		if main, known = k.isMain(); known {
			return main, true
		}
	}
	return false, false
}

// OutputType returns Bitcoin Core's word for the kind of addresses: legacy, p2sh-segwit,
// bech32 or bech32m; "" where there are none or several.
func (d *Descriptor) OutputType() string {
	script := d.root.script
	switch d.ScriptType() {
	case "pkh", "sh":
		return "legacy"
	case "sh-wpkh", "sh-wsh":
		return "p2sh-segwit"
	case "wpkh", "wsh":
		return "bech32"
	case "tr", "rawtr":
		return "bech32m"
	case "addr":
		switch ScriptKind(script) {
		case "pubkeyhash", "scripthash":
			return "legacy"
		case "witness_v0_keyhash", "witness_v0_scripthash":
			return "bech32"
		}
		return "bech32m"
	}
	return ""
}

// Miniscripts returns the miniscripts of the descriptor with their keys in canonical public
// text: that of wsh(), or those of the leaves of tr() in order. Functions that descriptors
// have themselves (pk, multi_a…) are no miniscripts here, but for pkh in a leaf.
func (d *Descriptor) Miniscripts() []*miniscript.Node {
	var out []*miniscript.Node
	_ = d.eachMini(func(e *expr, _ place) error {
		if node, err := miniscript.Parse(d.miniText(e, func(i int) string { return d.keys[i].text(false) }), e.mini.Context()); err == nil {
			out = append(out, node)
		}
		return nil
	})
	return out
}

// InnerScript returns the text of what stands in wsh() or sh(wsh()), such as
// sortedmulti(2,…) or a miniscript; ok is false elsewhere.
func (d *Descriptor) InnerScript() (text string, ok bool) {
	if placeOf(d.root) != inWSH {
		return "", false
	}
	var b strings.Builder
	d.print(&b, d.inner(), func(i int) string { return d.keys[i].text(false) })
	return b.String(), true
}
