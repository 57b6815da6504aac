package psbt

import (
	"encoding/base64"
	"encoding/hex"

	"specter/internal/errs"
)

// Serialize writes the binary PSBT of the packet's version. What was read and not changed is
// written byte for byte as it was read; otherwise fields stand in canonical order.
func (p *Packet) Serialize() ([]byte, error) {
	global, err := p.globalFields()
	if err != nil {
		return nil, err
	}
	b := appendMap(append([]byte(nil), magic...), global)
	for i := range p.Inputs {
		b = appendMap(b, p.Inputs[i].fields(p.Version))
	}
	for i := range p.Outputs {
		b = appendMap(b, p.Outputs[i].fields(p.Version))
	}
	if len(b) > maxPacketBytes {
		return nil, errs.Bad(errs.TooLarge, "the PSBT would be larger than 100 MiB")
	}
	return b, nil
}

// Base64 writes the PSBT as base64, its text form (BIP174).
func (p *Packet) Base64() (string, error) {
	b, err := p.Serialize()
	return base64.StdEncoding.EncodeToString(b), err
}

// Hex writes the PSBT as hexadecimal.
func (p *Packet) Hex() (string, error) {
	b, err := p.Serialize()
	return hex.EncodeToString(b), err
}

func (p *Packet) globalFields() ([]KeyValue, error) {
	pairs, err := p.globalCanonical()
	return p.order.arrange(pairs), err
}

func (p *Packet) globalCanonical() ([]KeyValue, error) {
	out := make([]KeyValue, 0, len(p.order)+2)
	switch p.Version {
	case 0:
		tx, err := p.UnsignedTx()
		if err != nil {
			return nil, err
		}
		out = append(out, pair(serializeUnsigned(tx), globalUnsignedTx))
		if p.order.has(globalVersion) {
			out = append(out, pair(uint32Bytes(0), globalVersion))
		}
	case 2:
		out = p.appendGlobalV2(out)
	default:
		return nil, errs.Bad(errs.Unsupported, "a PSBT of version %d cannot be written; 0 and 2 can", p.Version)
	}
	for _, x := range p.XPubs {
		out = append(out, pair(appendOrigin(nil, x.Origin), globalXPub, x.Raw[:]))
	}
	return sortFields(append(out, p.Unknown...), len(out)), nil
}

func (p *Packet) appendGlobalV2(out []KeyValue) []KeyValue {
	out = append(out, pair(uint32Bytes(uint32(p.TxVersion)), globalTxVersion))
	if p.FallbackLockTime != 0 || p.order.has(globalLockTime) {
		out = append(out, pair(uint32Bytes(p.FallbackLockTime), globalLockTime))
	}
	out = append(out,
		pair(appendCompactSize(nil, uint64(len(p.Inputs))), globalInputCount),
		pair(appendCompactSize(nil, uint64(len(p.Outputs))), globalOutputCount))
	if p.Modifiable != nil {
		out = append(out, pair([]byte{*p.Modifiable}, globalModifiable))
	}
	for _, s := range p.ECDHShares {
		out = append(out, pair(s.Share[:], globalECDHShare, s.ScanKey[:]))
	}
	for _, s := range p.DLEQProofs {
		out = append(out, pair(s.Proof[:], globalDLEQ, s.ScanKey[:]))
	}
	return append(out, pair(uint32Bytes(p.Version), globalVersion))
}
