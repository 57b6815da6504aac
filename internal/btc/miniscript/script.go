package miniscript

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"specter/internal/errs"
)

// token is one step of a script: an opcode, a number, a key, the hash of a key or a digest.
type token struct {
	kind  tokenKind
	op    byte
	n     uint32
	key   string
	bytes digest
}

type tokenKind uint8

const (
	opToken tokenKind = iota
	numberToken
	keyToken
	keyHashToken
	digestToken
)

// compiler collects the tokens of a script.
type compiler struct{ tokens []token }

func (c *compiler) op(ops ...byte) {
	for _, op := range ops {
		c.tokens = append(c.tokens, token{op: op})
	}
}

func (c *compiler) number(n uint32) { c.tokens = append(c.tokens, token{kind: numberToken, n: n}) }

func (c *compiler) keyOf(key string) { c.tokens = append(c.tokens, token{kind: keyToken, key: key}) }

// verifying maps opcodes that have a VERIFY form of their own.
var verifying = map[byte]byte{
	txscript.OP_EQUAL:         txscript.OP_EQUALVERIFY,
	txscript.OP_CHECKSIG:      txscript.OP_CHECKSIGVERIFY,
	txscript.OP_CHECKMULTISIG: txscript.OP_CHECKMULTISIGVERIFY,
	txscript.OP_NUMEQUAL:      txscript.OP_NUMEQUALVERIFY,
}

// last emits a fragment's last opcode, in its VERIFY form where one is wanted.
func (c *compiler) last(op byte, verify bool) {
	if verify {
		op = verifying[op]
	}
	c.op(op)
}

var hashOps = map[Fragment]byte{
	Sha256: txscript.OP_SHA256, Hash256: txscript.OP_HASH256,
	Ripemd160: txscript.OP_RIPEMD160, Hash160: txscript.OP_HASH160,
}

// compile emits a node; verify says that a VERIFY follows, which the last opcode may take in.
func (c *compiler) compile(n *Node, verify bool) {
	switch n.fragment {
	case Just0:
		c.number(0)
	case Just1:
		c.number(1)
	case PkK:
		c.keyOf(n.keys[0])
	case PkH:
		c.op(txscript.OP_DUP, txscript.OP_HASH160)
		c.tokens = append(c.tokens, token{kind: keyHashToken, key: n.keys[0]})
		c.op(txscript.OP_EQUALVERIFY)
	case Older:
		c.number(n.k)
		c.op(txscript.OP_CHECKSEQUENCEVERIFY)
	case After:
		c.number(n.k)
		c.op(txscript.OP_CHECKLOCKTIMEVERIFY)
	case Sha256, Hash256, Ripemd160, Hash160:
		c.op(txscript.OP_SIZE)
		c.number(32)
		c.op(txscript.OP_EQUALVERIFY, hashOps[n.fragment])
		c.tokens = append(c.tokens, token{kind: digestToken, bytes: n.digest})
		c.last(txscript.OP_EQUAL, verify)
	case Multi, MultiA, Thresh:
		c.compileMany(n, verify)
	case AndV, AndB, OrB, OrC, OrD, OrI, AndOr:
		c.compileCombined(n, verify)
	default:
		c.compileWrapper(n, verify)
	}
}

func (c *compiler) compileMany(n *Node, verify bool) {
	switch n.fragment {
	case Multi:
		c.number(n.k)
		for _, key := range n.keys {
			c.keyOf(key)
		}
		c.number(uint32(len(n.keys)))
		c.last(txscript.OP_CHECKMULTISIG, verify)
	case MultiA:
		for i, key := range n.keys {
			c.keyOf(key)
			if i == 0 {
				c.op(txscript.OP_CHECKSIG)
			} else {
				c.op(txscript.OP_CHECKSIGADD)
			}
		}
		c.number(n.k)
		c.last(txscript.OP_NUMEQUAL, verify)
	case Thresh:
		for i, s := range n.subs {
			c.compile(s, false)
			if i > 0 {
				c.op(txscript.OP_ADD)
			}
		}
		c.number(n.k)
		c.last(txscript.OP_EQUAL, verify)
	}
}

