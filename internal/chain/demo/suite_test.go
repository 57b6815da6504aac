package demo_test

import (
	"path/filepath"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/chain/chaintest"
	"specter/internal/chain/demo"
)

// harness is the demo chain in the hands of the suite every source must pass.
type harness struct {
	c   *demo.Chain
	dir string
}

func (h *harness) Network() btc.Network { return btc.Regtest }

func (h *harness) Source() chain.Source { return h.c }

func (h *harness) Reopen(t testing.TB) chain.Source {
	t.Helper()
	must(t, h.c.Close())
	h.c = open(t, h.dir)
	return h.c
}

func (h *harness) Pay(t testing.TB, script []byte, amount btcutil.Amount) chainhash.Hash {
	t.Helper()
	tx, err := h.c.Pay(wire.NewTxOut(int64(amount), script))
	must(t, err)
	return tx.TxHash()
}

func (h *harness) Mine(t testing.TB, n int) { h.mine(t, n, nil) }

func (h *harness) MineTo(t testing.TB, script []byte) { h.mine(t, 1, script) }

func (h *harness) mine(t testing.TB, n int, script []byte) {
	t.Helper()
	_, err := h.c.Mine(n, script)
	must(t, err)
}

func (h *harness) Reorg(t testing.TB, depth int, keep bool) {
	t.Helper()
	must(t, h.c.Reorg(depth, keep))
}

func (h *harness) Evict(t testing.TB, id chainhash.Hash) {
	t.Helper()
	must(t, h.c.Evict(id))
}

func (h *harness) Tx(t testing.TB, id chainhash.Hash) *wire.MsgTx {
	t.Helper()
	tx, err := h.c.Tx(t.Context(), id)
	must(t, err)
	return tx
}

func (h *harness) Tip(t testing.TB) chain.Block {
	t.Helper()
	st, err := h.c.Status(t.Context())
	must(t, err)
	return st.Tip
}

func (h *harness) Away(testing.TB) func() { return nil }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open opens a chain that is closed with the test; an empty dir is a fresh one in memory.
func open(t testing.TB, dir string) *demo.Chain {
	t.Helper()
	c, err := demo.Open(dir, demo.Options{})
	must(t, err)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestChain(t *testing.T) {
	chaintest.Run(t, func(t testing.TB) chaintest.Harness {
		dir := filepath.Join(t.TempDir(), "chain")
		return &harness{open(t, dir), dir}
	})
}
