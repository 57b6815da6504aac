package web

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"

	"specter/internal/airgap"
	"specter/internal/airgap/ur"
	"specter/internal/device"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// tellPage tells a device of a wallet, by code or file.
type tellPage struct {
	walletPage
	For    device.Device
	Type   device.Type
	Own    []device.Device // of the wallet's keys
	Types  []device.Type   // that learn of wallets
	Show   showing
	File   string // where the file is; "" when there is none
	First  wallet.AddressRow
	Guide  guide
	Limits []string
	Error  string
}

// walletDevices lists the user's devices that hold a key of the wallet.
func (p walletPage) walletDevices() []device.Device {
	var out []device.Device
	for _, c := range p.Wallet.Cosigners {
		for _, d := range p.Devices {
			if d.ID == c.DeviceID && d.ID != 0 && !slices.ContainsFunc(out, func(o device.Device) bool { return o.ID == d.ID }) {
				out = append(out, d)
			}
		}
	}
	return out
}

// Learners are the devices of the wallet's keys that can be told of it, for links.
func (p walletPage) Learners() []device.Device {
	var out []device.Device
	for _, d := range p.walletDevices() {
		if !d.Hot() && airgap.ProfileOf(d.Type).Register != "" {
			out = append(out, d)
		}
	}
	return out
}

// Checkers are the devices of the wallet's keys that check an address by code, for links.
func (p walletPage) Checkers() []device.Device {
	var out []device.Device
	for _, d := range p.walletDevices() {
		if !d.Hot() && airgap.ProfileOf(d.Type).Address {
			out = append(out, d)
		}
	}
	return out
}

// getTell shows a wallet to a device: the page, its codes, or its file.
func (s *Server) getTell(w http.ResponseWriter, r *http.Request) error {
	p, err := s.walletPage(r, "settings", "")
	if err != nil {
		return err
	}
	if p.USB, err = s.usbTargets(r, p); err != nil {
		return err
	}
	v := tellPage{walletPage: p, Own: p.Learners()}
	for _, t := range device.Types() {
		if !t.Hot && airgap.ProfileOf(t.ID).Register != "" {
			v.Types = append(v.Types, t)
		}
	}
	if v.For, v.Type, err = p.deviceOf(r); err != nil {
		return err
	}
	x, file, err := s.registration(r, v)
	switch {
	case err != nil && (r.FormValue("frames") != "" || r.FormValue("file") != ""):
		return err
	case err == nil && r.FormValue("file") != "":
		return download(w, file)
	case err == nil && r.FormValue("frames") != "":
		return s.frames(w, r, x)
	case err == nil:
		v.File = query(r.URL.Path, "device", idOf(v.For), "type", v.Type.ID, "file", "yes")
		if x.format != "" {
			v.Show, err = s.show(r, x)
		}
	}
	if errs.Is(err, errs.NotFound) || errs.Is(err, errs.Internal) {
		return err
	}
	if err != nil {
		v.Error = s.sentence(r, err)
	}
	v.Guide, v.Limits = s.words(r).guideOf(v.Type.ID), s.limitsFor(r, v.Type.ID, p.Wallet)
	first, err := s.c.Wallets.Addresses(r.Context(), p.Wallet.Ref(), wallet.Query{Filter: "receive", Sort: "index", Size: 1})
	if err != nil {
		return err
	}
	if len(first.Rows) > 0 && first.Rows[0].Index == 0 {
		v.First = first.Rows[0]
	}
	return s.render(w, r, http.StatusOK, "wallet_register", v)
}

func idOf(d device.Device) string {
	if d.ID == 0 {
		return ""
	}
	return strconv.FormatInt(d.ID, 10)
}

// deviceOf is the device that a request names, by its row or its type; else the first of the
// wallet's that can be told of it, else any type.
func (p walletPage) deviceOf(r *http.Request) (device.Device, device.Type, error) {
	id, typ := r.FormValue("device"), r.FormValue("type")
	if id == "" && typ == "" {
		if mine := p.Learners(); len(mine) > 0 {
			return mine[0], device.TypeOf(mine[0].Type), nil
		}
		return device.Device{}, device.TypeOf("other"), nil
	}
	return draftPage{walletPage: p}.chosenDevice(r)
}

