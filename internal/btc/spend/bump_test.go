package spend_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/spend"
)

// sent makes and signs a payment to be replaced or pulled along.
func sent(t *testing.T, k *keeper, p spend.Params, coins []spend.Coin) (*spend.Result, *wire.MsgTx) {
	t.Helper()
	r, err := spend.Plan(p, coins)
	if err != nil {
		t.Fatal(err)
	}
	return r, k.sign(t, r.Packet)
}

// bump asks for a replacement of a payment by its own result.
func bump(k *keeper, r *spend.Result, tx *wire.MsgTx, rate btc.FeeRate) spend.Bump {
	b := spend.Bump{Params: k.params(), Original: tx, Spent: r.Inputs}
	b.FeeRate = rate
	b.Seed = [32]byte{7}
	if r.ChangeVout >= 0 {
		b.Change = []spend.OwnOutput{{Vout: r.ChangeVout, Branch: 1, Index: 3}}
	}
	return b
}

// checkBIP125 holds a signed replacement against the rules as a node counts them.
func checkBIP125(t *testing.T, original, replacement *wire.MsgTx, fee, newFee btcutil.Amount) {
	t.Helper()
	if least := fee + btc.SatPerVB(1).Fee(vsize(replacement)); newFee < least {
		t.Errorf("fee %d, rules 3 and 4 ask for %d", newFee, least)
	}
	if int64(newFee)*int64(vsize(original)) <= int64(fee)*int64(vsize(replacement)) {
		t.Error("the feerate is not higher")
	}
	for _, in := range original.TxIn {
		found := false
		for _, other := range replacement.TxIn {
			found = found || other.PreviousOutPoint == in.PreviousOutPoint
		}
		if !found {
			t.Errorf("coin %s is no longer spent", in.PreviousOutPoint)
		}
	}
}

func TestBumpTakesTheDifferenceFromTheChange(t *testing.T) {
	for kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			k := newKeeper(t, kind)
			r, tx := sent(t, k, k.params(pay(60_000)), k.coins(t, 200_000))
			b, err := spend.BumpFee(bump(k, r, tx, btc.SatPerVB(12)), nil)
			if err != nil {
				t.Fatal(err)
			}
			if b.How != spend.HowSame || b.Fee != btc.SatPerVB(12).Fee(b.VSize) || b.Change != 140_000-b.Fee {
				t.Errorf("%s: fee %d, change %d", b.How, b.Fee, b.Change)
			}
			checkBIP125(t, tx, k.sign(t, b.Packet), r.Fee, b.Fee)
		})
	}
}

func TestBumpAddsConfirmedCoinsWhereChangeIsTooLittle(t *testing.T) {
	k := newKeeper(t, "wsh multi")
	r, tx := sent(t, k, k.params(pay(98_900)), k.coins(t, 100_000))
	if r.ChangeVout != -1 {
		t.Fatal("the story needs a payment without change")
	}
	extra := k.coins(t, 30_000, 40_000, 50_000)
	extra[0].Confirmations, extra[0].Own = 0, true // BIP125 rule 2
	b, err := spend.BumpFee(bump(k, r, tx, btc.SatPerVB(20)), extra)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Inputs) != 2 || b.ChangeVout < 0 || b.Outputs[1-b.ChangeVout].Amount != 98_900 {
		t.Errorf("%d inputs, outputs %v", len(b.Inputs), b.Outputs)
	}
	checkBIP125(t, tx, k.sign(t, b.Packet), r.Fee, b.Fee)
	if _, err := spend.BumpFee(bump(k, r, tx, btc.SatPerVB(20)), extra[:1]); func() bool { _, ok := as[*spend.InsufficientError](err); return !ok }() {
		t.Errorf("an unconfirmed coin was added: %v", err)
	}
}

