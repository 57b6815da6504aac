package core_test

import (
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"specter/internal/chain/chaintest"
	"specter/internal/chain/core/coretest"
)

// TestFirstSyncOfManyTransactions holds the promise of the first sync: 10,000 transactions in
// less than 15 s, the node's own scan included. A short run takes a fifth of the transactions, and
// only makes sure that it is a matter of seconds: what else the machine does is not known. The
// node of the tests does not wait for the disk; with SPECTER_FLUSH it
// does, as a user's node, and then the time is that of the disk: one write for each transaction.
func TestFirstSyncOfManyTransactions(t *testing.T) {
	count, limit := 2000, time.Minute
	if s := os.Getenv("SPECTER_LARGE"); s != "" { // make bench sets it: the whole number
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		count, limit = n, time.Duration(n)*1500*time.Microsecond
	}
	w := newWorld(t, coretest.Options{Flush: os.Getenv("SPECTER_FLUSH") != ""})
	wallet := chaintest.NewWallet(t, t.Name())
	scripts := make([][]byte, 100)
	for i := range scripts {
		scripts[i] = wallet.Script(uint32(i%2), uint32(i/2))
	}
	began := time.Now()
	w.n.Fill(count, 10_000, func(i int) []byte { return scripts[i%len(scripts)] })
	t.Logf("filled in %v", time.Since(began))
	bench := chaintest.NewWallet(t, t.Name())
	began = time.Now()
	u, err := w.src.Sync(t.Context(), bench.Request())
	took := time.Since(began)
	must(t, err)
	if len(u.Txs) != count || u.Used["0"] != 49 || u.Used["1"] != 49 {
		t.Fatalf("%d transactions, used %v", len(u.Txs), u.Used)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("first sync of %d transactions: %v, heap %d MB", count, took, m.HeapInuse>>20)
	if took > limit {
		t.Errorf("the first sync took %v, over %v", took, limit)
	}
	began = time.Now()
	w.n.Mine(1)
	u, err = w.src.Sync(t.Context(), bench.Request(u.Tip))
	must(t, err)
	t.Logf("the next one: %v", time.Since(began))
	if len(u.Txs) != 0 {
		t.Errorf("%d transactions were told again", len(u.Txs))
	}
}
