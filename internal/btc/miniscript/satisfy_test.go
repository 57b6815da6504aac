package miniscript_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"specter/internal/btc/miniscript"
	"specter/internal/errs"
)

// signers gives 71-byte signatures by the keys in a blank-separated list.
func signers(keys string) func(string) ([]byte, bool) {
	return func(key string) ([]byte, bool) {
		for _, k := range strings.Fields(keys) {
			if k == key {
				return bytes.Repeat([]byte(key[:1]), 71), true
			}
		}
		return nil, false
	}
}

func upTo(most uint32) func(uint32) bool { return func(n uint32) bool { return n <= most } }

func TestSatisfyTakesTheCheapestSafeWitness(t *testing.T) {
	image := bytes.Repeat([]byte{7}, 32)
	digest := sha256.Sum256(image)
	h := hex.EncodeToString(digest[:])
	recovery := "or_d(multi(2,A,B,C),and_v(v:pk(D),older(144)))"
	for _, c := range []struct {
		name, expr, keys string
		older            uint32
		image            bool
		want             string // elements: 0, 1, a letter for that key's signature, * for the preimage; "" none
	}{
		{"one key", "pk(A)", "A", 0, false, "A"},
		{"no key", "pk(A)", "B", 0, false, ""},
		{"first two of three", recovery, "A B C D", 0, false, "0 A B"},
		{"last two of three", recovery, "B C", 0, false, "0 B C"},
		{"recovery too early", recovery, "A D", 143, false, ""},
		{"recovery in time", recovery, "A D", 144, false, "D 0 0 0"},
		{"cheaper recovery is taken", recovery, "A B D", 144, false, "D 0 0 0"},
		{"preimage at hand", "andor(pk(A),sha256(" + h + "),pk(B))", "A", 0, true, "* A"},
		{"preimage missing", "andor(pk(A),sha256(" + h + "),pk(B))", "A B", 0, false, "B 0"},
		{"the branch with the smaller selector", "or_i(pk(A),pk(B))", "A B", 0, false, "B 0"},
		{"nothing more than asked", "thresh(2,pk(A),s:pk(B),s:pk(C))", "A B C", 0, false, "C B 0"},
		{"time in place of a key", "thresh(2,pk(A),s:pk(B),sln:older(10))", "A B", 10, false, "0 B 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := miniscript.Parse(c.expr, miniscript.WSH)
			if err != nil {
				t.Fatal(err)
			}
			m := miniscript.Materials{Sign: signers(c.keys), Older: upTo(c.older)}
			if c.image {
				m.Preimage = func(miniscript.HashKind, []byte) ([]byte, bool) { return image, true }
			}
			got, err := n.Satisfy(m)
			if c.want == "" {
				if errs.CodeOf(err) != errs.NotSatisfiable {
					t.Errorf("got %q, %v", short(got.Stack, image), err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if s := short(got.Stack, image); s != c.want {
				t.Errorf("witness %q, want %q", s, c.want)
			}
			if (got.Older != 0) != strings.HasPrefix(c.want, "D") && c.older != 10 {
				t.Errorf("older is %d", got.Older)
			}
		})
	}
}

// short prints a witness as the cases have it.
func short(stack [][]byte, image []byte) string {
	var words []string
	for _, e := range stack {
		switch {
		case len(e) == 0:
			words = append(words, "0")
		case len(e) == 1:
			words = append(words, fmt.Sprint(e[0]))
		case bytes.Equal(e, image):
			words = append(words, "*")
		default:
			words = append(words, string(e[:1]))
		}
	}
	return strings.Join(words, " ")
}

func TestSatisfyRefusesWrongMaterials(t *testing.T) {
	image := bytes.Repeat([]byte{7}, 32)
	digest := sha256.Sum256(image)
	n, err := miniscript.Parse(fmt.Sprintf("and_v(v:pk(A),sha256(%x))", digest), miniscript.WSH)
	if err != nil {
		t.Fatal(err)
	}
	good := miniscript.Materials{
		Sign:     signers("A"),
		Preimage: func(miniscript.HashKind, []byte) ([]byte, bool) { return image, true },
	}
	for _, c := range []struct {
		name   string
		change func(*miniscript.Materials)
		code   errs.Code
	}{
		{"nothing wrong", func(*miniscript.Materials) {}, ""},
		{"another preimage", func(m *miniscript.Materials) {
			m.Preimage = func(miniscript.HashKind, []byte) ([]byte, bool) { return make([]byte, 32), true }
		}, errs.Mismatch},
		{"preimage of another length", func(m *miniscript.Materials) {
			m.Preimage = func(miniscript.HashKind, []byte) ([]byte, bool) { return image[:31], true }
		}, errs.Mismatch},
		{"signature too long", func(m *miniscript.Materials) {
			m.Sign = func(string) ([]byte, bool) { return make([]byte, 74), true }
		}, errs.Malformed},
		{"no signature although it was promised", func(m *miniscript.Materials) {
			m.Sign = func(string) ([]byte, bool) { return nil, true }
		}, errs.Malformed},
		{"no materials at all", func(m *miniscript.Materials) { *m = miniscript.Materials{} }, errs.NotSatisfiable},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := good
			c.change(&m)
			if _, err := n.Satisfy(m); errs.CodeOf(err) != c.code {
				t.Errorf("%v, want code %q", err, c.code)
			}
		})
	}
}

