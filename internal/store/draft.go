package store

import (
	"context"
	"encoding/json"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc/spend"
	"specter/internal/btc/txgraph"
	"specter/internal/errs"
	"specter/internal/wallet"
)

const draftColumns = `SELECT id, wallet, revision, created, changed, state, note, token, psbt, final, txid, recipients, warnings, change_branch, change, import, replaces, parents FROM drafts `

// recipient is a recipient as its JSON has it.
type recipient struct {
	Address string `json:"address"`
	Amount  int64  `json:"amount"`
	Label   string `json:"label,omitempty"`
	Max     bool   `json:"max,omitempty"`
}

func scanDraft(scan func(...any) error) (s wallet.StoredDraft, err error) {
	var created, changed int64
	var txid, replaces []byte
	var recipients, warnings string
	err = scan(&s.ID, &s.Wallet, &s.Revision, &created, &changed, &s.State, &s.Note, &s.Token, &s.PSBT, &s.Final, &txid, &recipients, &warnings, &s.Branch, &s.Change, &s.Import, &replaces, &s.Parents)
	if err != nil {
		return s, err
	}
	copy(s.TxID[:], txid)
	s.Replaces = hashOf(replaces)
	s.Created, s.Changed = moment(created), moment(changed)
	var list []recipient
	var remarks []remark
	if json.Unmarshal([]byte(recipients), &list) != nil || json.Unmarshal([]byte(warnings), &remarks) != nil {
		s.Spoilt = true // the PSBT tells the rest; the list must open
	}
	for _, r := range list {
		s.Recipients = append(s.Recipients, wallet.Recipient{Address: r.Address, Amount: btcutil.Amount(r.Amount), Label: r.Label, Max: r.Max})
	}
	for _, r := range remarks {
		s.Remarks = append(s.Remarks, wallet.Remark(r))
	}
	return s, nil
}

// remark is a remark as its JSON has it. Before there were codes it was the sentence alone.
type remark wallet.Remark

// UnmarshalJSON reads {"code": …, "args": […]} or a sentence.
func (r *remark) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		r.Args = []string{text}
		return nil
	}
	var o struct {
		Code spend.Code
		Args []string
	}
	err := json.Unmarshal(b, &o)
	r.Code, r.Args = o.Code, o.Args
	return err
}

// MarshalJSON writes code and values; the sentence is the reader's.
func (r remark) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Code spend.Code `json:"code"`
		Args []string   `json:"args,omitempty"`
	}{r.Code, r.Args})
}

func (t *tx) drafts(query string, args ...any) (out []wallet.StoredDraft, err error) {
	err = t.each(query, args, func(scan func(...any) error) error {
		s, err := scanDraft(scan)
		out = append(out, s)
		return err
	})
	for i := range out {
		if err == nil {
			out[i].Coins, err = t.held(out[i].ID)
		}
	}
	return out, err
}

func (t *tx) held(id wallet.DraftID) (out []wire.OutPoint, err error) {
	err = t.each(`SELECT txid, vout FROM draft_coins WHERE draft = ?`, []any{id}, func(scan func(...any) error) error {
		var op wire.OutPoint
		var txid []byte
		if err := scan(&txid, &op.Index); err != nil {
			return err
		}
		copy(op.Hash[:], txid)
		out = append(out, op)
		return nil
	})
	return out, err
}

func (d *DB) drafts(ctx context.Context, query string, args ...any) (out []wallet.StoredDraft, err error) {
	err = d.read(ctx, func(t *tx) error {
		out, err = t.drafts(query, args...)
		return err
	})
	return out, err
}

func oneDraft(list []wallet.StoredDraft, err error) (wallet.StoredDraft, error) {
	if err != nil {
		return wallet.StoredDraft{}, err
	}
	if len(list) == 0 {
		return wallet.StoredDraft{}, errs.E(errs.NotFound, "there is no such draft")
	}
	return list[0], nil
}

// Drafts lists the wallet's drafts, newest first.
func (d *DB) Drafts(ctx context.Context, id wallet.ID) ([]wallet.StoredDraft, error) {
	return d.drafts(ctx, draftColumns+`WHERE wallet = ? ORDER BY id DESC`, id)
}

// Draft finds a draft of a wallet.
func (d *DB) Draft(ctx context.Context, id wallet.ID, draft wallet.DraftID) (wallet.StoredDraft, error) {
	return oneDraft(d.drafts(ctx, draftColumns+`WHERE wallet = ? AND id = ?`, id, draft))
}

// DraftByToken finds the draft that a form made.
func (d *DB) DraftByToken(ctx context.Context, id wallet.ID, token string) (wallet.StoredDraft, error) {
	return oneDraft(d.drafts(ctx, draftColumns+`WHERE wallet = ? AND token = ? AND token <> ''`, id, token))
}

// AddDraft stores a draft, holds its coins, and hands out its change index.
func (d *DB) AddDraft(ctx context.Context, s *wallet.StoredDraft) (made bool, err error) {
	out := *s
	err = d.write(ctx, func(t *tx) error {
		if s.Token != "" {
			same, err := t.drafts(draftColumns+`WHERE wallet = ? AND token = ?`, s.Wallet, s.Token)
			if err != nil {
				return err
			}
			if len(same) > 0 {
				out = same[0]
				return nil
			}
		}
		made = true
		return t.addDraft(&out)
	})
	if err != nil {
		return false, err
	}
	*s = out
	return made, nil
}

