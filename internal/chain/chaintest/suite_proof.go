package chaintest

import (
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc/headers"
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
		if got := proof.Merkle.Header.BlockHash(); got != at.Hash {
			b.Errorf("the proof is of %s, want %s", got, at.Hash)
		}
		if err := proof.Check(proof.Merkle.Header, tx); err != nil {
			b.Error(err)
		}
		b.h.Mine(b.T, 3)
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

// tellsHeaders holds the headers of a source that can tell them to the world's blocks, through a
// reorg.
func tellsHeaders(b *bench) {
	teller, ok := b.src.(chain.HeaderTeller)
	if !ok {
		b.Skip("the source cannot tell headers")
	}
	ask := func(from int32, n int) []wire.BlockHeader {
		got, err := teller.Headers(b.ctx(), from, n)
		if err != nil {
			b.Fatal(err)
		}
		return got
	}
	b.h.Mine(b.T, 3)
	for _, reorged := range []bool{false, true} {
		tip := b.h.Tip(b.T)
		all := ask(0, chain.MaxHeaders)
		if int32(len(all)) != tip.Height+1 || all[tip.Height].BlockHash() != tip.Hash {
			b.Fatalf("%d headers up to the tip at %d", len(all), tip.Height)
		}
		line := headers.Of(b.h.Network()).Begin()
		for _, h := range all[1:] {
			if err := line.Extend(h, time.Time{}); err != nil {
				b.Fatal(err)
			}
		}
		if one := ask(tip.Height-1, 1); len(one) != 1 || one[0] != all[tip.Height-1] {
			b.Errorf("one header: %v", one)
		}
		if two := ask(tip.Height-1, 50); len(two) != 2 || two[1] != all[tip.Height] {
			b.Errorf("the last two headers: %v", two)
		}
		for _, from := range []int32{tip.Height + 1, tip.Height + 1000} {
			if none := ask(from, 5); len(none) != 0 {
				b.Errorf("%d headers from %d on, above the tip", len(none), from)
			}
			if none := ask(from, 1); len(none) != 0 {
				b.Errorf("a header at %d, above the tip", from)
			}
		}
		if !reorged {
			b.h.Reorg(b.T, 2, true)
		}
	}
}
