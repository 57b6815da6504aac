package main

import (
	"encoding/base64"
	"encoding/hex"
	"strings"

	"specter/internal/btc/psbt"
	"specter/internal/errs"
)

type psbtCmd struct {
	Inspect  psbtInspectCmd  `cmd:"" help:"Tell what a PSBT spends, pays and lacks."`
	Convert  psbtConvertCmd  `cmd:"" help:"Print a PSBT in another form or version."`
	Combine  psbtCombineCmd  `cmd:"" help:"Put together what several PSBTs of one transaction know."`
	Join     psbtJoinCmd     `cmd:"" help:"Make one transaction of several."`
	Update   psbtUpdateCmd   `cmd:"" help:"Fill in coins, scripts and key origins from descriptors."`
	Sign     psbtSignCmd     `cmd:"" help:"Sign with a private key or descriptor from standard input."`
	Finalize psbtFinalizeCmd `cmd:"" help:"Make the final scripts, and the transaction with --extract."`
	Create   psbtCreateCmd   `cmd:"" help:"Make a PSBT of inputs and outputs (JSON on standard input)."`
}

// psbtArg is the argument of the verbs that take one PSBT.
type psbtArg struct {
	common
	PSBT string `arg:"" optional:"" help:"PSBT in base64 or hex; - or none reads standard input (binary too), @file a file."`
}

func (c psbtArg) fill(h host, r *request) (err error) {
	r.PSBT, err = h.psbtText(c.common, c.PSBT)
	return err
}

// psbtText reads a PSBT argument; binary is turned into base64, which requests carry.
func (h host) psbtText(c common, arg string) (string, error) {
	if c.JSONL {
		return "", nil
	}
	data, err := h.inputBytes(arg)
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(string(data), "psbt\xff") {
		return base64.StdEncoding.EncodeToString(data), nil
	}
	return strings.TrimSpace(string(data)), nil
}

type psbtInspectCmd struct {
	psbtArg
	Descriptor []string `help:"Descriptor of a wallet: tells which inputs and outputs belong to it; may be repeated." sep:"none" placeholder:"DESC"`
}

// Help shows how it is used.
func (psbtInspectCmd) Help() string {
	return "Example:\n  specter psbt inspect @unsigned.psbt"
}

// Run answers.
func (c psbtInspectCmd) Run(h host) error {
	return c.answer(h, func(r *request) (err error) {
		if r.Descriptors, err = h.inputs(c.Descriptor); err != nil {
			return err
		}
		return c.fill(h, r)
	}, inspectPSBT)
}

type psbtConvertCmd struct {
	psbtArg
	To string `help:"base64, hex, binary, v0, v2, ur or bbqr." default:"base64"`
}

// Help shows how it is used.
func (psbtConvertCmd) Help() string {
	return "Examples:\n  specter psbt convert --to v2 @unsigned.psbt\n  specter psbt convert --to binary @tx.txt > tx.psbt"
}

// Run answers; binary goes to standard output as it is.
func (c psbtConvertCmd) Run(h host) error {
	if c.To == "binary" && !c.JSONL {
		raw, err := c.one(func(r *request) error { return c.fill(h, r) }, func(r request) (any, error) {
			p, err := decodePSBT(r.PSBT)
			if err != nil {
				return nil, err
			}
			return p.Serialize()
		})
		if err != nil {
			return c.refuse(h, err)
		}
		_, err = h.stdout.Write(raw.([]byte))
		return err
	}
	return c.answer(h, func(r *request) error { r.To = c.To; return c.fill(h, r) }, convertPSBT)
}

func convertPSBT(r request) (any, error) {
	p, err := decodePSBT(r.PSBT)
	if err != nil {
		return nil, err
	}
	switch r.To {
	case "", "base64", "binary":
		return psbtAnswer(p)
	case "hex":
		text, err := p.Hex()
		return map[string]string{"psbt": text}, err
	case "v0", "v2":
		version := uint32(0)
		if r.To == "v2" {
			version = 2
		}
		if p, err = p.Convert(version); err != nil {
			return nil, err
		}
		return psbtAnswer(p)
	case "ur", "bbqr":
		raw, err := p.Serialize()
		if err != nil {
			return nil, err
		}
		return encodeFrames(r, raw)
	}
	return nil, errs.Bad(errs.Unsupported, "%q is no form of a PSBT; base64, hex, binary, v0, v2, ur and bbqr are", r.To)
}

