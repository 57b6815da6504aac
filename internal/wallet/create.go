package wallet

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/errs"
)

// gapLimit is how many addresses are looked at beyond the highest used or handed-out one, where
// nobody says otherwise.
const gapLimit = 20

// maxCosigners is what a script of standard size can take (OP_CHECKMULTISIG takes 20; 15 in P2SH).
const maxCosigners = 20

// Check returns the wallet that Create would make, or why it would not.
func (s *Service) Check(ctx context.Context, o Owner, n btc.Network, w NewWallet) (Proposal, error) {
	f, err := fromFile(n, &w)
	if err != nil {
		return Proposal{}, err
	}
	p, _, err := s.propose(ctx, o, n, w, f)
	return p, err
}

// Create makes a wallet. Old coins are looked for in the background, as the request says.
func (s *Service) Create(ctx context.Context, o Owner, n btc.Network, w NewWallet) (Record, error) {
	f, err := fromFile(n, &w)
	if err != nil {
		return Record{}, err
	}
	p, d, err := s.propose(ctx, o, n, w, f)
	if err != nil {
		return Record{}, err
	}
	all, err := s.c.Store.AllWallets(ctx)
	if err != nil {
		return Record{}, err
	}
	r := Record{
		Owner: o, Network: n, Name: p.Name, Descriptor: p.Descriptor, ScriptType: p.ScriptType, Threshold: p.Threshold,
		Cosigners: p.Cosigners, Created: s.c.Now(), Birthday: w.Birthday, Used: [2]int64{-1, -1},
	}
	switch {
	case w.FindCoins:
		r.Scan = &Scan{Running: true, Mode: ScanCoins}
	case w.FromHeight != nil:
		r.Scan = &Scan{Running: true, From: *w.FromHeight}
	}
	if r.Gap = w.Gap; r.Gap == 0 {
		r.Gap = gapLimit
	}
	if r.Birthday.IsZero() && !w.ScanAll {
		r.Birthday = s.c.Now()
	}
	r.Alias = free(btc.Slug(p.Name), func(a string) bool {
		return slices.ContainsFunc(all, func(x Record) bool { return x.Owner == o && x.Network == n && x.Alias == a })
	})
	r.NodeName = free("specter"+s.uid()+"/"+r.Alias, func(a string) bool {
		return slices.ContainsFunc(all, func(x Record) bool { return x.Network == n && x.NodeName == a })
	})
	first, err := firstAddresses(d, n, r.Gap)
	if err != nil {
		return Record{}, err
	}
	if err := s.c.Store.AddWallet(ctx, &r, first); err != nil {
		return Record{}, err
	}
	s.takeLabels(ctx, r, f)
	s.nudge()
	s.tell(r, "wallet")
	s.decorate(&r, s.knownKeys(ctx, o, n))
	return r, nil
}

// free appends a number to a slug until it is not taken.
func free(slug string, taken func(string) bool) string {
	name := slug
	for i := 2; taken(name); i++ {
		name = fmt.Sprintf("%s_%d", slug, i)
	}
	return name
}

// firstAddresses derives what a new wallet looks ahead to.
func firstAddresses(d *descriptor.Descriptor, n btc.Network, gap uint32) ([]AddressRow, error) {
	branches, err := branchesOf(d)
	if err != nil {
		return nil, err
	}
	w := &openWallet{branches: branches}
	var rows []AddressRow
	for b := range branches {
		end := gap
		if !d.IsRanged() {
			end = 1
		}
		some, err := w.deriveRange(n, uint32(b), 0, end)
		if err != nil {
			return nil, err
		}
		rows = append(rows, some...)
	}
	return rows, nil
}

