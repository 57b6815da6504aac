package wallet_test

import (
	"context"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// run starts the loop of the house until the test ends.
func (h *house) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = h.s.Run(ctx) }()
	h.t.Cleanup(func() { cancel(); <-done })
}

func TestLoopNoticesNewsWithinTwoSeconds(t *testing.T) {
	h := newHouse(t)
	events, stop := h.s.Subscribe(admin)
	defer stop()
	h.run()
	ref := h.create("Savings", "wsh", 2, people...).Ref()
	soon(t, "the first sync", func() bool { return h.get(ref).Tip.Height > 0 })
	took := time.Hour
	for n := btcutil.Amount(1); n <= 10 && took > 2*time.Second; n++ { // the best counts: the machine has other things to do
		h.pay(ref, 5_000)
		began := time.Now()
		soon(t, "the payment in the mempool", func() bool { return h.get(ref).Balance.Pending == 5_000 })
		seen := time.Since(began)
		h.mine(1)
		began = time.Now()
		soon(t, "the block", func() bool { return h.get(ref).Balance.Confirmed == n*5_000 })
		took = min(took, max(seen, time.Since(began)))
	}
	if took > 2*time.Second {
		t.Errorf("news take %v", took)
	}
	h.check(ref)
	kinds := map[string]bool{}
	for len(events) > 0 {
		e := <-events
		if e.Alias == ref.Alias {
			kinds[e.Kind] = true
		}
	}
	if !kinds["wallet"] {
		t.Errorf("pages heard of %v", kinds)
	}
}

func TestPagesAnswerWhileTheNodeIsAway(t *testing.T) {
	h := newHouse(t)
	ref := h.create("Savings", "wpkh", 0, "alice").Ref()
	h.pay(ref, 7_000)
	h.sync(ref)
	h.src.setAway(true)
	h.run()
	soon(t, "the trouble on the row", func() bool { return h.get(ref).SyncError != "" })
	if p := h.history(ref, wallet.Query{}); p.Total != 1 {
		t.Errorf("history has %d rows while the node is away", p.Total)
	}
	if _, err := h.s.NewAddress(context.Background(), ref); err != nil {
		t.Errorf("an address while the node is away: %v", err)
	}
	d := h.sign(ref, h.send(ref, stranger(1), 3_000, ""), 1)
	_, err := h.s.Broadcast(context.Background(), ref, d.ID)
	wantKind(t, err, errs.Unavailable, "broadcast while the node is away")
	h.src.setAway(false)
	soon(t, "the next sync", func() bool { return h.get(ref).SyncError == "" })
	if _, err := h.s.Broadcast(context.Background(), ref, d.ID); err != nil {
		t.Error(err)
	}
}

func TestWalletOfAnotherNetworkIsNotSynced(t *testing.T) {
	h := newHouse(t)
	r, err := h.s.Create(context.Background(), admin, btc.Signet, wallet.NewWallet{Name: "Signet", ScriptType: "wpkh", Keys: []string{expression("alice", "wpkh")}})
	if err != nil {
		t.Fatal(err)
	}
	wantKind(t, h.s.Sync(context.Background(), r.Ref()), errs.Unavailable, "sync with a node of another network")
	if h.get(r.Ref()).SyncError == "" {
		t.Error("the row does not say why it is stale")
	}
}

func TestReorgIsFollowedAndNothingIsLost(t *testing.T) {
	h := newHouse(t)
	ref := h.create("Savings", "wpkh", 0, "alice").Ref()
	h.sync(ref)
	h.mine(3)
	h.pay(ref, 10_000)
	h.mine(1)
	h.pay(ref, 20_000)
	h.mine(9)
	before := h.sync(ref)
	if before.Balance.Confirmed != 30_000 {
		t.Fatalf("balance %+v", before.Balance)
	}
	for _, keep := range []bool{true, false} { // with and without the transactions back in the mempool
		if err := h.chain.Reorg(10, keep); err != nil {
			t.Fatal(err)
		}
		h.reopen()
		r := h.sync(ref)
		if got, want := r.Balance.Confirmed+r.Balance.Pending, before.Balance.Confirmed; keep && got != want {
			t.Fatalf("after a reorg %+v, before %+v", r.Balance, before.Balance)
		}
		h.mine(2)
		r = h.sync(ref)
		if keep && r.Balance.Confirmed != 30_000 {
			t.Fatalf("balance %+v, all of it was mined again", r.Balance)
		}
		if !keep && r.TxCount != 2 {
			t.Fatalf("%d rows of history; a reorg deletes none", r.TxCount)
		}
	}
}

