package device

import (
	"strings"

	"specter/internal/btc/descriptor"
)

// ability is what a type of device can do with wallets, as its vendor's newest firmware has it.
type ability struct {
	taproot    bool // tr() with one key
	tree       bool // tr() with script leaves
	miniscript bool // wsh() of more than a plain multisig
	multi      bool // plain multisig
	unsorted   bool // multi() whose keys are not sorted
	legacy     bool // pkh() and multisig in plain sh()
	note       string
}

// abilities by type id. A type that is not listed is not known, so nothing is said of it.
var abilities = map[string]ability{
	"bitbox02":     {taproot: true, miniscript: true, multi: true},
	"cobo":         {multi: true, legacy: true},
	"coldcard":     {taproot: true, tree: true, miniscript: true, multi: true, unsorted: true, legacy: true, note: "needs the Edge firmware"},
	"electrum":     {multi: true, legacy: true},
	"hot":          {taproot: true, tree: true, miniscript: true, multi: true, unsorted: true, legacy: true},
	"jade":         {miniscript: true, multi: true, unsorted: true, legacy: true},
	"keepkey":      {multi: true, unsorted: true, legacy: true},
	"keycardshell": {multi: true, legacy: true},
	"keystone":     {taproot: true, multi: true, legacy: true},
	"krux":         {taproot: true, tree: true, miniscript: true, multi: true, unsorted: true, legacy: true},
	"ledger":       {taproot: true, tree: true, miniscript: true, multi: true, unsorted: true, legacy: true},
	"passport":     {taproot: true, multi: true, legacy: true},
	"seedsigner":   {taproot: true, multi: true, legacy: true},
	"specter":      {taproot: true, miniscript: true, multi: true, unsorted: true, legacy: true},
	"trezor":       {taproot: true, multi: true, unsorted: true, legacy: true},
}

// Limit tells what a device of a type cannot do with a wallet: a stable word and an English
// sentence without the device's name, or "" twice where it can, or where that is not known.
func Limit(typeID string, d *descriptor.Descriptor) (code, text string) {
	a, known := abilities[typeID]
	if !known || !d.IsSolvable() {
		return "", ""
	}
	name := TypeOf(typeID).Name
	_, _, plain := d.Threshold()
	body := d.String()
	kind := d.ScriptType()
	tree := kind == "tr" && strings.Contains(body, ",")
	several := len(d.Keys()) > 1
	complicated := (kind == "wsh" || kind == "sh-wsh") && !plain
	switch {
	case kind == "tr" && !a.taproot:
		return "device-taproot", name + " devices cannot sign for Taproot wallets."
	case tree && !a.tree:
		return "device-taptree", name + " devices cannot sign for Taproot wallets with scripts; with one key they can."
	case complicated && !a.miniscript:
		return "device-miniscript", name + " devices know plain multisig alone, not miniscript."
	case plain && several && kind != "tr" && !a.multi:
		return "device-multisig", name + " devices cannot take part in multisig wallets."
	case plain && several && kind != "tr" && !strings.Contains(body, "sortedmulti(") && !a.unsorted:
		return "device-unsorted", name + " devices need keys that are sorted (sortedmulti)."
	case (kind == "pkh" || kind == "sh") && !a.legacy:
		return "device-legacy", name + " devices cannot sign for legacy addresses of this kind."
	case a.note != "" && (kind == "tr" || complicated):
		return "device-firmware", name + " " + a.note + " for this kind of wallet."
	}
	return "", ""
}
