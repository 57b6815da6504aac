package demo_test

import (
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

func TestPoolCountsAncestorsAndDescendants(t *testing.T) {
	c := open(t, "")
	ctx := t.Context()
	var last *wire.MsgTx
	var first chainhash.Hash
	for i := range 3 { // the faucet spends its own change: a chain
		tx, err := c.Pay(wire.NewTxOut(1_000_000, btc.WitnessScript(0, make([]byte, 20))))
		must(t, err)
		if i == 0 {
			first = tx.TxHash()
		}
		last = tx
	}
	e, err := c.PoolEntry(ctx, last.TxHash())
	must(t, err)
	if e.Ancestors != 3 || e.Descendants != 1 || e.AncestorFee <= e.Fee || e.AncestorVSize <= e.VSize || e.DescendantFee != e.Fee {
		t.Errorf("the last: %+v", e)
	}
	if e, err = c.PoolEntry(ctx, first); err != nil || e.Ancestors != 1 || e.Descendants != 3 || e.DescendantFee <= e.Fee {
		t.Errorf("the first: %+v %v", e, err)
	}
	if err := c.Abandon(ctx, "", first); !errs.Is(err, errs.Conflict) {
		t.Errorf("giving up what the mempool holds: %v", err)
	}
	must(t, c.Evict(first))
	if _, err := c.PoolEntry(ctx, first); !errs.Is(err, errs.NotFound) {
		t.Errorf("evicted: %v", err)
	}
	must(t, c.Abandon(ctx, "", first))
}

func TestPackageIsTakenAsAWholeOrNotAtAll(t *testing.T) {
	c := open(t, "")
	ctx := t.Context()
	parent, err := c.Pay(wire.NewTxOut(1_000_000, btc.WitnessScript(0, make([]byte, 20))))
	must(t, err)
	child, err := c.Pay(wire.NewTxOut(2_000_000, btc.WitnessScript(0, make([]byte, 20))))
	must(t, err)
	must(t, c.Evict(parent.TxHash()))
	broken := child.Copy()
	broken.TxOut[0].Value++
	if err := c.SubmitPackage(ctx, []*wire.MsgTx{parent, broken}); !errs.Is(err, errs.Invalid) {
		t.Errorf("a package with a wrong signature: %v", err)
	}
	if _, err := c.PoolEntry(ctx, parent.TxHash()); !errs.Is(err, errs.NotFound) {
		t.Errorf("half a package was taken: %v", err)
	}
	must(t, c.SubmitPackage(ctx, []*wire.MsgTx{parent, child}))
	must(t, c.SubmitPackage(ctx, []*wire.MsgTx{parent, child})) // again is fine
}
