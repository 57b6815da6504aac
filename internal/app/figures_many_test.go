package app

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/chain/core/coretest"
	"specter/internal/wallet"
)

// TestFiguresOfManyWallets measures pages over as many wallets as SPECTER_WALLETS says, each
// with 1,000 transactions, on a real bitcoind and the real binary: as it is, and held to one
// core and a tight memory as on a small board.
func TestFiguresOfManyWallets(t *testing.T) {
	wallets, err := strconv.Atoi(os.Getenv("SPECTER_WALLETS"))
	if err != nil {
		t.Skip("a benchmark: set SPECTER_WALLETS to a number of wallets")
	}
	const each = 1000
	n := coretest.Start(t, coretest.Options{})
	ctx := context.Background()
	h := open(t, Config{})
	h.connect(n)
	key := h.keys("Red")[0].KeysFor(btc.Regtest, "wpkh")[0].Expression()
	var refs []wallet.Ref
	var scripts [][]byte
	for i := range wallets {
		w, err := h.wallets.Create(ctx, demoOwner, btc.Regtest, wallet.NewWallet{Name: fmt.Sprintf("Wallet %03d", i), Descriptor: fmt.Sprintf("wpkh(%s/%d/<0;1>/*)", key, 100+i)})
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, w.Ref())
		scripts = append(scripts, h.scripts(w.Descriptor, 20)...)
	}
	n.Fill(wallets*each, 50_000, func(i int) []byte { return scripts[(i%wallets)*20+(i/wallets)%20] })
	start := time.Now()
	for _, ref := range refs {
		h.sync(ref)
		if got := h.record(ref).TxCount; got != each {
			t.Fatalf("%s has %d transactions", ref.Alias, got)
		}
	}
	t.Logf("FIGURE sync of %d wallets with %d transactions each: %.1f s", wallets, each, time.Since(start).Seconds())
	start = time.Now()
	n.Mine(1)
	eventually(t, "the block in every wallet", func() (bool, string) {
		return !slices.ContainsFunc(refs, func(ref wallet.Ref) bool { return h.record(ref).Tip.Height != n.Height() }), ""
	})
	t.Logf("FIGURE a new block in the rows of all %d wallets: %.2f s", wallets, time.Since(start).Seconds())
	h.token()
	h.stop()
	bin := buildBinary(t)
	for name, env := range map[string][]string{"as it is": nil, "one core, 64 MiB of Go memory": {"GOMAXPROCS=1", "GOMEMLIMIT=64MiB"}} {
		cmd, base, _ := launch(t, bin, h.cfg.DataDir, env...)
		get(t, base+"overview")
		figureMany(t, name, base, refs)
		t.Logf("FIGURE %s: %s", name, resident(cmd.Process.Pid))
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}
}

// figureMany times the pages that look over all wallets, and one wallet's among many.
func figureMany(t *testing.T, name, base string, refs []wallet.Ref) {
	for page, path := range map[string]func(i int) string{
		"overview":                func(i int) string { return fmt.Sprintf("overview?page=%d", 1+i%50) },
		"overview coins":          func(i int) string { return fmt.Sprintf("overview/coins?page=%d", 1+i%50) },
		"search over all wallets": func(i int) string { return fmt.Sprintf("overview?q=%x", 0x1000+i*97) },
		"one wallet's history":    func(i int) string { return fmt.Sprintf("wallets/%s/history?page=%d", refs[i%len(refs)].Alias, 1+i%20) },
		"one wallet's history, q=": func(i int) string {
			return fmt.Sprintf("wallets/%s/history?q=%x", refs[i%len(refs)].Alias, 0x1000+i*97)
		},
	} {
		var took []time.Duration
		for i := range 100 {
			took = append(took, get(t, base+path(i)))
		}
		slices.Sort(took)
		t.Logf("FIGURE %s, %s: median %d ms, p95 %d ms", strings.TrimSpace(name), page, took[50].Milliseconds(), took[94].Milliseconds())
	}
}
