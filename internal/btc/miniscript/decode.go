package miniscript

import (
	"encoding/hex"
	"slices"

	"github.com/btcsuite/btcd/txscript/v2"
	"specter/internal/errs"
)

// FromScript finds the miniscript of a script; its keys are hex. keyByHash gives the public
// key of a key hash (pk_h does not tell it); where it is nil or does not know, the error has
// code incomplete. A script that no miniscript compiles to is refused with code unsupported.
func FromScript(script []byte, ctx Context, keyByHash func([20]byte) ([]byte, bool)) (*Node, error) {
	if ctx != WSH && ctx != Tapscript {
		return nil, errs.Bad(errs.BadContext, "miniscript stands in wsh or in a leaf of tr, nowhere else")
	}
	if len(script) > ctx.MaxScriptSize() {
		return nil, errs.Bad(errs.TooLarge, "the script has %d bytes; at most %d are relayed", len(script), ctx.MaxScriptSize())
	}
	tokens, ok := split(script)
	if !ok {
		return nil, noMiniscript()
	}
	d := decoder{maker: maker{ctx: ctx}, rest: tokens, keyByHash: keyByHash}
	n, err := d.sequence(1)
	if err != nil {
		return nil, err
	}
	if len(d.rest) > 0 {
		return nil, noMiniscript()
	}
	if err := n.CheckTop(); err != nil {
		return nil, err
	}
	return n, nil
}

func noMiniscript() error {
	return errs.Bad(errs.Unsupported, "this script is not the script of any miniscript")
}

// decoder reads a script from its end, where the opcode that names a fragment stands.
type decoder struct {
	maker
	rest      []step
	keyByHash func([20]byte) ([]byte, bool)
}

// at returns the step i places before the end of what is left.
func (d *decoder) at(i int) step {
	if i >= len(d.rest) {
		return step{op: txscript.OP_INVALIDOPCODE, number: -1}
	}
	return d.rest[len(d.rest)-1-i]
}

// ends reports whether what is left ends with these opcodes.
func (d *decoder) ends(ops ...byte) bool {
	for i, op := range ops {
		if d.at(len(ops)-1-i).op != op {
			return false
		}
	}
	return true
}

func (d *decoder) drop(n int) { d.rest = d.rest[:len(d.rest)-n] }

// take drops the opcodes where what is left ends with them.
func (d *decoder) take(ops ...byte) bool {
	if !d.ends(ops...) {
		return false
	}
	d.drop(len(ops))
	return true
}

// sequence reads expressions of type B, K or V that stand one after the other, which is and_v.
func (d *decoder) sequence(depth int) (*Node, error) {
	list := make([]*Node, 0, 2)
	for {
		n, err := d.single(depth + len(list))
		if err != nil {
			return nil, err
		}
		list = append(list, n)
		switch d.at(0).op {
		case txscript.OP_IF, txscript.OP_ELSE, txscript.OP_NOTIF, txscript.OP_TOALTSTACK, txscript.OP_SWAP, txscript.OP_INVALIDOPCODE:
			return d.chain(list)
		}
	}
}

