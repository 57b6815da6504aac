package spend

import (
	"math/rand/v2"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/errs"
)

// maxRecipients is more than fit into a transaction that nodes relay.
const maxRecipients = 3_000

// planner is a plan on its way. A payment, a replacement and a child take the same steps; what
// differs is told by the fields.
type planner struct {
	Params
	rng *rand.Rand

	must       []Coin         // spent in any case: the inputs of what is replaced, the outputs of a parent
	fees       feeRule        // the least fee for a size
	senderPays btcutil.Amount // with SubtractFee: what the sender pays of the fee all the same
	changeOnly bool           // no recipients: everything comes back as change

	change    *descriptor.Output // where change goes
	segwit    bool               // inputs have witnesses
	minChange btcutil.Amount     // less is left to the fee
	weights   map[uint32]btc.Weight
	derived   map[[2]uint32]*descriptor.Output
	fetched   map[chainhash.Hash]*wire.MsgTx // by PrevTx
}

// feeRule is the least fee as the highest of several straight lines over the size.
type feeRule []feeLine

// feeLine is a fee of base plus rate times size. The base of a child is negative where the
// parent pays a part.
type feeLine struct {
	base btcutil.Amount
	rate btc.FeeRate
}

func (l feeLine) at(v btc.VSize) btcutil.Amount { return l.base + l.rate.Fee(v) }

// at returns the least fee for a size.
func (r feeRule) at(v btc.VSize) btcutil.Amount {
	fee := btcutil.Amount(0)
	for _, l := range r {
		fee = max(fee, l.at(v))
	}
	return fee
}

// steepest returns a line that lies nowhere below the rule.
func (r feeRule) steepest() feeLine {
	var s feeLine
	for _, l := range r {
		s.base, s.rate = max(s.base, l.base), max(s.rate, l.rate)
	}
	return s
}

// newPlanner fills in defaults and refuses parameters that make no sense.
func newPlanner(p Params) (*planner, error) {
	if p.Seed == [32]byte{} {
		return nil, errs.E(errs.Internal, "no randomness was given to the planner")
	}
	if len(p.Branches) == 0 {
		return nil, errs.E(errs.Internal, "no descriptor was given to the planner")
	}
	for _, d := range p.Branches {
		if d.Branches() != 1 {
			return nil, errs.E(errs.Internal, "the planner takes one descriptor for each branch, not a multipath one")
		}
		if main, known := networkOf(d); known && main != p.Network.IsMain() {
			return nil, errs.Bad(errs.WrongNetwork, "the wallet's keys are not for %s", p.Network)
		}
	}
	if p.MinRelay <= 0 {
		p.MinRelay = defaultMinRelay
	}
	if p.LongTerm <= 0 {
		p.LongTerm = defaultLongTerm
	}
	if p.MaxFee <= 0 {
		p.MaxFee = DefaultMaxFee
	}
	if p.MaxFeeRate <= 0 {
		p.MaxFeeRate = DefaultMaxFeeRate
	}
	p.MaxFeeRate = min(p.MaxFeeRate, AbsurdFeeRate-1)
	if p.FeeRate < p.MinRelay || p.FeeRate > p.MaxFeeRate {
		return nil, refuse(&FeeRateError{Rate: p.FeeRate, Min: p.MinRelay, Max: p.MaxFeeRate})
	}
	pl := &planner{Params: p, rng: rand.New(rand.NewChaCha8(p.Seed)), fees: feeRule{{0, p.FeeRate}}}
	pl.weights = map[uint32]btc.Weight{}
	pl.fetched = map[chainhash.Hash]*wire.MsgTx{}
	pl.derived = map[[2]uint32]*descriptor.Output{}
	return pl, pl.prepareChange()
}

// networkOf tells whether the keys are mainnet's; known is false without extended keys.
func networkOf(d *descriptor.Descriptor) (main, known bool) {
	for _, k := range d.Keys() {
		if k.XKey != nil {
			return k.XKey.Main, true
		}
	}
	return false, false
}

// changeBranch is the branch of change: the second one, where there is one.
func (p *planner) changeBranch() uint32 { return uint32(min(len(p.Branches), 2) - 1) }

