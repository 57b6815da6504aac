package interop

import (
	"encoding/json"
	"regexp"
	"strings"

	"specter/internal/btc/descriptor"
	"specter/internal/errs"
)

// readDescriptorText reads descriptors out of plain text: one multipath descriptor, a receive
// and a change descriptor, lines with a name in front ("Receive: wpkh(…)"), comments.
func readDescriptorText(text string, _ map[string]json.RawMessage) (Wallet, error) {
	var found []string
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//") {
			continue
		}
		if name, rest, named := strings.Cut(line, ": "); named && !strings.ContainsAny(name, "([") {
			line = strings.TrimSpace(rest)
		}
		if strings.Contains(line, "(") {
			found = append(found, line)
		}
	}
	joined, err := JoinBranches(found)
	return Wallet{Descriptor: joined}, err
}

// receiveOnly finds the branch steps of the receive chain.
var receiveStep = regexp.MustCompile(`/0/\*`)

// JoinBranches makes one multipath descriptor out of what programs write for one wallet: a
// multipath one, a receive one (/0/*), a receive and a change one, keys with "/**", or keys
// without any steps. Descriptors that belong to different wallets are refused.
func JoinBranches(found []string) (string, error) {
	if len(found) == 0 {
		return "", errs.Bad(errs.Malformed, "there is no descriptor in this text")
	}
	if len(found) > 2 {
		return "", errs.Bad(errs.Unsupported, "there are %d descriptors in this text; give one wallet at a time", len(found))
	}
	bodies := make([]string, len(found))
	for i, d := range found {
		body, err := checkedBody(d)
		if err != nil {
			return "", err
		}
		bodies[i] = body
	}
	receive := bodies[0]
	if len(bodies) == 2 {
		change := bodies[1]
		if strings.Contains(receive, "/1/*") && strings.Contains(change, "/0/*") {
			receive, change = change, receive
		}
		if receiveStep.ReplaceAllString(receive, "/1/*") != change {
			return "", errs.Bad(errs.Mismatch, "the two descriptors are not the receive and change side of one wallet")
		}
	}
	return openBranches(receive), nil
}

// checkedBody verifies the checksum where there is one and cuts it off.
func checkedBody(d string) (string, error) {
	body, given, has := strings.Cut(d, "#")
	if !has {
		return body, nil
	}
	want, err := descriptor.Checksum(body)
	if err != nil {
		return "", err
	}
	if want != strings.TrimSpace(given) {
		return "", errs.Bad(errs.BadChecksum, "the descriptor's checksum is %s, but its text gives %s: a character was mistyped or lost", given, want)
	}
	return body, nil
}

// bareKey finds extended keys that no step follows.
var bareKey = regexp.MustCompile(`([xyzYZtuvUV]pub[1-9A-HJ-NP-Za-km-z]{100,120})([,)}]|$)`)

// openBranches turns the receive side into receive and change.
func openBranches(body string) string {
	body = strings.ReplaceAll(body, "/**", "/<0;1>/*")
	if strings.Contains(body, "/0/*") && !strings.Contains(body, "<") {
		return receiveStep.ReplaceAllString(body, "/<0;1>/*")
	}
	if !strings.Contains(body, "*") {
		return bareKey.ReplaceAllString(body, "$1/<0;1>/*$2")
	}
	return body
}
