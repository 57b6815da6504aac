package main

import (
	"encoding/hex"
	"encoding/json"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/miniscript"
	"specter/internal/errs"
)

type miniscriptCmd struct {
	Inspect miniscriptInspectCmd `cmd:"" help:"Check a miniscript: type, safety, limits, script."`
	Satisfy miniscriptSatisfyCmd `cmd:"" help:"List the witnesses that satisfy a miniscript."`
}

type miniscriptArg struct {
	common
	Context    string `help:"wsh or tr." default:"wsh"`
	Expression string `arg:"" optional:"" help:"The miniscript; - or none reads standard input."`
}

func (c miniscriptArg) fill(h host, r *request) (err error) {
	r.Context = c.Context
	r.Expression, err = h.argument(c.common, c.Expression)
	return err
}

func (r request) miniscript(parse func(string, miniscript.Context) (*miniscript.Node, error)) (*miniscript.Node, error) {
	word := r.Context
	if word == "" {
		word = "wsh"
	}
	ctx, err := miniscript.ParseContext(word)
	if err != nil {
		return nil, err
	}
	return parse(strings.TrimSpace(r.Expression), ctx)
}

type miniscriptInspectCmd struct{ miniscriptArg }

// Help shows how it is used.
func (miniscriptInspectCmd) Help() string {
	return "Example:\n  specter miniscript inspect \"and_v(v:pk(A),or_d(pk(B),older(52560)))\""
}

// Run answers.
func (c miniscriptInspectCmd) Run(h host) error {
	return c.answer(h, func(r *request) error { return c.fill(h, r) }, inspectMiniscript)
}

type miniscriptAnswer struct {
	Valid          bool   `json:"valid"`
	Expression     string `json:"expression"`
	Type           string `json:"type"`
	Sane           bool   `json:"sane"`
	Why            string `json:"why_not_sane,omitempty"`
	NonMalleable   bool   `json:"non_malleable"`
	NeedsSignature bool   `json:"needs_signature"`
	MixesTimelocks bool   `json:"mixes_timelocks"`
	DuplicateKeys  bool   `json:"duplicate_keys"`
	Satisfiable    bool   `json:"satisfiable"`
	Ops            int    `json:"ops"`
	MaxStack       int    `json:"max_stack"`
	MaxWitnessSize int    `json:"max_witness_size"`
	ScriptSize     int    `json:"script_size"`
	Script         string `json:"script,omitempty"`
	ASM            string `json:"asm"`
	Policy         string `json:"policy"`
}

func inspectMiniscript(r request) (any, error) {
	n, err := r.miniscript(miniscript.Parse)
	if err != nil {
		return nil, invalid(err)
	}
	i := n.Inspect()
	script := i.Script
	if script == nil {
		script, _ = n.Script(keyOfExpression(n.Context())) // names that are no keys have no script
	}
	if err := n.CheckTop(); err != nil { // a part of a script: told, but refused as a whole
		return nil, detailed{err, map[string]any{"valid": false, "sane": false, "expression": i.Canonical, "type": i.Type, "script": hex.EncodeToString(script), "asm": i.ASM}}
	}
	return miniscriptAnswer{true, i.Canonical, i.Type, i.Sane, i.Why, i.NonMalleable, i.NeedsSignature, i.MixesTimelocks, i.DuplicateKeys,
		i.Satisfiable, i.Ops, i.MaxStack, i.MaxWitnessSize, i.ScriptSize, hex.EncodeToString(script), i.ASM, i.Policy}, nil
}

// keyOfExpression finds the public key of a key expression of a descriptor, at index 0 where
// it is ranged.
func keyOfExpression(ctx miniscript.Context) func(string) ([]byte, error) {
	return func(text string) ([]byte, error) {
		k, err := descriptor.ParseKeyExpression(text, descriptor.Options{AllowPrivate: true})
		if err != nil {
			return nil, err
		}
		pub := k.PubKey
		if k.XKey != nil {
			p, err := btc.ParsePath(strings.ReplaceAll(k.Path, "*", "0"))
			if err != nil {
				return nil, err
			}
			child, err := k.XKey.Derive(p)
			if err != nil {
				return nil, err
			}
			pub = child.PublicKey[:]
		}
		if ctx == miniscript.Tapscript && len(pub) == 33 {
			pub = pub[1:]
		}
		return pub, nil
	}
}

type miniscriptSatisfyCmd struct {
	miniscriptArg
	Available []string `help:"What is known, such as '<sig(A)>' or '<sha256_preimage(H)>'; without it everything is." sep:"none" placeholder:"ELEMENT"`
}

// Help shows how it is used.
func (miniscriptSatisfyCmd) Help() string {
	return "Examples:\n  specter miniscript satisfy \"or_d(pk(A),and_v(v:pk(B),older(144)))\"\n  specter miniscript satisfy --available B \"or_d(pk(A),and_v(v:pk(B),older(144)))\""
}

// Run answers.
func (c miniscriptSatisfyCmd) Run(h host) error {
	return c.answer(h, func(r *request) error {
		if len(c.Available) > 0 {
			r.Available, _ = json.Marshal(c.Available)
		}
		return c.fill(h, r)
	}, satisfyMiniscript)
}

type satisfaction struct {
	ASM          string   `json:"asm"`
	Stack        []string `json:"stack"`
	LockTime     *uint32  `json:"lock_time,omitempty"`
	Sequence     *uint32  `json:"sequence,omitempty"`
	NonMalleable bool     `json:"non_malleable"`
	NeedsUnknown bool     `json:"needs_unknown,omitempty"`
}

func satisfyMiniscript(r request) (any, error) {
	n, err := r.miniscript(miniscript.ParseNamed)
	if err != nil {
		return nil, err
	}
	search, err := searchOf(r.Available)
	if err != nil {
		return nil, err
	}
	e, err := n.Enumerate(search)
	if err != nil {
		return nil, err
	}
	out := []satisfaction{}
	for _, s := range e.NonMalleable {
		out = append(out, satisfactionOf(s, true, false))
	}
	for _, s := range e.Malleable {
		out = append(out, satisfactionOf(s, false, false))
	}
	if len(out) == 0 && search.OnlyKnown {
		return nil, errs.Bad(errs.NotSatisfiable, "what is available satisfies no path of the miniscript")
	}
	for _, s := range e.NeedsUnknown {
		out = append(out, satisfactionOf(s, false, true))
	}
	return map[string]any{"satisfactions": out}, nil
}

func satisfactionOf(s miniscript.Solution, nonMalleable, unknown bool) satisfaction {
	out := satisfaction{ASM: s.ASM(), Stack: s.Stack(), NonMalleable: nonMalleable, NeedsUnknown: unknown}
	if s.LockTime != 0 {
		out.LockTime = &s.LockTime
	}
	if s.Sequence != 0 {
		out.Sequence = &s.Sequence
	}
	return out
}

// searchOf reads what is available: a list of element texts, or of bare key names, or an
// object {"unknowns": […]} that lists what is missing instead.
func searchOf(raw json.RawMessage) (miniscript.Search, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return miniscript.Search{}, nil
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return miniscript.Search{Known: miniscript.Available(list), OnlyKnown: true}, nil
	}
	var o struct{ Unknowns []string }
	if err := json.Unmarshal(raw, &o); err != nil {
		return miniscript.Search{}, errs.Bad(errs.Malformed, "available is neither a list of elements nor an object with unknowns")
	}
	missing := miniscript.Available(o.Unknowns)
	return miniscript.Search{Known: func(e string) bool { return !missing(e) }}, nil
}
