package codec1test

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/signer/codec1"
	"specter/internal/signer/protolite"
	"specter/internal/signer/signertest"
)

func sortBytes(list [][]byte) { slices.SortFunc(list, bytes.Compare) }

func contains(list [][]byte, b []byte) bool {
	return slices.ContainsFunc(list, func(x []byte) bool { return bytes.Equal(x, b) })
}

// txIn is an input as the host told it.
type txIn struct {
	raw     []byte // to see whether it is told the same again
	path    btc.Path
	kind    uint64
	many    *multi
	outside bool // somebody else's
	signed  bool // by somebody else, already
	coin    wire.TxOut
	scripts scripts
}

// work is a transaction that is being signed.
type work struct {
	d    *device
	n    btc.Network // as addresses look
	tx   *wire.MsgTx
	ins  []txIn
	outs int
	have protolite.Builder // what goes along with the next request: a signature
}

// signTx is the whole workflow: look at inputs and outputs, let the person approve, check the
// amounts against previous transactions, sign.
func (d *device) signTx(ctx context.Context, m protolite.Message) (uint16, protolite.Builder, error) {
	n, err := coin(m, 3)
	if err != nil {
		return 0, nil, err
	}
	w := &work{d: d, n: n, tx: wire.NewMsgTx(int32(m.Uint32(4))), outs: int(m.Uint32(1))}
	w.tx.LockTime = m.Uint32(5)
	if !m.Has(4) {
		w.tx.Version = 1
	}
	ins := int(m.Uint32(2))
	if ins < 1 || w.outs < 1 || ins > 10_000 || w.outs > 10_000 {
		return 0, nil, refusal{codec1.FailDataError, "Transaction must have inputs and outputs"}
	}
	if _, err := d.master(ctx); err != nil {
		return 0, nil, err
	}
	for i := range ins {
		if err := w.readInput(ctx, i); err != nil {
			return 0, nil, err
		}
	}
	if err := w.approve(ctx); err != nil {
		return 0, nil, err
	}
	if err := w.verify(ctx); err != nil {
		return 0, nil, err
	}
	for i := range w.ins {
		if err := w.sign(ctx, i); err != nil {
			return 0, nil, err
		}
	}
	return codec1.MsgTxRequest, w.request(codec1.WantNothing, 0, nil), nil
}

// request writes TxRequest; a signature that is ready goes along.
func (w *work) request(kind uint64, at int, hash []byte) protolite.Builder {
	b := protolite.Builder{}.Uint(1, kind)
	if kind != codec1.WantNothing {
		details := protolite.Builder{}
		if kind != codec1.WantMeta {
			details = details.Uint(1, uint64(at))
		}
		if hash != nil {
			details = details.Bytes(2, hash)
		}
		b = b.Message(2, details)
	}
	if w.have != nil {
		b, w.have = b.Message(3, w.have), nil
	}
	return b
}

// want asks the host for a part of a transaction: the field of TransactionType it comes in.
func (w *work) want(ctx context.Context, kind uint64, at int, hash []byte, field int) (protolite.Message, []byte, error) {
	bad := refusal{codec1.FailDataError, "Invalid transaction part"}
	if err := w.d.send(ctx, codec1.MsgTxRequest, w.request(kind, at, hash)); err != nil {
		return protolite.Message{}, nil, err
	}
	ack, err := w.d.next(ctx, codec1.MsgTxAck)
	if err != nil {
		return ack, nil, err
	}
	tx, ok, err := ack.Message(1)
	switch {
	case err != nil || !ok:
		return ack, nil, bad
	case field == 0:
		return tx, nil, nil
	case len(tx.All(field)) != 1:
		return ack, nil, bad
	}
	raw := tx.All(field)[0]
	part, err := protolite.Parse(raw)
	if err != nil {
		return ack, nil, bad
	}
	return part, raw, nil
}

func outpoint(m protolite.Message) (wire.OutPoint, error) {
	var o wire.OutPoint
	hash := slices.Clone(m.Bytes(2))
	slices.Reverse(hash)
	if len(hash) != len(o.Hash) {
		return o, refusal{codec1.FailDataError, "Provided prev_hash is invalid."}
	}
	copy(o.Hash[:], hash)
	o.Index = m.Uint32(3)
	return o, nil
}

func (w *work) readInput(ctx context.Context, i int) error {
	m, raw, err := w.want(ctx, codec1.WantInput, i, nil, 2)
	if err != nil {
		return err
	}
	prev, err := outpoint(m)
	if err != nil {
		return err
	}
	in := txIn{raw: raw, kind: m.Uint(6), coin: wire.TxOut{Value: int64(m.Uint(8))}}
	sequence := uint32(0xffffffff)
	if m.Has(5) {
		sequence = m.Uint32(5)
	}
	w.tx.AddTxIn(&wire.TxIn{PreviousOutPoint: prev, Sequence: sequence})
	if in.path, err = pathOf(m, 1); err != nil {
		return err
	}
	if in.kind == codec1.External {
		err = w.external(m, &in)
	} else {
		err = w.internal(ctx, m, &in)
	}
	w.ins = append(w.ins, in)
	return err
}

