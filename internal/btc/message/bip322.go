package message

import (
	"bytes"
	"encoding/base64"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

// tag322 is the tag of the hash that a BIP322 signature commits to.
var tag322 = []byte("BIP0322-signed-message")

// toSpend is BIP322's virtual transaction that pays to the address and holds the message's hash.
func toSpend(script []byte, message string) *wire.MsgTx {
	hash := chainhash.TaggedHash(tag322, []byte(message))
	tx := wire.NewMsgTx(0)
	in := wire.NewTxIn(wire.NewOutPoint(&chainhash.Hash{}, 0xffffffff), append([]byte{txscript.OP_0, txscript.OP_DATA_32}, hash[:]...), nil)
	in.Sequence = 0
	tx.AddTxIn(in)
	tx.AddTxOut(wire.NewTxOut(0, script))
	return tx
}

// toSign is BIP322's virtual transaction that spends it, unsigned.
func toSign(script []byte, message string) *wire.MsgTx {
	spent := toSpend(script, message).TxHash()
	tx := wire.NewMsgTx(0)
	in := wire.NewTxIn(wire.NewOutPoint(&spent, 0), nil, nil)
	in.Sequence = 0
	tx.AddTxIn(in)
	tx.AddTxOut(wire.NewTxOut(0, []byte{txscript.OP_RETURN}))
	return tx
}

// The rules of BIP322: those a good signature must keep, and those that a later version of
// Bitcoin may change, whose breach leaves open whether the signature is good.
const (
	requiredFlags = txscript.ScriptBip16 | txscript.ScriptVerifyWitness | txscript.ScriptVerifyTaproot |
		txscript.ScriptVerifyDERSignatures | txscript.ScriptVerifyLowS | txscript.ScriptVerifyStrictEncoding |
		txscript.ScriptVerifyNullFail | txscript.ScriptVerifyMinimalData | txscript.ScriptVerifyCleanStack |
		txscript.ScriptVerifyMinimalIf | txscript.ScriptVerifyCheckLockTimeVerify | txscript.ScriptVerifyCheckSequenceVerify |
		txscript.ScriptStrictMultiSig | txscript.ScriptVerifyConstScriptCode | txscript.ScriptVerifyWitnessPubKeyType
	upgradeableFlags = txscript.ScriptDiscourageUpgradableNops | txscript.ScriptVerifyDiscourageUpgradeableWitnessProgram |
		txscript.ScriptVerifyDiscourageUpgradeableTaprootVersion | txscript.ScriptVerifyDiscourageOpSuccess |
		txscript.ScriptVerifyDiscourageUpgradeablePubkeyType
)

// verify322 checks a BIP322 signature. Without a prefix it is taken as simple, as before BIP322
// was final, else as full.
func verify322(a btc.Address, message, prefix string, raw []byte) (Result, error) {
	tx := toSign(a.Script, message)
	format := Simple
	witness, ok := parseWitness(raw)
	switch {
	case prefix != "ful" && ok && len(witness) > 0:
		tx.TxIn[0].Witness = witness
	case prefix == "smp":
		return Result{}, errs.Bad(errs.BadEncoding, "the signature holds no witness")
	default:
		signed, ok := parseToSign(raw)
		if !ok {
			return Result{}, errs.Bad(errs.BadEncoding, "the signature is none that is known here: neither recoverable nor BIP322")
		}
		if signed.TxIn[0].PreviousOutPoint != tx.TxIn[0].PreviousOutPoint {
			return Result{}, errMismatch
		}
		tx, format = signed, Full
	}
	r := Result{Format: format, LockTime: tx.LockTime, Sequence: tx.TxIn[0].Sequence}
	if !onlySigHashAll(a, tx.TxIn[0]) {
		return Result{}, errs.Bad(errs.Mismatch, "a signature inside does not sign everything (its type is not SIGHASH_ALL)")
	}
	if run(a.Script, tx, requiredFlags) != nil {
		return Result{}, errMismatch
	}
	if tx.Version != 0 && tx.Version != 2 || run(a.Script, tx, requiredFlags|upgradeableFlags) != nil {
		return Result{}, errs.Bad(errs.Unsupported, "the signature uses rules that are not defined yet, so it cannot be told whether it is good")
	}
	return r, nil
}

// run lets the script engine check the input.
func run(script []byte, tx *wire.MsgTx, flags txscript.ScriptFlags) error {
	prevs := txscript.NewCannedPrevOutputFetcher(script, 0)
	engine, err := txscript.NewEngine(script, tx, 0, flags, nil, txscript.NewTxSigHashes(tx, prevs), 0, prevs)
	if err != nil {
		return err
	}
	return engine.Execute()
}

// onlySigHashAll reports whether every signature in an input is of type SIGHASH_ALL (or, in
// taproot, SIGHASH_DEFAULT) and in range. The engine takes every type, and its Schnorr
// verification takes an s that wraps around the group order. Strictly encoded signatures can be told
// from other data by their form.
func onlySigHashAll(a btc.Address, in *wire.TxIn) bool {
	if a.Type == btc.P2TR {
		for _, item := range in.Witness {
			if len(item) == 65 && item[64] != byte(txscript.SigHashAll) || !schnorrInRange(item) {
				return false
			}
		}
		return true
	}
	items := [][]byte(in.Witness)
	for t := txscript.MakeScriptTokenizer(0, in.SignatureScript); t.Next(); {
		items = append(items, t.Data())
	}
	for _, item := range items {
		if isDER(item) && item[len(item)-1] != byte(txscript.SigHashAll) {
			return false
		}
	}
	return true
}

func schnorrInRange(item []byte) bool {
	if len(item) != 64 && len(item) != 65 {
		return true // no signature
	}
	var s btcec.ModNScalar
	return !s.SetByteSlice(item[32:64])
}

// isDER reports whether an item has the form of a DER signature with a type behind (BIP66).
func isDER(item []byte) bool {
	n := len(item)
	if n < 9 || n > 73 || item[0] != 0x30 || int(item[1]) != n-3 || item[2] != 2 {
		return false
	}
	r := int(item[3])
	return 5+r < n && item[4+r] == 2 && r+int(item[5+r])+7 == n
}

// parseWitness reads a witness stack from the first byte to the last.
func parseWitness(raw []byte) (wire.TxWitness, bool) {
	r := reader{raw, true}
	w := r.witness()
	return w, r.ok && len(r.rest) == 0
}

// parseToSign reads a signed virtual transaction of one input and the one output it must have.
func parseToSign(raw []byte) (*wire.MsgTx, bool) {
	r := reader{raw, true}
	tx := wire.NewMsgTx(int32(r.uint32()))
	segwit := len(r.rest) > 1 && r.rest[0] == 0 && r.rest[1] == 1
	if segwit {
		r.take(2)
	}
	if r.count() != 1 {
		return nil, false
	}
	var prev wire.OutPoint
	copy(prev.Hash[:], r.take(32))
	prev.Index = r.uint32()
	in := wire.NewTxIn(&prev, bytes.Clone(r.take(r.count())), nil)
	in.Sequence = r.uint32()
	tx.AddTxIn(in)
	// One output, of the value 0, to OP_RETURN alone.
	if !bytes.Equal(r.take(11), []byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 1, txscript.OP_RETURN}) {
		return nil, false
	}
	tx.AddTxOut(wire.NewTxOut(0, []byte{txscript.OP_RETURN}))
	if segwit {
		in.Witness = r.witness()
	}
	tx.LockTime = r.uint32()
	return tx, r.ok && len(r.rest) == 0 && (!segwit || len(in.Witness) > 0)
}

