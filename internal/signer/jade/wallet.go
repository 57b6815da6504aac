package jade

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/signer"
)

// Limits of wallets on the device (main/multisig.h, main/descriptor.h, main/storage.h).
const (
	maxName       = 15  // letters, printable ASCII without blanks
	maxWallets    = 16  // of each sort
	maxCosigners  = 15  //
	maxDescriptor = 512 // bytes of a descriptor with placeholders
)

// Single-key variants and multisig variants, by Specter's script types.
var (
	singles   = map[string]string{"pkh": "pkh(k)", "wpkh": "wpkh(k)", "sh-wpkh": "sh(wpkh(k))", "tr": "tr(k)"}
	multisigs = map[string]string{"sh": "sh(multi(k))", "wsh": "wsh(multi(k))", "sh-wsh": "sh(wsh(multi(k)))"}
)

// cosigner is a key of a multisig wallet as the device keeps it.
type cosigner struct {
	Fingerprint []byte   `cbor:"fingerprint"`
	Derivation  []uint32 `cbor:"derivation"`
	XPub        string   `cbor:"xpub"`
	Path        []uint32 `cbor:"path"`
}

// multisig is a multisig wallet as the device keeps it.
type multisig struct {
	Variant   string     `cbor:"variant"`
	Sorted    bool       `cbor:"sorted"`
	Threshold uint64     `cbor:"threshold"`
	Signers   []cosigner `cbor:"signers"`
}

// policy is any other wallet: a descriptor with placeholders, and its keys.
type policy struct {
	Descriptor string            `cbor:"descriptor"`
	Values     map[string]string `cbor:"datavalues"`
}

// form is a wallet in the form that the device wants: exactly one of the three is set.
type form struct {
	single   string // variant
	multisig *multisig
	policy   *policy
}

// formOf finds the form of a wallet, or says why a Jade cannot have it.
func (d *device) formOf(w signer.Wallet) (form, error) {
	desc := w.Descriptor
	if desc == nil {
		return form{}, signer.E(signer.CodeMissing, "no wallet was named")
	}
	kind := desc.ScriptType()
	if variant, ok := singles[kind]; ok && len(desc.Keys()) == 1 && (kind != "tr" || !strings.Contains(desc.String(), ",")) {
		if kind == "tr" && d.fw.below(sinceTaproot) {
			return form{}, signer.E(signer.CodeUnavailable, "taproot needs firmware %s or later on the Jade, this one has %s", sinceTaproot, d.fw)
		}
		return form{single: variant}, nil
	}
	if m, _, ok := desc.Threshold(); ok && multisigs[kind] != "" {
		return multisigForm(desc, multisigs[kind], m)
	}
	if kind == "wsh" || kind == "sh-wsh" {
		return d.policyForm(desc)
	}
	return form{}, signer.E(signer.CodeUnavailable, "a Jade cannot use wallets of this kind (%s); it can do single keys, also with taproot, multisig, and miniscript in wsh()", kind)
}

func multisigForm(desc *descriptor.Descriptor, variant string, threshold int) (form, error) {
	keys := desc.Keys()
	if len(keys) > maxCosigners {
		return form{}, signer.E(signer.CodeUnavailable, "a Jade takes multisig wallets of at most %d keys", maxCosigners)
	}
	m := &multisig{Variant: variant, Sorted: strings.Contains(desc.String(), "sortedmulti("), Threshold: uint64(threshold)}
	for _, k := range keys {
		if k.XKey == nil {
			return form{}, signer.E(signer.CodeBadArgument, "a Jade needs the extended public key of every cosigner, and %s is none", k.Text)
		}
		fixed, err := fixedSteps(k)
		if err != nil {
			return form{}, err
		}
		origin := originOf(k)
		m.Signers = append(m.Signers, cosigner{origin.Fingerprint[:], steps(origin.Path), k.XKey.String(), fixed})
	}
	return form{multisig: m}, nil
}