// draftWords are a draft's recipients and remarks as JSON.
func draftWords(s *wallet.StoredDraft) (recipients, warnings []byte, err error) {
	list := make([]recipient, len(s.Recipients))
	for i, r := range s.Recipients {
		list[i] = recipient{r.Address, int64(r.Amount), r.Label, r.Max}
	}
	if recipients, err = json.Marshal(list); err != nil {
		return nil, nil, err
	}
	remarks := make([]remark, len(s.Remarks))
	for i, r := range s.Remarks {
		remarks[i] = remark(r)
	}
	warnings, err = json.Marshal(remarks)
	return recipients, warnings, err
}

func (t *tx) addDraft(s *wallet.StoredDraft) error {
	recipients, warnings, err := draftWords(s)
	if err != nil {
		return err
	}
	s.Revision = 1
	_, err = t.one(`INSERT INTO drafts (wallet, revision, created, changed, state, note, token, psbt, final, txid, recipients, warnings, change_branch, change, import, replaces, parents)
		VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
		[]any{s.Wallet, seconds(s.Created), seconds(s.Changed), string(s.State), s.Note, s.Token, s.PSBT, s.Final, s.TxID[:], string(recipients), string(warnings), s.Branch, s.Change, flag(s.Import), bytesOf(s.Replaces), flag(s.Parents)}, &s.ID)
	if err != nil {
		return err
	}
	if err := t.hold(s); err != nil || s.Change < 0 {
		return err
	}
	r, err := t.wallet(s.Wallet)
	if err != nil {
		return err
	}
	if s.Branch > 1 {
		return errs.E(errs.Internal, "no branch %d", s.Branch)
	}
	if int64(r.Next[s.Branch]) > s.Change {
		return errs.E(errs.Conflict, "another draft has taken the change address meanwhile; make the payment again")
	}
	return t.must("wallet", `UPDATE wallets SET `+nextColumn[s.Branch]+` = ? WHERE id = ?`, s.Change+1, s.Wallet)
}

// hold reserves the draft's coins. One that came from outside takes what is still free.
func (t *tx) hold(s *wallet.StoredDraft) error {
	for _, op := range s.Coins {
		if _, err := t.exec(`INSERT INTO draft_coins (draft, wallet, txid, vout) VALUES (?, ?, ?, ?)`, s.ID, s.Wallet, op.Hash[:], op.Index); err != nil {
			return err
		}
	}
	return t.shift(s.Wallet, func(c *txgraph.Coin) error {
		if s.Import && c.Reserved {
			return nil
		}
		if err := free(c); err != nil && !s.Import {
			lent, e := t.lent(s, c.OutPoint, c.Live)
			if e != nil {
				return e
			}
			if !lent {
				return err
			}
		}
		if c.Reserved {
			return nil // whoever holds it already leaves it to this draft later
		}
		return t.setReserved(s.Wallet, c, s.ID)
	}, s.Coins)
}

// PutDraft replaces what signing and broadcasting change in a draft.
func (d *DB) PutDraft(ctx context.Context, s *wallet.StoredDraft) error {
	err := d.write(ctx, func(t *tx) error {
		r, err := t.exec(`UPDATE drafts SET revision = revision + 1, changed = ?, state = ?, note = ?, psbt = ?, final = ?, txid = ? WHERE id = ? AND wallet = ? AND revision = ?`,
			seconds(s.Changed), string(s.State), s.Note, s.PSBT, s.Final, s.TxID[:], s.ID, s.Wallet, s.Revision)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return errs.E(errs.Conflict, "the draft has changed meanwhile; look at it again")
	})
	if err == nil {
		s.Revision++
	}
	return err
}

// MendDraft replaces a draft's recipients and remarks.
func (d *DB) MendDraft(ctx context.Context, s *wallet.StoredDraft) error {
	recipients, warnings, err := draftWords(s)
	if err != nil {
		return err
	}
	err = d.write(ctx, func(t *tx) error {
		r, err := t.exec(`UPDATE drafts SET revision = revision + 1, recipients = ?, warnings = ? WHERE id = ? AND wallet = ? AND revision = ?`,
			string(recipients), string(warnings), s.ID, s.Wallet, s.Revision)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return errs.E(errs.Conflict, "the draft has changed meanwhile; look at it again")
	})
	if err == nil {
		s.Revision, s.Spoilt = s.Revision+1, false
	}
	return err
}

// DeleteDraft releases the coins, and the change index where it was the last handed out.
func (d *DB) DeleteDraft(ctx context.Context, id wallet.ID, draft wallet.DraftID) error {
	return d.write(ctx, func(t *tx) error {
		s, err := oneDraft(t.drafts(draftColumns+`WHERE wallet = ? AND id = ?`, id, draft))
		if err != nil {
			return err
		}
		if err := t.must("draft", `DELETE FROM drafts WHERE id = ?`, draft); err != nil {
			return err
		}
		if err := t.release(id, s.Coins); err != nil {
			return err
		}
		if s.Change < 0 || s.Branch > 1 || s.State == wallet.Broadcast {
			return nil
		}
		_, err = t.exec(`UPDATE wallets SET `+nextColumn[s.Branch]+` = ? WHERE id = ? AND `+nextColumn[s.Branch]+` = ? AND `+usedColumn[s.Branch]+` < ?`, s.Change, id, s.Change+1, s.Change)
		return err
	})
}
