package airgap

import (
	"strings"

	"specter/internal/airgap/bbqr"
	"specter/internal/airgap/ur"
	"specter/internal/btc/mnemonic"
	"specter/internal/errs"
)

// Scanner is the Decoder of every format: the first code tells which one it is. The zero value
// is ready.
type Scanner struct {
	ur     *ur.Decoder
	bbqr   *bbqr.Decoder
	chunks *chunks
	plain  string // the text of a code that stands alone
	done   *Payload
}

var _ Decoder = (*Scanner)(nil)

// maxText bounds a text that stands alone.
const maxText = 16 << 20

// Add takes the text of one code.
func (s *Scanner) Add(part string) error {
	if len(part) > maxText {
		return errs.Bad(errs.TooLarge, "the text is longer than any code")
	}
	trimmed := strings.TrimSpace(part)
	if trimmed == "" {
		return errs.Bad(errs.Malformed, "the code holds nothing")
	}
	if len(trimmed) > 3 && strings.EqualFold(trimmed[:3], "ur:") {
		return s.addUR(trimmed)
	}
	if bbqr.Sniff(trimmed) {
		return s.addBBQr(trimmed)
	}
	if index, count, body, ok := splitChunk(trimmed); ok {
		return s.addChunk(index, count, body)
	}
	if s.done != nil && s.plain == part {
		return nil
	}
	if s.busy() {
		return errMixed
	}
	p := sniff(part)
	s.plain, s.done = part, &p
	return nil
}

// AddBytes takes the content of one code in bytes: cameras that can tell give it so. Bytes that
// are no text may be a binary PSBT or a CompactSeedQR.
func (s *Scanner) AddBytes(data []byte) error {
	kind, _ := classify(data)
	if kind == KindPSBT || kind == KindText || kind == KindTransaction {
		return s.Add(string(data))
	}
	if s.busy() {
		return errMixed
	}
	m, err := mnemonic.FromCompactSeedQR(data)
	if err != nil {
		return errs.Bad(errs.Unsupported, "the code holds %d bytes that are nothing known here", len(data))
	}
	s.done = &Payload{Kind: KindMnemonic, Format: FormatCompact, Mnemonic: m}
	return nil
}

// busy reports whether codes of some message have been taken.
func (s *Scanner) busy() bool {
	return s.ur != nil || s.bbqr != nil || s.chunks != nil || s.done != nil
}

func (s *Scanner) addUR(part string) error {
	d := s.ur
	if d == nil {
		if s.busy() {
			return errMixed
		}
		d = &ur.Decoder{}
	}
	if err := d.Add(part); err != nil {
		return err
	}
	s.ur = d
	u, whole := d.UR()
	if !whole || s.done != nil {
		return nil
	}
	p, err := fromUR(u, d.Legacy())
	if err != nil {
		s.ur = nil
		return err
	}
	s.done = &p
	return nil
}

// fromUR makes a payload of a resource. A type that is not known is a payload too.
func fromUR(u ur.UR, legacy bool) (Payload, error) {
	p := Payload{Kind: KindUnknown, Format: FormatUR, UR: &u}
	if legacy {
		p.Format = FormatURLegacy
	}
	var err error
	if p.Content, err = u.Content(); errs.CodeOf(err) == errs.Unsupported && p.Content.Kind == "" {
		return p, nil
	} else if err != nil {
		return p, err
	}
	switch p.Content.Kind {
	case "psbt":
		if p.Kind, p.Data = classify(p.Content.PSBT); p.Kind != KindPSBT {
			return p, errs.Bad(errs.Malformed, "the resource says that it is a PSBT, but it is not")
		}
	case "bytes":
		p.Kind, p.Data = classify(p.Content.Bytes)
	case "hdkey", "eckey":
		p.Kind = KindKey
	case "address":
		p.Kind = KindAddress
	case "output-descriptor", "account-descriptor":
		p.Kind = KindDescriptors
	case "seed":
		p.Kind = KindSeed
	case "bip39":
		p.Kind = KindMnemonic
		p.Mnemonic, err = mnemonic.Parse(string(p.Content.Mnemonic))
	}
	return p, err
}

func (s *Scanner) addBBQr(part string) error {
	d := s.bbqr
	if d == nil {
		if s.busy() {
			return errMixed
		}
		d = &bbqr.Decoder{}
	}
	if err := d.Add(part); err != nil {
		if known, _ := d.Parts(); known == 0 {
			s.bbqr = nil // all parts were there, and gave no file
		}
		return err
	}
	s.bbqr = d
	f, whole := d.File()
	if !whole || s.done != nil {
		return nil
	}
	p := Payload{Format: FormatBBQr, FileType: byte(f.Type)}
	p.Kind, p.Data = classify(f.Data)
	if f.Type == bbqr.PSBT && p.Kind != KindPSBT || f.Type == bbqr.Transaction && !layoutOfTransaction(f.Data) {
		s.bbqr = nil
		return errs.Bad(errs.Malformed, "the BBQr says that it holds a file of type %c, but it does not", f.Type)
	}
	if f.Type == bbqr.Transaction {
		p.Kind, p.Data = KindTransaction, f.Data // of any version
	}
	s.done = &p
	return nil
}

func (s *Scanner) addChunk(index, count int, body string) error {
	if s.chunks == nil && s.busy() {
		return errMixed
	}
	c, err := s.chunks.add(index, count, body)
	if err != nil {
		return err
	}
	s.chunks = c
	if c.known < count || s.done != nil {
		return nil
	}
	p := sniff(strings.Join(c.pieces, ""))
	p.Format = FormatSpecter
	s.done = &p
	return nil
}

// Progress tells how much is known, from 0 to 1.
func (s *Scanner) Progress() float64 {
	switch {
	case s.done != nil:
		return 1
	case s.ur != nil:
		return s.ur.Progress()
	case s.bbqr != nil:
		return s.bbqr.Progress()
	case s.chunks != nil:
		return float64(s.chunks.known) / float64(len(s.chunks.pieces))
	}
	return 0
}

// Parts tells how many codes are known and how many there are; of fountain codes, how many
// independent ones. Both are 0 before the first code.
func (s *Scanner) Parts() (known, total int) {
	switch {
	case s.ur != nil:
		return s.ur.Parts()
	case s.bbqr != nil:
		return s.bbqr.Parts()
	case s.chunks != nil:
		return s.chunks.known, len(s.chunks.pieces)
	case s.done != nil:
		return 1, 1
	}
	return 0, 0
}

// Payload returns what the codes hold, once they are enough.
func (s *Scanner) Payload() (Payload, bool) {
	if s.done == nil {
		return Payload{}, false
	}
	return *s.done, true
}

// Decode reads a payload from all of its codes. The error has the code incomplete where codes
// are missing.
func Decode(parts ...string) (Payload, error) {
	var s Scanner
	for _, p := range parts {
		if err := s.Add(p); err != nil {
			return Payload{}, err
		}
	}
	p, ok := s.Payload()
	if !ok {
		known, total := s.Parts()
		return p, errs.Bad(errs.Incomplete, "%d of %d codes are known; scan further", known, total)
	}
	return p, nil
}
