package descriptor

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/miniscript"
	"specter/internal/errs"
)

// Known is what helps to infer a descriptor.
type Known struct {
	Keys    []KnownKey
	Scripts [][]byte    // redeem scripts, witness scripts and taproot leaves
	Network btc.Network // of the address in addr()
}

// KnownKey is a public key that may be behind a hash.
type KnownKey struct {
	PubKey []byte         // 33 or 65 bytes, or 32 for taproot
	Origin *btc.KeyOrigin // nil when not known
}

// ParseKnownKey reads a public key in hex with an optional origin: [d34db33f/84h/0h]02….
// Hybrid keys are read too, though no descriptor can name them.
func ParseKnownKey(s string) (KnownKey, error) {
	var e keyExpr
	rest, err := e.parseOrigin(strings.TrimSpace(s))
	if err != nil {
		return KnownKey{}, err
	}
	raw, err := hex.DecodeString(rest)
	if err != nil || len(raw) != 32 && !keySized(raw) {
		return KnownKey{}, errs.Bad(errs.BadKey, "%q is no public key in hex", clip(rest))
	}
	return KnownKey{PubKey: raw, Origin: e.origin}, nil
}

// maxInfer bounds how many known keys and scripts are tried.
const maxInfer = 1000

// Infer finds the descriptor of a scriptPubKey: the most telling one that the known keys and
// scripts allow, else addr(), else raw(), as Bitcoin Core does. What it returns derives the
// very script.
func Infer(script []byte, known Known) (*Descriptor, error) {
	if len(script) == 0 || len(script) > 10_000 {
		return nil, errs.Bad(errs.Malformed, "a script has 1 to 10,000 bytes, this one %d", len(script))
	}
	if len(known.Keys) > maxInfer || len(known.Scripts) > maxInfer {
		return nil, errs.Bad(errs.TooLarge, "at most %d known keys and scripts can be tried", maxInfer)
	}
	in := inferrer{known: known, byKey: make(map[string]KnownKey), byHash: make(map[[20]byte][]byte)}
	for _, k := range known.Keys {
		in.learn(k)
	}
	if text, ok := in.script(script, atTop); ok {
		if d := verified(text, script, Options{}); d != nil {
			return d, nil
		}
	}
	if addr, ok := btc.AddressOf(script, known.Network); ok {
		if d := verified("addr("+addr+")", script, Options{Network: &known.Network}); d != nil {
			return d, nil
		}
	}
	return Parse("raw("+hex.EncodeToString(script)+")", Options{})
}

// verified parses a guess and returns it when it derives the script.
func verified(text string, script []byte, o Options) *Descriptor {
	d, err := Parse(text, o)
	if err != nil {
		return nil
	}
	out, err := d.Derive(0)
	if err != nil || !bytes.Equal(out.Script, script) {
		return nil
	}
	return d
}

// inferrer looks keys up by their bytes and hashes.
type inferrer struct {
	known  Known
	byKey  map[string]KnownKey // full keys, and x-only ones
	byHash map[[20]byte][]byte
}

func (in *inferrer) learn(k KnownKey) {
	in.byKey[string(k.PubKey)] = k
	in.byHash[[20]byte(hash160(k.PubKey))] = k.PubKey
	if len(k.PubKey) == 33 {
		x := k.PubKey[1:]
		in.byKey[string(x)] = KnownKey{PubKey: x, Origin: k.Origin}
		in.byHash[[20]byte(hash160(x))] = x
	}
}

// key prints a public key with its origin where that is known.
func (in *inferrer) key(pub []byte) string {
	s := hex.EncodeToString(pub)
	if k, ok := in.byKey[string(pub)]; ok && k.Origin != nil {
		s = "[" + k.Origin.String() + "]" + s
	}
	return s
}

