package psbt_test

import (
	"crypto/sha256"
	"math/big"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"

	"specter/internal/btc/psbt"
)

func sha256Sum(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:]
}

// validDER is a well-formed signature of nothing in particular.
func validDER(*psbt.Packet) []byte {
	return append(ecdsa.Sign(otherKey(), sha256Sum(nil)).Serialize(), 1)
}

// highS turns a signature into its twin with the other s, which verifies just as well.
func highS(sig []byte) []byte {
	rLen := int(sig[3])
	r := sig[4 : 4+rLen]
	s := new(big.Int).SetBytes(sig[6+rLen : len(sig)-1])
	twin := new(big.Int).Sub(btcec.S256().N, s).Bytes()
	if twin[0]&0x80 != 0 {
		twin = append([]byte{0}, twin...)
	}
	body := append([]byte{2, byte(rLen)}, r...)
	body = append(append(body, 2, byte(len(twin))), twin...)
	return append(append([]byte{0x30, byte(len(body))}, body...), sig[len(sig)-1])
}
