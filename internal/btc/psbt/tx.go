package psbt

import (
	"bytes"
	"encoding/hex"
	"strings"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

// ParseTx reads a raw transaction, with or without witnesses, of at most 4,000,000 bytes. The
// whole input must be used and must be written in the one form that serialising gives again.
func ParseTx(raw []byte) (*wire.MsgTx, error) { return decodeTx(raw, true) }

// DecodeTx reads a raw transaction as hexadecimal text.
func DecodeTx(s string) (*wire.MsgTx, error) {
	s = strings.TrimSpace(s)
	if len(s) > 2*maxTxBytes {
		return nil, errs.Bad(errs.TooLarge, "the transaction is larger than any block")
	}
	raw, err := hex.DecodeString(s)
	if err != nil {
		return nil, errs.Bad(errs.BadEncoding, "the transaction is not hexadecimal: %w", err)
	}
	return ParseTx(raw)
}

// decodeTx is its own reader because counts must be held against the bytes that are there
// before memory is taken for them.
func decodeTx(raw []byte, witness bool) (*wire.MsgTx, error) {
	if len(raw) > maxTxBytes {
		return nil, errs.Bad(errs.TooLarge, "a transaction in the PSBT is larger than any block")
	}
	r := &reader{b: raw}
	tx, err := readTx(r, witness)
	if err != nil {
		return nil, errs.Bad(errs.Malformed, "this is no transaction: %w", err)
	}
	if len(r.b) != 0 {
		return nil, errs.Bad(errs.Malformed, "%d bytes are left over after the transaction", len(r.b))
	}
	return tx, nil
}

func readTx(r *reader, witness bool) (*wire.MsgTx, error) {
	version, err := r.uint32()
	if err != nil {
		return nil, err
	}
	tx := &wire.MsgTx{Version: int32(version)}
	segwit := witness && len(r.b) >= 2 && r.b[0] == 0
	if segwit {
		if r.b[1] != 1 {
			return nil, errs.Bad(errs.Malformed, "it has no inputs or an unknown flag")
		}
		r.b = r.b[2:]
	}
	if err := readTxIns(r, tx); err != nil {
		return nil, err
	}
	if err := readTxOuts(r, tx); err != nil {
		return nil, err
	}
	if segwit {
		for _, in := range tx.TxIn {
			if in.Witness, err = readStack(r); err != nil {
				return nil, err
			}
		}
		if !tx.HasWitness() {
			return nil, errs.Bad(errs.Malformed, "it is marked as segwit but has no witness")
		}
	}
	tx.LockTime, err = r.uint32()
	return tx, err
}

func readTxIns(r *reader, tx *wire.MsgTx) error {
	n, err := r.compactSize()
	if err != nil {
		return err
	}
	if n > uint64(len(r.b))/41 {
		return errShort
	}
	if n > maxInputs {
		return errs.Bad(errs.TooLarge, "it has %d inputs, more than a block holds", n)
	}
	tx.TxIn = make([]*wire.TxIn, n)
	for i := range tx.TxIn {
		hash, err := r.take(32)
		if err != nil {
			return err
		}
		in := &wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: chainhash.Hash(hash)}}
		if in.PreviousOutPoint.Index, err = r.uint32(); err != nil {
			return err
		}
		if in.SignatureScript, err = r.varBytes(); err != nil {
			return err
		}
		if in.Sequence, err = r.uint32(); err != nil {
			return err
		}
		tx.TxIn[i] = in
	}
	return nil
}

func readTxOuts(r *reader, tx *wire.MsgTx) error {
	n, err := r.compactSize()
	if err != nil {
		return err
	}
	if n > uint64(len(r.b))/9 {
		return errShort
	}
	if n > maxOutputs {
		return errs.Bad(errs.TooLarge, "it has %d outputs, more than a block holds", n)
	}
	tx.TxOut = make([]*wire.TxOut, n)
	for i := range tx.TxOut {
		if tx.TxOut[i], err = readTxOut(r); err != nil {
			return err
		}
	}
	return nil
}

func readTxOut(r *reader) (*wire.TxOut, error) {
	value, err := r.uint64()
	if err != nil {
		return nil, err
	}
	script, err := r.varBytes()
	return &wire.TxOut{Value: int64(value), PkScript: script}, err
}

// readStack reads a witness; the result is never nil.
func readStack(r *reader) (wire.TxWitness, error) {
	n, err := r.compactSize()
	if err != nil {
		return nil, err
	}
	if n > uint64(len(r.b)) {
		return nil, errShort
	}
	stack := make(wire.TxWitness, 0, min(n, 64))
	for range n {
		item, err := r.varBytes()
		if err != nil {
			return nil, err
		}
		stack = append(stack, item)
	}
	return stack, nil
}

func appendStack(b []byte, stack wire.TxWitness) []byte {
	b = appendCompactSize(b, uint64(len(stack)))
	for _, item := range stack {
		b = appendVarBytes(b, item)
	}
	return b
}

// SerializeTx writes a transaction with its witnesses, where it has any.
func SerializeTx(tx *wire.MsgTx) []byte {
	var b bytes.Buffer
	b.Grow(tx.SerializeSize())
	_ = tx.Serialize(&b) // a bytes.Buffer never fails
	return b.Bytes()
}

func serializeUnsigned(tx *wire.MsgTx) []byte {
	var b bytes.Buffer
	_ = tx.SerializeNoWitness(&b) // a bytes.Buffer never fails
	return b.Bytes()
}

// TxWeight returns the weight of a transaction: three times the stripped size plus the size
// (BIP141).
func TxWeight(tx *wire.MsgTx) btc.Weight {
	return btc.Weight(3*tx.SerializeSizeStripped() + tx.SerializeSize())
}

// TxInfo is what `tx inspect` tells.
type TxInfo struct {
	TxID, WTxID chainhash.Hash
	Version     int32
	LockTime    uint32
	Size        int // bytes, with witnesses
	VSize       btc.VSize
	Weight      btc.Weight
	Inputs      []*wire.TxIn
	Outputs     []*wire.TxOut
}

// InspectTx measures a transaction.
func InspectTx(tx *wire.MsgTx) TxInfo {
	w := TxWeight(tx)
	return TxInfo{
		TxID: tx.TxHash(), WTxID: tx.WitnessHash(), Version: tx.Version, LockTime: tx.LockTime,
		Size: tx.SerializeSize(), VSize: w.VSize(), Weight: w, Inputs: tx.TxIn, Outputs: tx.TxOut,
	}
}
