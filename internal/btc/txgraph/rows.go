package txgraph

import (
	"slices"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
)

// ledger is what rows needs to know of coins and scripts, fetched in one go.
type ledger struct {
	places           map[string]Place
	before           map[wire.OutPoint]Coin // as stored
	now              map[wire.OutPoint]Coin // of members, as computed
	frozen, reserved map[wire.OutPoint]bool
}

// coin finds a coin of ours: of a member, else as stored.
func (l *ledger) coin(op wire.OutPoint) (Coin, bool) {
	if c, ok := l.now[op]; ok {
		return c, true
	}
	c, ok := l.before[op]
	return c, ok
}

// rows turns the resolved graph into changes.
func (g *graph) rows(tip int32, address func([]byte) (string, bool)) (*Changes, error) {
	members := g.members()
	l, err := g.ledger(members)
	if err != nil {
		return nil, err
	}
	c := &Changes{Uses: map[Place]Use{}}
	for _, n := range members {
		if n.tx != nil {
			g.outputsOf(n, l)
		}
		if n.changed && (n.tx != nil || !n.fresh) {
			c.Txs = append(c.Txs, Tx{ID: n.id, Tx: n.tx, Head: n.head})
		}
		if n.fresh {
			c.New++
		}
	}
	for _, n := range members {
		g.inputsOf(n, l)
		row, related := g.row(n, l, address)
		if related {
			c.Rows = append(c.Rows, row)
		} else {
			c.Unrelated = append(c.Unrelated, n.id)
		}
	}
	g.settle(c, l, tip)
	return c, g.ripen(c, l, tip)
}

// ledger loads scripts and coins around the members.
func (g *graph) ledger(members []*node) (*ledger, error) {
	var scripts [][]byte
	var ops []wire.OutPoint
	seen := map[string]bool{}
	for _, n := range members {
		ops = append(ops, inputs(n)...)
		if n.tx == nil {
			continue
		}
		for i, out := range n.tx.TxOut {
			ops = append(ops, wire.OutPoint{Hash: n.id, Index: uint32(i)})
			if key := string(out.PkScript); !seen[key] {
				seen[key] = true
				scripts = append(scripts, out.PkScript)
			}
		}
	}
	l := &ledger{now: map[wire.OutPoint]Coin{}}
	var err error
	if l.places, err = g.book.Places(scripts); err != nil {
		return nil, err
	}
	if l.before, err = g.book.Coins(ops); err != nil {
		return nil, err
	}
	l.frozen, l.reserved, err = g.book.Flags(ops)
	return l, err
}

// outputsOf computes the coins that a member makes.
func (g *graph) outputsOf(n *node, l *ledger) {
	for i, out := range n.tx.TxOut {
		place, ours := l.places[string(out.PkScript)]
		if !ours || out.Value < 0 {
			continue
		}
		op := wire.OutPoint{Hash: n.id, Index: uint32(i)}
		c := Coin{OutPoint: op, Amount: btcutil.Amount(out.Value), Script: out.PkScript, Place: place,
			Live: n.living == alive, Time: when(n), Coinbase: isCoinbase(n.tx),
			SpentBy: g.spender(op), Frozen: l.frozen[op], Reserved: l.reserved[op]}
		if n.confirmed() {
			c.Height = n.head.Block.Height
		}
		l.now[op] = c
	}
}

// inputsOf notes who spends the stored coins that a member claims.
func (g *graph) inputsOf(n *node, l *ledger) {
	for _, op := range inputs(n) {
		c, known := l.before[op]
		if _, computed := l.now[op]; known && !computed {
			c.SpentBy = g.spender(op)
			l.now[op] = c
		}
	}
}

// settle writes down the coins that differ, and what they change in balance and addresses.
func (g *graph) settle(c *Changes, l *ledger, tip int32) {
	old := g.book.Tip()
	for op, coin := range l.now {
		was, existed := l.before[op]
		if existed && same(was, coin) {
			continue
		}
		c.Coins = append(c.Coins, coin)
		use := c.Uses[coin.Place]
		if was.UTXO() {
			use.Coins, use.Amount = use.Coins-1, use.Amount-was.Amount
		}
		if coin.UTXO() {
			use.Coins, use.Amount = use.Coins+1, use.Amount+coin.Amount
		}
		c.Uses[coin.Place] = use
		c.Balance = c.Balance.Plus(coin.Balance(tip)).Minus(was.Balance(old))
	}
	slices.SortFunc(c.Coins, func(a, b Coin) int { return compare(a.OutPoint, b.OutPoint) })
}

