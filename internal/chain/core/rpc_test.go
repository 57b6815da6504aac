package core_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/chain/chaintest"
	"specter/internal/chain/core"
	"specter/internal/errs"
	"specter/internal/testkit"
)

func TestCookieIsReadAgainWhenTheNodeRefusesIt(t *testing.T) {
	f := newFake(t)
	var good atomic.Value
	good.Store("first")
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		user, pass, _ := r.BasicAuth()
		if user == "__cookie__" && pass == good.Load() {
			return false
		}
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
	c := f.config(t)
	c.CookieFile = cookieFile(t, "__cookie__:first\n")
	src := open(t, c)
	if _, err := src.Status(t.Context()); err != nil {
		t.Fatal(err)
	}
	good.Store("second") // the node has restarted
	must(t, os.WriteFile(c.CookieFile, []byte("__cookie__:second"), 0o600))
	if _, err := src.Status(t.Context()); err != nil {
		t.Errorf("after the cookie has changed: %v", err)
	}
	good.Store("third")
	if _, err := src.Status(t.Context()); !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "refuses") {
		t.Errorf("with an old cookie: %v", err)
	}
	must(t, os.Remove(c.CookieFile))
	good.Store("fourth")
	if _, err := src.Status(t.Context()); !errs.Is(err, errs.Unavailable) {
		t.Errorf("without a cookie: %v", err)
	}
}

