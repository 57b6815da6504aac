package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"specter/internal/signer"
)

// Client commands: what the app asks its host in the course of a command.
const (
	askYield    = 0x10
	askPreimage = 0x40
	askProof    = 0x41
	askIndex    = 0x42
	askMore     = 0xa0
)

// clerk answers client commands. It gives out only what was committed to in the command, each
// answer fits an APDU, and it stops a device that asks without end.
type clerk struct {
	preimages map[hash][]byte
	trees     map[hash]*tree
	leaves    int
	bytes     int // of all preimages

	queue   []byte // what did not fit, in elements of piece bytes
	piece   int
	yielded [][]byte
	yields  int // that may still come
	rounds  int // that may still come
}

func newClerk() *clerk {
	return &clerk{preimages: map[hash][]byte{}, trees: map[hash]*tree{}}
}

func (c *clerk) addPreimage(b []byte) {
	c.bytes += len(b)
	c.preimages[sha256.Sum256(b)] = b
}

// addList makes a list known: its tree, and each element with the 00 of leaves as a preimage.
func (c *clerk) addList(elements [][]byte) hash {
	t := newTree(elements)
	for _, e := range elements {
		c.addPreimage(append([]byte{0}, e...))
	}
	c.leaves += len(elements)
	c.trees[t.root()] = t
	return t.root()
}

func (c *clerk) addMap(m []pair) {
	keys, values := columns(m)
	c.addList(keys)
	c.addList(values)
}

// budget sets how often the device may ask: enough for an app that reads everything again for
// every input it signs (measured with 2.4.6: 200 to 400 questions for one input, 450 to 550 for
// four), and an end for one that never stops.
func (c *clerk) budget(inputs, outputs, yields int) {
	c.rounds = 20_000 + 200*c.leaves + 200*inputs*(inputs+outputs) + (1+inputs)*8*(c.bytes/maxData)
	c.yields = yields
}

func refuse(format string, args ...any) error {
	return signer.E(signer.CodeUnknown, "the Ledger asked for something that it was not offered; it may be broken or hostile. "+format, args...)
}

// answer executes one client command.
func (c *clerk) answer(ask []byte) ([]byte, error) {
	if len(ask) == 0 {
		return nil, refuse("(an empty question)")
	}
	if c.rounds--; c.rounds < 0 {
		return nil, refuse("(questions without end)")
	}
	body := ask[1:]
	switch ask[0] {
	case askYield:
		return c.yield(body)
	case askPreimage:
		return c.preimage(body)
	case askProof:
		return c.proof(body)
	case askIndex:
		return c.index(body)
	case askMore:
		return c.more(body)
	}
	return nil, refuse("(question %02x)", ask[0])
}

func (c *clerk) yield(b []byte) ([]byte, error) {
	if c.yields--; c.yields < 0 {
		return nil, refuse("(more results than there are inputs)")
	}
	c.yielded = append(c.yielded, bytes.Clone(b))
	return nil, nil
}

func (c *clerk) preimage(b []byte) ([]byte, error) {
	if len(b) != 33 || b[0] != 0 || len(c.queue) > 0 {
		return nil, refuse("(a preimage in a wrong form)")
	}
	known, ok := c.preimages[hash(b[1:])]
	if !ok {
		return nil, refuse("(the preimage of %x)", b[1:])
	}
	size := compactSize(len(known))
	n := min(len(known), maxData-len(size)-1)
	c.queue, c.piece = known[n:], 1
	return slices.Concat(size, []byte{byte(n)}, known[:n]), nil
}

func (c *clerk) proof(b []byte) ([]byte, error) {
	if len(b) < 32 || len(c.queue) > 0 {
		return nil, refuse("(a proof in a wrong form)")
	}
	t, ok := c.trees[hash(b[:32])]
	size, rest, ok2 := readSize(b[32:])
	place, rest, ok3 := readSize(rest)
	switch {
	case !ok:
		return nil, refuse("(a list with root %x)", b[:32])
	case !ok2 || !ok3 || len(rest) > 0:
		return nil, refuse("(a proof in a wrong form)")
	case size != uint64(t.size()) || place >= size:
		return nil, refuse("(element %d of a list that has %d)", place, t.size())
	}
	proof := t.prove(int(place))
	n := min(len(proof), (maxData-34)/32)
	leaf := t.levels[0][place]
	out := append(leaf[:], byte(len(proof)), byte(n))
	for _, h := range proof[:n] {
		out = append(out, h[:]...)
	}
	c.queue, c.piece = nil, 32
	for _, h := range proof[n:] {
		c.queue = append(c.queue, h[:]...)
	}
	return out, nil
}

func (c *clerk) index(b []byte) ([]byte, error) {
	if len(b) != 64 {
		return nil, refuse("(a place in a wrong form)")
	}
	t, ok := c.trees[hash(b[:32])]
	if !ok {
		return nil, refuse("(a list with root %x)", b[:32])
	}
	place, found := t.places[hash(b[32:])]
	if !found {
		return []byte{0, 0}, nil
	}
	return append([]byte{1}, compactSize(place)...), nil
}

func (c *clerk) more(b []byte) ([]byte, error) {
	if len(b) != 0 || len(c.queue) == 0 {
		return nil, refuse("(more where there is no more)")
	}
	n := min(len(c.queue), (maxData-2)/c.piece*c.piece)
	out := append([]byte{byte(n / c.piece), byte(c.piece)}, c.queue[:n]...)
	c.queue = c.queue[n:]
	return out, nil
}

// readSize reads Bitcoin's variable-length integer in its shortest form.
func readSize(b []byte) (n uint64, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, nil, false
	}
	width := map[byte]int{0xfd: 2, 0xfe: 4, 0xff: 8}[b[0]]
	if width == 0 {
		return uint64(b[0]), b[1:], true
	}
	if len(b) < 1+width {
		return 0, nil, false
	}
	var le [8]byte
	copy(le[:], b[1:1+width])
	n = binary.LittleEndian.Uint64(le[:])
	least := map[int]uint64{2: 0xfd, 4: 1 << 16, 8: 1 << 32}[width]
	return n, b[1+width:], n >= least
}
