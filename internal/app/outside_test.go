package app

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/setting"
	"specter/internal/wallet"
)

// dials records who was dialled, and lets nobody through but loopback.
type dials struct {
	mu   sync.Mutex
	list []string
}

func (d *dials) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d.mu.Lock()
	d.list = append(d.list, address)
	d.mu.Unlock()
	if host, _, _ := net.SplitHostPort(address); !loopback(host) {
		return nil, errors.New("this test has no network")
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

func (d *dials) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.list...)
}

// greedy makes the owner's settings ask everybody whom one can ask.
func greedy(t *testing.T, h *house) {
	t.Helper()
	_, err := h.settings.ChangeUser(context.Background(), demoOwner, func(u *setting.User) error {
		u.Rates.Fees, u.Rates.Price, u.ShowPrice, u.Proofs = "mempool", "mempool", true, true
		u.Rates.Fees, u.Rates.FeesURL = "own", "https://mempool.example"
		u.Explorers[btc.Regtest] = setting.Explorer{Kind: setting.ExplorerOwn, URL: "https://explorer.example"}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

var links = regexp.MustCompile(`(?:href|action|hx-get|hx-post|src)="(/[^"]*)"`)

// walk opens every page and file that links lead to, and returns how many there were.
func walk(t *testing.T, h *house, most int) int {
	t.Helper()
	base := strings.TrimSuffix(h.URL(), "/")
	todo, seen, kinds := []string{"/overview", "/settings/program", "/api/v1/", "/wallets/spending/send", "/wallets/spending/history.csv?prices=yes"}, map[string]bool{}, map[string]int{}
	for len(todo) > 0 && len(seen) < most {
		at := todo[0]
		todo = todo[1:]
		u, err := url.Parse(at)
		kind := regexp.MustCompile(`[0-9a-f]{16,}|bcrt1\w+|\d+`).ReplaceAllString(at, "*")
		if err != nil || seen[at] || strings.HasPrefix(u.Path, "/events") || strings.HasPrefix(u.Path, "/static/") || kinds[kind] >= 2 {
			continue
		}
		seen[at] = true
		kinds[kind]++
		resp, err := http.Get(base + at)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range links.FindAllStringSubmatch(string(body), -1) {
			todo = append(todo, strings.ReplaceAll(m[1], "&amp;", "&"))
		}
	}
	return len(seen)
}

func TestWithoutOutsideServicesNobodyButTheNodeIsCalled(t *testing.T) {
	var d dials
	h := open(t, Config{Demo: &Demo{}, dial: d.dial})
	greedy(t, h)
	pages := walk(t, h, 400)
	if pages < 40 {
		t.Errorf("only %d pages: the walk is too short to prove anything", pages)
	}
	ctx := context.Background()
	if _, err := h.outside.Price(ctx, demoOwner); !errs.Is(err, errs.Unavailable) {
		t.Errorf("a price: %v", err)
	}
	if e, err := h.outside.Fee(ctx, demoOwner, btc.Mainnet, 1); err != nil || e.Source != "node" || !e.Fallback {
		t.Errorf("a feerate: %+v, %v", e, err)
	}
	if _, err := h.outside.PriceAt(ctx, demoOwner, time.Now().Add(-48*time.Hour)); !errs.Is(err, errs.Unavailable) {
		t.Errorf("a past price: %v", err)
	}
	if got := h.Senders(ctx, demoOwner, btc.Mainnet); len(got) != 0 {
		t.Errorf("explorers are offered: %+v", got)
	}
	for _, via := range []string{"mempool", "mempool-tor", "blockstream", "own"} {
		if err := h.post(ctx, wallet.Owner(demoOwner), btc.Mainnet, via, wire.NewMsgTx(2)); err == nil {
			t.Errorf("a transaction was handed to %s", via)
		}
	}
	for _, tor := range []bool{false, true} { // a client that somebody still holds
		if _, err := h.outside.client(tor).Get("https://mempool.space/"); err == nil || !strings.Contains(err.Error(), "switched off") {
			t.Errorf("a client of its own: %v", err)
		}
	}
	if got := d.all(); len(got) != 0 {
		t.Errorf("%d pages, and these were called: %v", pages, got)
	}
	t.Logf("%d pages and files, no connection", pages)

	// the same walk with outside services finds out that the recorder works
	if _, err := h.program.ChangeProgram(ctx, func(p *setting.Program) error { p.Outside = true; return nil }); err != nil {
		t.Fatal(err)
	}
	walk(t, h, 30)
	eventually(t, "a call to an outside service", func() (bool, string) { return len(d.all()) > 0, "nobody was called" })
}

func TestTheSwitchHoldsFromOneRequestToTheNext(t *testing.T) {
	asked := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked++; fmt.Fprint(w, "{}") }))
	defer srv.Close()
	h := open(t, Config{Demo: &Demo{}})
	ctx := context.Background()
	allow := func(on bool) {
		if _, err := h.program.ChangeProgram(ctx, func(p *setting.Program) error { p.Outside = on; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	client := h.outside.client(false)
	for i, on := range []bool{true, false, true, false} {
		allow(on)
		resp, err := client.Get(srv.URL)
		if err == nil {
			resp.Body.Close()
		}
		if (err == nil) != on {
			t.Errorf("request %d with outside services %v: %v", i, on, err)
		}
	}
	if asked != 2 {
		t.Errorf("%d requests arrived", asked)
	}
}

// socks is a SOCKS5 proxy that notes what it is asked and answers itself.
type socks struct {
	net.Listener
	mu   sync.Mutex
	said []string // user, password, kind of address, address
}

func newSocks(t *testing.T) *socks {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &socks{Listener: l}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(c)
		}
	}()
	return s
}

func (s *socks) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	take := func(n int) []byte { b := make([]byte, n); _, _ = io.ReadFull(r, b); return b }
	take(int(take(2)[1]))
	c.Write([]byte{5, 2})
	take(1)
	user := string(take(int(take(1)[0])))
	password := string(take(int(take(1)[0])))
	c.Write([]byte{1, 0})
	kind := take(4)[3]
	host := ""
	switch kind {
	case 3:
		host = string(take(int(take(1)[0])))
	case 1:
		host = net.IP(take(4)).String()
	}
	port := binary.BigEndian.Uint16(take(2))
	s.mu.Lock()
	s.said = append(s.said, fmt.Sprintf("%s|%s|%d|%s:%d", user, password, kind, host, port))
	s.mu.Unlock()
	c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	req, err := http.ReadRequest(r)
	if err != nil {
		return
	}
	body := `{"EUR":97123,"fastestFee":7,"halfHourFee":5,"hourFee":3,"economyFee":2,"minimumFee":1}`
	if req.Host == "refuses.onion" {
		body = "no"
	}
	fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func TestTheProxyIsToldNamesAndKeepsServicesApart(t *testing.T) {
	s := newSocks(t)
	var d dials
	h := open(t, Config{Demo: &Demo{}, dial: d.dial})
	ctx := context.Background()
	if _, err := h.program.ChangeProgram(ctx, func(p *setting.Program) error {
		p.Outside, p.Proxy, p.ProxyOnly = true, s.Addr().String(), true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"http://prices.example/api", "http://abcdef.onion/x", "http://192.0.2.7/"} {
		for _, tor := range []bool{false, true} {
			resp, err := h.outside.client(tor).Get(address)
			if err != nil {
				t.Fatalf("%s: %v", address, err)
			}
			resp.Body.Close()
		}
	}
	for _, address := range d.all() {
		if address != s.Addr().String() {
			t.Errorf("%s was called past the proxy", address)
		}
	}
	users, passwords := map[string]bool{}, map[string]string{}
	for _, said := range s.said {
		f := strings.Split(said, "|")
		users[f[0]] = true
		if old, ok := passwords[f[1]]; ok && old != f[3] {
			t.Errorf("%s and %s share a circuit", old, f[3])
		}
		passwords[f[1]] = f[3]
		if strings.Contains(f[3], "example") && f[2] != "3" {
			t.Errorf("the name was resolved here: %s", said)
		}
	}
	if len(s.said) != 6 || len(users) != 1 || users[""] || len(passwords) != 3 {
		t.Errorf("the proxy heard %v", s.said)
	}
	if _, err := h.program.ChangeProgram(ctx, func(p *setting.Program) error { p.ProxyOnly, p.Proxy = false, ""; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := h.outside.client(true).Get("http://prices.example/"); err == nil || !strings.Contains(err.Error(), "proxy") {
		t.Errorf("over Tor without a proxy: %v", err)
	}
}

func TestAUserAsksOverTheProxyAlone(t *testing.T) {
	s := newSocks(t)
	var d dials
	h := open(t, Config{Demo: &Demo{}, dial: d.dial})
	ctx := context.Background()
	if _, err := h.program.ChangeProgram(ctx, func(p *setting.Program) error { p.Outside, p.Proxy = true, s.Addr().String(); return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := h.settings.ChangeUser(ctx, demoOwner, func(u *setting.User) error {
		u.Rates.TorOnly, u.Rates.Fees, u.Rates.FeesURL, u.Rates.Price, u.Rates.PriceURL, u.Rates.Currency = true, "own", "http://fees.example", "own", "http://prices.example", "EUR"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	e, err := h.outside.Fee(ctx, demoOwner, btc.Regtest, 1)
	if err != nil || e.Rate != btc.SatPerVB(7) || !strings.Contains(e.Source, "over Tor") {
		t.Errorf("a feerate: %+v, %v", e, err)
	}
	eventually(t, "a price over the proxy", func() (bool, string) {
		q, err := h.outside.Price(ctx, demoOwner)
		return err == nil && q.Price == 97_123*btc.PriceUnit, fmt.Sprint(q, err)
	})
	for _, address := range d.all() {
		if address != s.Addr().String() {
			t.Errorf("%s was called past the proxy", address)
		}
	}
}

func TestNoPageWaitsForAPrice(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		<-release
		fmt.Fprint(w, `{"EUR":97123}`)
	}))
	defer srv.Close()
	h := open(t, Config{Demo: &Demo{}})
	ctx := context.Background()
	if _, err := h.program.ChangeProgram(ctx, func(p *setting.Program) error { p.Outside = true; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := h.settings.ChangeUser(ctx, demoOwner, func(u *setting.User) error {
		u.Rates.Price, u.Rates.PriceURL, u.Rates.Currency = "own", srv.URL, "EUR"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := h.outside.Price(ctx, demoOwner); !errs.Is(err, errs.Unavailable) {
		t.Errorf("a price of a service that is silent: %v", err)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("the page waited %v", took)
	}
	close(release)
	eventually(t, "the price", func() (bool, string) {
		q, err := h.outside.Price(ctx, demoOwner)
		return err == nil && q.Price == 97_123*btc.PriceUnit, fmt.Sprint(q, err)
	})
	currency, at := h.pastPrices(ctx, demoOwner)
	if currency != "EUR" || at == nil {
		t.Errorf("past prices in %q", currency)
	}
}
