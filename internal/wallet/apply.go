package wallet

import (
	"context"
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc"
	"specter/internal/btc/txgraph"
	"specter/internal/chain"
)

// chunkSize is how many transactions are applied in one transaction of the store: enough to be
// fast, few enough that memory and the time during which nobody else writes stay bounded.
const chunkSize = 500

// apply takes an update into facts and rows. The tip is saved with the last chunk, so that an
// update that was cut off is asked for again; applying it again changes nothing.
func (s *Service) apply(ctx context.Context, r Record, w *openWallet, u chain.Update) error {
	if err := s.reach(ctx, r.ID, w, usedOf(u)); err != nil {
		return err
	}
	c := chunk{gone: u.Gone, tip: &u.Tip}
	if u.Fork != nil {
		c.fork = &u.Fork.Height
	}
	return s.applyFacts(ctx, r, w, s.facts(u.Txs), c)
}

// applyFacts applies facts in chunks; c says what else happened, which is for the first of them,
// and the tip, which is for the last.
func (s *Service) applyFacts(ctx context.Context, r Record, w *openWallet, facts []txgraph.Tx, c chunk) error {
	tip := c.tip
	for {
		n := min(len(facts), chunkSize)
		c.txs, c.tip = facts[:n], tip
		if n < len(facts) {
			c.tip = nil
		}
		if err := s.applyChunk(ctx, r, w, c); err != nil {
			return err
		}
		if facts = facts[n:]; len(facts) == 0 {
			return nil
		}
		c = chunk{}
	}
}

// chunk is a part of an update.
type chunk struct {
	txs     []txgraph.Tx
	gone    []chainhash.Hash
	recheck []chainhash.Hash
	fork    *int32
	tip     *chain.Block
	fresh   bool // all that is stored is forgotten first
}

// usedOf reads the highest used index of each branch; -1: none.
func usedOf(u chain.Update) [2]int64 {
	used := [2]int64{-1, -1}
	for i := range used {
		if n, ok := u.Used[fmt.Sprint(i)]; ok {
			used[i] = int64(n)
		}
	}
	return used
}

// facts turns told transactions into facts. Of an unconfirmed one that the source has not dated
// we saw the beginning ourselves.
func (s *Service) facts(txs []chain.Tx) []txgraph.Tx {
	now := s.c.Now().Unix()
	out := make([]txgraph.Tx, 0, len(txs))
	for _, t := range txs {
		if t.Tx == nil {
			continue
		}
		f := txgraph.Tx{ID: t.Tx.TxHash(), Tx: t.Tx}
		switch {
		case !t.Seen.IsZero():
			f.Head.Seen = t.Seen.Unix()
		case t.Block == nil:
			f.Head.Seen = now
		}
		if b := t.Block; b != nil {
			f.Head.Block = &txgraph.Block{Height: b.Height, Hash: b.Hash, Time: b.Time.Unix()}
		}
		out = append(out, f)
	}
	return out
}

// applyChunk applies a part of an update, and again where it used addresses close to the end of
// those that are derived: beyond them there may be more of ours.
func (s *Service) applyChunk(ctx context.Context, r Record, w *openWallet, c chunk) error {
	for {
		used, lost, err := s.change(ctx, r, w, c)
		if err != nil {
			return err
		}
		if c.fresh {
			lost, c.fresh = nil, false // not news
		}
		for _, id := range lost {
			s.bus.send(Event{Owner: r.Owner, Network: r.Network, Alias: r.Alias, Kind: "dropped", TxID: id.String()})
		}
		more, err := s.extend(ctx, r.ID, w, used)
		if err != nil || !more {
			return err
		}
		if c.recheck, err = s.c.Store.Unrelated(ctx, r.ID); err != nil {
			return err
		}
		for _, t := range c.txs {
			c.recheck = append(c.recheck, t.ID)
		}
	}
}