// propose understands a request for a wallet.
func (s *Service) propose(ctx context.Context, o Owner, n btc.Network, w NewWallet, f *foreign) (Proposal, *descriptor.Descriptor, error) {
	name, err := cleanName(w.Name)
	if err != nil {
		return Proposal{}, nil, err
	}
	existing, err := s.c.Store.Wallets(ctx, o, n)
	if err != nil {
		return Proposal{}, nil, err
	}
	if slices.ContainsFunc(existing, func(r Record) bool { return strings.EqualFold(r.Name, name) }) {
		return Proposal{}, nil, errs.E(errs.Conflict, "you have a wallet named %q already; choose another name", name)
	}
	if w.FromHeight != nil && *w.FromHeight < 0 || w.Birthday.After(s.c.Now().Add(24*time.Hour)) {
		return Proposal{}, nil, errs.E(errs.Invalid, "the wallet cannot be younger than today; look from an earlier block or day")
	}
	if w.Gap > MaxGap {
		return Proposal{}, nil, errs.E(errs.Invalid, "a wallet looks between 1 and %d addresses ahead, not %d", MaxGap, w.Gap)
	}
	d, warnings, err := parseWallet(n, w)
	if err != nil {
		return Proposal{}, nil, err
	}
	for _, r := range existing {
		if r.Descriptor == d.String() {
			return Proposal{}, nil, errs.E(errs.Conflict, "your wallet %q has the same descriptor already", r.Name)
		}
	}
	if r, found := s.twin(d, n, existing); found {
		return Proposal{}, nil, errs.E(errs.Conflict, "your wallet %q has the same addresses already, written in another way", r.Name)
	}
	first, err := firstOf(d, n)
	if err != nil {
		return Proposal{}, nil, err
	}
	p := Proposal{Name: name, Descriptor: d.String(), ScriptType: d.ScriptType(), Threshold: 1, Cosigners: cosignersOf(d), FirstAddress: first, Warnings: warnings}
	if m, _, ok := d.Threshold(); ok {
		p.Threshold = m
	}
	keys := s.knownKeys(ctx, o, n)
	for i := range p.Cosigners {
		p.Cosigners[i].Called = f.called(p.Cosigners[i].XPub)
		new(openWallet).nameCosigner(&p.Cosigners[i], keys)
	}
	p.Findings = s.findings(&setup{n: n, d: d, p: &p, known: keys}, existing)
	for _, r := range p.Findings {
		if r.Level != Notice {
			p.Warnings = append(p.Warnings, r.Text())
		}
	}
	if p.FromHeight = w.FromHeight; f != nil {
		p.File, p.Warnings = &f.words, append(p.Warnings, f.notes...)
	}
	return p, d, nil
}

func firstOf(d *descriptor.Descriptor, n btc.Network) (string, error) {
	receive, err := d.Branch(0)
	if err != nil {
		return "", err
	}
	out, err := receive.Derive(0)
	if err != nil {
		return "", err
	}
	address, ok := out.Address(n)
	if !ok {
		return "", errs.Bad(errs.Unsupported, "the descriptor's script has no address, so nobody can pay to it")
	}
	return address, nil
}

// parseWallet turns a request into a descriptor with both branches, where it has keys to branch.
func parseWallet(n btc.Network, w NewWallet) (*descriptor.Descriptor, []string, error) {
	text := strings.TrimSpace(w.Descriptor)
	if text == "" {
		built, err := compose(n, w)
		if err != nil {
			return nil, nil, err
		}
		text = built
	}
	options := descriptor.Options{Network: &n, AllowSLIP132: true}
	d, err := descriptor.Parse(text, options)
	if err != nil {
		return nil, nil, err
	}
	if d.Type() == "combo" {
		return nil, nil, errs.Bad(errs.Unsupported, "combo() stands for several wallets; import pkh(), wpkh() or sh(wpkh()) instead")
	}
	if d.Branches() > 2 {
		return nil, nil, errs.Bad(errs.Unsupported, "the descriptor has %d branches; a wallet has receive and change", d.Branches())
	}
	if err := checkKeys(d); err != nil {
		return nil, nil, err
	}
	d, warnings, err := branch(d, options)
	if err != nil {
		return nil, nil, err
	}
	return d, warnings, nil
}

// compose writes the descriptor of a wallet that was put together from keys.
func compose(n btc.Network, w NewWallet) (string, error) {
	if len(w.Keys) == 0 {
		return "", errs.E(errs.Invalid, "choose at least one key")
	}
	if len(w.Keys) > maxCosigners {
		return "", errs.Bad(errs.TooManyKeys, "a wallet has at most %d keys", maxCosigners)
	}
	keys := make([]string, len(w.Keys))
	for i, text := range w.Keys {
		k, err := descriptor.ParseKeyExpression(text, descriptor.Options{Network: &n, AllowSLIP132: true})
		if err != nil {
			return "", fmt.Errorf("key %d: %w", i+1, err)
		}
		switch {
		case k.XKey == nil:
			return "", errs.Bad(errs.BadKey, "key %d is no extended public key", i+1)
		case k.Origin == nil && k.XKey.Depth > 0:
			return "", errs.Bad(errs.BadKey, "key %d lacks its origin: without fingerprint and derivation path no device can sign. Give it as [fingerprint/path]xpub", i+1)
		case k.Path != "" && k.Path != "0/*" && k.Path != "<0;1>/*":
			return "", errs.Bad(errs.BadPath, "key %d goes on with /%s; give the account's key, branches are added by Specter", i+1, k.Path)
		}
		keys[i] = k.Head() + "/<0;1>/*"
	}
	return wrap(w, keys)
}