func TestEvictedPaymentIsDroppedAndItsCoinsAreFree(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	ref := h.create("Savings", "wpkh", 0, "alice").Ref()
	h.pay(ref, 50_000)
	h.mine(1)
	h.sync(ref)
	d := h.sign(ref, h.send(ref, stranger(1), 20_000, ""), 1)
	txid, err := h.s.Broadcast(ctx, ref, d.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.chain.Evict(txid); err != nil {
		t.Fatal(err)
	}
	r := h.sync(ref)
	detail, err := h.s.Transaction(ctx, ref, txid)
	if err != nil || detail.State != wallet.Dropped || r.Balance.Confirmed != 50_000 {
		t.Errorf("state %s, balance %+v, %v", detail.State, r.Balance, err)
	}
	if _, err := h.s.Broadcast(ctx, ref, d.ID); err != nil { // once more into the mempool
		t.Fatal(err)
	}
	if r = h.sync(ref); r.Balance.Pending != d.Change {
		t.Errorf("balance %+v", r.Balance)
	}
}

func TestAddressesAreFoundFarAhead(t *testing.T) {
	h := newHouse(t)
	a := h.create("Savings", "wpkh", 0, "alice")
	d := descriptorOf(t, a.Descriptor)
	receive, err := d.Branch(0)
	if err != nil {
		t.Fatal(err)
	}
	// Every 19th address is paid: each find moves the gap on.
	total := 0
	for i := uint32(0); i < 190; i += 19 {
		out, err := receive.Derive(i)
		if err != nil {
			t.Fatal(err)
		}
		address, _ := out.Address(btc.Regtest)
		if _, err := h.chain.Faucet(address, 1_000); err != nil {
			t.Fatal(err)
		}
		h.mine(1)
		total += 1_000
	}
	r := h.sync(a.Ref())
	if int(r.Balance.Confirmed) != total || r.Used[0] != 171 || r.Next[0] != 172 {
		t.Errorf("balance %+v of %d, used %d, next %d", r.Balance, total, r.Used[0], r.Next[0])
	}
	page, err := h.s.Addresses(context.Background(), a.Ref(), wallet.Query{Filter: "receive", Size: 500})
	if err != nil || page.Total != 192 {
		t.Errorf("%d receive addresses derived, want 172 and a gap of 20: %v", page.Total, err)
	}
}

func TestRescanFindsWhatIsOlderThanTheWallet(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	old := h.create("Old", "wpkh", 0, "alice")
	h.pay(old.Ref(), 12_345)
	h.mine(60) // hours of blocks by the chain's own clock would be needed for the birthday to matter
	if err := h.s.Delete(ctx, old.Ref()); err != nil {
		t.Fatal(err)
	}
	from := int32(1)
	r, err := h.s.Create(ctx, admin, btc.Regtest, wallet.NewWallet{Name: "Again", Descriptor: old.Descriptor, FromHeight: &from})
	if err != nil {
		t.Fatal(err)
	}
	h.run()
	soon(t, "the scan", func() bool {
		r := h.get(r.Ref())
		return r.Scan == nil && r.Balance.Confirmed == 12_345
	})
	if err := h.s.Rescan(ctx, r.Ref(), 0); err != nil {
		t.Fatal(err)
	}
	soon(t, "the second scan", func() bool { return h.get(r.Ref()).Scan == nil })
	wantKind(t, h.s.Rescan(ctx, r.Ref(), -1), errs.Invalid, "a rescan from below zero")
	h.check(r.Ref())
}

// pruned is a node that cannot scan.
type pruned struct{ chain.Source }

func (pruned) Rescan(context.Context, chain.Request, int32) error {
	return errs.E(errs.Unavailable, "this node has thrown away the blocks below 100")
}
func (pruned) AbortRescan(context.Context, string) error { return nil }

func TestRescanThatANodeCannotDoSaysWhy(t *testing.T) {
	h := newHouse(t)
	r := h.create("Savings", "wpkh", 0, "alice")
	h.src.source = pruned{h.chain}
	if err := h.s.Rescan(context.Background(), r.Ref(), 5); err != nil {
		t.Fatal(err)
	}
	h.run()
	soon(t, "the reason on the row", func() bool {
		scan := h.get(r.Ref()).Scan
		return scan != nil && !scan.Running && scan.Error == "this node has thrown away the blocks below 100" && scan.From == 5
	})
	soon(t, "the sync all the same", func() bool { return h.get(r.Ref()).Tip.Height > 0 })
}

// stuck is a rescan that ends only when it is told to.
type stuck struct {
	chain.Source
	begun chan struct{}
	stop  chan struct{}
}

func (s stuck) Rescan(ctx context.Context, r chain.Request, _ int32) error {
	r.Progress(1, 4)
	close(s.begun)
	select {
	case <-s.stop:
	case <-ctx.Done():
	}
	return errs.E(errs.Unavailable, "stopped")
}
func (s stuck) AbortRescan(context.Context, string) error { close(s.stop); return nil }

func TestRescanTellsItsProgressAndCanBeStopped(t *testing.T) {
	h := newHouse(t)
	r := h.create("Savings", "wpkh", 0, "alice")
	s := stuck{h.chain, make(chan struct{}), make(chan struct{})}
	h.src.source = s
	if err := h.s.Rescan(context.Background(), r.Ref(), 5); err != nil {
		t.Fatal(err)
	}
	h.run()
	<-s.begun
	if scan := h.get(r.Ref()).Scan; scan == nil || !scan.Running || scan.Progress != 0.25 || scan.From != 5 {
		t.Errorf("scan %+v", scan)
	}
	wantKind(t, h.s.Rescan(context.Background(), r.Ref(), 5), errs.Conflict, "a second rescan")
	if err := h.s.AbortRescan(context.Background(), r.Ref()); err != nil {
		t.Fatal(err)
	}
	soon(t, "the end", func() bool { return h.get(r.Ref()).Scan == nil })
	soon(t, "the sync afterwards", func() bool { return h.get(r.Ref()).Tip.Height > 0 })
}

func TestUnreadableTransactionIsOneBrokenRowThatRepairMends(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	ref := h.create("Savings", "wpkh", 0, "alice").Ref()
	bad := h.pay(ref, 10_000).TxHash()
	h.mine(1)
	h.pay(ref, 20_000)
	h.mine(1)
	h.sync(ref)
	h.raw(`UPDATE txs SET raw = x'0102' WHERE txid = ?`, bad[:])
	detail, err := h.s.Transaction(ctx, ref, bad)
	if err != nil || detail.State != wallet.Broken || detail.Tx != nil || detail.Trouble == "" {
		t.Fatalf("detail %+v, %v", detail.HistoryRow, err)
	}
	if p := h.history(ref, wallet.Query{Filter: "broken"}); p.Total != 1 || p.Rows[0].TxID != bad || p.Rows[0].Amount != 10_000 {
		t.Errorf("broken rows: %+v", p.Rows)
	}
	if p := h.history(ref, wallet.Query{}); p.Total != 2 {
		t.Errorf("%d rows, one of them broken", p.Total)
	}
	if r := h.sync2(ref); r.Balance.Confirmed != 30_000 {
		t.Errorf("balance %+v", r.Balance)
	}
	if err := h.s.Repair(ctx, ref, bad); err != nil {
		t.Fatal(err)
	}
	if detail, err = h.s.Transaction(ctx, ref, bad); err != nil || detail.State != wallet.Confirmed || detail.Tx == nil {
		t.Errorf("after repair: %+v, %v", detail.HistoryRow, err)
	}
	h.check(ref)
	wantKind(t, h.s.Repair(ctx, ref, chainhash.Hash{1}), errs.NotFound, "repair of what is not there")
}

// sync2 syncs without holding the history against the balance: a broken row counts for nothing.
func (h *house) sync2(ref wallet.Ref) wallet.Record {
	h.t.Helper()
	if err := h.s.Sync(context.Background(), ref); err != nil {
		h.t.Fatal(err)
	}
	return h.get(ref)
}

func TestWalletWhoseRowIsDamagedOpensAllTheSame(t *testing.T) {
	h := newHouse(t)
	good := h.create("Good", "wpkh", 0, "alice")
	bad := h.create("Bad", "wpkh", 0, "bob")
	h.raw(`UPDATE wallets SET descriptor = 'rubbish', cosigners = '{' WHERE id = ?`, bad.ID)
	h.reopen()
	list, err := h.s.List(context.Background(), admin, btc.Regtest)
	if err != nil || len(list) != 2 {
		t.Fatalf("list: %d, %v", len(list), err)
	}
	if h.get(bad.Ref()).SyncError == "" {
		t.Error("the damaged wallet does not say so")
	}
	h.history(bad.Ref(), wallet.Query{})
	h.sync(good.Ref())
	_, err = h.s.NewAddress(context.Background(), bad.Ref())
	wantKind(t, err, errs.Unavailable, "an address of a damaged wallet")
}
