package txgraph

import (
	"bytes"
	"slices"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// node is a transaction in the neighbourhood of the news. A node without member is a border
// stone: confirmed, unchanged, only its standing matters.
type node struct {
	id      chainhash.Hash
	tx      *wire.MsgTx // nil: border stone, or unreadable
	told    *wire.MsgTx // the update's bytes; used where the stored ones cannot be read
	head    Head
	fresh   bool // not in the book yet
	changed bool // the fact itself is news
	member  bool // its rows are computed again
	done    bool // its neighbours have been looked up
	living  life
	state   State
	rival   *chainhash.Hash // who took its inputs
}

// life is what resolve finds.
type life uint8

const (
	unknown life = iota
	alive
	dead
)

func (n *node) confirmed() bool { return n.head.Block != nil }

// graph is the neighbourhood of one update.
type graph struct {
	book   Book
	nodes  map[chainhash.Hash]*node
	claims map[wire.OutPoint][]*node // who spends it: border stones too
}

// Apply computes what an update changes. The address of a script is told by the caller, for a
// network; ok is false where the script has none.
func Apply(book Book, u Update, address func(script []byte) (addr string, ok bool)) (*Changes, error) {
	g := &graph{book: book, nodes: map[chainhash.Hash]*node{}, claims: map[wire.OutPoint][]*node{}}
	if err := g.learn(u); err != nil {
		return nil, err
	}
	if err := g.expand(); err != nil {
		return nil, err
	}
	g.resolve()
	return g.rows(u.Tip, address)
}

// learn merges the news into the facts and notes which of them changed.
func (g *graph) learn(u Update) error {
	known, err := g.known(u)
	if err != nil {
		return err
	}
	stale := func(h Head) bool { return u.Fork != nil && h.Block != nil && h.Block.Height > *u.Fork }
	for id, head := range known {
		n := &node{id: id, head: head}
		if stale(head) {
			n.head.Block, n.changed = nil, true
		}
		g.nodes[id] = n
	}
	for _, id := range u.Gone {
		if n := g.nodes[id]; n != nil && !n.confirmed() && !n.head.Gone {
			n.head.Gone, n.changed = true, true
		}
	}
	for _, t := range u.Txs {
		g.merge(t)
	}
	for _, id := range u.Recheck {
		if n := g.nodes[id]; n != nil {
			n.changed = true
		}
	}
	for id, n := range g.nodes {
		if !n.changed {
			delete(g.nodes, id) // nothing new: expand meets it again if a neighbour changed
		}
		n.member = n.changed
	}
	return g.bodies()
}

// known loads the heads of everything that the update names.
func (g *graph) known(u Update) (map[chainhash.Hash]Head, error) {
	ids := slices.Concat(u.Gone, u.Recheck)
	for _, t := range u.Txs {
		ids = append(ids, t.ID)
	}
	if u.Fork != nil {
		above, err := g.book.Above(*u.Fork)
		if err != nil {
			return nil, err
		}
		ids = append(ids, above...)
	}
	return g.book.Heads(unique(ids))
}

// merge takes one told transaction into the graph. A block, once told, is only taken back by a
// fork; the earliest sighting stays; bytes that were mined win over those that were relayed,
// because their witness is the one that counts.
func (g *graph) merge(t Tx) {
	n := g.nodes[t.ID]
	if n == nil {
		n = &node{id: t.ID, tx: t.Tx, head: Head{Seen: t.Head.Seen, Block: t.Head.Block}, fresh: true, changed: true}
		g.nodes[t.ID] = n
		return
	}
	n.told = t.Tx
	if t.Head.Block != nil && (n.head.Block == nil || *n.head.Block != *t.Head.Block) {
		n.head.Block, n.tx, n.changed = t.Head.Block, t.Tx, true
	}
	if n.head.Gone {
		n.head.Gone, n.changed = false, true
	}
	if t.Head.Seen != 0 && (n.head.Seen == 0 || t.Head.Seen < n.head.Seen) {
		n.head.Seen, n.changed = t.Head.Seen, true
	}
}

// bodies loads the bytes of members that have none yet, and enters their claims.
func (g *graph) bodies() error {
	var ids []chainhash.Hash
	for id, n := range g.nodes {
		if n.member && n.tx == nil && !n.done {
			ids = append(ids, id)
		}
	}
	found, err := g.book.Bodies(ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		n := g.nodes[id]
		if n.tx = found[id]; n.tx == nil {
			n.tx = n.told
		}
	}
	for _, n := range g.nodes {
		if n.member && !n.done && n.tx != nil && !isCoinbase(n.tx) {
			for _, in := range n.tx.TxIn {
				g.claim(in.PreviousOutPoint, n)
			}
		}
	}
	return nil
}

func (g *graph) claim(op wire.OutPoint, n *node) {
	if !slices.Contains(g.claims[op], n) {
		g.claims[op] = append(g.claims[op], n)
	}
}

// expand walks from the changed facts over rivals, children and parents. It goes on through
// unconfirmed transactions and stops at confirmed ones, whose standing no neighbour can change.
func (g *graph) expand() error {
	for {
		var front []*node
		for _, n := range g.nodes {
			if n.member && !n.done {
				front = append(front, n)
			}
		}
		if len(front) == 0 {
			return nil
		}
		if err := g.expandOnce(front); err != nil {
			return err
		}
	}
}

func (g *graph) expandOnce(front []*node) error {
	var ids, parents []chainhash.Hash
	var ops []wire.OutPoint
	for _, n := range front {
		n.done = true
		ids = append(ids, n.id)
		if n.tx == nil || isCoinbase(n.tx) {
			continue
		}
		for _, in := range n.tx.TxIn {
			ops = append(ops, in.PreviousOutPoint)
			parents = append(parents, in.PreviousOutPoint.Hash)
		}
	}
	rivals, err := g.book.Spenders(ops)
	if err != nil {
		return err
	}
	children, err := g.book.Children(ids)
	if err != nil {
		return err
	}
	spends := slices.Concat(rivals, children)
	if err := g.meet(spends, unique(parents)); err != nil {
		return err
	}
	// A fresh parent changes what its children amount to, even of confirmed ones.
	for _, s := range children {
		if g.nodes[s.OutPoint.Hash].fresh {
			g.nodes[s.By].member = true
		}
	}
	if err := g.bodies(); err != nil {
		return err
	}
	for _, s := range spends {
		g.claim(s.OutPoint, g.nodes[s.By])
	}
	return nil
}

// meet loads neighbours that the graph does not hold yet.
func (g *graph) meet(spends []Spend, parents []chainhash.Hash) error {
	var ids []chainhash.Hash
	for _, s := range spends {
		if g.nodes[s.By] == nil {
			ids = append(ids, s.By)
		}
	}
	for _, id := range parents {
		if g.nodes[id] == nil {
			ids = append(ids, id)
		}
	}
	heads, err := g.book.Heads(unique(ids))
	if err != nil {
		return err
	}
	for id, head := range heads {
		g.nodes[id] = &node{id: id, head: head, member: head.Block == nil}
	}
	for _, s := range spends {
		if g.nodes[s.By] == nil { // an input without its transaction: a torn book; nothing to say about it
			g.nodes[s.By] = &node{id: s.By, head: Head{Gone: true}, done: true}
		}
	}
	return nil
}

func unique(ids []chainhash.Hash) []chainhash.Hash {
	slices.SortFunc(ids, func(a, b chainhash.Hash) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}

// isCoinbase reports whether the transaction has the one null input of a coinbase.
func isCoinbase(tx *wire.MsgTx) bool {
	return len(tx.TxIn) == 1 && tx.TxIn[0].PreviousOutPoint.Index == wire.MaxPrevOutIndex &&
		tx.TxIn[0].PreviousOutPoint.Hash == chainhash.Hash{}
}
