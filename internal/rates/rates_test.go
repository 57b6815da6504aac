package rates_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/rates"
	"specter/internal/testkit"
)

// The answers have the shapes that the services document.
var answers = map[string]string{
	"/api/v1/fees/recommended":           `{"fastestFee":12,"halfHourFee":8.5,"hourFee":4,"economyFee":1.0002,"minimumFee":1}`,
	"/signet/api/v1/fees/recommended":    `{"fastestFee":2,"halfHourFee":2,"hourFee":2,"economyFee":2,"minimumFee":1}`,
	"/api/v1/prices":                     `{"time":1763712000,"USD":97123,"EUR":84001.55,"GBP":74000,"CAD":136000,"CHF":78000,"AUD":150000,"JPY":15000000}`,
	"/api/v2/ticker/btcusd/":             `{"timestamp":"1763712000","open":"96000.00","high":"98000","low":"95000","last":"97000.25","volume":"1000.5","vwap":"96500","bid":"96999","ask":"97001","open_24":"96100","percent_change_24":"0.94"}`,
	"/0/public/Ticker":                   `{"error":[],"result":{"XXBTZEUR":{"a":["84010.0","1","1.000"],"b":["84000.0","1","1.000"],"c":["84005.10000","0.00100000"],"v":["1","2"],"p":["1","2"],"t":[1,2],"l":["1","2"],"h":["1","2"],"o":"84100.0"}}}`,
	"/v2/prices/BTC-SEK/spot":            `{"data":{"amount":"912345.678","base":"BTC","currency":"SEK"}}`,
	"/api/v3/simple/price":               `{"bitcoin":{"pln":3.51234e5}}`,
	"/api/v1/historical-price":           `{"prices":[{"time":1763683200,"USD":95001,"EUR":-1},{"time":1763600000,"USD":92000},{"time":1763590000,"USD":91999},{"time":1500000000,"USD":2254.9}],"exchangeRates":{"USDEUR":0.86}}`,
	"/api/v2/ohlc/btcusd/":               `{"data":{"pair":"BTC/USD","ohlc":[{"high":"93000","timestamp":"1763596800","volume":"1","low":"90000","close":"92500.50","open":"91000"},{"high":"0","timestamp":"oops","volume":"1","low":"0","close":"1","open":"1"}]}}`,
	"/0/public/OHLC":                     `{"error":[],"result":{"XXBTZUSD":[[1763596800,"91000.0","93000.0","90000.0","92501.0","92000.0","10.1",100],[1763683200]],"last":1763683200}}`,
	"/api/v3/coins/bitcoin/market_chart": `{"prices":[[1763596800000,92502.123456],[1763683200000,95003.5]],"market_caps":[],"total_volumes":[]}`,
}

// world is an outside service and a clock.
type world struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
	say   func(w http.ResponseWriter, r *http.Request) bool // true: it has answered
	now   time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{now: time.Date(2025, 11, 21, 12, 0, 0, 0, time.UTC)}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.asked = append(w.asked, r.URL.RequestURI())
		say := w.say
		w.mu.Unlock()
		if say != nil && say(rw, r) {
			return
		}
		text, known := answers[r.URL.Path]
		if !known {
			http.NotFound(rw, r)
			return
		}
		fmt.Fprint(rw, text)
	}))
	t.Cleanup(w.Close)
	return w
}

func (w *world) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.asked)
}

func (w *world) answer(say func(w http.ResponseWriter, r *http.Request) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.say = say
}

func (w *world) hosts() map[string]string {
	h := map[string]string{}
	for _, id := range []string{"mempool", "bitstamp", "kraken", "coinbase", "coingecko"} {
		h[id] = w.URL
	}
	return h
}

func (w *world) service() *rates.Service {
	return rates.New(rates.Config{Clear: w.Client(), Hosts: w.hosts(), Now: func() time.Time { return w.now }, NodeRate: nodeRate})
}

func nodeRate(_ context.Context, blocks int) (btc.FeeRate, error) {
	return btc.FeeRate(1000 + blocks), nil
}

