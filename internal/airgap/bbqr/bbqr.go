package bbqr

import (
	"bytes"
	"compress/flate"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"io"
	"strings"

	"specter/internal/errs"
)

// FileType is the letter for what a BBQr carries.
type FileType byte

// The file types of BBQr.
const (
	PSBT        FileType = 'P'
	Transaction FileType = 'T'
	JSON        FileType = 'J'
	CBOR        FileType = 'C'
	Text        FileType = 'U'
	Binary      FileType = 'B'
	Executable  FileType = 'X'
)

const fileTypes = "PTJCUBX"

// Encoding is the letter for how a BBQr is written.
type Encoding byte

// The encodings of BBQr.
const (
	Hex     Encoding = 'H'
	Base32  Encoding = '2'
	Deflate Encoding = 'Z' // Base32 of deflated data
)

// Bounds of what is read and written.
const (
	MaxParts  = 1295    // two base-36 digits: ZZ
	MaxFile   = 4 << 20 // bytes of a file, also after inflating
	maxPart   = 4296    // characters that the largest QR code holds in its alphanumeric mode
	headerLen = 8
)

var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

const digits36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// File is what a BBQr carries.
type File struct {
	Type FileType
	Data []byte
}

// Split writes a file as parts of at most maxChars characters each (24 to 4296). Deflate falls
// back to Base32 where it would not make the file shorter.
func Split(f File, e Encoding, maxChars int) ([]string, error) {
	if strings.IndexByte(fileTypes, byte(f.Type)) < 0 {
		return nil, errs.Bad(errs.Unsupported, "%q is no file type of BBQr", rune(f.Type))
	}
	if len(f.Data) == 0 || len(f.Data) > MaxFile {
		return nil, errs.Bad(errs.TooLarge, "a BBQr carries 1 to %d bytes, not %d", MaxFile, len(f.Data))
	}
	if maxChars < headerLen+16 || maxChars > maxPart {
		return nil, errs.Bad(errs.Malformed, "a part has %d to %d characters", headerLen+16, maxPart)
	}
	body, e, step, err := encode(f.Data, e)
	if err != nil {
		return nil, err
	}
	most := (maxChars - headerLen) / step * step
	count := (len(body) + most - 1) / most
	if count > MaxParts {
		return nil, errs.Bad(errs.TooLarge, "the file would take %d parts of %d characters; the most is %d", count, maxChars, MaxParts)
	}
	// Spread evenly, each part a whole number of steps, so that each can be decoded alone.
	each := ((len(body)+count-1)/count + step - 1) / step * step
	count = (len(body) + each - 1) / each
	parts := make([]string, count)
	for i := range parts {
		piece := body[i*each : min((i+1)*each, len(body))]
		parts[i] = "B$" + string(rune(e)) + string(rune(f.Type)) + number36(count) + number36(i) + piece
	}
	return parts, nil
}

// encode writes all of the data; step is the number of characters that whole bytes take.
func encode(data []byte, e Encoding) (body string, used Encoding, step int, err error) {
	switch e {
	case Hex:
		return strings.ToUpper(hex.EncodeToString(data)), Hex, 2, nil
	case Deflate:
		if packed := deflate(data); len(packed) < len(data) {
			return base32Text.EncodeToString(packed), Deflate, 8, nil
		}
		fallthrough
	case Base32:
		return base32Text.EncodeToString(data), Base32, 8, nil
	}
	return "", e, 0, errs.Bad(errs.Unsupported, "%q is no encoding of BBQr; use H, 2 or Z", rune(e))
}

func number36(n int) string { return string([]byte{digits36[n/36], digits36[n%36]}) }

// Decoder gathers the parts of one BBQr in any order. The zero value is ready.
type Decoder struct {
	head   string // encoding, file type and count, the same in every part
	pieces [][]byte
	known  int
	done   *File
}

// Sniff reports whether a text looks like a part of a BBQr.
func Sniff(text string) bool {
	text = strings.TrimSpace(text)
	return len(text) >= headerLen && (text[0] == 'B' || text[0] == 'b') && text[1] == '$'
}

