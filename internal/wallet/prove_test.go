package wallet_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/chain/demo"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// forger is the demo chain that tampers with proofs on command.
type forger struct {
	*demo.Chain
	mu     sync.Mutex
	tamper func(*chain.Proof) error
	asked  int
	pruned int32
	header func([]wire.BlockHeader) // tampers with headers
}

func (f *forger) Headers(ctx context.Context, from int32, n int) ([]wire.BlockHeader, error) {
	got, err := f.Chain.Headers(ctx, from, n)
	if f.header != nil && len(got) > 0 {
		f.header(got)
	}
	return got, err
}

func (f *forger) Proof(ctx context.Context, id chainhash.Hash, b chain.Block) (chain.Proof, error) {
	p, err := f.Chain.Proof(ctx, id, b)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	if f.tamper != nil && err == nil {
		err = f.tamper(&p)
	}
	return p, err
}

func (f *forger) Status(ctx context.Context) (chain.Status, error) {
	st, err := f.Chain.Status(ctx)
	st.PrunedTo = f.pruned
	return st, err
}

func (h *house) proofs(ref wallet.Ref, ids ...chainhash.Hash) map[chainhash.Hash]wallet.Proof {
	h.t.Helper()
	p, err := h.s.Proofs(context.Background(), ref, ids)
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

func TestConfirmedTransactionsAreProved(t *testing.T) {
	ctx := context.Background()
	h := newHouse(t)
	f := &forger{Chain: h.chain}
	h.src.source = f
	ref := h.create("Savings", "wpkh", 0, "alice").Ref()
	a := h.pay(ref, 100_000).TxHash()
	h.mine(1)
	b := h.pay(ref, 100_000).TxHash()
	h.sync(ref)
	if got, err := h.s.Prove(ctx, ref); err != nil || got != (wallet.ProofReport{Proved: 1}) {
		t.Fatalf("%+v, %v", got, err)
	}
	if p := h.proofs(ref, a, b); !p[a].Proved || p[a].Trouble != "" || len(p) != 1 {
		t.Errorf("one is confirmed, one is not: %+v", p)
	}
	if got, err := h.s.Prove(ctx, ref); err != nil || got != (wallet.ProofReport{}) || f.asked != 1 {
		t.Errorf("proved again: %+v, %v, asked %d times", got, err, f.asked)
	}
	h.mine(1)
	h.sync(ref)
	f.tamper = func(p *chain.Proof) error { p.Merkle.Hashes[0] = &chainhash.Hash{7}; return nil }
	if got, err := h.s.Prove(ctx, ref); err != nil || got != (wallet.ProofReport{Failed: 1}) {
		t.Errorf("a forged proof: %+v, %v", got, err)
	}
	if p := h.proofs(ref, a, b); p[b].Proved || p[b].Trouble == "" || !p[a].Proved {
		t.Errorf("after a forged proof: %+v", p)
	}
	h.raw(`UPDATE proofs SET checked = checked - 3600`)
	f.tamper = func(*chain.Proof) error { return errs.E(errs.Unavailable, "away") }
	if _, err := h.s.Prove(ctx, ref); !errs.Is(err, errs.Unavailable) {
		t.Errorf("a node that is away: %v", err)
	}
	f.tamper = nil
	if got, err := h.s.Prove(ctx, ref); err != nil || got != (wallet.ProofReport{Proved: 1}) {
		t.Errorf("a failed proof is not tried again: %+v, %v", got, err)
	}
	// A reorg takes the proof away; the new block is proved anew.
	if err := h.chain.Reorg(1, false); err != nil {
		t.Fatal(err)
	}
	h.mine(1)
	h.sync(ref)
	if p := h.proofs(ref, b); len(p) != 0 {
		t.Errorf("after a reorg the old proof counts: %+v", p)
	}
	if got, err := h.s.Prove(ctx, ref); err != nil || got.Failed != 0 {
		t.Errorf("after a reorg: %+v, %v", got, err)
	}
	f.pruned = 1_000_000
	h.raw(`DELETE FROM proofs`)
	asked := f.asked
	if got, err := h.s.Prove(ctx, ref); err != nil || got.Proved != 0 || got.Failed == 0 || f.asked != asked {
		t.Errorf("pruned: %+v, %v", got, err)
	}
	h.src.setAway(true)
	if _, err := h.s.Prove(ctx, ref); !errs.Is(err, errs.Unavailable) {
		t.Errorf("no node: %v", err)
	}
}

// TestABlockOutsideTheChainOfTheMostWorkProvesNothing has a node that gives a good merkle proof to
// a header of its own making.
func TestABlockOutsideTheChainOfTheMostWorkProvesNothing(t *testing.T) {
	ctx := context.Background()
	h := newHouse(t)
	f := &forger{Chain: h.chain}
	h.src.source = f
	ref := h.create("Savings", "wpkh", 0, "alice").Ref()
	a := h.pay(ref, 100_000).TxHash()
	h.mine(1)
	h.sync(ref)
	if got, err := h.s.Prove(ctx, ref); err != nil || got.Proved != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	if st := h.s.Headers(btc.Regtest); st.Height < 1 || st.Height != st.Target || !st.Enough {
		t.Errorf("%+v", st)
	}
	// The wallet believes in a block that the chain does not have, and the proof fits that block.
	h.raw(`DELETE FROM proofs`)
	h.raw(`UPDATE history SET block_hash = randomblob(32)`)
	if got, err := h.s.Prove(ctx, ref); err != nil || got.Failed != 1 || f.asked != 1 {
		t.Errorf("%+v, %v, asked %d times", got, err, f.asked)
	}
	if p := h.proofs(ref, a); p[a].Proved || !strings.Contains(p[a].Trouble, "not in the chain with the most work") {
		t.Errorf("%+v", p)
	}
	h.raw(`DELETE FROM proofs`)
	h.raw(`UPDATE history SET height = height + 100000`)
	if got, err := h.s.Prove(ctx, ref); err != nil || got.Failed != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	if p := h.proofs(ref, a); !strings.Contains(p[a].Trouble, "above the end") {
		t.Errorf("%+v", p)
	}
	// Headers that break the rules: nothing is proved, and the person is told why.
	h.mine(1)
	f.header = func(got []wire.BlockHeader) { got[len(got)-1].Bits = 0x2100ffff }
	if _, err := h.s.Prove(ctx, ref); !errs.Is(err, errs.Invalid) || h.s.Headers(btc.Regtest).Trouble == "" {
		t.Errorf("eased headers: %v", err)
	}
	f.header = nil
	h.raw(`UPDATE history SET height = height - 100000`)
	h.raw(`DELETE FROM proofs`)
	if _, err := h.s.Prove(ctx, ref); err != nil || h.s.Headers(btc.Regtest).Trouble != "" {
		t.Errorf("%v, %+v", err, h.s.Headers(btc.Regtest))
	}
}

func TestProofsAreMadeForThoseWhoWantThem(t *testing.T) {
	h := newHouse(t)
	ref := h.create("Savings", "wpkh", 0, "alice").Ref()
	id := h.pay(ref, 100_000).TxHash()
	h.mine(1)
	h.sync(ref)
	for _, want := range []bool{false, true} {
		ctx, cancel := context.WithCancel(context.Background())
		asked := make(chan wallet.Owner, 10)
		done := make(chan error, 1)
		go func() {
			done <- h.s.RunProofs(ctx, func(_ context.Context, o wallet.Owner) bool { asked <- o; return want })
		}()
		if o := <-asked; o != admin {
			t.Errorf("asked %q", o)
		}
		if want {
			soon(t, "a proof", func() bool { return h.proofs(ref, id)[id].Proved })
		}
		cancel()
		if err := <-done; err != context.Canceled {
			t.Errorf("it ended with %v", err)
		}
		if p := h.proofs(ref, id); len(p) > 0 != want {
			t.Errorf("wanted %v, proofs %+v", want, p)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		if err := h.s.RunProofs(ctx, nil); err != context.DeadlineExceeded {
			t.Errorf("with nobody to ask it ended with %v", err)
		}
	})
}
