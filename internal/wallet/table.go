package wallet

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/interop"
)

// tableChunk is how many rows of a list are in memory at a time.
const tableChunk = 500

// TableRequest asks for a list as a file. The zero value is CSV in BTC, without prices, in UTC.
type TableRequest struct {
	Owner    Owner
	Network  btc.Network
	Alias    string // one wallet; "": all of the owner's on the network
	Query    Query  // search, filter and order; Page and Size are not looked at
	JSON     bool   // an array of objects instead of CSV
	Sat      bool   // amounts in sat instead of BTC
	Currency string // of prices, three letters; "" USD
	// Price tells what a bitcoin cost at a time; nil: prices are not asked for. After a few
	// failures in a row it is not asked again for this file.
	Price func(ctx context.Context, at time.Time) (btc.Price, error)
	Zone  *time.Location // of timestamps; nil UTC
}

// Name of the file for a list ("transactions", "utxo", "addresses_list").
func (q TableRequest) Name(list string) string {
	if q.Alias == "" {
		list = "full_" + list
	}
	if q.JSON {
		return list + ".json"
	}
	return list + ".csv"
}

func (q *TableRequest) check() error {
	if q.Currency == "" {
		q.Currency = "USD"
	}
	q.Currency = strings.ToUpper(q.Currency)
	if len(q.Currency) != 3 || strings.Trim(q.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return errs.E(errs.Invalid, "%.20q is no currency; it has three letters such as USD", q.Currency)
	}
	if q.Zone == nil {
		q.Zone = time.UTC
	}
	q.Query.Page, q.Query.Size = 1, 1
	return nil
}

// tableIDs resolves the wallets of a request.
func (s *Service) tableIDs(ctx context.Context, q TableRequest) ([]ID, error) {
	if q.Alias == "" {
		return s.ids(ctx, q.Owner, q.Network)
	}
	r, err := s.c.Store.Wallet(ctx, Ref{q.Owner, q.Network, q.Alias})
	return []ID{r.ID}, err
}

// WriteHistory writes transactions as CSV or JSON, a few rows in memory at a time. Nothing has
// been written where it fails before the first row.
func (s *Service) WriteHistory(ctx context.Context, w io.Writer, q TableRequest) error {
	return writeRows(ctx, s, w, q, s.c.Store.HistoryRows, s.c.Store.HistoryAt, func(r HistoryRow) line {
		return line{r.WalletName, r.Label, string(r.Category), r.Amount, r.TxID.String(), r.Address, r.Height, r.Time, r.Fee, nil, string(r.State)}
	})
}

// WriteCoins writes coins as CSV or JSON: utxos, unless the query's filter asks for others.
func (s *Service) WriteCoins(ctx context.Context, w io.Writer, q TableRequest) error {
	if q.Query.Filter == "" {
		q.Query.Filter = "unspent"
	}
	return writeRows(ctx, s, w, q, s.c.Store.CoinRows, s.c.Store.CoinsByRow, func(r ListedCoin) line {
		return line{r.WalletName, r.Label, string(r.Category), r.Amount, r.OutPoint.Hash.String(), r.Address, r.Height, r.Time, nil, &r.OutPoint.Index, coinState(r.CoinRow)}
	})
}

// writeRows writes what find and at tell of a request, a row as a line.
func writeRows[R any](ctx context.Context, s *Service, w io.Writer, q TableRequest, find func(context.Context, []ID, Page) ([]RowID, error),
	at func(context.Context, []ID, []RowID) ([]R, error), as func(R) line) error {
	if err := q.check(); err != nil {
		return err
	}
	p, err := newestFirst(q.Query)
	if err != nil {
		return err
	}
	ids, err := s.tableIDs(ctx, q)
	if err != nil {
		return err
	}
	rows, err := find(ctx, ids, p)
	if err != nil {
		return err
	}
	t := q.table(w)
	for len(rows) > 0 && t.err == nil {
		n := min(tableChunk, len(rows))
		list, err := at(ctx, ids, rows[:n])
		if err != nil {
			return err
		}
		for _, r := range list {
			t.row(ctx, as(r))
		}
		rows = rows[n:]
	}
	return t.end()
}

