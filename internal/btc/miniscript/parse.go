package miniscript

import (
	"encoding/hex"
	"strings"

	"specter/internal/errs"
)

// Parse reads a miniscript (BIP379) with its sugar and checks that its fragments fit together.
// Any type is accepted: CheckTop and CheckSane say whether it can stand alone. Keys are any
// printable text up to the comma or bracket that ends the argument. Errors are of kind Invalid
// with code malformed, unknown-fragment, bad-context, too-many-keys or too-large.
func Parse(expr string, ctx Context) (*Node, error) { return parse(expr, ctx, false) }

// ParseNamed is Parse for thinking aloud: a hash lock may have a name ("sha256(H)") in the
// place of a digest. Such a miniscript has everything but a script in bytes.
func ParseNamed(expr string, ctx Context) (*Node, error) { return parse(expr, ctx, true) }

func parse(expr string, ctx Context, named bool) (*Node, error) {
	if ctx != WSH && ctx != Tapscript {
		return nil, errs.Bad(errs.BadContext, "miniscript stands in wsh or in a leaf of tr, nowhere else")
	}
	if len(expr) > maxText {
		return nil, errs.Bad(errs.TooLarge, "this miniscript has %d characters; more than %d are not read", len(expr), maxText)
	}
	p := parser{maker: maker{ctx: ctx}, text: expr, named: named}
	n, err := p.expression(1)
	if err != nil {
		return nil, err
	}
	if p.pos != len(p.text) {
		return nil, p.malformed("nothing may follow the last bracket")
	}
	return n, nil
}

// parser is a recursive descent over the text.
type parser struct {
	maker
	text  string
	pos   int
	named bool
}

// malformed names the place of a mistake.
func (p *parser) malformed(format string, args ...any) error {
	return errs.Bad(errs.Malformed, "character %d of the miniscript: "+format, append([]any{p.pos + 1}, args...)...)
}

