package main

import (
	"encoding/hex"
	"errors"

	"specter/internal/btc"
	"specter/internal/errs"
)

type addressCmd struct {
	Inspect addressInspectCmd `cmd:"" help:"Decode an address: network, type, script, and where it was mistyped."`
}

type addressInspectCmd struct {
	common
	Address string `arg:"" optional:"" help:"The address; - or none reads standard input."`
}

// Help shows how it is used.
func (addressInspectCmd) Help() string {
	return "Example:\n  specter address inspect bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
}

// Run answers.
func (c addressInspectCmd) Run(h host) error {
	return c.answer(h, func(r *request) (err error) { r.Address, err = h.argument(c.common, c.Address); return }, inspectAddress)
}

type addressAnswer struct {
	Valid          bool   `json:"valid"`
	Network        string `json:"network"`
	Type           string `json:"type"`
	ScriptPubKey   string `json:"script_pubkey"`
	WitnessVersion *int   `json:"witness_version,omitempty"`
	WitnessProgram string `json:"witness_program,omitempty"`
}

func inspectAddress(r request) (any, error) {
	n, err := r.network()
	if err != nil {
		return nil, err
	}
	a, err := btc.ParseAddress(r.Address, n)
	if err != nil {
		fields := map[string]any{"valid": false}
		var detail *btc.AddressError
		if errors.As(err, &detail) && detail.Positions != nil {
			fields["error_positions"] = detail.Positions
		}
		return nil, detailed{err, fields}
	}
	out := addressAnswer{Valid: true, Network: n.CoreName(), Type: string(a.Type), ScriptPubKey: hex.EncodeToString(a.Script)}
	if a.WitnessVersion >= 0 {
		out.WitnessVersion, out.WitnessProgram = &a.WitnessVersion, hex.EncodeToString(a.WitnessProgram)
	}
	return out, nil
}

// hexBytes reads hex from a request.
func hexBytes(what, s string) ([]byte, error) {
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil, errs.Bad(errs.BadEncoding, "%s is not hex", what)
	}
	return b, nil
}
