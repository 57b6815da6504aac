package psbt_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/errs"
)

// strip removes everything that a terse signer may leave out of its answer.
func strip(p *psbt.Packet) *psbt.Packet {
	c := p.Clone()
	c.XPubs = nil
	for i := range c.Inputs {
		in := &c.Inputs[i]
		in.NonWitnessUTXO, in.WitnessUTXO, in.RedeemScript, in.WitnessScript = nil, nil, nil, nil
		in.Derivations, in.TapDerivations, in.TapInternalKey, in.TapMerkleRoot, in.TapLeaves = nil, nil, nil, nil, nil
	}
	for i := range c.Outputs {
		c.Outputs[i] = psbt.Output{Amount: c.Outputs[i].Amount, Script: c.Outputs[i].Script}
	}
	return c
}

func wantReason(t *testing.T, err error, want psbt.Reason) {
	t.Helper()
	var m *psbt.MergeError
	if !errors.As(err, &m) || m.Reason != want {
		t.Fatalf("got %v, want the reason %s", err, want)
	}
	if errs.KindOf(err) != errs.Invalid || errs.CodeOf(err) != errs.Mismatch || m.Error() == "" {
		t.Fatalf("%v is not told as a mismatch", err)
	}
}

func TestMergeTakesEveryAnswerOfEveryForm(t *testing.T) {
	for _, f := range forms {
		d := newDraft(t, f.desc)
		signed := signedBy(t, d.Packet, f.signers...)
		final := signed.Clone()
		must(t, final.Finalize())
		tx, err := final.Extract()
		must(t, err)
		v2, err := signed.Convert(2)
		must(t, err)
		answers := map[string]*psbt.Packet{"whole": signed, "stripped": strip(signed), "final": final, "final and stripped": strip(final), "version 2": v2}
		for name, answer := range answers {
			t.Run(f.name+"/"+name, func(t *testing.T) {
				got, added, err := d.Merge(reread(t, answer))
				must(t, err)
				checkMerged(t, d, got, added, f.signers, f.need)
			})
		}
		t.Run(f.name+"/raw transaction", func(t *testing.T) {
			got, added, err := d.MergeTx(tx)
			must(t, err)
			checkMerged(t, d, got, added, f.signers, f.need)
		})
	}
}

func checkMerged(t *testing.T, d draft, got *psbt.Packet, added []psbt.NewSignature, signers []byte, need int) {
	t.Helper()
	if len(added) < need || len(added) > len(signers)+1 || !got.Complete() {
		t.Fatalf("%d signatures of %d taken, complete %v", len(added), need, got.Complete())
	}
	for _, s := range added {
		if s.Origin == nil {
			t.Errorf("nobody knows whose signature %x is", s.PubKey)
		}
	}
	if d.Analyse().Inputs[0].Signatures != 0 {
		t.Error("the draft itself was changed")
	}
	must(t, got.Finalize())
	if _, err := got.Extract(); err != nil {
		t.Error(err)
	}
}

func TestMergeCollectsCosignersOneByOne(t *testing.T) {
	p := newDraft(t, "wsh(multi(2,@0,@1,@2))", "sh(wsh(sortedmulti(2,@0,@1,@2)))").Packet
	for n, want := range map[byte]int{0: 2, 2: 2} {
		got, added, err := p.Merge(strip(signedBy(t, p, n)))
		must(t, err)
		if len(added) != want {
			t.Fatalf("%d new signatures, want %d", len(added), want)
		}
		p = got
	}
	again, added, err := p.Merge(strip(signedBy(t, p, 0)))
	must(t, err)
	if len(added) != 0 || !again.Complete() {
		t.Fatal("the same signatures were new again")
	}
}

// otherKey is a key that belongs to nobody.
func otherKey() *btcec.PrivateKey {
	k, _ := btcec.PrivKeyFromBytes(bytes.Repeat([]byte{0x77}, 32))
	return k
}

func flip(b []byte, at int) []byte {
	c := bytes.Clone(b)
	c[at] ^= 1
	return c
}

