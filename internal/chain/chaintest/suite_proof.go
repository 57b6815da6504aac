package chaintest

import (
	"specter/internal/chain"
	"specter/internal/errs"
)

// proves holds the proofs of a source that can prove to the transactions of the world.
func proves(b *bench) {
	p, ok := b.src.(chain.Prover)
	if !ok {
		b.Skip("the source cannot prove")
	}
	first := b.pay(0, 0, coin)
	for i := range uint32(4) {
		b.pay(0, i+1, coin)
	}
	b.h.Mine(b.T, 1)
	at := b.h.Tip(b.T)
	tx := b.h.Tx(b.T, first)
	for range 2 { // in the tip, then below some blocks
		proof, err := p.Proof(b.ctx(), first, at)
		if err != nil {
			b.Fatal(err)
		}
		if err := proof.Check(b.h.Network(), tx, at); err != nil {
			b.Error(err)
		}
		want := min(int(b.h.Tip(b.T).Height-at.Height), chain.ProofHeaders)
		if len(proof.Above) != want {
			b.Errorf("%d headers above, want %d", len(proof.Above), want)
		}
		b.h.Mine(b.T, chain.ProofHeaders+1)
	}
	elsewhere := b.h.Tip(b.T)
	if _, err := p.Proof(b.ctx(), first, elsewhere); !errs.Is(err, errs.NotFound) {
		b.Errorf("a proof in another block: %v", err)
	}
	elsewhere.Hash[3] ^= 1
	if _, err := p.Proof(b.ctx(), first, elsewhere); !errs.Is(err, errs.NotFound) {
		b.Errorf("a proof in a block that is not: %v", err)
	}
}
