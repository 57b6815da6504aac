package rates

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"specter/internal/btc"
	"specter/internal/errs"
)

// days are prices by day (days since 1970, UTC): the last one that is known of each day.
type days map[int64]point

// point is a price at a moment of a day.
type point struct {
	at    int64 // unix seconds
	price btc.Price
}

const secondsADay = 24 * 60 * 60

// add takes a price; one that cannot be read, or is none (providers write 0 or -1), is left out.
func (d days) add(unix int64, n number) {
	price, err := btc.ParsePrice(string(n))
	if err != nil || unix <= 0 {
		return
	}
	day := unix / secondsADay
	if old, there := d[day]; !there || old.at <= unix {
		d[day] = point{unix, price}
	}
}

// maxGap is how many days back a price is still taken for a day without one.
const maxGap = 3

// PriceAt tells what a bitcoin cost on a day: the last price of that day, or of one of the three
// before. errs.NotFound where the provider does not know it, errs.Unavailable where it does not
// answer or has no history. The provider is asked for whole spans, so that it does not learn
// the days of a wallet's payments.
func (s *Service) PriceAt(ctx context.Context, set Settings, at time.Time) (btc.Price, error) {
	set, err := set.Check()
	if err != nil {
		return 0, err
	}
	p, known := ProviderOf(set.Price)
	if !known || !p.History {
		return 0, errs.E(errs.Unavailable, "no prices of past days are known; choose a provider that has them")
	}
	day := at.Unix() / secondsADay
	if at.After(s.c.Now().Add(-time.Hour)) {
		q, err := s.Price(ctx, set)
		return q.Price, err
	}
	span := s.span(set.Price, day)
	key := fmt.Sprintf("days %s %s %s %v %d", set.Price, set.PriceURL, set.Currency, set.TorOnly, span)
	value, _, err := s.once(ctx, key, historyAge, func(ctx context.Context) (any, error) {
		list, err := s.history(ctx, set, span)
		if err == nil && len(list) == 0 {
			err = errs.E(errs.Unavailable, "%s knows no prices of past days in %s", p.Name, set.Currency)
		}
		return list, err
	})
	if err != nil {
		return 0, err
	}
	list := value.(days)
	for back := range int64(maxGap + 1) {
		if found, ok := list[day-back]; ok {
			return found.price, nil
		}
	}
	return 0, errs.E(errs.NotFound, "%s does not know the price of %s", p.Name, at.UTC().Format(time.DateOnly))
}

// spanDays is how many days one question to a provider covers that answers in pieces.
const spanDays = 900

// span is the number of the piece of history that a day lies in; 0 where there is one for all.
func (s *Service) span(provider string, day int64) int64 {
	if provider == "bitstamp" {
		return day / spanDays
	}
	return 0
}

func (s *Service) history(ctx context.Context, set Settings, span int64) (days, error) {
	switch set.Price {
	case "mempool", "own":
		return s.mempoolHistory(ctx, set)
	case "bitstamp":
		return s.bitstampHistory(ctx, set, span)
	case "kraken":
		return s.krakenHistory(ctx, set)
	}
	return s.coingeckoHistory(ctx, set)
}

// mempoolHistory asks for all prices that there are.
func (s *Service) mempoolHistory(ctx context.Context, set Settings) (days, error) {
	var a struct {
		Prices []map[string]number
	}
	err := s.get(ctx, s.mempoolHost(set)+"/api/v1/historical-price?currency="+set.Currency, set.TorOnly, maxHistory, &a)
	if err != nil {
		return nil, err
	}
	out := days{}
	for _, p := range a.Prices {
		if at, err := strconv.ParseInt(string(p["time"]), 10, 64); err == nil {
			out.add(at, p[set.Currency])
		}
	}
	return out, nil
}

// bitstampHistory asks for the closing prices of a span of days, and of the days before it that
// fill a gap at its beginning.
func (s *Service) bitstampHistory(ctx context.Context, set Settings, span int64) (days, error) {
	var a struct {
		Data struct {
			OHLC []struct{ Timestamp, Close number }
		}
	}
	query := fmt.Sprintf("?step=%d&limit=%d&start=%d", secondsADay, spanDays+maxGap, (span*spanDays-maxGap)*secondsADay)
	err := s.get(ctx, s.host("bitstamp", hostBitstamp)+"/api/v2/ohlc/btc"+strings.ToLower(set.Currency)+"/"+query, set.TorOnly, maxHistory, &a)
	if err != nil {
		return nil, err
	}
	out := days{}
	for _, c := range a.Data.OHLC {
		if at, err := strconv.ParseInt(string(c.Timestamp), 10, 64); err == nil {
			out.add(at, c.Close)
		}
	}
	return out, nil
}

// krakenHistory asks for the closing prices of the last two years, which is all it gives.
func (s *Service) krakenHistory(ctx context.Context, set Settings) (days, error) {
	var a struct {
		Result map[string]json.RawMessage
	}
	err := s.get(ctx, s.host("kraken", hostKraken)+"/0/public/OHLC?interval=1440&pair=XBT"+set.Currency, set.TorOnly, maxHistory, &a)
	if err != nil {
		return nil, err
	}
	out := days{}
	for name, raw := range a.Result {
		var candles [][]number // time, open, high, low, close, …
		if name == "last" || json.Unmarshal(raw, &candles) != nil {
			continue
		}
		for _, c := range candles {
			if len(c) < 5 {
				continue
			}
			if at, err := strconv.ParseInt(string(c[0]), 10, 64); err == nil {
				out.add(at, c[4])
			}
		}
	}
	return out, nil
}

// coingeckoHistory asks for the last year, which is all it gives without a key.
func (s *Service) coingeckoHistory(ctx context.Context, set Settings) (days, error) {
	var a struct {
		Prices [][]number // milliseconds, price
	}
	query := "?days=365&interval=daily&vs_currency=" + strings.ToLower(set.Currency)
	err := s.get(ctx, s.host("coingecko", hostCoinGecko)+"/api/v3/coins/bitcoin/market_chart"+query, set.TorOnly, maxHistory, &a)
	if err != nil {
		return nil, err
	}
	out := days{}
	for _, p := range a.Prices {
		if len(p) < 2 {
			continue
		}
		if at, err := strconv.ParseInt(string(p[0]), 10, 64); err == nil {
			out.add(at/1000, p[1])
		}
	}
	return out, nil
}
