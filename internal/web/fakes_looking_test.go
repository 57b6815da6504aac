package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// looked is what the pages for looking at wallets asked last.
type looked struct {
	table  wallet.TableRequest
	choice wallet.LabelChoice
	file   string
	from   time.Time
	to     time.Time
	rate   btc.FeeRate
	labels wallet.Query
	points int
	state  wallet.HeaderState
}

func (h wallets) BalanceSeries(_ context.Context, ref wallet.Ref, points int) ([]wallet.BalancePoint, error) {
	h.looked.points = points
	if _, err := h.find(ref); err != nil || ref.Alias != "family_vault" {
		return nil, err
	}
	var out []wallet.BalancePoint
	for i := range 400 {
		out = append(out, wallet.BalancePoint{Time: time.Date(2025, 10, 17, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i), Balance: btcutil.Amount(i/10) * 4_000_000})
	}
	return out, nil
}
func (h wallets) BalanceSeriesAll(ctx context.Context, o wallet.Owner, n btc.Network, points int) ([]wallet.BalancePoint, error) {
	if len(h.wallets) == 0 {
		return nil, nil
	}
	return h.BalanceSeries(ctx, wallet.Ref{Owner: o, Network: n, Alias: "family_vault"}, points)
}
func (h wallets) Statement(_ context.Context, ref wallet.Ref, from, to time.Time) (wallet.File, error) {
	if _, err := h.find(ref); err != nil {
		return wallet.File{}, err
	}
	h.looked.from, h.looked.to = from, to
	return wallet.File{Name: ref.Alias + ".pdf", Type: "application/pdf", Data: []byte("%PDF-1.4")}, nil
}
func (h wallets) StatementAll(_ context.Context, _ wallet.Owner, _ btc.Network, from, to time.Time) (wallet.File, error) {
	h.looked.from, h.looked.to = from, to
	return wallet.File{Name: "full.pdf", Type: "application/pdf", Data: []byte("%PDF-1.4")}, nil
}
func (h wallets) Consolidation(_ context.Context, ref wallet.Ref, rate btc.FeeRate) (wallet.Advice, error) {
	if _, err := h.find(ref); err != nil {
		return wallet.Advice{}, err
	}
	h.looked.rate = rate
	if rate == 0 {
		rate = 2_000
	}
	a := wallet.Advice{FeeRate: rate, Later: 10_000}
	if rate > 20_000_000 {
		return a, errs.E(errs.Invalid, "the feerate is above what anybody pays")
	}
	if ref.Alias == "family_vault" {
		a.Coins, a.Dust = h.coins[:3], h.coins[4:5]
		a.Amount, a.VSize, a.CostNow, a.LaterOne, a.LaterAll, a.Saves = 71_250_141, 400, 800, 1_000, 3_000, 1_200
		a.Remarks = []wallet.Remark{{Code: "linked-labels", Args: []string{"salary, rent" + h.poison}}}
	}
	return a, nil
}
func (h wallets) DescribeAddress(ctx context.Context, ref wallet.Ref, address string) (wallet.AddressWords, error) {
	row, err := h.AddressInfo(ctx, ref, address)
	if err != nil {
		return wallet.AddressWords{}, err
	}
	w, err := h.find(ref)
	if err != nil {
		return wallet.AddressWords{}, err
	}
	out := wallet.AddressWords{AddressRow: row, Descriptor: "wsh(whole" + h.poison + ")", Plain: "wsh(plain)"}
	for _, c := range w.Cosigners {
		out.Keys = append(out.Keys, wallet.AddressKey{Cosigner: c, At: "m/48h/1h/0h/2h/0/11"})
	}
	return out, nil
}
func (h wallets) Headers(btc.Network) wallet.HeaderState { return h.looked.state }
func (h wallets) Proofs(_ context.Context, ref wallet.Ref, ids []chainhash.Hash) (map[chainhash.Hash]wallet.Proof, error) {
	out := map[chainhash.Hash]wallet.Proof{}
	if slices.Contains(ids, hashOf(1)) {
		out[hashOf(1)] = wallet.Proof{Proved: true, Checked: testTime}
	}
	if slices.Contains(ids, hashOf(2)) {
		out[hashOf(2)] = wallet.Proof{Trouble: "The node has no proof." + h.poison, Checked: testTime}
	}
	return out, nil
}

