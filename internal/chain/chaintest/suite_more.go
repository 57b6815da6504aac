package chaintest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/chain"
	"specter/internal/errs"
)

// soon is how long news may take: two seconds, and half a one for a busy machine.
const soon = 2500 * time.Millisecond

// quiet waits until the source has nothing more to say of the past.
func (b *bench) quiet() {
	for range 50 {
		select {
		case <-b.src.Changed():
		case <-time.After(1500 * time.Millisecond):
			return
		}
	}
	b.Fatal("the source never stops signalling")
}

func (b *bench) expectNews(what string) {
	b.Helper()
	began := time.Now()
	select {
	case <-b.src.Changed():
		b.Logf("%s noticed after %v", what, time.Since(began).Round(time.Millisecond))
	case <-time.After(soon):
		b.Errorf("%s was not noticed within %v", what, soon)
	}
}

func noticed(b *bench) {
	tip := b.synced(b.w.Request()).Tip
	b.quiet()
	b.h.Mine(b.T, 1)
	b.expectNews("a block")
	tip = b.synced(b.w.Request(tip)).Tip
	b.quiet()
	id := b.pay(0, 0, coin)
	b.expectNews("a payment")
	b.settled(b.w.Request(tip), pending(id))
	b.quiet()
	b.h.Evict(b.T, id)
	b.expectNews("an eviction")
	b.h.Mine(b.T, 1)
	b.synced(b.w.Request(tip))
	b.quiet()
	b.h.Reorg(b.T, 1, true)
	b.expectNews("a reorg")
}

func reopens(b *bench) {
	_, tip := b.fund(0, 0, coin)
	old := b.src
	b.src = b.h.Reopen(b.T)
	if _, err := old.Sync(b.ctx(), b.w.Request()); err == nil {
		b.Error("a closed source answers")
	}
	id := b.pay(0, 1, coin)
	u := b.settled(b.w.Request(tip), pending(id))
	if len(u.Txs) != 1 || u.Used["0"] != 1 {
		b.Errorf("told %s, used %v; want the one new payment", told(u), u.Used)
	}
	if u = b.sync(b.w.Request()); len(u.Txs) != 2 {
		b.Errorf("told %s, want both payments", told(u))
	}
}

func awayAndBack(b *bench) {
	_, tip := b.fund(0, 0, coin)
	b.quiet()
	back := b.h.Away(b.T)
	if back == nil {
		b.Skip("this source has no other side that could go away")
	}
	for name, ask := range map[string]func(context.Context) error{
		"Sync":    func(ctx context.Context) error { _, err := b.src.Sync(ctx, b.w.Request(tip)); return err },
		"Status":  func(ctx context.Context) error { _, err := b.src.Status(ctx); return err },
		"FeeRate": func(ctx context.Context) error { _, err := b.src.FeeRate(ctx, 6); return err },
		"Tx":      func(ctx context.Context) error { _, err := b.src.Tx(ctx, chainhash.Hash{1}); return err },
	} {
		if err := ask(b.ctx()); !errs.Is(err, errs.Unavailable) {
			b.Errorf("%s while the other side is away: %v, want an errs.Unavailable", name, err)
		}
	}
	time.Sleep(1200 * time.Millisecond) // let the watch see it
	back()
	select {
	case <-b.src.Changed():
	case <-time.After(10 * time.Second):
		b.Error("the return was not noticed")
	}
	id := b.pay(0, 1, coin)
	b.h.Mine(b.T, 1)
	u := b.settled(b.w.Request(tip), confirmed(id))
	if len(u.Txs) != 1 {
		b.Errorf("told %s, want the one new payment", told(u))
	}
}

func txByID(b *bench) {
	id := b.pay(0, 0, coin)
	b.settled(b.w.Request(), pending(id))
	check := func(when string) {
		tx, err := b.src.Tx(b.ctx(), id)
		if err != nil || tx.TxHash() != id {
			b.Errorf("%s: %v", when, err)
		}
	}
	check("in the mempool")
	b.h.Mine(b.T, 1)
	b.settled(b.w.Request(), confirmed(id))
	check("in a block")
	if _, err := b.src.Tx(b.ctx(), chainhash.HashH([]byte("nobody's"))); !errs.Is(err, errs.NotFound) {
		b.Errorf("an unknown transaction: %v, want an errs.NotFound", err)
	}
}

