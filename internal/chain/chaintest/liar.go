package chaintest

import (
	"context"
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
)

// Liar is a Source in memory, with a chain that a test makes block by block. Nothing is
// validated: a test may put anything into it. Left alone it is honest and passes the suite; told
// to, it stalls, fails, forgets and lies. It is safe for concurrent use.
type Liar struct {
	mu      sync.Mutex
	changed chan struct{}
	closed  bool
	nonce   uint32
	chain   []liarBlock // from the genesis block on
	pool    []liarTx
	sent    []*wire.MsgTx    // what Broadcast took
	orphans []chainhash.Hash // of blocks that a Reorg took away

	fail    error                      // what every question answers
	stall   chan struct{}              // questions wait until it is closed; nil: they do not
	twist   func(*chain.Update)        // the lie
	refuse  func(tx *wire.MsgTx) error // of Broadcast and TestAccept
	feeRate btc.FeeRate
	full    map[string]bool // wallets of which the next Sync tells everything
}

type liarBlock struct {
	chain.Block
	txs []*wire.MsgTx
}

type liarTx struct {
	tx   *wire.MsgTx
	seen time.Time
}

// NewLiar makes a chain of a genesis block and some empty blocks.
func NewLiar(blocks int) *Liar {
	p := btc.Regtest.Params()
	l := &Liar{changed: make(chan struct{}, 1), full: map[string]bool{}}
	l.chain = []liarBlock{{Block: chain.Block{Hash: *p.GenesisHash, Time: p.GenesisBlock.Header.Timestamp.UTC()}}}
	for range blocks {
		l.mine(nil)
	}
	return l
}

// mine adds a block. The caller holds the lock, or nobody knows l yet.
func (l *Liar) mine(txs []*wire.MsgTx) chain.Block {
	l.nonce++
	tip := l.chain[len(l.chain)-1]
	b := chain.Block{Height: tip.Height + 1, Time: time.Now().Add(time.Duration(len(l.chain)) * time.Second).UTC().Truncate(time.Second)}
	if !b.Time.After(tip.Time) {
		b.Time = tip.Time.Add(time.Second)
	}
	b.Hash = chainhash.HashH([]byte{byte(l.nonce), byte(l.nonce >> 8), byte(l.nonce >> 16), byte(b.Height), byte(b.Height >> 8)})
	l.chain = append(l.chain, liarBlock{b, txs})
	return b
}

func isCoinbase(tx *wire.MsgTx) bool {
	return len(tx.TxIn) == 1 && tx.TxIn[0].PreviousOutPoint.Hash == chainhash.Hash{}
}

func (l *Liar) signal() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// Mine confirms the whole mempool in one block, followed by n-1 empty ones, and returns the tip.
func (l *Liar) Mine(n int) chain.Block {
	l.mu.Lock()
	defer l.mu.Unlock()
	var txs []*wire.MsgTx
	for _, p := range l.pool {
		txs = append(txs, p.tx)
	}
	l.pool = nil
	for range n {
		l.mine(txs)
		txs = nil
	}
	l.signal()
	return l.tip()
}

// MineTx makes a block of just these transactions; the mempool stays, less these.
func (l *Liar) MineTx(txs ...*wire.MsgTx) chain.Block {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, tx := range txs {
		l.drop(tx.TxHash())
	}
	b := l.mine(txs)
	l.signal()
	return b
}

// Add puts a transaction into the mempool, without a look at it. Those that spend the same coins
// leave.
func (l *Liar) Add(tx *wire.MsgTx) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(tx)
	l.signal()
}

func (l *Liar) add(tx *wire.MsgTx) {
	spends := map[wire.OutPoint]bool{}
	for _, in := range tx.TxIn {
		spends[in.PreviousOutPoint] = true
	}
	l.pool = slices.DeleteFunc(l.pool, func(p liarTx) bool {
		return slices.ContainsFunc(p.tx.TxIn, func(in *wire.TxIn) bool { return spends[in.PreviousOutPoint] })
	})
	l.pool = append(l.pool, liarTx{tx.Copy(), time.Now().UTC().Truncate(time.Second)})
}

// Evict takes a transaction out of the mempool.
func (l *Liar) Evict(id chainhash.Hash) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(id)
	l.signal()
}

func (l *Liar) drop(id chainhash.Hash) {
	l.pool = slices.DeleteFunc(l.pool, func(p liarTx) bool { return p.tx.TxHash() == id })
}

