package psbt

import (
	"bytes"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/errs"
)

// Status says how far an input is.
type Status string

// The states of an input, in the words of `psbt inspect`.
const (
	StatusUnsigned  Status = "unsigned"
	StatusPartial   Status = "partial"
	StatusComplete  Status = "complete" // signed enough to be made final
	StatusFinalized Status = "finalized"
)

// Ownership says where a script stands in the caller's wallet. Output may be nil; with it the
// derivations that the PSBT tells are held against what the wallet derives.
type Ownership struct {
	Branch int // 0 external, 1 internal (change)
	Index  uint32
	Output *descriptor.Output
}

// Own tells whether a scriptPubKey is the caller's. It must know by deriving, not by what a
// PSBT says.
type Own func(script []byte) (Ownership, bool)

// KeyStatus is a key that may sign an input.
type KeyStatus struct {
	PubKey   []byte         // 33 or 65 bytes, 32 in taproot
	Origin   *btc.KeyOrigin // nil where the PSBT does not tell
	Signed   bool           // with a signature that verifies
	LeafHash []byte         // taproot script path; nil for the key path and elsewhere
	Internal bool           // the taproot internal key
}

// InputAnalysis is what can be told of an input.
type InputAnalysis struct {
	PrevOut  wire.OutPoint
	Sequence uint32
	Coin     *wire.TxOut // nil: not described
	Status   Status
	// Signatures is how many signatures there are that verify and count; Required how many the
	// cheapest way to spend takes, 0 where that cannot be told; Missing how many more at least.
	Signatures, Required, Missing int
	Keys                          []KeyStatus
	Signers                       []btc.Fingerprint // who signed, by fingerprint; unknown origins left out
	Sighash                       *txscript.SigHashType
	Weight                        btc.Weight // final weight of the whole input, estimated if need be; 0: not known
	Owned                         *Ownership
	Problems                      []error // signatures that do not verify, scripts that do not fit…
}

// OutputAnalysis is what can be told of an output.
type OutputAnalysis struct {
	Amount int64 // sat
	Script []byte
	Owned  *Ownership
	Change bool // ours, on the internal branch
	// Claimed is that the PSBT gives derivations for the output. Derived is that the wallet
	// derives exactly these: only then is the claim true.
	Claimed, Derived bool
}

// Analysis is what `psbt inspect` tells.
type Analysis struct {
	Version   uint32
	TxID      chainhash.Hash
	TxVersion int32
	LockTime  uint32
	Inputs    []InputAnalysis
	Outputs   []OutputAnalysis
	Status    Status // of all inputs together; partial where some have more than others
	Complete  bool   // every input is complete or final
	// Fee is known (HasFee) where all coins are described. Weight and VSize are those of the
	// final transaction, estimated as far as inputs are not final; 0 where one cannot be told.
	Fee      btcutil.Amount
	HasFee   bool
	Weight   btc.Weight
	VSize    btc.VSize
	FeeRate  btc.FeeRate
	InSum    btcutil.Amount // of the coins that are described
	OutSum   btcutil.Amount
	Problems []error // of the whole: no transaction, amounts out of range
}

// Analyse tells what can be told without a wallet.
func (p *Packet) Analyse() Analysis { return p.AnalyseFor(nil) }

// AnalyseFor tells besides which inputs and outputs are the caller's. own may be nil. The
// packet is not changed and nothing in it is believed.
func (p *Packet) AnalyseFor(own Own) Analysis {
	a := Analysis{Version: p.Version, TxVersion: p.TxVersion}
	for i := range p.Outputs {
		a.Outputs = append(a.Outputs, p.analyseOutput(i, own))
		a.OutSum += btcutil.Amount(p.Outputs[i].Amount)
	}
	s, err := p.spending()
	if err != nil {
		a.Problems = append(a.Problems, err)
		return a
	}
	a.TxID, a.LockTime = s.tx.TxHash(), s.tx.LockTime
	for i := range p.Inputs {
		in := s.analyseInput(i, own)
		if in.Coin != nil {
			a.InSum += btcutil.Amount(in.Coin.Value)
		}
		a.Inputs = append(a.Inputs, in)
	}
	a.Status = overall(a.Inputs)
	a.Complete = a.Status == StatusComplete || a.Status == StatusFinalized
	a.measure(p, s)
	return a
}

