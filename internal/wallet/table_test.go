package wallet_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/raced"
	"specter/internal/wallet"
)

func (h *house) table(write func(context.Context, io.Writer, wallet.TableRequest) error, q wallet.TableRequest) string {
	h.t.Helper()
	var b bytes.Buffer
	q.Owner, q.Network = admin, btc.Regtest
	if err := write(context.Background(), &b, q); err != nil {
		h.t.Fatal(err)
	}
	return b.String()
}

func firstLine(s string) string { line, _, _ := strings.Cut(s, "\n"); return line }

func TestListsAreWrittenWithTheColumnsThatScriptsKnow(t *testing.T) {
	h := newHouse(t)
	ref := h.create("=Savings", "wpkh", 0, "alice").Ref()
	empty := h.table(h.s.WriteHistory, wallet.TableRequest{Alias: ref.Alias})
	if empty != "Date,Label,Category,Amount (BTC),Value (USD),Rate (BTC/USD),TxID,Address,Block Height,Timestamp\n" {
		t.Errorf("an empty list: %q", empty)
	}
	if got := h.table(h.s.WriteHistory, wallet.TableRequest{Alias: ref.Alias, JSON: true}); got != "[]\n" {
		t.Errorf("an empty list in JSON: %q", got)
	}
	tx := h.pay(ref, 150_000)
	h.mine(1)
	h.sync(ref)
	h.label(ref, wallet.LabelTx, tx.TxHash().String(), `=1+1, "x"`)
	h.pay(ref, 70_000)
	h.sync(ref)
	price := func(_ context.Context, at time.Time) (btc.Price, error) { return btc.ParsePrice("100000.50") }
	for _, q := range []struct{ name, got, header string }{
		{"transactions", h.table(h.s.WriteHistory, wallet.TableRequest{Alias: ref.Alias}), "Date,Label,Category,Amount (BTC),Value (USD),Rate (BTC/USD),TxID,Address,Block Height,Timestamp"},
		{"all transactions in sat and euro", h.table(h.s.WriteHistory, wallet.TableRequest{Sat: true, Currency: "eur"}), "Wallet,Date,Label,Category,Amount (SAT),Value (EUR),Rate (EUR/SAT),TxID,Address,Block Height,Timestamp"},
		{"coins", h.table(h.s.WriteCoins, wallet.TableRequest{Alias: ref.Alias}), "Date,Label,Category,Amount (BTC),Value (USD),Rate (BTC/USD),TxID,Address,Block Height,Timestamp"},
		{"all coins", h.table(h.s.WriteCoins, wallet.TableRequest{}), "Wallet,Date,Label,Category,Amount (BTC),Value (USD),Rate (BTC/USD),TxID,Address,Block Height,Timestamp"},
		{"addresses", h.table(h.s.WriteAddresses, wallet.TableRequest{Alias: ref.Alias}), "Index,Address,Type,Label,Used,UTXO,Amount (BTC)"},
	} {
		if firstLine(q.got) != q.header {
			t.Errorf("%s: header %q, want %q", q.name, firstLine(q.got), q.header)
		}
		rows, err := csv.NewReader(strings.NewReader(q.got)).ReadAll()
		if err != nil || len(rows) < 3 {
			t.Errorf("%s: %d rows, %v", q.name, len(rows), err)
		}
	}
	rows, _ := csv.NewReader(strings.NewReader(h.table(h.s.WriteHistory, wallet.TableRequest{Price: price}))).ReadAll()
	pending, old := rows[1], rows[2]
	if pending[9] != "Unconfirmed" || old[0] != "'=Savings" || old[2] != `'=1+1, "x"` || old[4] != "0.00150000" || old[5] != "150.00" || old[6] != "100000.50" || old[7] != tx.TxHash().String() {
		t.Errorf("rows: %q %q", pending, old)
	}
	sat, _ := csv.NewReader(strings.NewReader(h.table(h.s.WriteHistory, wallet.TableRequest{Alias: ref.Alias, Sat: true, Price: price}))).ReadAll()
	if sat[2][3] != "150000" || sat[2][5] != "0.001000005000" {
		t.Errorf("in sat: %q", sat[2])
	}
	asked := 0
	broken := func(context.Context, time.Time) (btc.Price, error) {
		asked++
		return 0, errs.E(errs.Unavailable, "away")
	}
	failed, _ := csv.NewReader(strings.NewReader(h.table(h.s.WriteHistory, wallet.TableRequest{Alias: ref.Alias, Price: broken}))).ReadAll()
	if failed[1][4] != "-" || failed[1][5] != "-" || asked != 2 {
		t.Errorf("without an answer: %q after %d questions", failed[1], asked)
	}
	var list []map[string]any
	if err := json.Unmarshal([]byte(h.table(h.s.WriteHistory, wallet.TableRequest{JSON: true, Price: price})), &list); err != nil || len(list) != 2 || list[1]["amount_sat"] != 150000.0 || list[0]["block_height"] != nil || list[1]["value"] != "150.00" {
		t.Errorf("JSON: %v, %v", list, err)
	}
	found, _ := csv.NewReader(strings.NewReader(h.table(h.s.WriteHistory, wallet.TableRequest{Alias: ref.Alias, Query: wallet.Query{Search: "1+1"}}))).ReadAll()
	if len(found) != 2 {
		t.Errorf("the search is not followed: %q", found)
	}
	err := h.s.WriteHistory(context.Background(), io.Discard, wallet.TableRequest{Owner: admin, Network: btc.Regtest, Currency: "=cmd"})
	wantKind(t, err, errs.Invalid, "a currency that is none")
	err = h.s.WriteCoins(context.Background(), io.Discard, wallet.TableRequest{Owner: "bob", Network: btc.Regtest, Alias: ref.Alias})
	wantKind(t, err, errs.NotFound, "another user's wallet")
}

// watcher counts what is written and how much memory is in use meanwhile.
type watcher struct {
	lines, bytes int
	most         uint64
}

func (w *watcher) Write(p []byte) (int, error) {
	w.lines += bytes.Count(p, []byte("\n"))
	if w.bytes/(1<<20) != (w.bytes+len(p))/(1<<20) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		w.most = max(w.most, m.HeapAlloc)
	}
	w.bytes += len(p)
	return len(p), nil
}

func TestLongListsAreWrittenWithinBoundedMemory(t *testing.T) {
	n := raced.Some(8_000, 700)
	if testing.Short() {
		n = 3_000
	}
	s, _, ref := crowded(t, n, 100_000)
	mustSync(t, s, ref)
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	w := &watcher{}
	start := time.Now()
	if err := s.WriteHistory(context.Background(), w, wallet.TableRequest{Owner: ref.Owner, Network: ref.Network, Alias: ref.Alias}); err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	t.Logf("%d transactions, %d bytes in %v, heap %d KB before, %d KB at most", n, w.bytes, took, before.HeapAlloc>>10, w.most>>10)
	if w.lines != n+1 {
		t.Errorf("%d lines of %d transactions", w.lines, n)
	}
	if w.most > before.HeapAlloc+64<<20 {
		t.Errorf("the heap grew from %d to %d KB", before.HeapAlloc>>10, w.most>>10)
	}
}
