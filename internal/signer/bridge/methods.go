package bridge

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/errs"
	"specter/internal/signer"
)

// method is one line of the table.
type method struct {
	params []string // names in the order of positions
	asks   bool     // the person may be asked: counted against who floods
	free   bool     // reaches no device
	far    bool     // free, and yet asked where the devices are
	do     func(ctx context.Context, j *job) (any, error)
}

// methods is the table of all that can be called. Names and orders are the old bridge's; what
// is ours stands behind.
var methods map[string]method

func init() { // the table's functions read the table
	own := func(more ...string) []string {
		return append(more, "device_type", "path", "fingerprint", "passphrase", "chain")
	}
	locked := []string{"device_type", "path", "passphrase", "chain"}
	methods = map[string]method{
		"enumerate":                   {params: []string{"passphrase", "chain", "pair"}, do: enumerate},
		"detect_device":               {params: []string{"device_type", "path", "fingerprint", "rescan_devices", "chain", "pair"}, do: detect},
		"toggle_passphrase":           {params: locked, asks: true, do: togglePassphrase},
		"prompt_pin":                  {params: locked, asks: true, do: promptPIN},
		"send_pin":                    {params: append([]string{"pin"}, locked...), asks: true, do: sendPIN},
		"extract_xpubs":               {params: own("account"), asks: true, do: extractXPubs},
		"extract_xpub":                {params: own("derivation"), asks: true, do: extractXPub},
		"display_address":             {params: append(own("descriptor", "xpubs_descriptor"), "wallet_name", "registration"), asks: true, do: displayAddress},
		"register_multisig":           {params: []string{"device_type", "path", "passphrase", "fingerprint", "descriptor", "chain", "wallet_name"}, asks: true, do: registerMultisig},
		"sign_tx":                     {params: append(own("psbt"), "wallet_name", "descriptor", "registration"), asks: true, do: signTx},
		"sign_message":                {params: own("message", "derivation_path"), asks: true, do: signMessage},
		"extract_master_blinding_key": {params: own(), free: true, do: blindingKey},
		"bitbox02_pairing":            {params: []string{"chain"}, free: true, far: true, do: pairingCode},

		"register_wallet": {params: append(own("descriptor"), "wallet_name"), asks: true, do: registerWallet},
		"version":         {free: true, do: tellVersion},
		"notices":         {params: []string{"since", "wait"}, free: true, do: readNotices},
		"cancel":          {free: true, do: cancelCalls},
	}
}

// extras are what an old bridge does not have.
var extras = []string{"wallet_name", "descriptor", "registration", "session", "register_wallet", "notices", "cancel", "pair"}

// job is a call under way.
type job struct {
	s    *Service
	who  Caller
	name string
	p    params
	word string
	tell func(method string, n signer.Notice) // keeps what a device asks

	network    btc.Network
	passphrase string
	pair       bool
}

// run does one call: limits, its dialog, its time.
func (s *Service) run(ctx context.Context, who Caller, via Remote, name string, m method, p params) (any, error) {
	j := &job{s: s, who: who, name: name, p: p}
	var err error
	if j.word, err = p.session(); err != nil {
		return nil, err
	}
	if m.free {
		if m.far && via != nil {
			return via.Do(ctx, name, p, nil)
		}
		return m.do(ctx, j)
	}
	if j.network, err = p.network(); err != nil {
		return nil, err
	}
	if j.passphrase, err = p.text("passphrase", ""); err != nil {
		return nil, err
	}
	end, err := s.limit.enter(who, m.asks)
	if err != nil {
		return nil, err
	}
	defer func() { end(err) }()
	ctx, stop := context.WithTimeout(ctx, maxCall)
	defer stop()
	var done func()
	if j.tell, done, err = s.talks.begin(who.Key, j.word, stop); err != nil {
		return nil, err
	}
	defer done()
	j.tell = who.hears(j.tell)
	var result any
	if via != nil {
		result, err = via.Do(ctx, name, p, func(n signer.Notice) { j.tell(name, n) })
		return result, err
	}
	result, err = m.do(ctx, j)
	return result, err
}

