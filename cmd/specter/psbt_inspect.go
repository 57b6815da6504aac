package main

import (
	"encoding/hex"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
)

type psbtAnswerField struct {
	Version   uint32       `json:"version"`
	PSBTBytes int          `json:"psbt_bytes"`
	TxID      string       `json:"txid"`
	TxVersion int32        `json:"tx_version"`
	LockTime  uint32       `json:"lock_time"`
	Status    string       `json:"status"`
	Complete  bool         `json:"complete"`
	Inputs    []psbtInput  `json:"inputs"`
	Outputs   []psbtOutput `json:"outputs"`
	Fee       *int64       `json:"fee,omitempty"`      // sat
	FeeRate   string       `json:"fee_rate,omitempty"` // sat/vB
	VSize     int64        `json:"vsize,omitempty"`    // estimated, of the signed transaction
	XPubs     []psbtXPub   `json:"xpubs"`
	Unknown   []psbtPair   `json:"unknown"`
	Tx        *txAnswer    `json:"tx,omitempty"`
	Problems  []string     `json:"problems,omitempty"`
}

type psbtInput struct {
	TxID          string     `json:"txid"`
	Vout          uint32     `json:"vout"`
	Sequence      uint32     `json:"sequence"`
	Amount        *int64     `json:"amount_sat,omitempty"`
	ScriptPubKey  string     `json:"script_pubkey,omitempty"`
	Address       string     `json:"address,omitempty"`
	Status        string     `json:"status"`
	Signatures    int        `json:"signatures"`
	Required      int        `json:"required"`
	Sighash       string     `json:"sighash,omitempty"`
	Signers       []string   `json:"signers"`
	Keys          []psbtKey  `json:"keys"`
	RedeemScript  string     `json:"redeem_script,omitempty"`
	WitnessScript string     `json:"witness_script,omitempty"`
	InternalKey   string     `json:"taproot_internal_key,omitempty"`
	MerkleRoot    string     `json:"taproot_merkle_root,omitempty"`
	HasNonWitness bool       `json:"non_witness_utxo"`
	HasWitness    bool       `json:"witness_utxo"`
	Unknown       []psbtPair `json:"unknown,omitempty"`
	Problems      []string   `json:"problems,omitempty"`
	IsMine        *bool      `json:"is_mine,omitempty"`
}

type psbtOutput struct {
	Amount       int64      `json:"amount_sat"`
	ScriptPubKey string     `json:"script_pubkey"`
	Address      string     `json:"address,omitempty"`
	Keys         []psbtKey  `json:"keys"`
	InternalKey  string     `json:"taproot_internal_key,omitempty"`
	Unknown      []psbtPair `json:"unknown,omitempty"`
	IsMine       *bool      `json:"is_mine,omitempty"`
	Change       *bool      `json:"change,omitempty"`
}

type psbtKey struct {
	PubKey   string       `json:"pubkey"`
	Origin   *originField `json:"origin,omitempty"`
	Signed   *bool        `json:"signed,omitempty"`
	LeafHash string       `json:"leaf_hash,omitempty"`
}

type psbtXPub struct {
	XPub   string       `json:"xpub"`
	Origin *originField `json:"origin"`
}

type psbtPair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func inspectPSBT(r request) (any, error) {
	n, err := r.network()
	if err != nil {
		return nil, err
	}
	p, err := decodePSBT(r.PSBT)
	if err != nil {
		return nil, err
	}
	raw, err := p.Serialize()
	if err != nil {
		return nil, err
	}
	if _, err := p.LockTime(); err != nil {
		return nil, err // BIP370: inputs that cannot agree on a locktime make no transaction
	}
	if err := p.CheckSilentPayments(); err != nil {
		return nil, err
	}
	own, known, err := r.ownership(p)
	if err != nil {
		return nil, err
	}
	a := p.AnalyseFor(own)
	out := psbtAnswerField{Version: p.Version, PSBTBytes: len(raw), TxID: a.TxID.String(), TxVersion: a.TxVersion, LockTime: a.LockTime,
		Status: string(a.Status), Complete: a.Complete, Inputs: []psbtInput{}, Outputs: []psbtOutput{}, XPubs: []psbtXPub{}, Unknown: pairs(p.Unknown), Problems: problems(a.Problems)}
	if out.Unknown == nil {
		out.Unknown = []psbtPair{}
	}
	if a.HasFee {
		fee := int64(a.Fee)
		out.Fee = &fee
	}
	if a.VSize > 0 {
		out.VSize = int64(a.VSize)
		if a.HasFee {
			out.FeeRate = a.FeeRate.String()
		}
	}
	for i, in := range a.Inputs {
		field := inputField(p.Inputs[i], in, n)
		if known {
			mine := in.Owned != nil
			field.IsMine = &mine
		}
		out.Inputs = append(out.Inputs, field)
	}
	for i, o := range p.Outputs {
		field := outputField(o, n)
		if known && i < len(a.Outputs) {
			mine := a.Outputs[i].Owned != nil
			field.IsMine, field.Change = &mine, &a.Outputs[i].Change
		}
		out.Outputs = append(out.Outputs, field)
	}
	for _, x := range p.XPubs {
		field := psbtXPub{XPub: hex.EncodeToString(x.Raw[:]), Origin: originOf(&x.Origin)}
		if k, err := x.Key(); err == nil {
			field.XPub = k.String()
		}
		out.XPubs = append(out.XPubs, field)
	}
	if tx, err := p.UnsignedTx(); err == nil {
		t := describeTx(tx, n)
		out.Tx = &t
	}
	return out, nil
}