func (d *device) policyForm(desc *descriptor.Descriptor) (form, error) {
	if d.fw.below(sinceDescriptors) {
		return form{}, signer.E(signer.CodeUnavailable, "miniscript needs firmware %s or later on the Jade, this one has %s", sinceDescriptors, d.fw)
	}
	template, keys, err := desc.Policy()
	if err != nil {
		return form{}, signer.E(signer.CodeUnavailable, "a Jade keeps such a wallet only as a wallet policy (BIP388), and it is none: %w", err)
	}
	template = strings.ReplaceAll(template, "/**", "/<0;1>/*")
	if len(template) > maxDescriptor || len(keys) > maxCosigners {
		return form{}, signer.E(signer.CodeUnavailable, "the wallet is too large for a Jade: its descriptor may have %d letters and %d keys", maxDescriptor, maxCosigners)
	}
	p := &policy{Descriptor: template, Values: map[string]string{}}
	for i, k := range keys {
		p.Values["@"+strconv.Itoa(i)] = k
	}
	return form{policy: p}, nil
}

// originOf is where a key comes from; one without an origin is a root of its own.
func originOf(k descriptor.Key) btc.KeyOrigin {
	if k.Origin != nil {
		return *k.Origin
	}
	return btc.KeyOrigin{Fingerprint: k.XKey.Fingerprint()}
}

// fixedSteps are those between the extended key and the branch; where there is no choice of
// branches all steps go with the address, as HWI has it.
func fixedSteps(k descriptor.Key) ([]uint32, error) {
	before, _, ok := strings.Cut(k.Path, "<")
	if before = strings.TrimSuffix(before, "/"); !ok || before == "" {
		return []uint32{}, nil
	}
	return unhardened(before, 0)
}

// unhardened reads the steps after a key, with the index in the wildcard's place.
func unhardened(path string, index uint32) ([]uint32, error) {
	out := []uint32{}
	if path == "" {
		return out, nil
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == "*" {
			out = append(out, index)
			continue
		}
		n, err := btc.ParsePathStep(part)
		if err != nil || n >= btc.Hardened {
			return nil, signer.E(signer.CodeUnavailable, "a Jade cannot follow the path /%s after an extended public key", path)
		}
		out = append(out, n)
	}
	return out, nil
}

// suffixes are the steps after each key of one address.
func suffixes(desc *descriptor.Descriptor, branch, index uint32) ([][]uint32, error) {
	if index >= btc.Hardened || uint64(branch) >= uint64(desc.Branches()) {
		return nil, signer.E(signer.CodeBadArgument, "the wallet has no address %d on branch %d", index, branch)
	}
	one, err := desc.Branch(int(branch))
	if err != nil {
		return nil, err
	}
	var out [][]uint32
	for _, k := range one.Keys() {
		s, err := unhardened(k.Path, index)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// name is what the device keeps a wallet by: what its person calls it, and a mark of what it is
// made of, so that two wallets of one name do not overwrite each other.
func (f form) name(called string) string {
	text := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '_'
		case r > ' ' && r < 0x7f:
			return r
		}
		return -1
	}, called)
	if text == "" {
		text = "wallet"
	}
	sum := sha256.New()
	if f.multisig != nil {
		sum.Write([]byte(f.multisig.Variant + "|" + strconv.FormatUint(f.multisig.Threshold, 10) + "|" + strconv.FormatBool(f.multisig.Sorted)))
		for _, s := range f.multisig.Signers {
			sum.Write([]byte("|" + s.XPub + btc.Path(s.Path).Full()))
		}
	} else {
		sum.Write([]byte(f.policy.Descriptor))
		for i := range len(f.policy.Values) {
			sum.Write([]byte("|" + f.policy.Values["@"+strconv.Itoa(i)]))
		}
	}
	const mark = 6
	return text[:min(len(text), maxName-mark-1)] + "_" + hex.EncodeToString(sum.Sum(nil))[:mark]
}

