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

// Help shows how it is used.
func (scriptInferCmd) Help() string {
	return "Example:\n  specter script infer --key [73c5da0a/84h/0h/0h/0/0]0330d54fd0dd420a6e5f8d3624f5f3482cae350f79d5f0753bf5beef9c2d91af3c 0014c0cebcd6c3d3ca8c75dc5ec62ebe55330ef910e2"
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