// script writes the expression of a script at a place.
func (in *inferrer) script(s []byte, at place) (string, bool) {
	if pub := pubKeyOfP2PK(s); pub != nil && (at != inWSH || len(pub) == 33) {
		return "pk(" + in.key(pub) + ")", true
	}
	if isP2PKH(s) {
		if pub, ok := in.byHash[[20]byte(s[3:23])]; ok && keySized(pub) {
			return "pkh(" + in.key(pub) + ")", true
		}
	}
	if k, keys, ok := readMulti(s); ok {
		return in.multi("multi", k, keys), true
	}
	switch {
	case at == inWSH:
		return in.mini(s, miniscript.WSH)
	case at == atTop && isP2SH(s):
		return in.embedded("sh", inSH, func(inner []byte) bool { return bytes.Equal(hash160(inner), s[2:22]) })
	}
	if version, program, ok := btc.WitnessProgram(s); ok {
		return in.witness(version, program, at)
	}
	return "", false
}

func (in *inferrer) multi(name string, k int, keys [][]byte) string {
	parts := []string{fmt.Sprint(k)}
	for _, pub := range keys {
		parts = append(parts, in.key(pub))
	}
	return name + "(" + strings.Join(parts, ",") + ")"
}

// embedded looks for a known script behind a hash.
func (in *inferrer) embedded(name string, at place, match func([]byte) bool) (string, bool) {
	for _, inner := range in.known.Scripts {
		if match(inner) {
			text, ok := in.script(inner, at)
			return name + "(" + text + ")", ok
		}
	}
	if name == "sh" {
		return in.nestedKeyHash(match)
	}
	return "", false
}

// nestedKeyHash tries every known key as sh(wpkh()), whose redeem script follows from the key.
func (in *inferrer) nestedKeyHash(match func([]byte) bool) (string, bool) {
	for _, k := range in.known.Keys {
		if len(k.PubKey) == 33 && match(btc.WitnessScript(0, hash160(k.PubKey))) {
			return "sh(wpkh(" + in.key(k.PubKey) + "))", true
		}
	}
	return "", false
}

func (in *inferrer) witness(version int, program []byte, at place) (string, bool) {
	switch {
	case version == 0 && len(program) == 20:
		pub, ok := in.byHash[[20]byte(program)]
		if ok && len(pub) == 33 {
			return "wpkh(" + in.key(pub) + ")", true
		}
	case version == 0:
		return in.embedded("wsh", inWSH, func(inner []byte) bool { return bytes.Equal(sha256Of(inner), program) })
	case version == 1 && len(program) == 32 && at == atTop:
		return in.taproot(program), true
	}
	return "", false
}

// taproot tries every known key as internal key, alone and with every known script as the
// only leaf; else the output key stands for itself in rawtr().
func (in *inferrer) taproot(program []byte) string {
	for _, k := range in.known.Keys {
		if len(k.PubKey) > 33 {
			continue
		}
		internal := [32]byte(k.PubKey[len(k.PubKey)-32:])
		if t, err := NewTaproot(internal, nil); err == nil && bytes.Equal(t.OutputKey[:], program) {
			return "tr(" + in.key(internal[:]) + ")"
		}
		for _, s := range in.known.Scripts {
			t, err := NewTaproot(internal, []Leaf{{Script: s, Version: leafVersion}})
			if err != nil || !bytes.Equal(t.OutputKey[:], program) {
				continue
			}
			if leaf, ok := in.mini(s, miniscript.Tapscript); ok {
				return "tr(" + in.key(internal[:]) + "," + leaf + ")"
			}
		}
	}
	return "rawtr(" + in.key(program) + ")"
}

// mini decompiles a script to miniscript.
func (in *inferrer) mini(s []byte, ctx miniscript.Context) (string, bool) {
	node, err := miniscript.FromScript(s, ctx, func(hash [20]byte) ([]byte, bool) {
		pub, ok := in.byHash[hash]
		want := 33
		if ctx == miniscript.Tapscript {
			want = 32
		}
		return pub, ok && len(pub) == want
	})
	if err != nil {
		return "", false
	}
	node, err = node.MapKeys(func(text string) (string, error) {
		pub, err := hex.DecodeString(text)
		return in.key(pub), err
	})
	if err != nil {
		return "", false
	}
	return node.String(), true
}
