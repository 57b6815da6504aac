package interop

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"specter/internal/errs"
)

var (
	policyLine = regexp.MustCompile(`(?im)^\s*policy\s*:`)
	policyText = regexp.MustCompile(`^(\d+)\s*(?:of|/)\s*(\d+)$`)
)

// coldcardText tells the multisig text that Coldcard introduced and BlueWallet, Passport,
// Keystone, Nunchuk and others write too.
func coldcardText(text string) bool { return policyLine.MatchString(text) }

// readColdcardText reads "Name, Policy, Derivation, Format" and a line "XFP: xpub" a cosigner.
// Derivation may stand before each cosigner or once for all.
func readColdcardText(text string, _ map[string]json.RawMessage) (Wallet, error) {
	w := Wallet{}
	m, n, path, scriptType := 0, 0, "", "sh"
	var keys []string
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return Wallet{}, errs.Bad(errs.Malformed, "line %d has no colon: this is no multisig file as Coldcard writes it", i+1)
		}
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "name":
			w.Name = value
		case "policy":
			match := policyText.FindStringSubmatch(strings.ToLower(value))
			if match == nil {
				return Wallet{}, errs.Bad(errs.Malformed, "the policy %q is not of the form \"2 of 3\"", value)
			}
			m, _ = strconv.Atoi(match[1])
			n, _ = strconv.Atoi(match[2])
		case "derivation":
			path = value
		case "format":
			var err error
			if scriptType, err = coldcardFormat(value); err != nil {
				return Wallet{}, err
			}
		case "sorted":
			if strings.EqualFold(value, "false") {
				return Wallet{}, errs.Bad(errs.Unsupported, "the file asks for unsorted keys; import the wallet's descriptor instead")
			}
		default:
			var f KeyFile
			f.add(fmt.Sprintf("line %d", i+1), strings.TrimSpace(name), path, value, "")
			if len(f.Problems) > 0 {
				return Wallet{}, errs.Bad(errs.BadKey, "%s", f.Problems[0])
			}
			if len(f.Keys) == 0 {
				return Wallet{}, errs.Bad(errs.Malformed, "line %d has no key after the colon", i+1)
			}
			w.Cosigners = append(w.Cosigners, Cosigner{Key: f.Keys[0]})
			keys = append(keys, f.Keys[0].Expression())
		}
	}
	if m == 0 || n != len(keys) || m > n {
		return Wallet{}, errs.Bad(errs.Malformed, "the policy says %d of %d, but the file has %d keys", m, n, len(keys))
	}
	var err error
	w.Descriptor, err = policyDescriptor(scriptType, m, keys)
	return w, err
}

func coldcardFormat(value string) (string, error) {
	switch strings.ToUpper(strings.TrimSpace(value)) {
	case "P2WSH":
		return "wsh", nil
	case "P2WSH-P2SH", "P2SH-P2WSH":
		return "sh-wsh", nil
	case "P2SH", "BIP45":
		return "sh", nil
	}
	return "", errs.Bad(errs.Unsupported, "the format %q is not known; P2SH, P2WSH and P2SH-P2WSH are", value)
}