func coinState(c CoinRow) string {
	switch {
	case c.SpentBy != nil:
		return "spent"
	case c.Frozen:
		return "frozen"
	case c.ReservedBy != 0:
		return "reserved"
	case c.Immature:
		return "immature"
	}
	return "free"
}

// line is a row of a list before it is printed.
type line struct {
	wallet, label, category string
	amount                  btcutil.Amount
	txid, address           string
	height                  int32
	at                      time.Time
	fee                     *btcutil.Amount
	vout                    *uint32
	state                   string
}

// table writes rows as they come.
type table struct {
	q     TableRequest
	w     io.Writer
	csv   *csv.Writer
	count int
	fails int // prices that could not be told, in a row
	err   error
}

func (q TableRequest) table(w io.Writer) *table {
	t := &table{q: q, w: w}
	if !q.JSON {
		t.csv = csv.NewWriter(w)
	}
	return t
}

// header is the first line that the old Specter's users have scripts for.
func (q TableRequest) header() []string {
	amount, rate := "Amount (BTC)", "Rate (BTC/"+q.Currency+")"
	if q.Sat {
		amount, rate = "Amount (SAT)", "Rate ("+q.Currency+"/SAT)"
	}
	h := []string{"Date", "Label", "Category", amount, "Value (" + q.Currency + ")", rate, "TxID", "Address", "Block Height", "Timestamp"}
	if q.Alias == "" {
		h = append([]string{"Wallet"}, h...)
	}
	return h
}

func (t *table) row(ctx context.Context, l line) {
	value, rate := t.price(ctx, l)
	if t.q.JSON {
		t.object(l.object(t.q, value, rate))
		return
	}
	at := l.at.In(t.q.Zone)
	height := "Unconfirmed"
	if l.height > 0 {
		height = strconv.Itoa(int(l.height))
	}
	cells := []string{at.Format("2006-01-02"), interop.FormulaSafe(l.label), l.category, t.q.amount(l.amount), value, rate, l.txid, interop.FormulaSafe(l.address),
		height, at.Format("2006-01-02 15:04:05")}
	if t.q.Alias == "" {
		cells = append([]string{interop.FormulaSafe(l.wallet)}, cells...)
	}
	t.cells(t.q.header(), cells)
}

// cells writes a line of CSV, the header before the first.
func (t *table) cells(header, cells []string) {
	if t.count == 0 && t.err == nil {
		t.err = t.csv.Write(header)
	}
	t.count++
	if cells == nil || t.err != nil {
		return
	}
	if t.err = t.csv.Write(cells); t.err == nil && t.count%tableChunk == 0 {
		t.csv.Flush()
		t.err = t.csv.Error()
	}
}

// end finishes the file; without rows it has a header or is an empty array.
func (t *table) end() error { return t.endWith(t.q.header()) }

func (t *table) endWith(header []string) error {
	switch {
	case t.err != nil:
		return t.err
	case t.q.JSON && t.count == 0:
		_, t.err = io.WriteString(t.w, "[]\n")
	case t.q.JSON:
		_, t.err = io.WriteString(t.w, "\n]\n")
	default:
		if t.count == 0 {
			t.cells(header, nil)
		}
		t.csv.Flush()
		t.err = t.csv.Error()
	}
	return t.err
}

// object writes a JSON object into the array.
func (t *table) object(v any) {
	if t.err != nil {
		return
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.err = err
		return
	}
	before := ",\n"
	if t.count == 0 {
		before = "[\n"
	}
	t.count++
	_, t.err = t.w.Write(append([]byte(before), data...))
}

func (q TableRequest) amount(a btcutil.Amount) string {
	if q.Sat {
		return strconv.FormatInt(int64(a), 10)
	}
	return btc.FormatBTC(a)
}

// priceFails is after how many failures in a row prices are no longer asked for.
const priceFails = 3

// price tells value and rate in the words of the columns.
func (t *table) price(ctx context.Context, l line) (value, rate string) {
	if t.q.Price == nil {
		return "not supported", "not supported"
	}
	if t.fails >= priceFails {
		return "-", "-"
	}
	p, err := t.q.Price(ctx, l.at)
	if err != nil {
		t.fails++
		return "-", "-"
	}
	t.fails = 0
	if t.q.Sat {
		return p.Value(l.amount, 2), p.PerSat(12)
	}
	return p.Value(l.amount, 2), p.Text(2)
}

