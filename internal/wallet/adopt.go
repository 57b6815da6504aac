package wallet

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/btc/txgraph"
	"specter/internal/chain"
	"specter/internal/errs"
)

// What another program kept of a wallet is taken over here: its name inside the node, how far
// addresses were handed out, labels, frozen coins, drafts, and the transactions that it had
// cached, so that pages show them before the node has answered. The first sync after that asks
// the node for everything, whatever was cached.

// AdoptStore takes over what another program knew; package store implements it.
type AdoptStore interface {
	// Adopt stores it in one transaction. Indexes are only raised, coins only frozen.
	Adopt(ctx context.Context, id ID, k Known) error
	// HoldLater notes that a draft holds coins which the wallet has not heard of yet.
	HoldLater(ctx context.Context, id ID, d DraftID, coins []wire.OutPoint) error
}

// Known is what another program knew of a wallet besides its transactions.
type Known struct {
	Next   [2]uint32       // first index not handed out: receive, change
	Ahead  [2]uint32       // how many addresses it listed: receive, change
	Used   []txgraph.Place // addresses that it called used
	Frozen []wire.OutPoint
	Tip    *TipKnown // nil: none
}

// TipKnown is the newest block that another program told of. It counts confirmations until the
// first sync; as its hash is not taken, that sync begins at the beginning.
type TipKnown struct {
	Height int32
	Time   time.Time
}

// maxAdopted bounds the indexes that are taken over: deriving takes time.
const maxAdopted = 100_000

// Adopted is a wallet as another program had it.
type Adopted struct {
	Name       string
	Alias      string // "": made from the name
	NodeName   string // of the watch-only wallet inside the node; "": our own form
	Descriptor string
	Birthday   time.Time // no coin is older; zero: unknown
	Devices    []string  // what the keys' devices are called, in the keys' order; others than there are keys: not looked at
}

// Twin finds the owner's wallet with the same addresses, however it is written.
func (s *Service) Twin(ctx context.Context, o Owner, n btc.Network, text string) (Record, bool, error) {
	d, _, err := parseWallet(n, NewWallet{Descriptor: text})
	if err != nil {
		return Record{}, false, err
	}
	existing, err := s.c.Store.Wallets(ctx, o, n)
	if err != nil {
		return Record{}, false, err
	}
	r, found := s.sameWallet(d, n, existing)
	return r, found, nil
}

func (s *Service) sameWallet(d *descriptor.Descriptor, n btc.Network, existing []Record) (Record, bool) {
	for _, r := range existing {
		if r.Descriptor == d.String() {
			return r, true
		}
	}
	return s.twin(d, n, existing)
}

// Adopt makes a wallet of what another program had. Where name, alias or the name inside the
// node are taken, the next free ones are. errs.Conflict where the owner has the wallet already,
// errs.Invalid where its descriptor cannot be read. No old blocks are asked for: a wallet that
// the node has is used as it is, and one that it has not is looked for from the birthday on.
func (s *Service) Adopt(ctx context.Context, o Owner, n btc.Network, a Adopted) (Record, error) {
	d, _, err := parseWallet(n, NewWallet{Descriptor: a.Descriptor})
	if err != nil {
		return Record{}, err
	}
	all, err := s.c.Store.AllWallets(ctx)
	if err != nil {
		return Record{}, err
	}
	own := slices.DeleteFunc(slices.Clone(all), func(r Record) bool { return r.Owner != o || r.Network != n })
	if twin, found := s.sameWallet(d, n, own); found {
		return Record{}, errs.E(errs.Conflict, "your wallet %q has the same addresses already", twin.Name)
	}
	if _, err := firstOf(d, n); err != nil {
		return Record{}, err
	}
	r := Record{Owner: o, Network: n, Descriptor: d.String(), ScriptType: d.ScriptType(), Threshold: 1,
		Cosigners: cosignersOf(d), Created: s.c.Now(), Birthday: a.Birthday, Used: [2]int64{-1, -1}, Gap: gapLimit}
	if m, _, ok := d.Threshold(); ok {
		r.Threshold = m
	}
	for i := range r.Cosigners {
		if len(a.Devices) == len(r.Cosigners) {
			r.Cosigners[i].Called = clip(tidyLabel(a.Devices[i]), maxName)
		}
	}
	s.christen(&r, a, own, all)
	first, err := firstAddresses(d, n, r.Gap)
	if err != nil {
		return Record{}, err
	}
	if err := s.c.Store.AddWallet(ctx, &r, first); err != nil {
		return Record{}, err
	}
	s.nudge()
	s.tell(r, "wallet")
	return r, nil
}

