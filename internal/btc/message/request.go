package message

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"specter/internal/btc"
	"specter/internal/errs"
)

// Request asks a device to sign a message with the key at a path: "signmessage m/84h/0h/0h/0/5
// ascii:hello", the text of the QR code that Specter-DIY, SeedSigner, Krux and Jade read.
type Request struct {
	Path    btc.Path
	Message string
}

// ParseRequest reads a request. Its message follows "ascii:" as it is, or "base64:".
func ParseRequest(text string) (Request, error) {
	word, rest, _ := strings.Cut(strings.TrimLeft(text, " \t\r\n"), " ")
	path, body, found := strings.Cut(rest, " ")
	if word != "signmessage" || !found {
		return Request{}, errs.Bad(errs.Malformed, "a request to sign reads: signmessage m/84h/0h/0h/0/0 ascii:the message")
	}
	if len(text) > MaxMessage {
		return Request{}, errs.Bad(errs.TooLarge, "the message is longer than %d bytes", MaxMessage)
	}
	if !strings.HasPrefix(path, "m") {
		return Request{}, errs.Bad(errs.BadPath, "the path %q does not begin with m", path)
	}
	p, err := btc.ParsePath(path)
	if err != nil {
		return Request{}, err
	}
	kind, body, found := strings.Cut(body, ":")
	switch {
	case found && kind == "ascii":
		return Request{Path: p, Message: body}, nil
	case found && kind == "base64":
		raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(body))
		if err != nil || !utf8.Valid(raw) {
			return Request{}, errs.Bad(errs.BadEncoding, "the message is not text in base64")
		}
		return Request{Path: p, Message: string(raw)}, nil
	}
	return Request{}, errs.Bad(errs.Malformed, "the message must begin with ascii: or base64:")
}

// String writes the request for a device.
func (r Request) String() string { return "signmessage " + r.Path.Full() + " ascii:" + r.Message }
