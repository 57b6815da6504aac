package ledgertest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
)

func mac256(key, data []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(data)
	return m.Sum(nil)
}

// client asks the host in the course of a command, and proves what it answers.
type client struct {
	ctx   context.Context
	wires *wires
	asks  func([]byte) []byte
}

var errHost = errors.New("the host's answer does not hold")

// request sends a client command and gives the host's answer.
func (c *client) request(b []byte) (*reader, error) {
	if c.asks != nil {
		b = c.asks(bytes.Clone(b))
	}
	if err := c.wires.reply(c.ctx, b, 0xe000); err != nil {
		return nil, err
	}
	apdu, err := c.wires.receive(c.ctx)
	if err != nil {
		return nil, err
	}
	if len(apdu) < 5 || len(apdu) != 5+int(apdu[4]) || apdu[0] != 0xf8 || apdu[1] != 1 {
		return nil, errHost
	}
	return &reader{b: apdu[5:]}, nil
}

// yield gives the host a result.
func (c *client) yield(b []byte) error {
	r, err := c.request(append([]byte{0x10}, b...))
	if err == nil && r.left() > 0 {
		err = errHost
	}
	return err
}

// preimage asks for what a SHA-256 is of.
func (c *client) preimage(of [32]byte) ([]byte, error) {
	r, err := c.request(append([]byte{0x40, 0}, of[:]...))
	if err != nil {
		return nil, err
	}
	size := r.size()
	n := int(r.byte())
	out := bytes.Clone(r.take(n))
	if r.short || r.left() > 0 || n > size || size > 4_000_100 {
		return nil, errHost
	}
	for len(out) < size {
		more, err := c.more(1)
		if err != nil || len(out)+len(more) > size {
			return nil, errors.Join(errHost, err)
		}
		out = append(out, more...)
	}
	if sha256.Sum256(out) != of {
		return nil, errHost
	}
	return out, nil
}

// more asks for the rest of a list of pieces.
func (c *client) more(piece int) ([]byte, error) {
	r, err := c.request([]byte{0xa0})
	if err != nil {
		return nil, err
	}
	n, size := int(r.byte()), int(r.byte())
	out := r.take(n * size)
	if r.short || r.left() > 0 || size != piece || n == 0 {
		return nil, errHost
	}
	return bytes.Clone(out), nil
}

// leaf asks for a leaf's hash and proves that it stands at the place.
func (c *client) leaf(root [32]byte, size, place int) (leaf [32]byte, err error) {
	ask := slices.Concat([]byte{0x41}, root[:], varint(size), varint(place))
	r, err := c.request(ask)
	if err != nil {
		return leaf, err
	}
	leaf = r.hash()
	count, given := int(r.byte()), int(r.byte())
	brothers := bytes.Clone(r.take(32 * given))
	if r.short || r.left() > 0 || given > count || count > 32 {
		return leaf, errHost
	}
	for len(brothers) < 32*count {
		more, err := c.more(32)
		if err != nil {
			return leaf, err
		}
		brothers = append(brothers, more...)
	}
	if len(brothers) != 32*count || climb(leaf, size, place, brothers) != root {
		return leaf, errHost
	}
	return leaf, nil
}

// climb computes the root of a tree of RFC 6962 from a leaf and the brothers on its way, by the
// recursion that defines the tree.
func climb(leaf [32]byte, size, place int, brothers []byte) [32]byte {
	if size <= 1 {
		if len(brothers) > 0 {
			return [32]byte{}
		}
		return leaf
	}
	if len(brothers) < 32 {
		return [32]byte{}
	}
	left := 1
	for left*2 < size {
		left *= 2
	}
	brother := brothers[len(brothers)-32:]
	below := brothers[:len(brothers)-32]
	if place < left {
		own := climb(leaf, left, place, below)
		return sha256.Sum256(slices.Concat([]byte{1}, own[:], brother))
	}
	own := climb(leaf, size-left, place-left, below)
	return sha256.Sum256(slices.Concat([]byte{1}, brother, own[:]))
}

// element is the element of a list at a place.
func (c *client) element(root [32]byte, size, place int) ([]byte, error) {
	leaf, err := c.leaf(root, size, place)
	if err != nil {
		return nil, err
	}
	b, err := c.preimage(leaf)
	if err != nil || len(b) == 0 || b[0] != 0 {
		return nil, errors.Join(errHost, err)
	}
	return b[1:], nil
}

// place asks where an element stands in a list, and proves it.
func (c *client) place(root [32]byte, size int, element []byte) (int, error) {
	want := sha256.Sum256(append([]byte{0}, element...))
	r, err := c.request(slices.Concat([]byte{0x42}, root[:], want[:]))
	if err != nil {
		return 0, err
	}
	found, at := r.byte(), r.size()
	if r.short || r.left() > 0 || found != 1 || at >= size {
		return 0, errHost
	}
	leaf, err := c.leaf(root, size, at)
	if err != nil || leaf != want {
		return 0, errors.Join(errHost, err)
	}
	return at, nil
}

// entries reads a whole map from its commitment and proves that its keys rise.
func (c *client) entries(r *reader) (pairs [][2][]byte, err error) {
	size, keys, values := r.size(), r.hash(), r.hash()
	if r.short || size > 2000 {
		return nil, badLength
	}
	for i := range size {
		key, err := c.element(keys, size, i)
		if err != nil {
			return nil, err
		}
		if i > 0 && bytes.Compare(pairs[i-1][0], key) >= 0 {
			return nil, badData
		}
		at := i
		if len(key) == 1 { // as the app looks up the fields that it knows
			if at, err = c.place(keys, size, key); err != nil || at != i {
				return nil, errors.Join(errHost, err)
			}
		}
		value, err := c.element(values, size, at)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, [2][]byte{key, value})
	}
	return pairs, nil
}

func varint(n int) []byte {
	switch {
	case n < 0xfd:
		return []byte{byte(n)}
	case n <= 0xffff:
		return binary.LittleEndian.AppendUint16([]byte{0xfd}, uint16(n))
	}
	return binary.LittleEndian.AppendUint32([]byte{0xfe}, uint32(n))
}