// ripen counts coinbase outputs again that the new tip makes mature (or, after a reorg,
// immature) and that nothing else changed.
func (g *graph) ripen(c *Changes, l *ledger, tip int32) error {
	old := g.book.Tip()
	if tip == old {
		return nil
	}
	young, err := g.book.Young(min(old, tip) - Maturity)
	if err != nil {
		return err
	}
	for _, coin := range young {
		if now, computed := l.now[coin.OutPoint]; computed && !same(now, coin) {
			continue // settle has counted it under the new tip
		}
		c.Balance = c.Balance.Plus(coin.Balance(tip)).Minus(coin.Balance(old))
	}
	return nil
}

func same(a, b Coin) bool {
	if (a.SpentBy == nil) != (b.SpentBy == nil) || a.SpentBy != nil && *a.SpentBy != *b.SpentBy {
		return false
	}
	return a.Live == b.Live && a.Height == b.Height && a.Time == b.Time && a.Place == b.Place &&
		a.Amount == b.Amount && a.Frozen == b.Frozen && a.Reserved == b.Reserved
}

func compare(a, b wire.OutPoint) int {
	if d := slices.Compare(a.Hash[:], b.Hash[:]); d != 0 {
		return d
	}
	return int(int64(a.Index) - int64(b.Index))
}

// when is the time that a person is told: the block's, else the first sighting.
func when(n *node) int64 {
	if n.confirmed() {
		return n.head.Block.Time
	}
	return n.head.Seen
}

// row computes what a member means to the wallet; related is false when it means nothing.
func (g *graph) row(n *node, l *ledger, address func([]byte) (string, bool)) (row Row, related bool) {
	row = Row{ID: n.id, State: n.state, Block: n.head.Block, Time: when(n)}
	if n.tx == nil {
		row.State = Broken
		return row, true
	}
	var in, out, all btcutil.Amount
	mine := 0
	for _, op := range inputs(n) {
		if c, ok := l.coin(op); ok {
			mine++
			in += c.Amount
		}
	}
	ours := 0
	for i, o := range n.tx.TxOut {
		all += btcutil.Amount(o.Value)
		if c, ok := l.now[wire.OutPoint{Hash: n.id, Index: uint32(i)}]; ok {
			ours++
			out += c.Amount
		}
	}
	if mine+ours == 0 {
		return row, false
	}
	row.Amount = out - in
	row.Category = category(n.tx, mine, ours)
	if mine == len(n.tx.TxIn) && in >= all {
		fee := in - all
		row.Fee = &fee
	}
	row.VSize = btc.Weight(n.tx.SerializeSizeStripped()*3 + n.tx.SerializeSize()).VSize()
	row.Replaceable = n.state == Pending && n.living == alive && signals(n.tx)
	row.ReplacedBy = n.rival
	row.Addresses = addresses(n, l, row.Category, address)
	if len(row.Addresses) > 0 {
		row.Address = row.Addresses[0]
	}
	return row, true
}

func category(tx *wire.MsgTx, mine, ours int) Category {
	switch {
	case isCoinbase(tx):
		return Generate
	case mine == 0:
		return Receive
	case mine < len(tx.TxIn):
		return Mixed
	case ours == len(tx.TxOut):
		return SelfTransfer
	}
	return Send
}

// signals reports whether a transaction says that it may be replaced (BIP125).
func signals(tx *wire.MsgTx) bool {
	return slices.ContainsFunc(tx.TxIn, func(in *wire.TxIn) bool { return in.Sequence < wire.MaxTxInSequenceNum-1 })
}

// addresses lists those that matter: the recipients when money went out, else ours, receive
// addresses before change. Every address stands once.
func addresses(n *node, l *ledger, cat Category, address func([]byte) (string, bool)) []string {
	var first, second []string
	add := func(list []string, script []byte) []string {
		addr, ok := address(script)
		if !ok || len(list) >= maxAddresses || slices.Contains(list, addr) {
			return list
		}
		return append(list, addr)
	}
	for i, o := range n.tx.TxOut {
		c, ours := l.now[wire.OutPoint{Hash: n.id, Index: uint32(i)}]
		switch {
		case cat == Send && !ours, cat != Send && ours && c.Place.Branch == 0:
			first = add(first, o.PkScript)
		case cat != Send && ours:
			second = add(second, o.PkScript)
		}
	}
	for _, a := range second {
		if len(first) < maxAddresses && !slices.Contains(first, a) {
			first = append(first, a)
		}
	}
	return first
}
