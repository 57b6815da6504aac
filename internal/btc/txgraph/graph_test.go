package txgraph_test

import (
	"fmt"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc/txgraph"
)

var ours = map[string]txgraph.Place{
	"r0": {Branch: 0, Index: 0}, "r1": {Branch: 0, Index: 1}, "r2": {Branch: 0, Index: 2},
	"c0": {Branch: 1, Index: 0}, "c1": {Branch: 1, Index: 1},
}

// foreign makes an outpoint that nobody knows.
func foreign(n int) wire.OutPoint {
	return wire.OutPoint{Hash: chainhash.HashH([]byte(fmt.Sprint("foreign", n)))}
}

type pay struct {
	to     string
	amount int64
}

func makeTx(ins []wire.OutPoint, outs ...pay) *wire.MsgTx {
	tx := wire.NewMsgTx(2)
	for _, op := range ins {
		tx.AddTxIn(&wire.TxIn{PreviousOutPoint: op, Sequence: wire.MaxTxInSequenceNum - 2})
	}
	for _, o := range outs {
		tx.AddTxOut(wire.NewTxOut(o.amount, []byte(o.to)))
	}
	return tx
}

func coinbase(height int32, to string, amount int64) *wire.MsgTx {
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Index: wire.MaxPrevOutIndex}, SignatureScript: []byte(fmt.Sprint(height)), Sequence: wire.MaxTxInSequenceNum})
	tx.AddTxOut(wire.NewTxOut(amount, []byte(to)))
	return tx
}

func blockAt(height int32) *txgraph.Block {
	return &txgraph.Block{Height: height, Hash: chainhash.HashH([]byte(fmt.Sprint("block", height))), Time: 1_000_000 + int64(height)*600}
}

// fact puts a transaction into a block (height > 0) or the mempool, seen at a second.
func fact(tx *wire.MsgTx, height int32, seen int64) txgraph.Tx {
	t := txgraph.Tx{ID: tx.TxHash(), Tx: tx, Head: txgraph.Head{Seen: seen}}
	if height > 0 {
		t.Head.Block = blockAt(height)
	}
	return t
}

func out(tx *wire.MsgTx, i uint32) wire.OutPoint { return wire.OutPoint{Hash: tx.TxHash(), Index: i} }

