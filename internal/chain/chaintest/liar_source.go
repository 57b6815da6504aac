package chaintest

import (
	"context"
	"slices"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/errs"
)

var (
	_ chain.Source       = (*Liar)(nil)
	_ chain.Accepter     = (*Liar)(nil)
	_ chain.Rescanner    = (*Liar)(nil)
	_ chain.Forgetter    = (*Liar)(nil)
	_ chain.HeightFinder = (*Liar)(nil)
)

// Sync implements chain.Source by going over the whole chain each time.
func (l *Liar) Sync(ctx context.Context, r chain.Request) (chain.Update, error) {
	if err := l.enter(ctx); err != nil {
		return chain.Update{}, err
	}
	defer l.mu.Unlock()
	u := chain.Update{Tip: l.tip(), Used: map[string]uint32{}}
	base := int32(0)
	if len(r.From) > 0 {
		i := slices.IndexFunc(r.From, func(b chain.Block) bool {
			return b.Height >= 0 && int(b.Height) < len(l.chain) && l.chain[b.Height].Hash == b.Hash
		})
		switch {
		case i < 0:
			u.Fork = &chain.Block{Hash: l.chain[0].Hash, Time: l.chain[0].Time}
		case i > 0:
			u.Fork = &r.From[i]
		}
		if i >= 0 {
			base = r.From[i].Height
		}
	}
	if l.full[r.Name] {
		base = 0
		delete(l.full, r.Name)
	}
	if err := l.tell(r, base, &u); err != nil {
		return chain.Update{}, err
	}
	if l.twist != nil {
		l.twist(&u)
	}
	return u, nil
}

// tell walks the world once: which transactions concern the request, and which of them are news.
func (l *Liar) tell(r chain.Request, base int32, u *chain.Update) error {
	ours, err := l.scripts(r)
	if err != nil {
		return err
	}
	coins := map[wire.OutPoint]bool{}
	concerns := func(tx *wire.MsgTx) bool {
		hit := slices.ContainsFunc(tx.TxIn, func(in *wire.TxIn) bool { return coins[in.PreviousOutPoint] })
		for v, out := range tx.TxOut {
			if _, mine := ours[string(out.PkScript)]; mine {
				coins[wire.OutPoint{Hash: tx.TxHash(), Index: uint32(v)}] = true
				hit = true
			}
		}
		return hit
	}
	there := map[chainhash.Hash]bool{}
	news := func(tx *wire.MsgTx) {
		for _, out := range tx.TxOut {
			if at, mine := ours[string(out.PkScript)]; mine {
				u.Used[at.id] = max(u.Used[at.id], at.index)
			}
		}
	}
	for _, b := range l.chain {
		for _, tx := range b.txs {
			if !concerns(tx) {
				continue
			}
			there[tx.TxHash()] = true
			if b.Height > base {
				block := b.Block
				u.Txs = append(u.Txs, chain.Tx{Tx: tx.Copy(), Block: &block, Seen: b.Time})
				news(tx)
			}
		}
	}
	for _, p := range l.pool {
		id := p.tx.TxHash()
		if !concerns(p.tx) {
			continue
		}
		there[id] = true
		if u.Fork != nil || !slices.Contains(r.Unconfirmed, id) {
			u.Txs = append(u.Txs, chain.Tx{Tx: p.tx.Copy(), Seen: p.seen})
			news(p.tx)
		}
	}
	for _, id := range r.Unconfirmed {
		if !there[id] {
			u.Gone = append(u.Gone, id)
		}
	}
	if u.Fork != nil {
		l.lost(there, u)
	}
	return nil
}

// lost tells as gone what was in stale blocks and is nowhere now.
func (l *Liar) lost(there map[chainhash.Hash]bool, u *chain.Update) {
	for _, id := range l.orphans {
		if !there[id] && !slices.Contains(u.Gone, id) {
			u.Gone = append(u.Gone, id)
		}
	}
}

type place struct {
	id    string
	index uint32
}

// scripts lists the request's scripts: those handed out, those used, and a gap beyond.
func (l *Liar) scripts(r chain.Request) (map[string]place, error) {
	paid := map[string]bool{}
	note := func(tx *wire.MsgTx) {
		for _, out := range tx.TxOut {
			paid[string(out.PkScript)] = true
		}
	}
	for _, b := range l.chain {
		for _, tx := range b.txs {
			note(tx)
		}
	}
	for _, p := range l.pool {
		note(p.tx)
	}
	ours := map[string]place{}
	for _, k := range r.Keychains {
		end := k.Next + max(r.Gap, 1)
		for i := uint32(0); i < end; i++ {
			if !k.Ranged && i > 0 {
				break
			}
			s, err := k.Script(i)
			if err != nil {
				return nil, err
			}
			ours[string(s)] = place{k.ID, i}
			if paid[string(s)] {
				end = max(end, i+1+r.Gap)
			}
		}
	}
	return ours, nil
}

// Tx implements chain.Source.
func (l *Liar) Tx(ctx context.Context, id chainhash.Hash) (*wire.MsgTx, error) {
	if err := l.enter(ctx); err != nil {
		return nil, err
	}
	defer l.mu.Unlock()
	if tx := l.find(id); tx != nil {
		return tx.Copy(), nil
	}
	return nil, errs.E(errs.NotFound, "there is no transaction %s", id)
}

