package airgap

import (
	"encoding/base64"
	"encoding/hex"
	"strings"

	"specter/internal/airgap/ur"
	"specter/internal/errs"
)

// ErrSecret is the answer to a code that holds a seed or a private key: those have no business on
// a computer that watches.
var ErrSecret = errs.Bad(errs.BadKey, "this code holds a secret: the words of a seed or a private key. Specter does not take it and has forgotten it; never show such a code to a computer")

// Secret reports whether the payload is or holds a secret.
func (p Payload) Secret() bool {
	if p.Kind == KindMnemonic || p.Kind == KindSeed {
		return true
	}
	for _, k := range p.Content.Keys {
		if k.Private {
			return true
		}
	}
	return false
}

// FieldText writes a payload as the text that a form takes: a PSBT in base64, a transaction in
// hexadecimal, keys and descriptors one a line, text as it is. A secret is refused with
// ErrSecret; what has no text is unsupported.
func (p Payload) FieldText() (string, error) {
	if p.Secret() {
		return "", ErrSecret
	}
	switch p.Kind {
	case KindPSBT:
		return base64.StdEncoding.EncodeToString(p.Data), nil
	case KindTransaction:
		return hex.EncodeToString(p.Data), nil
	case KindText:
		return string(p.Data), nil
	case KindAddress:
		return p.Content.Address, nil
	case KindDescriptors:
		var lines []string
		for _, o := range p.Content.Outputs {
			lines = append(lines, outputText(o))
		}
		return strings.Join(lines, "\n"), nil
	case KindKey:
		if len(p.Content.Keys) == 1 && p.Content.Keys[0].HasXKey {
			return p.Content.Keys[0].ByPath().Expression(), nil
		}
		return "", errs.Bad(errs.Unsupported, "the code holds a single public key; Specter needs an extended one (xpub)")
	case KindUnknown:
		return "", errs.Bad(errs.Unsupported, "the code holds a resource of the type %s, which Specter does not know; choose another export on the device", p.UR.Type)
	}
	return "", errs.Bad(errs.Unsupported, "the code holds %d bytes that are nothing known here", len(p.Data))
}

// outputText is an output's descriptor with the network that each key's path tells: devices leave
// it out of the key itself.
func outputText(o ur.Output) string {
	text := o.Descriptor
	for _, k := range o.Keys {
		if k.HasXKey {
			text = strings.ReplaceAll(text, k.XKey.String(), k.ByPath().XKey.String())
		}
	}
	return text
}

// Join finds codes among pasted texts and files, one or more a piece, one a line, and puts in
// their place what they hold together; pieces that are no codes stay as they are. The error has
// the code incomplete where parts of a message are missing, and is ErrSecret for a secret.
func Join(pieces [][]byte) ([][]byte, error) {
	var out [][]byte
	var s *Scanner
	for _, piece := range pieces {
		lines, all := codeLines(string(piece))
		if !all {
			if err := refuseSecret(piece); err != nil {
				return nil, err
			}
			out = append(out, piece)
			continue
		}
		for _, line := range lines {
			if s == nil {
				s = &Scanner{}
			}
			if err := s.Add(line); err != nil {
				return nil, err
			}
			p, whole := s.Payload()
			if !whole {
				continue
			}
			text, err := p.FieldText()
			if err != nil {
				return nil, err
			}
			s, out = nil, append(out, []byte(text))
		}
	}
	if s != nil {
		known, total := s.Parts()
		return nil, errs.Bad(errs.Incomplete, "%d of %d parts of the code are here; add the missing ones", known, total)
	}
	return out, nil
}

// codeLines splits a text into its lines and reports whether each is a part of a code that a
// camera would have joined.
func codeLines(text string) ([]string, bool) {
	var lines []string
	if len(text) > maxText {
		return nil, false
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		_, _, _, chunk := splitChunk(line)
		if !chunk && !strings.HasPrefix(line, "B$") && (len(line) < 4 || !strings.EqualFold(line[:3], "ur:")) {
			return nil, false
		}
		lines = append(lines, line)
	}
	return lines, len(lines) > 0
}

// refuseSecret refuses the digits of a SeedQR.
func refuseSecret(piece []byte) error {
	if len(piece) < 200 && sniff(string(piece)).Kind == KindMnemonic {
		return ErrSecret
	}
	return nil
}
