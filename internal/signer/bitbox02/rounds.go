package bitbox02

import (
	"slices"
	"strconv"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc/descriptor"
	"specter/internal/signer"
	"specter/internal/signer/bitbox02/hww"
)

func number(n int) string { return strconv.Itoa(n) }

// rounds says with which key (a place in Descriptor.Keys) each input is signed in each dialogue.
// Nearly always there is one round: the person confirms a transaction once.
func (j *job) rounds() ([][]int, error) {
	var keys [][]int
	most := 1
	for i := range j.coins {
		list := j.keysFor(i)
		keys, most = append(keys, list), max(most, len(list))
	}
	rounds := make([][]int, most)
	for r := range rounds {
		for _, list := range keys {
			rounds[r] = append(rounds[r], list[min(r, len(list)-1)])
		}
	}
	return rounds, nil
}

// keysFor lists the device's own keys that an input is signed with: those of the cheapest way to
// spend it under the transaction's locks, else all.
func (j *job) keysFor(i int) []int {
	c := j.configs[j.coins[i].config]
	if len(c.ours) == 1 || c.kind == hww.ConfigMultisig {
		return c.ours
	}
	in := j.tx.TxIn[i]
	plan, err := c.branchy[0].Plan(descriptor.Assets{
		After: func(n uint32) bool {
			return j.tx.LockTime >= n && n < 500_000_000 && in.Sequence != wire.MaxTxInSequenceNum
		},
		Older: func(n uint32) bool { return olderAllows(j.tx.Version, in.Sequence, n) },
	})
	if err != nil {
		return c.ours
	}
	var list []int
	for _, k := range c.ours {
		if slices.Contains(plan.Keys, k) {
			list = append(list, k)
		}
	}
	if len(list) == 0 {
		return c.ours
	}
	return list
}

// olderAllows is BIP68 for a sequence number and BIP112's argument.
func olderAllows(version int32, sequence, n uint32) bool {
	const kind, value = wire.SequenceLockTimeIsSeconds, wire.SequenceLockTimeMask
	return version >= 2 && sequence&wire.SequenceLockTimeDisabled == 0 && sequence&kind == n&kind && sequence&value >= n&value
}

// take sets the keys of a round. A config names one key of ours, so that it changes with the
// round, and with it the outputs that are told to be ours.
func (j *job) take(keys []int) error {
	for i := range j.coins {
		c := j.configs[j.coins[i].config]
		at := slices.Index(c.ours, keys[i])
		place := slices.IndexFunc(j.coins[i].out.Keys, func(k descriptor.DerivedKey) bool { return k.Expression == keys[i] })
		if at < 0 || place < 0 {
			return signer.E(signer.CodeBadTransaction, "input %d has no key of this BitBox02", i)
		}
		c.at, c.path = at, c.keys[keys[i]].Origin.Path
		j.coins[i].key = j.coins[i].out.Keys[place]
		j.coins[i].path = j.coins[i].key.Origin.Path
	}
	return j.placeOutputs()
}
