package spend

import (
	"bytes"
	"slices"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/errs"
)

// The sequences of inputs: with BIP125's signal, and without it but with locktime enabled.
const (
	sequenceReplaceable = 0xfffffffd
	sequenceFinal       = 0xfffffffe
)

// build makes the transaction and its PSBT. Inputs stand in random order and change in a
// random place among the recipients, who keep their order.
func (p *planner) build(set []Coin, s settlement) (*Result, error) {
	r := &Result{Inputs: slices.Clone(set), ChangeVout: -1, Change: s.change, Fee: s.fee, Weight: s.weight, VSize: s.weight.VSize()}
	r.FeeRate = btc.RateOf(r.Fee, r.VSize)
	p.rng.Shuffle(len(r.Inputs), func(i, j int) { r.Inputs[i], r.Inputs[j] = r.Inputs[j], r.Inputs[i] })
	for i, recipient := range p.Recipients {
		r.Outputs = append(r.Outputs, Output{Script: recipient.Script, Amount: s.amounts[i], Recipient: i})
	}
	if s.change > 0 {
		r.ChangeVout = p.rng.IntN(len(r.Outputs) + 1)
		r.Outputs = slices.Insert(r.Outputs, r.ChangeVout, Output{Script: p.change.Script, Amount: s.change, Recipient: -1})
	}
	var err error
	if r.Packet, err = psbt.New(p.transaction(r)); err != nil {
		return nil, err
	}
	for i, c := range r.Inputs {
		if err := p.fillInput(r.Packet, i, c); err != nil {
			return nil, err
		}
	}
	if r.ChangeVout >= 0 {
		if err := r.Packet.UpdateOutput(r.ChangeVout, p.change); err != nil {
			return nil, err
		}
	}
	if p.XPubs {
		err = p.addCosigners(r.Packet)
	}
	return r, err
}

func (p *planner) transaction(r *Result) *wire.MsgTx {
	tx := wire.NewMsgTx(2)
	tx.LockTime = p.lockTime()
	for _, c := range r.Inputs {
		in := wire.NewTxIn(&c.OutPoint, nil, nil)
		switch {
		case c.Older != 0:
			in.Sequence = c.Older
		case p.Replaceable:
			in.Sequence = sequenceReplaceable
		default:
			in.Sequence = sequenceFinal
		}
		tx.AddTxIn(in)
	}
	for _, o := range r.Outputs {
		tx.AddTxOut(wire.NewTxOut(int64(o.Amount), o.Script))
	}
	return tx
}

// lockTime is the one asked for, else the tip's height, so that it pays no miner to mine the
// tip again for the sake of this fee. One in ten goes back up to a hundred blocks, as in
// Bitcoin Core, to give company to transactions that were signed slowly.
func (p *planner) lockTime() uint32 {
	if p.LockTime != nil {
		return *p.LockTime
	}
	if p.Tip <= 0 {
		return 0
	}
	if p.rng.IntN(10) == 0 {
		return uint32(max(0, p.Tip-p.rng.Int32N(100)))
	}
	return uint32(p.Tip)
}

// fillInput puts into the PSBT what a signer wants to know of a coin, after checking that the
// coin is ours and is what it is said to be.
func (p *planner) fillInput(packet *psbt.Packet, i int, c Coin) error {
	out, err := p.derive(c.Branch, c.Index)
	if err != nil {
		return err
	}
	if !bytes.Equal(out.Script, c.Script) {
		return errs.E(errs.Internal, "coin %s is not on address %d of branch %d of this wallet", c.OutPoint, c.Index, c.Branch)
	}
	prev, err := p.previous(c, out)
	if err != nil {
		return err
	}
	return packet.UpdateInput(i, prev, wire.NewTxOut(int64(c.Amount), c.Script), out)
}

// previous returns the transaction that made the coin; nil for taproot, whose signatures commit
// to all amounts (BIP341). Others need it: a signer that was told a wrong amount would sign
// away the difference as fee. That it is the right one is checked where it is filled in.
func (p *planner) previous(c Coin, out *descriptor.Output) (*wire.MsgTx, error) {
	if version, _, ok := btc.WitnessProgram(out.Script); ok && version >= 1 {
		return nil, nil
	}
	prev := c.PrevTx
	if prev == nil {
		prev = p.fetched[c.OutPoint.Hash]
	}
	if prev == nil && p.PrevTx != nil {
		var err error
		if prev, err = p.PrevTx(c.OutPoint.Hash); err != nil {
			return nil, err
		}
		p.fetched[c.OutPoint.Hash] = prev
	}
	if prev == nil {
		return nil, errs.E(errs.Unavailable, "the transaction %s, which made a coin, is not at hand; signers need it", c.OutPoint.Hash)
	}
	return prev, nil
}

// addCosigners puts the wallet's xpubs and their origins into the PSBT (PSBT_GLOBAL_XPUB).
// Keys whose origin does not lead to them are left out: BIP174 wants as many steps as the key
// is deep.
func (p *planner) addCosigners(packet *psbt.Packet) error {
	for _, k := range p.Branches[0].Keys() {
		if k.XKey == nil {
			continue
		}
		var origin btc.KeyOrigin
		if k.Origin != nil {
			origin = *k.Origin
		} else {
			origin.Fingerprint = k.XKey.Fingerprint()
		}
		if len(origin.Path) != int(k.XKey.Depth) {
			continue
		}
		if err := packet.AddXPub(*k.XKey, origin); err != nil {
			return err
		}
	}
	return nil
}
