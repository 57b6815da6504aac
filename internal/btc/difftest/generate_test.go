package difftest_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	//lint:ignore SA1019 scripts hash with it
	"golang.org/x/crypto/ripemd160"

	"specter/internal/btc"
	"specter/internal/btc/miniscript"
)

// index is the address index at which ranged descriptors are spent.
const index = 3

// author writes random miniscripts whose keys and preimages it knows, and whose timelocks have
// passed once ripen was called.
type author struct {
	*world
	ctx    miniscript.Context
	times  bool // timelocks are times, mostly
	keys   map[string]*btcec.PrivateKey
	images map[string][]byte // preimages by lock, as HashLock.String prints it
}

func newAuthor(w *world, ctx miniscript.Context) *author {
	return &author{w, ctx, w.chance(2), map[string]*btcec.PrivateKey{}, map[string][]byte{}}
}

// key writes a plain key, or one that derives from the account.
func (a *author) key() string {
	if a.chance(3) {
		k := a.newPrivate()
		text := hex.EncodeToString(k.PubKey().SerializeCompressed())
		if a.ctx == miniscript.Tapscript {
			text = text[2:]
		}
		a.keys[text] = k
		return text
	}
	step := a.Uint32N(1 << 30)
	o := btc.KeyOrigin{Fingerprint: a.master.Fingerprint(), Path: accountPath}
	text := fmt.Sprintf("[%s]%s/%d/*", o, a.account.Public(), step)
	a.keys[text], _ = a.derive(a.account, btc.Path{step, index}).PrivateKey()
	return text
}

func (a *author) hash() string {
	image := a.bytes(32)
	once := sha256.Sum256(image)
	var text string
	switch a.IntN(4) {
	case 0:
		text = fmt.Sprintf("sha256(%x)", once)
	case 1:
		text = fmt.Sprintf("hash256(%x)", chainhash.DoubleHashB(image))
	case 2:
		text = fmt.Sprintf("hash160(%x)", btc.Hash160(image))
	default:
		text = fmt.Sprintf("ripemd160(%x)", ripemd(image))
	}
	a.images[text] = image
	return text
}

func ripemd(b []byte) []byte {
	h := ripemd160.New()
	h.Write(b)
	return h.Sum(nil)
}

// ripeBlocks and ripeStep are what is mined on top of coins before they are spent.
const (
	ripeBlocks = 24
	ripeStep   = 10 * time.Minute
)

func (a *author) lock() string {
	older := []uint32{1, 2, 9, ripeBlocks - 1}
	after := []uint32{1, 16, 17, 200}
	if a.times != a.chance(12) {
		older = []uint32{1<<22 | 1, 1<<22 | 2, 1<<22 | 5}
		after = []uint32{500_000_000, 1_231_006_505, 1_600_000_000}
	}
	if a.chance(2) {
		return fmt.Sprintf("older(%d)", older[a.IntN(len(older))])
	}
	return fmt.Sprintf("after(%d)", after[a.IntN(len(after))])
}

// text writes an expression that has all the letters, the first of which is the base type.
func (a *author) text(letters string, depth int) string {
	for range 15 {
		s := a.draft(letters[0], depth)
		n, err := miniscript.Parse(s, a.ctx)
		if err == nil && hasAll(n.Type().String(), letters) {
			return s
		}
	}
	return "?" // does not parse, so that the caller tries again
}

func hasAll(have, want string) bool {
	for _, c := range want {
		if !strings.ContainsRune(have, c) {
			return false
		}
	}
	return true
}

// Forms of each base type; a word with a % is replaced: %B, %V, %K, %W by an expression of that
// base, %D by one that is Bdu, %E by one that is Wdu, %U by one that is Bd, %X by one that is Wd,
// %O by Bo, %Z by Vz, %N by Bn.
var forms = map[byte][]string{
	'B': {
		"and_v(%V,%B)", "and_b(%B,%W)", "or_b(%U,%X)", "or_d(%D,%B)", "or_i(%B,%B)", "andor(%D,%B,%B)", "and_n(%D,%B)",
		"thresh(1,%D,%E)", "thresh(2,%D,%E,%E)", "thresh(2,%D,%E)", "thresh(3,%D,%E,%E,%E)", "thresh(2,%D,%E,%E,%E)",
		"j:%N", "n:%B", "l:%B", "u:%B", "t:%V", "c:%K", "d:%Z", "%multi", "%pk", "or_d(%D,%B)", "or_i(%B,%B)",
	},
	'V': {"v:%B", "and_v(%V,%V)", "or_c(%D,%V)", "or_i(%V,%V)", "andor(%D,%V,%V)"},
	'K': {"and_v(%V,%K)", "or_i(%K,%K)", "andor(%D,%K,%K)", "pk_k(%key)", "pk_h(%key)"},
	'W': {"a:%B", "s:%O", "a:%D", "s:%pk"},
}

var leaves = map[byte][]string{
	'B': {"%pk", "%pk", "%pk", "%pk", "%multi", "%multi", "%lock", "%hash", "l:%lock", "u:%lock", "0", "n:%hash"},
	'V': {"v:%pk", "v:%multi", "v:%lock", "v:%hash"},
	'K': {"pk_k(%key)", "pk_h(%key)"},
	'W': {"s:%pk", "a:%multi", "a:%hash", "a:%lock"},
}

var letters = map[byte]string{
	'B': "B", 'V': "V", 'K': "K", 'W': "W", 'D': "Bdu", 'E': "Wdu", 'U': "Bd", 'X': "Wd", 'O': "Bo", 'Z': "Vz", 'N': "Bn",
}

// draft fills a random form, without a promise that the parts fit together.
func (a *author) draft(base byte, depth int) string {
	list := forms[base]
	if depth <= 0 {
		list = leaves[base]
	}
	form := list[a.IntN(len(list))]
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(form, "%")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		switch {
		case strings.HasPrefix(rest, "key"):
			out.WriteString(a.key())
			form = rest[3:]
		case strings.HasPrefix(rest, "lock"):
			out.WriteString(a.lock())
			form = rest[4:]
		case strings.HasPrefix(rest, "hash"):
			out.WriteString(a.hash())
			form = rest[4:]
		case strings.HasPrefix(rest, "multi"):
			out.WriteString(a.multi())
			form = rest[5:]
		case strings.HasPrefix(rest, "pk"):
			out.WriteString([]string{"pk(", "pk(", "pkh("}[a.IntN(3)] + a.key() + ")")
			form = rest[2:]
		default:
			out.WriteString(a.text(letters[rest[0]], depth-1))
			form = rest[1:]
		}
	}
}

func (a *author) multi() string {
	n := 1 + a.IntN(3)
	list := make([]string, n)
	for i := range list {
		list[i] = a.key()
	}
	name := "multi"
	if a.ctx == miniscript.Tapscript {
		name = "multi_a"
	}
	return fmt.Sprintf("%s(%d,%s)", name, 1+a.IntN(n), strings.Join(list, ","))
}

// sane writes a miniscript that is safe to receive money on and that somebody can spend.
func (a *author) sane() *miniscript.Node {
	for {
		n, err := miniscript.Parse(a.text("B", 2+a.IntN(4)), a.ctx)
		if err == nil && n.CheckSane() == nil && n.Satisfiable() {
			return n
		}
	}
}
