package wallet

import (
	"context"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/txgraph"
	"specter/internal/errs"
)

// History is one page of a wallet's transactions, the newest first unless asked otherwise.
func (s *Service) History(ctx context.Context, ref Ref, q Query) (HistoryPage, error) {
	p, err := newestFirst(q)
	if err != nil {
		return HistoryPage{}, err
	}
	r, _, err := s.find(ctx, ref)
	if err != nil {
		return HistoryPage{}, err
	}
	return s.c.Store.History(ctx, []ID{r.ID}, p)
}

// HistoryAll is History over all wallets of an owner on a network.
func (s *Service) HistoryAll(ctx context.Context, o Owner, n btc.Network, q Query) (HistoryPage, error) {
	p, err := newestFirst(q)
	if err != nil {
		return HistoryPage{}, err
	}
	ids, err := s.ids(ctx, o, n)
	if err != nil {
		return HistoryPage{}, err
	}
	return s.c.Store.History(ctx, ids, p)
}

func (s *Service) ids(ctx context.Context, o Owner, n btc.Network) ([]ID, error) {
	return s.c.Store.WalletIDs(ctx, o, n)
}

// Transaction tells all that is known of a transaction of the wallet. Where its stored bytes
// cannot be read, the row says so and Tx is nil; Repair mends it.
func (s *Service) Transaction(ctx context.Context, ref Ref, txid chainhash.Hash) (TxDetail, error) {
	r, _, err := s.find(ctx, ref)
	if err != nil {
		return TxDetail{}, err
	}
	row, err := s.c.Store.HistoryRow(ctx, r.ID, txid)
	if err != nil {
		return TxDetail{}, err
	}
	d := TxDetail{HistoryRow: row}
	if d.Raw, err = s.c.Store.RawTx(ctx, r.ID, txid); err != nil {
		return TxDetail{}, err
	}
	if d.Tx, err = ReadTx(d.Raw, txid); err != nil {
		d.State, d.Trouble, d.Tx = Broken, "the stored transaction cannot be read ("+err.Error()+"); repair fetches it again from the node", nil
		return d, s.recheck(ctx, r, txid)
	}
	return d, s.detail(ctx, r, &d)
}

// recheck computes the row of a fact again.
func (s *Service) recheck(ctx context.Context, r Record, txid chainhash.Hash) error {
	_, _, err := s.change(ctx, r, s.openOf(r), chunk{recheck: []chainhash.Hash{txid}})
	return err
}

// detail fills in inputs and outputs.
func (s *Service) detail(ctx context.Context, r Record, d *TxDetail) error {
	if err := s.inputsOf(ctx, r, d); err != nil {
		return err
	}
	outs, err := s.outputs(ctx, r, d.TxID, d.Tx.TxOut)
	if err != nil {
		return err
	}
	d.Outputs = outs
	if d.Conflicts, err = s.c.Store.Rivals(ctx, r.ID, d.TxID); err != nil {
		return err
	}
	if d.Fee != nil {
		d.FeeRate = btc.RateOf(*d.Fee, d.VSize)
	}
	return nil
}

func (s *Service) inputsOf(ctx context.Context, r Record, d *TxDetail) error {
	ops := make([]wire.OutPoint, len(d.Tx.TxIn))
	for i, in := range d.Tx.TxIn {
		ops[i] = in.PreviousOutPoint
	}
	coins, err := s.c.Store.CoinsAt(ctx, r.ID, ops)
	if err != nil {
		return err
	}
	known := len(d.Tx.TxIn) > 0
	var in, out btcutil.Amount
	parents := map[chainhash.Hash]*wire.MsgTx{}
	for i, op := range ops {
		t := TxInput{OutPoint: op, Amount: -1, Sequence: d.Tx.TxIn[i].Sequence}
		if c, ok := coins[op]; ok {
			t.Amount, t.Address, t.Label, t.Mine = c.Amount, c.Address, c.Label, true
		} else if o := s.prevOut(ctx, r, op, parents); o != nil {
			t.Amount = btcutil.Amount(o.Value)
			t.Address, _ = btc.AddressOf(o.PkScript, r.Network)
		}
		known = known && t.Amount >= 0
		in += t.Amount
		d.Inputs = append(d.Inputs, t)
	}
	for _, o := range d.Tx.TxOut {
		out += btcutil.Amount(o.Value)
	}
	if fee := in - out; known && d.Fee == nil && fee >= 0 {
		d.Fee = &fee
	}
	return nil
}

// prevOut finds a spent output that is none of ours, in the transactions that we have.
func (s *Service) prevOut(ctx context.Context, r Record, op wire.OutPoint, parents map[chainhash.Hash]*wire.MsgTx) *wire.TxOut {
	tx, asked := parents[op.Hash]
	if !asked {
		if raw, err := s.c.Store.RawTx(ctx, r.ID, op.Hash); err == nil {
			tx, _ = ReadTx(raw, op.Hash) // unreadable: not known
		}
		parents[op.Hash] = tx
	}
	if tx == nil || int64(op.Index) >= int64(len(tx.TxOut)) {
		return nil
	}
	return tx.TxOut[op.Index]
}

// outputs describes the outputs of a transaction, ours and others.
func (s *Service) outputs(ctx context.Context, r Record, txid chainhash.Hash, outs []*wire.TxOut) ([]TxOutput, error) {
	scripts := make([][]byte, len(outs))
	ops := make([]wire.OutPoint, len(outs))
	for i, o := range outs {
		scripts[i], ops[i] = o.PkScript, wire.OutPoint{Hash: txid, Index: uint32(i)}
	}
	ours, err := s.c.Store.AddressesOf(ctx, r.ID, scripts)
	if err != nil {
		return nil, err
	}
	coins, err := s.c.Store.CoinsAt(ctx, r.ID, ops)
	if err != nil {
		return nil, err
	}
	list := make([]TxOutput, len(outs))
	var addresses []string
	for i, o := range outs {
		t := TxOutput{Amount: btcutil.Amount(o.Value), Script: o.PkScript}
		t.Address, _ = btc.AddressOf(o.PkScript, r.Network)
		if a, ok := ours[string(o.PkScript)]; ok {
			t.Mine, t.Change = true, a.Branch == 1
		}
		if c, ok := coins[ops[i]]; ok {
			t.SpentBy = c.SpentBy
		}
		addresses = append(addresses, t.Address)
		list[i] = t
	}
	names, err := s.c.Store.LabelsAt(ctx, r.ID, LabelAddress, addresses)
	for i := range list {
		list[i].Label = names[list[i].Address]
	}
	return list, err
}

// Repair fetches a transaction again from the node and puts it in the place of unreadable bytes.
func (s *Service) Repair(ctx context.Context, ref Ref, txid chainhash.Hash) error {
	r, w, err := s.ready(ctx, ref)
	if err != nil {
		return err
	}
	if _, err := s.c.Store.HistoryRow(ctx, r.ID, txid); err != nil {
		return err
	}
	src, err := s.c.Sources.Source(ctx)
	if err != nil {
		return err
	}
	tx, err := src.Tx(ctx, txid)
	if err != nil {
		return err
	}
	if tx.TxHash() != txid {
		return errs.E(errs.Unavailable, "the node answered with another transaction")
	}
	c := chunk{txs: []txgraph.Tx{{ID: txid, Tx: tx}}, recheck: []chainhash.Hash{txid}}
	if err := s.applyChunk(ctx, r, w, c); err != nil {
		return err
	}
	s.tell(r, "wallet")
	return nil
}
