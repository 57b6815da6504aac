package wallet_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/go-cmp/cmp"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/wallet"
)

func TestHistoryIsSearchedSortedAndPaged(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	ref := h.create("Savings", "wpkh", 0, "alice").Ref()
	label := func(tx *wire.MsgTx, text string) {
		if err := h.s.SetLabel(ctx, ref, wallet.LabelTx, tx.TxHash().String(), text); err != nil {
			t.Fatal(err)
		}
	}
	a := h.pay(ref, 100_000)
	h.mine(1)
	h.sync(ref)
	b := h.pay(ref, 2_000_000)
	h.mine(1)
	h.sync(ref)
	label(a, "Miete für Änne")
	d := h.sign(ref, h.send(ref, stranger(1), 50_000, ""), 1)
	c, err := h.s.Broadcast(ctx, ref, d.ID)
	if err != nil {
		t.Fatal(err)
	}
	today := time.Now().UTC().Format("2006-01-02")
	for _, q := range []struct {
		name string
		q    wallet.Query
		want int
	}{
		{"everything", wallet.Query{}, 3}, {"by txid", wallet.Query{Search: a.TxHash().String()}, 1},
		{"by a part of a txid", wallet.Query{Search: b.TxHash().String()[20:30]}, 1}, {"upper case", wallet.Query{Search: strings.ToUpper(b.TxHash().String()[20:30])}, 1},
		{"two characters", wallet.Query{Search: "rt"}, 3}, {"address", wallet.Query{Search: stranger(1)}, 1}, {"part of an address", wallet.Query{Search: stranger(1)[8:20]}, 1},
		{"label", wallet.Query{Search: "für änn"}, 1}, {"a sign of patterns", wallet.Query{Search: "100%_"}, 0}, {"nothing", wallet.Query{Search: "zzzzzz"}, 0},
		{"more than", wallet.Query{Search: "> 0.001"}, 2 - 1}, {"more than a send too", wallet.Query{Search: ">0.0005"}, 3}, {"less than", wallet.Query{Search: "<0.02"}, 2}, {"equal", wallet.Query{Search: "=0.02"}, 1}, {"number", wallet.Query{Search: "0.02"}, 1},
		{"day", wallet.Query{Search: today}, 3}, {"another day", wallet.Query{Search: "2009-01-03"}, 0}, {"month", wallet.Query{Search: today[:7]}, 3},
		{"received", wallet.Query{Filter: "receive"}, 2}, {"sent", wallet.Query{Filter: "send"}, 1}, {"unconfirmed", wallet.Query{Filter: "unconfirmed"}, 1}, {"unconfirmed found", wallet.Query{Filter: "unconfirmed", Search: stranger(1)[8:20]}, 1},
	} {
		if p := h.history(ref, q.q); p.Total != q.want || len(p.Rows) != q.want {
			t.Errorf("%s: %d of %d rows, want %d", q.name, len(p.Rows), p.Total, q.want)
		}
	}
	order := func(q wallet.Query) string {
		var out []string
		names := map[string]string{a.TxHash().String(): "a", b.TxHash().String(): "b", c.String(): "c"}
		for page := 1; page <= 4; page++ {
			q.Size, q.Page = 1, page
			for _, r := range h.history(ref, q).Rows {
				out = append(out, names[r.TxID.String()])
			}
		}
		return strings.Join(out, "")
	}
	for _, q := range []struct {
		sort string
		desc bool
		want string
	}{{"", false, "cba"}, {"time", true, "cba"}, {"date", false, "abc"}, {"amount", true, "bac"}, {"amount", false, "cab"}, {"label", true, "acb"}, {"category", false, "abc"}, {"; DROP TABLE history", true, "cba"}} {
		if got := order(wallet.Query{Sort: q.sort, Desc: q.desc}); got != q.want {
			t.Errorf("sorted by %q (desc %v): %s, want %s", q.sort, q.desc, got, q.want)
		}
	}
	all, err := h.s.HistoryAll(ctx, admin, btc.Regtest, wallet.Query{Size: 2})
	if err != nil || all.Total != 3 || len(all.Rows) != 2 || all.Rows[0].WalletName != "Savings" {
		t.Errorf("all wallets: %+v, %v", all, err)
	}
	for _, q := range []wallet.Query{{Size: 501}, {Size: -1}, {Search: strings.Repeat("x", 300)}, {Search: "> x"}, {Search: "< 0.123456789"}} {
		_, err := h.s.History(ctx, ref, q)
		wantKind(t, err, errs.Invalid, "a query out of bounds")
	}
}

