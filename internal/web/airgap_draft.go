package web

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"specter/internal/airgap"
	"specter/internal/btc"
	"specter/internal/device"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// draftQRPage shows a draft's PSBT to a device's camera and takes back what it signed.
type draftQRPage struct {
	draftPage
	Cameras []device.Device // of the wallet's signers
	For     device.Device   // whose camera looks; ID 0: a type alone
	Type    device.Type
	Types   []device.Type // with a camera
	Format  airgap.Format
	Formats []airgap.Format
	Show    showing
	Limits  []string
}

// Way tells how a signer's device takes a PSBT.
func (p draftPage) Way(s wallet.DraftSigner) airgap.Profile { return airgap.ProfileOf(p.typeOf(s)) }

// Files reports whether a signer's device takes files, or is not known.
func (p draftPage) Files(s wallet.DraftSigner) bool {
	return s.DeviceType == "" || device.TypeOf(s.DeviceType).SD
}

func (p draftPage) typeOf(s wallet.DraftSigner) string {
	if s.DeviceType == "" {
		return "other"
	}
	return s.DeviceType
}

// psbtFormats are the encodings that may be chosen by hand.
var psbtFormats = []airgap.Format{airgap.FormatUR, airgap.FormatURNew, airgap.FormatURLegacy, airgap.FormatBBQr, airgap.FormatSpecter, airgap.FormatBase64, airgap.FormatBase43}

// chosenDevice is the device that a request names: by its row, or by its type alone.
func (p draftPage) chosenDevice(r *http.Request) (device.Device, device.Type, error) {
	id, typ := r.FormValue("device"), r.FormValue("type")
	if id == "" && typ == "" {
		return device.Device{}, device.TypeOf("other"), nil
	}
	if id == "" || id == "0" {
		if i := slices.IndexFunc(device.Types(), func(t device.Type) bool { return t.ID == typ }); i >= 0 {
			return device.Device{}, device.Types()[i], nil
		}
		return device.Device{}, device.TypeOf("other"), nil
	}
	row, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return device.Device{}, device.Type{}, errs.E(errs.NotFound, "you have no such device")
	}
	d := p.Device(row)
	if d.ID == 0 {
		return d, device.Type{}, errs.E(errs.NotFound, "you have no such device")
	}
	return d, device.TypeOf(d.Type), nil
}

// fingerprints lists whose keys a device's are.
func fingerprints(d device.Device) []btc.Fingerprint {
	var out []btc.Fingerprint
	for _, k := range d.Keys {
		if k.HasOrigin && !slices.Contains(out, k.Fingerprint) {
			out = append(out, k.Fingerprint)
		}
	}
	return out
}

// getDraftQR shows the PSBT to a camera: the page, or the codes that its script asks for.
func (s *Server) getDraftQR(w http.ResponseWriter, r *http.Request) error {
	p, err := s.draftPage(r)
	if err != nil {
		return err
	}
	v := draftQRPage{draftPage: p, Formats: psbtFormats}
	v.Title = s.tr(r, "Draft %d", v.Draft.ID)
	if v.For, v.Type, err = v.chosenDevice(r); err != nil {
		return err
	}
	for _, signer := range v.Draft.Signers {
		if d := v.Device(signer.DeviceID); d.ID != 0 && airgap.ProfileOf(d.Type).Format != "" && !d.Hot() {
			v.Cameras = append(v.Cameras, d)
		}
	}
	for _, t := range device.Types() {
		if !t.Hot && airgap.ProfileOf(t.ID).Format != "" {
			v.Types = append(v.Types, t)
		}
	}
	profile := airgap.ProfileOf(v.Type.ID)
	v.Format = profile.Format
	if f := airgap.Format(r.FormValue("as")); slices.Contains(psbtFormats, f) {
		v.Format = f
	}
	x, err := s.draftExhibit(r, v, profile)
	if r.FormValue("frames") != "" {
		return s.framesOf(w, r, x, err)
	}
	if err == nil {
		v.Show, err = s.show(r, x)
	}
	if err != nil {
		if errs.Is(err, errs.Internal) {
			return err
		}
		v.Error = s.sentence(r, err)
	}
	v.Limits = s.limitsFor(r, v.Type.ID, v.Wallet)
	return s.render(w, r, http.StatusOK, "draft_qr", v)
}

func (s *Server) draftExhibit(r *http.Request, v draftQRPage, profile airgap.Profile) (exhibit, error) {
	if v.Format == "" {
		return exhibit{}, errs.E(errs.Invalid, "%s has no camera; use a file or the cable", v.Type.Name)
	}
	data := v.Draft.PSBT
	if profile.Others {
		var err error
		if data, err = s.withOthers(r, v.draftPage); err != nil {
			return exhibit{}, err
		}
	}
	data, err := airgap.Cut(data, profile.QR, fingerprints(v.For))
	if err != nil {
		return exhibit{}, err
	}
	file := fmt.Sprintf("/wallets/%s/drafts/%d/psbt", v.Wallet.Alias, v.Draft.ID)
	id := ""
	if v.For.ID != 0 {
		id = strconv.FormatInt(v.For.ID, 10)
	}
	return exhibit{payload: airgap.Payload{Kind: airgap.KindPSBT, Data: data}, profile: profile, format: v.Format,
		words: s.tr(r, "PSBT of draft %d for %s", v.Draft.ID, v.Type.Name), copy: base64.StdEncoding.EncodeToString(data),
		saves: []saving{{query(file, "device", id), s.tr(r, "File (.psbt)")}, {query(file, "device", id, "format", "base64"), s.tr(r, "File in base64")}}}, nil
}

// getPSBT hands out the PSBT as a file: binary, or base64 with ?format=base64; with ?device= or
// ?type= in the variant that the device wants.
func (s *Server) getPSBT(w http.ResponseWriter, r *http.Request) error {
	v, err := s.draftPage(r)
	if err != nil {
		return err
	}
	data := v.Draft.PSBT
	if r.FormValue("device") != "" || r.FormValue("type") != "" {
		d, t, err := v.chosenDevice(r)
		if err != nil {
			return err
		}
		if data, err = airgap.Cut(data, airgap.ProfileOf(t.ID).File, fingerprints(d)); err != nil {
			return err
		}
	}
	f := wallet.File{Name: fmt.Sprintf("binary_%s.psbt", v.Draft.TxID), Type: "application/octet-stream", Data: data}
	if r.FormValue("format") == "base64" {
		f = wallet.File{Name: fmt.Sprintf("base64_%s.psbt", v.Draft.TxID), Type: "text/plain; charset=utf-8", Data: []byte(base64.StdEncoding.EncodeToString(data))}
	}
	return download(w, f)
}