// mutation spoils an answer to a draft of a descriptor, signed by cosigner 0.
type mutation struct {
	name, desc string
	spoil      func(t *testing.T, d *draft, a *psbt.Packet)
	want       psbt.Reason
}

func in0(a *psbt.Packet) *psbt.Input { return &a.Inputs[0] }

var mutations = []mutation{
	{"another transaction", "wpkh(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		for i := range a.Inputs {
			a.Inputs[i].PrevOut.Hash[0] ^= 1
			a.Inputs[i].NonWitnessUTXO = nil
		}
	}, psbt.ReasonOtherTransaction},
	{"output script changed", "wpkh(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		a.Outputs[0].Script = flip(a.Outputs[0].Script, 5)
	}, psbt.ReasonOutputChanged},
	{"change output redirected", "wpkh(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		a.Outputs[1].Script = flip(a.Outputs[1].Script, 5)
	}, psbt.ReasonOutputChanged},
	{"outputs swapped", "wpkh(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		a.Outputs[0], a.Outputs[1] = a.Outputs[1], a.Outputs[0]
	}, psbt.ReasonOutputChanged},
	{"output added", "wpkh(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		a.Outputs = append(a.Outputs, psbt.Output{Amount: 1, Script: []byte{0x51}})
	}, psbt.ReasonOutputAdded},
	{"output removed", "wpkh(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		a.Outputs = a.Outputs[:1]
	}, psbt.ReasonOutputRemoved},
	{"amount changed", "wpkh(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) { a.Outputs[1].Amount-- }, psbt.ReasonAmountChanged},
	{"input added", "wpkh(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		a.Inputs = append(a.Inputs, psbt.Input{PrevOut: wire.OutPoint{Index: 3}})
	}, psbt.ReasonInputAdded},
	{"input removed", "wpkh(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) { a.Inputs = a.Inputs[:1] }, psbt.ReasonInputRemoved},
	{"input changed", "wpkh(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		a.Inputs[1].PrevOut.Index = 0
	}, psbt.ReasonInputChanged},
	{"inputs swapped", "wpkh(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		a.Inputs[0], a.Inputs[1] = a.Inputs[1], a.Inputs[0]
	}, psbt.ReasonInputChanged},
	{"locktime changed", "wpkh(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) { a.FallbackLockTime++ }, psbt.ReasonLockTimeChanged},
	{"sequence changed", "wpkh(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) { a.Inputs[1].Sequence++ }, psbt.ReasonSequenceChanged},
	{"version changed", "wpkh(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) { a.TxVersion = 1 }, psbt.ReasonVersionChanged},
	{"signed with SIGHASH_NONE", "wpkh(@0)", resign(txscript.SigHashNone, false), psbt.ReasonSighash},
	{"signed with ALL|ANYONECANPAY", "pkh(@0)", resign(txscript.SigHashAll|txscript.SigHashAnyOneCanPay, false), psbt.ReasonSighash},
	{"taproot signed with SINGLE", "tr(@0)", resign(txscript.SigHashSingle, false), psbt.ReasonSighash},
	{"leaf signed with NONE", "tr(" + nums + ",pk(@0))", resign(txscript.SigHashNone, false), psbt.ReasonSighash},
	{"final with SIGHASH_SINGLE", "wsh(pk(@0))", resign(txscript.SigHashSingle, true), psbt.ReasonSighash},
	{"final taproot with NONE", "tr(@0)", resign(txscript.SigHashNone, true), psbt.ReasonSighash},
	{"final leaf with NONE", "tr(" + nums + ",pk(@0))", resign(txscript.SigHashNone, true), psbt.ReasonSighash},
	{"asks for another sighash type", "wpkh(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		a.SetSighash(0, txscript.SigHashNone)
	}, psbt.ReasonSighash},
	{"signature under a foreign key", "wpkh(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		in0(a).PartialSigs[0].PubKey = otherKey().PubKey().SerializeCompressed()
	}, psbt.ReasonForeignKey},
	{"signature under a foreign key of a script", "wsh(multi(1,@0,@1))", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		in0(a).PartialSigs[0].PubKey = otherKey().PubKey().SerializeCompressed()
	}, psbt.ReasonForeignKey},
	{"signature under a foreign leaf key", "tr(" + nums + ",pk(@0))", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		copy(in0(a).TapScriptSigs[0].XOnly[:], otherKey().PubKey().SerializeCompressed()[1:])
	}, psbt.ReasonForeignKey},
	{"ECDSA signature for a taproot coin", "tr(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		in0(a).PartialSigs = []psbt.PartialSig{{PubKey: otherKey().PubKey().SerializeCompressed(), Signature: validDER(a)}}
	}, psbt.ReasonForeignKey},
	{"taproot signature for another coin", "wpkh(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		in0(a).TapKeySig = make([]byte, 64)
	}, psbt.ReasonForeignKey},
	{"signature under the cosigner's key", "wsh(multi(2,@0,@1))", func(_ *testing.T, d *draft, a *psbt.Packet) {
		for _, k := range d.outs[0].Keys {
			if !bytes.Equal(k.PubKey, in0(a).PartialSigs[0].PubKey) {
				in0(a).PartialSigs[0].PubKey = k.PubKey
				return
			}
		}
	}, psbt.ReasonInvalidSignature},
	{"signature of the other input", "wsh(pk(@0))", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		in0(a).PartialSigs[0].Signature = a.Inputs[1].PartialSigs[0].Signature
	}, psbt.ReasonInvalidSignature},
	{"signature with a flipped bit", "wpkh(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		s := &in0(a).PartialSigs[0]
		s.Signature = flip(s.Signature, 20)
	}, psbt.ReasonInvalidSignature},
	{"signature with a high s", "wpkh(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		s := &in0(a).PartialSigs[0]
		s.Signature = highS(s.Signature)
	}, psbt.ReasonInvalidSignature},
	{"empty signature", "wpkh(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		in0(a).PartialSigs[0].Signature = nil
	}, psbt.ReasonInvalidSignature},
	{"taproot signature with a flipped bit", "tr(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		in0(a).TapKeySig = flip(in0(a).TapKeySig, 40)
	}, psbt.ReasonInvalidSignature},
	{"taproot signature with s beyond the group order", "tr(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		copy(in0(a).TapKeySig[32:], bytes.Repeat([]byte{0xff}, 32))
	}, psbt.ReasonInvalidSignature},
	{"taproot signature with a zero sighash byte", "tr(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		in0(a).TapKeySig = append(bytes.Clone(in0(a).TapKeySig), 0)
	}, psbt.ReasonInvalidSignature},
	{"leaf signature with a flipped bit", "tr(" + nums + ",pk(@0))", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		in0(a).TapScriptSigs[0].Signature = flip(in0(a).TapScriptSigs[0].Signature, 40)
	}, psbt.ReasonInvalidSignature},
	{"leaf signature for an unknown leaf", "tr(" + nums + ",pk(@0))", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		in0(a).TapScriptSigs[0].LeafHash[0] ^= 1
	}, psbt.ReasonCannotVerify},
	{"final scripts with a flipped bit", "wpkh(@0)", final(func(a *psbt.Packet) {
		in0(a).FinalScriptWitness[0] = flip(in0(a).FinalScriptWitness[0], 20)
	}), psbt.ReasonInvalidSignature},
	{"final scripts of a foreign key", "wpkh(@0)", final(func(a *psbt.Packet) {
		in0(a).FinalScriptWitness[1] = otherKey().PubKey().SerializeCompressed()
	}), psbt.ReasonForeignKey},
	{"final scripts that spend by a hash alone", unsafe, func(_ *testing.T, d *draft, a *psbt.Packet) {
		in0(a).PartialSigs = nil
		in0(a).FinalScriptWitness = wire.TxWitness{preimage32, {}, d.outs[0].WitnessScript}
	}, psbt.ReasonUnmappedWitness},
	{"empty final scripts", "wpkh(@0)", final(func(a *psbt.Packet) { in0(a).FinalScriptWitness = wire.TxWitness{{}} }), psbt.ReasonUnmappedWitness},
	{"final scripts with a surplus element", "wpkh(@0)", final(func(a *psbt.Packet) {
		in0(a).FinalScriptWitness = append(wire.TxWitness{{1}}, in0(a).FinalScriptWitness...)
	}), psbt.ReasonScriptFails},
	{"final multisig that lacks a signature", "wsh(multi(2,@0,@1))", func(_ *testing.T, d *draft, a *psbt.Packet) {
		in0(a).FinalScriptWitness = wire.TxWitness{{}, in0(a).PartialSigs[0].Signature, d.outs[0].WitnessScript}
		in0(a).PartialSigs = nil
	}, psbt.ReasonScriptFails},
	{"final scripts with another witness script", "wsh(pk(@0))", final(func(a *psbt.Packet) {
		in0(a).FinalScriptWitness[1] = []byte{0x51}
	}), psbt.ReasonScriptFails},
	{"final taproot with an annex", "tr(@0)", final(func(a *psbt.Packet) {
		in0(a).FinalScriptWitness = append(in0(a).FinalScriptWitness, []byte{0x50, 1})
	}), psbt.ReasonUnmappedWitness},
	{"final leaf that the coin does not commit to", "tr(" + nums + ",pk(@0))", final(func(a *psbt.Packet) {
		in0(a).FinalScriptWitness[1] = []byte{0x51}
	}), psbt.ReasonScriptFails},
	{"final legacy script with an opcode", "pkh(@0)", final(func(a *psbt.Packet) {
		in0(a).FinalScriptSig = append(in0(a).FinalScriptSig, txscript.OP_DROP)
	}), psbt.ReasonUnmappedWitness},
	{"scriptSig on a segwit coin", "wpkh(@0)", final(func(a *psbt.Packet) { in0(a).FinalScriptSig = []byte{0x51} }), psbt.ReasonScriptFails},
	{"witness on a legacy coin", "pkh(@0)", final(func(a *psbt.Packet) { in0(a).FinalScriptWitness = wire.TxWitness{{1}} }), psbt.ReasonScriptFails},
	{"wrong previous transaction", "wpkh(@0)", func(_ *testing.T, d *draft, a *psbt.Packet) {
		in0(a).NonWitnessUTXO = d.prev[1]
	}, psbt.ReasonWrongPreviousTx},
	{"previous transaction with another amount", "wpkh(@0)", func(_ *testing.T, d *draft, a *psbt.Packet) {
		tx := d.prev[0].Copy()
		tx.TxOut[1].Value++
		in0(a).NonWitnessUTXO = tx
	}, psbt.ReasonWrongPreviousTx},
	{"witness UTXO with another amount", "wpkh(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		w := *in0(a).WitnessUTXO
		w.Value--
		in0(a).WitnessUTXO = &w
	}, psbt.ReasonCoinAmountChanged},
	{"witness UTXO with another script", "wpkh(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		in0(a).WitnessUTXO = &wire.TxOut{Value: coinSat, PkScript: flip(in0(a).WitnessUTXO.PkScript, 5)}
	}, psbt.ReasonCoinScriptChanged},
	{"another witness script", "wsh(pk(@0))", func(_ *testing.T, _ *draft, a *psbt.Packet) { in0(a).WitnessScript = []byte{0x51} }, psbt.ReasonConflict},
	{"another redeem script", "sh(wpkh(@0))", func(_ *testing.T, _ *draft, a *psbt.Packet) { in0(a).RedeemScript = []byte{0x51} }, psbt.ReasonConflict},
	{"another derivation of a key", "wpkh(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		in0(a).Derivations[0].Origin = btc.KeyOrigin{Fingerprint: [4]byte{1}}
	}, psbt.ReasonConflict},
	{"another internal key", "tr(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		in0(a).TapInternalKey = otherKey().PubKey().SerializeCompressed()[1:]
	}, psbt.ReasonConflict},
	{"another derivation of the change", "wpkh(@0)", func(_ *testing.T, _ *draft, a *psbt.Packet) {
		a.Outputs[1].Derivations[0].Origin.Path = btc.Path{1}
	}, psbt.ReasonConflict},
	{"another value of an unknown field", "wpkh(@0)", func(_ *testing.T, d *draft, a *psbt.Packet) {
		in0(d.Packet).Unknown = []psbt.KeyValue{{Key: []byte{0xf1, 1}, Value: []byte{1}}}
		in0(a).Unknown = []psbt.KeyValue{{Key: []byte{0xf1, 1}, Value: []byte{2}}}
	}, psbt.ReasonConflict},
	{"another value of a global field", "wpkh(@0)", func(_ *testing.T, d *draft, a *psbt.Packet) {
		d.Unknown = []psbt.KeyValue{{Key: []byte{0xf1, 1}, Value: []byte{1}}}
		a.Unknown = []psbt.KeyValue{{Key: []byte{0xf1, 1}, Value: []byte{2}}}
	}, psbt.ReasonConflict},
	{"signature that we cannot verify", "wsh(pk(@0))", func(_ *testing.T, d *draft, _ *psbt.Packet) {
		in0(d.Packet).WitnessScript = nil
	}, psbt.ReasonCannotVerify},
	{"signature for a coin that we do not know", "wpkh(@0)", func(_ *testing.T, d *draft, _ *psbt.Packet) {
		in0(d.Packet).NonWitnessUTXO, in0(d.Packet).WitnessUTXO = nil, nil
	}, psbt.ReasonCannotVerify},
}