func refusals(b *bench) {
	c, _ := b.fund(0, 0, coin)
	spent := b.w.Spend(b.T, c, Foreign(3), 2000)
	unknown := spent.Copy()
	unknown.TxIn[0].PreviousOutPoint.Hash[5] ^= 1
	b.send(spent)
	b.h.Mine(b.T, 1)
	late := b.w.Spend(b.T, c, Foreign(5), 5000)
	fresh, _ := b.fund(0, 1, coin)
	badly := b.w.Spend(b.T, fresh, Foreign(6), 2000)
	badly.TxIn[0].Witness[0][8] ^= 1
	over := b.w.Spend(b.T, fresh, Foreign(7), -5)
	for _, x := range []struct {
		name string
		err  error
	}{
		{"wrong signature", b.src.Broadcast(b.ctx(), badly)},
		{"unknown coin", b.src.Broadcast(b.ctx(), unknown)},
		{"spent coin", b.src.Broadcast(b.ctx(), late)},
		{"more out than in", b.src.Broadcast(b.ctx(), over)},
	} {
		if !errs.Is(x.err, errs.Invalid) {
			b.Errorf("%s: %v, want an errs.Invalid", x.name, x.err)
		} else {
			b.Logf("%s: %v", x.name, x.err)
		}
	}
	if a, ok := b.src.(chain.Accepter); ok {
		if err := a.TestAccept(b.ctx(), badly); !errs.Is(err, errs.Invalid) {
			b.Errorf("TestAccept of a wrong signature: %v, want an errs.Invalid", err)
		}
		good := b.w.Spend(b.T, fresh, Foreign(8), 2000)
		if err := a.TestAccept(b.ctx(), good); err != nil {
			b.Errorf("TestAccept of a good one: %v", err)
		}
		if u := b.sync(b.w.Request()); find(u, good.TxHash()) != nil {
			b.Error("TestAccept has sent the transaction")
		}
	}
}

func broadcastAgain(b *bench) {
	c, tip := b.fund(0, 0, coin)
	tx := b.w.Spend(b.T, c, b.w.Script(1, 3), 2000)
	b.send(tx)
	b.send(tx) // in the mempool already
	b.settled(b.w.Request(tip), pending(tx.TxHash()))
	b.h.Mine(b.T, 1)
	b.settled(b.w.Request(tip), confirmed(tx.TxHash()))
	if err := b.src.Broadcast(b.ctx(), tx); err != nil {
		b.Errorf("Broadcast of a confirmed transaction: %v", err)
	}
	next := b.w.Spend(b.T, b.w.CoinOf(b.T, tx, 1, 3), Foreign(9), 2000)
	b.send(next)
	b.h.Mine(b.T, 1)
	b.settled(b.w.Request(tip), confirmed(next.TxHash()))
	if err := b.src.Broadcast(b.ctx(), tx); err != nil {
		b.Errorf("Broadcast of a confirmed transaction whose outputs are spent: %v", err)
	}
}

func feeRates(b *bench) {
	for _, blocks := range []int{-1, 0, 1, 6, 1008, 100_000} {
		rate, err := b.src.FeeRate(b.ctx(), blocks)
		if err != nil && !errs.Is(err, errs.Unavailable) {
			b.Errorf("%d blocks: %v", blocks, err)
		}
		if err == nil && (rate < 100 || rate > 10_000_000) {
			b.Errorf("%d blocks: %v sat/vB", blocks, rate)
		}
	}
}

func heightAt(b *bench) {
	f, ok := b.src.(chain.HeightFinder)
	if !ok {
		b.Skip("this source finds no heights")
	}
	tip := b.h.Tip(b.T)
	for _, x := range []struct {
		name string
		at   time.Time
		good func(h int32) bool
	}{
		{"before the chain began", time.Unix(0, 0), func(h int32) bool { return h == 0 }},
		{"at the tip", tip.Time, func(h int32) bool { return h <= tip.Height && h > tip.Height-200 }},
		{"in the future", tip.Time.Add(24 * time.Hour), func(h int32) bool { return h == tip.Height }},
	} {
		if h, err := f.HeightAt(b.ctx(), x.at); err != nil || !x.good(h) {
			b.Errorf("%s: %d, %v (tip %d)", x.name, h, err, tip.Height)
		}
	}
}

