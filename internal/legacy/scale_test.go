//go:build unix

package legacy_test

import (
	"syscall"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/legacy"
	"specter/internal/legacy/legacytest"
	"specter/internal/raced"
)

// manyTxs is how many transactions each wallet of the large folder has.
const manyTxs = 1000

// large writes a folder with many wallets and cached transactions.
func large(t testing.TB, wallets int) string {
	t.Helper()
	dir := t.TempDir()
	if err := legacytest.Large(dir, wallets, manyTxs); err != nil {
		t.Fatal(err)
	}
	return dir
}

// spent is the processor time that this process took: what others do on the machine is not
// counted.
func spent(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// 50 wallets with 50,000 cached transactions come over within 30 seconds, and say how far they are.
func TestLargeFolderComesOverInTime(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short leaves the large folder out")
	}
	wallets := 50
	if raced.On {
		wallets = 3
	}
	old := large(t, wallets)
	h := newHouse(t)
	var told []int
	began, clock := spent(t), time.Now()
	r := h.take(old, legacy.Options{Progress: func(done, total int) {
		if told = append(told, done); total != wallets*manyTxs {
			t.Fatalf("of %d", total)
		}
	}})
	used := spent(t) - began
	t.Logf("%d wallets, %d transactions: %v of processor time, %v on the clock", wallets, wallets*manyTxs, used, time.Since(clock))
	if used > 30*time.Second {
		t.Errorf("it took %v", used)
	}
	if len(told) < wallets || told[len(told)-1] != wallets*manyTxs || len(r.Problems) != 1 { // nobody could be asked for labels inside the node
		t.Errorf("progress was told %d times, problems are %v", len(told), r.Problems)
	}
	list := h.list(auth.OwnerID, btc.Regtest)
	if len(list) != wallets {
		t.Fatalf("there are %d wallets", len(list))
	}
	for _, w := range list {
		if w.TxCount != manyTxs || w.Balance.Confirmed != manyTxs*100_000 || w.Tip.Height != manyTxs {
			t.Fatalf("%s has %d transactions, %d sat at height %d", w.Alias, w.TxCount, w.Balance.Confirmed, w.Tip.Height)
		}
	}
}
