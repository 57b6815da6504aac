package interop

import (
	"encoding/json"
	"strings"

	"specter/internal/btc"
	"specter/internal/errs"
)

// readBSMS reads a round-2 record of BIP129: version, descriptor template, path restrictions,
// first address. The first address must be what the descriptor gives, or the record is refused.
func readBSMS(text string, _ map[string]json.RawMessage) (Wallet, error) {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	if len(lines) < 4 || strings.TrimSpace(lines[0]) != "BSMS 1.0" {
		return Wallet{}, errs.Bad(errs.Malformed, "a BSMS 1.0 descriptor record has four lines: version, descriptor, path restrictions, first address")
	}
	template, restriction, address := strings.TrimSpace(lines[1]), strings.TrimSpace(lines[2]), strings.TrimSpace(lines[3])
	if address == "" {
		return Wallet{}, errs.Bad(errs.Malformed, "the record does not tell the first address")
	}
	if !knownAddress(address) {
		return Wallet{}, errs.Bad(errs.BadEncoding, "the record's first address %q is no address", address)
	}
	body, err := checkedBody(template)
	if err != nil {
		return Wallet{}, err
	}
	switch {
	case strings.Contains(body, "/**"):
		if restriction != "/0/*,/1/*" && restriction != "No path restrictions" && restriction != "" {
			return Wallet{}, errs.Bad(errs.Unsupported, "the record restricts paths to %q; only /0/*,/1/* is supported", restriction)
		}
	case strings.Contains(body, "/*"): // a plain ranged descriptor
	default:
		return Wallet{}, errs.Bad(errs.Unsupported, "the record's descriptor has fixed keys, which make no wallet with fresh addresses")
	}
	return Wallet{Descriptor: openBranches(body), FirstAddress: strings.TrimSpace(address)}, nil
}

func knownAddress(s string) bool {
	for _, n := range btc.Networks() {
		if _, err := btc.ParseAddress(s, n); err == nil {
			return true
		}
	}
	return false
}
