package psbt

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/errs"
)

// Combine puts together what several PSBTs of the same transaction know (BIP174's combiner).
// The result has the version of the first one and does not otherwise depend on the order.
// It trusts its inputs: signatures are not verified (see Merge). Where two disagree about a
// coin, script or derivation, they are refused with code mismatch; where they have different
// signatures or unknown fields under one key, the smaller value is kept.
func Combine(packets ...*Packet) (*Packet, error) {
	if len(packets) == 0 {
		return nil, errs.Bad(errs.Incomplete, "there is no PSBT to combine")
	}
	first := packets[0]
	want, err := first.UnsignedTx()
	if err != nil {
		return nil, err
	}
	all := make([]*Packet, len(packets))
	for i, p := range packets {
		tx, err := p.UnsignedTx()
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(serializeUnsigned(tx), serializeUnsigned(want)) {
			return nil, errs.Bad(errs.Mismatch, "PSBT %d is of another transaction than the first one", i+1)
		}
		if all[i], err = p.Convert(first.Version); err != nil {
			return nil, err
		}
	}
	return combine(all)
}

func combine(all []*Packet) (*Packet, error) {
	out := &Packet{Version: all[0].Version, TxVersion: all[0].TxVersion, FallbackLockTime: all[0].FallbackLockTime}
	if err := out.combineGlobal(all); err != nil {
		return nil, err
	}
	v := out.Version
	out.Inputs = make([]Input, len(all[0].Inputs))
	for i := range out.Inputs {
		in := &out.Inputs[i]
		in.PrevOut, in.Sequence = all[0].Inputs[i].PrevOut, all[0].Inputs[i].Sequence
		pairs, err := union(all, mergeableInput, func(p *Packet) []KeyValue { return p.Inputs[i].fields(v) })
		if err != nil {
			return nil, errs.Bad(errs.Mismatch, "input %d: %w", i, err)
		}
		for _, kv := range pairs {
			if err := in.add(v, kv); err != nil {
				return nil, err
			}
		}
		in.order = keysOf(pairs)
		in.order = keysOf(in.canonical(v))
	}
	out.Outputs = make([]Output, len(all[0].Outputs))
	for i := range out.Outputs {
		o := &out.Outputs[i]
		o.Amount, o.Script = all[0].Outputs[i].Amount, all[0].Outputs[i].Script
		pairs, err := union(all, nil, func(p *Packet) []KeyValue { return p.Outputs[i].fields(v) })
		if err != nil {
			return nil, errs.Bad(errs.Mismatch, "output %d: %w", i, err)
		}
		for _, kv := range pairs {
			if err := o.add(v, kv); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// combineGlobal puts the global maps together. Counts and transaction are the same in all;
// modifiable flags are kept where all allow, "has SIGHASH_SINGLE" where one says so.
func (p *Packet) combineGlobal(all []*Packet) error {
	for _, q := range all {
		for _, typ := range []byte{globalLockTime, globalVersion} {
			if q.order.has(typ) && !p.order.has(typ) {
				p.order = append(p.order, []byte{typ}) // written although it is the default
			}
		}
		p.FallbackLockTime = min(p.FallbackLockTime, q.FallbackLockTime)
		if q.Modifiable != nil {
			flags := *q.Modifiable
			if p.Modifiable != nil {
				flags = flags&*p.Modifiable&^4 | (flags|*p.Modifiable)&4
			}
			p.Modifiable = &flags
		}
	}
	skip := map[byte]bool{globalUnsignedTx: true, globalLockTime: true, globalModifiable: true}
	pairs, err := union(all, nil, func(q *Packet) []KeyValue {
		fields, _ := q.globalFields() // its transaction was built before
		return slices.DeleteFunc(slices.Clone(fields), func(kv KeyValue) bool { return skip[kv.Key[0]] && len(kv.Key) == 1 })
	})
	if err != nil {
		return err
	}
	for _, kv := range pairs {
		if err := p.addGlobal(kv); err != nil {
			return err
		}
	}
	return nil
}

// mergeableInput tells the input fields whose value may differ between good PSBTs: signatures
// by a random nonce, final scripts made of them, and the previous transaction, which may come
// without its witness.
func mergeableInput(typ byte) bool {
	switch typ {
	case inNonWitnessUTXO, inPartialSig, inFinalScriptSig, inFinalWitness, inTapKeySig, inTapScriptSig,
		inMuSig2Nonce, inMuSig2Sig, inReserveProof:
		return true
	}
	return typ > inDLEQ
}

// union puts the pairs of one map of all packets together.
func union(all []*Packet, mergeable func(typ byte) bool, fields func(*Packet) []KeyValue) ([]KeyValue, error) {
	have := map[string][]byte{}
	var keys []string
	for _, p := range all {
		for _, kv := range fields(p) {
			old, there := have[string(kv.Key)]
			if !there {
				keys = append(keys, string(kv.Key))
			} else if !bytes.Equal(old, kv.Value) {
				known := kv.Key[0] <= inDLEQ && (mergeable == nil || !mergeable(kv.Key[0]))
				if known {
					return nil, errs.Bad(errs.Mismatch, "the PSBTs contradict each other in the field %s", shortHex(kv.Key))
				}
				if smaller(old, kv.Value) {
					continue
				}
			}
			have[string(kv.Key)] = kv.Value
		}
	}
	out := make([]KeyValue, len(keys))
	for i, k := range keys {
		out[i] = KeyValue{[]byte(k), have[k]}
	}
	slices.SortFunc(out, func(a, b KeyValue) int { return bytes.Compare(a.Key, b.Key) })
	return out, nil
}

func smaller(a, b []byte) bool {
	return cmp.Or(cmp.Compare(len(a), len(b)), bytes.Compare(a, b)) < 0
}

func keysOf(pairs []KeyValue) keyOrder {
	out := make(keyOrder, len(pairs))
	for i := range pairs {
		out[i] = pairs[i].Key
	}
	return out
}

// Join puts several transactions into one: the inputs and outputs of all, in order. Signatures
// are dropped, for they were for other transactions. The version of the transaction is the
// greatest, and so is the locktime; locktimes in blocks and in time cannot be joined, nor can
// PSBTs that spend the same coin.
func Join(packets ...*Packet) (*Packet, error) {
	if len(packets) == 0 {
		return nil, errs.Bad(errs.Incomplete, "there is no PSBT to join")
	}
	out := &Packet{Version: packets[0].Version}
	spent := map[wire.OutPoint]bool{}
	for n, p := range packets {
		q, err := p.Convert(out.Version)
		if err != nil {
			return nil, err
		}
		lock, err := q.LockTime()
		if err != nil {
			return nil, err
		}
		if out.FallbackLockTime != 0 && lock != 0 && (lock < lockTimeThreshold) != (out.FallbackLockTime < lockTimeThreshold) {
			return nil, errs.Bad(errs.Mismatch, "PSBT %d has a locktime of another kind than the ones before it", n+1)
		}
		out.TxVersion = max(out.TxVersion, q.TxVersion)
		out.FallbackLockTime = max(out.FallbackLockTime, lock)
		for i := range q.Inputs {
			if spent[q.Inputs[i].PrevOut] {
				return nil, errs.Bad(errs.Mismatch, "two of the PSBTs spend the coin %s", q.Inputs[i].PrevOut)
			}
			spent[q.Inputs[i].PrevOut] = true
			q.Inputs[i].dropSignatures()
		}
		out.Inputs = append(out.Inputs, q.Inputs...)
		out.Outputs = append(out.Outputs, q.Outputs...)
		out.joinGlobal(q)
	}
	if len(out.Inputs) > maxInputs || len(out.Outputs) > maxOutputs {
		return nil, errs.Bad(errs.TooLarge, "together the PSBTs have more inputs or outputs than a block holds")
	}
	_, err := out.LockTime()
	return out, err
}

func (in *Input) dropSignatures() {
	in.PartialSigs, in.FinalScriptSig, in.FinalScriptWitness = nil, nil, nil
	in.TapKeySig, in.TapScriptSigs = nil, nil
	in.MuSig2Nonces, in.MuSig2PartialSigs = nil, nil
}

func (p *Packet) joinGlobal(q *Packet) {
	for _, x := range q.XPubs {
		if !slices.ContainsFunc(p.XPubs, func(o XPub) bool { return o.Raw == x.Raw }) {
			p.XPubs = append(p.XPubs, x)
		}
	}
	for _, kv := range q.Unknown {
		if !slices.ContainsFunc(p.Unknown, func(o KeyValue) bool { return bytes.Equal(o.Key, kv.Key) }) {
			p.Unknown = append(p.Unknown, kv)
		}
	}
}

// DropSignatures removes every signature and final script, for a PSBT that is to be signed anew.
func (p *Packet) DropSignatures() {
	for i := range p.Inputs {
		p.Inputs[i].dropSignatures()
	}
}
