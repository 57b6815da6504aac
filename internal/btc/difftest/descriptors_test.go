package difftest_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/miniscript"
	"specter/internal/chain/core/coretest"
	"specter/internal/errs"
)

// Numbers of one round.
const (
	descriptorRounds = 300
	mutationsOfOne   = 4
)

// descriptorInfo is the node's view of a descriptor.
type descriptorInfo struct {
	Descriptor     string
	Expansion      []string `json:"multipath_expansion"`
	Checksum       string
	IsRange        bool
	IsSolvable     bool
	HasPrivateKeys bool
}

// scribe writes random descriptors.
type scribe struct {
	*world
	multipath int // alternatives in <a;b>, the same in all keys; 0: none
	private   bool
	hardened  string // the sign of hardened steps
}

func descriptors(w *world) {
	good, refused := 0, 0
	for range descriptorRounds * w.rounds {
		s := &scribe{world: w, private: w.chance(4), hardened: []string{"h", "'"}[w.IntN(2)]}
		if w.chance(3) {
			s.multipath = 2 + w.IntN(2)
		}
		text := s.descriptor()
		if w.sameInfo(text) {
			good++
			w.sameAddresses(text)
		} else {
			refused++
		}
		for range mutationsOfOne {
			if w.sameInfo(w.mutate(text, descriptorLetters)) {
				good++
			} else {
				refused++
			}
		}
	}
	w.Logf("%d descriptors told alike, %d refused alike", good, refused)
	if good < descriptorRounds/2 || refused < descriptorRounds/2 {
		w.Error("too few of one kind: the writer of descriptors is broken")
	}
}

const descriptorLetters = "0123456789abcdefghklmnoprstuwxyzACEGHKLMN()[],'/*;<>{}#_: "

// mutate replaces, removes, adds or swaps one character, or doubles a part.
func (w *world) mutate(s, letters string) string {
	b := []byte(s)
	at := w.IntN(len(b))
	letter := letters[w.IntN(len(letters))]
	switch w.IntN(5) {
	case 0:
		b[at] = letter
	case 1:
		b = slices.Delete(b, at, at+1)
	case 2:
		b = slices.Insert(b, at, letter)
	case 3:
		other := min(at+1, len(b)-1)
		b[at], b[other] = b[other], b[at]
	default:
		end := min(at+1+w.IntN(8), len(b))
		b = slices.Insert(b, at, slices.Clone(b[at:end])...)
	}
	return string(b)
}

func (s *scribe) descriptor() string {
	switch s.IntN(16) {
	case 0:
		return "pk(" + s.key(33) + ")"
	case 1:
		return "pkh(" + s.key(65) + ")"
	case 2, 3:
		return "wpkh(" + s.key(33) + ")"
	case 4:
		return "sh(wpkh(" + s.key(33) + "))"
	case 5:
		return "combo(" + strings.NewReplacer("<", "", ";1", "", ";2", "", ">", "").Replace(s.key(65)) + ")"
	case 6:
		return "sh(" + s.multi("multi", 4, 33) + ")"
	case 7:
		return s.multi("multi", 3, 65)
	case 8, 9:
		return "wsh(" + s.multi("multi", 6, 33) + ")"
	case 10:
		return "sh(wsh(" + s.multi("multi", 6, 33) + "))"
	case 11:
		return "tr(" + s.key(32) + ")"
	case 12:
		return "tr(" + s.key(32) + "," + s.leaves(3) + ")"
	case 13:
		return "wsh(" + newAuthor(s.world, miniscript.WSH).sane().String() + ")"
	case 14:
		if a, ok := btc.AddressOf(s.script(), btc.Regtest); ok {
			return "addr(" + a + ")"
		}
		return fmt.Sprintf("raw(%x)", s.bytes(1+s.IntN(60)))
	}
	return "rawtr(" + s.key(32) + ")"
}

