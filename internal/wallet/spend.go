package wallet

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/spend"
	"specter/internal/btc/txgraph"
	"specter/internal/errs"
)

// Bounds of a request.
const (
	maxRecipients = 2_000
	defaultBlocks = 6
)

// plannedDraft is a draft that is asked for: a payment, a replacement or a child.
type plannedDraft struct {
	q       SpendRequest
	rate    btc.FeeRate
	plan    func(ctx context.Context, r Record) (*spend.Result, error) // the record is fresh
	reuse   int64                                                      // index of a change address that was handed out before and is taken again; -1: none
	parents bool                                                       // StoredDraft.Parents
	child   bool                                                       // pays for a transaction by spending of it
}

// calm are remarks that are grave elsewhere: who replaces a transaction signs the same coins again
// on purpose, and a child pays for others too.
func (j *plannedDraft) calm() []spend.Code {
	switch {
	case j.q.Replaces != nil:
		return []spend.Code{spend.DoubleSign}
	case j.child:
		return []spend.Code{spend.FeeRateHigh}
	}
	return nil
}

// payment is a send form as a planned draft.
func (s *Service) payment(ctx context.Context, r Record, w *openWallet, q SpendRequest) (*plannedDraft, error) {
	rate, err := s.rate(ctx, q) // asks the node: not under the lock
	if err != nil {
		return nil, err
	}
	s.market(ctx) // likewise; plan finds it fresh
	job := &plannedDraft{q: q, rate: rate, reuse: -1}
	if q.Replaces == nil {
		job.plan = func(ctx context.Context, r Record) (*spend.Result, error) { return s.plan(ctx, r, w, q, rate) }
		return job, nil
	}
	o, err := s.original(ctx, r, w, *q.Replaces)
	if err != nil {
		return nil, err
	}
	job.reuse = o.changeIndex
	job.plan = func(ctx context.Context, r Record) (*spend.Result, error) { return s.edited(ctx, r, w, o, q, rate) }
	return job, nil
}

// Preview returns what NewDraft would make of a request; nothing is held.
func (s *Service) Preview(ctx context.Context, ref Ref, q SpendRequest) (Preview, error) {
	return previewedBy(ctx, s, ref, q, s.payment)
}

// planner makes the plan of a request of one kind.
type planner[Q any] func(ctx context.Context, r Record, w *openWallet, q Q) (*plannedDraft, error)

// previewedBy plans a request and holds nothing.
func previewedBy[Q any](ctx context.Context, s *Service, ref Ref, q Q, plan planner[Q]) (Preview, error) {
	r, w, err := s.ready(ctx, ref)
	if err != nil {
		return Preview{}, err
	}
	job, err := plan(ctx, r, w, q)
	if err != nil {
		return Preview{}, err
	}
	return s.previewOf(ctx, r, w, job)
}

// draftOf plans a request and stores the draft. The same token again returns the draft that it made.
func draftOf[Q any](ctx context.Context, s *Service, ref Ref, q Q, token string, plan planner[Q]) (Draft, error) {
	r, w, err := s.ready(ctx, ref)
	if err != nil {
		return Draft{}, err
	}
	if old, found, err := s.byToken(ctx, r, w, token); err != nil || found {
		return old, err
	}
	job, err := plan(ctx, r, w, q)
	if err != nil {
		return Draft{}, err
	}
	return s.makeDraft(ctx, ref, job)
}

func (s *Service) previewOf(ctx context.Context, r Record, w *openWallet, job *plannedDraft) (Preview, error) {
	plan, err := job.plan(ctx, r)
	if err != nil {
		return Preview{}, err
	}
	p := Preview{Recipients: finalAmounts(job.q.Recipients, plan), Change: plan.Change, Fee: plan.Fee, FeeRate: plan.FeeRate,
		VSize: plan.VSize, How: plan.How}
	if plan.ChangeVout >= 0 {
		p.ChangeAddr, _ = btc.AddressOf(plan.Outputs[plan.ChangeVout].Script, r.Network)
	}
	ops := make([]wire.OutPoint, len(plan.Inputs))
	for i, c := range plan.Inputs {
		ops[i] = c.OutPoint
	}
	rows, err := s.c.Store.CoinsAt(ctx, r.ID, ops)
	if err != nil {
		return Preview{}, err
	}
	for _, op := range ops {
		p.Inputs = append(p.Inputs, rows[op])
	}
	p.Remarks, err = s.remarks(ctx, r, w, job.q, plan, p.Inputs)
	p.Warnings = texts(p.Remarks)
	return p, err
}

