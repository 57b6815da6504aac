package ur

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"specter/internal/btc"
	"specter/internal/errs"
)

// Version chooses between the registry's old types (crypto-psbt, tag 310), which every device
// reads, and its new ones (psbt, tag 40310).
type Version uint8

// The versions of the registry's types.
const (
	Old Version = iota
	New
)

// NewPSBT makes a resource of a binary PSBT.
func NewPSBT(psbt []byte, v Version) UR {
	name := "crypto-psbt"
	if v == New {
		name = "psbt"
	}
	return UR{Type: name, CBOR: cborBytes(psbt).append(nil)}
}

// NewBytes makes a resource of any bytes. Of the same type in both versions.
func NewBytes(data []byte) UR { return UR{Type: "bytes", CBOR: cborBytes(data).append(nil)} }

// NewOutput makes a resource of an output descriptor; a checksum is dropped. The old version
// knows no miniscript and no taproot scripts (code unsupported); the new one carries any text.
func NewOutput(descriptor string, v Version) (UR, error) {
	it, err := makeOutput(descriptor, v)
	if err != nil {
		return UR{}, err
	}
	if v == Old {
		return UR{Type: "crypto-output", CBOR: it.append(nil)}, nil
	}
	return UR{Type: "output-descriptor", CBOR: it.append(nil)}, nil
}

// NewAccount makes a resource of the descriptors of an account and the master key's fingerprint.
func NewAccount(master btc.Fingerprint, descriptors []string, v Version) (UR, error) {
	u := UR{Type: "crypto-account"}
	tag := uint64(tagOutput)
	if v == New {
		u.Type, tag = "account-descriptor", tagOutputNew
	}
	var list []item
	for _, d := range descriptors {
		it, err := makeOutput(d, v)
		if err != nil {
			return UR{}, err
		}
		list = append(list, cborTag(tag, it))
	}
	account := cborMap(cborUint(1), fingerprintItem(master), cborUint(2), cborArray(list...))
	u.CBOR = account.append(nil)
	return u, nil
}

// NewHDKey makes a resource of a key expression with an extended key.
func NewHDKey(expression string, v Version) (UR, error) {
	it, err := makeKey(expression, v)
	if err != nil {
		return UR{}, err
	}
	if it.n != tagHDKey && it.n != tagHDKeyNew {
		return UR{}, errs.Bad(errs.BadKey, "this is no extended key")
	}
	if v == Old {
		return UR{Type: "crypto-hdkey", CBOR: it.items[0].append(nil)}, nil
	}
	return UR{Type: "hdkey", CBOR: it.items[0].append(nil)}, nil
}

func makeOutput(descriptor string, v Version) (item, error) {
	text, _, _ := strings.Cut(strings.TrimSpace(descriptor), "#")
	if len(text) > maxDescriptor {
		return item{}, errs.Bad(errs.TooLarge, "the descriptor is too long")
	}
	if v == New {
		return makeOutputText(text), nil
	}
	return makeFunction(text, 0)
}

// makeFunction writes one function of a version 1 output as tags.
func makeFunction(text string, depth int) (item, error) {
	name, rest, found := strings.Cut(text, "(")
	if !found {
		return makeKey(text, Old)
	}
	inner, closed := strings.CutSuffix(rest, ")")
	if !closed || depth > 8 {
		return item{}, errs.Bad(errs.Malformed, "the descriptor's parentheses do not match")
	}
	switch name {
	case "addr":
		return makeAddress(inner)
	case "raw":
		script, err := hex.DecodeString(inner)
		if err != nil {
			return item{}, errs.Bad(errs.BadEncoding, "the script in raw() is no hex")
		}
		return cborTag(408, cborBytes(script)), nil
	case "multi", "sortedmulti":
		return makeMulti(name, inner)
	}
	for tag, known := range outputTags {
		if known == name {
			it, err := makeFunction(inner, depth+1)
			return cborTag(tag, it), err
		}
	}
	return item{}, errs.Bad(errs.Unsupported, "crypto-output cannot express %s(); use output-descriptor", name)
}

