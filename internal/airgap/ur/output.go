package ur

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/address/v2/base58"

	"specter/internal/btc"
	"specter/internal/errs"
)

// The tags of a version 1 output (BCR-2020-010) and the functions they stand for.
var outputTags = map[uint64]string{
	400: "sh", 401: "wsh", 402: "pk", 403: "pkh", 404: "wpkh", 405: "combo",
	406: "multi", 407: "sortedmulti", 408: "raw", 409: "tr", 410: "cosigner",
}

// Output is an output descriptor of a resource: its text without checksum, and its keys.
type Output struct {
	Descriptor string
	Keys       []Key
	Name, Note string // new resources only

	master *btc.Fingerprint // of the account around it
}

// parseOutput reads an output of either version, tagged or not.
// master, if any, is the account's master fingerprint: keys whose origin leaves it out have it.
func parseOutput(it item, master *btc.Fingerprint) (Output, error) {
	for it.kind == kindTag && (it.n == tagOutput || it.n == tagOutputNew) {
		it = it.items[0]
	}
	if it.kind == kindMap {
		return parseOutputText(it, master)
	}
	out := Output{master: master}
	var err error
	out.Descriptor, err = out.function(it)
	return out, err
}

// function writes one function of a version 1 output and gathers its keys.
func (o *Output) function(it item) (string, error) {
	if it.kind != kindTag {
		return "", malformed("the output")
	}
	name, content := outputTags[it.n], it.items[0]
	var inner string
	var err error
	switch {
	case it.n == tagAddress || it.n == tagAddressNew:
		inner, err = parseAddress(content)
		name = "addr"
	case it.n == tagHDKey || it.n == tagHDKeyNew || it.n == tagECKey || it.n == tagECKeyNew:
		return o.key(it)
	case name == "":
		return "", errs.Bad(errs.Unsupported, "the output holds something of the unknown tag %d", it.n)
	case name == "multi" || name == "sortedmulti":
		inner, err = o.multi(content)
	case name == "raw":
		inner = hex.EncodeToString(content.data)
		if content.kind != kindBytes {
			err = malformed("a script")
		}
	default:
		inner, err = o.function(content)
	}
	return name + "(" + inner + ")", err
}

func (o *Output) key(it item) (string, error) {
	k, err := parseKey(it)
	if err != nil {
		return "", err
	}
	if o.master != nil && !k.HasOrigin && len(k.Origin.Path) > 0 {
		k.Origin.Fingerprint, k.HasOrigin = *o.master, true
	}
	o.Keys = append(o.Keys, k)
	return k.Expression(), nil
}

func (o *Output) multi(it item) (string, error) {
	threshold, ok1 := it.field(1)
	keys, ok2 := it.field(2)
	if !ok1 || !ok2 || threshold.kind != kindUint || keys.kind != kindArray {
		return "", malformed("a multisig")
	}
	parts := []string{strconv.FormatUint(threshold.n, 10)}
	for _, k := range keys.items {
		s, err := o.key(k)
		if err != nil {
			return "", err
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ","), nil
}

// parseOutputText reads a version 2 output (BCR-2023-010): text in which @0, @1… stand for keys.
func parseOutputText(it item, master *btc.Fingerprint) (Output, error) {
	source, ok := it.field(1)
	if !ok || source.kind != kindText {
		return Output{}, malformed("the output descriptor")
	}
	out := Output{master: master}
	var exprs []string
	if keys, ok := it.field(2); ok {
		if keys.kind != kindArray {
			return Output{}, malformed("the keys of the output descriptor")
		}
		for _, k := range keys.items {
			expr, err := out.placeholder(k)
			if err != nil {
				return Output{}, err
			}
			exprs = append(exprs, expr)
		}
	}
	if name, ok := it.field(3); ok && name.kind == kindText {
		out.Name = string(name.data)
	}
	if note, ok := it.field(4); ok && note.kind == kindText {
		out.Note = string(note.data)
	}
	text, err := fill(string(source.data), exprs)
	out.Descriptor, _, _ = strings.Cut(text, "#")
	return out, err
}

// placeholder writes what a placeholder stands for: a key or an address.
func (o *Output) placeholder(it item) (string, error) {
	if it.kind == kindTag && (it.n == tagAddress || it.n == tagAddressNew) {
		return parseAddress(it.items[0])
	}
	return o.key(it)
}

// maxDescriptor bounds a descriptor's text: placeholders may stand many times in a source.
const maxDescriptor = 1 << 20

// fill puts the expressions in the place of @0, @1…
func fill(source string, exprs []string) (string, error) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(source, "@")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		digits := 0
		for digits < len(after) && after[digits] >= '0' && after[digits] <= '9' {
			digits++
		}
		n, err := strconv.Atoi(after[:digits])
		if err != nil || n >= len(exprs) {
			return "", errs.Bad(errs.Malformed, "the output descriptor refers to key @%s, which the resource does not hold", after[:digits])
		}
		if b.WriteString(exprs[n]); b.Len() > maxDescriptor {
			return "", errs.Bad(errs.TooLarge, "the output descriptor is too long")
		}
		source = after[digits:]
	}
}

// parseAddress reads an address (BCR-2020-009) as text.
func parseAddress(it item) (string, error) {
	data, ok := it.field(3)
	if !ok || data.kind != kindBytes {
		return "", malformed("the address")
	}
	var use Key
	use.Main = true
	if info, ok := it.field(1); ok {
		if err := use.parseUse(cborMap(cborUint(5), info)); err != nil {
			return "", err
		}
	}
	if use.Coin > 1 {
		return "", errs.Bad(errs.Unsupported, "the address is of another coin (SLIP-44 type %d)", use.Coin)
	}
	network := btc.Mainnet
	if !use.Main {
		network = btc.Testnet3
	}
	typ, typed := it.field(2)
	if typed && typ.kind != kindUint {
		return "", malformed("the address")
	}
	return addressText(data.data, typ.n, typed, network)
}

// addressText prints an address; without a type it is P2PKH, as in the paper's own example.
func addressText(data []byte, typ uint64, typed bool, n btc.Network) (string, error) {
	switch {
	case (!typed || typ == 0) && len(data) == 20:
		return base58.CheckEncode(data, n.Params().PubKeyHashAddrID), nil
	case typed && typ == 1 && len(data) == 20:
		return base58.CheckEncode(data, n.Params().ScriptHashAddrID), nil
	case typed && typ == 2 && (len(data) == 20 || len(data) == 32):
		addr, _ := btc.AddressOf(btc.WitnessScript(0, data), n)
		return addr, nil
	}
	return "", errs.Bad(errs.Unsupported, "the address has %d bytes and type %d, which is no address known here", len(data), typ)
}
