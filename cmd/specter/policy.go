package main

import (
	"strings"

	"specter/internal/btc/descriptor"
)

type policyCmd struct {
	Expand         policyExpandCmd         `cmd:"" help:"Turn a BIP388 wallet policy (JSON with template and keys on standard input) into a descriptor."`
	FromDescriptor policyFromDescriptorCmd `cmd:"" help:"Turn a descriptor into a BIP388 wallet policy."`
}

type policyExpandCmd struct{ common }

// Help shows how it is used.
func (policyExpandCmd) Help() string {
	return "Example:\n  specter policy expand < policy.json, where policy.json is\n  {\"template\": \"wsh(sortedmulti(2,@0/**,@1/**))\", \"keys\": [\"[73c5da0a/48h/0h/0h/2h]xpub…\", \"[f5acc2fd/48h/0h/0h/2h]xpub…\"]}"
}

// Run answers.
func (c policyExpandCmd) Run(h host) error {
	return c.answerObject(h, "template and keys", expandPolicy)
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

// Help shows how it is used.
func (policyFromDescriptorCmd) Help() string {
	return "Example:\n  specter policy from-descriptor @descriptor.txt"
}

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
