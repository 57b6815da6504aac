package ledger

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/signer"
)

// maxName is the app's limit for the name of a wallet.
const maxName = 64

// policy is a wallet as the app reads it (its doc/wallet.md): BIP388's template and keys under a
// name. Standard policies have no name and need no registration.
type policy struct {
	name     string
	template string
	keys     []string
	purpose  uint32 // 44, 49, 84, 86 for the forms of standard policies; 0 else
	origin   *btc.KeyOrigin
	priority int // order of signing: legacy, nested, segwit, taproot
}

// readPolicy turns a wallet's descriptor into a policy, without a name.
func readPolicy(w signer.Wallet) (*policy, error) {
	d := w.Descriptor
	if d == nil {
		return nil, signer.E(signer.CodeBadArgument, "no wallet was given")
	}
	for _, k := range d.Keys() {
		if k.MuSig >= 0 {
			return nil, signer.E(signer.CodeUnavailable, "this program does not sign MuSig2 wallets with a Ledger")
		}
	}
	if d.Branches() != 2 {
		return nil, signer.E(signer.CodeBadArgument, "a Ledger wants wallets with receiving and change addresses (keys that end in /<0;1>/*)")
	}
	template, keys, err := d.Policy()
	if err != nil {
		return nil, signer.E(signer.CodeBadArgument, "a Ledger cannot use this wallet, since it is no wallet policy (BIP388): %w", err)
	}
	p := &policy{template: template, keys: keys}
	p.purpose = map[string]uint32{"pkh(@0/**)": 44, "sh(wpkh(@0/**))": 49, "wpkh(@0/**)": 84, "tr(@0/**)": 86}[template]
	if p.purpose != 0 {
		p.origin = d.Keys()[0].Origin
	}
	switch d.ScriptType() {
	case "pkh", "sh":
		p.priority = 0
	case "sh-wpkh", "sh-wsh":
		p.priority = 1
	case "wpkh", "wsh":
		p.priority = 2
	case "tr":
		p.priority = 3
	}
	return p, nil
}

// standard reports whether the policy may be used without registration: one key of a BIP44, 49,
// 84 or 86 account up to number 100.
func (p *policy) standard(n btc.Network) bool {
	if p.purpose == 0 || p.origin == nil || len(p.origin.Path) != 3 {
		return false
	}
	path := p.origin.Path
	return path[0] == btc.Hardened+p.purpose && path[1] == btc.Hardened+n.CoinType() &&
		path[2] >= btc.Hardened && path[2] <= btc.Hardened+100
}

// named gives the policy the name under which it is registered.
func (p *policy) named(name string) *policy {
	q := *p
	q.name = name
	return &q
}

// serialize is version 2 of the app's form: the id of the policy is its SHA-256.
func (p *policy) serialize() []byte {
	template := sha256.Sum256([]byte(p.template))
	root := newTree(p.list()).root()
	return slices.Concat([]byte{2, byte(len(p.name))}, []byte(p.name),
		compactSize(len(p.template)), template[:], compactSize(len(p.keys)), root[:])
}

func (p *policy) id() hash { return sha256.Sum256(p.serialize()) }

func (p *policy) list() [][]byte {
	out := make([][]byte, len(p.keys))
	for i, k := range p.keys {
		out[i] = []byte(k)
	}
	return out
}

// clerk is one who answers for the policy.
func (p *policy) clerk() *clerk {
	c := newClerk()
	c.addPreimage(p.serialize())
	c.addPreimage([]byte(p.template))
	c.addList(p.list())
	c.budget(0, 0, 0)
	return c
}

var umlauts = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "Ä", "Ae", "Ö", "Oe", "Ü", "Ue", "ß", "ss",
	"é", "e", "è", "e", "ê", "e", "á", "a", "à", "a", "â", "a", "í", "i", "ó", "o", "ô", "o", "ú", "u", "ñ", "n", "ç", "c",
	"’", "'", "‘", "'", "“", `"`, "”", `"`, "–", "-", "—", "-", "…", "...")

// nameOf makes the name that the device shows: 1 to 64 printable ASCII characters without a blank
// at either end. It depends on the wallet alone, because the policy's id depends on it.
func nameOf(w signer.Wallet) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r' || r == 0xa0:
			return ' '
		case r < 0x20 || r > 0x7e:
			return '?'
		}
		return r
	}, umlauts.Replace(w.Name))
	name = strings.TrimSpace(name)
	name = strings.TrimSpace(name[:min(len(name), maxName)])
	if name != "" {
		return name
	}
	return defaultName(w.Descriptor)
}

// defaultName is HWI's for multisig wallets, so that ids agree.
func defaultName(d *descriptor.Descriptor) string {
	if m, n, ok := d.Threshold(); ok {
		return fmt.Sprintf("%d of %d Multisig", m, n)
	}
	return "Wallet"
}

// tidy is a name that the app takes.
var tidy = regexp.MustCompile(`^[!-~]([ -~]{0,62}[!-~])?$`)

// choose finds the policy and the HMAC to use for a wallet with what was kept of it. Standard
// policies have an HMAC of zeros.
func (s *session) choose(w signer.Wallet, r signer.Registration) (*policy, hash, error) {
	p, err := readPolicy(w)
	if err != nil || p.standard(s.o.Network) {
		return p, hash{}, err
	}
	if r.IsZero() {
		p = p.named(nameOf(w))
		if kept := s.recall(p); kept != nil {
			return p, hash(kept), nil
		}
		return nil, hash{}, signer.E(signer.CodeNotRegistered, "register the wallet on the Ledger first, so that it knows the wallet's keys")
	}
	if !tidy.MatchString(r.Name) || len(r.Proof) != 32 {
		return nil, hash{}, errUnregistered()
	}
	p = p.named(r.Name)
	if id := p.id(); len(r.ID) > 0 && string(id[:]) != string(r.ID) || hash(r.Proof) == (hash{}) {
		return nil, hash{}, errUnregistered() // the wallet was changed since, or it is another one's proof
	}
	return p, hash(r.Proof), nil
}

// recall finds the proof of a policy that was registered in an earlier session.
func (s *session) recall(p *policy) []byte {
	if s.o.Memory == nil {
		return nil
	}
	kept, ok := s.o.Memory.Get(s.drawer(p))
	if !ok || len(kept) != 32 || hash(kept) == (hash{}) {
		return nil
	}
	return kept
}

func (s *session) remember(p *policy, proof hash) error {
	if s.o.Memory == nil {
		return nil
	}
	return s.o.Memory.Put(s.drawer(p), proof[:])
}

// drawer is the key of a proof in the memory: of this device and this policy.
func (s *session) drawer(p *policy) string {
	return fmt.Sprintf("%s/%s-%x", kind, s.info.Fingerprint, p.id())
}
