package wallet_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/go-cmp/cmp"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/raced"
	"specter/internal/wallet"
)

func (h *house) label(ref wallet.Ref, kind wallet.LabelKind, key, text string) {
	h.t.Helper()
	if err := h.s.SetLabel(context.Background(), ref, kind, key, text); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) importLabels(ref wallet.Ref, file string, c wallet.LabelChoice) wallet.LabelResult {
	h.t.Helper()
	p, err := h.s.ImportLabels(context.Background(), ref, []byte(file), c)
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

func (h *house) exportLabels(ref wallet.Ref, format string) string {
	h.t.Helper()
	f, err := h.s.ExportLabels(context.Background(), ref, format)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(f.Data)
}

func TestLabelFileIsComparedBeforeItIsTaken(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	r := h.create("Savings", "wpkh", 0, "alice")
	ref := r.Ref()
	a, b := h.pay(ref, 100_000), h.pay(ref, 200_000)
	h.mine(1)
	h.sync(ref)
	coins := h.coins(ref, wallet.Query{}).Rows
	coin, other := coins[0].OutPoint.String(), coins[1].OutPoint.String()
	h.label(ref, wallet.LabelTx, a.TxHash().String(), "mine")
	h.label(ref, wallet.LabelAddress, coins[0].Address, "same")
	file := strings.Join([]string{
		`{"type":"tx","ref":"` + a.TxHash().String() + `","label":"theirs"}`,
		`{"type":"tx","ref":"` + b.TxHash().String() + `","label":"=HYPERLINK(\"x\")"}`,
		`{"type":"addr","ref":"` + coins[0].Address + `","label":"same"}`,
		`{"type":"addr","ref":"` + stranger(9) + `","label":"nobody"}`,
		`{"type":"addr","ref":"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4","label":"of mainnet"}`,
		`{"type":"output","ref":"` + coin + `","label":"a coin","spendable":false}`,
		`{"type":"output","ref":"` + strings.Repeat("ab", 32) + `:0","label":"far","spendable":false}`,
		`{"type":"xpub","ref":"` + r.Cosigners[0].XPub + `","label":"Alice's key"}`,
		`{"type":"input","ref":"` + a.TxHash().String() + `:0","label":"an input"}`,
		`{"type":"pubkey","ref":"` + strings.Repeat("02", 33) + `","label":"a key"}`,
		`{"type":"moon","ref":"x","label":"y"}`, `{"type":"tx","ref":"xyz","label":"y"}`, `no json`, ``,
	}, "\n")
	p, err := h.s.LabelsPreview(ctx, ref, []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	if p.Format != "bip329" || p.New != 4 || p.Same != 1 || p.Conflicts != 1 || p.Strangers != 4 || p.Freeze != 1 || p.Bad != 3 || len(p.Problems) != 3 {
		t.Errorf("preview: %+v", p)
	}
	if l := p.Lines[0]; l.Status != wallet.LabelConflict || l.Old != "mine" || l.Label.Label != "theirs" {
		t.Errorf("the conflict does not come first: %+v", l)
	}
	if h.exportLabels(ref, "bip329") == "" || strings.Contains(h.exportLabels(ref, "bip329"), "theirs") {
		t.Error("the preview changed something")
	}
	got := h.importLabels(ref, file, wallet.LabelChoice{})
	if want := (wallet.LabelResult{Set: 4, Kept: 1, Strangers: 4, Frozen: 1, Bad: 3}); got != want {
		t.Errorf("import: %+v, want %+v", got, want)
	}
	if n := h.history(ref, wallet.Query{Search: "hyperlink"}).Total; n != 1 {
		t.Errorf("the new label finds %d rows", n)
	}
	if rows := h.coins(ref, wallet.Query{Filter: "frozen"}).Rows; len(rows) != 1 || rows[0].OutPoint.String() != coin || rows[0].Label != "a coin" {
		t.Errorf("frozen coins: %+v", rows)
	}
	h.check(ref)
	if keys, err := h.s.KeyLabels(ctx, ref); err != nil || keys[r.Cosigners[0].XPub] != "Alice's key" {
		t.Errorf("key labels %v, %v", keys, err)
	}
	if strings.Contains(h.exportLabels(ref, "bip329"), "nobody") {
		t.Error("a stranger came in")
	}
	got = h.importLabels(ref, file, wallet.LabelChoice{Rows: map[string]bool{"tx " + a.TxHash().String(): true}, Strangers: true})
	if got.Set != 4 || got.Strangers != 1 || got.Frozen != 0 { // the conflict, and strangers that are of this network
		t.Errorf("second import: %+v", got)
	}
	if text := h.exportLabels(ref, "bip329"); !strings.Contains(text, "theirs") || !strings.Contains(text, "nobody") || strings.Contains(text, "of mainnet") {
		t.Errorf("labels after it: %s", text)
	}
	thaw := `{"type":"output","ref":"` + coin + `","label":"","spendable":true}` + "\n" + `{"type":"output","ref":"` + other + `","spendable":"false"}`
	if got = h.importLabels(ref, thaw, wallet.LabelChoice{}); got.Thawed != 1 || got.Frozen != 1 || got.Set != 0 {
		t.Errorf("flags alone: %+v", got)
	}
	if rows := h.coins(ref, wallet.Query{Filter: "frozen"}).Rows; len(rows) != 1 || rows[0].OutPoint.String() != other {
		t.Errorf("frozen coins: %+v", rows)
	}
	h.check(ref)
}

func TestLabelsSurviveTheWayThroughEveryFormat(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	ref := h.create("Savings", "wpkh", 0, "alice").Ref()
	tx := h.pay(ref, 1_000_000)
	h.mine(1)
	h.sync(ref)
	d := h.sign(ref, h.send(ref, stranger(1), 50_000, ""), 1)
	if _, err := h.s.Broadcast(ctx, ref, d.ID); err != nil {
		t.Fatal(err)
	}
	coin := h.coins(ref, wallet.Query{Filter: "unspent"}).Rows[0]
	texts := []string{"=1+1", `quo"te, and; comma`, "Ünïcödé 日本 🟠", "spaces  inside  x", "-minus", "'apostrophe", "{json}", "@at"}
	var addresses []string
	list, err := h.s.Addresses(ctx, ref, wallet.Query{Filter: "receive"})
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		addresses = append(addresses, list.Rows[i].Address)
		h.label(ref, wallet.LabelAddress, list.Rows[i].Address, text)
	}
	h.label(ref, wallet.LabelTx, tx.TxHash().String(), "salary")
	h.label(ref, wallet.LabelAddress, stranger(1), "the shop")
	h.label(ref, wallet.LabelOutput, coin.OutPoint.String(), "the change")
	if err := h.s.Freeze(ctx, ref, []wire.OutPoint{coin.OutPoint}, true); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, format := range []string{"bip329", "electrum", "specter", "csv"} {
		files[format] = h.exportLabels(ref, format)
	}
	for format, file := range files {
		h.raw(`DELETE FROM labels`)
		if err := h.s.Freeze(ctx, ref, []wire.OutPoint{coin.OutPoint}, false); err != nil {
			t.Fatal(err)
		}
		got := h.importLabels(ref, file, wallet.LabelChoice{})
		if got.Strangers != 0 || got.Bad != 0 || got.Kept != 0 {
			t.Errorf("%s: %+v", format, got)
		}
		if diff := cmp.Diff(file, h.exportLabels(ref, format)); diff != "" {
			t.Errorf("%s changed on the way (-before +after): %s", format, diff)
		}
		if format == "bip329" && got.Frozen != 1 {
			t.Error("the frozen coin is free after the way through BIP329")
		}
		for i, a := range addresses {
			row, err := h.s.AddressInfo(ctx, ref, a)
			if err != nil || row.Label != texts[i] {
				t.Errorf("%s: the label %q came back as %q (%v)", format, texts[i], row.Label, err)
			}
		}
	}
	if !strings.Contains(files["bip329"], `"origin":"wpkh([`) || strings.Contains(files["bip329"], "tpub") {
		t.Error("the origin is not told, or the key is given away")
	}
	_, err = h.s.ExportLabels(ctx, ref, "pdf")
	wantKind(t, err, errs.Invalid, "an unknown format")
	for _, bad := range []string{"", "hello", "{", "[1,2]", "\x00\x01", "a,b\nc,d"} {
		_, err := h.s.LabelsPreview(ctx, ref, []byte(bad))
		wantKind(t, err, errs.Invalid, "the file "+bad)
	}
}

// A label file with tens of thousands of strangers' addresses made the old program write them
// all into the wallet, and stop.
func TestFiftyThousandLabelsTakeSeconds(t *testing.T) {
	n := raced.Some(50_000, 5_000)
	h := newHouse(t)
	ctx := context.Background()
	ref := h.create("Savings", "wpkh", 0, "alice").Ref()
	h.sync(ref)
	list, err := h.s.Addresses(ctx, ref, wallet.Query{Filter: "receive"})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i := range n {
		switch {
		case i%2 == 0:
			hash := chainhash.HashH([]byte(fmt.Sprint(i)))
			a, _ := btc.AddressOf(btc.WitnessScript(0, hash[:20]), btc.Regtest)
			fmt.Fprintf(&b, `{"type":"addr","ref":"%s","label":"label %d"}`+"\n", a, i)
		default:
			fmt.Fprintf(&b, `{"type":"tx","ref":"%s","label":"label %d"}`+"\n", chainhash.HashH([]byte(fmt.Sprint("tx", i))), i)
		}
	}
	fmt.Fprintf(&b, `{"type":"addr","ref":"%s","label":"ours"}`+"\n", list.Rows[3].Address)
	start := time.Now()
	p, err := h.s.LabelsPreview(ctx, ref, []byte(b.String()))
	if err != nil || p.Strangers != n || p.New != 1 {
		t.Fatalf("preview: %d strangers, %d new, %v", p.Strangers, p.New, err)
	}
	looked := time.Since(start)
	if got := h.importLabels(ref, b.String(), wallet.LabelChoice{}); got.Set != 1 || got.Strangers != n {
		t.Errorf("import: %+v", got)
	}
	start = time.Now()
	if got := h.importLabels(ref, b.String(), wallet.LabelChoice{Strangers: true}); got.Set != n {
		t.Errorf("import with strangers: %+v", got)
	}
	took := time.Since(start)
	t.Logf("preview of %d lines %v, import of all %v", n+1, looked, took)
	if looked > 15*time.Second || took > 30*time.Second {
		t.Errorf("too slow: preview %v, import %v", looked, took)
	}
	if row, err := h.s.AddressInfo(ctx, ref, list.Rows[3].Address); err != nil || row.Label != "ours" {
		t.Errorf("our own label: %+v, %v", row, err)
	}
	h.check(ref)
}

func TestThousandsOfLabelsAreFoundAfterwards(t *testing.T) {
	n := raced.Some(1_500, 600) // more than are written at once
	s, c, ref := crowded(t, n, 100_000)
	mustSync(t, s, ref)
	ctx := context.Background()
	var b strings.Builder
	for i, tx := range c.txs {
		fmt.Fprintf(&b, `{"type":"tx","ref":"%s","label":"invoice %05d"}`+"\n", tx.Tx.TxHash(), i)
	}
	start := time.Now()
	if got, err := s.ImportLabels(ctx, ref, []byte(b.String()), wallet.LabelChoice{}); err != nil || got.Set != n {
		t.Fatalf("%+v, %v", got, err)
	}
	t.Logf("%d labels onto as many rows in %v", n, time.Since(start))
	list := &watcher{} // a search with many answers is written whole
	if err := s.WriteHistory(ctx, list, wallet.TableRequest{Owner: ref.Owner, Network: ref.Network, Alias: ref.Alias, Query: wallet.Query{Search: "invoice"}}); err != nil || list.lines != n+1 {
		t.Errorf("the list of what was labelled has %d lines, %v", list.lines, err)
	}
	for search, want := range map[string]int{"invoice 00234": 1, "voice 0023": 10, "nothing of it": 0} {
		if p, err := s.History(ctx, ref, wallet.Query{Search: search}); err != nil || p.Total != want {
			t.Errorf("%q finds %d, want %d (%v)", search, p.Total, want, err)
		}
	}
	again := strings.ReplaceAll(b.String(), "invoice", "bill")
	if got, err := s.ImportLabels(ctx, ref, []byte(again), wallet.LabelChoice{Overwrite: true}); err != nil || got.Set != n || got.Kept != 0 {
		t.Fatalf("%+v, %v", got, err)
	}
	for search, want := range map[string]int{"invoice": 0, "bill 00234": 1} {
		if p, err := s.History(ctx, ref, wallet.Query{Search: search}); err != nil || p.Total != want {
			t.Errorf("after another file %q finds %d, want %d (%v)", search, p.Total, want, err)
		}
	}
}
