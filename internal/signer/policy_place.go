package signer

import (
	"fmt"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
)

// spot is an address of a wallet.
type spot struct{ branch, index uint32 }

// place finds out at which branch and index of the wallet all keys of a script stand.
type place struct {
	spot
	hasBranch, hasIndex bool
}

// take reads the steps from an extended key to a key of the script and returns what stands for
// them in the wallet's descriptor: fixed steps, a pair of branches (an even one and the odd one
// after it, so 0 and 1, or 2 and 3 where a wallet uses a key twice), and the wildcard.
func (p *place) take(steps btc.Path) (string, error) {
	var tail strings.Builder
	n := len(steps)
	for _, s := range steps[:max(n-2, 0)] {
		fmt.Fprintf(&tail, "/%d", s)
	}
	if n >= 2 {
		b := steps[n-2]
		if p.hasBranch && p.branch != b&1 {
			return "", E(CodeBadTransaction, "the keys of one script stand on different branches")
		}
		p.branch, p.hasBranch = b&1, true
		fmt.Fprintf(&tail, "/<%d;%d>", b&^1, b|1)
	}
	if n >= 1 {
		if p.hasIndex && p.index != steps[n-1] {
			return "", E(CodeBadTransaction, "the keys of one script stand at different indexes")
		}
		p.index, p.hasIndex = steps[n-1], true
		tail.WriteString("/*")
	}
	return tail.String(), nil
}

// pieces are what stands before, between and after the keys of a descriptor.
type pieces []string

// cut takes a descriptor's text apart at its keys.
func cut(d *descriptor.Descriptor) (pieces, error) {
	rest, _, _ := strings.Cut(d.String(), "#")
	var out pieces
	for _, k := range d.Keys() {
		before, after, found := strings.Cut(rest, k.Text)
		if !found {
			return nil, E(CodeBadArgument, "the descriptor is not in its canonical form")
		}
		out, rest = append(out, before), after
	}
	return append(out, rest), nil
}

// with puts other keys into the text.
func (p pieces) with(keys []string) string {
	var out strings.Builder
	for i, key := range keys {
		out.WriteString(p[i])
		out.WriteString(key)
	}
	out.WriteString(p[len(p)-1])
	return out.String()
}
