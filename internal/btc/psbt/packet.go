package psbt

import (
	"encoding/hex"
	"slices"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/miniscript"
	"specter/internal/errs"
)

// Packet is a PSBT of either version. The fields of the unsigned transaction live in the
// packet, its inputs and outputs; UnsignedTx puts them together.
type Packet struct {
	Version   uint32 // 0 or 2
	TxVersion int32
	// FallbackLockTime is the locktime of a version 0 transaction; in version 2 it counts where
	// no input requires one (BIP370).
	FallbackLockTime uint32
	// Modifiable are the flags of PSBT_GLOBAL_TX_MODIFIABLE (version 2): bit 0 inputs, bit 1
	// outputs, bit 2 has SIGHASH_SINGLE. Absent is nil.
	Modifiable *byte
	XPubs      []XPub
	ECDHShares []SilentShare // BIP375, version 2
	DLEQProofs []SilentProof // BIP374, version 2
	Unknown    []KeyValue    // unknown and proprietary fields
	Inputs     []Input
	Outputs    []Output

	order keyOrder
}

// XPub is an extended public key with its origin (PSBT_GLOBAL_XPUB). Raw are the 78 bytes of
// BIP32 as they were read, whatever their version bytes.
type XPub struct {
	Raw    [78]byte
	Origin btc.KeyOrigin
}

// Key decodes the extended key; version bytes that no registry knows are an error.
func (x XPub) Key() (btc.XKey, error) {
	k, _, err := btc.DecodeXKey(x.Raw[:])
	return k, err
}

// SilentShare is an ECDH share (33 bytes) for a silent payment's scan key (BIP375).
type SilentShare struct {
	ScanKey, Share [33]byte
}

// SilentProof is a DLEQ proof (BIP374) for a silent payment's scan key.
type SilentProof struct {
	ScanKey [33]byte
	Proof   [64]byte
}

// Input is the map of one input.
type Input struct {
	PrevOut  wire.OutPoint
	Sequence uint32
	// RequiredTime (unix seconds, >= 500000000) and RequiredHeight (blocks) are the locktimes
	// that a version 2 input requires; 0 is absent.
	RequiredTime, RequiredHeight uint32

	NonWitnessUTXO     *wire.MsgTx
	WitnessUTXO        *wire.TxOut
	PartialSigs        []PartialSig
	SighashType        *txscript.SigHashType // nil: absent
	RedeemScript       []byte                // nil: absent
	WitnessScript      []byte                // nil: absent
	Derivations        []Derivation
	FinalScriptSig     []byte         // nil: absent
	FinalScriptWitness wire.TxWitness // nil: absent
	ReserveProof       []byte         // BIP127 commitment; nil: absent
	Preimages          []Preimage

	TapKeySig      []byte // nil: absent
	TapScriptSigs  []TapScriptSig
	TapLeaves      []TapLeaf
	TapDerivations []TapDerivation
	TapInternalKey []byte // 32 bytes; nil: absent
	TapMerkleRoot  []byte // 32 bytes; nil: absent

	MuSig2Participants []MuSig2Participants
	MuSig2Nonces       []MuSig2Nonce
	MuSig2PartialSigs  []MuSig2PartialSig
	ECDHShares         []SilentShare
	DLEQProofs         []SilentProof
	Unknown            []KeyValue

	order keyOrder
}

// PartialSig is an ECDSA signature (DER with its sighash byte) by a public key (33 or 65 bytes).
type PartialSig struct {
	PubKey, Signature []byte
}

// Derivation says where a public key (33 or 65 bytes) comes from.
type Derivation struct {
	PubKey []byte
	Origin btc.KeyOrigin
}

// Preimage is the preimage of a hash in a script. Foreign ones are checked where they are used.
type Preimage struct {
	Kind          miniscript.HashKind
	Digest, Value []byte
}

// TapScriptSig is a Schnorr signature (64 or 65 bytes) for a key in a leaf script (BIP371).
type TapScriptSig struct {
	XOnly     [32]byte
	LeafHash  [32]byte
	Signature []byte
}

