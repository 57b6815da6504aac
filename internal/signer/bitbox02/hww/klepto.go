package hww

import (
	"bytes"
	"crypto/sha256"

	"github.com/btcsuite/btcd/btcec/v2"

	"specter/internal/errs"
)

// The tags of sign-to-contract commitments, as in libsecp256k1-zkp's ecdsa_s2c module.
const (
	tagData  = "s2c/ecdsa/data"
	tagPoint = "s2c/ecdsa/point"
)

func tagged(tag string, parts ...[]byte) [32]byte {
	t := sha256.Sum256([]byte(tag))
	h := sha256.New()
	h.Write(t[:])
	h.Write(t[:])
	h.Write(bytes.Join(parts, nil))
	return [32]byte(h.Sum(nil))
}

// HostCommitment is what the host says of its nonce before the device has chosen its own.
func HostCommitment(nonce [32]byte) [32]byte { return tagged(tagData, nonce[:]) }

// Tweak is the number that is added to the device's nonce: it commits to the device's nonce
// point (33 bytes, compressed) and the host's nonce.
func Tweak(signerPoint []byte, nonce [32]byte) [32]byte {
	return tagged(tagPoint, signerPoint, nonce[:])
}

// CheckContribution verifies that a signature (r and s, 64 bytes) was made with the device's
// nonce point plus the host's nonce: the device had no freedom left to hide anything in it.
// The error is of kind Conflict.
func CheckContribution(signerPoint, signature []byte, nonce [32]byte) error {
	if len(signature) != 64 || len(signerPoint) != 33 {
		return errs.E(errs.Conflict, "the device's signature has a wrong form")
	}
	point, err := btcec.ParsePubKey(signerPoint)
	if err != nil {
		return errs.E(errs.Conflict, "the device's nonce commitment is no point of the curve: %w", err)
	}
	tweak := Tweak(signerPoint, nonce)
	var k btcec.ModNScalar
	if k.SetBytes(&tweak) != 0 {
		return errs.E(errs.Conflict, "the nonce does not exist (1 in 2^127); sign again")
	}
	var add, own, sum btcec.JacobianPoint
	btcec.ScalarBaseMultNonConst(&k, &add)
	point.AsJacobian(&own)
	btcec.AddNonConst(&own, &add, &sum)
	if sum.Z.IsZero() {
		return errs.E(errs.Conflict, "the nonce does not exist; sign again")
	}
	sum.ToAffine()
	x := sum.X.Bytes()
	var r, want btcec.ModNScalar
	want.SetBytes(x)
	if overflow := r.SetByteSlice(signature[:32]); overflow || !r.Equals(&want) {
		return errs.E(errs.Conflict, "the device did not use the randomness of this program in its signature; "+
			"it could leak its keys through signatures: do not use this device before its vendor has looked at it")
	}
	return nil
}
