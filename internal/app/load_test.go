package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"specter/internal/auth"
)

// call is one kind of request in the mix.
type call struct {
	name, method, path, body string
	share                    int // of 100
}

// mix is what programs ask: mostly rows, some changes, now and then a whole list.
func mix(address string) []call {
	const one = "api/v1/wallets/vault"
	return []call{
		{"wallets", "GET", "api/v1/wallets", "", 15},
		{"wallet", "GET", one, "", 15},
		{"history", "GET", one + "/history?limit=25", "", 20},
		{"coins", "GET", one + "/coins?limit=25", "", 12},
		{"addresses", "GET", one + "/addresses?limit=25", "", 10},
		{"search", "GET", one + "/history?limit=25&search=%x", "", 5},
		{"v1alpha psbt", "GET", "api/v1alpha/wallets/vault/psbt", "", 5},
		{"label", "PUT", one + "/labels", `{"type":"addr","ref":"` + address + `","label":"load %d"}`, 10},
		{"preview", "POST", one + "/previews", `{"recipients":[{"address":"` + address + `","amount_sat":100000}],"feerate_sat_kvb":2000}`, 3},
		{"liveness", "GET", "healthz/liveness", "", 5},
	}
}

// client asks with a token.
type client struct {
	base, token string
	http        *http.Client
}

// ask sends one request and returns how long the whole answer took.
func (c client) ask(method, path, body string) (status int, answer []byte, took time.Duration, err error) {
	req, err := http.NewRequest(method, c.base+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return 0, nil, 0, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	start := time.Now()
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, 0, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, time.Since(start), err
}

// token makes a token for the owner, who asks for no login on this computer.
func (h *house) token() string {
	h.t.Helper()
	ctx := context.Background()
	if h.auth.Settings().Method == auth.MethodUnset {
		secret, _, err := h.auth.SetupLink(ctx)
		if err != nil {
			h.t.Fatal(err)
		}
		if _, err := h.auth.Setup(ctx, auth.SetupRequest{Secret: secret, NoLogin: true, Client: "127.0.0.1"}); err != nil {
			h.t.Fatal(err)
		}
	}
	u, err := h.auth.User(ctx, auth.OwnerID)
	if err != nil {
		h.t.Fatal(err)
	}
	_, jwt, err := h.auth.NewToken(ctx, auth.Identity{User: u}, auth.TokenRequest{Description: "figures", Life: 24 * time.Hour})
	if err != nil {
		h.t.Fatal(err)
	}
	return jwt
}

// figureAPI times the old Specter's slow answers.
func figureAPI(t *testing.T, c client, address string, count int) {
	post := `{"recipients":[{"address":"` + address + `","amount":0.001,"unit":"btc"}],"fee_rate":2,"rbf":true}`
	for name, a := range map[string]call{
		"wallets/<alias>/":    {method: "GET", path: "api/v1alpha/wallets/vault/"},
		"full_txlist":         {method: "GET", path: "api/v1alpha/specter/full_txlist/"},
		"a PSBT":              {method: "POST", path: "api/v1alpha/wallets/vault/psbt", body: post},
		"v1 history, 25 rows": {method: "GET", path: "api/v1/wallets/vault/history?limit=25"},
	} {
		var took []time.Duration
		size := 0
		for range 9 {
			status, answer, d, err := c.ask(a.method, a.path, a.body)
			if err != nil || status != http.StatusOK {
				t.Fatalf("%s: %d %.200s %v", name, status, answer, err)
			}
			took, size = append(took, d), len(answer)
			if a.method == "POST" {
				dropDrafts(t, c)
			}
		}
		slices.Sort(took)
		t.Logf("FIGURE API %s at %d transactions: median %d ms, worst %d ms, %d kB", name, count, took[4].Milliseconds(), took[8].Milliseconds(), size/1000)
	}
}

// dropDrafts gives the coins back, so that each PSBT has the same to choose from.
func dropDrafts(t *testing.T, c client) {
	t.Helper()
	var page struct{ Items []struct{ ID int64 } }
	_, answer, _, err := c.ask("GET", "api/v1/wallets/vault/drafts", "")
	if err != nil || json.Unmarshal(answer, &page) != nil || len(page.Items) == 0 {
		t.Fatalf("drafts: %.200s %v", answer, err)
	}
	for _, d := range page.Items {
		if status, answer, _, err := c.ask("DELETE", fmt.Sprintf("api/v1/wallets/vault/drafts/%d", d.ID), ""); err != nil || status >= 300 {
			t.Fatalf("delete draft %d: %d %.200s %v", d.ID, status, answer, err)
		}
	}
}

// tally is what the clients saw together.
type tally struct {
	mu    sync.Mutex
	took  map[string][]time.Duration
	wrong map[string]int
}

func (y *tally) add(name string, status int, took time.Duration, err error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.took[name] = append(y.took[name], took)
	if err != nil || status >= 300 {
		y.wrong[fmt.Sprintf("%s: %d %v", name, status, err)]++
	}
}

// figureLoad lets 50 clients ask at once for as many seconds as SPECTER_LOAD says (60 in the
// figures of the docs), on loopback.
func figureLoad(t *testing.T, c client, address string, pid int) {
	seconds, err := strconv.Atoi(os.Getenv("SPECTER_LOAD"))
	if err != nil {
		seconds = 5
	}
	calls := mix(address)
	sum := tally{took: map[string][]time.Duration{}, wrong: map[string]int{}}
	until := time.Now().Add(time.Duration(seconds) * time.Second)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for i := 0; time.Now().Before(until); i++ {
				a := pick(calls)
				path, body := a.path, a.body
				if a.name == "search" {
					path = fmt.Sprintf(path, rand.IntN(1<<16))
				}
				if a.name == "label" {
					body = fmt.Sprintf(body, i)
				}
				status, _, took, err := c.ask(a.method, path, body)
				sum.add(a.name, status, took, err)
			}
		})
	}
	all.Wait()
	report(t, &sum, seconds)
	t.Logf("FIGURE load: %s", resident(pid))
}

func pick(calls []call) call {
	n := rand.IntN(100)
	for _, c := range calls {
		if n -= c.share; n < 0 {
			return c
		}
	}
	return calls[0]
}

func report(t *testing.T, sum *tally, seconds int) {
	var all []time.Duration
	for _, name := range slices.Sorted(maps.Keys(sum.took)) {
		took := sum.took[name]
		slices.Sort(took)
		all = append(all, took...)
		t.Logf("FIGURE load %s: %d requests, median %d ms, p99 %d ms", name, len(took), took[len(took)/2].Milliseconds(), took[len(took)*99/100].Milliseconds())
	}
	slices.Sort(all)
	t.Logf("FIGURE load of 50 clients for %d s: %d requests/s, median %d ms, p99 %d ms, %d not answered well", seconds,
		len(all)/seconds, all[len(all)/2].Milliseconds(), all[len(all)*99/100].Milliseconds(), len(sum.wrong))
	for what, n := range sum.wrong {
		t.Errorf("%d times %s", n, what)
	}
}
