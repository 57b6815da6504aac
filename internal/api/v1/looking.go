package v1

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/wallet"
)

// walletLooking is what the API asks about a wallet's past, its addresses and its small coins.
type walletLooking interface {
	BalanceSeries(ctx context.Context, ref wallet.Ref, points int) ([]wallet.BalancePoint, error)
	BalanceSeriesAll(ctx context.Context, o wallet.Owner, n btc.Network, points int) ([]wallet.BalancePoint, error)
	Statement(ctx context.Context, ref wallet.Ref, from, to time.Time) (wallet.File, error)
	StatementAll(ctx context.Context, o wallet.Owner, n btc.Network, from, to time.Time) (wallet.File, error)
	Consolidation(ctx context.Context, ref wallet.Ref, feerate btc.FeeRate) (wallet.Advice, error)
	DescribeAddress(ctx context.Context, ref wallet.Ref, address string) (wallet.AddressWords, error)
	Proofs(ctx context.Context, ref wallet.Ref, ids []chainhash.Hash) (map[chainhash.Hash]wallet.Proof, error)
	Headers(n btc.Network) wallet.HeaderState
}

// lookingRoutes: balances over time, statements, advice, and what is behind an address or a proof.
func lookingRoutes() []Route {
	const one = "/wallets/{alias}"
	days := []string{"from", "to"}
	return []Route{
		{"GET", one + "/balance-history", auth.Read, AnyUser, OneWallet, "readBalanceHistory", getBalanceHistory, options{out: balanceHistoryView{}, query: []string{"points"}}},
		{"GET", "/balance-history", auth.Read, AnyUser, Whole, "readAllBalanceHistory", getBalanceHistory, options{out: balanceHistoryView{}, query: []string{"points"}}},
		{"GET", one + "/statement.pdf", auth.Read, AnyUser, OneWallet, "readStatement", getStatement, options{file: "application/pdf", query: days, slow: true}},
		{"GET", "/statement.pdf", auth.Read, AnyUser, Whole, "readFullStatement", getStatement, options{file: "application/pdf", query: days, slow: true}},
		{"GET", one + "/consolidation", auth.Read, AnyUser, OneWallet, "readConsolidation", getConsolidation, options{out: adviceView{}, query: []string{"feerate_sat_kvb"}, slow: true}},
		{"GET", one + "/addresses/{address}/details", auth.Read, AnyUser, OneWallet, "describeAddress", getAddressDetails, options{out: addressDetailsView{}}},
		{"GET", "/headers", auth.Read, AnyUser, Filtered, "readHeaders", getHeaders, options{out: headersView{}}},
		{"GET", one + "/transactions/{txid}/proof", auth.Read, AnyUser, OneWallet, "readProof", getProof, options{out: proofView{}}},
	}
}

// balancePointView is a balance at the end of a day.
type balancePointView struct {
	Time       moment `json:"time"`
	BalanceSat int64  `json:"balance_sat"`
}

// balanceHistoryView is a balance over time.
type balanceHistoryView struct {
	Points []balancePointView `json:"points"`
}

// usualPoints is how many points a balance over time has where nobody says.
const usualPoints = 365

func getBalanceHistory(c *call) (any, error) {
	points := int64(usualPoints)
	if c.params.Get("points") != "" {
		var err error
		if points, err = strconv.ParseInt(c.params.Get("points"), 10, 64); err != nil {
			return nil, invalid("points", "points is a whole number")
		}
	}
	if points < 1 || points > 5_000 {
		return nil, invalid("points", "ask for 1 to 5000 points")
	}
	var list []wallet.BalancePoint
	var err error
	if c.wallet.Alias != "" {
		list, err = c.s.c.Wallets.BalanceSeries(c.ctx(), c.ref(), int(points))
	} else {
		list, err = c.s.c.Wallets.BalanceSeriesAll(c.ctx(), c.owner(), c.network, int(points))
	}
	return balanceHistoryView{mapped(list, func(p wallet.BalancePoint) balancePointView {
		return balancePointView{moment(p.Time), int64(p.Balance)}
	})}, err
}

// day reads a day of the query; it begins at midnight UTC.
func (c *call) day(name string) (time.Time, error) {
	at, err := time.Parse("2006-01-02", c.params.Get(name))
	if err != nil || at.Year() < 2009 || at.Year() > 2200 {
		return at, invalid(name, "%s is a day such as 2026-11-21", name)
	}
	return at, nil
}

// getStatement prints what was confirmed on the days from the first to the last.
func getStatement(c *call) (any, error) {
	from, err := c.day("from")
	if err != nil {
		return nil, err
	}
	to, err := c.day("to")
	if err != nil {
		return nil, err
	}
	to = to.AddDate(0, 0, 1)
	if c.wallet.Alias != "" {
		return fileOr(c.s.c.Wallets.Statement(c.ctx(), c.ref(), from, to))
	}
	return fileOr(c.s.c.Wallets.StatementAll(c.ctx(), c.owner(), c.network, from, to))
}