// refusing is the client of a person who wants no outside services.
func refusing(asked *atomic.Int32) *http.Client {
	return &http.Client{Transport: tripper(func(*http.Request) (*http.Response, error) {
		asked.Add(1)
		return nil, errors.New("outside services are switched off")
	})}
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestFeeratesByTarget(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	for blocks, want := range map[int]btc.FeeRate{0: 12000, 1: 12000, 2: 8500, 3: 8500, 6: 4000, 7: 1001, 144: 1001, 99999: 1001} {
		e, err := s.Fee(context.Background(), rates.Settings{Fees: rates.FeesMempool}, btc.Mainnet, blocks)
		if err != nil || e.Rate != want || e.Fallback || e.Reason != "" {
			t.Errorf("%d blocks: %+v, %v, want %d", blocks, e, err, want)
		}
	}
	if w.count() != 1 {
		t.Errorf("asked %d times within a minute", w.count())
	}
	w.now = w.now.Add(2 * time.Minute)
	if _, err := s.Fee(context.Background(), rates.Settings{Fees: rates.FeesMempool}, btc.Signet, 1); err != nil || w.asked[1] != "/signet/api/v1/fees/recommended" {
		t.Errorf("signet: asked %v, %v", w.asked, err)
	}
	e, err := s.Fee(context.Background(), rates.Settings{Fees: rates.FeesMempool}, btc.Regtest, 3)
	if err != nil || !e.Fallback || e.Source != "node" || e.Rate != 1003 || !strings.Contains(e.Reason, "regtest") {
		t.Errorf("regtest: %+v, %v", e, err)
	}
	own, err := s.Fee(context.Background(), rates.Settings{Fees: rates.FeesOwn, FeesURL: w.URL + "/"}, btc.Regtest, 1)
	if err != nil || own.Rate != 12000 || own.Source != strings.TrimPrefix(w.URL, "http://") {
		t.Errorf("own server: %+v, %v", own, err)
	}
	node, err := s.Fee(context.Background(), rates.Default(), btc.Mainnet, 3)
	if err != nil || node.Rate != 1003 || node.Source != "node" || node.Fallback {
		t.Errorf("node: %+v, %v", node, err)
	}
}

func TestNodeAnswersWhereOthersDoNot(t *testing.T) {
	for name, say := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"busy": func(w http.ResponseWriter, _ *http.Request) bool {
			http.Error(w, "slow down", http.StatusTooManyRequests)
			return true
		},
		"no JSON":     func(w http.ResponseWriter, _ *http.Request) bool { fmt.Fprint(w, "<html>"); return true },
		"nothing":     func(w http.ResponseWriter, _ *http.Request) bool { fmt.Fprint(w, "{}"); return true },
		"zero":        func(w http.ResponseWriter, _ *http.Request) bool { fmt.Fprint(w, `{"fastestFee":0}`); return true },
		"a fortune":   func(w http.ResponseWriter, _ *http.Request) bool { fmt.Fprint(w, `{"fastestFee":99999}`); return true },
		"below zero":  func(w http.ResponseWriter, _ *http.Request) bool { fmt.Fprint(w, `{"fastestFee":-5}`); return true },
		"an exponent": func(w http.ResponseWriter, _ *http.Request) bool { fmt.Fprint(w, `{"fastestFee":1e1}`); return true },
		"a flood": func(w http.ResponseWriter, _ *http.Request) bool {
			fmt.Fprint(w, `{"fastestFee":"`, strings.Repeat("1", 300<<10), `"}`)
			return true
		},
		"elsewhere": func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "http://localhost.invalid/", http.StatusFound)
			return true
		},
	} {
		w := newWorld(t)
		w.answer(say)
		s := w.service()
		for range 3 {
			e, err := s.Fee(context.Background(), rates.Settings{Fees: rates.FeesMempool}, btc.Mainnet, 1)
			if err != nil || !e.Fallback || e.Reason == "" || e.Source != "node" || e.Rate != 1001 {
				t.Errorf("%s: %+v, %v", name, e, err)
			}
		}
		if w.count() != 1 {
			t.Errorf("%s: asked %d times though it failed a moment ago", name, w.count())
		}
		w.answer(nil)
		w.now = w.now.Add(time.Minute)
		if e, err := s.Fee(context.Background(), rates.Settings{Fees: rates.FeesMempool}, btc.Mainnet, 1); err != nil || e.Fallback {
			t.Errorf("%s: after it came back: %+v, %v", name, e, err)
		}
	}
	s := rates.New(rates.Config{})
	_, err := s.Fee(context.Background(), rates.Settings{Fees: rates.FeesMempool}, btc.Mainnet, 1)
	if !errs.Is(err, errs.Unavailable) {
		t.Errorf("nobody to ask: %v", err)
	}
}

