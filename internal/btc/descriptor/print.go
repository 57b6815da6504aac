package descriptor

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// String prints the descriptor in canonical form with its checksum: hardened steps with h,
// extended keys as xpub or tpub, and no private key.
func (d *Descriptor) String() string { return AddChecksum(d.body(false)) }

// StringPrivate prints the descriptor like String, but private keys as they were given.
func (d *Descriptor) StringPrivate() string { return AddChecksum(d.body(true)) }

// Checksum returns the eight characters of the canonical form's checksum.
func (d *Descriptor) Checksum() string {
	s := d.String()
	return s[len(s)-checksumLen:]
}

// ChecksumGiven reports whether the text that was parsed had a checksum (which was right).
func (d *Descriptor) ChecksumGiven() bool { return d.checksumGiven }

func (d *Descriptor) body(private bool) string {
	var b strings.Builder
	d.print(&b, d.root, func(i int) string { return d.keys[i].text(private) })
	b.WriteString(d.notes.String())
	return b.String()
}

// print writes an expression with every key in the words of key.
func (d *Descriptor) print(b *strings.Builder, e *expr, key func(i int) string) {
	if e.kind == kMini {
		b.WriteString(d.miniText(e, key))
		return
	}
	b.WriteString(kindNames[e.kind])
	b.WriteByte('(')
	switch e.kind {
	case kSH, kWSH:
		d.print(b, e.sub, key)
	case kAddr:
		b.WriteString(e.addr)
	case kRaw:
		b.WriteString(hex.EncodeToString(e.script))
	case kMulti, kSortedMulti, kMultiA, kSortedMultiA:
		b.WriteString(strconv.Itoa(e.threshold))
		for _, i := range e.keys {
			b.WriteByte(',')
			b.WriteString(key(i))
		}
	default:
		b.WriteString(key(e.keys[0]))
	}
	if e.tree != nil {
		b.WriteByte(',')
		d.printTree(b, e.tree, key)
	}
	b.WriteByte(')')
}

func (d *Descriptor) printTree(b *strings.Builder, t *tree, key func(i int) string) {
	if t.leaf != nil {
		d.print(b, t.leaf, key)
		return
	}
	b.WriteByte('{')
	d.printTree(b, t.left, key)
	b.WriteByte(',')
	d.printTree(b, t.right, key)
	b.WriteByte('}')
}

func (d *Descriptor) miniText(e *expr, key func(i int) string) string {
	node, err := e.mini.MapKeys(func(text string) (string, error) {
		i, err := strconv.Atoi(text)
		return key(i), err
	})
	if err != nil {
		return e.mini.String() // cannot be: the keys were numbered by the parser
	}
	return node.String()
}