func rescans(b *bench) {
	s, ok := b.src.(chain.Rescanner)
	if !ok {
		b.Skip("this source does not scan")
	}
	id := b.pay(0, 5, coin)
	b.h.Mine(b.T, 3)
	height := b.h.Tip(b.T).Height
	r := b.w.Request()
	r.Birthday = time.Now().Add(time.Hour) // the first look finds nothing old, or may
	tip := b.sync(r).Tip
	done, total := 0, 0
	r.Progress = func(d, t int) { done, total = d, t }
	if err := s.Rescan(b.ctx(), r, height-10); err != nil {
		b.Fatal(err)
	}
	if done != total || total < 11 {
		b.Errorf("progress ended at %d of %d, want all of at least 11", done, total)
	}
	if u := b.sync(b.w.Request(tip)); !confirmed(id)(u) {
		b.Errorf("told %s, want the old payment", told(u))
	}
	if u := b.sync(b.w.Request(tip)); len(u.Txs) != 0 {
		b.Errorf("told %s again", told(u))
	}
	if err := s.AbortRescan(b.ctx(), b.w.Name); err != nil {
		b.Errorf("AbortRescan without a scan: %v", err)
	}
	if err := s.Rescan(b.ctx(), r, height+1000); err != nil {
		b.Errorf("Rescan above the tip: %v", err)
	}
}

func forgets(b *bench) {
	f, ok := b.src.(chain.Forgetter)
	if !ok {
		b.Skip("this source keeps nothing")
	}
	c, _ := b.fund(0, 0, coin)
	for range 2 { // twice: nothing there is fine, too
		if err := f.Forget(b.ctx(), b.w.Name); err != nil {
			b.Fatal(err)
		}
	}
	// Another wallet under the same name sees nothing of the old one.
	other := NewWallet(b.T, b.Name()+" other")
	other.Name = b.w.Name
	id := b.h.Pay(b.T, other.Script(0, 0), coin)
	b.h.Mine(b.T, 1)
	u := b.settled(other.Request(), confirmed(id))
	if find(u, c.OutPoint.Hash) != nil || len(u.Txs) != 1 {
		b.Errorf("a new wallet of an old name was told %s", told(u))
	}
	if err := f.Forget(b.ctx(), b.w.Name); err != nil {
		b.Fatal(err)
	}
	again := b.pay(0, 1, coin)
	u = b.settled(b.w.Request(), pending(again))
	if !confirmed(c.OutPoint.Hash)(u) {
		b.Errorf("told %s, want the old payment as well", told(u))
	}
}

func concurrent(b *bench) {
	var wg sync.WaitGroup
	wallets := make([]*Wallet, 4)
	for i := range wallets {
		wallets[i] = NewWallet(b.T, fmt.Sprintf("%s %d", b.Name(), i))
		b.h.Pay(b.T, wallets[i].Script(0, uint32(i)), coin)
	}
	b.h.Mine(b.T, 1)
	tip := b.h.Tip(b.T)
	for i, w := range wallets {
		for range 3 {
			wg.Go(func() {
				u, err := b.src.Sync(b.ctx2(), w.Request())
				if err != nil || len(u.Txs) != 1 || u.Used["0"] != uint32(i) || u.Tip.Height < tip.Height {
					b.Errorf("wallet %d: %v, told %s, used %v", i, err, told(u), u.Used)
				}
			})
			wg.Go(func() {
				if _, err := b.src.Status(b.ctx2()); err != nil {
					b.Errorf("status: %v", err)
				}
			})
		}
	}
	wg.Wait()
}

// ctx2 is ctx for other goroutines, which may not call Cleanup once the test has ended.
func (b *bench) ctx2() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	time.AfterFunc(time.Minute, cancel)
	return ctx
}

func cancelled(b *bench) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	began := time.Now()
	if _, err := b.src.Sync(ctx, b.w.Request()); err == nil {
		b.Error("a cancelled Sync succeeded")
	}
	if took := time.Since(began); took > 2*time.Second {
		b.Errorf("a cancelled Sync took %v", took)
	}
	b.synced(b.w.Request())
}