// ask is what the devices are told of this call.
func (j *job) ask() signer.Ask {
	return signer.Ask{Network: j.network, Passphrase: j.passphrase, Pair: j.pair, Notify: func(n signer.Notice) { j.tell(j.name, n) }}
}

// with lets f use the device that the call means.
func (j *job) with(ctx context.Context, f func(context.Context, signer.Signer) error) error {
	w, err := j.p.device()
	if err != nil {
		return err
	}
	sel := signer.Select{}
	switch { // the most telling one decides, as in the old bridge; the family must fit a path
	case w.path != "":
		sel.Kind, sel.Path = w.kind, w.path
	case w.known:
		sel.Fingerprint, sel.Known = w.print, true
	case w.kind != "":
		sel.Kind = w.kind
	default:
		return signer.E(signer.CodeUnknownDevice, "The device could not be found. Please check it is properly connected and try again")
	}
	j.pair = true
	err = j.s.c.Hub.Do(ctx, sel, j.ask(), f)
	if unknown(err) && w.path != "" && !strings.HasPrefix(w.path, "hid:") { // as HWI prints it
		sel.Path = "hid:" + w.path
		err = j.s.c.Hub.Do(ctx, sel, j.ask(), f)
	}
	if unknown(err) {
		return &signer.Fault{Code: signer.CodeUnknownDevice, Cause: errs.E(errs.NotFound, "The device could not be found. Please check it is properly connected and try again")}
	}
	return err
}

// unknown reports whether no such device is connected.
func unknown(err error) bool {
	return signer.CodeOf(err) == signer.CodeUnknownDevice && errs.KindOf(err) == errs.NotFound
}

func enumerate(ctx context.Context, j *job) (any, error) {
	list, err := j.list(ctx)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, i := range list {
		out = append(out, described(i))
	}
	return out, nil
}

func (j *job) list(ctx context.Context) ([]signer.Info, error) {
	list, err := j.s.c.Hub.Enumerate(ctx, j.ask())
	if err == nil && (j.p.yes("pair") || j.ofOldPage()) && j.pairUnpaired(ctx, list) {
		return j.s.c.Hub.Enumerate(ctx, j.ask())
	}
	return list, err
}

// described is a device as HWI prints it.
func described(i signer.Info) map[string]any {
	d := map[string]any{"type": i.Kind, "model": i.Model, "label": i.Label, "path": printed(i.Path), "fingerprint": "",
		"needs_pin_sent": i.NeedsPIN, "needs_passphrase_sent": i.NeedsPassphrase}
	if i.Known {
		d["fingerprint"] = i.Fingerprint.String()
	}
	if i.Firmware != "" {
		d["firmware"] = i.Firmware
	}
	if len(i.Warnings) > 0 {
		d["warnings"] = i.Warnings
	}
	if i.Err != nil {
		d["error"], d["code"] = i.Err.Error(), int(signer.CodeOf(i.Err))
	}
	return d
}

// printed is a port's path as HWI has it.
func printed(path string) string { return strings.TrimPrefix(path, "hid:") }

func detect(ctx context.Context, j *job) (any, error) {
	w, err := j.p.device()
	if err != nil {
		return nil, err
	}
	list, err := j.list(ctx)
	if err != nil {
		return nil, err
	}
	for _, i := range list {
		var is bool
		switch { // the last criterion that is given wins, as in the old bridge
		case w.path != "":
			is = printed(i.Path) == printed(w.path)
		case w.known:
			is = i.Known && i.Fingerprint == w.print
		default:
			is = w.kind != "" && i.Kind == w.kind
		}
		if is {
			return described(i), nil
		}
	}
	return nil, nil
}

// unlocking are the families that the host unlocks or switches.
var unlocking = []string{"trezor", "keepkey"}