// overall is the status of a transaction with inputs of these states.
func overall(inputs []InputAnalysis) Status {
	n := map[Status]int{}
	for _, in := range inputs {
		n[in.Status]++
	}
	switch len(inputs) {
	case n[StatusUnsigned]:
		return StatusUnsigned
	case n[StatusFinalized]:
		return StatusFinalized
	case n[StatusFinalized] + n[StatusComplete]:
		return StatusComplete
	}
	return StatusPartial
}

// measure fills in fee, weight and feerate.
func (a *Analysis) measure(p *Packet, s *spending) {
	fee, err := p.Fee()
	switch {
	case err == nil:
		a.Fee, a.HasFee = fee, true
	case errs.CodeOf(err) != errs.Incomplete:
		a.Problems = append(a.Problems, err)
	}
	if err := p.checkSpentOnce(); err != nil {
		a.Problems = append(a.Problems, err)
	}
	// Version, locktime, the counts and the outputs, in full weight.
	total := btc.Weight(4 * (s.tx.SerializeSizeStripped() - 41*len(s.tx.TxIn)))
	segwit := false
	for _, in := range a.Inputs {
		if in.Weight == 0 {
			return
		}
		total += in.Weight
	}
	for i := range p.Inputs {
		segwit = segwit || s.hasWitness(i)
	}
	if segwit {
		total += 2 // marker and flag
	} else {
		total -= btc.Weight(len(a.Inputs)) // no input needs its empty witness
	}
	a.Weight, a.VSize = total, total.VSize()
	if a.HasFee {
		a.FeeRate = btc.RateOf(a.Fee, a.VSize)
	}
}

// Fee returns the fee in sat; it is negative where the outputs are worth more than the inputs.
// Code incomplete where a coin is not described, malformed where an amount is out of range.
func (p *Packet) Fee() (btcutil.Amount, error) {
	var sum int64
	add := func(v, sign int64) error {
		if v < 0 || v > int64(btc.MaxMoney) {
			return errs.Bad(errs.Malformed, "the PSBT holds an amount of %d sat, which cannot exist", v)
		}
		sum += sign * v // at most 145,000 amounts below 2^51
		return nil
	}
	for i := range p.Outputs {
		if err := add(p.Outputs[i].Amount, -1); err != nil {
			return 0, err
		}
	}
	for i := range p.Inputs {
		prev, err := p.PrevOut(i)
		if err != nil {
			return 0, err
		}
		if err := add(prev.Value, 1); err != nil {
			return 0, err
		}
	}
	return btcutil.Amount(sum), nil
}

func (p *Packet) analyseOutput(i int, own Own) OutputAnalysis {
	o := &p.Outputs[i]
	a := OutputAnalysis{Amount: o.Amount, Script: o.Script, Claimed: len(o.Derivations)+len(o.TapDerivations) > 0}
	if own == nil || o.Script == nil {
		return a
	}
	owned, ok := own(o.Script)
	if !ok {
		return a
	}
	a.Owned, a.Change = &owned, owned.Branch == 1
	a.Derived = a.Claimed && owned.Output != nil && bytes.Equal(owned.Output.Script, o.Script) && o.claimsOnly(owned.Output)
	return a
}

// claimsOnly reports whether every derivation that the PSBT tells is one of the wallet's output.
func (o *Output) claimsOnly(out *descriptor.Output) bool {
	for _, d := range o.Derivations {
		if !derivesKey(out, d.PubKey, d.Origin) {
			return false
		}
	}
	for i := range o.TapDerivations {
		d := &o.TapDerivations[i]
		if !derivesKey(out, d.XOnly[:], d.Origin) {
			return false
		}
	}
	return true
}

func derivesKey(out *descriptor.Output, pub []byte, origin btc.KeyOrigin) bool {
	same := func(key []byte, o btc.KeyOrigin) bool {
		if len(pub) == 32 && len(key) == 33 {
			key = key[1:]
		}
		return bytes.Equal(key, pub) && o.String() == origin.String()
	}
	for _, k := range out.Keys {
		if same(k.PubKey, k.Origin) {
			return true
		}
	}
	for _, m := range out.MuSig {
		if same(m.PubKey, m.Origin) {
			return true
		}
	}
	return false
}
