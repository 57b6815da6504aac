// Package device keeps the user's signing devices: names, types, extended public keys with
// their origins, and what each type can do. It does not talk to devices (room signer does) and
// knows no wallets; whether a device is in use it asks through a function.
package device

import (
	"time"

	"specter/internal/btc"
)

// Type is a kind of device and what it can do. The ids are the old Specter's.
type Type struct {
	ID      string
	Name    string
	USB     bool   // through the bridge
	SD      bool   // files
	QR      string // PSBT encoding on screen: "", "specter" (base64 in pMofN), "ur2", "ur1", "bbqr", "base43"
	Taproot bool
	Hot     bool // a software signer of this program
}

// types lists what can be added, in the order of the page.
var types = []Type{
	{ID: "bitbox02", Name: "BitBox02", USB: true, Taproot: true},
	{ID: "cobo", Name: "Cobo Vault", SD: true, QR: "ur1"},
	{ID: "coldcard", Name: "Coldcard", USB: true, SD: true, QR: "bbqr", Taproot: true},
	{ID: "electrum", Name: "Electrum", SD: true, QR: "base43"},
	{ID: "jade", Name: "Jade", USB: true, QR: "ur2"},
	{ID: "keepkey", Name: "KeepKey", USB: true},
	{ID: "keycardshell", Name: "Keycard Shell", QR: "ur2"},
	{ID: "keystone", Name: "Keystone", SD: true, QR: "ur2", Taproot: true},
	{ID: "krux", Name: "Krux", SD: true, QR: "specter", Taproot: true},
	{ID: "ledger", Name: "Ledger", USB: true, Taproot: true},
	{ID: "passport", Name: "Passport", SD: true, QR: "ur2", Taproot: true},
	{ID: "seedsigner", Name: "SeedSigner", QR: "specter", Taproot: true},
	{ID: "specter", Name: "Specter-DIY", USB: true, SD: true, QR: "specter", Taproot: true},
	{ID: "trezor", Name: "Trezor", USB: true, Taproot: true},
	{ID: "other", Name: "Other", SD: true, QR: "specter", Taproot: true},
	{ID: "hot", Name: "Software key", Taproot: true, Hot: true},
}

// Types lists the device types in the page's order; software keys come last.
func Types() []Type { return append([]Type(nil), types...) }

// TypeOf finds a type by id; an unknown id is "other", as in the old Specter.
func TypeOf(id string) Type {
	for _, t := range types {
		if t.ID == id {
			return t
		}
	}
	return TypeOf("other")
}

// Key is an extended public key of a device.
type Key struct {
	Original    string // as typed, possibly SLIP-132
	Fingerprint btc.Fingerprint
	Path        btc.Path // empty: unknown, or the master key
	HasOrigin   bool
	XPub        string // canonical xpub or tpub
	ScriptType  string // "", pkh, sh-wpkh, wpkh, tr, sh-wsh, wsh
	Purpose     string // for people; "" prints the script type's own words
}

// Main reports whether the key is for mainnet.
func (k Key) Main() bool { return len(k.XPub) > 0 && k.XPub[0] == 'x' }

// For reports whether the key can be used on a network.
func (k Key) For(n btc.Network) bool { return k.Main() == n.IsMain() }

// Expression prints the key as descriptors have it: [fp/path]xpub.
func (k Key) Expression() string {
	if !k.HasOrigin {
		return k.XPub
	}
	return "[" + btc.KeyOrigin{Fingerprint: k.Fingerprint, Path: k.Path}.String() + "]" + k.XPub
}

// Words names the key's purpose for people.
func (k Key) Words() string {
	if k.Purpose != "" {
		return k.Purpose
	}
	return PurposeOf(k.ScriptType)
}

// PurposeOf names a script type in the old Specter's words.
func PurposeOf(scriptType string) string {
	switch scriptType {
	case "pkh":
		return "Single (Legacy)"
	case "sh-wpkh":
		return "Single (Nested)"
	case "wpkh":
		return "Single (Segwit)"
	case "tr":
		return "Taproot"
	case "sh-wsh":
		return "Multisig (Nested)"
	case "wsh":
		return "Multisig (Segwit)"
	case "sh":
		return "Multisig (Legacy)"
	}
	return "General"
}

// Device is a stored signing device.
type Device struct {
	ID          int64
	Owner       string
	Alias       string // slug in URLs; never changes
	Name        string
	Type        string // id of a Type
	Keys        []Key
	Created     time.Time
	Sealed      []byte // of a software key: its encrypted seed; nil otherwise
	NeedsSecret bool   // the seed opens with a password of the user's
}

// Hot reports whether the device is a software key of this program.
func (d Device) Hot() bool { return len(d.Sealed) > 0 }

// KeysFor lists the device's keys that fit a network and one of the script types. A key
// without a type fits any.
func (d Device) KeysFor(n btc.Network, scriptTypes ...string) []Key {
	var out []Key
	for _, k := range d.Keys {
		if !k.For(n) {
			continue
		}
		for _, t := range scriptTypes {
			if k.ScriptType == t || k.ScriptType == "" {
				out = append(out, k)
				break
			}
		}
	}
	return out
}
