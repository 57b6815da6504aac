package main

import (
	"encoding/hex"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/errs"
)

type descriptorCmd struct {
	Inspect   descriptorInspectCmd   `cmd:"" help:"Check a descriptor and tell what it is."`
	Checksum  descriptorChecksumCmd  `cmd:"" help:"Print a descriptor's checksum."`
	Derive    descriptorDeriveCmd    `cmd:"" help:"Print scripts and addresses."`
	Expand    descriptorExpandCmd    `cmd:"" help:"Split a multipath or combo() descriptor into single ones."`
	Normalize descriptorNormalizeCmd `cmd:"" help:"Print the canonical descriptor of a descriptor or an extended key."`
}

// descriptorArg is the argument that all of the noun's verbs take.
type descriptorArg struct {
	common
	Descriptor string `arg:"" optional:"" help:"The descriptor; - or none reads standard input, @file a file."`
}

func (c descriptorArg) fill(h host, r *request) (err error) {
	r.Descriptor, err = h.argument(c.common, c.Descriptor)
	return err
}

// parseDescriptor reads the request's descriptor. Private keys may be given: the commands
// print none unless asked to.
func parseDescriptor(r request) (*descriptor.Descriptor, error) {
	n, err := r.network()
	if err != nil {
		return nil, err
	}
	text, o := strings.TrimSpace(r.Descriptor), r.descriptorOptions(n)
	if text != "" && !strings.Contains(text, "(") {
		return descriptor.ParseAny(text, o) // a pasted key stands for the descriptor that its prefix tells
	}
	return descriptor.Parse(text, o)
}

// descriptorOptions binds the keys to the network where the request names one.
func (r request) descriptorOptions(n btc.Network) descriptor.Options {
	o := descriptor.Options{AllowPrivate: true}
	if r.Network != "" && r.Network != "any" {
		o.Network = &n
	}
	return o
}

type descriptorInspectCmd struct{ descriptorArg }

// Help shows how it is used.
func (descriptorInspectCmd) Help() string {
	return "Example:\n  specter descriptor inspect \"wpkh([73c5da0a/84h/0h/0h]xpub6CatWdiZiodmUeTDp8LT5or8nmbKNcuyvz7WyksVFkKB4RHwCD3XyuvPEbvqAQY3rAPshWcMLoP2fMFMKHPJ4ZeZXYVUhLv1VMrjPC7PW6V/<0;1>/*)\""
}

// Run answers.
func (c descriptorInspectCmd) Run(h host) error {
	return c.answer(h, func(r *request) error { return c.fill(h, r) }, inspectDescriptor)
}

type descriptorKey struct {
	Origin *originField `json:"origin,omitempty"`
	XKey   string       `json:"xkey,omitempty"`
	PubKey string       `json:"pubkey,omitempty"`
	Path   string       `json:"path,omitempty"`
	Ranged bool         `json:"ranged"`
	Text   string       `json:"text"`
}

type descriptorAnswer struct {
	Valid         bool             `json:"valid"`
	Canonical     string           `json:"canonical"`
	Checksum      string           `json:"checksum"`
	ChecksumGiven bool             `json:"checksum_given"`
	Network       string           `json:"network,omitempty"`
	Type          string           `json:"type"`
	ScriptType    string           `json:"script_type"`
	OutputType    string           `json:"output_type,omitempty"`
	Summary       string           `json:"summary"`
	Ranged        bool             `json:"ranged"`
	Multipath     bool             `json:"multipath"`
	Branches      int              `json:"branches"`
	HasPrivate    bool             `json:"has_private"`
	Solvable      bool             `json:"solvable"`
	Keys          []descriptorKey  `json:"keys"`
	Threshold     *int             `json:"threshold,omitempty"`
	MaxWeight     *int64           `json:"max_input_weight,omitempty"` // WU
	Expanded      []string         `json:"expanded,omitempty"`
	Annotations   map[string]any   `json:"annotations,omitempty"`
	Warnings      []string         `json:"warnings"`
	Miniscript    []map[string]any `json:"miniscript,omitempty"`
}

