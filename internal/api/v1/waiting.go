package v1

import (
	"strconv"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/auth"
	"specter/internal/rates"
	"specter/internal/wallet"
)

// waitingRoutes: what can be done about transactions that wait and drafts that lie about, and
// who knows feerates and sends.
func waitingRoutes() []Route {
	const one, draft, tx = "/wallets/{alias}", "/wallets/{alias}/drafts/{id}", "/wallets/{alias}/transactions/{txid}"
	return []Route{
		{"GET", "/feerates", auth.Read, AnyUser, Filtered, "readFeerates", getFeerates, options{out: feeTableView{}, slow: true}},
		{"GET", "/senders", auth.Read, AnyUser, Whole, "listSenders", getSenders, options{out: senderPage{}, query: paged}},
		{"GET", one + "/alarms", auth.Read, AnyUser, OneWallet, "listAlarms", getAlarms, options{out: historyPage{}, query: paged}},
		{"GET", tx + "/choices", auth.Read, AnyUser, OneWallet, "readChoices", getChoices, options{out: choicesView{}, slow: true}},
		{"GET", tx + "/edit", auth.Read, AnyUser, OneWallet, "readTransactionAsRequest", getTxEdit, options{out: spendView{}, slow: true}},
		{"POST", tx + "/abandon", auth.Write, AnyUser, OneWallet, "abandonTransaction", postAbandon, options{out: transactionView{}, slow: true}},
		{"POST", tx + "/rebroadcast", auth.Broadcast, AnyUser, OneWallet, "rebroadcastTransaction", postRebroadcast, options{out: broadcastView{}, query: []string{"via"}, slow: true}},
		{"GET", draft + "/edit", auth.Read, AnyUser, OneWallet, "readDraftAsRequest", getDraftEdit, options{out: spendView{}}},
		{"POST", draft + "/renew", auth.Write, AnyUser, OneWallet, "renewDraft", postRenew, options{out: draftDetailView{}}},
		{"POST", draft + "/repair", auth.Write, AnyUser, OneWallet, "repairDraft", postRepairDraft, options{out: draftDetailView{}}},
		{"GET", draft + "/comparison", auth.Read, AnyUser, OneWallet, "compareDrafts", getComparison, options{out: comparisonView{}, query: []string{"with"}}},
	}
}

// remarkView is something to know before signing: a code for programs, a sentence for people.
type remarkView struct {
	Code  string   `json:"code"`
	Args  []string `json:"args"`
	Text  string   `json:"text"`
	Grave bool     `json:"grave"`
}

func remarkOf(r wallet.Remark) remarkView {
	return remarkView{Code: string(r.Code), Args: texts(r.Args), Text: r.String(), Grave: r.Grave()}
}

// feeChoiceView is a feerate for a target.
type feeChoiceView struct {
	Blocks  int    `json:"target_blocks"`
	FeeRate *int64 `json:"feerate_sat_kvb"`
}

// feeTableView is what can be chosen from, and who says so.
type feeTableView struct {
	Choices  []feeChoiceView `json:"choices"`
	Source   *string         `json:"source"`
	Fallback bool            `json:"fallback"`
	Reason   *string         `json:"reason"`
}

// senderView is somebody besides the node who can send.
type senderView struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Node bool   `json:"node"`
	Tor  bool   `json:"tor"`
}

// senderPage is a page of them.
type senderPage struct {
	Items []senderView `json:"items"`
	paging
}

// choicesView is what can be done about a transaction that waits.
type choicesView struct {
	InMempool   bool     `json:"in_mempool"`
	FeeRate     *int64   `json:"feerate_sat_kvb"`
	PackageRate *int64   `json:"package_sat_kvb"`
	LeastRate   *int64   `json:"least_sat_kvb"`
	SpeedUp     bool     `json:"speed_up"`
	Cancel      bool     `json:"cancel"`
	Edit        bool     `json:"edit"`
	Child       bool     `json:"child"`
	Rebroadcast bool     `json:"rebroadcast"`
	Abandon     bool     `json:"abandon"`
	Evicts      int      `json:"evicts"`
	ReplacedBy  *string  `json:"replaced_by"`
	Conflicts   []string `json:"conflicts"`
	Why         *string  `json:"why"`
}

// spendView is a payment as a request that can be changed and given back.
type spendView struct {
	Recipients  []recipientView `json:"recipients"`
	FeeRate     int64           `json:"feerate_sat_kvb"`
	Outpoints   []string        `json:"outpoints"`
	Replaceable bool            `json:"replaceable"`
	LockTime    *uint32         `json:"locktime"`
	Note        string          `json:"note"`
	Replaces    *string         `json:"replaces"`
	Instead     *int64          `json:"instead_of_draft"`
}

// comparedInputView tells which of two drafts spend a coin.
type comparedInputView struct {
	Outpoint  string `json:"outpoint"`
	AmountSat *int64 `json:"amount_sat"`
	First     bool   `json:"first"`
	Second    bool   `json:"second"`
}

// comparedOutputView is what two drafts pay to an address.
type comparedOutputView struct {
	Address   string `json:"address"`
	Change    bool   `json:"change"`
	FirstSat  *int64 `json:"first_sat"`
	SecondSat *int64 `json:"second_sat"`
}

// comparisonView is two drafts side by side.
type comparisonView struct {
	First   draftView            `json:"first"`
	Second  draftView            `json:"second"`
	Inputs  []comparedInputView  `json:"inputs"`
	Outputs []comparedOutputView `json:"outputs"`
	SameFee bool                 `json:"same_fee"`
}