// Add takes one part. A part twice is no error. A part that is damaged or belongs to another
// file (code mismatch) is an error that leaves what was gathered untouched.
func (d *Decoder) Add(part string) error {
	part = strings.ToUpper(strings.TrimSpace(part))
	count, index, err := readHeader(part)
	if err != nil {
		return err
	}
	piece, err := readBody(part, index == count-1)
	if err != nil {
		return err
	}
	if d.head == "" {
		d.head, d.pieces = strings.Clone(part[:6]), make([][]byte, count)
	}
	if d.head != part[:6] || d.pieces[index] != nil && !bytes.Equal(d.pieces[index], piece) {
		return errs.Bad(errs.Mismatch, "this part belongs to another file than the parts before it; start the scan again for that one")
	}
	if d.pieces[index] != nil {
		return nil
	}
	d.pieces[index] = piece
	if d.known++; d.known == count {
		return d.finish()
	}
	return nil
}

func readHeader(part string) (count, index int, err error) {
	if !Sniff(part) {
		return 0, 0, errs.Bad(errs.Malformed, "this is no part of a BBQr: it does not begin with B$ and six letters")
	}
	if len(part) > maxPart {
		return 0, 0, errs.Bad(errs.TooLarge, "this part of a BBQr is longer than a QR code can be")
	}
	if strings.IndexByte("H2Z", part[2]) < 0 {
		return 0, 0, errs.Bad(errs.Unsupported, "the BBQr has the unknown encoding %q", part[2])
	}
	if strings.IndexByte(fileTypes, part[3]) < 0 {
		return 0, 0, errs.Bad(errs.Unsupported, "the BBQr has the unknown file type %q", part[3])
	}
	var n [4]int
	for i := range n {
		if n[i] = strings.IndexByte(digits36, part[4+i]); n[i] < 0 {
			return 0, 0, errs.Bad(errs.Malformed, "the numbers in the BBQr's header are wrong")
		}
	}
	count, index = n[0]*36+n[1], n[2]*36+n[3]
	if index >= count {
		return 0, 0, errs.Bad(errs.Malformed, "the BBQr says that this is part %d of %d", index+1, count)
	}
	return count, index, nil
}

// readBody decodes the bytes of a part; all but the last are a whole number of steps.
func readBody(part string, last bool) ([]byte, error) {
	text, step := part[headerLen:], 8
	if text == "" {
		return nil, errs.Bad(errs.Malformed, "this part of the BBQr is empty")
	}
	decode := base32Text.DecodeString
	if part[2] == byte(Hex) {
		decode, step = hex.DecodeString, 2
	}
	piece, err := decode(text)
	if err != nil || !last && len(text)%step != 0 || len(piece) == 0 {
		return nil, errs.Bad(errs.BadEncoding, "this part of the BBQr is damaged or cut off")
	}
	return piece, nil
}

// finish joins the pieces; where they give no file, all are dropped.
func (d *Decoder) finish() error {
	f := File{Type: FileType(d.head[3]), Data: bytes.Join(d.pieces, nil)}
	var err error
	if d.head[2] == byte(Deflate) {
		f.Data, err = inflate(f.Data)
	}
	if err == nil && len(f.Data) > MaxFile {
		err = errTooLong
	}
	if err != nil {
		*d = Decoder{}
		return err
	}
	d.done = &f
	return nil
}

var errTooLong = errs.Bad(errs.TooLarge, "the file in the BBQr is longer than %d bytes", MaxFile)

func inflate(packed []byte) ([]byte, error) {
	r := flate.NewReader(bytes.NewReader(packed))
	data, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errs.Bad(errs.BadEncoding, "the compressed file in the BBQr is cut off")
	case err != nil:
		return nil, errs.Bad(errs.BadEncoding, "the compressed file in the BBQr is damaged; scan again from the start")
	case len(data) > MaxFile:
		return nil, errTooLong
	}
	return data, nil
}

// Progress tells how many parts are known, from 0 to 1.
func (d *Decoder) Progress() float64 {
	if d.head == "" {
		return 0
	}
	return float64(d.known) / float64(len(d.pieces))
}

// Parts tells how many parts are known and how many there are; both are 0 before the first.
func (d *Decoder) Parts() (known, total int) { return d.known, len(d.pieces) }

// File returns the file once it is whole.
func (d *Decoder) File() (File, bool) {
	if d.done == nil {
		return File{}, false
	}
	return *d.done, true
}

// Join reads a file from all of its parts. The error has the code incomplete where parts are
// missing.
func Join(parts ...string) (File, error) {
	var d Decoder
	for _, p := range parts {
		if err := d.Add(p); err != nil {
			return File{}, err
		}
	}
	f, ok := d.File()
	if !ok {
		return File{}, errs.Bad(errs.Incomplete, "%d of %d parts are known; scan further", d.known, len(d.pieces))
	}
	return f, nil
}
