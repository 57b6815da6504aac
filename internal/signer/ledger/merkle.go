package ledger

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"github.com/btcsuite/btcd/wire/v2"
)

type hash = [32]byte

// leafOf is what a tree holds of an element: SHA-256(00 ‖ element), as RFC 6962.
func leafOf(element []byte) hash { return sha256.Sum256(append([]byte{0}, element...)) }

func join(a, b hash) hash { return sha256.Sum256(slices.Concat([]byte{1}, a[:], b[:])) }

// tree is a Merkle tree of RFC 6962 with all its levels: level 0 are the leaves, and a node
// without a brother is its own parent. That gives RFC 6962's left-complete trees.
type tree struct {
	levels [][]hash
	places map[hash]int // of leaves; of equal leaves the first
}

func newTree(elements [][]byte) *tree {
	t := &tree{places: make(map[hash]int, len(elements))}
	level := make([]hash, len(elements))
	for i, e := range elements {
		level[i] = leafOf(e)
		if _, twice := t.places[level[i]]; !twice {
			t.places[level[i]] = i
		}
	}
	for {
		t.levels = append(t.levels, level)
		if len(level) <= 1 {
			return t
		}
		up := make([]hash, 0, (len(level)+1)/2)
		for i := 0; i+1 < len(level); i += 2 {
			up = append(up, join(level[i], level[i+1]))
		}
		if len(level)%2 == 1 {
			up = append(up, level[len(level)-1])
		}
		level = up
	}
}

// root is 32 zero bytes for an empty list.
func (t *tree) root() hash {
	top := t.levels[len(t.levels)-1]
	if len(top) == 0 {
		return hash{}
	}
	return top[0]
}

func (t *tree) size() int { return len(t.levels[0]) }

// prove lists the brothers on the way from leaf i to the root.
func (t *tree) prove(i int) []hash {
	var proof []hash
	for _, level := range t.levels[:len(t.levels)-1] {
		if b := i ^ 1; b < len(level) {
			proof = append(proof, level[b])
		}
		i >>= 1
	}
	return proof
}

// pair is an entry of a PSBT's map.
type pair struct{ key, value []byte }

// compactSize writes Bitcoin's variable-length integer.
func compactSize(n int) []byte {
	var b bytes.Buffer
	_ = wire.WriteVarInt(&b, 0, uint64(n))
	return b.Bytes()
}

// commitment is a map's: number of entries, root of its sorted keys, root of its values.
func commitment(m []pair) []byte {
	keys, values := columns(m)
	k, v := newTree(keys).root(), newTree(values).root()
	return slices.Concat(compactSize(len(m)), k[:], v[:])
}

// columns gives keys and values of a map in the order of the keys.
func columns(m []pair) (keys, values [][]byte) {
	slices.SortFunc(m, func(a, b pair) int { return bytes.Compare(a.key, b.key) })
	for _, p := range m {
		keys, values = append(keys, p.key), append(values, p.value)
	}
	return keys, values
}
