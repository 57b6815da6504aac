package psbt

import (
	"bytes"
	"crypto/sha256"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

// lockKind says what a coin asks of its spender.
type lockKind uint8

const (
	lockUnknown       lockKind = iota // a future witness version, or no form known here
	lockPubKey                        // P2PK
	lockPubKeyHash                    // P2PKH
	lockScript                        // any other legacy script, bare or in P2SH
	lockWitnessKey                    // P2WPKH
	lockWitnessScript                 // P2WSH
	lockTaproot                       // P2TR
)

// lock is how the coin of an input is locked, with the scripts that open it checked against
// the scriptPubKey.
type lock struct {
	kind   lockKind
	prev   *wire.TxOut
	redeem []byte // redeemScript of P2SH, else nil
	script []byte // what is executed: P2PK(H) script, legacy script, witness script
	pushes map[string]bool
}

func (l *lock) segwit() bool { return l.kind >= lockWitnessKey }

// lockOf works out the lock of an input. The error has code incomplete where a redeem or
// witness script is missing, and mismatch where one is there but wrong (BIP174's signer checks).
func lockOf(in *Input, i int, prev *wire.TxOut) (*lock, error) {
	l := &lock{prev: prev, script: prev.PkScript}
	if isP2SH(prev.PkScript) {
		if in.RedeemScript == nil {
			return nil, errs.Bad(errs.Incomplete, "the redeem script of input %d is missing", i)
		}
		if !bytes.Equal(address.Hash160(in.RedeemScript), prev.PkScript[2:22]) {
			return nil, errs.Bad(errs.Mismatch, "the redeem script of input %d does not belong to the coin that it spends", i)
		}
		l.redeem, l.script = in.RedeemScript, in.RedeemScript
	} else if in.RedeemScript != nil {
		return nil, errs.Bad(errs.Mismatch, "input %d has a redeem script, but the coin that it spends is no P2SH", i)
	}
	if err := l.classify(in, i); err != nil {
		return nil, err
	}
	if l.kind != lockWitnessScript && in.WitnessScript != nil {
		return nil, errs.Bad(errs.Mismatch, "input %d has a witness script, but the coin that it spends is no P2WSH", i)
	}
	return l, nil
}

func (l *lock) classify(in *Input, i int) error {
	version, program, ok := btc.WitnessProgram(l.script)
	switch {
	case ok && version == 0 && len(program) == 20:
		l.kind, l.script = lockWitnessKey, btc.PayToPubKeyHash(program)
	case ok && version == 0:
		l.kind = lockWitnessScript
		if in.WitnessScript == nil {
			return errs.Bad(errs.Incomplete, "the witness script of input %d is missing", i)
		}
		if sum := sha256.Sum256(in.WitnessScript); !bytes.Equal(sum[:], program) {
			return errs.Bad(errs.Mismatch, "the witness script of input %d does not belong to the coin that it spends", i)
		}
		l.script = in.WitnessScript
	case ok && version == 1 && len(program) == 32 && l.redeem == nil:
		l.kind = lockTaproot
	case ok:
		l.kind = lockUnknown
	case isP2PK(l.script):
		l.kind = lockPubKey
	case isP2PKH(l.script):
		l.kind = lockPubKeyHash
	default:
		l.kind = lockScript
	}
	return nil
}

// outputKey returns the x-only output key of a taproot lock.
func (l *lock) outputKey() []byte { return l.prev.PkScript[2:34] }

// hasKey reports whether a public key (33 or 65 bytes) is one that may sign for the lock: it
// is pushed in the script, or its hash160 is.
func (l *lock) hasKey(pub []byte) bool {
	switch l.kind {
	case lockUnknown, lockTaproot:
		return false
	case lockWitnessKey, lockWitnessScript:
		if len(pub) != 33 {
			return false
		}
	}
	if l.pushes == nil {
		l.pushes = pushesOf(l.script)
	}
	return l.pushes[string(pub)] || l.pushes[string(address.Hash160(pub))]
}

// pushesOf returns what a script pushes, where it is as long as a key or a key's hash.
func pushesOf(script []byte) map[string]bool {
	out := map[string]bool{}
	t := txscript.MakeScriptTokenizer(0, script)
	for t.Next() {
		switch len(t.Data()) {
		case 20, 32, 33, 65:
			out[string(t.Data())] = true
		}
	}
	return out
}

func isP2SH(s []byte) bool {
	return len(s) == 23 && s[0] == txscript.OP_HASH160 && s[1] == 20 && s[22] == txscript.OP_EQUAL
}

func isP2PKH(s []byte) bool {
	return len(s) == 25 && s[0] == txscript.OP_DUP && s[1] == txscript.OP_HASH160 && s[2] == 20 &&
		s[23] == txscript.OP_EQUALVERIFY && s[24] == txscript.OP_CHECKSIG
}

func isP2PK(s []byte) bool {
	return (len(s) == 35 && s[0] == 33 || len(s) == 67 && s[0] == 65) && s[len(s)-1] == txscript.OP_CHECKSIG
}

// multisig is a script of the form OP_m keys OP_n OP_CHECKMULTISIG.
type multisig struct {
	need int
	keys [][]byte
}

// parseMultisig reads a multisig script of up to 20 keys; ok is false for any other script.
func parseMultisig(script []byte) (m multisig, ok bool) {
	t := txscript.MakeScriptTokenizer(0, script)
	need, ok := nextNumber(&t)
	if !ok {
		return m, false
	}
	for t.Next() {
		if n := len(t.Data()); n == 33 || n == 65 {
			m.keys = append(m.keys, t.Data())
			continue
		}
		n, isNumber := numberOf(&t)
		if !isNumber || n != len(m.keys) || need < 1 || need > n || n > 20 {
			return m, false
		}
		if !t.Next() || t.Opcode() != txscript.OP_CHECKMULTISIG || !t.Done() {
			return m, false
		}
		m.need = need
		return m, true
	}
	return m, false
}

func nextNumber(t *txscript.ScriptTokenizer) (int, bool) {
	if !t.Next() {
		return 0, false
	}
	return numberOf(t)
}

// numberOf reads the current opcode as a small number: OP_1 to OP_16, or one pushed byte above.
func numberOf(t *txscript.ScriptTokenizer) (int, bool) {
	op := t.Opcode()
	if op >= txscript.OP_1 && op <= txscript.OP_16 {
		return int(op-txscript.OP_1) + 1, true
	}
	if d := t.Data(); len(d) == 1 && d[0] > 16 && d[0] < 0x80 {
		return int(d[0]), true
	}
	return 0, false
}
