package descriptor

import (
	"fmt"
	"strings"

	"specter/internal/btc"
)

// Warnings lists what a careful person should know before keeping money behind the
// descriptor, a sentence each. None makes it invalid.
func (d *Descriptor) Warnings() []string {
	var w []string
	add := func(yes bool, format string, args ...any) {
		if yes {
			w = append(w, fmt.Sprintf(format, args...))
		}
	}
	add(d.HasPrivateKeys(), "It holds private keys: whoever reads it can spend.")
	add(!d.IsSolvable(), "It does not tell how its coins are spent; it can only be watched.")
	switch d.ScriptType() {
	case "pk", "multi", "sortedmulti":
		add(true, "Its script has no address, so nobody can be asked to pay to it.")
	}
	if d.IsSolvable() {
		add(!d.IsRanged(), "It stands for a single address; using it again and again costs privacy.")
		add(d.IsRanged() && d.Branches() == 1, "It has no change branch of its own (such as /<0;1>/*).")
	}
	add(d.root.kind == kTR && !d.HasKeyPath() && d.root.tree == nil, "Nobody has the private key of its only key: coins sent to it are lost.")
	keys := d.Keys()
	for i, k := range keys {
		w = append(w, d.keyWarnings(i+1, k)...)
	}
	return append(w, repeated(keys)...)
}

func (d *Descriptor) keyWarnings(number int, k Key) []string {
	var w []string
	add := func(yes bool, format string, args ...any) {
		if yes {
			w = append(w, fmt.Sprintf("Key %d ", number)+fmt.Sprintf(format, args...))
		}
	}
	add(k.SLIP132 != "", "was given as %s and is taken as %s.", k.SLIP132, k.prefix())
	if k.XKey == nil {
		add(len(k.PubKey) == 65, "is not compressed, which makes its inputs larger than need be.")
		return w
	}
	x := k.XKey
	add(k.Origin == nil && x.Depth > 0, "has no origin: signing devices cannot recognize it.")
	if k.Origin != nil {
		o := *k.Origin
		add(o.Fingerprint.IsZero(), "has the fingerprint 00000000: signing devices cannot recognize it.")
		add(len(o.Path) != int(x.Depth), "is at depth %d, but its origin has %d steps.", x.Depth, len(o.Path))
		add(len(o.Path) > 0 && len(o.Path) == int(x.Depth) && o.Path[len(o.Path)-1] != x.ChildIndex,
			"is child %s of its parent, but its origin ends in another step.", stepText(x.ChildIndex))
		add(coinMismatch(o.Path, x.Main), "has an origin of another network than its prefix %s.", k.prefix())
	}
	add(!k.Private && strings.Contains(k.Path, "h"), "is followed by a hardened step: addresses cannot be derived without its private key.")
	return w
}

// prefix is what the key is printed with.
func (k Key) prefix() string {
	if k.XKey != nil && !k.XKey.Main {
		return "tpub"
	}
	return "xpub"
}

// coinMismatch compares the coin type of a standard origin with the network of the key.
func coinMismatch(p btc.Path, main bool) bool {
	if len(p) < 2 {
		return false
	}
	switch p[0] {
	case 44 | btc.Hardened, 48 | btc.Hardened, 49 | btc.Hardened, 84 | btc.Hardened, 86 | btc.Hardened, 87 | btc.Hardened:
	default:
		return false
	}
	return p[1] == btc.Hardened && !main || p[1] == 1|btc.Hardened && main
}

// repeated finds keys that stand in the descriptor more than once with the same path.
func repeated(keys []Key) []string {
	var w []string
	seen := make(map[string]int)
	for i, k := range keys {
		if k.MuSig >= 0 {
			continue // the same participants may well stand in several musig()
		}
		id := fmt.Sprintf("%x/%s", k.PubKey[1:], k.Path) // by x alone, as taproot sees keys
		if k.XKey != nil {
			id = fmt.Sprintf("%x/%s", k.XKey.ChainCode, id)
		}
		if j, twice := seen[id]; twice {
			w = append(w, fmt.Sprintf("Keys %d and %d are the same: one device counts twice.", j+1, i+1))
			continue
		}
		seen[id] = i
	}
	return w
}