func TestOnlySatisfyAnyGivesAStrangersWitness(t *testing.T) {
	n, err := miniscript.Parse("or_i(pk(A),older(1))", miniscript.WSH)
	if err != nil {
		t.Fatal(err)
	}
	m := miniscript.Materials{Sign: signers("A"), Older: upTo(1)}
	if _, err := n.Satisfy(m); errs.CodeOf(err) != errs.NotSatisfiable {
		t.Errorf("an unsigned witness was not refused: %v", err)
	}
	got, err := n.SatisfyAny(m)
	if err != nil || got.Signed || len(got.Stack) != 1 || len(got.Stack[0]) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestPlanKnowsSizesBeforeSigning(t *testing.T) {
	anyTime := func(uint32) bool { return true }
	can := func(keys string) func(string) bool {
		return func(key string) bool { _, ok := signers(keys)(key); return ok }
	}
	for _, c := range []struct {
		name, expr string
		ctx        miniscript.Context
		assets     miniscript.Assets
		want       string
	}{
		{"2 of 3", "multi(2,A,B,C)", miniscript.WSH, miniscript.Assets{CanSign: can("A C")}, "3 elements 147 bytes [A C] after 0 older 0"},
		{"key hash", "pkh(A)", miniscript.WSH, miniscript.Assets{CanSign: can("A")}, "2 elements 107 bytes [A] after 0 older 0"},
		{"multi_a", "multi_a(2,A,B,C)", miniscript.Tapscript, miniscript.Assets{CanSign: can("A C")}, "3 elements 131 bytes [A C] after 0 older 0"},
		{"multi_a with sighash byte", "multi_a(2,A,B,C)", miniscript.Tapscript, miniscript.Assets{CanSign: can("A C"), SchnorrSize: 65}, "3 elements 133 bytes [A C] after 0 older 0"},
		{"recovery", "or_d(pk(A),and_v(v:pkh(B),and_v(v:older(144),after(800000))))", miniscript.WSH,
			miniscript.Assets{CanSign: can("B"), Older: anyTime, After: anyTime}, "3 elements 108 bytes [B] after 800000 older 144"},
		{"recovery without time", "or_d(pk(A),and_v(v:pkh(B),older(144)))", miniscript.WSH, miniscript.Assets{CanSign: can("B")}, "not-satisfiable"},
		{"nothing", "pk(A)", miniscript.WSH, miniscript.Assets{}, "not-satisfiable"},
		{"blocks and seconds at once", "and_v(v:pk(A),and_v(v:older(1),older(4194305)))", miniscript.WSH, miniscript.Everything(), "not-satisfiable"},
		{"height and date at once", "and_v(v:pk(A),and_v(v:after(1),after(500000000)))", miniscript.WSH, miniscript.Everything(), "not-satisfiable"},
		{"first asked, first named", "and_v(v:pk(B),pk(A))", miniscript.WSH, miniscript.Everything(), "2 elements 146 bytes [B A] after 0 older 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := miniscript.Parse(c.expr, c.ctx)
			if err != nil {
				t.Fatal(err)
			}
			p, err := n.Plan(c.assets)
			got := fmt.Sprintf("%d elements %d bytes %s after %d older %d", p.Elements, p.Size, p.Keys, p.After, p.Older)
			if err != nil {
				got = string(errs.CodeOf(err))
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestFromScriptNeedsTheKeysOfHashes(t *testing.T) {
	key := "02" + strings.Repeat("11", 32)
	n, err := miniscript.Parse("pkh("+key+")", miniscript.WSH)
	if err != nil {
		t.Fatal(err)
	}
	script, err := n.Script(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := miniscript.FromScript(script, miniscript.WSH, nil); errs.CodeOf(err) != errs.Incomplete {
		t.Errorf("without the key: %v", err)
	}
	back, err := miniscript.FromScript(script, miniscript.WSH, keysOf(n))
	if err != nil || back.String() != n.String() {
		t.Errorf("with the key: %v, %v", back, err)
	}
}
