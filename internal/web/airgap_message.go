package web

import (
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"specter/internal/airgap"
	"specter/internal/btc"
	"specter/internal/btc/message"
	"specter/internal/device"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// maxSignedMessage is what one code carries to a device comfortably, in bytes.
const maxSignedMessage = 1000

// messagePage asks a device to sign a message with the key of an address, and verifies what it
// answers. Without a device it verifies alone.
type messagePage struct {
	page
	Device    *device.Device // nil: verifying alone
	Type      device.Type
	Profile   airgap.Profile
	Singles   []wallet.Record // single key wallets of the device
	Wallet    string          // alias of the chosen one
	Address   string
	Message   string
	Signature string
	Path      string
	Request   string // what the device is shown
	QR        template.HTML
	Guide     []string
	Good      string // how the signature was made, when it is good
	Armored   string // the whole, to give to somebody
	Error     string
}

// Action is where the page's form goes.
func (p messagePage) Action() string {
	if p.Device == nil {
		return "/verify-message"
	}
	return "/devices/" + url.PathEscape(p.Device.Alias) + "/message"
}

// getVerify and postVerify are the page for signatures of anybody.
func (s *Server) getVerify(w http.ResponseWriter, r *http.Request) error {
	p, err := s.page(r, s.tr(r, "Verify a signed message"))
	if err != nil {
		return err
	}
	v := messagePage{page: p}
	v.read(r)
	return s.render(w, r, http.StatusOK, "device_message", v)
}

func (s *Server) postVerify(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	p, err := s.page(r, s.tr(r, "Verify a signed message"))
	if err != nil {
		return err
	}
	v := messagePage{page: p}
	v.read(r)
	return s.verified(w, r, v)
}

// read takes the form as it was typed. A signed message in armour fills all three fields.
func (p *messagePage) read(r *http.Request) {
	p.Wallet, p.Address = r.FormValue("wallet"), strings.TrimSpace(r.FormValue("address"))
	p.Message = strings.ReplaceAll(r.FormValue("message"), "\r\n", "\n")
	p.Signature = strings.TrimSpace(r.FormValue("signature"))
}

func (s *Server) messagePage(r *http.Request) (messagePage, error) {
	d, err := s.devicePage(r)
	if err != nil {
		return messagePage{}, err
	}
	v := messagePage{page: d.page, Device: &d.Device, Type: d.Type, Profile: airgap.ProfileOf(d.Device.Type)}
	v.Title = s.tr(r, "Sign a message with %s", d.Device.Name)
	for _, rec := range d.Uses {
		if !rec.Multisig() {
			v.Singles = append(v.Singles, rec)
		}
	}
	v.Guide = s.words(r).guideOf(d.Device.Type).Message
	v.read(r)
	if v.Wallet == "" && len(v.Singles) > 0 {
		v.Wallet = v.Singles[0].Alias
	}
	return v, nil
}

func (s *Server) getMessage(w http.ResponseWriter, r *http.Request) error {
	v, err := s.messagePage(r)
	if err != nil {
		return err
	}
	if v.Address == "" && v.Wallet != "" {
		row, err := s.c.Wallets.ReceiveAddress(r.Context(), wallet.Ref{Owner: v.Owner, Network: v.Network, Alias: v.Wallet})
		if err == nil {
			v.Address = row.Address
		}
	}
	return s.render(w, r, http.StatusOK, "device_message", v)
}

// postMessage shows the request to the device, or verifies what it signed.
func (s *Server) postMessage(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.messagePage(r)
	if err != nil {
		return err
	}
	if err := s.ask(r, &v); err != nil {
		v.Error = s.sentence(r, err)
		return s.render(w, r, statusOf(err), "device_message", v)
	}
	if r.FormValue("action") == "file" {
		return download(w, wallet.File{Name: "message.txt", Type: "text/plain; charset=utf-8", Data: []byte(coldcardRequest(v))})
	}
	if r.FormValue("action") != "verify" {
		return s.render(w, r, http.StatusOK, "device_message", v)
	}
	return s.verified(w, r, v)
}

// ask writes the request for the device: the path of the address's key, and the message.
func (s *Server) ask(r *http.Request, v *messagePage) error {
	if v.Message == "" || len(v.Message) > maxSignedMessage {
		return errs.E(errs.Invalid, "type a message of at most %d characters", maxSignedMessage)
	}
	row, err := s.c.Wallets.AddressInfo(r.Context(), wallet.Ref{Owner: v.Owner, Network: v.Network, Alias: v.Wallet}, v.Address)
	if err != nil {
		return errs.E(errs.Invalid, "choose an address of a wallet with this device's key alone: %w", err)
	}
	v.Path = row.Path
	v.Request = "signmessage " + row.Path + " ascii:" + v.Message
	if strings.ContainsFunc(v.Message, func(c rune) bool { return c < ' ' || c > '~' }) {
		v.Request = "signmessage " + row.Path + " base64:" + base64.StdEncoding.EncodeToString([]byte(v.Message))
	}
	v.QR, err = drawQR(v.Request, s.tr(r, "Request to sign a message"))
	return err
}

// coldcardRequest is the text file that Coldcard signs: message, path, form of the address.
func coldcardRequest(v messagePage) string {
	form := "p2pkh"
	if a, err := btc.ParseAddress(v.Address, v.Network); err == nil {
		switch a.Type {
		case btc.P2WPKH:
			form = "p2wpkh"
		case btc.P2SH:
			form = "p2sh-p2wpkh"
		}
	}
	return v.Message + "\n" + strings.ReplaceAll(v.Path, "h", "'") + "\n" + form + "\n"
}

// verified checks the signature and shows the result.
func (s *Server) verified(w http.ResponseWriter, r *http.Request, v messagePage) error {
	pieces, err := foreign(r, "signature", "file")
	if err == nil && len(pieces) == 0 {
		err = errs.E(errs.Invalid, "scan, paste or choose the signature first")
	}
	var result message.Result
	if err == nil {
		signed := strings.TrimSpace(string(pieces[len(pieces)-1]))
		m, a, sig := unarmored(signed)
		if sig == "" {
			sig = signed
		} else if v.Device == nil && v.Message == "" && v.Address == "" {
			v.Message, v.Address = m, a
		} else if m != v.Message || a != "" && a != v.Address {
			err = errs.Bad(errs.Mismatch, "the device signed another message or with another address")
		}
		v.Signature = limit(sig, 4000)
		if err == nil {
			result, err = message.Verify(v.Address, v.Network, v.Message, sig)
		}
	}
	if err != nil {
		v.Error = s.sentence(r, err)
		return s.render(w, r, http.StatusUnprocessableEntity, "device_message", v)
	}
	v.Good = string(result.Format)
	v.Armored = "-----BEGIN BITCOIN SIGNED MESSAGE-----\n" + v.Message + "\n-----BEGIN BITCOIN SIGNATURE-----\n" + v.Address + "\n" + v.Signature + "\n-----END BITCOIN SIGNATURE-----\n"
	return s.render(w, r, http.StatusOK, "device_message", v)
}

// unarmored takes apart a message between the lines that Bitcoin programs put around it; sig is
// "" where the text is no such thing.
func unarmored(text string) (msg, address, sig string) {
	text = strings.ReplaceAll(strings.TrimSpace(text), "\r\n", "\n")
	rest, ok := strings.CutPrefix(text, "-----BEGIN BITCOIN SIGNED MESSAGE-----\n")
	if !ok {
		return "", "", ""
	}
	for _, mark := range []string{"\n-----BEGIN BITCOIN SIGNATURE-----\n", "\n-----BEGIN SIGNATURE-----\n"} {
		msg, tail, found := strings.Cut(rest, mark)
		if !found {
			continue
		}
		body, _, _ := strings.Cut(tail, "\n-----END")
		fields := strings.Fields(body)
		if len(fields) != 2 {
			return "", "", ""
		}
		return msg, fields[0], fields[1]
	}
	return "", "", ""
}
