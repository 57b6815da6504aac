package core_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/chain/chaintest"
	"specter/internal/chain/core"
	"specter/internal/chain/core/coretest"
	"specter/internal/errs"
)

// history is a chain with real distances in time: 40 blocks of old, a payment to each wallet,
// then 20 days of 6 hour blocks.
type history struct {
	*world
	now  time.Time
	paid map[string]chainhash.Hash
	at   int32 // height of the payments
}

func newHistory(t *testing.T, opts coretest.Options, days int, names ...string) *history {
	h := &history{world: newWorld(t, opts), paid: map[string]chainhash.Hash{}}
	start := time.Now()
	h.n.SetTime(start)
	h.now = h.n.MineEvery(40, start, 10*time.Minute)
	for _, name := range names {
		h.paid[name] = h.Pay(t, chaintest.NewWallet(t, name).Script(0, 0), 1_000_000)
	}
	h.now = h.n.MineEvery(1, h.now, 10*time.Minute)
	h.at = h.n.Height()
	h.now = h.n.MineEvery(days*4, h.now, 6*time.Hour)
	return h
}

func has(u chain.Update, id chainhash.Hash) bool {
	for _, tx := range u.Txs {
		if tx.Tx.TxHash() == id {
			return true
		}
	}
	return false
}

// TestScanBeginsAtTheBirthday and goes over everything where there is none.
func TestScanBeginsAtTheBirthday(t *testing.T) {
	h := newHistory(t, coretest.Options{}, 60, "none", "before", "at", "after", "now")
	paidAt := h.now.Add(-60 * 24 * time.Hour)
	for name, x := range map[string]struct {
		birthday time.Time
		found    bool
	}{
		"none":   {time.Time{}, true},
		"before": {paidAt.Add(-48 * time.Hour), true},
		"at":     {paidAt, true},
		"after":  {paidAt.Add(50 * 24 * time.Hour), false}, // 144 blocks are taken along: 36 days here
		"now":    {h.now, false},
	} {
		r := chaintest.NewWallet(t, name).Request()
		r.Birthday = x.birthday
		blocks := 0
		r.Progress = func(_, total int) { blocks = total }
		u, err := h.src.Sync(t.Context(), r)
		must(t, err)
		if has(u, h.paid[name]) != x.found {
			t.Errorf("birthday %s: found is %v, want %v", name, !x.found, x.found)
		}
		if x.found && blocks < 200 || !x.found && blocks > 200 {
			t.Errorf("birthday %s: %d blocks were scanned", name, blocks)
		}
	}
	// HeightAt says which block that was.
	height, err := h.src.HeightAt(t.Context(), paidAt)
	must(t, err)
	if height != h.at {
		t.Errorf("HeightAt(%v) = %d, want %d", paidAt, height, h.at)
	}
}

// TestInterruptedFirstScanIsDoneAgain: the program or the node ended between import and the end
// of the scan; the node has the descriptors and has not seen the past.
func TestInterruptedFirstScanIsDoneAgain(t *testing.T) {
	h := newHistory(t, coretest.Options{}, 20, "interrupted", "legacy")
	w := chaintest.NewWallet(t, "interrupted")
	importRaw(t, h.n, w, false)
	h.n.Stop()
	h.n.Start("-mocktime=" + strconv.FormatInt(h.now.Unix(), 10))
	u, err := h.src.Sync(t.Context(), w.Request())
	must(t, err)
	if !has(u, h.paid["interrupted"]) {
		t.Error("the past was not looked through again")
	}

	// A wallet of the old program: its descriptors are active. It is taken as it is; a rescan that
	// the person asks for finds what it has missed.
	w = chaintest.NewWallet(t, "legacy")
	importRaw(t, h.n, w, true)
	u, err = h.src.Sync(t.Context(), w.Request())
	must(t, err)
	if len(u.Txs) != 0 {
		t.Errorf("a wallet of the old program was scanned again: %d transactions", len(u.Txs))
	}
	must(t, h.src.Rescan(t.Context(), w.Request(), h.at))
	u, err = h.src.Sync(t.Context(), w.Request(u.Tip))
	must(t, err)
	if !has(u, h.paid["legacy"]) || u.Used["0"] != 0 {
		t.Errorf("the rescan found %d transactions, used %v", len(u.Txs), u.Used)
	}
}