// NewDraft plans a payment and holds its coins and its change address. The same token again
// returns the draft that it made.
func (s *Service) NewDraft(ctx context.Context, ref Ref, q SpendRequest) (Draft, error) {
	return draftOf(ctx, s, ref, q, q.Token, s.payment)
}

// byToken finds the draft that a form made before.
func (s *Service) byToken(ctx context.Context, r Record, w *openWallet, token string) (Draft, bool, error) {
	if token == "" {
		return Draft{}, false, nil
	}
	old, err := s.c.Store.DraftByToken(ctx, r.ID, token)
	if errs.Is(err, errs.NotFound) {
		return Draft{}, false, nil
	}
	if err != nil {
		return Draft{}, false, err
	}
	d, err := s.finishDraft(ctx, r, w, old)
	return d, true, err
}

// makeDraft plans under the wallet's lock, and stores what comes of it.
func (s *Service) makeDraft(ctx context.Context, ref Ref, job *plannedDraft) (Draft, error) {
	var err error
	if job.q.Note, err = cleanLabel(job.q.Note); err != nil {
		return Draft{}, err
	}
	_, w, err := s.ready(ctx, ref)
	if err != nil {
		return Draft{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	r, err := s.c.Store.Wallet(ctx, ref) // another tab may have taken coins meanwhile
	if err != nil {
		return Draft{}, err
	}
	if old, found, err := s.byToken(ctx, r, w, job.q.Token); err != nil || found {
		return old, err
	}
	plan, err := job.plan(ctx, r)
	if err != nil {
		return Draft{}, err
	}
	d, err := s.storedOf(ctx, r, w, job, plan)
	if err != nil {
		return Draft{}, err
	}
	if err := job.q.Care.check(job.calm(), d.Remarks); err != nil {
		return Draft{}, err
	}
	if job.q.Instead != 0 {
		err = s.swap(ctx, r, &d, job.q.Instead)
	} else {
		_, err = s.c.Store.AddDraft(ctx, &d)
	}
	if err != nil {
		return Draft{}, err
	}
	return s.finishDraft(ctx, r, w, d)
}

// storedOf is the draft that a plan becomes.
func (s *Service) storedOf(ctx context.Context, r Record, w *openWallet, job *plannedDraft, plan *spend.Result) (StoredDraft, error) {
	raw, err := plan.Packet.Serialize()
	if err != nil {
		return StoredDraft{}, err
	}
	txid, err := plan.Packet.TxID()
	if err != nil {
		return StoredDraft{}, err
	}
	now := s.c.Now()
	d := StoredDraft{Wallet: r.ID, Created: now, Changed: now, State: Unsigned, Note: job.q.Note, Token: job.q.Token, PSBT: raw, TxID: txid,
		Recipients: finalAmounts(job.q.Recipients, plan), Branch: w.change(), Change: -1, Replaces: job.q.Replaces, Parents: job.parents}
	for _, c := range plan.Inputs {
		d.Coins = append(d.Coins, c.OutPoint)
	}
	if plan.ChangeVout >= 0 && w.desc.IsRanged() && job.reuse < 0 {
		d.Change = int64(changeIndex(r, w))
	}
	rows, err := s.c.Store.CoinsAt(ctx, r.ID, d.Coins)
	if err != nil {
		return StoredDraft{}, err
	}
	inputs := make([]CoinRow, 0, len(rows))
	for _, op := range d.Coins {
		inputs = append(inputs, rows[op])
	}
	d.Remarks, err = s.remarks(ctx, r, w, job.q, plan, inputs)
	return d, err
}

// finishDraft names the recipients and returns the draft as pages see it. It may be done twice.
func (s *Service) finishDraft(ctx context.Context, r Record, w *openWallet, d StoredDraft) (Draft, error) {
	for _, to := range d.Recipients {
		if to.Label == "" {
			continue
		}
		key, err := labelKey(r.Network, LabelAddress, to.Address)
		if err != nil {
			return Draft{}, err
		}
		known, err := s.c.Store.LabelsAt(ctx, r.ID, LabelAddress, []string{key})
		if err != nil {
			return Draft{}, err
		}
		if known[key] == "" {
			if err := s.c.Store.SetLabel(ctx, r.ID, LabelAddress, key, to.Label); err != nil {
				return Draft{}, err
			}
		}
	}
	s.tell(r, "draft")
	s.decorate(&r, s.knownKeys(ctx, r.Owner, r.Network))
	return s.view(ctx, r, w, d)
}

// finalAmounts fills in what "all that is left" and a subtracted fee came to.
func finalAmounts(recipients []Recipient, plan *spend.Result) []Recipient {
	out := append([]Recipient(nil), recipients...)
	for _, o := range plan.Outputs {
		if o.Recipient >= 0 && o.Recipient < len(out) {
			out[o.Recipient].Amount = o.Amount
		}
	}
	return out
}

// rate is the request's feerate, or an estimate.
func (s *Service) rate(ctx context.Context, q SpendRequest) (btc.FeeRate, error) {
	if q.FeeRate != 0 {
		return q.FeeRate, nil
	}
	if s.c.FeeRate == nil {
		return 0, errs.E(errs.Unavailable, "there is no fee estimate; give a feerate")
	}
	blocks := q.Blocks
	if blocks == 0 {
		blocks = defaultBlocks
	}
	rate, err := s.c.FeeRate(ctx, blocks)
	if err != nil {
		return 0, errs.E(errs.Unavailable, "there is no fee estimate now, give a feerate: %w", err)
	}
	return rate, nil
}

// changeIndex is the index of the next change address.
func changeIndex(r Record, w *openWallet) uint32 {
	if !w.desc.IsRanged() {
		return 0
	}
	b := w.change()
	return max(r.Next[b], uint32(r.Used[b]+1))
}

// plan asks btc/spend for the transaction.
func (s *Service) plan(ctx context.Context, r Record, w *openWallet, q SpendRequest, rate btc.FeeRate) (*spend.Result, error) {
	to, err := recipientsOf(r.Network, q.Recipients)
	if err != nil {
		return nil, err
	}
	coins, err := s.candidates(ctx, r, q.Coins, q.Instead)
	if err != nil {
		return nil, err
	}
	p := s.params(r, w, q, rate, s.lastMarket())
	p.Recipients = to
	res, err := spend.Plan(p, coins)
	return res, mixedUp(err, q)
}

// params are what a plan takes of wallet and request; recipients and coins are the caller's.
func (s *Service) params(r Record, w *openWallet, q SpendRequest, rate btc.FeeRate, m market) spend.Params {
	p := spend.Params{
		Network: r.Network, Branches: w.branches, ChangeIndex: changeIndex(r, w), FeeRate: rate, Chosen: len(q.Coins) > 0,
		SubtractFee: q.SubtractFee, Replaceable: !q.NoRBF, LockTime: q.LockTime, XPubs: r.Multisig(), MinRelay: m.floor.MinRelay, MaxFee: q.MaxFee,
		PrevTx: func(id chainhash.Hash) (*wire.MsgTx, error) { return s.stored(context.Background(), r, id) },
	}
	if r.SyncError == "" { // a stale height as locktime would tell how long we were away
		p.Tip = r.Tip.Height
	}
	if q.Token != "" {
		p.Seed = sha256.Sum256([]byte(fmt.Sprintf("%s %d %s", s.c.UID, r.ID, q.Token)))
	} else {
		rand.Read(p.Seed[:]) // never fails
	}
	return p
}

// stored reads a transaction that the wallet knows.
func (s *Service) stored(ctx context.Context, r Record, id chainhash.Hash) (*wire.MsgTx, error) {
	raw, err := s.c.Store.RawTx(ctx, r.ID, id)
	if err != nil {
		return nil, err
	}
	tx, err := ReadTx(raw, id)
	if err != nil {
		return nil, errs.E(errs.Unavailable, "the stored transaction %s cannot be read; repair it on its page first: %w", id, err)
	}
	return tx, nil
}

func recipientsOf(n btc.Network, list []Recipient) ([]spend.Recipient, error) {
	if len(list) == 0 || len(list) > maxRecipients {
		return nil, errs.E(errs.Invalid, "a payment has 1 to %d recipients", maxRecipients)
	}
	out := make([]spend.Recipient, len(list))
	for i, r := range list {
		a, err := btc.ParseAddress(r.Address, n)
		if err != nil {
			return nil, errs.E(errs.Invalid, "recipient %d: %w", i+1, err)
		}
		if r.Amount < 0 || r.Amount > btc.MaxMoney {
			return nil, errs.E(errs.Invalid, "recipient %d: there is no such amount", i+1)
		}
		if _, err := cleanLabel(r.Label); err != nil {
			return nil, err
		}
		out[i] = spend.Recipient{Script: a.Script, Amount: r.Amount, Max: r.Max}
	}
	return out, nil
}

// candidates lists the coins that may be spent: all that are free or held by the draft whose
// place is taken, or those chosen by hand.
func (s *Service) candidates(ctx context.Context, r Record, chosen []wire.OutPoint, instead DraftID) ([]spend.Coin, error) {
	free, err := s.c.Store.Spendable(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	held, err := s.heldBy(ctx, r, instead)
	if err != nil {
		return nil, err
	}
	free = append(free, held...)
	if len(chosen) > 0 {
		if free, err = s.choose(ctx, r, free, chosen); err != nil {
			return nil, err
		}
	}
	out := make([]spend.Coin, len(free))
	for i, c := range free {
		out[i] = spendCoin(c, txgraph.Confirmations(c.Height, r.Tip.Height))
	}
	return out, nil
}

// choose picks the chosen coins out of the free ones, and says why one is not free.
func (s *Service) choose(ctx context.Context, r Record, free []SpendableCoin, chosen []wire.OutPoint) ([]SpendableCoin, error) {
	at := make(map[wire.OutPoint]SpendableCoin, len(free))
	for _, c := range free {
		at[c.OutPoint] = c
	}
	var out []SpendableCoin
	var missing []wire.OutPoint
	for _, op := range chosen {
		if c, ok := at[op]; ok {
			out = append(out, c)
			delete(at, op) // ticked twice is chosen once
		} else if !containsCoin(out, op) {
			missing = append(missing, op)
		}
	}
	if len(missing) == 0 {
		return out, nil
	}
	rows, err := s.c.Store.CoinsAt(ctx, r.ID, missing[:1])
	if err != nil {
		return nil, err
	}
	return nil, whyNot(missing[0], rows)
}

func containsCoin(list []SpendableCoin, op wire.OutPoint) bool {
	for _, c := range list {
		if c.OutPoint == op {
			return true
		}
	}
	return false
}

func whyNot(op wire.OutPoint, rows map[wire.OutPoint]CoinRow) error {
	c, ok := rows[op]
	switch {
	case !ok:
		return errs.E(errs.Invalid, "the wallet has no coin %s", op)
	case c.SpentBy != nil:
		return errs.E(errs.Conflict, "coin %s is spent already, by %s", op, c.SpentBy)
	case c.Frozen:
		return errs.E(errs.Conflict, "coin %s is frozen; thaw it first", op)
	case c.ReservedBy != 0:
		return errs.E(errs.Conflict, "coin %s is held by draft %d; delete that draft first", op, c.ReservedBy)
	case c.Immature:
		return errs.E(errs.Conflict, "coin %s is newly mined and cannot be spent before it has 101 confirmations", op)
	}
	return errs.E(errs.Conflict, "coin %s cannot be spent now", op)
}

// sum adds amounts up.
func sum(outs []TxOutput, which func(TxOutput) bool) (total btcutil.Amount) {
	for _, o := range outs {
		if which(o) {
			total += o.Amount
		}
	}
	return total
}
