package main

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

type uriCmd struct {
	Parse uriParseCmd `cmd:"" help:"Read a payment URI (BIP21)."`
	Build uriBuildCmd `cmd:"" help:"Print a payment URI."`
}

type uriParseCmd struct {
	common
	URI string `arg:"" optional:"" name:"uri" help:"The URI; - or none reads standard input."`
}

// Help shows how it is used.
func (uriParseCmd) Help() string {
	return "Example:\n  specter uri parse \"bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4?amount=0.5&label=rent\""
}

// Run answers.
func (c uriParseCmd) Run(h host) error {
	return c.answer(h, func(r *request) (err error) { r.URI, err = h.argument(c.common, c.URI); return }, parseURI)
}

type uriAnswer struct {
	Address         string            `json:"address"`
	AddressValid    bool              `json:"address_valid"` // on the network asked for
	AmountSat       *int64            `json:"amount_sat,omitempty"`
	AmountBTC       string            `json:"amount_btc,omitempty"`
	Label           string            `json:"label,omitempty"`
	Message         string            `json:"message,omitempty"`
	Params          map[string]string `json:"params"`
	RequiredUnknown []string          `json:"required_unknown"`
}

func parseURI(r request) (any, error) {
	n, err := r.network()
	if err != nil {
		return nil, err
	}
	u, err := btc.ParseURI(r.URI)
	if err != nil {
		if len(u.RequiredUnknown) > 0 {
			return nil, detailed{err, map[string]any{"required_unknown": u.RequiredUnknown}}
		}
		return nil, err
	}
	a := uriAnswer{Address: u.Address, Label: u.Label, Message: u.Message, Params: map[string]string{}, RequiredUnknown: []string{}}
	if _, _, err := u.PayTo(n); err == nil {
		a.AddressValid = true
	}
	if u.HasAmount {
		sat := int64(u.Amount)
		a.AmountSat, a.AmountBTC = &sat, btc.FormatBTC(u.Amount)
	}
	for _, p := range u.Params {
		if _, twice := a.Params[p.Key]; !twice {
			a.Params[p.Key] = p.Value
		}
	}
	return a, nil
}

type uriBuildCmd struct {
	common
	Amount  string            `help:"Amount in BTC." placeholder:"BTC"`
	Label   string            `help:"Name of who is paid."`
	Message string            `help:"What it is for."`
	Param   map[string]string `help:"A further parameter; may be repeated." placeholder:"KEY=VALUE" mapsep:"none"`
	Address string            `arg:"" optional:"" help:"The address; - or none reads standard input."`
}

// Help shows how it is used.
func (uriBuildCmd) Help() string {
	return "Example:\n  specter uri build bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4 --amount 0.5 --label rent"
}

// Run answers.
func (c uriBuildCmd) Run(h host) error {
	return c.answer(h, func(r *request) (err error) {
		if c.Amount != "" {
			amount, err := btc.ParseBTC(c.Amount)
			if err != nil {
				return err
			}
			r.Amount, _ = json.Marshal(int64(amount))
		}
		r.Label, r.Message, r.Params = c.Label, c.Message, c.Param
		r.Address, err = h.argument(c.common, c.Address)
		return
	}, buildURI)
}

func buildURI(r request) (any, error) {
	n, err := r.network()
	if err != nil {
		return nil, err
	}
	if _, err := btc.ParseAddress(r.Address, n); err != nil {
		return nil, err
	}
	u := btc.URI{Address: r.Address, Label: r.Label, Message: r.Message}
	if len(r.Amount) > 0 && string(r.Amount) != "null" {
		var sat int64
		if err := json.Unmarshal(r.Amount, &sat); err != nil || sat < 0 || sat > int64(btc.MaxMoney) {
			return nil, errs.Bad(errs.Malformed, "amount_sat is between 0 and 21 million BTC, in satoshis")
		}
		u.Amount, u.HasAmount = btcutil.Amount(sat), true
	}
	for _, key := range sortedKeys(r.Params) {
		if slices.Contains([]string{"amount", "label", "message"}, strings.ToLower(key)) || key == "" {
			return nil, errs.Bad(errs.Malformed, "%q has a field of its own and is no further parameter", key)
		}
		u.Params = append(u.Params, btc.URIParam{Key: key, Value: r.Params[key]})
	}
	text := u.String()
	if _, err := btc.ParseURI(text); err != nil && errs.CodeOf(err) != errs.Unsupported {
		return nil, err
	}
	return map[string]string{"uri": text}, nil
}

func sortedKeys(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
