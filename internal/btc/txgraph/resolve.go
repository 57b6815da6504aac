package txgraph

import (
	"bytes"
	"slices"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// resolve decides which members count, and why the others do not. The highest rank is asked
// first and takes its unconfirmed ancestors along: who saw the child late knows that its parent
// was still around then. The order is fixed, so that even facts that contradict each other have
// one answer.
func (g *graph) resolve() {
	for _, n := range g.nodes {
		switch {
		case n.confirmed():
			n.living = alive
		case n.head.Gone || n.tx != nil && isCoinbase(n.tx): // a coinbase outside the chain is nothing
			n.living = dead
		}
	}
	members := g.members()
	slices.SortFunc(members, func(a, b *node) int {
		if outranks(a, b) {
			return -1
		}
		return 1
	})
	for _, n := range members {
		g.accept(n)
	}
	for _, n := range members {
		g.classify(n, 0)
	}
}

// accept lets a transaction count together with its undecided ancestors, when nothing that
// counts already spends their inputs and they do not contradict each other.
func (g *graph) accept(n *node) {
	if n.living != unknown {
		return
	}
	pack := map[*node]bool{}
	if !g.gather(n, pack) {
		return
	}
	for p := range pack {
		for _, op := range inputs(p) {
			if slices.ContainsFunc(g.claims[op], func(r *node) bool { return r != p && pack[r] }) {
				n.living = dead // it spends what its own ancestor spends
				return
			}
		}
	}
	for p := range pack {
		p.living = alive
	}
}

// gather collects a transaction and its undecided ancestors. It reports false, and marks as dead
// what is lost for good, when one of them cannot count.
func (g *graph) gather(n *node, pack map[*node]bool) bool {
	if n.living != unknown || pack[n] {
		return n.living != dead
	}
	pack[n] = true
	for _, op := range inputs(n) {
		p := g.nodes[op.Hash]
		if g.taken(op, n) || p != nil && !g.gather(p, pack) {
			n.living = dead
			return false
		}
	}
	return true
}

// taken reports whether something that counts spends an outpoint, other than n.
func (g *graph) taken(op wire.OutPoint, n *node) bool {
	return slices.ContainsFunc(g.claims[op], func(r *node) bool { return r != n && r.living == alive })
}

// members lists the nodes whose rows are computed again, in order of their ids.
func (g *graph) members() []*node {
	var out []*node
	for _, n := range g.nodes {
		if n.member {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b *node) int { return bytes.Compare(a.id[:], b.id[:]) })
	return out
}

// outranks says which of two transactions wins a coin that both spend.
func outranks(a, b *node) bool {
	if a.confirmed() != b.confirmed() {
		return a.confirmed()
	}
	if a.confirmed() && a.head.Block.Height != b.head.Block.Height {
		return a.head.Block.Height > b.head.Block.Height
	}
	if a.head.Seen != b.head.Seen {
		return a.head.Seen > b.head.Seen
	}
	return bytes.Compare(a.id[:], b.id[:]) > 0
}

// inputs lists what a transaction spends; nothing for a coinbase or unreadable bytes.
func inputs(n *node) []wire.OutPoint {
	if n.tx == nil || isCoinbase(n.tx) {
		return nil
	}
	ops := make([]wire.OutPoint, len(n.tx.TxIn))
	for i, in := range n.tx.TxIn {
		ops[i] = in.PreviousOutPoint
	}
	return ops
}

// maxDescent bounds the walk up to the ancestor that a dead transaction died of.
const maxDescent = 10_000

// classify finds the state of a member, and who took its inputs. A transaction that does not
// count is conflicted when somebody living spends one of its inputs or an ancestor of it is
// conflicted, else dropped.
func (g *graph) classify(n *node, depth int) State {
	switch {
	case n.state != 0 || n.confirmed():
		return n.state
	case n.tx == nil:
		n.state = Broken
		return n.state
	case n.living == alive:
		n.state = Pending
		return n.state
	}
	n.state = Dropped
	for _, op := range inputs(n) {
		if w := g.winner(op); w != nil && w != n {
			n.state, n.rival = Conflicted, &w.id
			return n.state
		}
	}
	for _, op := range inputs(n) {
		p := g.nodes[op.Hash]
		if p == nil || p.living == alive || depth > maxDescent {
			continue
		}
		if g.classify(p, depth+1) == Conflicted {
			n.state, n.rival = Conflicted, p.rival
			return n.state
		}
	}
	return n.state
}

// winner is the living transaction that spends an outpoint, if any.
func (g *graph) winner(op wire.OutPoint) *node {
	var best *node
	for _, r := range g.claims[op] {
		if r.living == alive && (best == nil || outranks(r, best)) {
			best = r
		}
	}
	return best
}

// spender returns the id of the living transaction that spends an outpoint; nil: a utxo.
func (g *graph) spender(op wire.OutPoint) *chainhash.Hash {
	if w := g.winner(op); w != nil {
		id := w.id
		return &id
	}
	return nil
}
