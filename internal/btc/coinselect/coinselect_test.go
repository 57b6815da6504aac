package coinselect_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"pgregory.net/rapid"

	"specter/internal/btc"
	"specter/internal/btc/coinselect"
)

const wpkhInput = btc.Weight(272) // 4*41 + 1+1+72+1+33

func target(amount btcutil.Amount, rate btc.FeeRate) coinselect.Target {
	return coinselect.Target{
		Amount: amount, FeeRate: rate, LongTermFeeRate: btc.SatPerVB(10),
		BaseWeight: 4*(4+1+1+31+4) + 2, ChangeWeight: 4 * 31, ChangeSpend: wpkhInput,
		MinChange: max(294, btc.SatPerVB(10).FeeForWeight(wpkhInput)+1), WantChange: 50_000, MaxWeight: 400_000,
	}
}

func coins(amounts ...btcutil.Amount) []coinselect.Candidate {
	out := make([]coinselect.Candidate, len(amounts))
	for i, a := range amounts {
		out[i] = coinselect.Candidate{Place: i, Amount: a, Weight: wpkhInput}
	}
	return out
}

func places(set []coinselect.Candidate) []int {
	var out []int
	for _, c := range set {
		out = append(out, c.Place)
	}
	slices.Sort(out)
	return out
}

func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func TestBranchAndBoundMatchesExactly(t *testing.T) {
	rate := btc.SatPerVB(20)
	in := rate.FeeForWeight(wpkhInput)
	tests := map[string]struct {
		amount btcutil.Amount // net of the base fee, which is added below
		have   []btcutil.Amount
		want   []int
	}{
		"one coin":                     {10_000, []btcutil.Amount{90_000, 10_000, 55_000}, []int{1}},
		"two coins":                    {70_000, []btcutil.Amount{90_000, 40_000, 30_000, 55_000}, []int{1, 2}},
		"fewer inputs win when dear":   {60_000, []btcutil.Amount{60_000, 40_000, 20_000}, []int{0}},
		"no match leaves it to others": {60_000, []btcutil.Amount{90_000, 40_000, 35_000}, nil},
		"not enough":                   {60_000, []btcutil.Amount{20_000, 20_000}, nil},
		"no coins":                     {60_000, nil, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tg := target(tt.amount, rate)
			have := coins(tt.have...)
			for i := range have {
				have[i].Amount += in // what is written is the effective value
			}
			tg.Amount -= rate.FeeForWeight(tg.BaseWeight + 3)
			got := coinselect.BranchAndBound(tg, have)
			if !slices.Equal(places(got), tt.want) {
				t.Errorf("got coins %v, want %v", places(got), tt.want)
			}
		})
	}
}

func TestBranchAndBoundConsolidatesWhenFeesAreLow(t *testing.T) {
	tg := target(60_000, btc.SatPerVB(2))
	in := tg.FeeRate.FeeForWeight(wpkhInput)
	have := coins(60_000+in, 40_000+in, 20_000+in)
	tg.Amount -= tg.FeeRate.FeeForWeight(tg.BaseWeight + 3)
	if got := places(coinselect.BranchAndBound(tg, have)); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("got coins %v, want the two small ones: inputs are cheap today", got)
	}
}

// A target that many equal coins miss by a hair makes a naive search go through all
// combinations; the bound on tries must end it.
func TestBranchAndBoundEndsOnHardInput(t *testing.T) {
	var amounts []btcutil.Amount
	for i := range 60 {
		amounts = append(amounts, btcutil.Amount(1)<<uint(20+i%20)+btcutil.Amount(i*7919))
	}
	tg := target(123_456_789_123, btc.SatPerVB(1))
	tg.LongTermFeeRate, tg.ChangeSpend, tg.ChangeWeight = 0, 0, 0
	coinselect.BranchAndBound(tg, coins(amounts...)) // must return
}

