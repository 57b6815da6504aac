package v1

import (
	"encoding/hex"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc"
	"specter/internal/wallet"
)

// historyView is one transaction of one wallet.
type historyView struct {
	Wallet        string  `json:"wallet"`
	TxID          string  `json:"txid"`
	Category      string  `json:"category"`
	State         string  `json:"state"`
	AmountSat     int64   `json:"amount_sat"`
	FeeSat        *int64  `json:"fee_sat"`
	VSize         int64   `json:"vsize"`
	Height        *int32  `json:"height"`
	BlockHash     *string `json:"block_hash"`
	Confirmations int32   `json:"confirmations"`
	Time          moment  `json:"time"`
	Label         string  `json:"label"`
	Address       string  `json:"address"`
	Replaceable   bool    `json:"replaceable"`
	ReplacedBy    *string `json:"replaced_by"`
	Abandoned     bool    `json:"abandoned"`
	Trouble       *string `json:"trouble"`
}

// historyPage is a page of history.
type historyPage struct {
	Items []historyView `json:"items"`
	paging
}

// txInputView is an input of a transaction.
type txInputView struct {
	Outpoint  string `json:"outpoint"`
	AmountSat *int64 `json:"amount_sat"`
	Address   string `json:"address"`
	Label     string `json:"label"`
	Mine      bool   `json:"mine"`
	Sequence  uint32 `json:"sequence"`
}

// txOutputView is an output of a transaction.
type txOutputView struct {
	Vout      int     `json:"vout"`
	AmountSat int64   `json:"amount_sat"`
	Address   string  `json:"address"`
	Script    string  `json:"script"`
	Label     string  `json:"label"`
	Mine      bool    `json:"mine"`
	Change    bool    `json:"change"`
	SpentBy   *string `json:"spent_by"`
}

// transactionView is all that is known of a transaction.
type transactionView struct {
	historyView
	FeeRate *int64         `json:"feerate_sat_kvb"`
	Raw     string         `json:"raw"`
	Inputs  []txInputView  `json:"inputs"`
	Outputs []txOutputView `json:"outputs"`
}

func hash(h *chainhash.Hash) *string {
	if h == nil {
		return nil
	}
	return maybe(h.String())
}

func sats(a *btcutil.Amount) *int64 {
	if a == nil {
		return nil
	}
	n := int64(*a)
	return &n
}

// known is null for -1, which stands for an amount that is not known.
func known(a btcutil.Amount) *int64 {
	if a < 0 {
		return nil
	}
	return sats(&a)
}

func historyOf(r wallet.HistoryRow) historyView {
	v := historyView{Wallet: r.WalletAlias, TxID: r.TxID.String(), Category: string(r.Category), State: string(r.State),
		AmountSat: int64(r.Amount), FeeSat: sats(r.Fee), VSize: int64(r.VSize), Height: maybe(r.Height), Confirmations: r.Confirmations,
		Time: moment(r.Time), Label: r.Label, Address: r.Address, Replaceable: r.Replaceable, ReplacedBy: hash(r.ReplacedBy), Abandoned: r.Abandoned, Trouble: maybe(r.Trouble)}
	if r.BlockHash != (chainhash.Hash{}) {
		v.BlockHash = hash(&r.BlockHash)
	}
	return v
}

func output(i int, o wallet.TxOutput) txOutputView {
	return txOutputView{Vout: i, AmountSat: int64(o.Amount), Address: o.Address, Script: hex.EncodeToString(o.Script), Label: o.Label,
		Mine: o.Mine, Change: o.Change, SpentBy: hash(o.SpentBy)}
}

func outputsOf(in []wallet.TxOutput) []txOutputView {
	out := make([]txOutputView, len(in))
	for i, o := range in {
		out[i] = output(i, o)
	}
	return out
}

// maxSearch bounds a search, in bytes, as the lists of the wallet room do.
const maxSearch = 200

// rowsQuery reads what a list of rows is narrowed and sorted by.
func (c *call) rowsQuery(filters, sorts []string) (wallet.Query, error) {
	q := wallet.Query{Search: c.params.Get("search"), Sort: c.params.Get("sort"), Filter: c.params.Get("filter")}
	if len(q.Search) > maxSearch {
		return q, invalid("search", "a search has at most %d characters", maxSearch)
	}
	if err := oneOf("filter", q.Filter, filters); err != nil {
		return q, err
	}
	if err := oneOf("sort", q.Sort, sorts); err != nil {
		return q, err
	}
	var err error
	q.Desc, err = c.flag("desc")
	return q, err
}

// pageQuery is a query for one page.
func pageQuery(q wallet.Query, page, size int) wallet.Query {
	q.Page, q.Size = page, size
	return q
}

var (
	historyFilters = []string{"receive", "send", "unconfirmed", "broken"}
	historySorts   = []string{"time", "amount", "category", "label"}
)

// history pages through one wallet's rows, or all wallets'.
func (c *call) history(load func(q wallet.Query) (wallet.HistoryPage, error)) (any, error) {
	l, err := c.list()
	if err != nil {
		return nil, err
	}
	q, err := c.rowsQuery(historyFilters, historySorts)
	if err != nil {
		return nil, err
	}
	rows, p, err := pageOf(l, func(page, size int) ([]wallet.HistoryRow, int, error) {
		h, err := load(pageQuery(q, page, size))
		return h.Rows, h.Total, err
	}, func(r wallet.HistoryRow) string { return r.WalletAlias + " " + r.TxID.String() })
	return historyPage{mapped(rows, historyOf), p}, err
}

func getHistory(c *call) (any, error) {
	return c.history(func(q wallet.Query) (wallet.HistoryPage, error) { return c.s.c.Wallets.History(c.ctx(), c.ref(), q) })
}

func getHistoryAll(c *call) (any, error) {
	return c.history(func(q wallet.Query) (wallet.HistoryPage, error) {
		return c.s.c.Wallets.HistoryAll(c.ctx(), c.owner(), c.network, q)
	})
}

// txid reads the transaction of the path.
func (c *call) txid() (chainhash.Hash, error) {
	text := c.PathValue("txid")
	if len(text) == 2*chainhash.HashSize {
		if h, err := chainhash.NewHashFromStr(text); err == nil {
			return *h, nil
		}
	}
	return chainhash.Hash{}, notFound("there is no such transaction; a txid has 64 hex digits")
}

func getTransaction(c *call) (any, error) {
	id, err := c.txid()
	if err != nil {
		return nil, err
	}
	return c.transaction(id)
}

func (c *call) transaction(id chainhash.Hash) (any, error) {
	d, err := c.s.c.Wallets.Transaction(c.ctx(), c.ref(), id)
	if err != nil {
		return nil, err
	}
	v := transactionView{historyView: historyOf(d.HistoryRow), FeeRate: rate(d.FeeRate), Raw: hex.EncodeToString(d.Raw),
		Inputs: mapped(d.Inputs, txInput), Outputs: outputsOf(d.Outputs)}
	return v, nil
}

func rate(f btc.FeeRate) *int64 { return maybe(int64(f)) }

func txInput(in wallet.TxInput) txInputView {
	return txInputView{Outpoint: in.OutPoint.String(), AmountSat: known(in.Amount), Address: in.Address, Label: in.Label,
		Mine: in.Mine, Sequence: in.Sequence}
}

// postRepair fetches an unreadable transaction again from the node.
func postRepair(c *call) (any, error) {
	id, err := c.txid()
	if err != nil {
		return nil, err
	}
	if err := c.s.c.Wallets.Repair(c.ctx(), c.ref(), id); err != nil {
		return nil, err
	}
	return c.transaction(id)
}
