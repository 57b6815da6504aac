package core

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/errs"
)

var (
	_ chain.Pool      = (*Source)(nil)
	_ chain.Packager  = (*Source)(nil)
	_ chain.Abandoner = (*Source)(nil)
)

// mempoolEntry is what we read of getmempoolentry.
type mempoolEntry struct {
	VSize           int64 `json:"vsize"`
	AncestorCount   int   `json:"ancestorcount"`
	AncestorSize    int64 `json:"ancestorsize"`
	DescendantCount int   `json:"descendantcount"`
	DescendantSize  int64 `json:"descendantsize"`
	Fees            struct {
		Base       json.Number `json:"base"`
		Ancestor   json.Number `json:"ancestor"`
		Descendant json.Number `json:"descendant"`
	} `json:"fees"`
}

// PoolEntry asks about a transaction of the node's mempool. Fees are those that were paid,
// without what prioritisetransaction adds to the ancestors' in the node's books.
func (s *Source) PoolEntry(ctx context.Context, id chainhash.Hash) (chain.PoolEntry, error) {
	b, end := s.bound(ctx)
	defer end()
	var e mempoolEntry
	if err := s.c.call(b, "getmempoolentry", []any{id.String()}, &e); err != nil {
		if isCode(err, codeInvalidAddress) {
			return chain.PoolEntry{}, errs.E(errs.NotFound, "the transaction %s is not in the node's mempool", id)
		}
		return chain.PoolEntry{}, s.door(ctx, err)
	}
	out := chain.PoolEntry{VSize: btc.VSize(e.VSize), AncestorVSize: btc.VSize(e.AncestorSize), Ancestors: e.AncestorCount,
		DescendantVSize: btc.VSize(e.DescendantSize), Descendants: e.DescendantCount}
	for _, f := range []struct {
		to   *btcutil.Amount
		from json.Number
	}{{&out.Fee, e.Fees.Base}, {&out.AncestorFee, e.Fees.Ancestor}, {&out.DescendantFee, e.Fees.Descendant}} {
		a, err := btc.ParseBTC(plain(f.from.String()))
		if err != nil {
			return chain.PoolEntry{}, unavailable(err, "the node's mempool entry cannot be understood")
		}
		*f.to = a
	}
	if out.VSize <= 0 || out.AncestorVSize < out.VSize || out.DescendantVSize < out.VSize {
		return chain.PoolEntry{}, errs.E(errs.Unavailable, "the node's mempool entry of %s makes no sense", id)
	}
	return out, nil
}

// PoolFloor asks what the node's mempool takes now.
func (s *Source) PoolFloor(ctx context.Context) (chain.PoolFloor, error) {
	b, end := s.bound(ctx)
	defer end()
	var i struct {
		mempoolInfo
		Increment json.Number `json:"incrementalrelayfee"`
	}
	if err := s.c.call(b, "getmempoolinfo", nil, &i); err != nil {
		return chain.PoolFloor{}, s.door(ctx, err)
	}
	var f chain.PoolFloor
	var err error
	if f.MinRelay, err = feeRate(i.MinRelay); err != nil {
		return f, unavailable(err, "the node's relay feerate cannot be understood")
	}
	if f.Min, err = feeRate(i.MinFee); err != nil {
		return f, unavailable(err, "the node's least feerate cannot be understood")
	}
	f.Min = max(f.Min, f.MinRelay)
	if f.Increment, err = feeRate(i.Increment); err != nil {
		f.Increment = 1_000 // before version 24 nodes do not tell; this was their default
	}
	return f, nil
}

// packageResult is what we read of submitpackage.
type packageResult struct {
	Message string `json:"package_msg"`
	Results map[string]struct {
		TxID  string `json:"txid"`
		Error string `json:"error"`
	} `json:"tx-results"`
}

// SubmitPackage hands parents and a child to the mempool together (submitpackage, since 26).
func (s *Source) SubmitPackage(ctx context.Context, txs []*wire.MsgTx) error {
	b, end := s.bound(ctx)
	defer end()
	raws := make([]string, len(txs))
	for i, tx := range txs {
		raw, err := encodeTx(tx)
		if err != nil {
			return err
		}
		raws[i] = raw
	}
	var out packageResult
	if err := s.c.call(b, "submitpackage", []any{raws}, &out); err != nil {
		if isCode(err, codeNoMethod) {
			return errs.E(errs.Unavailable, "this node takes no packages of transactions; it needs Bitcoin Core 26 or newer")
		}
		if isCode(err, codeDeserialize, codeInvalidParam, codeVerify, codeRejected) {
			return refusal(err)
		}
		return s.door(ctx, err)
	}
	s.lookNow()
	return out.err(txs)
}

// err is nil when every transaction of the package is in the mempool now.
func (r packageResult) err(txs []*wire.MsgTx) error {
	if r.Message == "success" {
		return nil
	}
	words := r.Message
	for _, tx := range txs {
		t, told := r.Results[tx.WitnessHash().String()]
		e := &RPCError{Code: codeRejected, Message: t.Error}
		if told && t.Error != "" && !known(e) {
			words = t.Error
			break
		}
	}
	return refusal(&RPCError{Code: codeRejected, Message: words})
}

// Abandon makes the node's wallet forget a transaction that is not in the mempool. One that the
// wallet does not have, or has given up already, is fine.
func (s *Source) Abandon(ctx context.Context, name string, id chainhash.Hash) error {
	b, end := s.bound(ctx)
	defer end()
	s.mu.Lock()
	inNode := ""
	if w := s.wallets[name]; w != nil {
		inNode = w.inNode
	}
	s.mu.Unlock()
	if inNode == "" {
		return errs.E(errs.Unavailable, "the node's wallet %q is not open yet; try again after a sync", name)
	}
	var t struct {
		walletTx
		Details []struct {
			Abandoned bool `json:"abandoned"`
		} `json:"details"`
	}
	err := s.c.walletCall(b, inNode, "gettransaction", []any{id.String()}, &t)
	switch {
	case isCode(err, codeInvalidAddress):
		return nil
	case err != nil:
		return s.door(ctx, err)
	case t.Confirmations < 0 || len(t.Details) > 0 && t.Details[0].Abandoned:
		return nil // in conflict with a block, or given up already
	}
	if err := s.c.walletCall(b, inNode, "abandontransaction", []any{id.String()}, nil); err != nil {
		if isCode(err, codeInvalidAddress) {
			return errs.E(errs.Conflict, "the node still holds the transaction %s; it cannot be given up (%w)", id, err)
		}
		return s.door(ctx, fmt.Errorf("give up %s: %w", id, err))
	}
	s.lookNow()
	return nil
}
