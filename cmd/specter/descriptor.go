package main

import (
	"encoding/hex"
	"strconv"
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

// Run answers.
func (c descriptorChecksumCmd) Run(h host) error {
	return c.answer(h, func(r *request) error { return c.fill(h, r) }, checksumDescriptor)
}

func checksumDescriptor(r request) (any, error) {
	body, given, has := strings.Cut(strings.TrimSpace(r.Descriptor), "#")
	sum, err := descriptor.Checksum(body)
	if err != nil {
		return nil, err
	}
	if has && given != sum {
		return nil, errs.Bad(errs.BadChecksum, "the checksum given is %q, the right one is %q", given, sum)
	}
	return map[string]string{"checksum": sum, "descriptor": body + "#" + sum}, nil
}

type descriptorDeriveCmd struct {
	descriptorArg
	Range       string `help:"Indexes, such as 0-9 (both included) or 5." placeholder:"A-B"`
	Branch      *int   `help:"Only this branch of a multipath descriptor (0 receive, 1 change)."`
	AllBranches bool   `help:"Every branch; without it the first alone."`
}

// Run answers.
func (c descriptorDeriveCmd) Run(h host) error {
	return c.answer(h, func(r *request) error {
		r.Range, r.Branch, r.AllBranches = c.Range, c.Branch, c.AllBranches
		return c.fill(h, r)
	}, deriveDescriptor)
}

type taprootField struct {
	InternalKey string      `json:"internal_key"`
	MerkleRoot  string      `json:"merkle_root,omitempty"`
	OutputKey   string      `json:"output_key"`
	Leaves      []leafField `json:"leaves"`
}

type leafField struct {
	Script       string `json:"script"`
	Version      int    `json:"version"`
	Depth        int    `json:"depth"`
	ControlBlock string `json:"control_block"`
}

type derivedItem struct {
	Index         uint32        `json:"index"`
	ScriptPubKey  string        `json:"script_pubkey"`
	Address       string        `json:"address,omitempty"`
	RedeemScript  string        `json:"redeem_script,omitempty"`
	WitnessScript string        `json:"witness_script,omitempty"`
	Taproot       *taprootField `json:"taproot,omitempty"`
	Descriptor    string        `json:"descriptor,omitempty"`
}

type derivedBranch struct {
	Descriptor string        `json:"descriptor"`
	Items      []derivedItem `json:"items"`
}

// maxDerived bounds one answer of descriptor derive, in items.
const maxDerived = 100_000

func deriveDescriptor(r request) (any, error) {
	d, err := parseDescriptor(r)
	if err != nil {
		return nil, err
	}
	n, err := r.network()
	if err != nil {
		return nil, err
	}
	from, to, err := parseRange(r.Range, d.IsRanged())
	if err != nil {
		return nil, err
	}
	if main, known := d.IsMain(); r.Network == "" && known && !main {
		n = btc.Testnet3 // the keys say so; nobody said otherwise
	}
	branches, err := chosenBranches(d, r)
	if err != nil {
		return nil, err
	}
	out := []derivedBranch{}
	for _, b := range branches {
		items, err := deriveItems(b, n, from, to)
		if err != nil {
			return nil, err
		}
		out = append(out, derivedBranch{b.String(), items})
	}
	return map[string]any{"branches": out}, nil
}

// chosenBranches picks what to derive; a combo() is split into the scripts it stands for.
func chosenBranches(d *descriptor.Descriptor, r request) ([]*descriptor.Descriptor, error) {
	var picked []*descriptor.Descriptor
	switch {
	case r.AllBranches:
		return d.Expand(), nil
	case r.Branch != nil:
		b, err := d.Branch(*r.Branch)
		if err != nil {
			return nil, err
		}
		picked = b.Expand()
	case d.Branches() > 1:
		b, err := d.Branch(0)
		if err != nil {
			return nil, err
		}
		picked = b.Expand()
	default:
		picked = d.Expand()
	}
	return picked, nil
}

func deriveItems(d *descriptor.Descriptor, n btc.Network, from, to uint32) ([]derivedItem, error) {
	var items []derivedItem
	for i := uint64(from); i <= uint64(to); i++ {
		o, err := d.Derive(uint32(i))
		if err != nil {
			return nil, err
		}
		item := derivedItem{Index: uint32(i), ScriptPubKey: hex.EncodeToString(o.Script), RedeemScript: hex.EncodeToString(o.RedeemScript),
			WitnessScript: hex.EncodeToString(o.WitnessScript), Taproot: taprootOf(o.Taproot)}
		item.Address, _ = o.Address(n)
		if at, err := d.At(uint32(i)); err == nil {
			item.Descriptor = at.String()
		}
		items = append(items, item)
	}
	return items, nil
}

func taprootOf(t *descriptor.Taproot) *taprootField {
	if t == nil {
		return nil
	}
	out := &taprootField{InternalKey: hex.EncodeToString(t.InternalKey[:]), MerkleRoot: hex.EncodeToString(t.MerkleRoot),
		OutputKey: hex.EncodeToString(t.OutputKey[:]), Leaves: []leafField{}}
	for _, l := range t.Leaves {
		out.Leaves = append(out.Leaves, leafField{hex.EncodeToString(l.Script), int(l.Version), l.Depth, hex.EncodeToString(l.ControlBlock)})
	}
	return out
}

// parseRange reads "A-B" or "A"; both ends are included. Missing means the first index.
func parseRange(s string, ranged bool) (from, to uint32, err error) {
	if s == "" {
		return 0, 0, nil
	}
	a, b, two := strings.Cut(s, "-")
	if !two {
		b = a
	}
	if !ranged && (strings.TrimSpace(a) != "0" || strings.TrimSpace(b) != "0") {
		return 0, 0, errs.Bad(errs.Malformed, "the descriptor is not ranged; it has one script, at index 0")
	}
	x, err1 := strconv.ParseUint(strings.TrimSpace(a), 10, 31)
	y, err2 := strconv.ParseUint(strings.TrimSpace(b), 10, 31)
	if err1 != nil || err2 != nil || x > y {
		return 0, 0, errs.Bad(errs.Malformed, "%q is no range; use A-B with 0 ≤ A ≤ B ≤ 2147483647", s)
	}
	if y-x >= maxDerived {
		return 0, 0, errs.Bad(errs.TooLarge, "a range may have %d indexes", maxDerived)
	}
	return uint32(x), uint32(y), nil
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
