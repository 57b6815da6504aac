package wallet

import (
	"context"
	"slices"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/txgraph"
	"specter/internal/chain"
	"specter/internal/errs"
)

// Choices are what can be done about a transaction that waits.
type Choices struct {
	InMempool   bool // the node has it; false where the node cannot tell too
	FeeRate     btc.FeeRate
	PackageRate btc.FeeRate // with its unconfirmed ancestors; 0: not known
	SpeedUp     bool        // Replace
	Cancel      bool        // Replace with Cancel
	Edit        bool        // EditRequest
	Child       bool        // Child
	Rebroadcast bool
	Abandon     bool
	LeastRate   btc.FeeRate      // that a replacement of the same size must pay
	Evicts      int              // unconfirmed descendants that a replacement throws out
	ReplacedBy  *chainhash.Hash  // who took its place
	Conflicts   []chainhash.Hash // others known that spend one of its coins
	Why         string           // for the person, why nothing can be done; "" where something can
}

// Choices tells what can be done about a transaction of the wallet.
func (s *Service) Choices(ctx context.Context, ref Ref, txid chainhash.Hash) (Choices, error) {
	r, w, err := s.ready(ctx, ref)
	if err != nil {
		return Choices{}, err
	}
	row, err := s.c.Store.HistoryRow(ctx, r.ID, txid)
	if err != nil {
		return Choices{}, err
	}
	c := Choices{ReplacedBy: row.ReplacedBy}
	if c.Conflicts, err = s.c.Store.Rivals(ctx, r.ID, txid); err != nil {
		return c, err
	}
	if row.Fee != nil {
		c.FeeRate = btc.RateOf(*row.Fee, row.VSize)
	}
	if row.State != Pending && row.State != Dropped {
		c.Why = "the transaction is " + string(row.State)
		return c, nil
	}
	if e, err := s.poolEntry(ctx, txid); err == nil {
		c.InMempool, c.Evicts = true, e.Descendants-1
		c.FeeRate, c.PackageRate = btc.RateOf(e.Fee, e.VSize), btc.RateOf(e.AncestorFee, e.AncestorVSize)
	}
	outs, err := s.spendableOutputs(ctx, r, w, ChildRequest{TxID: txid})
	if err != nil {
		return c, err
	}
	c.Child = len(outs) > 0
	c.Rebroadcast = !c.InMempool
	c.Abandon = row.State == Dropped && !row.Abandoned
	o, err := s.original(ctx, r, w, txid)
	switch {
	case err == nil:
		c.SpeedUp, c.Cancel = true, true
		c.Edit = !slices.ContainsFunc(o.recipients, func(to Recipient) bool { return to.Address == "" })
		c.LeastRate = btc.RateOf(o.fee+o.evicted, o.vsize) + o.increment
	case !c.Child && !c.Rebroadcast && !c.Abandon:
		c.Why = err.Error()
	}
	return c, nil
}

// Alarms lists transactions of the wallet that left the mempool without confirming and that were
// not given up: money that was sent may not arrive, money that was received may not come.
func (s *Service) Alarms(ctx context.Context, ref Ref) ([]HistoryRow, error) {
	r, _, err := s.find(ctx, ref)
	if err != nil {
		return nil, err
	}
	return s.c.Store.Dropped(ctx, r.ID)
}

// Abandon gives up a transaction of ours that left the mempool: its draft lets the coins go, the
// node's wallet does not send it again by itself, and there is no alarm about it any more. Should
// anybody send it again, it is back. errs.Conflict while the node still holds it.
func (s *Service) Abandon(ctx context.Context, ref Ref, txid chainhash.Hash) error {
	r, w, err := s.ready(ctx, ref)
	if err != nil {
		return err
	}
	if err := s.syncedWith(ctx, r); err != nil {
		return err
	}
	row, err := s.c.Store.HistoryRow(ctx, r.ID, txid)
	if err != nil {
		return err
	}
	if row.State != Dropped {
		return errs.E(errs.Conflict, "only a transaction that has left the mempool can be given up; this one is %s", row.State)
	}
	src, err := s.c.Sources.Source(ctx)
	if err != nil {
		return err
	}
	if a, ok := src.(chain.Abandoner); ok {
		if err := a.Abandon(ctx, r.NodeName, txid); err != nil {
			return err
		}
	}
	d, err := s.draftOf(ctx, r, txid)
	if err != nil {
		return err
	}
	if err := s.c.Store.SetAbandoned(ctx, r.ID, txid, true); err != nil {
		return err
	}
	if d != nil && d.State != Expired {
		w.mu.Lock()
		err = s.c.Store.ExpireDraft(ctx, r.ID, d.ID, d.Revision)
		w.mu.Unlock()
		s.tell(r, "draft")
	}
	s.tell(r, "wallet")
	return err
}

