package wallet

import (
	"context"
	"errors"
	"slices"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/spend"
	"specter/internal/btc/txgraph"
	"specter/internal/errs"
)

// ReplaceRequest asks for a transaction that takes the place of one of ours that waits (BIP125).
type ReplaceRequest struct {
	TxID        chainhash.Hash
	Cancel      bool        // pay nobody: everything comes back to the wallet
	FeeRate     btc.FeeRate // 0: estimate for Blocks, at least what replaces
	Blocks      int         // 0 with FeeRate 0: the least that replaces
	SubtractFee []int       // outputs of the original, by vout, that pay for what the fee grows by; empty: our change does
	MaxFee      btcutil.Amount
	Note        string
	Token       string // of the form: the same token twice makes one draft
	Care        Care
}

// PreviewReplace returns what Replace would make; nothing is held.
func (s *Service) PreviewReplace(ctx context.Context, ref Ref, q ReplaceRequest) (Preview, error) {
	return previewedBy(ctx, s, ref, q, s.replacement)
}

// Replace makes the draft of a replacement: a speed-up with the same recipients, or, with Cancel,
// one that brings everything back. A feerate that BIP125 forbids is an errs.Invalid error that
// holds a *spend.FeeRateError, whose Min is the least that replaces.
func (s *Service) Replace(ctx context.Context, ref Ref, q ReplaceRequest) (Draft, error) {
	return draftOf(ctx, s, ref, q, q.Token, s.replacement)
}

// EditRequest returns the payment of a transaction of ours that waits as a request that can be
// changed: its Preview and its NewDraft take the transaction's place.
func (s *Service) EditRequest(ctx context.Context, ref Ref, txid chainhash.Hash) (SpendRequest, error) {
	r, w, err := s.ready(ctx, ref)
	if err != nil {
		return SpendRequest{}, err
	}
	o, err := s.original(ctx, r, w, txid)
	if err != nil {
		return SpendRequest{}, err
	}
	q := SpendRequest{Recipients: o.recipients, Replaces: &txid}
	for i, to := range q.Recipients {
		if to.Address == "" {
			return SpendRequest{}, errs.E(errs.Invalid, "output %d of the transaction has no address; it can be sped up and cancelled, but not edited", i)
		}
	}
	least := btc.RateOf(o.fee+o.evicted, o.vsize) + o.increment
	q.FeeRate = least
	if o.draft != nil {
		q.Note = o.draft.Note
	}
	return q, nil
}

// original is a transaction of ours whose place another one may take.
type original struct {
	row         HistoryRow
	tx          *wire.MsgTx
	fee         btcutil.Amount
	vsize       btc.VSize
	spent       []spend.Coin
	change      []spend.OwnOutput
	recipients  []Recipient // outputs that are no change, in their order
	vouts       []int       // of recipients
	evicted     btcutil.Amount
	increment   btc.FeeRate
	changeIndex int64 // of the first change output; -1: none
	draft       *StoredDraft
}

// original loads a transaction and says why its place cannot be taken.
func (s *Service) original(ctx context.Context, r Record, w *openWallet, txid chainhash.Hash) (original, error) {
	o := original{changeIndex: -1}
	var err error
	if o.row, err = s.c.Store.HistoryRow(ctx, r.ID, txid); err != nil {
		return o, err
	}
	switch {
	case o.row.State == Confirmed:
		return o, errs.E(errs.Conflict, "the transaction is in a block already; nothing can take its place")
	case o.row.State == Conflicted && o.row.ReplacedBy != nil:
		return o, errs.E(errs.Conflict, "transaction %s has taken its place already", o.row.ReplacedBy)
	case o.row.State != Pending && o.row.State != Dropped:
		return o, errs.E(errs.Conflict, "the transaction is %s; nothing can take its place", o.row.State)
	case o.row.Category != Send && o.row.Category != SelfTransfer:
		return o, errs.E(errs.Invalid, "only a transaction whose coins are all of this wallet can be replaced; speed an incoming one up by a child")
	}
	if o.tx, err = s.stored(ctx, r, txid); err != nil {
		return o, err
	}
	if o.draft, err = s.draftOf(ctx, r, txid); err != nil {
		return o, err
	}
	if o.spent, err = s.spentBy(ctx, r, w, o.tx); err != nil {
		return o, err
	}
	if err := s.splitOutputs(ctx, r, w, &o); err != nil {
		return o, err
	}
	for _, c := range o.spent {
		o.fee += c.Amount
	}
	for _, out := range o.tx.TxOut {
		o.fee -= btcutil.Amount(out.Value)
	}
	o.vsize = btc.Weight(3*o.tx.SerializeSizeStripped() + o.tx.SerializeSize()).VSize()
	m := s.market(ctx)
	o.increment = max(m.floor.Increment, 1)
	if m.floor.Increment == 0 {
		o.increment = 1_000
	}
	o.evicted, err = s.evictedFees(ctx, r, txid)
	return o, err
}

