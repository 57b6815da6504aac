package btc

import (
	"fmt"
	"strings"
)

const bech32Charset = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// The constants that a bech32 checksum must leave (BIP173, BIP350).
const (
	bech32Const  = 1
	bech32mConst = 0x2bc830a3
)

// Bech32Encoding tells bech32 from bech32m.
type Bech32Encoding uint8

// The encodings.
const (
	Bech32  Bech32Encoding = iota + 1 // BIP173
	Bech32m                           // BIP350
)

func bech32Polymod(values []byte) uint32 {
	chk := uint32(1)
	for _, v := range values {
		top := chk >> 25
		chk = (chk&0x1ffffff)<<5 ^ uint32(v)
		for i, g := range [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				chk ^= g
			}
		}
	}
	return chk
}

func bech32Expand(hrp string) []byte {
	out := make([]byte, 0, 2*len(hrp)+1)
	for i := range len(hrp) {
		out = append(out, hrp[i]>>5)
	}
	out = append(out, 0)
	for i := range len(hrp) {
		out = append(out, hrp[i]&31)
	}
	return out
}

// EncodeBech32 prints 5-bit values under a human-readable part.
func EncodeBech32(hrp string, data []byte, enc Bech32Encoding) string {
	final := uint32(bech32Const)
	if enc == Bech32m {
		final = bech32mConst
	}
	values := append(bech32Expand(hrp), data...)
	mod := bech32Polymod(append(values, 0, 0, 0, 0, 0, 0)) ^ final
	var b strings.Builder
	b.WriteString(hrp + "1")
	for _, v := range data {
		b.WriteByte(bech32Charset[v])
	}
	for i := range 6 {
		b.WriteByte(bech32Charset[mod>>(5*(5-i))&31])
	}
	return b.String()
}

// DecodeBech32 reads a bech32 or bech32m string of at most limit characters (BIP173: 90) into
// its lower-case human-readable part and 5-bit values without the checksum.
func DecodeBech32(s string, limit int) (hrp string, data []byte, enc Bech32Encoding, err error) {
	hrp, values, err := splitBech32(s, limit)
	if err != nil {
		return "", nil, 0, err
	}
	switch bech32Polymod(append(bech32Expand(hrp), values...)) {
	case bech32Const:
		enc = Bech32
	case bech32mConst:
		enc = Bech32m
	default:
		return "", nil, 0, &AddressError{Reason: "its checksum is wrong; a character was mistyped", Positions: locateErrors(hrp, values, s)}
	}
	return hrp, values[:len(values)-6], enc, nil
}

func splitBech32(s string, limit int) (hrp string, values []byte, err error) {
	if len(s) > limit {
		return "", nil, &AddressError{Reason: "it is too long", Positions: rangeOf(limit, len(s))}
	}
	if err := checkBech32Characters(s); err != nil {
		return "", nil, err
	}
	s = strings.ToLower(s)
	sep := strings.LastIndexByte(s, '1')
	if sep < 0 {
		return "", nil, &AddressError{Reason: "the separator 1 is missing"}
	}
	if sep == 0 || sep+7 > len(s) {
		return "", nil, &AddressError{Reason: "the separator 1 is misplaced", Positions: []int{sep}}
	}
	for i := sep + 1; i < len(s); i++ {
		v := strings.IndexByte(bech32Charset, s[i])
		if v < 0 {
			return "", nil, &AddressError{Reason: fmt.Sprintf("it holds %q, which bech32 does not use", s[i]), Positions: []int{i}}
		}
		values = append(values, byte(v))
	}
	return s[:sep], values, nil
}

// checkBech32Characters refuses characters out of range and a mixture of lower and upper case;
// it names every place where either happens, as Bitcoin Core does.
func checkBech32Characters(s string) error {
	lower, upper := false, false
	var places []int
	reason := "it mixes lower and upper case"
	for i := range len(s) {
		switch c := s[i]; {
		case c < 33 || c > 126:
			reason = "it holds a character that no address has"
			places = append(places, i)
		case c >= 'a' && c <= 'z' && upper, c >= 'A' && c <= 'Z' && lower:
			places = append(places, i)
		case c >= 'a' && c <= 'z':
			lower = true
		case c >= 'A' && c <= 'Z':
			upper = true
		}
	}
	if places == nil {
		return nil
	}
	return &AddressError{Reason: reason, Positions: places}
}

