package bitbox02

import (
	"strconv"
	"strings"

	"specter/internal/signer"
)

// version is a firmware's number.
type version struct{ major, minor, patch int }

func (v version) atLeast(o version) bool {
	if v.major != o.major {
		return v.major > o.major
	}
	if v.minor != o.minor {
		return v.minor > o.minor
	}
	return v.patch >= o.patch
}

func (v version) String() string {
	return strconv.Itoa(v.major) + "." + strconv.Itoa(v.minor) + "." + strconv.Itoa(v.patch)
}

// parseVersion reads "v9.21.0" and "v9.21.0-pre+…", whose suffix does not count.
func parseVersion(text string) (version, bool) {
	text, ok := strings.CutPrefix(text, "v")
	if cut := strings.IndexAny(text, "-+"); cut >= 0 {
		text = text[:cut]
	}
	parts := strings.Split(text, ".")
	if !ok || len(parts) != 3 {
		return version{}, false
	}
	var n [3]int
	for i, p := range parts {
		v, err := strconv.Atoi(p)
		if err != nil || v < 0 || len(p) > 5 {
			return version{}, false
		}
		n[i] = v
	}
	return version{n[0], n[1], n[2]}, true
}

// What the firmware can, since which version (its CHANGELOG.md and the vendor's libraries).
var (
	oldest      = version{9, 0, 0}  // the oldest that speaks as we do
	tooNew      = version{10, 0, 0} // the vendor counts up the first number when the protocol breaks
	sinceKlepto = version{9, 4, 0}  // anti-klepto in transactions

	sinceMessages      = version{9, 2, 0}
	sinceShortMultisig = version{9, 3, 0} // accounts at m/48h/coin/account
	sinceMessageKlepto = version{9, 5, 0}
	sincePayTaproot    = version{9, 9, 0}
	sinceTaproot       = version{9, 10, 0}
	sinceUnits         = version{9, 13, 0} // amounts in sat
	sinceAnySequence   = version{9, 13, 0}
	sincePolicies      = version{9, 15, 0} // wsh(miniscript)
	sinceAnyXPub       = version{9, 15, 0} // any path, after a warning
	sinceOwnOutputs    = version{9, 15, 0} // outputs to the own account that are not change
	sinceAnyMultisig   = version{9, 19, 0} // multisig at any path
	sinceHighIndexes   = version{9, 19, 0} // coins at indexes from 10000 on can be spent
	sinceInitialized   = version{9, 20, 0} // info tells whether there is a wallet
	sinceTaprootTrees  = version{9, 21, 0} // tr(KEY,TREE)
	sinceRegtest       = version{9, 21, 0}
	sinceOtherAccounts = version{9, 22, 0} // outputs to other accounts of the device are named
	sinceTestMessages  = version{9, 23, 0} // messages on test networks
	sinceOpReturn      = version{9, 24, 0}
)

// need refuses what the device's firmware does not know yet.
func (s *session) need(v version, what string) error {
	if s.version.atLeast(v) {
		return nil
	}
	return signer.E(signer.CodeUnavailable, "%s needs the BitBox02's firmware %s or newer; this device has %s. Update it with the BitBoxApp", what, v, s.version)
}