// prepareChange derives the change output and learns what change costs.
func (p *planner) prepareChange() error {
	var err error
	if p.change, err = p.derive(p.changeBranch(), p.ChangeIndex); err != nil {
		return err
	}
	spend, err := p.branchWeight(p.changeBranch())
	if err != nil {
		return err
	}
	p.segwit = hasWitness(p.change)
	p.minChange = max(DustLimit(p.change.Script), p.LongTerm.FeeForWeight(spend)+1)
	return nil
}

// hasWitness reports whether spending the output takes a witness.
func hasWitness(o *descriptor.Output) bool {
	_, _, native := btc.WitnessProgram(o.Script)
	_, _, nested := btc.WitnessProgram(o.RedeemScript)
	return native || nested
}

// derive derives an output of ours, once.
func (p *planner) derive(branch, index uint32) (*descriptor.Output, error) {
	key := [2]uint32{branch, index}
	if out := p.derived[key]; out != nil {
		return out, nil
	}
	if int(branch) >= len(p.Branches) {
		return nil, errs.E(errs.Internal, "a coin is said to be of branch %d; the wallet has %d", branch, len(p.Branches))
	}
	out, err := p.Branches[branch].Derive(index)
	if err == nil {
		p.derived[key] = out
	}
	return out, err
}

// branchWeight is what an input of a branch weighs at worst.
func (p *planner) branchWeight(branch uint32) (btc.Weight, error) {
	if w, known := p.weights[branch]; known {
		return w, nil
	}
	if int(branch) >= len(p.Branches) {
		return 0, errs.E(errs.Internal, "a coin is said to be of branch %d; the wallet has %d", branch, len(p.Branches))
	}
	w, err := p.Branches[branch].MaxInputWeight()
	if err == nil {
		p.weights[branch] = w
	}
	return w, err
}

// adopt checks coins and fills in their input weights. The list is a new one.
func (p *planner) adopt(coins []Coin, seen map[wire.OutPoint]bool) ([]Coin, error) {
	out := make([]Coin, len(coins))
	var sum btcutil.Amount
	for i, c := range coins {
		if c.Amount <= 0 || c.Amount > btc.MaxMoney {
			return nil, errs.E(errs.Internal, "coin %s has an impossible amount", c.OutPoint)
		}
		if sum += c.Amount; sum > btc.MaxMoney {
			return nil, errs.E(errs.Internal, "the coins are more than there can be")
		}
		if seen[c.OutPoint] {
			return nil, errs.E(errs.Internal, "coin %s is listed twice", c.OutPoint)
		}
		seen[c.OutPoint] = true
		if c.Older&^0x40ffff != 0 {
			return nil, errs.E(errs.Internal, "coin %s asks for the impossible sequence %#x", c.OutPoint, c.Older)
		}
		if c.InputWeight <= 0 {
			w, err := p.branchWeight(c.Branch)
			if err != nil {
				return nil, err
			}
			c.InputWeight = w
		}
		out[i] = c
	}
	return out, nil
}

// weight is the weight of the signed transaction at worst.
func (p *planner) weight(set []Coin, withChange bool) btc.Weight {
	outputs := len(p.Recipients)
	var w btc.Weight
	for _, r := range p.Recipients {
		w += outputWeight(r.Script)
	}
	if withChange {
		outputs++
		w += outputWeight(p.change.Script)
	}
	for _, c := range set {
		w += c.InputWeight
	}
	w += 4 * btc.Weight(4+varIntSize(len(set))+varIntSize(outputs)+4)
	if p.segwit {
		w += 2 // marker and flag
	}
	return w
}

// maxRecipient returns the place of the recipient that takes everything, else -1.
func (p *planner) maxRecipient() int {
	for i, r := range p.Recipients {
		if r.Max {
			return i
		}
	}
	return -1
}

// fixed is the sum of the recipients whose amounts are given.
func (p *planner) fixed() btcutil.Amount {
	var sum btcutil.Amount
	for _, r := range p.Recipients {
		if !r.Max {
			sum += r.Amount
		}
	}
	return sum
}

func total(coins []Coin) btcutil.Amount {
	var sum btcutil.Amount
	for _, c := range coins {
		sum += c.Amount
	}
	return sum
}
