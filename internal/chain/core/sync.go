package core

import (
	"context"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/chain"
	"specter/internal/errs"
)

// Bounds of a request.
const (
	maxKeychains = 16
	maxFrom      = 10_000
	syncTries    = 5 // while blocks come and go under our feet
)

// Sync tells what happened to the request's scripts. The first time for a wallet the node is
// made to watch it and to look through the blocks since the birthday, which can take hours;
// r.Progress then counts blocks.
func (s *Source) Sync(ctx context.Context, r chain.Request) (chain.Update, error) {
	if r.Name == "" || len(r.Keychains) == 0 || len(r.Keychains) > maxKeychains || len(r.From) > maxFrom {
		return chain.Update{}, errs.E(errs.Internal, "a request needs a name, 1 to %d keychains and at most %d blocks", maxKeychains, maxFrom)
	}
	b, end := s.bound(ctx)
	defer end()
	w := s.wallet(r.Name)
	for try := 0; ; try++ {
		u, settled, err := s.syncOnce(b, w, r)
		if err != nil {
			return chain.Update{}, s.door(ctx, err)
		}
		if settled {
			return u, nil
		}
		if try == syncTries {
			return chain.Update{}, errs.E(errs.Unavailable, "the node's chain changes faster than it can be read; try again")
		}
	}
}

