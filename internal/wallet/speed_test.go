package wallet_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/wallet"
)

// timed runs something many times and reports the 95th percentile.
func timed(b *testing.B, name string, run func() error) {
	b.Run(name, func(b *testing.B) {
		var took []time.Duration
		for b.Loop() {
			begin := time.Now()
			if err := run(); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(begin))
		}
		reportP95(b, took)
	})
}

// searches are what people look for, from what one row has to what all have.
func searches(txid string) []struct{ name, text string } {
	return []struct{ name, text string }{
		{"txid", txid}, {"eight of txid", txid[10:18]}, {"four of txid", txid[10:14]}, {"three of txid", txid[10:13]}, {"two", txid[10:12]},
		{"every address", "bcrt1q"}, {"nothing", "no such label"}, {"rare label", "lottery"}, {"common label", "salary"},
		{"more", "> 0.001"}, {"most", "> 0.0019999"}, {"less", "< 0.0004"}, {"exactly", "= 0.00150000"}, {"between", "0.00120..0.00121"},
		{"day", "2020-10-10"}, {"month", "2021-03"}, {"since", "> 2022-01-01"}, {"until", "< 2020-10-01"}, {"both", "> 2021-01-01 < 2021-02-01 > 0.0015"},
	}
}

// BenchmarkLists100k times what a person asks of a wallet with 100,000 transactions.
func BenchmarkLists100k(b *testing.B) {
	s, c, ref := crowded(b, 100_000, 100_000)
	mustSync(b, s, ref)
	ctx := context.Background()
	label := func(i int, text string) {
		if err := s.SetLabel(ctx, ref, wallet.LabelTx, c.txs[i].Tx.TxHash().String(), text); err != nil {
			b.Fatal(err)
		}
	}
	label(4_711, "lottery")
	for i := 0; i < 100_000; i += 1_000 {
		label(i, "salary")
	}
	for _, q := range searches(c.txs[77_777].Tx.TxHash().String()) {
		timed(b, "history/"+q.name, func() error {
			_, err := s.History(ctx, ref, wallet.Query{Search: q.text, Size: 100})
			return err
		})
		timed(b, "coins/"+q.name, func() error {
			_, err := s.Coins(ctx, ref, wallet.Query{Search: q.text, Size: 100, Filter: "unspent"})
			return err
		})
	}
	for _, filter := range []string{"", "unspent", "free", "frozen", "reserved", "spent"} {
		for _, page := range []int{1, 300} {
			timed(b, fmt.Sprintf("coins/filter %q page %d", filter, page), func() error {
				_, err := s.Coins(ctx, ref, wallet.Query{Filter: filter, Size: 100, Page: page})
				return err
			})
		}
	}
	timed(b, "coins/by amount", func() error {
		_, err := s.Coins(ctx, ref, wallet.Query{Filter: "unspent", Sort: "amount", Size: 100})
		return err
	})
	timed(b, "series", func() error {
		c.grow(b, 1, 100_000)
		mustSync(b, s, ref)
		_, err := s.BalanceSeries(ctx, ref, 365)
		return err
	})
	timed(b, "series again", func() error {
		_, err := s.BalanceSeries(ctx, ref, 365)
		return err
	})
}

// BenchmarkHundredWallets times the overview over 100 wallets with 1,000 transactions each.
func BenchmarkHundredWallets(b *testing.B) {
	s, _, ref := crowded(b, 1_000, 100_000)
	ctx := context.Background()
	mustSync(b, s, ref)
	for i := 1; i < 100; i++ { // orders of the same keys under other thresholds and names
		w := wallet.NewWallet{Name: fmt.Sprint("Crowd ", i), ScriptType: "wsh", Threshold: 2, ScanAll: true, Keys: []string{expression("alice", "wsh"), expression("bob", "wsh"), expression(fmt.Sprint("person ", i), "wsh")}}
		r, err := s.Create(ctx, admin, btc.Regtest, w)
		if err != nil {
			b.Fatal(err)
		}
		mustSync(b, s, r.Ref())
	}
	timed(b, "overview", func() error {
		if _, err := s.List(ctx, admin, btc.Regtest); err != nil {
			return err
		}
		if _, err := s.BalanceSeriesAll(ctx, admin, btc.Regtest, 365); err != nil {
			return err
		}
		_, err := s.HistoryAll(ctx, admin, btc.Regtest, wallet.Query{Size: 25})
		return err
	})
	timed(b, "list", func() error {
		_, err := s.List(ctx, admin, btc.Regtest)
		return err
	})
	timed(b, "history", func() error {
		_, err := s.HistoryAll(ctx, admin, btc.Regtest, wallet.Query{Size: 25})
		return err
	})
	timed(b, "coins", func() error {
		_, err := s.CoinsAll(ctx, admin, btc.Regtest, wallet.Query{Size: 25, Filter: "unspent"})
		return err
	})
	timed(b, "search", func() error {
		_, err := s.HistoryAll(ctx, admin, btc.Regtest, wallet.Query{Size: 25, Search: "> 0.0015"})
		return err
	})
}
