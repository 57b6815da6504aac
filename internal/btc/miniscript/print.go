package miniscript

import (
	"strconv"
	"strings"
)

// String prints the miniscript with all of its sugar (pk, pkh, and_n, t:, l:, u:), as Bitcoin
// Core does. Parsing it again gives the same node.
func (n *Node) String() string {
	var b strings.Builder
	n.print(&b)
	return b.String()
}

// peel returns a node's wrapper, real or sugar, and what it wraps; ok is false for others.
func (n *Node) peel() (letter byte, inner *Node, ok bool) {
	switch {
	case n.fragment == WrapC && (n.subs[0].fragment == PkK || n.subs[0].fragment == PkH):
		return 0, nil, false // pk(…), pkh(…)
	case n.fragment.isWrapper():
		return fragmentNames[n.fragment][0], n.subs[0], true
	case n.fragment == AndV && n.subs[1].fragment == Just1:
		return 't', n.subs[0], true
	case n.fragment == OrI && n.subs[0].fragment == Just0:
		return 'l', n.subs[1], true
	case n.fragment == OrI && n.subs[1].fragment == Just0:
		return 'u', n.subs[0], true
	}
	return 0, nil, false
}

func (n *Node) print(b *strings.Builder) {
	wrapped := false
	for {
		letter, inner, ok := n.peel()
		if !ok {
			break
		}
		b.WriteByte(letter)
		n, wrapped = inner, true
	}
	if wrapped {
		b.WriteByte(':')
	}
	if n.fragment == Just0 || n.fragment == Just1 {
		b.WriteString(n.fragment.String())
		return
	}
	name, subs := n.fragment.String(), n.subs
	switch {
	case n.fragment == WrapC && n.subs[0].fragment == PkK:
		name, n, subs = "pk", n.subs[0], nil
	case n.fragment == WrapC:
		name, n, subs = "pkh", n.subs[0], nil
	case n.fragment == AndOr && n.subs[2].fragment == Just0:
		name, subs = "and_n", n.subs[:2]
	}
	b.WriteString(name)
	comma := byte('(')
	next := func() { b.WriteByte(comma); comma = ',' }
	if n.k != 0 {
		next()
		b.WriteString(strconv.FormatUint(uint64(n.k), 10))
	}
	if _, ok := n.fragment.hashKind(); ok {
		next()
		b.WriteString(n.digest.String())
	}
	for _, key := range n.keys {
		next()
		b.WriteString(key)
	}
	for _, s := range subs {
		next()
		s.print(b)
	}
	b.WriteByte(')')
}

// MapKeys returns the same miniscript with every key replaced by what f gives for it; the
// first error of f ends it.
func (n *Node) MapKeys(f func(key string) (string, error)) (*Node, error) {
	m := *n
	m.keys = make([]string, len(n.keys))
	for i, key := range n.keys {
		var err error
		if m.keys[i], err = f(key); err != nil {
			return nil, err
		}
	}
	m.subs = make([]*Node, len(n.subs))
	for i, s := range n.subs {
		var err error
		if m.subs[i], err = s.MapKeys(f); err != nil {
			return nil, err
		}
	}
	return &m, nil
}