func getFeerates(c *call) (any, error) {
	var t rates.Table
	if f := c.s.c.Fees; f != nil {
		t = f.FeeRates(c.ctx(), c.owner())
	}
	return feeTableView{Source: maybe(t.Source), Fallback: t.Fallback, Reason: maybe(t.Reason),
		Choices: mapped(t.Choices, func(f rates.Choice) feeChoiceView { return feeChoiceView{f.Blocks, maybe(int64(f.Rate))} })}, nil
}

func getSenders(c *call) (any, error) {
	l, err := c.list()
	if err != nil {
		return nil, err
	}
	var all []wallet.Sender
	if f := c.s.c.Fees; f != nil {
		all = f.Senders(c.ctx(), c.owner(), c.network)
	}
	rows, p, err := sliced(l, all, func(s wallet.Sender) string { return s.ID })
	return senderPage{mapped(rows, func(s wallet.Sender) senderView { return senderView(s) }), p}, err
}

func getAlarms(c *call) (any, error) {
	l, err := c.list()
	if err != nil {
		return nil, err
	}
	all, err := c.s.c.Wallets.Alarms(c.ctx(), c.ref())
	if err != nil {
		return nil, err
	}
	rows, p, err := sliced(l, all, func(r wallet.HistoryRow) string { return r.TxID.String() })
	return historyPage{mapped(rows, historyOf), p}, err
}

func getChoices(c *call) (any, error) {
	id, err := c.txid()
	if err != nil {
		return nil, err
	}
	v, err := c.s.c.Wallets.Choices(c.ctx(), c.ref(), id)
	return choicesView{InMempool: v.InMempool, FeeRate: maybe(int64(v.FeeRate)), PackageRate: maybe(int64(v.PackageRate)), LeastRate: maybe(int64(v.LeastRate)),
		SpeedUp: v.SpeedUp, Cancel: v.Cancel, Edit: v.Edit, Child: v.Child, Rebroadcast: v.Rebroadcast, Abandon: v.Abandon, Evicts: max(v.Evicts, 0),
		ReplacedBy: hash(v.ReplacedBy), Conflicts: mapped(v.Conflicts, chainhash.Hash.String), Why: maybe(v.Why)}, err
}

func spendOf(q wallet.SpendRequest) spendView {
	return spendView{Recipients: mapped(q.Recipients, recipient), FeeRate: int64(q.FeeRate), Outpoints: mapped(q.Coins, wire.OutPoint.String),
		Replaceable: !q.NoRBF, LockTime: q.LockTime, Note: q.Note, Replaces: hash(q.Replaces), Instead: maybe(int64(q.Instead))}
}

func getTxEdit(c *call) (any, error) {
	id, err := c.txid()
	if err != nil {
		return nil, err
	}
	q, err := c.s.c.Wallets.EditRequest(c.ctx(), c.ref(), id)
	return spendOf(q), err
}

func getDraftEdit(c *call) (any, error) {
	id, err := c.draftID()
	if err != nil {
		return nil, err
	}
	q, err := c.s.c.Wallets.DraftRequest(c.ctx(), c.ref(), id)
	return spendOf(q), err
}

func postAbandon(c *call) (any, error) {
	id, err := c.txid()
	if err != nil {
		return nil, err
	}
	if err := c.s.c.Wallets.Abandon(c.ctx(), c.ref(), id); err != nil {
		return nil, err
	}
	return getTransaction(c)
}

// postRebroadcast sends a transaction again, by the active node or by the sender that via names.
func postRebroadcast(c *call) (any, error) {
	id, err := c.txid()
	if err != nil {
		return nil, err
	}
	return broadcastView{TxID: id.String()}, c.s.c.Wallets.RebroadcastVia(c.ctx(), c.ref(), id, c.params.Get("via"))
}

func postRenew(c *call) (any, error) {
	return c.draft(func(id wallet.DraftID) (wallet.Draft, error) { return c.s.c.Wallets.RenewDraft(c.ctx(), c.ref(), id) })
}

func postRepairDraft(c *call) (any, error) {
	return c.draft(func(id wallet.DraftID) (wallet.Draft, error) { return c.s.c.Wallets.RepairDraft(c.ctx(), c.ref(), id) })
}

func getComparison(c *call) (any, error) {
	id, err := c.draftID()
	if err != nil {
		return nil, err
	}
	if _, err := c.s.c.Wallets.Draft(c.ctx(), c.ref(), id); err != nil {
		return nil, err // before anything is said about the parameter
	}
	with, err := strconv.ParseInt(c.params.Get("with"), 10, 64)
	if err != nil {
		return nil, invalid("with", "name the other draft by its number")
	}
	v, err := c.s.c.Wallets.Compare(c.ctx(), c.ref(), id, wallet.DraftID(with))
	return comparisonView{First: draftOf(c.wallet.Alias, v.A), Second: draftOf(c.wallet.Alias, v.B), SameFee: v.SameFee,
		Inputs: mapped(v.Inputs, func(p wallet.InputPair) comparedInputView {
			return comparedInputView{p.Input.OutPoint.String(), known(p.Input.Amount), p.A, p.B}
		}),
		Outputs: mapped(v.Outputs, func(p wallet.OutputPair) comparedOutputView {
			return comparedOutputView{p.Output.Address, p.Output.Change, satsOrNull(p.A), satsOrNull(p.B)}
		})}, err
}

// satsOrNull is null for -1, which stands for nothing paid.
func satsOrNull(n int64) *int64 {
	if n < 0 {
		return nil
	}
	return &n
}
