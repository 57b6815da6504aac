package miniscript_test

import (
	"fmt"
	"strings"
	"testing"

	"specter/internal/btc/miniscript"
)

func TestPathsInWords(t *testing.T) {
	for _, c := range []struct{ name, expr, want string }{
		{"one key", "pk(A)", "A alone"},
		{"two keys", "and_v(v:pk(A),pk(B))", "A and B"},
		{"three keys", "and_v(v:pk(A),and_v(v:pk(B),pk(C)))", "A, B and C"},
		{"multisig", "multi(2,A,B,C)", "2 of 3 of A, B, C"},
		{"either key", "or_b(pk(A),s:pk(B))", "1 of 2 of A, B"},
		{"recovery after a year", "or_d(multi(2,A,B,C),and_v(v:pk(D),older(52560)))", "2 of 3 of A, B, C; or after 52,560 blocks D alone"},
		{"one block", "and_v(v:pk(A),older(1))", "after 1 block A alone"},
		{"decaying multisig", "thresh(3,pk(A),s:pk(B),s:pk(C),sln:older(12960))", "A, B and C; or after 12,960 blocks 2 of 3 of A, B, C"},
		{"hash lock", "and_v(v:pk(A),sha256(H))", "A alone with the preimage of sha256 H"},
		{"two hash locks", "and_v(v:pk(A),and_v(v:sha256(H),hash160(I)))", "A alone with the preimage of sha256 H and of hash160 I"},
		{"height", "and_v(v:pk(A),after(800000))", "from block 800,000 on A alone"},
		{"date", "and_v(v:pk(A),after(2000000000))", "from 2033-05-18 03:33 UTC on A alone"},
		{"relative time", "and_v(v:pk(A),older(4195904))", "after 9 days 11 hours A alone"},
		{"shortest relative time", "and_v(v:pk(A),older(4194305))", "after 8 minutes 32 seconds A alone"},
		{"relative and absolute", "and_v(v:pk(A),and_v(v:older(10),after(100)))", "after 10 blocks from block 100 on A alone"},
		{"the longer of two", "and_v(v:pk(A),and_v(v:older(10),older(20)))", "after 20 blocks A alone"},
		{"group and key", "and_v(v:pk(A),multi(1,B,C))", "A and 1 of 2 of B, C"},
		{"andor", "andor(pk(A),older(1008),pk(B))", "B alone; or after 1,008 blocks A alone"},
		{"no signature", "older(5)", "after 5 blocks anybody"},
		{"a lock and a time that exclude each other", "and_v(v:pk(A),and_v(v:older(1),older(4194305)))", "nobody can spend this"},
		{"impossible", "0", "nobody can spend this"},
		{"impossible branches are left out", "or_i(and_b(pk(A),a:0),pk(B))", "B alone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := miniscript.ParseNamed(c.expr, miniscript.WSH)
			if err != nil {
				t.Fatal(err)
			}
			if got := n.Summary(nil, 10); got != c.want {
				t.Errorf("%s\n got %q\nwant %q", c.expr, got, c.want)
			}
		})
	}
}

func TestPathsCarryKeysAndLocks(t *testing.T) {
	n, err := miniscript.Parse("or_d(multi(2,A,B,C),and_v(v:pkh(D),older(52560)))", miniscript.WSH)
	if err != nil {
		t.Fatal(err)
	}
	paths := n.Paths(5)
	if len(paths) != 2 || paths[0].Groups[0].Need != 2 || strings.Join(paths[0].Keys(), "") != "ABC" || paths[0].Older != 0 {
		t.Fatalf("%+v", paths)
	}
	if paths[1].Older != 52560 || strings.Join(paths[1].Keys(), "") != "D" {
		t.Errorf("%+v", paths[1])
	}
	if got := paths[1].Text(func(key string) string { return "key " + key }); got != "after 52,560 blocks key D alone" {
		t.Error(got)
	}
	if one := n.Paths(1); len(one) != 1 {
		t.Errorf("limit 1 gives %d paths", len(one))
	}
	if got := n.Summary(nil, 1); got != "2 of 3 of A, B, C; or in further ways" {
		t.Error(got)
	}
}

func TestPathsOfManyBranchesEndAtTheLimit(t *testing.T) {
	args := make([]string, 60)
	for i := range args {
		args[i] = fmt.Sprintf("a:and_n(pk(k%d),n:older(%d))", i, i+1)
	}
	n, err := miniscript.Parse("thresh(30,pk(k),"+strings.Join(args, ",")+")", miniscript.Tapscript)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(n.Paths(100)); got != 100 {
		t.Errorf("%d paths, want 100", got)
	}
}
