package miniscript_test

import (
	"fmt"
	"strings"
	"testing"

	"specter/internal/btc/miniscript"
	"specter/internal/errs"
)

func TestSanity(t *testing.T) {
	key := func(i int) string { return fmt.Sprintf("02%064x", i) }
	list := func(n int, form string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = fmt.Sprintf(form, key(i+1))
		}
		return strings.Join(parts, ",")
	}
	wsh, tr := miniscript.WSH, miniscript.Tapscript
	for _, c := range []struct {
		name, expr string
		ctx        miniscript.Context
		why        string // part of the sentence; empty when sane
	}{
		{"a key", "pk(A)", wsh, ""},
		{"multisig", "multi(2,A,B,C)", wsh, ""},
		{"not a whole script", "v:pk(A)", wsh, "must be of type B"},
		{"no signature", "sha256(" + strings.Repeat("00", 32) + ")", wsh, "without any signature"},
		{"malleable", "and_v(v:pk(A),or_d(sha256(" + strings.Repeat("00", 32) + "),older(1)))", wsh, "a stranger could change"},
		{"mixed times", "and_v(v:pk(A),and_v(v:after(1),after(500000000)))", wsh, "a block height and for a time"},
		{"relative and absolute may differ", "and_v(v:pk(A),and_v(v:older(1),after(500000000)))", wsh, ""},
		{"repeated key", "and_v(v:pk(A),pk(A))", wsh, "more than once"},
		{"repeated key in two forms", "and_v(v:pk(" + key(1) + "),pk(" + key(1)[2:] + "))", tr, "more than once"},
		{"the same x with two parities in wsh", "and_v(v:pk(" + key(1) + "),pk(03" + key(1)[2:] + "))", wsh, ""},
		{"as many opcodes as allowed", "and_v(v:pk(A),thresh(1,pk(B)," + list(49, "a:pk(%s)") + "))", wsh, ""},
		{"too many opcodes", "and_v(v:pk(A),thresh(1,pk(B)," + list(50, "a:pk(%s)") + "))", wsh, "opcodes"},
		{"as many elements as nodes relay", bigMultisigs(15), wsh, ""},
		{"more elements than nodes relay", bigMultisigs(16), wsh, "witness elements"},
		{"stack of tapscript", "multi_a(1," + list(999, "%s") + ")", tr, ""},
		{"stack of tapscript passed", "and_v(v:multi_a(1," + list(999, "%s") + "),pk(A))", tr, "on the stack"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := miniscript.Parse(c.expr, c.ctx)
			if err != nil {
				t.Fatal(err)
			}
			err = n.CheckSane()
			switch {
			case c.why == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.why != "" && (err == nil || !strings.Contains(err.Error(), c.why)):
				t.Errorf("got %v, want something about %q", err, c.why)
			case c.why != "" && n.CheckTop() == nil && errs.CodeOf(err) != errs.NotSane:
				t.Errorf("code %s", errs.CodeOf(err))
			}
			if r := n.Inspect(); r.Sane != (c.why == "") || (r.Why == "") != r.Sane {
				t.Errorf("inspection says sane %v, %q", r.Sane, r.Why)
			}
		})
	}
}

// bigMultisigs asks for four times 20 signatures and some more; each multi takes an element
// more than signatures.
func bigMultisigs(last int) string {
	var all []string
	key := 0
	for _, count := range []int{20, 20, 20, 20, last} {
		multi := fmt.Sprintf("multi(%d", count)
		for range count {
			key++
			multi += fmt.Sprintf(",K%d", key)
		}
		all = append(all, multi+")")
	}
	return "and_v(v:" + strings.Join(all[:4], ",and_v(v:") + "," + all[4] + "))))"
}

func TestUnspendableIsNoticed(t *testing.T) {
	for expr, want := range map[string]bool{"pk(A)": true, "0": false, "and_v(v:pk(A),0)": false, "or_i(0,pk(A))": true} {
		n, err := miniscript.Parse(expr, miniscript.WSH)
		if err != nil {
			t.Fatal(err)
		}
		if n.Satisfiable() != want {
			t.Errorf("%s: satisfiable is %v", expr, n.Satisfiable())
		}
		if _, _, ok := n.MaxSatisfaction(); ok != want {
			t.Errorf("%s: a largest witness is %v", expr, ok)
		}
	}
}
