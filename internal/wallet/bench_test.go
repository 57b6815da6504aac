package wallet_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/errs"
	"specter/internal/raced"
	"specter/internal/store"
	"specter/internal/wallet"
)

// crowd is a node whose wallet has any number of transactions, made up by a generator: most
// receive to fresh addresses, every fifth spends an earlier coin of ours with change. It tells
// them all when it is asked for the first time, and those that came since later.
type crowd struct {
	mu    sync.Mutex
	txs   []chain.Tx
	coins []wire.OutPoint
	used  [2]uint32
	keys  []chain.Keychain
}

const crowdStart = 1_600_000_000

func crowdBlock(height int32) *chain.Block {
	return &chain.Block{Height: height, Hash: chainhash.HashH([]byte(fmt.Sprint("crowd", height))), Time: time.Unix(crowdStart+int64(height)*600, 0)}
}

// grow adds n transactions, ten to a block. Addresses are used several times each, so that
// deriving them is not what is measured.
func (c *crowd) grow(tb testing.TB, n int, amount int64) {
	tb.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	script := func(branch, index uint32) []byte {
		s, err := c.keys[branch].Script(index)
		if err != nil {
			tb.Fatal(err)
		}
		c.used[branch] = max(c.used[branch], index)
		return s
	}
	for range n {
		i := len(c.txs)
		tx := wire.NewMsgTx(2)
		var foreign chainhash.Hash
		binary.LittleEndian.PutUint64(foreign[:], uint64(i)+1)
		if i%5 == 4 {
			tx.AddTxIn(&wire.TxIn{PreviousOutPoint: c.coins[0], Sequence: wire.MaxTxInSequenceNum - 2, Witness: wire.TxWitness{make([]byte, 72), make([]byte, 33)}})
			c.coins = c.coins[1:]
			tx.AddTxOut(wire.NewTxOut(amount/3, btc.WitnessScript(0, foreign[:20])))
			tx.AddTxOut(wire.NewTxOut(amount/2, script(1, uint32(i/5)%500)))
			c.coins = append(c.coins, wire.OutPoint{Hash: tx.TxHash(), Index: 1})
		} else {
			tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: foreign}, Witness: wire.TxWitness{make([]byte, 72), make([]byte, 33)}})
			tx.AddTxOut(wire.NewTxOut(amount+int64(i), script(0, uint32(i)%1000)))
			tx.AddTxOut(wire.NewTxOut(amount, btc.WitnessScript(0, foreign[:20])))
			c.coins = append(c.coins, wire.OutPoint{Hash: tx.TxHash(), Index: 0})
		}
		b := crowdBlock(int32(i/10) + 1)
		c.txs = append(c.txs, chain.Tx{Tx: tx, Block: b, Seen: b.Time})
	}
}

func (c *crowd) tip() int32 { return int32(len(c.txs)/10) + 1 }

func (c *crowd) Sync(_ context.Context, r chain.Request) (chain.Update, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := chain.Update{Tip: *crowdBlock(c.tip()), Used: map[string]uint32{"0": c.used[0], "1": c.used[1]}}
	from := int32(0)
	if len(r.From) > 0 {
		from = r.From[0].Height
	}
	for _, t := range c.txs {
		if t.Block.Height >= from {
			u.Txs = append(u.Txs, t)
		}
	}
	return u, nil
}

func (c *crowd) Changed() <-chan struct{} { return nil }
func (c *crowd) Tx(context.Context, chainhash.Hash) (*wire.MsgTx, error) {
	return nil, errs.E(errs.NotFound, "not here")
}
func (c *crowd) Broadcast(context.Context, *wire.MsgTx) error      { return nil }
func (c *crowd) FeeRate(context.Context, int) (btc.FeeRate, error) { return btc.SatPerVB(5), nil }
func (c *crowd) Close() error                                      { return nil }
func (c *crowd) Status(context.Context) (chain.Status, error) {
	return chain.Status{Network: btc.Regtest, Tip: *crowdBlock(c.tip()), Synced: true}, nil
}

// crowded makes a 2-of-3 wallet on a crowd of n transactions, not synced yet.
func crowded(tb testing.TB, n int, amount int64) (*wallet.Service, *crowd, wallet.Ref) {
	tb.Helper()
	db, err := store.Open(context.Background(), freshFile(tb))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	c := &crowd{}
	s := wallet.New(wallet.Config{Store: db, Sources: &switchable{source: c}, UID: "0011", FeeRate: c.FeeRate})
	w := wallet.NewWallet{Name: "Crowd", ScriptType: "wsh", Threshold: 2, ScanAll: true}
	for _, p := range people {
		w.Keys = append(w.Keys, expression(p, "wsh"))
	}
	r, err := s.Create(context.Background(), admin, btc.Regtest, w)
	if err != nil {
		tb.Fatal(err)
	}
	d, err := parse(r.Descriptor)
	if err != nil {
		tb.Fatal(err)
	}
	for b := range 2 {
		branch, err := d.Branch(b)
		if err != nil {
			tb.Fatal(err)
		}
		known := map[uint32][]byte{}
		c.keys = append(c.keys, chain.Keychain{Script: func(i uint32) ([]byte, error) {
			if known[i] == nil {
				out, err := branch.Derive(i)
				if err != nil {
					return nil, err
				}
				known[i] = out.Script
			}
			return known[i], nil
		}})
	}
	c.grow(tb, n, amount)
	return s, c, r.Ref()
}

