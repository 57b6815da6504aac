package bitbox02

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	_ "embed" // the vendor's keys
	"encoding/hex"
	"io"
	"math/big"
	"strings"
	"sync"

	"github.com/btcsuite/btcd/btcec/v2"
	becdsa "github.com/btcsuite/btcd/btcec/v2/ecdsa"

	"specter/internal/signer/bitbox02/hww"
)

// rootKeys are the vendor's public keys that certify devices, compressed, in hex: facts of the
// vendor's own libraries in Python and Go, which agree.
//
//go:embed roots.txt
var rootKeys string

// attestationSize is the length of what a device answers: hash of its bootloader, its own key (P-256, x and y),
// the root's signature over both, the SHA-256 of the root's key, and its signature over our
// challenge.
const attestationSize = 32 + 64 + 64 + 32 + 64

var roots = sync.OnceValue(func() map[[32]byte]*btcec.PublicKey {
	list := make(map[[32]byte]*btcec.PublicKey)
	for line := range strings.FieldsSeq(rootKeys) {
		raw, err := hex.DecodeString(line)
		if err != nil {
			continue
		}
		if key, err := btcec.ParsePubKey(raw); err == nil {
			list[sha256.Sum256(key.SerializeUncompressed())] = key
		}
	}
	return list
})

const notGenuine = "This BitBox02 could not prove that its vendor made it. If you did not expect that, do not use it and ask the vendor's support."

// attest lets a device that is about to be paired prove where it was made. A device that cannot
// is used all the same, with a warning: the person decides. Simulators have no such key.
func (s *session) attest(ctx context.Context) {
	if !s.physical {
		return
	}
	challenge := make([]byte, 32)
	if _, err := io.ReadFull(s.options.Rand, challenge); err != nil {
		return
	}
	answer, err := s.link.query(ctx, append([]byte{hww.Attestation}, challenge...))
	if err != nil || len(answer) != 1+attestationSize || answer[0] != hww.Success || !genuine(roots(), challenge, answer[1:]) {
		s.info.Warnings = append(s.info.Warnings, notGenuine)
	}
}

// genuine checks an attestation of attestationSize bytes; list are the root keys by their hashes.
func genuine(list map[[32]byte]*btcec.PublicKey, challenge, b []byte) bool {
	device, certificate, id, signature := b[32:96], b[96:160], b[160:192], b[192:256]
	root := list[[32]byte(id)]
	if root == nil {
		return false
	}
	var r, s btcec.ModNScalar
	if r.SetByteSlice(certificate[:32]) || s.SetByteSlice(certificate[32:]) {
		return false
	}
	certified := sha256.Sum256(b[:96])
	if !becdsa.NewSignature(&r, &s).Verify(certified[:], root) {
		return false
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append([]byte{4}, device...))
	if err != nil {
		return false
	}
	digest := sha256.Sum256(challenge)
	return ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
}
