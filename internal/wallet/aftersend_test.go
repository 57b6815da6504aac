package wallet_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/spend"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// senders are wallets of three kinds and who signs for them.
func (h *house) senders() map[string]struct {
	r   wallet.Record
	who []int64
} {
	return map[string]struct {
		r   wallet.Record
		who []int64
	}{
		"wpkh":   {h.create("Single", "wpkh", 1, "alice"), []int64{1}},
		"2 of 3": {h.create("Multi", "wsh", 2, "alice", "bob", "carol"), []int64{1, 2}},
		"tr":     {h.create("Tap", "tr", 1, "bob"), []int64{2}},
	}
}

func (h *house) broadcast(ref wallet.Ref, d wallet.Draft, who ...int64) chainhash.Hash {
	h.t.Helper()
	d = h.sign(ref, d, who...)
	id, err := h.s.Broadcast(context.Background(), ref, d.ID)
	if err != nil {
		h.t.Fatalf("broadcast draft %d (%s): %v", d.ID, d.State, err)
	}
	return id
}

func (h *house) row(ref wallet.Ref, id chainhash.Hash) wallet.HistoryRow {
	h.t.Helper()
	d, err := h.s.Transaction(context.Background(), ref, id)
	if err != nil {
		h.t.Fatal(err)
	}
	return d.HistoryRow
}

func (h *house) wantState(ref wallet.Ref, id chainhash.Hash, want wallet.TxState) {
	h.t.Helper()
	if got := h.row(ref, id).State; got != want {
		h.t.Errorf("transaction %s is %s, want %s", id, got, want)
	}
}

func TestSpeedUpCancelAndEditTakeThePlaceOfATransaction(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	for kind, a := range h.senders() {
		ref := a.r.Ref()
		h.pay(ref, 100_000_000)
		h.mine(1)
		h.sync(ref)
		first := h.broadcast(ref, h.send(ref, stranger(1), 10_000_000, ""), a.who...)
		var low *spend.FeeRateError
		if _, err := h.s.Replace(ctx, ref, wallet.ReplaceRequest{TxID: first, FeeRate: btc.SatPerVB(3)}); !errors.As(err, &low) || low.Min <= btc.SatPerVB(3) {
			t.Errorf("%s: a replacement that pays no more gave %v", kind, err)
		}
		up, err := h.s.Replace(ctx, ref, wallet.ReplaceRequest{TxID: first, FeeRate: btc.SatPerVB(10), Token: "up"})
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		if again, err := h.s.Replace(ctx, ref, wallet.ReplaceRequest{TxID: first, FeeRate: btc.SatPerVB(10), Token: "up"}); err != nil || again.ID != up.ID {
			t.Errorf("%s: the same form made another draft: %v", kind, err)
		}
		if len(up.Recipients) != 1 || up.Recipients[0].Amount != 10_000_000 || up.Replaces == nil || *up.Replaces != first || up.Inputs[0].SpentBy != nil {
			t.Errorf("%s: the speed-up is %+v", kind, up)
		}
		second := h.broadcast(ref, up, a.who...)
		h.wantState(ref, first, wallet.Conflicted)
		h.wantState(ref, second, wallet.Pending)
		h.check(ref)
		if d, err := h.s.Transaction(ctx, ref, second); err != nil || !slices.Contains(d.Conflicts, first) {
			t.Errorf("%s: conflicts %v, %v", kind, d.Conflicts, err)
		}

		q, err := h.s.EditRequest(ctx, ref, second)
		if err != nil {
			t.Fatal(err)
		}
		q.Recipients = append(q.Recipients, wallet.Recipient{Address: stranger(2), Amount: 5_000_000})
		q.FeeRate = btc.SatPerVB(20)
		edited, err := h.s.NewDraft(ctx, ref, q)
		if err != nil {
			t.Fatalf("%s: edit: %v", kind, err)
		}
		third := h.broadcast(ref, edited, a.who...)
		h.wantState(ref, second, wallet.Conflicted)

		back, err := h.s.Replace(ctx, ref, wallet.ReplaceRequest{TxID: third, Cancel: true})
		if err != nil {
			t.Fatalf("%s: cancel: %v", kind, err)
		}
		if len(back.Outputs) != 1 || !back.Outputs[0].Change {
			t.Errorf("%s: the cancellation pays %+v", kind, back.Outputs)
		}
		fourth := h.broadcast(ref, back, a.who...)
		h.wantState(ref, third, wallet.Conflicted)
		h.mine(1)
		r := h.sync(ref)
		h.wantState(ref, fourth, wallet.Confirmed)
		if r.Balance.Confirmed != 100_000_000-back.Fee || r.Balance.Reserved != 0 {
			t.Errorf("%s: after the cancellation %+v, fee %d", kind, r.Balance, back.Fee)
		}
		if _, err := h.s.Replace(ctx, ref, wallet.ReplaceRequest{TxID: fourth, FeeRate: btc.SatPerVB(50)}); !errs.Is(err, errs.Conflict) {
			t.Errorf("%s: a confirmed transaction was replaced: %v", kind, err)
		}
	}
}

