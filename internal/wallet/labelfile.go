package wallet

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/errs"
	"specter/internal/interop"
)

// maxLabels bounds how many labels one file may bring.
const maxLabels = 200_000

// LabelStatus tells what a line of a label file would do.
type LabelStatus string

// What a line can do.
const (
	LabelNew      LabelStatus = "new"
	LabelSame     LabelStatus = "same"     // it is here already
	LabelConflict LabelStatus = "conflict" // another label is here
	LabelStranger LabelStatus = "stranger" // the wallet has nothing to do with it
)

// LabelLine is a line of a label file beside what the wallet has.
type LabelLine struct {
	Label
	Old    string // the wallet's own label; "" none
	Status LabelStatus
	Freeze bool // a coin that is to be frozen
	Thaw   bool // a coin that is to be thawed
	// Foreign: no address of this network; it never comes in.
	Foreign bool
}

// ID names a line in a choice.
func (l LabelLine) ID() string { return string(l.Kind) + " " + l.Key }

// LabelPreview is what a label file would do.
type LabelPreview struct {
	Format    string      // bip329, electrum, specter-json or specter-csv
	Lines     []LabelLine // conflicts first, then new, same, strangers; each by kind and key
	New       int
	Same      int
	Conflicts int
	Strangers int
	Freeze    int
	Thaw      int
	Problems  []string // lines that cannot be read, the first hundred
	Bad       int      // how many there are
}

// maxProblems is how many unreadable lines are told one by one.
const maxProblems = 100

// LabelChoice says what an import may do. The zero value takes what is new, keeps what is here
// and leaves strangers out.
type LabelChoice struct {
	Overwrite bool            // conflicts: the file's label wins
	Rows      map[string]bool // by LabelLine.ID: true takes the file's, false keeps what is here
	Strangers bool            // labels of what is not the wallet's come in too
	NoFreeze  bool            // spendable flags are not looked at
}

// LabelResult is what an import did.
type LabelResult struct {
	Set       int // labels written
	Kept      int // conflicts where the wallet's label stayed
	Strangers int // lines left out
	Frozen    int
	Thawed    int
	Bad       int // lines that cannot be read
}

// LabelsPreview tells what a label file (BIP329, Electrum, Specter's JSON or CSV) would do to a
// wallet. Nothing is changed. errs.Invalid where it is no label file at all.
func (s *Service) LabelsPreview(ctx context.Context, ref Ref, data []byte) (LabelPreview, error) {
	r, _, err := s.find(ctx, ref)
	if err != nil {
		return LabelPreview{}, err
	}
	return s.compareLabels(ctx, r, data)
}