func (c *compiler) compileCombined(n *Node, verify bool) {
	x, y := n.subs[0], n.subs[1]
	if n.fragment == OrI {
		c.op(txscript.OP_IF)
	}
	c.compile(x, false)
	switch n.fragment {
	case AndV:
		c.compile(y, verify)
	case AndB:
		c.compile(y, false)
		c.op(txscript.OP_BOOLAND)
	case OrB:
		c.compile(y, false)
		c.op(txscript.OP_BOOLOR)
	case OrC, OrD:
		if n.fragment == OrD {
			c.op(txscript.OP_IFDUP)
		}
		c.op(txscript.OP_NOTIF)
		c.compile(y, false)
		c.op(txscript.OP_ENDIF)
	case OrI:
		c.op(txscript.OP_ELSE)
		c.compile(y, false)
		c.op(txscript.OP_ENDIF)
	case AndOr:
		c.op(txscript.OP_NOTIF)
		c.compile(n.subs[2], false)
		c.op(txscript.OP_ELSE)
		c.compile(y, false)
		c.op(txscript.OP_ENDIF)
	}
}

func (c *compiler) compileWrapper(n *Node, verify bool) {
	x := n.subs[0]
	switch n.fragment {
	case WrapA:
		c.op(txscript.OP_TOALTSTACK)
		c.compile(x, false)
		c.op(txscript.OP_FROMALTSTACK)
	case WrapS:
		c.op(txscript.OP_SWAP)
		c.compile(x, verify)
	case WrapC:
		c.compile(x, false)
		c.last(txscript.OP_CHECKSIG, verify)
	case WrapD:
		c.op(txscript.OP_DUP, txscript.OP_IF)
		c.compile(x, false)
		c.op(txscript.OP_ENDIF)
	case WrapV:
		c.compile(x, true)
		if x.typ.Has(Expensive) {
			c.op(txscript.OP_VERIFY)
		}
	case WrapJ:
		c.op(txscript.OP_SIZE, txscript.OP_0NOTEQUAL, txscript.OP_IF)
		c.compile(x, false)
		c.op(txscript.OP_ENDIF)
	case WrapN:
		c.compile(x, false)
		c.op(txscript.OP_0NOTEQUAL)
	}
}

// Script compiles the miniscript. pub gives the public key that a key's text stands for, with
// 33 bytes in a witness script and 32 in tapscript; where it is nil, the texts are hex
// themselves. Errors: bad-key, incomplete where a hash lock has a name and no digest.
func (n *Node) Script(pub func(key string) ([]byte, error)) ([]byte, error) {
	c := compiler{}
	c.compile(n, false)
	script := make([]byte, 0, n.length)
	for _, t := range c.tokens {
		switch t.kind {
		case opToken:
			script = append(script, t.op)
		case numberToken:
			script = appendNumber(script, t.n)
		case digestToken:
			if t.bytes.raw == nil {
				return nil, errs.Bad(errs.Incomplete, "the digest %q is only a name: a script needs its bytes", t.bytes.name)
			}
			script = appendPush(script, t.bytes.raw)
		default:
			key, err := pubKey(t.key, n.ctx, pub)
			if err != nil {
				return nil, err
			}
			if t.kind == keyHashToken {
				key = address.Hash160(key)
			}
			script = appendPush(script, key)
		}
	}
	return script, nil
}

// pubKey returns the bytes of a key and checks their length.
func pubKey(key string, ctx Context, pub func(string) ([]byte, error)) ([]byte, error) {
	if pub == nil {
		pub = func(text string) ([]byte, error) { return hexKey(text, ctx) }
	}
	raw, err := pub(key)
	if err != nil {
		return nil, err
	}
	if len(raw) != int(pubKeySize(ctx)) {
		return nil, errs.Bad(errs.BadKey, "a public key here must have %d bytes, not %d", pubKeySize(ctx), len(raw))
	}
	return raw, nil
}

// hexKey reads a key that is hex; in tapscript a compressed key stands for its x coordinate.
func hexKey(text string, ctx Context) ([]byte, error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != 33 && (len(raw) != 32 || ctx != Tapscript) {
		return nil, errs.Bad(errs.BadKey, "%.80q is not a public key in hex", text)
	}
	if len(raw) == 33 {
		if raw[0] != 2 && raw[0] != 3 {
			return nil, errs.Bad(errs.BadKey, "the public key %s is not a compressed one", text)
		}
		if ctx == Tapscript {
			raw = raw[1:]
		}
	}
	return raw, nil
}