// Whatever was on its way when a node came back with another cookie is sent again, however many
// there are.
func TestAllThatARestartedNodeRefusesIsSentAgain(t *testing.T) {
	const many = 8
	f := newFake(t)
	var good atomic.Value
	good.Store("first")
	var refused atomic.Int32
	all := make(chan struct{})
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		if _, pass, _ := r.BasicAuth(); pass == good.Load() {
			return false
		}
		if refused.Add(1) == many {
			close(all)
		}
		<-all // nobody reads the new cookie before the last one was sent with the old
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
	c := f.config(t)
	c.CookieFile = cookieFile(t, "__cookie__:first\n")
	src := open(t, c)
	if _, err := src.Status(t.Context()); err != nil {
		t.Fatal(err)
	}
	good.Store("second")
	must(t, os.WriteFile(c.CookieFile, []byte("__cookie__:second"), 0o600))
	var wg sync.WaitGroup
	for range many {
		wg.Go(func() {
			if _, err := src.Status(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestFullWorkQueueIsWaitedFor(t *testing.T) {
	f := newFake(t)
	var left atomic.Int32
	left.Store(3)
	f.before = func(w http.ResponseWriter, _ *http.Request) bool {
		if left.Add(-1) < 0 {
			return false
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, "Work queue depth exceeded")
		return true
	}
	src := open(t, f.config(t))
	if _, err := src.Status(t.Context()); err != nil {
		t.Errorf("a busy node: %v", err)
	}
	left.Store(1000)
	if _, err := src.Status(t.Context()); !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "rpcworkqueue") {
		t.Errorf("a node that stays busy: %v", err)
	}
}

func TestErrorsOfANodeAreUnavailableAndSayWhy(t *testing.T) {
	status := func(c core.Config, within time.Duration) error {
		src, err := core.Open(c)
		if err != nil {
			return err
		}
		defer src.Close()
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		_, err = src.Status(ctx)
		return err
	}
	reply := func(code int, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(code)
			fmt.Fprint(w, body)
			return true
		}
	}
	for _, x := range []struct {
		name, says string
		prepare    func(f *fakeNode, c *core.Config)
	}{
		{"warm-up", "starting (Loading block index)", func(f *fakeNode, _ *core.Config) {
			f.set("getblockchaininfo", &core.RPCError{Code: -28, Message: "Loading block index…"})
		}},
		{"nothing listens", "nothing listens at 127.0.0.1", func(_ *fakeNode, c *core.Config) { c.Port = testkit.Port(t) }},
		{"unknown host", "is not known", func(_ *fakeNode, c *core.Config) {
			c.Dial = func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.DNSError{Err: "no such host", Name: "nowhere.invalid", IsNotFound: true}
			}
		}},
		{"silent", "did not answer in time", func(f *fakeNode, _ *core.Config) {
			f.before = func(_ http.ResponseWriter, r *http.Request) bool {
				_, _ = io.Copy(io.Discard, r.Body) // else the server does not notice that we left
				<-r.Context().Done()
				return true
			}
		}},
		{"forbidden", "rpcallowip", func(f *fakeNode, _ *core.Config) { f.before = reply(403, "") }},
		{"a web page", "no Bitcoin node", func(f *fakeNode, _ *core.Config) { f.before = reply(200, "<html>hello</html>") }},
		{"not found", "no Bitcoin node", func(f *fakeNode, _ *core.Config) { f.before = reply(404, "nothing here") }},
		{"a redirect", "no Bitcoin node", func(f *fakeNode, _ *core.Config) {
			f.before = func(w http.ResponseWriter, r *http.Request) bool {
				http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
				return true
			}
		}},
		{"half an answer", "broke off", func(f *fakeNode, _ *core.Config) { f.before = reply(200, `[{"id":0,"result":`) }},
		{"no batch", "refused a batch", func(f *fakeNode, _ *core.Config) { f.before = reply(200, `{"id":null,"error":{"code":-1}}`) }},
		{"answers missing", "did not answer", func(f *fakeNode, _ *core.Config) { f.before = reply(200, `[]`) }},
		{"another shape", "cannot be understood", func(f *fakeNode, _ *core.Config) { f.set("getnetworkinfo", []int{1}) }},
		{"https", "speaks http", func(_ *fakeNode, c *core.Config) { c.Protocol = "https" }},
		{"unknown network", "does not know", func(f *fakeNode, _ *core.Config) {
			f.set("getblockchaininfo", map[string]any{"chain": "liquidv1"})
		}},
		{"feerate as a word", "relay feerate", func(f *fakeNode, _ *core.Config) {
			f.set("getmempoolinfo", json.RawMessage(`{"minrelaytxfee":1e99}`))
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			f := newFake(t)
			c := f.config(t)
			x.prepare(f, &c)
			within := testkit.Patience
			if x.name == "silent" {
				within = 500 * time.Millisecond
			}
			err := status(c, within)
			if !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), x.says) {
				t.Errorf("got %v (%v), want an errs.Unavailable that says %q", err, errs.KindOf(err), x.says)
			}
			for e := err; e != nil; e = errors.Unwrap(e) {
				if strings.Contains(fmt.Sprintf("%v %+v %#v", e, e, e), "hunter22") {
					t.Error("the password is in the error")
				}
			}
		})
	}
}

func TestFeeRateIsReadWithoutFloats(t *testing.T) {
	for _, x := range []struct {
		est, floor string
		want       btc.FeeRate
	}{
		{`{"feerate":0.00012345,"blocks":6}`, "0.00001000", 12345},
		{`{"feerate":1.2345e-04,"blocks":6}`, "1e-05", 12345},
		{`{"feerate":0.00000500,"blocks":6}`, "0.00001000", 1000}, // never below the mempool's floor
		{`{"feerate":0.1}`, "0.00000100", 10_000_000},
		{`{"errors":["Insufficient data or no feerate found"],"blocks":0}`, "0.00001000", 0},
		{`{"feerate":-1}`, "0.00001", 0},
		{`{"feerate":0.000000001}`, "0.00001", 0},
		{`{"feerate":1e400}`, "0.00001", 0},
	} {
		f := newFake(t)
		f.set("estimatesmartfee", json.RawMessage(x.est))
		f.set("getmempoolinfo", json.RawMessage(`{"mempoolminfee":`+x.floor+`,"minrelaytxfee":0.00000100}`))
		got, err := open(t, f.config(t)).FeeRate(t.Context(), 6)
		if got != x.want || (x.want == 0) != errs.Is(err, errs.Unavailable) {
			t.Errorf("%s over %s: %d, %v; want %d", x.est, x.floor, got, err, x.want)
		}
	}
}

