package airgap

import (
	"strconv"
	"strings"

	"specter/internal/errs"
)

// Bounds of Specter's chunks.
const (
	maxChunks    = 8192
	maxChunkText = 8 << 20 // characters of all chunks together
)

// chunks gathers "p<i>of<n> <text>", the form of Specter-DIY and SeedSigner.
type chunks struct {
	pieces []string
	have   []bool
	known  int
	size   int
}

// splitChunk reads a chunk; ok is false where the text has not that form.
func splitChunk(text string) (index, count int, body string, ok bool) {
	head, body, found := strings.Cut(text, " ")
	if !found || len(head) > 24 || len(head) < 5 || head[0]|0x20 != 'p' {
		return 0, 0, "", false
	}
	left, right, found := strings.Cut(strings.ToLower(head[1:]), "of")
	index, err1 := number(left)
	count, err2 := number(right)
	return index, count, body, found && err1 == nil && err2 == nil
}

// number reads digits without a sign.
func number(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err
}

// add takes a chunk; c is nil before the first.
func (c *chunks) add(index, count int, body string) (*chunks, error) {
	switch {
	case count > maxChunks:
		return c, errs.Bad(errs.TooLarge, "the code says that it is one of %d; at most %d are read", count, maxChunks)
	case index < 1 || index > count:
		return c, errs.Bad(errs.Malformed, "the code says that it is part %d of %d", index, count)
	}
	if c == nil {
		c = &chunks{pieces: make([]string, count), have: make([]bool, count)}
	}
	if len(c.pieces) != count || c.have[index-1] && c.pieces[index-1] != body {
		return c, errMixed
	}
	if c.have[index-1] {
		return c, nil
	}
	if c.size+len(body) > maxChunkText {
		return c, errs.Bad(errs.TooLarge, "the codes hold more than %d characters", maxChunkText)
	}
	c.pieces[index-1], c.have[index-1] = strings.Clone(body), true
	c.size += len(body)
	c.known++
	return c, nil
}

var errMixed = errs.Bad(errs.Mismatch, "this code belongs to something else than the codes before it; start the scan again for that one")

// chunkEncoder writes text in equal chunks.
type chunkEncoder struct {
	text  string
	count int
	size  int
}

// newChunkEncoder cuts text so that each chunk, without its head, has at most chars characters.
// A text that fits into one code is shown without a head.
func newChunkEncoder(text string, chars int) (chunkEncoder, error) {
	count := max(1, (len(text)+chars-1)/chars)
	if count > maxChunks {
		return chunkEncoder{}, errs.Bad(errs.TooLarge, "%d codes would be needed; the most is %d", count, maxChunks)
	}
	return chunkEncoder{text: text, count: count, size: (len(text) + count - 1) / count}, nil
}

// Len returns the number of chunks.
func (e chunkEncoder) Len() int { return e.count }

// Part returns chunk i; past the end they begin again.
func (e chunkEncoder) Part(i int) string {
	if e.count == 1 {
		return e.text
	}
	i %= e.count
	piece := e.text[i*e.size : min((i+1)*e.size, len(e.text))]
	return "p" + strconv.Itoa(i+1) + "of" + strconv.Itoa(e.count) + " " + piece
}