// A replacement that nobody sent in time is dead when the original confirms.
func TestReplacementDiesWhenTheOriginalConfirms(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	ref := h.create("Single", "wpkh", 1, "alice").Ref()
	h.pay(ref, 100_000_000)
	h.mine(1)
	h.sync(ref)
	first := h.broadcast(ref, h.send(ref, stranger(1), 10_000_000, ""), 1)
	up, err := h.s.Replace(ctx, ref, wallet.ReplaceRequest{TxID: first, FeeRate: btc.SatPerVB(10)})
	if err != nil {
		t.Fatal(err)
	}
	up = h.sign(ref, up, 1)
	h.mine(1)
	h.sync(ref)
	_, err = h.s.Broadcast(ctx, ref, up.ID)
	wantKind(t, err, errs.Conflict, "sending a replacement after the original confirmed")
	if err := h.s.DeleteDraft(ctx, ref, up.ID); err != nil {
		t.Error(err)
	}
	h.check(ref)
}

func TestChildLiftsIncomingAndOutgoingPayments(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	for kind, a := range h.senders() {
		ref := a.r.Ref()
		h.pay(ref, 50_000_000)
		h.mine(1)
		h.sync(ref)
		incoming := h.pay(ref, 7_000_000).TxHash()
		h.sync(ref)
		outgoing := h.broadcast(ref, h.send(ref, stranger(3), 10_000_000, ""), a.who...)
		for name, parent := range map[string]chainhash.Hash{"in": incoming, "out": outgoing} {
			want := btc.SatPerVB(25)
			child, err := h.s.Child(ctx, ref, wallet.ChildRequest{TxID: parent, FeeRate: want})
			if err != nil {
				t.Fatalf("%s %s: %v", kind, name, err)
			}
			e, err := h.chain.PoolEntry(ctx, h.broadcast(ref, child, a.who...))
			if err != nil {
				t.Fatal(err)
			}
			got := btc.RateOf(e.AncestorFee, e.AncestorVSize)
			if e.Ancestors != 2 || got < want*99/100 || got > want*101/100 {
				t.Errorf("%s %s: %d transactions pay %s sat/vB, want %s", kind, name, e.Ancestors, got, want)
			}
			if _, err := h.s.Child(ctx, ref, wallet.ChildRequest{TxID: parent, FeeRate: want}); err == nil {
				t.Errorf("%s %s: a second child of the same output was made", kind, name)
			}
		}
		h.check(ref)
		h.mine(1)
		h.sync(ref)
	}
}

