package ur

import (
	"hash/crc32"
	"strconv"
	"strings"

	"specter/internal/errs"
)

// maxPart bounds the text of one part: a whole message in bytewords and some room for its head.
const maxPart = 2*MaxMessage + 256

// Decoder gathers the parts of one resource, in any order, of version 2 or 1. The zero value is
// ready. Its memory is bounded by the message: parts that bring nothing new are not kept.
type Decoder struct {
	fountain *fountain
	legacy   *legacyDecoder
	typ      string
	done     *UR
	version1 bool // done came as version 1
}

// Add takes one part, in either case, with or without the "ur:" in upper case. A part twice is
// no error. A part that is damaged, or belongs to another message (code mismatch), is an error
// that leaves what was gathered untouched.
func (d *Decoder) Add(part string) error {
	p, err := splitPart(part)
	if err != nil {
		return err
	}
	if d.typ != "" && p.typ != d.typ {
		return errs.Bad(errs.Mismatch, "this part is of a resource of type %s, the parts before it are of type %s", p.typ, d.typ)
	}
	switch {
	case p.legacyCount > 0:
		err = d.addLegacy(p)
	case p.count > 0:
		err = d.addFountain(p)
	default:
		err = d.addWhole(p)
	}
	if err == nil {
		d.typ = p.typ
	}
	return err
}

// Progress tells how much of the message is known, from 0 to 1.
func (d *Decoder) Progress() float64 {
	switch {
	case d.done != nil:
		return 1
	case d.fountain != nil:
		return float64(d.fountain.known) / float64(d.fountain.count)
	case d.legacy != nil:
		return float64(d.legacy.known) / float64(len(d.legacy.pieces))
	}
	return 0
}

// Parts tells how many parts the message has and how many independent ones are known; both are
// 0 before the first part.
func (d *Decoder) Parts() (known, total int) {
	switch {
	case d.fountain != nil:
		return d.fountain.known, d.fountain.count
	case d.legacy != nil:
		return d.legacy.known, len(d.legacy.pieces)
	case d.done != nil:
		return 1, 1
	}
	return 0, 0
}

// Type returns the type of the resource, known since the first part, else "".
func (d *Decoder) Type() string { return d.typ }

// Legacy reports whether the resource comes in version 1.
func (d *Decoder) Legacy() bool { return d.legacy != nil || d.version1 }

// UR returns the resource once it is whole.
func (d *Decoder) UR() (UR, bool) {
	if d.done == nil {
		return UR{}, false
	}
	return *d.done, true
}

// Decode reads a resource from all of its parts. The error has the code incomplete where parts
// are missing.
func Decode(parts ...string) (UR, error) {
	var d Decoder
	for _, p := range parts {
		if err := d.Add(p); err != nil {
			return UR{}, err
		}
	}
	u, ok := d.UR()
	if !ok {
		known, total := d.Parts()
		return UR{}, errs.Bad(errs.Incomplete, "%d of %d parts are known; scan further", known, total)
	}
	return u, nil
}

// part is one part, split but not decoded.
type part struct {
	typ         string
	seq, count  uint32 // version 2, several parts
	legacySeq   int    // version 1, several parts
	legacyCount int
	digest      string // version 1, may be empty
	body        string
}

// splitPart reads "ur:type/body", "ur:type/3-9/body" (version 2), "ur:type/digest/body" and
// "ur:type/3of9/digest/body" (version 1).
func splitPart(text string) (part, error) {
	if len(text) > maxPart {
		return part{}, errs.Bad(errs.TooLarge, "this part is too long for a resource")
	}
	text = strings.ToLower(strings.TrimSpace(text))
	rest, ok := strings.CutPrefix(text, "ur:")
	if !ok {
		return part{}, errs.Bad(errs.Malformed, "a resource begins with \"ur:\"; this text does not")
	}
	fields := strings.Split(rest, "/")
	if len(fields) < 2 || len(fields) > 4 || !validType(fields[0]) {
		return part{}, errs.Bad(errs.Malformed, "the resource is not in the form ur:type/…")
	}
	p := part{typ: fields[0], body: fields[len(fields)-1]}
	if len(fields) == 2 {
		return p, nil
	}
	if seq, count, ok := twoNumbers(fields[1], "-"); ok && len(fields) == 3 {
		if seq == 0 || count == 0 {
			return part{}, errs.Bad(errs.Malformed, "the part is numbered %s; numbers begin at 1", fields[1])
		}
		p.seq, p.count = seq, count
		return p, nil
	}
	return p, p.splitLegacy(fields[1 : len(fields)-1])
}