// jsonLine is a row in JSON: amounts are sat, times unix seconds.
type jsonLine struct {
	Wallet    string  `json:"wallet"`
	TxID      string  `json:"txid"`
	Vout      *uint32 `json:"vout,omitempty"`
	Category  string  `json:"category"`
	State     string  `json:"state"`
	AmountSat int64   `json:"amount_sat"`
	FeeSat    *int64  `json:"fee_sat,omitempty"`
	Address   string  `json:"address"`
	Label     string  `json:"label"`
	Height    *int32  `json:"block_height"`
	Time      int64   `json:"time"`
	Currency  string  `json:"currency,omitempty"`
	Value     *string `json:"value,omitempty"`
	Rate      *string `json:"rate,omitempty"`
}

func (l line) object(q TableRequest, value, rate string) jsonLine {
	j := jsonLine{Wallet: l.wallet, TxID: l.txid, Vout: l.vout, Category: l.category, State: l.state, AmountSat: int64(l.amount),
		Address: l.address, Label: l.label, Time: l.at.Unix()}
	if l.fee != nil {
		fee := int64(*l.fee)
		j.FeeSat = &fee
	}
	if l.height > 0 {
		j.Height = &l.height
	}
	if q.Price != nil && value != "-" {
		j.Currency, j.Value, j.Rate = q.Currency, &value, &rate
	}
	return j
}

// WriteAddresses writes the addresses of one wallet, receive before change, as CSV or JSON: those
// that the search finds. The filters are receive, change, used and unused.
func (s *Service) WriteAddresses(ctx context.Context, w io.Writer, q TableRequest) error {
	if err := q.check(); err != nil {
		return err
	}
	p, err := parseQuery(q.Query)
	if err != nil {
		return err
	}
	r, m, err := s.find(ctx, Ref{q.Owner, q.Network, q.Alias})
	if err != nil {
		return err
	}
	t := q.table(w)
	header := []string{"Index", "Address", "Type", "Label", "Used", "UTXO", "Amount (BTC)"}
	if q.Sat {
		header[6] = "Amount (SAT)"
	}
	for branch := range uint32(2) {
		if q.Query.Filter == "receive" && branch == 1 || q.Query.Filter == "change" && branch == 0 {
			continue
		}
		for from := uint32(0); t.err == nil; {
			rows, err := s.c.Store.AddressesFrom(ctx, r.ID, branch, from, tableChunk)
			if err != nil {
				return err
			}
			for _, a := range rows {
				from = a.Index + 1
				if q.Query.Filter == "used" && !a.Used || q.Query.Filter == "unused" && a.Used || !p.Find.address(a) {
					continue
				}
				a.Path = m.path(a.Branch, a.Index)
				t.address(header, a)
			}
			if len(rows) < tableChunk {
				break
			}
		}
	}
	return t.endWith(header)
}

// address reports whether a search finds an address: by a part of it or of its label, or by what
// it holds. Addresses have no date.
func (f Find) address(a AddressRow) bool {
	switch {
	case f.Text != "":
		return strings.Contains(a.Address, f.Text) || strings.Contains(strings.ToLower(a.Label), f.Text)
	case f.Over != nil && a.Amount <= *f.Over, f.Under != nil && a.Amount >= *f.Under, f.Exactly != nil && a.Amount != *f.Exactly:
		return false
	}
	return true
}

// jsonAddress is an address in JSON.
type jsonAddress struct {
	Index     uint32 `json:"index"`
	Address   string `json:"address"`
	Type      string `json:"type"`
	Path      string `json:"path"`
	Label     string `json:"label"`
	Used      bool   `json:"used"`
	UTXO      int    `json:"utxo"`
	AmountSat int64  `json:"amount_sat"`
}

var branchNames = [2]string{"receive", "change"}

func (t *table) address(header []string, a AddressRow) {
	kind := branchNames[a.Branch&1]
	if t.q.JSON {
		t.object(jsonAddress{a.Index, a.Address, kind, a.Path, a.Label, a.Used, a.Coins, int64(a.Amount)})
		return
	}
	used := "No"
	if a.Used {
		used = "Yes"
	}
	t.cells(header, []string{fmt.Sprint(a.Index), a.Address, kind, interop.FormulaSafe(a.Label), used, strconv.Itoa(a.Coins), t.q.amount(a.Amount)})
}