func TestANodeThatLiesIsNotBelieved(t *testing.T) {
	f := newFake(t)
	w := chaintest.NewWallet(t, t.Name())
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(&wire.TxIn{Sequence: 5})
	tx.AddTxOut(wire.NewTxOut(1000, w.Script(0, 0)))
	raw := txHex(t, tx)
	f.set("listdescriptors", map[string]any{"descriptors": []any{
		map[string]any{"desc": w.Descriptor(0), "active": true, "range": []int{0, 2000}, "next": 1},
		map[string]any{"desc": w.Descriptor(1), "active": true, "range": []int{0, 2000}, "next": 0},
	}})
	f.set("getwalletinfo", map[string]any{"private_keys_enabled": false, "descriptors": true})
	f.set("getblockheader", map[string]any{"hash": strings.Repeat("ab", 32), "height": 200, "time": 1_700_000_000, "confirmations": 1})
	list := func(id chainhash.Hash) {
		f.set("listsinceblock", map[string]any{"lastblock": strings.Repeat("ab", 32), "removed": []any{}, "transactions": []any{
			map[string]any{"txid": id.String(), "category": "receive", "vout": 0, "confirmations": 1, "blockhash": strings.Repeat("ab", 32), "blockheight": 200, "blocktime": 1_700_000_000},
		}})
	}
	src := open(t, f.config(t))
	list(tx.TxHash())
	f.set("gettransaction", map[string]any{"hex": raw})
	u, err := src.Sync(t.Context(), w.Request())
	if err != nil || len(u.Txs) != 1 || u.Used["0"] != 0 {
		t.Fatalf("an honest answer: %v, %+v", err, u)
	}
	list(chainhash.HashH([]byte("another"))) // the transaction given is not the one listed
	if _, err := src.Sync(t.Context(), w.Request()); !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "when asked for") {
		t.Errorf("a wrong transaction: %v", err)
	}
	list(tx.TxHash())
	for name, hex := range map[string]string{"no hex": "zz", "cut off": raw[:20], "empty": ""} {
		f.set("gettransaction", map[string]any{"hex": hex})
		if _, err := src.Sync(t.Context(), w.Request()); !errs.Is(err, errs.Unavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	f.set("listsinceblock", []int{1})
	if _, err := src.Sync(t.Context(), w.Request()); !errs.Is(err, errs.Unavailable) {
		t.Errorf("a listing of another shape: %v", err)
	}
}

func TestNodeThatIsBehindIsNoReorg(t *testing.T) {
	f := newFake(t)
	f.set("getblockchaininfo", map[string]any{"chain": "regtest", "blocks": 100, "headers": 500, "bestblockhash": strings.Repeat("ab", 32), "initialblockdownload": true})
	w := chaintest.NewWallet(t, t.Name())
	_, err := open(t, f.config(t)).Sync(t.Context(), w.Request(chain.Block{Height: 400, Hash: chainhash.Hash{1}}))
	if !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "catching up") {
		t.Errorf("got %v", err)
	}
}

// scanning is a fake node whose wallet is being scanned.
func scanning(t *testing.T, w *chaintest.Wallet) (*fakeNode, *core.Source) {
	f := newFake(t)
	f.set("listdescriptors", map[string]any{"descriptors": []any{
		map[string]any{"desc": w.Descriptor(0), "range": []int{0, 2000}}, map[string]any{"desc": w.Descriptor(1), "range": []int{0, 2000}},
	}})
	f.set("getwalletinfo", map[string]any{"private_keys_enabled": false, "descriptors": true})
	f.set("getaddressesbylabel", &core.RPCError{Code: -11, Message: "No addresses with label"})
	f.set("abortrescan", true)
	f.set("setlabel", nil)
	return f, open(t, f.config(t))
}

