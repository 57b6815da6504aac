package descriptor

import (
	"specter/internal/btc"
	"specter/internal/btc/miniscript"
)

// kind is the function of a script expression.
type kind uint8

const (
	kPK kind = iota + 1
	kPKH
	kWPKH
	kCombo
	kMulti
	kSortedMulti
	kMultiA
	kSortedMultiA
	kSH
	kWSH
	kTR
	kRawTR
	kAddr
	kRaw
	kMini // a miniscript that is none of the above
)

var kindNames = [...]string{
	kPK: "pk", kPKH: "pkh", kWPKH: "wpkh", kCombo: "combo", kMulti: "multi",
	kSortedMulti: "sortedmulti", kMultiA: "multi_a", kSortedMultiA: "sortedmulti_a", kSH: "sh",
	kWSH: "wsh", kTR: "tr", kRawTR: "rawtr", kAddr: "addr", kRaw: "raw", kMini: "miniscript",
}

// kinds finds a function by its name.
var kinds = func() map[string]kind {
	m := make(map[string]kind)
	for k, name := range kindNames {
		if name != "" && kind(k) != kMini {
			m[name] = kind(k)
		}
	}
	return m
}()

// expr is a script expression. Keys are places in the descriptor's list, so that the same tree
// serves every branch and form of a descriptor.
type expr struct {
	kind      kind
	keys      []int
	threshold int              // of multi and its kin
	sub       *expr            // of sh and wsh
	tree      *tree            // of tr; nil without scripts
	mini      *miniscript.Node // of kMini; its keys are decimal places in the list
	script    []byte           // of addr and raw
	addr      string           // of addr
}

// tree is a node of a taproot tree (BIP386): a leaf or two branches.
type tree struct {
	leaf        *expr
	left, right *tree
}

// Descriptor is an output descriptor. It never changes.
type Descriptor struct {
	root          *expr
	keys          []*keyExpr
	notes         Annotations
	network       *btc.Network // of addr(); nil elsewhere
	checksumGiven bool
}

// Options say what Parse accepts. The zero value takes public keys of any one network.
type Options struct {
	Network      *btc.Network // keys and addresses must be of this network; nil: of any
	AllowPrivate bool         // accept xprv, tprv and WIF keys
	AllowSLIP132 bool         // accept ypub, zpub and the like, and take them as xpub
}

// isRangedKey reports whether any key depends on the index.
func (d *Descriptor) isRangedKey() bool {
	for _, k := range d.keys {
		if k.isRanged() {
			return true
		}
	}
	return false
}

// IsRanged reports whether the descriptor stands for one script per index.
func (d *Descriptor) IsRanged() bool { return d.isRangedKey() }

// Branches returns the number of single-path descriptors that a multipath <a;b;…> stands for
// (BIP389); 1 without one.
func (d *Descriptor) Branches() int {
	n := 1
	for _, k := range d.keys {
		n = max(n, k.branches())
	}
	return n
}

// HasPrivateKeys reports whether any key was given with its private part.
func (d *Descriptor) HasPrivateKeys() bool {
	for _, k := range d.keys {
		if k.isPrivate() {
			return true
		}
	}
	return false
}

// with returns the descriptor with other keys in the same places.
func (d *Descriptor) with(change func(*keyExpr) (*keyExpr, error)) (*Descriptor, error) {
	c := *d
	c.keys = make([]*keyExpr, len(d.keys))
	for i, k := range d.keys {
		var err error
		if c.keys[i], err = change(k); err != nil {
			return nil, err
		}
	}
	return &c, nil
}
