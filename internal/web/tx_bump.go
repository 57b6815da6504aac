package web

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/spend"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// Ways to change how fast a transaction goes, or whether it does.
const (
	waySpeedUp = "speed-up"
	wayCancel  = "cancel"
	wayChild   = "child"
)

// bumpForm is the form of a replacement or a child as it was sent.
type bumpForm struct {
	feeForm
	Payers []string // outputs that pay for a speed-up, by vout
	Coins  []string // outputs that a child spends
	Note   string
	Token  string
}

type bumpPage struct {
	walletPage
	checked
	Way     string
	Tx      wallet.TxDetail
	Choices wallet.Choices
	Form    bumpForm
	Table   feeTable
}

// Replaces tells that the new transaction takes the old one's place.
func (p bumpPage) Replaces() bool { return p.Way != wayChild }

// Path is where the form goes.
func (p bumpPage) Path() string {
	return txPath(p.Wallet.Alias, p.Tx.TxID) + "/bump/" + p.Way
}

// Payer reports whether an output pays for the speed-up.
func (p bumpPage) Payer(vout int) bool { return slices.Contains(p.Form.Payers, fmt.Sprint(vout)) }

// Output names an output of the transaction as coins are named.
func (p bumpPage) Output(vout int) string {
	return wire.OutPoint{Hash: p.Tx.TxID, Index: uint32(vout)}.String()
}

// Spends reports whether an output is ticked for the child.
func (p bumpPage) Spends(vout int) bool { return slices.Contains(p.Form.Coins, p.Output(vout)) }

// Own counts the outputs that a child may spend.
func (p bumpPage) Own() int {
	n := 0
	for _, o := range p.Tx.Outputs {
		if o.Mine && o.SpentBy == nil {
			n++
		}
	}
	return n
}

func (s *Server) bumpPage(r *http.Request) (bumpPage, error) {
	way := r.PathValue("way")
	if !slices.Contains([]string{waySpeedUp, wayCancel, wayChild}, way) {
		return bumpPage{}, errs.E(errs.NotFound, "there is no page at this address")
	}
	id, err := txID(r)
	if err != nil {
		return bumpPage{}, err
	}
	p, err := s.walletPage(r, "history", "tx")
	if err != nil {
		return bumpPage{}, err
	}
	v := bumpPage{walletPage: p, Way: way, Table: s.feeTable(r, p.Owner), checked: readChecked(r)}
	v.Quote = s.quote(r, p.Owner)
	if v.Tx, err = s.c.Wallets.Transaction(r.Context(), p.Wallet.Ref(), id); err != nil {
		return v, err
	}
	v.Choices, err = s.c.Wallets.Choices(r.Context(), p.Wallet.Ref(), id)
	v.Title = map[string]string{waySpeedUp: s.tr(r, "Speed up"), wayCancel: s.tr(r, "Cancel"), wayChild: s.tr(r, "Speed up with a child")}[way]
	return v, err
}

// calm lists what is meant here and needs no agreement: who replaces signs the same coins again,
// and a child's own feerate is above that of the package which it lifts.
func (p bumpPage) calm() []spend.Code {
	if p.Replaces() {
		return []spend.Code{spend.DoubleSign}
	}
	rate, _, err := p.Table.chosen(p.Form.feeForm)
	if next, known := p.Table.Rate(1); err == nil && (!known || rate <= 3*next) {
		return []spend.Code{spend.FeeRateHigh}
	}
	return nil
}

// allowed says why the way is not open; nil where it is.
func (p bumpPage) allowed() error {
	if map[string]bool{waySpeedUp: p.Choices.SpeedUp, wayCancel: p.Choices.Cancel, wayChild: p.Choices.Child}[p.Way] {
		return nil
	}
	if p.Choices.Why != "" {
		return errs.E(errs.Conflict, "%s", p.Choices.Why)
	}
	return errs.E(errs.Conflict, "this cannot be done to the transaction now; look at its page again")
}

// getBump begins with what the next block costs, where that is more than is paid now.
func (s *Server) getBump(w http.ResponseWriter, r *http.Request) error {
	v, err := s.bumpPage(r)
	if err != nil {
		return err
	}
	if err := v.allowed(); err != nil {
		return err
	}
	v.Form = bumpForm{feeForm: feeForm{Mode: feeTarget, Block: 1}, Token: rand.Text()}
	rate, known := v.Table.Rate(1)
	switch {
	case v.Replaces() && (!known || rate < v.Choices.LeastRate):
		v.Form.Mode = feeLeast
	case !known:
		v.Form.Mode, v.Form.Rate = feeManual, (v.Choices.FeeRate + btc.SatPerVB(2)).String()
	}
	s.bumpPreview(r, &v)
	return s.render(w, r, http.StatusOK, "tx_bump", v)
}

