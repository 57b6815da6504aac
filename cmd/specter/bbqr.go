package main

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"specter/internal/airgap"
	"specter/internal/airgap/bbqr"
	"specter/internal/errs"
)

type bbqrCmd struct {
	Join  bbqrJoinCmd  `cmd:"" help:"Read a file out of its parts, one a line in any order."`
	Split bbqrSplitCmd `cmd:"" help:"Print a file as parts."`
}

type bbqrJoinCmd struct{ codesArg }

// Help shows how it is used.
func (bbqrJoinCmd) Help() string {
	return "Examples:\n  specter bbqr join < scanned.txt\n  specter bbqr join 'B$2U0100KNWWC3DMEBRW63TUMVXHI'"
}

// Run answers.
func (c bbqrJoinCmd) Run(h host) error {
	return c.answer(h, func(r *request) error { return c.fill(h, r) }, joinBBQr)
}

type bbqrAnswer struct {
	Type     string  `json:"type"` // the letter
	Name     string  `json:"type_name"`
	Complete bool    `json:"complete"`
	Progress float64 `json:"progress"`
	Data     string  `json:"data"` // hex
	Text     *string `json:"text,omitempty"`
	PSBT     string  `json:"psbt,omitempty"` // base64
}

// bbqrNames tells what the letters stand for.
var bbqrNames = map[bbqr.FileType]string{bbqr.PSBT: "psbt", bbqr.Transaction: "transaction", bbqr.JSON: "json",
	bbqr.CBOR: "cbor", bbqr.Text: "text", bbqr.Binary: "binary", bbqr.Executable: "executable"}

func joinBBQr(r request) (any, error) {
	codes, err := r.codes()
	if err != nil {
		return nil, err
	}
	var d bbqr.Decoder
	for _, c := range codes {
		if err := d.Add(strings.TrimSpace(c)); err != nil {
			return nil, err
		}
	}
	f, whole := d.File()
	if !whole {
		known, total := d.Parts()
		err := errs.Bad(errs.Incomplete, "more codes are needed: %d of %d are known", known, total)
		return nil, detailed{err, map[string]any{"complete": false, "progress": d.Progress()}}
	}
	a := bbqrAnswer{Type: string(rune(f.Type)), Name: bbqrNames[f.Type], Complete: true, Progress: 1, Data: hex.EncodeToString(f.Data), Text: textOf(f.Data)}
	if f.Type == bbqr.PSBT {
		a.PSBT = base64.StdEncoding.EncodeToString(f.Data)
	}
	return a, nil
}

// textOf returns bytes that people can read, else nil.
func textOf(data []byte) *string {
	s := string(data)
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return nil
	}
	return &s
}

type bbqrSplitCmd struct {
	common
	Type        string `help:"Letter of the file's type: P (PSBT), T (transaction), J (JSON), C (CBOR), U (text), B (binary)." default:"P" placeholder:"LETTER"`
	Encoding    string `help:"H (hex), 2 (Base32) or Z (Base32 of deflated data)." default:"Z" placeholder:"LETTER"`
	MaxFragment int    `help:"Characters of a part, 24 to 4296." placeholder:"N"`
	File        string `arg:"" optional:"" help:"@file, or - or none for standard input: the file as it is; hex or base64 of a PSBT too."`
}

// Help shows how it is used.
func (bbqrSplitCmd) Help() string {
	return "Example:\n  specter bbqr split --type P --encoding Z @unsigned.psbt"
}

// Run answers.
func (c bbqrSplitCmd) Run(h host) error {
	return c.answer(h, func(r *request) error {
		r.Type, r.Encoding, r.MaxFragment = c.Type, c.Encoding, c.MaxFragment
		if c.JSONL {
			return nil
		}
		data, err := h.inputBytes(c.File)
		if err != nil {
			return err
		}
		if c.Type == "P" || c.Type == "T" {
			if text := strings.TrimSpace(string(data)); utf8.ValidString(text) {
				r.Data = text
				return nil
			}
		}
		r.Data = hex.EncodeToString(data)
		return nil
	}, splitFile)
}

func splitFile(r request) (any, error) {
	f, err := r.bbqrFile()
	if err != nil {
		return nil, err
	}
	return splitBBQr(r, f)
}

