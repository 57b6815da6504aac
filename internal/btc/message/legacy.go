package message

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

// magic stands before every legacy message, with its length in front.
const magic = "\x18Bitcoin Signed Message:\n"

// legacyHash is what a legacy signature signs. The message is taken as it is: no Unicode form is
// forced upon it.
func legacyHash(message string) []byte {
	b := []byte(magic)
	switch n := len(message); {
	case n < 0xfd:
		b = append(b, byte(n))
	case n <= 0xffff:
		b = binary.LittleEndian.AppendUint16(append(b, 0xfd), uint16(n))
	default:
		b = binary.LittleEndian.AppendUint32(append(b, 0xfe), uint32(n))
	}
	return chainhash.DoubleHashB(append(b, message...))
}

// Hash returns the 32 bytes that a recoverable signature of a message signs, for signers that
// make it themselves.
func Hash(message string) []byte { return legacyHash(message) }

// keyUse is how an address uses its one key.
type keyUse uint8

const (
	usePKH keyUse = iota + 1
	usePKHUncompressed
	useShWPKH
	useWPKH
	useTR
)

// scriptOf returns the scriptPubKey of a key used so.
func scriptOf(use keyUse, pub *btcec.PublicKey) []byte {
	switch use {
	case usePKH:
		return btc.PayToPubKeyHash(address.Hash160(pub.SerializeCompressed()))
	case usePKHUncompressed:
		return btc.PayToPubKeyHash(address.Hash160(pub.SerializeUncompressed()))
	case useShWPKH:
		return btc.PayToScriptHash(address.Hash160(scriptOf(useWPKH, pub)))
	case useWPKH:
		return btc.WitnessScript(0, address.Hash160(pub.SerializeCompressed()))
	}
	return btc.WitnessScript(1, schnorr.SerializePubKey(txscript.ComputeTaprootKeyNoScript(pub)))
}

var errMismatch = errs.Bad(errs.Mismatch, "the signature is not of this address and message")

// verifyLegacy checks a recoverable signature of 65 bytes. Its header says which of four keys to
// recover, and: 27 to 30 uncompressed P2PKH, 31 to 34 compressed P2PKH (Electrum: any address
// of the key), 35 to 38 P2SH-P2WPKH, 39 to 42 P2WPKH (BIP137).
func verifyLegacy(a btc.Address, message string, sig []byte) (Result, error) {
	header := sig[0]
	if header < 27 || header > 42 {
		return Result{}, errs.Bad(errs.BadEncoding, "the signature begins with a byte that none begins with")
	}
	recovered := append([]byte{27 + (header-27)&3}, sig[1:]...)
	pub, _, err := ecdsa.RecoverCompact(recovered, legacyHash(message))
	if err != nil {
		return Result{}, errs.Bad(errs.Mismatch, "no public key can be recovered from the signature: %w", err)
	}
	r := Result{Format: Legacy}
	if header >= 35 {
		r.Format = BIP137
	}
	for _, use := range usesOf(a.Type, header) {
		if bytes.Equal(scriptOf(use, pub), a.Script) {
			return r, nil
		}
	}
	return Result{}, errMismatch
}

// usesOf lists how the address may use the key that a header speaks of.
func usesOf(t btc.AddressType, header byte) []keyUse {
	switch {
	case t == btc.P2PKH && header < 31:
		return []keyUse{usePKHUncompressed}
	case t == btc.P2PKH && header < 35:
		return []keyUse{usePKH}
	case t == btc.P2SH && header < 39:
		return []keyUse{useShWPKH}
	case t == btc.P2WPKH && (header < 35 || header >= 39):
		return []keyUse{useWPKH}
	}
	return nil
}

// keyOf is a private key and how an address uses it.
type keyOf struct {
	private *btcec.PrivateKey
	use     keyUse
}

// matchKey finds out how the address uses the key.
func matchKey(key *btcec.PrivateKey, a btc.Address) (keyOf, error) {
	for use := usePKH; use <= useTR; use++ {
		if bytes.Equal(scriptOf(use, key.PubKey()), a.Script) {
			return keyOf{key, use}, nil
		}
	}
	return keyOf{}, errs.Bad(errs.Mismatch, "this key is not the one of the address (a multisig address has no such key)")
}

// signLegacy signs with a recoverable signature (RFC6979).
func (k keyOf) signLegacy(message string, f Format) (string, error) {
	hash, compressed := legacyHash(message), k.use != usePKHUncompressed
	var sig []byte
	switch {
	case f == Low && k.use != useTR:
		sig = signLowR(k.private, hash, compressed)
	case f == Legacy && k.use != useTR:
		sig = ecdsa.SignCompact(k.private, hash, compressed)
	case f == BIP137 && (k.use == useShWPKH || k.use == useWPKH):
		sig = ecdsa.SignCompact(k.private, hash, true)
		sig[0] += 4
		if k.use == useWPKH {
			sig[0] += 4
		}
	default:
		return "", errs.Bad(errs.Unsupported, "an address of this kind cannot have a signature of the format %s", f)
	}
	return base64.StdEncoding.EncodeToString(sig), nil
}

// signLowR signs until R is below half of its range, as Electrum does also for messages: try n
// adds n, in 32 bytes from the lowest up, to what RFC6979 hashes for the nonce.
func signLowR(key *btcec.PrivateKey, hash []byte, compressed bool) []byte {
	private := key.Serialize()
	defer clear(private)
	for try := uint32(0); ; try++ {
		var extra []byte
		if try > 0 {
			extra = make([]byte, 32)
			binary.LittleEndian.PutUint32(extra, try)
		}
		nonce := btcec.NonceRFC6979(private, hash, extra, nil, 0)
		sig := signWith(key, nonce, hash)
		nonce.Zero()
		if sig == nil || sig[1] >= 0x80 {
			continue
		}
		if compressed {
			sig[0] += 4
		}
		return sig
	}
}

// signWith makes a recoverable ECDSA signature with a nonce and a low s; nil where the nonce is
// none that can be used (never seen).
func signWith(key *btcec.PrivateKey, nonce *btcec.ModNScalar, hash []byte) []byte {
	var point btcec.JacobianPoint
	btcec.ScalarBaseMultNonConst(nonce, &point)
	point.ToAffine()
	var r, s, z btcec.ModNScalar
	code := byte(0)
	if r.SetByteSlice(point.X.Bytes()[:]) {
		code = 2
	}
	if point.Y.IsOdd() {
		code |= 1
	}
	z.SetByteSlice(hash)
	s.Mul2(&key.Key, &r).Add(&z).Mul(new(btcec.ModNScalar).InverseValNonConst(nonce))
	if r.IsZero() || s.IsZero() {
		return nil
	}
	if s.IsOverHalfOrder() {
		s.Negate()
		code ^= 1
	}
	rBytes, sBytes := r.Bytes(), s.Bytes()
	return append(append([]byte{27 + code}, rBytes[:]...), sBytes[:]...)
}
