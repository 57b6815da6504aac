package main

import (
	"encoding/hex"
	"strconv"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/errs"
)

type descriptorDeriveCmd struct {
	descriptorArg
	Range       string `help:"Indexes, such as 0-9 (both included) or 5." placeholder:"A-B"`
	Branch      *int   `help:"Only this branch of a multipath descriptor (0 receive, 1 change)."`
	AllBranches bool   `help:"Every branch; without it the first alone."`
}

// Help shows how it is used.
func (descriptorDeriveCmd) Help() string {
	return "Examples:\n  specter descriptor derive --range 0-9 --all-branches @descriptor.txt\n  specter descriptor derive --branch 1 --range 5 @descriptor.txt"
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
