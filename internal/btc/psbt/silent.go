package psbt

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"slices"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

// PaysSilently reports whether an output is a silent payment (BIP352, BIP375).
func (p *Packet) PaysSilently() bool {
	return slices.ContainsFunc(p.Outputs, func(o Output) bool { return o.SilentInfo != nil })
}

// VerifySilentPayments holds silent payments to BIP375: the scripts that are there are those
// that the receivers will find, as the ECDH shares and their proofs show; no input is of a
// witness version that BIP352 does not know or signs less than the whole transaction. Outputs
// whose script is not computed yet are no error. Without silent payments there is nothing to
// verify. The public keys of the inputs must be those of their coins.
func (p *Packet) VerifySilentPayments() error { return p.checkSilent(true) }

// CheckSilentPayments is VerifySilentPayments for looking at a PSBT, not for paying: it takes
// the PSBT's word for which public key an input has.
func (p *Packet) CheckSilentPayments() error { return p.checkSilent(false) }

func (p *Packet) checkSilent(strict bool) error {
	if !p.PaysSilently() {
		return nil
	}
	s, err := p.silentSender(strict)
	if err != nil {
		return err
	}
	byKey := map[[33]byte][]int{} // outputs by scan key
	for i := range p.Outputs {
		if info := p.Outputs[i].SilentInfo; info != nil {
			scan := [33]byte(info[:33])
			byKey[scan] = append(byKey[scan], i)
		}
	}
	for scan, outputs := range byKey {
		if err := s.verifyScanKey(scan, outputs); err != nil {
			return err
		}
	}
	return nil
}

// silentSender is what the inputs contribute to silent payments.
type silentSender struct {
	p    *Packet
	keys []*btcec.PublicKey // of the eligible inputs, nil elsewhere
	fail []error            // why an eligible input has no key
}

func (p *Packet) silentSender(strict bool) (*silentSender, error) {
	if p.Modifiable != nil && *p.Modifiable&3 != 0 &&
		slices.ContainsFunc(p.Outputs, func(o Output) bool { return o.SilentInfo != nil && o.Script != nil }) {
		return nil, errs.Bad(errs.Mismatch, "a silent payment is computed, but inputs or outputs may still be changed")
	}
	s := &silentSender{p: p, keys: make([]*btcec.PublicKey, len(p.Inputs)), fail: make([]error, len(p.Inputs))}
	for i := range p.Inputs {
		in := &p.Inputs[i]
		prev, err := p.PrevOut(i)
		if err != nil {
			return nil, err
		}
		if version, _, ok := btc.WitnessProgram(prev.PkScript); ok && version > 1 {
			return nil, errs.Bad(errs.Mismatch, "input %d is of witness version %d, which cannot be spent beside a silent payment", i, version)
		}
		if err := in.signsAll(i); err != nil {
			return nil, err
		}
		s.keys[i], s.fail[i] = in.silentKey(i, prev.PkScript)
		if s.fail[i] != nil && !strict && len(in.Derivations) > 0 {
			s.keys[i], s.fail[i] = btcec.ParsePubKey(in.Derivations[0].PubKey)
		}
	}
	return s, nil
}

func (in *Input) signsAll(i int) error {
	bad := in.SighashType != nil && *in.SighashType != txscript.SigHashAll
	for _, ps := range in.PartialSigs {
		bad = bad || ps.Signature[len(ps.Signature)-1] != byte(txscript.SigHashAll)
	}
	if bad {
		return errs.Bad(errs.Mismatch, "input %d signs with another sighash type than ALL, which a silent payment does not allow", i)
	}
	return nil
}