func (s *scribe) multi(name string, most, size int) string {
	if s.chance(2) {
		name = "sorted" + name
	}
	keys := make([]string, 1+s.IntN(most))
	for i := range keys {
		keys[i] = s.key(size)
	}
	return fmt.Sprintf("%s(%d,%s)", name, 1+s.IntN(len(keys)), strings.Join(keys, ","))
}

func (s *scribe) leaves(depth int) string {
	if depth > 0 && s.chance(2) {
		return "{" + s.leaves(depth-1) + "," + s.leaves(depth-1) + "}"
	}
	switch s.IntN(3) {
	case 0:
		return s.multi("multi_a", 4, 32)
	case 1:
		return fmt.Sprintf("and_v(v:pk(%s),older(%d))", s.key(32), 1+s.IntN(1000))
	}
	return "pk(" + s.key(32) + ")"
}

// key writes a key expression; size is 32 where x-only keys may stand, 65 where uncompressed may.
func (s *scribe) key(size int) string {
	origin := ""
	if s.chance(2) {
		steps := []string{hex.EncodeToString(s.bytes(4))}
		for range s.IntN(4) {
			steps = append(steps, s.step())
		}
		origin = "[" + strings.Join(steps, "/") + "]"
	}
	if s.chance(5) && s.multipath == 0 {
		return origin + s.plainKey(size)
	}
	x := s.newMaster()
	text := x.Public().String()
	if s.private && s.chance(2) {
		text = x.String()
	}
	isPrivate := strings.HasPrefix(text, "tprv")
	for range s.IntN(3) {
		if isPrivate {
			text += "/" + s.step()
		} else {
			text += fmt.Sprintf("/%d", s.Uint32N(1<<31))
		}
	}
	switch s.multipath {
	case 2:
		text += "/<0;1>"
	case 3:
		text += "/<0;1;2>"
	}
	switch {
	case s.chance(5):
		return origin + text
	case isPrivate && s.chance(3):
		return origin + text + "/*" + s.hardened
	}
	return origin + text + "/*"
}

func (s *scribe) step() string {
	n := fmt.Sprint([]uint32{0, 1, 49, 84, 1<<31 - 1, s.Uint32N(1 << 31)}[s.IntN(6)])
	if s.chance(2) {
		return n + s.hardened
	}
	return n
}

func (s *scribe) plainKey(size int) string {
	k := s.newPrivate()
	if s.private && s.chance(2) {
		wif, err := btcutil.NewWIF(k, btc.Regtest.Params(), size != 65 || s.chance(2))
		s.must(err)
		return wif.String()
	}
	pub := k.PubKey().SerializeCompressed()
	switch {
	case size == 32 && s.chance(2):
		pub = pub[1:]
	case size == 65 && s.chance(2):
		pub = k.PubKey().SerializeUncompressed()
	}
	return hex.EncodeToString(pub)
}

// script makes a random scriptPubKey of a standard form.
func (w *world) script() []byte {
	switch w.IntN(6) {
	case 0:
		return btc.PayToPubKeyHash(w.bytes(20))
	case 1:
		return btc.PayToScriptHash(w.bytes(20))
	case 2:
		return btc.WitnessScript(0, w.bytes(20))
	case 3:
		return btc.WitnessScript(0, w.bytes(32))
	case 4:
		return btc.WitnessScript(1, w.newPrivate().PubKey().SerializeCompressed()[1:])
	}
	return btc.WitnessScript(2+w.IntN(15), w.bytes(2+w.IntN(39)))
}

func network(n btc.Network) *btc.Network { return &n }

var lenient = descriptor.Options{AllowPrivate: true, Network: network(btc.Regtest)}

