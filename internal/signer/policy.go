package signer

import (
	"bytes"
	"slices"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
)

// Spend is a wallet that inputs of a transaction belong to.
type Spend struct {
	Wallet Wallet
	Inputs []int // places in the transaction, rising
}

// HasKeyOf reports whether a key of the wallet comes from the master key fp.
func (w Wallet) HasKeyOf(fp btc.Fingerprint) bool {
	if w.Descriptor == nil {
		return false
	}
	return slices.ContainsFunc(w.Descriptor.Keys(), func(k descriptor.Key) bool {
		if k.Origin != nil {
			return k.Origin.Fingerprint == fp
		}
		return k.XKey != nil && k.XKey.Depth == 0 && k.XKey.Fingerprint() == fp
	})
}

// WalletsOf tells from a PSBT alone which wallets the inputs with keys of a master key belong
// to: single keys from their derivations, multisig and miniscript from their scripts and the
// global xpubs, taproot from the internal key and the leaves. The wallets are multipath
// descriptors with origins, whose branches and indexes derive the very coins that the inputs
// spend. Inputs without a key of fp, and those that are final already, are left out. main chooses
// how extended keys are printed.
//
// A single key whose extended key the PSBT does not tell comes as the one address that it is,
// [fp/84h/0h/0h/0/5]02…, not ranged; WalletsFor asks the device instead. Whether the keys of a
// multisig are sorted is taken from all inputs and outputs of the wallet: one that is sorted
// everywhere is called sortedmulti, its keys in the order of their texts. An input that cannot be
// read is a Fault with CodeBadTransaction that says what is missing.
func WalletsOf(tx *psbt.Packet, fp btc.Fingerprint, main bool) ([]Spend, error) {
	return WalletsFor(tx, fp, main, nil)
}

// WalletsFor is WalletsOf for a device that is at hand: the extended keys of fp that the PSBT does
// not tell are asked for, once per account.
func WalletsFor(tx *psbt.Packet, fp btc.Fingerprint, main bool, ask func(btc.Path) (btc.XKey, error)) ([]Spend, error) {
	r := newReader(tx, fp, main, ask)
	var groups []*group
	for i := range tx.Inputs {
		if tx.Inputs[i].Finalized() || !r.ours(&tx.Inputs[i]) {
			continue
		}
		got, err := r.input(i)
		if err != nil {
			return nil, err
		}
		groups = gather(groups, got)
	}
	r.evidence(groups)
	var out []Spend
	for _, g := range groups {
		spends, err := g.spends()
		if err != nil {
			return nil, err
		}
		out = append(out, spends...)
	}
	slices.SortFunc(out, func(a, b Spend) int { return a.Inputs[0] - b.Inputs[0] })
	return out, nil
}

// group is what may be one wallet: readings of the same form with the same keys in any order.
type group struct {
	readings []reading
	unsorted bool // an address of it has keys that are not in sorted order
}

func gather(groups []*group, got reading) []*group {
	for _, g := range groups {
		if g.readings[0].set() == got.set() {
			g.readings = append(g.readings, got)
			g.unsorted = g.unsorted || !got.sorted
			return groups
		}
	}
	return append(groups, &group{readings: []reading{got}, unsorted: !got.sorted})
}

// evidence looks at the outputs: a change address whose keys are not sorted shows that the
// wallet's are not. What cannot be read of an output does not matter here.
func (r *reader) evidence(groups []*group) {
	if !slices.ContainsFunc(groups, func(g *group) bool { return g.readings[0].multi && !g.unsorted }) {
		return
	}
	for i := range r.tx.Outputs {
		got, err := r.output(i)
		if err != nil || !got.multi || got.sorted {
			continue
		}
		for _, g := range groups {
			g.unsorted = g.unsorted || g.readings[0].set() == got.set()
		}
	}
}

