package wallet

import (
	"context"
	"slices"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/btc/spend"
	"specter/internal/errs"
)

// ChildRequest asks for a transaction that spends outputs of ours of an unconfirmed one, incoming
// or outgoing, and pays so much that both together reach a feerate (CPFP).
type ChildRequest struct {
	TxID    chainhash.Hash
	FeeRate btc.FeeRate     // of the package; 0: estimate for Blocks
	Blocks  int             // 0: 6
	Coins   []wire.OutPoint // outputs of it to spend; empty: all of ours that are free
	MaxFee  btcutil.Amount
	Note    string
	Token   string // of the form: the same token twice makes one draft
	Care    Care
}

// PreviewChild returns what Child would make; nothing is held.
func (s *Service) PreviewChild(ctx context.Context, ref Ref, q ChildRequest) (Preview, error) {
	return previewedBy(ctx, s, ref, q, s.child)
}

// Child makes the draft of a child that pays for its parent. What the parent and its own
// unconfirmed ancestors pay is asked of the node's mempool, else counted from what is known.
// Broadcast hands a parent that the mempool has thrown out to the node together with it.
func (s *Service) Child(ctx context.Context, ref Ref, q ChildRequest) (Draft, error) {
	return draftOf(ctx, s, ref, q, q.Token, s.child)
}

func (s *Service) child(ctx context.Context, r Record, w *openWallet, q ChildRequest) (*plannedDraft, error) {
	row, err := s.c.Store.HistoryRow(ctx, r.ID, q.TxID)
	if err != nil {
		return nil, err
	}
	if row.State != Pending && row.State != Dropped {
		return nil, errs.E(errs.Conflict, "the transaction is %s; a child cannot speed it up", row.State)
	}
	pack, err := s.family(ctx, r, q.TxID)
	if err != nil {
		return nil, err
	}
	job := &plannedDraft{q: SpendRequest{FeeRate: q.FeeRate, Blocks: q.Blocks, Note: q.Note, Token: q.Token, MaxFee: q.MaxFee, Care: q.Care}, reuse: -1, parents: row.State == Dropped, child: true}
	if job.rate, err = s.rate(ctx, job.q); err != nil {
		return nil, err
	}
	s.market(ctx)
	job.plan = func(ctx context.Context, r Record) (*spend.Result, error) {
		outs, err := s.spendableOutputs(ctx, r, w, q)
		if err != nil {
			return nil, err
		}
		extra, err := s.candidates(ctx, r, nil, 0)
		if err != nil {
			return nil, err
		}
		extra = slices.DeleteFunc(extra, func(c spend.Coin) bool { return c.OutPoint.Hash == q.TxID })
		c := spend.Child{Params: s.params(r, w, job.q, job.rate, s.lastMarket()), ParentFee: pack.fee, ParentVSize: pack.vsize}
		return spend.ChildPaysForParent(c, outs, extra)
	}
	return job, nil
}

// spendableOutputs lists the outputs of a transaction that a child may spend.
func (s *Service) spendableOutputs(ctx context.Context, r Record, w *openWallet, q ChildRequest) ([]spend.Coin, error) {
	tx, err := s.stored(ctx, r, q.TxID)
	if err != nil {
		return nil, err
	}
	ops := make([]wire.OutPoint, len(tx.TxOut))
	for i := range tx.TxOut {
		ops[i] = wire.OutPoint{Hash: q.TxID, Index: uint32(i)}
	}
	rows, err := s.c.Store.CoinsAt(ctx, r.ID, ops)
	if err != nil {
		return nil, err
	}
	for _, op := range q.Coins {
		if c, ours := rows[op]; !ours || op.Hash != q.TxID || !isFree(c) {
			return nil, whyNot(op, rows)
		}
	}
	var out []spend.Coin
	for _, op := range ops {
		c, ours := rows[op]
		if !ours || !isFree(c) || len(q.Coins) > 0 && !slices.Contains(q.Coins, op) {
			continue
		}
		coin, err := w.coin(r, c)
		if err != nil {
			return nil, err
		}
		coin.Own = true // the point is to spend what is not confirmed
		out = append(out, coin)
	}
	return out, nil
}

func isFree(c CoinRow) bool { return c.SpentBy == nil && !c.Frozen && c.ReservedBy == 0 && !c.Immature }

// family is what a transaction and its unconfirmed ancestors pay together.
type family struct {
	fee   btcutil.Amount
	vsize btc.VSize
}

// family asks the node's mempool, and counts from our own facts where it cannot tell.
func (s *Service) family(ctx context.Context, r Record, txid chainhash.Hash) (family, error) {
	if e, err := s.poolEntry(ctx, txid); err == nil {
		return family{e.AncestorFee, e.AncestorVSize}, nil
	}
	var f family
	seen := map[chainhash.Hash]bool{txid: true}
	for next := []chainhash.Hash{txid}; len(next) > 0; next = next[1:] {
		tx, err := s.stored(ctx, r, next[0])
		if err != nil {
			return f, err
		}
		fee, err := s.feeOf(ctx, r, tx)
		if err != nil {
			return f, err
		}
		f.fee, f.vsize = f.fee+fee, f.vsize+psbt.TxWeight(tx).VSize()
		for _, in := range tx.TxIn {
			id := in.PreviousOutPoint.Hash
			row, err := s.c.Store.HistoryRow(ctx, r.ID, id)
			if err != nil || seen[id] || row.State != Pending && row.State != Dropped || len(seen) >= maxFamily {
				continue // confirmed, or nothing that we know of
			}
			seen[id] = true
			next = append(next, id)
		}
	}
	return f, nil
}

// feeOf is what a transaction pays: from our coins and transactions, else from those that the
// node finds.
func (s *Service) feeOf(ctx context.Context, r Record, tx *wire.MsgTx) (btcutil.Amount, error) {
	row, err := s.c.Store.HistoryRow(ctx, r.ID, tx.TxHash())
	if err == nil && row.Fee != nil {
		return *row.Fee, nil
	}
	src, err := s.c.Sources.Source(ctx)
	if err != nil {
		return 0, err
	}
	var fee btcutil.Amount
	parents := map[chainhash.Hash]*wire.MsgTx{}
	for _, in := range tx.TxIn {
		op := in.PreviousOutPoint
		prev := s.prevOut(ctx, r, op, parents)
		if prev == nil {
			found, err := src.Tx(ctx, op.Hash)
			if err != nil || int64(op.Index) >= int64(len(found.TxOut)) {
				return 0, errs.E(errs.Unavailable, "the fee of transaction %s is not known: it is not in the node's mempool, and the node cannot show what it spends", tx.TxHash())
			}
			parents[op.Hash] = found
			prev = found.TxOut[op.Index]
		}
		fee += btcutil.Amount(prev.Value)
	}
	for _, o := range tx.TxOut {
		fee -= btcutil.Amount(o.Value)
	}
	return max(fee, 0), nil
}
