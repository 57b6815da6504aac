// Package demo is a real regtest chain inside the process: btcd's block chain, mempool and
// block templates validate everything that Bitcoin's consensus and standard policy ask for.
// The demo command, and most tests, run on it. It mines, pays from a faucet, reorganises and
// evicts on command.
//
// It is a working thing, not a fake: only peers and proof of work worth the name are missing.
package demo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/database"
	_ "github.com/btcsuite/btcd/database/ffldb" // the driver that stores blocks
	"github.com/btcsuite/btcd/mempool"
	"github.com/btcsuite/btcd/mining"
	"github.com/btcsuite/btcd/txscript/v2"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/errs"
)

// Options say how a chain is opened. The zero value is a chain of 130 blocks by the system's clock.
type Options struct {
	Now     func() time.Time // clock of blocks and mempool; nil: time.Now
	Premine int              // blocks mined for the faucet when the chain is new; 0: 130, negative: none
}

const (
	defaultPremine = 130              // eleven coinbases of 50 BTC are old enough then
	blockSpacing   = 10 * time.Minute // between the premined blocks, which lie in the past
	minRelay       = btc.FeeRate(1_000)
	utxoCache      = 50 << 20 // bytes
)

// Chain is the demo chain, a chain.Source. It is safe for concurrent use.
type Chain struct {
	params *chaincfg.Params
	now    func() time.Time
	dir    string
	temp   bool // dir is ours and goes with Close
	db     database.DB
	chain  *blockchain.BlockChain

	mu      sync.Mutex
	closed  bool
	fixed   time.Time // while blocks of the past are mined; zero: the clock counts
	pool    *mempool.TxPool
	full    *mining.BlkTmplGenerator // templates with the mempool's transactions
	empty   *mining.BlkTmplGenerator // templates with none
	nonce   uint64                   // extra nonce, never used twice: a block mined again after a reorg is another one
	faucet  wallet
	index   index
	watched map[string]*watch
	changed chan struct{}

	scriptMu sync.Mutex
	scripts  map[string][][]byte // derived so far, by descriptor
}

var (
	_ chain.Source       = (*Chain)(nil)
	_ chain.Accepter     = (*Chain)(nil)
	_ chain.Rescanner    = (*Chain)(nil)
	_ chain.Forgetter    = (*Chain)(nil)
	_ chain.HeightFinder = (*Chain)(nil)
)

// Open opens the chain in a folder, or, when dir is empty, a fresh one that Close removes.
func Open(dir string, o Options) (*Chain, error) {
	c := &Chain{
		params: &chaincfg.RegressionNetParams, now: o.Now,
		watched: map[string]*watch{}, scripts: map[string][][]byte{}, changed: make(chan struct{}, 1),
	}
	if c.now == nil {
		c.now = time.Now
	}
	if err := c.openDatabase(dir); err != nil {
		return nil, fmt.Errorf("open the demo chain: %w", err)
	}
	if err := c.start(o); err != nil {
		return nil, fmt.Errorf("open the demo chain: %w", errors.Join(err, c.Close()))
	}
	return c, nil
}

func (c *Chain) openDatabase(dir string) error {
	var err error
	c.dir, c.temp = dir, dir == ""
	if c.temp {
		c.dir, err = os.MkdirTemp("", "specter-demo-")
	} else {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return err
	}
	path := filepath.Join(c.dir, "blocks")
	if _, missing := os.Stat(path); missing != nil {
		c.db, err = database.Create("ffldb", path, c.params.Net)
	} else {
		c.db, err = database.Open("ffldb", path, c.params.Net)
	}
	if err != nil {
		c.removeTemp()
	}
	return err
}

func (c *Chain) removeTemp() {
	if c.temp {
		_ = os.RemoveAll(c.dir) // a temporary folder left behind harms nobody
	}
}

