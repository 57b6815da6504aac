package descriptor

import (
	"sync"

	"github.com/btcsuite/btcd/btcec/v2"

	"specter/internal/btc"
)

// wildcard says how a key expression ends.
type wildcard uint8

const (
	fixed          wildcard = iota
	ranged                  // /*
	rangedHardened          // /*h
)

// keyExpr is one key expression (BIP380), such as [d34db33f/84h/0h/0h]xpub…/<0;1>/*. Exactly
// one of xkey, pub and parts says what key it is. It never changes after parsing; the cache
// behind once is filled at most once.
type keyExpr struct {
	origin *btc.KeyOrigin
	xkey   *btc.XKey
	pub    []byte     // 33 or 65 bytes, for a plain key
	wif    *wif       // set when the plain key was given as a private key
	xOnly  bool       // the plain key was written with 32 bytes, or stands for such a one
	parts  []*keyExpr // participants of musig() (BIP390)

	path    btc.Path // after the key; the step at multiAt is multi[0] when multi is set
	multi   []uint32 // alternatives of <a;b;…> (BIP389); nil for a single path
	multiAt int
	wild    wildcard

	place   string // the key of a policy template: "0", or "0,1" for musig; else empty
	slip132 string // the prefix that was read where it was not xpub, tpub, xprv or tprv

	once   sync.Once
	parent derived // the key before the wildcard, or the key itself
	failed error

	splitOnce sync.Once
	split     []*keyExpr // the branches, kept so that each fills its own cache once
}

// wif is a private key of the wallet import format.
type wif struct {
	key        *btcec.PrivateKey
	compressed bool
	main       bool
}

// isPrivate reports whether the expression holds any private key.
func (k *keyExpr) isPrivate() bool {
	for _, p := range k.parts {
		if p.isPrivate() {
			return true
		}
	}
	return k.wif != nil || k.xkey != nil && k.xkey.IsPrivate()
}

// isRanged reports whether the key depends on an index.
func (k *keyExpr) isRanged() bool {
	for _, p := range k.parts {
		if p.isRanged() {
			return true
		}
	}
	return k.wild != fixed
}

// branches returns the number of alternatives of the expression; 1 without a multipath.
func (k *keyExpr) branches() int {
	n := max(1, len(k.multi))
	for _, p := range k.parts {
		n = max(n, p.branches())
	}
	return n
}

// isMain tells the network kind of the key; known is false for plain public keys.
func (k *keyExpr) isMain() (main, known bool) {
	switch {
	case k.xkey != nil:
		return k.xkey.Main, true
	case k.wif != nil:
		return k.wif.main, true
	}
	for _, p := range k.parts {
		if main, known = p.isMain(); known {
			return main, true
		}
	}
	return false, false
}

// clone copies what was parsed, without the caches.
func (k *keyExpr) clone() *keyExpr {
	return &keyExpr{
		origin: k.origin, xkey: k.xkey, pub: k.pub, wif: k.wif, xOnly: k.xOnly, parts: k.parts,
		path: k.path, multi: k.multi, multiAt: k.multiAt, wild: k.wild, place: k.place, slip132: k.slip132,
	}
}

// maxKept is the number of branches up to which they are kept with the key.
const maxKept = 8

// branch returns the expression with alternative i chosen.
func (k *keyExpr) branch(i int) *keyExpr {
	n := k.branches()
	if n == 1 {
		return k
	}
	if n > maxKept {
		return k.makeBranch(i)
	}
	k.splitOnce.Do(func() {
		k.split = make([]*keyExpr, n)
		for j := range k.split {
			k.split[j] = k.makeBranch(j)
		}
	})
	return k.split[i]
}

func (k *keyExpr) makeBranch(i int) *keyExpr {
	c := k.clone()
	if k.multi != nil {
		c.path = k.path.Child()
		c.path[k.multiAt] = k.multi[i]
		c.multi = nil
	}
	if k.parts != nil {
		c.parts = make([]*keyExpr, len(k.parts))
		for j, p := range k.parts {
			c.parts[j] = p.branch(i)
		}
	}
	return c
}

// uncompressed reports whether the key serializes to 65 bytes.
func (k *keyExpr) uncompressed() bool { return len(k.pub) == 65 }

// leaves returns the expression itself, or the participants of a musig().
func (k *keyExpr) leaves() []*keyExpr {
	if k.parts != nil {
		return k.parts
	}
	return []*keyExpr{k}
}
