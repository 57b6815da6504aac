package tor

import (
	"crypto/rand"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"math/big"
	"slices"
	"strings"

	"specter/internal/errs"
	"specter/internal/remote"
)

// The files of an onion service. The first is written; the others are an older Specter's, whose
// address goes on where they lie in the data folder.
const (
	fileKey     = "tor/onion.key"
	fileOldKey  = ".tor_service_key"
	fileOldName = "onion.txt"
)

// keyType is how the control port names the keys of version 3.
const keyType = "ED25519-V3"

// Key is the secret of an onion service, in the form in which tor has it: the clamped scalar and
// the nonce part of an expanded Ed25519 key. It prints nothing.
type Key struct{ expanded [64]byte }

// String hides the key.
func (Key) String() string { return "onion key" }

// GoString hides the key.
func (Key) GoString() string { return "onion key" }

// NewKey makes a key.
func NewKey() Key {
	seed := make([]byte, 32)
	rand.Read(seed)
	k := Key{sha512.Sum512(seed)}
	k.expanded[0] &= 248
	k.expanded[31] = k.expanded[31]&63 | 64
	return k
}

// ParseKey reads "ED25519-V3:base64" as the control port writes it, or the base64 alone.
// errs.Invalid says what is wrong, without the key.
func ParseKey(text string) (Key, error) {
	text = strings.TrimSpace(text)
	if kind, rest, found := strings.Cut(text, ":"); found {
		if kind != keyType {
			return Key{}, errs.E(errs.Invalid, "the key of the onion service is of the kind %.20q; tor runs services of version 3 alone, whose keys are called %s", kind, keyType)
		}
		text = rest
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		raw, err = base64.RawStdEncoding.DecodeString(text)
	}
	var k Key
	if err != nil || len(raw) != len(k.expanded) {
		return Key{}, errs.E(errs.Invalid, "this is no key of an onion service: it should be 64 bytes in base64")
	}
	copy(k.expanded[:], raw)
	if raw[0]&7 != 0 || raw[31]&128 != 0 || raw[31]&64 == 0 {
		return Key{}, errs.E(errs.Invalid, "the key of the onion service is damaged")
	}
	return k, nil
}

// text is the key for the control port and the file.
func (k Key) text() string { return keyType + ":" + base64.StdEncoding.EncodeToString(k.expanded[:]) }

// Name is the host name that follows from the key, with ".onion" (rend-spec-v3, 6).
func (k Key) Name() string {
	pub := publicKey(k.expanded[:32])
	sum := sha3.Sum256(slices.Concat([]byte(".onion checksum"), pub, []byte{3}))
	return strings.ToLower(base32.StdEncoding.EncodeToString(slices.Concat(pub, sum[:2], []byte{3}))) + ".onion"
}

// IsName reports whether a host is the name of an onion service of version 3: 56 letters with a
// checksum that holds.
func IsName(host string) bool {
	label, ok := strings.CutSuffix(strings.ToLower(host), ".onion")
	if !ok || len(label) != 56 {
		return false
	}
	raw, err := base32.StdEncoding.DecodeString(strings.ToUpper(label))
	if err != nil || len(raw) != 35 || raw[34] != 3 {
		return false
	}
	sum := sha3.Sum256(slices.Concat([]byte(".onion checksum"), raw[:32], []byte{3}))
	return raw[32] == sum[0] && raw[33] == sum[1]
}

// OpenKey reads the kept key, takes over an old Specter's, or makes one and keeps it. A kept key
// that cannot be read is an error: with another one the address would change.
func OpenKey(files remote.Files) (Key, error) {
	for _, name := range []string{fileKey, fileOldKey} {
		raw, err := files.Read(name)
		if errors.Is(err, remote.ErrNoFile) {
			continue
		}
		if err != nil {
			return Key{}, errs.E(errs.Unavailable, "the key of the onion service (%s) cannot be read: %w", name, err)
		}
		k, err := ParseKey(string(raw))
		if err != nil {
			return Key{}, errs.E(errs.Unavailable, "the key of the onion service (%s) cannot be used: %w. Put it back from a backup, or delete it to have a new address made", name, err)
		}
		if name == fileOldKey {
			if err := checkOldName(files, k); err != nil {
				return Key{}, err
			}
			return k, files.Write(fileKey, []byte(k.text()+"\n"))
		}
		return k, nil
	}
	k := NewKey()
	return k, files.Write(fileKey, []byte(k.text()+"\n"))
}

// checkOldName compares a key with the address that the old Specter wrote down, where it did.
func checkOldName(files remote.Files, k Key) error {
	raw, err := files.Read(fileOldName)
	if err != nil {
		return nil // it only wrote the address while the service was up
	}
	name := strings.ToLower(strings.TrimSpace(string(raw)))
	if name != "" && strings.TrimSuffix(name, ".onion")+".onion" != k.Name() {
		return errs.E(errs.Unavailable, "%s and %s in the data folder are of two different onion services; remove the one that is wrong", fileOldKey, fileOldName)
	}
	return nil
}

// ForgetKey removes the kept keys: the next service has another address.
func ForgetKey(files remote.Files) error {
	return errors.Join(files.Remove(fileKey), files.Remove(fileOldKey), files.Remove(fileOldName))
}

// Edwards25519 (RFC 8032, 5.1) in plain arithmetic: the standard library multiplies by a seed's
// scalar alone, and tor keeps the scalar without the seed. It is done once a start, on our own
// machine, so that the time it takes tells nobody anything.
var (
	prime, _ = new(big.Int).SetString("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed", 16)
	curveD   = mod(new(big.Int).Mul(big.NewInt(-121665), inverse(big.NewInt(121666))))
	baseY    = mod(new(big.Int).Mul(big.NewInt(4), inverse(big.NewInt(5))))
	baseX, _ = new(big.Int).SetString("216936d3cd6e53fec0a4e231fdd6dc5c692cc7609525a7b2c9562d608f25d51a", 16)
)

func mod(n *big.Int) *big.Int     { return n.Mod(n, prime) }
func inverse(n *big.Int) *big.Int { return new(big.Int).ModInverse(n, prime) }
func times(a, b *big.Int) *big.Int {
	return mod(new(big.Int).Mul(a, b))
}

// publicKey is the encoded point that a little-endian scalar leads to.
func publicKey(scalar []byte) []byte {
	be := slices.Clone(scalar)
	slices.Reverse(be)
	n := new(big.Int).SetBytes(be)
	x, y := new(big.Int), big.NewInt(1)
	for i := n.BitLen() - 1; i >= 0; i-- {
		x, y = add(x, y, x, y)
		if n.Bit(i) == 1 {
			x, y = add(x, y, baseX, baseY)
		}
	}
	out := y.FillBytes(make([]byte, 32))
	slices.Reverse(out)
	out[31] |= byte(x.Bit(0)) << 7
	return out
}

// add is the complete addition of points.
func add(x1, y1, x2, y2 *big.Int) (x, y *big.Int) {
	xx, yy := times(x1, x2), times(y1, y2)
	cross := times(curveD, times(xx, yy))
	one := big.NewInt(1)
	x = times(mod(new(big.Int).Add(times(x1, y2), times(y1, x2))), inverse(mod(new(big.Int).Add(one, cross))))
	y = times(mod(new(big.Int).Add(yy, xx)), inverse(mod(new(big.Int).Sub(one, cross))))
	return x, y
}
