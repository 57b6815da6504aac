// Package headers holds block headers to Bitcoin's rules: that each builds on the one before,
// carries the work that its network demands at that height, and has a time that may stand there.
// It is what a program needs to tell the chain with the most work by itself, from headers that
// anybody may have handed over. BIP94 is followed for testnet4. What it leaves out: the
// signatures of signet's blocks (BIP325), which are in the blocks and not in their headers.
//
// Nothing here reads a disk, a clock or the network.
package headers

import (
	"math/big"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
)

// Size is what a header takes, in bytes.
const Size = wire.MaxBlockHeaderPayload

// Consensus numbers that all networks share.
const (
	period    = 2016           // blocks between two changes of the difficulty
	timespan  = 14 * 24 * 3600 // seconds that a period should take
	slow      = 20 * 60        // seconds without a block after which testnets allow the easiest one
	timewarp  = 600            // BIP94: seconds that a period may begin before the last one ended
	future    = 2 * time.Hour  // how far a header's time may be ahead of the clock
	medianOf  = 11             // headers whose median time the next one must be above
	clampTime = 4              // a period counts for no less than a fourth and no more than four times its span
)

// Rules are a network's rules for headers.
type Rules struct {
	genesis  wire.BlockHeader
	limit    *big.Int // easiest target
	easiest  uint32   // the same as bits
	enough   *big.Int // work of a chain that is believed to be the network's
	slowRule bool     // a block later than slow may be of the easiest target
	bip94    bool
	fixed    bool // the target never changes
	versions [3]int32
}

// enoughWork is the work that chains of the networks had at heights long buried when this
// program was made (mainnet at 938,343, testnet3 at 2,550,000, testnet4 at its block 72,600): a
// chain with less is not the network's, however well it is linked. Without this, headers from the
// genesis on at the difficulty of 2009 could be mined by anybody. Signet's blocks are signed
// instead of hard to mine, and a signet of one's own begins at the same genesis; regtest's work
// is free. Both have no such number. From Bitcoin Core's chain parameters.
var enoughWork = map[btc.Network]string{
	btc.Mainnet:  "1128750f82f4c366153a3a030",
	btc.Testnet3: "c59b14e264ba6c15db9",
	btc.Testnet4: "1d6dce8651b6094e4c1",
}

// versionsFrom are the heights from which headers must have version 2, 3 and 4 at least (BIP34,
// BIP66, BIP65); absent: not looked at.
var versionsFrom = map[btc.Network][3]int32{
	btc.Mainnet:  {227_931, 363_725, 388_381},
	btc.Testnet3: {21_111, 330_776, 581_885},
	btc.Testnet4: {1, 1, 1},
	btc.Signet:   {1, 1, 1},
}

// Of returns a network's rules.
func Of(n btc.Network) Rules {
	p := n.Params()
	r := Rules{
		genesis: p.GenesisBlock.Header, limit: p.PowLimit, easiest: p.PowLimitBits, enough: new(big.Int),
		slowRule: n == btc.Testnet3 || n == btc.Testnet4, bip94: n == btc.Testnet4, fixed: n == btc.Regtest,
		versions: versionsFrom[n],
	}
	if text := enoughWork[n]; text != "" {
		r.enough.SetString(text, 16)
	}
	return r
}

// Genesis returns the network's first header.
func (r Rules) Genesis() wire.BlockHeader { return r.genesis }

// Enough reports whether a chain with so much work may be the network's: at least what that had
// when this program was made. Where there is no such number every chain may.
func (r Rules) Enough(work *big.Int) bool { return work.Cmp(r.enough) >= 0 }

// retarget returns the bits that follow a period: base are the bits that are made harder or
// easier, first and last the times of the period's first and last header.
func (r Rules) retarget(base, first, last uint32) uint32 {
	took := min(max(int64(last)-int64(first), timespan/clampTime), timespan*clampTime)
	target := blockchain.CompactToBig(base)
	target.Mul(target, big.NewInt(took)).Quo(target, big.NewInt(timespan))
	if target.Cmp(r.limit) > 0 {
		return r.easiest
	}
	return blockchain.BigToCompact(target)
}
