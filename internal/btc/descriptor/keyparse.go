package descriptor

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/btcec/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

// keyRules says what a key may look like in a place.
type keyRules struct {
	uncompressed bool // 65-byte keys: bare and directly in sh() only
	xOnly        bool // 32-byte keys and musig(): in tr() and rawtr() only
}

// parseKey reads a key expression.
func (p *parser) parseKey(s string, r keyRules) (*keyExpr, error) {
	if strings.HasPrefix(s, "musig(") {
		if !r.xOnly {
			return nil, errs.Bad(errs.BadContext, "musig() may stand in tr() and rawtr() alone")
		}
		return p.parseMuSig(s)
	}
	if p.policy != nil {
		return p.parsePlaceholder(s)
	}
	return p.parseSingleKey(s, r)
}

func (p *parser) parseSingleKey(s string, r keyRules) (*keyExpr, error) {
	k := &keyExpr{}
	rest, err := k.parseOrigin(s)
	if err != nil {
		return nil, err
	}
	body, path, hasPath := strings.Cut(rest, "/")
	if body == "" {
		return nil, errs.Bad(errs.BadKey, "a key is missing")
	}
	if isHex(body) {
		if hasPath {
			return nil, errs.Bad(errs.BadPath, "a plain public key has no children; %q after it is too much", "/"+clip(path))
		}
		return k, k.parseHex(body, r)
	}
	if len(body) < 60 {
		if err := p.parseWIF(k, body, r); err != nil {
			return nil, err
		}
		if hasPath {
			return nil, errs.Bad(errs.BadPath, "a single private key has no children; the path after it is too much")
		}
		return k, nil
	}
	if err := p.parseExtended(k, body); err != nil {
		return nil, err
	}
	if hasPath {
		if err := k.parsePath(path); err != nil {
			return nil, err
		}
	}
	return k, k.checkDepth()
}

// parseOrigin reads [fingerprint/path] where it is there and returns what follows.
func (k *keyExpr) parseOrigin(s string) (rest string, err error) {
	if !strings.HasPrefix(s, "[") {
		if strings.ContainsAny(s, "[]") {
			return "", errs.Bad(errs.BadKey, "the brackets of a key origin do not match")
		}
		return s, nil
	}
	end := strings.IndexByte(s, ']')
	if end < 0 {
		return "", errs.Bad(errs.BadKey, "a key origin has no closing bracket")
	}
	origin, err := btc.ParseKeyOrigin(s[1:end])
	if err != nil {
		return "", err
	}
	rest = s[end+1:]
	if strings.ContainsAny(rest, "[]") {
		return "", errs.Bad(errs.BadKey, "a key has one origin in one pair of brackets")
	}
	k.origin = &origin
	return rest, nil
}

func isHex(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return s != ""
}

// parseHex reads a public key of 33, 65 or (in taproot) 32 bytes.
func (k *keyExpr) parseHex(s string, r keyRules) error {
	raw, err := hex.DecodeString(s)
	if err != nil {
		return errs.Bad(errs.BadKey, "%q is no public key: it has an odd number of hex digits", clip(s))
	}
	switch {
	case len(raw) == 65 && (raw[0] == 6 || raw[0] == 7):
		return errs.Bad(errs.BadKey, "hybrid public keys (06…, 07…) are not allowed")
	case len(raw) == 65 && !r.uncompressed:
		return errs.Bad(errs.BadKey, "uncompressed public keys are not allowed in segwit")
	case len(raw) == 32 && r.xOnly:
		raw = append([]byte{2}, raw...)
		k.xOnly = true
	case len(raw) == 32:
		return errs.Bad(errs.BadKey, "an x-only public key (32 bytes) may stand in taproot alone")
	case len(raw) != 33 && len(raw) != 65:
		return errs.Bad(errs.BadKey, "a public key has 33 bytes (66 hex digits), this one %d", len(raw))
	}
	if _, err := btcec.ParsePubKey(raw); err != nil {
		return errs.Bad(errs.BadKey, "%q is no point of the curve", clip(s))
	}
	k.pub = raw
	return nil
}

