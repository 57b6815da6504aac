package airgap

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"

	"specter/internal/airgap/bbqr"
	"specter/internal/airgap/ur"
	"specter/internal/errs"
)

// Density is how much a single code of an animation holds, in characters.
type Density int

// The densities that a page offers. Cameras of small devices need the low ones.
const (
	Sparse Density = 150
	Normal Density = 300 // the old Specter's
	Dense  Density = 600
	Full   Density = 1200
)

// StaticLimit is how many characters are shown in one code that stands still before the codes are
// cut, where the format leaves the choice (the old Specter's 300 and, on a click, 2300).
const StaticLimit = 300

// The rates at which codes follow each other.
const (
	NormalInterval = 300 * time.Millisecond
	SlowInterval   = 500 * time.Millisecond // for SeedSigner and others that read slowly
)

// Options say how a payload is shown.
type Options struct {
	Format   Format
	Density  Density       // Normal where 0; ignored by formats that are one code
	Interval time.Duration // NormalInterval where 0
}

// Animation is a payload as codes that follow each other.
type Animation struct {
	Encoder
	Interval time.Duration // for which a code is shown
}

// NewEncoder shows a payload of the kinds psbt, transaction, text and bytes, or with a UR set, in
// any format but seedqr-c and binary; a mnemonic as seedqr. The error has the code unsupported
// where the format cannot carry the kind.
func NewEncoder(p Payload, o Options) (Animation, error) {
	if o.Density == 0 {
		o.Density = Normal
	}
	if o.Interval == 0 {
		o.Interval = NormalInterval
	}
	if o.Density < 50 || o.Density > 4000 || o.Interval < 50*time.Millisecond || o.Interval > time.Minute {
		return Animation{}, errs.Bad(errs.Malformed, "codes hold 50 to 4000 characters and are shown for 50 ms to a minute each")
	}
	e, err := newEncoder(p, o.Format, int(o.Density))
	return Animation{Encoder: e, Interval: o.Interval}, err
}

func newEncoder(p Payload, f Format, chars int) (Encoder, error) {
	switch f {
	case FormatText, FormatBase64, FormatHex, FormatBase43, FormatSeedQR:
		text, err := wholeText(p, f)
		if err == nil && text == "" {
			err = errs.Bad(errs.Malformed, "there is nothing to show")
		}
		return single(text), err
	case FormatSpecter:
		text, err := wholeText(p, FormatText)
		if err != nil {
			return nil, err
		}
		return newChunkEncoder(text, chars)
	case FormatUR, FormatURNew, FormatURLegacy:
		u, err := resource(p, f)
		if err != nil {
			return nil, err
		}
		return newURencoder(u, f, chars)
	case FormatBBQr:
		return newBBQrEncoder(p, chars)
	}
	return nil, errs.Bad(errs.Unsupported, "nothing can be shown in the format %q", string(f))
}

// single is one code.
type single string

// Len returns 1.
func (s single) Len() int { return 1 }

// Part returns the code.
func (s single) Part(int) string { return string(s) }

// several are codes that begin again.
type several []string

// Len returns the number of codes.
func (s several) Len() int { return len(s) }

// Part returns a code.
func (s several) Part(i int) string { return s[i%len(s)] }

func unsupported(p Payload, f Format) error {
	return errs.Bad(errs.Unsupported, "the format %s cannot carry a %s", f, p.Kind)
}

// wholeText writes a payload as one text.
func wholeText(p Payload, f Format) (string, error) {
	binary := p.Kind == KindPSBT || p.Kind == KindTransaction
	switch {
	case f == FormatSeedQR && p.Kind == KindMnemonic:
		return p.Mnemonic.SeedQR()
	case f == FormatText && p.Kind == KindText:
		return string(p.Data), nil
	case f == FormatHex && binary, f == FormatText && p.Kind == KindTransaction:
		return hex.EncodeToString(p.Data), nil
	case f == FormatBase64 && binary, f == FormatText && p.Kind == KindPSBT:
		return base64.StdEncoding.EncodeToString(p.Data), nil
	case f == FormatBase43 && (binary || p.Kind == KindBytes):
		if len(p.Data) > maxBase43/2 {
			return "", errs.Bad(errs.TooLarge, "%d bytes are too many for one code", len(p.Data))
		}
		return EncodeBase43(p.Data), nil
	}
	return "", unsupported(p, f)
}

// resource makes the resource for a payload. Version 1 knows the type bytes alone.
func resource(p Payload, f Format) (ur.UR, error) {
	switch {
	case p.UR != nil:
		return *p.UR, nil
	case p.Kind == KindPSBT && f == FormatUR:
		return ur.NewPSBT(p.Data, ur.Old), nil
	case p.Kind == KindPSBT && f == FormatURNew:
		return ur.NewPSBT(p.Data, ur.New), nil
	case p.Kind == KindPSBT || p.Kind == KindTransaction || p.Kind == KindText || p.Kind == KindBytes:
		return ur.NewBytes(p.Data), nil
	}
	return ur.UR{}, unsupported(p, f)
}

// upper writes codes in upper case, which QR codes hold in fewer modules.
type upper struct{ Encoder }

// Part returns a code in upper case.
func (u upper) Part(i int) string { return strings.ToUpper(u.Encoder.Part(i)) }

func newURencoder(u ur.UR, f Format, chars int) (Encoder, error) {
	if f == FormatURLegacy {
		e, err := ur.NewLegacyEncoder(u, chars)
		if err == nil && e.Len() == 1 {
			return single(e.Static()), nil
		}
		return e, err
	}
	// A part is its head, and in two letters a byte: the fragment, its CRC and 22 bytes of CBOR.
	fragment := max((chars-len("ur:/1234-1234/")-len(u.Type))/2-26, 10)
	if 2*(len(u.CBOR)+4)+len("ur:/")+len(u.Type) <= chars {
		fragment = max(len(u.CBOR), 10) // all of it in one part
	}
	e, err := ur.NewEncoder(u, fragment)
	return upper{e}, err
}

func newBBQrEncoder(p Payload, chars int) (Encoder, error) {
	f := bbqr.File{Data: p.Data}
	switch {
	case p.Kind == KindPSBT:
		f.Type = bbqr.PSBT
	case p.Kind == KindTransaction:
		f.Type = bbqr.Transaction
	case p.Kind == KindText && p.FileType == byte(bbqr.JSON):
		f.Type = bbqr.JSON
	case p.Kind == KindText && utf8.Valid(p.Data):
		f.Type = bbqr.Text
	case p.Kind == KindBytes:
		f.Type = bbqr.Binary
	default:
		return nil, unsupported(p, FormatBBQr)
	}
	parts, err := bbqr.Split(f, bbqr.Deflate, chars)
	return several(parts), err
}