// Reorg replaces the newest depth blocks by depth+1 empty ones. With keep their transactions,
// but for coinbases, go back to the mempool.
func (l *Liar) Reorg(depth int, keep bool) chain.Block {
	l.mu.Lock()
	defer l.mu.Unlock()
	stale := l.chain[len(l.chain)-depth:]
	l.chain = slices.Clone(l.chain[:len(l.chain)-depth])
	for _, b := range stale {
		for _, tx := range b.txs {
			l.orphans = append(l.orphans, tx.TxHash())
			if keep && !isCoinbase(tx) {
				l.add(tx)
			}
		}
	}
	for range depth + 1 {
		l.mine(nil)
	}
	l.signal()
	return l.tip()
}

// Tip is the newest block.
func (l *Liar) Tip() chain.Block {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tip()
}

func (l *Liar) tip() chain.Block { return l.chain[len(l.chain)-1].Block }

// Sent lists what Broadcast took, in order.
func (l *Liar) Sent() []*wire.MsgTx {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.sent)
}

// Fail makes every question answer an error; nil ends that, and Changed receives.
func (l *Liar) Fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail = err
	if err == nil {
		l.signal()
	}
}

// Stall makes every question wait until the returned function is called or its context ends.
func (l *Liar) Stall() (release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	gate := make(chan struct{})
	l.stall = gate
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.stall == gate {
			l.stall = nil
		}
		close(gate)
	})
}

// Twist lets a test change each answer of Sync before it is given: the lie. nil: the truth.
func (l *Liar) Twist(f func(*chain.Update)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.twist = f
}

// Refuse makes Broadcast and TestAccept answer what f says; nil: what the pool says.
func (l *Liar) Refuse(f func(tx *wire.MsgTx) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuse = f
}

// SetFeeRate makes FeeRate answer a rate; 0: there is no estimate.
func (l *Liar) SetFeeRate(r btc.FeeRate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.feeRate = r
}

// enter waits out a stall and answers what stands against a question. The caller gets the lock
// when err is nil.
func (l *Liar) enter(ctx context.Context) error {
	for {
		l.mu.Lock()
		gate := l.stall
		switch {
		case ctx.Err() != nil:
			l.mu.Unlock()
			return ctx.Err()
		case l.closed:
			l.mu.Unlock()
			return errs.E(errs.Unavailable, "the source is closed")
		case gate == nil && l.fail != nil:
			err := l.fail
			l.mu.Unlock()
			return err
		case gate == nil:
			return nil
		}
		l.mu.Unlock()
		select {
		case <-gate:
		case <-ctx.Done():
		}
	}
}

// Changed implements chain.Source.
func (l *Liar) Changed() <-chan struct{} { return l.changed }

// Close implements chain.Source.
func (l *Liar) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return nil
}

// Reopen closes the source and gives its world to another one, without its commands.
func (l *Liar) Reopen(t testing.TB) *Liar {
	t.Helper()
	_ = l.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	return &Liar{
		changed: make(chan struct{}, 1), nonce: l.nonce, chain: slices.Clone(l.chain), pool: slices.Clone(l.pool),
		orphans: slices.Clone(l.orphans), full: map[string]bool{}, feeRate: l.feeRate,
	}
}

// amountOf finds the value of an output anywhere in the world; ok is false when there is none.
func (l *Liar) amountOf(op wire.OutPoint) (out *wire.TxOut, ok bool) {
	look := func(tx *wire.MsgTx) bool {
		if tx.TxHash() == op.Hash && int(op.Index) < len(tx.TxOut) {
			out, ok = tx.TxOut[op.Index], true
		}
		return ok
	}
	for _, b := range l.chain {
		if slices.ContainsFunc(b.txs, look) {
			return out, true
		}
	}
	for _, p := range l.pool {
		if look(p.tx) {
			return out, true
		}
	}
	return nil, false
}

// payment makes a transaction out of nowhere that pays a script.
func (l *Liar) payment(script []byte, amount btcutil.Amount) *wire.MsgTx {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nonce++
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: chainhash.HashH([]byte{'p', byte(l.nonce), byte(l.nonce >> 8), byte(l.nonce >> 16)})}})
	tx.AddTxOut(wire.NewTxOut(int64(amount), script))
	return tx
}

// Pay puts a payment out of nowhere into the mempool and returns it.
func (l *Liar) Pay(script []byte, amount btcutil.Amount) *wire.MsgTx {
	tx := l.payment(script, amount)
	l.Add(tx)
	return tx
}
