package psbt

import (
	"math/big"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
)

// TestSchnorrRange: no signature with s >= n can be made on purpose, so the bound is tested by
// itself. The curve library would take s+n for s.
func TestSchnorrRange(t *testing.T) {
	one := big.NewInt(1)
	p, n := btcec.S256().P, btcec.S256().N
	for _, c := range []struct {
		r, s *big.Int
		ok   bool
	}{
		{one, one, true},
		{new(big.Int).Sub(p, one), new(big.Int).Sub(n, one), true},
		{p, one, false},
		{one, n, false},
		{one, new(big.Int).Add(n, one), false},
		{new(big.Int).Add(p, one), one, false},
	} {
		sig := make([]byte, 64)
		c.r.FillBytes(sig[:32])
		c.s.FillBytes(sig[32:])
		if schnorrInRange(sig) != c.ok {
			t.Errorf("r %x, s %x: %v", c.r, c.s, !c.ok)
		}
	}
}