// change runs txgraph under the wallet's lock and saves what it says. lost are transactions that
// have just left the mempool.
func (s *Service) change(ctx context.Context, r Record, w *openWallet, c chunk) (used [2]int64, lost []chainhash.Hash, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	address := func(script []byte) (string, bool) { return btc.AddressOf(script, r.Network) }
	save := s.c.Store.Change
	if c.fresh {
		save = s.c.Store.Rebuild
	}
	err = save(ctx, r.ID, func(v View) (*ChangeSet, error) {
		u := txgraph.Update{Tip: v.Tip(), Fork: c.fork, Txs: c.txs, Gone: c.gone, Recheck: c.recheck}
		if c.tip != nil {
			u.Tip = c.tip.Height
		}
		changes, err := txgraph.Apply(v, u, address)
		if err != nil {
			return nil, err
		}
		set := &ChangeSet{Changes: changes, Tip: c.tip, Fork: c.fork, Used: [2]int64{-1, -1}}
		for p := range changes.Uses {
			if p.Branch < 2 {
				set.Used[p.Branch] = max(set.Used[p.Branch], int64(p.Index))
			}
		}
		used, lost = set.Used, nil
		for _, row := range changes.Rows {
			if row.State == txgraph.Dropped && (slices.Contains(c.gone, row.ID) || c.fork != nil) {
				lost = append(lost, row.ID)
			}
		}
		if !w.desc.IsRanged() {
			set.Used = [2]int64{-1, -1} // one address: nothing is handed out
		}
		set.Labels, err = labels(v, changes.Rows)
		return set, err
	})
	return used, lost, err
}

// labels names rows by the user's labels.
func labels(v View, rows []txgraph.Row) (map[chainhash.Hash]string, error) {
	ids := make([]string, len(rows))
	var addresses []string
	for i, r := range rows {
		ids[i] = r.ID.String()
		addresses = append(addresses, r.Addresses...)
	}
	byTx, err := v.Labels(LabelTx, ids)
	if err != nil {
		return nil, err
	}
	byAddress, err := v.Labels(LabelAddress, addresses)
	if err != nil {
		return nil, err
	}
	out := map[chainhash.Hash]string{}
	if len(byTx)+len(byAddress) == 0 {
		return out, nil
	}
	for i, r := range rows {
		names := make([]string, len(r.Addresses))
		for j, a := range r.Addresses {
			names[j] = byAddress[a]
		}
		if name := RowLabel(byTx[ids[i]], names); name != "" {
			out[r.ID] = name
		}
	}
	return out, nil
}

// reach derives addresses so far that used ones have the gap ahead.
func (s *Service) reach(ctx context.Context, id ID, w *openWallet, used [2]int64) error {
	_, err := s.extend(ctx, id, w, used)
	return err
}

// extend derives the addresses that are missing up to the gap beyond the used and handed-out
// ones; more tells that there were any.
func (s *Service) extend(ctx context.Context, id ID, w *openWallet, used [2]int64) (more bool, err error) {
	if !w.desc.IsRanged() {
		return false, nil
	}
	r, err := s.c.Store.WalletByID(ctx, id)
	if err != nil {
		return false, err
	}
	for b := range w.branches {
		have, err := s.c.Store.Derived(ctx, id, uint32(b))
		if err != nil {
			return false, err
		}
		end := int64(r.Next[b])
		end = max(end, r.Used[b]+1, used[b]+1) + int64(r.Gap)
		if end > int64(btc.Hardened) {
			end = int64(btc.Hardened)
		}
		for int64(have) < end { // in parts, so that no transaction is long
			to := uint32(min(end, int64(have)+chunkSize))
			rows, err := w.deriveRange(r.Network, uint32(b), have, to)
			if err != nil {
				return false, err
			}
			if err := s.c.Store.AddAddresses(ctx, id, rows); err != nil {
				return false, err
			}
			have, more = to, true
		}
	}
	return more, nil
}