// numberLength returns the bytes of a pushed number.
func numberLength(n uint32) int {
	if n <= 16 {
		return 1
	}
	return 1 + len(scriptNumber(n))
}

// scriptNumber encodes a positive number as script does: little-endian, with a spare byte
// where the top bit would read as a sign.
func scriptNumber(n uint32) []byte {
	var out []byte
	for ; n > 0; n >>= 8 {
		out = append(out, byte(n))
	}
	if len(out) > 0 && out[len(out)-1]&0x80 != 0 {
		out = append(out, 0)
	}
	return out
}

func appendNumber(script []byte, n uint32) []byte {
	switch {
	case n == 0:
		return append(script, txscript.OP_0)
	case n <= 16:
		return append(script, txscript.OP_1-1+byte(n))
	}
	return appendPush(script, scriptNumber(n))
}

// appendPush pushes at most 75 bytes, which is all that miniscript ever pushes.
func appendPush(script, data []byte) []byte {
	return append(append(script, byte(len(data))), data...)
}

// ASM prints the script with OP_ names, numbers up to 16 in decimal and everything else that
// is pushed in angle brackets: keys and digests as their texts, longer numbers as hex.
func (n *Node) ASM() string {
	c := compiler{}
	c.compile(n, false)
	words := make([]string, len(c.tokens))
	for i, t := range c.tokens {
		words[i] = t.asm()
	}
	return strings.Join(words, " ")
}

func (t token) asm() string {
	switch t.kind {
	case numberToken:
		if t.n <= 16 {
			return strconv.FormatUint(uint64(t.n), 10)
		}
		return "<" + hex.EncodeToString(scriptNumber(t.n)) + ">"
	case keyToken:
		return "<" + t.key + ">"
	case keyHashToken:
		return "<HASH160(" + t.key + ")>"
	case digestToken:
		return "<" + t.bytes.String() + ">"
	}
	return opNames[t.op]
}

var opNames = map[byte]string{
	txscript.OP_DUP: "OP_DUP", txscript.OP_IFDUP: "OP_IFDUP", txscript.OP_SWAP: "OP_SWAP", txscript.OP_SIZE: "OP_SIZE",
	txscript.OP_TOALTSTACK: "OP_TOALTSTACK", txscript.OP_FROMALTSTACK: "OP_FROMALTSTACK",
	txscript.OP_IF: "OP_IF", txscript.OP_NOTIF: "OP_NOTIF", txscript.OP_ELSE: "OP_ELSE", txscript.OP_ENDIF: "OP_ENDIF",
	txscript.OP_VERIFY: "OP_VERIFY", txscript.OP_EQUAL: "OP_EQUAL", txscript.OP_EQUALVERIFY: "OP_EQUALVERIFY",
	txscript.OP_NUMEQUAL: "OP_NUMEQUAL", txscript.OP_NUMEQUALVERIFY: "OP_NUMEQUALVERIFY",
	txscript.OP_ADD: "OP_ADD", txscript.OP_BOOLAND: "OP_BOOLAND", txscript.OP_BOOLOR: "OP_BOOLOR", txscript.OP_0NOTEQUAL: "OP_0NOTEQUAL",
	txscript.OP_SHA256: "OP_SHA256", txscript.OP_HASH256: "OP_HASH256", txscript.OP_RIPEMD160: "OP_RIPEMD160", txscript.OP_HASH160: "OP_HASH160",
	txscript.OP_CHECKSIG: "OP_CHECKSIG", txscript.OP_CHECKSIGVERIFY: "OP_CHECKSIGVERIFY", txscript.OP_CHECKSIGADD: "OP_CHECKSIGADD",
	txscript.OP_CHECKMULTISIG: "OP_CHECKMULTISIG", txscript.OP_CHECKMULTISIGVERIFY: "OP_CHECKMULTISIGVERIFY",
	txscript.OP_CHECKLOCKTIMEVERIFY: "OP_CHECKLOCKTIMEVERIFY", txscript.OP_CHECKSEQUENCEVERIFY: "OP_CHECKSEQUENCEVERIFY",
}