// unlock lets f use a device of such a family; others are refused in the contract's words.
func (j *job) unlock(ctx context.Context, f func(context.Context, signer.Unlocker) error) (any, error) {
	kind, err := j.p.text("device_type", "")
	if err != nil {
		return nil, err
	}
	if !slices.Contains(unlocking, strings.ToLower(kind)) {
		if kind == "" {
			kind = "None"
		}
		return nil, signer.E(signer.CodeUnavailable, "Invalid HWI device type %.40s, %s is only supported for Trezor and Keepkey devices", kind, j.name)
	}
	err = j.with(ctx, func(ctx context.Context, s signer.Signer) error {
		u, ok := s.(signer.Unlocker)
		if !ok {
			return signer.E(signer.CodeNotImplemented, "this device is not unlocked from the computer")
		}
		return f(ctx, u)
	})
	if err != nil && !errors.Is(err, signer.ErrWrongPIN) {
		return nil, err
	}
	if err != nil { // a wrong PIN is no error, as with HWI
		return map[string]any{"success": false}, nil
	}
	return success, nil
}

var success = map[string]any{"success": true}

func togglePassphrase(ctx context.Context, j *job) (any, error) {
	return j.unlock(ctx, func(ctx context.Context, u signer.Unlocker) error {
		_, err := u.TogglePassphrase(ctx)
		return err
	})
}

func promptPIN(ctx context.Context, j *job) (any, error) {
	return j.unlock(ctx, func(ctx context.Context, u signer.Unlocker) error { return u.AskPIN(ctx) })
}

func sendPIN(ctx context.Context, j *job) (any, error) {
	pin, err := j.p.text("pin", "")
	if err != nil {
		return nil, err
	}
	return j.unlock(ctx, func(ctx context.Context, u signer.Unlocker) error {
		switch {
		case pin == "":
			return signer.E(signer.CodeMissing, "Must enter a non-empty PIN")
		case len(pin) > 50 || strings.Trim(pin, "123456789") != "":
			return signer.E(signer.CodeBadArgument, "Non-numeric PIN provided")
		}
		return u.SendPIN(ctx, pin)
	})
}

// version of an extended key at a path, as SLIP-132 and the old bridge have it; keys below an
// account's are like the account's.
func versionAt(p btc.Path, main bool) [4]byte {
	return btc.VersionFor(btc.ScriptTypeOf(p[:min(len(p), 4)]), main, false).Bytes
}

// onMain tells from a path's second step for which kind of network its keys are.
func onMain(p btc.Path) bool { return len(p) < 2 || p[1] != 1|btc.Hardened }

// forKeys is the network to open a device with for keys of a kind: the asked one where it fits.
func forKeys(asked btc.Network, main bool) btc.Network {
	switch {
	case asked.IsMain() == main:
		return asked
	case main:
		return btc.Mainnet
	}
	return btc.Testnet3
}

func extractXPub(ctx context.Context, j *job) (any, error) {
	text, err := j.p.text("derivation", "")
	if err != nil {
		return nil, err
	}
	path, err := btc.ParsePath(text)
	if err != nil || len(path) > 20 || (text != "m" && !strings.HasPrefix(text, "m/")) {
		return nil, signer.E(signer.CodeBadArgument, "%.60q is no derivation path; write it as m/84h/0h/0h", text)
	}
	j.network = forKeys(j.network, onMain(path))
	var line string
	err = j.with(ctx, func(ctx context.Context, s signer.Signer) error {
		fp, err := s.Fingerprint(ctx)
		if err != nil {
			return err
		}
		x, err := s.XPub(ctx, path)
		line = fmt.Sprintf("[%s%s]%s\n", fp, strings.TrimPrefix(text, "m"), x.Encode(versionAt(path, onMain(path))))
		return err
	})
	if err != nil {
		return nil, err
	}
	return line, nil
}

