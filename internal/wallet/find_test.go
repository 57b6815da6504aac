package wallet_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/errs"
	"specter/internal/raced"
	"specter/internal/wallet"
)

// Every search finds what looking at each row finds, page after page.
func TestSearchesFindWhatLookingFinds(t *testing.T) {
	s, c, ref := crowded(t, raced.Some(1_200, 600), 100_000)
	mustSync(t, s, ref)
	ctx := context.Background()
	for i := range 30 {
		if err := s.SetLabel(ctx, ref, wallet.LabelTx, c.txs[i*7].Tx.TxHash().String(), fmt.Sprint("Rent ", i)); err != nil {
			t.Fatal(err)
		}
	}
	var rows []wallet.HistoryRow
	var coins []wallet.CoinRow
	for page := 1; page <= 5; page++ {
		p, err := s.History(ctx, ref, wallet.Query{Size: 500, Page: page})
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, p.Rows...)
		k, err := s.Coins(ctx, ref, wallet.Query{Size: 500, Page: page, Filter: "unspent"})
		if err != nil {
			t.Fatal(err)
		}
		coins = append(coins, k.Rows...)
	}
	over := func(a, b btcutil.Amount) func(btcutil.Amount, string) bool {
		return func(x btcutil.Amount, _ string) bool { return max(x, -x) >= a && max(x, -x) <= b }
	}
	day := func(from, to string) func(btcutil.Amount, string) bool {
		return func(_ btcutil.Amount, at string) bool { return at >= from && at < to }
	}
	const all = btcutil.Amount(21e14)
	for text, fits := range map[string]func(btcutil.Amount, string) bool{
		"> 0.001": over(100_001, all), "< 0.001": over(0, 99_999), "= 0.00100003": over(100_003, 100_003), "0.001..0.00100005": over(100_000, 100_005),
		"> 0.001 < 0.00100005": over(100_001, 100_004), "2020-09-14": day("2020-09-14", "2020-09-15"), "2020-09": day("2020-09-01", "2020-10-01"),
		"> 2020-09-13": day("2020-09-14", "3"), "< 2020-09-14": day("2", "2020-09-14"), "2020-09-13..2020-09-13": day("2020-09-13", "2020-09-14"), "> 21": over(2_100_000_001, all),
	} {
		var want, got, wantCoins, gotCoins []string
		for _, r := range rows {
			if fits(r.Amount, r.Time.UTC().Format("2006-01-02T15:04:05")) {
				want = append(want, r.TxID.String())
			}
		}
		for _, k := range coins {
			if fits(k.Amount, k.Time.UTC().Format("2006-01-02T15:04:05")) {
				wantCoins = append(wantCoins, k.OutPoint.String())
			}
		}
		for page := 1; page < 30; page++ {
			p, err := s.History(ctx, ref, wallet.Query{Search: text, Size: 100, Page: page})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range p.Rows {
				got = append(got, r.TxID.String())
			}
			if p.Total != len(want) && !p.More {
				t.Errorf("%s: total %d, want %d", text, p.Total, len(want))
			}
			k, err := s.Coins(ctx, ref, wallet.Query{Search: text, Size: 100, Page: page, Filter: "unspent"})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range k.Rows {
				gotCoins = append(gotCoins, r.OutPoint.String())
			}
			if k.Total != len(wantCoins) && !k.More {
				t.Errorf("%s: %d coins, want %d", text, k.Total, len(wantCoins))
			}
			if len(p.Rows) == 0 && len(k.Rows) == 0 {
				break
			}
		}
		for _, list := range [][]string{got, want, gotCoins, wantCoins} {
			slices.Sort(list) // rows of one second may stand in any order
		}
		if !slices.Equal(got, want) || !slices.Equal(gotCoins, wantCoins) {
			t.Errorf("%s finds %d rows and %d coins, looking finds %d and %d", text, len(got), len(gotCoins), len(want), len(wantCoins))
		}
	}
	part := rows[100].TxID.String()[3:6]
	for _, text := range []string{"rent", "rent 7", "bcrt1", part, part[:2], rows[5].Address[len(rows[5].Address)-6:], "no such thing"} {
		want, got := 0, 0
		for _, r := range rows {
			if strings.Contains(strings.ToLower(r.TxID.String()+" "+r.Address+" "+r.Label), text) {
				want++
			}
		}
		for page, more := 1, true; more; page++ {
			p, err := s.History(ctx, ref, wallet.Query{Search: text, Size: 400, Page: page})
			if err != nil {
				t.Fatal(err)
			}
			got += len(p.Rows)
			more = len(p.Rows) > 0
		}
		if got != want {
			t.Errorf("%q finds %d, looking finds %d", text, got, want)
		}
	}
	for _, bad := range []string{">", "> x", "< 2020-13-01", "> 0.1 <"} {
		if _, err := s.History(ctx, ref, wallet.Query{Search: bad}); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q gave %v", bad, err)
		}
	}
}
