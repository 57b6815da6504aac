package main

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"specter/internal/airgap/ur"
	"specter/internal/errs"
)

type urCmd struct {
	Decode urDecodeCmd `cmd:"" help:"Read a resource out of its parts, one a line in any order."`
	Encode urEncodeCmd `cmd:"" help:"Print data as the parts of a resource."`
}

// codesArg is the input of the verbs that read QR codes.
type codesArg struct {
	common
	ShowPrivate bool     `help:"Print private keys and seed words, where the codes hold some."`
	Parts       []string `arg:"" optional:"" sep:"none" help:"The texts of the codes; - or none reads them from standard input, one a line, @file from a file."`
}

func (c codesArg) fill(h host, r *request) error {
	r.ShowPrivate = c.ShowPrivate
	if c.JSONL {
		return nil
	}
	args := c.Parts
	if len(args) == 0 {
		args = []string{"-"}
	}
	for _, a := range args {
		data, err := h.inputBytes(a)
		if err != nil {
			return err
		}
		if text := string(data); isFramed(text) {
			r.Parts = append(r.Parts, codesOf(text)...)
		} else {
			r.Parts = append(r.Parts, strings.TrimSpace(text))
		}
	}
	return nil
}

type urDecodeCmd struct{ codesArg }

// Help shows how it is used.
func (urDecodeCmd) Help() string {
	return "Examples:\n  specter ur decode < scanned.txt\n  specter ur decode ur:bytes/hdeymejtswhhylkepmykhhtsytsnoyoyaxaedsuttydmmhhpktpmsrjtgwdpfnsboxgwlbaawzuefywkdplrsrjynbvygabwjldapfcsdwkbrkch"
}

// Run answers.
func (c urDecodeCmd) Run(h host) error {
	return c.answer(h, func(r *request) error { return c.fill(h, r) }, decodeUR)
}

type urAnswer struct {
	Type        string       `json:"type"`
	Complete    bool         `json:"complete"`
	Progress    float64      `json:"progress"`
	Version     int          `json:"ur_version"`
	CBOR        string       `json:"cbor"`
	PSBT        string       `json:"psbt,omitempty"` // base64
	Fingerprint string       `json:"master_fingerprint,omitempty"`
	Descriptors []string     `json:"descriptors,omitempty"`
	Keys        []urKey      `json:"keys,omitempty"`
	Address     string       `json:"address,omitempty"`
	Bytes       *string      `json:"bytes,omitempty"` // hex
	Text        *string      `json:"text,omitempty"`  // of bytes that are text
	Name        string       `json:"name,omitempty"`
	Note        string       `json:"note,omitempty"`
	Private     bool         `json:"private,omitempty"` // holds a secret
	Mnemonic    string       `json:"mnemonic,omitempty"`
	Entropy     string       `json:"entropy,omitempty"`
	Problem     *errorFields `json:"problem,omitempty"` // why the CBOR was not understood
}

// urKey is a key of a resource.
type urKey struct {
	Expression        string       `json:"expression,omitempty"`
	PubKey            string       `json:"key,omitempty"`
	Private           bool         `json:"private"`
	XKey              string       `json:"xkey,omitempty"`
	Network           string       `json:"network,omitempty"`
	Origin            *originField `json:"origin,omitempty"`
	ChainCode         string       `json:"chain_code,omitempty"`
	ParentFingerprint string       `json:"parent_fingerprint,omitempty"`
	Children          string       `json:"children,omitempty"`
	Name              string       `json:"name,omitempty"`
	Note              string       `json:"note,omitempty"`
}

func decodeUR(r request) (any, error) {
	codes, err := r.codes()
	if err != nil {
		return nil, err
	}
	var d ur.Decoder
	for _, c := range codes {
		if err := d.Add(c); err != nil {
			return nil, err
		}
		if _, whole := d.UR(); whole {
			break // further parts of a fountain say nothing new
		}
	}
	u, whole := d.UR()
	if !whole {
		known, total := d.Parts()
		err := errs.Bad(errs.Incomplete, "more codes are needed: %d of %d parts are known", known, total)
		return nil, detailed{err, map[string]any{"type": d.Type(), "complete": false, "progress": d.Progress()}}
	}
	a := urAnswer{Type: u.Type, Complete: true, Progress: 1, Version: 2, CBOR: hex.EncodeToString(u.CBOR)}
	if d.Legacy() {
		a.Version = 1
	}
	content, err := u.Content()
	if err != nil {
		if errs.CodeOf(err) == errs.Unsupported {
			a.Problem = errorOf(err)
			return a, nil // the resource is whole; only its meaning is not known here
		}
		return nil, err
	}
	a.fill(content, r.ShowPrivate)
	return a, nil
}

// fill tells the content of a resource; secrets only where they are asked for.
func (a *urAnswer) fill(c ur.Content, show bool) {
	if c.PSBT != nil {
		a.PSBT = base64.StdEncoding.EncodeToString(c.PSBT)
	}
	if c.Kind == "bytes" {
		text := hex.EncodeToString(c.Bytes)
		a.Bytes = &text
		if strings.HasPrefix(string(c.Bytes), "psbt\xff") { // as Cobo Vault and old Specter carry one
			a.PSBT = base64.StdEncoding.EncodeToString(c.Bytes)
		}
		if s := string(c.Bytes); utf8.ValidString(s) && !strings.ContainsRune(s, 0) {
			a.Text = &s
		}
	}
	for _, k := range c.Keys {
		a.Private = a.Private || k.Private
		a.Keys = append(a.Keys, urKeyOf(k, show))
	}
	if show || !a.Private {
		a.Descriptors = c.Descriptors()
	}
	if c.Kind == "account-descriptor" {
		a.Fingerprint = c.Fingerprint.String()
	}
	a.Address, a.Name, a.Note = c.Address, c.Name, c.Note
	if len(c.Mnemonic) > 0 || len(c.Seed) > 0 {
		a.Private = true
		if show {
			a.Mnemonic, a.Entropy = string([]byte(c.Mnemonic)), hex.EncodeToString(c.Seed)
		}
	}
}

func urKeyOf(k ur.Key, show bool) urKey {
	out := urKey{Private: k.Private, Children: k.Children, Name: k.Name, Note: k.Note}
	if k.HD {
		out.Network = networkWord(k.Main)
	}
	if k.HasOrigin {
		out.Origin = originOf(&k.Origin)
	}
	if k.HasXKey {
		out.ChainCode, out.ParentFingerprint = hex.EncodeToString(k.XKey.ChainCode[:]), k.XKey.Parent.String()
	}
	switch {
	case !k.Private || show:
		out.PubKey, out.Expression = hex.EncodeToString(k.Data), k.Expression()
		if k.HasXKey {
			out.XKey = k.XKey.String()
		}
	case k.HasXKey:
		public := k
		public.XKey = k.XKey.Public()
		public.Private, public.Data = false, public.XKey.PublicKey[:]
		out.PubKey, out.XKey, out.Expression = hex.EncodeToString(public.Data), public.XKey.String(), public.Expression()
	}
	return out
}

type urEncodeCmd struct {
	common
	MaxFragment int    `help:"Bytes of a fragment; what is longer becomes several parts." placeholder:"N"`
	Count       int    `help:"How many parts to print; beyond those needed they are fountain parts." placeholder:"N"`
	Type        string `arg:"" help:"crypto-psbt, psbt, bytes, crypto-output, output-descriptor, crypto-hdkey, hdkey, or any other type with its CBOR."`
	Data        string `arg:"" optional:"" help:"The PSBT, descriptor, key, or hex; - or none reads standard input, @file a file."`
}

// Help shows how it is used.
func (urEncodeCmd) Help() string {
	return "A PSBT is given in base64, hex or binary; a descriptor or [origin]xpub as text; bytes, and the CBOR of other types, as hex.\n\nExample:\n  specter ur encode crypto-psbt @unsigned.psbt --max-fragment 100"
}

// Run answers.
func (c urEncodeCmd) Run(h host) error {
	return c.answer(h, func(r *request) (err error) {
		r.Type, r.MaxFragment, r.Count = c.Type, c.MaxFragment, c.Count
		r.Data, err = h.psbtText(c.common, c.Data)
		return
	}, encodeUR)
}

func encodeUR(r request) (any, error) {
	u, err := r.resource()
	if err != nil {
		return nil, err
	}
	return urParts(r, u)
}

// resource makes a resource of the request's data: of a PSBT, descriptor or key as people
// write them, or of the CBOR itself in hex.
func (r request) resource() (ur.UR, error) {
	version := ur.New
	if strings.HasPrefix(r.Type, "crypto-") {
		version = ur.Old
	}
	data := strings.TrimSpace(r.Data)
	raw, err := hex.DecodeString(firstOf(r.CBOR, data))
	isHex := err == nil && len(raw) > 0
	if r.CBOR != "" && isHex {
		return ur.UR{Type: r.Type, CBOR: raw}, nil
	}
	switch strings.TrimPrefix(r.Type, "crypto-") {
	case "bytes":
		raw, err := hexBytes("the data", data)
		return ur.NewBytes(raw), err
	case "psbt":
		if isHex && r.PSBT == "" && !strings.HasPrefix(string(raw), "psbt\xff") {
			break
		}
		p, err := decodePSBT(firstOf(r.PSBT, data))
		if err != nil {
			return ur.UR{}, err
		}
		raw, err := p.Serialize()
		return ur.NewPSBT(raw, version), err
	case "output", "output-descriptor":
		if !isHex || r.Descriptor != "" {
			return ur.NewOutput(firstOf(r.Descriptor, data), version)
		}
	case "hdkey":
		if !isHex || r.Key != "" {
			return ur.NewHDKey(firstOf(r.Key, data), version)
		}
	}
	if !isHex {
		return ur.UR{}, errs.Bad(errs.BadEncoding, "a resource of the type %q is made of its CBOR in hex", r.Type)
	}
	return ur.UR{Type: r.Type, CBOR: raw}, nil
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
