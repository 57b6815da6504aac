package psbt

import (
	"bytes"
	"strconv"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"

	"specter/internal/btc"
	"specter/internal/btc/miniscript"
	"specter/internal/errs"
)

// Signature is a signature in a PSBT, as Signatures lists them.
type Signature struct {
	Input     int
	PubKey    []byte // 33 or 65 bytes, or the 32 of an x-only key; the output key for the key path
	LeafHash  []byte // nil but for a taproot script path
	Signature []byte
	Sighash   txscript.SigHashType
	Origin    *btc.KeyOrigin // where the key comes from, if the PSBT says so
	Err       error          // nil: verified. Else *SignatureError, or code incomplete where it cannot be told
}

// SignatureError tells what is wrong with a signature.
type SignatureError struct {
	Input  int
	PubKey []byte
	Reason Reason // ReasonForeignKey, ReasonInvalidSignature or ReasonSighash
	Cause  error
}

// Error names the input, the key and the reason.
func (e *SignatureError) Error() string {
	return "input " + strconv.Itoa(e.Input) + ": " + reasonSentences[e.Reason] + keyText(e.PubKey)
}

// Unwrap returns the cause, classified as a mismatch for the doors.
func (e *SignatureError) Unwrap() error {
	return errs.Bad(errs.Mismatch, "%s", e.Error())
}

// Signatures lists the partial and taproot signatures of all inputs, each verified against
// its sighash and key. Final scripts are not taken apart here.
func (p *Packet) Signatures() ([]Signature, error) {
	s, err := p.spending()
	if err != nil {
		return nil, err
	}
	var out []Signature
	for i := range p.Inputs {
		out = append(out, s.signatures(i)...)
	}
	return out, nil
}