// syncedWith brings the wallet's rows up to what the node holds now.
func (s *Service) syncedWith(ctx context.Context, r Record) error {
	src, err := s.c.Sources.Source(ctx)
	if err != nil {
		return err
	}
	return s.syncWallet(ctx, r.ID, src)
}

// Rebroadcast hands a transaction of the wallet to the network again, together with parents that
// left the mempool as well.
func (s *Service) Rebroadcast(ctx context.Context, ref Ref, txid chainhash.Hash) error {
	return s.rebroadcast(ctx, ref, txid, "")
}

func (s *Service) rebroadcast(ctx context.Context, ref Ref, txid chainhash.Hash, via string) error {
	r, w, err := s.ready(ctx, ref)
	if err != nil {
		return err
	}
	row, err := s.c.Store.HistoryRow(ctx, r.ID, txid)
	if err != nil {
		return err
	}
	switch row.State {
	case Confirmed:
		return errs.E(errs.Conflict, "the transaction is in a block already")
	case Conflicted:
		return errs.E(errs.Conflict, "another transaction spends its coins; it cannot be sent again")
	}
	tx, err := s.stored(ctx, r, txid)
	if err != nil {
		return err
	}
	sent, err := s.send(ctx, r, tx, via)
	if err != nil {
		return err
	}
	if err := s.c.Store.SetAbandoned(ctx, r.ID, txid, false); err != nil {
		return err
	}
	if err := s.applySent(ctx, r, w, sent, nil); err != nil {
		return err
	}
	s.tell(r, "wallet")
	return nil
}

// applySent writes what the network has just taken into facts and rows.
func (s *Service) applySent(ctx context.Context, r Record, w *openWallet, sent []*wire.MsgTx, gone []chainhash.Hash) error {
	c := chunk{gone: gone}
	for _, tx := range sent {
		c.txs = append(c.txs, txgraph.Tx{ID: tx.TxHash(), Tx: tx, Head: txgraph.Head{Seen: s.c.Now().Unix()}})
	}
	return s.applyChunk(ctx, r, w, c)
}

// looseParents lists the transactions that one spends from and that the mempool does not hold,
// parents before children.
func (s *Service) looseParents(ctx context.Context, r Record, tx *wire.MsgTx) ([]*wire.MsgTx, error) {
	var out []*wire.MsgTx
	seen := map[chainhash.Hash]bool{}
	var visit func(tx *wire.MsgTx) error
	visit = func(tx *wire.MsgTx) error {
		for _, in := range tx.TxIn {
			id := in.PreviousOutPoint.Hash
			if seen[id] || len(seen) >= maxFamily {
				continue
			}
			seen[id] = true
			row, err := s.c.Store.HistoryRow(ctx, r.ID, id)
			if err != nil || row.State == Confirmed || row.State == Pending && !s.missing(ctx, id) {
				continue // in a block, in the mempool, or nothing that we know of
			}
			parent, err := s.stored(ctx, r, id)
			if err != nil {
				return err
			}
			if err := visit(parent); err != nil {
				return err
			}
			out = append(out, parent)
		}
		return nil
	}
	return out, visit(tx)
}

// missing reports whether the node says that its mempool does not hold a transaction.
func (s *Service) missing(ctx context.Context, id chainhash.Hash) bool {
	_, err := s.poolEntry(ctx, id)
	return errs.Is(err, errs.NotFound)
}

// sendPackage hands a child to the network together with its parents. Nodes take a child with its
// own parents alone, so that what these spend from has to get in by itself first.
func (s *Service) sendPackage(ctx context.Context, src chain.Source, parents []*wire.MsgTx, tx *wire.MsgTx) error {
	direct := map[chainhash.Hash]bool{}
	for _, in := range tx.TxIn {
		direct[in.PreviousOutPoint.Hash] = true
	}
	var pack []*wire.MsgTx
	for _, p := range parents {
		if direct[p.TxHash()] {
			pack = append(pack, p)
			continue
		}
		if err := src.Broadcast(ctx, p); err != nil {
			return err
		}
	}
	if p, ok := src.(chain.Packager); ok {
		return p.SubmitPackage(ctx, append(pack, tx))
	}
	for _, t := range append(pack, tx) {
		if err := src.Broadcast(ctx, t); err != nil {
			return err
		}
	}
	return nil
}
