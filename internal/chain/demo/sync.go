package demo

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/chain"
	"specter/internal/errs"
)

// watch is what the chain remembers of a wallet, as Bitcoin Core's watch-only wallets do: from
// which block on it looks, and which scripts the wallet has been told about. Losing it costs
// nothing but a longer answer.
type watch struct {
	Floor   int32          // lowest height looked at
	Told    map[string]int // by keychain: how many scripts the wallet knows the history of
	Offered map[string]int // the same after the last answer, which may not have arrived
	At      chainhash.Hash // the tip of that answer
}

// birthdaySlack is how much before its birthday a wallet's coins are looked for, as in Bitcoin
// Core: block times are not exact.
const birthdaySlack = 2 * time.Hour

// maxScripts bounds a branch: a wallet that has handed out more is no demo.
const maxScripts = 1_000_000

// Sync tells what happened to the scripts of r since r.From.
func (c *Chain) Sync(ctx context.Context, r chain.Request) (chain.Update, error) {
	floor, err := c.begin(ctx, r)
	if err != nil {
		return chain.Update{}, err
	}
	scripts := make(map[string][][]byte, len(r.Keychains))
	for _, k := range r.Keychains {
		if scripts[k.ID], err = c.reach(ctx, k, r.Gap, floor); err != nil {
			return chain.Update{}, err
		}
	}
	u, err := c.answer(ctx, r, scripts)
	if err == nil && r.Progress != nil {
		r.Progress(int(u.Tip.Height), int(u.Tip.Height))
	}
	return u, err
}

// begin finds or makes what is remembered of the wallet, and tells from which height to look.
func (c *Chain) begin(ctx context.Context, r chain.Request) (int32, error) {
	if err := c.enter(ctx); err != nil {
		return 0, err
	}
	defer c.mu.Unlock()
	w := c.watched[r.Name]
	if w == nil {
		w = &watch{}
		if len(r.From) == 0 && !r.Birthday.IsZero() {
			w.Floor = c.index.heightAt(r.Birthday.Add(-birthdaySlack))
		}
		c.watched[r.Name] = w
	}
	return w.Floor, nil
}

// reach derives a keychain's scripts until the last gap of them are unused. Scripts are
// derived without the lock, since that is the caller's code.
func (c *Chain) reach(ctx context.Context, k chain.Keychain, gap uint32, floor int32) ([][]byte, error) {
	if !k.Ranged {
		return c.derive(k, 1)
	}
	gap = max(gap, 1)
	end, looked := int(k.Next)+int(gap), 0
	for {
		if end > maxScripts {
			return nil, errs.E(errs.Invalid, "the demo chain looks at no more than %d addresses of a branch", maxScripts)
		}
		scripts, err := c.derive(k, end)
		if err != nil {
			return nil, err
		}
		if err := c.enter(ctx); err != nil {
			return nil, err
		}
		for ; looked < len(scripts); looked++ {
			if c.index.touched(scripts[looked], floor) {
				end = max(end, looked+1+int(gap))
			}
		}
		c.mu.Unlock()
		if end <= len(scripts) {
			return scripts, nil
		}
	}
}

// derive returns the first n scripts of a keychain; those of before are remembered.
func (c *Chain) derive(k chain.Keychain, n int) ([][]byte, error) {
	c.scriptMu.Lock()
	list := c.scripts[k.Descriptor]
	c.scriptMu.Unlock()
	if k.Descriptor == "" {
		list = nil // nothing tells one such keychain from another
	}
	list = list[:min(len(list), n):min(len(list), n)]
	for i := len(list); i < n; i++ {
		script, err := k.Script(uint32(i))
		if err != nil {
			return nil, err
		}
		list = append(list, script)
	}
	c.scriptMu.Lock()
	defer c.scriptMu.Unlock()
	if len(list) > len(c.scripts[k.Descriptor]) {
		c.scripts[k.Descriptor] = list
	}
	return list, nil
}

// touched reports whether any transaction touches a script, in a block not below floor or in
// the mempool.
func (x *index) touched(script []byte, floor int32) bool {
	places := x.byScript[string(script)]
	return len(places) > 0 && places[len(places)-1].height >= floor || len(x.poolByScript[string(script)]) > 0
}

// answer puts the update together, all of it from one moment.
func (c *Chain) answer(ctx context.Context, r chain.Request, scripts map[string][][]byte) (chain.Update, error) {
	if err := c.enter(ctx); err != nil {
		return chain.Update{}, err
	}
	defer c.mu.Unlock()
	x := &c.index
	w := c.watched[r.Name]
	if w == nil { // forgotten meanwhile
		w = &watch{}
		c.watched[r.Name] = w
	}
	if len(r.From) > 0 && r.From[0].Hash == w.At {
		w.Told = w.Offered // the last answer has arrived
	}
	u := chain.Update{Tip: x.tip()}
	known, fork := x.meet(r.From)
	u.Fork = fork
	f := x.find(w, scripts, known)
	for _, id := range r.Unconfirmed {
		if p, confirmed := x.byTx[id]; confirmed {
			f.places[p] = true
		} else if x.pool[id] == nil {
			u.Gone = append(u.Gone, id)
		}
	}
	var err error
	if u.Txs, err = c.confirmed(f.places); err != nil {
		return chain.Update{}, err
	}
	u.Txs = append(u.Txs, x.unconfirmed(f.waiting)...)
	u.Used = used(u.Txs, f.touched)
	if fork != nil {
		if u.Gone, err = c.dropped(r.From[0].Hash, scripts, u.Gone); err != nil {
			return chain.Update{}, err
		}
	}
	w.At, w.Offered = u.Tip.Hash, map[string]int{}
	for id, list := range scripts {
		w.Offered[id] = len(list)
	}
	return u, nil
}

