package psbt_test

import (
	"bytes"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/errs"
)

// oddDraft spends a P2WSH whose script is no miniscript: OP_NOP, a key, OP_CHECKSIG.
func oddDraft(t *testing.T) draft {
	t.Helper()
	d := newDraft(t, "wsh(pk(@0))")
	script := append([]byte{txscript.OP_NOP}, d.outs[0].WitnessScript...)
	d.outs[0].WitnessScript = script
	d.outs[0].Script = btc.WitnessScript(0, sha256Sum(script))
	prev := d.prev[0].Copy()
	prev.TxOut[1].PkScript = d.outs[0].Script
	d.Inputs[0].PrevOut.Hash = prev.TxHash()
	must(t, d.UpdateInput(0, prev, nil, d.outs[0]))
	return d
}

// TestMergeKeepsFinalScriptsThatOurFinalizerCannotMake, but only with a signature by a key of
// the script and through the engine.
func TestMergeKeepsFinalScriptsThatOurFinalizerCannotMake(t *testing.T) {
	d := oddDraft(t)
	signed := signedBy(t, d.Packet, 0)
	if err := signed.Clone().Finalize(); errs.CodeOf(err) != errs.Unsupported {
		t.Fatalf("finalized what is not understood: %v", err)
	}
	answer := d.Clone()
	answer.Inputs[0].FinalScriptWitness = wire.TxWitness{signed.Inputs[0].PartialSigs[0].Signature, d.outs[0].WitnessScript}
	got, added, err := d.Merge(answer)
	must(t, err)
	if len(added) != 1 || !got.Complete() || got.Analyse().Status != psbt.StatusFinalized {
		t.Fatalf("%d signatures, %s", len(added), got.Analyse().Status)
	}
	if _, err := got.Extract(); err != nil {
		t.Error(err)
	}
	answer.Inputs[0].FinalScriptWitness[0] = flip(answer.Inputs[0].FinalScriptWitness[0], 20)
	_, _, err = d.Merge(answer)
	wantReason(t, err, psbt.ReasonInvalidSignature)
}

func TestAnalysisOfFinalInputsCountsTheirSignatures(t *testing.T) {
	for _, f := range forms {
		p := signedBy(t, newDraft(t, f.desc).Packet, f.signers...)
		must(t, p.FinalizeInput(0))
		in := reread(t, p).Analyse().Inputs[0]
		if in.Status != psbt.StatusFinalized || in.Signatures != f.need || len(in.Problems) > 0 {
			t.Errorf("%s: %d signatures, %v", f.name, in.Signatures, in.Problems)
		}
		spoilt := p.Clone()
		spoilt.Outputs[0].Amount--
		if in := spoilt.Analyse().Inputs[0]; len(in.Problems) == 0 {
			t.Errorf("%s: an invalid final script is no problem", f.name)
		}
	}
	if err := newDraft(t, "wpkh(@0)").FinalizeInput(3); err == nil {
		t.Error("an input that is not there was finalized")
	}
}

func TestUncompressedKeysSignLegacyCoinsAlone(t *testing.T) {
	key := otherKey()
	pub := key.PubKey().SerializeUncompressed()
	hash := btc.PayToPubKeyHash(hash160(pub))
	for name, script := range map[string][]byte{
		"pkh": hash, "pk": append(append([]byte{65}, pub...), txscript.OP_CHECKSIG),
	} {
		p := rawDraft(t, script)
		added, err := p.Sign(psbt.Keys(key))
		must(t, err)
		if len(added) != 1 || len(added[0].PubKey) != 65 {
			t.Fatalf("%s: %d signatures", name, len(added))
		}
		p = reread(t, p)
		must(t, p.VerifySignatures())
		before := p.Analyse().Weight
		must(t, p.Finalize())
		tx, err := p.Extract()
		must(t, err)
		if after := psbt.TxWeight(tx); after != before {
			t.Errorf("%s: weight %d, then %d", name, before, after)
		}
	}
	p := rawDraft(t, btc.WitnessScript(0, hash160(pub)))
	if added, err := p.Sign(psbt.Keys(key)); err != nil || len(added) != 0 {
		t.Errorf("a segwit coin was signed with an uncompressed key: %v", err)
	}
}

func hash160(b []byte) []byte {
	return address.Hash160(b)
}

