package wallet_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/errs"
	"specter/internal/wallet"
)

func TestLabelsAreListedAndSearched(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	ref := h.create("Savings", "wsh", 2, "alice", "bob").Ref()
	tx := h.pay(ref, 100_000)
	h.mine(1)
	h.sync(ref)
	row, err := h.s.NewAddress(ctx, ref)
	if err != nil {
		t.Fatal(err)
	}
	xpub := h.get(ref).Cosigners[0].XPub
	for _, l := range []struct {
		kind       wallet.LabelKind
		key, label string
	}{{wallet.LabelTx, tx.TxHash().String(), "Ärger"}, {wallet.LabelAddress, row.Address, "> 0.1"}, {wallet.LabelAddress, stranger(3), "carpenter"},
		{wallet.LabelOutput, tx.TxHash().String() + ":0", "change of March"}, {wallet.LabelXPub, xpub, "Alice's key"}} {
		if err := h.s.SetLabel(ctx, ref, l.kind, l.key, l.label); err != nil {
			t.Fatal(err)
		}
	}
	list := func(q wallet.Query) string {
		t.Helper()
		p, err := h.s.Labels(ctx, ref, q)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, r := range p.Rows {
			out = append(out, r.Label.Label)
		}
		return strings.Join(out, "|")
	}
	for name, c := range map[string]struct {
		q    wallet.Query
		want string
	}{
		"a word, whatever its case": {wallet.Query{Search: "äRG"}, "Ärger"}, "a word that looks like an amount": {wallet.Query{Search: "> 0.1"}, "> 0.1"},
		"part of an address": {wallet.Query{Search: stranger(3)[8:20]}, "carpenter"}, "one kind": {wallet.Query{Filter: "xpub"}, "Alice's key"}, "nothing": {wallet.Query{Search: "%"}, ""},
		"sorted by label": {wallet.Query{Sort: "label"}, "> 0.1|Alice's key|carpenter|change of March|Ärger"}, "the second page": {wallet.Query{Sort: "label", Size: 2, Page: 2}, "carpenter|change of March"},
		"part of an outpoint": {wallet.Query{Search: strings.ToUpper(tx.TxHash().String()[:12]), Filter: "output"}, "change of March"},
	} {
		if got := list(c.q); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	p, err := h.s.Labels(ctx, ref, wallet.Query{Size: 500})
	if err != nil || p.Total != 5 {
		t.Fatalf("%d labels, %v", p.Total, err)
	}
	for _, r := range p.Rows {
		if own := r.Key != stranger(3); r.Own != own || r.Kind == wallet.LabelOutput && (r.TxID == nil || *r.TxID != tx.TxHash()) {
			t.Errorf("%s: %+v", r.Key, r)
		}
	}
	_, err = h.s.Labels(ctx, ref, wallet.Query{Filter: "user"})
	wantKind(t, err, errs.Invalid, "an unknown kind")
	_, err = h.s.Labels(ctx, wallet.Ref{Owner: "bob", Network: btc.Regtest, Alias: ref.Alias}, wallet.Query{})
	wantKind(t, err, errs.NotFound, "another user's wallet")
}

func TestAnAddressIsDescribed(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	for typ, keys := range map[string][]string{"wpkh": {"alice"}, "tr": {"alice"}, "wsh": {"alice", "bob", "carol"}} {
		threshold := 0
		if len(keys) > 1 {
			threshold = 2
		}
		ref := h.create("W "+typ, typ, threshold, keys...).Ref()
		page, err := h.s.Addresses(ctx, ref, wallet.Query{Filter: "change", Size: 3})
		if err != nil || len(page.Rows) != 3 {
			t.Fatalf("%s: %d change addresses, %v", typ, len(page.Rows), err)
		}
		want := page.Rows[2]
		got, err := h.s.DescribeAddress(ctx, ref, want.Address)
		if err != nil || got.Index != 2 || got.Branch != 1 || len(got.Keys) != len(keys) {
			t.Fatalf("%s: %+v, %v", typ, got, err)
		}
		for _, k := range got.Keys {
			if !strings.HasPrefix(k.At, "m/") || !strings.HasSuffix(k.At, "/1/2") {
				t.Errorf("%s: the key is at %q", typ, k.At)
			}
		}
		for _, text := range []string{got.Descriptor, got.Plain} {
			d, err := descriptor.Parse(text, descriptor.Options{})
			if err != nil {
				t.Fatalf("%s: %s: %v", typ, text, err)
			}
			o, err := d.Derive(0)
			if err != nil {
				t.Fatal(err)
			}
			if a, _ := o.Address(btc.Regtest); a != want.Address {
				t.Errorf("%s: %s is %s, want %s", typ, text, a, want.Address)
			}
		}
		if strings.Contains(got.Plain, "tpub") {
			t.Errorf("%s: the plain descriptor tells of other addresses: %s", typ, got.Plain)
		}
		_, err = h.s.DescribeAddress(ctx, ref, stranger(2))
		wantKind(t, err, errs.NotFound, "a stranger's address")
	}
}

func TestAStatementOfAllWallets(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	a, b := h.create("Savings", "wpkh", 0, "alice").Ref(), h.create("Daily", "tr", 0, "bob").Ref()
	h.pay(a, 500_000)
	h.pay(b, 70_000)
	h.mine(1)
	h.sync(a)
	h.sync(b)
	now := time.Now()
	f, err := h.s.StatementAll(ctx, admin, btc.Regtest, now.AddDate(0, -1, 0), now.AddDate(0, 0, 1))
	if err != nil || !strings.HasPrefix(string(f.Data), "%PDF-") || !strings.HasPrefix(f.Name, "full_") {
		t.Errorf("%q, %d bytes, %v", f.Name, len(f.Data), err)
	}
	empty, err := h.s.StatementAll(ctx, "bob", btc.Regtest, now.AddDate(0, -1, 0), now.AddDate(0, 0, 1))
	if err != nil || len(empty.Data) >= len(f.Data) {
		t.Errorf("somebody without wallets: %d bytes, %v", len(empty.Data), err)
	}
}

func TestAFileOfAddressesHoldsWhatWasFound(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	ref := h.create("Savings", "wpkh", 0, "alice").Ref()
	a, err := h.s.NewAddress(ctx, ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.s.SetLabel(ctx, ref, wallet.LabelAddress, a.Address, "Rent of May"); err != nil {
		t.Fatal(err)
	}
	h.pay(ref, 500_000)
	h.mine(1)
	h.sync(ref)
	for _, c := range []struct {
		search, filter string
		want           int
	}{{"rent OF", "", 1}, {a.Address[6:20], "", 1}, {a.Address[6:20], "change", 0}, {"> 0.001", "", 1}, {"= 0.005", "used", 1}, {"< 0.001", "used", 0}, {"nothing like it", "", 0}} {
		var b strings.Builder
		q := wallet.TableRequest{Owner: admin, Network: btc.Regtest, Alias: ref.Alias, Query: wallet.Query{Search: c.search, Filter: c.filter}}
		if err := h.s.WriteAddresses(ctx, &b, q); err != nil || strings.Count(b.String(), "\n") != c.want+1 {
			t.Errorf("%q %q: %d lines, want %d, %v", c.search, c.filter, strings.Count(b.String(), "\n")-1, c.want, err)
		}
		page, err := h.s.Addresses(ctx, ref, wallet.Query{Search: c.search, Filter: c.filter})
		if err != nil || page.Total != c.want {
			t.Errorf("%q %q: the page has %d, want %d, %v", c.search, c.filter, page.Total, c.want, err)
		}
	}
}
