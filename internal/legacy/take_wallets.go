package legacy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// said is what the old program said of a wallet the last time: what was not changed there since
// is no news, and what was changed here stays.
type said struct {
	Labels map[string]string `json:"labels,omitempty"`
	Frozen []string          `json:"frozen,omitempty"`
	Drafts []string          `json:"drafts,omitempty"`
	Height int32             `json:"blockheight,omitempty"`
	Block  string            `json:"last_block,omitempty"`
}

// words are what of a wallet's words is new.
type words struct {
	labels  []wallet.Label
	frozen  []wire.OutPoint
	drafts  []Draft
	known   []Draft // that were taken over before: they may have got signatures since
	signed  int     // of those, how many had
	kept    int     // labels that differ here, and stay
	foreign int     // labels on what is no address of the network
	now     said
}

func (t *taker) wallets() error {
	for i := range t.f.Wallets {
		w := &t.f.Wallets[i]
		if t.gone[w.User] {
			t.line("wallet", w.User, w.Name, LeftOut, "its user is left out")
			continue
		}
		if err := t.wallet(w); err != nil {
			return fmt.Errorf("take over the wallet %q: %w", shown(w.Name), err)
		}
	}
	t.untold()
	return nil
}

func (t *taker) wallet(w *Wallet) error {
	owner := t.ids[w.User]
	here, value, known, err := t.hereWallet(owner, w)
	if err != nil {
		return t.refusedWallet(err, w)
	}
	if here == nil && known && !t.o.Again {
		t.line("wallet", w.User, w.Name, LeftOut, deletedHere)
		return nil
	}
	var before said
	if here != nil && known {
		_ = json.Unmarshal(value, &before) // our own writing; nothing said is the careful reading of a damaged one
	}
	if err := t.nodeLabels(w); err != nil {
		return err
	}
	news, err := t.news(w, here, before)
	if err != nil {
		return err
	}
	if t.o.Dry {
		t.tell(w, here, news, nil)
		return nil
	}
	r := here
	if r == nil {
		made, err := t.r.Wallets.Adopt(t.ctx, wallet.Owner(owner), w.Network, t.adopted(w))
		if err != nil {
			return t.refusedWallet(err, w)
		}
		r = &made
	}
	if err := t.fill(w, r, news); err != nil {
		return err
	}
	left, err := t.drafts(w, r, &news)
	if err != nil {
		return err
	}
	t.tell(w, here, news, r)
	t.rep.Lines = append(t.rep.Lines, left...)
	text, err := json.Marshal(news.now)
	if err != nil {
		return err
	}
	if err := t.writtenWallet(owner, w, r, here == nil); err != nil {
		return err
	}
	return t.note(owner, "wallet", w.key(), strconv.FormatInt(int64(r.ID), 10), text)
}

// writtenWallet keeps a wallet's file and tables as the old program wrote them.
func (t *taker) writtenWallet(owner string, w *Wallet, r *wallet.Record, fresh bool) error {
	err := t.keepWritten(owner, w.file+".json", w.raw, map[string]string{"name": r.Name}, fresh)
	for _, table := range []string{"_addr.csv", "_txs.csv"} {
		if err == nil {
			err = t.keepTable(owner, w.file+table)
		}
	}
	return err
}

// refusedWallet leaves a wallet out that cannot be had here, and keeps it for the way back, unless
// it holds private keys.
func (t *taker) refusedWallet(err error, w *Wallet) error {
	if strings.Contains(w.Descriptor, "prv") || !errs.Is(err, errs.Invalid) {
		return t.refused(err, "wallet", w.User, w.Name)
	}
	if err := t.refused(err, "wallet", w.User, w.Name); err != nil {
		return err
	}
	before := len(t.f.Kept)
	t.f.keepWallet(t.s, "wallet that cannot be used", w.User, w.Name, w.file)
	for i := range t.f.Kept[before:] {
		t.f.Kept[before+i].quiet = true // its line stands already
	}
	return nil
}

func (w *Wallet) key() string { return w.Chain + "/" + w.Alias }

// hereWallet finds the wallet that one became, or that has its addresses.
func (t *taker) hereWallet(owner string, w *Wallet) (here *wallet.Record, value []byte, known bool, err error) {
	ref, value, known, err := t.before(owner, "wallet", w.key())
	if err != nil {
		return nil, nil, false, err
	}
	if known {
		list, err := t.r.Wallets.List(t.ctx, wallet.Owner(owner), w.Network)
		if err != nil {
			return nil, nil, false, err
		}
		id, _ := strconv.ParseInt(ref, 10, 64)
		if i := slices.IndexFunc(list, func(r wallet.Record) bool { return int64(r.ID) == id }); i >= 0 {
			return &list[i], value, true, nil
		}
	}
	r, found, err := t.r.Wallets.Twin(t.ctx, wallet.Owner(owner), w.Network, w.Descriptor)
	if err != nil || !found {
		return nil, value, known, err
	}
	return &r, value, known, nil
}

