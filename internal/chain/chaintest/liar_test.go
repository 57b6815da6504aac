package chaintest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/chain/chaintest"
	"specter/internal/errs"
)

// liarWorld is the Liar as the suite's harness: when left alone it keeps the contract, so that
// what a wallet test sees is what a source may do.
type liarWorld struct{ *chaintest.Liar }

func (w *liarWorld) Network() btc.Network { return btc.Regtest }
func (w *liarWorld) Source() chain.Source { return w.Liar }
func (w *liarWorld) Reopen(t testing.TB) chain.Source {
	w.Liar = w.Liar.Reopen(t)
	return w.Liar
}
func (w *liarWorld) Pay(_ testing.TB, script []byte, amount btcutil.Amount) chainhash.Hash {
	return w.Liar.Pay(script, amount).TxHash()
}
func (w *liarWorld) Mine(_ testing.TB, n int) { w.Liar.Mine(n) }
func (w *liarWorld) MineTo(_ testing.TB, script []byte) {
	tx := wire.NewMsgTx(1)
	tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Index: 1<<32 - 1}, Sequence: uint32(time.Now().UnixNano())})
	tx.AddTxOut(wire.NewTxOut(50*1e8, script))
	w.Liar.MineTx(tx)
}
func (w *liarWorld) Reorg(_ testing.TB, depth int, keep bool) { w.Liar.Reorg(depth, keep) }
func (w *liarWorld) Evict(_ testing.TB, id chainhash.Hash)    { w.Liar.Evict(id) }
func (w *liarWorld) Tip(testing.TB) chain.Block               { return w.Liar.Tip() }
func (w *liarWorld) Tx(t testing.TB, id chainhash.Hash) *wire.MsgTx {
	tx, err := w.Liar.Tx(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return tx
}
func (w *liarWorld) Away(testing.TB) func() {
	w.Liar.Fail(errs.E(errs.Unavailable, "away"))
	return func() { w.Liar.Fail(nil) }
}

func TestLiarLeftAloneKeepsTheContract(t *testing.T) {
	chaintest.Run(t, func(testing.TB) chaintest.Harness { return &liarWorld{chaintest.NewLiar(101)} })
}

func TestLiarLiesAndStallsOnCommand(t *testing.T) {
	l := chaintest.NewLiar(5)
	w := chaintest.NewWallet(t, t.Name())
	l.Twist(func(u *chain.Update) { u.Tip.Height = 99 })
	if u, err := l.Sync(t.Context(), w.Request()); err != nil || u.Tip.Height != 99 {
		t.Errorf("the lie was not told: %v %v", u.Tip, err)
	}
	release := l.Stall()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := l.Sync(ctx, w.Request()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a stalled source answered: %v", err)
	}
	done := make(chan error)
	go func() { _, err := l.Status(t.Context()); done <- err }()
	release()
	if err := <-done; err != nil {
		t.Errorf("after the stall: %v", err)
	}
	l.Fail(errs.E(errs.Unavailable, "no"))
	if _, err := l.FeeRate(t.Context(), 1); err == nil || err.Error() != "no" {
		t.Errorf("a failing source answered %v", err)
	}
	l.Fail(nil)
	l.SetFeeRate(1234)
	if r, err := l.FeeRate(t.Context(), 1); r != 1234 || err != nil {
		t.Errorf("feerate %v %v", r, err)
	}
}
