//go:build !offline

package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	hw "specter/internal/signer"
)

// hwiEntry is a device in the list.
type hwiEntry struct {
	Type            string          `json:"type"`
	Model           string          `json:"model"`
	Label           json.RawMessage `json:"label,omitempty"`
	Path            string          `json:"path"`
	NeedsPIN        bool            `json:"needs_pin_sent"`
	NeedsPassphrase bool            `json:"needs_passphrase_sent"`
	Fingerprint     string          `json:"fingerprint,omitempty"`
	Warnings        [][]string      `json:"warnings,omitempty"`
	Error           string          `json:"error,omitempty"`
	Code            *hw.Code        `json:"code,omitempty"`
}

// do runs the command.
func (c hwiCall) do(h host, open func(hwiCall) (devices, error)) (any, error) {
	switch c.command {
	case "setup", "wipe", "restore", "backup":
		return nil, hw.E(hw.CodeUnavailable, "Specter does not do %s: use the device itself, or the vendor's own program", c.command)
	case "installudevrules":
		return nil, hw.E(hw.CodeUnavailable, "the rules of udev are not installed by this command: see the page \"USB devices\" in Specter's settings")
	}
	hub, err := open(c)
	if err != nil {
		return nil, err
	}
	a := hw.Ask{Network: c.chain, Passphrase: c.password, Expert: c.expert, Pair: true, Notify: func(n hw.Notice) { tellHWI(h, n) }}
	if c.command == "enumerate" {
		return c.enumerate(h.ctx, hub, a)
	}
	at, err := c.choose(h.ctx, hub, a)
	if err != nil {
		return nil, err
	}
	var answer any
	err = hub.Do(h.ctx, at, a, func(ctx context.Context, s hw.Signer) error {
		var err error
		answer, err = c.on(ctx, h, s)
		return err
	})
	return answer, err
}

// tellHWI says on standard error what the device asks, once HWI's caller shows that to a person.
func tellHWI(h host, n hw.Notice) {
	text := n.Text
	if text == "" {
		text = map[hw.NoticeKind]string{
			hw.NoticeConfirm: "look at the device and confirm there", hw.NoticeUnlock: "unlock the device",
			hw.NoticePassphrase: "type the passphrase on the device", hw.NoticePairing: "compare this code with the device's",
			hw.NoticeRegister: "compare the wallet's keys on the device",
		}[n.Kind]
	}
	fmt.Fprintln(h.stderr, "specter:", strings.TrimSpace(text+" "+n.Code))
}

// enumerate lists the devices. As with HWI, one whose fingerprint is not told without its person
// is asked for it: Bitcoin Core uses no device without one.
func (c hwiCall) enumerate(ctx context.Context, hub devices, a hw.Ask) (any, error) {
	infos, err := hub.Enumerate(ctx, quietly(a))
	if err != nil {
		return nil, err
	}
	list := []hwiEntry{}
	for _, i := range infos {
		if asksItsPerson(i) && (!i.NeedsPassphrase || c.hasPassword) {
			i = c.unlocked(ctx, hub, a, i)
		}
		list = append(list, entryOf(i))
	}
	return list, nil
}

// quietly is a without leave to ask a person.
func quietly(a hw.Ask) hw.Ask {
	a.Pair = false
	return a
}

// sendsPIN reports whether a device wants a PIN from its host; others have it typed on them.
func sendsPIN(i hw.Info) bool {
	return i.NeedsPIN && (i.Kind == "keepkey" || i.Model == "trezor_1")
}

// asksItsPerson reports whether a device tells its fingerprint after its person did something on
// it: typed a PIN, or compared a pairing code.
func asksItsPerson(i hw.Info) bool {
	pairs := i.Kind == "bitbox02" && hw.CodeOf(i.Err) == hw.CodeNotReady
	return !i.Known && (i.Err == nil || pairs) && !sendsPIN(i)
}

func (c hwiCall) unlocked(ctx context.Context, hub devices, a hw.Ask, i hw.Info) hw.Info {
	err := hub.Do(ctx, hw.Select{Kind: i.Kind, Path: i.Path}, a, func(ctx context.Context, s hw.Signer) error {
		fp, err := s.Fingerprint(ctx)
		if err == nil {
			i = s.Info()
			i.Fingerprint, i.Known = fp, true
		}
		return err
	})
	if err != nil {
		i.Err = err
	}
	return i
}

func entryOf(i hw.Info) hwiEntry {
	e := hwiEntry{Type: i.Kind, Model: i.Model, Path: i.Path, NeedsPIN: sendsPIN(i), NeedsPassphrase: i.NeedsPassphrase}
	switch {
	case i.Label != "":
		e.Label, _ = json.Marshal(i.Label) // a text can always be written
	case i.Kind != "jade" && i.Kind != "bitbox02": // HWI has none for these
		e.Label = json.RawMessage("null")
	}
	if i.Known {
		e.Fingerprint = i.Fingerprint.String()
	}
	for _, w := range i.Warnings {
		e.Warnings = append(e.Warnings, []string{w})
	}
	if i.Err == nil && !i.Known && e.NeedsPIN {
		i.Err = hw.E(hw.CodeNotReady, "the device is locked: unlock it by promptpin and then sendpin")
	}
	if i.Err != nil {
		f := failureOf(i.Err)
		e.Error, e.Code = "Could not open client or get fingerprint information: "+f.Error, &f.Code
	}
	return e
}

