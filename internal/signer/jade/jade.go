// Package jade drives Blockstream's Jade and Jade Plus.
//
// Messages are CBOR maps over a byte stream, a request {id, method, params} and its reply
// {id, result | error}; the device strews log messages between them. A locked Jade needs its
// person's PIN and a "blind" PIN server on the internet, which it asks through its host: the host
// carries sealed bytes there and back (Options.Relay) and learns nothing. Multisig and miniscript
// wallets are kept on the device under a name.
//
// The protocol is described in the firmware's documentation (Blockstream/Jade, docs/index.rst).
// The device is unlocked when it is first needed, never by looking what is connected.
package jade

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"specter/internal/btc"
	"specter/internal/signer"
)

// Kind is the family's name.
const Kind = "jade"

// Driver is the protocol of Jade and Jade Plus.
type Driver struct{}

// Kind returns "jade".
func (Driver) Kind() string { return Kind }

// usbIDs are the serial chips of the boards that Jade runs on. They are common ones: an id alone
// proves nothing (10c4:ea60 is any CP210x).
var usbIDs = [][2]uint16{
	{0x10c4, 0xea60}, {0x1a86, 0x55d4}, {0x0403, 0x6001}, {0x1a86, 0x7523}, {0x303a, 0x4001}, {0x303a, 0x1001},
}

// Match tells whether a Jade may be at the port: a serial port of one of its chips, or a socket
// that is set up as one.
func (Driver) Match(p signer.Port) bool {
	if p.Kind != "" {
		return p.Kind == Kind
	}
	return p.Way == signer.Serial && slices.Contains(usbIDs, [2]uint16{p.Vendor, p.Product})
}

// greeting is how long a device has to say who it is, and quick how long for answers that need
// neither its person nor long work.
const (
	greeting = time.Second
	quick    = 5 * time.Second
)

// version is a firmware's version without what follows the three numbers.
type version struct{ major, minor, patch int }

func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v.major, v.minor, v.patch) }

func (v version) below(w version) bool {
	return slices.Compare([]int{v.major, v.minor, v.patch}, []int{w.major, w.minor, w.patch}) < 0
}

// What the firmware can since when (CHANGELOG.md of the firmware).
var (
	sinceSigning     = version{0, 1, 47} // sign_psbt as it is today
	sinceDetails     = version{1, 0, 23} // get_registered_multisig
	sinceDescriptors = version{1, 0, 24}
	sinceListing     = version{1, 0, 30} // get_registered_descriptor(s)
	sinceTaproot     = version{1, 0, 34} // one key, BIP86
	sinceTaprootMany = version{1, 0, 36} // several taproot inputs are signed rightly
)

func parseVersion(s string) (v version, ok bool) {
	if len(s) > 64 {
		return v, false
	}
	n, err := fmt.Sscanf(s, "%d.%d.%d", &v.major, &v.minor, &v.patch)
	return v, err == nil && n == 3 && v.major >= 0 && v.minor >= 0 && v.patch >= 0
}

// about is the device's answer to get_version_info, as far as it matters here.
type about struct {
	Version  string `cbor:"JADE_VERSION"`
	State    string `cbor:"JADE_STATE"`
	Networks string `cbor:"JADE_NETWORKS"`
	Board    string `cbor:"BOARD_TYPE"`
	HasPIN   bool   `cbor:"JADE_HAS_PIN"`
}

// The states of a Jade.
const (
	stateEmpty   = "UNINIT"  // no wallet
	stateUnsaved = "UNSAVED" // a wallet without a PIN yet
	stateLocked  = "LOCKED"
	stateReady   = "READY"
	stateGuest   = "TEMP" // a wallet until it is switched off
)

// device is an open Jade.
type device struct {
	wire  *wire
	o     signer.Options
	info  signer.Info
	about about
	fw    version
	open  bool // auth_user has agreed in this session
}

// Open asks who is there and, where the device is unlocked, for its fingerprint.
func (Driver) Open(ctx context.Context, c signer.Conn, p signer.Port, o signer.Options) (signer.Signer, error) {
	d := &device{o: o}
	var err error
	if d.wire, err = newWire(c, o.Rand); err != nil {
		return nil, err
	}
	if err := d.greet(ctx, p); err != nil {
		return nil, err
	}
	if d.info.Err == nil && (d.about.State == stateReady || d.about.State == stateGuest) {
		if _, err := d.Fingerprint(ctx); err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			d.info.Err = err
		}
	}
	return d, nil
}