// expression reads wrappers and the fragment that they wrap.
func (p *parser) expression(depth int) (*Node, error) {
	if depth > maxDepth {
		return nil, tooManyParts()
	}
	wrappers := p.wrappers()
	n, err := p.fragment(depth)
	if err != nil {
		return nil, err
	}
	for i := len(wrappers) - 1; i >= 0; i-- {
		if n, err = p.wrap(wrappers[i], n); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// wrappers reads the letters before a colon. More than one colon ("d:v:1") is accepted.
func (p *parser) wrappers() string {
	var letters strings.Builder
	for {
		end := p.pos
		for end < len(p.text) && p.text[end] >= 'a' && p.text[end] <= 'z' {
			end++
		}
		if end == p.pos || end == len(p.text) || p.text[end] != ':' {
			return letters.String()
		}
		letters.WriteString(p.text[p.pos:end])
		p.pos = end + 1
	}
}

var wrapperOf = map[byte]Fragment{
	'a': WrapA, 's': WrapS, 'c': WrapC, 'd': WrapD, 'v': WrapV, 'j': WrapJ, 'n': WrapN,
}

// wrap puts one wrapper, or the sugar t:, l: or u:, around a node.
func (p *parser) wrap(letter byte, x *Node) (*Node, error) {
	if f, ok := wrapperOf[letter]; ok {
		return p.node(f, x)
	}
	constant := Just0
	if letter == 't' {
		constant = Just1
	}
	c, err := p.node(constant)
	if err != nil {
		return nil, err
	}
	switch letter {
	case 't':
		return p.node(AndV, x, c)
	case 'l':
		return p.node(OrI, c, x)
	case 'u':
		return p.node(OrI, x, c)
	}
	return nil, errs.Bad(errs.UnknownFragment, "%q is not a wrapper of miniscript", string(letter)+":")
}

// arity lists the fragments that take miniscripts only.
var arity = map[string]struct {
	fragment Fragment
	count    int
}{
	"and_v": {AndV, 2}, "and_b": {AndB, 2}, "and_n": {AndOr, 2}, "or_b": {OrB, 2}, "or_c": {OrC, 2},
	"or_d": {OrD, 2}, "or_i": {OrI, 2}, "andor": {AndOr, 3},
}

var keyFragments = map[string]Fragment{"pk": PkK, "pk_k": PkK, "pkh": PkH, "pk_h": PkH}

var lockFragments = map[string]Fragment{"older": Older, "after": After}

var hashFragments = map[string]Fragment{"sha256": Sha256, "hash256": Hash256, "ripemd160": Ripemd160, "hash160": Hash160}

// fragment reads one fragment with its arguments.
func (p *parser) fragment(depth int) (*Node, error) {
	start := p.pos
	for p.pos < len(p.text) && isNameByte(p.text[p.pos]) {
		p.pos++
	}
	name := p.text[start:p.pos]
	if name == "0" {
		return p.node(Just0)
	} else if name == "1" {
		return p.node(Just1)
	}
	if p.pos == len(p.text) || p.text[p.pos] != '(' || name == "" {
		p.pos = start
		return nil, p.malformed("a fragment such as pk(…) is missing here")
	}
	p.pos++
	n, err := p.arguments(name, depth)
	if err != nil {
		return nil, err
	}
	if err := p.expect(')'); err != nil {
		return nil, err
	}
	if name == "pk" || name == "pkh" {
		return p.node(WrapC, n)
	}
	return n, nil
}

// arguments reads the arguments of the fragment of a name, up to the closing bracket.
func (p *parser) arguments(name string, depth int) (*Node, error) {
	if f, ok := keyFragments[name]; ok {
		key, err := p.key()
		if err != nil {
			return nil, err
		}
		return p.build(&Node{fragment: f, keys: []string{key}})
	}
	if f, ok := lockFragments[name]; ok {
		k, err := p.number()
		if err != nil {
			return nil, err
		}
		return p.build(&Node{fragment: f, k: k})
	}
	if f, ok := hashFragments[name]; ok {
		d, err := p.digest(f)
		if err != nil {
			return nil, err
		}
		return p.build(&Node{fragment: f, digest: d})
	}
	if a, ok := arity[name]; ok {
		return p.combination(name, a.fragment, a.count, depth)
	}
	switch name {
	case "thresh":
		return p.thresh(depth)
	case "multi":
		return p.multi(Multi)
	case "multi_a":
		return p.multi(MultiA)
	}
	return nil, errs.Bad(errs.UnknownFragment, "%.40q is not a fragment of miniscript", name)
}

func (p *parser) combination(name string, f Fragment, count, depth int) (*Node, error) {
	var subs []*Node
	for i := range count {
		if i > 0 {
			if err := p.expect(','); err != nil {
				return nil, err
			}
		}
		s, err := p.expression(depth + 1)
		if err != nil {
			return nil, err
		}
		subs = append(subs, s)
	}
	if name == "and_n" {
		zero, err := p.node(Just0)
		if err != nil {
			return nil, err
		}
		subs = append(subs, zero)
	}
	return p.node(f, subs...)
}

func (p *parser) thresh(depth int) (*Node, error) {
	k, err := p.number()
	if err != nil {
		return nil, err
	}
	n := &Node{fragment: Thresh, k: k}
	for p.peek() == ',' {
		p.pos++
		s, err := p.expression(depth + 1)
		if err != nil {
			return nil, err
		}
		if n.subs = append(n.subs, s); len(n.subs) > maxThreshArguments {
			break // the builder says so
		}
	}
	return p.build(n)
}

func (p *parser) multi(f Fragment) (*Node, error) {
	k, err := p.number()
	if err != nil {
		return nil, err
	}
	n := &Node{fragment: f, k: k}
	for p.peek() == ',' {
		p.pos++
		key, err := p.key()
		if err != nil {
			return nil, err
		}
		n.keys = append(n.keys, key)
	}
	return p.build(n)
}

// key reads a key up to the comma or bracket that ends the argument; brackets inside a key
// (musig(…)) are part of it.
func (p *parser) key() (string, error) {
	start, open := p.pos, 0
scan:
	for ; p.pos < len(p.text); p.pos++ {
		switch c := p.text[p.pos]; {
		case c == '(':
			open++
		case c == ')' && open == 0, c == ',' && open == 0:
			break scan
		case c == ')':
			open--
		case c <= ' ' || c >= 0x7f:
			return "", p.malformed("a key holds no blanks and no signs outside ASCII")
		}
	}
	if p.pos == start || open != 0 {
		return "", p.malformed("a key is missing or not complete here")
	}
	return p.text[start:p.pos], nil
}

// number reads decimal digits without sign and without leading zeros, below 2^32.
func (p *parser) number() (uint32, error) {
	start := p.pos
	var n uint64
	for p.pos < len(p.text) && p.text[p.pos] >= '0' && p.text[p.pos] <= '9' && n <= 1<<32 {
		n = n*10 + uint64(p.text[p.pos]-'0')
		p.pos++
	}
	digits := p.pos - start
	if digits == 0 || n >= 1<<32 || digits > 1 && p.text[start] == '0' {
		p.pos = start
		return 0, p.malformed("a whole number of decimal digits is missing here, without sign or leading zeros")
	}
	return uint32(n), nil
}

// digest reads the argument of a hash lock.
func (p *parser) digest(f Fragment) (digest, error) {
	start := p.pos
	for p.pos < len(p.text) && isNameByte(p.text[p.pos]) {
		p.pos++
	}
	text := p.text[start:p.pos]
	kind, _ := f.hashKind()
	raw, err := hex.DecodeString(text)
	switch {
	case err == nil && len(raw) == kind.Size():
		return digest{raw: raw}, nil
	case p.named && text != "":
		return digest{name: text}, nil
	}
	p.pos = start
	return digest{}, p.malformed("%s needs a digest of %d hex digits", f, 2*kind.Size())
}

func (p *parser) peek() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

func (p *parser) expect(c byte) error {
	if p.peek() != c {
		return p.malformed("%q is missing here", string(c))
	}
	p.pos++
	return nil
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}
