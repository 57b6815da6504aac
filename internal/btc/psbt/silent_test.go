package psbt_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/errs"
)

// times multiplies a point by a private key, straight from the definition.
func times(k *btcec.PrivateKey, p *btcec.PublicKey) *btcec.PublicKey {
	var in, out btcec.JacobianPoint
	p.AsJacobian(&in)
	btcec.ScalarMultNonConst(&k.Key, &in, &out)
	out.ToAffine()
	return btcec.NewPublicKey(&out.X, &out.Y)
}

func plus(a, b *btcec.PublicKey) *btcec.PublicKey {
	var p, q, sum btcec.JacobianPoint
	a.AsJacobian(&p)
	b.AsJacobian(&q)
	btcec.AddNonConst(&p, &q, &sum)
	sum.ToAffine()
	return btcec.NewPublicKey(&sum.X, &sum.Y)
}

// prove makes a proof as BIP374 says, with auxiliary data of zeros.
func prove(a *btcec.PrivateKey, b *btcec.PublicKey) (share [33]byte, proof [64]byte) {
	pub, c := a.PubKey().SerializeCompressed(), times(a, b)
	t := a.Serialize()
	aux := chainhash.TaggedHash([]byte("BIP0374/aux"), make([]byte, 32))
	for i := range t {
		t[i] ^= aux[i]
	}
	nonce := chainhash.TaggedHash([]byte("BIP0374/nonce"), t, pub, c.SerializeCompressed())
	k, r1 := btcec.PrivKeyFromBytes(nonce[:])
	e := chainhash.TaggedHash([]byte("BIP0374/challenge"), pub, b.SerializeCompressed(), c.SerializeCompressed(),
		btcec.Generator().SerializeCompressed(), r1.SerializeCompressed(), times(k, b).SerializeCompressed())
	var s btcec.ModNScalar
	s.SetByteSlice(e[:])
	s.Mul(&a.Key).Add(&k.Key)
	copy(share[:], c.SerializeCompressed())
	copy(proof[:], e[:])
	end := s.Bytes()
	copy(proof[32:], end[:])
	return share, proof
}

// silentDraft pays silently from one P2WPKH coin; the share is for the input or for all.
func silentDraft(t *testing.T, global bool) *psbt.Packet {
	t.Helper()
	d := newDraft(t, "wpkh(@0)")
	p, err := d.Convert(2)
	must(t, err)
	key, ok := newCosigner(t, 1).source().PrivateKey(d.outs[0].Keys[0].PubKey, &d.outs[0].Keys[0].Origin)
	if !ok {
		t.Fatal("no key")
	}
	scan, _ := btcec.PrivKeyFromBytes(bytes.Repeat([]byte{3}, 32))
	spend, _ := btcec.PrivKeyFromBytes(bytes.Repeat([]byte{4}, 32))
	share, proof := prove(key, scan.PubKey())
	scanPub := [33]byte(scan.PubKey().SerializeCompressed())
	shares, proofs := []psbt.SilentShare{{ScanKey: scanPub, Share: share}}, []psbt.SilentProof{{ScanKey: scanPub, Proof: proof}}
	if global {
		p.ECDHShares, p.DLEQProofs = shares, proofs
	} else {
		p.Inputs[0].ECDHShares, p.Inputs[0].DLEQProofs = shares, proofs
	}
	// What the receiver looks for (BIP352), computed from the scan key's side.
	out := p.Inputs[0].PrevOut
	outpoint := binary.LittleEndian.AppendUint32(bytes.Clone(out.Hash[:]), out.Index)
	hash := chainhash.TaggedHash([]byte("BIP0352/Inputs"), outpoint, key.PubKey().SerializeCompressed())
	inputHash, _ := btcec.PrivKeyFromBytes(hash[:])
	secret := times(inputHash, times(scan, key.PubKey()))
	tweak := chainhash.TaggedHash([]byte("BIP0352/SharedSecret"), secret.SerializeCompressed(), make([]byte, 4))
	_, tweakPoint := btcec.PrivKeyFromBytes(tweak[:])
	p.Outputs[0].Script = btc.WitnessScript(1, plus(spend.PubKey(), tweakPoint).SerializeCompressed()[1:])
	p.Outputs[0].SilentInfo = append(scan.PubKey().SerializeCompressed(), spend.PubKey().SerializeCompressed()...)
	return p
}

func TestSilentPaymentIsVerifiedSignedAndExtracted(t *testing.T) {
	for _, global := range []bool{false, true} {
		p := silentDraft(t, global)
		must(t, p.VerifySilentPayments())
		p = reread(t, signedBy(t, p, 0))
		if sig := p.Inputs[0].PartialSigs[0].Signature; sig[len(sig)-1] != byte(txscript.SigHashAll) {
			t.Error("not signed with ALL")
		}
		must(t, p.Finalize())
		if _, err := p.Extract(); err != nil {
			t.Error(err)
		}
		if _, err := p.Convert(0); errs.CodeOf(err) != errs.Unsupported {
			t.Errorf("to version 0: %v", err)
		}
	}
}

func TestSilentPaymentThatTheReceiverWouldNotFindIsNotSigned(t *testing.T) {
	cases := map[string]struct {
		spoil func(p *psbt.Packet)
		code  errs.Code
	}{
		"another script":      {func(p *psbt.Packet) { p.Outputs[0].Script = flip(p.Outputs[0].Script, 9) }, errs.Mismatch},
		"another spend key":   {func(p *psbt.Packet) { copy(p.Outputs[0].SilentInfo[33:], otherKey().PubKey().SerializeCompressed()) }, errs.Mismatch},
		"another share":       {func(p *psbt.Packet) { p.Inputs[0].ECDHShares[0].Share = p.Inputs[0].ECDHShares[0].ScanKey }, errs.Mismatch},
		"another proof":       {func(p *psbt.Packet) { p.Inputs[0].DLEQProofs[0].Proof[40] ^= 1 }, errs.Mismatch},
		"no proof":            {func(p *psbt.Packet) { p.Inputs[0].DLEQProofs = nil }, errs.Mismatch},
		"no share":            {func(p *psbt.Packet) { p.Inputs[0].ECDHShares = nil }, errs.Mismatch},
		"no key":              {func(p *psbt.Packet) { p.Inputs[0].Derivations = nil }, errs.Incomplete},
		"another key":         {func(p *psbt.Packet) { p.Inputs[0].Derivations[0].PubKey = otherKey().PubKey().SerializeCompressed() }, errs.Incomplete},
		"risky sighash":       {func(p *psbt.Packet) { p.SetSighash(0, txscript.SigHashNone) }, errs.Mismatch},
		"may still change":    {func(p *psbt.Packet) { flags := byte(1); p.Modifiable = &flags }, errs.Mismatch},
		"script not computed": {func(p *psbt.Packet) { p.Outputs[0].Script = nil }, errs.Incomplete},
	}
	for name, c := range cases {
		p := silentDraft(t, false)
		c.spoil(p)
		if _, err := p.Sign(newCosigner(t, 1).source()); errs.CodeOf(err) != c.code || len(p.Inputs[0].PartialSigs) != 0 {
			t.Errorf("%s: %v, want code %s", name, err, c.code)
		}
	}
}
