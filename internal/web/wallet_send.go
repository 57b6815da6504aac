package web

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/wallet"
)

// maxRecipients bounds one form; more than this is a file's work.
const maxRecipients = 200

// coinsShown bounds the coins offered for choosing by hand, the largest first.
const coinsShown = 250

// sendForm is the form as it was typed, so that it can be shown again.
type sendForm struct {
	Rows  []recipientRow
	Unit  string
	Mode  string // target, manual
	Block int    // target in blocks
	Rate  string // sat/vB
	Coins []string
	NoRBF bool
	Note  string
	Token string
}

type recipientRow struct {
	Address, Amount, Label string
	Max, Subtract          bool
	AddressErr, AmountErr  string
}

// target is a choice of how soon a payment should confirm.
type target struct {
	Blocks int
	Words  string
}

type sendPage struct {
	walletPage
	Form    sendForm
	Coins   wallet.CoinPage
	Targets []target
	Error   string
	Preview *wallet.Preview
}

// Chosen reports whether a coin is ticked.
func (p sendPage) Chosen(coin string) bool { return slices.Contains(p.Form.Coins, coin) }

// Sum is what the preview's recipients get.
func (p sendPage) Sum() btcutil.Amount {
	var sum btcutil.Amount
	for _, r := range p.Preview.Recipients {
		sum += r.Amount
	}
	return sum
}

func (s *Server) targets(r *http.Request) []target {
	return []target{
		{1, s.tr(r, "Next block (about 10 minutes)")}, {3, s.tr(r, "3 blocks (about 30 minutes)")},
		{6, s.tr(r, "6 blocks (about an hour)")}, {24, s.tr(r, "24 blocks (about 4 hours)")},
		{144, s.tr(r, "144 blocks (about a day)")}, {1008, s.tr(r, "1008 blocks (about a week)")},
	}
}

func (s *Server) sendPage(r *http.Request) (sendPage, error) {
	p, err := s.walletPage(r, "send", "new")
	if err != nil {
		return sendPage{}, err
	}
	v := sendPage{walletPage: p, Targets: s.targets(r)}
	v.Coins, err = s.c.Wallets.Coins(r.Context(), p.Wallet.Ref(),
		wallet.Query{Filter: "unspent", Sort: "amount", Desc: true, Size: coinsShown})
	return v, err
}

func (s *Server) getSend(w http.ResponseWriter, r *http.Request) error {
	v, err := s.sendPage(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	v.Form = sendForm{Rows: []recipientRow{{Address: limit(q.Get("address"), 2000)}}, Unit: v.Unit, Mode: "target", Block: 6,
		Coins: q["coin"], Token: rand.Text()}
	return s.render(w, r, http.StatusOK, "wallet_send", v)
}

// readSend reads the form without judging it.
func readSend(r *http.Request) sendForm {
	f := sendForm{Unit: oneOf(r.FormValue("unit"), unitBTC, unitSat), Mode: oneOf(r.FormValue("fee"), "target", "manual"),
		Block: atoi(r.FormValue("blocks")), Rate: strings.TrimSpace(r.FormValue("feerate")), Coins: r.Form["coin"],
		NoRBF: r.FormValue("rbf") != "yes", Note: r.FormValue("note"), Token: limit(r.FormValue("token"), 64)}
	if f.Token == "" {
		f.Token = rand.Text()
	}
	addresses := r.Form["address"]
	if len(addresses) > maxRecipients {
		addresses = addresses[:maxRecipients]
	}
	at := func(name string, i int) string {
		if values := r.Form[name]; i < len(values) {
			return strings.TrimSpace(values[i])
		}
		return ""
	}
	for i := range addresses {
		f.Rows = append(f.Rows, recipientRow{Address: at("address", i), Amount: at("amount", i), Label: at("label", i),
			Max: slices.Contains(r.Form["max"], strconv.Itoa(i)), Subtract: slices.Contains(r.Form["subtract"], strconv.Itoa(i))})
	}
	if len(f.Rows) == 0 {
		f.Rows = []recipientRow{{}}
	}
	return f
}

// request turns the form into what the wallet is asked. Fields that cannot be read are marked
// in the form; ok is false then.
func (f *sendForm) request(words catalogue, n btc.Network) (req wallet.SpendRequest, problem string, ok bool) {
	req = wallet.SpendRequest{NoRBF: f.NoRBF, Note: f.Note, Token: f.onceToken()}
	ok = true
	for i := range f.Rows {
		row := &f.Rows[i]
		rec, good := row.recipient(words, f.Unit, n)
		ok = ok && good
		req.Recipients = append(req.Recipients, rec)
		if row.Subtract {
			req.SubtractFee = append(req.SubtractFee, i)
		}
	}
	var err error
	if f.Mode == "manual" {
		if req.FeeRate, err = btc.ParseFeeRate(f.Rate); err != nil {
			return req, upperFirst(err.Error()), false
		}
	} else {
		req.Blocks = max(1, min(f.Block, 1008))
	}
	if req.Coins, err = outPoints(f.Coins); err != nil {
		return req, upperFirst(err.Error()), false
	}
	return req, "", ok
}

// onceToken makes the same form sent twice one draft, and a form that was changed in between
// (after going back in the browser) another.
func (f *sendForm) onceToken() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", []any{f.Rows, f.Unit, f.Mode, f.Block, f.Rate, f.Coins, f.NoRBF}))
	return f.Token + "-" + hex.EncodeToString(sum[:8])
}

