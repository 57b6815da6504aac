package web

import (
	"html/template"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/rates"
	"specter/internal/setting"
)

// wholeCurrencies are counted without decimals.
var wholeCurrencies = []string{"JPY", "KRW", "IDR", "HUF"}

func decimals(currency string) int {
	if slices.Contains(wholeCurrencies, currency) {
		return 0
	}
	return 2
}

// Worth prints what an amount is worth now, as HTML; "" where no price is shown or amounts are
// hidden.
func (p page) Worth(a btcutil.Amount) template.HTML {
	if p.Quote == nil || p.Hide {
		return ""
	}
	text := p.Quote.Price.Value(a, decimals(p.Quote.Currency))
	sign := ""
	if text[0] == '-' {
		sign, text = "−", text[1:]
	}
	// digits, points, signs and three letters only: safe as HTML
	return template.HTML(` <span class="worth" data-test="worth">≈ ` + sign + groupDigits(text) + " " + template.HTMLEscapeString(p.Quote.Currency) + `</span>`) //nolint:gosec
}

// PriceText is what a bitcoin costs, for the top bar; "" where that is not known.
func (p page) PriceText() template.HTML {
	if p.Quote == nil {
		return ""
	}
	return template.HTML(groupDigits(p.Quote.Price.Text(0)) + " " + template.HTMLEscapeString(p.Quote.Currency)) //nolint:gosec
}

// HideAfter is after how many minutes without activity the page covers its amounts; 0 never.
func (p page) HideAfter() int {
	if p.Bare || p.Hide {
		return 0
	}
	return p.Chosen.HideAfter
}

// providerWords names somebody who gives prices.
func (c catalogue) providerWords(p rates.Provider) string {
	switch p.ID {
	case "own":
		return c.t("your own mempool server")
	case "manual":
		return c.t("nobody: typed by hand")
	}
	return p.Name
}

// explorerWords names a kind of block explorer.
func (c catalogue) explorerWords(kind string) string {
	switch kind {
	case "":
		return c.t("none: no links")
	case setting.ExplorerOwn:
		return c.t("your own, by its address")
	}
	name, onion := strings.CutSuffix(kind, "-onion")
	name = map[string]string{setting.ExplorerMempool: "mempool.space", setting.ExplorerBlockstream: "blockstream.info"}[name]
	if onion {
		return c.t("%s as an onion service", name)
	}
	return name
}