func TestBumpDropsChangeThatBecomesTooSmall(t *testing.T) {
	k := newKeeper(t, "wpkh")
	r, tx := sent(t, k, k.params(pay(98_500)), k.coins(t, 100_000))
	if r.ChangeVout < 0 {
		t.Fatal("the story needs a little change")
	}
	b, err := spend.BumpFee(bump(k, r, tx, btc.SatPerVB(9)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if b.ChangeVout != -1 || b.Fee != 1_500 {
		t.Errorf("change %d, fee %d", b.Change, b.Fee)
	}
	checkBIP125(t, tx, k.sign(t, b.Packet), r.Fee, b.Fee)
}

func TestBumpLetsARecipientPayTheIncrease(t *testing.T) {
	k := newKeeper(t, "wpkh")
	r, tx := sent(t, k, k.params(everything()), k.coins(t, 100_000))
	q := bump(k, r, tx, btc.SatPerVB(10))
	if _, err := spend.BumpFee(q, nil); err == nil {
		t.Fatal("nobody was there to pay for the increase")
	}
	q.SubtractFee = []int{0}
	b, err := spend.BumpFee(q, nil)
	if err != nil {
		t.Fatal(err)
	}
	if b.Fee != btc.SatPerVB(10).Fee(b.VSize) || b.Outputs[0].Amount != 100_000-b.Fee {
		t.Errorf("fee %d, outputs %v", b.Fee, b.Outputs)
	}
	q.SubtractFee = []int{4}
	if _, err := spend.BumpFee(q, nil); err == nil {
		t.Error("output 4 is none")
	}
}

func TestCancelBringsEverythingBack(t *testing.T) {
	k := newKeeper(t, "tr")
	r, tx := sent(t, k, k.params(pay(60_000)), k.coins(t, 200_000))
	q := bump(k, r, tx, 0)
	q.Cancel = true
	b, err := spend.BumpFee(q, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Outputs) != 1 || b.ChangeVout != 0 || b.Change != 200_000-b.Fee || !bytes.Equal(b.Outputs[0].Script, k.output(t, 1, 3).Script) {
		t.Errorf("outputs %v", b.Outputs)
	}
	checkBIP125(t, tx, k.sign(t, b.Packet), r.Fee, b.Fee)
}

func TestLeastBumpAndTooLittle(t *testing.T) {
	k := newKeeper(t, "wpkh")
	r, tx := sent(t, k, k.params(pay(60_000)), k.coins(t, 200_000))
	b, err := spend.BumpFee(bump(k, r, tx, 0), nil)
	if err != nil {
		t.Fatal(err)
	}
	if most := r.Fee + btc.SatPerVB(1).Fee(b.VSize) + 5; b.Fee > most {
		t.Errorf("fee %d, %d would do", b.Fee, most)
	}
	checkBIP125(t, tx, k.sign(t, b.Packet), r.Fee, b.Fee)
	_, err = spend.BumpFee(bump(k, r, tx, btc.SatPerVB(5)+100), nil)
	e, ok := as[*spend.FeeRateError](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	if _, err := spend.BumpFee(bump(k, r, tx, e.Min), nil); err != nil {
		t.Errorf("the least rate that was told is refused: %v", err)
	}
	q := bump(k, r, tx, btc.SatPerVB(12))
	q.EvictedFees = 5_000
	if _, err = spend.BumpFee(q, nil); err == nil {
		t.Error("the fees of descendants have to be paid for")
	}
	q.FeeRate = 0
	if b, err = spend.BumpFee(q, nil); err != nil || b.Fee < r.Fee+5_000 {
		t.Errorf("got %v, %v", b, err)
	}
}

func TestBumpRefusesWhatIsNotOurs(t *testing.T) {
	k := newKeeper(t, "wpkh")
	r, tx := sent(t, k, k.params(pay(60_000)), k.coins(t, 200_000))
	tests := map[string]func(b *spend.Bump){
		"recipient taken for change": func(b *spend.Bump) { b.Change[0].Vout = 1 - r.ChangeVout },
		"another index":              func(b *spend.Bump) { b.Change[0].Index = 4 },
		"vout out of range":          func(b *spend.Bump) { b.Change[0].Vout = 9 },
		"other coins":                func(b *spend.Bump) { b.Spent = k.coins(t, 200_000) },
		"no coins":                   func(b *spend.Bump) { b.Spent = nil },
		"no original":                func(b *spend.Bump) { b.Original = nil },
		"too high":                   func(b *spend.Bump) { b.FeeRate = btc.SatPerVB(10_000) },
	}
	for name, change := range tests {
		b := bump(k, r, tx, btc.SatPerVB(12))
		b.Change = append([]spend.OwnOutput(nil), b.Change...)
		change(&b)
		if _, err := spend.BumpFee(b, nil); err == nil {
			t.Errorf("%s was not refused", name)
		}
	}
}

func TestBumpWarnsWhereTheOriginalDoesNotSignal(t *testing.T) {
	k := newKeeper(t, "wpkh")
	p := k.params(pay(60_000))
	p.Replaceable = false
	r, tx := sent(t, k, p, k.coins(t, 200_000))
	b, err := spend.BumpFee(bump(k, r, tx, btc.SatPerVB(12)), nil)
	if err != nil || len(b.Remarks) != 1 || !strings.Contains(b.Remarks[0].String(), "signal") {
		t.Errorf("got %v, %v", b, err)
	}
}

func TestChildPullsItsParentAlong(t *testing.T) {
	for kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			k := newKeeper(t, kind)
			p := k.params(pay(60_000))
			p.FeeRate = btc.SatPerVB(1)
			r, parent := sent(t, k, p, k.coins(t, 200_000))
			out := k.output(t, 1, 3)
			coin := spend.Coin{
				OutPoint: wire.OutPoint{Hash: parent.TxHash(), Index: uint32(r.ChangeVout)},
				Amount:   r.Change, Script: out.Script, Branch: 1, Index: 3, Own: true, PrevTx: parent,
			}
			for _, rate := range []int64{2, 7, 30} {
				c := spend.Child{Params: k.params(), ParentFee: r.Fee, ParentVSize: vsize(parent)}
				c.FeeRate, c.ChangeIndex = btc.SatPerVB(rate), 4
				child, err := spend.ChildPaysForParent(c, []spend.Coin{coin}, nil)
				if err != nil {
					t.Fatal(err)
				}
				k.sign(t, child.Packet)
				got := btc.RateOf(r.Fee+child.Fee, vsize(parent)+child.VSize)
				if want := btc.SatPerVB(rate); got < want || got > want+want/100 {
					t.Errorf("parent and child pay %s sat/vB together, want %s", got, want)
				}
				if len(child.Outputs) != 1 || child.Change != r.Change-child.Fee {
					t.Errorf("outputs %v", child.Outputs)
				}
			}
		})
	}
}

