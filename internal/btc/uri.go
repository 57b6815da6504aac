package btc

import (
	"strings"
	"unicode/utf8"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/errs"
)

// maxURI bounds a payment URI in bytes; a Lightning offer takes some thousand.
const maxURI = 1 << 16

// URI is a payment URI (BIP21, BIP321). Nobody has verified that its address is one: see PayTo.
type URI struct {
	Address   string // as written; empty where only parameters say whom to pay
	Amount    btcutil.Amount
	HasAmount bool
	Label     string
	Message   string
	Params    []URIParam // all others, in order
	// RequiredUnknown names the parameters that begin with req-: a reader that does not know
	// them must not pay. None is known here.
	RequiredUnknown []string
}

// URIParam is a parameter of a payment URI. Its key is in lower case.
type URIParam struct{ Key, Value string }

// ParseURI reads a payment URI. Where it requires what is not known here, the error has the code
// unsupported and the URI is returned beside it, for showing only.
func ParseURI(text string) (URI, error) {
	text = strings.TrimSpace(text)
	if len(text) > maxURI {
		return URI{}, errs.Bad(errs.TooLarge, "the payment URI is longer than %d bytes", maxURI)
	}
	scheme, rest, found := strings.Cut(text, ":")
	if !found || !strings.EqualFold(scheme, "bitcoin") {
		return URI{}, errs.Bad(errs.Malformed, "a payment URI begins with bitcoin:")
	}
	rest, _, _ = strings.Cut(rest, "#")
	path, query, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "?")
	address, err := unescape(path)
	if err != nil {
		return URI{}, err
	}
	if strings.ContainsFunc(address, notAlphanumeric) {
		return URI{}, errs.Bad(errs.Malformed, "the payment URI holds an address with characters that no address has")
	}
	u := URI{Address: address}
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		if key, err = unescape(key); err != nil {
			return URI{}, err
		}
		if value, err = unescape(value); err != nil {
			return URI{}, err
		}
		if err := u.add(strings.ToLower(key), value, seen); err != nil {
			return URI{}, err
		}
	}
	if u.Address == "" && len(u.Params) == 0 {
		return URI{}, errs.Bad(errs.Malformed, "the payment URI says nobody to pay")
	}
	if len(u.RequiredUnknown) > 0 {
		return u, errs.Bad(errs.Unsupported, "the payment URI requires %s, which is not known here; do not pay it", strings.Join(u.RequiredUnknown, ", "))
	}
	return u, nil
}

// notAlphanumeric reports whether neither Base58 nor bech32 has the character.
func notAlphanumeric(r rune) bool {
	return (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
}

// add takes one parameter. The named ones may stand once only.
func (u *URI) add(key, value string, seen map[string]bool) error {
	once := strings.TrimPrefix(key, "req-")
	if once == "amount" || once == "label" || once == "message" || once == "pop" {
		if seen[once] {
			return errs.Bad(errs.Malformed, "the payment URI gives %s twice", once)
		}
		seen[once] = true
	}
	switch key {
	case "amount":
		amount, err := parseURIAmount(value)
		u.Amount, u.HasAmount = amount, err == nil
		return err
	case "label":
		u.Label = value
		return nil
	case "message":
		u.Message = value
		return nil
	case "bc", "tb", "bcrt": // segwit addresses stand under their own prefix
		if len(value) <= len(key) || !strings.EqualFold(value[:len(key)], key) || value[len(key)] != '1' {
			return errs.Bad(errs.WrongNetwork, "the payment URI gives an address that does not begin with %s1 as %s", key, key)
		}
	}
	u.Params = append(u.Params, URIParam{key, value})
	if strings.HasPrefix(key, "req-") {
		u.RequiredUnknown = append(u.RequiredUnknown, key)
	}
	return nil
}

// parseURIAmount reads decimal BTC: digits and one point, nothing else.
func parseURIAmount(s string) (btcutil.Amount, error) {
	for _, r := range s {
		if (r < '0' || r > '9') && r != '.' {
			return 0, errs.Bad(errs.Malformed, "%q is no amount of a payment URI; it is in BTC, with a point", s)
		}
	}
	return ParseBTC(s)
}

// Param returns the first value of a parameter that URI has no field for.
func (u URI) Param(key string) (value string, ok bool) {
	for _, p := range u.Params {
		if p.Key == key {
			return p.Value, true
		}
	}
	return "", false
}

// PayTo returns the address to pay on a network: of the parameters named like the network's
// segwit prefix, the first that is known, else the URI's own.
func (u URI) PayTo(n Network) (text string, a Address, err error) {
	for _, p := range u.Params {
		if p.Key != n.Params().Bech32HRPSegwit {
			continue
		}
		if a, err := ParseAddress(p.Value, n); err == nil && a.Type != WitnessUnknown {
			return p.Value, a, nil
		}
	}
	if u.Address == "" {
		return "", Address{}, errs.Bad(errs.Unsupported, "the payment URI holds no address of %s", n)
	}
	a, err = ParseAddress(u.Address, n)
	return u.Address, a, err
}

// String writes the URI.
func (u URI) String() string {
	var query []string
	add := func(key, value string) { query = append(query, escape(key)+"="+escape(value)) }
	if u.HasAmount {
		amount := FormatBTC(u.Amount)
		add("amount", strings.TrimSuffix(strings.TrimRight(amount, "0"), "."))
	}
	if u.Label != "" {
		add("label", u.Label)
	}
	if u.Message != "" {
		add("message", u.Message)
	}
	for _, p := range u.Params {
		add(p.Key, p.Value)
	}
	text := "bitcoin:" + escape(u.Address)
	if len(query) > 0 {
		text += "?" + strings.Join(query, "&")
	}
	return text
}

// uriPlain are the characters that stand for themselves in the query of a URI (RFC 3986), less
// those that separate parameters and the plus, which some readers take for a blank.
const uriPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$'()*,;:@/?"

// escape writes what is not plain as %XX.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte(uriPlain, s[i]) >= 0 {
			b.WriteByte(s[i])
			continue
		}
		const digits = "0123456789ABCDEF"
		b.Write([]byte{'%', digits[s[i]>>4], digits[s[i]&15]})
	}
	return b.String()
}

// unescape reads %XX; the result must be UTF-8.
func unescape(s string) (string, error) {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			out = append(out, s[i])
			continue
		}
		if i+2 >= len(s) || unhex(s[i+1]) < 0 || unhex(s[i+2]) < 0 {
			return "", errs.Bad(errs.BadEncoding, "the payment URI has a %% without two hex digits behind it")
		}
		out = append(out, byte(unhex(s[i+1])<<4|unhex(s[i+2])))
		i += 2
	}
	if !utf8.Valid(out) {
		return "", errs.Bad(errs.BadEncoding, "the payment URI holds text that is not UTF-8")
	}
	return string(out), nil
}

// unhex returns the value of a hex digit, else -1.
func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