// wrap puts keys into the script of a type.
func wrap(w NewWallet, keys []string) (string, error) {
	single := map[string]string{"pkh": "pkh(%s)", "wpkh": "wpkh(%s)", "sh-wpkh": "sh(wpkh(%s))", "tr": "tr(%s)"}
	several := map[string]string{"wsh": "wsh(%s)", "sh-wsh": "sh(wsh(%s))", "sh": "sh(%s)"}
	if form := single[w.ScriptType]; form != "" {
		if len(keys) > 1 {
			return "", errs.E(errs.Invalid, "a %s wallet has one key; choose a multisig type for %d keys", w.ScriptType, len(keys))
		}
		return fmt.Sprintf(form, keys[0]), nil
	}
	form := several[w.ScriptType]
	if form == "" {
		return "", errs.E(errs.Invalid, "%q is no type of wallet", w.ScriptType)
	}
	if w.Threshold < 1 || w.Threshold > len(keys) {
		return "", errs.E(errs.Invalid, "of %d keys between 1 and %d can be needed to sign, not %d", len(keys), len(keys), w.Threshold)
	}
	multi := "sortedmulti"
	if w.Unsorted {
		multi = "multi"
	}
	return fmt.Sprintf(form, fmt.Sprintf("%s(%d,%s)", multi, w.Threshold, strings.Join(keys, ","))), nil
}

// checkKeys refuses a key that is there twice: whoever holds it would count twice.
func checkKeys(d *descriptor.Descriptor) error {
	keys := d.Keys()
	for i, a := range keys {
		for j, b := range keys[:i] {
			same := a.XKey != nil && b.XKey != nil && a.XKey.Identical(*b.XKey) && a.Path == b.Path ||
				a.XKey == nil && b.XKey == nil && slices.Equal(a.PubKey, b.PubKey)
			if same {
				return errs.Bad(errs.BadKey, "keys %d and %d are the same key; every cosigner needs a key of their own", j+1, i+1)
			}
		}
	}
	return nil
}

// branch gives a descriptor of one path its change branch, where its keys have the usual form:
// /0/* becomes /<0;1>/*, and so does no path at all, as in the old Specter's files.
func branch(d *descriptor.Descriptor, o descriptor.Options) (*descriptor.Descriptor, []string, error) {
	keys := d.Keys()
	usual, bare, extended := 0, 0, 0
	for _, k := range keys {
		if k.XKey == nil {
			continue
		}
		extended++
		switch k.Path {
		case "0/*":
			usual++
		case "":
			bare++
		}
	}
	body, _, _ := strings.Cut(d.String(), "#")
	switch {
	case extended == 0 || d.Branches() > 1:
		return d, nil, nil
	case usual == extended:
		d, err := descriptor.Parse(strings.ReplaceAll(body, "/0/*", "/<0;1>/*"), o)
		return d, nil, err
	case bare == extended:
		for _, k := range keys {
			if k.XKey != nil {
				body = strings.Replace(body, k.Text, k.Text+"/<0;1>/*", 1)
			}
		}
		d, err := descriptor.Parse(body, o)
		return d, []string{"The keys had no derivation path; /<0;1>/* was added, as wallets use it."}, err
	}
	return d, nil, nil
}

// cosignersOf lists the keys of a descriptor.
func cosignersOf(d *descriptor.Descriptor) []Cosigner {
	var out []Cosigner
	for _, k := range d.Keys() {
		c := Cosigner{Expression: k.Head()}
		switch {
		case k.Origin != nil:
			c.Fingerprint, c.Path = k.Origin.Fingerprint, k.Origin.Path
		case k.XKey != nil:
			c.Fingerprint = k.XKey.Fingerprint()
		}
		if k.XKey != nil {
			c.XPub = k.XKey.String()
		}
		out = append(out, c)
	}
	return out
}