// bbqrFile reads the file to split: data in hex, or a PSBT or file in a field of its own.
func (r request) bbqrFile() (bbqr.File, error) {
	f := bbqr.File{Type: bbqr.PSBT}
	if r.Type != "" {
		f.Type = bbqr.FileType(r.Type[0])
	}
	if len(r.Type) > 1 || bbqrNames[f.Type] == "" {
		return f, errs.Bad(errs.Unsupported, "%q is no file type of BBQr; P, T, J, C, U, B and X are", r.Type)
	}
	var err error
	switch {
	case r.File != "" || r.FileBase64 != "":
		f.Data, err = r.fileBytes()
	case f.Type == bbqr.PSBT && !isHex(r.Data):
		p, perr := decodePSBT(firstOf(r.PSBT, r.Data))
		if perr != nil {
			return f, perr
		}
		f.Data, err = p.Serialize()
	default:
		f.Data, err = hexBytes("the data", strings.TrimSpace(r.Data))
	}
	return f, err
}

// isHex reports whether a text is hex of at least one byte.
func isHex(s string) bool {
	raw, err := hex.DecodeString(strings.TrimSpace(s))
	return err == nil && len(raw) > 0
}

type qrCmd struct {
	Decode qrDecodeCmd `cmd:"" help:"Read what QR codes carry, whatever their form: UR, BBQr, Base43, Base64, hex, SeedQR, chunks, text."`
}

type qrDecodeCmd struct{ codesArg }

// Help shows how it is used.
func (qrDecodeCmd) Help() string {
	return "The texts of the codes are given, one a line in any order.\n\nExample:\n  specter qr decode < scanned.txt"
}

// Run answers.
func (c qrDecodeCmd) Run(h host) error {
	return c.answer(h, func(r *request) error { return c.fill(h, r) }, decodeQR)
}

type qrAnswer struct {
	Format      string   `json:"format"`
	Kind        string   `json:"kind"`
	Type        string   `json:"type,omitempty"` // of a UR, or the letter of a BBQr
	Complete    bool     `json:"complete"`
	Progress    float64  `json:"progress"`
	Data        string   `json:"data,omitempty"` // hex
	CBOR        string   `json:"cbor,omitempty"`
	PSBT        string   `json:"psbt,omitempty"`
	Tx          string   `json:"tx,omitempty"`
	Text        *string  `json:"text,omitempty"`
	Descriptors []string `json:"descriptors,omitempty"`
	Keys        []urKey  `json:"keys,omitempty"`
	Address     string   `json:"address,omitempty"`
	Words       int      `json:"words,omitempty"`
	Private     bool     `json:"private,omitempty"`
	Mnemonic    string   `json:"mnemonic,omitempty"`
}

func decodeQR(r request) (any, error) {
	codes, err := r.codes()
	if err != nil {
		return nil, err
	}
	var s airgap.Scanner
	for _, c := range codes {
		if err := s.Add(c); err != nil {
			return nil, err
		}
	}
	p, whole := s.Payload()
	if !whole {
		known, total := s.Parts()
		err := errs.Bad(errs.Incomplete, "more codes are needed: %d of %d are known", known, total)
		return nil, detailed{err, map[string]any{"complete": false, "progress": s.Progress()}}
	}
	return qrAnswerOf(p, r.ShowPrivate), nil
}

// qrAnswerOf tells a payload; secrets only where they are asked for.
func qrAnswerOf(p airgap.Payload, show bool) qrAnswer {
	a := qrAnswer{Format: string(p.Format), Kind: string(p.Kind), Complete: true, Progress: 1}
	if p.FileType != 0 {
		a.Type = string(rune(p.FileType))
	}
	if p.UR != nil {
		u := urAnswer{}
		u.fill(p.Content, show)
		a.Type, a.CBOR = p.UR.Type, hex.EncodeToString(p.UR.CBOR)
		a.Descriptors, a.Keys, a.Address, a.Private = u.Descriptors, u.Keys, u.Address, u.Private
	}
	switch p.Kind {
	case airgap.KindPSBT:
		a.PSBT = base64.StdEncoding.EncodeToString(p.Data)
	case airgap.KindTransaction:
		a.Tx = hex.EncodeToString(p.Data)
	case airgap.KindMnemonic:
		a.Private, a.Words = true, len(p.Mnemonic.Words())
		if show {
			a.Mnemonic = p.Mnemonic.Phrase()
		}
		return a
	case airgap.KindText:
		a.Text = textOf(p.Data)
	}
	a.Data = hex.EncodeToString(p.Data)
	return a
}