// ownership tells what of a PSBT belongs to the descriptors of the request, where it names any.
func (r request) ownership(p *psbt.Packet) (own psbt.Own, known bool, err error) {
	all := r.Descriptors
	if r.Descriptor != "" {
		all = append(all, r.Descriptor)
	}
	var owns []psbt.Own
	for _, text := range all {
		one := r
		one.Descriptor = strings.ReplaceAll(text, "/{0,1}/*", "/<0;1>/*") // as old Specter wrote it
		d, err := parseDescriptor(one)
		if err != nil {
			return nil, false, err
		}
		o, err := p.OwnBy(d)
		if err != nil {
			return nil, false, err
		}
		owns = append(owns, o)
	}
	return func(script []byte) (psbt.Ownership, bool) {
		for _, o := range owns {
			if found, ok := o(script); ok {
				return found, true
			}
		}
		return psbt.Ownership{}, false
	}, len(owns) > 0, nil
}

func inputField(in psbt.Input, a psbt.InputAnalysis, n btc.Network) psbtInput {
	out := psbtInput{TxID: in.PrevOut.Hash.String(), Vout: in.PrevOut.Index, Sequence: in.Sequence, Status: string(a.Status),
		Signatures: a.Signatures, Required: a.Required, Signers: []string{}, Keys: []psbtKey{}, RedeemScript: hex.EncodeToString(in.RedeemScript),
		WitnessScript: hex.EncodeToString(in.WitnessScript), InternalKey: hex.EncodeToString(in.TapInternalKey), MerkleRoot: hex.EncodeToString(in.TapMerkleRoot),
		HasNonWitness: in.NonWitnessUTXO != nil, HasWitness: in.WitnessUTXO != nil, Unknown: pairs(in.Unknown), Problems: problems(a.Problems)}
	if a.Coin != nil {
		out.Amount = &a.Coin.Value
		out.ScriptPubKey = hex.EncodeToString(a.Coin.PkScript)
		out.Address, _ = btc.AddressOf(a.Coin.PkScript, n)
	}
	if a.Sighash != nil {
		out.Sighash, _ = psbt.SighashName(*a.Sighash)
	}
	for _, f := range a.Signers {
		out.Signers = append(out.Signers, f.String())
	}
	for _, k := range a.Keys {
		out.Keys = append(out.Keys, psbtKey{hex.EncodeToString(k.PubKey), originOf(k.Origin), &k.Signed, hex.EncodeToString(k.LeafHash)})
	}
	return out
}

func outputField(o psbt.Output, n btc.Network) psbtOutput {
	out := psbtOutput{Amount: o.Amount, ScriptPubKey: hex.EncodeToString(o.Script), Keys: []psbtKey{}, InternalKey: hex.EncodeToString(o.TapInternalKey), Unknown: pairs(o.Unknown)}
	out.Address, _ = btc.AddressOf(o.Script, n)
	for _, d := range o.Derivations {
		out.Keys = append(out.Keys, psbtKey{PubKey: hex.EncodeToString(d.PubKey), Origin: originOf(&d.Origin)})
	}
	for _, d := range o.TapDerivations {
		out.Keys = append(out.Keys, psbtKey{PubKey: hex.EncodeToString(d.XOnly[:]), Origin: originOf(&d.Origin)})
	}
	return out
}

func pairs(kvs []psbt.KeyValue) []psbtPair {
	var out []psbtPair
	for _, kv := range kvs {
		out = append(out, psbtPair{hex.EncodeToString(kv.Key), hex.EncodeToString(kv.Value)})
	}
	return out
}

func problems(list []error) []string {
	var out []string
	for _, err := range list {
		out = append(out, err.Error())
	}
	return out
}