func rangeOf(from, to int) []int {
	var out []int
	for i := from; i < to; i++ {
		out = append(out, i)
	}
	return out
}

// locateErrors finds the one or two substituted characters of the data part that explain a
// wrong checksum best, under either encoding. Two changes at most have one explanation.
func locateErrors(hrp string, values []byte, s string) []int {
	if len(s) > 90 {
		return nil // the code promises nothing there, and the search would take long
	}
	offset := len(s) - len(values)
	base := bech32Polymod(append(bech32Expand(hrp), values...))
	best := []int(nil)
	for _, final := range [2]uint32{bech32Const, bech32mConst} {
		got := searchErrors(base^final, len(values))
		if got != nil && (best == nil || len(got) < len(best)) {
			best = got
		}
	}
	for i := range best {
		best[i] += offset
	}
	return best
}

// searchErrors returns the positions whose change by some value gives the syndrome: the
// checksum is linear, so the syndrome of two errors is the xor of theirs.
func searchErrors(syndrome uint32, n int) []int {
	type place struct {
		pos int
		val byte
	}
	single := make(map[uint32]place, n*31)
	zero := bech32Polymod(make([]byte, n))
	buf := make([]byte, n)
	for pos := range n {
		for val := byte(1); val < 32; val++ {
			buf[pos] = val
			single[bech32Polymod(buf)^zero] = place{pos, val}
		}
		buf[pos] = 0
	}
	if p, ok := single[syndrome]; ok {
		return []int{p.pos}
	}
	for first, p := range single {
		if q, ok := single[syndrome^first]; ok && q.pos != p.pos {
			return []int{min(p.pos, q.pos), max(p.pos, q.pos)}
		}
	}
	return nil
}

func decodeSegwit(s, hrp string) (version int, program []byte, err error) {
	got, data, enc, err := DecodeBech32(s, 90)
	if err != nil {
		return 0, nil, err
	}
	switch {
	case got != hrp:
		return 0, nil, &AddressError{Reason: "its prefix is not of this network"}
	case len(data) == 0:
		return 0, nil, &AddressError{Reason: "it holds no data"}
	case data[0] > 16:
		return 0, nil, &AddressError{Reason: "its witness version is above 16"}
	case data[0] == 0 && enc != Bech32:
		return 0, nil, &AddressError{Reason: "version 0 must use the bech32 checksum"}
	case data[0] != 0 && enc != Bech32m:
		return 0, nil, &AddressError{Reason: "version 1 and above must use the bech32m checksum"}
	}
	program, ok := convertBits(data[1:], 5, 8, false)
	if !ok {
		return 0, nil, &AddressError{Reason: "its padding is wrong"}
	}
	if len(program) < 2 || len(program) > 40 || data[0] == 0 && len(program) != 20 && len(program) != 32 {
		return 0, nil, &AddressError{Reason: fmt.Sprintf("a witness program of %d bytes does not fit version %d", len(program), data[0])}
	}
	return int(data[0]), program, nil
}

func encodeSegwit(hrp string, version int, program []byte) string {
	data, _ := convertBits(program, 8, 5, true)
	enc := Bech32m
	if version == 0 {
		enc = Bech32
	}
	return EncodeBech32(hrp, append([]byte{byte(version)}, data...), enc)
}

// convertBits regroups bits; without padding, left-over bits must be fewer than from and zero.
func convertBits(in []byte, from, to uint, pad bool) ([]byte, bool) {
	var acc uint32
	var bits uint
	out := make([]byte, 0, len(in)*int(from)/int(to)+1)
	for _, v := range in {
		acc = acc<<from | uint32(v)
		bits += from
		for bits >= to {
			bits -= to
			out = append(out, byte(acc>>bits&(1<<to-1)))
		}
		acc &= 1<<bits - 1
	}
	if pad {
		if bits > 0 {
			out = append(out, byte(acc<<(to-bits)&(1<<to-1)))
		}
		return out, true
	}
	return out, bits < from && acc == 0
}