// parseWIF reads a private key in wallet import format.
func (p *parser) parseWIF(k *keyExpr, s string, r keyRules) error {
	raw, version, err := base58.CheckDecode(s)
	bad := errs.Bad(errs.BadKey, "a key is neither hex nor an extended key nor a private key in WIF")
	if err != nil || version != 0x80 && version != 0xef {
		return bad
	}
	w := &wif{main: version == 0x80}
	switch {
	case len(raw) == 33 && raw[32] == 1:
		w.compressed = true
	case len(raw) != 32:
		return bad
	}
	var d btcec.ModNScalar
	if d.SetByteSlice(raw[:32]) || d.IsZero() {
		return errs.Bad(errs.BadKey, "the private key is zero or not below the group order")
	}
	if !p.o.AllowPrivate {
		return errPrivate
	}
	if !w.compressed && !r.uncompressed {
		return errs.Bad(errs.BadKey, "uncompressed keys are not allowed in segwit")
	}
	w.key, _ = btcec.PrivKeyFromBytes(raw[:32])
	k.wif, k.xOnly = w, r.xOnly
	k.pub = w.key.PubKey().SerializeUncompressed()
	if w.compressed {
		k.pub = w.key.PubKey().SerializeCompressed()
	}
	return p.checkNetwork(w.main)
}

var errPrivate = errs.Bad(errs.BadKey, "the descriptor holds a private key, which has no place here; use the public form")

// parseExtended reads an xpub, xprv or, where allowed, a key of another SLIP-132 prefix.
func (p *parser) parseExtended(k *keyExpr, s string) error {
	x, v, err := btc.ParseXKey(s)
	if err != nil {
		return err
	}
	if v.ScriptType != "" {
		if !p.o.AllowSLIP132 {
			return errs.Bad(errs.BadKey, "a descriptor wants xpub or tpub, not %s; convert the key first", v.Prefix)
		}
		k.slip132 = v.Prefix
	}
	if x.IsPrivate() && !p.o.AllowPrivate {
		return errPrivate
	}
	k.xkey = &x
	return p.checkNetwork(x.Main)
}

// checkNetwork refuses keys of another network than asked for, and mixtures.
func (p *parser) checkNetwork(main bool) error {
	if p.o.Network != nil && p.o.Network.IsMain() != main {
		return errs.Bad(errs.WrongNetwork, "a key is for %s, not for %s", networkWord(main), *p.o.Network)
	}
	if p.main != nil && *p.main != main {
		return errs.Bad(errs.WrongNetwork, "keys of mainnet and of a test network are mixed")
	}
	p.main = &main
	return nil
}

func networkWord(main bool) string {
	if main {
		return "mainnet"
	}
	return "a test network"
}

// parsePath reads what follows the key and its slash: 0/<0;1>/*.
func (k *keyExpr) parsePath(s string) error {
	steps := strings.Split(s, "/")
	if len(steps) > 255 {
		return errs.Bad(errs.BadPath, "the path has %d steps; BIP32 allows 255", len(steps))
	}
	for i, step := range steps {
		last := i == len(steps)-1
		switch {
		case step == "*" && last:
			k.wild = ranged
		case last && (step == "*h" || step == "*'" || step == "*H"):
			k.wild = rangedHardened
		case strings.HasPrefix(step, "*"):
			return errs.Bad(errs.BadPath, "the * may be the last step of a path alone")
		case strings.HasPrefix(step, "<"):
			if err := k.parseMultipath(step); err != nil {
				return err
			}
		default:
			n, err := btc.ParsePathStep(step)
			if err != nil {
				return err
			}
			k.path = append(k.path, n)
		}
	}
	return nil
}

// parseMultipath reads <a;b;…> (BIP389).
func (k *keyExpr) parseMultipath(step string) error {
	if k.multi != nil {
		return errs.Bad(errs.BadPath, "a key may have one <a;b> alone")
	}
	inner, ok := strings.CutSuffix(step[1:], ">")
	if !ok {
		return errs.Bad(errs.BadPath, "%q has no closing >", clip(step))
	}
	seen := make(map[uint32]bool)
	for _, part := range strings.Split(inner, ";") {
		n, err := btc.ParsePathStep(part)
		if err != nil {
			return err
		}
		if seen[n] {
			return errs.Bad(errs.BadPath, "%q names %s twice", clip(step), part)
		}
		seen[n] = true
		k.multi = append(k.multi, n)
	}
	if len(k.multi) < 2 {
		return errs.Bad(errs.BadPath, "%q must name at least two alternatives", clip(step))
	}
	k.multiAt = len(k.path)
	k.path = append(k.path, k.multi[0])
	return nil
}