func TestChooseTriesSelectorsInTurn(t *testing.T) {
	rate := btc.SatPerVB(20)
	base := target(0, rate)
	exact := 100_000 - rate.FeeForWeight(wpkhInput) - rate.FeeForWeight(base.BaseWeight+3)
	tests := map[string]struct {
		amount btcutil.Amount
		have   []btcutil.Amount
		how    string
	}{
		"an exact match":                 {exact, []btcutil.Amount{100_000, 300_000, 700_000}, coinselect.HowBranchAndBound},
		"no match, enough for change":    {200_000, []btcutil.Amount{150_000, 300_000, 700_000}, coinselect.HowRandomDraw},
		"change too small to be sought":  {200_000, []btcutil.Amount{120_000, 110_000}, coinselect.HowLargestFirst},
		"not even with all coins":        {200_000, []btcutil.Amount{120_000, 60_000}, ""},
		"a coin that costs more than it": {100, []btcutil.Amount{1_000, 1_000, 1_000}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := coinselect.Choose(target(tt.amount, rate), coins(tt.have...), seeded())
			if ok != (tt.how != "") || got.How != tt.how {
				t.Errorf("got %q (%v), want %q", got.How, ok, tt.how)
			}
		})
	}
}

func TestUnconfirmedCoinsAreSpentLast(t *testing.T) {
	have := coins(500_000, 500_001, 500_002)
	have[0].Tier, have[1].Tier = coinselect.Foreign, coinselect.Own
	tests := map[string]struct {
		amount btcutil.Amount
		want   []int
	}{
		"confirmed alone can pay":        {300_000, []int{2}},
		"with our own change":            {800_000, []int{1, 2}},
		"foreign ones when nothing else": {1_300_000, []int{0, 1, 2}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := coinselect.Choose(target(tt.amount, btc.SatPerVB(5)), have, seeded())
			if !ok || !slices.Equal(places(got.Coins), tt.want) {
				t.Errorf("got %v, want %v", places(got.Coins), tt.want)
			}
		})
	}
}

func TestWeightBoundIsKept(t *testing.T) {
	var amounts []btcutil.Amount
	for range 2_000 {
		amounts = append(amounts, 10_000)
	}
	amounts = append(amounts, 900_000, 900_000)
	tg := target(1_500_000, btc.SatPerVB(1))
	tg.MaxWeight = 20_000
	for range 20 {
		got, ok := coinselect.Choose(tg, coins(amounts...), seeded())
		if !ok || !tg.Pays(got.Coins) {
			t.Fatalf("no light set was found; two coins would do (%v)", got.How)
		}
	}
	tg.Amount = 2_000_000
	tg.MaxWeight = 2_000
	if got, ok := coinselect.Choose(tg, coins(amounts...), seeded()); ok {
		t.Errorf("%d coins weigh more than the bound", len(got.Coins))
	}
}

// draw makes a random target and coins, with weights and tiers of all sorts.
func draw(t *rapid.T, most int) (coinselect.Target, []coinselect.Candidate) {
	n := rapid.IntRange(0, most).Draw(t, "coins")
	have := make([]coinselect.Candidate, n)
	weights := []btc.Weight{230, wpkhInput, 424, 596, 1_188}
	for i := range have {
		have[i] = coinselect.Candidate{
			Place:  i,
			Amount: btcutil.Amount(rapid.Int64Range(1, 2_000_000).Draw(t, "amount")),
			Weight: rapid.SampledFrom(weights).Draw(t, "weight"),
			Tier:   coinselect.Tier(rapid.IntRange(0, 2).Draw(t, "tier")),
		}
	}
	tg := target(btcutil.Amount(rapid.Int64Range(1, 5_000_000).Draw(t, "target")), btc.FeeRate(rapid.Int64Range(100, 200_000).Draw(t, "rate")))
	tg.BaseWeight += btc.Weight(rapid.IntRange(0, 3).Draw(t, "odd"))
	tg.FeeByRecipients = rapid.Bool().Draw(t, "by recipients")
	tg.MaxWeight = btc.Weight(rapid.SampledFrom([]int{0, 1_000, 3_000, 400_000}).Draw(t, "max weight"))
	return tg, have
}

