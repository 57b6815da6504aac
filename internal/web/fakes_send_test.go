package web_test

import (
	"context"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/spend"
	"specter/internal/errs"
	"specter/internal/rates"
	"specter/internal/wallet"
)

// sending is what the house remembers of the pages of sending.
type sending struct {
	replaced  wallet.ReplaceRequest // the last one
	child     wallet.ChildRequest   // the last one
	made      int                   // drafts asked for
	via       string                // of the last broadcast
	abandoned bool
	resent    bool
	remarks   []wallet.Remark // of every preview
	choices   wallet.Choices
	dropped   []wallet.HistoryRow
	table     rates.Table
	quote     *rates.Quote
	senders   []wallet.Sender
}

func newSending(poison string) sending {
	return sending{
		choices: wallet.Choices{InMempool: true, FeeRate: 1_000, SpeedUp: true, Cancel: true, Edit: true, Child: true, LeastRate: 3_000, Evicts: 1},
		remarks: []wallet.Remark{spend.NewRemark(spend.RoundAmount, 1), {Args: []string{"An old sentence." + poison}}},
		table: rates.Table{Choices: []rates.Choice{{Blocks: 1, Rate: 12_500}, {Blocks: 3, Rate: 8_000}, {Blocks: 6, Rate: 2_000}, {Blocks: 144, Rate: 100}},
			Source: "mempool.space", Fallback: poison != "", Reason: poison},
		senders: []wallet.Sender{{ID: "node:other", Name: "Other" + poison, Node: true}, {ID: "mempool-tor", Name: "mempool.space", Tor: true}},
	}
}

// fees is the house as the one who knows numbers.
type fees struct{ *house }

func (h fees) FeeRates(context.Context, wallet.Owner) rates.Table { return h.send.table }
func (h fees) Price(context.Context, wallet.Owner) (rates.Quote, bool) {
	if h.send.quote == nil {
		return rates.Quote{}, false
	}
	return *h.send.quote, true
}
func (h fees) Senders(context.Context, wallet.Owner, btc.Network) []wallet.Sender {
	return h.send.senders
}

func (h wallets) Choices(_ context.Context, ref wallet.Ref, id chainhash.Hash) (wallet.Choices, error) {
	if _, err := h.find(ref); err != nil {
		return wallet.Choices{}, err
	}
	return h.send.choices, h.fail
}
func (h wallets) Alarms(_ context.Context, ref wallet.Ref) ([]wallet.HistoryRow, error) {
	if ref.Alias != "family_vault" {
		return nil, nil
	}
	return h.send.dropped, nil
}
func (h wallets) Abandon(context.Context, wallet.Ref, chainhash.Hash) error {
	h.send.abandoned = true
	return h.fail
}
func (h wallets) RebroadcastVia(_ context.Context, _ wallet.Ref, _ chainhash.Hash, via string) error {
	h.send.resent, h.send.via = true, via
	return h.fail
}
func (h wallets) preview() (wallet.Preview, error) {
	if h.fail != nil {
		return wallet.Preview{}, h.fail
	}
	return wallet.Preview{Inputs: h.coins[:1], Change: 500, ChangeAddr: testAddress, Fee: 141, FeeRate: 1000, VSize: 141, Remarks: h.send.remarks}, nil
}
func (h wallets) PreviewReplace(_ context.Context, _ wallet.Ref, q wallet.ReplaceRequest) (wallet.Preview, error) {
	h.send.replaced = q
	return h.preview()
}
func (h wallets) Replace(_ context.Context, _ wallet.Ref, q wallet.ReplaceRequest) (wallet.Draft, error) {
	h.send.replaced = q
	h.send.made++
	return h.drafts[7], h.fail
}
func (h wallets) PreviewChild(_ context.Context, _ wallet.Ref, q wallet.ChildRequest) (wallet.Preview, error) {
	h.send.child = q
	return h.preview()
}
func (h wallets) Child(_ context.Context, _ wallet.Ref, q wallet.ChildRequest) (wallet.Draft, error) {
	h.send.child = q
	h.send.made++
	return h.drafts[7], h.fail
}
func (h wallets) EditRequest(_ context.Context, ref wallet.Ref, id chainhash.Hash) (wallet.SpendRequest, error) {
	if id != hashOf(0) {
		return wallet.SpendRequest{}, errs.E(errs.Conflict, "the transaction is in a block already")
	}
	return wallet.SpendRequest{Recipients: []wallet.Recipient{{Address: testAddress, Amount: 40_000_000, Label: "carpenter" + h.poison}}, FeeRate: 2_500, Replaces: &id}, nil
}
func (h wallets) DraftRequest(ctx context.Context, ref wallet.Ref, id wallet.DraftID) (wallet.SpendRequest, error) {
	d, err := h.Draft(ctx, ref, id)
	none := uint32(0)
	q := wallet.SpendRequest{Recipients: d.Recipients, FeeRate: d.FeeRate, Note: d.Note, Instead: id, NoRBF: true, LockTime: &none}
	for _, in := range d.Inputs {
		q.Coins = append(q.Coins, in.OutPoint)
	}
	return q, err
}
func (h wallets) RepairDraft(_ context.Context, ref wallet.Ref, id wallet.DraftID) (wallet.Draft, error) {
	if _, err := h.find(ref); err != nil {
		return wallet.Draft{}, err
	}
	d, ok := h.drafts[id]
	if !ok {
		return d, errs.E(errs.NotFound, "there is no such draft")
	}
	d.Lost = ""
	h.drafts[id] = d
	return d, nil
}
func (h wallets) RenewDraft(ctx context.Context, ref wallet.Ref, id wallet.DraftID) (wallet.Draft, error) {
	d, err := h.Draft(ctx, ref, id)
	if err == nil && d.State == wallet.Expired {
		d.State = wallet.Unsigned
		h.drafts[id] = d
	}
	return d, err
}
func (h wallets) Compare(ctx context.Context, ref wallet.Ref, a, b wallet.DraftID) (c wallet.Comparison, err error) {
	if c.A, err = h.Draft(ctx, ref, a); err != nil {
		return c, err
	}
	if c.B, err = h.Draft(ctx, ref, b); err != nil {
		return c, err
	}
	c.Inputs = []wallet.InputPair{{Input: wallet.DraftInput{OutPoint: wire.OutPoint{Hash: hashOf(4)}, Amount: 5, Label: h.poison}, A: true}}
	c.Outputs = []wallet.OutputPair{{Output: wallet.TxOutput{Amount: btcutil.Amount(7), Address: testAddress, Label: h.poison}, A: 7, B: -1}}
	return c, nil
}
