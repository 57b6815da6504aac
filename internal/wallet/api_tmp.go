package wallet

import (
	"context"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

type openWallet struct{}
type subscriber struct{}

var errSoon = errs.E(errs.Internal, "not built yet")


func (s *Service) Run(ctx context.Context) error { return errSoon }
func (s *Service) List(ctx context.Context, o Owner, n btc.Network) ([]Record, error) {
	return nil, errSoon
}
func (s *Service) Get(ctx context.Context, ref Ref) (Record, error) { return Record{}, errSoon }
func (s *Service) Uses(ctx context.Context, owner string, xpub string) ([]string, error) {
	return nil, errSoon
}
func (s *Service) Check(ctx context.Context, o Owner, n btc.Network, w NewWallet) (Proposal, error) {
	return Proposal{}, errSoon
}
func (s *Service) Create(ctx context.Context, o Owner, n btc.Network, w NewWallet) (Record, error) {
	return Record{}, errSoon
}
func (s *Service) Rename(ctx context.Context, ref Ref, name string) error { return errSoon }
func (s *Service) Delete(ctx context.Context, ref Ref) error              { return errSoon }
func (s *Service) Rescan(ctx context.Context, ref Ref, fromHeight int32) error {
	return errSoon
}
func (s *Service) AbortRescan(ctx context.Context, ref Ref) error { return errSoon }
func (s *Service) Sync(ctx context.Context, ref Ref) error        { return errSoon }
func (s *Service) ReceiveAddress(ctx context.Context, ref Ref) (AddressRow, error) {
	return AddressRow{}, errSoon
}
func (s *Service) NewAddress(ctx context.Context, ref Ref) (AddressRow, error) {
	return AddressRow{}, errSoon
}
func (s *Service) Addresses(ctx context.Context, ref Ref, q Query) (AddressPage, error) {
	return AddressPage{}, errSoon
}
func (s *Service) AddressInfo(ctx context.Context, ref Ref, address string) (AddressRow, error) {
	return AddressRow{}, errSoon
}
func (s *Service) History(ctx context.Context, ref Ref, q Query) (HistoryPage, error) {
	return HistoryPage{}, errSoon
}
func (s *Service) HistoryAll(ctx context.Context, o Owner, n btc.Network, q Query) (HistoryPage, error) {
	return HistoryPage{}, errSoon
}
func (s *Service) Transaction(ctx context.Context, ref Ref, txid chainhash.Hash) (TxDetail, error) {
	return TxDetail{}, errSoon
}
func (s *Service) Repair(ctx context.Context, ref Ref, txid chainhash.Hash) error { return errSoon }
func (s *Service) Coins(ctx context.Context, ref Ref, q Query) (CoinPage, error) {
	return CoinPage{}, errSoon
}
func (s *Service) CoinsAll(ctx context.Context, o Owner, n btc.Network, q Query) (CoinPage, error) {
	return CoinPage{}, errSoon
}
func (s *Service) Freeze(ctx context.Context, ref Ref, coins []wire.OutPoint, frozen bool) error {
	return errSoon
}
func (s *Service) SetLabel(ctx context.Context, ref Ref, kind LabelKind, key string, label string) error {
	return errSoon
}
func (s *Service) Preview(ctx context.Context, ref Ref, r SpendRequest) (Preview, error) {
	return Preview{}, errSoon
}
func (s *Service) NewDraft(ctx context.Context, ref Ref, r SpendRequest) (Draft, error) {
	return Draft{}, errSoon
}
func (s *Service) Drafts(ctx context.Context, ref Ref) ([]Draft, error) { return nil, errSoon }
func (s *Service) Draft(ctx context.Context, ref Ref, id DraftID) (Draft, error) {
	return Draft{}, errSoon
}
func (s *Service) DeleteDraft(ctx context.Context, ref Ref, id DraftID) error { return errSoon }
func (s *Service) AddSignatures(ctx context.Context, ref Ref, id DraftID, data []byte) (Draft, error) {
	return Draft{}, errSoon
}
func (s *Service) SignHot(ctx context.Context, ref Ref, id DraftID, deviceID int64, passphrase string) (Draft, error) {
	return Draft{}, errSoon
}
func (s *Service) Broadcast(ctx context.Context, ref Ref, id DraftID) (chainhash.Hash, error) {
	return chainhash.Hash{}, errSoon
}
func (s *Service) ImportPSBT(ctx context.Context, ref Ref, data []byte) (Draft, error) {
	return Draft{}, errSoon
}
func (s *Service) SetNote(ctx context.Context, ref Ref, id DraftID, note string) error {
	return errSoon
}
func (s *Service) Export(ctx context.Context, ref Ref, format string) (File, error) {
	return File{}, errSoon
}
func (s *Service) Subscribe(o Owner) (<-chan Event, func()) { return nil, nil }
