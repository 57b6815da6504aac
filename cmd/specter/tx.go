package main

import (
	"encoding/hex"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
)

type txCmd struct {
	Inspect txInspectCmd `cmd:"" help:"Decode a raw transaction."`
}

type txInspectCmd struct {
	common
	Tx string `arg:"" optional:"" help:"Transaction in hex; - or none reads standard input, @file a file."`
}

// Help shows how it is used.
func (txInspectCmd) Help() string {
	return "Example:\n  specter tx inspect @tx.txt"
}

// Run answers.
func (c txInspectCmd) Run(h host) error {
	return c.answer(h, func(r *request) (err error) { r.Tx, err = h.argument(c.common, c.Tx); return }, inspectTx)
}

type txAnswer struct {
	TxID     string     `json:"txid"`
	WTxID    string     `json:"wtxid"`
	Version  int32      `json:"version"`
	LockTime uint32     `json:"lock_time"`
	Size     int        `json:"size"`
	VSize    int64      `json:"vsize"`
	Weight   int64      `json:"weight"`
	Inputs   []txInput  `json:"inputs"`
	Outputs  []txOutput `json:"outputs"`
}

type txInput struct {
	TxID      string   `json:"txid"`
	Vout      uint32   `json:"vout"`
	ScriptSig string   `json:"script_sig"`
	Sequence  uint32   `json:"sequence"`
	Witness   []string `json:"witness,omitempty"`
	Coinbase  bool     `json:"coinbase,omitempty"`
}

type txOutput struct {
	Amount       int64  `json:"amount_sat"`
	ScriptPubKey string `json:"script_pubkey"`
	Address      string `json:"address,omitempty"`
}

func inspectTx(r request) (any, error) {
	n, err := r.network()
	if err != nil {
		return nil, err
	}
	tx, err := psbt.DecodeTx(r.Tx)
	if err != nil {
		return nil, err
	}
	return describeTx(tx, n), nil
}

func describeTx(tx *wire.MsgTx, n btc.Network) txAnswer {
	i := psbt.InspectTx(tx)
	out := txAnswer{i.TxID.String(), i.WTxID.String(), i.Version, i.LockTime, i.Size, int64(i.VSize), int64(i.Weight), []txInput{}, []txOutput{}}
	for _, in := range i.Inputs {
		f := txInput{TxID: in.PreviousOutPoint.Hash.String(), Vout: in.PreviousOutPoint.Index, ScriptSig: hex.EncodeToString(in.SignatureScript), Sequence: in.Sequence}
		f.Coinbase = in.PreviousOutPoint == wire.OutPoint{Index: wire.MaxPrevOutIndex}
		for _, w := range in.Witness {
			f.Witness = append(f.Witness, hex.EncodeToString(w))
		}
		out.Inputs = append(out.Inputs, f)
	}
	for _, o := range i.Outputs {
		address, _ := btc.AddressOf(o.PkScript, n)
		out.Outputs = append(out.Outputs, txOutput{o.Value, hex.EncodeToString(o.PkScript), address})
	}
	return out
}
