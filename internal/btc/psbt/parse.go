package psbt

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"specter/internal/errs"
)

var magic = []byte("psbt\xff")

// Decode reads a PSBT as base64, hexadecimal or binary, whichever it is; blanks and line ends
// in the text forms do not matter.
func Decode(s string) (*Packet, error) {
	raw, err := Bytes(s)
	if err != nil {
		return nil, err
	}
	return Parse(raw)
}

// Bytes tells base64, hexadecimal and binary apart and returns the binary form, unparsed.
func Bytes(s string) ([]byte, error) {
	if len(s) > 2*maxPacketBytes {
		return nil, errs.Bad(errs.TooLarge, "the PSBT is larger than 100 MiB")
	}
	if strings.HasPrefix(s, string(magic)) {
		return []byte(s), nil
	}
	text := strings.Join(strings.Fields(s), "")
	if len(text) >= 10 && strings.EqualFold(text[:10], hex.EncodeToString(magic)) {
		raw, err := hex.DecodeString(text)
		if err != nil {
			return nil, errs.Bad(errs.BadEncoding, "the PSBT begins as hexadecimal but is not: %w", err)
		}
		return raw, nil
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		raw, err = base64.RawStdEncoding.Strict().DecodeString(text)
	}
	if err != nil {
		return nil, errs.Bad(errs.BadEncoding, "this is no PSBT: neither base64 nor hexadecimal nor binary")
	}
	return raw, nil
}