func TestTorFirstAndOnlyTor(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	var torDown atomic.Bool
	var hosts []string
	tor := &http.Client{Transport: tripper(func(r *http.Request) (*http.Response, error) {
		hosts = append(hosts, r.URL.Host)
		if torDown.Load() {
			return nil, errors.New("Tor is not running")
		}
		r = r.Clone(r.Context())
		r.URL.Host = strings.TrimPrefix(w.URL, "http://")
		return http.DefaultTransport.RoundTrip(r)
	})}
	var clear atomic.Int32
	s := rates.New(rates.Config{Clear: refusing(&clear), Tor: tor, NodeRate: nodeRate})
	e, err := s.Fee(ctx, rates.Settings{Fees: rates.FeesMempool}, btc.Mainnet, 1)
	if err != nil || e.Fallback || e.Source != "mempool.space over Tor" || clear.Load() != 0 || !strings.HasSuffix(hosts[0], ".onion") {
		t.Errorf("%+v, %v, asked over Tor: %v, in the clear %d times", e, err, hosts, clear.Load())
	}
	torDown.Store(true)
	s = rates.New(rates.Config{Clear: w.Client(), Tor: tor, Hosts: w.hosts(), NodeRate: nodeRate})
	e, err = s.Fee(ctx, rates.Settings{Fees: rates.FeesMempool}, btc.Mainnet, 1)
	if err != nil || !e.Fallback || e.Rate != 12000 || !strings.Contains(e.Reason, "Tor is not running") {
		t.Errorf("the clear net after Tor: %+v, %v", e, err)
	}
	s = rates.New(rates.Config{Clear: refusing(&clear), Tor: tor, NodeRate: nodeRate})
	clear.Store(0)
	e, err = s.Fee(ctx, rates.Settings{Fees: rates.FeesMempool, TorOnly: true}, btc.Mainnet, 1)
	if err != nil || !e.Fallback || e.Source != "node" || clear.Load() != 0 {
		t.Errorf("only Tor: %+v, %v, in the clear %d times", e, err, clear.Load())
	}
	for _, provider := range rates.Providers() {
		set := rates.Settings{Price: provider.ID, TorOnly: true, PriceURL: "http://mempool.example", Manual: btc.PriceUnit}
		s.Price(ctx, set)
		s.PriceAt(ctx, set, time.Now().AddDate(0, -1, 0))
	}
	if clear.Load() != 0 {
		t.Errorf("with only Tor the clear net was asked %d times", clear.Load())
	}
	s = rates.New(rates.Config{Clear: w.Client(), NodeRate: nodeRate})
	if _, err := s.Price(ctx, rates.Settings{Price: "own", PriceURL: "http://abcdefgh.onion"}); !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "Tor") {
		t.Errorf("an onion without Tor: %v", err)
	}
}