// sameInfo compares getdescriptorinfo and returns whether the descriptor is good.
func (w *world) sameInfo(text string) bool {
	w.Helper()
	d, ours := descriptor.Parse(text, lenient)
	var info descriptorInfo
	theirs := w.node.RPC("", "getdescriptorinfo", &info, text)
	switch {
	case theirs != nil && strings.Contains(theirs.Error(), ownRule):
		return false
	case (theirs == nil) != (ours == nil):
		if !knownDifference(text, ours) {
			w.Errorf("%s: we say %v, the node %v", text, ours, theirs)
		}
		return false
	case theirs != nil:
		var rpc *coretest.RPCError
		if !errors.As(theirs, &rpc) {
			w.Fatal(theirs)
		}
		return false
	}
	body, _, _ := strings.Cut(text, "#")
	if sum, err := descriptor.Checksum(body); err != nil || sum != info.Checksum {
		w.Errorf("%s: checksum %s (%v), the node %s", text, sum, err, info.Checksum)
	}
	if d.IsRanged() != info.IsRange || d.IsSolvable() != info.IsSolvable || d.HasPrivateKeys() != info.HasPrivateKeys {
		w.Errorf("%s: ranged %v, solvable %v, private %v; the node %+v", text, d.IsRanged(), d.IsSolvable(), d.HasPrivateKeys(), info)
	}
	want := info.Expansion
	if len(want) == 0 {
		want = []string{info.Descriptor}
	}
	var got []string
	for i := range d.Branches() {
		b, err := d.Branch(i)
		w.must(err)
		got = append(got, b.String())
	}
	for i := range want {
		want[i] = canonical(want[i])
	}
	if !slices.Equal(got, want) {
		w.Errorf("%s: we print %v, the node %v", text, got, want)
	}
	return true
}

// canonical has every hardened step with h, as we print it; the node keeps the sign it was given.
func canonical(s string) string {
	body, _, _ := strings.Cut(s, "#")
	return descriptor.AddChecksum(strings.ReplaceAll(body, "'", "h"))
}

// knownDifference tells what we take or refuse on purpose, unlike the node.
func knownDifference(text string, ours error) bool {
	if ours == nil {
		return hardenedH.MatchString(text) // like BIP32 itself, and other wallets, we read H as h
	}
	return strings.Contains(text, " ") // the node passes over blanks around keys in Base58
}

var hardenedH = regexp.MustCompile(`[0-9*]H`)

// sameAddresses compares deriveaddresses over a few indexes, branch by branch.
func (w *world) sameAddresses(text string) {
	w.Helper()
	d, err := descriptor.Parse(text, lenient)
	w.must(err)
	params := []any{descriptor.AddChecksum(text)}
	first, last := uint32(0), uint32(0)
	if d.IsRanged() {
		first = w.Uint32N(1 << 20)
		last = first + 2
		params = append(params, []uint32{first, last})
	}
	var raw json.RawMessage
	theirs := w.node.RPC("", "deriveaddresses", &raw, params...)
	var got [][]string
	var ours error
	for i := range d.Branches() {
		b, err := d.Branch(i)
		w.must(err)
		list, err := w.addressesOf(b, first, last)
		if err != nil {
			ours = err
		}
		got = append(got, list)
	}
	if (ours == nil) != (theirs == nil) {
		w.Errorf("derive %s: we say %v, the node %v", text, ours, theirs)
		return
	}
	if ours != nil {
		return
	}
	want := make([][]string, 1)
	if d.Branches() > 1 {
		w.must(json.Unmarshal(raw, &want))
	} else {
		w.must(json.Unmarshal(raw, &want[0]))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.Errorf("derive %s from %d: we %v, the node %v", text, first, got, want)
	}
}

var errNoAddress = errs.Bad(errs.Unsupported, "an output without an address")

// addressesOf lists the addresses as the node does: of a combo() the key alone has none, which is
// no error there.
func (w *world) addressesOf(d *descriptor.Descriptor, first, last uint32) ([]string, error) {
	var list []string
	for i := first; i <= last; i++ {
		outs, err := d.Outputs(i)
		if err != nil {
			return nil, err
		}
		for _, o := range outs {
			a, ok := o.Address(btc.Regtest)
			if ok {
				list = append(list, a)
			} else if len(outs) == 1 {
				return nil, errNoAddress
			}
		}
	}
	return list, nil
}