// christen gives a wallet its names.
func (s *Service) christen(r *Record, a Adopted, own, all []Record) {
	name, err := cleanName(strings.ToValidUTF8(a.Name, "?"))
	if err != nil {
		if name, err = cleanName(clip(tidyLabel(a.Name), maxName-10)); err != nil {
			name = "Wallet"
		}
	}
	r.Name = name
	for i := 2; slices.ContainsFunc(own, func(x Record) bool { return strings.EqualFold(x.Name, r.Name) }); i++ {
		r.Name = fmt.Sprintf("%s %d", clip(name, maxName-10), i)
	}
	alias := a.Alias
	if alias == "" || len(alias) > maxName || !btc.IsAlias(alias) {
		alias = btc.Slug(name)
	}
	r.Alias = free(alias, func(x string) bool { return slices.ContainsFunc(own, func(o Record) bool { return o.Alias == x }) })
	node := a.NodeName
	if node == "" {
		node = "specter" + s.uid() + "/" + r.Alias
	}
	r.NodeName = free(node, func(x string) bool {
		return slices.ContainsFunc(all, func(o Record) bool { return o.Network == r.Network && o.NodeName == x })
	})
}

// AdoptTxs takes transactions that another program had cached. Those that have nothing to do with
// the wallet make no row; what is known here already stays as it is. A caller with many hands
// them over in parts. Never use it after the first sync: the node's word is newer.
func (s *Service) AdoptTxs(ctx context.Context, ref Ref, txs []chain.Tx) error {
	r, w, err := s.ready(ctx, ref)
	if err != nil {
		return err
	}
	if r.Tip.Hash != [32]byte{} {
		return errs.E(errs.Conflict, "the node has told of this wallet already")
	}
	facts := s.facts(txs)
	for len(facts) > 0 {
		n := min(len(facts), chunkSize)
		if err := s.applyChunk(ctx, r, w, chunk{txs: facts[:n]}); err != nil {
			return err
		}
		facts = facts[n:]
	}
	return nil
}

// AdoptKnown takes what another program knew besides transactions. Hand over the tip before the
// transactions, everything else whenever.
func (s *Service) AdoptKnown(ctx context.Context, ref Ref, k Known) error {
	r, w, err := s.ready(ctx, ref)
	if err != nil {
		return err
	}
	adopter, ok := s.c.Store.(AdoptStore)
	if !ok {
		return errs.E(errs.Internal, "this store takes nothing over")
	}
	if !w.desc.IsRanged() {
		k.Next = [2]uint32{}
	}
	if len(w.branches) < 2 {
		k.Next[1] = 0
	}
	used := [2]int64{-1, -1}
	k.Used = slices.DeleteFunc(slices.Clone(k.Used), func(p txgraph.Place) bool {
		return int(p.Branch) >= len(w.branches) || p.Index >= maxAdopted || !w.desc.IsRanged()
	})
	for _, p := range k.Used {
		used[p.Branch] = max(used[p.Branch], int64(p.Index))
	}
	for b := range k.Next {
		if k.Next[b] > maxAdopted {
			return errs.E(errs.Invalid, "the address index %d is beyond what a wallet can have", k.Next[b])
		}
		used[b] = max(used[b], int64(k.Next[b])-1, int64(min(k.Ahead[b], maxAdopted))-int64(r.Gap)-1)
	}
	if err := s.reach(ctx, r.ID, w, used); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := adopter.Adopt(ctx, r.ID, k); err != nil {
		return err
	}
	s.tell(r, "wallet")
	return nil
}

// ask asks the source. Of what was taken over, blocks that the source does not have are taken back:
// the first question finds where the two part, the second asks for everything.
func (s *Service) ask(ctx context.Context, r Record, req chain.Request, src chain.Source) (chain.Update, error) {
	if r.Tip.Hash != [32]byte{} || r.Tip.Height == 0 {
		return src.Sync(ctx, req)
	}
	blocks, err := s.c.Store.KnownBlocks(ctx, r.ID)
	if err != nil {
		return chain.Update{}, err
	}
	since := req
	since.From = blocks
	first, err := src.Sync(ctx, since)
	if err != nil {
		return chain.Update{}, err
	}
	u, err := src.Sync(ctx, req)
	if u.Fork == nil {
		u.Fork = first.Fork
	}
	u.Gone = append(u.Gone, first.Gone...)
	return u, err
}

// Words returns a wallet's labels and frozen coins.
func (s *Service) Words(ctx context.Context, ref Ref) ([]Label, []wire.OutPoint, error) {
	r, _, err := s.find(ctx, ref)
	if err != nil {
		return nil, nil, err
	}
	labels, err := s.c.Store.AllLabels(ctx, r.ID)
	if err != nil {
		return nil, nil, err
	}
	coins, err := s.c.Store.FrozenCoins(ctx, r.ID)
	return labels, coins, err
}