// silentKey returns the key of an input that counts for silent payments (BIP352), or nil for
// one that does not count.
func (in *Input) silentKey(i int, script []byte) (*btcec.PublicKey, error) {
	if txscript.IsPayToTaproot(script) {
		if hex.EncodeToString(in.TapInternalKey) == numsPoint {
			return nil, nil
		}
		return btcec.ParsePubKey(append([]byte{2}, script[2:]...))
	}
	if isP2SH(script) {
		script = in.RedeemScript
		if script == nil && len(in.FinalScriptSig) > 0 {
			script = in.FinalScriptSig[1:]
		}
	}
	var hash []byte
	switch version, program, ok := btc.WitnessProgram(script); {
	case ok && version == 0 && len(program) == 20:
		hash = program
	case isP2PKH(script):
		hash = script[3:23]
	default:
		return nil, nil
	}
	known := slices.Clone([][]byte(in.FinalScriptWitness))
	for i := range in.Derivations {
		known = append(known, in.Derivations[i].PubKey)
	}
	if pushes, ok := pushedItems(in.FinalScriptSig); ok {
		known = append(known, pushes...)
	}
	for _, pub := range known {
		if bytes.Equal(address.Hash160(pub), hash) {
			if len(pub) != 33 {
				return nil, nil // uncompressed keys do not count
			}
			return btcec.ParsePubKey(pub)
		}
	}
	return nil, errs.Bad(errs.Incomplete, "the public key of input %d is not told, so its part in a silent payment cannot be verified", i)
}

// verifyScanKey verifies shares, proofs and scripts of the outputs that share a scan key.
func (s *silentSender) verifyScanKey(scan [33]byte, outputs []int) error {
	secret, sum, err := s.shared(scan)
	if err != nil {
		return err
	}
	// Codes are counted in the order of their spend keys, equal ones in that of the outputs.
	slices.SortStableFunc(outputs, func(a, b int) int {
		return cmp.Or(bytes.Compare(s.p.Outputs[a].SilentInfo, s.p.Outputs[b].SilentInfo), cmp.Compare(a, b))
	})
	for k, i := range outputs {
		o := &s.p.Outputs[i]
		if o.Script == nil {
			continue
		}
		if secret == nil {
			return errs.Bad(errs.Mismatch, "output %d has the script of a silent payment, but not every input has its ECDH share", i)
		}
		want, err := s.script(secret, sum, o.SilentInfo[33:], uint32(k))
		if err != nil {
			return err
		}
		if !bytes.Equal(want, o.Script) {
			return errs.Bad(errs.Mismatch, "output %d does not pay to its silent payment address; the receiver would not find it", i)
		}
	}
	return nil
}

// shared verifies the ECDH shares for a scan key and adds them up. secret is nil while shares
// are missing; sum is the sum of the keys of the inputs that count.
func (s *silentSender) shared(scan [33]byte) (secret, sum *btcec.PublicKey, err error) {
	var keys, shares []*btcec.PublicKey
	complete := true
	for i := range s.p.Inputs {
		if s.fail[i] != nil {
			return nil, nil, s.fail[i]
		}
		if s.keys[i] == nil {
			continue
		}
		keys = append(keys, s.keys[i])
		share, err := proven(s.p.Inputs[i].ECDHShares, s.p.Inputs[i].DLEQProofs, scan, s.keys[i])
		if err != nil {
			return nil, nil, errs.Bad(errs.Mismatch, "input %d: %w", i, err)
		}
		complete = complete && share != nil
		shares = append(shares, share)
	}
	if sum = addPoints(keys); sum == nil {
		return nil, nil, errs.Bad(errs.Mismatch, "no input counts for a silent payment")
	}
	global, err := proven(s.p.ECDHShares, s.p.DLEQProofs, scan, sum)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case global != nil:
		return global, sum, nil
	case complete:
		return addPoints(shares), sum, nil
	}
	return nil, sum, nil
}

// proven finds the share for a scan key and verifies its proof; nil where there is none.
func proven(shares []SilentShare, proofs []SilentProof, scan [33]byte, key *btcec.PublicKey) (*btcec.PublicKey, error) {
	at := slices.IndexFunc(shares, func(x SilentShare) bool { return x.ScanKey == scan })
	if at < 0 {
		return nil, nil
	}
	proof := slices.IndexFunc(proofs, func(x SilentProof) bool { return x.ScanKey == scan })
	if proof < 0 {
		return nil, errs.Bad(errs.Mismatch, "an ECDH share of a silent payment has no proof")
	}
	b, err := btcec.ParsePubKey(scan[:])
	if err != nil {
		return nil, errs.Bad(errs.BadKey, "the scan key of a silent payment is not on the curve")
	}
	share, err := btcec.ParsePubKey(shares[at].Share[:])
	if err != nil {
		return nil, errs.Bad(errs.BadKey, "an ECDH share is not on the curve")
	}
	if !VerifyDLEQ(key, b, share, proofs[proof].Proof, btcec.Generator(), nil) {
		return nil, errs.Bad(errs.Mismatch, "the proof of an ECDH share of a silent payment is wrong")
	}
	return share, nil
}

