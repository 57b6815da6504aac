package main

import (
	"specter/internal/btc/descriptor"
)

type scriptCmd struct {
	Infer scriptInferCmd `cmd:"" help:"Find the descriptor of a scriptPubKey."`
}

type scriptInferCmd struct {
	common
	Keys    []string `name:"key" help:"Known public key, with its [origin] if known." placeholder:"KEY"`
	Scripts []string `name:"script" help:"Known redeem or witness script, in hex." placeholder:"HEX"`
	Script  string   `arg:"" optional:"" help:"scriptPubKey in hex; - or none reads standard input."`
}

// Run answers.
func (c scriptInferCmd) Run(h host) error {
	return c.answer(h, func(r *request) (err error) {
		r.Keys, r.Scripts = c.Keys, c.Scripts
		r.Script, err = h.argument(c.common, c.Script)
		return
	}, inferScript)
}

func inferScript(r request) (any, error) {
	n, err := r.network()
	if err != nil {
		return nil, err
	}
	script, err := hexBytes("the script", r.Script)
	if err != nil {
		return nil, err
	}
	known := descriptor.Known{Network: n}
	for _, k := range r.Keys {
		key, err := descriptor.ParseKnownKey(k)
		if err != nil {
			return nil, err
		}
		known.Keys = append(known.Keys, key)
	}
	for _, s := range r.Scripts {
		b, err := hexBytes("a known script", s)
		if err != nil {
			return nil, err
		}
		known.Scripts = append(known.Scripts, b)
	}
	d, err := descriptor.Infer(script, known)
	if err != nil {
		return nil, err
	}
	return map[string]string{"descriptor": d.String(), "type": descriptor.ScriptKind(script), "asm": descriptor.ASM(script)}, nil
}
