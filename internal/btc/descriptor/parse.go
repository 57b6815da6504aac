package descriptor

import (
	"encoding/hex"
	"strconv"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/miniscript"
	"specter/internal/errs"
)

// Bounds of what is read.
const (
	maxLength    = 200_000 // characters; 999 keys with their origins fit
	maxTreeDepth = 128     // BIP341
	maxMultiKeys = 20      // MAX_PUBKEYS_PER_MULTISIG
	maxMultiA    = 999     // MAX_PUBKEYS_PER_MULTI_A
	maxBareKeys  = 3       // what nodes relay
	maxP2SH      = 520     // MAX_SCRIPT_ELEMENT_SIZE
)

// place says where a script expression stands.
type place uint8

const (
	atTop place = iota
	inSH
	inWSH
	inTR
)

var placeNames = [...]string{atTop: "at the top", inSH: "in sh()", inWSH: "in wsh()", inTR: "in tr()"}

// parser carries what Parse learns on its way.
type parser struct {
	o       Options
	keys    []*keyExpr
	main    *bool        // kind of network of the keys so far
	network *btc.Network // of addr()
	policy  []*keyExpr   // key information of a BIP388 policy; nil outside
	used    int          // placeholders of it that have appeared
}

// Parse reads a descriptor (BIP380 to BIP390, BIP393) and verifies its checksum where one is
// given. Errors are of kind Invalid with a code: bad-checksum, malformed, unknown-fragment,
// bad-context, bad-key, bad-path, wrong-network, too-many-keys, too-large or not-sane.
func Parse(s string, o Options) (*Descriptor, error) {
	if len(s) > maxLength {
		return nil, errs.Bad(errs.TooLarge, "the descriptor is longer than %d characters", maxLength)
	}
	body, given, err := splitChecksum(s)
	if err != nil {
		return nil, err
	}
	p := &parser{o: o}
	d, err := p.parse(body)
	if err != nil {
		return nil, err
	}
	d.checksumGiven = given
	return d, nil
}

func (p *parser) parse(body string) (*Descriptor, error) {
	body, notes, err := splitAnnotations(body)
	if err != nil {
		return nil, err
	}
	root, err := p.parseExpr(body, atTop)
	if err != nil {
		return nil, err
	}
	d := &Descriptor{root: root, keys: p.keys, notes: notes, network: p.network}
	return d, d.validate()
}

// validate checks what concerns the descriptor as a whole.
func (d *Descriptor) validate() error {
	n := d.Branches()
	for _, k := range d.keys {
		for _, leaf := range append([]*keyExpr{k}, k.parts...) {
			if m := leaf.branches(); m != 1 && m != n {
				return errs.Bad(errs.BadPath, "the <a;b> of the keys differ in length (%d and %d)", m, n)
			}
		}
	}
	return d.checkMiniscripts()
}

// parseExpr reads a script expression.
func (p *parser) parseExpr(s string, at place) (*expr, error) {
	name, inner, ok := splitCall(s)
	k, known := kinds[name]
	if !known && (at == inWSH || at == inTR) {
		return p.parseMiniscript(s, at)
	}
	if !known {
		return nil, unknownFunction(name, s, at)
	}
	if !ok {
		return nil, errs.Bad(errs.Malformed, "%s( … ) is not closed, or something follows it", name)
	}
	if at == inTR && k == kPKH {
		return p.parseMiniscript(s, at)
	}
	if err := checkPlace(k, at); err != nil {
		return nil, err
	}
	e := &expr{kind: k}
	var err error
	switch k {
	case kSH:
		e.sub, err = p.parseExpr(inner, inSH)
		if err == nil {
			err = p.checkP2SH(e.sub)
		}
	case kWSH:
		e.sub, err = p.parseExpr(inner, inWSH)
	case kTR:
		err = p.parseTR(e, inner)
	case kAddr:
		err = p.parseAddr(e, inner)
	case kRaw:
		err = parseRaw(e, inner)
	case kMulti, kSortedMulti, kMultiA, kSortedMultiA:
		err = p.parseMulti(e, inner, at)
	default:
		err = p.parseOneKey(e, inner, at)
	}
	return e, err
}

