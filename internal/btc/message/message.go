package message

import (
	"encoding/base64"
	"strings"

	"github.com/btcsuite/btcd/btcec/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

// Format names how a signature is made.
type Format string

// The formats of signatures.
const (
	Legacy Format = "legacy"        // recoverable, header 27 to 34; of segwit addresses too in Electrum's way
	BIP137 Format = "bip137"        // recoverable, header 35 to 42 tells the kind of segwit address
	Low    Format = "legacy-low-r"  // for Sign alone: legacy with a low R, byte for byte as Electrum makes it
	Simple Format = "bip322-simple" // the witness
	Full   Format = "bip322-full"   // the whole virtual transaction
)

// Bounds of what is read.
const (
	MaxMessage   = 1 << 20 // bytes
	maxSignature = 200_000 // characters of Base64; a witness is far smaller
)

// Result says what a good signature is. A signature with time locks is good from its lock time
// and age on; both are 0 for nearly all.
type Result struct {
	Format   Format
	LockTime uint32 // as a transaction's: height or unix seconds
	Sequence uint32 // as an input's: BIP68 age
}

// Verify checks a signature of any format for an address of a network. A nil error means that
// it is good. Errors: those of ParseAddress, bad-encoding for what is no signature, mismatch where the
// signature is not of this address and message, unsupported where it cannot be told.
func Verify(addr string, n btc.Network, message, signature string) (Result, error) {
	a, err := btc.ParseAddress(addr, n)
	if err != nil {
		return Result{}, err
	}
	signature = strings.TrimSpace(signature)
	if len(message) > MaxMessage || len(signature) > maxSignature {
		return Result{}, errs.Bad(errs.TooLarge, "the message or its signature is too long")
	}
	prefix, body := splitPrefix(signature)
	if prefix == "pof" {
		return Result{}, errs.Bad(errs.Unsupported, "this is a proof of funds (BIP322); it cannot be verified here")
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(body)
	if err != nil {
		return Result{}, errs.Bad(errs.BadEncoding, "the signature is not in base64; copy all of it")
	}
	if prefix == "" && len(raw) == 65 && a.Type != btc.P2WSH && a.Type != btc.P2TR {
		return verifyLegacy(a, message, raw)
	}
	return verify322(a, message, prefix, raw)
}

// splitPrefix cuts off BIP322's prefix of three letters. The letters alone could begin a
// signature in Base64; a prefix leaves a length that Base64 can have.
func splitPrefix(signature string) (prefix, body string) {
	for _, p := range []string{"smp", "ful", "pof"} {
		if rest, ok := strings.CutPrefix(signature, p); ok && len(rest)%4 == 0 {
			return p, rest
		}
	}
	return "", signature
}

// Sign signs a message with the key of an address. An empty format chooses: legacy for P2PKH,
// BIP137 for P2WPKH and P2SH-P2WPKH, BIP322 simple for taproot. The result is verified before
// it is returned. Errors: mismatch where the key is not the address's, unsupported where the format
// does not fit the address.
func Sign(key *btcec.PrivateKey, addr string, n btc.Network, message string, f Format) (string, error) {
	a, err := btc.ParseAddress(addr, n)
	if err != nil {
		return "", err
	}
	if len(message) > MaxMessage {
		return "", errs.Bad(errs.TooLarge, "the message is longer than %d bytes", MaxMessage)
	}
	k, err := matchKey(key, a)
	if err != nil {
		return "", err
	}
	if f == "" {
		f = map[keyUse]Format{usePKH: Legacy, usePKHUncompressed: Legacy, useWPKH: BIP137, useShWPKH: BIP137, useTR: Simple}[k.use]
	}
	var sig string
	switch f {
	case Legacy, BIP137, Low:
		sig, err = k.signLegacy(message, f)
	case Simple, Full:
		sig, err = k.sign322(a, message, f)
	default:
		err = errs.Bad(errs.Unsupported, "%q is no format of a signed message", string(f))
	}
	if err != nil {
		return "", err
	}
	if _, err := Verify(addr, n, message, sig); err != nil {
		return "", errs.E(errs.Internal, "the signature that was made does not verify: %w", err)
	}
	return sig, nil
}