func TestScanOfSomebodyElseIsWaitedFor(t *testing.T) {
	w := chaintest.NewWallet(t, t.Name())
	f, src := scanning(t, w)
	tries := 0
	f.set("rescanblockchain", func(json.RawMessage) any {
		if tries++; tries == 1 {
			return &core.RPCError{Code: -4, Message: "Wallet is currently rescanning. Abort existing rescan or wait."}
		}
		return map[string]any{}
	})
	must(t, src.Rescan(t.Context(), w.Request(), 10))
	if tries != 2 {
		t.Errorf("asked %d times, want 2", tries)
	}
}

func TestScanCanBeAborted(t *testing.T) {
	w := chaintest.NewWallet(t, t.Name())
	f, src := scanning(t, w)
	started := make(chan struct{})
	aborted := make(chan struct{})
	f.set("rescanblockchain", func(json.RawMessage) any {
		close(started)
		<-aborted
		return &core.RPCError{Code: -1, Message: "Rescan aborted."}
	})
	f.set("abortrescan", func(json.RawMessage) any { close(aborted); return true })
	done := make(chan error)
	go func() { <-started; done <- src.AbortRescan(context.Background(), w.Name) }()
	err := src.Rescan(t.Context(), w.Request(), 10)
	must(t, <-done)
	if !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "stopped") {
		t.Errorf("got %v", err)
	}
}

func TestCancelledScanDoesNotGoOnInTheNode(t *testing.T) {
	w := chaintest.NewWallet(t, t.Name())
	f, src := scanning(t, w)
	started := make(chan struct{})
	release := make(chan struct{})
	f.set("rescanblockchain", func(json.RawMessage) any { close(started); <-release; return map[string]any{} })
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	_, err := src.Sync(ctx, w.Request())
	close(release)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if f.count("abortrescan") != 1 {
		t.Errorf("the node was told to stop %d times, want once", f.count("abortrescan"))
	}
}

// TestInterruptedScanGoesOnWhereItWas: a broken connection loses one step.
func TestInterruptedScanGoesOnWhereItWas(t *testing.T) {
	w := chaintest.NewWallet(t, t.Name())
	f, src := scanning(t, w)
	f.set("getblockchaininfo", map[string]any{"chain": "regtest", "blocks": 2000, "headers": 2000, "bestblockhash": strings.Repeat("ab", 32)})
	var steps []string
	fail := true
	f.set("rescanblockchain", func(p json.RawMessage) any {
		steps = append(steps, string(p))
		if len(steps) == 2 && fail {
			return &core.RPCError{Code: -1, Message: "disk trouble"}
		}
		return map[string]any{}
	})
	if err := src.Rescan(t.Context(), w.Request(), 100); err == nil {
		t.Fatal("the trouble was not told")
	}
	fail = false
	must(t, src.Rescan(t.Context(), w.Request(), 100))
	got := strings.Join(steps, " ")
	if want := "[100,599] [600,1599] [600,1099] [1100,2000]"; got != want {
		t.Errorf("steps %s, want %s", got, want)
	}
}

func TestSecretNeverPrints(t *testing.T) {
	s := core.NewSecret("hunter22")
	c := core.Config{Password: s}
	hidden := struct{ c core.Config }{c}
	j, _ := json.Marshal(c.Password)
	for _, text := range []string{
		fmt.Sprint(s, c, &c, hidden), fmt.Sprintf("%v %+v %#v %s %q %x %d", s, c, hidden, s, s, s, s), string(j), fmt.Sprintf("%#v", c),
	} {
		if strings.Contains(text, "hunter22") || strings.Contains(text, fmt.Sprintf("%x", "hunter22")) {
			t.Errorf("printed: %s", text)
		}
	}
	if s.Reveal() != "hunter22" || !s.Equal(core.NewSecret("hunter22")) || s.Equal(core.Secret{}) || !core.NewSecret("").IsZero() {
		t.Error("the secret is not kept")
	}
}
