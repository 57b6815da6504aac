package descriptor

import (
	"fmt"
	"strconv"
	"strings"
)

// Summary says in a person's words what the descriptor asks for: "2 of 3 multisig, native
// segwit". Keys are numbered from 1 as Keys lists them.
func (d *Descriptor) Summary() string {
	switch d.root.kind {
	case kAddr:
		return "a fixed address"
	case kRaw:
		return "a fixed script"
	case kCombo:
		return "single key, every common address type"
	case kTR:
		return d.taprootSummary()
	case kRawTR:
		return d.keyWords(d.root.keys[0]) + ", taproot output key"
	}
	return d.condition(d.inner()) + ", " + d.era()
}

// era names how the script is wrapped.
func (d *Descriptor) era() string {
	switch d.ScriptType() {
	case "wpkh", "wsh":
		return "native segwit"
	case "sh-wpkh", "sh-wsh":
		return "nested segwit"
	case "pk", "multi", "sortedmulti":
		return "legacy, without an address"
	}
	return "legacy"
}

// condition says what satisfies an expression.
func (d *Descriptor) condition(e *expr) string {
	switch e.kind {
	case kMulti, kSortedMulti, kMultiA, kSortedMultiA:
		return fmt.Sprintf("%d of %d multisig", e.threshold, len(e.keys))
	case kMini:
		return d.miniWords(e)
	}
	return d.keyWords(e.keys[0])
}

func (d *Descriptor) keyWords(i int) string {
	if n := len(d.keys[i].parts); n > 0 {
		return fmt.Sprintf("%d of %d MuSig2", n, n)
	}
	return "single key"
}

func (d *Descriptor) taprootSummary() string {
	e := d.root
	if e.tree == nil {
		return d.keyWords(e.keys[0]) + ", taproot"
	}
	var leaves []string
	_ = e.tree.walk(0, func(leaf *expr, _ int) error {
		leaves = append(leaves, d.condition(leaf))
		return nil
	})
	var s string
	if n := len(leaves); n > 3 {
		s = strings.Join(leaves[:3], ", or ") + fmt.Sprintf(", or %d more scripts", n-3)
	} else {
		s = strings.Join(leaves, ", or ")
	}
	if d.HasKeyPath() {
		s = d.keyWords(e.keys[0]) + ", or " + s
	}
	return s + ", taproot"
}

// maxPaths bounds how many ways to spend a summary tells.
const maxPaths = 4

// miniWords lists the ways to satisfy a miniscript.
func (d *Descriptor) miniWords(e *expr) string {
	paths := e.mini.Paths(maxPaths + 1)
	if len(paths) == 0 || len(paths) > maxPaths {
		return fmt.Sprintf("miniscript of %d keys", len(e.keys))
	}
	ways := make([]string, len(paths))
	for i, path := range paths {
		ways[i] = path.Text(d.newPlanner(Assets{}).nameOf)
	}
	return strings.Join(ways, ", or ")
}

// nameOf names a key of a miniscript by its number, counted from 1.
func (p *planner) nameOf(text string) string {
	places, _ := p.signersOf(text)
	names := make([]string, len(places))
	for i, at := range places {
		names[i] = "key " + strconv.Itoa(at+1)
	}
	if len(names) > 1 {
		return "MuSig2(" + strings.Join(names, ", ") + ")"
	}
	return strings.Join(names, "")
}
