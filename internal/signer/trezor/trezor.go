// Package trezor drives Trezor One, T, Safe 3 and Safe 5 over their first protocol (package
// codec1). The Safe 7 speaks another one (THP) and is not driven; where it is met, it is named.
package trezor

import (
	"context"
	"strings"

	"specter/internal/signer"
	"specter/internal/signer/codec1"
)

// Kind is the family's name, as HWI has it.
const Kind = "trezor"

// The ids of the USB devices.
const (
	vendorOne      = 0x534c // the One
	productOne     = 0x0001
	vendorOthers   = 0x1209 // T, Safe 3, Safe 5 (and Safe 7)
	productOthers  = 0x53c1
	productLoaders = 0x53c0 // their bootloader
)

// Driver is the family's signer.Driver.
type Driver struct{}

// Kind is "trezor".
func (Driver) Kind() string { return Kind }

// Match tells Trezor's own interface from those for U2F and for debugging.
func (Driver) Match(p signer.Port) bool {
	switch p.Way {
	case signer.UDP:
		return p.Kind == Kind || p.Kind == ""
	case signer.WebUSB:
		one := p.Vendor == vendorOne && p.Product == productOne
		others := p.Vendor == vendorOthers && (p.Product == productOthers || p.Product == productLoaders)
		return (one || others) && p.Interface <= 0
	case signer.HID: // firmware of the One before 1.7.0
		return p.Vendor == vendorOne && p.Product == productOne && (p.UsagePage == 0xff00 || p.UsagePage == 0 && p.Interface == 0)
	}
	return false
}

// Open greets a Trezor.
func (Driver) Open(ctx context.Context, c signer.Conn, p signer.Port, o signer.Options) (signer.Signer, error) {
	d, err := codec1.Open(ctx, c, p, o, dialect)
	if err != nil {
		return nil, err // not a nil *codec1.Device in an interface
	}
	return d, nil
}

// dialect has the versions from the changelogs of trezor-firmware (core and legacy).
var dialect = codec1.Dialect{
	Kind:    Kind,
	Name:    "Trezor",
	Vendors: []string{"trezor.io", "bitcointrezor.com"},
	Update:  "with Trezor Suite",
	Model: func(f codec1.Features) string {
		if f.Model == "" { // bootloaders of the One up to 1.8.0
			return "trezor_1"
		}
		return "trezor_" + strings.ToLower(f.Model)
	},
	Matrix: isOne,
	Stuck: func(p signer.Port) bool {
		return p.Vendor == vendorOne || p.Way == signer.UDP && p.Kind == Kind
	},
	Oldest: func(f codec1.Features) codec1.Version {
		return either(f, codec1.Version{1, 8, 0}, codec1.Version{2, 1, 0})
	},
	Taproot: func(f codec1.Features) (codec1.Version, bool) {
		return either(f, codec1.Version{1, 10, 4}, codec1.Version{2, 4, 3}), true
	},
	Sorts: func(f codec1.Features) bool {
		return !f.Version.Before(either(f, codec1.Version{1, 13, 0}, codec1.Version{2, 8, 7}))
	},
	Foreign: func(f codec1.Features) codec1.Foreign {
		switch first := either(f, codec1.Version{1, 10, 6}, codec1.Version{2, 4, 4}); {
		case f.Version.Before(first):
			return codec1.ForeignAsOwn
		case isOne(f):
			return codec1.ForeignRefused
		}
		return codec1.ForeignSigned
	},
}

func isOne(f codec1.Features) bool { return f.Model == "1" || f.Model == "" }

// either picks a version of the One's firmware or of the others'.
func either(f codec1.Features, one, others codec1.Version) codec1.Version {
	if isOne(f) {
		return one
	}
	return others
}