func (l *Liar) find(id chainhash.Hash) *wire.MsgTx {
	for _, b := range l.chain {
		for _, tx := range b.txs {
			if tx.TxHash() == id {
				return tx
			}
		}
	}
	for _, p := range l.pool {
		if p.tx.TxHash() == id {
			return p.tx
		}
	}
	return nil
}

// TestAccept implements chain.Accepter.
func (l *Liar) TestAccept(ctx context.Context, tx *wire.MsgTx) error {
	if err := l.enter(ctx); err != nil {
		return err
	}
	defer l.mu.Unlock()
	return l.judge(tx)
}

// Broadcast implements chain.Source.
func (l *Liar) Broadcast(ctx context.Context, tx *wire.MsgTx) error {
	if err := l.enter(ctx); err != nil {
		return err
	}
	defer l.mu.Unlock()
	if err := l.judge(tx); err != nil {
		return err
	}
	if l.find(tx.TxHash()) == nil {
		l.add(tx)
		l.sent = append(l.sent, tx.Copy())
		l.signal()
	}
	return nil
}

// judge refuses what no node takes: coins that are unknown or spent in a block, more out than in,
// a script that fails. A spend of the mempool is replaced.
func (l *Liar) judge(tx *wire.MsgTx) error {
	if l.refuse != nil {
		return l.refuse(tx)
	}
	if l.find(tx.TxHash()) != nil {
		return nil
	}
	prev := map[wire.OutPoint]*wire.TxOut{}
	left := int64(0)
	for _, in := range tx.TxIn {
		out, known := l.amountOf(in.PreviousOutPoint)
		if !known || l.spentInBlock(in.PreviousOutPoint) {
			return errs.E(errs.Invalid, "one of its coins is spent already, or unknown (bad-txns-inputs-missingorspent)")
		}
		prev[in.PreviousOutPoint] = out
		left += out.Value
	}
	for _, out := range tx.TxOut {
		left -= out.Value
	}
	if left < 0 {
		return errs.E(errs.Invalid, "it spends more than its coins hold (bad-txns-in-belowout)")
	}
	fetcher := txscript.NewMultiPrevOutFetcher(prev)
	for i, in := range tx.TxIn {
		out := prev[in.PreviousOutPoint]
		vm, err := txscript.NewEngine(out.PkScript, tx, i, txscript.StandardVerifyFlags, nil, txscript.NewTxSigHashes(tx, fetcher), out.Value, fetcher)
		if err == nil {
			err = vm.Execute()
		}
		if err != nil {
			return errs.E(errs.Invalid, "a signature is missing or wrong: %w", err)
		}
	}
	return nil
}

func (l *Liar) spentInBlock(op wire.OutPoint) bool {
	for _, b := range l.chain {
		for _, tx := range b.txs {
			for _, in := range tx.TxIn {
				if in.PreviousOutPoint == op {
					return true
				}
			}
		}
	}
	return false
}

// FeeRate implements chain.Source.
func (l *Liar) FeeRate(ctx context.Context, _ int) (btc.FeeRate, error) {
	if err := l.enter(ctx); err != nil {
		return 0, err
	}
	defer l.mu.Unlock()
	if l.feeRate == 0 {
		return 0, errs.E(errs.Unavailable, "there is no fee estimate")
	}
	return l.feeRate, nil
}

// Status implements chain.Source.
func (l *Liar) Status(ctx context.Context) (chain.Status, error) {
	if err := l.enter(ctx); err != nil {
		return chain.Status{}, err
	}
	defer l.mu.Unlock()
	return chain.Status{
		Network: btc.Regtest, Tip: l.tip(), Headers: l.tip().Height, Synced: true, Progress: 1, SeesMempool: true,
		Version: "Liar 1", Connections: -1, MinRelay: 100, MempoolTxs: len(l.pool),
	}, nil
}

// Rescan implements chain.Rescanner: there is nothing that was not seen.
func (l *Liar) Rescan(ctx context.Context, r chain.Request, fromHeight int32) error {
	if err := l.enter(ctx); err != nil {
		return err
	}
	defer l.mu.Unlock()
	total := int(max(l.tip().Height+1-max(fromHeight, 0), 0))
	if r.Progress != nil {
		r.Progress(0, total)
		r.Progress(total, total)
	}
	l.full[r.Name] = true
	l.signal()
	return nil
}

// AbortRescan implements chain.Rescanner.
func (l *Liar) AbortRescan(ctx context.Context, _ string) error { return ctx.Err() }

// Forget implements chain.Forgetter: nothing is kept.
func (l *Liar) Forget(ctx context.Context, name string) error {
	if err := l.enter(ctx); err != nil {
		return err
	}
	defer l.mu.Unlock()
	delete(l.full, name)
	return nil
}

// HeightAt implements chain.HeightFinder.
func (l *Liar) HeightAt(ctx context.Context, t time.Time) (int32, error) {
	if err := l.enter(ctx); err != nil {
		return 0, err
	}
	defer l.mu.Unlock()
	for _, b := range l.chain {
		if !b.Time.Before(t) {
			return b.Height, nil
		}
	}
	return l.tip().Height, nil
}
