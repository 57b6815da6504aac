package main

import (
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/errs"
)

type psbtCreateCmd struct{ common }

// Help shows how it is used.
func (psbtCreateCmd) Help() string {
	return "Example:\n  specter psbt create < tx.json, where tx.json is\n  {\"inputs\": [{\"txid\": \"75dd…e858\", \"vout\": 0}], \"outputs\": [{\"address\": \"bc1q…\", \"amount_sat\": 100000}], \"version\": 2}"
}

// Run answers.
func (c psbtCreateCmd) Run(h host) error {
	return c.answerObject(h, "inputs and outputs", createPSBT)
}

// createInput is an input that psbt create takes.
type createInput struct {
	TxID     string  `json:"txid"`
	Vout     uint32  `json:"vout"`
	Sequence *uint32 `json:"sequence"`
}

// createOutput is an output: an address or a script, and an amount in sat.
type createOutput struct {
	Address string `json:"address"`
	Script  string `json:"script"`
	SPK     string `json:"script_pubkey"`
	Amount  *int64 `json:"amount_sat"`
}

func createPSBT(r request) (any, error) {
	n, err := r.network()
	if err != nil {
		return nil, err
	}
	tx := wire.NewMsgTx(2)
	if r.LockTime != nil {
		tx.LockTime = *r.LockTime
	}
	if err := addInputs(tx, r.Inputs); err != nil {
		return nil, err
	}
	if err := addOutputs(tx, r.Outputs, n); err != nil {
		return nil, err
	}
	make := psbt.New
	if r.Version != nil && *r.Version == 2 {
		make = psbt.NewV2
	} else if r.Version != nil && *r.Version != 0 {
		return nil, errs.Bad(errs.Unsupported, "there is no PSBT version %d; 0 and 2 are", *r.Version)
	}
	p, err := make(tx)
	if err != nil {
		return nil, err
	}
	return psbtAnswer(p)
}

func addInputs(tx *wire.MsgTx, raw json.RawMessage) error {
	var inputs []createInput
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &inputs); err != nil {
			return errs.Bad(errs.Malformed, "inputs is no list of {txid, vout}: %w", err)
		}
	}
	for _, in := range inputs {
		hash, err := chainhash.NewHashFromStr(in.TxID)
		if err != nil || len(in.TxID) != 64 {
			return errs.Bad(errs.Malformed, "%q is no txid", in.TxID)
		}
		sequence := uint32(wire.MaxTxInSequenceNum)
		if tx.LockTime != 0 {
			sequence-- // else the locktime would not count
		}
		if in.Sequence != nil {
			sequence = *in.Sequence
		}
		tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: *hash, Index: in.Vout}, Sequence: sequence})
	}
	return nil
}

func addOutputs(tx *wire.MsgTx, raw json.RawMessage, n btc.Network) error {
	var outputs []map[string]json.RawMessage
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &outputs); err != nil {
			return errs.Bad(errs.Malformed, "outputs is no list of {address, amount_sat}: %w", err)
		}
	}
	for _, o := range outputs {
		out, err := outputOf(o, n)
		if err != nil {
			return err
		}
		tx.AddTxOut(out)
	}
	return nil
}

// outputOf reads {address|script, amount_sat}, or Core's {"address": 0.5} in BTC.
func outputOf(o map[string]json.RawMessage, n btc.Network) (*wire.TxOut, error) {
	if len(o) == 1 {
		for address, amount := range o {
			sat, err := btc.ParseBTC(strings.Trim(string(amount), `"`))
			if err != nil {
				return nil, err
			}
			return payTo(address, int64(sat), n)
		}
	}
	body, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	var out createOutput
	if err := json.Unmarshal(body, &out); err != nil || out.Amount == nil || *out.Amount < 0 || *out.Amount > int64(btc.MaxMoney) {
		return nil, errs.Bad(errs.Malformed, "an output needs address or script, and amount_sat between 0 and 21 million BTC")
	}
	if out.Script == "" {
		out.Script = out.SPK
	}
	if out.Script != "" {
		script, err := hexBytes("the output's script", out.Script)
		return wire.NewTxOut(*out.Amount, script), err
	}
	return payTo(out.Address, *out.Amount, n)
}

func payTo(address string, sat int64, n btc.Network) (*wire.TxOut, error) {
	a, err := btc.ParseAddress(address, n)
	if err != nil {
		return nil, err
	}
	return wire.NewTxOut(sat, a.Script), nil
}

type psbtUpdateCmd struct {
	psbtArg
	Descriptor []string `help:"Descriptor of the wallet; may be repeated." sep:"none" placeholder:"DESC"`
	Sighash    string   `help:"Ask signers for this sighash type, such as ALL." placeholder:"TYPE"`
	UTXO       []string `name:"utxo" help:"Previous transaction in hex, or @file; may be repeated." placeholder:"TX"`
}

// Help shows how it is used.
func (psbtUpdateCmd) Help() string {
	return "Example:\n  specter psbt update --descriptor @descriptor.txt --utxo @previous-tx.txt @created.psbt"
}