func fileOr(f wallet.File, err error) (any, error) { return f, err }

// adviceView says which small coins are worth joining.
type adviceView struct {
	FeeRate    int64      `json:"feerate_sat_kvb"`
	LaterRate  int64      `json:"later_feerate_sat_kvb"`
	Coins      []coinView `json:"coins"`
	AmountSat  int64      `json:"amount_sat"`
	VSize      int64      `json:"vsize"`
	FeeSat     int64      `json:"fee_sat"`
	LaterOne   int64      `json:"later_joined_sat"`
	LaterAll   int64      `json:"later_apart_sat"`
	SavesSat   int64      `json:"saves_sat"`
	Dust       []coinView `json:"dust"`
	Warnings   []string   `json:"warnings"`
	Worthwhile bool       `json:"worthwhile"`
}

func getConsolidation(c *call) (any, error) {
	rate := int64(0)
	if c.params.Get("feerate_sat_kvb") != "" {
		var err error
		if rate, err = strconv.ParseInt(c.params.Get("feerate_sat_kvb"), 10, 64); err != nil || rate < 1 {
			return nil, invalid("feerate_sat_kvb", "a feerate is a whole number above zero")
		}
	}
	a, err := c.s.c.Wallets.Consolidation(c.ctx(), c.ref(), btc.FeeRate(rate))
	warnings := []string{}
	for _, r := range a.Remarks {
		warnings = append(warnings, r.String())
	}
	return adviceView{FeeRate: int64(a.FeeRate), LaterRate: int64(a.Later), Coins: mapped(a.Coins, coinOf), AmountSat: int64(a.Amount), VSize: int64(a.VSize),
		FeeSat: int64(a.CostNow), LaterOne: int64(a.LaterOne), LaterAll: int64(a.LaterAll), SavesSat: int64(a.Saves), Dust: mapped(a.Dust, coinOf),
		Warnings: warnings, Worthwhile: len(a.Coins) > 0 && a.Saves > 0}, err
}

// addressDetailsView describes an address for other programs.
type addressDetailsView struct {
	Descriptor string           `json:"descriptor"`
	Plain      string           `json:"plain_descriptor"`
	Keys       []addressKeyView `json:"keys"`
}

// addressKeyView is a cosigner's part in an address.
type addressKeyView struct {
	Fingerprint string `json:"fingerprint"`
	Path        string `json:"path"`
	Device      string `json:"device"`
}

func getAddressDetails(c *call) (any, error) {
	a, err := c.s.c.Wallets.DescribeAddress(c.ctx(), c.ref(), c.PathValue("address"))
	return addressDetailsView{a.Descriptor, a.Plain, mapped(a.Keys, func(k wallet.AddressKey) addressKeyView {
		v := addressKeyView{Path: k.At, Device: k.DeviceAlias}
		if !k.Fingerprint.IsZero() {
			v.Fingerprint = k.Fingerprint.String()
		}
		return v
	})}, asPath(err)
}

// proofView tells whether a transaction was proved to be in its block.
type proofView struct {
	Proved  bool    `json:"proved"`
	Trouble *string `json:"trouble"`
	Checked moment  `json:"checked"`
}

func getProof(c *call) (any, error) {
	id, err := c.txid()
	if err != nil {
		return nil, err
	}
	if _, err := c.s.c.Wallets.Transaction(c.ctx(), c.ref(), id); err != nil {
		return nil, err
	}
	found, err := c.s.c.Wallets.Proofs(c.ctx(), c.ref(), []chainhash.Hash{id})
	p := found[id]
	return proofView{p.Proved, maybe(p.Trouble), moment(p.Checked)}, err
}

// wanted tells whether a label belongs into a list that is narrowed to a kind and to a text.
func (c *call) wanted(kind, ref, label string) bool {
	text := strings.ToLower(c.params.Get("search"))
	return (c.params.Get("filter") == "" || c.params.Get("filter") == kind) && (strings.Contains(strings.ToLower(label), text) || strings.Contains(strings.ToLower(ref), text))
}

// headersView tells how the program's own chain of block headers stands, against which
// transactions are proved.
type headersView struct {
	Height  *int32  `json:"height"`
	Time    moment  `json:"time"`
	Target  *int32  `json:"target"`
	Enough  bool    `json:"enough_work"`
	Bytes   int64   `json:"bytes"`
	Trouble *string `json:"trouble"`
}

func getHeaders(c *call) (any, error) {
	st := c.s.c.Wallets.Headers(c.network)
	v := headersView{Time: moment(st.Time), Target: maybe(st.Target), Enough: st.Enough, Bytes: st.Bytes, Trouble: maybe(st.Trouble)}
	if st.Height >= 0 {
		v.Height = &st.Height
	}
	return v, nil
}