// adopted is the wallet as the wallets' room takes it. Users of an old Specter shared the uid, so
// two wallets of one alias shared a wallet inside the node; the second gets its own.
func (t *taker) adopted(w *Wallet) wallet.Adopted {
	a := wallet.Adopted{Name: w.Name, Alias: w.Alias, Descriptor: w.Descriptor, Devices: t.called(w)}
	if t.f.UID != "" && w.Alias != "." && w.Alias != ".." && !strings.ContainsAny(w.Alias, `/\:`) {
		a.NodeName = "specter" + t.f.UID + "/" + w.Alias
	}
	_, oldest := t.s.span(w)
	a.Birthday = birthday(w.Network, w.Height, oldest)
	return a
}

// called are the names of a wallet's devices, in the keys' order; the alias of one that was
// forgotten there.
func (t *taker) called(w *Wallet) []string {
	out := slices.Clone(w.Devices)
	for i, alias := range out {
		for _, d := range t.f.Devices {
			if d.User == w.User && d.Alias == alias {
				out[i] = d.Name
			}
		}
	}
	return out
}

// marks are blocks of mainnet and their times.
var marks = []struct {
	height int32
	time   int64
}{{0, 1231006505}, {481_824, 1503539857}, {709_632, 1636866927}, {840_000, 1713571767}}

// birthday is a time before the block that a wallet was looked for from, where that can be told:
// blocks come at least eight minutes apart in the long run. The zero time is: not known.
func birthday(n btc.Network, height int32, oldest time.Time) time.Time {
	if n != btc.Mainnet || height < marks[1].height {
		return time.Time{}
	}
	mark := marks[1]
	for _, m := range marks {
		if m.height <= height {
			mark = m
		}
	}
	at := time.Unix(mark.time, 0).UTC().Add(time.Duration(height-mark.height)*8*time.Minute - 24*time.Hour)
	if !oldest.IsZero() && oldest.Before(at) {
		at = oldest.Add(-24 * time.Hour)
	}
	return at
}

// news finds what the old program says that is not here: a word that it said the last time too
// is none.
func (t *taker) news(w *Wallet, here *wallet.Record, before said) (words, error) {
	out := words{now: said{Labels: map[string]string{}, Height: w.Height, Block: w.lastBlock}}
	ours, frozen, err := t.wordsOf(here)
	if err != nil {
		return out, err
	}
	for _, l := range w.Labels {
		clean, err := wallet.CleanLabelOf(w.Network, wallet.Label{Kind: wallet.LabelAddress, Key: l.Address, Label: l.Text})
		if err != nil || clean.Label == "" {
			out.foreign++
			continue
		}
		if _, twice := out.now.Labels[clean.Key]; twice {
			continue
		}
		out.now.Labels[clean.Key] = clean.Label
		was, told := before.Labels[clean.Key]
		switch {
		case ours[clean.Key] == clean.Label || told && was == clean.Label:
		case ours[clean.Key] == was: // "" where nothing was told
			out.labels = append(out.labels, clean)
		default:
			out.kept++
		}
	}
	for _, op := range w.Frozen {
		if name := op.String(); !slices.Contains(out.now.Frozen, name) {
			out.now.Frozen = append(out.now.Frozen, name)
			if !frozen[op] && !slices.Contains(before.Frozen, name) {
				out.frozen = append(out.frozen, op)
			}
		}
	}
	for _, d := range w.Drafts {
		if !slices.Contains(before.Drafts, d.TxID) {
			out.drafts = append(out.drafts, d)
		} else {
			out.now.Drafts = append(out.now.Drafts, d.TxID)
			out.known = append(out.known, d)
		}
	}
	return out, nil
}

func (t *taker) wordsOf(here *wallet.Record) (labels map[string]string, frozen map[wire.OutPoint]bool, err error) {
	labels, frozen = map[string]string{}, map[wire.OutPoint]bool{}
	if here == nil {
		return labels, frozen, nil
	}
	list, coins, err := t.r.Wallets.Words(t.ctx, here.Ref())
	for _, l := range list {
		if l.Kind == wallet.LabelAddress {
			labels[l.Key] = l.Label
		}
	}
	for _, op := range coins {
		frozen[op] = true
	}
	return labels, frozen, err
}

