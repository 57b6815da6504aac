package psbt

import (
	"bytes"
	"slices"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

// Signed is a signature that Sign added.
type Signed struct {
	Input     int
	PubKey    []byte // 33 or 65 bytes; 32 for taproot, the internal key for the key path
	LeafHash  []byte // nil but for a taproot script path
	Signature []byte // with its sighash byte, if it has one
}

// SignOptions are the choices of a signer; the zero value is what Sign does.
type SignOptions struct {
	// NoGrind leaves ECDSA nonces as RFC6979 gives them. Else r is ground to be low, as
	// Bitcoin Core does.
	NoGrind bool
	// AllowSighash is asked for every sighash type but DEFAULT and ALL that the PSBT wants.
	// Nil allows all defined ones.
	AllowSighash func(input int, t txscript.SigHashType) bool
	// SkipUnsound leaves inputs whose description contradicts itself unsigned, as Bitcoin Core
	// does, instead of refusing the whole PSBT.
	SkipUnsound bool
}

// Sign adds the signatures that the source has keys for and returns the new ones. Inputs whose
// coin or scripts are not described are left alone (but beside silent payments, which cannot
// be verified then); one whose description contradicts itself
// is an error of code mismatch, and then nothing is signed (BIP174's signer checks).
func (p *Packet) Sign(k KeySource) ([]Signed, error) { return p.SignWith(k, SignOptions{}) }

// SignWith is Sign with options.
func (p *Packet) SignWith(k KeySource, o SignOptions) ([]Signed, error) {
	work := p.Clone()
	s, err := work.spending()
	if err != nil {
		return nil, err
	}
	if err := work.VerifySilentPayments(); err != nil {
		return nil, err
	}
	var all []Signed
	for i := range work.Inputs {
		added, err := s.signInput(i, k, o)
		if o.SkipUnsound && errs.CodeOf(err) == errs.Mismatch {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, added...)
	}
	*p = *work
	return all, nil
}

func (s *spending) signInput(i int, k KeySource, o SignOptions) ([]Signed, error) {
	in := &s.p.Inputs[i]
	if in.Finalized() {
		return nil, nil
	}
	l, err := s.signable(i)
	if l == nil || err != nil {
		return nil, err
	}
	signer := inputSigner{s: s, i: i, in: in, l: l, keys: k, o: o}
	return signer.sign()
}

// signable returns the lock of an input that can be signed, or nil for one that is not
// described enough.
func (s *spending) signable(i int) (*lock, error) {
	in := &s.p.Inputs[i]
	l, err := s.lock(i)
	if errs.CodeOf(err) == errs.Incomplete {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !l.segwit() && in.NonWitnessUTXO == nil && l.kind != lockUnknown {
		return nil, errs.Bad(errs.Mismatch, "input %d is no segwit input, but only a witness UTXO describes its coin; the amount could be a lie", i)
	}
	return l, nil
}

// inputSigner signs one input.
type inputSigner struct {
	s    *spending
	i    int
	in   *Input
	l    *lock
	keys KeySource
	o    SignOptions
	out  []Signed
}

func (g *inputSigner) sign() ([]Signed, error) {
	t, err := g.sighash()
	if err != nil {
		return nil, err
	}
	switch g.l.kind {
	case lockUnknown:
		return nil, nil
	case lockTaproot:
		if err := g.signTaproot(t); err != nil {
			return nil, err
		}
	default:
		if err := g.signECDSA(t); err != nil {
			return nil, err
		}
	}
	if len(g.out) > 0 {
		g.s.p.noteSighash(t)
	}
	return g.out, nil
}

// sighash returns the type to sign with: the one that the PSBT asks for, else the default.
func (g *inputSigner) sighash() (txscript.SigHashType, error) {
	t := txscript.SigHashDefault
	if g.in.SighashType != nil {
		t = *g.in.SighashType
	}
	if t == txscript.SigHashDefault {
		if g.s.p.PaysSilently() {
			return txscript.SigHashAll, nil // BIP375
		}
		if g.l.kind != lockTaproot {
			t = txscript.SigHashAll
		}
		return t, nil
	}
	if !definedSighash(t) {
		return 0, errs.Bad(errs.Malformed, "input %d asks for the sighash type %#x, which is not defined", g.i, uint32(t))
	}
	if t != txscript.SigHashAll && g.o.AllowSighash != nil && !g.o.AllowSighash(g.i, t) {
		name, _ := SighashName(t)
		return 0, errs.Bad(errs.Mismatch, "input %d asks for a signature of type %s, which does not fix the whole transaction", g.i, name)
	}
	return t, nil
}

// noteSighash keeps the flags of what may still be changed (BIP370's signer).
func (p *Packet) noteSighash(t txscript.SigHashType) {
	if p.Modifiable == nil {
		return
	}
	flags := *p.Modifiable
	if t&txscript.SigHashAnyOneCanPay == 0 {
		flags &^= 1
	}
	switch t &^ txscript.SigHashAnyOneCanPay {
	case txscript.SigHashNone:
	case txscript.SigHashSingle:
		flags = flags&^2 | 4
	default:
		flags &^= 2
	}
	p.Modifiable = &flags
}

// candidate is a public key that might sign, with what the PSBT says of its origin.
type candidate struct {
	pub    []byte
	origin *btc.KeyOrigin
}

// private asks the source and checks the answer.
func (g *inputSigner) private(c candidate) *btcec.PrivateKey {
	key, ok := g.keys.PrivateKey(c.pub, c.origin)
	if !ok || !isKeyOf(key, c.pub) {
		return nil
	}
	return key
}

func (g *inputSigner) signECDSA(t txscript.SigHashType) error {
	var hash []byte
	for _, c := range g.ecdsaCandidates() {
		if !g.l.hasKey(c.pub) || g.in.partialSig(c.pub) != nil {
			continue
		}
		key := g.private(c)
		if key == nil {
			continue
		}
		if hash == nil {
			var err error
			if hash, err = g.s.ecdsaHash(g.i, g.l, t); err != nil {
				return err
			}
		}
		sig := signECDSA(key, hash, t, !g.o.NoGrind)
		if !verifyECDSA(c.pub, sig, hash) {
			return errs.E(errs.Internal, "the signature of input %d does not verify; the machine miscalculated", g.i)
		}
		g.in.PartialSigs = append(g.in.PartialSigs, PartialSig{c.pub, sig})
		g.out = append(g.out, Signed{Input: g.i, PubKey: c.pub, Signature: sig})
	}
	return nil
}

func (g *inputSigner) ecdsaCandidates() []candidate {
	var out []candidate
	for i := range g.in.Derivations {
		out = append(out, candidate{g.in.Derivations[i].PubKey, &g.in.Derivations[i].Origin})
	}
	if l, ok := g.keys.(keyLister); ok {
		for _, pub := range l.publicKeys() {
			out = append(out, candidate{pub.SerializeCompressed(), nil}, candidate{pub.SerializeUncompressed(), nil})
		}
	}
	return uniqueCandidates(out)
}

func uniqueCandidates(list []candidate) []candidate {
	slices.SortStableFunc(list, func(a, b candidate) int { return bytes.Compare(a.pub, b.pub) })
	return slices.CompactFunc(list, func(a, b candidate) bool { return bytes.Equal(a.pub, b.pub) })
}

func (g *inputSigner) signTaproot(t txscript.SigHashType) error {
	if !g.s.all {
		return nil // cannot be hashed without all coins; another signer may add them
	}
	leaves, strays := g.s.leaves(g.i)
	if strays > 0 {
		return errs.Bad(errs.Mismatch, "a leaf script of input %d does not belong to the coin that it spends", g.i)
	}
	if err := g.signKeyPath(t); err != nil {
		return err
	}
	candidates := g.tapCandidates()
	for _, leaf := range leaves {
		if leaf.Version != byte(txscript.BaseLeafVersion) {
			continue
		}
		if err := g.signLeaf(leaf, candidates, t); err != nil {
			return err
		}
	}
	return nil
}

func (g *inputSigner) tapCandidates() []candidate {
	var out []candidate
	if g.in.TapInternalKey != nil {
		out = append(out, candidate{g.in.TapInternalKey, g.in.tapOriginOf([32]byte(g.in.TapInternalKey))})
	}
	for i := range g.in.TapDerivations {
		out = append(out, candidate{g.in.TapDerivations[i].XOnly[:], &g.in.TapDerivations[i].Origin})
	}
	if l, ok := g.keys.(keyLister); ok {
		for _, pub := range l.publicKeys() {
			out = append(out, candidate{schnorr.SerializePubKey(pub), nil})
		}
	}
	return uniqueCandidates(out)
}

// signKeyPath signs with the internal key, tweaked (BIP341), or with the output key itself.
func (g *inputSigner) signKeyPath(t txscript.SigHashType) error {
	if internal := g.in.TapInternalKey; internal != nil {
		pub, err := schnorr.ParsePubKey(internal)
		if err != nil {
			return badField("PSBT_IN_TAP_INTERNAL_KEY", "is not on the curve")
		}
		tweaked := txscript.ComputeTaprootOutputKey(pub, g.in.TapMerkleRoot)
		untweaked := g.in.TapMerkleRoot == nil && bytes.Equal(internal, g.l.outputKey()) // as of rawtr()
		if !untweaked && !bytes.Equal(schnorr.SerializePubKey(tweaked), g.l.outputKey()) {
			return errs.Bad(errs.Mismatch, "the internal key and merkle root of input %d do not belong to the coin that it spends", g.i)
		}
	}
	if g.in.TapKeySig != nil {
		return nil
	}
	for _, c := range g.tapCandidates() {
		key := g.private(c)
		if key == nil {
			continue
		}
		for _, k := range []*btcec.PrivateKey{txscript.TweakTaprootPrivKey(*key, g.in.TapMerkleRoot), key} {
			if !isKeyOf(k, g.l.outputKey()) {
				continue
			}
			sig, err := g.schnorr(k, nil, t)
			if err != nil {
				return err
			}
			g.in.TapKeySig = sig
			g.out = append(g.out, Signed{Input: g.i, PubKey: c.pub, Signature: sig})
			return nil
		}
	}
	return nil
}

// signLeaf signs a leaf with every key of it that the source has.
func (g *inputSigner) signLeaf(leaf *knownLeaf, candidates []candidate, t txscript.SigHashType) error {
	hash := leaf.hash
	for _, c := range candidates {
		xonly := [32]byte(c.pub)
		if !leaf.hasKey(c.pub) || g.in.tapScriptSig(xonly, hash) != nil {
			continue
		}
		key := g.private(c)
		if key == nil {
			continue
		}
		sig, err := g.schnorr(key, &leaf.TapLeaf, t)
		if err != nil {
			return err
		}
		g.in.TapScriptSigs = append(g.in.TapScriptSigs, TapScriptSig{xonly, hash, sig})
		g.out = append(g.out, Signed{Input: g.i, PubKey: c.pub, LeafHash: hash[:], Signature: sig})
	}
	return nil
}

// schnorr signs with BIP340 and auxiliary data of zeros, as Bitcoin Core does.
func (g *inputSigner) schnorr(key *btcec.PrivateKey, leaf *TapLeaf, t txscript.SigHashType) ([]byte, error) {
	hash, err := g.s.schnorrHash(g.i, leaf, t)
	if err != nil {
		return nil, err
	}
	sig, err := schnorr.Sign(key, hash, schnorr.CustomNonce([32]byte{}))
	if err != nil {
		return nil, errs.Bad(errs.BadKey, "input %d cannot be signed with this key: %w", g.i, err)
	}
	out := sig.Serialize()
	if t != txscript.SigHashDefault {
		out = append(out, byte(t))
	}
	return out, nil
}

func (in *Input) partialSig(pub []byte) *PartialSig {
	for i := range in.PartialSigs {
		if bytes.Equal(in.PartialSigs[i].PubKey, pub) {
			return &in.PartialSigs[i]
		}
	}
	return nil
}

func (in *Input) tapScriptSig(xonly, leaf [32]byte) *TapScriptSig {
	for i := range in.TapScriptSigs {
		if in.TapScriptSigs[i].XOnly == xonly && in.TapScriptSigs[i].LeafHash == leaf {
			return &in.TapScriptSigs[i]
		}
	}
	return nil
}
