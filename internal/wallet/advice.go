package wallet

import (
	"context"
	"crypto/sha256"
	"slices"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/spend"
	"specter/internal/errs"
)

// Advice says which coins are worth joining while blocks are cheap, and what that saves.
type Advice struct {
	FeeRate  btc.FeeRate // that the advice is for
	Later    btc.FeeRate // that later spends are reckoned with
	Coins    []CoinRow   // to join, the smallest first
	Amount   btcutil.Amount
	VSize    btc.VSize      // of the joining transaction
	CostNow  btcutil.Amount // fee of the joining transaction
	LaterOne btcutil.Amount // to spend the one coin that comes of it, at the later feerate
	LaterAll btcutil.Amount // to spend the coins one by one, at the later feerate
	Saves    btcutil.Amount // LaterAll - LaterOne - CostNow; 0 or less: better wait
	Dust     []CoinRow      // free coins that cost more to spend now than they bring: left out
	Remarks  []Remark       // what joining shows
}

// Bounds of the advice: coins below worthJoining times their cost are candidates, and no more
// than fit comfortably into one transaction that a device signs.
const (
	worthJoining = 100
	maxJoined    = 200
)

// Consolidation advises which small coins to join at a feerate; 0: the one that confirms within a
// week. Coins with different labels are not mixed: the label that most small coins have is
// taken, and those without one.
func (s *Service) Consolidation(ctx context.Context, ref Ref, feerate btc.FeeRate) (Advice, error) {
	r, w, err := s.ready(ctx, ref)
	if err != nil {
		return Advice{}, err
	}
	m := s.market(ctx)
	a := Advice{FeeRate: feerate, Later: max(m.usual, btc.SatPerVB(10))}
	if a.FeeRate == 0 {
		if a.FeeRate = m.calm; a.FeeRate == 0 {
			return a, errs.E(errs.Unavailable, "there is no fee estimate now; give a feerate")
		}
	}
	if a.FeeRate < m.floor.MinRelay || a.FeeRate <= 0 || a.FeeRate > spend.DefaultMaxFeeRate {
		return a, errs.E(errs.Invalid, "%w", &spend.FeeRateError{Rate: a.FeeRate, Min: max(m.floor.MinRelay, 1), Max: spend.DefaultMaxFeeRate})
	}
	weight, err := w.branches[0].MaxInputWeight()
	if err != nil {
		return a, err
	}
	if err := s.smallCoins(ctx, r, &a, a.FeeRate.FeeForWeight(weight), weight); err != nil {
		return a, err
	}
	if len(a.Coins) < 2 {
		a.Coins = nil
		return a, nil
	}
	return a, s.reckon(ctx, r, w, &a, weight)
}

// smallCoins picks the coins to join and those that are dust.
func (s *Service) smallCoins(ctx context.Context, r Record, a *Advice, cost btcutil.Amount, weight btc.Weight) error {
	free, err := s.c.Store.Spendable(ctx, r.ID)
	if err != nil {
		return err
	}
	slices.SortFunc(free, func(x, y SpendableCoin) int { return int(min(max(int64(x.Amount-y.Amount), -1), 1)) })
	var ops []wire.OutPoint
	for _, c := range free {
		if c.Height > 0 && c.Amount < worthJoining*a.Later.FeeForWeight(weight) && len(ops) < 5*maxJoined {
			ops = append(ops, c.OutPoint)
		}
	}
	rows, err := s.c.Store.CoinsAt(ctx, r.ID, ops)
	if err != nil {
		return err
	}
	list := make([]CoinRow, len(ops))
	count := map[string]int{}
	for i, op := range ops {
		list[i] = rows[op]
		if c := list[i]; c.Label != "" {
			count[c.Label]++
		}
	}
	most := ""
	for label, n := range count {
		if n > count[most] || n == count[most] && label < most {
			most = label
		}
	}
	s.markCoins(ctx, list)
	for _, c := range list {
		switch {
		case c.Amount <= cost:
			a.Dust = append(a.Dust, c)
		case c.Label != "" && c.Label != most, len(a.Coins) >= maxJoined:
		default:
			a.Coins = append(a.Coins, c)
		}
	}
	return nil
}

// reckon plans the joining transaction and compares the costs.
func (s *Service) reckon(ctx context.Context, r Record, w *openWallet, a *Advice, weight btc.Weight) error {
	to, err := w.branches[w.change()].Derive(changeIndex(r, w))
	if err != nil {
		return err
	}
	own, _ := to.Address(r.Network)
	q := SpendRequest{FeeRate: a.FeeRate, Recipients: []Recipient{{Address: own, Max: true}}}
	for _, c := range a.Coins {
		q.Coins = append(q.Coins, c.OutPoint)
		a.Amount += c.Amount
	}
	plan, err := s.plan(ctx, r, w, q, a.FeeRate)
	if err != nil {
		return err
	}
	a.VSize, a.CostNow = plan.VSize, plan.Fee
	a.LaterOne = a.Later.FeeForWeight(weight)
	a.LaterAll = a.Later.FeeForWeight(weight * btc.Weight(len(a.Coins)))
	a.Saves = a.LaterAll - a.LaterOne - a.CostNow
	a.Remarks = append(a.Remarks, plan.Remarks...)
	a.Remarks = append(a.Remarks, s.traceRemarks(r, w, plan, a.Coins)...)
	return nil
}

