package hwicli

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
)

var _ signer.Outside = Program{}

// Enumerate lists the devices that HWI finds, of the kinds that are not skipped.
func (p Program) Enumerate(ctx context.Context, a signer.Ask, skip []string) ([]signer.Info, error) {
	var list []entry
	err := p.run(ctx, a, job{args: []string{"enumerate"}, limit: enumerating, what: "looking for devices"}, &list)
	if err != nil {
		return nil, err
	}
	if len(list) > maxDevices {
		return nil, signer.E(signer.CodeUnknown, "the program HWI lists %d devices, which cannot be", len(list))
	}
	var out []signer.Info
	for _, e := range list {
		if i, ok := e.info(); ok && !slices.Contains(skip, i.Kind) {
			out = append(out, i)
		}
	}
	return out, nil
}

// Open makes a Signer of a listed device.
func (p Program) Open(info signer.Info, a signer.Ask) (signer.Signer, error) {
	for _, text := range []string{info.Kind, info.Path} {
		if text == "" || strings.HasPrefix(text, "-") {
			return nil, signer.E(signer.CodeBadArgument, "this is no device that the program HWI listed")
		}
	}
	return &device{p: p, info: info, a: a}, nil
}

// device is a device at HWI's other end.
type device struct {
	p    Program
	info signer.Info
	a    signer.Ask
}

// do runs a command for the device.
func (d *device) do(ctx context.Context, limit time.Duration, into any, args ...string) error {
	return d.p.run(ctx, d.a, job{flags: []string{"-t", d.info.Kind, "-d", d.info.Path}, args: args, limit: limit, what: d.info.Kind + " at " + d.info.Path}, into)
}

// confirm runs a command during which the person looks at the device.
func (d *device) confirm(ctx context.Context, into any, args ...string) error {
	if d.a.Notify != nil {
		d.a.Notify(signer.Notice{Kind: signer.NoticeConfirm})
	}
	return d.do(ctx, asking, into, args...)
}

func (d *device) Info() signer.Info { return d.info }
func (d *device) Close() error      { return nil }

// Fingerprint is that of the list, or of the master key.
func (d *device) Fingerprint(ctx context.Context) (btc.Fingerprint, error) {
	if !d.info.Known {
		k, err := d.XPub(ctx, nil)
		if err != nil {
			return btc.Fingerprint{}, err
		}
		d.info.Fingerprint, d.info.Known = k.Fingerprint(), true
	}
	return d.info.Fingerprint, nil
}

func (d *device) XPub(ctx context.Context, path btc.Path) (btc.XKey, error) {
	var out struct {
		XPub string `json:"xpub"`
	}
	if err := d.do(ctx, asking, &out, "getxpub", path.Full()); err != nil {
		return btc.XKey{}, err
	}
	k, _, err := btc.ParseXKey(out.XPub)
	if err != nil || k.IsPrivate() {
		return btc.XKey{}, signer.E(signer.CodeUnknown, "the program HWI answered with something that is no extended public key")
	}
	k.Main = d.a.Network.IsMain() // some devices know one form alone
	return k, nil
}

// Register has no command in HWI: what its devices need is done when an address is shown.
func (d *device) Register(context.Context, signer.Wallet) (signer.Registration, error) {
	return signer.Registration{}, nil
}

func (d *device) NeedsRegistration(signer.Wallet) bool { return false }

// ShowAddress gives HWI the descriptor of the one address.
func (d *device) ShowAddress(ctx context.Context, w signer.Wallet, _ signer.Registration, branch, index uint32) (string, error) {
	if w.Descriptor == nil || uint64(branch) >= uint64(w.Descriptor.Branches()) {
		return "", signer.E(signer.CodeBadArgument, "the wallet has no branch %d", branch)
	}
	one, err := w.Descriptor.Branch(int(branch))
	if err == nil {
		one, err = one.At(index)
	}
	if err != nil {
		return "", &signer.Fault{Code: signer.CodeBadArgument, Cause: err}
	}
	var out struct {
		Address string `json:"address"`
	}
	if err := d.confirm(ctx, &out, "displayaddress", "--desc", one.String()); err != nil {
		return "", err
	}
	if out.Address == "" || len(out.Address) > 200 {
		return "", signer.E(signer.CodeUnknown, "the program HWI answered with something that is no address")
	}
	return out.Address, nil
}

func (d *device) Sign(ctx context.Context, _ signer.Wallet, _ signer.Registration, tx *psbt.Packet) (*psbt.Packet, error) {
	v0, err := tx.Convert(0)
	if err != nil {
		return nil, &signer.Fault{Code: signer.CodeBadTransaction, Cause: err}
	}
	text, err := v0.Base64()
	if err != nil {
		return nil, err
	}
	var out struct {
		PSBT string `json:"psbt"`
	}
	if err := d.confirm(ctx, &out, "signtx", text); err != nil {
		return nil, err
	}
	signed, err := psbt.Decode(out.PSBT)
	if err != nil {
		return nil, signer.E(signer.CodeUnknown, "the program HWI answered with a PSBT that cannot be read: %w", err)
	}
	return signed, nil
}

func (d *device) SignMessage(ctx context.Context, path btc.Path, message []byte) ([]byte, error) {
	var out struct {
		Signature string `json:"signature"`
	}
	if strings.HasPrefix(string(message), "-") {
		return nil, signer.E(signer.CodeUnavailable, "the program HWI cannot be given a message that begins with a hyphen")
	}
	if err := d.confirm(ctx, &out, "signmessage", string(message), path.Full()); err != nil {
		return nil, err
	}
	sig, err := base64.StdEncoding.DecodeString(out.Signature)
	if err != nil || len(sig) != 65 {
		return nil, signer.E(signer.CodeUnknown, "the program HWI answered with something that is no signature of a message")
	}
	return sig, nil
}

// succeed runs a command that answers {"success": true}; no is what {"success": false} means.
func (d *device) succeed(ctx context.Context, no error, args ...string) error {
	var out struct {
		Success bool `json:"success"`
	}
	if err := d.do(ctx, quick, &out, args...); err != nil {
		return err
	}
	if !out.Success {
		return no
	}
	return nil
}

var errRefused = signer.E(signer.CodeUnknown, "the device refused")

// AskPIN, SendPIN and TogglePassphrase are HWI's commands of these names; HWI closes the device
// between them.
func (d *device) AskPIN(ctx context.Context) error { return d.succeed(ctx, errRefused, "promptpin") }

// SendPIN sends the places that were chosen on the matrix.
func (d *device) SendPIN(ctx context.Context, positions string) error {
	if positions == "" || strings.Trim(positions, "123456789") != "" {
		return signer.E(signer.CodeBadArgument, "a PIN is sent as places 1 to 9 on the keypad")
	}
	return d.succeed(ctx, signer.E(signer.CodeNotReady, "%w; the device stays locked", signer.ErrWrongPIN), "sendpin", positions)
}

// TogglePassphrase switches the passphrase; HWI does not tell what it is afterwards.
func (d *device) TogglePassphrase(ctx context.Context) (bool, error) {
	if err := d.succeed(ctx, errRefused, "togglepassphrase"); err != nil {
		return false, err
	}
	return !d.info.NeedsPassphrase, nil
}

var _ signer.Unlocker = (*device)(nil)
