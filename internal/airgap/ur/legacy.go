package ur

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"specter/internal/errs"
)

const bc32Charset = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// bc32Const is what a bc32 checksum leaves (BCR-2020-004).
const bc32Const = 0x3fffffff

// bc32Polymod is bech32's checksum over a leading zero and the values.
func bc32Polymod(values []byte) uint32 {
	chk := uint32(1)
	step := func(v byte) {
		top := chk >> 25
		chk = (chk&0x1ffffff)<<5 ^ uint32(v)
		for i, g := range [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				chk ^= g
			}
		}
	}
	step(0)
	for _, v := range values {
		step(v)
	}
	return chk
}

// encodeBC32 writes bytes as bc32 in lower case.
func encodeBC32(data []byte) string {
	values := make([]byte, 0, len(data)*8/5+7)
	acc, n := uint32(0), uint(0)
	for _, v := range data {
		acc = acc<<8 | uint32(v)
		for n += 8; n >= 5; {
			n -= 5
			values = append(values, byte(acc>>n&31))
		}
	}
	if n > 0 {
		values = append(values, byte(acc<<(5-n)&31))
	}
	length := len(values)
	mod := bc32Polymod(append(values, 0, 0, 0, 0, 0, 0)) ^ bc32Const
	for i := range 6 {
		values = append(values[:length+i], byte(mod>>(5*(5-i))&31))
	}
	out := make([]byte, len(values))
	for i, v := range values {
		out[i] = bc32Charset[v]
	}
	return string(out)
}

// decodeBC32 reads bc32 in lower case and checks and removes its checksum.
func decodeBC32(s string) ([]byte, error) {
	values := make([]byte, len(s))
	for i := range len(s) {
		v := strings.IndexByte(bc32Charset, s[i])
		if v < 0 {
			return nil, errs.Bad(errs.BadEncoding, "the part holds %q, which bc32 does not use", s[i])
		}
		values[i] = byte(v)
	}
	if len(values) < 6 || bc32Polymod(values) != bc32Const {
		return nil, errs.Bad(errs.BadChecksum, "the checksum of the part is wrong; a letter was misread")
	}
	var out []byte
	acc, n := uint32(0), uint(0)
	for _, v := range values[:len(values)-6] {
		acc, n = acc<<5|uint32(v), n+5
		if n >= 8 {
			n -= 8
			out = append(out, byte(acc>>n))
		}
	}
	if n >= 5 || acc&(1<<n-1) != 0 {
		return nil, errs.Bad(errs.BadEncoding, "the end of the part is damaged")
	}
	return out, nil
}

// legacyDigest is the checksum that version 1 prints between the slashes.
func legacyDigest(cbor []byte) string {
	sum := sha256.Sum256(cbor)
	return encodeBC32(sum[:])
}

func checkDigest(digest string, cbor []byte) error {
	if digest != "" && digest != legacyDigest(cbor) {
		return errs.Bad(errs.BadChecksum, "the resource does not have the digest that it names")
	}
	return nil
}

// splitLegacy reads what stands between the type and the body of a version 1 part.
func (p *part) splitLegacy(between []string) error {
	if len(between) == 2 {
		seq, count, ok := twoNumbers(between[0], "of")
		if !ok || seq == 0 || seq > count {
			return errs.Bad(errs.Malformed, "%q is no number of a part", between[0])
		}
		if count > MaxParts {
			return errs.Bad(errs.TooLarge, "the message claims %d parts; the most that is read here is %d", count, MaxParts)
		}
		p.legacySeq, p.legacyCount = int(seq), int(count)
	}
	p.digest = between[len(between)-1]
	if len(p.digest) != 58 {
		return errs.Bad(errs.Malformed, "the resource is not in the form ur:type/…")
	}
	return nil
}

// legacyDecoder gathers the pieces of a version 1 message.
type legacyDecoder struct {
	digest string
	pieces []string
	known  int
	size   int // characters held
}

// addLegacy takes a piece of a version 1 message.
func (d *Decoder) addLegacy(p part) error {
	l := d.legacy
	if l == nil {
		if d.done != nil || d.fountain != nil {
			return errMixed
		}
		l = &legacyDecoder{digest: p.digest, pieces: make([]string, p.legacyCount)}
	}
	if l.digest != p.digest || len(l.pieces) != p.legacyCount {
		return errMixed
	}
	old := &l.pieces[p.legacySeq-1]
	switch {
	case d.done != nil || *old != "" && *old == p.body:
		return nil
	case *old != "":
		return errMixed
	case p.body == "":
		return errs.Bad(errs.Malformed, "the part is empty")
	case l.size+len(p.body) > 2*MaxMessage:
		return errs.Bad(errs.TooLarge, "the message is longer than is read here (%d bytes)", MaxMessage)
	}
	*old = strings.Clone(p.body)
	l.size += len(p.body)
	l.known++
	d.legacy = l
	if l.known < len(l.pieces) {
		return nil
	}
	return d.finishLegacy(p.typ)
}

// finishLegacy joins the pieces; where they do not fit, all are dropped.
func (d *Decoder) finishLegacy(typ string) error {
	data, err := decodeBC32(strings.Join(d.legacy.pieces, ""))
	if err == nil {
		err = checkDigest(d.legacy.digest, data)
	}
	if err != nil {
		d.legacy = nil
		return errs.Bad(errs.BadChecksum, "the parts do not fit together; scan again from the start: %w", err)
	}
	d.done = &UR{Type: typ, CBOR: data}
	d.legacy.pieces = make([]string, len(d.legacy.pieces))
	return nil
}

// LegacyEncoder writes a resource in version 1, as Cobo Vault reads it. It is upper case as
// the old Specter wrote it.
type LegacyEncoder struct {
	typ, digest, body string
	pieces            int
}

// NewLegacyEncoder prepares a resource for pieces of at most maxPiece characters.
func NewLegacyEncoder(u UR, maxPiece int) (*LegacyEncoder, error) {
	if !validType(u.Type) {
		return nil, errs.Bad(errs.Malformed, "%q is no type of a resource", u.Type)
	}
	if len(u.CBOR) == 0 || len(u.CBOR) > MaxMessage || maxPiece < 1 {
		return nil, errs.Bad(errs.TooLarge, "a resource has 1 to %d bytes, this one %d", MaxMessage, len(u.CBOR))
	}
	body := strings.ToUpper(encodeBC32(u.CBOR))
	e := &LegacyEncoder{typ: strings.ToUpper(u.Type), digest: strings.ToUpper(legacyDigest(u.CBOR)), body: body}
	if e.pieces = (len(body) + maxPiece - 1) / maxPiece; e.pieces > MaxParts {
		return nil, errs.Bad(errs.TooLarge, "the resource would take %d parts; the most is %d", e.pieces, MaxParts)
	}
	return e, nil
}

// Len returns the number of parts.
func (e *LegacyEncoder) Len() int { return e.pieces }

// Part returns part i; past the end the parts begin again.
func (e *LegacyEncoder) Part(i int) string {
	if e.pieces == 1 {
		return "UR:" + e.typ + "/" + e.digest + "/" + e.body
	}
	i %= e.pieces
	size := (len(e.body) + e.pieces - 1) / e.pieces
	from := min(i*size, len(e.body))
	return fmt.Sprintf("UR:%s/%dOF%d/%s/%s", e.typ, i+1, e.pieces, e.digest, e.body[from:min(from+size, len(e.body))])
}

// Static returns the whole resource in one part without the digest, the form of codes that stand
// still.
func (e *LegacyEncoder) Static() string { return "UR:" + e.typ + "/" + e.body }
