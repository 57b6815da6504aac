package web_test

import (
	"context"

	"specter/internal/errs"
	"specter/internal/wallet"
)

// setup is what the fakes keep about making and keeping wallets.
type setup struct {
	findings []wallet.Finding
	scan     *wallet.ScanRequest // the last one
	gap      int
	rebuilt  bool
}

func (h wallets) StartScan(_ context.Context, ref wallet.Ref, q wallet.ScanRequest) error {
	if _, err := h.find(ref); err != nil {
		return err
	}
	h.setup.scan, h.rescan = &q, q.FromHeight
	return h.fail
}
func (h wallets) SetGap(_ context.Context, _ wallet.Ref, gap int) error {
	if gap > wallet.MaxGap {
		return errs.E(errs.Invalid, "too many addresses")
	}
	h.setup.gap = gap
	return nil
}
func (h wallets) KeyPool(context.Context, wallet.Ref) ([2]uint32, error) {
	return [2]uint32{31, 20}, nil
}
func (h wallets) Losses(context.Context, wallet.Ref) (wallet.Losses, error) {
	return wallet.Losses{Labels: 4, Frozen: 1, Drafts: 2, Txs: 5}, nil
}
func (h wallets) Rebuild(context.Context, wallet.Ref) error {
	h.setup.rebuilt = h.fail == nil
	return h.fail
}
func (h wallets) BackupSheet(_ context.Context, ref wallet.Ref) (wallet.File, error) {
	w, err := h.find(ref)
	if err != nil {
		return wallet.File{}, err
	}
	return wallet.File{Name: w.Alias + "_backup.pdf", Type: "application/pdf", Data: []byte("%PDF-1.4 fake")}, nil
}
