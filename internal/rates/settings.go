package rates

import (
	"net/url"
	"slices"
	"strings"

	"specter/internal/btc"
	"specter/internal/errs"
)

// The sources of feerates.
const (
	FeesNode    = "node"    // the person's own node; nobody else is asked
	FeesMempool = "mempool" // mempool.space
	FeesOwn     = "own"     // another mempool server, by its address
)

// Settings say whom to ask. The zero value asks the node for feerates and nobody for prices.
type Settings struct {
	Fees    string // FeesNode, FeesMempool or FeesOwn; "" is the node
	FeesURL string // of FeesOwn: "https://mempool.example" or ".onion"
	TorOnly bool   // outside services are asked over Tor or not at all

	Price    string    // id of a Provider; "" asks nobody
	PriceURL string    // of the provider "own"
	Currency string    // "USD"; "" is USD
	Manual   btc.Price // of the provider "manual"
}

// Default is what a person starts with: no outside service.
func Default() Settings { return Settings{Fees: FeesNode, Currency: "USD"} }

// Check returns the settings in their one spelling, or what is wrong with them.
func (s Settings) Check() (Settings, error) {
	if s.Fees == "" {
		s.Fees = FeesNode
	}
	if s.Currency = strings.ToUpper(strings.TrimSpace(s.Currency)); s.Currency == "" {
		s.Currency = "USD"
	}
	var err error
	switch s.Fees {
	case FeesNode, FeesMempool:
	case FeesOwn:
		if s.FeesURL, err = CleanURL(s.FeesURL); err != nil {
			return s, err
		}
	default:
		return s, errs.E(errs.Invalid, "%.40q is no source of feerates", s.Fees)
	}
	if s.Price == "" {
		return s, nil
	}
	p, known := ProviderOf(s.Price)
	switch {
	case !known:
		return s, errs.E(errs.Invalid, "%.40q gives no prices here; choose another provider", s.Price)
	case p.Currencies != nil && !slices.Contains(p.Currencies, s.Currency):
		return s, errs.E(errs.Invalid, "%s has no price in %.10s; choose another currency or provider", p.Name, s.Currency)
	case len(s.Currency) != 3 || strings.Trim(s.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "":
		return s, errs.E(errs.Invalid, "%.40q is no currency; it has three letters such as USD", s.Currency)
	case s.Price == "manual" && s.Manual <= 0:
		return s, errs.E(errs.Invalid, "say what one bitcoin costs")
	case s.Price == "own":
		s.PriceURL, err = CleanURL(s.PriceURL)
	}
	return s, err
}

// CleanURL checks the address of a person's own service: http or https, a host, maybe a port
// and a path; no user, query or fragment. Plain http is for the local network and for Tor.
func CleanURL(text string) (string, error) {
	text = strings.TrimSpace(text)
	u, err := url.Parse(text)
	switch {
	case len(text) > 300 || err != nil || u.Hostname() == "" || u.Opaque != "":
		return "", errs.E(errs.Invalid, "write the address of the service as https://mempool.example")
	case u.Scheme != "https" && u.Scheme != "http":
		return "", errs.E(errs.Invalid, "the address begins with https:// or http://")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", errs.E(errs.Invalid, "give the address of the service without name, password, ? and #")
	}
	return strings.TrimRight(strings.TrimSuffix(strings.TrimRight(u.String(), "/"), "/api"), "/"), nil
}