// Parse reads a binary PSBT of version 0 or 2. It is strict: duplicate keys, wrong lengths,
// keys off the curve, fields of the other version and left-over bytes are refused.
func Parse(raw []byte) (*Packet, error) {
	if len(raw) > maxPacketBytes {
		return nil, errs.Bad(errs.TooLarge, "the PSBT is larger than 100 MiB")
	}
	if !bytes.HasPrefix(raw, magic) {
		return nil, errs.Bad(errs.Malformed, "this is no PSBT: it does not begin with the magic bytes")
	}
	r := &reader{b: bytes.Clone(raw[len(magic):])}
	var global []KeyValue
	if err := r.readMap(func(kv KeyValue) error { global = append(global, kv); return nil }); err != nil {
		return nil, err
	}
	p, err := parseGlobal(global, uint64(len(r.b)))
	if err != nil {
		return nil, err
	}
	if err := p.readInputs(r); err != nil {
		return nil, err
	}
	if err := p.readOutputs(r); err != nil {
		return nil, err
	}
	if len(r.b) != 0 {
		return nil, errs.Bad(errs.Malformed, "%d bytes are left over after the PSBT", len(r.b))
	}
	if _, err := p.LockTime(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Packet) readInputs(r *reader) error {
	for i := range p.Inputs {
		in := &p.Inputs[i]
		err := r.readMap(func(kv KeyValue) error {
			in.order = append(in.order, kv.Key)
			return in.add(p.Version, kv)
		})
		if err != nil {
			return errs.Bad(errs.CodeOf(err), "input %d: %w", i, err)
		}
		if err := in.checkRead(p.Version, i); err != nil {
			return err
		}
	}
	return nil
}

func (p *Packet) readOutputs(r *reader) error {
	for i := range p.Outputs {
		o := &p.Outputs[i]
		err := r.readMap(func(kv KeyValue) error {
			o.order = append(o.order, kv.Key)
			return o.add(p.Version, kv)
		})
		if err != nil {
			return errs.Bad(errs.CodeOf(err), "output %d: %w", i, err)
		}
		if err := o.checkRead(p.Version, i); err != nil {
			return err
		}
	}
	return nil
}

// parseGlobal makes a packet with as many empty inputs and outputs as the global map says;
// rest is how many bytes follow, so that counts can be held against them.
func parseGlobal(global []KeyValue, rest uint64) (*Packet, error) {
	version, err := globalVersionOf(global)
	if err != nil {
		return nil, err
	}
	p := &Packet{}
	if version == 0 {
		p, err = globalV0(global)
	} else {
		err = p.globalV2(global, rest)
	}
	if err != nil {
		return nil, err
	}
	p.Version = version
	for _, kv := range global {
		p.order = append(p.order, kv.Key)
		if err := p.addGlobal(kv); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func globalVersionOf(global []KeyValue) (uint32, error) {
	for _, kv := range global {
		if kv.Key[0] != globalVersion {
			continue
		}
		if err := sized(kv, "PSBT_GLOBAL_VERSION", 0, 4); err != nil {
			return 0, err
		}
		v := binary.LittleEndian.Uint32(kv.Value)
		if v == 1 {
			return 0, errs.Bad(errs.Malformed, "a PSBT of version 1 does not exist")
		}
		if v > 2 {
			return 0, errs.Bad(errs.Unsupported, "this PSBT has version %d; 0 and 2 are known", v)
		}
		return v, nil
	}
	return 0, nil
}

func globalV0(global []KeyValue) (*Packet, error) {
	for _, kv := range global {
		if kv.Key[0] != globalUnsignedTx {
			continue
		}
		if err := noKeyData(kv, "PSBT_GLOBAL_UNSIGNED_TX"); err != nil {
			return nil, err
		}
		tx, err := decodeTx(kv.Value, false)
		if err != nil {
			return nil, err
		}
		return fromUnsigned(tx)
	}
	return nil, errs.Bad(errs.Malformed, "the PSBT has no unsigned transaction")
}

// globalV2 reads what only version 2 has: transaction version, locktime and the counts.
func (p *Packet) globalV2(global []KeyValue, rest uint64) error {
	var haveVersion, haveIn, haveOut bool
	var inputs, outputs uint64
	for _, kv := range global {
		var err error
		switch kv.Key[0] {
		case globalUnsignedTx:
			err = badField("PSBT_GLOBAL_UNSIGNED_TX", "is not allowed in a version 2 PSBT")
		case globalTxVersion:
			if err = sized(kv, "PSBT_GLOBAL_TX_VERSION", 0, 4); err == nil {
				p.TxVersion, haveVersion = int32(binary.LittleEndian.Uint32(kv.Value)), true
			}
		case globalLockTime:
			if err = sized(kv, "PSBT_GLOBAL_FALLBACK_LOCKTIME", 0, 4); err == nil {
				p.FallbackLockTime = binary.LittleEndian.Uint32(kv.Value)
			}
		case globalInputCount:
			inputs, err = countField(kv, "PSBT_GLOBAL_INPUT_COUNT")
			haveIn = true
		case globalOutputCount:
			outputs, err = countField(kv, "PSBT_GLOBAL_OUTPUT_COUNT")
			haveOut = true
		case globalModifiable:
			if err = sized(kv, "PSBT_GLOBAL_TX_MODIFIABLE", 0, 1); err == nil {
				flags := kv.Value[0]
				p.Modifiable = &flags
			}
		}
		if err != nil {
			return err
		}
	}
	if !haveVersion || !haveIn || !haveOut {
		return errs.Bad(errs.Malformed, "the version 2 PSBT lacks its transaction version, input count or output count")
	}
	// The shortest input map has 42 bytes, the shortest output map 15.
	if inputs > rest/42 || outputs > rest/15 {
		return errShort
	}
	if inputs > maxInputs || outputs > maxOutputs {
		return errs.Bad(errs.TooLarge, "the PSBT has %d inputs and %d outputs, more than a block holds", inputs, outputs)
	}
	p.Inputs, p.Outputs = make([]Input, inputs), make([]Output, outputs)
	for i := range p.Inputs {
		p.Inputs[i].Sequence = finalSequence
	}
	return nil
}

func countField(kv KeyValue, name string) (uint64, error) {
	if err := noKeyData(kv, name); err != nil {
		return 0, err
	}
	r := &reader{b: kv.Value}
	n, err := r.compactSize()
	if err != nil || len(r.b) != 0 {
		return 0, badField(name, "is no count")
	}
	return n, nil
}

// globalOnlyV2 names the global fields that version 0 must not have.
var globalOnlyV2 = map[byte]string{
	globalTxVersion: "PSBT_GLOBAL_TX_VERSION", globalLockTime: "PSBT_GLOBAL_FALLBACK_LOCKTIME",
	globalInputCount: "PSBT_GLOBAL_INPUT_COUNT", globalOutputCount: "PSBT_GLOBAL_OUTPUT_COUNT",
	globalModifiable: "PSBT_GLOBAL_TX_MODIFIABLE", globalECDHShare: "PSBT_GLOBAL_SP_ECDH_SHARE",
	globalDLEQ: "PSBT_GLOBAL_SP_DLEQ",
}

// addGlobal reads the global fields that both versions have, and keeps the unknown ones.
func (p *Packet) addGlobal(kv KeyValue) error {
	typ := kv.Key[0]
	if name, only := globalOnlyV2[typ]; only && p.Version < 2 {
		if len(kv.Key) == 1 || typ >= globalECDHShare && len(kv.Key) == 34 {
			return badField(name, "is not allowed in a version 0 PSBT")
		}
		p.Unknown = append(p.Unknown, kv)
		return nil
	}
	var err error
	switch typ {
	case globalXPub:
		var x XPub
		x, err = parseXPub(kv)
		p.XPubs = append(p.XPubs, x)
	case globalECDHShare:
		var s SilentShare
		s, err = parseSilentShare(kv, globalOnlyV2[typ])
		p.ECDHShares = append(p.ECDHShares, s)
	case globalDLEQ:
		var s SilentProof
		s, err = parseSilentProof(kv, globalOnlyV2[typ])
		p.DLEQProofs = append(p.DLEQProofs, s)
	case globalUnsignedTx, globalTxVersion, globalLockTime, globalInputCount, globalOutputCount, globalModifiable, globalVersion:
	default:
		p.Unknown = append(p.Unknown, kv)
		err = checkUnknown(kv)
	}
	return err
}

func parseXPub(kv KeyValue) (XPub, error) {
	const name = "PSBT_GLOBAL_XPUB"
	var x XPub
	if err := sized(kv, name, 78, -1); err != nil {
		return x, err
	}
	x.Raw = [78]byte(kv.Key[1:])
	if err := checkCompressed(x.Raw[45:], name); err != nil {
		return x, err
	}
	var err error
	if x.Origin, err = parseOrigin(kv.Value, name); err != nil {
		return x, err
	}
	if len(x.Origin.Path) != int(x.Raw[4]) {
		return x, badField(name, "has a path of %d steps but a key of depth %d", len(x.Origin.Path), x.Raw[4])
	}
	return x, nil
}
