package alpha

import (
	"encoding/hex"
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/wallet"
)

// psbtObject is a PSBT in the old Specter's shape.
type psbtObject struct {
	Tx       txObject          `json:"tx"`
	Inputs   []scopeObject     `json:"inputs"`
	Outputs  []scopeObject     `json:"outputs"`
	Base64   string            `json:"base64"`
	Fee      json.RawMessage   `json:"fee"`
	FeeSat   btcutil.Amount    `json:"fee_sat"`
	Address  []string          `json:"address"`
	Amount   []json.RawMessage `json:"amount"`
	Sats     []btcutil.Amount  `json:"sats"`
	FullSize int               `json:"tx_full_size"`
	Sigs     int               `json:"sigs_count"`
	Time     json.RawMessage   `json:"time"`
	Signed   []string          `json:"devices_signed"`
	FeeRate  json.RawMessage   `json:"fee_rate"`
	Raw      string            `json:"raw,omitempty"` // once final
}

type txObject struct {
	TxID     string       `json:"txid"`
	Hash     string       `json:"hash"`
	Version  int32        `json:"version"`
	Size     int          `json:"size"`
	VSize    int64        `json:"vsize"`
	Weight   int64        `json:"weight"`
	LockTime uint32       `json:"locktime"`
	Vin      []vinObject  `json:"vin"`
	Vout     []voutObject `json:"vout"`
}

type vinObject struct {
	TxID     string `json:"txid"`
	Vout     uint32 `json:"vout"`
	Sequence uint32 `json:"sequence"`
}

type voutObject struct {
	Value  json.RawMessage `json:"value"`
	Sats   int64           `json:"sats"`
	N      int             `json:"n"`
	Script scriptObject    `json:"scriptPubKey"`
}

type scriptObject struct {
	Hex       string   `json:"hex"`
	Addresses []string `json:"addresses,omitempty"`
}

type utxoObject struct {
	Amount json.RawMessage `json:"amount"`
	Sats   int64           `json:"sats"`
	Script scriptObject    `json:"scriptPubKey"`
}

// scopeObject is an input or an output.
type scopeObject struct {
	Change    bool            `json:"change"`
	Mine      bool            `json:"is_mine"`
	Address   *string         `json:"address"`
	Amount    json.RawMessage `json:"float_amount"`
	Sats      *int64          `json:"sat_amount"`
	Keys      []keyObject     `json:"bip32_derivs,omitempty"`
	TapKeys   []keyObject     `json:"taproot_bip32_derivs,omitempty"`
	TapKey    string          `json:"taproot_internal_key,omitempty"`
	TxID      string          `json:"txid,omitempty"`
	Vout      *uint32         `json:"vout,omitempty"`
	Witness   *utxoObject     `json:"witness_utxo,omitempty"`
	NoWitness *txObject       `json:"non_witness_utxo,omitempty"`
}

type keyObject struct {
	PubKey      string    `json:"pubkey"`
	Fingerprint string    `json:"master_fingerprint"`
	Path        string    `json:"path"`
	Leaves      *[]string `json:"leaf_hashes,omitempty"`
}

// place is where a script stands in the wallet.
type place struct{ mine, change bool }

// subject is a PSBT with what the wallet knows about it.
type subject struct {
	p         *psbt.Packet
	network   btc.Network
	own       func(script []byte) place
	threshold int
	cosigners []wallet.DraftSigner
	created   time.Time
	final     []byte // the signed transaction; nil: not complete
}

// object computes the old Specter's shape.
func (s *subject) object() (psbtObject, error) {
	tx, err := s.p.UnsignedTx()
	if err != nil {
		return psbtObject{}, err
	}
	base64, err := s.p.Base64()
	if err != nil {
		return psbtObject{}, err
	}
	o := psbtObject{Tx: txOf(tx), Base64: base64, Address: []string{}, Amount: []json.RawMessage{}, Sats: []btcutil.Amount{},
		FullSize: s.fullSize(tx), Sigs: s.signatures(), Time: moment(s.created), Signed: s.devices()}
	for i := range s.p.Inputs {
		o.Inputs = append(o.Inputs, s.input(i))
	}
	for i := range s.p.Outputs {
		s.output(&o, &s.p.Outputs[i])
	}
	if o.FeeSat, err = s.p.Fee(); err != nil {
		o.FeeSat = 0 // a coin that the PSBT does not describe: as the old Specter
	}
	o.Fee, o.FeeRate = coins(o.FeeSat), rateOf(o.FeeSat, o.FullSize)
	if s.final != nil {
		o.Raw = hex.EncodeToString(s.final)
	}
	return o, nil
}

