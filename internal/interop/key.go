package interop

import (
	"fmt"
	"strings"

	"specter/internal/btc"
	"specter/internal/errs"
)

// Key is an extended public key as a person typed it or a device exported it.
type Key struct {
	Original   string        // exactly what was given for the key, possibly SLIP-132
	Origin     btc.KeyOrigin // the key's own fingerprint and no path when none was given
	HasOrigin  bool          // an origin was given or follows from the key's depth
	XKey       btc.XKey      // public
	ScriptType string        // Specter's key types: "", pkh, sh-wpkh, wpkh, tr, sh-wsh, wsh
}

// String prints "[fp/path]original" when the origin is known, else the bare key.
func (k Key) String() string {
	if !k.HasOrigin {
		return k.Original
	}
	return "[" + k.Origin.String() + "]" + k.Original
}

// Expression prints the key as descriptors have it: "[fp/path]xpub", canonical.
func (k Key) Expression() string {
	if !k.HasOrigin {
		return k.XKey.String()
	}
	return "[" + k.Origin.String() + "]" + k.XKey.String()
}

// ParseKey reads one key in the forms that Specter takes: an optional [fingerprint/path] with
// h, H or ' for hardened and dashes allowed in the fingerprint, then an extended public key of
// any SLIP-132 prefix. A private key is refused, and so is an origin that contradicts the key.
func ParseKey(text string) (Key, error) {
	origin, body, err := SplitOrigin(strings.TrimSpace(text))
	if err != nil {
		return Key{}, err
	}
	x, version, err := btc.ParseXKey(body)
	if err != nil {
		return Key{}, err
	}
	if x.IsPrivate() {
		return Key{}, errs.Bad(errs.BadKey, "this is a private key; never paste private keys here. Export the public key (xpub) from your device instead")
	}
	k := Key{Original: body, XKey: x, ScriptType: version.ScriptType}
	if origin == nil {
		return k.withOwnOrigin(), nil
	}
	k.Origin, k.HasOrigin = *origin, true
	if n := len(k.Origin.Path); n != int(x.Depth) && n != 0 {
		return Key{}, errs.Bad(errs.Mismatch, "the key is at depth %d, but its path %s has %d steps", x.Depth, k.Origin.Path.Full(), n)
	}
	if k.ScriptType == "" {
		k.ScriptType = btc.ScriptTypeOf(k.Origin.Path)
	}
	return k, nil
}

// withOwnOrigin gives a key without origin what can be told from the key alone: a master key
// is its own origin, a key at depth 1 names its parent; any other is known by its own
// fingerprint only.
func (k Key) withOwnOrigin() Key {
	switch k.XKey.Depth {
	case 0:
		k.Origin, k.HasOrigin = btc.KeyOrigin{Fingerprint: k.XKey.Fingerprint()}, true
	case 1:
		k.Origin, k.HasOrigin = btc.KeyOrigin{Fingerprint: k.XKey.Parent, Path: btc.Path{k.XKey.ChildIndex}}, true
	default:
		k.Origin = btc.KeyOrigin{Fingerprint: k.XKey.Fingerprint()}
	}
	return k
}

// SplitOrigin cuts "[fingerprint/path]" off a key and reads it; origin is nil where there is
// none. Dashes in the fingerprint and a slash at the end of the path are dropped.
func SplitOrigin(text string) (origin *btc.KeyOrigin, body string, err error) {
	if !strings.HasPrefix(text, "[") {
		if strings.Contains(text, "]") {
			return nil, "", errs.Bad(errs.BadKey, "the origin of the key is not opened with [")
		}
		return nil, text, nil
	}
	inside, body, closed := strings.Cut(text[1:], "]")
	if !closed {
		return nil, "", errs.Bad(errs.BadKey, "the origin of the key is not closed with ]")
	}
	fp, path, more := strings.Cut(inside, "/")
	fp = strings.ToLower(strings.ReplaceAll(fp, "-", ""))
	if path = strings.TrimSuffix(path, "/"); more && path != "" {
		fp += "/" + path
	}
	o, err := btc.ParseKeyOrigin(fp)
	if err != nil {
		return nil, "", err
	}
	return &o, strings.TrimSpace(body), nil
}

// Problem is a part of a foreign file that was not understood.
type Problem struct {
	Line int // from 1; 0: the whole
	Text string
}

// String prints the problem with its line.
func (p Problem) String() string {
	if p.Line == 0 {
		return p.Text
	}
	return fmt.Sprintf("line %d: %s", p.Line, p.Text)
}

// keyLines reads plain text: one key a line, or descriptors, whose keys are taken out.
func keyLines(text string) (keys []Key, problems []Problem) {
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		for _, part := range keyParts(line) {
			k, err := ParseKey(part)
			if err != nil {
				problems = append(problems, Problem{i + 1, err.Error()})
				continue
			}
			keys = append(keys, k)
		}
	}
	return keys, problems
}

// keyParts returns the key expressions of a line: itself, or those inside a descriptor's
// innermost brackets, each cut at the first slash behind the key.
func keyParts(line string) []string {
	open := strings.LastIndexByte(line, '(')
	if open < 0 {
		return []string{line}
	}
	inner, _, _ := strings.Cut(line[open+1:], ")")
	var parts []string
	for _, p := range strings.Split(inner, ",") {
		p = strings.TrimSpace(p)
		if len(p) < 40 { // a threshold
			continue
		}
		end := strings.LastIndexByte(p, ']') + 1
		if slash := strings.IndexByte(p[end:], '/'); slash >= 0 {
			p = p[:end+slash]
		}
		parts = append(parts, p)
	}
	return parts
}
