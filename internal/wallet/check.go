package wallet

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/errs"
	"specter/internal/interop"
)

// Level says how much a finding matters.
type Level string

// The levels.
const (
	Danger  Level = "danger"  // money may be lost, or less safe than it looks
	Warning Level = "warning" // something will not work, or privacy suffers
	Notice  Level = "notice"  // worth knowing
)

// Finding is what a person should know of a wallet before it is made.
type Finding struct {
	Level  Level
	Code   string // stable word, such as "same-seed"
	Format string // English sentence for fmt, which translators know
	Args   []any
}

// Text is the finding in English.
func (r Finding) Text() string { return fmt.Sprintf(r.Format, r.Args...) }

// FileWords is what a wallet file told besides the descriptor.
type FileWords struct {
	Format     string // in interop's words: specter, electrum, sparrow's descriptor text…
	FromHeight int32  // coins are looked for from here; 0: unknown
	Labels     int    // of addresses, that come along
	Devices    []FileDevice
}

// FileDevice is a cosigner as a wallet file names it.
type FileDevice struct {
	XPub string
	Name string
	Type string
}

// foreign is a wallet file that has been read.
type foreign struct {
	words  FileWords
	labels map[string]string
	notes  []string
}

// fromFile fills a request with what its file says. What the request says itself stays.
func fromFile(n btc.Network, w *NewWallet) (*foreign, error) {
	if len(w.File) == 0 {
		return nil, nil
	}
	f, err := interop.ReadWallet(w.File, &n)
	if err != nil {
		// A descriptor that is no wallet of extended keys, such as addr(), is one nevertheless.
		text := strings.TrimSpace(string(w.File))
		if _, parsed := descriptor.Parse(text, descriptor.Options{Network: &n, AllowSLIP132: true}); len(w.File) > interop.MaxFile || parsed != nil {
			return nil, err
		}
		w.Descriptor = text
		return &foreign{words: FileWords{Format: "descriptor"}}, nil
	}
	if w.Descriptor == "" {
		w.Descriptor = f.Descriptor
	} else if !sameBody(w.Descriptor, f.Descriptor) {
		return nil, errs.E(errs.Invalid, "the descriptor is not the one in the file; give one of the two")
	}
	if strings.TrimSpace(w.Name) == "" {
		w.Name = f.Name
	}
	out := &foreign{words: FileWords{Format: f.Format, FromHeight: f.BlockHeight}, labels: map[string]string{}, notes: f.Warnings}
	for address, label := range f.Labels {
		key, err := labelKey(n, LabelAddress, address)
		if label = tidyLabel(label); err == nil && label != "" && len(out.labels) < maxLabels {
			out.labels[key] = label
		}
	}
	out.words.Labels = len(out.labels)
	for _, c := range f.Cosigners {
		out.words.Devices = append(out.words.Devices, FileDevice{XPub: c.Key.XKey.String(), Name: clip(tidyLabel(c.Name), 100), Type: clip(c.DeviceType, 40)})
	}
	if w.FromHeight == nil && w.Birthday.IsZero() && !w.ScanAll && !w.FindCoins && f.BlockHeight > 0 {
		from := f.BlockHeight
		w.FromHeight = &from
	}
	return out, nil
}

func sameBody(a, b string) bool {
	a, _, _ = strings.Cut(strings.TrimSpace(a), "#")
	b, _, _ = strings.Cut(strings.TrimSpace(b), "#")
	return a == b
}

// called is the name that the file has for the device with a key; "" where there is none.
func (f *foreign) called(xpub string) string {
	if f == nil || xpub == "" {
		return ""
	}
	for _, d := range f.words.Devices {
		if d.XPub == xpub {
			return d.Name
		}
	}
	return ""
}

// takeLabels stores the labels that came with a wallet's file. The wallet is made by now, so
// trouble is logged, not returned.
func (s *Service) takeLabels(ctx context.Context, r Record, f *foreign) {
	if f == nil || len(f.labels) == 0 {
		return
	}
	var labels []Label
	for address, text := range f.labels {
		labels = append(labels, Label{LabelAddress, address, text})
	}
	slices.SortFunc(labels, func(a, b Label) int { return strings.Compare(a.Key, b.Key) })
	if err := s.c.Store.PutLabels(ctx, r.ID, labels, nil, nil); err != nil {
		s.c.Log.Warn("store the labels of a wallet file", "error", err)
	}
}