// script computes the script of the k-th code of a scan key (BIP352).
func (s *silentSender) script(secret, sum *btcec.PublicKey, spend []byte, k uint32) ([]byte, error) {
	lowest := s.p.outpointBytes(0)
	for i := range s.p.Inputs {
		if o := s.p.outpointBytes(i); bytes.Compare(o, lowest) < 0 {
			lowest = o
		}
	}
	inputHash := chainhash.TaggedHash([]byte("BIP0352/Inputs"), lowest, sum.SerializeCompressed())
	var h, t btcec.ModNScalar
	if overflow := h.SetByteSlice(inputHash[:]); overflow || h.IsZero() {
		return nil, errs.Bad(errs.Malformed, "these inputs cannot pay silently (1 in 2^128)")
	}
	point := mulPoint(&h, secret)
	tweak := chainhash.TaggedHash([]byte("BIP0352/SharedSecret"), point.SerializeCompressed(), binary.BigEndian.AppendUint32(nil, k))
	if overflow := t.SetByteSlice(tweak[:]); overflow || t.IsZero() {
		return nil, errs.Bad(errs.Malformed, "these inputs cannot pay silently (1 in 2^128)")
	}
	base, err := btcec.ParsePubKey(spend)
	if err != nil {
		return nil, errs.Bad(errs.BadKey, "the spend key of a silent payment is not on the curve")
	}
	out := addPoints([]*btcec.PublicKey{base, mulPoint(&t, btcec.Generator())})
	if out == nil {
		return nil, errs.Bad(errs.Malformed, "this silent payment has no key (1 in 2^256)")
	}
	return btc.WitnessScript(1, out.SerializeCompressed()[1:]), nil
}

func (p *Packet) outpointBytes(i int) []byte {
	o := p.Inputs[i].PrevOut
	return binary.LittleEndian.AppendUint32(bytes.Clone(o.Hash[:]), o.Index)
}

// VerifyDLEQ verifies a proof that A = a*G and C = a*B for one a (BIP374). message may be nil.
func VerifyDLEQ(a, b, c *btcec.PublicKey, proof [64]byte, g *btcec.PublicKey, message []byte) bool {
	var e, s btcec.ModNScalar
	e.SetByteSlice(proof[:32]) // compared as bytes below
	if overflow := s.SetByteSlice(proof[32:]); overflow {
		return false
	}
	e.Negate()
	r1 := addPoints([]*btcec.PublicKey{mulPoint(&s, g), mulPoint(&e, a)})
	r2 := addPoints([]*btcec.PublicKey{mulPoint(&s, b), mulPoint(&e, c)})
	if r1 == nil || r2 == nil {
		return false
	}
	var parts []byte
	for _, p := range []*btcec.PublicKey{a, b, c, g, r1, r2} {
		parts = append(parts, p.SerializeCompressed()...)
	}
	challenge := chainhash.TaggedHash([]byte("BIP0374/challenge"), parts, message)
	return bytes.Equal(challenge[:], proof[:32])
}

// mulPoint multiplies a point; nil is infinity.
func mulPoint(k *btcec.ModNScalar, p *btcec.PublicKey) *btcec.PublicKey {
	var in, out btcec.JacobianPoint
	p.AsJacobian(&in)
	btcec.ScalarMultNonConst(k, &in, &out)
	return affine(&out)
}

// addPoints adds points, leaving out infinity (nil); nil is infinity.
func addPoints(list []*btcec.PublicKey) *btcec.PublicKey {
	var sum btcec.JacobianPoint
	for _, p := range list {
		if p == nil {
			continue
		}
		var next, total btcec.JacobianPoint
		p.AsJacobian(&next)
		btcec.AddNonConst(&sum, &next, &total)
		sum = total
	}
	return affine(&sum)
}

func affine(p *btcec.JacobianPoint) *btcec.PublicKey {
	if p.Z.IsZero() || p.X.IsZero() && p.Y.IsZero() {
		return nil
	}
	p.ToAffine()
	return btcec.NewPublicKey(&p.X, &p.Y)
}