func txOf(tx *wire.MsgTx) txObject {
	i := psbt.InspectTx(tx)
	o := txObject{TxID: i.TxID.String(), Hash: i.WTxID.String(), Version: i.Version, Size: i.Size, VSize: int64(i.VSize), Weight: int64(i.Weight),
		LockTime: i.LockTime, Vin: []vinObject{}, Vout: []voutObject{}}
	for _, in := range tx.TxIn {
		o.Vin = append(o.Vin, vinObject{in.PreviousOutPoint.Hash.String(), in.PreviousOutPoint.Index, in.Sequence})
	}
	for n, out := range tx.TxOut {
		o.Vout = append(o.Vout, voutObject{coins(btcutil.Amount(out.Value)), out.Value, n, scriptObject{Hex: hex.EncodeToString(out.PkScript)}})
	}
	return o
}

// scope begins an input or output that pays or spends a script.
func (s *subject) scope(out *wire.TxOut) scopeObject {
	at := s.own(out.PkScript)
	address := s.address(out.PkScript)
	return scopeObject{Change: at.change, Mine: at.mine, Address: &address, Amount: coins(btcutil.Amount(out.Value)), Sats: &out.Value}
}

// address is a script's address; what has none is shown as it is.
func (s *subject) address(script []byte) string {
	if a, ok := btc.AddressOf(script, s.network); ok {
		return a
	}
	if len(script) > 0 && script[0] == txscript.OP_RETURN {
		return "OP_RETURN " + hex.EncodeToString(script)
	}
	return hex.EncodeToString(script)
}

func (s *subject) input(i int) scopeObject {
	in := &s.p.Inputs[i]
	o := scopeObject{Amount: json.RawMessage("null")}
	coin, err := s.p.PrevOut(i)
	if err == nil && coin != nil {
		o = s.scope(coin)
	}
	o.Keys, o.TapKeys, o.TapKey = keysOf(in.Derivations), tapKeysOf(in.TapDerivations), hex.EncodeToString(in.TapInternalKey)
	o.TxID, o.Vout = in.PrevOut.Hash.String(), &in.PrevOut.Index
	switch {
	case in.WitnessUTXO != nil:
		script := scriptObject{Hex: hex.EncodeToString(in.WitnessUTXO.PkScript)}
		if a, ok := btc.AddressOf(in.WitnessUTXO.PkScript, s.network); ok {
			script.Addresses = []string{a}
		}
		o.Witness = &utxoObject{coins(btcutil.Amount(in.WitnessUTXO.Value)), in.WitnessUTXO.Value, script}
	case in.NonWitnessUTXO != nil:
		tx := txOf(in.NonWitnessUTXO)
		o.NoWitness = &tx
	}
	return o
}

// output adds an output, and to the lists what it pays: address and amount of all that is no
// change, sats of all that is not the wallet's.
func (s *subject) output(o *psbtObject, out *psbt.Output) {
	v := s.scope(&wire.TxOut{Value: out.Amount, PkScript: out.Script})
	v.Keys, v.TapKeys, v.TapKey = keysOf(out.Derivations), tapKeysOf(out.TapDerivations), hex.EncodeToString(out.TapInternalKey)
	o.Outputs = append(o.Outputs, v)
	if !v.Change {
		o.Address, o.Amount = append(o.Address, *v.Address), append(o.Amount, v.Amount)
	}
	if !v.Mine {
		o.Sats = append(o.Sats, btcutil.Amount(out.Amount))
	}
}

func keysOf(list []psbt.Derivation) (out []keyObject) {
	for _, d := range list {
		out = append(out, keyObject{hex.EncodeToString(d.PubKey), d.Origin.Fingerprint.String(), d.Origin.Path.Full(), nil})
	}
	return out
}

