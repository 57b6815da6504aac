// Package signer is the family of things that can sign while they are connected: one contract
// for USB devices, simulators, bridges and software keys.
//
// A Driver knows one vendor's protocol and never the operating system: bytes (Conn), chance
// (Options.Rand), time (Options.Now) and what is kept between connections (Options.Memory) are
// passed in, so that the same code runs against a device, a software device in tests, a recorded
// conversation, and compiles to WASM. Ports are found by package transport, joined to drivers by
// the Hub (hub.go), and nothing that a device says is believed: Checked (checked.go) recomputes
// addresses and verifies signatures for every family.
//
// Names of kinds and models, the codes of errors and the forms of paths are those of the
// program HWI, because its JSON is what Bitcoin Core, other coordinators and old bridges speak.
package signer

import (
	"context"
	"io"
	"time"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
)

// Info is what is known of a connected signer without asking its person anything.
type Info struct {
	Kind            string          // the family: trezor, keepkey, ledger, coldcard, bitbox02, jade, specter
	Model           string          // HWI's word: trezor_1, trezor_t, trezor_safe 3, ledger_nano_x, coldcard, bitbox02_btconly, jade…
	Label           string          // the name its person gave it; foreign text
	Path            string          // the port's path, see Port
	Firmware        string          // version as the device says it, "" unknown
	Fingerprint     btc.Fingerprint // of the master key; only with Known
	Known           bool            // the fingerprint is known: the device is unlocked
	NeedsPIN        bool            // a PIN must be sent (Trezor One, KeepKey) or typed on the device
	NeedsPassphrase bool            // a passphrase is to be sent with each call
	Warnings        []string        // sentences for the person
	Err             error           // why the device cannot be used now; CodeOf tells HWI's code
}

// Signer is a device that is connected and open. One call at a time (the Hub sees to it).
// When ctx ends, the call tells the device to stop asking its person, and returns ctx's error.
type Signer interface {
	Info() Info
	// Fingerprint is the master key's.
	Fingerprint(ctx context.Context) (btc.Fingerprint, error)
	// XPub derives an extended public key. Main of the answer follows Options.Network. The
	// device may show unusual paths to its person.
	XPub(ctx context.Context, p btc.Path) (btc.XKey, error)
	// Register shows a wallet to the person once. Families that need none (NeedsRegistration
	// false) answer with a zero Registration at once.
	Register(ctx context.Context, w Wallet) (Registration, error)
	// NeedsRegistration tells whether the family wants this wallet registered before it shows
	// addresses or signs.
	NeedsRegistration(w Wallet) bool
	// ShowAddress shows an address of the wallet on the device and returns what the device said.
	ShowAddress(ctx context.Context, w Wallet, r Registration, branch, index uint32) (string, error)
	// Sign asks for the signatures of this device's keys and returns a packet that has them
	// beside what tx had. tx is not changed. The wallet may be zero: then what it needs is read
	// from the PSBT itself (see WalletsOf), as HWI does.
	Sign(ctx context.Context, w Wallet, r Registration, tx *psbt.Packet) (*psbt.Packet, error)
	// SignMessage signs a message by BIP137 with the key at p: 65 bytes, header first.
	SignMessage(ctx context.Context, p btc.Path, message []byte) ([]byte, error)
	// Close ends the session; the connection is closed by who opened it.
	Close() error
}

// Unlocker is what families have that are unlocked or switched by the host: Trezor, KeepKey.
// Others refuse with NotImplemented.
type Unlocker interface {
	AskPIN(ctx context.Context) error                          // makes the device show its PIN matrix and leaves the question open
	SendPIN(ctx context.Context, positions string) error       // answers it: digits 1 to 9 as places on the keypad (7 8 9 / 4 5 6 / 1 2 3); ErrWrongPIN
	TogglePassphrase(ctx context.Context) (on bool, err error) // switches passphrase protection
}

// Wallet is the wallet that a device is asked about.
type Wallet struct {
	Name       string                 // shown on the device; each family cuts it to what it can show
	Descriptor *descriptor.Descriptor // multipath, ranged, with key origins; nil for the zero Wallet
}

// At derives an address: its branch of the descriptor, for all indexes, and what pays to it.
func (w Wallet) At(branch, index uint32) (*descriptor.Descriptor, *descriptor.Output, error) {
	if w.Descriptor == nil {
		return nil, nil, E(CodeMissing, "no wallet was given whose address is meant")
	}
	if int64(branch) >= int64(w.Descriptor.Branches()) {
		return nil, nil, E(CodeBadArgument, "the wallet has no branch %d", branch)
	}
	d, err := w.Descriptor.Branch(int(branch))
	if err != nil {
		return nil, nil, E(CodeBadArgument, "the wallet's descriptor cannot be used: %w", err)
	}
	out, err := d.Derive(index)
	if err != nil {
		return nil, nil, E(CodeBadArgument, "the wallet has no address %d: %w", index, err)
	}
	return d, out, nil
}

