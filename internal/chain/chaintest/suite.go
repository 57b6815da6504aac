package chaintest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/chain"
)

const coin = btcutil.SatoshiPerBitcoin

// Run puts a source through everything that the contract in package chain promises. open is
// called once per behaviour; it may hand out the same world each time.
func Run(t *testing.T, open Open) {
	for _, b := range []struct {
		name string
		test func(*bench)
	}{
		{"status tells the world's tip", statusTells},
		{"an unused wallet has no transactions", unusedWallet},
		{"a payment is told unconfirmed, then confirmed", paymentConfirms},
		{"asking twice gives the same answer", askingTwice},
		{"the past is found without a birthday", findsThePast},
		{"the gap limit moves with each used address", gapMoves},
		{"an address far ahead is watched when it is handed out", farAhead},
		{"spends and change are told", spendsAreTold},
		{"a spend to nothing but change is told", changeOnly},
		{"a payment between wallets is told to both", betweenWallets},
		{"a reorg tells the fork and what became of the transactions", reorgKeeps},
		{"a reorg that drops a transaction tells it gone", reorgDrops},
		{"a ten block reorg leaves nothing wrong", deepReorg},
		{"a mined coin is told, and gone when its block is", coinbase},
		{"an evicted transaction is gone", eviction},
		{"blocks of another chain are a fork at the genesis", otherChain},
		{"news are noticed within two seconds", noticed},
		{"a closed and opened source goes on", reopens},
		{"the other side may go away and come back", awayAndBack},
		{"transactions are found by id", txByID},
		{"a bad transaction is refused with the reason", refusals},
		{"a broadcast may be repeated", broadcastAgain},
		{"a feerate is sane or unavailable", feeRates},
		{"the height of a time is found", heightAt},
		{"a transaction is proved to be in its block", proves},
		{"headers are told and hold to the rules", tellsHeaders},
		{"a rescan makes the next sync tell everything", rescans},
		{"what was forgotten is made again", forgets},
		{"many questions at once are answered", concurrent},
		{"a cancelled question ends", cancelled},
	} {
		t.Run(b.name, func(t *testing.T) {
			h := open(t)
			b.test(&bench{T: t, h: h, src: h.Source(), w: NewWallet(t, t.Name())})
		})
	}
}

// bench is one behaviour's table: a world, its source and a wallet of its own.
type bench struct {
	*testing.T
	h   Harness
	src chain.Source
	w   *Wallet
}

func (b *bench) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	b.Cleanup(cancel)
	return ctx
}

// sync asks and holds the answer to what every answer must be.
func (b *bench) sync(r chain.Request) chain.Update {
	b.Helper()
	u, err := b.src.Sync(b.ctx(), r)
	if err != nil {
		b.Fatalf("Sync: %v", err)
	}
	b.check(r, u)
	return u
}

func (b *bench) check(r chain.Request, u chain.Update) {
	b.Helper()
	seen := map[chainhash.Hash]bool{}
	for _, tx := range u.Txs {
		id := tx.Tx.TxHash()
		if seen[id] {
			b.Errorf("%s is told twice", id)
		}
		seen[id] = true
		if tx.Block != nil && (tx.Block.Height < 1 || tx.Block.Height > u.Tip.Height || tx.Block.Time.IsZero()) {
			b.Errorf("%s is in the strange block %v (tip %d)", id, *tx.Block, u.Tip.Height)
		}
	}
	for _, id := range u.Gone {
		if seen[id] {
			b.Errorf("%s is told and gone at once", id)
		}
	}
	if u.Tip.Hash == (chainhash.Hash{}) || u.Tip.Time.IsZero() {
		b.Errorf("the tip is not told: %v", u.Tip)
	}
}

// settled asks until the answer is as wanted; the other side may need a moment to hear of news.
func (b *bench) settled(r chain.Request, want func(chain.Update) bool) chain.Update {
	b.Helper()
	var u chain.Update
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if u = b.sync(r); want(u) {
			return u
		}
	}
	b.Fatalf("the answer stays wrong: tip %d %s, fork %v, txs %s, gone %v, used %v", u.Tip.Height, u.Tip.Hash, u.Fork, told(u), u.Gone, u.Used)
	return u
}

// synced asks until the answer is of the world's tip.
func (b *bench) synced(r chain.Request) chain.Update {
	b.Helper()
	tip := b.h.Tip(b.T)
	return b.settled(r, func(u chain.Update) bool { return u.Tip.Hash == tip.Hash })
}

