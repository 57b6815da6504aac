package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/chain/demo"
	"specter/internal/wallet"

	chainpkg "specter/internal/chain"
)

// demoSource gives the wallets the demo chain.
type demoSource struct{ chain *demo.Chain }

func (d demoSource) Source(context.Context) (chainpkg.Source, error) { return d.chain, nil }

// walked is a wallet service on a fresh database and the demo chain.
func walked(t *testing.T) (*wallet.Service, *demo.Chain) {
	t.Helper()
	c, err := demo.Open("", demo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	db := open(t, filepath.Join(t.TempDir(), "specter.db"))
	return wallet.New(wallet.Config{Store: db, Sources: demoSource{c}, UID: "0011", FeeRate: c.FeeRate}), c
}

func walletOf(t *testing.T, s *wallet.Service, name, key string) wallet.Ref {
	t.Helper()
	r, err := s.Create(ctx, "admin", btc.Regtest, wallet.NewWallet{Name: name, Descriptor: key})
	if err != nil {
		t.Fatal(err)
	}
	return r.Ref()
}

const (
	firstKey  = "wpkh([73c5da0a/84h/1h/0h]tpubDC8msFGeGuwnKG9Upg7DM2b4DaRqg3CUZa5g8v2SRQ6K4NSkxUgd7HsL2XVWbVm39yBA4LAxysQAm397zwQSQoQgewGiYZqrA9DsP4zbQ1M/<0;1>/*)"
	secondKey = "tr([73c5da0a/84h/1h/0h]tpubDC8msFGeGuwnKG9Upg7DM2b4DaRqg3CUZa5g8v2SRQ6K4NSkxUgd7HsL2XVWbVm39yBA4LAxysQAm397zwQSQoQgewGiYZqrA9DsP4zbQ1M/<0;1>/*)"
)

// pay pays a wallet's next address, which gets a label, and mines a block where asked.
func pay(t *testing.T, s *wallet.Service, c *demo.Chain, ref wallet.Ref, amount btcutil.Amount, mine bool) {
	t.Helper()
	a, err := s.NewAddress(ctx, ref)
	if err == nil {
		err = s.SetLabel(ctx, ref, wallet.LabelAddress, a.Address, "to "+ref.Alias)
	}
	if err == nil {
		_, err = c.Faucet(a.Address, amount)
	}
	if err == nil && mine {
		_, err = c.Mine(1, nil)
	}
	if err == nil {
		err = s.Sync(ctx, ref)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// What a walk shows is what the pages show, in the same order.
func TestWalkShowsWhatThePagesShow(t *testing.T) {
	s, c := walked(t)
	a, b := walletOf(t, s, "First", firstKey), walletOf(t, s, "Second", secondKey)
	for i := range 5 {
		pay(t, s, c, a, btcutil.Amount(100_000+i), true)
		pay(t, s, c, b, btcutil.Amount(200_000+i), i < 4)
	}
	page, err := s.HistoryAll(ctx, "admin", btc.Regtest, wallet.Query{Size: 500})
	if err != nil || page.Total != 10 {
		t.Fatalf("%d rows, %v", page.Total, err)
	}
	var rows []wallet.HistoryRow
	err = s.WalkAll(ctx, "admin", btc.Regtest, func(k wallet.Walk) error {
		if n := len(k.Records()); n != 2 {
			t.Errorf("%d wallets", n)
		}
		return k.EachTx(func(x wallet.WalkTx) error {
			if x.Paid != x.Amount || len(x.Replaces) > 0 {
				t.Errorf("%s: paid %d of %d, replaces %v", x.TxID, x.Paid, x.Amount, x.Replaces)
			}
			rows = append(rows, x.HistoryRow)
			return nil
		})
	})
	if err != nil || !slices.EqualFunc(rows, page.Rows, sameRow) {
		t.Errorf("%v:\n%+v\nwant\n%+v", err, rows, page.Rows)
	}
	checkCoins(t, s, a)
	checkAddresses(t, s, a)
}

func sameRow(a, b wallet.HistoryRow) bool {
	return a.TxID == b.TxID && a.WalletAlias == b.WalletAlias && a.Amount == b.Amount && a.Height == b.Height && a.Confirmations == b.Confirmations && a.Label == b.Label && a.Time.Equal(b.Time)
}

func checkCoins(t *testing.T, s *wallet.Service, ref wallet.Ref) {
	t.Helper()
	want, err := s.Coins(ctx, ref, wallet.Query{Filter: "unspent", Size: 500})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetLabel(ctx, ref, wallet.LabelOutput, want.Rows[1].OutPoint.String(), "mine"); err != nil {
		t.Fatal(err)
	}
	if want, err = s.Coins(ctx, ref, wallet.Query{Filter: "unspent", Size: 500}); err != nil || want.Rows[1].Label != "mine" || want.Rows[0].Label != "to first" {
		t.Fatalf("labels %q %q, %v", want.Rows[0].Label, want.Rows[1].Label, err)
	}
	var got []wallet.CoinRow
	err = s.Walk(ctx, ref, func(k wallet.Walk) error {
		return k.EachCoin(func(c wallet.CoinRow, x wallet.WalkTx) error {
			if x.TxID != c.OutPoint.Hash {
				t.Errorf("coin %s with transaction %s", c.OutPoint, x.TxID)
			}
			got = append(got, c)
			return nil
		})
	})
	same := func(a, b wallet.CoinRow) bool { a.Time, b.Time = a.Time.UTC(), b.Time.UTC(); return a == b }
	if err != nil || !slices.EqualFunc(got, want.Rows, same) {
		t.Errorf("%v:\n%+v\nwant\n%+v", err, got, want.Rows)
	}
}

func checkAddresses(t *testing.T, s *wallet.Service, ref wallet.Ref) {
	t.Helper()
	for branch, filter := range []string{"receive", "change"} {
		want, err := s.Addresses(ctx, ref, wallet.Query{Filter: filter, Size: 500})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		err = s.Walk(ctx, ref, func(k wallet.Walk) error {
			return k.EachAddress(uint32(branch), func(r wallet.AddressRow) error {
				if w := want.Rows[n]; r.Address != w.Address || r.Index != w.Index || r.Used != w.Used || r.Label != w.Label || r.Amount != w.Amount {
					t.Errorf("%+v, want %+v", r, w)
				}
				n++
				return nil
			})
		})
		if err != nil || n != want.Total {
			t.Errorf("%d addresses of %d, %v", n, want.Total, err)
		}
	}
}

// A walk sees one moment: what comes meanwhile is not in it; and the walker's own error ends it.
func TestWalkSeesOneMoment(t *testing.T) {
	s, c := walked(t)
	ref := walletOf(t, s, "First", firstKey)
	pay(t, s, c, ref, 100_000, true)
	count := func(k wallet.Walk) (n int) {
		if err := k.EachTx(func(wallet.WalkTx) error { n++; return nil }); err != nil {
			t.Error(err)
		}
		return n
	}
	err := s.Walk(ctx, ref, func(k wallet.Walk) error {
		before := count(k)
		pay(t, s, c, ref, 100_000, true)
		if after := count(k); before != 1 || after != 1 || k.Records()[0].TxCount != 1 {
			t.Errorf("%d, then %d transactions", before, after)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	stop := errors.New("enough")
	seen := 0
	err = s.Walk(ctx, ref, func(k wallet.Walk) error {
		return k.EachTx(func(wallet.WalkTx) error { seen++; return stop })
	})
	if !errors.Is(err, stop) || seen != 1 {
		t.Errorf("%v after %d", err, seen)
	}
}

// Own tells whose a script is.
func TestOwnKnowsTheWalletsScripts(t *testing.T) {
	s, _ := walked(t)
	ref := walletOf(t, s, "First", firstKey)
	a, err := s.NewAddress(ctx, ref)
	if err != nil {
		t.Fatal(err)
	}
	known, err := s.Own(ctx, ref, [][]byte{a.Script, {0x51}})
	if err != nil || len(known) != 1 || known[string(a.Script)].Address != a.Address {
		t.Errorf("%v, %v", known, err)
	}
}