func mustSync(tb testing.TB, s *wallet.Service, ref wallet.Ref) {
	tb.Helper()
	if err := s.Sync(context.Background(), ref); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkFirstSync10k copies 10,000 transactions of a node into a fresh database.
func BenchmarkFirstSync10k(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		s, _, ref := crowded(b, 10_000, 100_000)
		b.StartTimer()
		mustSync(b, s, ref)
	}
}

// BenchmarkNewTransaction applies one new transaction to a wallet that has many.
func BenchmarkNewTransaction(b *testing.B) {
	for _, n := range []int{100, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, c, ref := crowded(b, n, 100_000)
			mustSync(b, s, ref)
			for b.Loop() {
				b.StopTimer()
				c.grow(b, 1, 100_000)
				b.StartTimer()
				mustSync(b, s, ref)
			}
		})
	}
}

// BenchmarkHistoryPage100k reads pages of 100 rows at 100,000 transactions, the first, a deep
// one, sorted, filtered and searched, and reports the 95th percentile.
func BenchmarkHistoryPage100k(b *testing.B) {
	s, c, ref := crowded(b, 100_000, 100_000)
	mustSync(b, s, ref)
	some := c.txs[77_777].Tx.TxHash().String()
	for _, q := range []struct {
		name string
		q    wallet.Query
	}{
		{"first", wallet.Query{}}, {"page 900", wallet.Query{Page: 900}}, {"by amount", wallet.Query{Sort: "amount"}}, {"by amount page 500", wallet.Query{Sort: "amount", Page: 500, Desc: true}},
		{"by label", wallet.Query{Sort: "label"}}, {"sent", wallet.Query{Filter: "send"}}, {"sent page 150", wallet.Query{Filter: "send", Page: 150}}, {"unconfirmed", wallet.Query{Filter: "unconfirmed"}},
		{"txid", wallet.Query{Search: some}}, {"part of txid", wallet.Query{Search: some[10:18]}}, {"every address", wallet.Query{Search: "bcrt1q"}}, {"part of address", wallet.Query{Search: stranger(1)[:12]}}, {"more than", wallet.Query{Search: "> 0.001"}}, {"day", wallet.Query{Search: "2020-10-10"}},
	} {
		q.q.Size = 100
		b.Run(q.name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				begin := time.Now()
				if _, err := s.History(context.Background(), ref, q.q); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(begin))
			}
			reportP95(b, took)
		})
	}
	b.Run("all wallets", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.HistoryAll(context.Background(), admin, btc.Regtest, wallet.Query{Size: 100}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("list of wallets", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.List(context.Background(), admin, btc.Regtest); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("coins", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Coins(context.Background(), ref, wallet.Query{Filter: "unspent", Size: 100}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func reportP95(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
}

// BenchmarkDraft5000Coins plans, stores and deletes a draft over a wallet of 5,000 coins, one
// that takes few of them and one that takes many.
func BenchmarkDraft5000Coins(b *testing.B) {
	s, _, ref := crowded(b, 5_000*5/4+8, 100_000)
	mustSync(b, s, ref)
	if p, err := s.Coins(context.Background(), ref, wallet.Query{Filter: "free"}); err != nil || p.Total < 5_000 {
		b.Fatalf("%d coins, %v", p.Total, err)
	}
	for name, amount := range map[string]btcutil.Amount{"few": 1_000_000, "many": 30_000_000} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				d, err := s.NewDraft(context.Background(), ref, wallet.SpendRequest{FeeRate: btc.SatPerVB(2), Recipients: []wallet.Recipient{{Address: stranger(1), Amount: amount}}})
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := s.DeleteDraft(context.Background(), ref, d.ID); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(d.Inputs)), "inputs")
				b.StartTimer()
			}
		})
	}
}

// What the generator makes is what the wallet shows, at a size that tests can afford.
func TestCrowdIsCountedRight(t *testing.T) {
	n := raced.Some(1_200, 300)
	s, c, ref := crowded(t, n, 100_000)
	mustSync(t, s, ref)
	var want btcutil.Amount
	for _, op := range c.coins {
		for _, tx := range c.txs {
			if tx.Tx.TxHash() == op.Hash {
				want += btcutil.Amount(tx.Tx.TxOut[op.Index].Value)
			}
		}
	}
	h := &house{t: t, s: s}
	h.check(ref)
	if r := h.get(ref); r.Balance.Confirmed != want || r.TxCount != n {
		t.Errorf("balance %+v, want %d, %d rows", r.Balance, want, r.TxCount)
	}
	c.grow(t, 7, 100_000)
	mustSync(t, s, ref)
	h.check(ref)
}