// findings are the transactions that touch a wallet's scripts.
type findings struct {
	places  map[place]bool
	waiting map[chainhash.Hash]bool
	touched map[string]spot
}

// find looks scripts up. What lies at or below the known height is news only for scripts that
// the wallet has not been told about.
func (x *index) find(w *watch, scripts map[string][][]byte, known int32) findings {
	f := findings{map[place]bool{}, map[chainhash.Hash]bool{}, map[string]spot{}}
	for id, list := range scripts {
		for i, script := range list {
			if !x.touched(script, w.Floor) {
				continue
			}
			f.touched[string(script)] = spot{id, uint32(i)}
			for _, p := range x.byScript[string(script)] {
				if p.height >= w.Floor && (p.height > known || i >= w.Told[id]) {
					f.places[p] = true
				}
			}
			for tx := range x.poolByScript[string(script)] {
				f.waiting[tx] = true
			}
		}
	}
	return f
}

// spot is an address of the wallet: a keychain and an index.
type spot struct {
	keychain string
	index    uint32
}

// used tells the highest index of each keychain that transactions pay to.
func used(txs []chain.Tx, ours map[string]spot) map[string]uint32 {
	out := map[string]uint32{}
	for _, tx := range txs {
		for _, o := range tx.Tx.TxOut {
			if s, ok := ours[string(o.PkScript)]; ok {
				out[s.keychain] = max(out[s.keychain], s.index)
			}
		}
	}
	return out
}

// meet finds the newest of the caller's blocks that is still in the chain. Where a reorg cut
// the newest off, that block is the fork; the first block of all where none is left.
func (x *index) meet(from []chain.Block) (known int32, fork *chain.Block) {
	for i, b := range from {
		if h, ok := x.heightOf(b); ok {
			if i > 0 {
				fork = &x.blocks[h]
			}
			return h, copyOf(fork)
		}
	}
	if len(from) > 0 {
		return -1, copyOf(&x.blocks[0])
	}
	return -1, nil
}

func copyOf(b *chain.Block) *chain.Block {
	if b == nil {
		return nil
	}
	c := *b
	return &c
}

// confirmed loads transactions in the chain's order, each block once.
func (c *Chain) confirmed(places map[place]bool) ([]chain.Tx, error) {
	order := slices.SortedFunc(maps.Keys(places), func(a, b place) int {
		return cmp.Or(cmp.Compare(a.height, b.height), cmp.Compare(a.pos, b.pos))
	})
	out := make([]chain.Tx, 0, len(order))
	var txs []*wire.MsgTx
	height := int32(-1)
	for _, p := range order {
		if p.height != height {
			block, err := c.chain.BlockByHeight(p.height)
			if err != nil {
				return nil, err
			}
			height, txs = p.height, block.MsgBlock().Transactions
		}
		tx := txs[p.pos]
		out = append(out, chain.Tx{Tx: tx, Block: copyOf(&c.index.blocks[height]), Seen: c.index.seen[tx.TxHash()]})
	}
	return out, nil
}

// unconfirmed lists transactions of the mempool, parents before their children.
func (x *index) unconfirmed(ids map[chainhash.Hash]bool) []chain.Tx {
	var out []chain.Tx
	done := map[chainhash.Hash]bool{}
	var visit func(id chainhash.Hash)
	visit = func(id chainhash.Hash) {
		p := x.pool[id]
		if p == nil || done[id] {
			return
		}
		done[id] = true
		for _, in := range p.tx.TxIn {
			visit(in.PreviousOutPoint.Hash)
		}
		if ids[id] {
			out = append(out, chain.Tx{Tx: p.tx.Copy(), Seen: x.seen[id]})
		}
	}
	byTime := slices.SortedFunc(maps.Keys(ids), func(a, b chainhash.Hash) int {
		return cmp.Or(x.seen[a].Compare(x.seen[b]), slices.Compare(a[:], b[:]))
	})
	for _, id := range byTime {
		visit(id)
	}
	return out
}

// Rescan makes the chain tell a wallet about everything from a height on at its next Sync.
// Blocks are indexed, so that nothing has to be read again and it returns at once.
func (c *Chain) Rescan(ctx context.Context, r chain.Request, fromHeight int32) error {
	if fromHeight < 0 {
		return errs.E(errs.Invalid, "a rescan begins at block 0 or later")
	}
	if _, err := c.begin(ctx, r); err != nil {
		return err
	}
	if err := c.enter(ctx); err != nil {
		return err
	}
	w := c.watched[r.Name]
	if w == nil {
		w = &watch{Floor: fromHeight}
	}
	c.watched[r.Name] = &watch{Floor: min(w.Floor, fromHeight)}
	tip := int(c.index.tip().Height)
	c.mu.Unlock()
	if r.Progress != nil {
		r.Progress(tip, tip)
	}
	return nil
}

// AbortRescan does nothing: a rescan is over at once.
func (c *Chain) AbortRescan(ctx context.Context, _ string) error { return ctx.Err() }

// Forget drops what is remembered of a wallet.
func (c *Chain) Forget(ctx context.Context, name string) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	delete(c.watched, name)
	return nil
}
