package jade

import (
	"crypto/sha256"

	"github.com/btcsuite/btcd/btcec/v2"
)

// The anti-exfil protocol of libwally and libsecp256k1-zkp ("sign to contract"): the host commits
// to entropy ρ, the device shows the point R₀ of its nonce (the opening), the host reveals ρ, and
// the signature's nonce point must be R₀ + H(R₀, ρ)·G. What the device could hide in a nonce of
// its own choice is thereby spoilt, and the host can see that it was.

// tagged is BIP340's tagged hash.
func tagged(tag string, parts ...[]byte) (sum [32]byte) {
	t := sha256.Sum256([]byte(tag))
	h := sha256.New()
	h.Write(t[:])
	h.Write(t[:])
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(sum[:0])
	return sum
}

// HostCommitment is what the device learns of the host's entropy before it settles its nonce.
func HostCommitment(entropy [32]byte) [32]byte { return tagged("s2c/ecdsa/data", entropy[:]) }

// Tweak is what the host's entropy adds to the nonce behind an opening (33 bytes).
func Tweak(opening []byte, entropy [32]byte) (t btcec.ModNScalar) {
	sum := tagged("s2c/ecdsa/point", opening, entropy[:])
	t.SetBytes(&sum)
	return t
}

// Includes reports whether the host's entropy is in the nonce of an ECDSA signature (its r and s,
// 64 bytes) that the device opened with a point (33 bytes).
func Includes(sig, opening []byte, entropy [32]byte) bool {
	if len(sig) != 64 || len(opening) != 33 {
		return false
	}
	first, err := btcec.ParsePubKey(opening)
	if err != nil {
		return false
	}
	tweak := Tweak(opening, entropy)
	var r0, delta, sum btcec.JacobianPoint
	first.AsJacobian(&r0)
	btcec.ScalarBaseMultNonConst(&tweak, &delta)
	btcec.AddNonConst(&r0, &delta, &sum)
	if sum.X.IsZero() && sum.Y.IsZero() {
		return false
	}
	sum.ToAffine()
	var want, got btcec.ModNScalar
	want.SetBytes(sum.X.Bytes())
	if got.SetByteSlice(sig[:32]) || got.IsZero() {
		return false
	}
	return want.Equals(&got)
}
