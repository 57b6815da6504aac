package psbt_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/txscript/v2"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/errs"
)

func TestEveryDescriptorFormIsSignedFinalizedAndExtracted(t *testing.T) {
	for _, f := range forms {
		for _, version := range []uint32{0, 2} {
			t.Run(fmt.Sprintf("%s/v%d", f.name, version), func(t *testing.T) {
				d := newDraft(t, f.desc)
				p, err := d.Convert(version)
				must(t, err)
				if a := p.Analyse(); a.Status != psbt.StatusUnsigned || a.Inputs[0].Required == 0 || a.Inputs[0].Missing == 0 {
					t.Fatalf("unsigned: %+v", a.Inputs[0])
				}
				if err := p.Clone().Finalize(); errs.CodeOf(err) != errs.Incomplete {
					t.Fatalf("an unsigned PSBT was finalized: %v", err)
				}
				p = reread(t, signedBy(t, p, f.signers...))
				must(t, p.VerifySignatures())
				a := p.Analyse()
				in := a.Inputs[0]
				if !a.Complete || a.Status != psbt.StatusComplete || in.Required != f.need || in.Missing != 0 || len(in.Problems) > 0 {
					t.Fatalf("signed: %+v", in)
				}
				checkSigners(t, in, f.signers)
				must(t, p.Finalize())
				p = reread(t, p)
				tx, err := p.Extract()
				must(t, err)
				if got := psbt.TxWeight(tx); got != a.Weight {
					t.Errorf("analysed weight %d, extracted %d", a.Weight, got)
				}
				if !a.HasFee || a.Fee != 10_000 {
					t.Errorf("fee %v %v", a.HasFee, a.Fee)
				}
			})
		}
	}
}

func checkSigners(t *testing.T, in psbt.InputAnalysis, signers []byte) {
	t.Helper()
	for _, n := range signers {
		if fp := newCosigner(t, n+1).master.Fingerprint(); !slices.Contains(in.Signers, fp) {
			t.Errorf("%s signed, but %v are told", fp, in.Signers)
		}
	}
	if len(in.Signers) != len(signers) {
		t.Errorf("%d signers told, %d signed", len(in.Signers), len(signers))
	}
	for _, k := range in.Keys {
		if k.Origin == nil {
			t.Errorf("key %x has no origin", k.PubKey)
		}
	}
}

func TestEstimatedWeightIsNeverBelowAndHardlyAboveTheFinalOne(t *testing.T) {
	for _, f := range forms {
		d := newDraft(t, f.desc)
		before := d.Analyse().Weight
		p := signedBy(t, d.Packet, f.signers...)
		must(t, p.Finalize())
		tx, err := p.Extract()
		must(t, err)
		after := psbt.TxWeight(tx)
		// Signers may take a dearer path than the cheapest; then the estimate cannot tell.
		if cheapest := f.name != "wsh timelock by the second key" && f.name != "sh-wsh andor" && f.name != "tr leaf" && f.name != "tr deep"; !cheapest {
			continue
		}
		if before < after || before > after+btc.Weight(8*f.need) {
			t.Errorf("%s: estimated %d, final %d", f.name, before, after)
		}
	}
}

func TestMoreSignaturesThanTheThresholdAreLeftOut(t *testing.T) {
	for _, desc := range []string{"sh(multi(2,@0,@1,@2))", "wsh(multi(2,@0,@1,@2))", "tr(" + nums + ",multi_a(2,@0,@1,@2))"} {
		p := signedBy(t, newDraft(t, desc).Packet, 0, 1, 2)
		if got := p.Analyse().Inputs[0].Signatures; got != 3 {
			t.Errorf("%s: %d signatures counted", desc, got)
		}
		must(t, p.Finalize())
		if _, err := p.Extract(); err != nil {
			t.Errorf("%s: %v", desc, err)
		}
	}
}

func TestTimelockThatHasNotPassedIsNotTaken(t *testing.T) {
	d := newDraft(t, "wsh(or_d(pk(@0),and_v(v:pkh(@1),older(101))))")
	p := signedBy(t, d.Packet, 1)
	if err := p.Finalize(); errs.CodeOf(err) != errs.Incomplete {
		t.Fatalf("finalized before its time: %v", err)
	}
	d = newDraft(t, "wsh(or_d(pk(@0),and_v(v:pkh(@1),after(700001))))")
	if err := signedBy(t, d.Packet, 1).Finalize(); errs.CodeOf(err) != errs.Incomplete {
		t.Fatalf("finalized before its time: %v", err)
	}
}