func TestPricesOfEveryProvider(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	for _, c := range []struct{ provider, currency, want string }{
		{"mempool", "usd", "97123.00"}, {"mempool", "EUR", "84001.55"}, {"bitstamp", "", "97000.25"}, {"kraken", "EUR", "84005.10"}, {"coinbase", "SEK", "912345.68"}, {"coingecko", "PLN", "351234.00"},
	} {
		set := rates.Settings{Price: c.provider, Currency: c.currency}
		for range 2 {
			q, err := s.Price(context.Background(), set)
			if err != nil || q.Price.Text(2) != c.want || q.Source == "" || !q.At.Equal(w.now) {
				t.Errorf("%s %s: %+v, %v", c.provider, c.currency, q, err)
			}
		}
	}
	if w.count() != 6 {
		t.Errorf("asked %d times for 6 prices: %q", w.count(), w.asked)
	}
	own, err := s.Price(context.Background(), rates.Settings{Price: "own", PriceURL: w.URL, Currency: "GBP"})
	if err != nil || own.Price.Text(0) != "74000" {
		t.Errorf("own: %+v, %v", own, err)
	}
	hand, err := s.Price(context.Background(), rates.Settings{Price: "manual", Manual: 5 * btc.PriceUnit, Currency: "XYZ"})
	if err != nil || hand.Price != 5*btc.PriceUnit || hand.Currency != "XYZ" {
		t.Errorf("by hand: %+v, %v", hand, err)
	}
	if _, err := s.Price(context.Background(), rates.Default()); !errs.Is(err, errs.Conflict) {
		t.Errorf("without a provider: %v", err)
	}
	w.now = w.now.Add(time.Hour)
	w.answer(func(rw http.ResponseWriter, _ *http.Request) bool {
		http.Error(rw, "", http.StatusInternalServerError)
		return true
	})
	if _, err := s.Price(context.Background(), rates.Settings{Price: "kraken", Currency: "EUR"}); !errs.Is(err, errs.Unavailable) {
		t.Errorf("an old price is shown as today's: %v", err)
	}
}

func TestPricesOfPastDays(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	day := time.Date(2025, 11, 20, 18, 30, 0, 0, time.UTC)
	for provider, want := range map[string]string{"mempool": "92000.00", "bitstamp": "92500.50", "kraken": "92501.00", "coingecko": "92502.12", "own": "92000.00"} {
		set := rates.Settings{Price: provider, PriceURL: w.URL}
		before := w.count()
		for range 5 {
			p, err := s.PriceAt(context.Background(), set, day)
			if err != nil || p.Text(2) != want {
				t.Errorf("%s: %s, %v, want %s", provider, p.Text(2), err, want)
			}
		}
		if w.count() != before+1 {
			t.Errorf("%s: asked %d times for one history", provider, w.count()-before)
		}
	}
	for _, uri := range w.asked {
		if strings.Contains(uri, "1763") || strings.Contains(uri, "2025") {
			t.Errorf("the day of a payment was told: %s", uri)
		}
	}
	set := rates.Settings{Price: "mempool"}
	if p, err := s.PriceAt(context.Background(), set, time.Unix(1500000000, 0).AddDate(0, 0, 2)); err != nil || p.Text(1) != "2254.9" {
		t.Errorf("two days after a price: %v, %v", p.Text(1), err)
	}
	if p, err := s.PriceAt(context.Background(), set, time.Unix(1500000000, 0).AddDate(0, 0, 9)); !errs.Is(err, errs.NotFound) {
		t.Errorf("nine days after a price: %d, %v", p, err)
	}
	if p, err := s.PriceAt(context.Background(), set, w.now); err != nil || p.Text(0) != "97123" {
		t.Errorf("now: %s, %v", p.Text(0), err)
	}
	for _, set := range []rates.Settings{{Price: "coinbase"}, {Price: "manual", Manual: 1}, {}} {
		if _, err := s.PriceAt(context.Background(), set, day); !errs.Is(err, errs.Unavailable) {
			t.Errorf("%q has a history: %v", set.Price, err)
		}
	}
	if _, err := s.PriceAt(context.Background(), rates.Settings{Price: "mempool", Currency: "EUR"}, day); !errs.Is(err, errs.Unavailable) {
		t.Errorf("a history of -1: %v", err)
	}
}

