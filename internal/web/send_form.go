package web

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/rates"
	"specter/internal/wallet"
)

// maxRecipients bounds one form.
const maxRecipients = 500

// unitFiat is the money of the price that the user has chosen.
const unitFiat = "fiat"

// sendForm is the form as it was typed, so that it can be shown again.
type sendForm struct {
	Rows  []recipientRow
	Unit  string // btc, sat, fiat
	Price string // at which amounts of money are counted, in 1/1e8 of the currency
	feeForm
	Coins   []string
	NoRBF   bool
	Lock    string // tip, none, height, date
	Height  string
	Date    string
	Note    string
	Token   string
	Replace string // txid of the transaction whose place this one takes
	Draft   int64  // draft whose place this one takes
	Find    string // in the list of coins
	List    string // pasted payments
}

type recipientRow struct {
	Address, Amount, Label string
	Max, Subtract          bool
	AddressErr, AmountErr  string
}

// money says what the digits of an amount mean.
type money struct {
	unit  string
	price btc.Price // of unitFiat
}

// suffixes are units written behind an amount, the longer before those that they end with.
var suffixes = []struct{ text, unit string }{{"satoshi", unitSat}, {"sats", unitSat}, {"sat", unitSat}, {"tbtc", unitBTC}, {"btc", unitBTC}}

// amount reads digits; a unit behind them counts more than the form's.
func (m money) amount(text string) (btcutil.Amount, error) {
	lower := strings.ToLower(text)
	for _, s := range suffixes {
		if strings.HasSuffix(lower, s.text) {
			return parseAmount(strings.TrimSpace(text[:len(text)-len(s.text)]), s.unit)
		}
	}
	if m.unit != unitFiat {
		return parseAmount(text, m.unit)
	}
	if strings.Trim(text, "0123456789.") != "" || text == "" {
		return 0, errs.E(errs.Invalid, "%.40q is no amount of money; write digits and a point", text)
	}
	worth, err := btc.ParsePrice(text)
	if err != nil {
		return 0, err
	}
	if m.price <= 0 {
		return 0, errs.E(errs.Unavailable, "no price is known now; write the amount in BTC or sat")
	}
	return m.price.Amount(worth)
}

// digits writes an amount.
func (m money) digits(a btcutil.Amount) string {
	if m.unit == unitFiat {
		return m.price.Value(a, 2)
	}
	return page{Unit: m.unit}.digits(a)
}

// exact writes an amount so that reading it gives the same: in a currency it stands in BTC.
func (m money) exact(a btcutil.Amount) string {
	if m.unit == unitFiat {
		return btc.FormatBTC(a) + " BTC"
	}
	return m.digits(a)
}

// readSend reads the form without judging it.
func readSend(r *http.Request) sendForm {
	f := sendForm{Unit: oneOf(r.FormValue("unit"), unitBTC, unitSat, unitFiat), Price: limit(r.FormValue("price"), 24), feeForm: readFee(r), Coins: r.Form["coin"],
		NoRBF: r.FormValue("rbf") != "yes", Note: r.FormValue("note"), Token: limit(r.FormValue("token"), 64),
		Lock: oneOf(r.FormValue("lock"), "tip", "none", "height", "date"), Height: limit(strings.TrimSpace(r.FormValue("height")), 20), Date: limit(strings.TrimSpace(r.FormValue("date")), 30),
		Replace: limit(r.FormValue("replace"), 64), Find: limit(strings.TrimSpace(r.FormValue("find")), 200), List: r.FormValue("list")}
	f.Draft, _ = strconv.ParseInt(r.FormValue("draft"), 10, 64) // what is no number is no draft
	if f.Token == "" {
		f.Token = rand.Text()
	}
	f.readRows(r)
	return f
}

func (f *sendForm) readRows(r *http.Request) {
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
		row := recipientRow{Address: at("address", i), Amount: at("amount", i), Label: at("label", i),
			Max: slices.Contains(r.Form["max"], strconv.Itoa(i)), Subtract: slices.Contains(r.Form["subtract"], strconv.Itoa(i))}
		uris := splitURIs(row.Address)
		if len(uris) < 2 || len(f.Rows)+len(uris) > maxRecipients {
			f.Rows = append(f.Rows, row)
			continue
		}
		for _, u := range uris { // several payments pasted into one field
			f.Rows = append(f.Rows, recipientRow{Address: u})
		}
	}
	if len(f.Rows) == 0 {
		f.Rows = []recipientRow{{}}
	}
}

// oldPrice reports whether a form counts with a price that is not today's any more: one per cent
// is what a person does not notice.
func (f sendForm) oldPrice(q *rates.Quote) bool {
	if f.Unit != unitFiat || q == nil {
		return false
	}
	p, err := strconv.ParseInt(f.Price, 10, 64)
	if err != nil || p <= 0 {
		return true
	}
	diff, now := p-int64(q.Price), int64(q.Price)
	return max(diff, -diff) > now/100
}

// money is how the form's amounts are counted: at the price that it was shown with while that is
// about right, so that the amounts of the preview are those of the draft.
func (f *sendForm) money(q *rates.Quote) money {
	m := money{unit: f.Unit}
	if f.Unit != unitFiat {
		return m
	}
	if q == nil {
		return m
	}
	if f.oldPrice(q) {
		f.Price = strconv.FormatInt(int64(q.Price), 10)
	}
	n, _ := strconv.ParseInt(f.Price, 10, 64) // oldPrice has read it
	m.price = btc.Price(n)
	return m
}

