package descriptor

import (
	"specter/internal/btc"
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
	SLIP132 string // the prefix it was given with where that was not xpub, tpub, xprv, tprv
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
		Private: k.isPrivate(), XOnly: k.xOnly, MuSig: group, SLIP132: k.slip132,
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
