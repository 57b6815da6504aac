package codec1

import (
	"bytes"
	"slices"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
	"specter/internal/signer/protolite"
)

// maxCosigners is how many keys a multisig script may have; the devices' limit.
const maxCosigners = 15

// cosigner is a key of a multisig script: an extended key and the unhardened path from there, or
// a plain key, whose node then has depth 0 and an empty chain code.
type cosigner struct {
	node btc.XKey
	path btc.Path
	pub  []byte // 33 bytes: what stands in the script
}

// plain reports whether only the key itself is known.
func (c cosigner) plain() bool { return c.node.ChainCode == [32]byte{} }

// multisig is a multisig script as the device is told it.
type multisig struct {
	need   int
	keys   []cosigner // in the order of the script
	sorted bool       // the device sorts the keys itself
}

// encode writes MultisigRedeemScriptType. Keys that the device sorts are given in one order for
// all scripts of a wallet, so that the device sees that they are of one wallet.
func (m multisig) encode() protolite.Builder {
	keys := slices.Clone(m.keys)
	if m.sorted {
		slices.SortFunc(keys, func(a, b cosigner) int {
			return bytes.Compare(append(a.node.PublicKey[:], a.node.ChainCode[:]...), append(b.node.PublicKey[:], b.node.ChainCode[:]...))
		})
	}
	var out protolite.Builder
	for _, k := range keys {
		out = out.Message(1, protolite.Builder{}.Message(1, writeNode(k.node)).Uint32s(2, k.path))
	}
	for range keys {
		out = out.Bytes(2, nil)
	}
	out = out.Uint(3, uint64(m.need))
	if m.sorted {
		out = out.Uint(6, Lexicographic)
	}
	return out
}

// inOrder reports whether the keys of the script are sorted (BIP67).
func (m multisig) inOrder() bool {
	return slices.IsSortedFunc(m.keys, func(a, b cosigner) int { return bytes.Compare(a.pub, b.pub) })
}

// parseMultisig reads a script "m keys n OP_CHECKMULTISIG" with compressed keys alone; ok is
// false for any other script.
func parseMultisig(script []byte) (need int, keys [][]byte, ok bool) {
	const op1, opCheckMultisig = 0x51, 0xae
	if len(script) < 3 {
		return 0, nil, false
	}
	need, rest := int(script[0])-op1+1, script[1:]
	for len(rest) >= 34 && rest[0] == 33 {
		keys, rest = append(keys, rest[1:34]), rest[34:]
	}
	ok = len(rest) == 2 && int(rest[0])-op1+1 == len(keys) && rest[1] == opCheckMultisig &&
		need >= 1 && need <= len(keys) && len(keys) <= maxCosigners
	return need, keys, ok
}

// keyring are the extended keys that keys of a transaction may come from.
type keyring []ringKey

type ringKey struct {
	origin btc.KeyOrigin
	key    btc.XKey
}

// ringOf collects the keys of a wallet and the global ones of a PSBT.
func ringOf(w signer.Wallet, tx *psbt.Packet) keyring {
	var ring keyring
	if w.Descriptor != nil {
		for _, k := range w.Descriptor.Keys() {
			switch {
			case k.XKey == nil:
			case k.Origin == nil:
				ring = append(ring, ringKey{btc.KeyOrigin{Fingerprint: k.XKey.Fingerprint()}, *k.XKey})
			default:
				ring = append(ring, ringKey{*k.Origin, *k.XKey})
			}
		}
	}
	for _, x := range tx.XPubs {
		if key, err := x.Key(); err == nil {
			ring = append(ring, ringKey{x.Origin, key.Public()})
		}
	}
	return ring
}

// find tells from which extended key a public key of the given origin derives.
func (r keyring) find(pub []byte, o btc.KeyOrigin) (cosigner, bool) {
	for _, k := range r {
		n := len(k.origin.Path)
		if k.origin.Fingerprint != o.Fingerprint || len(o.Path) < n || !slices.Equal(o.Path[:n], k.origin.Path) || o.Path[n:].HasHardened() {
			continue
		}
		if child, err := k.key.Derive(o.Path[n:]); err == nil && bytes.Equal(child.PublicKey[:], pub) {
			return cosigner{k.key, slices.Clone(o.Path[n:]), pub}, true
		}
	}
	return cosigner{}, false
}

// cosigners describes the keys of a script.
func (r keyring) cosigners(keys [][]byte, from []psbt.Derivation) []cosigner {
	out := make([]cosigner, len(keys))
	for i, pub := range keys {
		out[i] = plainKey(pub)
		for _, d := range from {
			if !bytes.Equal(d.PubKey, pub) {
				continue
			}
			if c, ok := r.find(pub, d.Origin); ok {
				out[i] = c
			}
		}
	}
	return out
}

func plainKey(pub []byte) cosigner {
	c := cosigner{pub: pub}
	copy(c.node.PublicKey[:], pub)
	return c
}

// ofDescriptor describes the multisig script of a single-path descriptor at an index.
func ofDescriptor(d *descriptor.Descriptor, out *descriptor.Output, index uint32) (multisig, error) {
	script := out.WitnessScript
	if script == nil {
		script = out.RedeemScript
	}
	need, pubs, ok := parseMultisig(script)
	if !ok {
		return multisig{}, signer.E(signer.CodeUnavailable, "this device can do multisig scripts of at most %d compressed keys, and this wallet's script is another", maxCosigners)
	}
	m := multisig{need: need}
	for _, pub := range pubs {
		c := plainKey(pub)
		for _, k := range d.Keys() {
			if found, ok := behind(k, index, pub); ok {
				c = found
				break
			}
		}
		m.keys = append(m.keys, c)
	}
	return m, nil
}

// behind reports how a key expression derives a public key at an index.
func behind(k descriptor.Key, index uint32, pub []byte) (cosigner, bool) {
	if k.XKey == nil {
		return cosigner{}, false
	}
	var path btc.Path
	for _, step := range splitPath(k.Path) {
		n := index
		if step != "*" {
			var err error
			if n, err = btc.ParsePathStep(step); err != nil {
				return cosigner{}, false
			}
		}
		path = append(path, n)
	}
	if path.HasHardened() {
		return cosigner{}, false
	}
	child, err := k.XKey.Derive(path)
	return cosigner{*k.XKey, path, pub}, err == nil && bytes.Equal(child.PublicKey[:], pub)
}
