package codec1test

import (
	"bytes"
	"context"
	"slices"

	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/signer/codec1"
	"specter/internal/signer/protolite"
)

// verify looks at the coins in the previous transactions. Where all keys are taproot's, their
// signatures cover the amounts and nothing need be looked at.
func (w *work) verify(ctx context.Context) error {
	if !slices.ContainsFunc(w.ins, func(in txIn) bool { return !in.outside && in.kind != codec1.SpendTaproot }) {
		return nil
	}
	for i := range w.ins {
		coin, err := w.previous(ctx, w.tx.TxIn[i].PreviousOutPoint)
		if err != nil {
			return err
		}
		in := &w.ins[i]
		switch {
		case coin.Value != in.coin.Value:
			return refusal{codec1.FailDataError, "Invalid amount specified"}
		case bytes.Equal(coin.PkScript, in.coin.PkScript):
		case !w.d.model.OldForeign:
			return refusal{codec1.FailDataError, "Input does not match scriptPubKey"}
		}
	}
	return nil
}

// previous streams a previous transaction, checks that it is the one, and returns the coin.
func (w *work) previous(ctx context.Context, at wire.OutPoint) (*wire.TxOut, error) {
	hash := slices.Clone(at.Hash[:])
	slices.Reverse(hash)
	m, _, err := w.want(ctx, codec1.WantMeta, 0, hash, 0)
	if err != nil {
		return nil, err
	}
	tx := wire.NewMsgTx(int32(m.Uint32(1)))
	tx.LockTime = m.Uint32(4)
	ins, outs := int(m.Uint32(6)), int(m.Uint32(7))
	for i := range ins {
		m, _, err := w.want(ctx, codec1.WantInput, i, hash, 2)
		if err != nil {
			return nil, err
		}
		prev, err := outpoint(m)
		if err != nil {
			return nil, err
		}
		tx.AddTxIn(&wire.TxIn{PreviousOutPoint: prev, SignatureScript: m.Bytes(4), Sequence: m.Uint32(5)})
	}
	for i := range outs {
		m, _, err := w.want(ctx, codec1.WantOutput, i, hash, 3)
		if err != nil {
			return nil, err
		}
		tx.AddTxOut(wire.NewTxOut(int64(m.Uint(1)), m.Bytes(2)))
	}
	if tx.TxHash() != at.Hash || int(at.Index) >= len(tx.TxOut) {
		return nil, refusal{codec1.FailDataError, "Encountered invalid prevhash"}
	}
	return tx.TxOut[at.Index], nil
}

// sign signs an input, after looking at it once more; the signature goes with the next request.
func (w *work) sign(ctx context.Context, i int) error {
	in := &w.ins[i]
	if in.outside {
		return nil
	}
	_, raw, err := w.want(ctx, codec1.WantInput, i, nil, 2)
	if err != nil {
		return err
	}
	if !bytes.Equal(raw, in.raw) {
		return refusal{codec1.FailProcessError, "Transaction has changed during signing"}
	}
	key, err := w.d.derive(ctx, in.path)
	if err != nil {
		return err
	}
	hash, err := w.hash(i)
	if err != nil {
		return err
	}
	private := w.d.signingKey(key)
	var sig []byte
	if in.kind == codec1.SpendTaproot {
		s, err := schnorr.Sign(txscript.TweakTaprootPrivKey(*private, nil), hash)
		if err != nil {
			return err
		}
		sig = s.Serialize()
	} else {
		sig = ecdsa.Sign(private, hash).Serialize()
	}
	w.have = protolite.Builder{}.Uint(1, uint64(i)).Bytes(2, sig)
	return nil
}

// hash is what the signature of an input is over.
func (w *work) hash(i int) ([]byte, error) {
	tx := w.tx.Copy()
	if w.d.Lie.Amount {
		tx.TxOut[0].Value--
	}
	in := &w.ins[i]
	coins := map[wire.OutPoint]*wire.TxOut{}
	for j, other := range w.ins {
		coins[w.tx.TxIn[j].PreviousOutPoint] = &other.coin
	}
	all := txscript.NewTxSigHashes(tx, txscript.NewMultiPrevOutFetcher(coins))
	script := in.scripts.out
	if in.scripts.redeem != nil {
		script = in.scripts.redeem
	}
	if in.scripts.witness != nil {
		script = in.scripts.witness
	}
	switch in.kind {
	case codec1.SpendTaproot:
		return txscript.CalcTaprootSignatureHash(all, txscript.SigHashDefault, tx, i, txscript.NewMultiPrevOutFetcher(coins))
	case codec1.SpendWitness, codec1.SpendP2SHWitness:
		return txscript.CalcWitnessSigHash(script, all, txscript.SigHashAll, tx, i, in.coin.Value)
	}
	return txscript.CalcSignatureHash(script, txscript.SigHashAll, tx, i)
}