// NeedsRegistration is true for everything but single keys.
func (d *device) NeedsRegistration(w signer.Wallet) bool {
	f, err := d.formOf(w)
	return err == nil && f.single == ""
}

// Register makes the device keep a multisig or miniscript wallet, after its person has looked at
// it. One that the device has already, under whatever name, is not asked for again.
func (d *device) Register(ctx context.Context, w signer.Wallet) (signer.Registration, error) {
	f, err := d.formOf(w)
	if err != nil || f.single != "" {
		return signer.Registration{}, err
	}
	fp, err := d.Fingerprint(ctx)
	if err != nil {
		return signer.Registration{}, err
	}
	if !slices.ContainsFunc(w.Descriptor.Keys(), func(k descriptor.Key) bool { return k.XKey != nil && originOf(k).Fingerprint == fp }) {
		return signer.Registration{}, signer.E(signer.CodeBadArgument, "none of the wallet's keys is of this Jade (%s)", fp)
	}
	if f.multisig != nil {
		return d.registerMultisig(ctx, f, f.name(w.Name))
	}
	return d.registerPolicy(ctx, f, f.name(w.Name))
}

func (d *device) registerMultisig(ctx context.Context, f form, name string) (signer.Registration, error) {
	var kept map[string]struct {
		Variant   string `cbor:"variant"`
		Sorted    bool   `cbor:"sorted"`
		Threshold uint64 `cbor:"threshold"`
		Signers   uint64 `cbor:"num_signers"`
	}
	if err := d.soon(ctx, "get_registered_multisigs", nil, &kept); err != nil {
		return signer.Registration{}, err
	}
	m := f.multisig
	for known, k := range kept {
		if d.fw.below(sinceDetails) || k.Variant != m.Variant || k.Sorted != m.Sorted || k.Threshold != m.Threshold || k.Signers != uint64(len(m.Signers)) {
			continue
		}
		var details struct {
			Wallet multisig `cbor:"descriptor"`
		}
		// A record of older firmware has no details: it is passed over.
		if err := d.soon(ctx, "get_registered_multisig", map[string]any{"multisig_name": known, "as_file": false}, &details); err != nil {
			if signer.CodeOf(err) != signer.CodeBadArgument {
				return signer.Registration{}, err
			}
			continue
		}
		if m.same(details.Wallet) {
			return signer.Registration{Name: known}, nil
		}
	}
	if _, there := kept[name]; !there && len(kept) >= maxWallets {
		return signer.Registration{}, full("multisig")
	}
	params := map[string]any{"network": network(d.o.Network), "multisig_name": name, "descriptor": m}
	return d.keep(ctx, "register_multisig", name, params)
}

// same reports whether the device's record is this wallet.
func (m *multisig) same(o multisig) bool {
	return o.Variant == m.Variant && o.Sorted == m.Sorted && o.Threshold == m.Threshold &&
		slices.EqualFunc(m.Signers, o.Signers, func(a, b cosigner) bool {
			return a.XPub == b.XPub && slices.Equal(a.Path, b.Path) && slices.Equal(a.Fingerprint, b.Fingerprint) && slices.Equal(a.Derivation, b.Derivation)
		})
}

func (d *device) registerPolicy(ctx context.Context, f form, name string) (signer.Registration, error) {
	if !d.fw.below(sinceListing) {
		var kept map[string]struct {
			Length uint64 `cbor:"descriptor_len"`
			Values uint64 `cbor:"num_datavalues"`
		}
		if err := d.soon(ctx, "get_registered_descriptors", nil, &kept); err != nil {
			return signer.Registration{}, err
		}
		for known, k := range kept {
			if k.Length != uint64(len(f.policy.Descriptor)) || k.Values != uint64(len(f.policy.Values)) {
				continue
			}
			var details policy
			if err := d.soon(ctx, "get_registered_descriptor", map[string]any{"descriptor_name": known}, &details); err != nil {
				return signer.Registration{}, err
			}
			if reflect.DeepEqual(details, *f.policy) {
				return signer.Registration{Name: known}, nil
			}
		}
		if _, there := kept[name]; !there && len(kept) >= maxWallets {
			return signer.Registration{}, full("miniscript")
		}
	}
	params := map[string]any{
		"network": network(d.o.Network), "descriptor_name": name,
		"descriptor": f.policy.Descriptor, "datavalues": f.policy.Values,
	}
	return d.keep(ctx, "register_descriptor", name, params)
}

