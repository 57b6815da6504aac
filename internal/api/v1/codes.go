package v1

import (
	"slices"
	"strconv"

	"specter/internal/airgap"
	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/device"
)

// codeRoutes: what goes over a camera, as the texts of its codes. A program draws and photographs
// them itself.
func codeRoutes() []Route {
	return []Route{
		{"POST", "/code-readings", auth.Read, AnyUser, Whole, "readCodes", postCodes, options{in: codesInput{}, out: readingView{}}},
		{"GET", "/wallets/{alias}/drafts/{id}/codes", auth.Read, AnyUser, OneWallet, "readDraftCodes", getDraftCodes, options{out: codesView{}, query: []string{"device", "format", "density"}}},
	}
}

// codesInput are the texts of codes, as a camera read them.
type codesInput struct {
	Codes []string `json:"codes" need:"yes"`
}

// readingView is what the codes hold together.
type readingView struct {
	Whole bool    `json:"whole"`
	Known int     `json:"known"`
	Parts int     `json:"parts"`
	Kind  *string `json:"kind"`
	Text  *string `json:"text"`
}

// codesView is something as codes that follow each other.
type codesView struct {
	Format   string   `json:"format"`
	Interval int64    `json:"interval_ms"`
	Codes    []string `json:"codes"`
}

// Bounds of codes.
const (
	maxCodes   = 4000
	minDensity = 100
	maxDensity = 2300
)

// postCodes joins codes, whatever their order and encoding. Missing ones are no error: more are sent
// along the next time. A code of another message, or a secret, is one.
func postCodes(c *call) (any, error) {
	var in codesInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	if len(in.Codes) == 0 || len(in.Codes) > maxCodes {
		return nil, invalid("codes", "1 to %d codes are read at once", maxCodes)
	}
	var s airgap.Scanner
	for _, text := range in.Codes {
		if err := s.Add(text); err != nil {
			return nil, err
		}
	}
	v := readingView{}
	v.Known, v.Parts = s.Parts()
	p, whole := s.Payload()
	if !whole {
		return v, nil
	}
	text, err := p.FieldText()
	v.Whole, v.Kind, v.Text = true, maybe(string(p.Kind)), &text
	return v, err
}

// codeFormats are the encodings of a PSBT.
var codeFormats = []string{string(airgap.FormatUR), string(airgap.FormatURNew), string(airgap.FormatURLegacy), string(airgap.FormatBBQr), string(airgap.FormatSpecter),
	string(airgap.FormatBase64), string(airgap.FormatBase43)}

// getDraftCodes shows a draft's PSBT as the codes that a device's camera reads, cut to what that
// device needs. Without a device it is the whole.
func getDraftCodes(c *call) (any, error) {
	format := c.params.Get("format")
	if err := oneOf("format", format, codeFormats); err != nil {
		return nil, err
	}
	density := 0
	if c.params.Has("density") {
		var err error
		if density, err = strconv.Atoi(c.params.Get("density")); err != nil || density < minDensity || density > maxDensity {
			return nil, invalid("density", "a code holds %d to %d characters", minDensity, maxDensity)
		}
	}
	id, err := c.draftID()
	if err != nil {
		return nil, err
	}
	d, err := c.s.c.Wallets.Draft(c.ctx(), c.ref(), id)
	if err != nil {
		return nil, err
	}
	kind, own := "other", []btc.Fingerprint(nil)
	if alias := c.params.Get("device"); alias != "" {
		dev, err := c.s.c.Devices.Get(c.ctx(), c.user(), alias)
		if err != nil {
			return nil, err
		}
		kind, own = dev.Type, prints(dev)
	}
	profile := airgap.ProfileOf(kind)
	f := profile.Format
	if format != "" {
		f = airgap.Format(format)
	}
	if f == "" {
		return nil, invalid("device", "this device has no camera; give it the PSBT as a file")
	}
	data, err := airgap.Cut(d.PSBT, profile.QR, own)
	if err != nil {
		return nil, err
	}
	a, err := profile.Show(airgap.Payload{Kind: airgap.KindPSBT, Data: data}, f, airgap.Density(density), 0)
	if err != nil {
		return nil, err
	}
	if a.Len() > maxCodes {
		return nil, invalid("density", "this would be %d codes; give it to the device as a file, or say a greater density", a.Len())
	}
	v := codesView{Format: string(f), Interval: a.Interval.Milliseconds(), Codes: make([]string, a.Len())}
	for i := range v.Codes {
		v.Codes[i] = a.Part(i)
	}
	return v, nil
}

// prints lists whose keys a device's are.
func prints(d device.Device) (out []btc.Fingerprint) {
	for _, k := range d.Keys {
		if k.HasOrigin && !slices.Contains(out, k.Fingerprint) {
			out = append(out, k.Fingerprint)
		}
	}
	return out
}