func (w *work) internal(ctx context.Context, m protolite.Message, in *txIn) error {
	if len(in.path) == 0 {
		return refusal{codec1.FailDataError, "Missing address_n"}
	}
	key, err := w.d.derive(ctx, in.path)
	if err != nil {
		return err
	}
	if in.many, err = w.d.multiOf(m, 7); err != nil {
		return err
	}
	if in.scripts, err = w.d.build(key.PublicKey[:], in.kind, in.many); err != nil {
		return err
	}
	in.coin.PkScript = in.scripts.out
	return nil
}

// external takes an input of somebody else's: signed already, or none.
func (w *work) external(m protolite.Message, in *txIn) error {
	in.outside, in.signed = true, len(m.Bytes(13)) > 0 || len(m.Bytes(4)) > 0
	in.coin.PkScript = m.Bytes(19)
	switch {
	case len(in.coin.PkScript) == 0:
		return refusal{codec1.FailDataError, "Missing scriptPubKey"}
	case w.d.model.Matrix:
		return refusal{codec1.FailDataError, "Missing ownership proof."}
	case !in.signed && w.d.model.Safety == 0:
		return refusal{codec1.FailProcessError, "Unverifiable external input."}
	}
	return nil
}

// approve shows the person what is paid to others, and the fee.
func (w *work) approve(ctx context.Context) error {
	fee := int64(0)
	for _, in := range w.ins {
		fee += in.coin.Value
	}
	for i := range w.outs {
		m, _, err := w.want(ctx, codec1.WantOutput, i, nil, 5)
		if err != nil {
			return err
		}
		script, change, err := w.output(ctx, m)
		if err != nil {
			return err
		}
		amount := int64(m.Uint(3))
		w.tx.AddTxOut(wire.NewTxOut(amount, script))
		fee -= amount
		if change {
			continue
		}
		text, ok := btc.AddressOf(script, w.n)
		if !ok {
			text = fmt.Sprintf("OP_RETURN %x", m.Bytes(6))
		}
		text = fmt.Sprintf("%s %d", text, amount)
		if _, err := w.d.show(ctx, codec1.ButtonConfirmOutput, signertest.ShowOutput, text); err != nil {
			return err
		}
		if w.d.model.NoRepeat && w.d.state.paid == text {
			if _, err := w.d.show(ctx, codec1.ButtonOther, signertest.ShowWarning, "Duplicate Transaction!"); err != nil {
				return err
			}
			return errRefused
		}
		w.d.state.paid = text
	}
	if fee < 0 {
		return refusal{codec1.FailNotEnoughFunds, "Not enough funds"}
	}
	_, err := w.d.show(ctx, codec1.ButtonSignTx, signertest.ShowFee, fmt.Sprint(fee))
	return err
}

// output makes the script of an output, and tells whether it is change that is not shown.
func (w *work) output(ctx context.Context, m protolite.Message) (script []byte, change bool, err error) {
	p, err := pathOf(m, 2)
	switch {
	case err != nil:
		return nil, false, err
	case len(p) > 0:
		return w.ownOutput(ctx, m, p)
	case m.Uint(4) == codec1.PayToOpReturn:
		if m.Uint(3) != 0 {
			return nil, false, refusal{codec1.FailDataError, "OP_RETURN output with non-zero amount"}
		}
		script, err = txscript.NewScriptBuilder().AddOp(txscript.OP_RETURN).AddFullData(m.Bytes(6)).Script()
		return script, false, err
	}
	// An address counts whatever the script type says, as HWI has it for P2SH multisig.
	a, err := btc.ParseAddress(m.Text(1), w.n)
	if err != nil {
		return nil, false, refusal{codec1.FailDataError, "Invalid address"}
	}
	return a.Script, false, nil
}

func (w *work) ownOutput(ctx context.Context, m protolite.Message, p btc.Path) ([]byte, bool, error) {
	kind, ok := map[uint64]uint64{codec1.PayToAddress: codec1.SpendAddress, codec1.PayToMultisig: codec1.SpendMultisig, codec1.PayToWitness: codec1.SpendWitness,
		codec1.PayToP2SHWitness: codec1.SpendP2SHWitness, codec1.PayToTaproot: codec1.SpendTaproot}[m.Uint(4)]
	if !ok || m.Text(1) != "" {
		return nil, false, refusal{codec1.FailDataError, "Invalid script type"}
	}
	many, err := w.d.multiOf(m, 5)
	if err != nil {
		return nil, false, err
	}
	key, err := w.d.derive(ctx, p)
	if err != nil {
		return nil, false, err
	}
	s, err := w.d.build(key.PublicKey[:], kind, many)
	if err != nil {
		return nil, false, err
	}
	change := len(p) >= 2 && p[len(p)-2] <= 1 && p[len(p)-1] <= 1_000_000
	for _, in := range w.ins {
		if !in.outside {
			change = change && in.sameWallet(p, kind, many)
		}
	}
	return s.out, change, nil
}

// sameWallet reports whether an output comes from the wallet of an input.
func (in txIn) sameWallet(p btc.Path, kind uint64, many *multi) bool {
	if in.kind != kind || len(in.path) != len(p) || !slices.Equal(in.path[:len(p)-2], p[:len(p)-2]) || (in.many == nil) != (many == nil) {
		return false
	}
	return many == nil || in.many.print == many.print
}