// fill brings in what was known of a wallet: first the words, so that the history is written with
// them.
func (t *taker) fill(w *Wallet, r *wallet.Record, news words) error {
	known := wallet.Known{Next: w.Next, Ahead: w.Ahead, Used: w.Used, Frozen: news.frozen}
	fresh := r.Tip.Hash == [32]byte{}
	if newest, _ := t.s.span(w); fresh && newest != nil {
		known.Tip = &wallet.TipKnown{Height: newest.Height, Time: newest.Time}
	}
	if err := t.r.Wallets.AdoptKnown(t.ctx, r.Ref(), known); err != nil {
		return err
	}
	if err := t.r.Wallets.PutLabels(t.ctx, r.Ref(), news.labels); err != nil {
		return err
	}
	if !fresh || r.TxCount > 0 && r.TxCount >= w.Txs {
		t.progress(w.Txs)
		return nil
	}
	bad, err := t.s.Txs(w, func(txs []chain.Tx) error {
		if err := t.r.Wallets.AdoptTxs(t.ctx, r.Ref(), txs); err != nil {
			return err
		}
		t.progress(len(txs))
		return t.ctx.Err()
	})
	if bad > 0 {
		t.f.problem(w.file+"_txs_raw", plural(bad, "cached transaction", "cached transactions")+" cannot be read; the node tells of them again")
	}
	if errs.Is(err, errs.Conflict) { // the node told of the wallet meanwhile, and its word is newer
		return nil
	}
	if errs.Is(err, errs.Invalid) {
		t.f.problem(w.file+"_txs.csv", "the table of transactions cannot be read to its end ("+why(err)+"); the node tells of them again")
		return nil
	}
	return err
}

func (t *taker) progress(n int) {
	t.done += n
	if t.o.Progress != nil && n > 0 {
		t.o.Progress(min(t.done, t.total), t.total)
	}
}

// drafts takes the pending payments that are news. One that is in the history has been sent.
func (t *taker) drafts(w *Wallet, r *wallet.Record, news *words) (left []Line, err error) {
	var taken []Draft
	for _, d := range news.drafts {
		_, err := t.r.Wallets.AdoptDraft(t.ctx, r.Ref(), []byte(d.PSBT), d.Made)
		if errs.Is(err, errs.Invalid) || errs.Is(err, errs.Conflict) {
			left = append(left, Line{"draft", t.nameOf(w.User), shown(w.Name) + " " + shown(d.TxID), LeftOut, strings.TrimSuffix(shownText(err.Error()), ".")})
			continue
		}
		if err != nil {
			return left, err
		}
		taken = append(taken, d)
		news.now.Drafts = append(news.now.Drafts, d.TxID)
	}
	news.drafts = taken
	return left, t.signatures(r, news)
}

// signatures brings drafts that are still here what they were signed with in the old program
// since the last time.
func (t *taker) signatures(r *wallet.Record, news *words) error {
	if len(news.known) == 0 {
		return nil
	}
	list, err := t.r.Wallets.Drafts(t.ctx, r.Ref())
	if err != nil {
		return err
	}
	here := map[string]wallet.Draft{}
	for _, d := range list {
		here[d.TxID.String()] = d
	}
	for _, d := range news.known {
		was, is := here[d.TxID]
		if !is {
			continue
		}
		now, err := t.r.Wallets.AdoptDraft(t.ctx, r.Ref(), []byte(d.PSBT), d.Made)
		switch {
		case errs.Is(err, errs.Internal):
			return err
		case err == nil && now.Have > was.Have:
			news.signed++
		}
	}
	return nil
}

// tell writes the wallet's line.
func (t *taker) tell(w *Wallet, here *wallet.Record, news words, made *wallet.Record) {
	var parts []string
	add := func(n int, one, many string) {
		if n > 0 {
			parts = append(parts, plural(n, one, many))
		}
	}
	outcome := Same
	if here == nil {
		outcome = Taken
		add(w.Txs, "transaction", "transactions")
	} else if len(news.labels)+len(news.frozen)+len(news.drafts)+news.signed > 0 {
		outcome = Merged
	}
	add(len(news.labels), "label", "labels")
	add(len(news.frozen), "frozen coin", "frozen coins")
	add(len(news.drafts), "pending payment", "pending payments")
	add(news.signed, "pending payment with more signatures", "pending payments with more signatures")
	if news.kept > 0 {
		parts = append(parts, plural(news.kept, "label differs", "labels differ")+" here and stay")
	}
	if news.foreign > 0 {
		parts = append(parts, plural(news.foreign, "label stands", "labels stand")+" on no address of "+w.Network.String()+" and are left out")
	}
	if made != nil && here == nil && made.Name != w.Name {
		parts = append(parts, "named "+shown(made.Name))
	}
	detail := w.Network.String()
	if len(parts) > 0 {
		detail += ": " + strings.Join(parts, ", ")
	}
	t.line("wallet", w.User, w.Name, outcome, "%s", detail)
}