func TestEverySighashTypeIsSignedAndVerified(t *testing.T) {
	for _, desc := range []string{"pkh(@0)", "wpkh(@0)", "tr(@0)", "tr(" + nums + ",pk(@0))"} {
		for _, sighash := range []txscript.SigHashType{1, 2, 3, 0x81, 0x82, 0x83} {
			p := newDraft(t, desc, desc).Clone()
			p.SetSighash(0, sighash)
			p = reread(t, signedBy(t, p, 0))
			must(t, p.VerifySignatures())
			sigs, err := p.Signatures()
			must(t, err)
			if sigs[0].Sighash != sighash {
				t.Errorf("%s: signed with %#x instead of %#x", desc, sigs[0].Sighash, sighash)
			}
			must(t, p.Finalize())
			if _, err := p.Extract(); err != nil {
				t.Errorf("%s with %#x: %v", desc, sighash, err)
			}
		}
	}
}

func TestSighashSingleWithoutItsOutputIsRefused(t *testing.T) {
	for _, desc := range []string{"pkh(@0)", "wpkh(@0)", "tr(@0)"} {
		p := newDraft(t, desc, desc, desc).Clone() // three inputs, two outputs
		p.SetSighash(2, txscript.SigHashSingle)
		if _, err := p.Sign(newCosigner(t, 1).source()); err == nil {
			t.Errorf("%s: signed what fixes no output", desc)
		}
	}
}

func TestLowRSignaturesAreShort(t *testing.T) {
	for i := range 40 {
		d := newDraft(t, "wpkh(@0)")
		d.Inputs[0].Sequence = uint32(i)
		added, err := d.Sign(newCosigner(t, 1).source())
		must(t, err)
		if n := len(added[0].Signature); n > 71 {
			t.Fatalf("a signature of %d bytes", n)
		}
	}
}

func TestSignerRefusesWhatContradictsItself(t *testing.T) {
	cases := map[string]func(d *draft){
		"coin described twice, differently": func(d *draft) {
			w := *d.Inputs[0].WitnessUTXO
			w.Value++
			d.Inputs[0].WitnessUTXO = &w
		},
		"previous transaction of another coin": func(d *draft) { d.Inputs[0].NonWitnessUTXO = d.prev[1] },
		"witness script of another coin":       func(d *draft) { d.Inputs[0].WitnessScript = d.outs[1].WitnessScript },
		"redeem script without P2SH":           func(d *draft) { d.Inputs[0].RedeemScript = []byte{0x51} },
	}
	for name, spoil := range cases {
		d := newDraft(t, "wsh(pk(@0))", "wsh(pk(@0))")
		spoil(&d)
		if _, err := d.Sign(newCosigner(t, 1).source()); errs.CodeOf(err) != errs.Mismatch {
			t.Errorf("%s: %v", name, err)
		}
		if len(d.Inputs[0].PartialSigs)+len(d.Inputs[1].PartialSigs) != 0 {
			t.Errorf("%s: signed all the same", name)
		}
	}
	d := newDraft(t, "tr(@0,pk(@1))")
	d.Inputs[0].TapMerkleRoot = make([]byte, 32)
	if _, err := d.Sign(newCosigner(t, 1).source()); errs.CodeOf(err) != errs.Mismatch {
		t.Errorf("wrong merkle root: %v", err)
	}
	d = newDraft(t, "pkh(@0)")
	d.Inputs[0].NonWitnessUTXO, d.Inputs[0].WitnessUTXO = nil, d.prev[0].TxOut[1]
	if _, err := d.Sign(newCosigner(t, 1).source()); errs.CodeOf(err) != errs.Mismatch {
		t.Errorf("legacy coin told by a witness UTXO: %v", err)
	}
}

func TestFinalizerKeepsUnknownFieldsAndClearsTheRest(t *testing.T) {
	p := signedBy(t, newDraft(t, "wsh(multi(1,@0,@1))").Packet, 0)
	p.Inputs[0].Unknown = []psbt.KeyValue{{Key: []byte{0xfc, 1, 'x', 0}, Value: []byte{1}}, {Key: []byte{0xf0, 7}, Value: []byte{}}}
	must(t, p.Finalize())
	in := reread(t, p).Inputs[0]
	if len(in.Unknown) != 2 || in.WitnessUTXO == nil || in.NonWitnessUTXO == nil {
		t.Fatal("something is missing")
	}
	if in.PartialSigs != nil || in.WitnessScript != nil || in.Derivations != nil || in.SighashType != nil {
		t.Fatal("something was left")
	}
}
