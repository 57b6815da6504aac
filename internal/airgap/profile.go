package airgap

import "time"

// Profile says how one type of device talks through codes and files.
type Profile struct {
	Format   Format        // of a PSBT on the screen; "" where the device has no camera
	Density  Density       // that its camera reads well
	Interval time.Duration // that it keeps up with
	QR       Variant       // of a PSBT by camera
	File     Variant       // of a PSBT by file
	Others   bool          // recognises outputs that pay other wallets it was told of, if the PSBT describes them

	Register       string // the file that registers a multisig wallet, in interop's words; "" none
	RegisterSingle bool   // that file tells single key wallets too
	RegisterFormat Format // of that file on the screen; "" none
	Address        bool   // checks an address that it is shown as a code
	Message        bool   // signs a message that it is shown as a code
}

// upperNormal is the density of codes in capital letters whose picture is as fine as that of Normal
// in others: QR codes hold capitals in 11 bits for two, other text in 8 bits each.
const upperNormal = Normal * 16 / 11

var whole = Variant{KeepPrevious: true, KeepXPubs: true}

// profiles are the devices by the ids of package device, after the old Specter's table, with
// what the devices have learned since: the Coldcard Q reads BBQr, SeedSigner and Krux take a
// descriptor to check addresses against, Passport verifies an address that it scans.
var profiles = map[string]Profile{
	"bitbox02": {File: whole}, "keepkey": {File: whole}, "ledger": {File: whole}, "trezor": {File: whole},
	"cobo":         {Format: FormatURLegacy, Density: upperNormal, File: Variant{KeepXPubs: true}, Register: "keystone", RegisterFormat: FormatURLegacy},
	"coldcard":     {Format: FormatBBQr, Density: Dense, QR: Variant{KeepXPubs: true}, File: Variant{KeepXPubs: true}, Register: "coldcard", RegisterFormat: FormatBBQr},
	"electrum":     {Format: FormatBase43, File: whole},
	"jade":         {Format: FormatUR, Density: upperNormal, File: whole, Register: "jade", RegisterFormat: FormatUR, Address: true, Message: true},
	"keycardshell": {Format: FormatUR, Density: upperNormal, File: whole},
	"keystone":     {Format: FormatUR, Density: upperNormal, File: Variant{KeepXPubs: true}, Register: "keystone", RegisterFormat: FormatUR},
	"krux": {Format: FormatSpecter, QR: Variant{KeepXPubs: true}, File: whole,
		Register: "descriptor", RegisterSingle: true, RegisterFormat: FormatSpecter, Address: true, Message: true},
	"passport": {Format: FormatUR, Density: upperNormal, File: Variant{KeepXPubs: true}, Register: "keystone", RegisterFormat: FormatUR, Address: true},
	"seedsigner": {Format: FormatSpecter, Density: Sparse, Interval: SlowInterval, QR: Variant{KeepXPubs: true}, File: whole,
		Register: "descriptor", RegisterSingle: true, RegisterFormat: FormatSpecter, Address: true, Message: true},
	"specter": {Format: FormatSpecter, QR: Variant{Slim: true}, File: Variant{KeepXPubs: true}, Others: true,
		Register: "specter-diy", RegisterSingle: true, RegisterFormat: FormatSpecter, Address: true, Message: true},
	"other": {Format: FormatSpecter, QR: Variant{KeepXPubs: true}, File: whole,
		Register: "descriptor", RegisterSingle: true, RegisterFormat: FormatSpecter, Address: true, Message: true},
}

// ProfileOf returns the profile of a device type; an unknown one is "other", as in package
// device. Density and interval are filled in.
func ProfileOf(deviceType string) Profile {
	p, known := profiles[deviceType]
	if !known {
		p = profiles["other"]
	}
	if p.Density == 0 {
		p.Density = Normal
	}
	if p.Interval == 0 {
		p.Interval = NormalInterval
	}
	return p
}

// Show writes a payload for a device: density 0 chooses by the payload's size, so that large ones
// do not take minutes; interval 0 is the device's. The error has the code unsupported where the
// device has no camera, and too-large where the payload does not fit its one code.
func (d Profile) Show(p Payload, f Format, density Density, interval time.Duration) (Animation, error) {
	if density == 0 {
		density = d.AutoDensity(p)
	}
	if interval == 0 {
		interval = d.Interval
	}
	return NewEncoder(p, Options{Format: f, Density: density, Interval: interval})
}

// manyBytes is from where codes are made denser than a device reads most easily: some 40 codes
// at the normal density.
const manyBytes = 6000

// AutoDensity is the density that is chosen for a payload: the device's, or more where there would
// be very many codes.
func (d Profile) AutoDensity(p Payload) Density {
	n := len(p.Data)
	if p.UR != nil {
		n = len(p.UR.CBOR)
	}
	switch {
	case n > 4*manyBytes:
		return min(2*d.Density, Full)
	case n > manyBytes:
		return min(d.Density*3/2, Full)
	}
	return d.Density
}