func TestNoOutsideServiceMeansNoConnection(t *testing.T) {
	var asked atomic.Int32
	s := rates.New(rates.Config{Clear: refusing(&asked), Tor: refusing(&asked), NodeRate: nodeRate})
	if e, err := s.Fee(context.Background(), rates.Default(), btc.Mainnet, 6); err != nil || e.Source != "node" {
		t.Errorf("%+v, %v", e, err)
	}
	s.Price(context.Background(), rates.Default())
	s.PriceAt(context.Background(), rates.Default(), time.Unix(1600000000, 0))
	if asked.Load() != 0 {
		t.Errorf("with the defaults %d outside services were asked", asked.Load())
	}
	e, err := s.Fee(context.Background(), rates.Settings{Fees: rates.FeesMempool}, btc.Mainnet, 6)
	if err != nil || e.Source != "node" || !strings.Contains(e.Reason, "switched off") {
		t.Errorf("refused: %+v, %v", e, err)
	}
}

func TestManyAskersAreOneQuestion(t *testing.T) {
	w := newWorld(t)
	release := make(chan struct{})
	w.answer(func(http.ResponseWriter, *http.Request) bool { <-release; return false })
	s := w.service()
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Price(gone, rates.Settings{Price: "mempool"}); !errs.Is(err, errs.Unavailable) {
		t.Errorf("an asker who left: %v", err)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if q, err := s.Price(context.Background(), rates.Settings{Price: "mempool"}); err != nil || q.Price.Text(0) != "97123" {
				t.Errorf("%+v, %v", q, err)
			}
		})
	}
	for w.count() == 0 {
		time.Sleep(time.Millisecond)
	}
	close(release)
	wg.Wait()
	if w.count() != 1 {
		t.Errorf("%d questions", w.count())
	}
}

func TestSettingsAreChecked(t *testing.T) {
	for name, c := range map[string]struct {
		in   rates.Settings
		want string // "" is refused; else Fees|FeesURL|Price|PriceURL|Currency
	}{
		"zero":              {rates.Settings{}, "node||||USD"},
		"own":               {rates.Settings{Fees: "own", FeesURL: " https://mempool.example:8443/api/ "}, "own|https://mempool.example:8443|||USD"},
		"own in a folder":   {rates.Settings{Fees: "own", FeesURL: "http://192.168.1.5/mempool"}, "own|http://192.168.1.5/mempool|||USD"},
		"price":             {rates.Settings{Price: "bitstamp", Currency: "eur"}, "node||bitstamp||EUR"},
		"by hand":           {rates.Settings{Price: "manual", Manual: 1, Currency: "chf"}, "node||manual||CHF"},
		"own without":       {rates.Settings{Fees: "own"}, ""},
		"a file":            {rates.Settings{Fees: "own", FeesURL: "file:///etc/passwd"}, ""},
		"with a password":   {rates.Settings{Fees: "own", FeesURL: "https://a:b@c"}, ""},
		"with a query":      {rates.Settings{Fees: "own", FeesURL: "https://c/?x=1"}, ""},
		"too long":          {rates.Settings{Fees: "own", FeesURL: "https://" + strings.Repeat("a", 400)}, ""},
		"unknown source":    {rates.Settings{Fees: "astrologer"}, ""},
		"dead provider":     {rates.Settings{Price: "coindesk"}, ""},
		"no such currency":  {rates.Settings{Price: "bitstamp", Currency: "JPY"}, ""},
		"a path as coin":    {rates.Settings{Price: "manual", Manual: 1, Currency: "../"}, ""},
		"by hand, no price": {rates.Settings{Price: "manual"}, ""},
		"own price without": {rates.Settings{Price: "own"}, ""},
	} {
		got, err := c.in.Check()
		text := strings.Join([]string{got.Fees, got.FeesURL, got.Price, got.PriceURL, got.Currency}, "|")
		if c.want == "" && !errs.Is(err, errs.Invalid) || c.want != "" && (err != nil || text != c.want) {
			t.Errorf("%s: %s, %v", name, text, err)
		}
	}
}

