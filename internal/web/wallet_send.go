package web

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc/spend"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// coinsShown bounds the coins offered for choosing by hand, the largest first.
const coinsShown = 250

type sendPage struct {
	walletPage
	checked
	Form   sendForm
	Coins  wallet.CoinPage
	Held   []wallet.DraftInput // by the draft that is edited: they may be chosen again
	Table  feeTable
	Lines  []payLine // a pasted list as it was read
	Listed string    // why the list as a whole was not taken, or ""

	want  wallet.SpendRequest // what the form asks for
	asked bool                // it could be read, and the wallet was asked
}

// Chosen reports whether a coin is ticked.
func (p sendPage) Chosen(coin string) bool { return slices.Contains(p.Form.Coins, coin) }

// Hidden lists ticked coins that the list of coins does not show, so that a search in it loses none.
func (p sendPage) Hidden() []string {
	shown := map[string]bool{}
	for _, c := range p.Coins.Rows {
		shown[c.OutPoint.String()] = !c.Frozen && c.ReservedBy == 0 && !c.Immature
	}
	for _, in := range p.Held {
		shown[in.OutPoint.String()] = true
	}
	return slices.DeleteFunc(slices.Clone(p.Form.Coins), func(c string) bool { return shown[c] })
}

// Units lists what the amounts can be written in.
func (p sendPage) Units() []string {
	units := []string{unitBTC, unitSat}
	if p.Quote != nil {
		units = append(units, unitFiat)
	}
	return units
}

// UnitOf names one of Units.
func (p sendPage) UnitOf(unit string) string {
	if unit == unitFiat && p.Quote != nil {
		return p.Quote.Currency
	}
	return page{Unit: unit, Network: p.Network}.UnitName()
}

// Troubles counts the lines of a list that cannot be paid.
func (p sendPage) Troubles() int {
	n := 0
	for _, l := range p.Lines {
		if l.Error != "" {
			n++
		}
	}
	return n
}

// ListSum is what a list pays in all; lines without an amount count nothing.
func (p sendPage) ListSum() btcutil.Amount {
	var sum btcutil.Amount
	m := p.Form.money(p.Quote)
	for _, l := range p.Lines {
		if a, err := m.amount(l.Row.Amount); err == nil && l.Error == "" {
			sum += a
		}
	}
	return sum
}

func (s *Server) sendPage(r *http.Request, form sendForm) (sendPage, error) {
	p, err := s.walletPage(r, "send", "new")
	if err != nil {
		return sendPage{}, err
	}
	v := sendPage{walletPage: p, Form: form, checked: readChecked(r), Table: s.feeTable(r, p.Owner)}
	v.Quote = s.quote(r, p.Owner)
	if v.Form.Draft > 0 {
		d, err := s.c.Wallets.Draft(r.Context(), p.Wallet.Ref(), wallet.DraftID(v.Form.Draft))
		if err != nil && !errs.Is(err, errs.NotFound) { // the wallet says so when it is asked to make the draft
			return v, err
		}
		v.Held = d.Inputs
	}
	v.Coins, err = s.c.Wallets.Coins(r.Context(), p.Wallet.Ref(),
		wallet.Query{Filter: "unspent", Search: form.Find, Sort: "amount", Desc: true, Size: coinsShown, Page: 1})
	return v, err
}

// getSend shows an empty form, or with ?draft= and ?replace= the payment that is to be changed.
func (s *Server) getSend(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	form := sendForm{Rows: []recipientRow{{Address: limit(q.Get("address"), 2000)}}, Coins: q["coin"], Lock: "tip", Token: rand.Text(), Find: limit(q.Get("find"), 200)}
	if id, err := strconv.ParseInt(q.Get("draft"), 10, 64); err == nil && id > 0 {
		form.Draft = id
	}
	v, err := s.sendPage(r, form)
	if err != nil {
		return err
	}
	v.Form.Unit, v.Form.feeForm = v.Unit, v.Table.usual()
	if form.Draft > 0 || q.Get("replace") != "" {
		change, err := s.toChange(r, v.Wallet.Ref(), form.Draft, q.Get("replace"))
		if err != nil {
			return err
		}
		v.Form.fill(change)
	}
	return s.render(w, r, http.StatusOK, "wallet_send", v)
}

// toChange is the payment of a draft or of a transaction that waits.
func (s *Server) toChange(r *http.Request, ref wallet.Ref, draft int64, replace string) (wallet.SpendRequest, error) {
	if draft > 0 {
		return s.c.Wallets.DraftRequest(r.Context(), ref, wallet.DraftID(draft))
	}
	id, err := chainhash.NewHashFromStr(replace)
	if err != nil {
		return wallet.SpendRequest{}, errs.E(errs.NotFound, "this is no transaction id; it has 64 hexadecimal digits")
	}
	return s.c.Wallets.EditRequest(r.Context(), ref, *id)
}

