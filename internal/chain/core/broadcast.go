package core

import (
	"context"
	"strings"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/errs"
)

// Broadcast hands a transaction to the network. One that is in the mempool or in a block
// already is a success. A refusal is errs.Invalid with the reason in words and as the node put it.
func (s *Source) Broadcast(ctx context.Context, tx *wire.MsgTx) error {
	b, end := s.bound(ctx)
	defer end()
	raw, err := encodeTx(tx)
	if err != nil {
		return err
	}
	err = s.c.call(b, "sendrawtransaction", []any{raw}, nil)
	switch {
	case err == nil, isCode(err, codeInChain), known(err):
		err = nil
		s.lookNow()
	case isCode(err, codeVerify) && says(err, "missing"):
		// Its coins are gone: perhaps because it is in a block and its outputs are spent as well.
		if _, conf, e := s.find(b, tx.TxHash()); e == nil && conf > 0 {
			return nil
		}
		err = refusal(err)
	case isCode(err, codeVerify, codeRejected, codeDeserialize, codeInvalidParam):
		err = refusal(err)
	}
	return s.door(ctx, err)
}

// known tells a refusal that only says that the mempool has the transaction already.
func known(err error) bool {
	return says(err, "txn-already-in-mempool") || says(err, "txn-already-known") ||
		says(err, "txn-same-nonwitness-data-in-mempool")
}

// TestAccept asks the mempool's rules without sending. A refusal is errs.Invalid with the
// reason in words and as the node put it.
func (s *Source) TestAccept(ctx context.Context, tx *wire.MsgTx) error {
	b, end := s.bound(ctx)
	defer end()
	raw, err := encodeTx(tx)
	if err != nil {
		return err
	}
	var out []struct {
		Allowed bool   `json:"allowed"`
		Reason  string `json:"reject-reason"`
		Details string `json:"reject-details"`
	}
	if err = s.c.call(b, "testmempoolaccept", []any{[]string{raw}}, &out); err != nil {
		if isCode(err, codeDeserialize, codeInvalidParam, codeVerify, codeRejected) {
			return refusal(err)
		}
		return s.door(ctx, err)
	}
	if len(out) != 1 {
		return errs.E(errs.Unavailable, "the node did not judge the transaction; is it still syncing?")
	}
	e := &RPCError{Code: codeRejected, Message: out[0].Reason}
	if out[0].Allowed || known(e) {
		return nil
	}
	if e.Message == "" {
		e.Message = out[0].Details
	}
	return refusal(e)
}

// reasons puts the node's words for a refusal into a person's, the more special first.
var reasons = []struct{ word, sentence string }{
	{"missingorspent", "one of its coins is spent already, or the node does not know it"},
	{"missing-inputs", "one of its coins is spent already, or the node does not know it"},
	{"txn-mempool-conflict", "another transaction in the mempool spends one of its coins and may not be replaced"},
	{"insufficient fee", "it pays too little to replace the transaction that spends the same coins"},
	{"too many potential replacements", "it would replace too many transactions at once"},
	{"mempool min fee not met", "its feerate is below what the node's full mempool takes now; choose a higher one"},
	{"min relay fee not met", "its feerate is below the least that the network passes on; choose a higher one"},
	{"max-fee-exceeded", "its feerate is above 10,000 sat/vB, which is surely a mistake"},
	{"fee exceeds maximum", "its feerate is above 10,000 sat/vB, which is surely a mistake"},
	{"absurdly", "its fee is absurdly high"},
	{"dust", "one of its outputs is dust: too small to be worth its own fee"},
	{"non-final", "its locktime lies in the future; it can be sent later"},
	{"bip68", "a coin is still locked by its age; it can be sent later"},
	{"premature-spend-of-coinbase", "it spends a mined coin that is not 100 blocks old"},
	{"too-long-mempool-chain", "too many of its ancestors are unconfirmed; wait for a block"},
	{"in-belowout", "it spends more than its coins hold"},
	{"script-verify-flag", "a signature is missing or wrong"},
	{"scriptsig", "an input's script is not standard"},
	{"witness", "an input's witness is not standard or not right"},
	{"tx-size", "it is larger than the network passes on"},
	{"tx decode failed", "it is not a whole transaction"},
}

// refusal makes an errs.Invalid error of the node's no.
func refusal(err error) error {
	words := err.Error()
	if e, ok := asRPC(err); ok {
		words = e.Message
	}
	if len(words) > 300 {
		words = words[:300] + "…"
	}
	for _, r := range reasons {
		if strings.Contains(strings.ToLower(words), r.word) {
			return &errs.Error{Kind: errs.Invalid, Message: "the node refuses the transaction: " + r.sentence + " (" + words + ")", Cause: err}
		}
	}
	return &errs.Error{Kind: errs.Invalid, Message: "the node refuses the transaction: " + words, Cause: err}
}
