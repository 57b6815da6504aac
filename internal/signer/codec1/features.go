package codec1

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"specter/internal/signer/protolite"
)

// Version is a firmware's version.
type Version [3]uint32

// String is "2.8.7".
func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }

// Before reports whether v is older than o.
func (v Version) Before(o Version) bool { return slices.Compare(v[:], o[:]) < 0 }

// Features is what a device says of itself.
type Features struct {
	Vendor       string
	Version      Version
	Bootloader   bool   // its firmware does not run
	ID           string // of the device, foreign text
	PIN          bool   // it has a PIN
	Passphrase   bool   // passphrase protection is on
	Label        string
	Initialized  bool // it has a seed
	Unlocked     bool // the PIN was given; true where it has none
	Model        string
	Internal     string // T1B1, T2T1, T2B1…; "" of older firmware
	NeedsBackup  bool
	Unfinished   bool // the backup was interrupted
	NoBackup     bool
	Recovery     bool // a recovery is under way
	Capabilities []uint64
	Session      []byte
	OnDeviceOnly bool   // the passphrase is always typed on the device
	Safety       uint32 // 0 strict
}

// readFeatures reads the message Features.
func readFeatures(m protolite.Message) (Features, error) {
	caps, err := m.Uints(30)
	return Features{
		Vendor:     clean(m.Text(1)),
		Version:    Version{m.Uint32(2), m.Uint32(3), m.Uint32(4)},
		Bootloader: m.Bool(5), ID: clean(m.Text(6)), PIN: m.Bool(7), Passphrase: m.Bool(8),
		Label: clean(m.Text(10)), Initialized: m.Bool(12), Unlocked: m.Bool(16),
		Model: clean(m.Text(21)), Internal: clean(m.Text(44)),
		NeedsBackup: m.Bool(19), Unfinished: m.Bool(27), NoBackup: m.Bool(28), Recovery: m.Bool(29),
		Capabilities: caps, Session: m.Bytes(35), OnDeviceOnly: m.Bool(36), Safety: m.Uint32(37),
	}, err
}

// TypesPassphrase reports whether a passphrase can be typed on the device.
func (f Features) TypesPassphrase() bool { return slices.Contains(f.Capabilities, CapPassphrase) }

// clean makes a device's text fit to show: printable characters, at most 160.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if r := []rune(s); len(r) > 160 {
		s = string(r[:160])
	}
	return s
}