func find(u chain.Update, id chainhash.Hash) *chain.Tx {
	for i := range u.Txs {
		if u.Txs[i].Tx.TxHash() == id {
			return &u.Txs[i]
		}
	}
	return nil
}

// pending and confirmed are what an answer must say of a transaction.
func pending(id chainhash.Hash) func(chain.Update) bool {
	return func(u chain.Update) bool { tx := find(u, id); return tx != nil && tx.Block == nil }
}

func confirmed(id chainhash.Hash) func(chain.Update) bool {
	return func(u chain.Update) bool { tx := find(u, id); return tx != nil && tx.Block != nil }
}

func gone(id chainhash.Hash) func(chain.Update) bool {
	return func(u chain.Update) bool { return slices.Contains(u.Gone, id) && find(u, id) == nil }
}

func told(u chain.Update) string {
	s := "["
	for _, tx := range u.Txs {
		s += tx.Tx.TxHash().String()[:8]
		if tx.Block == nil {
			s += "(pending)"
		}
		s += " "
	}
	return s + "]"
}

// pay sends to an address of the wallet.
func (b *bench) pay(branch, index uint32, amount btcutil.Amount) chainhash.Hash {
	b.Helper()
	return b.h.Pay(b.T, b.w.Script(branch, index), amount)
}

// fund pays an address, mines it, syncs and returns the coin and the tip.
func (b *bench) fund(branch, index uint32, amount btcutil.Amount) (Coin, chain.Block) {
	b.Helper()
	id := b.pay(branch, index, amount)
	b.h.Mine(b.T, 1)
	u := b.settled(b.w.Request(), confirmed(id))
	return b.w.CoinOf(b.T, find(u, id).Tx, branch, index), u.Tip
}

func statusTells(b *bench) {
	st, err := b.src.Status(b.ctx())
	if err != nil {
		b.Fatal(err)
	}
	tip := b.h.Tip(b.T)
	if st.Network != b.h.Network() || st.Tip.Hash != tip.Hash || st.Tip.Height != tip.Height || !st.Synced || st.Version == "" {
		b.Errorf("status %+v, the world's tip is %v", st, tip)
	}
	if st.Tip.Time.IsZero() || st.Headers < st.Tip.Height || st.PrunedTo > st.Tip.Height {
		b.Errorf("strange status %+v", st)
	}
}

func unusedWallet(b *bench) {
	u := b.synced(b.w.Request())
	if len(u.Txs) != 0 || len(u.Gone) != 0 || len(u.Used) != 0 || u.Fork != nil {
		b.Errorf("something was told of an unused wallet: %+v", u)
	}
	if again := b.sync(b.w.Request(u.Tip)); len(again.Txs) != 0 || again.Fork != nil {
		b.Errorf("something was told of an unused wallet: %+v", again)
	}
}

func paymentConfirms(b *bench) {
	start := b.synced(b.w.Request()).Tip
	id := b.pay(0, 3, coin/10)
	u := b.settled(b.w.Request(start), pending(id))
	if u.Used["0"] != 3 || len(u.Used) != 1 || len(u.Txs) != 1 {
		b.Errorf("told %s, used %v; want one transaction and index 3", told(u), u.Used)
	}
	if c := b.w.CoinOf(b.T, find(u, id).Tx, 0, 3); c.Amount != coin/10 {
		b.Errorf("amount %v", c.Amount)
	}
	b.h.Mine(b.T, 1)
	tip := b.h.Tip(b.T)
	r := b.w.Request(start)
	r.Unconfirmed = []chainhash.Hash{id}
	u = b.settled(r, confirmed(id))
	if block := find(u, id).Block; block.Hash != tip.Hash || block.Height != tip.Height || !block.Time.Equal(tip.Time) {
		b.Errorf("confirmed in %v, want %v", *block, tip)
	}
	if u.Tip.Hash != tip.Hash || u.Fork != nil || len(u.Gone) != 0 {
		b.Errorf("update %+v", u)
	}
	b.h.Mine(b.T, 2)
	if u = b.synced(b.w.Request(u.Tip)); len(u.Txs) != 0 {
		b.Errorf("blocks without us brought %s", told(u))
	}
}

func askingTwice(b *bench) {
	b.fund(0, 0, coin)
	id := b.pay(1, 1, coin/2)
	one := b.settled(b.w.Request(), pending(id))
	two := b.sync(b.w.Request())
	key := func(u chain.Update) []string {
		var out []string
		for _, tx := range u.Txs {
			s := tx.Tx.TxHash().String() + tx.Tx.WitnessHash().String()
			if tx.Block != nil {
				s += tx.Block.Hash.String() + tx.Block.Time.String()
			}
			out = append(out, s)
		}
		slices.Sort(out)
		return out
	}
	if !slices.Equal(key(one), key(two)) || one.Tip != two.Tip || len(one.Txs) != 2 {
		b.Errorf("first %s, then %s", told(one), told(two))
	}
	if two.Used["0"] != 0 || two.Used["1"] != 1 || len(two.Used) != 2 {
		b.Errorf("used %v", two.Used)
	}
}

