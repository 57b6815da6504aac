package spend_test

import (
	"bytes"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"

	"specter/internal/btc"
	"specter/internal/btc/spend"
)

// drawPlan makes random coins and a random wish.
func drawPlan(t *rapid.T, k *keeper, tb testing.TB) (spend.Params, []spend.Coin) {
	var coins []spend.Coin
	for range rapid.IntRange(1, 30).Draw(t, "coins") {
		c := k.coin(tb, btcutil.Amount(rapid.Int64Range(200, 3_000_000).Draw(t, "amount")), rapid.Uint32Range(0, 19).Draw(t, "index"))
		c.Confirmations = rapid.Int32Range(0, 3).Draw(t, "confirmations")
		c.Own = rapid.Bool().Draw(t, "own")
		coins = append(coins, c)
	}
	p := k.params()
	copy(p.Seed[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed"))
	p.Seed[0] |= 1
	n := rapid.IntRange(1, 5).Draw(t, "recipients")
	for i := range n {
		p.Recipients = append(p.Recipients, spend.Recipient{
			Script: stranger(byte(i + 1)), Amount: btcutil.Amount(rapid.Int64Range(294, 2_000_000).Draw(t, "pays")),
		})
		if rapid.IntRange(0, 3).Draw(t, "payer") == 0 {
			p.SubtractFee = append(p.SubtractFee, i)
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "has max") == 0 {
		p.Recipients[rapid.IntRange(0, n-1).Draw(t, "max")].Max = true
	}
	p.FeeRate = btc.FeeRate(rapid.Int64Range(100, 300_000).Draw(t, "rate"))
	p.Chosen = rapid.IntRange(0, 3).Draw(t, "chosen") == 0
	return p, coins
}

// A plan, whatever was asked for, pays recipients exactly, loses no money, and its feerate is
// within one vbyte of the request unless there is no change to give the rest to.
func TestPropertyPlan(t *testing.T) {
	for _, kind := range []string{"wpkh", "wsh multi", "tr"} {
		t.Run(kind, func(t *testing.T) {
			k := newKeeper(t, kind)
			planned := 0
			rapid.Check(t, func(rt *rapid.T) {
				p, coins := drawPlan(rt, k, t)
				r, err := spend.Plan(p, coins)
				if err != nil {
					checkRefused(rt, p, coins, err)
					return
				}
				planned++
				checkPlan(rt, k, p, coins, r)
			})
			if planned == 0 {
				t.Error("no plan was ever made")
			}
		})
	}
}

func checkRefused(t *rapid.T, p spend.Params, coins []spend.Coin, err error) {
	if _, ok := as[*spend.DustError](err); ok && len(p.SubtractFee) > 0 {
		return
	}
	if _, ok := as[*spend.InsufficientError](err); !ok {
		t.Fatalf("refused for another reason than money: %v", err)
	}
	var have, need, cost btcutil.Amount
	for _, c := range coins {
		fee := p.FeeRate.Fee(150) // more than any input here weighs
		have += c.Amount
		cost += fee
	}
	for _, r := range p.Recipients {
		if !r.Max {
			need += r.Amount
		}
	}
	if have > need+cost+p.FeeRate.Fee(btc.VSize(11+43*(len(p.Recipients)+1)))+1_000 {
		t.Fatalf("%d sat are there, %d are needed, and yet: %v", have, need, err)
	}
}

func checkPlan(t *rapid.T, k *keeper, p spend.Params, coins []spend.Coin, r *spend.Result) {
	tx, err := r.Packet.UnsignedTx()
	if err != nil {
		t.Fatal(err)
	}
	worth := map[wire.OutPoint]btcutil.Amount{}
	for _, c := range coins {
		worth[c.OutPoint] = c.Amount
	}
	var in, out btcutil.Amount
	for _, i := range tx.TxIn {
		if worth[i.PreviousOutPoint] == 0 {
			t.Fatal("a coin is spent twice or is none of ours")
		}
		in += worth[i.PreviousOutPoint]
		delete(worth, i.PreviousOutPoint)
	}
	if p.Chosen && len(tx.TxIn) != len(coins) {
		t.Fatal("a chosen coin was left out")
	}
	for _, o := range tx.TxOut {
		out += btcutil.Amount(o.Value)
	}
	if in-out != r.Fee {
		t.Fatalf("in %d, out %d, fee %d", in, out, r.Fee)
	}
	payers := map[int]bool{}
	for _, i := range p.SubtractFee {
		payers[i] = true
	}
	got := map[string]btcutil.Amount{}
	for i, o := range tx.TxOut {
		if i != r.ChangeVout {
			got[string(o.PkScript)] += btcutil.Amount(o.Value)
		} else if change, _ := k.branches[1].Derive(p.ChangeIndex); !bytes.Equal(o.PkScript, change.Script) {
			t.Fatal("the change is not ours")
		}
	}
	for i, recipient := range p.Recipients {
		amount := got[string(recipient.Script)]
		if amount < 294 || !recipient.Max && (amount > recipient.Amount || amount < recipient.Amount && !payers[i]) {
			t.Fatalf("recipient %d gets %d instead of %d", i, amount, recipient.Amount)
		}

	}
	least := p.FeeRate.Fee(r.VSize)
	if r.Fee < least || r.ChangeVout >= 0 && r.Fee > least+p.FeeRate.Fee(1) {
		t.Fatalf("fee %d for %d vB at %s sat/vB", r.Fee, r.VSize, p.FeeRate)
	}
	if r.ChangeVout < 0 && r.Fee > least+p.FeeRate.Fee(43)+2_000 {
		t.Fatalf("%d sat more than asked for were given away", r.Fee-least)
	}
}

// A draft over 5,000 coins, PSBT included.
func BenchmarkPlan5000(b *testing.B) {
	for _, kind := range []string{"wpkh", "wsh multi", "tr"} {
		k := newKeeper(b, kind)
		var coins []spend.Coin
		prev := map[chainhash.Hash]*wire.MsgTx{}
		for i := range 5_000 {
			c := k.coin(b, btcutil.Amount(10_000+(i*7_919)%3_000_000), uint32(i%500))
			prev[c.OutPoint.Hash], c.PrevTx = c.PrevTx, nil
			coins = append(coins, c)
		}
		for _, bb := range []struct {
			name   string
			amount btcutil.Amount
		}{{"few inputs", 5_000_000}, {"many inputs", 500_000_000}} {
			b.Run(kind+"/"+bb.name, func(b *testing.B) {
				p := k.params(pay(bb.amount))
				p.PrevTx = func(id chainhash.Hash) (*wire.MsgTx, error) { return prev[id], nil }
				inputs := 0
				for b.Loop() {
					r, err := spend.Plan(p, coins)
					if err != nil {
						b.Fatal(err)
					}
					if _, err := r.Packet.Serialize(); err != nil {
						b.Fatal(err)
					}
					inputs = len(r.Inputs)
				}
				b.ReportMetric(float64(inputs), "inputs")
			})
		}
	}
}
