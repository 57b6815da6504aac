package wallet

import (
	"context"
	"strings"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/errs"
)

// LabelListStore pages through labels.
type LabelListStore interface {
	// LabelList is one page of a wallet's labels. p.Filter is a kind, "" all; p.Find.Text is a
	// part of a label or of what it stands on, in lower case. Sort: "", "label".
	LabelList(ctx context.Context, id ID, p Page) ([]Label, int, error)
}

// LabelRow is a label and where one can look at what it stands on.
type LabelRow struct {
	Label
	TxID    *chainhash.Hash // of a transaction, a coin or an input
	Address string          // of an address
	Own     bool            // a transaction, coin or address that the wallet knows
}

// LabelPage is one page of labels.
type LabelPage struct {
	Rows  []LabelRow
	Total int
	Page  int
	Size  int
}

// Labels is one page of a wallet's labels by kind and key. The filters are the kinds of label.
func (s *Service) Labels(ctx context.Context, ref Ref, q Query) (LabelPage, error) {
	p, err := parseQuery(q)
	if err != nil {
		return LabelPage{}, err
	}
	p.Find = Find{Text: strings.ToLower(strings.TrimSpace(q.Search))} // a label may look like an amount
	switch LabelKind(p.Filter) {
	case "", LabelTx, LabelAddress, LabelOutput, LabelInput, LabelPubKey, LabelXPub:
	default:
		return LabelPage{}, errs.E(errs.Invalid, "%q is no kind of label", clip(p.Filter, 20))
	}
	r, _, err := s.find(ctx, ref)
	if err != nil {
		return LabelPage{}, err
	}
	out := LabelPage{Page: p.Number, Size: p.Size}
	list, total, err := s.c.Store.LabelList(ctx, r.ID, p)
	if err != nil {
		return LabelPage{}, err
	}
	out.Total = total
	for _, l := range list {
		out.Rows = append(out.Rows, LabelRow{Label: l})
	}
	return out, s.placeLabels(ctx, r, out.Rows)
}

// placeLabels tells of each row where its thing can be seen.
func (s *Service) placeLabels(ctx context.Context, r Record, rows []LabelRow) error {
	for i := range rows {
		row := &rows[i]
		switch row.Kind {
		case LabelTx, LabelOutput, LabelInput:
			txid, _, _ := strings.Cut(row.Key, ":")
			h, err := parseTxID(txid)
			if err != nil {
				continue // a key of an older program: shown as it is
			}
			row.TxID = &h
			switch _, err := s.c.Store.HistoryRow(ctx, r.ID, h); {
			case err == nil:
				row.Own = true
			case !errs.Is(err, errs.NotFound):
				return err
			}
		case LabelAddress:
			row.Address = row.Key
			_, err := s.AddressInfo(ctx, r.Ref(), row.Key)
			row.Own = err == nil
		case LabelXPub:
			row.Own = r.hasKey(row.Key)
		}
	}
	return nil
}
