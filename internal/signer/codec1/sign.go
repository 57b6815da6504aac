package codec1

import (
	"context"
	"slices"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
	"specter/internal/signer/protolite"
)

// signing is one call of Sign.
type signing struct {
	d        *Device
	tx       *psbt.Packet
	fp       btc.Fingerprint
	ring     keyring
	sorted   bool // multisig scripts are sorted, and the device sorts
	ins      []input
	outs     []protolite.Builder
	prevs    map[chainhash.Hash]*wire.MsgTx
	accounts map[string]*btc.XKey
	lockTime uint32
}

// Sign asks for the signatures of the device's keys. A device signs with one key per input and
// pass: where a multisig has several of its keys, the person confirms several times, or (KeepKey)
// signs again with the device plugged in anew.
func (d *Device) Sign(ctx context.Context, w signer.Wallet, _ signer.Registration, tx *psbt.Packet) (*psbt.Packet, error) {
	if err := d.usable(); err != nil {
		return nil, err
	}
	fp, err := d.Fingerprint(ctx)
	if err != nil {
		return nil, err
	}
	s := &signing{d: d, tx: tx.Clone(), fp: fp, ring: ringOf(w, tx), prevs: map[chainhash.Hash]*wire.MsgTx{}, accounts: map[string]*btc.XKey{}}
	passes, err := s.prepare(ctx, w)
	if err != nil {
		return nil, err
	}
	if d.dialect.NoRepeat {
		passes = min(passes, 1) // the next key signs after the device was plugged in again
	}
	for pass := range passes {
		if err := s.pass(ctx, pass); err != nil {
			return nil, err
		}
	}
	return s.tx, nil
}

// prepare reads the transaction and tells how many passes its signatures take.
func (s *signing) prepare(ctx context.Context, w signer.Wallet) (passes int, err error) {
	if s.lockTime, err = s.tx.LockTime(); err != nil {
		return 0, signer.E(signer.CodeBadTransaction, "%w", err)
	}
	ours := false
	for i := range s.tx.Inputs {
		in, err := s.readInput(i)
		if err != nil {
			return 0, err
		}
		s.ins = append(s.ins, in)
		passes, ours = max(passes, len(in.unsigned)), ours || in.ours() && !in.foreign
		if prev := s.tx.Inputs[i].NonWitnessUTXO; prev != nil {
			s.prevs[prev.TxHash()] = prev
		}
	}
	if !ours {
		return 0, signer.E(signer.CodeBadTransaction, "no input of this transaction is to be signed by this %s (%s)", s.d.dialect.Name, s.fp)
	}
	if passes == 0 {
		return 0, nil // all is signed already
	}
	if err := s.checkMixture(); err != nil {
		return 0, err
	}
	s.sorted = s.d.dialect.Sorts(s.d.features) && s.allSorted(w)
	for i := range s.ins {
		if s.ins[i].many != nil {
			s.ins[i].many.sorted = s.sorted
		}
	}
	for i := range s.tx.Outputs {
		out, err := s.encodeOutput(ctx, i)
		if err != nil {
			return 0, err
		}
		s.outs = append(s.outs, out)
	}
	return passes, nil
}

// checkMixture refuses what older firmware would sign in vain: a taproot signature is over the
// scripts of all inputs, so none may be given under another.
func (s *signing) checkMixture() error {
	if s.foreign() != ForeignAsOwn {
		return nil
	}
	taproot := slices.ContainsFunc(s.ins, func(in input) bool { return !in.foreign && in.kind == SpendTaproot })
	if i := slices.IndexFunc(s.ins, func(in input) bool { return in.foreign }); taproot && i >= 0 {
		return signer.E(signer.CodeBadTransaction, "input %d is not this %s's; beside inputs of others this firmware cannot sign taproot", i, s.d.dialect.Name)
	}
	return nil
}

// allSorted reports whether the keys of every multisig script are sorted. The wallet says it
// where there is one; the scripts must agree, for the device would build others.
func (s *signing) allSorted(w signer.Wallet) bool {
	if w.Descriptor != nil && !isSorted(w.Descriptor) {
		return false
	}
	for _, in := range s.ins {
		if in.many != nil && !in.many.inOrder() {
			return false
		}
	}
	for i := range s.tx.Outputs {
		out := &s.tx.Outputs[i]
		script, _, err := innerScript(out.Script, out.RedeemScript, out.WitnessScript)
		if err != nil {
			continue
		}
		if _, keys, ok := parseMultisig(script); ok && !(multisig{keys: s.ring.cosigners(keys, nil)}).inOrder() {
			return false
		}
	}
	return true
}

// theTransaction is what a refusal is about.
const theTransaction = "the transaction"

// pass lets the device sign once and takes its signatures over.
func (s *signing) pass(ctx context.Context, pass int) error {
	body := protolite.Builder{}.Uint(1, uint64(len(s.outs))).Uint(2, uint64(len(s.ins))).Text(3, s.d.coin()).
		Uint(4, uint64(uint32(s.tx.TxVersion))).Uint(5, uint64(s.lockTime)).Bool(13, false)
	m, err := s.d.call(ctx, theTransaction, MsgSignTx, body, MsgTxRequest)
	for range s.patience() {
		if err != nil {
			return err
		}
		if err := s.take(m, pass); err != nil {
			s.d.abort(ctx)
			return err
		}
		if m.Uint(1) == WantNothing && m.Has(1) {
			return s.complete(pass)
		}
		ack, err2 := s.answer(m, pass)
		if err2 != nil {
			s.d.abort(ctx)
			return err2
		}
		m, err = s.d.call(ctx, theTransaction, MsgTxAck, protolite.Builder{}.Message(1, ack), MsgTxRequest)
	}
	s.d.abort(ctx)
	return signer.E(signer.CodeUnknown, "the %s asks for more than the transaction has; update it and try again", s.d.dialect.Name)
}