// CleanLabelOf gives a label and what it stands on their one spelling; errs.Invalid where it
// cannot stand on that.
func CleanLabelOf(n btc.Network, l Label) (Label, error) {
	key, err := labelKey(n, l.Kind, strings.TrimSpace(l.Key))
	return Label{Kind: l.Kind, Key: key, Label: tidyLabel(l.Label)}, err
}

// PutLabels stores labels that CleanLabelOf has cleaned, all or none.
func (s *Service) PutLabels(ctx context.Context, ref Ref, labels []Label) error {
	r, w, err := s.find(ctx, ref)
	if err != nil || len(labels) == 0 {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := s.c.Store.PutLabels(ctx, r.ID, labels, nil, nil); err != nil {
		return err
	}
	s.tell(r, "wallet")
	return nil
}

// AdoptDraft makes a draft of a PSBT that another program had pending, made at a time. Its
// signatures are verified and come along. Other than ImportPSBT it also takes one whose coins the
// wallet has not heard of yet, where the PSBT shows that they pay to addresses of the wallet. A
// draft of the same transaction that is here already gets the signatures that it lacks.
func (s *Service) AdoptDraft(ctx context.Context, ref Ref, data []byte, made time.Time) (Draft, error) {
	return s.takeIn(ctx, ref, data, func(r Record, w *openWallet, p *psbt.Packet) (StoredDraft, []wire.OutPoint, error) {
		d, err := s.imported(ctx, r, w, p)
		var later []wire.OutPoint
		if errs.Is(err, errs.Invalid) {
			var e error
			if later, e = s.unheard(ctx, r, p); e == nil && len(later) > 0 {
				d, err = s.adopted(ctx, r, w, p)
			}
		}
		if !made.IsZero() && made.Before(d.Created) {
			d.Created = made
		}
		return d, later, err
	})
}

// keepChange counts the change addresses that a draft pays to as handed out.
func (s *Service) keepChange(ctx context.Context, r Record, w *openWallet, p *psbt.Packet) error {
	tx, err := p.UnsignedTx()
	if err != nil || !w.desc.IsRanged() {
		return err
	}
	scripts := make([][]byte, len(tx.TxOut))
	for i, o := range tx.TxOut {
		scripts[i] = o.PkScript
	}
	ours, err := s.c.Store.AddressesOf(ctx, r.ID, scripts)
	if err != nil {
		return err
	}
	for _, a := range ours {
		if a.Branch != w.change() {
			continue
		}
		if err := s.c.Store.HandOut(ctx, r.ID, a.Branch, a.Index+1); err != nil {
			return err
		}
	}
	return nil
}

// unheard lists the inputs that pay from addresses of the wallet by coins that it does not know;
// none where it knows any of the coins.
func (s *Service) unheard(ctx context.Context, r Record, p *psbt.Packet) ([]wire.OutPoint, error) {
	var ops []wire.OutPoint
	var scripts [][]byte
	for _, in := range p.Analyse().Inputs {
		if in.Coin != nil {
			ops, scripts = append(ops, in.PrevOut), append(scripts, in.Coin.PkScript)
		}
	}
	coins, err := s.c.Store.CoinsAt(ctx, r.ID, ops)
	if err != nil || len(coins) > 0 {
		return nil, err
	}
	ours, err := s.c.Store.AddressesOf(ctx, r.ID, scripts)
	if err != nil {
		return nil, err
	}
	var out []wire.OutPoint
	for i, op := range ops {
		if _, is := ours[string(scripts[i])]; is {
			out = append(out, op)
		}
	}
	return out, nil
}

// adopted is a draft over coins that the wallet has not heard of.
func (s *Service) adopted(ctx context.Context, r Record, w *openWallet, p *psbt.Packet) (StoredDraft, error) {
	tx, err := p.UnsignedTx()
	if err != nil {
		return StoredDraft{}, err
	}
	now := s.c.Now()
	d := StoredDraft{Wallet: r.ID, Created: now, Changed: now, TxID: tx.TxHash(), Change: -1, Import: true}
	if err := s.describeOutputs(ctx, r, w, p, tx); err != nil {
		return d, err
	}
	if err := p.VerifySignatures(); err != nil {
		return d, errs.E(errs.Invalid, "a signature in this PSBT is invalid: %w", err)
	}
	if err := checkFee(&d, p); err != nil {
		return d, err
	}
	return d, settle(&d, p)
}
