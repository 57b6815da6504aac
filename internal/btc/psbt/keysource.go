package psbt

import (
	"bytes"
	"slices"

	"github.com/btcsuite/btcd/btcec/v2"

	"specter/internal/btc"
)

// KeySource gives private keys to Sign.
type KeySource interface {
	// PrivateKey returns the private key of a public key (33 or 65 bytes, or 32 x-only). origin
	// says where it comes from according to the PSBT and may be nil; it is a hint from outside,
	// so Sign checks that the key that comes back is the right one.
	PrivateKey(pub []byte, origin *btc.KeyOrigin) (*btcec.PrivateKey, bool)
}

// keyLister is a KeySource of a few single keys; Sign looks for them in scripts even where
// the PSBT tells no derivations.
type keyLister interface {
	publicKeys() []*btcec.PublicKey
}

// Keys is a KeySource of single private keys, such as those of WIF texts.
func Keys(keys ...*btcec.PrivateKey) KeySource { return singleKeys(slices.Clone(keys)) }

type singleKeys []*btcec.PrivateKey

func (s singleKeys) PrivateKey(pub []byte, _ *btc.KeyOrigin) (*btcec.PrivateKey, bool) {
	for _, k := range s {
		if isKeyOf(k, pub) {
			return k, true
		}
	}
	return nil, false
}

func (s singleKeys) publicKeys() []*btcec.PublicKey {
	out := make([]*btcec.PublicKey, len(s))
	for i, k := range s {
		out[i] = k.PubKey()
	}
	return out
}

// ExtendedKey is a KeySource of what a private extended key derives. origin says where k itself
// comes from; for a master key it is the zero value.
func ExtendedKey(k btc.XKey, origin btc.KeyOrigin) KeySource {
	if origin.Fingerprint.IsZero() && len(origin.Path) == 0 {
		origin.Fingerprint = k.Fingerprint()
	}
	return extendedKey{k, origin}
}

type extendedKey struct {
	key    btc.XKey
	origin btc.KeyOrigin
}

func (e extendedKey) PrivateKey(_ []byte, origin *btc.KeyOrigin) (*btcec.PrivateKey, bool) {
	if origin == nil {
		return nil, false
	}
	rest, ok := pathBelow(e.origin, *origin)
	if !ok && origin.Fingerprint == e.key.Fingerprint() {
		rest, ok = origin.Path, true // told from the key itself, as where its origin is unknown
	}
	if !ok {
		return nil, false
	}
	child, err := e.key.Derive(rest)
	if err != nil {
		return nil, false
	}
	return child.PrivateKey()
}

// pathBelow returns the steps from parent to child if child comes from parent.
func pathBelow(parent, child btc.KeyOrigin) (btc.Path, bool) {
	n := len(parent.Path)
	if parent.Fingerprint != child.Fingerprint || len(child.Path) < n || !slices.Equal(child.Path[:n], parent.Path) {
		return nil, false
	}
	return child.Path[n:], true
}

// Sources is a KeySource that asks several in turn.
func Sources(list ...KeySource) KeySource { return keySources(slices.Clone(list)) }

type keySources []KeySource

func (s keySources) PrivateKey(pub []byte, origin *btc.KeyOrigin) (*btcec.PrivateKey, bool) {
	for _, source := range s {
		if k, ok := source.PrivateKey(pub, origin); ok && isKeyOf(k, pub) {
			return k, true
		}
	}
	return nil, false
}

func (s keySources) publicKeys() []*btcec.PublicKey {
	var out []*btcec.PublicKey
	for _, source := range s {
		if l, ok := source.(keyLister); ok {
			out = append(out, l.publicKeys()...)
		}
	}
	return out
}

// isKeyOf reports whether a private key belongs to a public key in any of its forms.
func isKeyOf(k *btcec.PrivateKey, pub []byte) bool {
	if k == nil {
		return false
	}
	p := k.PubKey()
	switch len(pub) {
	case 32:
		return bytes.Equal(p.SerializeCompressed()[1:], pub)
	case 33:
		return bytes.Equal(p.SerializeCompressed(), pub)
	}
	return bytes.Equal(p.SerializeUncompressed(), pub)
}