// TapLeaf is a leaf script with the control block that leads to it (BIP371).
type TapLeaf struct {
	ControlBlock []byte
	Script       []byte
	Version      byte // leaf version
}

// Hash returns the leaf's TapLeaf hash (BIP341).
func (l TapLeaf) Hash() [32]byte {
	return txscript.NewTapLeaf(txscript.TapscriptLeafVersion(l.Version), l.Script).TapHash()
}

// TapTreeLeaf is a leaf of an output's script tree with its depth (BIP371).
type TapTreeLeaf struct {
	Depth, Version byte
	Script         []byte
}

// TapDerivation says where an x-only key comes from, and in which leaves it appears.
type TapDerivation struct {
	XOnly      [32]byte
	LeafHashes [][32]byte
	Origin     btc.KeyOrigin
}

// MuSig2Participants lists the keys that an aggregate key is made of (BIP373).
type MuSig2Participants struct {
	Aggregate [33]byte
	Keys      [][33]byte
}

// MuSig2Nonce is a participant's public nonce; LeafHash is nil for the key path (BIP373).
type MuSig2Nonce struct {
	Participant, Aggregate [33]byte
	LeafHash               []byte
	Nonce                  [66]byte
}

// MuSig2PartialSig is a participant's partial signature; LeafHash is nil for the key path.
type MuSig2PartialSig struct {
	Participant, Aggregate [33]byte
	LeafHash               []byte
	Signature              [32]byte
}

// Output is the map of one output.
type Output struct {
	Amount int64  // sat
	Script []byte // scriptPubKey; nil only for a silent payment that is not computed yet

	RedeemScript       []byte // nil: absent
	WitnessScript      []byte // nil: absent
	Derivations        []Derivation
	TapInternalKey     []byte        // 32 bytes; nil: absent
	TapTree            []TapTreeLeaf // the whole script tree, depth-first; nil: absent
	TapDerivations     []TapDerivation
	MuSig2Participants []MuSig2Participants
	SilentInfo         []byte // scan and spend key, 66 bytes (BIP375); nil: absent
	SilentLabel        *uint32
	Unknown            []KeyValue

	order keyOrder
}

// New makes a version 0 PSBT of an unsigned transaction (BIP174's creator). Its scriptSigs and
// witnesses must be empty and no coin may be spent twice.
func New(tx *wire.MsgTx) (*Packet, error) {
	if len(tx.TxIn) > maxInputs || len(tx.TxOut) > maxOutputs {
		return nil, errs.Bad(errs.TooLarge, "the transaction has more inputs or outputs than a block holds")
	}
	spent := make(map[wire.OutPoint]bool, len(tx.TxIn))
	for i, in := range tx.TxIn {
		if spent[in.PreviousOutPoint] {
			return nil, errs.Bad(errs.Malformed, "the transaction spends %s twice", in.PreviousOutPoint)
		}
		spent[in.PreviousOutPoint] = true
		if len(in.SignatureScript) != 0 || len(in.Witness) != 0 {
			return nil, errs.Bad(errs.Malformed, "input %d is signed already; a PSBT begins with an unsigned transaction", i)
		}
	}
	return fromUnsigned(tx)
}

func fromUnsigned(tx *wire.MsgTx) (*Packet, error) {
	p := &Packet{TxVersion: tx.Version, FallbackLockTime: tx.LockTime}
	p.Inputs = make([]Input, len(tx.TxIn))
	for i, in := range tx.TxIn {
		if len(in.SignatureScript) != 0 || len(in.Witness) != 0 {
			return nil, errs.Bad(errs.Malformed, "the unsigned transaction of the PSBT has a signature in input %d", i)
		}
		p.Inputs[i] = Input{PrevOut: in.PreviousOutPoint, Sequence: in.Sequence}
	}
	p.Outputs = make([]Output, len(tx.TxOut))
	for i, out := range tx.TxOut {
		p.Outputs[i] = Output{Amount: out.Value, Script: nonNil(out.PkScript)}
	}
	return p, nil
}