// miniNames are fragments that only miniscript knows, for a better word where they stand wrong.
const miniNames = " pk_k pk_h older after sha256 hash256 ripemd160 hash160 and_v and_b and_n or_b or_c or_d or_i andor thresh "

func unknownFunction(name, s string, at place) error {
	if i := strings.LastIndexByte(name, ':'); strings.Contains(miniNames, " "+name[i+1:]+" ") || i > 0 && kinds[name[i+1:]] != 0 {
		return errs.Bad(errs.BadContext, "miniscript may stand in wsh() and in the tree of tr() alone, not %s", placeNames[at])
	}
	if !strings.Contains(s, "(") {
		return errs.Bad(errs.Malformed, "a function such as pkh( … ) is missing %s", placeNames[at])
	}
	return errs.Bad(errs.UnknownFragment, "%q is no function of descriptors", clip(name))
}

// checkPlace holds the rule where a function may stand.
func checkPlace(k kind, at place) error {
	var ok bool
	switch k {
	case kPK:
		ok = true
	case kPKH, kMulti, kSortedMulti:
		ok = at != inTR
	case kMultiA, kSortedMultiA:
		ok = at == inTR
	case kWPKH, kWSH:
		ok = at == atTop || at == inSH
	default:
		ok = at == atTop
	}
	if !ok {
		return errs.Bad(errs.BadContext, "%s() may not stand %s", kindNames[k], placeNames[at])
	}
	return nil
}

// rules says which keys a place takes.
func rules(k kind, at place) keyRules {
	taproot := at == inTR || k == kTR || k == kRawTR
	legacy := (at == atTop || at == inSH) && k != kWPKH && !taproot
	return keyRules{uncompressed: legacy, xOnly: taproot}
}

// addKey reads a key and returns its place in the list.
func (p *parser) addKey(s string, r keyRules) (int, error) {
	k, err := p.parseKey(s, r)
	if err != nil {
		return 0, err
	}
	p.keys = append(p.keys, k)
	return len(p.keys) - 1, nil
}

func (p *parser) parseOneKey(e *expr, inner string, at place) error {
	args, err := splitArgs(inner)
	if err != nil {
		return err
	}
	if len(args) != 1 {
		return errs.Bad(errs.Malformed, "%s() takes one key, not %d", kindNames[e.kind], len(args))
	}
	i, err := p.addKey(args[0], rules(e.kind, at))
	e.keys = []int{i}
	return err
}

func (p *parser) parseMulti(e *expr, inner string, at place) error {
	name := kindNames[e.kind]
	args, err := splitArgs(inner)
	if err != nil {
		return err
	}
	if len(args) < 2 {
		return errs.Bad(errs.Malformed, "%s() takes a threshold and keys", name)
	}
	if e.threshold, err = parseThreshold(args[0]); err != nil {
		return err
	}
	n, limit := len(args)-1, maxMultiKeys
	switch {
	case at == inTR:
		limit = maxMultiA
	case at == atTop:
		limit = maxBareKeys
	}
	if n > limit {
		return errs.Bad(errs.TooManyKeys, "%s() has %d keys; %s at most %d are allowed", name, n, placeNames[at], limit)
	}
	if e.threshold < 1 || e.threshold > n {
		return errs.Bad(errs.Malformed, "%d of %d keys is no threshold", e.threshold, n)
	}
	for _, a := range args[1:] {
		i, err := p.addKey(a, rules(e.kind, at))
		if err != nil {
			return err
		}
		e.keys = append(e.keys, i)
	}
	return nil
}