// importRaw puts a wallet into the node as another program would.
func importRaw(t *testing.T, n *coretest.Node, w *chaintest.Wallet, active bool) {
	t.Helper()
	must(t, n.RPC("", "createwallet", nil, map[string]any{"wallet_name": w.Name, "disable_private_keys": true, "blank": true, "descriptors": true}))
	var list []any
	for b := range 2 {
		// The node prints hardened steps as it likes; here there are none.
		list = append(list, map[string]any{"desc": w.Descriptor(b), "timestamp": "now", "range": []int{0, 999}, "active": active, "internal": b == 1})
	}
	must(t, n.RPC(w.Name, "importdescriptors", nil, list))
}

// TestPrunedNodeRefusesWhatItCannotKnow, in plain words, and does the rest.
func TestPrunedNodeRefusesWhatItCannotKnow(t *testing.T) {
	h := newHistory(t, coretest.Options{Prune: true}, 100, "old")
	must(t, h.n.RPC("", "pruneblockchain", nil, 300))
	st, err := h.src.Status(t.Context())
	must(t, err)
	if st.PrunedTo < 200 || st.PrunedTo > 301 {
		t.Fatalf("pruned to %d", st.PrunedTo)
	}
	old := chaintest.NewWallet(t, "old")
	check := func(what string, err error) {
		t.Helper()
		if !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "thrown away the blocks below") || !strings.Contains(err.Error(), btoa(st.PrunedTo)) {
			t.Errorf("%s: %v", what, err)
		} else {
			t.Logf("%s: %v", what, err)
		}
	}
	_, err = h.src.Sync(t.Context(), old.Request())
	check("without a birthday", err)
	r := old.Request()
	r.Birthday = h.now.Add(-99 * 24 * time.Hour)
	_, err = h.src.Sync(t.Context(), r)
	check("with an old birthday", err)
	check("rescan", h.src.Rescan(t.Context(), r, 1))

	r.Birthday = h.now // a new wallet works
	u, err := h.src.Sync(t.Context(), r)
	must(t, err)
	id := h.Pay(t, old.Script(0, 1), 1_000_000)
	h.n.MineEvery(1, h.now, time.Minute)
	u, err = h.src.Sync(t.Context(), old.Request(u.Tip))
	must(t, err)
	if !has(u, id) {
		t.Error("a new payment was not told by a pruned node")
	}
	must(t, h.src.Rescan(t.Context(), old.Request(), st.PrunedTo))
}

func btoa(n int32) string { return strconv.Itoa(int(n)) }

// TestForeignWalletOfTheNameIsLeftAlone: a hot wallet of the same name in the node.
func TestForeignWalletOfTheNameIsLeftAlone(t *testing.T) {
	w := newWorld(t, coretest.Options{})
	ours := chaintest.NewWallet(t, t.Name())
	must(t, w.n.RPC("", "createwallet", nil, ours.Name))
	id := w.Pay(t, ours.Script(0, 0), 1_000_000)
	w.n.Mine(1)
	for range 2 { // the second time it is known which one is ours
		u, err := w.src.Sync(t.Context(), ours.Request())
		must(t, err)
		if !has(u, id) || len(u.Txs) != 1 {
			t.Errorf("told %d transactions", len(u.Txs))
		}
	}
	var names []string
	must(t, w.n.RPC("", "listwallets", &names))
	if got := strings.Join(names, " "); !strings.Contains(got, ours.Name+"-2") {
		t.Errorf("the node's wallets are %s", got)
	}
	// It is found again by a program that starts anew, and after the node has forgotten it is loaded.
	must(t, w.n.RPC("", "unloadwallet", nil, ours.Name+"-2"))
	w.Reopen(t)
	if u, err := w.src.Sync(t.Context(), ours.Request()); err != nil || !has(u, id) {
		t.Errorf("after a new start: %v", err)
	}
}