func TestHistoryOfAllWalletsIsMergedInOrder(t *testing.T) {
	h := newHouse(t)
	a, b := h.create("A", "wpkh", 0, "alice").Ref(), h.create("B", "tr", 0, "bob").Ref()
	for i := range 6 {
		ref := a
		if i%3 == 1 {
			ref = b
		}
		h.pay(ref, 10_000)
		h.mine(1)
		h.sync(ref)
	}
	h.sync(a)
	h.sync(b)
	var last time.Time
	var names string
	for page := 1; page <= 3; page++ {
		p, err := h.s.HistoryAll(context.Background(), admin, btc.Regtest, wallet.Query{Size: 2, Page: page})
		if err != nil || p.Total != 6 || len(p.Rows) != 2 {
			t.Fatalf("page %d: %+v, %v", page, p, err)
		}
		for _, r := range p.Rows {
			names += r.WalletName
			if !last.IsZero() && r.Time.After(last) {
				t.Errorf("row of %v after one of %v", r.Time, last)
			}
			last = r.Time
		}
	}
	if names != "ABAABA" {
		t.Errorf("order of the wallets: %s", names)
	}
	coins, err := h.s.CoinsAll(context.Background(), admin, btc.Regtest, wallet.Query{Filter: "unspent", Size: 4})
	if err != nil || coins.Total != 6 || coins.Amount != 60_000 || len(coins.Rows) != 4 {
		t.Errorf("coins: %+v, %v", coins, err)
	}
}