func TestDroppedTransactionRaisesAnAlarmAndCanBeGivenUpOrSentAgain(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	ref := h.create("Single", "wpkh", 1, "alice").Ref()
	h.pay(ref, 100_000_000)
	h.mine(1)
	h.sync(ref)
	id := h.broadcast(ref, h.send(ref, stranger(1), 10_000_000, ""), 1)
	h.sync(ref)
	wantKind(t, h.s.Abandon(ctx, ref, id), errs.Conflict, "giving up what the mempool holds")
	events, stop := h.s.Subscribe(admin)
	defer stop()
	if err := h.chain.Evict(id); err != nil {
		t.Fatal(err)
	}
	r := h.sync(ref)
	h.wantState(ref, id, wallet.Dropped)
	told := false
	for len(events) > 0 {
		e := <-events
		told = told || e.Kind == "dropped" && e.TxID == id.String()
	}
	alarms, err := h.s.Alarms(ctx, ref)
	if err != nil || !told || len(alarms) != 1 || alarms[0].TxID != id {
		t.Errorf("alarm told %v, listed %v, %v", told, alarms, err)
	}
	if r.Balance.Reserved == 0 {
		t.Error("the draft of a dropped transaction lets its coins go at once: it could still confirm")
	}
	if err := h.s.Abandon(ctx, ref, id); err != nil {
		t.Fatal(err)
	}
	h.check(ref)
	if r = h.get(ref); r.Balance.Reserved != 0 || r.Balance.Available() != 100_000_000 || !h.row(ref, id).Abandoned {
		t.Errorf("given up: %+v", r.Balance)
	}
	if alarms, _ = h.s.Alarms(ctx, ref); len(alarms) != 0 {
		t.Error("an alarm about what was given up")
	}
	if err := h.s.Rebroadcast(ctx, ref, id); err != nil {
		t.Fatal(err)
	}
	h.wantState(ref, id, wallet.Pending)
	if h.row(ref, id).Abandoned {
		t.Error("sent again, and still given up")
	}
	h.mine(1)
	h.sync(ref)
	h.wantState(ref, id, wallet.Confirmed)
	wantKind(t, h.s.Rebroadcast(ctx, ref, id), errs.Conflict, "sending again what is confirmed")
}

// clocked is a house whose service has a clock that can be moved.
func clocked(t *testing.T) (*house, *time.Time) {
	h := newHouse(t)
	now := time.Now()
	h.s = wallet.New(wallet.Config{Store: h.db, Sources: h.src, UID: "0011", FeeRate: h.chain.FeeRate, SignHot: signHot, Devices: devices, Now: func() time.Time { return now }})
	return h, &now
}

func TestDraftLetsItsCoinsGoAfterMonthsAndCanBeRenewed(t *testing.T) {
	h, now := clocked(t)
	ctx := context.Background()
	ref := h.create("Multi", "wsh", 2, "alice", "bob", "carol").Ref()
	h.pay(ref, 100_000_000)
	h.mine(1)
	h.sync(ref)
	d := h.send(ref, stranger(1), 10_000_000, "")
	*now = now.Add(29 * 24 * time.Hour)
	d = h.sign(ref, d, 1)
	*now = now.Add(12 * time.Hour) // a signer on the other side of the world
	if n, err := h.s.ExpireDrafts(ctx); n != 0 || err != nil {
		t.Fatalf("%d drafts expired under somebody's hands, %v", n, err)
	}
	*now = now.Add(31 * 24 * time.Hour)
	if n, err := h.s.ExpireDrafts(ctx); n != 1 || err != nil {
		t.Fatalf("%d expired, %v", n, err)
	}
	h.check(ref)
	if b := h.get(ref).Balance; b.Reserved != 0 {
		t.Errorf("an expired draft holds %d", b.Reserved)
	}
	list, err := h.s.Drafts(ctx, ref)
	if err != nil || len(list) != 1 || list[0].State != wallet.Expired || list[0].Have != 1 {
		t.Fatalf("%+v %v", list, err)
	}
	d, err = h.s.RenewDraft(ctx, ref, d.ID)
	if err != nil || d.State != wallet.PartlySig || h.get(ref).Balance.Reserved == 0 {
		t.Fatalf("renewed: %s %v", d.State, err)
	}
	*now = now.Add(31 * 24 * time.Hour)
	if _, err := h.s.ExpireDrafts(ctx); err != nil {
		t.Fatal(err)
	}
	other := h.send(ref, stranger(2), 10_000_000, "")
	_, err = h.s.RenewDraft(ctx, ref, d.ID)
	wantKind(t, err, errs.Conflict, "renewing a draft whose coin another one holds")
	if err := h.s.DeleteDraft(ctx, ref, other.ID); err != nil {
		t.Fatal(err)
	}
	h.broadcast(ref, d, 2) // who signs an expired draft renews it
	*now = now.Add(100 * 24 * time.Hour)
	if n, err := h.s.ExpireDrafts(ctx); n != 0 || err != nil {
		t.Errorf("a broadcast draft expired: %d %v", n, err)
	}
	h.check(ref)
}