func full(sort string) error {
	return signer.E(signer.CodeUnavailable, "this Jade keeps %d %s wallets already, which is all that it can: delete one on the device", maxWallets, sort)
}

func (d *device) keep(ctx context.Context, method, name string, params any) (signer.Registration, error) {
	var done bool
	if err := d.ask(ctx, signer.NoticeRegister, method, params, &done); err != nil {
		return signer.Registration{}, err
	}
	if !done {
		return signer.Registration{}, signer.Declined("the wallet")
	}
	return signer.Registration{Name: name}, nil
}

// ShowAddress shows an address. A multisig or miniscript wallet that the device does not have yet
// is registered first.
func (d *device) ShowAddress(ctx context.Context, w signer.Wallet, r signer.Registration, branch, index uint32) (string, error) {
	f, err := d.formOf(w)
	if err != nil {
		return "", err
	}
	paths, err := suffixes(w.Descriptor, branch, index)
	if err != nil {
		return "", err
	}
	if err := d.unlock(ctx); err != nil {
		return "", err
	}
	if f.single == "" && r.Name == "" {
		if r, err = d.Register(ctx, w); err != nil {
			return "", err
		}
	}
	params, err := d.addressParams(ctx, w, f, r.Name, paths, branch, index)
	if err != nil {
		return "", err
	}
	var addr string
	if err := d.ask(ctx, signer.NoticeConfirm, "get_receive_address", params, &addr); err != nil {
		return "", d.explain(ctx, err, f, r.Name)
	}
	return printable(addr), nil
}

func (d *device) addressParams(ctx context.Context, w signer.Wallet, f form, name string, paths [][]uint32, branch, index uint32) (map[string]any, error) {
	params := map[string]any{"network": network(d.o.Network)}
	switch {
	case f.multisig != nil:
		// What was registered with a key is not said again.
		for i, s := range f.multisig.Signers {
			paths[i] = paths[i][min(len(s.Path), len(paths[i])):]
		}
		params["multisig_name"], params["paths"] = name, paths
	case f.policy != nil:
		params["descriptor_name"], params["branch"], params["pointer"] = name, branch, index
	default:
		key := w.Descriptor.Keys()[0]
		if key.XKey == nil && key.Origin == nil {
			return nil, signer.E(signer.CodeBadArgument, "a Jade needs to know where the key %s comes from (its fingerprint and path)", key.Text)
		}
		fp, err := d.Fingerprint(ctx)
		if err != nil {
			return nil, err
		}
		origin := originOf(key)
		if origin.Fingerprint != fp {
			return nil, signer.E(signer.CodeBadArgument, "the wallet's key is of the device %s, and this Jade is %s", origin.Fingerprint, fp)
		}
		params["variant"], params["path"] = f.single, steps(origin.Path.Child(paths[0]...))
	}
	return params, nil
}

// explain tells a wallet that the device has forgotten from other refusals.
func (d *device) explain(ctx context.Context, err error, f form, name string) error {
	if signer.CodeOf(err) != signer.CodeBadArgument || f.single != "" {
		return err
	}
	method := "get_registered_multisigs"
	if f.policy != nil {
		if d.fw.below(sinceListing) {
			return err
		}
		method = "get_registered_descriptors"
	}
	var kept map[string]any
	if d.soon(ctx, method, nil, &kept) != nil {
		return err
	}
	if _, there := kept[name]; there {
		return err
	}
	return signer.E(signer.CodeNotRegistered, "this Jade no longer keeps the wallet %q: register it again (%w)", name, err)
}
