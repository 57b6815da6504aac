package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"specter/internal/btc"
	"specter/internal/device"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// The ways to say since when the wallet may have coins.
const (
	sinceNow    = "now"
	sinceDate   = "date"
	sinceHeight = "height"
	sinceAll    = "all"
)

// walletForm is the new wallet as typed, through all steps: devices, settings, confirmation.
type walletForm struct {
	Kind       string // single, multisig, import
	Devices    []string
	Name       string
	ScriptType string
	Threshold  int
	Keys       map[string]string // by device alias: a key expression; "" the fitting one
	Descriptor string
	Unsorted   bool
	Since      string
	Date       string
	Height     string
}

type walletNewPage struct {
	page
	Form     walletForm
	Signers  []signerChoice // the chosen devices with their keys
	Choices  []signerChoice // all devices
	Error    string
	Proposal wallet.Proposal
}

// signerChoice is a device as a possible cosigner.
type signerChoice struct {
	device.Device
	Fit    []device.Key // keys that fit network and kind
	Reason string       // why the device cannot be used; "" when it can
	Chosen bool
	Key    string // chosen expression
}

// ScriptTypes lists what the kind can be made as, the best first.
func (p walletNewPage) ScriptTypes() []string {
	if p.Form.Kind == "multisig" {
		return []string{"wsh", "sh-wsh", "sh"}
	}
	return []string{"wpkh", "tr", "sh-wpkh", "pkh"}
}

// Thresholds lists 1..n.
func (p walletNewPage) Thresholds() []int {
	var out []int
	for i := range p.Signers {
		out = append(out, i+1)
	}
	return out
}

func (s *Server) getNewWallet(w http.ResponseWriter, r *http.Request) error {
	p, err := s.page(r, s.tr(r, "Add wallet"))
	if err != nil {
		return err
	}
	p.Section = "new-wallet"
	return s.render(w, r, http.StatusOK, "wallet_new", walletNewPage{page: p})
}

// walletNewPage fills the page of one kind of wallet from what was chosen so far.
func (s *Server) walletNewPage(r *http.Request) (walletNewPage, error) {
	kind := r.PathValue("kind")
	if !slices.Contains([]string{"single", "multisig", "import"}, kind) {
		return walletNewPage{}, errs.E(errs.NotFound, "a wallet has a single key, several, or is imported")
	}
	p, err := s.page(r, s.tr(r, map[string]string{"single": "New single key wallet", "multisig": "New multisig wallet", "import": "Import wallet"}[kind]))
	if err != nil {
		return walletNewPage{}, err
	}
	p.Section = "new-wallet"
	v := walletNewPage{page: p, Form: readWallet(r, kind)}
	for _, d := range p.Devices {
		c := s.signerChoice(r, d, v.Form, p.Network)
		v.Choices = append(v.Choices, c)
		if c.Chosen && c.Reason == "" {
			v.Signers = append(v.Signers, c)
		}
	}
	n := len(v.Signers)
	if v.Form.Threshold < 1 || v.Form.Threshold > n {
		v.Form.Threshold = max(1, (n*2+2)/3) // 2 of 3, 2 of 2, 4 of 5
	}
	v.Form.ScriptType = oneOf(v.Form.ScriptType, v.ScriptTypes()...)
	return v, nil
}

func (s *Server) signerChoice(r *http.Request, d device.Device, f walletForm, n btc.Network) signerChoice {
	types := []string{"wpkh", "sh-wpkh", "tr", "pkh"}
	if f.Kind == "multisig" {
		types = []string{"wsh", "sh-wsh", "sh"}
	}
	c := signerChoice{Device: d, Fit: d.KeysFor(n, types...), Chosen: slices.Contains(f.Devices, d.Alias), Key: f.Keys[d.Alias]}
	switch {
	case len(c.Fit) > 0:
	case !slices.ContainsFunc(d.Keys, func(k device.Key) bool { return k.For(n) }):
		c.Reason = s.tr(r, "has no keys for %s", n)
	case f.Kind == "multisig":
		c.Reason = s.tr(r, "has no multisig key")
	default:
		c.Reason = s.tr(r, "has no single key")
	}
	return c
}

func readWallet(r *http.Request, kind string) walletForm {
	f := walletForm{Kind: kind, Devices: r.Form["device"], Name: r.FormValue("name"), ScriptType: r.FormValue("script"),
		Threshold: atoi(r.FormValue("threshold")), Keys: map[string]string{}, Descriptor: strings.TrimSpace(r.FormValue("descriptor")),
		Unsorted: r.FormValue("unsorted") == "yes", Since: oneOf(r.FormValue("since"), sinceNow, sinceDate, sinceHeight, sinceAll),
		Date: r.FormValue("date"), Height: strings.TrimSpace(r.FormValue("height"))}
	for _, d := range f.Devices {
		f.Keys[d] = r.FormValue("key-" + d)
	}
	return f
}

