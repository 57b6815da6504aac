package signer

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
)

// nums is BIP341's point H, the internal key of taproot outputs without a key path.
const nums = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0"

// reading is an input (or output) read as an address of a wallet.
type reading struct {
	input  int
	script []byte
	at     spot
	form   pieces   // the wallet's descriptor without its keys
	keys   []string // key expressions as the script has them
	multi  bool     // it is a multisig, whose keys may be sorted per address
	first  int      // and this is its first key; an internal key stands before them
	sorted bool     // at this address they are sorted
}

// set is the same for all addresses of a wallet, in whatever order they have its keys.
func (g reading) set() string {
	keys := g.keys
	if g.multi {
		keys = g.inOrder()
	}
	return strings.Join(g.form, "\x00") + "\x01" + strings.Join(keys, "\x00")
}

// inOrder are the keys with those of the multisig sorted by their texts.
func (g reading) inOrder() []string {
	keys := slices.Clone(g.keys)
	slices.Sort(keys[g.first:])
	return keys
}

// text is the wallet's descriptor; sorted where it is a multisig that sorts its keys.
func (g reading) text(sorted bool) string {
	if !g.multi || !sorted {
		return g.form.with(g.keys)
	}
	form := slices.Clone(g.form)
	form[g.first] = strings.Replace(form[g.first], "multi", "sortedmulti", 1)
	return form.with(g.inOrder())
}

// reader reads the wallets of one PSBT.
type reader struct {
	tx     *psbt.Packet
	fp     btc.Fingerprint
	main   bool
	ask    func(btc.Path) (btc.XKey, error)
	xpubs  []ranked          // of the PSBT, and those that were asked for
	middle map[string]branch // keys on the way to an address, which many addresses share
}

// ranked is an extended key with where it comes from.
type ranked struct {
	origin btc.KeyOrigin
	key    btc.XKey
}

type branch struct {
	key btc.XKey
	err error
}

func newReader(tx *psbt.Packet, fp btc.Fingerprint, main bool, ask func(btc.Path) (btc.XKey, error)) *reader {
	r := &reader{tx: tx, fp: fp, main: main, ask: ask, middle: map[string]branch{}}
	for _, x := range tx.XPubs {
		if key, err := x.Key(); err == nil {
			r.xpubs = append(r.xpubs, ranked{x.Origin, key.Public()})
		}
	}
	return r
}

// ours reports whether an input names a key of the master key.
func (r *reader) ours(in *psbt.Input) bool {
	return slices.ContainsFunc(in.Derivations, func(d psbt.Derivation) bool { return d.Origin.Fingerprint == r.fp }) ||
		slices.ContainsFunc(in.TapDerivations, func(d psbt.TapDerivation) bool { return d.Origin.Fingerprint == r.fp })
}

func (r *reader) input(i int) (reading, error) {
	in := &r.tx.Inputs[i]
	coin, err := r.tx.PrevOut(i)
	if err != nil {
		return reading{}, &Fault{CodeBadTransaction, err}
	}
	var got reading
	if len(in.TapLeaves) > 0 {
		got, err = r.tree(coin.PkScript, in)
	} else {
		got, err = r.script(coin.PkScript, knownOf(in.Derivations, in.TapDerivations, in.TapInternalKey, in.RedeemScript, in.WitnessScript))
	}
	var f *Fault
	if errors.As(err, &f) && f.Code != CodeBadTransaction || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return reading{}, err // what asking the device ended with
	}
	if err != nil {
		return reading{}, E(CodeBadTransaction, "input %d: %w", i, err)
	}
	got.input = i
	return got, nil
}

// output reads an output that the PSBT describes.
func (r *reader) output(i int) (reading, error) {
	o := &r.tx.Outputs[i]
	known := knownOf(o.Derivations, o.TapDerivations, o.TapInternalKey, o.RedeemScript, o.WitnessScript)
	for _, l := range o.TapTree {
		known.Scripts = append(known.Scripts, l.Script)
	}
	return r.script(o.Script, known)
}

// knownOf collects keys and scripts that the PSBT tells.
func knownOf(ds []psbt.Derivation, taps []psbt.TapDerivation, internal []byte, scripts ...[]byte) descriptor.Known {
	var known descriptor.Known
	if hex.EncodeToString(internal) == nums {
		known.Keys = append(known.Keys, descriptor.KnownKey{PubKey: internal})
	}
	for _, d := range ds {
		known.Keys = append(known.Keys, descriptor.KnownKey{PubKey: d.PubKey, Origin: &d.Origin})
	}
	for _, d := range taps {
		k := descriptor.KnownKey{PubKey: d.XOnly[:], Origin: &d.Origin}
		if bytes.Equal(internal, d.XOnly[:]) { // the first one is tried first as internal key
			known.Keys = append([]descriptor.KnownKey{k}, known.Keys...)
		} else {
			known.Keys = append(known.Keys, k)
		}
	}
	for _, s := range scripts {
		if len(s) > 0 {
			known.Scripts = append(known.Scripts, s)
		}
	}
	return known
}

// script reads a scriptPubKey with what is known about it.
func (r *reader) script(script []byte, known descriptor.Known) (reading, error) {
	d, err := descriptor.Infer(script, known)
	if err != nil {
		return reading{}, err
	}
	switch d.Type() {
	case "addr", "raw", "rawtr":
		return reading{}, unread(script, known)
	case "pk", "multi", "combo":
		return reading{}, E(CodeBadTransaction, "coins of %s() without an address are not signed by devices", d.Type())
	}
	return r.rewrite(script, d)
}