// checkP2SH holds the redeem script to the 520 bytes that can be pushed.
func (p *parser) checkP2SH(e *expr) error {
	if e.kind != kMulti && e.kind != kSortedMulti {
		return nil
	}
	size := 3
	for _, i := range e.keys {
		size += 1 + p.keys[i].size()
	}
	if len(e.keys) > 16 {
		size++ // the number of keys takes two bytes
	}
	if e.threshold > 16 {
		size++
	}
	if size > maxP2SH {
		return errs.Bad(errs.TooManyKeys, "the redeem script of %d keys has %d bytes; sh() allows 520, so use wsh()", len(e.keys), size)
	}
	return nil
}

// size is the length of the serialized public key.
func (k *keyExpr) size() int {
	if k.uncompressed() {
		return 65
	}
	return 33
}

func (p *parser) parseTR(e *expr, inner string) error {
	args, err := splitArgs(inner)
	if err != nil {
		return err
	}
	if len(args) < 1 || len(args) > 2 {
		return errs.Bad(errs.Malformed, "tr() takes a key and perhaps a tree, not %d parts", len(args))
	}
	i, err := p.addKey(args[0], rules(kTR, atTop))
	if err != nil {
		return err
	}
	e.keys = []int{i}
	if len(args) == 2 {
		e.tree, err = p.parseTree(args[1], 0)
	}
	return err
}

// parseTree reads {TREE,TREE} or a script.
func (p *parser) parseTree(s string, depth int) (*tree, error) {
	if depth > maxTreeDepth {
		return nil, errs.Bad(errs.TooLarge, "the taproot tree is deeper than %d levels", maxTreeDepth)
	}
	if !strings.HasPrefix(s, "{") {
		leaf, err := p.parseExpr(s, inTR)
		return &tree{leaf: leaf}, err
	}
	if matching(s, 0) != len(s)-1 || s[len(s)-1] != '}' {
		return nil, errs.Bad(errs.Malformed, "the braces of the taproot tree do not match")
	}
	args, err := splitArgs(s[1 : len(s)-1])
	if err != nil {
		return nil, err
	}
	if len(args) != 2 {
		return nil, errs.Bad(errs.Malformed, "a branch of a taproot tree has two sides, not %d", len(args))
	}
	t := &tree{}
	if t.left, err = p.parseTree(args[0], depth+1); err != nil {
		return nil, err
	}
	t.right, err = p.parseTree(args[1], depth+1)
	return t, err
}

func (p *parser) parseAddr(e *expr, s string) error {
	networks := btc.Networks()
	if p.o.Network != nil {
		networks = []btc.Network{*p.o.Network}
	}
	var a btc.Address
	var err error
	for _, n := range networks {
		if a, err = btc.ParseAddress(s, n); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	var ok bool
	if e.addr, ok = btc.AddressOf(a.Script, a.Network); !ok {
		return errs.Bad(errs.BadEncoding, "the address cannot be written again")
	}
	e.script, p.network = a.Script, &a.Network
	return nil
}

func parseRaw(e *expr, s string) error {
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) == 0 {
		return errs.Bad(errs.BadEncoding, "raw() takes a script in hex")
	}
	if len(raw) > 10_000 {
		return errs.Bad(errs.TooLarge, "a script has at most 10,000 bytes, this one %d", len(raw))
	}
	e.script = raw
	return nil
}

// parseMiniscript reads a miniscript and numbers its keys.
func (p *parser) parseMiniscript(s string, at place) (*expr, error) {
	ctx := miniscript.WSH
	if at == inTR {
		ctx = miniscript.Tapscript
	}
	node, err := miniscript.Parse(s, ctx)
	if err != nil {
		return nil, err
	}
	e := &expr{kind: kMini}
	e.mini, err = node.MapKeys(func(key string) (string, error) {
		i, err := p.addKey(key, keyRules{xOnly: at == inTR})
		e.keys = append(e.keys, i)
		return strconv.Itoa(i), err
	})
	return e, err
}
