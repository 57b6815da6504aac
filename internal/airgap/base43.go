package airgap

import (
	"math/big"
	"strings"

	"specter/internal/errs"
)

// base43Alphabet is what a QR code's alphanumeric mode holds but blank and percent.
const base43Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ$*+-./:"

// bigDigits are the digits of package big for the same values.
const bigDigits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"

// maxBase43 bounds the text that is read: the time to convert grows with the square.
const maxBase43 = 200_000

var toBig, fromBig [256]byte

func init() {
	for i := range base43Alphabet {
		toBig[base43Alphabet[i]] = bigDigits[i]
		fromBig[bigDigits[i]] = base43Alphabet[i]
	}
}

// EncodeBase43 writes bytes in Base43, Electrum's form for QR codes: the big-endian number, and
// a 0 for each leading zero byte.
func EncodeBase43(data []byte) string {
	zeros := 0
	for zeros < len(data) && data[zeros] == 0 {
		zeros++
	}
	out := []byte(strings.Repeat("0", zeros))
	if zeros == len(data) {
		return string(out)
	}
	for _, d := range []byte(new(big.Int).SetBytes(data).Text(43)) {
		out = append(out, fromBig[d])
	}
	return string(out)
}

// DecodeBase43 reads Base43 in upper case.
func DecodeBase43(text string) ([]byte, error) {
	if len(text) > maxBase43 {
		return nil, errs.Bad(errs.TooLarge, "this is too long for Base43 (%d characters at most)", maxBase43)
	}
	zeros := 0
	for zeros < len(text) && text[zeros] == '0' {
		zeros++
	}
	digits := make([]byte, 0, len(text)-zeros)
	for i := zeros; i < len(text); i++ {
		d := toBig[text[i]]
		if d == 0 {
			return nil, errs.Bad(errs.BadEncoding, "the text holds %q, which Base43 does not use", text[i])
		}
		digits = append(digits, d)
	}
	out := make([]byte, zeros)
	if len(digits) == 0 {
		return out, nil
	}
	n, _ := new(big.Int).SetString(string(digits), 43)
	return append(out, n.Bytes()...), nil
}
