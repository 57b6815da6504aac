package descriptor

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/address/v2/base58"

	"specter/internal/btc"
)

// text prints the expression in canonical form: h, lower-case hex, xpub. Private keys are
// printed as such only when private is set.
func (k *keyExpr) text(private bool) string {
	var b strings.Builder
	if k.parts != nil {
		b.WriteString("musig(")
		for i, p := range k.parts {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(p.text(private))
		}
		b.WriteByte(')')
	} else {
		b.WriteString(k.head(private))
	}
	b.WriteString(k.suffix())
	return b.String()
}

// head prints origin and key, without the path that follows.
func (k *keyExpr) head(private bool) string {
	var s string
	if k.origin != nil {
		s = "[" + k.origin.String() + "]"
	}
	switch {
	case k.xkey != nil && private:
		return s + k.xkey.String()
	case k.xkey != nil:
		return s + k.xkey.Public().String()
	case k.wif != nil && private:
		return s + k.wif.text()
	case k.xOnly:
		return s + hex.EncodeToString(k.pub[1:33])
	}
	return s + hex.EncodeToString(k.pub)
}

// suffix prints the path after the key with a slash before every step: /<0;1>/*.
func (k *keyExpr) suffix() string {
	var b strings.Builder
	for i, n := range k.path {
		b.WriteByte('/')
		if k.multi == nil || i != k.multiAt {
			b.WriteString(stepText(n))
			continue
		}
		for j, m := range k.multi {
			b.WriteByte("<;"[min(j, 1)])
			b.WriteString(stepText(m))
		}
		b.WriteByte('>')
	}
	switch k.wild {
	case ranged:
		b.WriteString("/*")
	case rangedHardened:
		b.WriteString("/*h")
	}
	return b.String()
}

func stepText(n uint32) string {
	s := strconv.FormatUint(uint64(n&^btc.Hardened), 10)
	if n&btc.Hardened != 0 {
		s += "h"
	}
	return s
}

// text prints the private key in wallet import format.
func (w *wif) text() string {
	raw := w.key.Serialize()
	if w.compressed {
		raw = append(raw, 1)
	}
	version := byte(0xef)
	if w.main {
		version = 0x80
	}
	return base58.CheckEncode(raw, version)
}
