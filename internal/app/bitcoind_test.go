package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/chain/core/coretest"
	"specter/internal/device"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// kinds are the seven kinds of wallet of the first issue; m is the threshold, n the keys.
var kinds = []struct {
	scriptType string
	m, n       int
}{
	{"pkh", 1, 1}, {"wpkh", 1, 1}, {"sh-wpkh", 1, 1}, {"tr", 1, 1},
	{"sh", 2, 3}, {"wsh", 2, 3}, {"sh-wsh", 2, 3},
}

// keyType is the device key that a wallet kind takes; legacy multisig has none of its own.
func keyType(scriptType string) string {
	if scriptType == "sh" {
		return "sh-wsh"
	}
	return scriptType
}

// actor is a wallet under test with the devices that hold its keys.
type actor struct {
	kind    string
	ref     wallet.Ref
	m       int
	devices []device.Device
}

func (h *house) makeAll(devices []device.Device) []actor {
	h.t.Helper()
	var out []actor
	for _, k := range kinds {
		var keys []string
		for _, d := range devices[:k.n] {
			keys = append(keys, d.KeysFor(btc.Regtest, keyType(k.scriptType))[0].Expression())
		}
		w, err := h.wallets.Create(context.Background(), demoOwner, btc.Regtest,
			wallet.NewWallet{Name: "Kind " + k.scriptType, ScriptType: k.scriptType, Threshold: k.m, Keys: keys})
		if err != nil {
			h.t.Fatalf("create %s: %v", k.scriptType, err)
		}
		out = append(out, actor{k.scriptType, w.Ref(), k.m, devices[:k.n]})
	}
	return out
}

// coreCoins asks the node for a wallet's utxos, as "txid:vout amount" lines.
func coreCoins(t *testing.T, n *coretest.Node, name string) []string {
	t.Helper()
	var list []struct {
		TxID   string
		Vout   uint32
		Amount json.Number
	}
	if err := n.RPC(name, "listunspent", &list, 0); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range list {
		amount, err := btc.ParseBTC(c.Amount.String())
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s:%d %d", c.TxID, c.Vout, amount))
	}
	slices.Sort(out)
	return out
}

// ourCoins reads the same from our rows.
func (h *house) ourCoins(ref wallet.Ref) []string {
	h.t.Helper()
	page, err := h.wallets.Coins(context.Background(), ref, wallet.Query{Filter: "unspent", Size: 500})
	if err != nil {
		h.t.Fatal(err)
	}
	var out []string
	for _, c := range page.Rows {
		out = append(out, fmt.Sprintf("%s %d", c.OutPoint, c.Amount))
	}
	slices.Sort(out)
	return out
}