// psbtAnswer is the answer of verbs that make a PSBT.
func psbtAnswer(p *psbt.Packet) (any, error) {
	text, err := p.Base64()
	if err != nil {
		return nil, err
	}
	return map[string]string{"psbt": text}, nil
}

// psbtFiles is the argument of the verbs that take several PSBTs.
type psbtFiles struct {
	common
	Files []string `arg:"" optional:"" help:"PSBTs: base64, hex or @file."`
}

func (c psbtFiles) fill(h host, r *request) error {
	if c.JSONL {
		return nil
	}
	for _, f := range c.Files {
		text, err := h.psbtText(c.common, f)
		if err != nil {
			return err
		}
		r.PSBTs = append(r.PSBTs, text)
	}
	return nil
}

func (r request) packets() ([]*psbt.Packet, error) {
	if len(r.PSBTs) == 0 {
		return nil, errs.Bad(errs.Malformed, "no PSBT was given")
	}
	var out []*psbt.Packet
	for i, text := range r.PSBTs {
		p, err := decodePSBT(text)
		if err != nil {
			return nil, errs.Bad(errs.CodeOf(err), "PSBT %d: %w", i+1, err)
		}
		out = append(out, p)
	}
	return out, nil
}

type psbtCombineCmd struct{ psbtFiles }

// Help shows how it is used.
func (psbtCombineCmd) Help() string {
	return "Example:\n  specter psbt combine @alice.psbt @bob.psbt"
}

// Run answers.
func (c psbtCombineCmd) Run(h host) error {
	return c.answer(h, func(r *request) error { return c.fill(h, r) }, combinePSBTs)
}

func combinePSBTs(r request) (any, error) {
	packets, err := r.packets()
	if err != nil {
		return nil, err
	}
	p, err := psbt.Combine(packets...)
	if err != nil {
		return nil, err
	}
	return psbtAnswer(p)
}

type psbtJoinCmd struct{ psbtFiles }

// Help shows how it is used.
func (psbtJoinCmd) Help() string {
	return "Example:\n  specter psbt join @one.psbt @other.psbt"
}

// Run answers.
func (c psbtJoinCmd) Run(h host) error {
	return c.answer(h, func(r *request) error { return c.fill(h, r) }, joinPSBTs)
}

func joinPSBTs(r request) (any, error) {
	packets, err := r.packets()
	if err != nil {
		return nil, err
	}
	p, err := psbt.Join(packets...)
	if err != nil {
		return nil, err
	}
	return psbtAnswer(p)
}

type psbtFinalizeCmd struct {
	psbtArg
	Extract bool `help:"Print the signed transaction too; refused while signatures are missing."`
}

// Help shows how it is used.
func (psbtFinalizeCmd) Help() string {
	return "Example:\n  specter psbt finalize --extract @signed.psbt"
}

// Run answers.
func (c psbtFinalizeCmd) Run(h host) error {
	return c.answer(h, func(r *request) error { r.Extract = c.Extract; return c.fill(h, r) }, finalizePSBT)
}

type finalizeAnswer struct {
	PSBT     string `json:"psbt"`
	Complete bool   `json:"complete"`
	TxHex    string `json:"tx_hex,omitempty"`
	TxID     string `json:"txid,omitempty"`
}

func finalizePSBT(r request) (any, error) {
	p, err := decodePSBT(r.PSBT)
	if err != nil {
		return nil, err
	}
	ferr := p.Finalize()
	if ferr != nil && (r.Extract || errs.CodeOf(ferr) != errs.Incomplete) {
		return nil, ferr
	}
	out := finalizeAnswer{Complete: ferr == nil}
	if out.PSBT, err = p.Base64(); err != nil {
		return nil, err
	}
	if ferr != nil || !r.Extract {
		return out, nil
	}
	tx, err := p.Extract()
	if err != nil {
		return nil, err
	}
	out.TxHex, out.TxID = hex.EncodeToString(psbt.SerializeTx(tx)), tx.TxHash().String()
	return out, nil
}