var (
	preimage32 = bytes.Repeat([]byte{5}, 32)
	hash32     = fmt.Sprintf("%x", sha256Sum(preimage32))
)

// resign replaces the answer by one signed with a sighash type that the draft does not ask for.
func resign(sighash txscript.SigHashType, finalize bool) func(*testing.T, *draft, *psbt.Packet) {
	return func(t *testing.T, d *draft, a *psbt.Packet) {
		c := d.Clone()
		c.SetSighash(0, sighash)
		_, err := c.Sign(newCosigner(t, 1).source())
		must(t, err)
		if finalize {
			must(t, c.Finalize())
		}
		for i := range c.Inputs {
			c.Inputs[i].SighashType = nil
		}
		*a = *c
	}
}

// final finalizes the answer before it is spoiled.
func final(spoil func(a *psbt.Packet)) func(*testing.T, *draft, *psbt.Packet) {
	return func(t *testing.T, _ *draft, a *psbt.Packet) {
		must(t, a.Finalize())
		for i := range a.Inputs {
			a.Inputs[i].FinalScriptWitness = append(wire.TxWitness(nil), a.Inputs[i].FinalScriptWitness...)
		}
		spoil(a)
	}
}

func TestMergeRefusesEveryMutationWithItsReason(t *testing.T) {
	told := map[psbt.Reason]bool{}
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			d := newDraft(t, m.desc, m.desc)
			answer := signedBy(t, d.Packet, 0)
			if _, added, err := d.Merge(answer); err != nil || len(added) == 0 {
				t.Fatalf("the unspoilt answer: %d signatures, %v", len(added), err)
			}
			m.spoil(t, &d, answer)
			before, err := d.Base64()
			must(t, err)
			_, _, err = d.Merge(answer)
			wantReason(t, err, m.want)
			if after, _ := d.Base64(); after != before {
				t.Error("the draft was changed by a refused answer")
			}
			told[m.want] = true
		})
	}
	if len(told) != 21 {
		t.Errorf("%d of 21 reasons are tried", len(told))
	}
}

