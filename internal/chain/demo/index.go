package demo

import (
	"fmt"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/chain"
)

// index answers which transactions touch a script. Blocks stay on disk; only places are kept.
type index struct {
	blocks       []chain.Block // active chain by height
	byScript     map[string][]place
	byTx         map[chainhash.Hash]place
	pool         map[chainhash.Hash]*pooled
	poolByScript map[string]map[chainhash.Hash]bool
	seen         map[chainhash.Hash]time.Time // when the mempool took them
}

// place is where a transaction stands in the active chain.
type place struct {
	height, pos int32
}

// pooled is a transaction of the mempool with the scripts that it touches.
type pooled struct {
	tx      *wire.MsgTx
	scripts []string
}

func newIndex() index {
	return index{
		byScript: map[string][]place{}, byTx: map[chainhash.Hash]place{},
		pool: map[chainhash.Hash]*pooled{}, poolByScript: map[string]map[chainhash.Hash]bool{},
		seen: map[chainhash.Hash]time.Time{},
	}
}

func (x *index) tip() chain.Block { return x.blocks[len(x.blocks)-1] }

// heightOf returns the height of a block of the active chain.
func (x *index) heightOf(b chain.Block) (int32, bool) {
	if b.Height < 0 || int(b.Height) >= len(x.blocks) || x.blocks[b.Height].Hash != b.Hash {
		return 0, false
	}
	return b.Height, true
}

// follow brings the index up to the chain and the mempool, and tells listeners.
func (c *Chain) follow() error {
	keep := len(c.index.blocks)
	for keep > 0 && !c.chain.MainChainHasBlock(&c.index.blocks[keep-1].Hash) {
		keep--
	}
	if keep < len(c.index.blocks) {
		c.index.cut(keep)
	}
	best := c.chain.BestSnapshot()
	for h := int32(len(c.index.blocks)); h <= best.Height; h++ {
		if err := c.connect(h); err != nil {
			return fmt.Errorf("index block %d: %w", h, err)
		}
	}
	if err := c.followPool(); err != nil {
		return fmt.Errorf("index the mempool: %w", err)
	}
	c.signal()
	return nil
}

// cut forgets the blocks from a height on.
func (x *index) cut(height int) {
	x.blocks = x.blocks[:height]
	for script, places := range x.byScript {
		n := len(places)
		for n > 0 && places[n-1].height >= int32(height) {
			n--
		}
		if n == 0 {
			delete(x.byScript, script)
		} else {
			x.byScript[script] = places[:n]
		}
	}
	for id, p := range x.byTx {
		if p.height >= int32(height) {
			delete(x.byTx, id)
		}
	}
}

// connect adds a block. The scripts of spent coins come from btcd's spend journal.
func (c *Chain) connect(height int32) error {
	block, err := c.chain.BlockByHeight(height)
	if err != nil {
		return err
	}
	spent, err := c.chain.FetchSpendJournal(block)
	if err != nil {
		return err
	}
	x := &c.index
	for pos, tx := range block.Transactions() {
		var scripts []string
		if pos > 0 {
			for range tx.MsgTx().TxIn {
				scripts = append(scripts, string(spent[0].PkScript))
				spent = spent[1:]
			}
		}
		for _, out := range tx.MsgTx().TxOut {
			scripts = append(scripts, string(out.PkScript))
		}
		p := place{height, int32(pos)}
		x.byTx[*tx.Hash()] = p
		for _, s := range unique(scripts) {
			x.byScript[s] = append(x.byScript[s], p)
		}
	}
	x.blocks = append(x.blocks, chain.Block{Height: height, Hash: *block.Hash(), Time: block.MsgBlock().Header.Timestamp})
	return nil
}

// followPool brings the mempool's part up to date.
func (c *Chain) followPool() error {
	inPool := map[chainhash.Hash]bool{}
	for _, d := range c.pool.TxDescs() {
		id := *d.Tx.Hash()
		inPool[id] = true
		if c.index.pool[id] != nil {
			continue
		}
		scripts, err := c.poolScripts(d.Tx)
		if err != nil {
			return err
		}
		c.index.addPooled(id, &pooled{tx: d.Tx.MsgTx(), scripts: scripts})
		if _, known := c.index.seen[id]; !known {
			c.index.seen[id] = clock{c}.AdjustedTime()
		}
	}
	for id := range c.index.pool {
		if !inPool[id] {
			c.index.dropPooled(id)
		}
	}
	return nil
}

func (x *index) addPooled(id chainhash.Hash, p *pooled) {
	x.pool[id] = p
	for _, s := range p.scripts {
		if x.poolByScript[s] == nil {
			x.poolByScript[s] = map[chainhash.Hash]bool{}
		}
		x.poolByScript[s][id] = true
	}
}

func (x *index) dropPooled(id chainhash.Hash) {
	for _, s := range x.pool[id].scripts {
		delete(x.poolByScript[s], id)
		if len(x.poolByScript[s]) == 0 {
			delete(x.poolByScript, s)
		}
	}
	delete(x.pool, id)
}

// poolScripts lists the scripts that an unconfirmed transaction touches.
func (c *Chain) poolScripts(tx *btcutil.Tx) ([]string, error) {
	var scripts []string
	for _, in := range tx.MsgTx().TxIn {
		op := in.PreviousOutPoint
		if parent, err := c.pool.FetchTransaction(&op.Hash); err == nil {
			scripts = append(scripts, string(parent.MsgTx().TxOut[op.Index].PkScript))
			continue
		}
		entry, err := c.chain.FetchUtxoEntry(op)
		if err != nil {
			return nil, err
		}
		if entry != nil {
			scripts = append(scripts, string(entry.PkScript()))
		}
	}
	for _, out := range tx.MsgTx().TxOut {
		scripts = append(scripts, string(out.PkScript))
	}
	return unique(scripts), nil
}

func unique(list []string) []string {
	seen := make(map[string]bool, len(list))
	out := list[:0]
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}
