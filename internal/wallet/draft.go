package wallet

import (
	"bytes"
	"context"
	"slices"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/errs"
)

// Drafts lists a wallet's drafts, newest first. One that cannot be read is listed as broken.
func (s *Service) Drafts(ctx context.Context, ref Ref) ([]Draft, error) {
	r, w, err := s.find(ctx, ref)
	if err != nil {
		return nil, err
	}
	stored, err := s.c.Store.Drafts(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	s.decorate(&r, s.knownKeys(ctx, ref.Owner, ref.Network))
	out := make([]Draft, len(stored))
	for i, d := range stored {
		if out[i], err = s.view(ctx, r, w, d); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Draft returns one draft.
func (s *Service) Draft(ctx context.Context, ref Ref, id DraftID) (Draft, error) {
	r, w, err := s.find(ctx, ref)
	if err != nil {
		return Draft{}, err
	}
	d, err := s.c.Store.Draft(ctx, r.ID, id)
	if err != nil {
		return Draft{}, err
	}
	s.decorate(&r, s.knownKeys(ctx, ref.Owner, ref.Network))
	return s.view(ctx, r, w, d)
}

// changeDraft has a draft changed under the wallet's lock, and returns what has become of it.
func (s *Service) changeDraft(ctx context.Context, ref Ref, id DraftID, change func(r Record, w *openWallet, d *StoredDraft) error) (Draft, error) {
	r, w, err := s.ready(ctx, ref)
	if err != nil {
		return Draft{}, err
	}
	s.decorate(&r, s.knownKeys(ctx, ref.Owner, ref.Network))
	w.mu.Lock()
	defer w.mu.Unlock()
	d, err := s.c.Store.Draft(ctx, r.ID, id)
	if err != nil {
		return Draft{}, err
	}
	if err := change(r, w, &d); err != nil {
		return Draft{}, err
	}
	return s.view(ctx, r, w, d)
}

// RepairDraft writes the words of a draft anew from its PSBT: whom it pays, without labels and
// remarks. One with nothing to mend stays as it is; errs.Unavailable where the PSBT itself cannot
// be read.
func (s *Service) RepairDraft(ctx context.Context, ref Ref, id DraftID) (Draft, error) {
	return s.changeDraft(ctx, ref, id, func(r Record, w *openWallet, d *StoredDraft) error {
		view, err := s.view(ctx, r, w, *d)
		switch {
		case err != nil:
			return err
		case view.State == DraftBroken:
			return errs.E(errs.Unavailable, "%s", view.Trouble)
		case !d.Spoilt:
			return nil
		}
		d.Recipients = recipientsIn(view.Outputs)
		if err := s.c.Store.MendDraft(ctx, d); err != nil {
			return err
		}
		s.tell(r, "draft")
		return nil
	})
}

// DeleteDraft forgets a draft and frees its coins. A transaction that was broadcast lives on.
func (s *Service) DeleteDraft(ctx context.Context, ref Ref, id DraftID) error {
	r, w, err := s.find(ctx, ref)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := s.c.Store.DeleteDraft(ctx, r.ID, id); err != nil {
		return err
	}
	s.tell(r, "draft")
	return nil
}

// SetNote changes a draft's note.
func (s *Service) SetNote(ctx context.Context, ref Ref, id DraftID, note string) error {
	note, err := cleanLabel(note)
	if err != nil {
		return err
	}
	r, w, err := s.find(ctx, ref)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	d, err := s.c.Store.Draft(ctx, r.ID, id)
	if err != nil {
		return err
	}
	d.Note, d.Changed = note, s.c.Now()
	if err := s.c.Store.PutDraft(ctx, &d); err != nil {
		return err
	}
	s.tell(r, "draft")
	return nil
}

// view is a stored draft as pages see it. Trouble with its PSBT is told in it, not as an error.
func (s *Service) view(ctx context.Context, r Record, w *openWallet, d StoredDraft) (Draft, error) {
	out := Draft{ID: d.ID, Wallet: d.Wallet, Created: d.Created, Changed: d.Changed, State: d.State, Note: d.Note, PSBT: d.PSBT,
		TxID: d.TxID, Recipients: d.Recipients, Final: d.Final, Remarks: d.Remarks, Warnings: texts(d.Remarks), Need: r.Threshold, Replaces: d.Replaces, Expires: s.expires(ctx, r, d)}
	p, err := psbt.Parse(d.PSBT)
	var tx *wire.MsgTx
	if err == nil {
		tx, err = p.UnsignedTx()
	}
	if err == nil {
		err = w.broken
	}
	if err == nil && d.Spoilt {
		out.Lost = "the stored recipients or remarks of this draft cannot be read; its PSBT is good and tells whom it pays. Repair it to write them anew; labels that were given with it are lost"
	}
	if err != nil {
		out.State, out.Trouble = DraftBroken, "the stored draft cannot be read ("+err.Error()+"); delete it and make the payment again"
		return out, nil
	}
	a := p.Analyse()
	out.Fee, out.FeeRate, out.VSize, out.LockTime = a.Fee, a.FeeRate, a.VSize, tx.LockTime
	if d.Final != nil {
		out.measure(d.Final)
	}
	out.Replaceable = slices.ContainsFunc(tx.TxIn, func(in *wire.TxIn) bool { return in.Sequence < wire.MaxTxInSequenceNum-1 })
	if out.Outputs, err = s.outputs(ctx, r, out.TxID, tx.TxOut); err != nil {
		return Draft{}, err
	}
	out.Change = sum(out.Outputs, func(o TxOutput) bool { return o.Change })
	if len(out.Recipients) == 0 {
		out.Recipients = recipientsIn(out.Outputs)
	}
	return out, s.signers(ctx, r, w, &out, a)
}

// measure replaces estimates by what the signed transaction is.
func (d *Draft) measure(final []byte) {
	tx, err := psbt.ParseTx(final)
	if err != nil {
		return
	}
	d.TxID = tx.TxHash()
	d.VSize = psbt.TxWeight(tx).VSize()
	d.FeeRate = btc.RateOf(d.Fee, d.VSize)
}

// recipientsIn lists the outputs that are no change, for a PSBT that came from outside.
func recipientsIn(outs []TxOutput) []Recipient {
	var list []Recipient
	for _, o := range outs {
		if !o.Change {
			list = append(list, Recipient{Address: o.Address, Amount: o.Amount, Label: o.Label})
		}
	}
	return list
}

// signers fills in the inputs and who signed. A cosigner has signed when every input of ours has
// a signature by a key that the descriptor derives from theirs.
func (s *Service) signers(ctx context.Context, r Record, w *openWallet, d *Draft, a psbt.Analysis) error {
	ops := make([]wire.OutPoint, len(a.Inputs))
	for i, in := range a.Inputs {
		ops[i] = in.PrevOut
	}
	coins, err := s.c.Store.CoinsAt(ctx, r.ID, ops)
	if err != nil {
		return err
	}
	signed := make([]int, len(r.Cosigners))
	ours, ownSpend := 0, len(a.Inputs) > 0
	for _, in := range a.Inputs {
		row := DraftInput{OutPoint: in.PrevOut, Amount: -1, Sigs: in.Signatures}
		if in.Coin != nil {
			row.Amount = btcutil.Amount(in.Coin.Value)
			row.Address, _ = btc.AddressOf(in.Coin.PkScript, r.Network)
		}
		c, mine := coins[in.PrevOut]
		ownSpend = ownSpend && mine && c.SpentBy != nil && *c.SpentBy == d.TxID
		if mine {
			ours++
			row.Amount, row.Address, row.Label = c.Amount, c.Address, c.Label
			if c.SpentBy != nil && *c.SpentBy != d.TxID && !s.givesWay(ctx, r, d, *c.SpentBy) {
				row.SpentBy = c.SpentBy
			}
			for i := range w.whoSigned(c.Branch, c.Index, in) {
				if i < len(signed) {
					signed[i]++
				}
			}
		}
		d.Need = max(d.Need, in.Required)
		d.Inputs = append(d.Inputs, row)
	}
	for i, c := range r.Cosigners {
		if c.Nobody {
			continue
		}
		done := ours > 0 && signed[i] == ours
		d.Signers = append(d.Signers, DraftSigner{Cosigner: c, Signed: done})
		if done {
			d.Have++
		}
	}
	if ownSpend && d.Final != nil {
		d.State = Broadcast // it reached the network, whoever sent it
	}
	return nil
}

// givesWay reports whether a spender of a draft's coin is the transaction whose place the draft
// takes, and not in a block.
func (s *Service) givesWay(ctx context.Context, r Record, d *Draft, by chainhash.Hash) bool {
	if d.Replaces == nil || *d.Replaces != by {
		return false
	}
	row, err := s.c.Store.HistoryRow(ctx, r.ID, by)
	return err == nil && row.State != Confirmed
}

// whoSigned lists the places of the keys, in the descriptor, that signed an input.
func (w *openWallet) whoSigned(branch, index uint32, in psbt.InputAnalysis) map[int]bool {
	out := map[int]bool{}
	if int(branch) >= len(w.branches) || in.Signatures == 0 {
		return out
	}
	derived, err := w.branches[branch].Derive(index)
	if err != nil {
		return out
	}
	for _, k := range in.Keys {
		if !k.Signed {
			continue
		}
		for _, d := range derived.Keys {
			if bytes.Equal(k.PubKey, d.PubKey) || len(k.PubKey) == 32 && (bytes.Equal(k.PubKey, xOnly(d.PubKey)) || k.Internal && d.Internal) {
				out[d.Expression] = true
			}
		}
	}
	return out
}

// xOnly is a public key as taproot has it.
func xOnly(pub []byte) []byte {
	if len(pub) == 33 {
		return pub[1:]
	}
	return pub
}

// spentElsewhere lists transactions that took coins of a draft.
func (d Draft) spentElsewhere() []chainhash.Hash {
	var out []chainhash.Hash
	for _, in := range d.Inputs {
		if in.SpentBy != nil && !slices.Contains(out, *in.SpentBy) {
			out = append(out, *in.SpentBy)
		}
	}
	return out
}
