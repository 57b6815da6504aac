package btc_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/vectors"
)

func TestVectorsURI(t *testing.T) {
	vectors.Each(t, "bip21/vectors.json", nil, func(c vectors.Case) error {
		var v struct {
			URI    string
			Amount *string
			Valid  bool
			Sat    int64 `json:"amount_sat"`
			Expect map[string]any
		}
		c.Decode(&v)
		if v.Amount != nil {
			v.URI = "bitcoin:175tWpb8K1S7NmH4Zx6rewF9WQrcZv245W?amount=" + *v.Amount
			v.Expect = map[string]any{"amount_sat": float64(v.Sat)}
		}
		u, err := btc.ParseURI(v.URI)
		if v.Valid != (err == nil) {
			return fmt.Errorf("valid %v, want %v: %v", err == nil, v.Valid, err)
		}
		if err != nil {
			return nil
		}
		got := map[string]any{"address": u.Address, "label": u.Label, "message": u.Message, "memo": u.Message}
		for _, p := range u.Params {
			got[p.Key] = p.Value
		}
		for key, want := range v.Expect {
			if key == "amount_btc" { // the same as amount_sat
				continue
			}
			if key == "amount_sat" {
				got[key] = float64(u.Amount)
			}
			if got[key] != want {
				return fmt.Errorf("%s is %v, want %v", key, got[key], want)
			}
		}
		if _, wanted := v.Expect["amount_sat"]; wanted != u.HasAmount {
			return fmt.Errorf("has an amount: %v", u.HasAmount)
		}
		again, err := btc.ParseURI(u.String())
		if err != nil || !reflect.DeepEqual(again, u) {
			return fmt.Errorf("printed %s, read %+v, %v", u, again, err)
		}
		return nil
	})
}

// Examples of BIP321, the invalid ones too.
func TestBIP321(t *testing.T) {
	const body = "bitcoin:175tWpb8K1S7NmH4Zx6rewF9WQrcZv245W"
	for uri, code := range map[string]errs.Code{
		"bitcoin:?lightning=lnbc420bogusinvoice":           "",
		"bitcoin:?lno=lno1bogusoffer&sp=sp1qsilentpayment": "",
		body + "?sp=sp1qsilentpayment":                     "",
		"BITCOIN:?BC=BC1QUFGY354J3KMVUCH987XE4S40836X3H0LG8F5NQ&BC=BC1P5SWKUGEZN97763TL0YTY6556856UUG0Q6JFLLJVEP9M4P7339X5QZYRH4Q": "",
		"bitcoin:?tb=tb1qghfhmd4zh7ncpmxl3qzhmq566jk8ckq4gafnmq":                                                                   "",
		body + "?&&somekey&x=":                                   "",
		body + "?label=Luke-Jr&label=Matt":                       errs.Malformed,
		body + "?amount=42&amount=10":                            errs.Malformed,
		body + "?amount=42&AMOUNT=42":                            errs.Malformed,
		body + "?pop=callback%3a&req-pop=callback%3a":            errs.Malformed,
		body + "?req-pop=https%3aevilwebsite.com":                errs.Unsupported,
		"bitcoin:?bc=tb1qghfhmd4zh7ncpmxl3qzhmq566jk8ckq4gafnmq": errs.WrongNetwork,
		body + "?amount=":                                        errs.Malformed,
		body + "?amount=21000001":                                errs.Malformed,
		body + "?amount=1%20":                                    errs.Malformed,
		body + "?amount=-1":                                      errs.Malformed,
		body + "?amount=99999999999999999999":                    errs.Malformed,
		body + "?label=%":                                        errs.BadEncoding,
		body + "?label=%4":                                       errs.BadEncoding,
		body + "?label=%zz":                                      errs.BadEncoding,
		body + "?label=%ff":                                      errs.BadEncoding,
		"bitcoin:":                                               errs.Malformed,
		"bitcoin:?label=x":                                       errs.Malformed,
		"":                                                       errs.Malformed,
		"175tWpb8K1S7NmH4Zx6rewF9WQrcZv245W":                     errs.Malformed,
		body + "?x=" + strings.Repeat("a", 1e5):                  errs.TooLarge,
	} {
		u, err := btc.ParseURI(uri)
		if errs.CodeOf(err) != code {
			t.Errorf("%.100s: %v (%s)", uri, err, errs.CodeOf(err))
		}
		if code == errs.Unsupported && len(u.RequiredUnknown) == 0 {
			t.Errorf("%s: nothing is named as required", uri)
		}
	}
}