// ImportLabels takes the labels of a file as the choice says: all of it or nothing.
func (s *Service) ImportLabels(ctx context.Context, ref Ref, data []byte, c LabelChoice) (LabelResult, error) {
	r, w, err := s.find(ctx, ref)
	if err != nil {
		return LabelResult{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	p, err := s.compareLabels(ctx, r, data)
	if err != nil {
		return LabelResult{}, err
	}
	out := LabelResult{Bad: p.Bad}
	var labels []Label
	var freeze, thaw []wire.OutPoint
	for _, l := range p.Lines {
		take, chosen := c.Rows[l.ID()]
		switch {
		case l.Foreign, l.Status == LabelStranger && !c.Strangers && !take:
			out.Strangers++
		case l.Status == LabelConflict && (chosen && !take || !chosen && !c.Overwrite):
			out.Kept++
		case l.Status != LabelSame && l.Label.Label != "" && (!chosen || take):
			labels = append(labels, l.Label)
		}
		if op, err := parseOutPoint(l.Key); err == nil && !c.NoFreeze && (!chosen || take) {
			if l.Freeze {
				freeze = append(freeze, op)
			}
			if l.Thaw {
				thaw = append(thaw, op)
			}
		}
	}
	if len(labels)+len(freeze)+len(thaw) > 0 {
		if err := s.c.Store.PutLabels(ctx, r.ID, labels, freeze, thaw); err != nil {
			return LabelResult{}, err
		}
		s.tell(r, "wallet")
	}
	out.Set, out.Frozen, out.Thawed = len(labels), len(freeze), len(thaw)
	return out, nil
}

// compareLabels reads a label file and lays it beside what the wallet has.
func (s *Service) compareLabels(ctx context.Context, r Record, data []byte) (LabelPreview, error) {
	f, err := interop.ReadLabels(data, "")
	if err != nil {
		return LabelPreview{}, err
	}
	if len(f.Labels) == 0 && len(f.Problems) > 0 {
		return LabelPreview{}, errs.E(errs.Invalid, "no line of this file is a label: %s", f.Problems[0].Text)
	}
	if len(f.Labels) > maxLabels {
		return LabelPreview{}, errs.E(errs.Invalid, "the file has more than %d labels; split it", maxLabels)
	}
	p := LabelPreview{Format: f.Format}
	for _, problem := range f.Problems {
		p.problem(problem.String())
	}
	b, err := s.labelBook(ctx, r)
	if err != nil {
		return LabelPreview{}, err
	}
	for _, l := range f.Labels {
		b.take(&p, l)
	}
	if err := s.sortStrangers(ctx, r, b); err != nil {
		return LabelPreview{}, err
	}
	for _, l := range b.lines {
		p.count(*l)
	}
	slices.SortFunc(p.Lines, func(a, b LabelLine) int {
		return cmp.Or(cmp.Compare(statusOrder[a.Status], statusOrder[b.Status]), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Key, b.Key))
	})
	return p, nil
}

var statusOrder = map[LabelStatus]int{LabelConflict: 0, LabelNew: 1, LabelSame: 2, LabelStranger: 3}

func (p *LabelPreview) problem(text string) {
	if p.Bad++; len(p.Problems) < maxProblems {
		p.Problems = append(p.Problems, text)
	}
}

func (p *LabelPreview) count(l LabelLine) {
	if l.Label.Label == "" && !l.Freeze && !l.Thaw && l.Status != LabelStranger {
		return // an empty label says nothing
	}
	p.Lines = append(p.Lines, l)
	switch l.Status {
	case LabelNew:
		p.New++
	case LabelSame:
		p.Same++
	case LabelConflict:
		p.Conflicts++
	case LabelStranger:
		p.Strangers++
	}
	if l.Freeze {
		p.Freeze++
	}
	if l.Thaw {
		p.Thaw++
	}
}

// labelBook is what a wallet says of things, and the lines of a file as they come.
type labelBook struct {
	r      Record
	own    map[string]string // by LabelLine.ID
	frozen map[string]bool   // by outpoint
	lines  map[string]*LabelLine
	flags  map[string]bool // spendable, by outpoint
}

func (s *Service) labelBook(ctx context.Context, r Record) (*labelBook, error) {
	b := &labelBook{r: r, own: map[string]string{}, frozen: map[string]bool{}, lines: map[string]*LabelLine{}, flags: map[string]bool{}}
	labels, err := s.c.Store.AllLabels(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	for _, l := range labels {
		b.own[LabelLine{Label: l}.ID()] = l.Label
	}
	coins, err := s.c.Store.FrozenCoins(ctx, r.ID)
	for _, op := range coins {
		b.frozen[op.String()] = true
	}
	return b, err
}

// take adds a line of a file. Of two lines on one thing the later counts. What is of another
// network is a stranger like any other.
func (b *labelBook) take(p *LabelPreview, l interop.Label) {
	kind := LabelKind(l.Type)
	switch kind {
	case LabelTx, LabelAddress, LabelOutput, LabelInput, LabelPubKey, LabelXPub:
	default:
		p.problem("A label stands on " + quoteShort(l.Type) + ", which is not known here.")
		return
	}
	key, err := labelKey(b.r.Network, kind, strings.TrimSpace(l.Ref))
	foreign := err != nil
	if foreign && kind != LabelAddress {
		p.problem(err.Error())
		return
	}
	if foreign {
		key = clip(l.Ref, 120)
	}
	line := &LabelLine{Label: Label{kind, key, tidyLabel(l.Label)}}
	if foreign {
		line.Status, line.Foreign = LabelStranger, true
	}
	if before := b.lines[line.ID()]; before != nil && line.Label.Label == "" {
		line.Label.Label = before.Label.Label // the later line speaks of the flag alone
	}
	line.Old = b.own[line.ID()]
	b.lines[line.ID()] = line
	if l.Spendable != nil && kind == LabelOutput {
		b.flags[key] = *l.Spendable
	}
}

// sortStrangers gives every line its status.
func (s *Service) sortStrangers(ctx context.Context, r Record, b *labelBook) error {
	asked := map[LabelKind][]string{}
	for _, l := range b.lines {
		if l.Status == "" {
			asked[l.Kind] = append(asked[l.Kind], l.Key)
		}
	}
	known := map[LabelKind]map[string]bool{}
	for kind, keys := range asked {
		found, err := s.c.Store.Knows(ctx, r.ID, kind, keys)
		if err != nil {
			return err
		}
		known[kind] = found
	}
	for _, l := range b.lines {
		ours := known[l.Kind][l.Key] || l.Kind == LabelXPub && r.hasKey(l.Key)
		switch {
		case l.Status == LabelStranger || !ours:
			l.Status = LabelStranger
			continue
		case l.Old == "":
			l.Status = LabelNew
		case l.Old == l.Label.Label || l.Label.Label == "":
			l.Status = LabelSame
		default:
			l.Status = LabelConflict
		}
		if spendable, said := b.flags[l.Key]; said && l.Kind == LabelOutput {
			l.Freeze, l.Thaw = !spendable && !b.frozen[l.Key], spendable && b.frozen[l.Key]
		}
	}
	return s.onlyCoins(ctx, r, b)
}

// onlyCoins takes the flags from lines that have a label here but are no coins of the wallet.
func (s *Service) onlyCoins(ctx context.Context, r Record, b *labelBook) error {
	var ops []wire.OutPoint
	for _, l := range b.lines {
		if op, err := parseOutPoint(l.Key); err == nil && (l.Freeze || l.Thaw) {
			ops = append(ops, op)
		}
	}
	if len(ops) == 0 {
		return nil
	}
	coins, err := s.c.Store.CoinsAt(ctx, r.ID, ops)
	if err != nil {
		return err
	}
	for _, l := range b.lines {
		if !l.Freeze && !l.Thaw {
			continue
		}
		op, err := parseOutPoint(l.Key)
		if _, ours := coins[op]; err != nil || !ours {
			l.Freeze, l.Thaw = false, false
		}
	}
	return nil
}

// hasKey tells whether an xpub is one of the wallet's cosigners'.
func (r Record) hasKey(xpub string) bool {
	return slices.ContainsFunc(r.Cosigners, func(c Cosigner) bool { return c.XPub == xpub })
}

// tidyLabel makes a foreign label one line of at most maxLabel bytes.
func tidyLabel(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
	return strings.TrimSpace(clip(strings.TrimSpace(text), maxLabel))
}

// clip cuts a text to at most n bytes, between characters.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

func quoteShort(text string) string { return "“" + clip(tidyLabel(text), 20) + "”" }

// KeyLabels are the labels of the wallet's cosigners' keys by xpub.
func (s *Service) KeyLabels(ctx context.Context, ref Ref) (map[string]string, error) {
	r, _, err := s.find(ctx, ref)
	if err != nil {
		return nil, err
	}
	keys := make([]string, len(r.Cosigners))
	for i, c := range r.Cosigners {
		keys[i] = c.XPub
	}
	return s.c.Store.LabelsAt(ctx, r.ID, LabelXPub, keys)
}

// ExportLabels writes all labels of a wallet as "bip329" (with the frozen coins), "electrum"
// (transactions and addresses), "specter" (JSON) or "csv" (both addresses alone).
func (s *Service) ExportLabels(ctx context.Context, ref Ref, format string) (File, error) {
	r, _, err := s.find(ctx, ref)
	if err != nil {
		return File{}, err
	}
	as, known := map[string][3]string{"bip329": {"bip329", ".jsonl", "application/jsonl"}, "electrum": {"electrum", ".json", "application/json"},
		"specter": {"specter-json", ".json", "application/json"}, "csv": {"specter-csv", ".csv", "text/csv; charset=utf-8"}}[format]
	if !known {
		return File{}, errs.E(errs.Invalid, "%q is no format of labels; choose bip329, electrum, specter or csv", clip(format, 40))
	}
	list, err := s.labelsToWrite(ctx, r)
	if err != nil {
		return File{}, err
	}
	data, err := interop.WriteLabels(list, as[0])
	return File{Name: r.Alias + "_labels" + as[1], Type: as[2], Data: data}, err
}

func (s *Service) labelsToWrite(ctx context.Context, r Record) ([]interop.Label, error) {
	labels, err := s.c.Store.AllLabels(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	coins, err := s.c.Store.FrozenCoins(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	frozen := map[string]bool{}
	for _, op := range coins {
		frozen[op.String()] = true
	}
	origin := originOf(r.Descriptor)
	no := false
	var out []interop.Label
	for _, l := range labels {
		line := interop.Label{Type: string(l.Kind), Ref: l.Key, Label: l.Label}
		if l.Kind == LabelTx {
			line.Origin = origin
		}
		if l.Kind == LabelOutput && frozen[l.Key] {
			line.Spendable = &no
			delete(frozen, l.Key)
		}
		out = append(out, line)
	}
	for _, op := range coins {
		if frozen[op.String()] {
			out = append(out, interop.Label{Type: "output", Ref: op.String(), Spendable: &no})
		}
	}
	return out, nil
}

var keyAndPath = regexp.MustCompile(`\][xt]pub[^,(){}#]*`)

// originOf is BIP329's short form of a descriptor: origins without keys. "" where a key has no
// origin, since that would give the key itself away.
func originOf(desc string) string {
	body, _, _ := strings.Cut(desc, "#")
	body = keyAndPath.ReplaceAllString(body, "]")
	if strings.Contains(body, "pub") || !strings.Contains(body, "[") {
		return ""
	}
	return body
}