// checkDepth refuses paths that lead below BIP32's greatest depth.
func (k *keyExpr) checkDepth() error {
	depth := len(k.path)
	if k.wild != fixed {
		depth++
	}
	if k.xkey != nil {
		depth += int(k.xkey.Depth)
	}
	if depth > 255 {
		return errs.Bad(errs.BadPath, "the path leads to depth %d; BIP32 allows 255", depth)
	}
	return nil
}

// maxMuSig bounds the participants of one musig(); BIP327 knows no limit.
const maxMuSig = 1000

// parseMuSig reads musig(KEY,…) with an optional path (BIP390).
func (p *parser) parseMuSig(s string) (*keyExpr, error) {
	end := matching(s, len("musig"))
	if end < 0 {
		return nil, errs.Bad(errs.Malformed, "musig( has no closing parenthesis")
	}
	args, err := splitArgs(s[len("musig("):end])
	if err != nil {
		return nil, err
	}
	if len(args) > maxMuSig {
		return nil, errs.Bad(errs.TooManyKeys, "musig() has %d keys; at most %d are allowed", len(args), maxMuSig)
	}
	k := &keyExpr{}
	for _, a := range args {
		if strings.HasPrefix(a, "musig(") {
			return nil, errs.Bad(errs.BadContext, "a musig() may not stand in a musig()")
		}
		part, err := p.parseParticipant(a)
		if err != nil {
			return nil, err
		}
		k.parts = append(k.parts, part)
	}
	if p.policy != nil {
		if k.place, err = placeOfMuSig(k.parts); err != nil {
			return nil, err
		}
	}
	if rest := s[end+1:]; rest != "" || p.policy != nil {
		if p.policy == nil && rest[0] != '/' {
			return nil, errs.Bad(errs.Malformed, "%q after musig() is no path", clip(rest))
		}
		if err := p.muSigPath(k, rest); err != nil {
			return nil, err
		}
	}
	return k, k.checkMuSig()
}

func (p *parser) parseParticipant(s string) (*keyExpr, error) {
	if p.policy != nil {
		return p.bareKey(s)
	}
	return p.parseSingleKey(s, keyRules{})
}

func (p *parser) muSigPath(k *keyExpr, rest string) error {
	if p.policy != nil {
		return k.parsePolicyPath(rest, strings.TrimPrefix(rest, "/"))
	}
	return k.parsePath(rest[1:])
}

// checkMuSig holds the rules for paths in and after musig().
func (k *keyExpr) checkMuSig() error {
	if len(k.parts) == 0 {
		return errs.Bad(errs.BadKey, "musig() holds no keys")
	}
	lens := make(map[int]bool)
	for _, p := range k.parts {
		if n := p.branches(); n > 1 {
			lens[n] = true
		}
	}
	if len(lens) > 1 {
		return errs.Bad(errs.BadPath, "the <a;b> of the keys in musig() differ in length")
	}
	if len(k.path) == 0 && k.wild == fixed {
		return nil
	}
	if k.path.HasHardened() || k.wild == rangedHardened || hasHardened(k.multi) {
		return errs.Bad(errs.BadPath, "no hardened step can follow musig(): nobody has its private key")
	}
	for _, p := range k.parts {
		switch {
		case p.xkey == nil:
			return errs.Bad(errs.BadKey, "a path after musig() wants extended keys in it")
		case p.wild != fixed:
			return errs.Bad(errs.BadPath, "keys in a musig() that is followed by a path may not be ranged")
		case p.multi != nil && k.multi != nil:
			return errs.Bad(errs.BadPath, "<a;b> may stand in musig() or after it, not both")
		}
	}
	return k.checkDepth()
}

func hasHardened(steps []uint32) bool { return btc.Path(steps).HasHardened() }

// parseThreshold reads the k of multi() and its kin: digits alone.
func parseThreshold(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || strings.ContainsAny(s, "+-") {
		return 0, errs.Bad(errs.Malformed, "the threshold %q is no number", clip(s))
	}
	return n, nil
}

// clip shortens foreign text for a message, so far that no private key is told.
func clip(s string) string {
	if len(s) > 16 {
		return s[:16] + "…"
	}
	return s
}