// reader walks over serialized data; ok turns false where it ends too early.
type reader struct {
	rest []byte
	ok   bool
}

func (r *reader) take(n uint64) []byte {
	if !r.ok || n > uint64(len(r.rest)) {
		r.ok = false
		return nil
	}
	out := r.rest[:n]
	r.rest = r.rest[n:]
	return out
}

func (r *reader) uint32() uint32 {
	b := r.take(4)
	if !r.ok {
		return 0
	}
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

// count reads Bitcoin's compact size; one that is longer than need be is refused.
func (r *reader) count() uint64 {
	first := r.take(1)
	if !r.ok {
		return 0
	}
	if first[0] < 0xfd {
		return uint64(first[0])
	}
	var n uint64
	b := r.take(uint64(2) << (first[0] - 0xfd))
	for i := range b {
		n |= uint64(b[i]) << (8 * i)
	}
	if least := [3]uint64{0xfd, 1 << 16, 1 << 32}[first[0]-0xfd]; n < least {
		r.ok = false
	}
	return n
}

func (r *reader) witness() wire.TxWitness {
	n := r.count()
	if n > uint64(len(r.rest)) {
		r.ok = false
	}
	var w wire.TxWitness
	for i := uint64(0); i < n && r.ok; i++ {
		w = append(w, bytes.Clone(r.take(r.count())))
	}
	return w
}

// print322 writes a signed virtual transaction in a format.
func print322(tx *wire.MsgTx, f Format) (string, error) {
	var b bytes.Buffer
	if f == Full {
		if err := tx.Serialize(&b); err != nil {
			return "", errs.E(errs.Internal, "the virtual transaction cannot be written: %w", err)
		}
		return "ful" + base64.StdEncoding.EncodeToString(b.Bytes()), nil
	}
	w := tx.TxIn[0].Witness
	_ = wire.WriteVarInt(&b, 0, uint64(len(w))) // a buffer does not fail
	for _, item := range w {
		_ = wire.WriteVarBytes(&b, 0, item)
	}
	return "smp" + base64.StdEncoding.EncodeToString(b.Bytes()), nil
}