func findsThePast(b *bench) {
	var ids []chainhash.Hash
	for i := range uint32(5) {
		ids = append(ids, b.pay(i%2, i, coin/100))
		b.h.Mine(b.T, 1)
	}
	calls := 0
	r := b.w.Request()
	r.Progress = func(done, total int) {
		calls++
		if done < 0 || total < 0 || done > total {
			b.Errorf("progress %d of %d", done, total)
		}
	}
	u := b.synced(r)
	for _, id := range ids {
		if !confirmed(id)(u) {
			b.Errorf("%s was not found", id)
		}
	}
	if u.Used["0"] != 4 || u.Used["1"] != 3 {
		b.Errorf("used %v, want 4 and 3", u.Used)
	}
}

func gapMoves(b *bench) {
	var last chainhash.Hash
	for _, i := range []uint32{15, 34, 53, 72} { // each within 20 of the one before
		last = b.pay(0, i, coin/100)
		b.h.Mine(b.T, 1)
	}
	u := b.settled(b.w.Request(), confirmed(last))
	if len(u.Txs) != 4 || u.Used["0"] != 72 {
		b.Errorf("told %s, used %v; want four transactions and index 72", told(u), u.Used)
	}
}

func farAhead(b *bench) {
	tip := b.synced(b.w.Request()).Tip
	b.w.Next[0] = 2500
	tip = b.sync(b.w.Request(tip)).Tip
	id := b.pay(0, 2499, coin/100)
	if u := b.settled(b.w.Request(tip), pending(id)); u.Used["0"] != 2499 {
		b.Errorf("used %v", u.Used)
	}
	b.h.Mine(b.T, 1)
	b.settled(b.w.Request(tip), confirmed(id))
}

func spendsAreTold(b *bench) {
	c, tip := b.fund(0, 0, coin)
	tx := b.w.Spend(b.T, c, Foreign(1), 2000)
	b.send(tx)
	b.settled(b.w.Request(tip), pending(tx.TxHash()))
	b.h.Mine(b.T, 1)
	u := b.settled(b.w.Request(tip), confirmed(tx.TxHash()))
	if find(u, tx.TxHash()).Tx.WitnessHash() != tx.WitnessHash() {
		b.Error("the transaction is another one than was sent")
	}
}

// send tests a transaction and broadcasts it.
func (b *bench) send(tx *wire.MsgTx) {
	b.Helper()
	if a, ok := b.src.(chain.Accepter); ok {
		if err := a.TestAccept(b.ctx(), tx); err != nil {
			b.Fatalf("TestAccept: %v", err)
		}
	}
	if err := b.src.Broadcast(b.ctx(), tx); err != nil {
		b.Fatalf("Broadcast: %v", err)
	}
}

func changeOnly(b *bench) {
	c, tip := b.fund(0, 0, coin)
	tx := b.w.Spend(b.T, c, b.w.Script(1, 0), 2000)
	b.send(tx)
	if u := b.settled(b.w.Request(tip), pending(tx.TxHash())); u.Used["1"] != 0 || len(u.Used) != 1 {
		b.Errorf("used %v, want change index 0", u.Used)
	}
}

func betweenWallets(b *bench) {
	other := NewWallet(b.T, b.Name()+" other")
	c, tip := b.fund(0, 0, coin)
	b.sync(other.Request(tip))
	tx := b.w.Spend(b.T, c, other.Script(0, 7), 2000)
	b.send(tx)
	b.settled(b.w.Request(tip), pending(tx.TxHash()))
	if u := b.settled(other.Request(tip), pending(tx.TxHash())); len(u.Txs) != 1 || u.Used["0"] != 7 {
		b.Errorf("the other wallet was told %s, used %v", told(u), u.Used)
	}
	if u := b.sync(other.Request()); find(u, c.OutPoint.Hash) != nil {
		b.Error("the other wallet was told of what does not concern it")
	}
}