// swapUnit writes the amounts that can be read in another unit.
func (f *sendForm) swapUnit(to string, q *rates.Quote) {
	if to = oneOf(to, unitBTC, unitSat, unitFiat); to == unitFiat && q == nil {
		return
	}
	from := f.money(q)
	f.Unit, f.Price = to, ""
	into := f.money(q)
	for i := range f.Rows {
		if a, err := from.amount(f.Rows[i].Amount); err == nil && f.Rows[i].Amount != "" {
			f.Rows[i].Amount = into.digits(a)
		}
	}
}

// request turns the form into what the wallet is asked. Fields that cannot be read are marked
// in the form; ok is false then.
func (f *sendForm) request(words catalogue, m money, t feeTable, n btc.Network) (req wallet.SpendRequest, problem string, ok bool) {
	req = wallet.SpendRequest{NoRBF: f.NoRBF, Note: f.Note, Token: f.onceToken(), Instead: wallet.DraftID(max(f.Draft, 0))}
	ok = true
	for i := range f.Rows {
		row := &f.Rows[i]
		rec, good := row.recipient(words, m, n)
		ok = ok && good
		req.Recipients = append(req.Recipients, rec)
		if row.Subtract {
			req.SubtractFee = append(req.SubtractFee, i)
		}
	}
	var err error
	if req.FeeRate, req.Blocks, err = t.chosen(f.feeForm); err != nil {
		return req, upperFirst(err.Error()), false
	}
	if req.Coins, err = outPoints(f.Coins); err != nil {
		return req, upperFirst(err.Error()), false
	}
	if req.LockTime, err = f.lockTime(words); err != nil {
		return req, upperFirst(err.Error()), false
	}
	if f.Replace != "" {
		id, err := chainhash.NewHashFromStr(f.Replace)
		if err != nil {
			return req, words.t("The transaction to replace is not named rightly."), false
		}
		req.Replaces = id
	}
	return req, "", ok
}

// firstTime is the least locktime that means a time.
const firstTime = 500_000_000

// lockTime reads what the form says about it; nil is the tip's height.
func (f sendForm) lockTime(words catalogue) (*uint32, error) {
	var v uint32
	switch f.Lock {
	case "none":
		return &v, nil
	case "height":
		n, err := strconv.ParseUint(f.Height, 10, 32)
		if err != nil || n == 0 || n >= firstTime {
			return nil, errs.E(errs.Invalid, "%s", words.t("Write the height of the last block that may not hold the transaction, such as 900000."))
		}
		v = uint32(n)
		return &v, nil
	case "date":
		for _, layout := range []string{"2006-01-02T15:04", "2006-01-02"} {
			if at, err := time.ParseInLocation(layout, f.Date, time.Local); err == nil && at.Unix() >= firstTime && at.Unix() <= 0xffff_ffff {
				v = uint32(at.Unix())
				return &v, nil
			}
		}
		return nil, errs.E(errs.Invalid, "%s", words.t("Write the day before which no block may hold the transaction as 2027-01-31."))
	}
	return nil, nil
}

// onceToken makes the same form sent twice one draft, and a form that was changed in between
// (after going back in the browser) another.
func (f *sendForm) onceToken() string {
	rows := slices.Clone(f.Rows)
	for i := range rows {
		rows[i].AddressErr, rows[i].AmountErr = "", ""
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", []any{rows, f.Unit, f.feeForm, f.Coins, f.NoRBF, f.Lock, f.Height, f.Date, f.Replace, f.Draft}))
	return f.Token + "-" + hex.EncodeToString(sum[:8])
}

// recipient reads one row. A payment URI in the address field fills the fields left empty.
func (row *recipientRow) recipient(words catalogue, m money, n btc.Network) (wallet.Recipient, bool) {
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
			row.Amount = m.exact(uri.Amount)
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
		if rec.Amount, err = m.amount(row.Amount); err != nil {
			row.AmountErr = upperFirst(err.Error())
		} else if rec.Amount == 0 {
			row.AmountErr = words.t("Type an amount, or send all that is left.")
		}
	}
	return rec, row.AddressErr == "" && row.AmountErr == ""
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

// fill takes over a request that is to be changed.
func (f *sendForm) fill(q wallet.SpendRequest) {
	f.Rows = nil
	for i, to := range q.Recipients {
		row := recipientRow{Address: to.Address, Label: to.Label, Max: to.Max, Subtract: slices.Contains(q.SubtractFee, i)}
		if !to.Max {
			row.Amount = money{unit: f.Unit}.digits(to.Amount)
		}
		f.Rows = append(f.Rows, row)
	}
	f.feeForm = feeForm{Mode: feeManual, Block: 6, Rate: q.FeeRate.String()}
	f.NoRBF, f.Note, f.Draft = q.NoRBF, q.Note, int64(q.Instead)
	for _, op := range q.Coins {
		f.Coins = append(f.Coins, op.String())
	}
	if q.Replaces != nil {
		f.Replace = q.Replaces.String()
	}
	switch {
	case q.LockTime == nil:
	case *q.LockTime == 0:
		f.Lock = "none"
	case *q.LockTime < firstTime:
		f.Lock, f.Height = "height", strconv.FormatUint(uint64(*q.LockTime), 10)
	default:
		f.Lock, f.Date = "date", time.Unix(int64(*q.LockTime), 0).Local().Format("2006-01-02T15:04")
	}
}
