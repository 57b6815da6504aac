package core

import (
	"encoding/json"
	"strings"
	"testing"

	"specter/internal/btc"
)

func TestPlainWritesExponentsOut(t *testing.T) {
	for in, want := range map[string]string{
		"1e-05": "0.00001", "1.5e-3": "0.0015", "12e2": "1200", "0.00001000": "0.00001000", "1E1": "10", "1e99": "1e99", "1e": "1e", "-1e-2": "-1e-2",
	} {
		got := plain(in)
		if in == "-1e-2" { // whatever becomes of it, no feerate
			if _, err := feeRate(json.Number(in)); err == nil {
				t.Error("a negative feerate was taken")
			}
			continue
		}
		if got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// FuzzFeeRate: what is taken is an amount that could exist.
func FuzzFeeRate(f *testing.F) {
	for _, s := range []string{"0.00001", "1e-5", "1e20", "-1", "", ".", "9e-20", "21000000.00000001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if r, err := feeRate(json.Number(s)); err == nil && (r < 0 || r > btc.FeeRate(btc.MaxMoney)) {
			t.Errorf("%q: %d", s, r)
		}
	})
}

// FuzzListing: any answer is an error or a listing; nothing panics.
func FuzzListing(f *testing.F) {
	f.Add(`{"result":{"transactions":[{"txid":"` + strings.Repeat("ab", 32) + `","category":"receive","vout":1,"confirmations":3,"blockhash":"` + strings.Repeat("cd", 32) + `","blockheight":5,"blocktime":7}],"removed":[],"lastblock":"` + strings.Repeat("ef", 32) + `"},"error":null,"id":0}`)
	f.Add(`{"result":null,"error":{"code":-1}}`)
	f.Add(`{"result":{"transactions":[[[[`)
	f.Fuzz(func(t *testing.T, s string) {
		var l listing
		if err := readListing(strings.NewReader(s), &l); err != nil {
			return
		}
		for _, e := range l.entries {
			if e.block.Height > 0 && e.conf <= 0 {
				t.Errorf("an entry without confirmations is in a block: %+v", e)
			}
		}
		_ = l.pending()
	})
}

// FuzzBatch: any answer to a batch is an error or fills the calls it names.
func FuzzBatch(f *testing.F) {
	f.Add(`[{"id":0,"result":1},{"id":1,"error":{"code":-5,"message":"no"}}]`)
	f.Add(`[{"id":99},{"id":-1},{"id":"x"},{}]`)
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, s string) {
		var n int
		_ = readBatch(strings.NewReader(s), []*call{{method: "a", result: &n}, {method: "b"}})
	})
}