// unread says what is missing where a script cannot be read.
func unread(script []byte, known descriptor.Known) error {
	missing := "the public key with its derivation path"
	switch descriptor.ScriptKind(script) {
	case "scripthash":
		missing = "the redeem script, or the keys with their derivation paths"
	case "witness_v0_scripthash":
		missing = "the witness script"
	case "witness_v1_taproot":
		missing = "the internal key, the scripts or their keys"
	}
	if len(known.Scripts) > 0 && descriptor.ScriptKind(script) != "witness_v1_taproot" {
		missing = "a script of a form that is known here, with the derivation paths of its keys"
	}
	return E(CodeBadTransaction, "the PSBT does not tell %s", missing)
}

// rewrite puts extended keys in the place of the plain keys of a script.
func (r *reader) rewrite(script []byte, d *descriptor.Descriptor) (reading, error) {
	form, err := cut(d)
	if err != nil {
		return reading{}, err
	}
	got := reading{script: script, form: form}
	var at place
	all := d.Keys()
	single := len(all) == 1
	for _, k := range all {
		text, err := r.expression(k, &at, single)
		if err != nil {
			return reading{}, err
		}
		got.keys = append(got.keys, text)
	}
	got.at = at.spot
	if _, n, multi := d.Threshold(); multi {
		got.multi, got.first = true, len(all)-n // in tr() the internal key stands before them
		got.sorted = sortedKeys(all[got.first:])
	}
	return got, nil
}

func sortedKeys(keys []descriptor.Key) bool {
	return slices.IsSortedFunc(keys, func(a, b descriptor.Key) int { return bytes.Compare(a.PubKey, b.PubKey) })
}

// expression is the wallet's key expression for a key of a script.
func (r *reader) expression(k descriptor.Key, at *place, single bool) (string, error) {
	if k.Origin == nil {
		if strings.EqualFold(k.Text, nums) {
			return nums, nil
		}
		return "", E(CodeBadTransaction, "the PSBT does not tell where the key %x comes from", k.PubKey)
	}
	pub := k.PubKey
	if k.XOnly {
		pub = pub[len(pub)-32:]
	}
	found, steps, ok, err := r.extended(*k.Origin, pub)
	switch {
	case err != nil:
		return "", err
	case ok:
		found.key.Main = r.main
		tail, err := at.take(steps)
		return "[" + found.origin.String() + "]" + found.key.String() + tail, err
	case single:
		return k.Text, nil
	}
	return "", E(CodeBadTransaction, "the PSBT lacks the extended public key of the cosigner %s (%s); export it again with the xpubs",
		k.Origin.Fingerprint, account(k.Origin.Path).Full())
}

// account is the part of a key's path where its extended key is exported: all but branch and
// index, where these are not hardened.
func account(p btc.Path) btc.Path {
	for range 2 {
		if n := len(p); n > 0 && p[n-1] < btc.Hardened {
			p = p[:n-1]
		}
	}
	return p
}

// extended finds the extended key that a public key derives from, and the steps between them.
func (r *reader) extended(o btc.KeyOrigin, pub []byte) (ranked, btc.Path, bool, error) {
	best, found := ranked{}, false
	for _, x := range r.xpubs {
		if steps, ok := stepsBetween(x.origin, o); ok && (!found || len(x.origin.Path) > len(best.origin.Path)) && r.derives(x, steps, pub) {
			best, found = x, true
		}
	}
	if found {
		return best, o.Path[len(best.origin.Path):], true, nil
	}
	if r.ask == nil || o.Fingerprint != r.fp {
		return ranked{}, nil, false, nil
	}
	at := account(o.Path)
	key, err := r.ask(at)
	if err != nil {
		return ranked{}, nil, false, err
	}
	x := ranked{btc.KeyOrigin{Fingerprint: r.fp, Path: at}, key.Public()}
	steps := o.Path[len(at):]
	if !r.derives(x, steps, pub) {
		return ranked{}, nil, false, E(CodeBadTransaction, "the PSBT names a key at %s that the device does not have there", o.Path.Full())
	}
	r.xpubs = append(r.xpubs, x)
	return x, steps, true, nil
}

// stepsBetween tells the unhardened steps from one origin to another below it.
func stepsBetween(from, to btc.KeyOrigin) (btc.Path, bool) {
	n := len(from.Path)
	if from.Fingerprint != to.Fingerprint || n > len(to.Path) || !slices.Equal(from.Path, to.Path[:n]) {
		return nil, false
	}
	return to.Path[n:], !to.Path[n:].HasHardened()
}

// maxSteps bounds how far a key may lie below its extended key; wallets use two steps.
const maxSteps = 8

// derives reports whether a key lies at the steps below an extended key.
func (r *reader) derives(x ranked, steps btc.Path, pub []byte) bool {
	if len(steps) > maxSteps {
		return false
	}
	key, n := x.key, len(steps)
	if n > 0 {
		near := r.near(x, steps[:n-1])
		if near.err != nil {
			return false
		}
		var err error
		if key, err = near.key.Child(steps[n-1]); err != nil {
			return false
		}
	}
	return bytes.Equal(pub, key.PublicKey[:]) || len(pub) == 32 && bytes.Equal(pub, key.PublicKey[1:])
}

// near is the parent of keys that stand beside each other, derived once.
func (r *reader) near(x ranked, steps btc.Path) branch {
	name := string(x.key.PublicKey[:]) + string(x.key.ChainCode[:]) + steps.String()
	b, known := r.middle[name]
	if !known {
		b.key, b.err = x.key.Derive(steps)
		r.middle[name] = b
	}
	return b
}