func must(t *testing.T, b *book, u txgraph.Update) *txgraph.Changes {
	t.Helper()
	c, err := b.apply(u)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func wantState(t *testing.T, b *book, tx *wire.MsgTx, want txgraph.State) {
	t.Helper()
	row, ok := b.rows[tx.TxHash()]
	if !ok || row.State != want {
		t.Errorf("state of %v: %v (row %v), want %v", tx.TxHash(), row.State, ok, want)
	}
}

func wantBalance(t *testing.T, b *book, want txgraph.Balance) {
	t.Helper()
	if b.balance != want {
		t.Errorf("balance %+v, want %+v", b.balance, want)
	}
}

func TestCategoriesAmountsAndFees(t *testing.T) {
	b := newBook(ours)
	fund := makeTx([]wire.OutPoint{foreign(1)}, pay{"r0", 1000}, pay{"x", 5})
	send := makeTx([]wire.OutPoint{out(fund, 0)}, pay{"alice", 300}, pay{"c0", 650})
	self := makeTx([]wire.OutPoint{out(send, 1)}, pay{"r1", 600})
	mixed := makeTx([]wire.OutPoint{out(self, 0), foreign(2)}, pay{"bob", 900}, pay{"r2", 500})
	mined := coinbase(4, "r1", 5000)
	must(t, b, txgraph.Update{Tip: 10, Txs: []txgraph.Tx{fact(mixed, 0, 50), fact(self, 3, 0), fact(mined, 4, 0), fact(send, 2, 0), fact(fund, 1, 0)}})
	for _, c := range []struct {
		tx     *wire.MsgTx
		cat    txgraph.Category
		amount btcutil.Amount
		fee    btcutil.Amount // -1: unknown
		addr   string
	}{
		{fund, txgraph.Receive, 1000, -1, "r0"},
		{send, txgraph.Send, -350, 50, "alice"},
		{self, txgraph.SelfTransfer, -50, 50, "r1"},
		{mixed, txgraph.Mixed, -100, -1, "r2"},
		{mined, txgraph.Generate, 5000, -1, "r1"},
	} {
		r := b.rows[c.tx.TxHash()]
		fee := btcutil.Amount(-1)
		if r.Fee != nil {
			fee = *r.Fee
		}
		if r.Category != c.cat || r.Amount != c.amount || fee != c.fee || r.Address != c.addr {
			t.Errorf("got %v %v fee %v %q, want %v %v fee %v %q", r.Category, r.Amount, fee, r.Address, c.cat, c.amount, c.fee, c.addr)
		}
	}
	wantBalance(t, b, txgraph.Balance{Pending: 500, Immature: 5000})
	if !b.rows[mixed.TxHash()].Replaceable || b.rows[fund.TxHash()].Replaceable {
		t.Error("replaceable is for pending transactions that signal it")
	}
}

func TestReplacementTakesTheCoinsAndItsDescendantsDie(t *testing.T) {
	b := newBook(ours)
	fund := makeTx([]wire.OutPoint{foreign(1)}, pay{"r0", 1000})
	first := makeTx([]wire.OutPoint{out(fund, 0)}, pay{"alice", 300}, pay{"c0", 690})
	child := makeTx([]wire.OutPoint{out(first, 1)}, pay{"r1", 680})
	second := makeTx([]wire.OutPoint{out(fund, 0)}, pay{"alice", 300}, pay{"c1", 600})
	must(t, b, txgraph.Update{Tip: 1, Txs: []txgraph.Tx{fact(fund, 1, 0), fact(first, 0, 10), fact(child, 0, 11)}})
	wantBalance(t, b, txgraph.Balance{Pending: 680})
	must(t, b, txgraph.Update{Tip: 1, Txs: []txgraph.Tx{fact(second, 0, 20)}})
	wantState(t, b, first, txgraph.Conflicted)
	wantState(t, b, child, txgraph.Conflicted)
	wantState(t, b, second, txgraph.Pending)
	if r := b.rows[child.TxHash()].ReplacedBy; r == nil || *r != second.TxHash() {
		t.Errorf("the child died of %v", r)
	}
	wantBalance(t, b, txgraph.Balance{Pending: 600})
	// The miner took the first one after all.
	must(t, b, txgraph.Update{Tip: 2, Txs: []txgraph.Tx{fact(first, 2, 10)}})
	wantState(t, b, second, txgraph.Conflicted)
	wantState(t, b, child, txgraph.Pending)
	wantBalance(t, b, txgraph.Balance{Pending: 680})
}

func TestEvictionFreesCoinsUntilItComesBack(t *testing.T) {
	b := newBook(ours)
	fund := makeTx([]wire.OutPoint{foreign(1)}, pay{"r0", 1000})
	send := makeTx([]wire.OutPoint{out(fund, 0)}, pay{"alice", 990})
	must(t, b, txgraph.Update{Tip: 1, Txs: []txgraph.Tx{fact(fund, 1, 0), fact(send, 0, 10)}})
	wantBalance(t, b, txgraph.Balance{})
	must(t, b, txgraph.Update{Tip: 1, Gone: []chainhash.Hash{send.TxHash(), fund.TxHash()}})
	wantState(t, b, send, txgraph.Dropped)
	wantState(t, b, fund, txgraph.Confirmed)
	wantBalance(t, b, txgraph.Balance{Confirmed: 1000})
	must(t, b, txgraph.Update{Tip: 1, Txs: []txgraph.Tx{fact(send, 0, 30)}})
	wantState(t, b, send, txgraph.Pending)
	wantBalance(t, b, txgraph.Balance{})
}

func TestReorgMakesBlocksAboveTheForkStale(t *testing.T) {
	b := newBook(ours)
	fund := makeTx([]wire.OutPoint{foreign(1)}, pay{"r0", 1000})
	mined := coinbase(5, "r1", 5000)
	spent := makeTx([]wire.OutPoint{out(fund, 0)}, pay{"r2", 900})
	must(t, b, txgraph.Update{Tip: 6, Txs: []txgraph.Tx{fact(fund, 4, 0), fact(mined, 5, 0), fact(spent, 6, 0)}})
	wantBalance(t, b, txgraph.Balance{Confirmed: 900, Immature: 5000})
	fork := int32(4)
	must(t, b, txgraph.Update{Tip: 7, Fork: &fork})
	wantState(t, b, mined, txgraph.Dropped)
	wantState(t, b, spent, txgraph.Pending)
	wantBalance(t, b, txgraph.Balance{Pending: 900})
	must(t, b, txgraph.Update{Tip: 8, Txs: []txgraph.Tx{fact(spent, 8, 0)}})
	wantBalance(t, b, txgraph.Balance{Confirmed: 900})
}

func TestCoinbaseMaturesAsInBitcoinCore(t *testing.T) {
	b := newBook(ours)
	must(t, b, txgraph.Update{Tip: 5, Txs: []txgraph.Tx{fact(coinbase(5, "r0", 5000), 5, 0)}})
	for _, c := range []struct {
		tip  int32
		want txgraph.Balance
	}{
		{104, txgraph.Balance{Immature: 5000}}, // 100 confirmations
		{105, txgraph.Balance{Confirmed: 5000}},
		{104, txgraph.Balance{Immature: 5000}}, // a reorg to a shorter chain
		{300, txgraph.Balance{Confirmed: 5000}},
	} {
		must(t, b, txgraph.Update{Tip: c.tip})
		wantBalance(t, b, c.want)
	}
}

func TestUnreadableFactIsOneBrokenRow(t *testing.T) {
	b := newBook(ours)
	fund := makeTx([]wire.OutPoint{foreign(1)}, pay{"r0", 1000})
	send := makeTx([]wire.OutPoint{out(fund, 0)}, pay{"alice", 300}, pay{"c0", 650})
	must(t, b, txgraph.Update{Tip: 1, Txs: []txgraph.Tx{fact(fund, 1, 0), fact(send, 0, 5)}})
	b.broken[send.TxHash()] = true
	must(t, b, txgraph.Update{Tip: 1, Recheck: []chainhash.Hash{send.TxHash()}})
	wantState(t, b, send, txgraph.Broken)
	wantBalance(t, b, txgraph.Balance{Pending: 650})
	must(t, b, txgraph.Update{Tip: 1, Recheck: []chainhash.Hash{send.TxHash()}, Txs: []txgraph.Tx{fact(send, 0, 5)}})
	wantState(t, b, send, txgraph.Pending)
	wantBalance(t, b, txgraph.Balance{Pending: 650})
}

func TestForeignTransactionHasNoRowUntilAScriptIsOurs(t *testing.T) {
	b := newBook(map[string]txgraph.Place{})
	tx := makeTx([]wire.OutPoint{foreign(1)}, pay{"r9", 1000})
	c := must(t, b, txgraph.Update{Tip: 1, Txs: []txgraph.Tx{fact(tx, 1, 0)}})
	if len(c.Unrelated) != 1 || len(b.rows) != 0 {
		t.Fatal("a foreign transaction got a row")
	}
	b.places = map[string]txgraph.Place{"r9": {Index: 9}}
	must(t, b, txgraph.Update{Tip: 1, Recheck: []chainhash.Hash{tx.TxHash()}})
	wantState(t, b, tx, txgraph.Confirmed)
	wantBalance(t, b, txgraph.Balance{Confirmed: 1000})
}

// One more transaction reads a handful of bodies, however many there are.
func TestCostDoesNotGrowWithHistory(t *testing.T) {
	b := newBook(ours)
	var all []txgraph.Tx
	last := makeTx([]wire.OutPoint{foreign(1)}, pay{"r0", 1_000_000})
	for i := range 500 {
		all = append(all, fact(last, int32(i+1), 0))
		last = makeTx([]wire.OutPoint{out(last, 0)}, pay{"r0", 1_000_000 - int64(i)})
	}
	must(t, b, txgraph.Update{Tip: 500, Txs: all})
	b.bodyReads = 0
	must(t, b, txgraph.Update{Tip: 501, Txs: []txgraph.Tx{fact(last, 501, 0)}})
	if b.bodyReads > 2 {
		t.Errorf("one new transaction read %d bodies", b.bodyReads)
	}
	wantState(t, b, last, txgraph.Confirmed)
}
