package main

import (
	"encoding/json"
	"strings"

	"specter/internal/btc/descriptor"
	"specter/internal/errs"
)

type policyCmd struct {
	Expand         policyExpandCmd         `cmd:"" help:"Turn a BIP388 wallet policy (JSON with template and keys on standard input) into a descriptor."`
	FromDescriptor policyFromDescriptorCmd `cmd:"" help:"Turn a descriptor into a BIP388 wallet policy."`
}

type policyExpandCmd struct{ common }

// Run answers.
func (c policyExpandCmd) Run(h host) error {
	return c.answer(h, func(r *request) error {
		if c.JSONL {
			return nil
		}
		data, err := h.inputBytes("")
		if err != nil {
			return err
		}
		if err := json.Unmarshal(data, r); err != nil {
			return errs.Bad(errs.Malformed, "standard input is no JSON object with template and keys: %w", err)
		}
		return nil
	}, expandPolicy)
}

func expandPolicy(r request) (any, error) {
	n, err := r.network()
	if err != nil {
		return nil, err
	}
	o := r.descriptorOptions(n)
	o.AllowPrivate = false
	d, err := descriptor.FromPolicy(strings.TrimSpace(r.Template), r.Keys, o)
	if err != nil {
		return nil, err
	}
	return map[string]string{"descriptor": d.String()}, nil
}

type policyFromDescriptorCmd struct{ descriptorArg }

// Run answers.
func (c policyFromDescriptorCmd) Run(h host) error {
	return c.answer(h, func(r *request) error { return c.fill(h, r) }, policyOfDescriptor)
}

func policyOfDescriptor(r request) (any, error) {
	d, err := parseDescriptor(r)
	if err != nil {
		return nil, err
	}
	template, keys, err := d.Policy()
	if err != nil {
		return nil, err
	}
	return map[string]any{"template": template, "keys": keys}, nil
}