// rawDraft spends one coin of a script that is in no descriptor.
func rawDraft(t *testing.T, script []byte) *psbt.Packet {
	t.Helper()
	prev := wire.NewMsgTx(1)
	prev.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: chainhash.Hash{1}}})
	prev.AddTxOut(wire.NewTxOut(coinSat, script))
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: prev.TxHash()}})
	tx.AddTxOut(wire.NewTxOut(coinSat-1000, []byte{0x51}))
	p, err := psbt.New(tx)
	must(t, err)
	must(t, p.UpdateInput(0, prev, nil, nil))
	return p
}

func TestMalformedSignaturesAreNotRead(t *testing.T) {
	good := validDER(nil)
	if err := putSignature(t, good); err != nil {
		t.Fatalf("the sound one: %v", err)
	}
	rLen := int(good[3])
	cases := map[string][]byte{
		"empty":                     {},
		"no sighash byte":           good[:len(good)-1],
		"undefined sighash byte":    append(bytes.Clone(good[:len(good)-1]), 4),
		"wrong length":              append(bytes.Clone(good), 1),
		"wrong tag":                 with(good, 0, 0x31),
		"wrong tag of r":            with(good, 2, 3),
		"wrong tag of s":            with(good, 4+rLen, 3),
		"negative r":                with(good, 4, 0x80),
		"r longer than all":         with(good, 3, 0x7f),
		"too long":                  append(bytes.Clone(good), make([]byte, 10)...),
		"no integers":               {0x30, 4, 2, 0, 2, 0, 1},
		"r with a needless zero":    {0x30, 7, 2, 2, 0, 1, 2, 1, 1, 1},
		"s with a needless zero":    {0x30, 7, 2, 1, 1, 2, 2, 0, 1, 1},
		"negative s":                {0x30, 6, 2, 1, 1, 2, 1, 0x81, 1},
		"lengths that do not agree": {0x30, 6, 2, 1, 1, 2, 2, 1, 1},
	}
	for name, sig := range cases {
		if err := putSignature(t, sig); errs.CodeOf(err) != errs.Malformed {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func with(b []byte, at int, v byte) []byte {
	c := bytes.Clone(b)
	c[at] = v
	return c
}

func putSignature(t *testing.T, sig []byte) error {
	t.Helper()
	p := newDraft(t, "wpkh(@0)").Packet
	p.Inputs[0].PartialSigs = []psbt.PartialSig{{PubKey: otherKey().PubKey().SerializeCompressed(), Signature: sig}}
	text, err := p.Base64()
	must(t, err)
	_, err = psbt.Decode(text)
	return err
}

func TestCombineOfVersion2KeepsTheStricterFlags(t *testing.T) {
	d := newDraft(t, "wpkh(@0)")
	tx, err := d.UnsignedTx()
	must(t, err)
	a, err := psbt.NewV2(tx)
	must(t, err)
	b := a.Clone()
	first, second := byte(3), byte(5)
	a.Modifiable, b.Modifiable = &first, &second
	got, err := psbt.Combine(a, b, d.Packet) // the last one is version 0
	must(t, err)
	if got.Version != 2 || *got.Modifiable != 5 || got.Inputs[0].WitnessUTXO == nil {
		t.Errorf("version %d, flags %d", got.Version, *got.Modifiable)
	}
	if _, err := got.Hex(); err != nil {
		t.Error(err)
	}
	if reread(t, got).Inputs[0].Sequence != d.Inputs[0].Sequence {
		t.Error("the sequence was lost")
	}
}

func TestDroppedSignaturesLeaveTheUnsignedPSBT(t *testing.T) {
	d := newDraft(t, "wsh(multi(2,@0,@1,@2))", "tr(@0,pk(@1))")
	p := signedBy(t, d.Packet, 0, 1)
	p.DropSignatures()
	if canonical(t, p) != canonical(t, d.Packet) {
		t.Error("it is not what it was before")
	}
}

func TestUnknownFieldThatVersion2WouldUnderstandIsNotConverted(t *testing.T) {
	d := newDraft(t, "wpkh(@0)")
	kv := []psbt.KeyValue{{Key: []byte{0x0f, 1, 2}, Value: []byte{1}}}
	d.Inputs[0].Unknown = kv
	if _, err := reread(t, d.Packet).Convert(2); errs.CodeOf(err) != errs.Unsupported {
		t.Errorf("%v", err)
	}
	if _, err := d.Convert(1); errs.CodeOf(err) != errs.Unsupported {
		t.Errorf("to version 1: %v", err)
	}
}