// Run answers.
func (c psbtUpdateCmd) Run(h host) error {
	return c.answer(h, func(r *request) error {
		var err error
		if r.Descriptors, err = h.inputs(c.Descriptor); err != nil {
			return err
		}
		r.Sighash = c.Sighash
		utxos, err := h.inputs(c.UTXO)
		if err != nil {
			return err
		}
		if len(utxos) > 0 {
			r.UTXOs, _ = json.Marshal(utxos)
		}
		return c.fill(h, r)
	}, updatePSBT)
}

// lookAhead is how many indexes of each branch are searched for a script.
const lookAhead = 1000

func updatePSBT(r request) (any, error) {
	p, err := decodePSBT(r.PSBT)
	if err != nil {
		return nil, err
	}
	known, err := r.utxos()
	if err != nil {
		return nil, err
	}
	mine, err := r.outputsOfDescriptors()
	if err != nil {
		return nil, err
	}
	for i := range p.Inputs {
		if err := updateInput(p, i, known, mine); err != nil {
			return nil, err
		}
	}
	if r.Sighash != "" {
		t, err := psbt.ParseSighash(r.Sighash)
		if err != nil {
			return nil, err
		}
		for i := range p.Inputs {
			p.SetSighash(i, t)
		}
	}
	for i := range p.Outputs {
		if o := mine[string(p.Outputs[i].Script)]; o != nil {
			if err := p.UpdateOutput(i, o); err != nil {
				return nil, err
			}
		}
	}
	return psbtAnswer(p)
}

func updateInput(p *psbt.Packet, i int, known knownCoins, mine map[string]*descriptor.Output) error {
	in := p.Inputs[i]
	prev, coin := known.txs[in.PrevOut.Hash], known.coins[in.PrevOut]
	if prev == nil {
		prev = in.NonWitnessUTXO
	}
	if prev != nil && int(in.PrevOut.Index) < len(prev.TxOut) {
		coin = prev.TxOut[in.PrevOut.Index]
	}
	if coin == nil {
		if coin = in.WitnessUTXO; coin == nil {
			return nil // nothing is known of this coin; another updater may know
		}
	}
	out := mine[string(coin.PkScript)]
	if out == nil && known.txs[in.PrevOut.Hash] == nil && known.coins[in.PrevOut] == nil {
		return nil // nothing new is known
	}
	return p.UpdateInput(i, prev, coin, out)
}

// knownCoins are the coins that an update may fill in.
type knownCoins struct {
	txs   map[chainhash.Hash]*wire.MsgTx
	coins map[wire.OutPoint]*wire.TxOut
}

// utxos reads a list of raw transactions in hex, or of {txid, vout, amount_sat, script_pubkey}.
func (r request) utxos() (knownCoins, error) {
	k := knownCoins{map[chainhash.Hash]*wire.MsgTx{}, map[wire.OutPoint]*wire.TxOut{}}
	if len(r.UTXOs) == 0 || string(r.UTXOs) == "null" {
		return k, nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(r.UTXOs, &list); err != nil {
		return k, errs.Bad(errs.Malformed, "utxos is no list")
	}
	for _, raw := range list {
		var text string
		if json.Unmarshal(raw, &text) == nil {
			tx, err := psbt.DecodeTx(text)
			if err != nil {
				return k, err
			}
			k.txs[tx.TxHash()] = tx
			continue
		}
		var c struct {
			TxID   string `json:"txid"`
			Vout   uint32 `json:"vout"`
			Amount int64  `json:"amount_sat"`
			Script string `json:"script_pubkey"`
			Tx     string `json:"tx"`
		}
		if err := json.Unmarshal(raw, &c); err != nil {
			return k, errs.Bad(errs.Malformed, "a utxo is neither a transaction in hex nor {txid, vout, amount_sat, script_pubkey}")
		}
		if c.Tx != "" {
			tx, err := psbt.DecodeTx(c.Tx)
			if err != nil {
				return k, err
			}
			k.txs[tx.TxHash()] = tx
			continue
		}
		hash, err := chainhash.NewHashFromStr(c.TxID)
		script, serr := hex.DecodeString(c.Script)
		if err != nil || serr != nil {
			return k, errs.Bad(errs.Malformed, "the utxo %s:%d cannot be read", c.TxID, c.Vout)
		}
		k.coins[wire.OutPoint{Hash: *hash, Index: c.Vout}] = wire.NewTxOut(c.Amount, script)
	}
	return k, nil
}

// outputsOfDescriptors derives the first indexes of every branch, by script.
func (r request) outputsOfDescriptors() (map[string]*descriptor.Output, error) {
	out := map[string]*descriptor.Output{}
	all := r.Descriptors
	if r.Descriptor != "" {
		all = append(all, r.Descriptor)
	}
	for _, text := range all {
		one := r
		one.Descriptor = text
		d, err := parseDescriptor(one)
		if err != nil {
			return nil, err
		}
		for _, b := range d.Expand() {
			count := uint32(1)
			if b.IsRanged() {
				count = lookAhead
			}
			for i := range count {
				o, err := b.Derive(i)
				if err != nil {
					return nil, err
				}
				out[string(o.Script)] = o
			}
		}
	}
	return out, nil
}