func TestDamagedDraftNeverLocksTheWallet(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	ref := h.create("Single", "wpkh", 1, "alice").Ref()
	for range 2 {
		h.pay(ref, 50_000_000)
	}
	h.mine(1)
	h.sync(ref)
	d := h.send(ref, stranger(1), 10_000_000, "")
	good := h.send(ref, stranger(2), 10_000_000, "")
	h.raw(`UPDATE drafts SET psbt = x'00', warnings = '{' WHERE id = ?`, d.ID)
	h.raw(`INSERT INTO draft_coins (draft, wallet, txid, vout) VALUES (?, 1, x'1111111111111111111111111111111111111111111111111111111111111111', 7)`, d.ID)
	list, err := h.s.Drafts(ctx, ref)
	if err != nil || len(list) != 2 || list[1].State != wallet.DraftBroken || list[1].Trouble == "" || list[0].State != wallet.Unsigned {
		t.Fatalf("%+v %v", list, err)
	}
	if _, err := h.s.Preview(ctx, ref, wallet.SpendRequest{Recipients: []wallet.Recipient{{Address: stranger(3), Amount: 1_000_000}}, FeeRate: btc.SatPerVB(2), Coins: nil}); err == nil {
		t.Error("both coins are held, and yet a payment was planned")
	}
	if err := h.s.DeleteDraft(ctx, ref, d.ID); err != nil {
		t.Fatal(err)
	}
	h.check(ref)
	h.broadcast(ref, good, 1)
	h.check(ref)
}