// postSend does what the pressed button says: change the form, preview, or create the draft.
// Everything typed comes back on the page.
func (s *Server) postSend(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.sendPage(r, readSend(r))
	if err != nil {
		return err
	}
	action, which, _ := strings.Cut(r.FormValue("action"), "-")
	switch action {
	case "create":
		return s.createDraft(w, r, v)
	case "list":
		if err := s.takeList(r, &v, which == "add"); err != nil {
			return err
		}
	case "preview", "":
		s.preview(r, &v)
	default:
		v.Form.rearrange(action, which, v)
	}
	return s.render(w, r, http.StatusOK, "wallet_send", v)
}

// rearrange changes the form itself: rows, unit, ticked coins.
func (f *sendForm) rearrange(action, which string, v sendPage) {
	switch action {
	case "add":
		if len(f.Rows) < maxRecipients {
			f.Rows = append(f.Rows, recipientRow{})
		}
	case "remove":
		if i := atoi(which); i >= 0 && i < len(f.Rows) && len(f.Rows) > 1 {
			f.Rows = slices.Delete(f.Rows, i, i+1)
		}
	case "unit":
		f.swapUnit(which, v.Quote)
	case "coins":
		f.Coins = nil
		if which == "all" {
			for _, c := range v.Coins.Rows {
				if !c.Frozen && c.ReservedBy == 0 && !c.Immature {
					f.Coins = append(f.Coins, c.OutPoint.String())
				}
			}
		}
	}
}

// takeList reads a pasted or uploaded list, and with add puts it into the form when every line
// can be paid.
func (s *Server) takeList(r *http.Request, v *sendPage, add bool) error {
	pieces, err := pasted(r, "list", "listfile")
	if err != nil {
		return err
	}
	var text []string
	for _, p := range pieces {
		text = append(text, string(p))
	}
	v.Form.List = limit(strings.Join(text, "\n"), maxList+1)
	v.Lines, v.Listed = readPayments(v.Form.List, s.words(r), v.Form.money(v.Quote), v.Network)
	switch {
	case v.Listed != "":
	case len(v.Lines) == 0:
		v.Listed = s.tr(r, "Paste a list or choose a file first.")
	case !add || v.Troubles() > 0:
	default:
		rows := slices.DeleteFunc(v.Form.Rows, func(row recipientRow) bool { return row.Address == "" && row.Amount == "" && !row.Max })
		if len(rows)+len(v.Lines) > maxRecipients {
			v.Listed = s.tr(r, "The list has more than %d payments; make several drafts of it.", maxRecipients)
			return nil
		}
		for _, l := range v.Lines {
			rows = append(rows, l.Row)
		}
		v.Form.Rows, v.Form.List, v.Lines = rows, "", nil
		s.preview(r, v)
	}
	return nil
}

func (s *Server) createDraft(w http.ResponseWriter, r *http.Request, v sendPage) error {
	stale := v.Form.oldPrice(v.Quote)
	if s.preview(r, &v); !v.asked {
		if v.Error == "" {
			v.Error = s.tr(r, "Some fields need a correction; they are marked below.")
		}
		return s.render(w, r, http.StatusUnprocessableEntity, "wallet_send", v)
	}
	switch {
	case stale:
		v.Error = s.tr(r, "The price has changed meanwhile; look at the amounts again.")
		return s.render(w, r, http.StatusUnprocessableEntity, "wallet_send", v)
	case v.open():
		v.Error = s.tr(r, "Read what is marked below, and agree to it or change the payment.")
		return s.render(w, r, http.StatusUnprocessableEntity, "wallet_send", v)
	}
	d, err := s.c.Wallets.NewDraft(r.Context(), v.Wallet.Ref(), v.want)
	if err != nil {
		s.refused(r, &v.checked, err)
		return s.render(w, r, statusOf(err), "wallet_send", v)
	}
	return s.redirect(w, r, draftPath(v.Wallet.Alias, d.ID))
}

// preview fills in what the draft would be, or says why there can be none yet.
func (s *Server) preview(r *http.Request, v *sendPage) {
	req, problem, ok := v.Form.request(s.words(r), v.Form.money(v.Quote), v.Table, v.Network)
	if !ok {
		v.Error = problem
		return
	}
	req.MaxFee = v.MaxFee
	v.want, v.asked = req, true
	if req.Replaces != nil {
		v.Calm = []spend.Code{spend.DoubleSign} // who replaces signs the same coins again on purpose
	}
	preview, err := s.c.Wallets.Preview(r.Context(), v.Wallet.Ref(), req)
	if err != nil {
		s.refused(r, &v.checked, err)
		return
	}
	v.Preview = &preview
}

// postPreview answers the form while it is being filled in: only the preview is drawn.
func (s *Server) postPreview(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	p, err := s.walletPage(r, "send", "new")
	if err != nil {
		return err
	}
	v := sendPage{walletPage: p, Form: readSend(r), checked: readChecked(r)}
	if v.Form.empty() {
		return s.fragment(w, r, http.StatusOK, "wallet_send", "send-preview", v)
	}
	v.Table, v.Quote = s.feeTable(r, p.Owner), s.quote(r, p.Owner)
	s.preview(r, &v)
	return s.fragment(w, r, http.StatusOK, "wallet_send", "send-preview", v)
}

func draftPath(alias string, id wallet.DraftID) string {
	return "/wallets/" + url.PathEscape(alias) + "/drafts/" + strconv.FormatInt(int64(id), 10)
}
