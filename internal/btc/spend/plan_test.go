package spend_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/spend"
	"specter/internal/errs"
)

// The size of every kind of wallet's transaction is told before it is signed: never too small,
// and too large only by what signatures happen to be shorter.
func TestSizeHoldsAfterSigning(t *testing.T) {
	for kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			k := newKeeper(t, kind)
			r, err := spend.Plan(k.params(pay(250_000)), k.coins(t, 100_000, 90_000, 85_000, 20_000, 60_000))
			if err != nil {
				t.Fatal(err)
			}
			tx := k.sign(t, r.Packet)
			got := vsize(tx)
			shorter := btc.VSize(4 * len(r.Inputs) * k.need) // a byte or two for each signature, whole ones in scriptSigs
			if got > r.VSize || got < r.VSize-shorter {
				t.Errorf("signed it has %d vB, told were %d", got, r.VSize)
			}
			if fee := btc.SatPerVB(5).Fee(r.VSize); r.ChangeVout >= 0 && r.Fee != fee {
				t.Errorf("fee %d, want %d", r.Fee, fee)
			}
		})
	}
}

func TestPacketTellsSignersAll(t *testing.T) {
	for kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			k := newKeeper(t, kind)
			r, err := spend.Plan(k.params(pay(250_000)), k.coins(t, 1_000_000))
			if err != nil {
				t.Fatal(err)
			}
			in, change := r.Packet.Inputs[0], r.Packet.Outputs[r.ChangeVout]
			taproot := kind == "tr"
			if (in.NonWitnessUTXO == nil) != taproot {
				t.Errorf("previous transaction there: %v", in.NonWitnessUTXO != nil)
			}
			if n := len(in.Derivations) + len(in.TapDerivations); n != len(k.keys) {
				t.Errorf("%d derivations at the input, want %d", n, len(k.keys))
			}
			if n := len(change.Derivations) + len(change.TapDerivations); n != len(k.keys) {
				t.Errorf("%d derivations at the change, want %d", n, len(k.keys))
			}
			if len(r.Packet.XPubs) != len(k.keys) {
				t.Errorf("%d xpubs, want %d", len(r.Packet.XPubs), len(k.keys))
			}
			if !bytes.Equal(change.Script, k.output(t, 1, 3).Script) {
				t.Error("the change is not on index 3 of the change branch")
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	k := newKeeper(t, "wpkh")
	coins := k.coins(t, 100_000, 50_000)
	tests := map[string]struct {
		change func(p *spend.Params)
		want   string
	}{
		"no recipient":            {func(p *spend.Params) { p.Recipients = nil }, "at least one recipient"},
		"too many recipients":     {func(p *spend.Params) { p.Recipients = make([]spend.Recipient, 3_001) }, "do not fit"},
		"no address":              {func(p *spend.Params) { p.Recipients[0].Script = nil }, "no address"},
		"amount zero":             {func(p *spend.Params) { p.Recipients[0].Amount = 0 }, "more than 0"},
		"amount negative":         {func(p *spend.Params) { p.Recipients[0].Amount = -5 }, "more than 0"},
		"more than all money":     {func(p *spend.Params) { p.Recipients[0].Amount = btc.MaxMoney + 1 }, "21 million"},
		"sum above all money":     {func(p *spend.Params) { p.Recipients = []spend.Recipient{pay(btc.MaxMoney), pay(1_000)} }, "21 million"},
		"dust":                    {func(p *spend.Params) { p.Recipients[0].Amount = 293 }, "dust"},
		"two take everything":     {func(p *spend.Params) { p.Recipients = []spend.Recipient{everything(), everything()} }, "only one"},
		"everything to OP_RETURN": {func(p *spend.Params) { p.Recipients = []spend.Recipient{{Script: []byte{0x6a}, Max: true}} }, "never spend"},
		"feerate 0":               {func(p *spend.Params) { p.FeeRate = 0 }, "more than 0"},
		"feerate below the floor": {func(p *spend.Params) { p.FeeRate, p.MinRelay = 500, 1_000 }, "too low"},
		"feerate 1,001":           {func(p *spend.Params) { p.FeeRate = btc.SatPerVB(1_001) }, "too high"},
		"feerate 10,000, forced":  {func(p *spend.Params) { p.FeeRate, p.MaxFeeRate = btc.SatPerVB(10_000), btc.SatPerVB(99_999) }, "too high"},
		"fee beyond the cap":      {func(p *spend.Params) { p.MaxFee = 500 }, "the fee would be"},
		"more than there is":      {func(p *spend.Params) { p.Recipients[0].Amount = 200_000 }, "not enough money"},
		"payer out of range":      {func(p *spend.Params) { p.SubtractFee = []int{1} }, "no recipient 2"},
		"payer twice":             {func(p *spend.Params) { p.SubtractFee = []int{0, 0} }, "listed twice"},
		"payer left with dust":    {func(p *spend.Params) { p.Recipients[0].Amount, p.SubtractFee = 900, []int{0} }, "dust"},
		"no randomness":           {func(p *spend.Params) { p.Seed = [32]byte{} }, "randomness"},
		"no descriptor":           {func(p *spend.Params) { p.Branches = nil }, "descriptor"},
		"another network":         {func(p *spend.Params) { p.Network = btc.Mainnet }, "not for mainnet"},
		"foreign coin":            {func(p *spend.Params) { p.Branches = newKeeper(t, "sh-wpkh").branches }, "not on address"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := k.params(pay(60_000))
			tt.change(&p)
			_, err := spend.Plan(p, coins)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestRefusalsAreTyped(t *testing.T) {
	k := newKeeper(t, "wpkh")
	coins := k.coins(t, 100_000, 50_000)
	_, err := spend.Plan(k.params(pay(200_000)), coins)
	if e, ok := as[*spend.InsufficientError](err); !ok || e.Have != 150_000 || e.Need <= 200_000 || !errs.Is(err, errs.Invalid) {
		t.Errorf("got %v", err)
	}
	_, err = spend.Plan(k.params(pay(100_000), pay(100)), coins)
	if e, ok := as[*spend.DustError](err); !ok || e.Recipient != 1 || e.Amount != 100 || e.Min != 294 || !errs.Is(err, errs.Invalid) {
		t.Errorf("got %v", err)
	}
	_, err = spend.Plan(k.params(pay(1_000)), nil)
	if e, ok := as[*spend.InsufficientError](err); !ok || e.Have != 0 {
		t.Errorf("got %v", err)
	}
	p := k.params(pay(1_000))
	p.FeeRate = btc.SatPerVB(2_000)
	if _, err = spend.Plan(p, coins); func() bool { _, ok := as[*spend.FeeRateError](err); return !ok }() {
		t.Errorf("got %v", err)
	}
	p.MaxFeeRate = btc.SatPerVB(2_000)
	p.Recipients[0].Amount = 1_000
	if _, err = spend.Plan(p, k.coins(t, 1_000_000)); err != nil {
		t.Errorf("a high feerate that the user insists on: %v", err)
	}
}

// What a coin is said to be is checked against the transaction that made it: a wrong amount
// would be signed away as fee.
func TestCoinThatItsTransactionDeniesIsRefused(t *testing.T) {
	for kind := range kinds {
		if kind == "tr" {
			continue // its signatures commit to the amount
		}
		k := newKeeper(t, kind)
		tests := map[string]func(c *spend.Coin){
			"amount":      func(c *spend.Coin) { c.Amount -= 1_000 },
			"transaction": func(c *spend.Coin) { c.PrevTx = k.coin(t, c.Amount, 0).PrevTx },
			"vout":        func(c *spend.Coin) { c.OutPoint.Index = 7 },
			"index":       func(c *spend.Coin) { c.Index = 9 },
			"branch":      func(c *spend.Coin) { c.Branch = 1 },
			"no branch":   func(c *spend.Coin) { c.Branch = 2 },
			"nothing":     func(c *spend.Coin) { c.PrevTx = nil },
			"sequence":    func(c *spend.Coin) { c.Older = 1 << 31 },
		}
		for name, change := range tests {
			c := k.coin(t, 1_000_000, 0)
			change(&c)
			if _, err := spend.Plan(k.params(pay(50_000)), []spend.Coin{c}); err == nil {
				t.Errorf("%s: a coin with a wrong %s was spent", kind, name)
			}
		}
		c := k.coin(t, 1_000_000, 0)
		if _, err := spend.Plan(k.params(pay(50_000)), []spend.Coin{c, c}); err == nil {
			t.Errorf("%s: a coin listed twice was taken", kind)
		}
	}
}

func TestPreviousTransactionsAreFetchedForSpentCoinsOnly(t *testing.T) {
	for _, kind := range []string{"wsh multi", "tr"} {
		k := newKeeper(t, kind)
		coins := k.coins(t, 100_000, 200_000, 300_000, 400_000)
		prev := map[chainhash.Hash]*wire.MsgTx{}
		for i := range coins {
			prev[coins[i].OutPoint.Hash], coins[i].PrevTx = coins[i].PrevTx, nil
		}
		p := k.params(pay(50_000))
		asked := 0
		p.PrevTx = func(id chainhash.Hash) (*wire.MsgTx, error) { asked++; return prev[id], nil }
		r, err := spend.Plan(p, coins)
		if err != nil {
			t.Fatal(err)
		}
		want := len(r.Inputs)
		if kind == "tr" {
			want = 0
		}
		if asked != want {
			t.Errorf("%s: %d transactions were fetched for %d inputs", kind, asked, len(r.Inputs))
		}
		k.sign(t, r.Packet)
	}
}

func TestChosenCoinsAreAllSpent(t *testing.T) {
	k := newKeeper(t, "wpkh")
	p := k.params(pay(60_000))
	p.Chosen = true
	r, err := spend.Plan(p, k.coins(t, 100_000, 100_000, 250))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Inputs) != 3 || r.How != spend.HowChosen || r.Change != 200_250-60_000-r.Fee {
		t.Errorf("%d inputs, %s, change %d", len(r.Inputs), r.How, r.Change)
	}
	if len(r.Remarks) != 1 || !strings.Contains(r.Remarks[0].String(), "cost more to spend") {
		t.Errorf("warnings: %q", r.Remarks)
	}
	p.Recipients[0].Amount = 200_200
	if _, err := spend.Plan(p, k.coins(t, 100_000, 100_000, 250)); err == nil {
		t.Error("more than the chosen coins was paid")
	}
}

func TestMaxTakesAllThatIsLeft(t *testing.T) {
	k := newKeeper(t, "wpkh")
	coins := k.coins(t, 100_000, 60_000, 40_000, 300) // the last costs more than it brings
	other := spend.Recipient{Script: stranger(2), Amount: 50_000}
	p := k.params(other, everything())
	r, err := spend.Plan(p, coins)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Inputs) != 3 || r.ChangeVout != -1 || r.How != spend.HowAll {
		t.Errorf("%d inputs, change at %d, %s", len(r.Inputs), r.ChangeVout, r.How)
	}
	if r.Outputs[0].Amount != 50_000 || r.Outputs[1].Amount != 150_000-r.Fee || r.Fee != p.FeeRate.Fee(r.VSize) {
		t.Errorf("outputs %v, fee %d", r.Outputs, r.Fee)
	}
	p.SubtractFee = []int{0}
	if r, err = spend.Plan(p, coins); err != nil {
		t.Fatal(err)
	}
	if r.Outputs[0].Amount != 50_000-r.Fee || r.Outputs[1].Amount != 150_000 {
		t.Errorf("with the other paying: %v, fee %d", r.Outputs, r.Fee)
	}
	p.Recipients[0].Amount, p.SubtractFee = 199_000, nil
	if _, err := spend.Plan(p, coins); func() bool { _, ok := as[*spend.InsufficientError](err); return !ok }() {
		t.Errorf("nothing is left for the one who takes the rest: %v", err)
	}
}

func TestSubtractFeeIsSplitEvenly(t *testing.T) {
	k := newKeeper(t, "wpkh")
	p := k.params(pay(50_000), spend.Recipient{Script: stranger(2), Amount: 40_000}, spend.Recipient{Script: stranger(3), Amount: 30_000})
	p.SubtractFee = []int{2, 0}
	r, err := spend.Plan(p, k.coins(t, 500_000))
	if err != nil {
		t.Fatal(err)
	}
	got := map[int]btcutil.Amount{}
	for _, o := range r.Outputs {
		got[o.Recipient] = o.Amount
	}
	if got[1] != 40_000 || got[0]+got[2] != 80_000-r.Fee || got[-1] != 380_000 {
		t.Errorf("amounts %v with fee %d", got, r.Fee)
	}
	if first, second := 30_000-got[2], 50_000-got[0]; first < second || first > second+1 {
		t.Errorf("shares %d and %d", first, second)
	}
}

func TestUneconomicChangeGoesToTheFee(t *testing.T) {
	k := newKeeper(t, "wpkh")
	p := k.params(pay(99_000))
	r, err := spend.Plan(p, k.coins(t, 100_000))
	if err != nil {
		t.Fatal(err)
	}
	if r.ChangeVout != -1 || r.Change != 0 || r.Fee != 1_000 || len(r.Outputs) != 1 {
		t.Errorf("change %d at %d, fee %d", r.Change, r.ChangeVout, r.Fee)
	}
	p.SubtractFee, p.Recipients[0].Amount = []int{0}, 99_400
	if r, err = spend.Plan(p, k.coins(t, 100_000)); err != nil || r.Fee != 600 || r.Outputs[0].Amount != 99_400 {
		t.Errorf("what is too little for change pays the fee first: %v, %v", r, err)
	}
}

func TestLockTimeAndSequence(t *testing.T) {
	k := newKeeper(t, "wpkh")
	coins := k.coins(t, 100_000)
	exact, back := 0, 0
	for seed := range byte(200) {
		p := k.params(pay(50_000))
		p.Seed[9] = seed
		p.Replaceable = seed%2 == 0
		r, err := spend.Plan(p, coins)
		if err != nil {
			t.Fatal(err)
		}
		tx, _ := r.Packet.UnsignedTx()
		if want := map[bool]uint32{true: 0xfffffffd, false: 0xfffffffe}[p.Replaceable]; tx.TxIn[0].Sequence != want || tx.Version != 2 {
			t.Fatalf("sequence %#x, version %d", tx.TxIn[0].Sequence, tx.Version)
		}
		switch at := tx.LockTime; {
		case at == 800_000:
			exact++
		case at < 800_000 && at > 800_000-100:
			back++
		default:
			t.Fatalf("locktime %d", at)
		}
	}
	if exact < 150 || back < 5 {
		t.Errorf("%d at the tip, %d before it", exact, back)
	}
	p := k.params(pay(50_000))
	at := uint32(900_000)
	p.LockTime = &at
	r, err := spend.Plan(p, coins)
	if err != nil {
		t.Fatal(err)
	}
	if tx, _ := r.Packet.UnsignedTx(); tx.LockTime != at || len(r.Remarks) != 1 {
		t.Errorf("locktime %d, warnings %q", tx.LockTime, r.Remarks)
	}
	p.LockTime, p.Tip = nil, 0
	coins[0].Older = 144
	if r, err = spend.Plan(p, coins); err != nil {
		t.Fatal(err)
	}
	if tx, _ := r.Packet.UnsignedTx(); tx.LockTime != 0 || tx.TxIn[0].Sequence != 144 {
		t.Errorf("without a tip: locktime %d, sequence %d", tx.LockTime, tx.TxIn[0].Sequence)
	}
}

func TestSameSeedSamePlan(t *testing.T) {
	k := newKeeper(t, "wpkh")
	coins := k.coins(t, 100_000, 110_000, 120_000, 130_000, 140_000, 150_000)
	p := k.params(pay(250_000))
	first, err := spend.Plan(p, coins)
	if err != nil {
		t.Fatal(err)
	}
	places, firsts := map[int]bool{}, map[wire.OutPoint]bool{}
	for seed := range byte(100) {
		again, err := spend.Plan(p, coins)
		if err != nil {
			t.Fatal(err)
		}
		a, _ := first.Packet.Serialize()
		if b, _ := again.Packet.Serialize(); !bytes.Equal(a, b) {
			t.Fatal("the same seed gave another plan")
		}
		q := p
		q.Seed[5] = seed
		r, err := spend.Plan(q, coins)
		if err != nil {
			t.Fatal(err)
		}
		places[r.ChangeVout] = true
		firsts[r.Inputs[0].OutPoint] = true
	}
	if !places[0] || !places[1] || len(firsts) < 5 {
		t.Errorf("change stood at %v, %d coins came first: that is no random order", places, len(firsts))
	}
}

func TestDustLimits(t *testing.T) {
	k := func(kind string) []byte { return newKeeper(t, kind).output(t, 0, 0).Script }
	tests := map[string]struct {
		script []byte
		want   btcutil.Amount
	}{ // Bitcoin Core's test of GetDustThreshold and its release notes
		"p2pkh":     {k("pkh"), 546},
		"p2sh":      {k("sh-wpkh"), 540},
		"p2wpkh":    {k("wpkh"), 294},
		"p2wsh":     {k("wsh multi"), 330},
		"p2tr":      {k("tr"), 330},
		"p2a":       {[]byte{0x51, 0x02, 0x4e, 0x73}, 240},
		"op_return": {[]byte{0x6a, 0x01, 0x00}, 0},
	}
	for name, tt := range tests {
		if got := spend.DustLimit(tt.script); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
		k := newKeeper(t, "wpkh")
		for _, amount := range []btcutil.Amount{tt.want - 1, tt.want} {
			_, err := spend.Plan(k.params(spend.Recipient{Script: tt.script, Amount: amount}), k.coins(t, 100_000))
			if (err == nil) != (amount >= tt.want) {
				t.Errorf("%s: paying %d gave %v", name, amount, err)
			}
		}
	}
}

func TestUnconfirmedForeignCoinsCarryAWarning(t *testing.T) {
	k := newKeeper(t, "wpkh")
	coins := k.coins(t, 100_000, 100_000, 100_000)
	coins[1].Confirmations, coins[1].Own = 0, true
	coins[2].Confirmations = 0
	r, err := spend.Plan(k.params(pay(150_000)), coins)
	if err != nil || len(r.Inputs) != 2 || len(r.Remarks) != 0 {
		t.Errorf("our own change would do: %v, %v", r, err)
	}
	r, err = spend.Plan(k.params(pay(250_000)), coins)
	if err != nil || len(r.Inputs) != 3 || len(r.Remarks) != 1 {
		t.Errorf("got %v, %v", r, err)
	}
}

// A wallet without a change branch gives change to its only one.
func TestSingleBranchWallet(t *testing.T) {
	k := newKeeper(t, "wpkh")
	k.branches = k.branches[:1]
	r, err := spend.Plan(k.params(pay(50_000)), k.coins(t, 100_000))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(r.Outputs[r.ChangeVout].Script, k.output(t, 0, 3).Script) {
		t.Error("the change is not on the only branch")
	}
}

func TestTooManySmallCoinsAreSaidToBeTooMany(t *testing.T) {
	k := newKeeper(t, "wpkh")
	var amounts []btcutil.Amount
	for range 2_000 {
		amounts = append(amounts, 10_000)
	}
	_, err := spend.Plan(k.params(pay(15_000_000)), k.coins(t, amounts...))
	if err == nil || !strings.Contains(err.Error(), "small coins") || !errs.Is(err, errs.Invalid) {
		t.Errorf("got %v", err)
	}
	p := k.params(everything())
	if _, err = spend.Plan(p, k.coins(t, amounts...)); err == nil || !strings.Contains(err.Error(), "choose fewer") {
		t.Errorf("got %v", err)
	}
}

// Two coins just pay; fees rounded up coin by coin would say that they miss by two satoshi.
func TestNoSatoshiIsMissedByRounding(t *testing.T) {
	k := newKeeper(t, "tr")
	p := k.params(pay(294))
	p.FeeRate = 766
	r, err := spend.Plan(p, k.coins(t, 207, 208))
	if err != nil || r.Fee != 121 || r.Fee != p.FeeRate.Fee(r.VSize) || r.How != spend.HowAll {
		t.Errorf("got %v, %v", r, err)
	}
}

// More than 252 inputs and outputs need longer counts.
func TestManyInputsAndOutputs(t *testing.T) {
	k := newKeeper(t, "wpkh")
	var amounts []btcutil.Amount
	for range 300 {
		amounts = append(amounts, 10_000)
	}
	var all []spend.Recipient
	for range 252 { // with change 253
		all = append(all, pay(10_000))
	}
	r, err := spend.Plan(k.params(all...), k.coins(t, amounts...))
	if err != nil {
		t.Fatal(err)
	}
	if tx := k.sign(t, r.Packet); vsize(tx) > r.VSize || len(tx.TxIn) < 253 || len(tx.TxOut) != 253 {
		t.Errorf("%d inputs, %d outputs, %d vB, told %d", len(tx.TxIn), len(tx.TxOut), vsize(tx), r.VSize)
	}
}
