package btc

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/binary"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/errs"
)

// XKey is a BIP32 extended key, public or private. It is a value: deriving returns a new one.
type XKey struct {
	Depth       uint8
	Parent      Fingerprint // parent's fingerprint; zero at depth 0
	ChildIndex  uint32
	ChainCode   [32]byte
	PublicKey   [33]byte // compressed
	Main        bool     // mainnet version bytes (xpub, xprv), else the test networks' (tpub, tprv)
	private     [32]byte
	hasPrivate  bool
	parsedPoint *btcec.PublicKey // filled by parsing; spares a square root per derivation
}

// IsPrivate reports whether the key carries its private part.
func (k XKey) IsPrivate() bool { return k.hasPrivate }

// PrivateKey returns the private part; ok is false for a public key.
func (k XKey) PrivateKey() (key *btcec.PrivateKey, ok bool) {
	if !k.hasPrivate {
		return nil, false
	}
	priv, _ := btcec.PrivKeyFromBytes(k.private[:])
	return priv, true
}

// Public returns the key without its private part.
func (k XKey) Public() XKey {
	k.private, k.hasPrivate = [32]byte{}, false
	return k
}

// Fingerprint returns the key's own fingerprint: hash160 of the public key, first four bytes.
func (k XKey) Fingerprint() Fingerprint {
	var f Fingerprint
	copy(f[:], address.Hash160(k.PublicKey[:]))
	return f
}

// Hash160 is RIPEMD-160 of SHA-256: the hash of P2PKH, P2SH and key fingerprints.
func Hash160(b []byte) []byte { return address.Hash160(b) }

// Identical reports whether two keys have the same public key and chain code, whatever
// their version bytes, depth or origin say.
func (k XKey) Identical(o XKey) bool {
	return k.PublicKey == o.PublicKey && k.ChainCode == o.ChainCode
}

// Child derives one step (BIP32 CKDpriv, CKDpub). A hardened step needs a private key.
func (k XKey) Child(i uint32) (XKey, error) {
	if i&Hardened != 0 && !k.hasPrivate {
		return XKey{}, errs.Bad(errs.BadPath, "a hardened step cannot be derived from a public key")
	}
	if k.Depth == 255 {
		return XKey{}, errs.Bad(errs.BadPath, "the key is at the greatest depth already")
	}
	var data [37]byte
	if i&Hardened != 0 {
		copy(data[1:33], k.private[:])
	} else {
		copy(data[:33], k.PublicKey[:])
	}
	binary.BigEndian.PutUint32(data[33:], i)
	mac := hmac.New(sha512.New, k.ChainCode[:])
	mac.Write(data[:])
	sum := mac.Sum(nil)

	var tweak btcec.ModNScalar
	if overflow := tweak.SetByteSlice(sum[:32]); overflow {
		return XKey{}, errs.Bad(errs.BadPath, "this child does not exist (1 in 2^127); use the next index")
	}
	c := XKey{Depth: k.Depth + 1, Parent: k.Fingerprint(), ChildIndex: i, Main: k.Main}
	copy(c.ChainCode[:], sum[32:])
	if k.hasPrivate {
		return k.childPrivate(c, &tweak)
	}
	return k.childPublic(c, &tweak)
}

var errNoChild = errs.Bad(errs.BadPath, "this child does not exist (1 in 2^127); use the next index")

func (k XKey) childPrivate(c XKey, tweak *btcec.ModNScalar) (XKey, error) {
	var d btcec.ModNScalar
	d.SetByteSlice(k.private[:])
	if d.Add(tweak).IsZero() {
		return XKey{}, errNoChild
	}
	c.private, c.hasPrivate = d.Bytes(), true
	priv, pub := btcec.PrivKeyFromBytes(c.private[:])
	priv.Zero()
	c.parsedPoint = pub
	copy(c.PublicKey[:], pub.SerializeCompressed())
	return c, nil
}

func (k XKey) childPublic(c XKey, tweak *btcec.ModNScalar) (XKey, error) {
	point, err := k.point()
	if err != nil {
		return XKey{}, err
	}
	var tG, sum, parent btcec.JacobianPoint
	btcec.ScalarBaseMultNonConst(tweak, &tG)
	point.AsJacobian(&parent)
	btcec.AddNonConst(&tG, &parent, &sum)
	if sum.Z.IsZero() {
		return XKey{}, errNoChild
	}
	sum.ToAffine()
	c.parsedPoint = btcec.NewPublicKey(&sum.X, &sum.Y)
	copy(c.PublicKey[:], c.parsedPoint.SerializeCompressed())
	return c, nil
}

func (k XKey) point() (*btcec.PublicKey, error) {
	if k.parsedPoint != nil {
		return k.parsedPoint, nil
	}
	p, err := btcec.ParsePubKey(k.PublicKey[:])
	if err != nil {
		return nil, errs.Bad(errs.BadKey, "the extended key holds no point of the curve: %w", err)
	}
	return p, nil
}

// Derive follows a path from the key.
func (k XKey) Derive(p Path) (XKey, error) {
	var err error
	for _, i := range p {
		if k, err = k.Child(i); err != nil {
			return XKey{}, err
		}
	}
	return k, nil
}

// NewMaster makes the master key of a seed of 16 to 64 bytes (BIP32).
func NewMaster(seed []byte, main bool) (XKey, error) {
	if len(seed) < 16 || len(seed) > 64 {
		return XKey{}, errs.Bad(errs.BadKey, "a seed has 16 to 64 bytes, this one %d", len(seed))
	}
	mac := hmac.New(sha512.New, []byte("Bitcoin seed"))
	mac.Write(seed)
	sum := mac.Sum(nil)
	return NewPrivateXKey(sum[:32], sum[32:], main)
}