// Registration is what a family keeps with the host when a wallet was registered: Ledger's
// HMAC, the name that others keep the wallet by. It is no secret, but worth keeping: without it
// the person approves the wallet again.
type Registration struct {
	Name  string // under which the device knows the wallet; "" where it has none
	ID    []byte // Ledger's policy id; nil elsewhere
	Proof []byte // Ledger's 32-byte HMAC; nil elsewhere
}

// IsZero reports whether there is no registration.
func (r Registration) IsZero() bool { return r.Name == "" && len(r.ID) == 0 && len(r.Proof) == 0 }

// Conn is an open port. On a packet port (HID, WebUSB, UDP) each Write is one packet and each
// Read gives exactly one; on a stream (serial, TCP) they are as usual. Packets have no report id.
// Both return early with ctx's error when it ends; the connection stays usable. A connection
// whose other side is gone returns an error of kind errs.Unavailable that wraps io.EOF or the
// system's error. One reader and one writer at a time.
type Conn interface {
	Read(ctx context.Context, p []byte) (int, error)
	Write(ctx context.Context, p []byte) (int, error)
	Close() error
}

// Way says what kind of port it is.
type Way string

// The ways to a device.
const (
	HID    Way = "hid"    // 64-byte reports
	WebUSB Way = "webusb" // bulk or interrupt packets of 64 bytes on the vendor interface
	Serial Way = "serial" // a byte stream, 115200 8N1
	UDP    Way = "udp"    // 64-byte datagrams: emulators of Trezor and KeepKey
	TCP    Way = "tcp"    // a stream: emulators of Ledger, Jade, BitBox02, Specter-DIY
	Unix   Way = "unix"   // 64-byte datagrams on a unix socket: Coldcard's simulator
)

// Port is a place where a device may be. The path is what people and HWI name it by:
// "hid:/dev/hidraw3" is printed as /dev/hidraw3, others as webusb:001:4, udp:127.0.0.1:21324,
// tcp:127.0.0.1:9999, unix:/tmp/ckcc-simulator.sock, or a serial port's name.
type Port struct {
	Path         string
	Way          Way
	Vendor       uint16 // USB ids; zero for sockets
	Product      uint16
	Interface    int // USB interface number, -1 unknown
	UsagePage    uint16
	Usage        uint16
	Manufacturer string // foreign text
	ProductName  string // foreign text
	Serial       string // foreign text
	Kind         string // the family a configured simulator speaks; "" for real ports
	Open         func(ctx context.Context) (Conn, error)
}

// Driver is one vendor's protocol. It keeps no state: everything of a session is in the Signer.
type Driver interface {
	Kind() string
	// Match tells from ids alone whether the family may answer at this port, without opening it.
	Match(p Port) bool
	// Open greets the device and returns a signer. A device that is locked or not set up opens
	// too (its Info tells), unless nothing at all can be said; an answer that is not this
	// family's is ErrNotThisKind. Opening asks the person nothing, with one exception: a family
	// that pairs (BitBox02) and Options.Pair set.
	Open(ctx context.Context, c Conn, p Port, o Options) (Signer, error)
}

// Options are what a driver may use of the world.
type Options struct {
	Network    btc.Network
	Passphrase string           // BIP39 passphrase of this session; never logged
	Pair       bool             // may ask the person to pair; enumerating does not
	Expert     bool             // HWI's --expert
	Notify     func(Notice)     // what the device asks its person now; may be nil; must not block
	Rand       io.Reader        // chance; required
	Now        func() time.Time // clock; required
	Memory     Memory           // may be nil: nothing is kept
	Relay      Relay            // Jade's way to its PIN server; nil: refused
}

// Tell passes a notice to who listens.
func (o Options) Tell(n Notice) {
	if o.Notify != nil {
		o.Notify(n)
	}
}

// Notice tells what the device waits for, so that a page can say the same.
type Notice struct {
	Kind NoticeKind
	Code string // the pairing code, in groups, for NoticePairing
	Text string // an English sentence, "" for the usual one of the kind
}

// NoticeKind is one sort of question that a device asks its person.
type NoticeKind string

// The questions.
const (
	NoticeConfirm    NoticeKind = "confirm"    // look at the device and confirm
	NoticeUnlock     NoticeKind = "unlock"     // unlock it: PIN on the device
	NoticePassphrase NoticeKind = "passphrase" // type the passphrase on the device
	NoticePairing    NoticeKind = "pairing"    // compare a code
	NoticeRegister   NoticeKind = "register"   // compare a wallet's keys and policy
)

// Memory keeps small things of a family between connections (pairing keys, session ids). Keys
// are "<kind>/<name>". It is safe for concurrent use; values may be secret and lie encrypted or
// in a file of mode 0600.
type Memory interface {
	Get(key string) ([]byte, bool)
	Put(key string, value []byte) error
}

// Relay carries a request that a device makes through its host to one of some addresses (https
// or onion): a JSON body in, the answer's body out, at most 64 KiB. The host chooses the address
// by its own rules (proxy, only Tor).
type Relay func(ctx context.Context, urls []string, body []byte) ([]byte, error)