func readBump(r *http.Request) bumpForm {
	f := bumpForm{feeForm: readFee(r), Payers: r.Form["payer"], Coins: r.Form["coin"], Note: r.FormValue("note"), Token: limit(r.FormValue("token"), 64)}
	if f.Token == "" {
		f.Token = rand.Text()
	}
	return f
}

// postBump previews, or makes the draft.
func (s *Server) postBump(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.bumpPage(r)
	if err != nil {
		return err
	}
	v.Form = readBump(r)
	s.bumpPreview(r, &v)
	if r.FormValue("action") != "create" {
		return s.render(w, r, http.StatusOK, "tx_bump", v)
	}
	if v.open() {
		v.Error = s.tr(r, "Read what is marked below, and agree to it or change the payment.")
		return s.render(w, r, http.StatusUnprocessableEntity, "tx_bump", v)
	}
	d, err := s.bump(r, &v)
	if err != nil {
		s.refused(r, &v.checked, err)
		return s.render(w, r, statusOf(err), "tx_bump", v)
	}
	return s.redirect(w, r, draftPath(v.Wallet.Alias, d.ID))
}

// postBumpPreview answers the form while it is being filled in.
func (s *Server) postBumpPreview(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.bumpPage(r)
	if err != nil {
		return err
	}
	v.Form = readBump(r)
	s.bumpPreview(r, &v)
	return s.fragment(w, r, http.StatusOK, "tx_bump", "preview", v)
}

// replacement is what the form asks for. A feerate of the table that is too low to replace gives
// way to the least that is not.
func (p bumpPage) replacement() (q wallet.ReplaceRequest, err error) {
	q = wallet.ReplaceRequest{TxID: p.Tx.TxID, Cancel: p.Way == wayCancel, MaxFee: p.MaxFee, Note: p.Form.Note, Token: p.Form.onceToken()}
	if q.FeeRate, q.Blocks, err = p.Table.chosen(p.Form.feeForm); err != nil {
		return q, err
	}
	if p.Form.Mode == feeTarget && q.FeeRate > 0 && q.FeeRate < p.Choices.LeastRate {
		q.FeeRate = 0
	}
	for i := range p.Tx.Outputs {
		if p.Payer(i) && p.Way == waySpeedUp {
			q.SubtractFee = append(q.SubtractFee, i)
		}
	}
	return q, nil
}

func (p bumpPage) child() (q wallet.ChildRequest, err error) {
	q = wallet.ChildRequest{TxID: p.Tx.TxID, MaxFee: p.MaxFee, Note: p.Form.Note, Token: p.Form.onceToken()}
	if q.FeeRate, q.Blocks, err = p.Table.chosen(p.Form.feeForm); err != nil {
		return q, err
	}
	q.Coins, err = outPoints(p.Form.Coins)
	return q, err
}

// onceToken makes the same form sent twice one draft.
func (f bumpForm) onceToken() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", []any{f.feeForm, f.Payers, f.Coins}))
	return f.Token + "-" + hex.EncodeToString(sum[:8])
}

func (s *Server) bumpPreview(r *http.Request, v *bumpPage) {
	v.Calm = v.calm()
	var preview wallet.Preview
	var err error
	if v.Replaces() {
		var q wallet.ReplaceRequest
		if q, err = v.replacement(); err == nil {
			preview, err = s.c.Wallets.PreviewReplace(r.Context(), v.Wallet.Ref(), q)
		}
	} else {
		var q wallet.ChildRequest
		if q, err = v.child(); err == nil {
			preview, err = s.c.Wallets.PreviewChild(r.Context(), v.Wallet.Ref(), q)
		}
	}
	if err != nil {
		s.refused(r, &v.checked, err)
		return
	}
	v.Preview = &preview
}

func (s *Server) bump(r *http.Request, v *bumpPage) (wallet.Draft, error) {
	if v.Replaces() {
		q, err := v.replacement()
		if err != nil {
			return wallet.Draft{}, err
		}
		return s.c.Wallets.Replace(r.Context(), v.Wallet.Ref(), q)
	}
	q, err := v.child()
	if err != nil {
		return wallet.Draft{}, err
	}
	return s.c.Wallets.Child(r.Context(), v.Wallet.Ref(), q)
}