func TestLittleIsKept(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	for i := range 600 {
		s.Price(context.Background(), rates.Settings{Price: "own", PriceURL: fmt.Sprintf("%s/%d", w.URL, i)})
	}
	if n := rates.Kept(s); n > 256 {
		t.Errorf("%d answers are kept", n)
	}
}

// Whatever a service answers, nothing breaks, and what is believed is within reason.
func FuzzAnswers(f *testing.F) {
	for _, a := range answers {
		f.Add(a)
	}
	f.Add(`{"prices":[{"time":"9223372036854775807","USD":1e20}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		client := &http.Client{Transport: tripper(func(r *http.Request) (*http.Response, error) {
			rec := httptest.NewRecorder()
			rec.WriteString(body)
			return rec.Result(), nil
		})}
		s := rates.New(rates.Config{Clear: client, NodeRate: nodeRate})
		if e, err := s.Fee(context.Background(), rates.Settings{Fees: rates.FeesMempool}, btc.Mainnet, 6); err != nil || e.Rate <= 0 || e.Rate > btc.SatPerVB(10_000) {
			t.Errorf("%+v, %v", e, err)
		}
		for _, p := range rates.Providers() {
			set := rates.Settings{Price: p.ID, PriceURL: "http://x", Manual: 1}
			if q, err := s.Price(context.Background(), set); err == nil && q.Price <= 0 {
				t.Errorf("%s: %+v", p.ID, q)
			}
			if price, err := s.PriceAt(context.Background(), set, time.Unix(1763600000, 0)); err == nil && price <= 0 {
				t.Errorf("%s: a price of %d", p.ID, price)
			}
		}
	})
}

// TestNobodyWaitsForASlowService has a service that answers only when it is told to, and a page
// that is drawn again and again meanwhile.
func TestNobodyWaitsForASlowService(t *testing.T) {
	w := newWorld(t)
	release := make(chan struct{})
	w.answer(func(http.ResponseWriter, *http.Request) bool { <-release; return false })
	s := rates.New(rates.Config{Clear: w.Client(), Hosts: w.hosts(), Now: func() time.Time { return w.now }, NodeRate: nodeRate, Patience: 50 * time.Millisecond})
	set := rates.Settings{Fees: rates.FeesMempool}
	node := func(when string) {
		t.Helper()
		got := s.Table(context.Background(), set, btc.Mainnet)
		if got.Source != "node" || !got.Fallback || !strings.Contains(got.Reason, "has not answered yet") || got.Choices[0].Rate != 1001 {
			t.Errorf("%s: %+v", when, got)
		}
	}
	began := time.Now()
	node("the first page")
	for range 20 {
		node("the next pages")
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("21 pages waited %s", took)
	}
	testkit.Soon(t, "a question", func() (bool, string) { return w.count() > 0, "" })
	if w.count() != 1 {
		t.Errorf("asked %d times", w.count())
	}
	close(release)
	for got := (rates.Table{}); got.Source == "" || got.Fallback; { // the answer comes in behind
		got = s.Table(context.Background(), set, btc.Mainnet)
	}
	stuck := make(chan struct{})
	t.Cleanup(func() { close(stuck) })
	w.answer(func(http.ResponseWriter, *http.Request) bool { <-stuck; return false })
	w.now = w.now.Add(5 * time.Minute) // an answer of before is better than none
	if got := s.Table(context.Background(), set, btc.Mainnet); got.Fallback || got.Choices[0].Rate != 12000 {
		t.Errorf("while a newer answer is waited for: %+v", got)
	}
}

func TestANodeThatHangsHoldsNoPage(t *testing.T) {
	s := rates.New(rates.Config{Patience: 20 * time.Millisecond, NodeRate: func(ctx context.Context, _ int) (btc.FeeRate, error) {
		<-ctx.Done()
		return 0, errs.E(errs.Unavailable, "the node does not answer")
	}})
	if got := s.Table(context.Background(), rates.Default(), btc.Mainnet); got.Source != "" || got.Reason == "" {
		t.Errorf("%+v", got)
	}
}