// patience is how many requests a transaction can need: firmware looks at every input and output
// a few times (once per input for each input that is not segwit), and at previous transactions
// once per input.
func (s *signing) patience() int {
	parts := len(s.ins) + len(s.outs)
	n := 1000 + parts*(len(s.ins)+8)
	for i := range s.tx.Inputs {
		if prev := s.tx.Inputs[i].NonWitnessUTXO; prev != nil {
			n += 2 * (len(prev.TxIn) + len(prev.TxOut) + 2)
		}
	}
	return n
}

// answer gives the part of a transaction that the device asks for.
func (s *signing) answer(m protolite.Message, pass int) (protolite.Builder, error) {
	want, _, err := m.Message(2)
	if err != nil {
		return nil, s.d.garbled(err)
	}
	at, kind := int(want.Uint32(1)), m.Uint(1)
	if hash := want.Bytes(2); len(hash) > 0 {
		return s.previous(hash, kind, at)
	}
	switch {
	case kind == WantInput && at < len(s.ins):
		return protolite.Builder{}.Message(2, s.encodeInput(at, pass)), nil
	case kind == WantOutput && at < len(s.outs):
		return protolite.Builder{}.Message(5, s.outs[at]), nil
	case kind == WantMeta:
		return meta(uint32(s.tx.TxVersion), s.lockTime, len(s.ins), len(s.outs)), nil
	}
	return nil, s.strange()
}

func (s *signing) strange() error {
	return signer.E(signer.CodeUnknown, "the %s asks for a part that the transaction does not have; update it and try again", s.d.dialect.Name)
}

func meta(version, lockTime uint32, ins, outs int) protolite.Builder {
	return protolite.Builder{}.Uint(1, uint64(version)).Uint(4, uint64(lockTime)).Uint(6, uint64(ins)).Uint(7, uint64(outs)).Uint(9, 0)
}

// previous gives a part of a previous transaction.
func (s *signing) previous(hash []byte, kind uint64, at int) (protolite.Builder, error) {
	txid := slices.Clone(hash)
	slices.Reverse(txid)
	var id chainhash.Hash
	if len(txid) != len(id) {
		return nil, s.strange()
	}
	copy(id[:], txid)
	prev, ok := s.prevs[id]
	if !ok {
		return nil, signer.E(signer.CodeBadTransaction, "the %s wants to check the amounts of the inputs, but the PSBT lacks the previous transaction %s: add it (non_witness_utxo)", s.d.dialect.Name, id)
	}
	switch {
	case kind == WantMeta:
		return meta(uint32(prev.Version), prev.LockTime, len(prev.TxIn), len(prev.TxOut)), nil
	case kind == WantInput && at < len(prev.TxIn):
		in := prev.TxIn[at]
		b := outpoint(nil, in.PreviousOutPoint).Bytes(4, in.SignatureScript).Uint(5, uint64(in.Sequence))
		return protolite.Builder{}.Message(2, b), nil
	case kind == WantOutput && at < len(prev.TxOut):
		out := prev.TxOut[at]
		return protolite.Builder{}.Message(3, protolite.Builder{}.Uint(1, uint64(out.Value)).Bytes(2, out.PkScript)), nil
	}
	return nil, s.strange()
}

// take puts a signature that came with a request into the PSBT.
func (s *signing) take(m protolite.Message, pass int) error {
	done, ok, err := m.Message(3)
	if err != nil {
		return s.d.garbled(err)
	}
	sig := done.Bytes(2)
	if !ok || !done.Has(1) || len(sig) == 0 {
		return nil
	}
	at := int(done.Uint32(1))
	if at >= len(s.ins) {
		return s.strange()
	}
	in, into := &s.ins[at], &s.tx.Inputs[at]
	if in.foreign {
		return nil // of a key that the input does not know, see ForeignAsOwn
	}
	key, wanted := in.key(pass)
	switch {
	case !wanted:
	case in.kind == SpendTaproot && len(sig) == 64:
		into.TapKeySig = slices.Clone(sig)
	case in.kind != SpendTaproot && len(sig) <= 73:
		into.PartialSigs = append(slices.Clone(into.PartialSigs), psbt.PartialSig{
			PubKey: key.pub, Signature: append(slices.Clone(sig), byte(txscript.SigHashAll)),
		})
	default:
		return signer.E(signer.CodeUnknown, "the %s answers with a signature of %d bytes for input %d, which is none", s.d.dialect.Name, len(sig), at)
	}
	return nil
}

// complete makes sure that a pass brought all the signatures that it was for.
func (s *signing) complete(pass int) error {
	for i := range s.ins {
		in, got := &s.ins[i], &s.tx.Inputs[i]
		if in.foreign {
			continue
		}
		key, wanted := in.key(pass)
		has := len(got.TapKeySig) > 0 || slices.ContainsFunc(got.PartialSigs, func(p psbt.PartialSig) bool { return string(p.PubKey) == string(key.pub) })
		if wanted && !has {
			return signer.E(signer.CodeUnknown, "the %s did not sign input %d; try again", s.d.dialect.Name, i)
		}
	}
	return nil
}