func TestPartlySignedMultisigWithChosenCoinsPaysTheWalletItself(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	ref := h.create("Multi", "wsh", 2, "alice", "bob", "carol").Ref()
	for range 3 {
		h.pay(ref, 20_000_000)
	}
	h.mine(1)
	h.sync(ref)
	coins := h.coins(ref, wallet.Query{Filter: "free"})
	own, err := h.s.NewAddress(ctx, ref)
	if err != nil {
		t.Fatal(err)
	}
	d, err := h.s.NewDraft(ctx, ref, wallet.SpendRequest{FeeRate: btc.SatPerVB(2), Coins: nil, Recipients: []wallet.Recipient{{Address: own.Address, Amount: 30_000_000}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.s.DeleteDraft(ctx, ref, d.ID); err != nil {
		t.Fatal(err)
	}
	q := wallet.SpendRequest{FeeRate: btc.SatPerVB(2), Recipients: []wallet.Recipient{{Address: own.Address, Amount: 30_000_000}}}
	q.Coins = append(q.Coins, coins.Rows[0].OutPoint, coins.Rows[1].OutPoint)
	if d, err = h.s.NewDraft(ctx, ref, q); err != nil {
		t.Fatal(err)
	}
	d = h.sign(ref, d, 1)
	half := d.PSBT
	if err := h.s.DeleteDraft(ctx, ref, d.ID); err != nil {
		t.Fatal(err)
	}
	if d, err = h.s.ImportPSBT(ctx, ref, half); err != nil || d.State != wallet.PartlySig || len(d.Inputs) != 2 {
		t.Fatalf("imported: %+v %v", d, err)
	}
	id := h.broadcast(ref, d, 3)
	if row := h.row(ref, id); row.Category != wallet.SelfTransfer || row.Amount != -d.Fee {
		t.Errorf("paying oneself is %s of %d", row.Category, row.Amount)
	}
	h.check(ref)
	up, err := h.s.Replace(ctx, ref, wallet.ReplaceRequest{TxID: id, FeeRate: btc.SatPerVB(9)})
	if err != nil || len(up.Outputs) != 2 {
		t.Fatalf("speeding up a payment to oneself: %+v %v", up, err)
	}
}

func codes(list []wallet.Remark) (out []spend.Code) {
	for _, r := range list {
		out = append(out, r.Code)
	}
	return out
}

func TestRemarksNameWhatAPersonShouldKnow(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	ref := h.create("Single", "wpkh", 1, "alice").Ref()
	for range 4 {
		h.pay(ref, 50_000_000)
	}
	h.mine(1)
	h.sync(ref)
	paid := stranger(9)
	h.broadcast(ref, h.send(ref, paid, 1_234_567, ""), 1)
	h.mine(1)
	h.sync(ref)
	own, err := h.s.NewAddress(ctx, ref)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := h.s.NewAddress(ctx, h.create("Old age", "tr", 1, "bob").Ref())
	if err != nil {
		t.Fatal(err)
	}
	list := h.coins(ref, wallet.Query{Filter: "free"}).Rows
	for i, c := range list[:2] {
		if err := h.s.SetLabel(ctx, ref, wallet.LabelOutput, c.OutPoint.String(), []string{"salary", "gift"}[i]); err != nil {
			t.Fatal(err)
		}
	}
	to := func(address string, amount btcutil.Amount) wallet.SpendRequest {
		return wallet.SpendRequest{FeeRate: btc.SatPerVB(2), Recipients: []wallet.Recipient{{Address: address, Amount: amount}}}
	}
	with := func(q wallet.SpendRequest, f func(*wallet.SpendRequest)) wallet.SpendRequest { f(&q); return q }
	for name, c := range map[string]struct {
		q    wallet.SpendRequest
		want spend.Code
	}{
		"paid before":  {to(paid, 1_111_111), spend.PaidBefore},
		"look-alike":   {to(lookalike(t, paid), 1_111_111), spend.LookAlike},
		"own":          {to(own.Address, 1_111_111), spend.OwnAddress},
		"other wallet": {to(elsewhere.Address, 1_111_111), spend.OwnOther},
		"round":        {to(stranger(1), 2_000_000), spend.RoundAmount},
		"other type":   {to("2N3oefVeg6stiTb5Kh3ozCSkaqmx91FDbsm", 2_123_456), spend.ScriptTypes},
		"feerate":      {with(to(stranger(1), 2_123_456), func(q *wallet.SpendRequest) { q.FeeRate = btc.SatPerVB(500) }), spend.FeeRateHigh},
		"small":        {to(stranger(1), 1_000), spend.FeePercent},
		"nearly all":   {to(stranger(1), 198_000_000), spend.NearlyAll},
		"linked":       {with(to(stranger(1), 60_123_456), func(q *wallet.SpendRequest) { q.Coins = []wire.OutPoint{list[0].OutPoint, list[1].OutPoint} }), spend.LinkedLabels},
		"reused coins": {to(stranger(1), 60_123_456), ""},
	} {
		p, err := h.s.Preview(ctx, ref, c.q)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c.want != "" && !slices.Contains(codes(p.Remarks), c.want) {
			t.Errorf("%s: remarks %q", name, p.Warnings)
		}
		if name == "reused coins" && slices.Contains(codes(p.Remarks), spend.LookAlike) {
			t.Errorf("%s: a fresh address looks like another: %q", name, p.Warnings)
		}
	}
	_, err = h.s.Preview(ctx, ref, to(stranger(1), 5_000*btcutil.SatoshiPerBitcoin))
	if err == nil || !strings.Contains(err.Error(), "did you mean 5000 sat") {
		t.Errorf("5,000 BTC gave %v", err)
	}
	_, err = h.s.Preview(ctx, ref, with(to(stranger(1), 1_111_111), func(q *wallet.SpendRequest) { q.FeeRate = 500 }))
	wantKind(t, err, errs.Invalid, "a feerate below the node's floor")
	// A draft that others signed for spends the same coin: segwit's amounts can be lied about.
	d := h.sign(ref, h.send(ref, stranger(1), 1_111_111, ""), 1)
	id := h.broadcast(ref, d)
	up, err := h.s.Replace(ctx, ref, wallet.ReplaceRequest{TxID: id, FeeRate: btc.SatPerVB(10)})
	if err != nil || !slices.Contains(codes(up.Remarks), spend.DoubleSign) {
		t.Errorf("signing twice: %q %v", up.Warnings, err)
	}
	again, err := h.s.Draft(ctx, ref, up.ID)
	if err != nil || !slices.Equal(again.Warnings, up.Warnings) {
		t.Errorf("stored remarks %q, made %q, %v", again.Warnings, up.Warnings, err)
	}
	if c, err := h.s.Compare(ctx, ref, d.ID, up.ID); err != nil || c.SameFee || len(c.Inputs) != 1 || !c.Inputs[0].A || !c.Inputs[0].B || len(c.Outputs) != 2 {
		t.Errorf("compared: %+v %v", c, err)
	}
}

func TestConsolidationSavesWhenBlocksAreCheap(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	ref := h.create("Single", "wpkh", 1, "alice").Ref()
	for range 12 {
		a, err := h.s.NewAddress(ctx, ref)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.chain.Faucet(a.Address, 20_000); err != nil {
			t.Fatal(err)
		}
	}
	h.pay(ref, 50_000_000)
	h.mine(1)
	h.sync(ref)
	a, err := h.s.Consolidation(ctx, ref, 0)
	if err != nil || len(a.Coins) != 12 || a.Saves <= 0 || a.LaterAll <= a.LaterOne {
		t.Fatalf("%+v %v", a, err)
	}
	dear, err := h.s.Consolidation(ctx, ref, btc.SatPerVB(300))
	if err != nil || len(dear.Dust) != 12 || len(dear.Coins) != 0 {
		t.Errorf("at 300 sat/vB: %d coins, %d dust, %v", len(dear.Coins), len(dear.Dust), err)
	}
	points, err := h.s.BalanceSeries(ctx, ref, 30)
	if err != nil || len(points) == 0 || points[len(points)-1].Balance != h.get(ref).Balance.Total() {
		t.Errorf("series %+v, %v", points, err)
	}
}

func TestBaitIsMarked(t *testing.T) {
	h := newHouse(t)
	ref := h.create("Single", "wpkh", 1, "alice").Ref()
	first := h.pay(ref, 50_000_000)
	h.mine(1)
	h.sync(ref)
	address := h.coins(ref, wallet.Query{}).Rows[0].Address
	dust, err := h.chain.Faucet(address, 600)
	if err != nil {
		t.Fatal(err)
	}
	h.sync(ref)
	marked := 0
	for _, c := range h.coins(ref, wallet.Query{}).Rows {
		if c.OutPoint.Hash == dust.TxHash() && c.Suspect == wallet.DustAttack && c.Reused {
			marked++
		}
		if c.OutPoint.Hash == first.TxHash() && c.Suspect != "" {
			t.Error("an honest payment is suspected")
		}
	}
	if marked != 1 {
		t.Error("bait on a used address is not marked")
	}
}

// lookalike makes an address that begins and ends as another one does. Its middle is searched
// for: the last six characters of such an address are a checksum over all of it.
func lookalike(t *testing.T, address string) string {
	t.Helper()
	a, err := btc.ParseAddress(address, btc.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	head, tail := address[:len("bcrt1q")+4], address[len(address)-4:]
	script := slices.Clone(a.Script)
	for n := range 8 << 20 {
		script[8], script[9], script[10] = byte(n), byte(n>>8), byte(n>>16)
		if made, ok := btc.AddressOf(script, btc.Regtest); ok && made != address && strings.HasPrefix(made, head) && strings.HasSuffix(made, tail) {
			return made
		}
	}
	t.Fatal("no look-alike was found")
	return ""
}
