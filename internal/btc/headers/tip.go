package headers

import (
	"math/big"
	"slices"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/errs"
)

// Tip is the end of a chain, with all of its past that the next header is held to. A copy is
// independent of what it was made from.
type Tip struct {
	rules  Rules
	height int32
	hash   chainhash.Hash
	time   uint32
	bits   uint32

	firstTime, firstBits uint32           // of the first header of the period that the tip is in
	real                 uint32           // bits of the newest header that is not one of the slow rule's
	times                [medianOf]uint32 // of the last headers, at height modulo their number
	work                 *big.Int         // of all headers up to the tip; never changed in place
	each                 worth
}

// worth remembers what a header of some bits is worth: they change but every two weeks.
type worth struct {
	bits   uint32
	target *big.Int
	work   *big.Int
}

// Begin returns the chain that is the genesis alone.
func (r Rules) Begin() Tip {
	t := Tip{rules: r, height: -1, work: new(big.Int)}
	t.take(r.genesis, r.genesis.BlockHash())
	return t
}

// Height of the tip; the genesis has 0.
func (t Tip) Height() int32 { return t.height }

// Hash of the tip.
func (t Tip) Hash() chainhash.Hash { return t.hash }

// Time of the tip's header.
func (t Tip) Time() time.Time { return time.Unix(int64(t.time), 0) }

// Work is what the whole chain took to mine, in expected hashes.
func (t Tip) Work() *big.Int { return new(big.Int).Set(t.work) }

// Enough reports whether the chain has the work that its network's is known to have.
func (t Tip) Enough() bool { return t.rules.Enough(t.work) }

// Extend holds a header to the rules and makes it the tip. now is the time of asking: a header
// from further in the future than two hours is refused, until that time has come; the zero time
// leaves that out, for headers that were taken once. On an error, errs.Invalid with what is
// wrong, nothing has changed.
func (t *Tip) Extend(h wire.BlockHeader, now time.Time) error {
	height := t.height + 1
	if h.PrevBlock != t.hash {
		return errs.E(errs.Invalid, "header %d does not build on the one below it", height)
	}
	at := uint32(h.Timestamp.Unix())
	if want := t.demand(at); h.Bits != want {
		return errs.E(errs.Invalid, "header %d promises the wrong amount of work: its bits are %08x, the rules demand %08x", height, h.Bits, want)
	}
	hash := h.BlockHash()
	t.each.of(h.Bits)
	if t.each.target.Sign() <= 0 || t.each.target.Cmp(t.rules.limit) > 0 || blockchain.HashToBig(&hash).Cmp(t.each.target) > 0 {
		return errs.E(errs.Invalid, "header %d does not carry the work that it promises", height)
	}
	if err := t.checkTime(at, now); err != nil {
		return err
	}
	for i, from := range t.rules.versions {
		if from > 0 && height >= from && h.Version < int32(i)+2 {
			return errs.E(errs.Invalid, "header %d has version %d, which is too old for its height", height, h.Version)
		}
	}
	t.take(h, hash)
	return nil
}

// checkTime holds a header's time to those before it and to the clock.
func (t *Tip) checkTime(at uint32, now time.Time) error {
	height := t.height + 1
	if median := t.median(); at <= median {
		return errs.E(errs.Invalid, "header %d is older than the median of those below it: %d is not after %d", height, at, median)
	}
	if t.rules.bip94 && height%period == 0 && int64(at) < int64(t.time)-timewarp {
		return errs.E(errs.Invalid, "header %d begins a period long before the last one ended (BIP94)", height)
	}
	if !now.IsZero() && int64(at) > now.Add(future).Unix() {
		return errs.E(errs.Invalid, "header %d is from the future: its time is %s. Is this computer's clock right?", height, time.Unix(int64(at), 0).UTC().Format("2006-01-02 15:04 UTC"))
	}
	return nil
}

// median is the median time of the last eleven headers, or of as many as there are.
func (t *Tip) median() uint32 {
	last := t.times // a copy
	n := min(int(t.height)+1, medianOf)
	slices.Sort(last[:n])
	return last[n/2]
}

// demand returns the bits that the next header must have if its time is at.
func (t *Tip) demand(at uint32) uint32 {
	switch r := t.rules; {
	case r.fixed:
		return r.easiest
	case (t.height+1)%period == 0:
		base := t.bits
		if r.bip94 {
			base = t.firstBits
		}
		return r.retarget(base, t.firstTime, t.time)
	case r.slowRule && int64(at) > int64(t.time)+slow:
		return r.easiest
	case r.slowRule:
		return t.real
	default:
		return t.bits
	}
}

// take makes a header the tip, unchecked.
func (t *Tip) take(h wire.BlockHeader, hash chainhash.Hash) {
	t.height++
	t.hash, t.bits, t.time = hash, h.Bits, uint32(h.Timestamp.Unix())
	t.times[int(t.height)%medianOf] = t.time
	if t.height%period == 0 {
		t.firstTime, t.firstBits = t.time, t.bits
	}
	if t.height%period == 0 || t.bits != t.rules.easiest {
		t.real = t.bits
	}
	t.each.of(t.bits)
	t.work = new(big.Int).Add(t.work, t.each.work)
}

// of makes the worth that of some bits.
func (w *worth) of(bits uint32) {
	if w.work != nil && w.bits == bits {
		return
	}
	*w = worth{bits, blockchain.CompactToBig(bits), blockchain.CalcWork(bits)}
}

// Back returns the chain's end as it was at a height, for going on from there another way. read
// gives the chain's own headers by height; it is asked for those of the height's period and a
// few below, and for the bits of all that are above.
func (t Tip) Back(height int32, read func(height int32) (wire.BlockHeader, error)) (Tip, error) {
	if height < 0 || height > t.height {
		return Tip{}, errs.E(errs.Invalid, "the chain has no header %d to go back to", height)
	}
	b := Tip{rules: t.rules, work: t.Work()}
	for i := t.height; i > height; i-- {
		h, err := read(i)
		if err != nil {
			return Tip{}, err
		}
		b.each.of(h.Bits)
		b.work.Sub(b.work, b.each.work)
	}
	work := b.work
	first := height - height%period
	b.height = max(first-medianOf, 0) - 1
	for b.height < height {
		h, err := read(b.height + 1)
		if err != nil {
			return Tip{}, err
		}
		b.take(h, h.BlockHash())
	}
	b.work = work
	return b, nil
}
