package miniscript_test

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/btcsuite/btcd/btcec/v2"
	"specter/internal/btc/miniscript"
)

// generator makes random miniscripts that type-check, of real keys and digests.
type generator struct {
	*rand.Rand
	ctx      miniscript.Context
	times    bool // timelocks are times, not heights
	nextKey  int
	privates map[string]*btcec.PrivateKey
	images   map[string][]byte // by "kind:digest in hex"
}

func newGenerator(r *rand.Rand, ctx miniscript.Context) *generator {
	return &generator{Rand: r, ctx: ctx, times: r.IntN(2) == 0, privates: map[string]*btcec.PrivateKey{}, images: map[string][]byte{}}
}

// keyPool holds the keys that all tests share: making one costs more than using it.
var keyPool = func() []*btcec.PrivateKey {
	pool := make([]*btcec.PrivateKey, 64)
	for i := range pool {
		var secret [32]byte
		secret[30], secret[31] = 7, byte(i+1)
		pool[i], _ = btcec.PrivKeyFromBytes(secret[:])
	}
	return pool
}()

var keyTexts = func() (texts []string) {
	for _, private := range keyPool {
		texts = append(texts, hex.EncodeToString(private.PubKey().SerializeCompressed()))
	}
	return texts
}()

func (g *generator) key() string {
	private, text := keyPool[g.nextKey%len(keyPool)], keyTexts[g.nextKey%len(keyPool)]
	g.nextKey++
	if g.ctx == miniscript.Tapscript {
		text = text[2:]
	}
	g.privates[text] = private
	return text
}

func (g *generator) keys(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = g.key()
	}
	return strings.Join(list, ",")
}

func (g *generator) hash() string {
	image := make([]byte, 32)
	for i := range image {
		image[i] = byte(g.Uint32())
	}
	kind := miniscript.HashKind(1 + g.IntN(4))
	digest := digestOf(kind, image)
	g.images[fmt.Sprintf("%s:%x", kind, digest)] = image
	return fmt.Sprintf("%s(%x)", kind, digest)
}

func (g *generator) lock() string {
	older, after := []uint32{1, 10, 144, 65535}, []uint32{1, 100, 800_000, 499_999_999}
	if g.times != (g.IntN(20) == 0) {
		older, after = []uint32{4194305, 4194305 + 99, 4252898}, []uint32{500_000_000, 1_700_000_000, 1<<31 - 1}
	}
	if g.IntN(2) == 0 {
		return fmt.Sprintf("older(%d)", older[g.IntN(len(older))])
	}
	return fmt.Sprintf("after(%d)", after[g.IntN(len(after))])
}

// letters are what the argument of a fragment must have.
const (
	anyB = "B"
	bdu  = "Bdu"
	wdu  = "Wdu"
)

// expr makes an expression with all the letters, or "" where it found none in a few tries.
func (g *generator) expr(letters string, depth int) string {
	for range 12 {
		text := g.attempt(letters[0], depth)
		if text == "" {
			continue
		}
		n, err := miniscript.Parse(text, g.ctx)
		if err != nil {
			continue
		}
		fits := true
		for _, c := range letters {
			fits = fits && strings.ContainsRune(n.Type().String(), c)
		}
		if fits {
			return text
		}
	}
	return ""
}

// attempt makes an expression of a base type, without a promise that it fits together.
func (g *generator) attempt(base byte, depth int) string {
	if depth <= 0 {
		return g.leaf(base)
	}
	sub := func(letters string) string { return g.expr(letters, depth-1) }
	pair := func(name, x, y string) string { return g.join(name, sub(x), sub(y)) }
	pick := func(forms ...func() string) string { return forms[g.IntN(len(forms))]() }
	same := string(base)
	branches := []func() string{
		func() string { return pair("and_v", "V", same) },
		func() string { return pair("or_i", same, same) },
		func() string { return g.join("andor", sub(bdu), sub(same), sub(same)) },
		func() string { return g.leaf(base) },
	}
	switch base {
	case 'K':
		return pick(branches...)
	case 'V':
		return pick(append(branches,
			func() string { return pair("or_c", bdu, "V") },
			func() string { return g.wrap("v", sub(anyB)) })...)
	case 'W':
		return pick(func() string { return g.wrap("a", sub(anyB)) }, func() string { return g.wrap("s", sub("Bo")) })
	}
	return pick(append(branches,
		func() string { return pair("and_b", anyB, "W") },
		func() string { return pair("or_b", "Bd", "Wd") },
		func() string { return pair("or_d", bdu, anyB) },
		func() string { return pair("and_n", bdu, anyB) },
		func() string { return g.wrap("j", sub("Bn")) },
		func() string { return g.wrap("d", sub("Vz")) },
		func() string {
			return g.wrap(string("nlutc"[g.IntN(5)]), sub([]string{anyB, anyB, anyB, "V", "K"}[g.IntN(5)]))
		},
		func() string { return g.thresh(depth) },
		func() string { return g.thresh(depth) })...)
}

func (g *generator) thresh(depth int) string {
	args := []string{g.expr(bdu, depth-1)}
	for range g.IntN(4) {
		args = append(args, g.expr(wdu, depth-1))
	}
	return g.join("thresh", append([]string{fmt.Sprint(1 + g.IntN(len(args)))}, args...)...)
}

// join makes a call of the parts, or "" where one is missing.
func (g *generator) join(name string, parts ...string) string {
	for _, p := range parts {
		if p == "" {
			return ""
		}
	}
	return name + "(" + strings.Join(parts, ",") + ")"
}

func (g *generator) wrap(letter, x string) string {
	if x == "" {
		return ""
	}
	return letter + ":" + x
}

func (g *generator) leaf(base byte) string {
	switch base {
	case 'K':
		return []string{"pk_k", "pk_h"}[g.IntN(2)] + "(" + g.key() + ")"
	case 'V':
		return g.wrap("v", g.leaf('B'))
	case 'W':
		return g.wrap([]string{"a", "s"}[g.IntN(2)], g.leaf('B'))
	}
	switch g.IntN(12) {
	case 0:
		return g.hash()
	case 1, 2:
		return g.lock()
	case 3:
		return "l:" + g.lock()
	case 4:
		return []string{"0", "1"}[g.IntN(2)]
	case 5, 6:
		n := 1 + g.IntN(4)
		if g.ctx == miniscript.Tapscript {
			return fmt.Sprintf("multi_a(%d,%s)", 1+g.IntN(n), g.keys(n))
		}
		return fmt.Sprintf("multi(%d,%s)", 1+g.IntN(n), g.keys(n))
	case 7:
		return "pkh(" + g.key() + ")"
	}
	return "pk(" + g.key() + ")"
}

// sane makes a sane miniscript that somebody can spend.
func (g *generator) sane(depth int) *miniscript.Node {
	for {
		g.nextKey = 0
		text := g.expr(anyB, depth)
		if text == "" {
			continue
		}
		n, err := miniscript.Parse(text, g.ctx)
		if err == nil && n.CheckSane() == nil && n.Satisfiable() {
			return n
		}
	}
}
