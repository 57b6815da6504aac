package main

import (
	"encoding/base64"
	"strings"

	"specter/internal/airgap"
	"specter/internal/airgap/bbqr"
	"specter/internal/airgap/ur"
	"specter/internal/btc/psbt"
	"specter/internal/errs"
)

// decodePSBT reads a PSBT in base64 or hex, or in the text of a QR code: Base43 and the
// complete UR or BBQr, with one code a line.
func decodePSBT(text string) (*psbt.Packet, error) {
	text = strings.TrimSpace(text)
	if isFramed(text) {
		payload, err := scan(codesOf(text))
		if err != nil {
			return nil, err
		}
		if payload.Kind != airgap.KindPSBT {
			return nil, errs.Bad(errs.Malformed, "the QR codes hold no PSBT but %s", payload.Kind)
		}
		return psbt.Parse(payload.Data)
	}
	p, err := psbt.Decode(text)
	if err == nil {
		return p, nil
	}
	if raw, berr := airgap.DecodeBase43(text); berr == nil && strings.HasPrefix(string(raw), "psbt\xff") {
		return psbt.Parse(raw)
	}
	return nil, err
}

// isFramed reports whether a text is that of QR codes that carry something: a UR, a BBQr or a
// chunk of Specter-DIY.
func isFramed(text string) bool {
	head := strings.TrimSpace(text[:min(len(text), 80)])
	if len(head) > 3 && strings.EqualFold(head[:3], "ur:") {
		return true
	}
	return bbqr.Sniff(strings.TrimSpace(text)) || isChunk(head)
}

// isChunk reports whether a text begins like "p1of3 ".
func isChunk(head string) bool {
	word, _, more := strings.Cut(head, " ")
	if !more || len(word) < 5 || len(word) > 12 || word[0] != 'p' {
		return false
	}
	a, b, of := strings.Cut(word[1:], "of")
	digits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	return of && digits(a) && digits(b)
}

// codesOf cuts a text into codes, one a line.
func codesOf(text string) []string {
	var codes []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			codes = append(codes, line)
		}
	}
	return codes
}

// codes are the request's parts; a single one may hold several, one a line.
func (r request) codes() ([]string, error) {
	parts := r.Parts
	if len(parts) == 0 && r.UR != "" {
		parts = []string{r.UR}
	}
	if len(parts) == 1 && isFramed(parts[0]) {
		parts = codesOf(parts[0])
	}
	if len(parts) == 0 {
		return nil, errs.Bad(errs.Malformed, "no code was given; parts is a list of their texts")
	}
	return parts, nil
}

// scan gathers codes of any form; the error has the code incomplete where some are missing.
func scan(codes []string) (airgap.Payload, error) {
	return airgap.Decode(codes...)
}

// The lengths of a part that are taken where the request names none.
const (
	defaultFragment = 200 // bytes of a UR's fragment: a code that every device reads
	defaultChars    = 600 // characters of a BBQr part
)

// encodeFrames shows a PSBT as the texts of QR codes.
func encodeFrames(r request, raw []byte) (any, error) {
	if r.To == "bbqr" {
		return splitBBQr(r, bbqr.File{Type: bbqr.PSBT, Data: raw})
	}
	return urParts(r, ur.NewPSBT(raw, ur.Old))
}

// partsAnswer lists the texts of QR codes.
type partsAnswer struct {
	Type  string   `json:"type"`
	Parts []string `json:"parts"`
}

func urParts(r request, u ur.UR) (any, error) {
	size := r.MaxFragment
	if size == 0 {
		size = defaultFragment
	}
	e, err := ur.NewEncoder(u, size)
	if err != nil {
		return nil, err
	}
	count := e.Len()
	if r.Count != 0 {
		if count = r.Count; count < 0 || count > ur.MaxParts {
			return nil, errs.Bad(errs.TooLarge, "count is how many parts to print, from 1 to %d", ur.MaxParts)
		}
	}
	out := partsAnswer{Type: u.Type, Parts: make([]string, count)}
	for i := range out.Parts {
		out.Parts[i] = e.Part(i)
	}
	return out, nil
}

func splitBBQr(r request, f bbqr.File) (any, error) {
	encoding := bbqr.Deflate
	switch r.Encoding {
	case "", "Z":
	case "H":
		encoding = bbqr.Hex
	case "2":
		encoding = bbqr.Base32
	default:
		return nil, errs.Bad(errs.Unsupported, "%q is no encoding of BBQr; H, 2 and Z are", r.Encoding)
	}
	chars := r.MaxFragment
	if chars == 0 {
		chars = defaultChars
	}
	parts, err := bbqr.Split(f, encoding, chars)
	if err != nil {
		return nil, err
	}
	return partsAnswer{string(rune(f.Type)), parts}, nil
}

// fileBytes returns the request's file, or where none is given its data.
func (r request) fileBytes() ([]byte, error) {
	if r.FileBase64 == "" {
		if r.File == "" {
			return nil, errs.Bad(errs.Malformed, "the file is empty")
		}
		return []byte(r.File), nil
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(r.FileBase64))
	if err != nil {
		return nil, errs.Bad(errs.BadEncoding, "file_base64 is not base64")
	}
	return raw, nil
}
