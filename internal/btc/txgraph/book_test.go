package txgraph_test

import (
	"slices"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc/txgraph"
)

// book is a Book in memory that also takes what Apply says, as a store does.
type book struct {
	tip       int32
	txs       map[chainhash.Hash]txgraph.Tx
	rows      map[chainhash.Hash]txgraph.Row
	coins     map[wire.OutPoint]txgraph.Coin
	places    map[string]txgraph.Place
	uses      map[txgraph.Place]txgraph.Use
	balance   txgraph.Balance
	frozen    map[wire.OutPoint]bool
	reserved  map[wire.OutPoint]bool
	broken    map[chainhash.Hash]bool
	bodyReads int
}

func newBook(places map[string]txgraph.Place) *book {
	return &book{txs: map[chainhash.Hash]txgraph.Tx{}, rows: map[chainhash.Hash]txgraph.Row{},
		coins: map[wire.OutPoint]txgraph.Coin{}, places: places, uses: map[txgraph.Place]txgraph.Use{},
		frozen: map[wire.OutPoint]bool{}, reserved: map[wire.OutPoint]bool{}, broken: map[chainhash.Hash]bool{}}
}

func (b *book) Tip() int32 { return b.tip }

func (b *book) Heads(ids []chainhash.Hash) (map[chainhash.Hash]txgraph.Head, error) {
	out := map[chainhash.Hash]txgraph.Head{}
	for _, id := range ids {
		if t, ok := b.txs[id]; ok {
			out[id] = t.Head
		}
	}
	return out, nil
}

func (b *book) Bodies(ids []chainhash.Hash) (map[chainhash.Hash]*wire.MsgTx, error) {
	out := map[chainhash.Hash]*wire.MsgTx{}
	for _, id := range ids {
		if t, ok := b.txs[id]; ok && !b.broken[id] {
			out[id] = t.Tx
			b.bodyReads++
		}
	}
	return out, nil
}

func (b *book) spends(match func(wire.OutPoint) bool) []txgraph.Spend {
	var out []txgraph.Spend
	for id, t := range b.txs {
		for _, in := range t.Tx.TxIn {
			if match(in.PreviousOutPoint) {
				out = append(out, txgraph.Spend{OutPoint: in.PreviousOutPoint, By: id})
			}
		}
	}
	return out
}

func (b *book) Spenders(ops []wire.OutPoint) ([]txgraph.Spend, error) {
	return b.spends(func(op wire.OutPoint) bool { return slices.Contains(ops, op) }), nil
}

func (b *book) Children(ids []chainhash.Hash) ([]txgraph.Spend, error) {
	return b.spends(func(op wire.OutPoint) bool { return slices.Contains(ids, op.Hash) }), nil
}

func (b *book) Above(height int32) ([]chainhash.Hash, error) {
	var out []chainhash.Hash
	for id, t := range b.txs {
		if t.Head.Block != nil && t.Head.Block.Height > height {
			out = append(out, id)
		}
	}
	return out, nil
}

func (b *book) Coins(ops []wire.OutPoint) (map[wire.OutPoint]txgraph.Coin, error) {
	out := map[wire.OutPoint]txgraph.Coin{}
	for _, op := range ops {
		if c, ok := b.coins[op]; ok {
			out[op] = c
		}
	}
	return out, nil
}

func (b *book) Flags([]wire.OutPoint) (frozen, reserved map[wire.OutPoint]bool, err error) {
	return b.frozen, b.reserved, nil
}

func (b *book) Places(scripts [][]byte) (map[string]txgraph.Place, error) {
	out := map[string]txgraph.Place{}
	for _, s := range scripts {
		if p, ok := b.places[string(s)]; ok {
			out[string(s)] = p
		}
	}
	return out, nil
}

func (b *book) Young(height int32) ([]txgraph.Coin, error) {
	var out []txgraph.Coin
	for _, c := range b.coins {
		if c.Coinbase && c.UTXO() && c.Height > height {
			out = append(out, c)
		}
	}
	return out, nil
}

// address names scripts of the tests: their text, unless they are data.
func address(script []byte) (string, bool) {
	return string(script), len(script) > 0 && script[0] != 'd'
}

// apply runs an update and writes what it says.
func (b *book) apply(u txgraph.Update) (*txgraph.Changes, error) {
	c, err := txgraph.Apply(b, u, address)
	if err != nil {
		return nil, err
	}
	for _, t := range c.Txs {
		if t.Tx == nil { // unreadable: the bytes stay what they are
			t.Tx = b.txs[t.ID].Tx
		}
		b.txs[t.ID] = t
	}
	for _, r := range c.Rows {
		if r.State == txgraph.Broken {
			old := b.rows[r.ID]
			old.ID, old.State = r.ID, r.State
			r = old
		}
		b.rows[r.ID] = r
	}
	for _, id := range c.Unrelated {
		delete(b.rows, id)
	}
	for _, coin := range c.Coins {
		b.coins[coin.OutPoint] = coin
	}
	for p, d := range c.Uses {
		u := b.uses[p]
		b.uses[p] = txgraph.Use{Coins: u.Coins + d.Coins, Amount: u.Amount + d.Amount}
	}
	b.balance = b.balance.Plus(c.Balance)
	b.tip = u.Tip
	return c, nil
}

// rebuilt forgets all rows and computes them again from the facts.
func (b *book) rebuilt() (*book, error) {
	n := newBook(b.places)
	n.frozen, n.reserved = b.frozen, b.reserved
	var u txgraph.Update
	u.Tip = b.tip
	var gone []chainhash.Hash
	for id, t := range b.txs {
		u.Txs = append(u.Txs, txgraph.Tx{ID: id, Tx: t.Tx, Head: txgraph.Head{Block: t.Head.Block, Seen: t.Head.Seen}})
		if t.Head.Gone {
			gone = append(gone, id)
		}
	}
	if _, err := n.apply(u); err != nil {
		return nil, err
	}
	_, err := n.apply(txgraph.Update{Tip: b.tip, Gone: gone})
	return n, err
}
