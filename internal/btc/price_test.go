package btc_test

import (
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
)

func TestPricesAreReadWithoutFloats(t *testing.T) {
	for text, want := range map[string]btc.Price{
		"97123.45": 9712345000000, "0.00000001": 1, "1": 1e8, ".5": 5e7, "9.7e4": 9700000000000, "9.71234e4": 9712340000000, "1e-3": 100000,
		"97123.4567890123": 9712345678901, "1E+2": 1e10,
	} {
		if got, err := btc.ParsePrice(text); err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "-1", "abc", "1.2.3", "1e999", "1e", "e5", "99999999999999", "NaN", "1,000", "0.000000001", "1e 2", "1e--2", "1_0"} {
		if got, err := btc.ParsePrice(text); err == nil {
			t.Errorf("%q was read as %d", text, got)
		}
	}
}

func TestValuesAreExact(t *testing.T) {
	p, err := btc.ParsePrice("97123.45")
	if err != nil {
		t.Fatal(err)
	}
	for a, want := range map[btcutil.Amount]string{1e8: "97123.45", -1e8: "-97123.45", 1: "0.00", 21e14: "2039592450000.00", -514: "-0.50", -1: "0.00", 12345678: "11990.55"} {
		if got := p.Value(a, 2); got != want {
			t.Errorf("%d sat are worth %s, want %s", a, got, want)
		}
	}
	if p.Text(2) != "97123.45" || p.Text(0) != "97123" || p.PerSat(10) != "0.0009712345" || p.PerSat(8) != "0.00097123" {
		t.Errorf("printed: %s %s %s", p.Text(2), p.Text(0), p.PerSat(10))
	}
	if a, err := p.Amount(9712345000000); err != nil || a != 1e8 {
		t.Errorf("%d sat for one bitcoin's price, %v", a, err)
	}
	if _, err := btc.Price(1).Amount(1e18); err == nil {
		t.Error("more than all bitcoins were bought")
	}
	if _, err := btc.Price(0).Amount(1); err == nil {
		t.Error("converted without a price")
	}
}

func FuzzParsePrice(f *testing.F) {
	f.Add("97123.45")
	f.Add("1e-3")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := btc.ParsePrice(s)
		if err != nil {
			return
		}
		if again, err := btc.ParsePrice(p.Text(8)); err != nil || again != p {
			t.Errorf("%q is %d, printed it reads %d, %v", s, p, again, err)
		}
	})
}