// syncOnce reads one state of the node. settled is false when the chain was reorganised while we
// read.
func (s *Source) syncOnce(ctx context.Context, w *wallet, r chain.Request) (u chain.Update, settled bool, err error) {
	info, err := s.c.chainInfo(ctx)
	if err != nil {
		return u, false, err
	}
	base, fork, err := s.common(ctx, r.From, info)
	if err != nil {
		return u, false, err
	}
	all, err := s.prepare(ctx, w, r, info)
	if err != nil {
		return u, false, err
	}
	s.mu.Lock()
	inNode := w.inNode
	all = all || w.listAll
	s.mu.Unlock()
	l, err := s.since(ctx, inNode, r.From, base, fork, all)
	if isCode(err, codeInvalidAddress) {
		return u, false, nil // the block is not known any more
	}
	if err != nil {
		return u, false, err
	}
	tip, ok, err := s.tipOf(ctx, l, base)
	if err != nil || !ok {
		return u, false, err
	}
	u = chain.Update{Tip: tip, Fork: fork}
	if err := s.fill(ctx, w, inNode, r, l, &u); err != nil {
		return u, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if all {
		w.listAll = false
	}
	return u, true, nil
}

// common finds the newest of the caller's blocks that is in the node's chain. fork is that
// block when newer ones are not, the genesis block when none is.
func (s *Source) common(ctx context.Context, from []chain.Block, info chainInfo) (base, fork *chain.Block, err error) {
	if len(from) == 0 {
		return nil, nil, nil
	}
	if from[0].Height > info.Blocks && (info.IBD || info.Headers > info.Blocks) {
		return nil, nil, errs.E(errs.Unavailable, "the node is still catching up: it is at block %d, this wallet was seen up to block %d", info.Blocks, from[0].Height)
	}
	var calls []*call
	ids := make([]hash, len(from))
	for i, f := range from {
		if f.Height >= 0 && f.Height <= info.Blocks {
			calls = append(calls, &call{method: "getblockhash", params: []any{f.Height}, result: &ids[i]})
		}
	}
	if err := s.all(ctx, calls); err != nil {
		return nil, nil, err
	}
	for i, f := range from {
		if ids[i].Hash == f.Hash {
			if i > 0 {
				fork = &f
			}
			return &f, fork, nil
		}
	}
	heads, err := s.headers(ctx, []int32{0})
	if err != nil {
		return nil, nil, err
	}
	genesis := heads[0].block()
	return nil, &genesis, nil
}

// since lists what is new for a caller who knows some blocks. After a reorg it asks from the
// stale block, for the node then tells what became of the transactions that were in stale
// blocks; where the node does not have that block (any more), it asks from the fork.
func (s *Source) since(ctx context.Context, inNode string, from []chain.Block, base, fork *chain.Block, all bool) (*listing, error) {
	if fork != nil {
		l, err := s.list(ctx, inNode, &from[0].Hash)
		if err == nil && all {
			stale := l.removed
			l, err = s.list(ctx, inNode, nil)
			l.removed = stale
		}
		if _, refused := asRPC(err); !refused {
			return l, err
		}
	}
	if all || base == nil {
		return s.list(ctx, inNode, nil)
	}
	return s.list(ctx, inNode, &base.Hash)
}

// tipOf reads the block up to which a listing goes. ok is false when it, or the block that the
// listing began at, has left the chain meanwhile.
func (s *Source) tipOf(ctx context.Context, l *listing, base *chain.Block) (tip chain.Block, ok bool, err error) {
	var head header
	var at hash
	calls := []*call{{method: "getblockheader", params: []any{l.last.String()}, result: &head}}
	if base != nil {
		calls = append(calls, &call{method: "getblockhash", params: []any{base.Height}, result: &at})
	}
	if err := s.c.batch(ctx, "", calls); err != nil {
		return tip, false, err
	}
	for _, q := range calls {
		if isCode(q.err, codeInvalidAddress, codeInvalidParam) {
			return tip, false, nil
		}
		if q.err != nil {
			return tip, false, q.err
		}
	}
	if head.Confirmations < 1 || base != nil && at.Hash != base.Hash {
		return tip, false, nil
	}
	return head.block(), true, nil
}

// fill turns a listing into an update: transactions in blocks, those in the mempool that the
// caller does not know as such, and those that are gone.
func (s *Source) fill(ctx context.Context, w *wallet, inNode string, r chain.Request, l *listing, u *chain.Update) error {
	if err := s.addUnlisted(ctx, inNode, r, l); err != nil {
		return err
	}
	pool, err := s.inMempool(ctx, l.pending())
	if err != nil {
		return err
	}
	asked := map[chainhash.Hash]bool{}
	for _, id := range r.Unconfirmed {
		asked[id] = true
	}
	var want []entry
	for _, e := range l.entries {
		switch {
		case e.block.Height > 0:
			want = append(want, e)
		case pool[e.id]:
			if !e.foreign && (!asked[e.id] || u.Fork != nil) {
				want = append(want, e)
			}
		case asked[e.id] || u.Fork != nil:
			u.Gone = append(u.Gone, e.id)
		}
	}
	u.Gone = append(u.Gone, lost(l, pool, want, u.Gone)...)
	if u.Txs, err = s.fetch(ctx, inNode, want); err != nil {
		return err
	}
	if u.Used, err = s.used(ctx, w, r, want, u.Txs); err != nil {
		return err
	}
	s.remember(r.Name, u.Tip.Hash, l, pool)
	return nil
}

// lost lists the transactions of stale blocks that are now neither in a block nor in the mempool.
func lost(l *listing, pool map[chainhash.Hash]bool, want []entry, gone []chainhash.Hash) []chainhash.Hash {
	known := map[chainhash.Hash]bool{}
	for _, e := range want {
		known[e.id] = true
	}
	for _, id := range gone {
		known[id] = true
	}
	var out []chainhash.Hash
	for _, e := range l.removed {
		if e.conf <= 0 && !pool[e.id] && !known[e.id] {
			known[e.id] = true
			out = append(out, e.id)
		}
	}
	return out
}

// addUnlisted asks about the caller's unconfirmed transactions that the listing does not have:
// the node's wallet may have them in an older block, or never had them.
func (s *Source) addUnlisted(ctx context.Context, inNode string, r chain.Request, l *listing) error {
	listed := map[chainhash.Hash]bool{}
	for _, e := range l.entries {
		listed[e.id] = true
	}
	var calls []*call
	var ids []chainhash.Hash
	for _, id := range r.Unconfirmed {
		if !listed[id] {
			listed[id] = true
			ids = append(ids, id)
			calls = append(calls, &call{method: "gettransaction", params: []any{id.String()}, result: new(walletTx)})
		}
	}
	if err := s.c.batch(ctx, inNode, calls); err != nil {
		return err
	}
	for i, q := range calls {
		e := entry{id: ids[i]}
		if t := q.result.(*walletTx); q.err == nil {
			e.conf, e.received = t.Confirmations, t.Received
			if t.BlockHash != nil && t.Confirmations > 0 {
				e.block = chain.Block{Height: t.BlockHeight, Hash: t.BlockHash.Hash, Time: unix(t.BlockTime)}
			}
		} else if isCode(q.err, codeInvalidAddress) {
			e.foreign = true
		} else {
			return q.err
		}
		l.entries = append(l.entries, e)
	}
	return nil
}

// fetch gets the transactions themselves out of the node's wallet.
func (s *Source) fetch(ctx context.Context, inNode string, want []entry) ([]chain.Tx, error) {
	txs := make([]chain.Tx, 0, len(want))
	for len(want) > 0 {
		n := min(len(want), batchSize)
		calls := make([]*call, n)
		for i, e := range want[:n] {
			calls[i] = &call{method: "gettransaction", params: []any{e.id.String()}, result: new(walletTx)}
		}
		if err := s.c.batch(ctx, inNode, calls); err != nil {
			return nil, err
		}
		for i, e := range want[:n] {
			if calls[i].err != nil {
				return nil, calls[i].err
			}
			tx, err := calls[i].result.(*walletTx).tx(e.id)
			if err != nil {
				return nil, err
			}
			txs = append(txs, e.tell(tx))
		}
		want = want[n:]
	}
	return txs, nil
}

// tell makes the fact. When the node first saw a transaction is only known where it was watching:
// a scan of old blocks stamps them with the time of the scan.
func (e entry) tell(tx *wire.MsgTx) chain.Tx {
	t := chain.Tx{Tx: tx, Seen: unix(e.received)}
	if e.block.Height > 0 {
		t.Block = &e.block
		if t.Seen.After(e.block.Time) {
			t.Seen = e.block.Time
		}
	}
	return t
}

// used finds the highest index of each keychain that the transactions pay. The node knows an
// index above all that are used (asked now: the listing made it hear of the newest block); from
// there downwards the first hit is it, and most often the first try hits.
func (s *Source) used(ctx context.Context, w *wallet, r chain.Request, want []entry, txs []chain.Tx) (map[string]uint32, error) {
	scripts := map[string]bool{}
	for i, e := range want {
		for _, v := range e.mine {
			if outs := txs[i].Tx.TxOut; int(v) < len(outs) {
				scripts[string(outs[v].PkScript)] = true
			}
		}
	}
	if len(scripts) == 0 {
		return map[string]uint32{}, nil
	}
	holds, err := s.settle(ctx, w, r)
	if err != nil {
		return nil, err
	}
	return highest(holds, scripts)
}

// highest looks for scripts downwards on all keychains at once, until each has a hit or all
// scripts are found.
func highest(holds []held, scripts map[string]bool) (map[string]uint32, error) {
	out := map[string]uint32{}
	next := make([]int64, len(holds)) // the next index to try; below 0: done
	for i, h := range holds {
		if h.Ranged && h.listed != nil {
			next[i] = h.listed.Next - 1
		}
	}
	for left := len(holds); left > 0 && len(scripts) > 0; {
		left = 0
		for i, h := range holds {
			if next[i] < 0 {
				continue
			}
			script, err := h.Script(uint32(next[i]))
			if err != nil {
				return nil, err
			}
			if scripts[string(script)] {
				out[h.ID] = uint32(next[i])
				next[i] = -1
				delete(scripts, string(script))
				continue
			}
			next[i]--
			left++
		}
	}
	return out, nil
}
