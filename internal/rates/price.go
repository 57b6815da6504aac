package rates

import (
	"context"
	"slices"
	"strings"
	"time"

	"specter/internal/btc"
	"specter/internal/errs"
)

// Provider is somebody who says what a bitcoin costs.
type Provider struct {
	ID         string
	Name       string
	Currencies []string // nil: any that the person writes
	History    bool     // knows past days as well
	Outside    bool     // a connection is made
}

var (
	mempoolCurrencies = []string{"USD", "EUR", "GBP", "CAD", "CHF", "AUD", "JPY"}
	manyCurrencies    = []string{"USD", "EUR", "GBP", "CHF", "AUD", "CAD", "NZD", "HKD", "JPY", "ILS", "TWD", "BRL", "SGD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "INR", "KRW", "MXN", "TRY", "ZAR", "THB", "IDR", "PHP", "AED"}
)

// providers are those of the old Specter that still answer (Bitstamp), and others that need no
// key. CoinDesk and Spotbit are gone.
var providers = []Provider{
	{ID: "mempool", Name: "mempool.space", Currencies: mempoolCurrencies, History: true, Outside: true},
	{ID: "bitstamp", Name: "Bitstamp", Currencies: []string{"USD", "EUR", "GBP"}, History: true, Outside: true},
	{ID: "kraken", Name: "Kraken", Currencies: mempoolCurrencies, History: true, Outside: true},
	{ID: "coinbase", Name: "Coinbase", Currencies: manyCurrencies, Outside: true},
	{ID: "coingecko", Name: "CoinGecko", Currencies: manyCurrencies, History: true, Outside: true},
	{ID: "own", Name: "Own mempool server", Currencies: mempoolCurrencies, History: true, Outside: true},
	{ID: "manual", Name: "Price by hand"},
}

// Providers lists who can be asked, in the order of the page.
func Providers() []Provider { return slices.Clone(providers) }

// ProviderOf finds a provider by id.
func ProviderOf(id string) (Provider, bool) {
	i := slices.IndexFunc(providers, func(p Provider) bool { return p.ID == id })
	if i < 0 {
		return Provider{}, false
	}
	return providers[i], true
}

// Quote is what a bitcoin costs now.
type Quote struct {
	Price    btc.Price
	Currency string
	Source   string    // the provider's name
	At       time.Time // when it was asked
}

// Price tells what a bitcoin costs. errs.Conflict where nobody is to be asked, errs.Unavailable where the
// provider does not answer.
func (s *Service) Price(ctx context.Context, set Settings) (Quote, error) {
	set, err := set.Check()
	if err != nil {
		return Quote{}, err
	}
	p, _ := ProviderOf(set.Price)
	switch set.Price {
	case "":
		return Quote{}, errs.E(errs.Conflict, "no provider of prices is chosen; choose one in the settings")
	case "manual":
		return Quote{set.Manual, set.Currency, p.Name, s.c.Now()}, nil
	}
	key := "price " + set.Price + " " + set.PriceURL + " " + set.Currency
	if set.TorOnly {
		key += " tor"
	}
	value, at, err := s.once(ctx, key, priceAge, func(ctx context.Context) (any, error) {
		n, err := s.ask(ctx, set)
		if err != nil {
			return nil, err
		}
		price, err := btc.ParsePrice(string(n))
		if err != nil {
			return nil, errs.E(errs.Unavailable, "%s knows no price in %s", p.Name, set.Currency)
		}
		return price, nil
	})
	if err != nil {
		return Quote{}, err
	}
	return Quote{value.(btc.Price), set.Currency, p.Name, at}, nil
}

// Hosts of the providers.
const (
	hostMempool   = "https://mempool.space"
	hostBitstamp  = "https://www.bitstamp.net"
	hostKraken    = "https://api.kraken.com"
	hostCoinbase  = "https://api.coinbase.com"
	hostCoinGecko = "https://api.coingecko.com"
)

// mempoolHost is where mempool's API is asked for prices.
func (s *Service) mempoolHost(set Settings) string {
	if set.Price == "own" {
		return set.PriceURL
	}
	if set.TorOnly {
		return s.host("mempool-onion", onionMempool)
	}
	return s.host("mempool", hostMempool)
}

// ask asks a provider for the price of now; "" where its answer has none.
func (s *Service) ask(ctx context.Context, set Settings) (number, error) {
	upper, lower := set.Currency, strings.ToLower(set.Currency)
	switch set.Price {
	case "mempool", "own":
		var a map[string]number
		err := s.get(ctx, s.mempoolHost(set)+"/api/v1/prices", set.TorOnly, maxAnswer, &a)
		return a[upper], err
	case "bitstamp":
		var a struct{ Last number }
		err := s.get(ctx, s.host("bitstamp", hostBitstamp)+"/api/v2/ticker/btc"+lower+"/", set.TorOnly, maxAnswer, &a)
		return a.Last, err
	case "kraken":
		var a struct {
			Result map[string]struct{ C []number }
		}
		err := s.get(ctx, s.host("kraken", hostKraken)+"/0/public/Ticker?pair=XBT"+upper, set.TorOnly, maxAnswer, &a)
		for _, pair := range a.Result {
			if len(a.Result) == 1 && len(pair.C) > 0 {
				return pair.C[0], err
			}
		}
		return "", err
	case "coinbase":
		var a struct {
			Data struct {
				Amount   number
				Currency string
			}
		}
		err := s.get(ctx, s.host("coinbase", hostCoinbase)+"/v2/prices/BTC-"+upper+"/spot", set.TorOnly, maxAnswer, &a)
		if a.Data.Currency != upper {
			return "", err
		}
		return a.Data.Amount, err
	case "coingecko":
		var a map[string]map[string]number
		err := s.get(ctx, s.host("coingecko", hostCoinGecko)+"/api/v3/simple/price?ids=bitcoin&vs_currencies="+lower, set.TorOnly, maxAnswer, &a)
		return a["bitcoin"][lower], err
	}
	return "", errs.E(errs.Invalid, "%.40q gives no prices", set.Price)
}