func makeMulti(name, inner string) (item, error) {
	parts := strings.Split(inner, ",")
	threshold, err := strconv.ParseUint(parts[0], 10, 16)
	if err != nil {
		return item{}, errs.Bad(errs.Malformed, "%q is no threshold of a multisig", parts[0])
	}
	var keys []item
	for _, p := range parts[1:] {
		k, err := makeKey(p, Old)
		if err != nil {
			return item{}, err
		}
		keys = append(keys, k)
	}
	tag := uint64(406)
	if name == "sortedmulti" {
		tag = 407
	}
	return cborTag(tag, cborMap(cborUint(1), cborUint(threshold), cborUint(2), cborArray(keys...))), nil
}

// makeAddress writes an address. Its network is told only as main or test.
func makeAddress(text string) (item, error) {
	for _, n := range []btc.Network{btc.Mainnet, btc.Testnet3} {
		a, err := btc.ParseAddress(text, n)
		if err != nil {
			continue
		}
		var typ uint64
		data := a.WitnessProgram
		switch a.Type {
		case btc.P2PKH:
			data = a.Script[3:23]
		case btc.P2SH:
			typ, data = 1, a.Script[2:22]
		case btc.P2WPKH, btc.P2WSH:
			typ = 2
		default:
			return item{}, errs.Bad(errs.Unsupported, "a resource cannot express an address of type %s", a.Type)
		}
		fields := []item{cborUint(2), cborUint(typ), cborUint(3), cborBytes(data)}
		if !n.IsMain() {
			fields = append([]item{cborUint(1), cborTag(tagCoinInfo, cborMap(cborUint(2), cborUint(1)))}, fields...)
		}
		return cborTag(tagAddress, cborMap(fields...)), nil
	}
	return item{}, errs.Bad(errs.BadEncoding, "%q is no address of mainnet or testnet", text)
}

// makeOutputText writes a version 2 output: each extended key is replaced by a placeholder. A
// key that a resource cannot express stays in the text.
func makeOutputText(text string) item {
	var source strings.Builder
	var keys []item
	places := map[string]int{}
	for len(text) > 0 {
		end := strings.IndexAny(text, "(),{}")
		if end < 0 {
			end = len(text)
		}
		token := text[:end]
		if place, known := places[token]; known {
			source.WriteString("@" + strconv.Itoa(place))
		} else if k, err := makeKey(token, New); err == nil && k.n == tagHDKeyNew {
			places[token] = len(keys)
			source.WriteString("@" + strconv.Itoa(len(keys)))
			keys = append(keys, k)
		} else {
			source.WriteString(token)
		}
		if end < len(text) {
			source.WriteByte(text[end])
			end++
		}
		text = text[end:]
	}
	fields := []item{cborUint(1), cborText(source.String())}
	if keys != nil {
		fields = append(fields, cborUint(2), cborArray(keys...))
	}
	return cborMap(fields...)
}

// makeKey writes a key expression as a tagged hdkey or eckey. An extended key whose index differs
// from the last step of its origin loses its own index, which no derivation depends on.
func makeKey(expression string, v Version) (item, error) {
	hdTag, ecTag := uint64(tagHDKey), uint64(tagECKey)
	if v == New {
		hdTag, ecTag = tagHDKeyNew, tagECKeyNew
	}
	var origin *btc.KeyOrigin
	rest := expression
	if inner, found := strings.CutPrefix(expression, "["); found {
		text, after, closed := strings.Cut(inner, "]")
		o, err := btc.ParseKeyOrigin(text)
		if err != nil || !closed {
			return item{}, errs.Bad(errs.BadKey, "the origin in %q is wrong", expression)
		}
		origin, rest = &o, after
	}
	text, children, _ := strings.Cut(rest, "/")
	if data, err := hex.DecodeString(text); err == nil && children == "" && origin == nil && len(data) > 0 {
		k := Key{Data: data, Private: len(data) == 32}
		if err := k.checkData(); err != nil {
			return item{}, err
		}
		if k.Private {
			return cborTag(ecTag, cborMap(cborUint(2), cborBool(true), cborUint(3), cborBytes(data))), nil
		}
		return cborTag(ecTag, cborMap(cborUint(3), cborBytes(data))), nil
	}
	key, _, err := btc.ParseXKey(text)
	if err != nil {
		return item{}, errs.Bad(errs.BadKey, "a resource cannot carry this key: %w", err)
	}
	it, err := makeHDKey(key, origin, children, v)
	return cborTag(hdTag, it), err
}

