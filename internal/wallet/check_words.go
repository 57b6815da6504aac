package wallet

import (
	"maps"
	"slices"
)

// findings are the sentences of findings by their codes; what a device cannot do is worded by
// whoever knows the devices.
var findings = map[string]string{
	"watch-only":       "This wallet can only watch: the descriptor does not say how its coins are spent.",
	"single-address":   "The descriptor has a single address; every payment shows the others.",
	"no-change-branch": "The descriptor has one branch: change goes to receive addresses.",
	"legacy":           "Legacy addresses cost more fees than Segwit ones, and devices need every earlier transaction to sign.",
	"nested":           "Nested addresses cost more fees than native Segwit ones; choose them for payers who know no others.",
	"one-of-n":         "Each of the %d keys can spend alone: every further key is one more that can be stolen.",
	"n-of-n":           "All %d keys are needed: if one is lost, the money is lost. Keep a backup of every seed, or ask for fewer signatures.",
	"low-threshold":    "%d of %d keys can spend: fewer than half of them.",
	"same-key-twice":   "Keys %d and %d are one key on different branches.",
	"same-seed":        "Keys %d and %d come from the same seed (%s): whoever has that one seed signs for both, and losing it loses both.",
	"no-origin":        "Key %d has no origin (fingerprint and path): most devices will not sign for it.",
	"zero-fingerprint": "Key %d has the fingerprint 00000000: devices will not recognise it. Take the key from the device again.",
	"path-depth":       "Key %d lies %d steps below its seed, but its path %s has %d: the path is wrong, and the device may not find the key.",
	"path-mismatch":    "Key %d is not what its path %s says: its last step is another. The device may not find the key.",
	"path-network":     "Key %d is of the path %s, which is another network's; some devices will not sign for it here.",
	"root-key":         "Key %d is the seed's own root key; most devices only sign with keys of an account.",
	"odd-path":         "Key %d is of the path %s, which is not usual for this kind of wallet; some devices will not sign for it, and other programs will not find it from the seed.",
	"same-device":      "Keys %d and %d are on one device, %q: who has that device has both.",
	"no-device":        "None of your devices holds a key of this wallet: it can watch, and others must sign.",
	"unknown-key":      "No device of yours holds key %s: make sure that you know who does.",
	"hot-quorum":       "Software keys on this computer are enough to spend: who breaks into it has the money.",
	"same-keys":        "Your wallet %q has the same keys, but other addresses: its order, script type or threshold differs. Make sure that you want both.",
	"key-in-use":       "Key %s is in your wallet %q too: who sees both wallets can tell that they belong together.",
}

// FindingSentences lists the sentences that a Finding's Format can be, for translators.
func FindingSentences() []string { return slices.Sorted(maps.Values(findings)) }