// bait is below what a coin on a used address from others looks like bait.
const bait = btcutil.Amount(5_000)

// markCoins says of rows what the last known feerate and their transactions tell: dust, and what
// may be bait. It asks no node.
func (s *Service) markCoins(ctx context.Context, rows []CoinRow) {
	rate := s.lastMarket().usual
	weights := map[ID]btc.Weight{}
	for i := range rows {
		c := &rows[i]
		w, known := weights[c.Wallet]
		if !known {
			w = s.inputWeight(ctx, c.Wallet)
			weights[c.Wallet] = w
		}
		c.Dust = rate > 0 && w > 0 && c.Amount <= rate.FeeForWeight(w)
		if c.Amount < bait && !c.Coinbase && c.Branch == 0 && c.SpentBy == nil {
			c.Suspect = s.suspect(ctx, *c)
		}
	}
}

func (s *Service) inputWeight(ctx context.Context, id ID) btc.Weight {
	r, err := s.c.Store.WalletByID(ctx, id)
	if err != nil {
		return 0
	}
	w := s.openOf(r)
	if w.broken != nil {
		return 0
	}
	weight, err := w.branches[0].MaxInputWeight()
	if err != nil {
		return 0
	}
	return weight
}

// suspect looks at the transaction that brought a small coin from others. Trouble in reading is
// no reason to suspect.
func (s *Service) suspect(ctx context.Context, c CoinRow) Suspect {
	r, err := s.c.Store.WalletByID(ctx, c.Wallet)
	if err != nil {
		return ""
	}
	row, err := s.c.Store.HistoryRow(ctx, r.ID, c.OutPoint.Hash)
	if err != nil || row.Category != Receive {
		return ""
	}
	tx, err := s.stored(ctx, r, c.OutPoint.Hash)
	if err != nil {
		return ""
	}
	if s.poisoned(ctx, r, c, tx) {
		return Poisoned
	}
	if c.Reused {
		return DustAttack
	}
	return ""
}

// poisoned reports whether a transaction also pays, or spends from, an address that looks like one
// the wallet knows: it stands in the history to be copied by mistake.
func (s *Service) poisoned(ctx context.Context, r Record, c CoinRow, tx *wire.MsgTx) bool {
	var addresses []string
	for i, o := range tx.TxOut {
		if a, ok := btc.AddressOf(o.PkScript, r.Network); ok && uint32(i) != c.OutPoint.Index && len(addresses) < maxLooked {
			addresses = append(addresses, a)
		}
	}
	parents := map[chainhash.Hash]*wire.MsgTx{}
	for _, in := range tx.TxIn {
		a, ok := spender(in, r.Network)
		if o := s.prevOut(ctx, r, in.PreviousOutPoint, parents); !ok && o != nil {
			a, ok = btc.AddressOf(o.PkScript, r.Network)
		}
		if ok && len(addresses) < 2*maxLooked {
			addresses = append(addresses, a)
		}
	}
	for _, a := range addresses {
		known, err := s.alike(ctx, r, a)
		if err == nil && slices.ContainsFunc(known, func(k string) bool { return k != a }) {
			return true
		}
	}
	return false
}

// spender is the address that an input spends from, as far as its witness or script tells.
func spender(in *wire.TxIn, n btc.Network) (string, bool) {
	last := []byte(nil)
	if len(in.Witness) > 0 {
		last = in.Witness[len(in.Witness)-1]
	}
	switch script := in.SignatureScript; {
	case len(script) == 23 && script[0] == 22: // nested: the redeemScript is pushed alone
		return btc.AddressOf(slices.Concat([]byte{0xa9, 20}, btc.Hash160(script[1:]), []byte{0x87}), n)
	case len(script) > 34 && script[len(script)-34] == 33 && len(last) == 0:
		return btc.AddressOf(slices.Concat([]byte{0x76, 0xa9, 20}, btc.Hash160(script[len(script)-33:]), []byte{0x88, 0xac}), n)
	case len(script) == 0 && len(in.Witness) == 2 && len(last) == 33:
		return btc.AddressOf(btc.WitnessScript(0, btc.Hash160(last)), n)
	case len(script) == 0 && len(in.Witness) > 2 && len(last) > 33:
		hash := sha256.Sum256(last)
		return btc.AddressOf(btc.WitnessScript(0, hash[:]), n)
	}
	return "", false
}
