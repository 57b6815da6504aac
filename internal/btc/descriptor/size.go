package descriptor

import (
	"specter/internal/btc"
	"specter/internal/errs"
)

// Sizes of signatures in bytes. An ECDSA signature is low-R and low-S: 71 bytes of DER at most
// and the sighash byte; a Schnorr signature with SIGHASH_DEFAULT has 64.
const (
	ecdsaSize   = 72
	schnorrSize = 64
)

// emptyInput is the weight of an input with an empty scriptSig and no witness: outpoint 36,
// length of the scriptSig 1, sequence 4.
const emptyInput = 4 * (36 + 1 + 4)

// cost is what satisfies a script: stack elements, and bytes with their length prefixes (in a
// scriptSig: with their pushes, which are as long).
type cost struct{ elements, bytes int }

// nums is the x coordinate of BIP341's point H, whose private key nobody knows.
const nums = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0"

// sizeLen is the length of a compact size.
func sizeLen(n int) int { return len(compactSize(n)) }

// pushLen is the length of a push of n bytes.
func pushLen(n int) int { return len(push(nil, make([]byte, min(n, 0xffff)))) }

// maxCost is the greatest satisfaction of an expression that does not depend on a choice of
// path; for a miniscript the greatest non-malleable one.
func (d *Descriptor) maxCost(e *expr, at place) (cost, error) {
	sig := 1 + ecdsaSize
	if at == inTR {
		sig = 1 + schnorrSize
	}
	switch e.kind {
	case kPK:
		return cost{1, sig}, nil
	case kPKH, kWPKH:
		return cost{2, sig + 1 + d.keys[e.keys[0]].size()}, nil
	case kMulti, kSortedMulti:
		return cost{e.threshold + 1, 1 + e.threshold*sig}, nil
	case kMultiA, kSortedMultiA:
		return cost{len(e.keys), e.threshold*sig + len(e.keys) - e.threshold}, nil
	case kMini:
		elements, bytes, ok := e.mini.MaxSatisfaction()
		if !ok {
			return cost{}, errs.Bad(errs.NotSatisfiable, "nothing satisfies the script %s", placeNames[at])
		}
		return cost{elements, bytes}, nil
	}
	return cost{}, errs.Bad(errs.Unsupported, "%s() does not tell how it is spent", kindNames[e.kind])
}

// scriptSize is the length of an expression's script.
func (d *Descriptor) scriptSize(e *expr, at place) int {
	key := func(i int) int {
		if at == inTR {
			return 1 + 32
		}
		return 1 + d.keys[i].size()
	}
	switch e.kind {
	case kPK:
		return key(e.keys[0]) + 1
	case kPKH:
		return 25
	case kWPKH:
		return 22
	case kWSH:
		return 34
	case kMulti, kSortedMulti:
		n := len(pushNumber(nil, e.threshold)) + len(pushNumber(nil, len(e.keys))) + 1
		for _, i := range e.keys {
			n += key(i)
		}
		return n
	case kMultiA, kSortedMultiA:
		return len(e.keys)*(33+1) + len(pushNumber(nil, e.threshold)) + 1
	case kMini:
		return e.mini.ScriptSize()
	}
	return len(e.script)
}

// weigh turns a satisfaction into the weight of the whole input. leaf is the depth of the
// taproot leaf that is spent, -1 outside.
func (d *Descriptor) weigh(root, e *expr, c cost, leaf int) btc.Weight {
	scriptSig, witness := 0, 0
	switch {
	case leaf >= 0:
		size, block := d.scriptSize(e, inTR), 33+32*leaf
		witness = sizeLen(c.elements+2) + c.bytes + sizeLen(size) + size + sizeLen(block) + block
	case root.kind == kTR || root.kind == kRawTR:
		witness = sizeLen(c.elements) + c.bytes
	case root.kind == kWSH || root.kind == kSH && root.sub.kind == kWSH:
		size := d.scriptSize(e, inWSH)
		witness = sizeLen(c.elements+1) + c.bytes + sizeLen(size) + size
	case e.kind == kWPKH:
		witness = sizeLen(c.elements) + c.bytes
	default:
		scriptSig = c.bytes
	}
	if root.kind == kSH {
		scriptSig += pushLen(d.scriptSize(root.sub, inSH))
	}
	return btc.Weight(emptyInput + 4*(sizeLen(scriptSig)-1+scriptSig) + witness)
}

// placeOf says where the innermost expression of a root stands.
func placeOf(root *expr) place {
	switch {
	case root.kind == kWSH || root.kind == kSH && root.sub.kind == kWSH:
		return inWSH
	case root.kind == kSH:
		return inSH
	}
	return atTop
}

// MaxInputWeight returns the weight of an input that spends from the descriptor when all keys
// sign: 4 for every byte of outpoint, sequence and scriptSig, 1 for every byte of the witness.
// Signatures count their greatest size (ECDSA 72 bytes, low-R; Schnorr 64). For a miniscript
// it is the greatest non-malleable witness; for tr() the key path, or the cheapest leaf where
// the internal key is BIP341's point without a private key. Plan weighs a chosen path.
// Beside inputs with a witness, one without needs a further weight unit for its empty witness.
// addr(), raw() and combo() are refused with code unsupported.
func (d *Descriptor) MaxInputWeight() (btc.Weight, error) {
	e := d.inner()
	switch d.root.kind {
	case kTR:
		return d.taprootWeight()
	case kRawTR:
		return d.weigh(d.root, e, cost{1, 1 + schnorrSize}, -1), nil
	case kCombo:
		return 0, errs.Bad(errs.Unsupported, "combo() stands for several scripts; expand it first")
	}
	c, err := d.maxCost(e, placeOf(d.root))
	if err != nil {
		return 0, err
	}
	return d.weigh(d.root, e, c, -1), nil
}

func (d *Descriptor) taprootWeight() (btc.Weight, error) {
	if d.HasKeyPath() {
		return d.weigh(d.root, d.root, cost{1, 1 + schnorrSize}, -1), nil
	}
	best := btc.Weight(-1)
	err := d.root.tree.walk(0, func(leaf *expr, depth int) error {
		c, err := d.maxCost(leaf, inTR)
		if err != nil {
			return nil // another leaf may be spendable
		}
		if w := d.weigh(d.root, leaf, c, depth); best < 0 || w < best {
			best = w
		}
		return nil
	})
	if err == nil && best < 0 {
		err = errs.Bad(errs.NotSatisfiable, "no path of the descriptor can be spent")
	}
	return best, err
}

// MaxSatisfactionWeight is MaxInputWeight without the 164 weight units that an input has with
// an empty scriptSig and no witness.
func (d *Descriptor) MaxSatisfactionWeight() (btc.Weight, error) {
	w, err := d.MaxInputWeight()
	return max(0, w-emptyInput), err
}

// HasKeyPath reports whether a tr() or rawtr() can be spent by its key alone: its internal key
// is not BIP341's point H.
func (d *Descriptor) HasKeyPath() bool {
	switch d.root.kind {
	case kRawTR:
		return true
	case kTR:
		return !d.keys[d.root.keys[0]].isNUMS()
	}
	return false
}