// NewPrivateXKey makes a depth-0 private extended key of a 32-byte key and chain code.
func NewPrivateXKey(key, chainCode []byte, main bool) (XKey, error) {
	k := XKey{Main: main, hasPrivate: true}
	if len(key) != 32 || len(chainCode) != 32 {
		return XKey{}, errs.Bad(errs.BadKey, "a private key and a chain code have 32 bytes each")
	}
	var d btcec.ModNScalar
	if d.SetByteSlice(key) || d.IsZero() {
		return XKey{}, errs.Bad(errs.BadKey, "the private key is zero or not below the group order")
	}
	copy(k.private[:], key)
	copy(k.ChainCode[:], chainCode)
	_, pub := btcec.PrivKeyFromBytes(key)
	k.parsedPoint = pub
	copy(k.PublicKey[:], pub.SerializeCompressed())
	return k, nil
}

// NewPublicXKey makes a public extended key of its parts; the public key is checked.
func NewPublicXKey(pub []byte, chainCode [32]byte, depth uint8, parent Fingerprint, child uint32, main bool) (XKey, error) {
	k := XKey{Depth: depth, Parent: parent, ChildIndex: child, ChainCode: chainCode, Main: main}
	p, err := btcec.ParsePubKey(pub)
	if err != nil || len(pub) != 33 {
		return XKey{}, errs.Bad(errs.BadKey, "the extended key holds no compressed point of the curve")
	}
	k.parsedPoint = p
	copy(k.PublicKey[:], pub)
	return k, nil
}

// String prints the canonical form: xpub or tpub, xprv or tprv. Private keys print too: a
// caller that shows keys calls Public first.
func (k XKey) String() string { return k.Encode(k.defaultVersion()) }

func (k XKey) defaultVersion() [4]byte {
	switch {
	case k.Main && k.hasPrivate:
		return [4]byte{0x04, 0x88, 0xad, 0xe4}
	case k.Main:
		return [4]byte{0x04, 0x88, 0xb2, 0x1e}
	case k.hasPrivate:
		return [4]byte{0x04, 0x35, 0x83, 0x94}
	}
	return [4]byte{0x04, 0x35, 0x87, 0xcf}
}

// Serialize returns the 78 bytes of BIP32 with the canonical version.
func (k XKey) Serialize() []byte { return k.serialize(k.defaultVersion()) }

func (k XKey) serialize(version [4]byte) []byte {
	b := make([]byte, 0, 82)
	b = append(b, version[:]...)
	b = append(b, k.Depth)
	b = append(b, k.Parent[:]...)
	b = binary.BigEndian.AppendUint32(b, k.ChildIndex)
	b = append(b, k.ChainCode[:]...)
	if k.hasPrivate {
		b = append(b, 0)
		return append(b, k.private[:]...)
	}
	return append(b, k.PublicKey[:]...)
}

// Encode prints the key under given version bytes (SLIP-132). Under a public version a private
// key prints its public part alone; a public key must not be asked for a private version.
func (k XKey) Encode(version [4]byte) string {
	if v, known := VersionOf(version); known && !v.Private {
		k = k.Public()
	}
	b := k.serialize(version)
	sum := chainhash.DoubleHashB(b)
	return base58.Encode(append(b, sum[:4]...))
}

// ParseXKey reads an extended key of any registered version (BIP32, SLIP-132) and tells its
// version entry, which names the script type that its prefix stands for.
func ParseXKey(s string) (XKey, Version, error) {
	if len(s) > 130 {
		return XKey{}, Version{}, errs.Bad(errs.BadKey, "the extended key is too long")
	}
	raw := base58.Decode(s)
	if len(raw) != 82 {
		return XKey{}, Version{}, errs.Bad(errs.BadKey, "this is no extended key: it has not 78 bytes and a checksum in Base58")
	}
	sum := chainhash.DoubleHashB(raw[:78])
	if !bytes.Equal(sum[:4], raw[78:]) {
		return XKey{}, Version{}, errs.Bad(errs.BadKey, "the extended key's checksum is wrong; a character was mistyped")
	}
	return DecodeXKey(raw[:78])
}

// DecodeXKey reads the 78 bytes of a serialized extended key.
func DecodeXKey(raw []byte) (XKey, Version, error) {
	if len(raw) != 78 {
		return XKey{}, Version{}, errs.Bad(errs.BadKey, "an extended key has 78 bytes, this one %d", len(raw))
	}
	v, ok := VersionOf([4]byte(raw[:4]))
	if !ok {
		return XKey{}, Version{}, errs.Bad(errs.BadKey, "the extended key has the unknown version %x", raw[:4])
	}
	k := XKey{Depth: raw[4], ChildIndex: binary.BigEndian.Uint32(raw[9:13]), Main: v.Main}
	copy(k.Parent[:], raw[5:9])
	copy(k.ChainCode[:], raw[13:45])
	if k.Depth == 0 && (!k.Parent.IsZero() || k.ChildIndex != 0) {
		return XKey{}, Version{}, errs.Bad(errs.BadKey, "a master key (depth 0) must have neither parent nor index")
	}
	if v.Private {
		if raw[45] != 0 {
			return XKey{}, Version{}, errs.Bad(errs.BadKey, "the version is a private key's, the data a public key's")
		}
		full, err := NewPrivateXKey(raw[46:78], k.ChainCode[:], k.Main)
		if err != nil {
			return XKey{}, Version{}, err
		}
		full.Depth, full.Parent, full.ChildIndex = k.Depth, k.Parent, k.ChildIndex
		return full, v, nil
	}
	full, err := NewPublicXKey(raw[45:78], k.ChainCode, k.Depth, k.Parent, k.ChildIndex, k.Main)
	return full, v, err
}
