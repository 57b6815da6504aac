package wallet

import (
	"context"
	"strings"

	"specter/internal/btc"
	"specter/internal/errs"
)

// ReceiveAddress returns the address that was handed out last, or a fresh one where that has
// been used: an address is shown to one payer.
func (s *Service) ReceiveAddress(ctx context.Context, ref Ref) (AddressRow, error) {
	r, w, err := s.ready(ctx, ref)
	if err != nil {
		return AddressRow{}, err
	}
	if !w.desc.IsRanged() {
		return s.addressAt(ctx, r, w, 0, 0)
	}
	if r.Next[0] > 0 && r.Used[0] < int64(r.Next[0])-1 {
		row, err := s.addressAt(ctx, r, w, 0, r.Next[0]-1)
		if err != nil || !row.Used {
			return row, err
		}
	}
	return s.handOut(ctx, ref)
}

// NewAddress hands out the next receive address. A wallet with a single address returns that.
func (s *Service) NewAddress(ctx context.Context, ref Ref) (AddressRow, error) {
	r, w, err := s.ready(ctx, ref)
	if err != nil {
		return AddressRow{}, err
	}
	if !w.desc.IsRanged() {
		return s.addressAt(ctx, r, w, 0, 0)
	}
	return s.handOut(ctx, ref)
}

// handOut gives away the next index, and derives so far that the gap stays ahead.
func (s *Service) handOut(ctx context.Context, ref Ref) (AddressRow, error) {
	_, w, err := s.ready(ctx, ref)
	if err != nil {
		return AddressRow{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	r, err := s.c.Store.Wallet(ctx, ref) // under the lock: two tabs get two addresses
	if err != nil {
		return AddressRow{}, err
	}
	index := max(r.Next[0], uint32(r.Used[0]+1))
	if index >= btc.Hardened {
		return AddressRow{}, errs.E(errs.Unavailable, "this wallet has given away all its addresses")
	}
	if err := s.c.Store.HandOut(ctx, r.ID, 0, index+1); err != nil {
		return AddressRow{}, err
	}
	if _, err := s.extend(ctx, r.ID, w, [2]int64{-1, -1}); err != nil {
		return AddressRow{}, err
	}
	s.jobs.want(r.ID)
	s.nudge() // the source has to look so far ahead too
	return s.addressAt(ctx, r, w, 0, index)
}

func (s *Service) addressAt(ctx context.Context, r Record, w *openWallet, branch, index uint32) (AddressRow, error) {
	row, err := s.c.Store.AddressAt(ctx, r.ID, branch, index)
	if err == nil {
		row.Path = w.path(branch, index)
	}
	return row, err
}

// path is the derivation path of the first cosigner's key at an address; "" where it has none.
func (w *openWallet) path(branch, index uint32) string {
	if w.broken != nil || int(branch) >= len(w.branches) {
		return ""
	}
	keys := w.branches[branch].Keys()
	if len(keys) == 0 || keys[0].XKey == nil {
		return ""
	}
	var path btc.Path
	if o := keys[0].Origin; o != nil {
		path = o.Path
	}
	steps, ranged := strings.CutSuffix("/"+keys[0].Path, "/*")
	tail, err := btc.ParsePath(strings.TrimPrefix(steps, "/"))
	if err != nil {
		return ""
	}
	path = path.Child(tail...)
	if ranged {
		path = path.Child(index)
	}
	return path.Full()
}

// Addresses is one page of the addresses that were handed out or are looked ahead to.
func (s *Service) Addresses(ctx context.Context, ref Ref, q Query) (AddressPage, error) {
	p, err := parseQuery(q)
	if err != nil {
		return AddressPage{}, err
	}
	r, w, err := s.find(ctx, ref)
	if err != nil {
		return AddressPage{}, err
	}
	page, err := s.c.Store.AddressList(ctx, r.ID, p)
	for i := range page.Rows {
		page.Rows[i].Path = w.path(page.Rows[i].Branch, page.Rows[i].Index)
	}
	return page, err
}

// AddressInfo finds an address of the wallet; errs.NotFound where it is none of its own.
func (s *Service) AddressInfo(ctx context.Context, ref Ref, address string) (AddressRow, error) {
	r, w, err := s.find(ctx, ref)
	if err != nil {
		return AddressRow{}, err
	}
	a, err := btc.ParseAddress(address, r.Network)
	if err != nil {
		return AddressRow{}, err
	}
	found, err := s.c.Store.AddressesOf(ctx, r.ID, [][]byte{a.Script})
	if err != nil {
		return AddressRow{}, err
	}
	row, ok := found[string(a.Script)]
	if !ok {
		return AddressRow{}, errs.E(errs.NotFound, "the wallet does not know this address; it may be another wallet's, or far ahead of those in use")
	}
	row.Path = w.path(row.Branch, row.Index)
	return row, nil
}
