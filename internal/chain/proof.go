package chain

import (
	"context"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/errs"
)

// Prover can prove that a transaction is in a block, so that the source need not be believed.
type Prover interface {
	// Proof fetches the proof for a transaction in a block of the active chain. errs.Unavailable
	// where the node has pruned the block, errs.NotFound where block or transaction are not there.
	Proof(ctx context.Context, txid chainhash.Hash, b Block) (Proof, error)
}

// Proof shows that a block commits to a transaction: the block's header with a branch of its
// merkle tree (BIP37).
type Proof struct {
	Merkle *wire.MsgMerkleBlock
}

// Check holds a proof against a transaction and the header of its block, which the caller has of
// a chain that is believed: the merkle branch leads from the transaction to that very header. tx
// is the whole transaction: one of 64 bytes could be an inner node of the tree, and proves
// nothing.
func (p Proof) Check(h wire.BlockHeader, tx *wire.MsgTx) error {
	if p.Merkle == nil {
		return errs.E(errs.Invalid, "the node gave no proof")
	}
	if tx.SerializeSizeStripped() == 64 {
		return errs.E(errs.Invalid, "a transaction of 64 bytes cannot be proved")
	}
	if p.Merkle.Header.BlockHash() != h.BlockHash() {
		return errs.E(errs.Invalid, "the proof is of another block")
	}
	root, matched, err := merkleRoot(p.Merkle)
	if err != nil {
		return err
	}
	if root != h.MerkleRoot {
		return errs.E(errs.Invalid, "the proof does not lead to the block")
	}
	if len(matched) != 1 || matched[0] != tx.TxHash() {
		return errs.E(errs.Invalid, "the proof is of another transaction")
	}
	return nil
}

// maxBlockTxs bounds the transactions of a block: 4,000,000 weight units by 240 of the smallest.
const maxBlockTxs = 4_000_000 / 240

// merkleRoot walks the partial tree of BIP37 and returns its root and the marked leaves. Every
// hash and every bit must be used, and no two siblings may be equal (CVE-2012-2459).
func merkleRoot(m *wire.MsgMerkleBlock) (root chainhash.Hash, matched []chainhash.Hash, err error) {
	broken := errs.E(errs.Invalid, "the merkle tree of the proof is malformed")
	if m.Transactions == 0 || m.Transactions > maxBlockTxs || len(m.Hashes) == 0 || len(m.Hashes) > int(m.Transactions) || len(m.Flags)*8 < len(m.Hashes) {
		return root, nil, broken
	}
	w := &merkleWalk{m: m}
	height := 0
	for w.width(height) > 1 {
		height++
	}
	root = w.walk(height, 0)
	if w.bad || w.hash != len(m.Hashes) || (w.bit+7)/8 != len(m.Flags) {
		return root, nil, broken
	}
	for i := w.bit; i < len(m.Flags)*8; i++ {
		if m.Flags[i/8]>>(i%8)&1 == 1 {
			return root, nil, broken
		}
	}
	return root, w.matched, nil
}

// merkleWalk is where a walk through a partial tree stands.
type merkleWalk struct {
	m         *wire.MsgMerkleBlock
	bit, hash int
	matched   []chainhash.Hash
	bad       bool
}

// width is the number of nodes at a height above the leaves.
func (w *merkleWalk) width(height int) int {
	return (int(w.m.Transactions) + 1<<height - 1) >> height
}

func (w *merkleWalk) walk(height, pos int) chainhash.Hash {
	if w.bad || w.bit >= len(w.m.Flags)*8 {
		w.bad = true
		return chainhash.Hash{}
	}
	flag := w.m.Flags[w.bit/8]>>(w.bit%8)&1 == 1
	w.bit++
	if height == 0 || !flag {
		if w.hash >= len(w.m.Hashes) {
			w.bad = true
			return chainhash.Hash{}
		}
		h := *w.m.Hashes[w.hash]
		w.hash++
		if flag {
			w.matched = append(w.matched, h)
		}
		return h
	}
	left := w.walk(height-1, pos*2)
	right := left
	if pos*2+1 < w.width(height-1) {
		if right = w.walk(height-1, pos*2+1); right == left {
			w.bad = true
		}
	}
	return merklePair(left, right)
}

func merklePair(left, right chainhash.Hash) chainhash.Hash {
	return chainhash.DoubleHashH(append(left.CloneBytes(), right[:]...))
}

// MerkleProof makes the partial tree of BIP37 for one transaction of a block, as a node does.
func MerkleProof(block *wire.MsgBlock, pos int) *wire.MsgMerkleBlock {
	m := &wire.MsgMerkleBlock{Header: block.Header, Transactions: uint32(len(block.Transactions))}
	levels := [][]chainhash.Hash{nil}
	for _, tx := range block.Transactions {
		levels[0] = append(levels[0], tx.TxHash())
	}
	for last := levels[0]; len(last) > 1; last = levels[len(levels)-1] {
		var up []chainhash.Hash
		for i := 0; i < len(last); i += 2 {
			up = append(up, merklePair(last[i], last[min(i+1, len(last)-1)]))
		}
		levels = append(levels, up)
	}
	var bits []bool
	var walk func(height, i int)
	walk = func(height, i int) {
		above := pos>>height == i
		bits = append(bits, above)
		if height == 0 || !above {
			m.Hashes = append(m.Hashes, &levels[height][i])
			return
		}
		walk(height-1, 2*i)
		if 2*i+1 < len(levels[height-1]) {
			walk(height-1, 2*i+1)
		}
	}
	walk(len(levels)-1, 0)
	m.Flags = make([]byte, (len(bits)+7)/8)
	for i, b := range bits {
		if b {
			m.Flags[i/8] |= 1 << (i % 8)
		}
	}
	return m
}
