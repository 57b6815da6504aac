package web

import (
	"encoding/hex"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/device"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// usbDialogRoutes are what the dialogs of signing devices send besides the forms of their pages.
func (s *Server) usbDialogRoutes() []route {
	return []route{{"POST /wallets/{alias}/registrations", forUser, s.postRegistration}}
}

// usbTarget is a device that a page can ask by cable: what its dialog must know.
type usbTarget struct {
	ID         string // of the button, unique on a page
	Name       string // of the device; "" a key without a device of the user's
	Type       string // the family; "" any
	Prints     string // fingerprints of its keys, by comma; "" any
	Taproot    bool
	Other      string // path of the page that does the same by card or code; "" none
	Alias      string // of the wallet; "" no wallet is meant
	Wallet     string // its name
	Descriptor string
	Registers  bool                 // the family may want to be told of the wallet
	Known      *wallet.Registration // when it was
}

// KnownSince is when the device was told of the wallet; zero: it was not.
func (t usbTarget) KnownSince() time.Time {
	if t.Known == nil {
		return time.Time{}
	}
	return t.Known.At
}

// usbFamilies are the types of device that bridges know.
var usbFamilies = []string{"trezor", "keepkey", "ledger", "coldcard", "bitbox02", "jade", "specter"}

// keepsWallets are the families that want to know a wallet before they sign for it.
var keepsWallets = []string{"ledger", "coldcard", "bitbox02", "jade", "specter"}

// targetOf is a device as it is asked for keys; false where its type has no cable.
func targetOf(d device.Device, t device.Type) (usbTarget, bool) {
	out := usbTarget{ID: "usb-" + strconv.FormatInt(d.ID, 10), Name: d.Name, Taproot: t.Taproot}
	var prints []string
	for _, fp := range fingerprints(d) {
		if !fp.IsZero() {
			prints = append(prints, fp.String())
		}
	}
	out.Prints = strings.Join(prints, ",")
	switch {
	case slices.Contains(usbFamilies, t.ID):
		out.Type = t.ID
	case t.ID != "other":
		return out, false
	}
	return out, !d.Hot()
}

// USB is the page's device as it is asked for more of its keys; nil: not by cable.
func (p keysPage) USB() *usbTarget {
	if !p.Wired {
		return nil
	}
	var d device.Device
	if p.Device != nil {
		d = *p.Device
	}
	if t, ok := targetOf(d, p.Type); ok {
		return &t
	}
	return nil
}

// USB is the page's device as it is asked; nil: not by cable.
func (p devicePage) USB() *usbTarget {
	if t, ok := targetOf(p.Device, p.Type); ok && p.Wired {
		return &t
	}
	return nil
}

// USB is the page's device as it is asked for a signature; nil: not by cable.
func (p messagePage) USB() *usbTarget {
	if p.Device == nil {
		return nil
	}
	return devicePage{page: p.page, Device: *p.Device, Type: p.Type}.USB()
}

// Switches reports whether the use of passphrases is switched from here.
func (t usbTarget) Switches() bool { return t.Type == "trezor" || t.Type == "keepkey" }

// usbTargets lists the devices of a wallet's keys that can be asked by cable. A key without a
// device of the user's is found by its fingerprint.
func (s *Server) usbTargets(r *http.Request, p walletPage) ([]usbTarget, error) {
	if !p.Wired {
		return nil, nil
	}
	told, err := s.c.Wallets.Registrations(r.Context(), p.Wallet.Ref())
	if err != nil {
		return nil, err
	}
	var out []usbTarget
	for _, c := range p.Wallet.Cosigners {
		if t, ok := cosignerTarget(c, told); ok && !slices.ContainsFunc(out, func(o usbTarget) bool { return o.ID == t.ID }) {
			t.Alias, t.Wallet, t.Descriptor = p.Wallet.Alias, p.Wallet.Name, p.Wallet.Descriptor
			out = append(out, t)
		}
	}
	return out, nil
}

func cosignerTarget(c wallet.Cosigner, told []wallet.Registration) (usbTarget, bool) {
	if c.Hot || c.Nobody || c.Fingerprint.IsZero() {
		return usbTarget{}, false
	}
	t := usbTarget{ID: "usb-" + c.Fingerprint.String(), Name: c.DeviceName, Prints: c.Fingerprint.String()}
	switch {
	case slices.Contains(usbFamilies, c.DeviceType):
		t.Type = c.DeviceType
	case c.DeviceType != "" && c.DeviceType != "other":
		return t, false
	}
	t.Registers = t.Type == "" || slices.Contains(keepsWallets, t.Type)
	for i, reg := range told {
		if reg.Fingerprint == c.Fingerprint && (reg.Kind == t.Type || t.Type == "") {
			t.Known = &told[i]
		}
	}
	return t, true
}

// USBOf is the way by cable to a signer of a draft; nil: none.
func (p draftPage) USBOf(s wallet.DraftSigner) *usbTarget {
	for _, t := range p.USB {
		if t.Prints == s.Fingerprint.String() {
			if t.Type == "coldcard" {
				t.Other = "/wallets/" + url.PathEscape(p.Wallet.Alias) + "/drafts/" + strconv.FormatInt(int64(p.Draft.ID), 10) + "/qr?device=" + strconv.FormatInt(s.DeviceID, 10)
			}
			return &t
		}
	}
	return nil
}

// ChainWord is the network in the bridge's words, which are Bitcoin Core's.
func (p page) ChainWord() string {
	switch p.Network {
	case btc.Mainnet:
		return "main"
	case btc.Testnet3:
		return "test"
	}
	return p.Network.String()
}

// pinPlace is a place of the matrix that a device shows its digits in.
type pinPlace struct{ Digit, Words string }

// pinPlaces are the places in the order in which they are drawn.
func (words catalogue) pinPlaces() []pinPlace {
	return []pinPlace{{"7", words.t("upper left")}, {"8", words.t("upper middle")}, {"9", words.t("upper right")},
		{"4", words.t("middle left")}, {"5", words.t("the middle")}, {"6", words.t("middle right")},
		{"1", words.t("lower left")}, {"2", words.t("lower middle")}, {"3", words.t("lower right")}}
}

// postRegistration keeps what a device answered when it was told of a wallet, or forgets it.
func (s *Server) postRegistration(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	ref, err := s.ref(r)
	if err != nil {
		return err
	}
	fp, err := btc.ParseFingerprint(r.PostFormValue("fingerprint"))
	if err != nil {
		return errs.E(errs.Invalid, "%.40q is no device's fingerprint", r.PostFormValue("fingerprint"))
	}
	kind := r.PostFormValue("kind")
	switch r.PostFormValue("action") {
	case "keep":
		reg := wallet.Registration{Fingerprint: fp, Kind: kind, Name: r.PostFormValue("name")}
		var idErr, proofErr error
		reg.ID, idErr = hex.DecodeString(r.PostFormValue("id"))
		reg.Proof, proofErr = hex.DecodeString(r.PostFormValue("proof"))
		if idErr != nil || proofErr != nil {
			return errs.E(errs.Invalid, "the device's proof is not written as it should be")
		}
		if err := s.c.Wallets.KeepRegistration(r.Context(), ref, reg); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	case "forget":
		if err := s.c.Wallets.ForgetRegistration(r.Context(), ref, fp, kind); err != nil {
			return err
		}
		s.say(w, r, flashOK, "Forgotten: the device will be told of the wallet again.")
		return s.back(w, r, "/wallets/"+url.PathEscape(ref.Alias)+"/register")
	}
	return errs.E(errs.Invalid, "this page does not know that action")
}

// Told prints an amount that is compared with a device's screen, also where amounts are hidden.
func (p page) Told(a btcutil.Amount) template.HTML {
	p.Hide = false
	return p.Amt(a)
}