// registration is the file that tells a device of the wallet, and how it is shown.
func (s *Server) registration(r *http.Request, v tellPage) (exhibit, wallet.File, error) {
	profile := airgap.ProfileOf(v.Type.ID)
	if profile.Register == "" {
		return exhibit{}, wallet.File{}, errs.E(errs.Invalid, "%s is not told of wallets by code or file", v.Type.Name)
	}
	if !v.Wallet.Multisig() && !profile.RegisterSingle {
		return exhibit{}, wallet.File{}, errs.E(errs.Invalid, "%s needs not be told of wallets with a single key: it knows its own", v.Type.Name)
	}
	f, err := s.c.Wallets.ExportFile(r.Context(), v.Wallet.Ref(), profile.Register)
	if err != nil {
		return exhibit{}, f, err
	}
	return exhibit{payload: airgap.Payload{Kind: airgap.KindText, Data: oneLine(f.Data)}, profile: profile, format: profile.RegisterFormat,
		words: s.tr(r, "The wallet %s for %s", v.Wallet.Name, v.Type.Name), copy: string(f.Data)}, f, nil
}

// oneLine drops the line end of a text that is one line: a code needs none.
func oneLine(data []byte) []byte {
	if i := bytes.IndexByte(data, '\n'); i == len(data)-1 {
		return data[:max(i, 0)]
	}
	return data
}

// walletCode is a way to show a wallet to another program.
type walletCode struct {
	ID     string
	Words  string
	file   string // in interop's words
	format airgap.Format
	output bool // as a resource of its own type
}

func (s *Server) walletCodes(r *http.Request) []walletCode {
	return []walletCode{
		{"account-map", s.tr(r, "Account map (Specter, Fully Noded, Sparrow)"), "account-map", airgap.FormatSpecter, false},
		{"descriptor", s.tr(r, "Descriptor as text"), "descriptor", airgap.FormatSpecter, false},
		{"output", s.tr(r, "Output descriptor as UR (Sparrow, BlueWallet, Nunchuk, SeedSigner)"), "descriptor", airgap.FormatUR, true},
		{"bbqr", s.tr(r, "Descriptor as BBQr (Coldcard Q)"), "descriptor", airgap.FormatBBQr, false},
		{"bsms", s.tr(r, "BSMS (BIP129; Nunchuk)"), "bsms", airgap.FormatUR, false},
		{"coldcard", s.tr(r, "Multisig file as UR (BlueWallet, Passport, Keystone)"), "coldcard", airgap.FormatUR, false},
	}
}

// codesPage shows a wallet to another program.
type codesPage struct {
	walletPage
	Codes []walletCode
	Code  walletCode
	Show  showing
	Error string
}

// getWalletCodes shows the wallet as codes for other programs.
func (s *Server) getWalletCodes(w http.ResponseWriter, r *http.Request) error {
	p, err := s.walletPage(r, "settings", "")
	if err != nil {
		return err
	}
	v := codesPage{walletPage: p, Codes: s.walletCodes(r)}
	v.Code = v.Codes[max(0, slices.IndexFunc(v.Codes, func(c walletCode) bool { return c.ID == r.FormValue("as") }))]
	x, err := s.walletExhibit(r, v)
	if r.FormValue("frames") != "" {
		return s.framesOf(w, r, x, err)
	}
	if err == nil {
		v.Show, err = s.show(r, x)
	}
	if errs.Is(err, errs.NotFound) || errs.Is(err, errs.Internal) {
		return err
	}
	if err != nil {
		v.Error = s.sentence(r, err)
	}
	return s.render(w, r, http.StatusOK, "wallet_codes", v)
}

func (s *Server) walletExhibit(r *http.Request, v codesPage) (exhibit, error) {
	f, err := s.c.Wallets.ExportFile(r.Context(), v.Wallet.Ref(), v.Code.file)
	if err != nil {
		return exhibit{}, err
	}
	x := exhibit{payload: airgap.Payload{Kind: airgap.KindText, Data: oneLine(f.Data)}, profile: airgap.ProfileOf("other"), format: v.Code.format,
		words: s.tr(r, "The wallet %s", v.Wallet.Name), copy: string(f.Data),
		saves: []saving{{"/wallets/" + v.Wallet.Alias + "/files/" + v.Code.file, s.tr(r, "File")}}}
	if v.Code.output {
		u, err := ur.NewOutput(receiveOnly(v.Wallet.Descriptor), ur.Old)
		if err != nil { // miniscript and the like: the old type has no words for it
			u, err = ur.NewOutput(v.Wallet.Descriptor, ur.New)
		}
		if err != nil {
			return x, err
		}
		x.payload = airgap.Payload{UR: &u}
	}
	return x, nil
}

// getWalletFile hands out the wallet as another program's file.
func (s *Server) getWalletFile(w http.ResponseWriter, r *http.Request) error {
	ref, err := s.ref(r)
	if err != nil {
		return err
	}
	f, err := s.c.Wallets.ExportFile(r.Context(), ref, r.PathValue("format"))
	if err != nil {
		return err
	}
	return download(w, f)
}