// draftOf finds the draft that became a transaction; nil where there is none.
func (s *Service) draftOf(ctx context.Context, r Record, txid chainhash.Hash) (*StoredDraft, error) {
	all, err := s.c.Store.Drafts(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	for _, d := range all {
		if d.TxID == txid {
			return &d, nil
		}
		var out Draft
		if d.Final != nil {
			out.measure(d.Final) // legacy inputs: the signatures are part of the txid
		}
		if out.TxID == txid {
			return &d, nil
		}
	}
	return nil, nil
}

// spentBy lists the coins of ours that a transaction spends, which must be all that it spends.
func (s *Service) spentBy(ctx context.Context, r Record, w *openWallet, tx *wire.MsgTx) ([]spend.Coin, error) {
	ops := make([]wire.OutPoint, len(tx.TxIn))
	for i, in := range tx.TxIn {
		ops[i] = in.PreviousOutPoint
	}
	rows, err := s.c.Store.CoinsAt(ctx, r.ID, ops)
	if err != nil {
		return nil, err
	}
	out := make([]spend.Coin, len(ops))
	for i, op := range ops {
		c, ours := rows[op]
		if !ours {
			return nil, errs.E(errs.Invalid, "only a transaction whose coins are all of this wallet can be replaced")
		}
		if out[i], err = w.coin(r, c); err != nil {
			return nil, err
		}
		out[i].Own = true
	}
	return out, nil
}

// coin is a row as the planner wants it.
func (w *openWallet) coin(r Record, c CoinRow) (spend.Coin, error) {
	if int(c.Branch) >= len(w.branches) {
		return spend.Coin{}, errs.E(errs.Internal, "coin %s is on a branch that the wallet does not have", c.OutPoint)
	}
	out, err := w.branches[c.Branch].Derive(c.Index)
	if err != nil {
		return spend.Coin{}, err
	}
	return spend.Coin{OutPoint: c.OutPoint, Amount: c.Amount, Script: out.Script, Branch: c.Branch, Index: c.Index,
		Confirmations: txgraph.Confirmations(c.Height, r.Tip.Height)}, nil
}

// splitOutputs tells change from recipients. Where the wallet has one branch alone, an output of
// ours is change unless the draft named it as a recipient.
func (s *Service) splitOutputs(ctx context.Context, r Record, w *openWallet, o *original) error {
	scripts := make([][]byte, len(o.tx.TxOut))
	for i, out := range o.tx.TxOut {
		scripts[i] = out.PkScript
	}
	ours, err := s.c.Store.AddressesOf(ctx, r.ID, scripts)
	if err != nil {
		return err
	}
	named := map[string]Recipient{}
	if o.draft != nil {
		for _, to := range o.draft.Recipients {
			named[to.Address] = to
		}
	}
	for i, out := range o.tx.TxOut {
		address, _ := btc.AddressOf(out.PkScript, r.Network)
		a, mine := ours[string(out.PkScript)]
		to, meant := named[address]
		if mine && a.Branch == w.change() && (len(w.branches) > 1 || !meant) {
			o.change = append(o.change, spend.OwnOutput{Vout: i, Branch: a.Branch, Index: a.Index})
			if o.changeIndex < 0 {
				o.changeIndex = int64(a.Index)
			}
			continue
		}
		o.vouts = append(o.vouts, i)
		o.recipients = append(o.recipients, Recipient{Address: address, Amount: btcutil.Amount(out.Value), Label: to.Label})
	}
	return nil
}

// maxFamily bounds the walk over unconfirmed relatives: nodes keep no more than this together.
const maxFamily = 200

// evictedFees sums what the descendants pay that a replacement throws out of the mempool.
func (s *Service) evictedFees(ctx context.Context, r Record, txid chainhash.Hash) (btcutil.Amount, error) {
	if e, err := s.poolEntry(ctx, txid); err == nil {
		return max(0, e.DescendantFee-e.Fee), nil
	}
	var fees btcutil.Amount
	seen := map[chainhash.Hash]bool{txid: true}
	for next := []chainhash.Hash{txid}; len(next) > 0 && len(seen) < maxFamily; next = next[1:] {
		children, err := s.c.Store.SpendersOf(ctx, r.ID, next[0])
		if err != nil {
			return 0, err
		}
		for _, id := range children {
			row, err := s.c.Store.HistoryRow(ctx, r.ID, id)
			if seen[id] || err != nil || row.State != Pending {
				continue
			}
			seen[id] = true
			next = append(next, id)
			if row.Fee != nil {
				fees += *row.Fee
			}
		}
	}
	return fees, nil
}

// replacement is a speed-up or a cancellation as a planned draft.
func (s *Service) replacement(ctx context.Context, r Record, w *openWallet, q ReplaceRequest) (*plannedDraft, error) {
	o, err := s.original(ctx, r, w, q.TxID)
	if err != nil {
		return nil, err
	}
	job := &plannedDraft{q: SpendRequest{FeeRate: q.FeeRate, Blocks: q.Blocks, Note: q.Note, Token: q.Token, MaxFee: q.MaxFee, Replaces: &q.TxID, Care: q.Care}}
	if !q.Cancel {
		job.q.Recipients = o.recipients
	}
	if q.FeeRate != 0 || q.Blocks != 0 {
		if job.rate, err = s.rate(ctx, job.q); err != nil {
			return job, err
		}
	}
	payers := q.SubtractFee
	if len(payers) == 0 && !q.Cancel {
		payers = o.payers()
	}
	job.plan = func(ctx context.Context, r Record) (*spend.Result, error) {
		extra, err := s.candidates(ctx, r, nil, 0)
		if err != nil {
			return nil, err
		}
		p := s.params(r, w, job.q, job.rate, s.lastMarket())
		p.SubtractFee = payers
		return s.bump(spend.Bump{Params: p, Cancel: q.Cancel}, o, extra, q.FeeRate == 0)
	}
	job.reuse = o.changeIndex
	return job, nil
}

// payers are the outputs that bear a higher fee where there is no change to take it from: the one
// that took all that was left, or the only one.
func (o original) payers() []int {
	if len(o.change) > 0 {
		return nil
	}
	if o.draft != nil {
		for _, to := range o.draft.Recipients {
			i := slices.IndexFunc(o.recipients, func(r Recipient) bool { return r.Address == to.Address })
			if to.Max && i >= 0 {
				return o.vouts[i : i+1]
			}
		}
	}
	if len(o.vouts) == 1 {
		return o.vouts
	}
	return nil
}

// bump plans with an original. An estimate that is too low to replace gives way to the least
// that is not.
func (s *Service) bump(b spend.Bump, o original, extra []spend.Coin, estimate bool) (*spend.Result, error) {
	b.Original, b.Spent, b.Change, b.EvictedFees, b.Increment = o.tx, o.spent, o.change, o.evicted, o.increment
	if o.changeIndex >= 0 {
		b.ChangeIndex = uint32(o.changeIndex)
	}
	res, err := spend.BumpFee(b, extra)
	var low *spend.FeeRateError
	if estimate && errors.As(err, &low) && low.Rate < low.Min {
		b.FeeRate = 0
		return spend.BumpFee(b, extra)
	}
	return res, err
}

// edited plans a request that takes a transaction's place with other recipients.
func (s *Service) edited(ctx context.Context, r Record, w *openWallet, o original, q SpendRequest, rate btc.FeeRate) (*spend.Result, error) {
	to, err := recipientsOf(r.Network, q.Recipients)
	if err != nil {
		return nil, err
	}
	p := s.params(r, w, q, rate, s.lastMarket())
	p.Recipients = to
	b := spend.Bump{Params: p, Edit: true}
	extra, err := s.candidates(ctx, r, nil, q.Instead)
	if err != nil {
		return nil, err
	}
	if b.Chosen {
		if b.Keep, err = s.kept(ctx, r, o, extra, q.Coins); err != nil {
			return nil, err
		}
	}
	return s.bump(b, o, extra, q.FeeRate == 0)
}

// kept finds the chosen coins among those that the original spends and those that are free.
func (s *Service) kept(ctx context.Context, r Record, o original, free []spend.Coin, chosen []wire.OutPoint) ([]spend.Coin, error) {
	at := map[wire.OutPoint]spend.Coin{}
	for _, c := range append(slices.Clone(free), o.spent...) {
		at[c.OutPoint] = c
	}
	var out []spend.Coin
	for _, op := range chosen {
		c, ok := at[op]
		if !ok {
			if slices.ContainsFunc(out, func(c spend.Coin) bool { return c.OutPoint == op }) {
				continue // ticked twice
			}
			rows, err := s.c.Store.CoinsAt(ctx, r.ID, []wire.OutPoint{op})
			if err != nil {
				return nil, err
			}
			return nil, whyNot(op, rows)
		}
		delete(at, op)
		out = append(out, c)
	}
	return out, nil
}