// NewV2 makes an empty version 2 PSBT of an unsigned transaction (BIP370's creator and
// constructor in one).
func NewV2(tx *wire.MsgTx) (*Packet, error) {
	p, err := New(tx)
	if err != nil {
		return nil, err
	}
	return p.Convert(2)
}

// UnsignedTx builds the unsigned transaction. The error has code incomplete where an output
// has no script yet, and malformed where the required locktimes contradict each other.
func (p *Packet) UnsignedTx() (*wire.MsgTx, error) {
	lock, err := p.LockTime()
	if err != nil {
		return nil, err
	}
	tx := &wire.MsgTx{Version: p.TxVersion, LockTime: lock}
	ins := make([]wire.TxIn, len(p.Inputs))
	tx.TxIn = make([]*wire.TxIn, len(p.Inputs))
	for i := range p.Inputs {
		ins[i] = wire.TxIn{PreviousOutPoint: p.Inputs[i].PrevOut, Sequence: p.Inputs[i].Sequence}
		tx.TxIn[i] = &ins[i]
	}
	outs := make([]wire.TxOut, len(p.Outputs))
	tx.TxOut = make([]*wire.TxOut, len(p.Outputs))
	for i := range p.Outputs {
		if p.Outputs[i].Script == nil {
			return nil, errs.Bad(errs.Incomplete, "output %d has no script yet; a silent payment has to be computed first", i)
		}
		outs[i] = wire.TxOut{Value: p.Outputs[i].Amount, PkScript: p.Outputs[i].Script}
		tx.TxOut[i] = &outs[i]
	}
	return tx, nil
}

// TxID returns the txid of the unsigned transaction. With segwit inputs alone it is the txid
// of the signed one as well.
func (p *Packet) TxID() (chainhash.Hash, error) {
	tx, err := p.UnsignedTx()
	if err != nil {
		return chainhash.Hash{}, err
	}
	return tx.TxHash(), nil
}

// Clone returns a packet whose lists may be changed without changing p.
func (p *Packet) Clone() *Packet {
	c := *p
	c.XPubs = slices.Clone(p.XPubs)
	c.ECDHShares, c.DLEQProofs = slices.Clone(p.ECDHShares), slices.Clone(p.DLEQProofs)
	c.Unknown = slices.Clone(p.Unknown)
	c.Inputs = slices.Clone(p.Inputs)
	for i := range c.Inputs {
		c.Inputs[i].cloneLists()
	}
	c.Outputs = slices.Clone(p.Outputs)
	for i := range c.Outputs {
		c.Outputs[i].cloneLists()
	}
	return &c
}

func (in *Input) cloneLists() {
	in.PartialSigs = slices.Clone(in.PartialSigs)
	in.Derivations = slices.Clone(in.Derivations)
	in.Preimages = slices.Clone(in.Preimages)
	in.TapScriptSigs = slices.Clone(in.TapScriptSigs)
	in.TapLeaves = slices.Clone(in.TapLeaves)
	in.TapDerivations = slices.Clone(in.TapDerivations)
	in.MuSig2Participants = slices.Clone(in.MuSig2Participants)
	in.MuSig2Nonces = slices.Clone(in.MuSig2Nonces)
	in.MuSig2PartialSigs = slices.Clone(in.MuSig2PartialSigs)
	in.ECDHShares, in.DLEQProofs = slices.Clone(in.ECDHShares), slices.Clone(in.DLEQProofs)
	in.Unknown = slices.Clone(in.Unknown)
}

func (o *Output) cloneLists() {
	o.Derivations = slices.Clone(o.Derivations)
	o.TapTree = slices.Clone(o.TapTree)
	o.TapDerivations = slices.Clone(o.TapDerivations)
	o.MuSig2Participants = slices.Clone(o.MuSig2Participants)
	o.Unknown = slices.Clone(o.Unknown)
}

// Finalized reports whether the input has its final scripts.
func (in *Input) Finalized() bool {
	return in.FinalScriptSig != nil || in.FinalScriptWitness != nil
}

func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func shortHex(b []byte) string {
	if len(b) > 12 {
		return hex.EncodeToString(b[:12]) + "…"
	}
	return hex.EncodeToString(b)
}
