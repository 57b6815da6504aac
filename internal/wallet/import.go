package wallet

import (
	"context"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc/psbt"
	"specter/internal/btc/spend"
	"specter/internal/errs"
)

// ImportPSBT makes a draft of a PSBT that was made elsewhere. It must spend a coin of the
// wallet; what it says of our coins is replaced by what we know, and every signature in it is
// verified. A PSBT of a draft that is here already brings that draft its signatures.
func (s *Service) ImportPSBT(ctx context.Context, ref Ref, data []byte) (Draft, error) {
	return s.takeIn(ctx, ref, data, func(r Record, w *openWallet, p *psbt.Packet) (StoredDraft, []wire.OutPoint, error) {
		d, err := s.imported(ctx, r, w, p)
		return d, nil, err
	})
}

// takeIn makes a draft of a PSBT that was made elsewhere, by build, under the wallet's lock. The
// coins that build tells are held once the wallet hears of them. A PSBT of a draft that is here
// already brings that draft its signatures.
func (s *Service) takeIn(ctx context.Context, ref Ref, data []byte, build func(Record, *openWallet, *psbt.Packet) (StoredDraft, []wire.OutPoint, error)) (Draft, error) {
	r, w, err := s.ready(ctx, ref)
	if err != nil {
		return Draft{}, err
	}
	a, err := parseAnswer(data)
	if err != nil {
		return Draft{}, err
	}
	if a.packet == nil {
		return Draft{}, errs.E(errs.Invalid, "this is a raw transaction; a draft is made of a PSBT")
	}
	p, err := a.packet.Convert(0)
	if err != nil {
		return Draft{}, err
	}
	txid, err := p.TxID()
	if err != nil {
		return Draft{}, err
	}
	all, err := s.c.Store.Drafts(ctx, r.ID)
	if err != nil {
		return Draft{}, err
	}
	for _, d := range all {
		if d.TxID == txid {
			return s.take(ctx, ref, d.ID, answer{packet: p})
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	d, later, err := build(r, w, p)
	if err != nil {
		return Draft{}, err
	}
	if _, err := s.c.Store.AddDraft(ctx, &d); err != nil {
		return Draft{}, err
	}
	if adopter, ok := s.c.Store.(AdoptStore); ok && len(later) > 0 {
		if err := adopter.HoldLater(ctx, r.ID, d.ID, later); err != nil {
			return Draft{}, err
		}
	}
	if err := s.keepChange(ctx, r, w, p); err != nil {
		return Draft{}, err
	}
	return s.finishDraft(ctx, r, w, d)
}

// imported describes the coins and outputs of ours in a foreign PSBT and makes a draft of it.
func (s *Service) imported(ctx context.Context, r Record, w *openWallet, p *psbt.Packet) (StoredDraft, error) {
	tx, err := p.UnsignedTx()
	if err != nil {
		return StoredDraft{}, err
	}
	now := s.c.Now()
	d := StoredDraft{Wallet: r.ID, Created: now, Changed: now, TxID: tx.TxHash(), Change: -1, Import: true}
	ops := make([]wire.OutPoint, len(tx.TxIn))
	for i, in := range tx.TxIn {
		ops[i] = in.PreviousOutPoint
	}
	coins, err := s.c.Store.CoinsAt(ctx, r.ID, ops)
	if err != nil {
		return d, err
	}
	if len(coins) == 0 {
		return d, errs.E(errs.Invalid, "this PSBT spends no coin of the wallet")
	}
	for i, op := range ops {
		c, ours := coins[op]
		if !ours {
			continue
		}
		if c.SpentBy != nil && *c.SpentBy != d.TxID {
			return d, whyNot(op, coins)
		}
		if err := s.describe(ctx, r, w, p, i, c); err != nil {
			return d, err
		}
		d.Coins = append(d.Coins, op)
		if c.Frozen {
			d.Remarks = append(d.Remarks, spend.NewRemark(spend.FrozenCoin, op))
		}
		if c.ReservedBy != 0 {
			d.Remarks = append(d.Remarks, spend.NewRemark(spend.SharedCoin, op, c.ReservedBy))
		}
	}
	if n := len(ops) - len(d.Coins); n > 0 {
		d.Remarks = append(d.Remarks, spend.NewRemark(spend.ForeignInputs, n))
	}
	if err := s.describeOutputs(ctx, r, w, p, tx); err != nil {
		return d, err
	}
	if err := p.VerifySignatures(); err != nil {
		return d, errs.E(errs.Invalid, "a signature in this PSBT is invalid: %w", err)
	}
	if err := checkFee(&d, p); err != nil {
		return d, err
	}
	return d, settle(&d, p)
}

// describe puts what we know of a coin of ours into an input.
func (s *Service) describe(ctx context.Context, r Record, w *openWallet, p *psbt.Packet, i int, c CoinRow) error {
	out, err := w.branches[c.Branch].Derive(c.Index)
	if err != nil {
		return err
	}
	prev, err := s.stored(ctx, r, c.OutPoint.Hash)
	if err != nil {
		return err
	}
	if u := p.Inputs[i].WitnessUTXO; u != nil && btcutil.Amount(u.Value) != c.Amount {
		return errs.E(errs.Invalid, "the PSBT says that coin %s holds %d sat; it holds %d", c.OutPoint, u.Value, int64(c.Amount))
	}
	return p.UpdateInput(i, prev, nil, out)
}

// describeOutputs marks the outputs that are ours, so that signers can recognise change.
func (s *Service) describeOutputs(ctx context.Context, r Record, w *openWallet, p *psbt.Packet, tx *wire.MsgTx) error {
	scripts := make([][]byte, len(tx.TxOut))
	for i, o := range tx.TxOut {
		scripts[i] = o.PkScript
	}
	ours, err := s.c.Store.AddressesOf(ctx, r.ID, scripts)
	if err != nil {
		return err
	}
	for i, script := range scripts {
		a, ok := ours[string(script)]
		if !ok {
			continue
		}
		out, err := w.branches[a.Branch].Derive(a.Index)
		if err != nil {
			return err
		}
		if err := p.UpdateOutput(i, out); err != nil {
			return err
		}
	}
	return nil
}

// checkFee refuses a PSBT that pays out more than it takes, and warns of a fee beyond reason.
func checkFee(d *StoredDraft, p *psbt.Packet) error {
	a := p.Analyse()
	switch {
	case !a.HasFee:
		d.Remarks = append(d.Remarks, spend.NewRemark(spend.FeeUnknown))
	case a.Fee < 0:
		return errs.E(errs.Invalid, "this PSBT pays out more than its coins hold")
	case a.Fee > spend.DefaultMaxFee || a.FeeRate > spend.DefaultMaxFeeRate:
		d.Remarks = append(d.Remarks, spend.NewRemark(spend.FeeFarTooHigh))
	}
	return nil
}