func TestURIPayTo(t *testing.T) {
	const (
		p2wpkh = "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"
		p2tr   = "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"
		test   = "tb1qnwc84tkupy5v0tzgt27zkd3uxex3nmyr6vfhdd"
	)
	for _, c := range []struct {
		uri  string
		n    btc.Network
		want string
	}{
		{"bitcoin:" + p2wpkh, btc.Mainnet, p2wpkh},
		{"bitcoin:" + p2wpkh + "?bc=" + p2tr, btc.Mainnet, p2tr},
		{"bitcoin:?bc=bc1qqqq&bc=" + p2tr, btc.Mainnet, p2tr},
		{"bitcoin:" + p2wpkh + "?tb=" + test, btc.Signet, test},
		{"bitcoin:" + p2wpkh + "?tb=" + test, btc.Mainnet, p2wpkh},
		{"bitcoin:" + p2wpkh, btc.Regtest, ""},
		{"bitcoin:?lightning=lnbc1", btc.Mainnet, ""},
		{"bitcoin:?bc=bc1qqqq", btc.Mainnet, ""},
	} {
		u, err := btc.ParseURI(c.uri)
		if err != nil {
			t.Fatal(err)
		}
		got, a, err := u.PayTo(c.n)
		if c.want == "" && err == nil || c.want != "" && (err != nil || got != c.want || len(a.Script) == 0) {
			t.Errorf("%s on %s: %s, %v", c.uri, c.n, got, err)
		}
	}
}

func TestURIIsWrittenExactly(t *testing.T) {
	u := btc.URI{Address: "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", Amount: 4000, HasAmount: true, Label: "Ä & B=+", Message: "50%",
		Params: []btc.URIParam{{Key: "r", Value: "http://domain.tld/page?h=1"}}}
	const want = "bitcoin:1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2?amount=0.00004&label=%C3%84%20%26%20B%3D%2B&message=50%25&r=http://domain.tld/page?h%3D1"
	if got := u.String(); got != want {
		t.Errorf("got %s", got)
	}
	for sat, text := range map[int64]string{0: "0", 1: "0.00000001", 100_000_000: "1", 2_030_000_000: "20.3", 1_000_000_000: "10", int64(btc.MaxMoney): "21000000"} {
		u := btc.URI{Address: "x", HasAmount: true, Amount: btcutil.Amount(sat)}
		if got := u.String(); got != "bitcoin:x?amount="+text {
			t.Errorf("%d: %s", sat, got)
		}
	}
}

func FuzzParseURI(f *testing.F) {
	f.Add("bitcoin:175tWpb8K1S7NmH4Zx6rewF9WQrcZv245W?amount=20.3&label=Luke-Jr&r=http://x/y?h%3D1")
	f.Add("BitCoin: ?")
	f.Add("BITCOIN:?BC=BC1Q&tb=tb1q&req-x=1#f")
	f.Fuzz(func(t *testing.T, text string) {
		u, err := btc.ParseURI(text)
		if err != nil {
			return
		}
		again, err := btc.ParseURI(u.String())
		if err != nil && errs.CodeOf(err) != errs.TooLarge || err == nil && !reflect.DeepEqual(again, u) {
			t.Errorf("%q became %q, read %+v: %v", text, u, again, err)
		}
	})
}