// twoNumbers reads "3-9" or "3of9".
func twoNumbers(s, sep string) (a, b uint32, ok bool) {
	left, right, found := strings.Cut(s, sep)
	x, err1 := strconv.ParseUint(left, 10, 32)
	y, err2 := strconv.ParseUint(right, 10, 32)
	return uint32(x), uint32(y), found && err1 == nil && err2 == nil
}

// addWhole takes a resource of one part. The same letters may be bytewords or bc32; each has a
// checksum that tells.
func (d *Decoder) addWhole(p part) error {
	data, err := DecodeBytewords(p.body, Minimal)
	if err != nil || p.digest != "" {
		if legacy, e := decodeBC32(p.body); e == nil {
			data, err = legacy, checkDigest(p.digest, legacy)
			d.version1 = d.version1 || d.done == nil && d.fountain == nil
		} else if p.digest != "" {
			err = e
		}
	}
	if err != nil {
		return err
	}
	u := UR{Type: p.typ, CBOR: data}
	if d.done == nil && d.fountain == nil && d.legacy == nil {
		d.done = &u
		return nil
	}
	if d.done == nil || string(d.done.CBOR) != string(u.CBOR) {
		return errMixed
	}
	return nil
}

var errMixed = errs.Bad(errs.Mismatch, "this part belongs to another message than the parts before it; start the scan again for that one")

// addFountain takes a part of a fountain code.
func (d *Decoder) addFountain(p part) error {
	if d.legacy != nil || d.done != nil && d.fountain == nil {
		return errMixed
	}
	data, err := DecodeBytewords(p.body, Minimal)
	if err != nil {
		return err
	}
	h, fragment, err := parseFragment(data)
	if err != nil {
		return err
	}
	if h.seq != p.seq || uint32(h.count) != p.count {
		return errs.Bad(errs.Malformed, "the part's number and its content disagree")
	}
	f := d.fountain
	if f == nil {
		f = newFountain(h)
	} else if f.header != h.header {
		return errMixed
	}
	if d.done == nil && f.add(h.seq, fragment) {
		message := f.message()
		if crc32.ChecksumIEEE(message) != h.checksum {
			d.fountain = nil
			return errs.Bad(errs.BadChecksum, "the parts do not fit together; scan again from the start")
		}
		d.done = &UR{Type: p.typ, CBOR: message}
		f.forget()
	}
	d.fountain = f
	return nil
}

// header is what each part of a message says about it.
type header struct {
	count    int
	length   int // of the message in bytes
	checksum uint32
	fragment int // bytes of a fragment
}

type partHeader struct {
	header
	seq uint32
}

// parseFragment reads the CBOR of a part and bounds what it claims.
func parseFragment(data []byte) (partHeader, []byte, error) {
	it, err := parseCBOR(data)
	if err != nil {
		return partHeader{}, nil, err
	}
	if it.kind != kindArray || len(it.items) != 5 || it.items[4].kind != kindBytes {
		return partHeader{}, nil, errs.Bad(errs.Malformed, "the part does not hold what a part of a fountain code holds")
	}
	for _, n := range it.items[:4] {
		if n.kind != kindUint || n.n >= 1<<32 {
			return partHeader{}, nil, errs.Bad(errs.Malformed, "the part does not hold what a part of a fountain code holds")
		}
	}
	seq, count, length := it.items[0].n, it.items[1].n, it.items[2].n
	fragment := it.items[4].data
	if count > MaxParts || length > MaxMessage || uint64(len(fragment)) > MaxMessage {
		return partHeader{}, nil, errs.Bad(errs.TooLarge, "the message claims %d parts and %d bytes, more than is read here (%d and %d)", count, length, MaxParts, MaxMessage)
	}
	if seq == 0 || count == 0 || length == 0 || count*uint64(len(fragment)) < length || (count-1)*uint64(len(fragment)) >= length+uint64(len(fragment)) {
		return partHeader{}, nil, errs.Bad(errs.Malformed, "the part's length, number of parts and message length disagree")
	}
	h := partHeader{seq: uint32(seq)}
	h.header = header{int(count), int(length), uint32(it.items[3].n), len(fragment)}
	return h, fragment, nil
}