func extractXPubs(ctx context.Context, j *job) (any, error) {
	account, err := j.p.number("account", int64(btc.Hardened-1))
	if err != nil {
		return nil, err
	}
	var lines []string
	var first error
	for _, coin := range []uint32{0, 1} {
		j.network = forKeys(j.network, coin == 0)
		err := j.with(ctx, func(ctx context.Context, s signer.Signer) error {
			fp, err := s.Fingerprint(ctx)
			if err != nil {
				return err
			}
			for _, p := range accountPaths(coin, uint32(account)) {
				x, err := s.XPub(ctx, p)
				switch {
				case ctx.Err() != nil || signer.CodeOf(err) == signer.CodeConnection:
					return err
				case err != nil:
					if first == nil {
						first = err
					}
					continue
				}
				lines = append(lines, fmt.Sprintf("[%s/%s]%s\n", fp, strings.ReplaceAll(p.String(), "h", "'"), x.Encode(versionAt(p, coin == 0))))
			}
			return nil
		})
		switch {
		case ctx.Err() != nil, err != nil && len(lines) == 0 && endsIt(err):
			return nil, err
		case err != nil && first == nil: // an app or a setting for one kind of network alone
			first = err
		}
	}
	if len(lines) == 0 {
		return nil, first
	}
	return strings.Join(lines, ""), nil
}

// endsIt reports whether another question would come to the same: the device is gone, or its
// person has refused.
func endsIt(err error) bool {
	switch signer.CodeOf(err) {
	case signer.CodeConnection, signer.CodeUnknownDevice, signer.CodeCancelled, signer.CodeBusy:
		return true
	}
	return false
}

// accountPaths are the four paths of an account, in the contract's order.
func accountPaths(coin, account uint32) []btc.Path {
	h := func(steps ...uint32) btc.Path {
		for i := range steps {
			steps[i] |= btc.Hardened
		}
		return steps
	}
	return []btc.Path{h(49, coin, account), h(84, coin, account), h(48, coin, account, 1), h(48, coin, account, 2)}
}

func signMessage(ctx context.Context, j *job) (any, error) {
	message, err := j.p.text("message", "")
	if err != nil {
		return nil, err
	}
	if message == "" {
		return nil, signer.E(signer.CodeMissing, "Message must not be empty")
	}
	if len(message) > maxMessage {
		return nil, signer.E(signer.CodeBadArgument, "the message is longer than %d bytes", maxMessage)
	}
	text, err := j.p.text("derivation_path", "m")
	if err != nil {
		return nil, err
	}
	path, err := btc.ParsePath(text)
	if err != nil || len(path) > 20 {
		return nil, signer.E(signer.CodeBadArgument, "%.60q is no derivation path; write it as m/84h/0h/0h/0/0", text)
	}
	var sig []byte
	err = j.with(ctx, func(ctx context.Context, s signer.Signer) error {
		sig, err = s.SignMessage(ctx, path, []byte(message))
		return err
	})
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.EncodeToString(sig), nil
}

func blindingKey(context.Context, *job) (any, error) {
	return nil, signer.E(signer.CodeNotImplemented, "a master blinding key belongs to Liquid, which this Specter does not know; it signs for Bitcoin alone")
}

func pairingCode(_ context.Context, j *job) (any, error) {
	return map[string]any{"code": j.s.talks.pairing(j.who.Key)}, nil
}

func tellVersion(_ context.Context, j *job) (any, error) {
	return map[string]any{"name": "Specter", "version": j.s.c.Version, "methods": slices.Sorted(maps.Keys(methods)), "extras": extras}, nil
}

// readPSBT takes a PSBT from a call.
func readPSBT(text string) (*psbt.Packet, error) {
	if text == "" {
		return nil, signer.E(signer.CodeMissing, "PSBT must not be empty")
	}
	tx, err := psbt.Decode(text)
	if err != nil {
		return nil, &signer.Fault{Code: signer.CodeBadTransaction, Cause: err}
	}
	return tx, nil
}

// notRegistered reports whether a device does not know a wallet (any more).
func notRegistered(err error) bool {
	var f *signer.Fault
	return errors.As(err, &f) && f.Code == signer.CodeNotRegistered
}
