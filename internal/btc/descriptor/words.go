package descriptor

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"specter/internal/btc/miniscript"
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
	p := d.newPlanner(Assets{})
	ways := make([]string, len(paths))
	for i, path := range paths {
		ways[i] = p.pathWords(path)
	}
	return strings.Join(ways, ", or ")
}

func (p *planner) pathWords(path miniscript.Path) string {
	var parts []string
	for _, g := range path.Groups {
		parts = append(parts, p.groupWords(g))
	}
	for _, h := range path.Hashes {
		parts = append(parts, "the "+h.Kind.String()+" secret")
	}
	s := strings.Join(parts, " and ")
	if path.Older != 0 {
		s += " after " + relativeWords(path.Older)
	}
	if path.After != 0 {
		s += " from " + absoluteWords(path.After)
	}
	return strings.TrimSpace(s)
}

func (p *planner) groupWords(g miniscript.Group) string {
	var names []string
	for _, text := range g.Keys {
		places, _ := p.signersOf(text)
		for _, at := range places {
			names = append(names, strconv.Itoa(at+1))
		}
	}
	switch {
	case len(names) == 1:
		return "key " + names[0]
	case g.Need == len(g.Keys):
		return "keys " + list(names, "and")
	}
	return fmt.Sprintf("%d of keys %s", g.Need, list(names, "and"))
}

// list joins words as a sentence does: "1, 2 and 3".
func list(words []string, last string) string {
	n := len(words)
	if n < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:n-1], ", ") + " " + last + " " + words[n-1]
}

// relativeWords explains a relative timelock (BIP68): blocks, or units of 512 seconds.
func relativeWords(n uint32) string {
	if n&(1<<22) != 0 {
		d := time.Duration(n&0xffff) * 512 * time.Second
		return fmt.Sprintf("%d hours", int(d.Hours()+0.5))
	}
	return fmt.Sprintf("%d blocks", n&0xffff)
}

// absoluteWords explains an absolute timelock: a height, or a time from 500,000,000.
func absoluteWords(n uint32) string {
	if n < 500_000_000 {
		return fmt.Sprintf("block %d", n)
	}
	return time.Unix(int64(n), 0).UTC().Format("2 January 2006")
}
