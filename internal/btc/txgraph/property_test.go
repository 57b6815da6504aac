package txgraph_test

import (
	"slices"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"specter/internal/btc/txgraph"
)

// world is a made-up chain: transactions that may spend the same coins.
type world struct {
	txs  []*wire.MsgTx
	pool []wire.OutPoint
	n    int
}

var targets = []string{"r0", "r1", "r2", "c0", "c1", "alice", "bob", "data"}

// grow adds a transaction that spends anything made so far, or something foreign.
func (w *world) grow(t *rapid.T) *wire.MsgTx {
	var ins []wire.OutPoint
	for range rapid.IntRange(1, 3).Draw(t, "inputs") {
		op := foreign(rapid.IntRange(0, 5).Draw(t, "foreign"))
		if len(w.pool) > 0 && rapid.IntRange(0, 3).Draw(t, "known") > 0 {
			op = w.pool[rapid.IntRange(0, len(w.pool)-1).Draw(t, "coin")]
		}
		if !slices.Contains(ins, op) {
			ins = append(ins, op)
		}
	}
	w.n++
	outs := []pay{{"data", int64(w.n)}}
	for range rapid.IntRange(1, 3).Draw(t, "outputs") {
		outs = append(outs, pay{rapid.SampledFrom(targets).Draw(t, "target"), int64(rapid.IntRange(1, 1000).Draw(t, "amount"))})
	}
	tx := makeTx(ins, outs...)
	for i := range tx.TxOut {
		w.pool = append(w.pool, out(tx, uint32(i)))
	}
	w.txs = append(w.txs, tx)
	return tx
}

// confirmable tells which transactions a chain may hold: parents first, no coin spent twice.
func (w *world) confirmable(t *rapid.T) map[chainhash.Hash]int32 {
	heights := map[chainhash.Hash]int32{}
	spent := map[wire.OutPoint]bool{}
	known := map[chainhash.Hash]bool{}
	for _, tx := range w.txs {
		known[tx.TxHash()] = true
	}
	for i, tx := range w.txs {
		ok := rapid.Bool().Draw(t, "confirm")
		for _, in := range tx.TxIn {
			op := in.PreviousOutPoint
			if spent[op] || known[op.Hash] && heights[op.Hash] == 0 {
				ok = false
			}
		}
		if !ok {
			continue
		}
		for _, in := range tx.TxIn {
			spent[in.PreviousOutPoint] = true
		}
		heights[tx.TxHash()] = int32(i + 1)
	}
	return heights
}

func compareBooks(t *rapid.T, what string, a, b *book) {
	for _, d := range []struct{ name, diff string }{
		{"rows", cmp.Diff(a.rows, b.rows)}, {"coins", cmp.Diff(a.coins, b.coins)},
		{"balance", cmp.Diff(a.balance, b.balance)}, {"uses", cmp.Diff(a.uses, b.uses)},
	} {
		if d.diff != "" {
			t.Fatalf("%s: %s differ (-first +second):\n%s", what, d.name, d.diff)
		}
	}
}

// checkMoney holds the balance and the coins against the rows, and every coin against a count
// made without the package's own shortcuts.
func checkMoney(t *rapid.T, b *book) {
	var sum txgraph.Balance
	for op, c := range b.coins {
		sum = sum.Plus(c.Balance(b.tip))
		row := b.rows[op.Hash]
		if c.Live != (row.State == txgraph.Confirmed || row.State == txgraph.Pending) {
			t.Fatalf("coin %v lives: %v, its transaction is %v", op, c.Live, row.State)
		}
		spenders := 0
		for id, f := range b.txs {
			r := b.rows[id]
			lives := r.State == txgraph.Confirmed || r.State == txgraph.Pending
			for _, in := range f.Tx.TxIn {
				if in.PreviousOutPoint == op && lives {
					spenders++
					if c.SpentBy == nil || *c.SpentBy != id {
						t.Fatalf("coin %v is spent by %v, not %v", op, id, c.SpentBy)
					}
					break
				}
			}
		}
		if spenders > 1 || spenders == 0 && c.SpentBy != nil {
			t.Fatalf("coin %v has %d living spenders", op, spenders)
		}
	}
	if sum != b.balance {
		t.Fatalf("balance %+v, sum of coins %+v", b.balance, sum)
	}
	ourOutputs, net := 0, btcutil.Amount(0)
	for id, f := range b.txs {
		for _, o := range f.Tx.TxOut {
			if _, ok := b.places[string(o.PkScript)]; ok {
				ourOutputs++
			}
		}
		if r := b.rows[id]; r.State == txgraph.Confirmed || r.State == txgraph.Pending {
			net += r.Amount
		}
	}
	if ourOutputs != len(b.coins) {
		t.Fatalf("%d coins for %d outputs of ours", len(b.coins), ourOutputs)
	}
	if net != sum.Confirmed+sum.Pending+sum.Immature {
		t.Fatalf("history adds up to %d, coins to %+v", net, sum)
	}
}

func split(t *rapid.T, txs []txgraph.Tx) [][]txgraph.Tx {
	txs = rapid.Permutation(txs).Draw(t, "order")
	var out [][]txgraph.Tx
	for len(txs) > 0 {
		n := rapid.IntRange(1, len(txs)).Draw(t, "chunk")
		out = append(out, txs[:n])
		txs = txs[n:]
	}
	return out
}

func TestAnyOrderGivesTheSameRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w world
		for range rapid.IntRange(1, 14).Draw(t, "txs") {
			w.grow(t)
		}
		heights := w.confirmable(t)
		var facts []txgraph.Tx
		var gone []chainhash.Hash
		for i, tx := range w.txs {
			seen := int64(rapid.IntRange(1, 5).Draw(t, "seen"))
			facts = append(facts, fact(tx, heights[tx.TxHash()], seen))
			if heights[tx.TxHash()] > 0 && rapid.Bool().Draw(t, "seen before") {
				facts = append(facts, fact(tx, 0, seen))
			}
			if rapid.IntRange(0, 5).Draw(t, "gone") == 0 {
				gone = append(gone, w.txs[i].TxHash())
			}
		}
		run := func() *book {
			b := newBook(ours)
			for _, chunk := range split(t, facts) {
				b.mustApply(t, txgraph.Update{Tip: 20, Txs: chunk})
			}
			for _, id := range rapid.Permutation(gone).Draw(t, "gone order") {
				b.mustApply(t, txgraph.Update{Tip: 20, Gone: []chainhash.Hash{id}})
			}
			checkMoney(t, b)
			return b
		}
		compareBooks(t, "two orders", run(), run())
	})
}

func (b *book) mustApply(t *rapid.T, u txgraph.Update) *txgraph.Changes {
	c, err := b.apply(u)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A life of a wallet: arrivals, confirmations, evictions, reorgs, the user's words. After
// every step the rows are what the facts alone give, and telling the step again changes nothing.
func TestRowsAreWhatTheFactsSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w world
		b := newBook(ours)
		tip := int32(1)
		confirmed := map[chainhash.Hash]int32{}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			u := step(t, &w, b, &tip, confirmed)
			b.mustApply(t, u)
			checkMoney(t, b)
			if again := b.mustApply(t, u); len(again.Coins) > 0 || again.Balance != (txgraph.Balance{}) {
				t.Fatalf("the same update twice changed %d coins and %+v", len(again.Coins), again.Balance)
			}
			fresh, err := b.rebuilt()
			if err != nil {
				t.Fatal(err)
			}
			compareBooks(t, "rebuilt", b, fresh)
		}
	})
}

func step(t *rapid.T, w *world, b *book, tip *int32, confirmed map[chainhash.Hash]int32) txgraph.Update {
	switch kind := rapid.IntRange(0, 5).Draw(t, "kind"); {
	case kind <= 1 || len(w.txs) == 0:
		var u txgraph.Update
		for range rapid.IntRange(1, 3).Draw(t, "new") {
			u.Txs = append(u.Txs, fact(w.grow(t), 0, int64(rapid.IntRange(1, 9).Draw(t, "seen"))))
		}
		u.Tip = *tip
		return u
	case kind == 2:
		return txgraph.Update{Tip: *tip, Gone: []chainhash.Hash{rapid.SampledFrom(w.txs).Draw(t, "gone").TxHash()}}
	case kind == 3 && *tip > 2:
		fork := int32(rapid.IntRange(1, int(*tip)-1).Draw(t, "fork"))
		*tip++
		for id, h := range confirmed {
			if h > fork {
				delete(confirmed, id)
			}
		}
		return txgraph.Update{Tip: *tip, Fork: &fork}
	case kind == 4:
		*tip++
		mined := coinbase(*tip, rapid.SampledFrom(targets).Draw(t, "miner"), 5000)
		w.txs = append(w.txs, mined)
		w.pool = append(w.pool, out(mined, 0))
		confirmed[mined.TxHash()] = *tip
		return txgraph.Update{Tip: *tip, Txs: []txgraph.Tx{fact(mined, *tip, 0)}}
	}
	return mine(t, w, tip, confirmed)
}

// mine confirms what the rules of the chain allow, in one block.
func mine(t *rapid.T, w *world, tip *int32, confirmed map[chainhash.Hash]int32) txgraph.Update {
	*tip += int32(rapid.IntRange(1, 120).Draw(t, "blocks"))
	spent := map[wire.OutPoint]bool{}
	known := map[chainhash.Hash]bool{}
	for _, tx := range w.txs {
		known[tx.TxHash()] = true
		if confirmed[tx.TxHash()] > 0 {
			for _, in := range tx.TxIn {
				spent[in.PreviousOutPoint] = true
			}
		}
	}
	u := txgraph.Update{Tip: *tip}
	for _, tx := range w.txs {
		id := tx.TxHash()
		ok := confirmed[id] == 0 && tx.TxIn[0].PreviousOutPoint.Index != wire.MaxPrevOutIndex && rapid.Bool().Draw(t, "mine")
		for _, in := range tx.TxIn {
			op := in.PreviousOutPoint
			ok = ok && !spent[op] && (!known[op.Hash] || confirmed[op.Hash] > 0)
		}
		if !ok {
			continue
		}
		for _, in := range tx.TxIn {
			spent[in.PreviousOutPoint] = true
		}
		confirmed[id] = *tip
		u.Txs = append(u.Txs, fact(tx, *tip, 0))
	}
	return u
}
