package v1

import (
	"slices"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/wallet"
)

// coinView is an output of ours.
type coinView struct {
	Wallet        string  `json:"wallet"`
	Outpoint      string  `json:"outpoint"`
	AmountSat     int64   `json:"amount_sat"`
	Address       string  `json:"address"`
	Label         string  `json:"label"`
	Branch        uint32  `json:"branch"`
	Index         uint32  `json:"index"`
	Height        *int32  `json:"height"`
	Confirmations int32   `json:"confirmations"`
	Time          moment  `json:"time"`
	Coinbase      bool    `json:"coinbase"`
	Immature      bool    `json:"immature"`
	SpentBy       *string `json:"spent_by"`
	Frozen        bool    `json:"frozen"`
	ReservedBy    *int64  `json:"reserved_by"`
	Reused        bool    `json:"reused"`
	Dust          bool    `json:"dust"`
	Suspect       *string `json:"suspect"`
}

// coinPage is a page of coins.
type coinPage struct {
	Items     []coinView `json:"items"`
	AmountSat int64      `json:"amount_sat"`
	paging
}

// freezeInput freezes coins or frees them.
type freezeInput struct {
	Outpoints []string `json:"outpoints" need:"yes"`
	Frozen    bool     `json:"frozen" need:"yes"`
}

func coinOf(r wallet.CoinRow) coinView {
	return coinView{Wallet: r.WalletAlias, Outpoint: r.OutPoint.String(), AmountSat: int64(r.Amount), Address: r.Address, Label: r.Label,
		Branch: r.Branch, Index: r.Index, Height: maybe(r.Height), Confirmations: r.Confirmations, Time: moment(r.Time), Coinbase: r.Coinbase,
		Immature: r.Immature, SpentBy: hash(r.SpentBy), Frozen: r.Frozen, ReservedBy: maybe(int64(r.ReservedBy)),
		Reused: r.Reused, Dust: r.Dust, Suspect: maybe(string(r.Suspect))}
}

var (
	coinFilters = []string{"all", "unspent", "free", "frozen", "reserved", "spent"}
	coinSorts   = []string{"time", "amount", "address", "label"}
)

// coins pages through one wallet's coins, or all wallets'. Without a filter, those that are
// still there to spend: that is what people mean by coins.
func (c *call) coins(load func(q wallet.Query) (wallet.CoinPage, error)) (any, error) {
	l, err := c.list()
	if err != nil {
		return nil, err
	}
	q, err := c.rowsQuery(coinFilters, coinSorts)
	if err != nil {
		return nil, err
	}
	switch q.Filter {
	case "":
		q.Filter = "unspent"
	case "all":
		q.Filter = ""
	}
	var sum btcutil.Amount
	rows, p, err := pageOf(l, func(page, size int) ([]wallet.CoinRow, int, error) {
		h, err := load(pageQuery(q, page, size))
		sum = h.Amount
		return h.Rows, h.Total, err
	}, func(r wallet.CoinRow) string { return r.WalletAlias + " " + r.OutPoint.String() })
	return coinPage{mapped(rows, coinOf), int64(sum), p}, err
}

func getCoins(c *call) (any, error) {
	return c.coins(func(q wallet.Query) (wallet.CoinPage, error) { return c.s.c.Wallets.Coins(c.ctx(), c.ref(), q) })
}

func getCoinsAll(c *call) (any, error) {
	return c.coins(func(q wallet.Query) (wallet.CoinPage, error) {
		return c.s.c.Wallets.CoinsAll(c.ctx(), c.owner(), c.network, q)
	})
}

func postFreeze(c *call) (any, error) {
	var in freezeInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	ops, err := outpoints("outpoints", in.Outpoints)
	if err != nil {
		return nil, err
	}
	if len(ops) == 0 {
		return nil, invalid("outpoints", "name at least one coin")
	}
	return c.again(c.s.c.Wallets.Freeze(c.ctx(), c.ref(), ops, in.Frozen))
}

// maxOutpoints bounds the coins of one request.
const maxOutpoints = 5_000

// outpoints reads coins written txid:vout.
func outpoints(name string, list []string) ([]wire.OutPoint, error) {
	if len(list) > maxOutpoints {
		return nil, invalid(name, "at most %d coins at once", maxOutpoints)
	}
	var out []wire.OutPoint
	for _, text := range list {
		op, err := wire.NewOutPointFromString(text)
		if err != nil || len(text) < 66 || text[64] != ':' {
			return nil, invalid(name, "%q names no coin; a coin is written txid:vout", limit(text, 80))
		}
		if slices.Contains(out, *op) {
			return nil, invalid(name, "%q is there twice", limit(text, 80))
		}
		out = append(out, *op)
	}
	return out, nil
}

// oneOf refuses a parameter that is none of the words; "" is fine.
func oneOf(name, value string, words []string) error {
	if value == "" || slices.Contains(words, value) {
		return nil
	}
	return invalid(name, "%s is one of %s", name, strings.Join(words, ", "))
}