// setup is a wallet that is looked over before it is made.
type setup struct {
	n     btc.Network
	d     *descriptor.Descriptor
	p     *Proposal
	keys  []descriptor.Key
	known []KnownKey
	notes []Finding
}

// say adds a finding by its code.
func (u *setup) say(level Level, code string, args ...any) {
	u.notes = append(u.notes, Finding{level, code, findings[code], args})
}

// findings looks a wallet over. What must not be is refused before, by propose.
func (s *Service) findings(u *setup, existing []Record) []Finding {
	u.keys = u.d.Keys()
	u.form()
	u.threshold()
	u.seeds()
	for i, k := range u.keys {
		u.key(i+1, k)
	}
	if len(u.known) > 0 || s.c.Devices != nil {
		u.holders()
	}
	if s.c.Limits != nil {
		u.limits(s.c.Limits)
	}
	u.reuse(existing)
	order := map[Level]int{Danger: 0, Warning: 1, Notice: 2}
	slices.SortStableFunc(u.notes, func(a, b Finding) int { return order[a.Level] - order[b.Level] })
	return u.notes
}

// form looks at the descriptor as a whole.
func (u *setup) form() {
	if !u.d.IsSolvable() {
		u.say(Warning, "watch-only")
		return
	}
	if !u.d.IsRanged() {
		u.say(Warning, "single-address")
	} else if u.d.Branches() == 1 {
		u.say(Warning, "no-change-branch")
	}
	switch u.p.ScriptType {
	case "pkh", "sh":
		u.say(Notice, "legacy")
	case "sh-wpkh", "sh-wsh":
		u.say(Notice, "nested")
	}
}

func (u *setup) threshold() {
	m, n, plain := u.d.Threshold()
	switch {
	case !plain || n < 2:
	case m == 1:
		u.say(Danger, "one-of-n", n)
	case m == n:
		u.say(Warning, "n-of-n", n)
	case 2*m < n:
		u.say(Notice, "low-threshold", m, n)
	}
}

// seeds finds keys that come from one seed: whoever holds it counts more than once.
func (u *setup) seeds() {
	first := map[btc.Fingerprint]int{}
	for i, k := range u.keys {
		if k.Origin == nil || k.Origin.Fingerprint.IsZero() {
			continue
		}
		j, seen := first[k.Origin.Fingerprint]
		if !seen {
			first[k.Origin.Fingerprint] = i
			continue
		}
		if other := u.keys[j]; k.XKey != nil && other.XKey != nil && k.XKey.Identical(*other.XKey) {
			u.say(Notice, "same-key-twice", j+1, i+1)
			continue
		}
		u.say(Danger, "same-seed", j+1, i+1, k.Origin.Fingerprint)
	}
}

// key looks at one key, its origin and its path.
func (u *setup) key(number int, k descriptor.Key) {
	if k.XKey == nil && k.Origin != nil {
		return
	}
	if k.Origin == nil {
		if k.XKey == nil || k.XKey.Depth > 0 {
			u.say(Warning, "no-origin", number)
		}
		return
	}
	path := k.Origin.Path
	if k.Origin.Fingerprint.IsZero() {
		u.say(Warning, "zero-fingerprint", number)
	}
	switch {
	case len(path) != int(k.XKey.Depth):
		u.say(Danger, "path-depth", number, k.XKey.Depth, path.Full(), len(path))
		return
	case len(path) > 0 && path[len(path)-1] != k.XKey.ChildIndex:
		u.say(Danger, "path-mismatch", number, path.Full())
		return
	}
	if len(path) > 1 && standardPurpose(path[0]) && path[1] != btc.Hardened|u.n.CoinType() {
		u.say(Warning, "path-network", number, path.Full())
	}
	u.purpose(number, path)
}

func standardPurpose(step uint32) bool {
	switch step {
	case 44 | btc.Hardened, 48 | btc.Hardened, 49 | btc.Hardened, 84 | btc.Hardened, 86 | btc.Hardened, 87 | btc.Hardened:
		return true
	}
	return false
}

// purposes are the first steps of paths that are usual for a script type.
var purposes = map[string][]uint32{"pkh": {44}, "sh-wpkh": {49}, "wpkh": {84}, "tr": {86}, "wsh": {48, 87}, "sh-wsh": {48, 87}, "sh": {45, 48, 87}}

