package codec1

import "specter/internal/signer"

// Dialect is what one vendor's devices have of their own.
type Dialect struct {
	Kind    string   // trezor, keepkey
	Name    string   // in sentences: "Trezor"
	Vendors []string // what Features.Vendor may be

	// Model is HWI's word for the device.
	Model func(Features) string
	// Matrix reports whether the PIN is asked by a matrix that the host's person answers, not on
	// the device itself.
	Matrix func(Features) bool
	// Stuck reports whether a device that answers nothing may be one that waits for its PIN.
	Stuck func(signer.Port) bool
	// Oldest is the oldest firmware that is driven.
	Oldest func(Features) Version
	// Taproot tells the first firmware with taproot; ok is false where there is none.
	Taproot func(Features) (Version, bool)
	// Sorts reports whether the device sorts the keys of a multisig script itself.
	Sorts func(Features) bool
	// Foreign tells how inputs of others are given.
	Foreign func(Features) Foreign
	// NoRepeat reports that the device refuses to sign the same payment twice in a row, until it
	// is plugged in again.
	NoRepeat bool
	// Update says how the firmware is updated, to follow "update it ".
	Update string
}

// Foreign is what a firmware does with inputs that are not its own.
type Foreign int

// The ways.
const (
	ForeignRefused Foreign = iota // a transaction with them is refused
	ForeignSigned                 // taken where they are signed already: the device verifies them
	ForeignAsOwn                  // taken under a path of the device's own, as older firmware believes it
)
