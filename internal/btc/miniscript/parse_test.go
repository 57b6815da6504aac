package miniscript_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"specter/internal/btc/miniscript"
	"specter/internal/errs"
)

func TestParseRefuses(t *testing.T) {
	h32, h20 := strings.Repeat("ab", 32), strings.Repeat("ab", 20)
	keys := func(n int) string { return strings.Repeat(",K", n) }
	for _, c := range []struct {
		name, expr string
		ctx        miniscript.Context
		code       errs.Code
	}{
		{"nothing", "", miniscript.WSH, errs.Malformed},
		{"a lone wrapper", "v:", miniscript.WSH, errs.Malformed},
		{"a missing bracket", "pk(A", miniscript.WSH, errs.Malformed},
		{"a bracket too many", "pk(A))", miniscript.WSH, errs.Malformed},
		{"a missing key", "pk()", miniscript.WSH, errs.Malformed},
		{"two keys in pk", "pk(A,B)", miniscript.WSH, errs.Malformed},
		{"an open bracket in a key", "pk(musig(A,B)", miniscript.WSH, errs.Malformed},
		{"a blank in a key", "pk(A B)", miniscript.WSH, errs.Malformed},
		{"a blank before the bracket", "pk (A)", miniscript.WSH, errs.Malformed},
		{"letters outside ASCII in a key", "pk(ключ)", miniscript.WSH, errs.Malformed},
		{"a fragment nobody knows", "pkk(A)", miniscript.WSH, errs.UnknownFragment},
		{"a policy in place of a miniscript", "or(pk(A),pk(B))", miniscript.WSH, errs.UnknownFragment},
		{"a descriptor's multisig", "sortedmulti(2,A,B)", miniscript.WSH, errs.UnknownFragment},
		{"a wrapper nobody knows", "xc:pk_k(A)", miniscript.WSH, errs.UnknownFragment},
		{"number with sign", "older(+1)", miniscript.WSH, errs.Malformed},
		{"negative number", "after(-1)", miniscript.WSH, errs.Malformed},
		{"number with leading zero", "older(01)", miniscript.WSH, errs.Malformed},
		{"zero time", "older(0)", miniscript.WSH, errs.Malformed},
		{"time of 2^31", "after(2147483648)", miniscript.WSH, errs.Malformed},
		{"number of 2^32", "after(4294967296)", miniscript.WSH, errs.Malformed},
		{"number that wraps around 64 bits", "older(18446744073709551617)", miniscript.WSH, errs.Malformed},
		{"threshold of zero", "thresh(0,pk(A))", miniscript.WSH, errs.Malformed},
		{"threshold above the count", "multi(3,A,B)", miniscript.WSH, errs.Malformed},
		{"thresh of nothing", "thresh(1)", miniscript.WSH, errs.Malformed},
		{"21 keys", "multi(1" + keys(21) + ")", miniscript.WSH, errs.TooManyKeys},
		{"1,000 keys", "multi_a(1" + keys(1000) + ")", miniscript.Tapscript, errs.TooManyKeys},
		{"multi in taproot", "multi(1,A)", miniscript.Tapscript, errs.BadContext},
		{"multi_a in wsh", "multi_a(1,A)", miniscript.WSH, errs.BadContext},
		{"no context", "pk(A)", 0, errs.BadContext},
		{"short digest", "sha256(" + h20 + ")", miniscript.WSH, errs.Malformed},
		{"long digest", "hash160(" + h32 + ")", miniscript.WSH, errs.Malformed},
		{"digest with a name", "sha256(H)", miniscript.WSH, errs.Malformed},
		{"two arguments too few", "andor(pk(A))", miniscript.WSH, errs.Malformed},
		{"one argument too many", "and_v(v:pk(A),pk(B),pk(C))", miniscript.WSH, errs.Malformed},
		{"types that do not fit", "and_v(pk(A),pk(B))", miniscript.WSH, errs.Malformed},
		{"branches of different types", "or_i(pk(A),v:pk(B))", miniscript.WSH, errs.Malformed},
		{"d: is no unit in wsh", "or_d(dv:older(1),pk(A))", miniscript.WSH, errs.Malformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := miniscript.Parse(c.expr, c.ctx)
			if err == nil {
				t.Fatalf("read as %s", n)
			}
			if got := errs.CodeOf(err); got != c.code {
				t.Errorf("code %s, want %s (%v)", got, c.code, err)
			}
		})
	}
	if _, err := miniscript.Parse("or_d(dv:older(1),pk(A))", miniscript.Tapscript); err != nil {
		t.Errorf("d: is a unit in tapscript: %v", err)
	}
}

