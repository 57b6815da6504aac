package web

import (
	"net/http"
	"slices"
	"strings"

	"specter/internal/btc"
	"specter/internal/device"
)

// doubtful reports whether something in the keys asks for a second look before they are stored.
func (p keysPage) doubtful() bool { return len(p.Parsed.Problems)+len(p.Doubts) > 0 }

// keyDoubts looks at keys that were understood one by one and says what does not fit together: of
// several seeds, of another seed than the device's, of the other kind of network, without origin.
func (s *Server) keyDoubts(r *http.Request, v keysPage) []string {
	if len(v.Parsed.Keys) == 0 {
		return nil
	}
	var out []string
	seeds := seedsOf(v.Parsed.Keys)
	if len(seeds) > 1 {
		out = append(out, s.tr(r, "The keys are of different seeds: %s. A device has one; were two exports mixed?", strings.Join(seeds, ", ")))
	}
	if v.Device != nil {
		had := seedsOf(v.Device.Keys)
		for _, seed := range seeds {
			if len(had) > 0 && !slices.Contains(had, seed) {
				out = append(out, s.tr(r, "The fingerprint %s is not this device's (%s): the keys are of another seed, or were made with a passphrase.", seed, strings.Join(had, ", ")))
			}
		}
	}
	if !slices.ContainsFunc(v.Parsed.Keys, func(k device.Key) bool { return k.For(v.Network) }) {
		out = append(out, s.tr(r, "None of the keys is for %s, which your node is on: no wallet can be made of them there.", v.Network))
	}
	if slices.ContainsFunc(v.Parsed.Keys, func(k device.Key) bool { return !k.HasOrigin }) {
		out = append(out, s.tr(r, "A key comes without fingerprint and path: devices will not recognise it as theirs. Export it again with its origin."))
	}
	return out
}

// seedsOf lists the fingerprints of keys in the order in which they come.
func seedsOf(keys []device.Key) []string {
	var out []string
	for _, k := range keys {
		if fp := k.Fingerprint.String(); k.HasOrigin && k.Fingerprint != (btc.Fingerprint{}) && !slices.Contains(out, fp) {
			out = append(out, fp)
		}
	}
	return out
}