func makeHDKey(key btc.XKey, origin *btc.KeyOrigin, children string, v Version) (item, error) {
	pathTag, coinTag := uint64(tagKeypath), uint64(tagCoinInfo)
	if v == New {
		pathTag, coinTag = tagKeypathNew, tagCoinInfoNew
	}
	var f []item
	add := func(n uint64, it item) { f = append(f, cborUint(n), it) }
	if private, ok := key.PrivateKey(); ok {
		add(2, cborBool(true))
		add(3, cborBytes(append([]byte{0}, private.Serialize()...)))
	} else {
		add(3, cborBytes(key.PublicKey[:]))
	}
	add(4, cborBytes(key.ChainCode[:]))
	if !key.Main {
		add(5, cborTag(coinTag, cborMap(cborUint(2), cborUint(1))))
	}
	if it, needed := makeOrigin(key, origin); needed {
		add(6, cborTag(pathTag, it))
	}
	if children != "" {
		steps, err := makeChildren(children)
		if err != nil {
			return item{}, err
		}
		add(7, cborTag(pathTag, cborMap(cborUint(1), steps)))
	}
	if !key.Parent.IsZero() {
		add(8, fingerprintItem(key.Parent))
	}
	return cborMap(f...), nil
}

// makeOrigin writes the origin. A key without one still needs a place for its depth and index.
func makeOrigin(key btc.XKey, origin *btc.KeyOrigin) (it item, needed bool) {
	var path btc.Path
	switch {
	case origin != nil:
		path = origin.Path
	case key.Depth > 0:
		path = btc.Path{key.ChildIndex}
	default:
		return item{}, false
	}
	var steps []item
	for _, step := range path {
		steps = append(steps, cborUint(uint64(step&^btc.Hardened)), cborBool(step&btc.Hardened != 0))
	}
	f := []item{cborUint(1), cborArray(steps...)}
	if origin != nil {
		f = append(f, cborUint(2), fingerprintItem(origin.Fingerprint))
	}
	if int(key.Depth) != len(path) {
		f = append(f, cborUint(3), cborUint(uint64(key.Depth)))
	}
	return cborMap(f...), true
}

func makeChildren(text string) (item, error) {
	var out []item
	for _, step := range strings.Split(text, "/") {
		if inner, ok := strings.CutPrefix(step, "<"); ok {
			inner, closed := strings.CutSuffix(inner, ">")
			steps := strings.Split(inner, ";")
			if !closed || len(steps) != 2 {
				return item{}, errs.Bad(errs.Unsupported, "a resource can carry two branches of a key, not %q", step)
			}
			var pair []item
			for _, s := range steps {
				n, err := btc.ParsePathStep(s)
				if err != nil {
					return item{}, err
				}
				pair = append(pair, cborUint(uint64(n&^btc.Hardened)), cborBool(n&btc.Hardened != 0))
			}
			out = append(out, cborArray(pair...))
			continue
		}
		if step == "*" || step == "*h" || step == "*'" {
			out = append(out, cborArray(), cborBool(len(step) > 1))
			continue
		}
		n, err := btc.ParsePathStep(step)
		if err != nil {
			return item{}, err
		}
		out = append(out, cborUint(uint64(n&^btc.Hardened)), cborBool(n&btc.Hardened != 0))
	}
	return cborArray(out...), nil
}

func fingerprintItem(f btc.Fingerprint) item {
	return cborUint(uint64(binary.BigEndian.Uint32(f[:])))
}