// purpose compares a path with what is usual for the wallet's script type.
func (u *setup) purpose(number int, path btc.Path) {
	usual := purposes[u.p.ScriptType]
	if len(usual) == 0 {
		return
	}
	several := len(u.keys) > 1
	if u.p.ScriptType == "tr" && several {
		usual = []uint32{86, 48, 87}
	}
	switch {
	case len(path) == 0:
		u.say(Notice, "root-key", number)
	case !slices.Contains(usual, path[0]&^btc.Hardened) || path[0] < btc.Hardened:
		u.say(Warning, "odd-path", number, path.Full())
	case path[0] == 48|btc.Hardened && u.p.ScriptType != "tr":
		want := map[string]uint32{"wsh": 2, "sh-wsh": 1}[u.p.ScriptType]
		if want > 0 && (len(path) != 4 || path[3] != want|btc.Hardened) {
			u.say(Warning, "odd-path", number, path.Full())
		}
	}
}

// holders names keys that no device of the user holds, and devices that hold several.
func (u *setup) holders() {
	first := map[int64]int{}
	var unknown []string
	hot := 0
	for i, c := range u.p.Cosigners {
		switch {
		case c.XPub == "":
		case c.Nobody:
		case c.DeviceID == 0:
			unknown = append(unknown, fmt.Sprint(i+1))
		default:
			if c.Hot {
				hot++
			}
			if j, twice := first[c.DeviceID]; twice && u.p.Cosigners[j].Fingerprint != c.Fingerprint {
				u.say(Warning, "same-device", j+1, i+1, c.DeviceName)
			} else {
				first[c.DeviceID] = i
			}
		}
	}
	switch {
	case len(unknown) == len(u.p.Cosigners) && len(unknown) > 0:
		u.say(Notice, "no-device")
	case len(unknown) > 0:
		u.say(Notice, "unknown-key", strings.Join(unknown, ", "))
	}
	if m := u.p.Threshold; hot > 0 && hot >= m && len(u.p.Cosigners) > 1 {
		u.say(Danger, "hot-quorum")
	}
}

// limits asks what the devices that were chosen cannot do.
func (u *setup) limits(limit func(string, *descriptor.Descriptor) (string, string)) {
	asked := map[int64]bool{}
	for _, c := range u.p.Cosigners {
		if c.DeviceID == 0 || asked[c.DeviceID] {
			continue
		}
		asked[c.DeviceID] = true
		if code, text := limit(c.DeviceType, u.d); code != "" {
			u.notes = append(u.notes, Finding{Warning, code, "%s: %s", []any{c.DeviceName, text}})
		}
	}
}

// reuse tells of keys that other wallets have as well.
func (u *setup) reuse(existing []Record) {
	for _, r := range existing {
		var shared []string
		for i, c := range u.p.Cosigners {
			if c.XPub != "" && r.hasKey(c.XPub) {
				shared = append(shared, fmt.Sprint(i+1))
			}
		}
		switch {
		case len(shared) == 0:
		case len(shared) == len(u.p.Cosigners) && len(shared) == len(r.Cosigners):
			u.say(Warning, "same-keys", r.Name)
		default:
			u.say(Notice, "key-in-use", strings.Join(shared, ", "), r.Name)
		}
	}
}

// twin finds a wallet of the user's that has the same addresses, however it is written.
func (s *Service) twin(d *descriptor.Descriptor, n btc.Network, existing []Record) (Record, bool) {
	mine := firstScripts(&openWallet{desc: d}, n)
	if mine == nil {
		return Record{}, false
	}
	for _, r := range existing {
		if w := s.openOf(r); w.broken == nil && slices.Equal(mine, firstScripts(w, n)) {
			return r, true
		}
	}
	return Record{}, false
}

// firstScripts are the first scripts of every branch; nil where they cannot be derived.
func firstScripts(w *openWallet, n btc.Network) []string {
	branches := w.branches
	if branches == nil {
		var err error
		if branches, err = branchesOf(w.desc); err != nil {
			return nil
		}
	}
	var out []string
	for b := range branches {
		row, err := (&openWallet{desc: w.desc, branches: branches}).derive(n, uint32(b), 0)
		if err != nil {
			return nil
		}
		out = append(out, string(row.Script))
	}
	return out
}
