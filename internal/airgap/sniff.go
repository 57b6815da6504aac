package airgap

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"specter/internal/btc/mnemonic"
)

var psbtMagic = []byte("psbt\xff")

// sniff finds out what a whole text is. Every form that is recognised has been decoded; what is
// left is text.
func sniff(text string) Payload {
	trimmed := strings.TrimSpace(text)
	for _, try := range []struct {
		format Format
		decode func(string) ([]byte, error)
	}{
		{FormatBinary, func(string) ([]byte, error) { return []byte(text), nil }},
		{FormatHex, hex.DecodeString},
		{FormatBase64, decodeBase64},
		{FormatBase43, DecodeBase43},
	} {
		data, err := try.decode(trimmed)
		if err != nil {
			continue
		}
		if bytes.HasPrefix(data, psbtMagic) {
			return Payload{Kind: KindPSBT, Format: try.format, Data: data}
		}
		if try.format != FormatBinary && isTransaction(data) {
			return Payload{Kind: KindTransaction, Format: try.format, Data: data}
		}
	}
	if m, err := mnemonic.FromSeedQR(trimmed); err == nil {
		return Payload{Kind: KindMnemonic, Format: FormatSeedQR, Mnemonic: m}
	}
	return Payload{Kind: KindText, Format: FormatText, Data: []byte(text)}
}

// decodeBase64 reads Base64 of either alphabet, with or without padding.
func decodeBase64(s string) ([]byte, error) {
	s = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(s), "=")
	return base64.RawStdEncoding.DecodeString(s)
}

// classify finds out what the bytes of a resource or file are.
func classify(data []byte) (Kind, []byte) {
	switch {
	case bytes.HasPrefix(data, psbtMagic):
		return KindPSBT, data
	case isTransaction(data):
		return KindTransaction, data
	case utf8.Valid(data):
		p := sniff(string(data))
		if p.Kind == KindPSBT || p.Kind == KindTransaction {
			return p.Kind, p.Data
		}
		return KindText, data
	}
	return KindBytes, data
}

// isTransaction reports whether data looks like a transaction of a version in use (1 to 3).
func isTransaction(data []byte) bool {
	return len(data) > 4 && data[0] >= 1 && data[0] <= 3 && data[1]|data[2]|data[3] == 0 && layoutOfTransaction(data)
}

// layoutOfTransaction reports whether data is laid out as a signed or unsigned transaction
// (BIP144) from the first byte to the last. It allocates nothing, whatever the counts claim.
func layoutOfTransaction(data []byte) bool {
	r := layout{rest: data, ok: len(data) >= 60}
	r.take(4)
	segwit := len(r.rest) > 1 && r.rest[0] == 0 && r.rest[1] == 1
	if segwit {
		r.take(2)
	}
	inputs := r.count()
	for i := uint64(0); i < inputs && r.ok; i++ {
		r.take(36)
		r.take(r.count())
		r.take(4)
	}
	outputs := r.count()
	for i := uint64(0); i < outputs && r.ok; i++ {
		r.take(8)
		r.take(r.count())
	}
	if segwit {
		for i := uint64(0); i < inputs && r.ok; i++ {
			items := r.count()
			for j := uint64(0); j < items && r.ok; j++ {
				r.take(r.count())
			}
		}
	}
	r.take(4)
	return r.ok && len(r.rest) == 0 && inputs > 0 && outputs > 0
}

// layout walks over serialized data; ok turns false where it ends too early.
type layout struct {
	rest []byte
	ok   bool
}

func (l *layout) take(n uint64) []byte {
	if !l.ok || n > uint64(len(l.rest)) {
		l.ok = false
		return nil
	}
	out := l.rest[:n]
	l.rest = l.rest[n:]
	return out
}

// count reads Bitcoin's compact size.
func (l *layout) count() uint64 {
	first := l.take(1)
	if !l.ok {
		return 0
	}
	if first[0] < 0xfd {
		return uint64(first[0])
	}
	var wide [8]byte
	copy(wide[:], l.take(uint64(2)<<(first[0]-0xfd)))
	return binary.LittleEndian.Uint64(wide[:])
}
