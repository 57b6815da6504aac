package psbt

import (
	"encoding/binary"
	"slices"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"

	"specter/internal/btc"
	"specter/internal/errs"
)

// The key types of BIP174, 370, 371, 373 and 375.
const (
	globalUnsignedTx   = 0x00
	globalXPub         = 0x01
	globalTxVersion    = 0x02
	globalLockTime     = 0x03
	globalInputCount   = 0x04
	globalOutputCount  = 0x05
	globalModifiable   = 0x06
	globalECDHShare    = 0x07
	globalDLEQ         = 0x08
	globalVersion      = 0xfb
	inNonWitnessUTXO   = 0x00
	inWitnessUTXO      = 0x01
	inPartialSig       = 0x02
	inSighashType      = 0x03
	inRedeemScript     = 0x04
	inWitnessScript    = 0x05
	inDerivation       = 0x06
	inFinalScriptSig   = 0x07
	inFinalWitness     = 0x08
	inReserveProof     = 0x09
	inRIPEMD160        = 0x0a
	inSHA256           = 0x0b
	inHASH160          = 0x0c
	inHASH256          = 0x0d
	inPrevTxID         = 0x0e
	inOutputIndex      = 0x0f
	inSequence         = 0x10
	inRequiredTime     = 0x11
	inRequiredHeight   = 0x12
	inTapKeySig        = 0x13
	inTapScriptSig     = 0x14
	inTapLeaf          = 0x15
	inTapDerivation    = 0x16
	inTapInternalKey   = 0x17
	inTapMerkleRoot    = 0x18
	inMuSig2Keys       = 0x1a
	inMuSig2Nonce      = 0x1b
	inMuSig2Sig        = 0x1c
	inECDHShare        = 0x1d
	inDLEQ             = 0x1e
	outRedeemScript    = 0x00
	outWitnessScript   = 0x01
	outDerivation      = 0x02
	outAmount          = 0x03
	outScript          = 0x04
	outTapInternalKey  = 0x05
	outTapTree         = 0x06
	outTapDerivation   = 0x07
	outMuSig2Keys      = 0x08
	outSilentInfo      = 0x09
	outSilentLabel     = 0x0a
	typeProprietary    = 0xfc
	maxTapDepth        = 128
	finalSequence      = 0xffffffff
	lockTimeThreshold  = 500_000_000
	maxDerivationSteps = 255
)

// badField names a field that breaks its BIP's format.
func badField(name, format string, args ...any) error {
	return errs.Bad(errs.Malformed, "the PSBT field "+name+" "+format, args...)
}

// noKeyData refuses key data where a field has none.
func noKeyData(kv KeyValue, name string) error {
	if len(kv.Key) != 1 {
		return badField(name, "must have no key data, it has %d bytes", len(kv.Key)-1)
	}
	return nil
}

// sized refuses key data or a value of another length; a length of -1 is any.
func sized(kv KeyValue, name string, keyData, value int) error {
	if keyData >= 0 && len(kv.Key) != 1+keyData {
		return badField(name, "has %d bytes of key data instead of %d", len(kv.Key)-1, keyData)
	}
	if value >= 0 && len(kv.Value) != value {
		return badField(name, "has %d bytes instead of %d", len(kv.Value), value)
	}
	return nil
}

// checkPubKey refuses what is no public key of 33 or 65 bytes on the curve (02, 03 or 04).
func checkPubKey(b []byte, name string) error {
	if len(b) != 33 && len(b) != 65 || len(b) == 65 && b[0] != 4 {
		return badField(name, "holds a public key of a wrong length or kind")
	}
	if _, err := btcec.ParsePubKey(b); err != nil {
		return badField(name, "holds a public key that is not on the curve: %w", err)
	}
	return nil
}

func checkCompressed(b []byte, name string) error {
	if len(b) != 33 {
		return badField(name, "holds a public key of %d bytes instead of 33", len(b))
	}
	return checkPubKey(b, name)
}

func checkXOnly(b []byte, name string) error {
	if len(b) != 32 {
		return badField(name, "holds an x-only key of %d bytes instead of 32", len(b))
	}
	if _, err := schnorr.ParsePubKey(b); err != nil {
		return badField(name, "holds an x-only key that is not on the curve: %w", err)
	}
	return nil
}

// parseOrigin reads a fingerprint and path steps (BIP174).
func parseOrigin(b []byte, name string) (btc.KeyOrigin, error) {
	var o btc.KeyOrigin
	if len(b) < 4 || len(b)%4 != 0 {
		return o, badField(name, "holds a key origin of %d bytes; it must be a multiple of 4", len(b))
	}
	if len(b)/4-1 > maxDerivationSteps {
		return o, badField(name, "holds a path of %d steps; BIP32 allows 255", len(b)/4-1)
	}
	copy(o.Fingerprint[:], b)
	for i := 4; i < len(b); i += 4 {
		o.Path = append(o.Path, binary.LittleEndian.Uint32(b[i:]))
	}
	return o, nil
}