// choose finds the device that is meant: by type and path, by fingerprint, or the first of a type.
func (c hwiCall) choose(ctx context.Context, hub devices, a hw.Ask) (hw.Select, error) {
	switch {
	case c.kind == "" && c.fingerprint == "":
		return hw.Select{}, hw.E(hw.CodeNoKind, "You must specify a device type or fingerprint for all commands except enumerate")
	case c.fingerprint == "" && c.path != "":
		return hw.Select{Kind: c.family(), Path: c.path}, nil
	}
	var want btc.Fingerprint
	if c.fingerprint != "" {
		fp, err := btc.ParseFingerprint(c.fingerprint)
		if err != nil {
			return hw.Select{}, hw.E(hw.CodeBadArgument, "%q is no fingerprint: it has eight hexadecimal digits", c.fingerprint)
		}
		want = fp
	}
	infos, err := hub.Enumerate(ctx, quietly(a))
	if err != nil {
		return hw.Select{}, err
	}
	for _, i := range infos {
		if c.kind != "" && c.kind != i.Kind && c.kind != i.Model || c.path != "" && c.path != i.Path {
			continue
		}
		if c.fingerprint != "" {
			if asksItsPerson(i) {
				i = c.unlocked(ctx, hub, a, i)
			}
			if !i.Known || i.Fingerprint != want {
				continue
			}
		}
		return hw.Select{Kind: i.Kind, Path: i.Path, Fingerprint: i.Fingerprint, Known: i.Known}, nil
	}
	return hw.Select{}, hw.E(hw.CodeConnection, "Could not find device with specified fingerprint or type")
}

// on runs the command on the device.
func (c hwiCall) on(ctx context.Context, h host, s hw.Signer) (any, error) {
	switch c.command {
	case "getxpub":
		return c.xpub(ctx, s, c.args[0])
	case "getmasterxpub":
		kind, err := c.kindOf()
		if err != nil {
			return nil, err
		}
		p, err := c.account(kind)
		if err != nil {
			return nil, err
		}
		return c.xpub(ctx, s, p.Full())
	case "signtx":
		return c.signTx(ctx, s)
	case "signmessage":
		p, err := hwiPath(c.args[1])
		if err != nil {
			return nil, err
		}
		sig, err := s.SignMessage(ctx, p, []byte(c.args[0]))
		return map[string]string{"signature": base64.StdEncoding.EncodeToString(sig)}, err
	case "getdescriptors":
		return c.descriptors(ctx, s)
	case "getkeypool":
		return c.keypool(ctx, s)
	case "displayaddress":
		return c.display(ctx, s)
	}
	return c.unlock(ctx, h, s)
}

// unlock does what only some families have. As with HWI the matrix may be shown by one run of the
// program and answered by the next; with -i one run does both.
func (c hwiCall) unlock(ctx context.Context, h host, s hw.Signer) (any, error) {
	u, ok := s.(hw.Unlocker)
	if !ok {
		return nil, hw.E(hw.CodeUnavailable, "a device of this kind (%s) is unlocked on the device itself", s.Info().Kind)
	}
	var err error
	switch c.command {
	case "togglepassphrase":
		_, err = u.TogglePassphrase(ctx)
	case "sendpin":
		err = u.SendPIN(ctx, c.args[0])
	default:
		if err = u.AskPIN(ctx); err != nil {
			break
		}
		fmt.Fprint(h.stderr, "The device shows its keypad. What is sent are the places of the PIN's digits:\n  7 8 9\n  4 5 6\n  1 2 3\n")
		if c.interactive {
			err = c.sendPlaces(ctx, h, u)
		}
	}
	success := map[string]bool{"success": err == nil}
	if errors.Is(err, hw.ErrWrongPIN) { // HWI's answer, and no error
		err = nil
	}
	return success, err
}

func (c hwiCall) sendPlaces(ctx context.Context, h host, u hw.Unlocker) error {
	places, err := c.secret(h, "Places: ")
	if err != nil {
		return hw.E(hw.CodeMissing, "no places of the PIN came: %w", err)
	}
	return u.SendPIN(ctx, strings.TrimSpace(places))
}

func hwiPath(text string) (btc.Path, error) {
	p, err := btc.ParsePath(text)
	if err != nil {
		return nil, &hw.Fault{Code: hw.CodeBadArgument, Cause: err}
	}
	return p, nil
}

// hwiXPub is getxpub's answer; the rest with --expert.
type hwiXPub struct {
	XPub      string  `json:"xpub"`
	Testnet   *bool   `json:"testnet,omitempty"`
	Private   *bool   `json:"private,omitempty"`
	Depth     *uint8  `json:"depth,omitempty"`
	Parent    string  `json:"parent_fingerprint,omitempty"`
	Child     *uint32 `json:"child_num,omitempty"`
	ChainCode string  `json:"chaincode,omitempty"`
	PublicKey string  `json:"pubkey,omitempty"`
}

func (c hwiCall) xpub(ctx context.Context, s hw.Signer, path string) (any, error) {
	p, err := hwiPath(path)
	if err != nil {
		return nil, err
	}
	k, err := s.XPub(ctx, p)
	if err != nil {
		return nil, err
	}
	out := hwiXPub{XPub: k.String()}
	if c.expert && c.command == "getxpub" {
		test, private := !k.Main, false
		out.Testnet, out.Private, out.Depth, out.Child = &test, &private, &k.Depth, &k.ChildIndex
		out.Parent, out.ChainCode, out.PublicKey = k.Parent.String(), hex.EncodeToString(k.ChainCode[:]), hex.EncodeToString(k.PublicKey[:])
	}
	return out, nil
}

func (c hwiCall) signTx(ctx context.Context, s hw.Signer) (any, error) {
	tx, err := psbt.Decode(c.args[0])
	if err != nil {
		return nil, &hw.Fault{Code: hw.CodeBadTransaction, Cause: err}
	}
	before, err := tx.Base64()
	if err != nil {
		return nil, err
	}
	signed, err := s.Sign(ctx, hw.Wallet{}, hw.Registration{}, tx)
	if err != nil {
		return nil, err
	}
	after, err := signed.Base64()
	return struct {
		PSBT   string `json:"psbt"`
		Signed bool   `json:"signed"`
	}{after, after != before}, err
}

// hwiKinds are HWI's address types with what they mean, in HWI's order.
var hwiKinds = []struct {
	name    string
	purpose uint32
	form    string
}{
	{"legacy", 44, "pkh(%s)"}, {"wit", 84, "wpkh(%s)"}, {"sh_wit", 49, "sh(wpkh(%s))"}, {"tap", 86, "tr(%s)"},
}

// kindOf is the place in hwiKinds that --addr-type means.
func (c hwiCall) kindOf() (int, error) {
	name, given := c.options["addr-type"]
	if !given {
		name = "wit"
	}
	for i, k := range hwiKinds {
		if k.name == strings.ToLower(name) {
			return i, nil
		}
	}
	return 0, hw.E(hw.CodeBadArgument, "%q is no address type: legacy, sh_wit, wit or tap", name)
}

// account is the path of the account that --account means.
func (c hwiCall) account(kind int) (btc.Path, error) {
	n := uint64(0)
	if text, given := c.options["account"]; given {
		var err error
		if n, err = strconv.ParseUint(text, 10, 31); err != nil {
			return nil, hw.E(hw.CodeBadArgument, "%q is no account number", text)
		}
	}
	const h = btc.Hardened
	return btc.Path{h + hwiKinds[kind].purpose, h + c.chain.CoinType(), h + uint32(n)}, nil
}

// taproot reports whether a device signs taproot's single keys.
func taproot(i hw.Info) bool {
	var major, minor, patch int
	_, _ = fmt.Sscanf(i.Firmware, "%d.%d.%d", &major, &minor, &patch)
	from := func(a, b, c int) bool { return slices.Compare([]int{major, minor, patch}, []int{a, b, c}) >= 0 }
	switch i.Kind {
	case "trezor":
		return i.Model != "trezor_1" && from(2, 4, 3) || strings.HasPrefix(i.Model, "trezor_1") && from(1, 10, 4)
	case "jade":
		return from(1, 0, 34)
	case "coldcard":
		return strings.Contains(i.Model, "edge")
	case "ledger", "bitbox02", "specter":
		return true
	}
	return false
}

// keyDescriptor is a descriptor of one key: the part of the path up to its last hardened step in
// the origin, what follows after the key, and a wildcard at the end.
func keyDescriptor(ctx context.Context, s hw.Signer, kind int, path btc.Path) (string, error) {
	fp, err := s.Fingerprint(ctx)
	if err != nil {
		return "", err
	}
	split := 0
	for i, step := range path {
		if step >= btc.Hardened {
			split = i + 1
		}
	}
	k, err := s.XPub(ctx, path[:split])
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("[%s]%s", btc.KeyOrigin{Fingerprint: fp, Path: path[:split]}, k)
	for _, step := range path[split:] {
		text += fmt.Sprintf("/%d", step)
	}
	return fmt.Sprintf(hwiKinds[kind].form, text+"/*"), nil
}

func (c hwiCall) descriptors(ctx context.Context, s hw.Signer) (any, error) {
	out := struct {
		Receive  []string `json:"receive"`
		Internal []string `json:"internal"`
	}{}
	for kind := range hwiKinds {
		if hwiKinds[kind].name == "tap" && !taproot(s.Info()) {
			continue
		}
		p, err := c.account(kind)
		if err != nil {
			return nil, err
		}
		for branch, list := range []*[]string{&out.Receive, &out.Internal} {
			text, err := keyDescriptor(ctx, s, kind, p.Child(uint32(branch)))
			if err != nil {
				return nil, err
			}
			*list = append(*list, descriptor.AddChecksum(text))
		}
	}
	return out, nil
}
