package spend_test

import (
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/spend"
)

// edit asks for other recipients in place of a payment.
func edit(k *keeper, b spend.Bump, to ...spend.Recipient) spend.Bump {
	b.Edit, b.Recipients = true, to
	return b
}

func TestEditPaysOthersWithTheSameCoins(t *testing.T) {
	for kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			k := newKeeper(t, kind)
			r, tx := sent(t, k, k.params(pay(60_000)), k.coins(t, 200_000))
			other := spend.Recipient{Script: stranger(9), Amount: 70_000}
			b, err := spend.BumpFee(edit(k, bump(k, r, tx, btc.SatPerVB(12)), pay(50_000), other), nil)
			if err != nil {
				t.Fatal(err)
			}
			if b.Change != 80_000-b.Fee || len(b.Outputs) != 3 {
				t.Errorf("change %d of fee %d, %d outputs", b.Change, b.Fee, len(b.Outputs))
			}
			checkBIP125(t, tx, k.sign(t, b.Packet), r.Fee, b.Fee)
		})
	}
}

func TestEditAddsCoinsAndTakesAll(t *testing.T) {
	k := newKeeper(t, "wpkh")
	r, tx := sent(t, k, k.params(pay(60_000)), k.coins(t, 200_000))
	extra := k.coins(t, 300_000, 400_000)
	extra[0].Confirmations = 0
	more, err := spend.BumpFee(edit(k, bump(k, r, tx, btc.SatPerVB(12)), pay(450_000)), extra)
	if err != nil || len(more.Inputs) != 2 {
		t.Fatalf("%+v %v", more, err)
	}
	checkBIP125(t, tx, k.sign(t, more.Packet), r.Fee, more.Fee)
	all, err := spend.BumpFee(edit(k, bump(k, r, tx, btc.SatPerVB(12)), everything()), extra)
	if err != nil || len(all.Inputs) != 2 || all.ChangeVout != -1 || all.Outputs[0].Amount != 600_000-all.Fee {
		t.Fatalf("everything: %+v %v", all, err)
	}
	least := edit(k, bump(k, r, tx, 0), pay(10_000))
	b, err := spend.BumpFee(least, nil)
	if err != nil {
		t.Fatal(err)
	}
	checkBIP125(t, tx, k.sign(t, b.Packet), r.Fee, b.Fee)
}

func TestEditWithChosenCoinsKeepsOneOfTheOriginal(t *testing.T) {
	k := newKeeper(t, "wpkh")
	r, tx := sent(t, k, k.params(pay(250_000)), k.coins(t, 200_000, 100_000))
	if len(r.Inputs) != 2 {
		t.Fatal("the story needs two coins")
	}
	fresh := k.coins(t, 500_000)
	ask := func(keep ...spend.Coin) spend.Bump {
		b := edit(k, bump(k, r, tx, btc.SatPerVB(15)), pay(80_000))
		b.Chosen, b.Keep = true, keep
		return b
	}
	b, err := spend.BumpFee(ask(r.Inputs[0], fresh[0]), k.coins(t, 900_000))
	if err != nil || len(b.Inputs) != 2 || b.Fee <= r.Fee {
		t.Fatalf("%+v %v", b, err)
	}
	k.sign(t, b.Packet)
	if _, err := spend.BumpFee(ask(fresh[0]), nil); err == nil {
		t.Error("a replacement that spends nothing of the original: both would be paid")
	}
	young := fresh[0]
	young.Confirmations = 0
	if _, err := spend.BumpFee(ask(r.Inputs[0], young), nil); err == nil {
		t.Error("BIP125 rule 2: an unconfirmed coin was added")
	}
	low := ask(r.Inputs[0], fresh[0])
	low.FeeRate = btc.SatPerVB(5)
	if _, err := spend.BumpFee(low, nil); err == nil {
		t.Error("a replacement that pays no more")
	} else if e, ok := as[*spend.FeeRateError](err); !ok || e.Min <= btc.SatPerVB(5) {
		t.Errorf("got %v", err)
	}
}

func TestEveryRemarkHasItsSentence(t *testing.T) {
	for code, format := range spend.Sentences() {
		args := make([]any, 0, 3)
		for range countVerbs(format) {
			args = append(args, "X")
		}
		if s := spend.NewRemark(code, args...).String(); s == "" || containsBad(s) {
			t.Errorf("%q: %q", code, s)
		}
	}
}

func countVerbs(s string) (n int) {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == '%' {
			if s[i+1] == 's' {
				n++
			}
			i++
		}
	}
	return n
}

func containsBad(s string) bool {
	for i := 0; i+1 < len(s); i++ {
		if s[i:i+2] == "%!" {
			return true
		}
	}
	return false
}