// chain joins expressions, last first, to and_v(and_v(a,b),c).
func (d *decoder) chain(list []*Node) (*Node, error) {
	slices.Reverse(list)
	n := list[0]
	for _, next := range list[1:] {
		var err error
		if n, err = d.node(AndV, n, next); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// single reads one expression of type B, K or V that is not an and_v. Where and_v and another
// fragment would give the same script, the other one is taken to lie inside the and_v.
func (d *decoder) single(depth int) (*Node, error) {
	if depth > maxDepth {
		return nil, tooManyParts()
	}
	if n, err := d.leaf(); n != nil || err != nil {
		return n, err
	}
	switch {
	case d.take(txscript.OP_CHECKSIG):
		return d.wrapped(WrapC, depth)
	case d.take(txscript.OP_VERIFY):
		return d.wrapped(WrapV, depth)
	case d.take(txscript.OP_0NOTEQUAL):
		return d.wrapped(WrapN, depth)
	case d.take(txscript.OP_BOOLAND):
		return d.pair(AndB, depth)
	case d.take(txscript.OP_BOOLOR):
		return d.pair(OrB, depth)
	case d.take(txscript.OP_ENDIF):
		return d.conditional(depth)
	case d.ends(txscript.OP_EQUAL) && d.at(1).number >= 1:
		return d.thresh(depth)
	}
	return nil, noMiniscript()
}

func (d *decoder) wrapped(f Fragment, depth int) (*Node, error) {
	x, err := d.single(depth + 1)
	if err != nil {
		return nil, err
	}
	return d.node(f, x)
}

func (d *decoder) pair(f Fragment, depth int) (*Node, error) {
	y, err := d.inverted(depth + 1)
	if err != nil {
		return nil, err
	}
	x, err := d.single(depth + 1)
	if err != nil {
		return nil, err
	}
	return d.node(f, x, y)
}

// inverted reads an expression of type W: a: or s:.
func (d *decoder) inverted(depth int) (*Node, error) {
	alt := d.take(txscript.OP_FROMALTSTACK)
	x, err := d.sequence(depth + 1)
	if err != nil {
		return nil, err
	}
	switch {
	case alt && d.take(txscript.OP_TOALTSTACK):
		return d.node(WrapA, x)
	case !alt && d.take(txscript.OP_SWAP):
		return d.node(WrapS, x)
	}
	return nil, noMiniscript()
}

func (d *decoder) thresh(depth int) (*Node, error) {
	n := &Node{fragment: Thresh, k: uint32(d.at(1).number)}
	d.drop(2)
	for d.take(txscript.OP_ADD) {
		s, err := d.inverted(depth + 1)
		if err != nil {
			return nil, err
		}
		if n.subs = append(n.subs, s); len(n.subs) > maxThreshArguments {
			return nil, errs.Bad(errs.TooLarge, "the script adds up more than %d conditions", maxThreshArguments)
		}
	}
	first, err := d.single(depth + 1)
	if err != nil {
		return nil, err
	}
	n.subs = append(n.subs, first)
	slices.Reverse(n.subs)
	return d.build(n)
}

// conditional reads what ends with an ENDIF, already taken: or_c, or_d, or_i, andor, d:, j:.
func (d *decoder) conditional(depth int) (*Node, error) {
	last, err := d.sequence(depth + 1)
	if err != nil {
		return nil, err
	}
	switch {
	case d.take(txscript.OP_DUP, txscript.OP_IF):
		return d.node(WrapD, last)
	case d.take(txscript.OP_SIZE, txscript.OP_0NOTEQUAL, txscript.OP_IF):
		return d.node(WrapJ, last)
	case d.take(txscript.OP_NOTIF):
		f := OrC
		if d.take(txscript.OP_IFDUP) {
			f = OrD
		}
		x, err := d.single(depth + 1)
		if err != nil {
			return nil, err
		}
		return d.node(f, x, last)
	case d.take(txscript.OP_ELSE):
		return d.alternative(last, depth)
	}
	return nil, noMiniscript()
}

// alternative reads the part before an ELSE, already taken: or_i or andor.
func (d *decoder) alternative(last *Node, depth int) (*Node, error) {
	before, err := d.sequence(depth + 1)
	if err != nil {
		return nil, err
	}
	switch {
	case d.take(txscript.OP_IF):
		return d.node(OrI, before, last)
	case d.take(txscript.OP_NOTIF):
		x, err := d.single(depth + 1)
		if err != nil {
			return nil, err
		}
		return d.node(AndOr, x, last, before)
	}
	return nil, noMiniscript()
}

// leaf reads a fragment without arguments of its own kind; nil where there is none.
func (d *decoder) leaf() (*Node, error) {
	switch s := d.at(0); {
	case d.take(txscript.OP_0):
		return d.node(Just0)
	case d.take(txscript.OP_1):
		return d.node(Just1)
	case len(s.data) == 32 || len(s.data) == 33:
		d.drop(1)
		return d.keys(PkK, 0, s.data)
	case d.ends(txscript.OP_EQUAL, txscript.OP_VERIFY) && len(d.at(2).data) == 20 &&
		d.at(3).op == txscript.OP_HASH160 && d.at(4).op == txscript.OP_DUP:
		return d.keyHash()
	case s.op == txscript.OP_CHECKSEQUENCEVERIFY && d.at(1).number >= 0:
		return d.timelock(Older)
	case s.op == txscript.OP_CHECKLOCKTIMEVERIFY && d.at(1).number >= 0:
		return d.timelock(After)
	case s.op == txscript.OP_CHECKMULTISIG:
		return d.multi()
	case s.op == txscript.OP_NUMEQUAL:
		return d.multiA()
	}
	return d.hashLock()
}

// keys makes a node of public keys after checking their form.
func (d *decoder) keys(f Fragment, k uint32, keys ...[]byte) (*Node, error) {
	n := &Node{fragment: f, k: k}
	for _, raw := range keys {
		if len(raw) != int(pubKeySize(d.ctx)) || d.ctx == WSH && raw[0] != 2 && raw[0] != 3 {
			return nil, errs.Bad(errs.BadKey, "%x is not a public key of this kind of script", raw)
		}
		n.keys = append(n.keys, hex.EncodeToString(raw))
	}
	return d.build(n)
}

func (d *decoder) keyHash() (*Node, error) {
	hash := [20]byte(d.at(2).data)
	d.drop(5)
	if d.keyByHash != nil {
		if key, ok := d.keyByHash(hash); ok {
			return d.keys(PkH, 0, key)
		}
	}
	return nil, errs.Bad(errs.Incomplete, "the script holds the hash %x of a key that is not known", hash)
}

func (d *decoder) timelock(f Fragment) (*Node, error) {
	k := d.at(1).number
	d.drop(2)
	return d.build(&Node{fragment: f, k: uint32(k)})
}

func (d *decoder) multi() (*Node, error) {
	count := d.at(1).number
	if count < 1 || count > maxMultiKeys {
		return nil, noMiniscript()
	}
	keys := make([][]byte, count)
	for i := range keys {
		keys[int(count)-1-i] = d.at(2 + i).data
	}
	k := d.at(2 + int(count)).number
	if k < 1 {
		return nil, noMiniscript()
	}
	d.drop(3 + int(count))
	return d.keys(Multi, uint32(k), keys...)
}

func (d *decoder) multiA() (*Node, error) {
	k := d.at(1).number
	if k < 1 {
		return nil, noMiniscript()
	}
	var keys [][]byte
	for i := 2; len(keys) <= maxMultiAKeys; i += 2 {
		op := d.at(i).op
		if op != txscript.OP_CHECKSIG && op != txscript.OP_CHECKSIGADD {
			return nil, noMiniscript()
		}
		keys = append(keys, d.at(i+1).data)
		if op == txscript.OP_CHECKSIG {
			break
		}
	}
	d.drop(min(len(d.rest), 2+2*len(keys)))
	slices.Reverse(keys)
	return d.keys(MultiA, uint32(k), keys...)
}

// hashLock reads SIZE 32 EQUALVERIFY, a hash opcode, a digest and EQUAL.
func (d *decoder) hashLock() (*Node, error) {
	size := d.at(5)
	if !d.ends(txscript.OP_EQUAL) || d.at(3).op != txscript.OP_VERIFY || d.at(4).op != txscript.OP_EQUAL ||
		size.number != 32 || d.at(6).op != txscript.OP_SIZE {
		return nil, nil
	}
	for f, op := range hashOps {
		kind, _ := f.hashKind()
		if d.at(2).op == op && len(d.at(1).data) == kind.Size() {
			raw := slices.Clone(d.at(1).data)
			d.drop(7)
			return d.build(&Node{fragment: f, digest: digest{raw: raw}})
		}
	}
	return nil, nil
}