func (s *Server) getNewWalletKind(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.walletNewPage(r)
	if err != nil {
		return err
	}
	if r.FormValue("step") == "setup" && !v.enough() {
		v.Error = s.tr(r, map[string]string{"single": "Choose the device that holds the key.", "multisig": "Choose at least two devices; each one is a cosigner."}[v.Form.Kind])
		return s.render(w, r, http.StatusUnprocessableEntity, "wallet_new_devices", v)
	}
	if v.Form.Kind != "import" && r.FormValue("step") != "setup" {
		return s.render(w, r, http.StatusOK, "wallet_new_devices", v)
	}
	return s.render(w, r, http.StatusOK, "wallet_new_setup", v)
}

// enough reports whether the chosen devices make a wallet of the kind.
func (p walletNewPage) enough() bool {
	switch p.Form.Kind {
	case "single":
		return len(p.Signers) == 1
	case "multisig":
		return len(p.Signers) >= 2
	}
	return true
}

// request turns the form into what the wallet room is asked.
func (p walletNewPage) request() (wallet.NewWallet, error) {
	f := p.Form
	req := wallet.NewWallet{Name: f.Name}
	if f.Kind == "import" {
		req.Descriptor = f.Descriptor
	} else {
		if !p.enough() {
			return req, errs.E(errs.Invalid, "choose the devices first")
		}
		req.ScriptType, req.Threshold, req.Unsorted = f.ScriptType, f.Threshold, f.Unsorted
		for _, c := range p.Signers {
			key, err := c.keyFor(p.Network, f.ScriptType)
			if err != nil {
				return req, err
			}
			req.Keys = append(req.Keys, key)
		}
	}
	return req, f.since(&req)
}

// keyFor returns the chosen key, or the device's key that fits the script type.
func (c signerChoice) keyFor(n btc.Network, scriptType string) (string, error) {
	if c.Key != "" {
		for _, k := range c.Fit {
			if k.Expression() == c.Key {
				return c.Key, nil
			}
		}
		return "", errs.E(errs.Invalid, "the device %q has no such key any more; choose another", c.Name)
	}
	keys := c.KeysFor(n, scriptType)
	if len(keys) == 0 {
		return "", errs.E(errs.Invalid, "the device %q has no key of the kind %q; choose one of its keys, add the key to the device, or choose another script type", c.Name, device.PurposeOf(scriptType))
	}
	for _, k := range keys {
		if k.ScriptType == scriptType {
			return k.Expression(), nil
		}
	}
	return keys[0].Expression(), nil
}

func (f walletForm) since(req *wallet.NewWallet) error {
	switch f.Since {
	case sinceAll:
		req.ScanAll = true
	case sinceDate:
		t, err := time.ParseInLocation(time.DateOnly, f.Date, time.Local)
		if err != nil {
			return errs.E(errs.Invalid, "%q is no date; write it as 2024-01-31", limit(f.Date, 40))
		}
		req.Birthday = t
	case sinceHeight:
		h, err := strconv.ParseInt(f.Height, 10, 32)
		if err != nil || h < 0 {
			return errs.E(errs.Invalid, "%q is no block height; it is a whole number", limit(f.Height, 40))
		}
		from := int32(h)
		req.FromHeight = &from
	}
	return nil
}

// postNewWallet checks the form and shows what would be made; confirmed, it makes it. Pressing
// "change" comes back to the form with everything in it.
func (s *Server) postNewWallet(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.walletNewPage(r)
	if err != nil {
		return err
	}
	if v.Form.Kind == "import" {
		if err := s.readWalletFile(r, &v); err != nil {
			v.Error = s.sentence(r, err)
			return s.render(w, r, statusOf(err), "wallet_new_setup", v)
		}
	}
	if r.FormValue("action") == "change" {
		return s.render(w, r, http.StatusOK, "wallet_new_setup", v)
	}
	req, err := v.request()
	if err == nil && r.FormValue("action") == "create" {
		var rec wallet.Record
		if rec, err = s.c.Wallets.Create(r.Context(), v.Owner, v.Network, req); err == nil {
			s.say(w, r, flashOK, "The wallet %q is ready. Compare its first address on your devices before you receive coins.", rec.Name)
			return s.redirect(w, r, "/wallets/"+url.PathEscape(rec.Alias)+"/receive")
		}
	}
	if err == nil {
		if v.Proposal, err = s.c.Wallets.Check(r.Context(), v.Owner, v.Network, req); err == nil {
			return s.render(w, r, http.StatusOK, "wallet_new_confirm", v)
		}
	}
	s.note(r, err)
	v.Error = s.sentence(r, err)
	return s.render(w, r, statusOf(err), "wallet_new_setup", v)
}