// greet probes for a Jade and fills in what it tells of itself.
func (d *device) greet(ctx context.Context, p signer.Port) error {
	short, stop := context.WithTimeout(ctx, greeting)
	defer stop()
	err := d.wire.greet(short, &d.about)
	fw, ok := parseVersion(d.about.Version)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil && ok && d.about.State != "":
	case isLost(err):
		return err
	case err != nil && (p.Kind == Kind || strings.Contains(strings.ToLower(p.ProductName), "jade")):
		return signer.E(signer.CodeBusy, "the Jade does not answer: it may be starting, or asking something on its screen; answer or cancel that there, then try again (%w)", err)
	default:
		return signer.ErrNotThisKind
	}
	d.fw = fw
	d.info = signer.Info{Kind: Kind, Model: d.model(p), Path: p.Path, Firmware: d.about.Version}
	if d.about.State == stateLocked {
		// Not NeedsPIN: that is a PIN that is sent from here.
		d.info.Warnings = []string{"This Jade is locked: it asks for its PIN on its screen when it is used."}
	}
	d.info.Err = d.unusable()
	return nil
}

// model is HWI's word; what is at a socket is a simulator there.
func (d *device) model(p signer.Port) string {
	if p.Way == signer.TCP || p.Way == signer.Unix {
		return "jade_simulator"
	}
	return "jade"
}

// unusable says why nothing can be done with the device as it is.
func (d *device) unusable() error {
	switch {
	case d.fw.below(sinceSigning):
		return signer.E(signer.CodeNotReady, "the firmware %s of this Jade is too old, %s is the least that Specter can use: update it with Blockstream's app", d.fw, sinceSigning)
	case d.about.State == stateEmpty:
		return signer.E(signer.CodeNotInitialized, "this Jade has no wallet yet: set it up on the device with Blockstream's app")
	case d.about.State == stateUnsaved:
		return signer.E(signer.CodeNotInitialized, "the wallet on this Jade has no PIN yet: finish its setup with Blockstream's app")
	case d.about.Networks == "MAIN" && !d.o.Network.IsMain():
		return signer.E(signer.CodeConnection, "this Jade is set up for mainnet alone and cannot be used on %s", d.o.Network)
	case d.about.Networks == "TEST" && d.o.Network.IsMain():
		return signer.E(signer.CodeConnection, "this Jade is set up for test networks alone and cannot be used on mainnet")
	}
	return nil
}

// network is the device's word for a network; signet and the test networks are one to it.
func network(n btc.Network) string {
	switch n {
	case btc.Mainnet:
		return "mainnet"
	case btc.Regtest:
		return "localtest"
	}
	return "testnet"
}

// Info tells what is known of the device.
func (d *device) Info() signer.Info { return d.info }

// Close ends the session. The device stays unlocked until it is switched off or logs out itself.
func (d *device) Close() error { return nil }

// Fingerprint is the master key's, unlocking the device if need be.
func (d *device) Fingerprint(ctx context.Context) (btc.Fingerprint, error) {
	if d.info.Known {
		return d.info.Fingerprint, nil
	}
	key, err := d.XPub(ctx, nil)
	if err != nil {
		return btc.Fingerprint{}, err
	}
	d.info.Fingerprint, d.info.Known = key.Fingerprint(), true
	return d.info.Fingerprint, nil
}

// maxPath is how many steps a path may have on the device.
const maxPath = 16

// XPub derives an extended public key; the device shows nothing.
func (d *device) XPub(ctx context.Context, p btc.Path) (btc.XKey, error) {
	if len(p) > maxPath {
		return btc.XKey{}, signer.E(signer.CodeBadArgument, "a Jade takes paths of at most %d steps", maxPath)
	}
	if err := d.unlock(ctx); err != nil {
		return btc.XKey{}, err
	}
	var text string
	params := map[string]any{"network": network(d.o.Network), "path": steps(p)}
	if err := d.soon(ctx, "get_xpub", params, &text); err != nil {
		return btc.XKey{}, err
	}
	if len(text) > 128 {
		return btc.XKey{}, errGarbled
	}
	key, _, err := btc.ParseXKey(text)
	if err != nil || key.IsPrivate() || key.Main != d.o.Network.IsMain() {
		return btc.XKey{}, signer.E(signer.CodeConnection, "the Jade answered with something that is no extended public key of %s", d.o.Network)
	}
	return key, nil
}

// steps is a path as the device reads it: a list that is there even when it is empty.
func steps(p btc.Path) []uint32 { return append([]uint32{}, p...) }

// soon is a call that is answered without the person.
func (d *device) soon(ctx context.Context, method string, params, into any) error {
	short, stop := context.WithTimeout(ctx, quick)
	defer stop()
	err := d.wire.call(short, method, params, into)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return signer.E(signer.CodeBusy, "the Jade does not answer: it may be asking something on its screen; answer or cancel that there, then try again")
	}
	return err
}

// ask is a call that waits for the person.
func (d *device) ask(ctx context.Context, what signer.NoticeKind, method string, params, into any) error {
	d.o.Tell(signer.Notice{Kind: what})
	return d.wire.call(ctx, method, params, into)
}