// VerifySignatures verifies every signature of the PSBT, and every final input through the
// script engine. The first one that is wrong is told as *SignatureError.
func (p *Packet) VerifySignatures() error {
	s, err := p.spending()
	if err != nil {
		return err
	}
	for i := range p.Inputs {
		in := &p.Inputs[i]
		for _, sig := range s.signatures(i) {
			if sig.Err != nil {
				return sig.Err
			}
			if in.SighashType != nil && !sighashAllowed(in, sig.Sighash, s.isTaproot(i)) {
				return &SignatureError{Input: i, PubKey: sig.PubKey, Reason: ReasonSighash}
			}
		}
		if in.Finalized() {
			if err := s.run(i, in.FinalScriptSig, in.FinalScriptWitness); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *spending) signatures(i int) []Signature {
	in := &s.p.Inputs[i]
	from := in.origins()
	var out []Signature
	for _, ps := range in.PartialSigs {
		sig := Signature{Input: i, PubKey: ps.PubKey, Signature: ps.Signature, Origin: from.of(ps.PubKey)}
		sig.Sighash, sig.Err = s.verifyPartialSig(i, ps)
		out = append(out, sig)
	}
	if in.TapKeySig != nil {
		sig := Signature{Input: i, Signature: in.TapKeySig, PubKey: in.TapInternalKey}
		if len(in.TapInternalKey) == 32 {
			sig.Origin = from.of(in.TapInternalKey)
		}
		if s.isTaproot(i) {
			sig.PubKey = s.prevs[i].PkScript[2:]
		}
		sig.Sighash, sig.Err = s.verifyTapKeySig(i, in.TapKeySig)
		out = append(out, sig)
	}
	for _, ts := range in.TapScriptSigs {
		sig := Signature{Input: i, PubKey: ts.XOnly[:], LeafHash: ts.LeafHash[:], Signature: ts.Signature, Origin: from.of(ts.XOnly[:])}
		sig.Sighash, sig.Err = s.verifyTapScriptSig(i, ts)
		out = append(out, sig)
	}
	return out
}

// verifyPartialSig verifies an ECDSA signature of input i and returns its sighash type.
func (s *spending) verifyPartialSig(i int, ps PartialSig) (txscript.SigHashType, error) {
	fault := func(r Reason, cause error) error {
		return &SignatureError{Input: i, PubKey: ps.PubKey, Reason: r, Cause: cause}
	}
	if len(ps.Signature) == 0 {
		return 0, fault(ReasonInvalidSignature, nil)
	}
	t := txscript.SigHashType(ps.Signature[len(ps.Signature)-1])
	l, err := s.lock(i)
	if err != nil {
		return t, err
	}
	if !l.hasKey(ps.PubKey) {
		return t, fault(ReasonForeignKey, nil)
	}
	if err := checkECDSAEncoding(ps.Signature); err != nil {
		return t, fault(ReasonInvalidSignature, err)
	}
	hash, err := s.ecdsaHash(i, l, t)
	if err != nil {
		return t, fault(ReasonSighash, err)
	}
	if !verifyECDSA(ps.PubKey, ps.Signature, hash) {
		return t, fault(ReasonInvalidSignature, nil)
	}
	return t, nil
}

// verifyECDSA verifies a DER signature with its sighash byte; s must be low (BIP146).
func verifyECDSA(pub, sig, hash []byte) bool {
	if checkECDSAEncoding(sig) != nil || !lowS(sig) {
		return false
	}
	key, err := btcec.ParsePubKey(pub)
	if err != nil || len(pub) == 65 && pub[0] != 4 {
		return false
	}
	parsed, err := ecdsa.ParseDERSignature(sig[:len(sig)-1])
	return err == nil && parsed.Verify(hash, key)
}

// lowS reports whether s of a well-formed signature is at most half the group order.
func lowS(sig []byte) bool {
	rLen := int(sig[3])
	sBytes := sig[6+rLen : len(sig)-1]
	if len(sBytes) > 33 {
		return false
	}
	var s btcec.ModNScalar
	overflow := s.SetByteSlice(bytes.TrimLeft(sBytes, "\x00"))
	return !overflow && !s.IsOverHalfOrder()
}

// splitSchnorr splits a signature of 64 or 65 bytes from its sighash type. A 65th byte of
// zero is not allowed (BIP341).
func splitSchnorr(sig []byte) (body []byte, t txscript.SigHashType, ok bool) {
	switch {
	case len(sig) == 64:
		return sig, txscript.SigHashDefault, true
	case len(sig) == 65 && sig[64] != 0:
		return sig[:64], txscript.SigHashType(sig[64]), true
	}
	return nil, 0, false
}

// verifySchnorr verifies a 64-byte signature by an x-only key.
func verifySchnorr(xonly, sig, hash []byte) bool {
	if len(sig) != 64 || !schnorrInRange(sig) {
		return false
	}
	key, err := schnorr.ParsePubKey(xonly)
	if err != nil {
		return false
	}
	parsed, err := schnorr.ParseSignature(sig)
	return err == nil && parsed.Verify(hash, key)
}

// verifyTapKeySig verifies a key path signature of input i against the coin's output key.
func (s *spending) verifyTapKeySig(i int, sig []byte) (txscript.SigHashType, error) {
	l, err := s.lock(i)
	if err != nil {
		return 0, err
	}
	if l.kind != lockTaproot {
		return 0, &SignatureError{Input: i, Reason: ReasonForeignKey}
	}
	return s.verifyTaproot(i, l.outputKey(), sig, nil)
}

// verifyTapScriptSig verifies a signature for a leaf, which must be one of the input's, be
// committed to by the coin and hold the key.
func (s *spending) verifyTapScriptSig(i int, ts TapScriptSig) (txscript.SigHashType, error) {
	foreign := &SignatureError{Input: i, PubKey: ts.XOnly[:], Reason: ReasonForeignKey}
	l, err := s.lock(i)
	if err != nil {
		return 0, err
	}
	if l.kind != lockTaproot {
		return 0, foreign
	}
	leaf, err := s.leaf(i, ts.LeafHash)
	if err != nil {
		return 0, err
	}
	if leaf == nil || !leaf.hasKey(ts.XOnly[:]) {
		return 0, foreign
	}
	return s.verifyTaproot(i, ts.XOnly[:], ts.Signature, &leaf.TapLeaf)
}

func (s *spending) verifyTaproot(i int, xonly, sig []byte, leaf *TapLeaf) (txscript.SigHashType, error) {
	fault := func(r Reason, cause error) error {
		return &SignatureError{Input: i, PubKey: xonly, Reason: r, Cause: cause}
	}
	body, t, ok := splitSchnorr(sig)
	if !ok {
		return t, fault(ReasonInvalidSignature, nil)
	}
	hash, err := s.schnorrHash(i, leaf, t)
	if errs.CodeOf(err) == errs.Incomplete {
		return t, err
	}
	if err != nil {
		return t, fault(ReasonSighash, err)
	}
	if !verifySchnorr(xonly, body, hash) {
		return t, fault(ReasonInvalidSignature, nil)
	}
	return t, nil
}

// sighashAllowed reports whether a signature may have sighash type t: the one that the PSBT
// asks for, else ALL (BIP174). In taproot DEFAULT and ALL sign the same and both will do.
func sighashAllowed(in *Input, t txscript.SigHashType, taproot bool) bool {
	want := txscript.SigHashAll
	if in.SighashType != nil && *in.SighashType != txscript.SigHashDefault {
		want = *in.SighashType
	}
	return t == want || taproot && want == txscript.SigHashAll && t == txscript.SigHashDefault
}

func (in *Input) originOf(pub []byte) *btc.KeyOrigin {
	for i := range in.Derivations {
		if bytes.Equal(in.Derivations[i].PubKey, pub) {
			return &in.Derivations[i].Origin
		}
	}
	return nil
}

func (in *Input) tapOriginOf(xonly [32]byte) *btc.KeyOrigin {
	for i := range in.TapDerivations {
		if in.TapDerivations[i].XOnly == xonly {
			return &in.TapDerivations[i].Origin
		}
	}
	return nil
}

// valid reports whether the preimage has 32 bytes and hashes to its digest.
func (p Preimage) valid() bool {
	return miniscript.HashLock{Kind: p.Kind, Digest: p.Digest}.Opens(p.Value)
}
