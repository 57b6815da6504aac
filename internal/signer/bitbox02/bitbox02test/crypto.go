package bitbox02test

import (
	"crypto/sha256"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/signer/bitbox02/hww"
)

// signingKey is the private key at a path; a lying device takes its neighbour.
func (b *Box) signingKey(p btc.Path) (*btcec.PrivateKey, error) {
	if b.d.Lie.Signature && len(p) > 0 {
		p = append(append(btc.Path{}, p[:len(p)-1]...), p[len(p)-1]^1)
	}
	k, err := b.master.Derive(p)
	if err != nil {
		return nil, invalid
	}
	key, ok := k.PrivateKey()
	if !ok {
		return nil, invalid
	}
	return key, nil
}

// ownNonce is the device's part of the nonce: RFC 6979 over key and digest, with the host's
// commitment, and its point.
func ownNonce(key *btcec.PrivateKey, digest, commitment []byte) (*btcec.ModNScalar, []byte) {
	k := btcec.NonceRFC6979(key.Serialize(), digest, commitment, nil, 0)
	var point btcec.JacobianPoint
	btcec.ScalarBaseMultNonConst(k, &point)
	point.ToAffine()
	return k, btcec.NewPublicKey(&point.X, &point.Y).SerializeCompressed()
}

// signECDSA signs with the nonce k plus what the host contributed: r and s with a low s, and
// the number that tells the key.
func (b *Box) signECDSA(key *btcec.PrivateKey, digest []byte, k *btcec.ModNScalar, point []byte, host [32]byte) []byte {
	if !b.OwnNonce {
		tweak := hww.Tweak(point, host)
		var add btcec.ModNScalar
		add.SetBytes(&tweak)
		k = new(btcec.ModNScalar).Add2(k, &add)
	}
	var big btcec.JacobianPoint
	btcec.ScalarBaseMultNonConst(k, &big)
	big.ToAffine()
	var r, e, s btcec.ModNScalar
	overflow := r.SetBytes(big.X.Bytes())
	e.SetByteSlice(digest)
	s.Mul2(&key.Key, &r).Add(&e).Mul(new(btcec.ModNScalar).InverseValNonConst(k))
	id := byte(overflow) << 1
	if big.Y.IsOdd() {
		id |= 1
	}
	if s.IsOverHalfOrder() {
		s.Negate()
		id ^= 1
	}
	rb, sb := r.Bytes(), s.Bytes()
	return append(append(rb[:], sb[:]...), id)
}

// signSchnorr signs by BIP340; tweaked for the key path of an output with these leaves.
func signSchnorr(key *btcec.PrivateKey, digest []byte, root []byte, keyPath bool) ([]byte, error) {
	if keyPath {
		key = tweaked(key, root)
	}
	sig, err := schnorr.Sign(key, digest)
	if err != nil {
		return nil, fault(hww.ErrGeneric)
	}
	return sig.Serialize(), nil
}

// tweaked is the output key's private key (BIP341).
func tweaked(key *btcec.PrivateKey, root []byte) *btcec.PrivateKey {
	d := key.Key
	pub := key.PubKey().SerializeCompressed()
	if pub[0] == 3 {
		d.Negate()
	}
	t := chainhash.TaggedHash([]byte("TapTweak"), pub[1:], root)
	var tweak btcec.ModNScalar
	tweak.SetBytes((*[32]byte)(t))
	d.Add(&tweak)
	return btcec.PrivKeyFromScalar(&d)
}

// messageDigest is the hash of Bitcoin's signed messages.
func messageDigest(text []byte) []byte {
	h := sha256.New()
	const magic = "Bitcoin Signed Message:\n"
	_ = wire.WriteVarString(h, 0, magic)
	_ = wire.WriteVarBytes(h, 0, text)
	sum := sha256.Sum256(h.Sum(nil))
	return sum[:]
}