func tapKeysOf(list []psbt.TapDerivation) (out []keyObject) {
	for _, d := range list {
		leaves := []string{}
		for _, h := range d.LeafHashes {
			leaves = append(leaves, hex.EncodeToString(h[:]))
		}
		out = append(out, keyObject{hex.EncodeToString(d.XOnly[:]), d.Origin.Fingerprint.String(), d.Origin.Path.Full(), &leaves})
	}
	return out
}

// The sizes that the old Specter reckons with: a signature and a public key, in weight units.
const (
	sigSize = 75
	keySize = 34
)

// fullSize is the old Specter's estimate of the signed transaction, in vbytes.
func (s *subject) fullSize(tx *wire.MsgTx) int {
	weight := 4*tx.SerializeSizeStripped() + 4
	for i := range s.p.Inputs {
		in := &s.p.Inputs[i]
		switch {
		case in.WitnessScript == nil:
			weight += sigSize + keySize
		default:
			weight += len(in.WitnessScript) + 2
			if m, n, ok := plainMultisig(in.WitnessScript); ok {
				weight += keySize*n + sigSize*m
			}
		}
		weight += 4 * len(in.RedeemScript)
	}
	return (weight + 3) / 4
}

// plainMultisig reads a script that is OP_CHECKMULTISIG and nothing else.
func plainMultisig(script []byte) (m, n int, ok bool) {
	class := txscript.GetScriptClass(script)
	if class != txscript.MultiSigTy {
		return 0, 0, false
	}
	n, m, err := txscript.CalcMultiSigStats(script)
	return m, n, err == nil
}

// signatures counts as the old Specter does: the greatest number on one input, or the threshold
// when the PSBT is final.
func (s *subject) signatures() int {
	most := 0
	for i := range s.p.Inputs {
		in := &s.p.Inputs[i]
		if in.Finalized() {
			return max(s.threshold, 1)
		}
		n := len(in.PartialSigs) + len(in.TapScriptSigs)
		if in.TapKeySig != nil {
			n++
		}
		most = max(most, n)
	}
	return most
}

// devices lists the devices that have signed anything.
func (s *subject) devices() []string {
	out := []string{}
	for _, c := range s.cosigners {
		if c.DeviceAlias != "" && (c.Signed || s.signedBy(c.Cosigner)) && !slices.Contains(out, c.DeviceAlias) {
			out = append(out, c.DeviceAlias)
		}
	}
	return out
}

// signedBy reports whether an input has a signature by a key of a cosigner's account.
func (s *subject) signedBy(c wallet.Cosigner) bool {
	of := func(o btc.KeyOrigin) bool {
		return o.Fingerprint == c.Fingerprint && len(o.Path) >= len(c.Path) && slices.Equal(o.Path[:len(c.Path)], c.Path)
	}
	for i := range s.p.Inputs {
		in := &s.p.Inputs[i]
		for _, d := range in.Derivations {
			if of(d.Origin) && slices.ContainsFunc(in.PartialSigs, func(p psbt.PartialSig) bool { return slices.Equal(p.PubKey, d.PubKey) }) {
				return true
			}
		}
		for _, d := range in.TapDerivations {
			key := in.TapKeySig != nil && slices.Equal(in.TapInternalKey, d.XOnly[:])
			if of(d.Origin) && (key || slices.ContainsFunc(in.TapScriptSigs, func(t psbt.TapScriptSig) bool { return t.XOnly == d.XOnly })) {
				return true
			}
		}
	}
	return false
}

// moment prints a time in seconds, with a decimal as Python's clock has.
func moment(t time.Time) json.RawMessage {
	if t.IsZero() {
		return json.RawMessage("0.0")
	}
	text := string(seconds(time.Duration(t.UnixMicro()) * time.Microsecond))
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return json.RawMessage(text)
}

// rateOf is a feerate in sat/vB with two decimals at most.
func rateOf(fee btcutil.Amount, size int) json.RawMessage {
	if size <= 0 {
		return json.RawMessage("0.0")
	}
	cents := nearest(big.NewRat(int64(fee)*100, int64(size))).Int64()
	text := strconv.FormatInt(cents/100, 10) + "." + strconv.FormatInt(100+cents%100, 10)[1:]
	return json.RawMessage(strings.TrimSuffix(text, "0"))
}
