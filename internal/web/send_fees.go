package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/btc/spend"
	"specter/internal/rates"
	"specter/internal/wallet"
)

// Ways to say a feerate.
const (
	feeTarget = "target" // one of the table's
	feeManual = "manual" // by hand
	feeLeast  = "least"  // the least that replaces a transaction
)

// feeForm is how a form says what to pay.
type feeForm struct {
	Mode  string
	Block int    // target in blocks
	Rate  string // sat/vB by hand
}

// readFee reads it: fee is a number of blocks, or "manual", or "least"; "target" leaves the
// number to blocks.
func readFee(r *http.Request) feeForm {
	f := feeForm{Mode: feeTarget, Block: atoi(r.FormValue("blocks")), Rate: limit(strings.TrimSpace(r.FormValue("feerate")), 40)}
	switch fee := r.FormValue("fee"); fee {
	case feeManual, feeLeast:
		f.Mode = fee
	case "", feeTarget:
	default:
		f.Block = atoi(fee)
	}
	f.Block = max(1, min(f.Block, 1008))
	return f
}

// feeTable is the table of feerates on a page.
type feeTable struct {
	rates.Table
	Known bool // somebody was asked: the table has numbers, or says why not
}

// feeTable asks for it.
func (s *Server) feeTable(r *http.Request, o wallet.Owner) feeTable {
	if s.c.Fees == nil {
		t := feeTable{}
		for _, blocks := range rates.Targets {
			t.Choices = append(t.Choices, rates.Choice{Blocks: blocks})
		}
		return t
	}
	return feeTable{s.c.Fees.FeeRates(r.Context(), o), true}
}

// Nobody tells that there is no feerate to choose.
func (t feeTable) Nobody() bool { return t.Known && t.Source == "" }

// usual is the choice that a new form begins with: an hour, else by hand.
func (t feeTable) usual() feeForm {
	if t.Nobody() {
		return feeForm{Mode: feeManual, Block: 6}
	}
	return feeForm{Mode: feeTarget, Block: 6}
}

// chosen is the feerate that a form asks for, or the target where no number is known for it.
func (t feeTable) chosen(f feeForm) (rate btc.FeeRate, blocks int, err error) {
	switch f.Mode {
	case feeManual:
		rate, err = btc.ParseFeeRate(f.Rate)
		return rate, 0, err
	case feeLeast:
		return 0, 0, nil
	}
	if rate, ok := t.Rate(f.Block); ok {
		return rate, 0, nil
	}
	return 0, f.Block, nil
}

// targetWords says how soon a target is.
func (c catalogue) targetWords(blocks int) string {
	switch blocks {
	case 1:
		return c.t("Next block (about 10 minutes)")
	case 3:
		return c.t("3 blocks (about 30 minutes)")
	case 6:
		return c.t("6 blocks (about an hour)")
	case 144:
		return c.t("144 blocks (about a day)")
	}
	return c.n(blocks, "%d block", "%d blocks")
}

// sourceWords names who said the feerates.
func (c catalogue) sourceWords(source string) string {
	if source == "node" {
		return c.t("your node")
	}
	return source
}

// remarkWords is a remark in the page's language.
func (c catalogue) remarkWords(r wallet.Remark) string {
	args := make([]any, len(r.Args))
	for i, a := range r.Args {
		args[i] = a
	}
	return c.t(r.Format(), args...)
}

// feeCap is what a confirmation says that raises the cap on the fee.
const feeCap = "fee-cap"

// checked is a preview and what the person has agreed to.
type checked struct {
	Preview *wallet.Preview
	Error   string
	Confirm []string       // codes of remarks that were read and agreed to
	Cap     btcutil.Amount // the fee to agree to because it is above the cap; 0: it is not
	MaxFee  btcutil.Amount // agreed to
	Quote   *rates.Quote   // nil: no price is known
	Calm    []spend.Code   // grave elsewhere, but what is meant here: told, not asked about
}

// readChecked reads what was agreed to.
func readChecked(r *http.Request) checked {
	c := checked{Confirm: r.Form["confirm"]}
	if n, err := strconv.ParseInt(r.FormValue(feeCap), 10, 64); err == nil && n > 0 && n <= int64(btc.MaxMoney) {
		c.MaxFee = btcutil.Amount(n)
	}
	return c
}

// Agreed reports whether a grave remark was agreed to.
func (c checked) Agreed(code spend.Code) bool { return slices.Contains(c.Confirm, string(code)) }

// Sum is what the preview's recipients get.
func (c checked) Sum() btcutil.Amount {
	var sum btcutil.Amount
	for _, r := range c.Preview.Recipients {
		sum += r.Amount
	}
	return sum
}

// Spent is what the preview's coins are worth.
func (c checked) Spent() btcutil.Amount {
	var sum btcutil.Amount
	for _, coin := range c.Preview.Inputs {
		sum += coin.Amount
	}
	return sum
}

// Fiat says what an amount is worth, with the currency; "" where no price is known.
func (c checked) Fiat(a btcutil.Amount) string {
	if c.Quote == nil {
		return ""
	}
	return c.Quote.Price.Value(a, 2) + " " + c.Quote.Currency
}

// Grave lists the remarks that have to be agreed to, once each code.
func (c checked) Grave() []wallet.Remark { return c.remarks(true) }

// Mild lists the other remarks.
func (c checked) Mild() []wallet.Remark { return c.remarks(false) }

func (c checked) remarks(grave bool) []wallet.Remark {
	var out []wallet.Remark
	for _, r := range c.Preview.Remarks {
		if (r.Grave() && !slices.Contains(c.Calm, r.Code)) == grave {
			out = append(out, r)
		}
	}
	return out
}

// open reports whether a grave remark was not agreed to.
func (c checked) open() bool {
	return c.Preview != nil && slices.ContainsFunc(c.Grave(), func(r wallet.Remark) bool { return !c.Agreed(r.Code) })
}

// refused keeps why there is no preview; a fee above the cap can be agreed to.
func (s *Server) refused(r *http.Request, c *checked, err error) {
	s.note(r, err)
	c.Error = s.sentence(r, err)
	var high *spend.FeeError
	if errors.As(err, &high) {
		c.Cap = high.Fee
	}
}

// quote is what a bitcoin costs for who asks; nil where nobody knows.
func (s *Server) quote(r *http.Request, o wallet.Owner) *rates.Quote {
	if s.c.Fees == nil {
		return nil
	}
	if q, ok := s.c.Fees.Price(r.Context(), o); ok && q.Price > 0 {
		return &q
	}
	return nil
}

// senders lists who can send besides the active node.
func (s *Server) senders(r *http.Request, p page) []wallet.Sender {
	if s.c.Fees == nil {
		return nil
	}
	return s.c.Fees.Senders(r.Context(), p.Owner, p.Network)
}