// recipient reads one row. A payment URI in the address field fills the fields left empty.
func (row *recipientRow) recipient(words catalogue, unit string, n btc.Network) (wallet.Recipient, bool) {
	row.AddressErr, row.AmountErr = "", ""
	if len(row.Address) > 8 && strings.EqualFold(row.Address[:8], "bitcoin:") {
		uri, err := btc.ParseURI(row.Address)
		if err == nil {
			uri.Address, _, err = uri.PayTo(n)
		}
		if err != nil {
			row.AddressErr = upperFirst(err.Error())
			return wallet.Recipient{}, false
		}
		row.Address = uri.Address
		if uri.Amount > 0 && row.Amount == "" {
			row.Amount = page{Unit: unit}.digits(uri.Amount)
		}
		if row.Label == "" {
			row.Label = uri.Label
		}
	}
	rec := wallet.Recipient{Address: row.Address, Label: row.Label, Max: row.Max}
	if row.Address == "" {
		row.AddressErr = words.t("Type the address to pay to.")
	} else if _, err := btc.ParseAddress(row.Address, n); err != nil {
		row.AddressErr = upperFirst(err.Error())
	}
	if !row.Max {
		var err error
		if rec.Amount, err = parseAmount(row.Amount, unit); err != nil {
			row.AmountErr = upperFirst(err.Error())
		} else if rec.Amount == 0 {
			row.AmountErr = words.t("Type an amount, or send all that is left.")
		}
	}
	return rec, row.AddressErr == "" && row.AmountErr == ""
}

// postSend does what the pressed button says: add or remove a recipient, preview, or create the
// draft. Everything typed comes back on the page.
func (s *Server) postSend(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.sendPage(r)
	if err != nil {
		return err
	}
	v.Form = readSend(r)
	action, which, _ := strings.Cut(r.FormValue("action"), "-")
	switch action {
	case "add":
		if len(v.Form.Rows) < maxRecipients {
			v.Form.Rows = append(v.Form.Rows, recipientRow{})
		}
		return s.render(w, r, http.StatusOK, "wallet_send", v)
	case "remove":
		if i := atoi(which); i >= 0 && i < len(v.Form.Rows) && len(v.Form.Rows) > 1 {
			v.Form.Rows = slices.Delete(v.Form.Rows, i, i+1)
		}
		return s.render(w, r, http.StatusOK, "wallet_send", v)
	case "create":
		return s.createDraft(w, r, v)
	}
	s.preview(r, &v)
	return s.render(w, r, http.StatusOK, "wallet_send", v)
}

func (s *Server) createDraft(w http.ResponseWriter, r *http.Request, v sendPage) error {
	req, problem, ok := v.Form.request(s.words(r), v.Network)
	if !ok {
		v.Error = problem
		if problem == "" {
			v.Error = s.tr(r, "Some fields need a correction; they are marked below.")
		}
		return s.render(w, r, http.StatusUnprocessableEntity, "wallet_send", v)
	}
	d, err := s.c.Wallets.NewDraft(r.Context(), v.Wallet.Ref(), req)
	if err != nil {
		s.note(r, err)
		v.Error = s.sentence(r, err)
		return s.render(w, r, statusOf(err), "wallet_send", v)
	}
	return s.redirect(w, r, draftPath(v.Wallet.Alias, d.ID))
}

// preview fills in what the draft would be, or says why there can be none yet.
func (s *Server) preview(r *http.Request, v *sendPage) {
	req, problem, ok := v.Form.request(s.words(r), v.Network)
	if !ok {
		v.Error = problem
		return
	}
	preview, err := s.c.Wallets.Preview(r.Context(), v.Wallet.Ref(), req)
	if err != nil {
		s.note(r, err)
		v.Error = s.sentence(r, err)
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
	v := sendPage{walletPage: p, Form: readSend(r)}
	if v.Form.empty() {
		return s.fragment(w, r, http.StatusOK, "wallet_send", "preview", v)
	}
	s.preview(r, &v)
	return s.fragment(w, r, http.StatusOK, "wallet_send", "preview", v)
}

// empty reports whether nothing worth a preview has been typed.
func (f sendForm) empty() bool {
	for _, row := range f.Rows {
		if row.Address == "" || (row.Amount == "" && !row.Max && !strings.Contains(row.Address, "?")) {
			return true
		}
	}
	return false
}

func draftPath(alias string, id wallet.DraftID) string {
	return "/wallets/" + url.PathEscape(alias) + "/drafts/" + strconv.FormatInt(int64(id), 10)
}