func inspectDescriptor(r request) (any, error) {
	d, err := parseDescriptor(r)
	if err != nil {
		return nil, invalid(err)
	}
	a := descriptorAnswer{Valid: true, Canonical: d.String(), Checksum: d.Checksum(), ChecksumGiven: d.ChecksumGiven(), Type: d.Type(),
		ScriptType: d.ScriptType(), OutputType: d.OutputType(), Summary: d.Summary(), Ranged: d.IsRanged(), Multipath: d.Branches() > 1,
		Branches: d.Branches(), HasPrivate: d.HasPrivateKeys(), Solvable: d.IsSolvable(), Keys: []descriptorKey{}, Warnings: d.Warnings()}
	if a.Warnings == nil {
		a.Warnings = []string{}
	}
	if main, known := d.IsMain(); known {
		a.Network = networkWord(main)
	}
	for _, k := range d.Keys() {
		a.Keys = append(a.Keys, describeKey(k))
	}
	if m, _, ok := d.Threshold(); ok {
		a.Threshold = &m
	}
	if w, err := d.MaxInputWeight(); err == nil {
		n := int64(w)
		a.MaxWeight = &n
	}
	if all := d.Expand(); len(all) > 1 {
		a.Expanded = r.texts(all)
	}
	for _, n := range d.Annotations() {
		if a.Annotations == nil {
			a.Annotations = map[string]any{}
		}
		a.Annotations[n.Key] = n.Value
	}
	for _, n := range d.Miniscripts() {
		i := n.Inspect()
		a.Miniscript = append(a.Miniscript, map[string]any{"expression": i.Canonical, "type": i.Type, "policy": i.Policy, "sane": i.Sane})
		if !i.Satisfiable {
			a.Warnings = append(a.Warnings, "No witness satisfies the miniscript "+i.Canonical+": coins can never be spent that way.")
		}
	}
	return a, nil
}

func describeKey(k descriptor.Key) descriptorKey {
	out := descriptorKey{Origin: originOf(k.Origin), Path: k.Path, Ranged: k.Ranged, Text: k.Text}
	if k.XKey != nil {
		out.XKey = k.XKey.Public().String()
	} else {
		out.PubKey = hex.EncodeToString(k.PubKey)
	}
	return out
}

// texts prints descriptors, with their private keys only where the request asks for them.
func (r request) texts(ds []*descriptor.Descriptor) []string {
	if !r.Private && !r.ShowPrivate {
		return texts(ds)
	}
	var out []string
	for _, d := range ds {
		out = append(out, d.StringPrivate())
	}
	return out
}

func texts(ds []*descriptor.Descriptor) []string {
	var out []string
	for _, d := range ds {
		out = append(out, d.String())
	}
	return out
}

type descriptorChecksumCmd struct{ descriptorArg }

// Help shows how it is used.
func (descriptorChecksumCmd) Help() string {
	return "Example:\n  specter descriptor checksum 'raw(deadbeef)'"
}

// Run answers.
func (c descriptorChecksumCmd) Run(h host) error {
	return c.answer(h, func(r *request) error { return c.fill(h, r) }, checksumDescriptor)
}

func checksumDescriptor(r request) (any, error) {
	body, given, has := strings.Cut(strings.TrimSpace(r.Descriptor), "#")
	if body == "" {
		return nil, errs.Bad(errs.Malformed, "the descriptor is empty")
	}
	sum, err := descriptor.Checksum(body)
	if err != nil {
		return nil, err
	}
	if has && given != sum {
		return nil, errs.Bad(errs.BadChecksum, "the checksum given is %q, the right one is %q", given, sum)
	}
	return map[string]string{"checksum": sum, "descriptor": body + "#" + sum}, nil
}

type descriptorExpandCmd struct {
	descriptorArg
	Private bool `help:"Keep private keys." aliases:"show-private"`
}

// Help shows how it is used.
func (descriptorExpandCmd) Help() string {
	return "Example:\n  specter descriptor expand \"combo(03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd)\""
}

// Run answers.
func (c descriptorExpandCmd) Run(h host) error {
	return c.answer(h, func(r *request) error { r.Private = c.Private; return c.fill(h, r) }, expandDescriptor)
}

func expandDescriptor(r request) (any, error) {
	d, err := parseDescriptor(r)
	if err != nil {
		return nil, err
	}
	return map[string]any{"descriptors": r.texts(d.Expand())}, nil
}

type descriptorNormalizeCmd struct {
	descriptorArg
	Private bool `help:"Keep private keys." aliases:"show-private"`
}

// Help shows how it is used.
func (descriptorNormalizeCmd) Help() string {
	return "Example:\n  specter descriptor normalize @key.txt"
}

// Run answers.
func (c descriptorNormalizeCmd) Run(h host) error {
	return c.answer(h, func(r *request) error { r.Private = c.Private; return c.fill(h, r) }, normalizeDescriptor)
}

func normalizeDescriptor(r request) (any, error) {
	n, err := r.network()
	if err != nil {
		return nil, err
	}
	o := r.descriptorOptions(n)
	o.AllowSLIP132 = true
	d, err := descriptor.ParseAny(strings.TrimSpace(r.Descriptor), o)
	if err != nil {
		return nil, err
	}
	if r.Private || r.ShowPrivate {
		return map[string]string{"descriptor": d.StringPrivate()}, nil
	}
	if d.HasPrivateKeys() {
		if d, err = d.Normalize(); err != nil {
			return nil, err
		}
	}
	return map[string]string{"descriptor": d.String()}, nil
}
