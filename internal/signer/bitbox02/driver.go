// Package bitbox02 speaks with the BitBox02 and the BitBox02 Nova, in both editions, over USB or
// with the vendor's simulator: U2F-HID frames, a Noise channel that is paired once by comparing a
// code, protobuf messages, and signatures whose randomness the device cannot choose alone
// (anti-klepto). Facts: the vendor's firmware repository; what each firmware can stands in
// firmware.go.
//
// The device has opinions: no addresses of the old kinds (P2PKH, bare P2SH), single keys at
// BIP49, BIP84 and BIP86 paths alone, multisig and policies under a name that is kept on it.
package bitbox02

import (
	"context"
	"strings"

	"specter/internal/signer"
	"specter/internal/signer/bitbox02/hww"
)

// Kind is the family's name.
const Kind = "bitbox02"

// SimulatorAddress is where the vendor's simulator listens.
const SimulatorAddress = "127.0.0.1:15423"

// USB ids. The second product was a development device's bootloader and is the Digital Bitbox 01,
// a device of another protocol.
const (
	vendorID    = 0x03eb
	productID   = 0x2403
	productOld  = 0x2402
	usagePage   = 0xffff // of the wallet; U2F has its own interface
	walletIface = 0
)

// Driver is the family's signer.Driver. The zero value shows amounts in BTC.
type Driver struct {
	Sats bool // the device shows amounts in sat, where its firmware can
}

// Kind returns "bitbox02".
func (Driver) Kind() string { return Kind }

// Match tells whether a port may be a BitBox02's wallet interface.
func (Driver) Match(p signer.Port) bool {
	if p.Kind != "" {
		return p.Kind == Kind
	}
	if p.Vendor != vendorID || p.Way != signer.HID {
		return false
	}
	if p.UsagePage != 0 && p.UsagePage != usagePage || p.UsagePage == 0 && p.Interface > walletIface {
		return false
	}
	return p.Product == productID || p.Product == productOld && ours(p.ProductName)
}

// ours knows the product names, which are "BitBox02", "BitBox02BTC", "BitBox02 Nova Multi",
// "BitBox02 Nova BTC-only", those of the Nova with " bl" behind them in the bootloader, and
// "bb02-bootloader", "bb02btc-bootloader".
func ours(name string) bool {
	return strings.HasPrefix(name, "BitBox02") || strings.HasPrefix(name, "bb02")
}

func inBootloader(name string) bool {
	return ours(name) && (strings.HasSuffix(name, " bl") || strings.HasSuffix(name, "-bootloader"))
}

// Open asks the device what it is. An unlocked and paired device tells its fingerprint too. With
// Options.Pair the person is asked to unlock and to pair it where that is needed.
func (d Driver) Open(ctx context.Context, c signer.Conn, p signer.Port, o signer.Options) (signer.Signer, error) {
	s := &session{link: link{conn: c, rand: o.Rand}, options: o, sats: d.Sats, physical: p.Kind == ""}
	s.info = signer.Info{Kind: Kind, Model: "bitbox02_multi", Path: p.Path}
	if inBootloader(p.ProductName) {
		return s.unusable(errCommand), nil
	}
	answer, err := s.link.ask(ctx, []byte{hww.Info})
	switch {
	case err == errCommand && ours(p.ProductName):
		return s.unusable(err), nil
	case err == errCommand || signer.CodeOf(err) == signer.CodeConnection && p.Kind == "" && p.Vendor == 0:
		return nil, signer.ErrNotThisKind
	case err != nil:
		return nil, err
	}
	if err := s.readInfo(answer); err != nil {
		return nil, err
	}
	if err := s.checkVersion(); err != nil {
		return s.unusable(err), nil
	}
	if err := s.greet(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// unusable is a session whose every call fails with the reason that Info tells.
func (s *session) unusable(err error) *session {
	s.info.Err, s.never = err, err
	return s
}
