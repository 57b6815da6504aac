package bridge

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"slices"
	"strings"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/signer"
)

// params are the arguments of a call by their names; null ones are left out.
type params map[string]json.RawMessage

// readParams takes arguments by name or by position. names are the method's in their order.
func readParams(method string, names []string, raw json.RawMessage) (params, error) {
	p := params{}
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0, bytes.Equal(raw, []byte("null")):
		return p, nil
	case raw[0] == '[':
		var list []json.RawMessage
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, signer.E(signer.CodeBadArgument, "the params cannot be read: %w", err)
		}
		if len(list) > len(names) {
			return nil, signer.E(signer.CodeBadArgument, "%s() takes %d params and got %d", method, len(names), len(list))
		}
		for i, v := range list {
			p[names[i]] = v
		}
	case raw[0] == '{':
		if err := json.Unmarshal(raw, &p); err != nil {
			return nil, signer.E(signer.CodeBadArgument, "the params cannot be read: %w", err)
		}
	default:
		return nil, signer.E(signer.CodeBadArgument, "params must be a list or an object")
	}
	for name, v := range p {
		if !slices.Contains(names, name) && name != "session" {
			return nil, signer.E(signer.CodeBadArgument, "%s() got an unexpected keyword argument '%.60s'", method, name)
		}
		if bytes.Equal(bytes.TrimSpace(v), []byte("null")) {
			delete(p, name)
		}
	}
	return p, nil
}

// text is a string argument; usual where it is missing.
func (p params) text(name, usual string) (string, error) {
	raw, ok := p[name]
	if !ok {
		return usual, nil
	}
	var v string
	if err := json.Unmarshal(raw, &v); err != nil {
		return "", signer.E(signer.CodeBadArgument, "%s must be a text", name)
	}
	return v, nil
}

// number is a whole number from 0 to most, also one that is written as a text.
func (p params) number(name string, most int64) (int64, error) {
	raw, ok := p[name]
	if !ok {
		return 0, nil
	}
	text := strings.Trim(string(bytes.TrimSpace(raw)), `"`)
	n, ok := new(big.Int).SetString(text, 10)
	if len(text) > 20 || !ok || !n.IsInt64() || n.Int64() < 0 || n.Int64() > most {
		return 0, signer.E(signer.CodeBadArgument, "%s must be a whole number from 0 to %d", name, most)
	}
	return n.Int64(), nil
}

// yes is a switch.
func (p params) yes(name string) bool { return truthy(p[name]) }

// bytes is an argument in hex.
func (p params) bytes(name string, most int) ([]byte, error) {
	text, err := p.text(name, "")
	if err != nil {
		return nil, err
	}
	b, err := hex.DecodeString(text)
	if err != nil || len(b) > most {
		return nil, signer.E(signer.CodeBadArgument, "%s must be hex of %d bytes at most", name, most)
	}
	return b, nil
}

// liquid are the names of chains that the old Specter knows and this one does not.
var liquid = []string{"liquidv1", "liquidtestnet", "elreg", "liquid", "elementsregtest"}

// network reads chain; none is mainnet, as for the old bridge.
func (p params) network() (btc.Network, error) {
	text, err := p.text("chain", "")
	switch {
	case err != nil:
		return 0, err
	case text == "":
		return btc.Mainnet, nil
	case slices.Contains(liquid, strings.ToLower(text)):
		return 0, signer.E(signer.CodeNotImplemented, "Liquid (%s) is not known to this Specter; it signs for Bitcoin alone", text)
	}
	n, err := btc.ParseNetwork(text)
	if err != nil {
		return 0, signer.E(signer.CodeBadArgument, "%.40q is no chain; use main, test, testnet4, signet or regtest", text)
	}
	return n, nil
}

// which says what device a call means.
type which struct {
	kind, path string
	print      btc.Fingerprint
	known      bool
}

// device reads device_type, path and fingerprint.
func (p params) device() (w which, err error) {
	if w.kind, err = p.text("device_type", ""); err != nil {
		return w, err
	}
	w.kind = strings.ToLower(w.kind)
	if w.path, err = p.text("path", ""); err != nil {
		return w, err
	}
	fp, err := p.text("fingerprint", "")
	if err != nil || fp == "" {
		return w, err
	}
	if w.print, err = btc.ParseFingerprint(fp); err != nil {
		return w, signer.E(signer.CodeBadArgument, "%.40q is no fingerprint: it has eight hex digits", fp)
	}
	w.known = true
	return w, nil
}

// session reads the word of a dialog; "" is none.
func (p params) session() (string, error) {
	word, err := p.text("session", "")
	if err != nil || word == "" {
		return "", err
	}
	strange := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
	}
	if len(word) < 8 || len(word) > 64 || strings.ContainsFunc(word, strange) {
		return "", errs.E(errs.Invalid, "a session has 8 to 64 letters, digits, - and _")
	}
	return word, nil
}
