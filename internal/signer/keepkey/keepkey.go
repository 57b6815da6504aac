// Package keepkey drives KeepKey, which speaks Trezor's first protocol as it was in 2017
// (package codec1): PIN by matrix, passphrase from the host, no taproot.
package keepkey

import (
	"context"

	"specter/internal/signer"
	"specter/internal/signer/codec1"
)

// Kind is the family's name, as HWI has it.
const Kind = "keepkey"

// The ids of the USB devices: the older firmware is a HID device, the newer one WebUSB.
const (
	vendor        = 0x2b24
	productHID    = 0x0001
	productWebUSB = 0x0002
)

// Driver is the family's signer.Driver.
type Driver struct{}

// Kind is "keepkey".
func (Driver) Kind() string { return Kind }

// Match tells KeepKey's own interface from the one for debugging.
func (Driver) Match(p signer.Port) bool {
	switch p.Way {
	case signer.UDP:
		return p.Kind == Kind || p.Kind == ""
	case signer.WebUSB:
		return p.Vendor == vendor && p.Product == productWebUSB && p.Interface <= 0
	case signer.HID:
		return p.Vendor == vendor && p.Product == productHID && (p.UsagePage == 0xff00 || p.UsagePage == 0 && p.Interface <= 0)
	}
	return false
}

// Open greets a KeepKey.
func (Driver) Open(ctx context.Context, c signer.Conn, p signer.Port, o signer.Options) (signer.Signer, error) {
	d, err := codec1.Open(ctx, c, p, o, dialect)
	if err != nil {
		return nil, err // not a nil *codec1.Device in an interface
	}
	return d, nil
}

var dialect = codec1.Dialect{
	Kind:     Kind,
	Name:     "KeepKey",
	Vendors:  []string{"keepkey.com"},
	Update:   "with KeepKey's own program",
	Model:    func(codec1.Features) string { return "keepkey" },
	Matrix:   func(codec1.Features) bool { return true },
	Stuck:    func(p signer.Port) bool { return p.Vendor == vendor || p.Way == signer.UDP && p.Kind == Kind },
	Oldest:   func(codec1.Features) codec1.Version { return codec1.Version{} },
	Taproot:  func(codec1.Features) (codec1.Version, bool) { return codec1.Version{}, false },
	Sorts:    func(codec1.Features) bool { return false },
	NoRepeat: true,
	Foreign:  func(codec1.Features) codec1.Foreign { return codec1.ForeignAsOwn },
}