func reorgKeeps(b *bench) {
	start := b.synced(b.w.Request()).Tip
	id := b.pay(0, 0, coin)
	b.h.Mine(b.T, 2)
	before := b.settled(b.w.Request(start), confirmed(id))
	b.h.Reorg(b.T, 2, true)
	u := b.settled(b.w.Request(before.Tip, *find(before, id).Block, start), pending(id))
	if u.Fork == nil || u.Fork.Hash != start.Hash || u.Fork.Height != start.Height {
		b.Fatalf("fork %v, want %v", u.Fork, start)
	}
	b.h.Mine(b.T, 1)
	tip := b.h.Tip(b.T)
	r := b.w.Request(u.Tip)
	r.Unconfirmed = []chainhash.Hash{id}
	if u = b.settled(r, confirmed(id)); find(u, id).Block.Hash != tip.Hash || u.Fork != nil {
		b.Errorf("confirmed again in %v with fork %v, want %v and none", *find(u, id).Block, u.Fork, tip)
	}
}

func reorgDrops(b *bench) {
	start := b.synced(b.w.Request()).Tip
	id := b.pay(0, 0, coin)
	b.h.Mine(b.T, 1)
	before := b.settled(b.w.Request(start), confirmed(id))
	b.h.Reorg(b.T, 1, false)
	u := b.settled(b.w.Request(before.Tip, start), gone(id))
	if u.Fork == nil || u.Fork.Hash != start.Hash {
		b.Errorf("fork %v, want %v", u.Fork, start)
	}
}

func deepReorg(b *bench) {
	start := b.synced(b.w.Request()).Tip
	from := []chain.Block{start}
	var ids []chainhash.Hash
	for i := range uint32(10) {
		ids = append(ids, b.pay(0, i, coin/100))
		b.h.Mine(b.T, 1)
		from = slices.Insert(from, 0, b.h.Tip(b.T))
	}
	b.settled(b.w.Request(start), confirmed(ids[9]))
	b.h.Reorg(b.T, 10, true)
	tip := b.h.Tip(b.T)
	u := b.settled(b.w.Request(from...), func(u chain.Update) bool { return u.Tip.Hash == tip.Hash && pending(ids[9])(u) })
	if u.Fork == nil || u.Fork.Hash != start.Hash {
		b.Errorf("fork %v, want %v", u.Fork, start)
	}
	for i, id := range ids {
		if !pending(id)(u) {
			b.Errorf("payment %d is not told as pending", i)
		}
	}
	b.h.Mine(b.T, 1)
	r := b.w.Request(u.Tip)
	r.Unconfirmed = ids
	u = b.settled(r, confirmed(ids[0]))
	for i, id := range ids {
		if !confirmed(id)(u) {
			b.Errorf("payment %d is not confirmed again", i)
		}
	}
}

func coinbase(b *bench) {
	start := b.synced(b.w.Request()).Tip
	b.h.MineTo(b.T, b.w.Script(0, 2))
	u := b.synced(b.w.Request(start))
	if len(u.Txs) != 1 || u.Txs[0].Block == nil || u.Used["0"] != 2 {
		b.Fatalf("told %s, used %v; want the coinbase and index 2", told(u), u.Used)
	}
	id := u.Txs[0].Tx.TxHash()
	b.h.Reorg(b.T, 1, true)
	b.settled(b.w.Request(u.Tip, start), gone(id))
}

func eviction(b *bench) {
	tip := b.synced(b.w.Request()).Tip
	id := b.pay(0, 0, coin)
	b.settled(b.w.Request(tip), pending(id))
	r := b.w.Request(tip)
	r.Unconfirmed = []chainhash.Hash{id}
	if u := b.sync(r); len(u.Gone) != 0 {
		b.Errorf("gone too early: %v", u.Gone)
	}
	b.h.Evict(b.T, id)
	b.settled(r, gone(id))
	b.h.Mine(b.T, 1)
	b.settled(r, gone(id))
	never := chainhash.HashH([]byte("never heard of"))
	r.Unconfirmed = []chainhash.Hash{never}
	b.settled(r, gone(never))
}

func otherChain(b *bench) {
	id := b.pay(0, 0, coin)
	b.h.Mine(b.T, 1)
	b.settled(b.w.Request(), confirmed(id))
	tip := b.h.Tip(b.T)
	strange := chain.Block{Height: tip.Height - 1, Hash: chainhash.HashH([]byte("another chain")), Time: tip.Time}
	u := b.sync(b.w.Request(strange))
	if u.Fork == nil || u.Fork.Height != 0 || u.Fork.Hash != *b.h.Network().Params().GenesisHash {
		b.Errorf("fork %v, want the genesis block", u.Fork)
	}
	if !confirmed(id)(u) {
		b.Errorf("the wallet's transactions are not told: %s", told(u))
	}
}