func TestPrintsCanonically(t *testing.T) {
	for _, c := range []struct{ expr, want string }{
		{"c:pk_k(A)", "pk(A)"},
		{"c:pk_h(A)", "pkh(A)"},
		{"vc:pk_k(A)", "v:pk(A)"},
		{"v:c:pk_k(A)", "v:pk(A)"},
		{"and_v(vc:pk_k(A),1)", "tv:pk(A)"},
		{"or_i(0,older(1))", "l:older(1)"},
		{"or_i(older(1),0)", "u:older(1)"},
		{"or_i(0,0)", "l:0"},
		{"andor(pk(A),pk(B),0)", "and_n(pk(A),pk(B))"},
		{"c:or_i(pk_k(A),pk_h(B))", "c:or_i(pk_k(A),pk_h(B))"},
		{"thresh(2,pk(A),s:pk(B),sln:older(4))", "thresh(2,pk(A),s:pk(B),sln:older(4))"},
		{"multi(1,[d34db33f/48h/0h]xpub/<0;1>/*,musig(A,B)/*)", "multi(1,[d34db33f/48h/0h]xpub/<0;1>/*,musig(A,B)/*)"},
		{"and_v(v:pk(A),SHA256(00))", ""},
	} {
		n, err := miniscript.Parse(c.expr, miniscript.WSH)
		if c.want == "" {
			if err == nil {
				t.Errorf("%s is read as %s", c.expr, n)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
		} else if n.String() != c.want {
			t.Errorf("%s is printed as %s, want %s", c.expr, n, c.want)
		}
	}
}

func TestKeysAreMappedInOrder(t *testing.T) {
	n, err := miniscript.Parse("or_d(multi(2,A,B,C),and_v(v:pkh(D),older(5)))", miniscript.WSH)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(n.Keys(), " "); got != "A B C D" {
		t.Errorf("keys are %s", got)
	}
	m, err := n.MapKeys(func(key string) (string, error) { return key + key, nil })
	if err != nil || m.String() != "or_d(multi(2,AA,BB,CC),and_v(v:pkh(DD),older(5)))" {
		t.Errorf("%v, %v", m, err)
	}
	if n.String() != "or_d(multi(2,A,B,C),and_v(v:pkh(D),older(5)))" {
		t.Errorf("the first one became %s", n)
	}
	refused := fmt.Errorf("no such key")
	if _, err := n.MapKeys(func(string) (string, error) { return "", refused }); err != refused {
		t.Errorf("error of the mapping is lost: %v", err)
	}
}

// TestHostileInputEndsSoon feeds what would cost a careless reader stack, memory or time.
func TestHostileInputEndsSoon(t *testing.T) {
	many := func(s string, n int) string { return strings.Repeat(s, n) }
	thresh := "thresh(500,pk(K)" + many(",a:0", 999) + ")"
	for name, expr := range map[string]string{
		"open brackets":         many("and_v(", 150_000),
		"wrappers":              many("n", 1_000_000) + ":0",
		"sugar":                 many("l", 1_000_000) + ":0",
		"nested or_i":           many("or_i(0,", 100_000) + "0" + many(")", 100_000),
		"nested thresh":         many("thresh(1,", 100_000) + "pk(K)" + many(")", 100_000),
		"brackets in a key":     "pk(" + many("(", 500_000),
		"digits":                "older(" + many("9", 1_000_000) + ")",
		"too long":              many("0", 2_000_000),
		"large threshes":        "thresh(1," + thresh + many(",a:"+thresh, 200) + ")",
		"thresh too wide":       "thresh(1,pk(K)" + many(",a:0", 5000) + ")",
		"multi_a of many":       "multi_a(1" + many(",K", 400_000) + ")",
		"colons":                many("v:", 500_000) + "0",
		"long name":             many("x", 1_000_000) + "(",
		"deep but almost legal": many("tv:", 3999) + "1",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			n, err := miniscript.Parse(expr, miniscript.Tapscript)
			if err == nil {
				t.Fatalf("read: %d bytes of script", n.ScriptSize())
			}
			if len(err.Error()) > 500 {
				t.Errorf("the error is %d characters long", len(err.Error()))
			}
			if took := time.Since(start); took > time.Minute {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestHostileScriptsEndSoon(t *testing.T) {
	many := func(b byte, n int) []byte { return []byte(strings.Repeat(string(rune(b)), n)) }
	const notIf, endIf, verify, add, equal, one, boolAnd = 0x64, 0x68, 0x69, 0x93, 0x87, 0x51, 0x1a
	for name, script := range map[string][]byte{
		"only ENDIF":   many(endIf, 300_000),
		"only NOTIF":   many(notIf, 300_000),
		"only VERIFY":  many(verify, 300_000),
		"only 1":       many(one, 300_000),
		"only BOOLAND": many(boolAnd, 300_000),
		"many ADD":     append(many(add, 300_000), one, equal),
		"too long":     many(one, 400_000),
		"empty":        nil,
	} {
		t.Run(name, func(t *testing.T) {
			if n, err := miniscript.FromScript(script, miniscript.Tapscript, nil); err == nil {
				t.Errorf("read as a miniscript of %d bytes", n.ScriptSize())
			}
		})
	}
}

// TestLargestMiniscriptsAreAnalysedSoon works on what is legal and as large as can be.
func TestLargestMiniscriptsAreAnalysedSoon(t *testing.T) {
	keys, subs := make([]string, 999), []string{"pk(k0)"}
	for i := range keys {
		keys[i] = fmt.Sprintf("key%d", i)
	}
	for i := 1; i < 999; i++ {
		subs = append(subs, fmt.Sprintf("s:pk(k%d)", i))
	}
	for name, expr := range map[string]string{
		"multi_a": "multi_a(500," + strings.Join(keys, ",") + ")",
		"thresh":  "thresh(500," + strings.Join(subs, ",") + ")",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			n, err := miniscript.Parse(expr, miniscript.Tapscript)
			if err != nil {
				t.Fatal(err)
			}
			if err := n.CheckSane(); err != nil {
				t.Fatal(err)
			}
			p, err := n.Plan(miniscript.Everything())
			if err != nil || len(p.Keys) != 500 || p.Elements != 999 || p.Size != 500*65+499 {
				t.Errorf("plan of %d keys, %d elements, %d bytes: %v", len(p.Keys), p.Elements, p.Size, err)
			}
			if took := time.Since(start); took > time.Minute {
				t.Errorf("took %v", took)
			}
		})
	}
}
