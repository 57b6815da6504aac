package descriptor

import (
	"bytes"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/errs"
)

// Taproot is what a taproot output commits to (BIP341).
type Taproot struct {
	InternalKey [32]byte
	MerkleRoot  []byte // 32 bytes; nil without scripts
	OutputKey   [32]byte
	Parity      byte   // of the output key's y: 0 or 1
	Leaves      []Leaf // from left to right, depth first, as PSBT_OUT_TAP_TREE wants them
}

// Leaf is a script of a taproot tree.
type Leaf struct {
	Script       []byte
	Version      byte // 0xc0 for tapscript (BIP342)
	Depth        int
	ControlBlock []byte   // proof that the output commits to the leaf
	Hash         [32]byte // the tapleaf hash
}

// NewTaproot computes the output for an internal key and the leaves of a tree, given from
// left to right with Script, Version and Depth (BIP341, BIP371). No leaves means no scripts.
// The leaves are copied; their hashes and control blocks are filled in.
func NewTaproot(internal [32]byte, leaves []Leaf) (*Taproot, error) {
	t := &Taproot{InternalKey: internal, Leaves: append([]Leaf(nil), leaves...)}
	paths := make([][]byte, len(leaves))
	if err := t.merkle(paths); err != nil {
		return nil, err
	}
	if err := t.tweak(); err != nil {
		return nil, err
	}
	for i := range t.Leaves {
		l := &t.Leaves[i]
		block := append([]byte{l.Version | t.Parity}, internal[:]...)
		l.ControlBlock = append(block, paths[i]...)
	}
	return t, nil
}

// subtree is a finished part of the tree: its hash and which leaves lie in it.
type subtree struct {
	hash        chainhash.Hash
	depth       int
	first, last int // leaves, last not included
}

// merkle folds the leaves into the root and collects every leaf's path to it.
func (t *Taproot) merkle(paths [][]byte) error {
	var stack []subtree
	for i := range t.Leaves {
		l := &t.Leaves[i]
		if l.Version&1 != 0 || l.Depth < 0 || l.Depth > maxTreeDepth {
			return errs.Bad(errs.Malformed, "leaf %d of the taproot tree has an impossible version or depth", i+1)
		}
		l.Hash = TapLeafHash(l.Script, l.Version)
		stack = append(stack, subtree{hash: l.Hash, depth: l.Depth, first: i, last: i + 1})
		for n := len(stack); n >= 2 && stack[n-1].depth == stack[n-2].depth; n = len(stack) {
			a, b := stack[n-2], stack[n-1]
			if a.depth == 0 {
				return errs.Bad(errs.Malformed, "the leaves make more than one taproot tree")
			}
			addPath(paths[a.first:a.last], b.hash)
			addPath(paths[b.first:b.last], a.hash)
			stack = append(stack[:n-2], subtree{tapBranchHash(a.hash, b.hash), a.depth - 1, a.first, b.last})
		}
	}
	if len(stack) == 0 {
		return nil
	}
	if len(stack) != 1 || stack[0].depth != 0 {
		return errs.Bad(errs.Malformed, "the leaves do not make a whole taproot tree")
	}
	t.MerkleRoot = append([]byte(nil), stack[0].hash[:]...)
	return nil
}

func addPath(paths [][]byte, hash chainhash.Hash) {
	for i := range paths {
		paths[i] = append(paths[i], hash[:]...)
	}
}

// TapLeafHash hashes a script of a leaf version (BIP341).
func TapLeafHash(script []byte, version byte) [32]byte {
	return *chainhash.TaggedHash(chainhash.TagTapLeaf, []byte{version}, compactSize(len(script)), script)
}

func tapBranchHash(a, b chainhash.Hash) chainhash.Hash {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	return *chainhash.TaggedHash(chainhash.TagTapBranch, a[:], b[:])
}

// compactSize encodes a length as transactions do.
func compactSize(n int) []byte {
	switch {
	case n < 0xfd:
		return []byte{byte(n)}
	case n <= 0xffff:
		return []byte{0xfd, byte(n), byte(n >> 8)}
	}
	return []byte{0xfe, byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}
}

// tweak computes the output key.
func (t *Taproot) tweak() error {
	point, err := schnorr.ParsePubKey(t.InternalKey[:])
	if err != nil {
		return errs.Bad(errs.BadKey, "the internal key of the taproot output is no point of the curve")
	}
	var s btcec.ModNScalar
	h := chainhash.TaggedHash(chainhash.TagTapTweak, t.InternalKey[:], t.MerkleRoot)
	if s.SetByteSlice(h[:]) {
		return errs.Bad(errs.BadKey, "the taproot tweak is out of range (1 in 2^127); use the next index")
	}
	var tG, sum btcec.JacobianPoint
	btcec.ScalarBaseMultNonConst(&s, &tG)
	p := jacobian(point)
	btcec.AddNonConst(&tG, &p, &sum)
	if sum.Z.IsZero() {
		return errs.Bad(errs.BadKey, "the taproot output key does not exist; use the next index")
	}
	sum.ToAffine()
	out := btcec.NewPublicKey(&sum.X, &sum.Y).SerializeCompressed()
	t.Parity = out[0] & 1
	copy(t.OutputKey[:], out[1:])
	return nil
}