func TestLabelsFollowTheirThings(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	ref := h.create("Savings", "wpkh", 0, "alice").Ref()
	address, err := h.s.ReceiveAddress(ctx, ref)
	if err != nil {
		t.Fatal(err)
	}
	set := func(kind wallet.LabelKind, key, text string) {
		t.Helper()
		if err := h.s.SetLabel(ctx, ref, kind, key, text); err != nil {
			t.Fatal(err)
		}
	}
	set(wallet.LabelAddress, address.Address, "Ärzte")
	if p, err := h.s.Addresses(ctx, ref, wallet.Query{Search: "äRZ"}); err != nil || p.Total != 1 {
		t.Errorf("addresses %+v, %v", p, err)
	}
	set(wallet.LabelAddress, address.Address, "Salary")
	tx := h.pay(ref, 10_000) // labelled before it came
	h.sync(ref)
	txid := tx.TxHash().String()
	row := func() string { return h.history(ref, wallet.Query{}).Rows[0].Label }
	coin := func() string { return h.coins(ref, wallet.Query{}).Rows[0].Label }
	if row() != "Salary" || coin() != "Salary" {
		t.Errorf("labels %q, %q", row(), coin())
	}
	set(wallet.LabelTx, txid, "November")
	if row() != "November" || coin() != "Salary" {
		t.Errorf("labels %q, %q", row(), coin())
	}
	set(wallet.LabelOutput, h.coins(ref, wallet.Query{}).Rows[0].OutPoint.String(), "The coin")
	set(wallet.LabelTx, txid, "")
	set(wallet.LabelAddress, address.Address, "salary")
	if row() != "salary" || coin() != "The coin" {
		t.Errorf("labels %q, %q", row(), coin())
	}
	if p := h.history(ref, wallet.Query{Search: "november"}); p.Total != 0 {
		t.Error("the search finds a label that is gone")
	}
	h.mine(1)
	h.reopen()
	h.sync(ref)
	if row() != "salary" {
		t.Errorf("after the block the label is %q", row())
	}
	detail, err := h.s.Transaction(ctx, ref, tx.TxHash())
	if err != nil || len(detail.Outputs) != len(tx.TxOut) || len(detail.Inputs) != len(tx.TxIn) {
		t.Fatalf("%+v, %v", detail, err)
	}
	mine := 0
	for _, o := range detail.Outputs {
		if o.Mine {
			mine++
			if o.Label != "salary" || o.Address != address.Address || o.Change {
				t.Errorf("output %+v", o)
			}
		}
	}
	if mine != 1 {
		t.Errorf("%d outputs are ours", mine)
	}
	p, err := h.s.Addresses(ctx, ref, wallet.Query{Search: "SALAR"})
	if err != nil || p.Total != 1 || p.Rows[0].Coins != 1 || p.Rows[0].Amount != 10_000 || !p.Rows[0].Used {
		t.Errorf("addresses %+v, %v", p, err)
	}
	for _, bad := range []struct {
		kind wallet.LabelKind
		key  string
	}{{wallet.LabelTx, "12"}, {wallet.LabelAddress, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"}, {wallet.LabelOutput, txid}, {wallet.LabelOutput, txid + ":x"}, {"shoe", "x"}} {
		wantKind(t, h.s.SetLabel(ctx, ref, bad.kind, bad.key, "x"), errs.Invalid, "a label on "+bad.key)
	}
	wantKind(t, h.s.SetLabel(ctx, ref, wallet.LabelTx, txid, "a\x00b"), errs.Invalid, "a label with a control character")
}

func TestFrozenCoinsAreLeftAlone(t *testing.T) {
	h, ref := funded(t, 100_000, 50_000)
	ctx := context.Background()
	big := h.coins(ref, wallet.Query{Sort: "amount", Desc: true}).Rows[0]
	if err := h.s.Freeze(ctx, ref, []wire.OutPoint{big.OutPoint}, true); err != nil {
		t.Fatal(err)
	}
	h.reopen()
	if r := h.get(ref); r.Balance.Frozen != 100_000 || r.Balance.Available() != 50_000 {
		t.Errorf("balance %+v", r.Balance)
	}
	if p := h.coins(ref, wallet.Query{Filter: "frozen"}); p.Total != 1 || p.Rows[0].OutPoint != big.OutPoint || !p.Rows[0].Frozen {
		t.Errorf("frozen coins %+v", p)
	}
	if p := h.coins(ref, wallet.Query{Filter: "free"}); p.Total != 1 || p.Amount != 50_000 {
		t.Errorf("free coins %+v", p)
	}
	_, err := h.s.Preview(ctx, ref, request(stranger(1), 70_000))
	wantKind(t, err, errs.Invalid, "a payment that needs the frozen coin")
	wantKind(t, h.s.Freeze(ctx, ref, []wire.OutPoint{big.OutPoint, {Index: 5}}, false), errs.NotFound, "thawing a coin that is not ours")
	if h.get(ref).Balance.Frozen != 100_000 {
		t.Error("half of a refused call was done")
	}
	if err := h.chain.Reorg(1, true); err != nil { // its block goes, the wish stays
		t.Fatal(err)
	}
	h.mine(2)
	if r := h.sync(ref); r.Balance.Frozen != 100_000 {
		t.Errorf("after a reorg %+v", r.Balance)
	}
	if err := h.s.Freeze(ctx, ref, []wire.OutPoint{big.OutPoint}, false); err != nil || h.get(ref).Balance.Frozen != 0 {
		t.Error(err)
	}
	h.check(ref)
}

func TestCoinsAreListedAndFound(t *testing.T) {
	h, ref := funded(t, 100_000, 50_000)
	ctx := context.Background()
	d := h.sign(ref, h.send(ref, stranger(1), 120_000, ""), 1, 2)
	if _, err := h.s.Broadcast(ctx, ref, d.ID); err != nil {
		t.Fatal(err)
	}
	all := h.coins(ref, wallet.Query{})
	if all.Total != 3 || h.coins(ref, wallet.Query{Filter: "spent"}).Total != 2 || h.coins(ref, wallet.Query{Filter: "unspent"}).Amount != d.Change {
		t.Errorf("coins %+v", all)
	}
	spent := h.coins(ref, wallet.Query{Filter: "spent", Sort: "amount"}).Rows
	if spent[0].Amount != 50_000 || spent[0].SpentBy == nil || *spent[0].SpentBy != d.TxID {
		t.Errorf("spent coins %+v", spent)
	}
	for search, want := range map[string]int{spent[0].OutPoint.String(): 1, spent[0].OutPoint.Hash.String()[10:20]: 1, spent[0].Address[10:20]: 2, "> 0.0006": 1, "nothing": 0, "0.001": 1} {
		if got := h.coins(ref, wallet.Query{Search: search}).Total; got != want {
			t.Errorf("search %q finds %d coins, want %d", search, got, want)
		}
	}
}

// What the node keeps, and every row, is a cache: all of it deleted and told again is the same.
func TestDeletedRowsComeBackTheSame(t *testing.T) {
	h, ref := funded(t, 100_000, 50_000)
	ctx := context.Background()
	d := h.sign(ref, h.send(ref, stranger(1), 20_000, ""), 1, 2)
	if _, err := h.s.Broadcast(ctx, ref, d.ID); err != nil {
		t.Fatal(err)
	}
	free := h.coins(ref, wallet.Query{Filter: "free"}).Rows[:1]
	if err := h.s.Freeze(ctx, ref, []wire.OutPoint{free[0].OutPoint}, true); err != nil {
		t.Fatal(err)
	}
	h.mine(1)
	h.pay(ref, 7_000)
	before := h.sync(ref)
	history, coins := h.history(ref, wallet.Query{}), h.coins(ref, wallet.Query{})
	for _, table := range []string{"history", "coins", "txs", "spends", "tips"} {
		h.raw("DELETE FROM " + table)
	}
	h.raw(`INSERT INTO history_search (history_search) VALUES ('rebuild')`)
	h.raw(`UPDATE addresses SET used = 0, coins = 0, amount = 0`)
	h.raw(`UPDATE wallets SET tip_height = 0, tip_hash = zeroblob(32), tx_count = 0, confirmed = 0, pending = 0, immature = 0, frozen = 0, reserved = 0`)
	h.reopen()
	after := h.sync(ref)
	if before.Balance != after.Balance || before.TxCount != after.TxCount || before.Next != after.Next {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if diff := cmp.Diff(history, h.history(ref, wallet.Query{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(coins, h.coins(ref, wallet.Query{})); diff != "" {
		t.Error(diff)
	}
}

// Many wallets are listed together, whichever way the store joins them.
func TestHistoryOfHundredsOfWallets(t *testing.T) {
	h := newHouse(t)
	for i := range 103 {
		d := "wpkh(" + expression("alice", "wpkh") + "/" + strconv.Itoa(i) + "/*)"
		r, err := h.s.Create(context.Background(), admin, btc.Regtest, wallet.NewWallet{Name: "W" + strconv.Itoa(i), Descriptor: d})
		if err != nil {
			t.Fatal(err)
		}
		if i%50 == 1 {
			h.pay(r.Ref(), 5_000)
			h.sync(r.Ref())
		}
	}
	p, err := h.s.HistoryAll(context.Background(), admin, btc.Regtest, wallet.Query{Size: 2})
	if err != nil || p.Total != 3 || len(p.Rows) != 2 {
		t.Errorf("%+v, %v", p, err)
	}
	c, err := h.s.CoinsAll(context.Background(), admin, btc.Regtest, wallet.Query{Filter: "unspent", Sort: "amount"})
	if err != nil || c.Total != 3 || c.Amount != 15_000 || len(c.Rows) != 3 {
		t.Errorf("%+v, %v", c, err)
	}
}