// TestMergeOfARawTransactionRefusesAsMergeDoes runs the mutations of the transaction itself.
func TestMergeOfARawTransactionRefusesAsMergeDoes(t *testing.T) {
	spoil := map[psbt.Reason]func(tx *wire.MsgTx){
		psbt.ReasonOtherTransaction: func(tx *wire.MsgTx) { tx.TxIn[0].PreviousOutPoint.Hash[0] ^= 1 },
		psbt.ReasonVersionChanged:   func(tx *wire.MsgTx) { tx.Version = 1 },
		psbt.ReasonLockTimeChanged:  func(tx *wire.MsgTx) { tx.LockTime++ },
		psbt.ReasonInputAdded:       func(tx *wire.MsgTx) { tx.AddTxIn(&wire.TxIn{}) },
		psbt.ReasonSequenceChanged:  func(tx *wire.MsgTx) { tx.TxIn[0].Sequence++ },
		psbt.ReasonOutputAdded:      func(tx *wire.MsgTx) { tx.AddTxOut(wire.NewTxOut(1, nil)) },
		psbt.ReasonOutputRemoved:    func(tx *wire.MsgTx) { tx.TxOut = tx.TxOut[:1] },
		psbt.ReasonOutputChanged:    func(tx *wire.MsgTx) { tx.TxOut[1].PkScript = []byte{0x51} },
		psbt.ReasonAmountChanged:    func(tx *wire.MsgTx) { tx.TxOut[1].Value-- },
		psbt.ReasonInvalidSignature: func(tx *wire.MsgTx) { tx.TxIn[0].Witness[0] = flip(tx.TxIn[0].Witness[0], 20) },
		psbt.ReasonUnmappedWitness:  func(tx *wire.MsgTx) { tx.TxIn[0].Witness = wire.TxWitness{{}} },
	}
	for reason, change := range spoil {
		d := newDraft(t, "wpkh(@0)")
		signed := signedBy(t, d.Packet, 0)
		must(t, signed.Finalize())
		tx, err := signed.Extract()
		must(t, err)
		change(tx)
		_, _, err = d.MergeTx(tx)
		wantReason(t, err, reason)
	}
	d := newDraft(t, "wpkh(@0)")
	tx, err := d.UnsignedTx()
	must(t, err)
	if _, added, err := d.MergeTx(tx); err != nil || len(added) != 0 {
		t.Errorf("an unsigned transaction: %d signatures, %v", len(added), err)
	}
}

