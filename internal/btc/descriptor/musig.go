package descriptor

import (
	"bytes"
	"slices"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

var (
	tagKeyAggList = []byte("KeyAgg list")
	tagKeyAggCoef = []byte("KeyAgg coefficient")
)

// syntheticChainCode is the chain code of every synthetic xpub: SHA256("MuSig2MuSig2MuSig2")
// (BIP328).
var syntheticChainCode = [32]byte{
	0x86, 0x80, 0x87, 0xca, 0x02, 0xa6, 0xf9, 0x74, 0xc4, 0x59, 0x89, 0x24, 0xc3, 0x6b, 0x57, 0x76,
	0x2d, 0x32, 0xcb, 0x45, 0x71, 0x71, 0x67, 0xe3, 0x00, 0x62, 0x2c, 0x71, 0x67, 0xe3, 0x89, 0x65,
}

// KeySort returns the public keys in lexicographic order (BIP327); the argument is not changed.
func KeySort(pubs [][]byte) [][]byte {
	out := slices.Clone(pubs)
	slices.SortStableFunc(out, bytes.Compare)
	return out
}

// KeyAgg aggregates compressed public keys in the order given (BIP327). A key that is no point
// of the curve is refused with code bad-key. The same key may come more than once.
func KeyAgg(pubs [][]byte) ([33]byte, error) {
	var out [33]byte
	if len(pubs) == 0 {
		return out, errs.Bad(errs.BadKey, "there are no keys to aggregate")
	}
	list := chainhash.TaggedHash(tagKeyAggList, pubs...)
	second := secondKey(pubs)
	var sum btcec.JacobianPoint
	for i, pub := range pubs {
		if len(pub) != 33 || pub[0] != 2 && pub[0] != 3 {
			return out, errs.Bad(errs.BadKey, "key %d of a MuSig2 aggregate is not a compressed public key", i+1)
		}
		point, err := btcec.ParsePubKey(pub)
		if err != nil {
			return out, errs.Bad(errs.BadKey, "key %d of a MuSig2 aggregate is no point of the curve", i+1)
		}
		term := jacobian(point)
		if !bytes.Equal(pub, second) {
			var coef btcec.ModNScalar
			coef.SetByteSlice(chainhash.TaggedHash(tagKeyAggCoef, list[:], pub)[:])
			base := term
			btcec.ScalarMultNonConst(&coef, &base, &term)
		}
		prev := sum
		btcec.AddNonConst(&prev, &term, &sum)
	}
	if sum.Z.IsZero() {
		return out, errs.Bad(errs.BadKey, "the keys cancel each other out; they were made by an attacker")
	}
	sum.ToAffine()
	copy(out[:], btcec.NewPublicKey(&sum.X, &sum.Y).SerializeCompressed())
	return out, nil
}

// secondKey returns the first key that differs from the first one; its coefficient is 1.
func secondKey(pubs [][]byte) []byte {
	for _, pub := range pubs[1:] {
		if !bytes.Equal(pub, pubs[0]) {
			return pub
		}
	}
	return nil
}

// SyntheticXPub returns the extended key from which children of an aggregate key derive
// (BIP328). main chooses between xpub and tpub.
func SyntheticXPub(aggregate [33]byte, main bool) (btc.XKey, error) {
	return btc.NewPublicXKey(aggregate[:], syntheticChainCode, 0, btc.Fingerprint{}, 0, main)
}
