package core_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/chain/core"
)

// fakeNode answers JSON-RPC as a test tells it to: for what a real node will not do on demand.
type fakeNode struct {
	*httptest.Server
	mu      sync.Mutex
	answers map[string]any // method: a value, an *core.RPCError, or a func(params json.RawMessage) any
	asked   map[string]int
	before  func(w http.ResponseWriter, r *http.Request) bool // true: the answer is given
}

func newFake(t *testing.T) *fakeNode {
	f := &fakeNode{asked: map[string]int{}, answers: map[string]any{
		"getblockchaininfo": map[string]any{
			"chain": "regtest", "blocks": 200, "headers": 200, "time": 1_700_000_000, "mediantime": 1_699_999_000,
			"bestblockhash": strings.Repeat("ab", 32), "verificationprogress": 1, "initialblockdownload": false,
		},
		"getnetworkinfo":   map[string]any{"version": 280100, "subversion": "/Satoshi:28.1.0/", "connections": 8},
		"getmempoolinfo":   json.RawMessage(`{"size":3,"mempoolminfee":0.00001000,"minrelaytxfee":1e-6}`),
		"getbestblockhash": strings.Repeat("ab", 32),
		"listwallets":      []string{},
	}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeNode) set(method string, answer any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[method] = answer
}

func (f *fakeNode) count(method string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[method]
}

type question struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

func (f *fakeNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.before != nil && f.before(w, r) {
		return
	}
	var raw json.RawMessage
	_ = json.NewDecoder(r.Body).Decode(&raw)
	var many []question
	if json.Unmarshal(raw, &many) == nil {
		var out []any
		for _, q := range many {
			a, _ := f.answer(q)
			out = append(out, a)
		}
		_ = json.NewEncoder(w).Encode(out)
		return
	}
	var q question
	_ = json.Unmarshal(raw, &q)
	a, failed := f.answer(q)
	if failed {
		w.WriteHeader(http.StatusInternalServerError)
	}
	_ = json.NewEncoder(w).Encode(a)
}

func (f *fakeNode) answer(q question) (any, bool) {
	f.mu.Lock()
	f.asked[q.Method]++
	a, ok := f.answers[q.Method]
	f.mu.Unlock()
	if act, is := a.(func(json.RawMessage) any); is {
		a = act(q.Params)
	}
	if !ok {
		a = &core.RPCError{Code: -32601, Message: "Method not found"}
	}
	if e, is := a.(*core.RPCError); is {
		return map[string]any{"id": q.ID, "result": nil, "error": e}, true
	}
	return map[string]any{"id": q.ID, "result": a, "error": nil}, false
}

func (f *fakeNode) config(t *testing.T) core.Config {
	t.Helper()
	u, err := url.Parse(f.URL)
	must(t, err)
	port, err := strconv.Atoi(u.Port())
	must(t, err)
	return core.Config{Protocol: u.Scheme, Host: u.Hostname(), Port: port, User: "u", Password: core.NewSecret("hunter22"), Network: btc.Regtest}
}

func open(t *testing.T, c core.Config) *core.Source {
	t.Helper()
	src, err := core.Open(c)
	must(t, err)
	t.Cleanup(func() { _ = src.Close() })
	return src
}

// cookieFile writes a cookie and returns its path.
func cookieFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), ".cookie")
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func txHex(t *testing.T, tx *wire.MsgTx) string {
	t.Helper()
	var b bytes.Buffer
	must(t, tx.Serialize(&b))
	return hex.EncodeToString(b.Bytes())
}
