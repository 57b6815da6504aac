package psbt

import (
	"encoding/binary"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/txscript/v2"
)

// signECDSA signs a hash with a nonce of RFC6979 and a low s, and appends the sighash byte.
// With grind it counts extra entropy up until r is below 2^255, as Bitcoin Core does, which
// makes every signature at most 71 bytes long with the sighash byte.
func signECDSA(key *btcec.PrivateKey, hash []byte, t txscript.SigHashType, grind bool) []byte {
	secret := key.Serialize()
	var extra []byte
	for counter := uint32(1); ; counter++ {
		r, s, ok := signOnce(&key.Key, secret, hash, extra)
		if ok && (!grind || !highBit(&r)) {
			return append(ecdsa.NewSignature(&r, &s).Serialize(), byte(t))
		}
		extra = make([]byte, 32)
		binary.LittleEndian.PutUint32(extra, counter)
	}
}

func highBit(n *btcec.ModNScalar) bool {
	b := n.Bytes()
	return b[0]&0x80 != 0
}

// signOnce makes one ECDSA signature; ok is false for a nonce that gives r or s of zero.
func signOnce(d *btcec.ModNScalar, secret, hash, extra []byte) (r, s btcec.ModNScalar, ok bool) {
	k := btcec.NonceRFC6979(secret, hash, extra, nil, 0)
	var point btcec.JacobianPoint
	btcec.ScalarBaseMultNonConst(k, &point)
	point.ToAffine()
	x := point.X.Bytes()
	r.SetByteSlice(x[:])

	var e btcec.ModNScalar
	e.SetByteSlice(hash)
	s.Mul2(d, &r).Add(&e).Mul(new(btcec.ModNScalar).InverseValNonConst(k))
	k.Zero()
	if s.IsOverHalfOrder() {
		s.Negate()
	}
	return r, s, !r.IsZero() && !s.IsZero()
}
