package core_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/chain/core/coretest"
	"specter/internal/chain/ownchain"
	"specter/internal/errs"
)

func keeper(t testing.TB) *ownchain.Keeper {
	dir := t.TempDir()
	k := ownchain.New(ownchain.Config{Open: func(n btc.Network) (ownchain.File, error) {
		return os.OpenFile(filepath.Join(dir, n.String()), os.O_RDWR|os.O_CREATE, 0o600)
	}})
	t.Cleanup(func() { k.Close() })
	return k
}

// TestOurOwnHeadersFollowARealNode follows a node through a deep reorg, and does not follow one
// that has less work than what is known.
func TestOurOwnHeadersFollowARealNode(t *testing.T) {
	w := newWorld(t, coretest.Options{})
	k := keeper(t)
	ctx := context.Background()
	same := func() {
		t.Helper()
		must(t, k.Follow(ctx, btc.Regtest, w.src))
		tip := w.Tip(t)
		h, err := k.Header(btc.Regtest, tip.Height)
		must(t, err)
		if h.BlockHash() != tip.Hash || k.State(btc.Regtest).Height != tip.Height {
			t.Fatalf("our tip is %s, the node's %s", h.BlockHash(), tip.Hash)
		}
	}
	same()
	w.n.Mine(3)
	same()
	w.n.Reorg(30, true)
	same()
	before := w.Tip(t)
	w.n.Invalidate(5)
	if err := k.Follow(ctx, btc.Regtest, w.src); !errs.Is(err, errs.Invalid) {
		t.Errorf("a node that lost five blocks: %v", err)
	}
	if h, err := k.Header(btc.Regtest, before.Height); err != nil || h.BlockHash() != before.Hash {
		t.Errorf("the chain with more work is kept: %v", err)
	}
	w.n.Mine(6)
	same()
}

// TestHeadersOfARealNodeAreQuick measures how fast headers come from a node: SPECTER_HEADERS says
// how many.
func TestHeadersOfARealNodeAreQuick(t *testing.T) {
	count, _ := strconv.Atoi(os.Getenv("SPECTER_HEADERS"))
	if count == 0 {
		t.Skip("SPECTER_HEADERS is not set")
	}
	w := newWorld(t, coretest.Options{})
	for left := count; left > 0; left -= 1000 {
		w.n.Mine(min(left, 1000))
	}
	k := keeper(t)
	began := time.Now()
	must(t, k.Follow(context.Background(), btc.Regtest, w.src))
	took := time.Since(began)
	st := k.State(btc.Regtest)
	t.Logf("%d headers in %s: %.0f a second", st.Height, took, float64(st.Height)/took.Seconds())
}