// coreHistory lists the ids of the node's own list of a wallet's transactions.
func coreHistory(t *testing.T, n *coretest.Node, name string) []string {
	t.Helper()
	var list []struct {
		TxID          string
		Confirmations int
	}
	if err := n.RPC(name, "listtransactions", &list, "*", 1000); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range list {
		if line := fmt.Sprintf("%s %d", e.TxID, e.Confirmations); e.Confirmations >= 0 && !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	slices.Sort(out)
	return out
}

func (h *house) ourHistory(ref wallet.Ref) []string {
	h.t.Helper()
	page, err := h.wallets.History(context.Background(), ref, wallet.Query{Size: 500})
	if err != nil {
		h.t.Fatal(err)
	}
	var out []string
	for _, r := range page.Rows {
		if r.State == wallet.Confirmed || r.State == wallet.Pending {
			out = append(out, fmt.Sprintf("%s %d", r.TxID, r.Confirmations))
		}
	}
	slices.Sort(out)
	return out
}

// agree holds our rows against the node's own answers.
func (h *house) agree(n *coretest.Node, a actor, when string) {
	h.t.Helper()
	h.sync(a.ref)
	r := h.record(a.ref)
	if got, want := h.ourCoins(a.ref), coreCoins(h.t, n, r.NodeName); !slices.Equal(got, want) {
		h.t.Errorf("%s, %s: coins\n got %s\nwant %s", a.kind, when, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
	if got, want := h.ourHistory(a.ref), coreHistory(h.t, n, r.NodeName); !slices.Equal(got, want) {
		h.t.Errorf("%s, %s: history\n got %s\nwant %s", a.kind, when, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
	var balances struct {
		Mine struct {
			Trusted  json.Number
			Pending  json.Number `json:"untrusted_pending"`
			Immature json.Number
		}
	}
	if err := n.RPC(r.NodeName, "getbalances", &balances); err != nil {
		h.t.Fatal(err)
	}
	var total btcutil.Amount
	for _, part := range []json.Number{balances.Mine.Trusted, balances.Mine.Pending, balances.Mine.Immature} {
		v, err := btc.ParseBTC(part.String())
		if err != nil {
			h.t.Fatal(err)
		}
		total += v
	}
	if r.Balance.Total() != total {
		h.t.Errorf("%s, %s: balance %d, the node says %d", a.kind, when, r.Balance.Total(), total)
	}
}

// TestEveryKindOfWalletLivesOnARealNode is the main job: receive, send, sign, broadcast and
// confirm for each kind, equal to the node's own answers after each step, through a reorg of
// ten blocks and restarts of both sides.
func TestEveryKindOfWalletLivesOnARealNode(t *testing.T) {
	n := coretest.Start(t, coretest.Options{})
	ctx := context.Background()
	h := open(t, Config{})
	h.connect(n)
	actors := h.makeAll(h.keys("Red", "Green", "Blue"))
	step := func(when string) {
		for _, a := range actors {
			h.agree(n, a, when)
		}
	}

	for _, a := range actors {
		for _, amount := range []string{"1.0", "0.25"} {
			address, err := h.wallets.NewAddress(ctx, a.ref)
			if err != nil {
				t.Fatal(err)
			}
			n.Send(address.Address, amount)
		}
	}
	step("received, unconfirmed")
	n.Mine(1)
	step("received, confirmed")
	h = h.reopen()
	step("after a restart of Specter")

	for _, a := range actors {
		draft, err := h.wallets.NewDraft(ctx, a.ref, wallet.SpendRequest{FeeRate: btc.SatPerVB(5),
			Recipients: []wallet.Recipient{{Address: n.NewAddress(), Amount: 30_000_000, Label: "shop"}}})
		if err != nil {
			t.Fatalf("%s: draft: %v", a.kind, err)
		}
		if got := h.record(a.ref).Balance.Reserved; got == 0 {
			t.Errorf("%s: the draft reserves nothing", a.kind)
		}
		draft = h.sign(a.ref, draft, a.devices[:a.m]...)
		if draft.State != wallet.Complete {
			t.Fatalf("%s: after %d signatures the draft is %s", a.kind, a.m, draft.State)
		}
		txid, err := h.wallets.Broadcast(ctx, a.ref, draft.ID)
		if err != nil {
			t.Fatalf("%s: broadcast: %v", a.kind, err)
		}
		var entry struct{ VSize int64 }
		if err := n.RPC("", "getmempoolentry", &entry, txid.String()); err != nil {
			t.Fatalf("%s: the node has not the transaction: %v", a.kind, err)
		}
		if entry.VSize > int64(draft.VSize) {
			t.Errorf("%s: %d vB, told were %d", a.kind, entry.VSize, draft.VSize)
		}
	}
	step("sent, unconfirmed")
	n.Mine(6)
	step("sent, confirmed")

	n.Reorg(10, true)
	step("after a reorg of ten blocks that emptied them")
	n.Mine(2)
	step("confirmed again")
	n.Restart()
	h.nodes.Look(ctx)
	step("after a restart of the node")

	for _, a := range actors {
		draft, err := h.wallets.NewDraft(ctx, a.ref, wallet.SpendRequest{FeeRate: btc.SatPerVB(2),
			Recipients: []wallet.Recipient{{Address: n.NewAddress(), Max: true}}})
		if err != nil {
			t.Fatalf("%s: send all: %v", a.kind, err)
		}
		draft = h.sign(a.ref, draft, a.devices[len(a.devices)-a.m:]...)
		if _, err := h.wallets.Broadcast(ctx, a.ref, draft.ID); err != nil {
			t.Fatalf("%s: broadcast all: %v", a.kind, err)
		}
	}
	n.Mine(1)
	step("everything sent")
	for _, a := range actors {
		if b := h.record(a.ref).Balance; b.Total() != 0 {
			t.Errorf("%s: %d sat are left", a.kind, b.Total())
		}
	}
}

// TestOldCoinsAreFound covers the scans: birthday given, the whole chain, and not at all.
func TestOldCoinsAreFound(t *testing.T) {
	n := coretest.Start(t, coretest.Options{})
	ctx := context.Background()
	h := open(t, Config{})
	h.connect(n)
	d := h.keys("Red")[0]
	key := d.KeysFor(btc.Regtest, "wpkh")[0].Expression()
	make := func(name string, w wallet.NewWallet) wallet.Record {
		w.Name, w.ScriptType, w.Keys = name, "wpkh", []string{key}
		r, err := h.wallets.Create(ctx, demoOwner, btc.Regtest, w)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := make("first", wallet.NewWallet{})
	a, err := h.wallets.NewAddress(ctx, first.Ref())
	if err != nil {
		t.Fatal(err)
	}
	n.Send(a.Address, "0.5")
	n.Mine(3)
	if err := h.wallets.Delete(ctx, first.Ref()); err != nil {
		t.Fatal(err)
	}
	n.Mine(20)

	zero := int32(0)
	for name, w := range map[string]wallet.NewWallet{"all": {ScanAll: true}, "height": {FromHeight: &zero}, "birthday": {Birthday: time.Now().Add(-48 * time.Hour)}} {
		r := make(name, w)
		eventually(t, name+" finds the coin", func() (bool, string) {
			got := h.record(r.Ref())
			return got.Balance.Confirmed == 50_000_000, fmt.Sprintf("balance %+v scan %+v error %q", got.Balance, got.Scan, got.SyncError)
		})
		if err := h.wallets.Delete(ctx, r.Ref()); err != nil {
			t.Fatal(err)
		}
	}
	fresh := make("fresh", wallet.NewWallet{})
	h.sync(fresh.Ref())
	if err := h.wallets.Rescan(ctx, fresh.Ref(), 0); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the rescan finds the coin", func() (bool, string) {
		got := h.record(fresh.Ref())
		return got.Balance.Confirmed == 50_000_000, fmt.Sprintf("balance %+v scan %+v", got.Balance, got.Scan)
	})
}

// TestPagesStayWhileTheNodeIsAway: the database answers, and says that it is stale.
func TestPagesStayWhileTheNodeIsAway(t *testing.T) {
	n := coretest.Start(t, coretest.Options{})
	ctx := context.Background()
	h := open(t, Config{})
	h.connect(n)
	a := h.makeAll(h.keys("Red", "Green", "Blue"))[1]
	address, err := h.wallets.NewAddress(ctx, a.ref)
	if err != nil {
		t.Fatal(err)
	}
	n.Send(address.Address, "0.7")
	eventually(t, "the payment is seen", func() (bool, string) {
		b := h.record(a.ref).Balance
		return b.Pending == 70_000_000, fmt.Sprint(b)
	})
	n.Mine(1)
	eventually(t, "the payment confirms", func() (bool, string) {
		b := h.record(a.ref).Balance
		return b.Confirmed == 70_000_000, fmt.Sprint(b)
	})
	n.Stop()
	if err := h.wallets.Sync(ctx, a.ref); !errs.Is(err, errs.Unavailable) {
		t.Errorf("sync without a node gave %v", err)
	}
	if got := h.ourCoins(a.ref); len(got) != 1 {
		t.Errorf("coins without a node: %v", got)
	}
	h = h.reopen()
	if got := h.ourCoins(a.ref); len(got) != 1 {
		t.Errorf("coins after a restart without a node: %v", got)
	}
	if r := h.record(a.ref); r.Balance.Confirmed != 70_000_000 {
		t.Errorf("the balance without a node is %+v", r.Balance)
	}
	n.Start()
	n.Send(address.Address, "0.1")
	eventually(t, "a payment is seen after the node's return", func() (bool, string) {
		r := h.record(a.ref)
		return r.Balance.Pending == 10_000_000 && r.SyncError == "", fmt.Sprintf("%+v %s", r.Balance, r.SyncError)
	})
}

// TestChangedAnswersAreRefusedWithTheirReason sends PSBTs back that were tampered with.
func TestChangedAnswersAreRefusedWithTheirReason(t *testing.T) {
	h := open(t, Config{Demo: &Demo{}})
	ctx := context.Background()
	records, err := h.wallets.List(ctx, demoOwner, btc.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	ref := records[slices.IndexFunc(records, func(r wallet.Record) bool { return r.Multisig() })].Ref()
	address, err := h.wallets.NewAddress(ctx, ref)
	if err != nil {
		t.Fatal(err)
	}
	draft, err := h.wallets.NewDraft(ctx, ref, wallet.SpendRequest{FeeRate: btc.SatPerVB(3), Recipients: []wallet.Recipient{{Address: address.Address, Amount: 10_000_000}}})
	if err != nil {
		t.Fatal(err)
	}
	other, err := h.wallets.NewDraft(ctx, ref, wallet.SpendRequest{FeeRate: btc.SatPerVB(3), Recipients: []wallet.Recipient{{Address: address.Address, Amount: 11_000_000}}})
	if err != nil {
		t.Fatal(err)
	}
	before, err := h.wallets.Draft(ctx, ref, draft.ID)
	if err != nil {
		t.Fatal(err)
	}
	for name, answer := range mutations(t, draft, other) {
		_, err := h.wallets.AddSignatures(ctx, ref, draft.ID, answer.data)
		if err == nil || !strings.Contains(err.Error(), answer.says) {
			t.Errorf("%s: got %v, want a refusal that says %q", name, err, answer.says)
		}
	}
	after, err := h.wallets.Draft(ctx, ref, draft.ID)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before.PSBT, after.PSBT) {
		t.Error("a refused answer changed the draft")
	}
}