// TestNodeWithoutWallets says so.
func TestNodeWithoutWallets(t *testing.T) {
	w := newWorld(t, coretest.Options{Empty: true, Args: []string{"-disablewallet"}})
	_, err := w.src.Sync(t.Context(), chaintest.NewWallet(t, t.Name()).Request())
	if !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "disablewallet=1") {
		t.Errorf("Sync: %v", err)
	}
	d := core.Diagnose(t.Context(), conf(w.n))
	if st := failed(d); d.OK || st.Name != "wallets" || !strings.Contains(st.Cure, "disablewallet=1") {
		t.Errorf("diagnosis %+v", d)
	}
	if _, err := w.src.Status(t.Context()); err != nil {
		t.Errorf("Status: %v", err)
	}
}

func failed(d core.Diagnosis) core.Step {
	for _, st := range d.Steps {
		if !st.OK && !st.Skipped {
			return st
		}
	}
	return core.Step{}
}

// TestWrongNetworkIsNotBelieved: the node at the address is another one now.
func TestWrongNetworkIsNotBelieved(t *testing.T) {
	n := coretest.Start(t, coretest.Options{Empty: true})
	c := conf(n)
	c.Network = btc.Signet
	src, err := core.Open(c)
	must(t, err)
	defer src.Close()
	_, err = src.Sync(t.Context(), chaintest.NewWallet(t, t.Name()).Request())
	if !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "regtest") {
		t.Errorf("Sync: %v", err)
	}
	if _, err = src.Status(t.Context()); !errs.Is(err, errs.Unavailable) {
		t.Errorf("Status: %v", err)
	}
	if st := failed(core.Diagnose(t.Context(), c)); st.Name != "network" {
		t.Errorf("failed at %+v", st)
	}
	c.AnyNetwork = true
	d := core.Diagnose(t.Context(), c)
	if !d.OK || d.Network != btc.Regtest || len(d.Steps) != 9 {
		t.Errorf("diagnosis %+v", d)
	}
	for _, st := range d.Steps {
		t.Logf("%-8s ok %v %s", st.Name, st.OK, st.Detail)
	}
}

// TestNodeThatLostBlocksInAPowerCut goes back in its chain; it is neither believed to be a reorg
// while it catches up, nor are we stuck when it has.
func TestNodeThatLostBlocksInAPowerCut(t *testing.T) {
	w := newWorld(t, coretest.Options{})
	ours := chaintest.NewWallet(t, t.Name())
	w.Pay(t, ours.Script(0, 0), 1_000_000)
	w.n.Mine(1)
	u, err := w.src.Sync(t.Context(), ours.Request())
	must(t, err)
	before := u.Tip
	w.n.Kill()
	w.n.Start()
	if w.n.Height() >= before.Height {
		t.Skip("this node has lost nothing")
	}
	if _, err := w.src.Sync(t.Context(), ours.Request(before)); err != nil && !errs.Is(err, errs.Unavailable) {
		t.Errorf("while behind: %v", err)
	}
	w.n.Mine(int(before.Height-w.n.Height()) + 1)
	u, err = w.src.Sync(t.Context(), ours.Request(before))
	must(t, err)
	if u.Fork == nil || u.Tip.Height != before.Height+1 {
		t.Errorf("fork %v, tip %d; want a fork and the tip %d", u.Fork, u.Tip.Height, before.Height+1)
	}
	id := w.mined(t, ours.Script(0, 1))
	u, err = w.src.Sync(t.Context(), ours.Request(u.Tip))
	must(t, err)
	if !has(u, id) {
		t.Error("a new coin was not told")
	}
}

// mined mines a coin to a script: it needs no money of the counterparty.
func (w *world) mined(t testing.TB, script []byte) chainhash.Hash {
	t.Helper()
	w.MineTo(t, script)
	var best string
	must(t, w.n.RPC("", "getbestblockhash", &best))
	var block struct{ Tx []string }
	must(t, w.n.RPC("", "getblock", &block, best))
	id, err := chainhash.NewHashFromStr(block.Tx[0])
	must(t, err)
	return *id
}
