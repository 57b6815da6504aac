package wallet

import (
	"bytes"
	"context"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc/psbt"
	"specter/internal/errs"
)

// Broadcast hands a complete draft to the network and writes it into the history at once. It
// may be repeated: a transaction that is there already is a success.
func (s *Service) Broadcast(ctx context.Context, ref Ref, id DraftID) (chainhash.Hash, error) {
	return s.broadcast(ctx, ref, id, "")
}

func (s *Service) broadcast(ctx context.Context, ref Ref, id DraftID, via string) (chainhash.Hash, error) {
	r, w, err := s.ready(ctx, ref)
	if err != nil {
		return chainhash.Hash{}, err
	}
	d, err := s.c.Store.Draft(ctx, r.ID, id)
	if err != nil {
		return chainhash.Hash{}, err
	}
	tx, err := s.sendable(ctx, r, w, d)
	if err != nil {
		return chainhash.Hash{}, err
	}
	sent, err := s.send(ctx, r, tx, via)
	if err != nil {
		return chainhash.Hash{}, err
	}
	txid := tx.TxHash()
	var gone []chainhash.Hash
	if d.Replaces != nil && *d.Replaces != txid {
		gone = append(gone, *d.Replaces) // the node took this one: it has thrown that one out
	}
	if err := s.applySent(ctx, r, w, sent, gone); err != nil {
		return chainhash.Hash{}, err
	}
	if err := s.markSent(ctx, r, w, id); err != nil {
		return chainhash.Hash{}, err
	}
	s.tell(r, "wallet")
	s.tell(r, "draft")
	return txid, nil
}

// sendable checks once more what is going to leave the house: it is the draft's own
// transaction, every input satisfies its script, and no coin was taken by another one.
func (s *Service) sendable(ctx context.Context, r Record, w *openWallet, d StoredDraft) (*wire.MsgTx, error) {
	view, err := s.view(ctx, r, w, d)
	if err != nil {
		return nil, err
	}
	switch {
	case view.State == DraftBroken:
		return nil, errs.E(errs.Unavailable, "%s", view.Trouble)
	case view.State == Expired:
		return nil, errs.E(errs.Conflict, "the draft has expired and holds its coins no more; renew it first")
	case d.Final == nil:
		return nil, errs.E(errs.Conflict, "the draft is not complete: %d of %d signatures are there", view.Have, view.Need)
	case len(view.spentElsewhere()) > 0:
		return nil, errs.E(errs.Conflict, "a coin of this draft has been spent by transaction %s; delete the draft and make the payment again", view.spentElsewhere()[0])
	}
	p, err := psbt.Parse(d.PSBT)
	if err != nil {
		return nil, broken(err)
	}
	tx, err := finalize(p)
	if err != nil {
		return nil, err
	}
	if tx == nil || !bytes.Equal(WriteTx(tx), d.Final) {
		if tx, err = psbt.ParseTx(d.Final); err != nil {
			return nil, broken(err)
		}
		if _, _, err := p.MergeTx(tx); err != nil { // verifies each input against its coin
			return nil, err
		}
	}
	return tx, nil
}

// send gives a transaction to the source, which tests it first where it can, and returns what
// was sent: it, and before it the parents that had left the mempool. via is BroadcastVia's.
func (s *Service) send(ctx context.Context, r Record, tx *wire.MsgTx, via string) ([]*wire.MsgTx, error) {
	row, err := s.c.Store.HistoryRow(ctx, r.ID, tx.TxHash())
	switch {
	case err == nil && row.State == Confirmed:
		return []*wire.MsgTx{tx}, nil // it was sent, and mined, before we could note it
	case err != nil && !errs.Is(err, errs.NotFound):
		return nil, err
	}
	if via != "" {
		return s.post(ctx, r, tx, via)
	}
	src, err := s.c.Sources.Source(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.sameNetwork(ctx, r, src); err != nil {
		return nil, err
	}
	parents, err := s.looseParents(ctx, r, tx)
	if err != nil {
		return nil, err
	}
	if len(parents) > 0 {
		return append(parents, tx), s.sendPackage(ctx, src, parents, tx)
	}
	return []*wire.MsgTx{tx}, submit(ctx, src, tx)
}

// markSent notes on the draft that it is out.
func (s *Service) markSent(ctx context.Context, r Record, w *openWallet, id DraftID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	d, err := s.c.Store.Draft(ctx, r.ID, id)
	if errs.Is(err, errs.NotFound) || err == nil && d.State == Broadcast {
		return nil
	}
	if err != nil {
		return err
	}
	d.State, d.Changed = Broadcast, s.c.Now()
	return s.c.Store.PutDraft(ctx, &d)
}
