package v1

import (
	"specter/internal/btc"
	"specter/internal/btc/spend"
	"specter/internal/wallet"
)

// What can be done about a transaction that was sent, or that comes in too slowly: another takes
// its place (BIP125), or a child pays for it.

// replaceInput asks for a replacement: the same payment with a higher fee, or its cancellation.
type replaceInput struct {
	Cancel      bool         `json:"cancel"`
	FeeRate     *int64       `json:"feerate_sat_kvb"`
	Blocks      *int         `json:"target_blocks"`
	SubtractFee []int        `json:"subtract_fee_from_vouts"`
	Note        string       `json:"note"`
	Agreed      []spend.Code `json:"agreed"`
}

// childInput asks for a child that pays for its parent.
type childInput struct {
	FeeRate   *int64       `json:"feerate_sat_kvb"`
	Blocks    *int         `json:"target_blocks"`
	Outpoints []string     `json:"outpoints"`
	Note      string       `json:"note"`
	Agreed    []spend.Code `json:"agreed"`
}

// feeChoice reads a feerate or a target; neither is the service's own choice.
func feeChoice(feeRate *int64, blocks *int) (btc.FeeRate, int, error) {
	switch {
	case feeRate != nil && blocks != nil:
		return 0, 0, invalid("target_blocks", "give a feerate or a target in blocks, not both")
	case feeRate != nil && (*feeRate < 1 || *feeRate > maxFeeRate):
		return 0, 0, invalid("feerate_sat_kvb", "a feerate is 1 to %d sat/kvB", maxFeeRate)
	case blocks != nil && (*blocks < 1 || *blocks > maxTarget):
		return 0, 0, invalid("target_blocks", "a target is 1 to %d blocks", maxTarget)
	case feeRate != nil:
		return btc.FeeRate(*feeRate), 0, nil
	case blocks != nil:
		return 0, *blocks, nil
	}
	return 0, 0, nil
}

func (c *call) replacement() (q wallet.ReplaceRequest, err error) {
	var in replaceInput
	if err := c.take(&in); err != nil {
		return q, err
	}
	q = wallet.ReplaceRequest{Cancel: in.Cancel, SubtractFee: in.SubtractFee, Note: in.Note, Token: c.onceToken(), Care: careOf(in.Agreed)}
	if q.FeeRate, q.Blocks, err = feeChoice(in.FeeRate, in.Blocks); err != nil {
		return q, err
	}
	q.TxID, err = c.txid()
	return q, err
}

func (c *call) child() (q wallet.ChildRequest, err error) {
	var in childInput
	if err := c.take(&in); err != nil {
		return q, err
	}
	q = wallet.ChildRequest{Note: in.Note, Token: c.onceToken(), Care: careOf(in.Agreed)}
	if q.FeeRate, q.Blocks, err = feeChoice(in.FeeRate, in.Blocks); err != nil {
		return q, err
	}
	if q.Coins, err = outpoints("outpoints", in.Outpoints); err != nil {
		return q, err
	}
	q.TxID, err = c.txid()
	return q, err
}

func postReplacementPreview(c *call) (any, error) {
	q, err := c.replacement()
	if err != nil {
		return nil, err
	}
	p, err := c.s.c.Wallets.PreviewReplace(c.ctx(), c.ref(), q)
	return previewOf(p), err
}

func postReplacement(c *call) (any, error) {
	q, err := c.replacement()
	if err != nil {
		return nil, err
	}
	d, err := c.s.c.Wallets.Replace(c.ctx(), c.ref(), q)
	return created{c.draftPath(d.ID), detailOf(c.wallet.Alias, d)}, err
}

func postChildPreview(c *call) (any, error) {
	q, err := c.child()
	if err != nil {
		return nil, err
	}
	p, err := c.s.c.Wallets.PreviewChild(c.ctx(), c.ref(), q)
	return previewOf(p), err
}

func postChild(c *call) (any, error) {
	q, err := c.child()
	if err != nil {
		return nil, err
	}
	d, err := c.s.c.Wallets.Child(c.ctx(), c.ref(), q)
	return created{c.draftPath(d.ID), detailOf(c.wallet.Alias, d)}, err
}
