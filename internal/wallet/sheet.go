package wallet

import (
	"context"
	"fmt"
	"time"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/interop"
)

// sheetAddresses is how many receive addresses the backup sheet shows.
const sheetAddresses = 5

// BackupSheet is the printable backup of a wallet, a PDF without any secret: descriptor as text
// and QR, keys, first addresses, and how to restore it with Bitcoin Core alone.
func (s *Service) BackupSheet(ctx context.Context, ref Ref) (File, error) {
	r, w, err := s.ready(ctx, ref)
	if err != nil {
		return File{}, err
	}
	s.decorate(&r, s.knownKeys(ctx, ref.Owner, ref.Network))
	labels, err := s.KeyLabels(ctx, ref)
	if err != nil {
		return File{}, err
	}
	sheet := interop.Sheet{Name: r.Name, Network: r.Network, Kind: kindWords(r), Policy: w.desc.Summary(), Descriptor: r.Descriptor, Birthday: r.Birthday, Printed: s.c.Now()}
	for _, c := range r.Cosigners {
		k := interop.SheetKey{XPub: c.XPub, Device: c.DeviceName, Label: labels[c.XPub], Path: c.Path.Full()}
		if !c.Fingerprint.IsZero() {
			k.Fingerprint = c.Fingerprint.String()
		}
		if c.XPub == "" {
			k.XPub = c.Expression
		}
		sheet.Keys = append(sheet.Keys, k)
	}
	count := uint32(sheetAddresses)
	if !w.desc.IsRanged() {
		count = 1
	}
	rows, err := w.deriveRange(r.Network, 0, 0, count)
	if err != nil {
		return File{}, err
	}
	for _, a := range rows {
		sheet.Addresses = append(sheet.Addresses, a.Address)
	}
	data, err := sheet.PDF()
	return File{Name: r.Alias + "_backup.pdf", Type: "application/pdf", Data: data}, err
}

// kindWords names a wallet's kind as the old Specter does.
func kindWords(r Record) string {
	word := scriptWords[r.ScriptType][1]
	if word == "" {
		word = r.ScriptType
	}
	if r.Multisig() {
		return fmt.Sprintf("%d of %d Multisig (%s)", r.Threshold, len(r.Cosigners), word)
	}
	return "Single (" + word + ")"
}

// Statement lists the transactions that confirmed from one moment up to another as a PDF, with
// the balance before and after.
func (s *Service) Statement(ctx context.Context, ref Ref, from, to time.Time) (File, error) {
	r, _, err := s.find(ctx, ref)
	if err != nil {
		return File{}, err
	}
	return s.statement(ctx, []Record{r}, interop.Statement{Name: r.Name, Network: r.Network, From: from, To: to}, r.Alias)
}

// StatementAll is Statement over all wallets of an owner on a network. What went from one of them
// to another stands there twice, once for each.
func (s *Service) StatementAll(ctx context.Context, o Owner, n btc.Network, from, to time.Time) (File, error) {
	list, err := s.c.Store.Wallets(ctx, o, n)
	if err != nil {
		return File{}, err
	}
	return s.statement(ctx, list, interop.Statement{Name: "All wallets", Network: n, From: from, To: to}, "full")
}

func (s *Service) statement(ctx context.Context, wallets []Record, st interop.Statement, file string) (File, error) {
	if !st.From.Before(st.To) {
		return File{}, errs.E(errs.Invalid, "the statement ends before it begins; swap the days")
	}
	st.Printed = s.c.Now()
	var ids []ID
	for _, r := range wallets {
		ids = append(ids, r.ID)
		before, err := s.c.Store.BalanceAt(ctx, r.ID, st.From)
		if err != nil {
			return File{}, err
		}
		st.Opening += before
	}
	rows, err := s.c.Store.HistoryRows(ctx, ids, Page{Find: Find{From: st.From, To: st.To}})
	if err != nil {
		return File{}, err
	}
	if len(rows) > 2*interop.MaxStatement {
		return File{}, errs.E(errs.Invalid, "more than %d transactions fall into these days; choose fewer, or the CSV", interop.MaxStatement)
	}
	list, err := s.c.Store.HistoryAt(ctx, ids, rows)
	if err != nil {
		return File{}, err
	}
	for _, h := range list {
		if h.State != Confirmed {
			continue
		}
		row := interop.StatementRow{Time: h.Time, Text: h.Label, Address: h.Address, TxID: h.TxID.String(), Amount: h.Amount}
		if row.Text == "" {
			row.Text = categoryWords[h.Category] + " " + h.Address
		}
		if len(wallets) > 1 {
			row.Text = h.WalletName + ": " + row.Text
		}
		st.Rows = append(st.Rows, row)
	}
	data, err := st.PDF()
	name := fmt.Sprintf("%s_%s_%s.pdf", file, st.From.UTC().Format("2006-01-02"), st.To.UTC().Add(-time.Second).Format("2006-01-02"))
	return File{Name: name, Type: "application/pdf", Data: data}, err
}

var categoryWords = map[Category]string{Receive: "Received on", Send: "Sent to", SelfTransfer: "Moved within the wallet", Mixed: "Together with others", Generate: "Mined to"}
