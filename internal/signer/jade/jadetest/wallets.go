package jadetest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/signer/signertest"
)

// cosigner, multisig and policy are records of registered wallets.
type cosigner struct {
	Fingerprint []byte   `cbor:"fingerprint"`
	Derivation  []uint32 `cbor:"derivation"`
	XPub        string   `cbor:"xpub"`
	Path        []uint32 `cbor:"path"`
}

type multisig struct {
	Variant   string     `cbor:"variant"`
	Sorted    bool       `cbor:"sorted"`
	Threshold int        `cbor:"threshold"`
	Signers   []cosigner `cbor:"signers"`
}

type policy struct {
	Descriptor string            `cbor:"descriptor"`
	Values     map[string]string `cbor:"datavalues"`
}

// validName is storage_key_name_valid with the room that NVS has.
func validName(name string) bool {
	return len(name) > 0 && len(name) < 16 && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// at is the wallet's descriptor with steps after each key.
func (m multisig) at(tails []string) (*descriptor.Descriptor, error) {
	if len(tails) != len(m.Signers) {
		return nil, refuse(badParameters, "Unexpected number of signer paths or invalid path for multisig")
	}
	var keys strings.Builder
	for i, s := range m.Signers {
		origin := btc.KeyOrigin{Fingerprint: btc.Fingerprint(s.Fingerprint), Path: s.Derivation}
		fmt.Fprintf(&keys, ",[%s]%s%s%s", origin, s.XPub, tail(s.Path), tails[i])
	}
	multi := map[bool]string{true: "sortedmulti", false: "multi"}[m.Sorted]
	text := strings.Replace(m.Variant, "multi(k)", fmt.Sprintf("%s(%d%s)", multi, m.Threshold, keys.String()), 1)
	d, err := descriptor.Parse(text, descriptor.Options{})
	if err != nil {
		return nil, refuse(badParameters, "Failed to generate valid multisig script: "+err.Error())
	}
	return d, nil
}

// tail prints steps after a key.
func tail(steps []uint32) (text string) {
	for _, s := range steps {
		text += fmt.Sprintf("/%d", s)
	}
	return text
}

// descriptorAt is the wallet's descriptor for one address.
func (m multisig) descriptorAt(paths [][]uint32) (*descriptor.Descriptor, error) {
	tails := make([]string, len(paths))
	for i, p := range paths {
		tails[i] = tail(p)
	}
	return m.at(tails)
}

// known are the registered wallets, whose change the device recognises.
func (b *Board) known() (list []*descriptor.Descriptor) {
	for _, w := range b.multisigs {
		if d, err := w.at(slices.Repeat([]string{"/<0;1>/*"}, len(w.Signers))); err == nil {
			list = append(list, d)
		}
	}
	for _, w := range b.descriptors {
		if d, err := w.parse(); err == nil {
			list = append(list, d)
		}
	}
	return list
}

// own reports whether a signer's record is of this wallet, key and all.
func (b *Board) own(s cosigner) bool {
	fp := b.Master.Fingerprint()
	if !bytes.Equal(s.Fingerprint, fp[:]) {
		return false
	}
	k, err := b.key(s.Derivation)
	return err == nil && strings.HasSuffix(s.XPub, k.Public().String()[4:])
}

func (l *link) registerMultisig(ctx context.Context, m call) (any, error) {
	var p struct {
		Network string   `cbor:"network"`
		Name    string   `cbor:"multisig_name"`
		Wallet  multisig `cbor:"descriptor"`
	}
	if err := m.into(&p); err != nil {
		return nil, err
	}
	if _, err := l.b.networkOf(p.Network); err != nil {
		return nil, err
	}
	w := p.Wallet
	known, there := l.b.multisigs[p.Name]
	switch {
	case !validName(p.Name):
		return nil, refuse(badParameters, "Invalid multisig name")
	case !slices.Contains([]string{"sh(multi(k))", "wsh(multi(k))", "sh(wsh(multi(k)))"}, w.Variant):
		return nil, refuse(badParameters, "Invalid script variant parameter")
	case slices.ContainsFunc(w.Signers, func(s cosigner) bool { return len(s.Fingerprint) != 4 }):
		return nil, refuse(badParameters, "Failed to extract valid co-signers from parameters")
	case len(w.Signers) == 0 || len(w.Signers) > 15 || w.Threshold < 1 || w.Threshold > len(w.Signers):
		return nil, refuse(badParameters, "Invalid multisig threshold")
	case !slices.ContainsFunc(w.Signers, l.b.own):
		return nil, refuse(badParameters, "Failed to validate co-signers")
	case l.b.Lie.Registry:
		return true, nil
	case there && reflect.DeepEqual(known, w):
		return true, nil
	case !there && len(l.b.multisigs) >= 16:
		return nil, refuse(badParameters, "Already have maximum number of multisig wallets")
	}
	text := fmt.Sprintf("%s: %d of %d %s", p.Name, w.Threshold, len(w.Signers), w.Variant)
	for _, s := range w.Signers {
		text += fmt.Sprintf("\n[%x/%s]%s", s.Fingerprint, btc.Path(s.Derivation), s.XPub)
	}
	if err := l.approve(ctx, signertest.ShowPolicy, text, "User declined to register multisig"); err != nil {
		return nil, err
	}
	l.b.multisigs[p.Name] = w
	return true, nil
}

func (l *link) listMultisigs(context.Context, call) (any, error) {
	out := map[string]any{}
	for name, w := range l.b.multisigs {
		out[name] = map[string]any{
			"variant": w.Variant, "sorted": w.Sorted, "threshold": w.Threshold, "num_signers": len(w.Signers), "master_blinding_key": nil,
		}
	}
	return out, nil
}

func (l *link) showMultisig(_ context.Context, m call) (any, error) {
	var p struct {
		Name string `cbor:"multisig_name"`
	}
	if err := m.into(&p); err != nil {
		return nil, err
	}
	w, ok := l.b.multisigs[p.Name]
	if !ok {
		return nil, refuse(badParameters, "Cannot de-serialise multisig wallet data")
	}
	return map[string]any{"multisig_name": p.Name, "descriptor": w}, nil
}

// parse turns a policy into a descriptor.
func (p policy) parse() (*descriptor.Descriptor, error) {
	keys := make([]string, len(p.Values))
	for i := range keys {
		keys[i] = p.Values[fmt.Sprintf("@%d", i)]
	}
	return descriptor.FromPolicy(p.Descriptor, keys, descriptor.Options{})
}

func (l *link) registerDescriptor(ctx context.Context, m call) (any, error) {
	var p struct {
		Network    string            `cbor:"network"`
		Name       string            `cbor:"descriptor_name"`
		Descriptor string            `cbor:"descriptor"`
		Values     map[string]string `cbor:"datavalues"`
	}
	if err := m.into(&p); err != nil {
		return nil, err
	}
	if _, err := l.b.networkOf(p.Network); err != nil {
		return nil, err
	}
	w := policy{p.Descriptor, p.Values}
	d, err := w.parse()
	known, there := l.b.descriptors[p.Name]
	switch {
	case !validName(p.Name):
		return nil, refuse(badParameters, "Invalid descriptor name")
	case err != nil || len(p.Descriptor) > 512:
		return nil, refuse(badParameters, "Failed to parse descriptor")
	case !slices.ContainsFunc(d.Keys(), func(k descriptor.Key) bool {
		return k.Origin != nil && k.XKey != nil && l.b.own(cosigner{k.Origin.Fingerprint[:], k.Origin.Path, k.XKey.String(), nil})
	}):
		return nil, refuse(badParameters, "Failed to validate signers")
	case l.b.Lie.Registry, there && reflect.DeepEqual(known, w):
		return true, nil
	case !there && len(l.b.descriptors) >= 16:
		return nil, refuse(badParameters, "Already have maximum number of descriptor wallets")
	}
	text := p.Name + ": " + p.Descriptor
	for _, key := range slices.Sorted(maps.Keys(p.Values)) {
		text += "\n" + key + " " + p.Values[key]
	}
	if err := l.approve(ctx, signertest.ShowPolicy, text, "User declined to register descriptor"); err != nil {
		return nil, err
	}
	l.b.descriptors[p.Name] = w
	return true, nil
}

func (l *link) listDescriptors(context.Context, call) (any, error) {
	out := map[string]any{}
	for name, w := range l.b.descriptors {
		out[name] = map[string]any{"descriptor_len": len(w.Descriptor), "num_datavalues": len(w.Values)}
	}
	return out, nil
}

func (l *link) showDescriptor(_ context.Context, m call) (any, error) {
	var p struct {
		Name string `cbor:"descriptor_name"`
	}
	if err := m.into(&p); err != nil {
		return nil, err
	}
	w, ok := l.b.descriptors[p.Name]
	if !ok {
		return nil, refuse(badParameters, "Cannot de-serialise descriptor wallet data")
	}
	return map[string]any{"descriptor_name": p.Name, "descriptor": w.Descriptor, "datavalues": w.Values}, nil
}

// addressParams are those of get_receive_address.
type addressParams struct {
	Network    string     `cbor:"network"`
	Variant    string     `cbor:"variant"`
	Path       []uint32   `cbor:"path"`
	Multisig   string     `cbor:"multisig_name"`
	Paths      [][]uint32 `cbor:"paths"`
	Descriptor string     `cbor:"descriptor_name"`
	Branch     int        `cbor:"branch"`
	Pointer    uint32     `cbor:"pointer"`
}

func (l *link) address(ctx context.Context, m call) (any, error) {
	var p addressParams
	if err := m.into(&p); err != nil {
		return nil, err
	}
	n, err := l.b.networkOf(p.Network)
	if err != nil {
		return nil, err
	}
	d, index, err := l.b.addressOf(p)
	if err != nil {
		return nil, err
	}
	out, err := d.Derive(index)
	if err != nil {
		return nil, refuse(badParameters, err.Error())
	}
	addr, _ := out.Address(n)
	if l.b.Lie.Address {
		addr, _ = btc.AddressOf(btc.WitnessScript(0, btc.Hash160([]byte(addr))), n)
	}
	if err := l.approve(ctx, signertest.ShowAddress, addr, "User declined to confirm address"); err != nil {
		return nil, err
	}
	return addr, nil
}

// addressOf finds the descriptor and index that an address is asked of.
func (b *Board) addressOf(p addressParams) (*descriptor.Descriptor, uint32, error) {
	switch {
	case p.Multisig != "":
		w, ok := b.multisigs[p.Multisig]
		if !ok && !b.Lie.Registry {
			return nil, 0, refuse(badParameters, "Cannot de-serialise multisig wallet data")
		}
		if ok {
			d, err := w.descriptorAt(p.Paths)
			return d, 0, err
		}
	case p.Descriptor != "":
		w, ok := b.descriptors[p.Descriptor]
		if !ok && !b.Lie.Registry {
			return nil, 0, refuse(badParameters, "Cannot de-serialise descriptor wallet data")
		}
		if ok {
			d, err := w.parse()
			if err == nil {
				d, err = d.Branch(p.Branch)
			}
			return d, p.Pointer, err
		}
	}
	if p.Variant == "" {
		p.Variant = "wpkh(k)" // a liar's address of a wallet that it does not have
	}
	if !slices.Contains([]string{"pkh(k)", "wpkh(k)", "sh(wpkh(k))", "tr(k)"}, p.Variant) {
		return nil, 0, refuse(badParameters, "Invalid script variant parameter")
	}
	d, err := b.single(p.Variant, p.Path)
	return d, 0, err
}

// single is the descriptor of one of the wallet's own keys.
func (b *Board) single(variant string, path []uint32) (*descriptor.Descriptor, error) {
	k, err := b.key(path)
	if err != nil {
		return nil, err
	}
	return descriptor.Parse(strings.Replace(variant, "(k)", fmt.Sprintf("(%x)", k.PublicKey), 1), descriptor.Options{})
}
