package spend

import (
	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
)

// dustRelay is Bitcoin Core's default dust relay feerate (DUST_RELAY_TX_FEE).
const dustRelay = btc.FeeRate(3_000)

// DustLimit returns the least amount that nodes relay to a script: three times what spending
// it costs at 1 sat/vB, as Bitcoin Core's GetDustThreshold counts. It is 0 for outputs that
// nobody can spend (OP_RETURN).
func DustLimit(script []byte) btcutil.Amount {
	if unspendable(script) {
		return 0
	}
	spend := btc.VSize(32 + 4 + 1 + 107 + 4)
	if _, _, ok := btc.WitnessProgram(script); ok {
		spend = 32 + 4 + 1 + 107/4 + 4
	}
	return dustRelay.Fee(outputWeight(script).VSize() + spend)
}

func unspendable(script []byte) bool {
	return len(script) > 10_000 || len(script) > 0 && script[0] == 0x6a
}

// outputWeight is the weight of an output with the script.
func outputWeight(script []byte) btc.Weight {
	return 4 * btc.Weight(8+varIntSize(len(script))+len(script))
}

// varIntSize is the size of a count in the wire format, in bytes.
func varIntSize(n int) int {
	switch {
	case n > 0xffff:
		return 5
	case n > 0xfc:
		return 3
	}
	return 1
}
