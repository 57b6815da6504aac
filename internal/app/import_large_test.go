//go:build unix

package app

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/legacy/legacytest"
	"specter/internal/raced"
	"specter/internal/wallet"
)

var progressBar = regexp.MustCompile(`<progress id="import-progress" max="100" value="(\d+)"`)

// 50 wallets with 50,000 cached transactions come over through the page in less than 30 seconds: a
// look and the taking, while the bar tells how far it is and the other pages answer. Measured is the
// processor's time: what others do on the machine is not counted.
func TestLargeFolderComesOverThroughThePage(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short leaves the large folder out")
	}
	wallets, txs := 50, 1000
	if raced.On {
		wallets, txs = 5, 100
	}
	dir := t.TempDir()
	if err := legacytest.Large(dir, wallets, txs); err != nil {
		t.Fatal(err)
	}
	h := open(t, Config{})
	openToAll(t, h)
	began, clock := processorTime(t), time.Now()
	if status, page := pageOf(t, h, "POST", "/settings/import", form, []byte("folder="+url.QueryEscape(dir))); status >= 400 {
		t.Fatal(status, page)
	}
	importPage(t, h, `data-test="take"`)
	looked := time.Since(clock)
	pageOf(t, h, "POST", "/settings/import/take", form, nil)
	seen, slowest, last := map[int]bool{}, time.Duration(0), 0
	eventually(t, "taking over", func() (bool, string) {
		asked := time.Now()
		_, page := pageOf(t, h, "GET", "/settings/import", form, nil)
		slowest = max(slowest, time.Since(asked))
		if m := progressBar.FindStringSubmatch(page); m != nil {
			n, err := strconv.Atoi(m[1])
			if err != nil || n < last {
				t.Errorf("the bar went from %d to %s", last, m[1])
			}
			seen[n], last = true, n
		}
		return !strings.Contains(page, `data-test="running"`) && strings.Contains(page, `data-test="report"`), fmt.Sprint(last)
	})
	used := processorTime(t) - began
	t.Logf("%d wallets, %d transactions: looked at in %v, all of it in %v on the clock and %v of processor time; the bar was seen at %d places; the slowest page took %v",
		wallets, wallets*txs, looked, time.Since(clock), used, len(seen), slowest)
	if used > 30*time.Second {
		t.Errorf("it took %v", used)
	}
	if !raced.On && len(seen) < 5 {
		t.Errorf("the bar was seen at %v", seen)
	}
	list, err := h.wallets.List(context.Background(), wallet.Owner(auth.OwnerID), btc.Regtest)
	if err != nil || len(list) != wallets {
		t.Fatalf("%d wallets, %v", len(list), err)
	}
	for _, w := range list {
		if w.TxCount != txs {
			t.Errorf("%s has %d transactions", w.Alias, w.TxCount)
		}
	}
}

// processorTime is what this process took of the processor.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