func TestChildTakesMoreCoinsWhereTheOutputIsTooSmall(t *testing.T) {
	k := newKeeper(t, "wpkh")
	small := k.coin(t, 2_000, 0)
	small.Confirmations = 0
	c := spend.Child{Params: k.params(), ParentFee: 200, ParentVSize: 400}
	c.FeeRate = btc.SatPerVB(20)
	if _, err := spend.ChildPaysForParent(c, []spend.Coin{small}, nil); func() bool { _, ok := as[*spend.InsufficientError](err); return !ok }() {
		t.Errorf("got %v", err)
	}
	child, err := spend.ChildPaysForParent(c, []spend.Coin{small}, k.coins(t, 50_000, 60_000))
	if err != nil {
		t.Fatal(err)
	}
	if got := btc.RateOf(200+child.Fee, 400+child.VSize); len(child.Inputs) != 2 || got < c.FeeRate || got > c.FeeRate+c.FeeRate/100 {
		t.Errorf("%d inputs, %s sat/vB", len(child.Inputs), got)
	}
	c.ParentFee = 20_000
	if _, err := spend.ChildPaysForParent(c, []spend.Coin{small}, nil); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a parent that pays enough: %v", err)
	}
	if _, err := spend.ChildPaysForParent(c, nil, nil); err == nil {
		t.Error("no output to spend")
	}
}
