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
	sinceCoins  = "coins" // what is there to spend, in the node's set of unspent outputs
)

// walletForm is the new wallet as typed, through all steps: devices, settings, confirmation.
type walletForm struct {
	Kind       string // single, multisig, import
	Devices    []string
	Name       string
	ScriptType string
	Threshold  int
	Keys       map[string]string // by device alias: a key expression; "" the fitting one
	Descriptor string            // as pasted: a descriptor or the text of a wallet file
	File       bool              // it is a wallet file, which the wallet room reads
	Sure       bool              // the grave findings were read
	Unsorted   bool
	Since      string
	Date       string
	Height     string
}

type walletNewPage struct {
	page
	Form      walletForm
	Signers   []signerChoice // the chosen devices with their keys
	Choices   []signerChoice // all devices
	Error     string
	Proposal  wallet.Proposal
	Remarks   []setupRemark
	Notes     []string // of the file's reader
	Compare   []comparer
	Unknown   []unknownKey
	FileWords string        // what the wallet file is
	Types     []device.Type // for devices that are made of unknown keys
	Pruned    int32         // lowest block that the node has; 0: it has all
}

// Grave tells whether the wallet is made only after a tick.
func (p walletNewPage) Grave() bool { return grave(p.Remarks) }

// unknownKey is a cosigner's key that no device holds; a device can be made of it.
type unknownKey struct {
	wallet.Cosigner
	Number     int    // of the key in the wallet, from 1
	Name, Type string // as typed, or as the file says
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
	v := walletNewPage{page: p, Form: readWallet(r, kind), Pruned: s.c.Nodes.Status(r.Context()).Status.PrunedTo}
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
		Unsorted: r.FormValue("unsorted") == "yes", Since: oneOf(r.FormValue("since"), sinceNow, sinceDate, sinceHeight, sinceAll, sinceCoins), Sure: r.FormValue("sure") == "yes",
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
		if req.Descriptor = f.Descriptor; f.File {
			req.Descriptor, req.File = "", []byte(f.Descriptor)
		}
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
	case sinceCoins:
		req.FindCoins = true
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
	if err == nil {
		v.Proposal, err = s.c.Wallets.Check(r.Context(), v.Owner, v.Network, req)
	}
	if err != nil {
		s.note(r, err)
		v.Error = s.sentence(r, err)
		return s.render(w, r, statusOf(err), "wallet_new_setup", v)
	}
	s.explain(r, &v)
	if r.FormValue("action") != "create" {
		return s.render(w, r, http.StatusOK, "wallet_new_confirm", v)
	}
	if v.Grave() && !v.Form.Sure {
		v.Error = s.tr(r, "Read the warnings and tick the box below them, or change the wallet.")
		return s.render(w, r, http.StatusUnprocessableEntity, "wallet_new_confirm", v)
	}
	rec, err := s.c.Wallets.Create(r.Context(), v.Owner, v.Network, req)
	if err != nil {
		s.note(r, err)
		v.Error = s.sentence(r, err)
		return s.render(w, r, statusOf(err), "wallet_new_setup", v)
	}
	s.addUnknown(w, r, v)
	s.say(w, r, flashOK, "The wallet %q is ready. Compare its first address on your devices before you receive coins.", rec.Name)
	return s.redirect(w, r, "/wallets/"+url.PathEscape(rec.Alias)+"/next")
}

// explain puts what there is to say of a proposal on the page.
func (s *Server) explain(r *http.Request, v *walletNewPage) {
	p := v.Proposal
	if v.Form.Name == "" {
		v.Form.Name = p.Name // as the file says
	}
	v.Remarks, v.Compare = s.setupRemarks(r, p.Findings), s.comparers(r, p.Cosigners)
	said := map[string]bool{}
	for _, f := range p.Findings {
		said[f.Text()] = true
	}
	for _, text := range p.Warnings {
		if !said[text] {
			v.Notes = append(v.Notes, text)
		}
	}
	if p.File != nil {
		v.FileWords = s.fileWords(r, p.File.Format)
	}
	for _, t := range device.Types() {
		if !t.Hot {
			v.Types = append(v.Types, t)
		}
	}
	for i, c := range p.Cosigners {
		if c.DeviceID != 0 || c.XPub == "" {
			continue
		}
		u := unknownKey{Cosigner: c, Number: i + 1, Type: "other"}
		if p.File != nil {
			for _, d := range p.File.Devices {
				if d.XPub == c.XPub {
					u.Name, u.Type = d.Name, device.TypeOf(d.Type).ID
				}
			}
		}
		field := strconv.Itoa(u.Number)
		if r.Form.Has("device-name-" + field) {
			u.Name, u.Type = strings.TrimSpace(r.FormValue("device-name-"+field)), device.TypeOf(r.FormValue("device-type-"+field)).ID
		}
		v.Unknown = append(v.Unknown, u)
	}
}

// addUnknown makes devices of the unknown keys that were given a name. The wallet is there by
// now, so trouble is told beside it.
func (s *Server) addUnknown(w http.ResponseWriter, r *http.Request, v walletNewPage) {
	for _, u := range v.Unknown {
		if u.Name == "" || !r.Form.Has("device-name-"+strconv.Itoa(u.Number)) {
			continue
		}
		parsed, err := s.c.Devices.ParseKeys([]byte(u.Expression))
		if err == nil {
			for i := range parsed.Keys {
				parsed.Keys[i].ScriptType = v.Proposal.ScriptType
			}
			_, err = s.c.Devices.Create(r.Context(), string(v.Owner), u.Name, u.Type, parsed.Keys)
		}
		if err != nil {
			s.note(r, err)
			s.say(w, r, flashWarn, "The device %q was not added: %s", u.Name, s.sentence(r, err))
		}
	}
}