func (h wallets) writeTable(w io.Writer, list string, q wallet.TableRequest) error {
	h.looked.table = q
	if h.fail != nil {
		return h.fail
	}
	if q.Alias != "" {
		if _, err := h.find(wallet.Ref{Owner: q.Owner, Network: q.Network, Alias: q.Alias}); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%s,%s,%s,%v\n", list, q.Query.Search, q.Query.Filter, q.Sat)
	return err
}
func (h wallets) WriteHistory(_ context.Context, w io.Writer, q wallet.TableRequest) error {
	return h.writeTable(w, "history", q)
}
func (h wallets) WriteCoins(_ context.Context, w io.Writer, q wallet.TableRequest) error {
	return h.writeTable(w, "coins", q)
}
func (h wallets) WriteAddresses(_ context.Context, w io.Writer, q wallet.TableRequest) error {
	return h.writeTable(w, "addresses", q)
}

func (h wallets) Labels(_ context.Context, ref wallet.Ref, q wallet.Query) (wallet.LabelPage, error) {
	if _, err := h.find(ref); err != nil {
		return wallet.LabelPage{}, err
	}
	h.looked.labels = q
	id := hashOf(0)
	rows := []wallet.LabelRow{
		{Label: wallet.Label{Kind: wallet.LabelTx, Key: id.String(), Label: "salary march" + h.poison}, TxID: &id, Own: true},
		{Label: wallet.Label{Kind: wallet.LabelAddress, Key: testAddress, Label: "from Bob" + h.poison}, Address: testAddress, Own: true},
		{Label: wallet.Label{Kind: wallet.LabelOutput, Key: id.String() + ":1", Label: "the first"}, TxID: &id, Own: true},
		{Label: wallet.Label{Kind: wallet.LabelXPub, Key: testXPub, Label: "Cold A"}, Own: true},
		{Label: wallet.Label{Kind: wallet.LabelPubKey, Key: strings.Repeat("02", 33), Label: "a key"}},
	}
	p := wallet.LabelPage{Page: q.Page, Size: q.Size}
	for _, r := range rows {
		if strings.Contains(r.Label.Label, q.Search) && (q.Filter == "" || q.Filter == string(r.Kind)) {
			p.Rows, p.Total = append(p.Rows, r), p.Total+1
		}
	}
	return p, nil
}

// LabelsPreview reads a JSON object of keys and labels: enough to see what the pages make of it.
func (h wallets) LabelsPreview(_ context.Context, ref wallet.Ref, data []byte) (wallet.LabelPreview, error) {
	if _, err := h.find(ref); err != nil {
		return wallet.LabelPreview{}, err
	}
	var file map[string]string
	if err := json.Unmarshal(data, &file); err != nil {
		return wallet.LabelPreview{}, errs.Bad(errs.Malformed, "this is no label file: %.40q", data)
	}
	p := wallet.LabelPreview{Format: "electrum", New: 1, Same: 1, Conflicts: 1, Strangers: 1, Freeze: 1, Bad: 1, Problems: []string{"Line 9 cannot be read." + h.poison}}
	line := func(key, label, old string, status wallet.LabelStatus) {
		p.Lines = append(p.Lines, wallet.LabelLine{Label: wallet.Label{Kind: wallet.LabelAddress, Key: key, Label: label}, Old: old, Status: status})
	}
	line(testAddress, file["conflict"]+h.poison, "from Bob"+h.poison, wallet.LabelConflict)
	line("bcrt1qnew", "new one", "", wallet.LabelNew)
	line("bcrt1qsame", "same", "same", wallet.LabelSame)
	line("bcrt1qstranger"+h.poison, "stranger", "", wallet.LabelStranger)
	p.Lines[1].Freeze = true
	return p, nil
}
func (h wallets) ImportLabels(_ context.Context, ref wallet.Ref, data []byte, c wallet.LabelChoice) (wallet.LabelResult, error) {
	if _, err := h.find(ref); err != nil {
		return wallet.LabelResult{}, err
	}
	h.looked.file, h.looked.choice = string(data), c
	return wallet.LabelResult{Set: 2, Kept: 1, Strangers: 1, Frozen: 1}, nil
}
func (h wallets) ExportLabels(_ context.Context, ref wallet.Ref, format string) (wallet.File, error) {
	if _, err := h.find(ref); err != nil {
		return wallet.File{}, err
	}
	if !slices.Contains([]string{"bip329", "electrum", "specter", "csv"}, format) {
		return wallet.File{}, errs.Bad(errs.Malformed, "%q is no format of labels", format)
	}
	return wallet.File{Name: "labels." + format, Type: "application/json", Data: []byte(format)}, nil
}