func TestPropertyFoundSetsPay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tg, have := draw(t, 60)
		before := slices.Clone(have)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		all := map[string]coinselect.Selector{
			"bnb": coinselect.BranchAndBound, "draw": coinselect.RandomDraw(rng), "largest": coinselect.LargestFirst,
			"choose": func(tg coinselect.Target, c []coinselect.Candidate) []coinselect.Candidate {
				s, _ := coinselect.Choose(tg, c, rng)
				return s.Coins
			},
		}
		for name, choose := range all {
			set := choose(tg, have)
			if set != nil && !tg.Pays(set) {
				t.Fatalf("%s: the set does not pay within the weight", name)
			}
			seen := map[int]bool{}
			for _, c := range set {
				if seen[c.Place] || have[c.Place] != c {
					t.Fatalf("%s: coin %d is chosen twice or was changed", name, c.Place)
				}
				seen[c.Place] = true
			}
		}
		if !slices.Equal(before, have) {
			t.Fatal("the caller's list was changed")
		}
	})
}

// Without a weight bound Choose finds a set whenever the worthwhile coins together pay.
func TestPropertyAnAnswerIsFoundWhereThereIsOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tg, have := draw(t, 40)
		tg.MaxWeight = 0
		var worth []coinselect.Candidate
		for _, c := range have {
			if c.Amount > tg.FeeRate.FeeForWeight(c.Weight) {
				worth = append(worth, c)
			}
		}
		_, ok := coinselect.Choose(tg, have, seeded())
		if ok != tg.Pays(worth) {
			t.Fatalf("found: %v, all worthwhile coins pay: %v", ok, tg.Pays(worth))
		}
	})
}

// Branch and bound is held against the exhaustive search over all sets.
func TestPropertyBranchAndBoundFindsTheLeastWaste(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tg, have := draw(t, 11)
		tg.FeeByRecipients = false
		for i := range have { // small amounts of few kinds, so that matches and twins are common
			have[i].Amount = btcutil.Amount(20_000 + 5_000*(have[i].Amount%8))
		}
		tg.Amount = 30_000 + tg.Amount%150_000
		tg.FeeRate = 1_000 + tg.FeeRate%20_000
		got := coinselect.BranchAndBound(tg, have)
		best, found := exhaustive(tg, have)
		if (got != nil) != found {
			t.Fatalf("found %v, the exhaustive search %v", got != nil, found)
		}
		if found && tg.Waste(got) != best {
			t.Fatalf("waste %d, the least is %d", tg.Waste(got), best)
		}
	})
}

func exhaustive(tg coinselect.Target, have []coinselect.Candidate) (best btcutil.Amount, found bool) {
	window := tg.FeeRate.FeeForWeight(tg.ChangeWeight) + tg.LongTermFeeRate.FeeForWeight(tg.ChangeSpend)
	for bits := 1; bits < 1<<len(have); bits++ {
		var set []coinselect.Candidate
		var sum btcutil.Amount
		negative := false
		for i, c := range have {
			if bits>>i&1 == 1 {
				set = append(set, c)
				sum += tg.Effective(c)
				negative = negative || tg.Effective(c) <= 0
			}
		}
		if negative || !tg.Pays(set) || sum > tg.Need()+window {
			continue
		}
		if w := tg.Waste(set); !found || w < best {
			best, found = w, true
		}
	}
	return best, found
}

func BenchmarkChoose5000(b *testing.B) {
	rng := seeded()
	var amounts []btcutil.Amount
	for range 5_000 {
		amounts = append(amounts, 1_000+btcutil.Amount(rng.Int64N(10_000_000)))
	}
	have := coins(amounts...)
	for _, bb := range []struct {
		name   string
		amount btcutil.Amount
	}{{"small", 3_000_000}, {"large", 5_000_000_000}, {"too much", 500_000_000_000}} {
		b.Run(bb.name, func(b *testing.B) {
			for b.Loop() {
				coinselect.Choose(target(bb.amount, btc.SatPerVB(12)), have, rng)
			}
		})
	}
}