func appendOrigin(b []byte, o btc.KeyOrigin) []byte {
	b = append(b, o.Fingerprint[:]...)
	for _, step := range o.Path {
		b = binary.LittleEndian.AppendUint32(b, step)
	}
	return b
}

func parseDerivation(kv KeyValue, name string) (Derivation, error) {
	if err := checkPubKey(kv.Key[1:], name); err != nil {
		return Derivation{}, err
	}
	o, err := parseOrigin(kv.Value, name)
	return Derivation{kv.Key[1:], o}, err
}

func parseTapDerivation(kv KeyValue, name string) (TapDerivation, error) {
	var d TapDerivation
	if err := checkXOnly(kv.Key[1:], name); err != nil {
		return d, err
	}
	d.XOnly = [32]byte(kv.Key[1:])
	r := &reader{b: kv.Value}
	n, err := r.compactSize()
	if err != nil || n > uint64(len(r.b))/32 {
		return d, badField(name, "counts more leaf hashes than it holds")
	}
	for range n {
		h, _ := r.take(32)
		d.LeafHashes = append(d.LeafHashes, [32]byte(h))
	}
	d.Origin, err = parseOrigin(r.b, name)
	return d, err
}

func (d TapDerivation) field(typ byte) KeyValue {
	v := appendCompactSize(nil, uint64(len(d.LeafHashes)))
	for _, h := range d.LeafHashes {
		v = append(v, h[:]...)
	}
	return pair(appendOrigin(v, d.Origin), typ, d.XOnly[:])
}

func parseMuSig2Participants(kv KeyValue, name string) (MuSig2Participants, error) {
	var m MuSig2Participants
	if err := checkCompressed(kv.Key[1:], name); err != nil {
		return m, err
	}
	m.Aggregate = [33]byte(kv.Key[1:])
	if len(kv.Value) == 0 || len(kv.Value)%33 != 0 {
		return m, badField(name, "is no list of public keys of 33 bytes")
	}
	for part := range slices.Chunk(kv.Value, 33) {
		if err := checkCompressed(part, name); err != nil {
			return m, err
		}
		m.Keys = append(m.Keys, [33]byte(part))
	}
	return m, nil
}

func (m MuSig2Participants) field(typ byte) KeyValue {
	v := make([]byte, 0, 33*len(m.Keys))
	for i := range m.Keys {
		v = append(v, m.Keys[i][:]...)
	}
	return pair(v, typ, m.Aggregate[:])
}

func parseSilentShare(kv KeyValue, name string) (SilentShare, error) {
	var s SilentShare
	if err := sized(kv, name, 33, 33); err != nil {
		return s, err
	}
	if err := checkCompressed(kv.Key[1:], name); err != nil {
		return s, err
	}
	if err := checkCompressed(kv.Value, name); err != nil {
		return s, err
	}
	return SilentShare{[33]byte(kv.Key[1:]), [33]byte(kv.Value)}, nil
}

func parseSilentProof(kv KeyValue, name string) (SilentProof, error) {
	var s SilentProof
	if err := sized(kv, name, 33, 64); err != nil {
		return s, err
	}
	if err := checkCompressed(kv.Key[1:], name); err != nil {
		return s, err
	}
	return SilentProof{[33]byte(kv.Key[1:]), [64]byte(kv.Value)}, nil
}

// checkUnknown holds a field that is kept as it is to the little that BIP174 says: a type in
// its shortest form, and an identifier in a proprietary key.
func checkUnknown(kv KeyValue) error {
	r := &reader{b: kv.Key}
	if _, err := r.compactSize(); err != nil {
		return badField(shortHex(kv.Key), "has no well-formed key type")
	}
	if kv.Key[0] != typeProprietary {
		return nil
	}
	if _, err := r.varBytes(); err != nil {
		return badField(shortHex(kv.Key), "is proprietary but has no identifier")
	}
	if _, err := r.compactSize(); err != nil {
		return badField(shortHex(kv.Key), "is proprietary but has no subtype")
	}
	return nil
}

// pair makes a field of a value, a type and key data.
func pair(value []byte, typ byte, keyData ...[]byte) KeyValue {
	n := 1
	for _, d := range keyData {
		n += len(d)
	}
	key := append(make([]byte, 0, n), typ)
	for _, d := range keyData {
		key = append(key, d...)
	}
	return KeyValue{key, value}
}

func uint32Bytes(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }
