package miniscript_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"specter/internal/btc/miniscript"
	"specter/internal/errs"
	"specter/internal/vectors"
)

type wantedWitness struct {
	ASM       string
	NSequence uint32 `json:"nSequence"`
	NLockTime uint32 `json:"nLockTime"`
}

func TestEverySatisfaction(t *testing.T) {
	vectors.Each(t, "miniscript/bitcoinerlab_satisfactions.json", nil, func(c vectors.Case) error {
		var v struct {
			Miniscript, Context, Script, Throws string
			Knowns, Unknowns                    []string
			NonMalleable                        []wantedWitness `json:"non_malleable_satisfactions"`
			Malleable                           []wantedWitness `json:"malleable_satisfactions"`
			NeedsUnknown                        []wantedWitness `json:"needs_unknown"`
		}
		c.Decode(&v)
		ctx, err := miniscript.ParseContext(v.Context)
		if err != nil {
			return err
		}
		n, err := miniscript.ParseNamed(v.Miniscript, ctx)
		var e miniscript.Enumeration
		if err == nil {
			e, err = n.Enumerate(miniscript.Search{Known: func(element string) bool {
				return !slices.Contains(v.Unknowns, element) && (v.Knowns == nil || slices.Contains(v.Knowns, element))
			}})
		}
		if v.Throws != "" {
			if err == nil {
				return errors.New("accepted but must be refused")
			}
			return nil
		}
		if err != nil {
			return err
		}
		if got := n.ASM(); got != v.Script {
			return fmt.Errorf("script is %s, want %s", got, v.Script)
		}
		return errors.Join(
			sameWitnesses("non-malleable", e.NonMalleable, v.NonMalleable, true),
			sameWitnesses("malleable", e.Malleable, v.Malleable, false),
			sameWitnesses("needing unknown", e.NeedsUnknown, v.NeedsUnknown, false))
	})
}

// sameWitnesses compares two lists in any order.
func sameWitnesses(what string, got []miniscript.Solution, want []wantedWitness, nonMalleable bool) error {
	var a, b []string
	for _, s := range got {
		if s.NonMalleable != nonMalleable {
			return fmt.Errorf("%s: %s is marked wrongly", what, s.ASM())
		}
		if strings.Join(s.Stack(), " ") != s.ASM() {
			return fmt.Errorf("%s: stack %q and asm %q differ", what, s.Stack(), s.ASM())
		}
		a = append(a, fmt.Sprintf("%s locktime %d sequence %d", s.ASM(), s.LockTime, s.Sequence))
	}
	for _, w := range want {
		b = append(b, fmt.Sprintf("%s locktime %d sequence %d", w.ASM, w.NLockTime, w.NSequence))
	}
	slices.Sort(a)
	slices.Sort(b)
	if !slices.Equal(a, b) {
		return fmt.Errorf("%s: got\n%s\nwant\n%s", what, strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
	return nil
}

func TestEnumerateGivesUpAtItsLimit(t *testing.T) {
	keys := make([]string, 20)
	for i := range keys {
		keys[i] = fmt.Sprintf("key%d", i)
	}
	n, err := miniscript.Parse("multi(10,"+strings.Join(keys, ",")+")", miniscript.WSH)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Enumerate(miniscript.Search{}); errs.CodeOf(err) != errs.TooLarge {
		t.Errorf("184,756 choices: %v, want code too-large", err)
	}
	many, err := miniscript.Parse("multi_a(2"+strings.Repeat(",k", 999)+")", miniscript.Tapscript)
	if err != nil {
		t.Fatal(err)
	}
	number := 0
	if many, err = many.MapKeys(func(string) (string, error) { number++; return fmt.Sprint("k", number), nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := many.Enumerate(miniscript.Search{}); errs.CodeOf(err) != errs.TooLarge {
		t.Errorf("498,501 long witnesses: %v, want code too-large", err)
	}
	known := func(element string) bool { return len(element) == len("<sig(key0)>") } // ten keys
	e, err := n.Enumerate(miniscript.Search{Known: known, OnlyKnown: true})
	if err != nil || len(e.NonMalleable) != 1 || len(e.NeedsUnknown) != 0 {
		t.Errorf("with ten known keys: %d ways, %v", len(e.NonMalleable), err)
	}
}

func TestEnumerateListsTheSmallestFirst(t *testing.T) {
	n, err := miniscript.Parse("c:or_i(andor(c:pk_h(key1),pk_h(key2),pk_h(key3)),pk_k(key4))", miniscript.WSH)
	if err != nil {
		t.Fatal(err)
	}
	e, err := n.Enumerate(miniscript.Search{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"<sig(key4)> 0", "<sig(key3)> <key3> 0 <key1> 1", "<sig(key2)> <key2> <sig(key1)> <key1> 1"}
	for i, s := range e.NonMalleable {
		if s.ASM() != want[i] {
			t.Errorf("place %d: %s, want %s", i, s.ASM(), want[i])
		}
	}
}

func TestAvailableAcceptsEveryWayToNameAPiece(t *testing.T) {
	known := miniscript.Available([]string{"<sig(A)>", "sig(B)", "C", "<sha256_preimage(H)>", "hash160_preimage(I)", " ripemd160(J)"})
	for element, want := range map[string]bool{
		"<sig(A)>": true, "<sig(B)>": true, "<sig(C)>": true, "<sig(D)>": false, "<sha256_preimage(H)>": true,
		"<hash160_preimage(I)>": true, "<ripemd160_preimage(J)>": true, "<sha256_preimage(J)>": false,
	} {
		if known(element) != want {
			t.Errorf("%s: known is %v", element, !want)
		}
	}
}

func TestHashLocksAreListed(t *testing.T) {
	n, err := miniscript.ParseNamed("and_v(v:pk(A),and_v(v:sha256(H),hash160("+strings.Repeat("ab", 20)+")))", miniscript.WSH)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(n.Hashes()); got != "[sha256(H) hash160("+strings.Repeat("ab", 20)+")]" {
		t.Error(got)
	}
	if _, err := n.Script(func(string) ([]byte, error) { return make([]byte, 33), nil }); errs.CodeOf(err) != errs.Incomplete {
		t.Errorf("a script of a named digest: %v", err)
	}
}