// start builds chain, mempool and miner on the open database.
func (c *Chain) start(o Options) error {
	sigs := txscript.NewSigCache(10_000)
	hashes := txscript.NewHashCache(1_000)
	var err error
	c.chain, err = blockchain.New(&blockchain.Config{
		DB: c.db, ChainParams: c.params, TimeSource: clock{c}, SigCache: sigs, HashCache: hashes, UtxoCacheMaxSize: utxoCache,
	})
	if err != nil {
		return err
	}
	c.pool = mempool.New(&mempool.Config{
		Policy: mempool.Policy{
			MaxTxVersion: 2, DisableRelayPriority: true,
			MaxSigOpCostPerTx: blockchain.MaxBlockSigOpsCost / 4, MinRelayTxFee: btcutil.Amount(minRelay),
		},
		ChainParams:        c.params,
		FetchUtxoView:      c.chain.FetchUtxoView,
		BestHeight:         func() int32 { return c.chain.BestSnapshot().Height },
		MedianTimePast:     func() time.Time { return c.chain.BestSnapshot().MedianTime },
		IsDeploymentActive: c.chain.IsDeploymentActive,
		CalcSequenceLock: func(tx *btcutil.Tx, view *blockchain.UtxoViewpoint) (*blockchain.SequenceLock, error) {
			return c.chain.CalcSequenceLock(tx, view, true)
		},
		SigCache: sigs, HashCache: hashes,
	})
	policy := &mining.Policy{BlockMaxWeight: blockchain.MaxBlockWeight - 4_000, TxMinFreeFee: btcutil.Amount(minRelay)}
	c.full = mining.NewBlkTmplGenerator(policy, c.params, c.pool, c.chain, clock{c}, sigs, hashes)
	c.empty = mining.NewBlkTmplGenerator(policy, c.params, nothing{}, c.chain, clock{c}, sigs, hashes)
	if c.nonce, err = randomNonce(); err != nil {
		return err
	}
	if c.faucet, err = newFaucet(); err != nil {
		return err
	}
	if err := c.loadState(); err != nil {
		return err
	}
	c.index = newIndex()
	if err := c.follow(); err != nil {
		return err
	}
	return c.premine(o.Premine)
}

// premine mines the faucet's money into blocks of the past.
func (c *Chain) premine(n int) error {
	if n == 0 {
		n = defaultPremine
	}
	if n < 0 || c.chain.BestSnapshot().Height > 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func() { c.fixed = time.Time{} }()
	begin := c.now().Add(-time.Duration(n) * blockSpacing)
	for i := range n {
		c.fixed = begin.Add(time.Duration(i) * blockSpacing)
		if err := c.mineOne(c.full, c.faucet.script); err != nil {
			return err
		}
	}
	return c.follow()
}

// Close ends the chain; further calls fail. A chain in a temporary folder is removed.
func (c *Chain) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	var err error
	if c.chain != nil && !c.temp {
		err = errors.Join(c.chain.FlushUtxoCache(blockchain.FlushRequired), c.saveState())
	}
	err = errors.Join(err, c.db.Close())
	c.removeTemp()
	return err
}

// lock takes the mutex unless the chain is closed.
func (c *Chain) lock() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return errs.E(errs.Unavailable, "the demo chain is closed")
	}
	return nil
}

// Changed receives when blocks or the mempool have changed.
func (c *Chain) Changed() <-chan struct{} { return c.changed }

func (c *Chain) signal() {
	select {
	case c.changed <- struct{}{}:
	default: // one pending signal stands for any number of events
	}
}

// clock tells btcd the time; it is read with c.mu held or while opening.
type clock struct{ c *Chain }

// AdjustedTime is the clock that was passed in, or the past while that is mined.
func (k clock) AdjustedTime() time.Time {
	if !k.c.fixed.IsZero() {
		return time.Unix(k.c.fixed.Unix(), 0)
	}
	return time.Unix(k.c.now().Unix(), 0)
}

// AddTimeSample does nothing: there are no peers.
func (clock) AddTimeSample(string, time.Time) {}

// Offset is zero: there are no peers.
func (clock) Offset() time.Duration { return 0 }

// nothing is a source of no transactions.
type nothing struct{}

func (nothing) LastUpdated() time.Time               { return time.Time{} }
func (nothing) MiningDescs() []*mining.TxDesc        { return nil }
func (nothing) HaveTransaction(*chainhash.Hash) bool { return false }
