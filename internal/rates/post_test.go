package rates_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/rates"
)

func payment() (*wire.MsgTx, string) {
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(&wire.TxIn{Sequence: 1})
	tx.AddTxOut(&wire.TxOut{Value: 1000, PkScript: []byte{0, 1, 2}})
	var b bytes.Buffer
	_ = tx.Serialize(&b) // into memory
	return tx, hex.EncodeToString(b.Bytes())
}

// An explorer is believed only when it names the transaction itself.
func TestAnExplorersAnswerIsChecked(t *testing.T) {
	tx, raw := payment()
	id := tx.TxHash().String()
	for name, c := range map[string]struct {
		status int
		answer string
		kind   errs.Kind
		says   string
	}{
		"its txid":          {200, id + "\n", 0, ""},
		"in quotes":         {200, `"` + id + `"`, 0, ""},
		"already there":     {400, `sendrawtransaction RPC error: {"code":-27,"message":"Transaction already in block chain"}`, 0, ""},
		"another txid":      {200, strings.Repeat("ab", 32), errs.Unavailable, "not known"},
		"a page":            {200, "<html>Welcome</html>", errs.Unavailable, "not known"},
		"nothing":           {200, "", errs.Unavailable, "not known"},
		"a refusal":         {400, `RPC error: {"code":-26,"message":"min relay fee not met"}`, errs.Invalid, "min relay fee not met"},
		"control and noise": {400, "bad\x1b[31m\xff\n" + strings.Repeat("x", 9000), errs.Invalid, "refuses the transaction: bad"},
		"too many requests": {503, "busy", errs.Unavailable, "503"},
		"a redirect":        {302, "", errs.Unavailable, "another place"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked++
				body, _ := io.ReadAll(r.Body)
				if r.Method != "POST" || r.URL.Path != "/signet/api/tx" || string(body) != raw || r.Header.Get("Cookie") != "" {
					t.Errorf("asked %s %s with %.60s", r.Method, r.URL.Path, body)
				}
				if c.status == 302 {
					w.Header().Set("Location", "https://elsewhere.example/")
				}
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.answer)
			}))
			defer srv.Close()
			s := rates.New(rates.Config{Clear: srv.Client(), Now: time.Now, Hosts: map[string]string{"blockstream": srv.URL}})
			err := s.Post(context.Background(), rates.Settings{}, btc.Signet, "blockstream", tx)
			if errs.KindOf(err) != c.kind && !(err == nil && c.kind == 0) || asked != 1 {
				t.Fatalf("%v, %d questions", err, asked)
			}
			if err != nil && (!strings.Contains(err.Error(), c.says) || strings.ContainsAny(err.Error(), "\x1b\n") || !utf8.ValidString(err.Error()) || len(err.Error()) > 400) {
				t.Errorf("says %q", err)
			}
		})
	}
}

func TestWhoMaySend(t *testing.T) {
	tx, _ := payment()
	var hosts []string
	far := &http.Client{Transport: trip(func(r *http.Request) (*http.Response, error) {
		hosts = append(hosts, r.URL.Host)
		rec := httptest.NewRecorder()
		fmt.Fprint(rec, tx.TxHash())
		return rec.Result(), nil
	})}
	names := func(list []rates.Explorer) string {
		var out []string
		for _, e := range list {
			out = append(out, e.ID)
		}
		return strings.Join(out, " ")
	}
	both := rates.New(rates.Config{Clear: far, Tor: far})
	own := rates.Settings{Fees: rates.FeesOwn, FeesURL: "http://abc.onion"}
	for name, c := range map[string]struct {
		s    *rates.Service
		set  rates.Settings
		n    btc.Network
		want string
	}{
		"mainnet":            {both, rates.Settings{}, btc.Mainnet, "mempool-tor mempool blockstream-tor blockstream"},
		"over Tor alone":     {both, rates.Settings{TorOnly: true}, btc.Mainnet, "mempool-tor blockstream-tor"},
		"testnet4":           {both, rates.Settings{}, btc.Testnet4, "mempool-tor mempool"},
		"regtest":            {both, rates.Settings{}, btc.Regtest, ""},
		"own server":         {both, own, btc.Regtest, "own"},
		"own without Tor":    {rates.New(rates.Config{Clear: far}), own, btc.Regtest, ""},
		"no outside service": {rates.New(rates.Config{}), rates.Settings{}, btc.Mainnet, ""},
	} {
		if got := names(c.s.Explorers(c.set, c.n)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	ctx := context.Background()
	for _, id := range []string{"mempool-tor", "blockstream", "own"} {
		if err := both.Post(ctx, own, btc.Mainnet, id, tx); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	if len(hosts) != 3 || !strings.HasSuffix(hosts[0], ".onion") || hosts[1] != "blockstream.info" || hosts[2] != "abc.onion" {
		t.Errorf("posted to %v", hosts)
	}
	for name, err := range map[string]error{
		"in the clear where Tor is wanted": both.Post(ctx, rates.Settings{TorOnly: true}, btc.Mainnet, "mempool", tx),
		"regtest":                          both.Post(ctx, rates.Settings{}, btc.Regtest, "mempool", tx),
		"nobody":                           both.Post(ctx, rates.Settings{}, btc.Mainnet, "evil.example", tx),
		"switched off":                     rates.New(rates.Config{}).Post(ctx, rates.Settings{}, btc.Mainnet, "mempool", tx),
		"no Tor":                           rates.New(rates.Config{Clear: far}).Post(ctx, rates.Settings{}, btc.Mainnet, "mempool-tor", tx),
	} {
		if err == nil || len(hosts) != 3 {
			t.Errorf("%s: %v, asked %v", name, err, hosts)
		}
	}
}

type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTableOfFeerates(t *testing.T) {
	ctx := context.Background()
	node := map[int]btc.FeeRate{1: 9_000, 3: 9_500, 6: 4_000}
	s := rates.New(rates.Config{NodeRate: func(_ context.Context, blocks int) (btc.FeeRate, error) {
		if r, ok := node[blocks]; ok {
			return r, nil
		}
		return 0, errs.E(errs.Unavailable, "the node knows no feerate yet")
	}})
	got := s.Table(ctx, rates.Default(), btc.Regtest)
	want := []btc.FeeRate{9_000, 9_000, 4_000, 0}
	for i, c := range got.Choices {
		if c.Rate != want[i] || c.Blocks != rates.Targets[i] {
			t.Errorf("choice %d is %+v, want %v", i, c, want[i])
		}
	}
	if got.Source != "node" || got.Fallback || got.Reason != "" {
		t.Errorf("%+v", got)
	}
	if r, ok := got.Rate(144); ok || r != 0 {
		t.Error("a rate that nobody knows")
	}
	if got := s.Table(ctx, rates.Settings{Fees: rates.FeesMempool}, btc.Mainnet); !got.Fallback || got.Source != "node" || !strings.Contains(got.Reason, "switched off") {
		t.Errorf("without the service asked for: %+v", got)
	}
	node = nil
	if got := s.Table(ctx, rates.Default(), btc.Regtest); got.Source != "" || !strings.Contains(got.Reason, "knows no feerate") {
		t.Errorf("when nobody knows: %+v", got)
	}
}