// spends makes the wallets of a group: one, or one per order of keys where they are not sorted.
func (g *group) spends() ([]Spend, error) {
	byText := map[string]*Spend{}
	var order []string
	for _, got := range g.readings {
		text := got.text(!g.unsorted)
		s, known := byText[text]
		if !known {
			d, err := descriptor.Parse(text, descriptor.Options{})
			if err != nil {
				return nil, E(CodeBadTransaction, "input %d cannot be read as a wallet: %w", got.input, err)
			}
			s = &Spend{Wallet: Wallet{Descriptor: d}}
			byText[text], order = s, append(order, text)
		}
		if err := got.check(s.Wallet.Descriptor); err != nil {
			return nil, err
		}
		s.Inputs = append(s.Inputs, got.input)
	}
	out := make([]Spend, len(order))
	for i, text := range order {
		out[i] = *byText[text]
	}
	return out, nil
}

// check derives the coin's script from the wallet: what was read is believed only so far.
func (got reading) check(d *descriptor.Descriptor) error {
	branch, err := d.Branch(int(min(got.at.branch, uint32(d.Branches()-1))))
	if err != nil {
		return err
	}
	out, err := branch.Derive(got.at.index)
	if err != nil || !bytes.Equal(out.Script, got.script) {
		return E(CodeBadTransaction, "the extended keys in the PSBT do not derive the coin of input %d", got.input)
	}
	return nil
}

// AtAddress reads HWI's descriptor of one address (indexes filled in, or a ranged one, of which
// index 0 is meant) back into the wallet that has it, with branch and index of the address:
// …/0/5 becomes …/<0;1>/* with branch 0 and index 5. A plain key with its full origin stays as it
// is, and the wallet is then not ranged. The wallet derives the very script of the text. main says
// for which network the device stands: keys of the other are refused. Faults have
// CodeBadArgument.
func AtAddress(text string, main bool) (w Wallet, branch, index uint32, err error) {
	d, err := descriptor.Parse(strings.TrimSpace(text), descriptor.Options{})
	if err != nil {
		return Wallet{}, 0, 0, &Fault{CodeBadArgument, err}
	}
	if m, known := d.IsMain(); known && m != main {
		return Wallet{}, 0, 0, E(CodeBadArgument, "the descriptor's keys are of another network than the device is used for")
	}
	if !d.IsSolvable() || len(d.Keys()) == 0 || d.Type() == "combo" {
		return Wallet{}, 0, 0, E(CodeBadArgument, "the descriptor does not say which keys are behind the address")
	}
	if d.Branches() > 1 {
		return Wallet{Descriptor: d}, 0, 0, nil
	}
	wide, at, err := widened(d)
	if err != nil {
		return Wallet{Descriptor: d}, 0, 0, nil // it stands for its address as it is
	}
	first, err := wide.Branch(int(at.branch))
	if err != nil {
		return Wallet{}, 0, 0, &Fault{CodeBadArgument, err}
	}
	got, err := first.Derive(at.index)
	if err != nil {
		return Wallet{}, 0, 0, &Fault{CodeBadArgument, err}
	}
	if want, err := d.Derive(0); err != nil || !bytes.Equal(want.Script, got.Script) {
		return Wallet{Descriptor: d}, 0, 0, nil
	}
	return Wallet{Descriptor: wide}, at.branch, at.index, nil
}

// widened puts <a;b>/* in the place of the last steps of every extended key.
func widened(d *descriptor.Descriptor) (*descriptor.Descriptor, spot, error) {
	var at place
	var keys []string
	for _, k := range d.Keys() {
		text := k.Text
		if k.XKey != nil && k.MuSig < 0 && k.Path != "" {
			steps, err := stepsOf(k.Path)
			if err != nil {
				return nil, spot{}, err
			}
			tail, err := at.take(steps)
			if err != nil {
				return nil, spot{}, err
			}
			text = k.Head() + tail
		}
		keys = append(keys, text)
	}
	parts, err := cut(d)
	if err != nil {
		return nil, spot{}, err
	}
	wide, err := descriptor.Parse(parts.with(keys), descriptor.Options{})
	return wide, at.spot, err
}

// stepsOf reads the unhardened steps after a key; a wildcard counts as index 0.
func stepsOf(path string) (btc.Path, error) {
	p, err := btc.ParsePath(strings.TrimSuffix(path, "*"))
	if strings.HasSuffix(path, "*") {
		p, err = btc.ParsePath(strings.TrimSuffix(path, "*") + "0")
	}
	if err == nil && p.HasHardened() {
		err = E(CodeBadArgument, "hardened steps after an extended key cannot be derived")
	}
	return p, err
}