// TestMergeKeepsPreimagesOfFinalScripts: a signer that knows a preimage tells it by its witness.
func TestMergeKeepsPreimagesOfFinalScripts(t *testing.T) {
	for _, desc := range []string{"wsh(and_v(v:sha256(" + hash32 + "),pk(@0)))", "tr(" + nums + ",and_v(v:sha256(" + hash32 + "),pk(@0)))"} {
		d := newDraft(t, desc)
		answer := signedBy(t, d.Packet, 0)
		if answer.Complete() {
			t.Fatal("complete without the preimage")
		}
		in0(answer).Preimages = []psbt.Preimage{{Kind: 1, Digest: sha256Sum(preimage32), Value: preimage32}}
		must(t, answer.Finalize())
		got, added, err := d.Merge(answer)
		must(t, err)
		if len(added) != 1 || len(in0(got).Preimages) != 1 || !got.Complete() {
			t.Fatalf("%d signatures, %d preimages", len(added), len(in0(got).Preimages))
		}
	}
}

// TestMergeIntoAFinalInputStillChecks: what is final with us is not replaced, nor is a wrong
// answer let pass.
func TestMergeIntoAFinalInputStillChecks(t *testing.T) {
	d := newDraft(t, "wpkh(@0)")
	signed := signedBy(t, d.Packet, 0)
	must(t, signed.Finalize())
	if _, added, err := signed.Merge(signed.Clone()); err != nil || len(added) != 0 {
		t.Fatalf("%d signatures, %v", len(added), err)
	}
	bad := signed.Clone()
	w := append(wire.TxWitness(nil), in0(bad).FinalScriptWitness...)
	w[0] = flip(w[0], 20)
	in0(bad).FinalScriptWitness = w
	_, _, err := signed.Merge(bad)
	wantReason(t, err, psbt.ReasonInvalidSignature)
}

// TestMergeTakesTheSighashTypeThatWeAskedFor and no other.
func TestMergeTakesTheSighashTypeThatWeAskedFor(t *testing.T) {
	d := newDraft(t, "wpkh(@0)")
	d.SetSighash(0, txscript.SigHashSingle|txscript.SigHashAnyOneCanPay)
	if _, added, err := d.Merge(strip(signedBy(t, d.Packet, 0))); err != nil || len(added) != 1 {
		t.Fatalf("%d signatures, %v", len(added), err)
	}
	plain := d.Clone()
	plain.SetSighash(0, txscript.SigHashDefault)
	_, _, err := d.Merge(signedBy(t, plain, 0))
	wantReason(t, err, psbt.ReasonSighash)
}
