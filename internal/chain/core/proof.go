package core

import (
	"bytes"
	"context"
	"encoding/hex"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/chain"
	"specter/internal/errs"
)

var _ chain.Prover = (*Source)(nil)

// maxProof bounds a proof in bytes: a header, some 14 hashes and a few flags in hex.
const maxProof = 4000

// Proof asks for gettxoutproof and the headers above. Nothing of it is believed before
// chain.Proof.Check.
func (s *Source) Proof(ctx context.Context, txid chainhash.Hash, b chain.Block) (chain.Proof, error) {
	c, end := s.bound(ctx)
	defer end()
	p, err := s.proof(c, txid, b)
	return p, s.door(ctx, err)
}

func (s *Source) proof(ctx context.Context, txid chainhash.Hash, b chain.Block) (chain.Proof, error) {
	var raw string
	err := s.c.call(ctx, "gettxoutproof", []any{[]string{txid.String()}, b.Hash.String()}, &raw)
	if isCode(err, codeInvalidAddress) { // -5: block or transaction not found
		return chain.Proof{}, errs.E(errs.NotFound, "the node has no transaction %s in the block %s", txid, b.Hash)
	}
	if err != nil {
		return chain.Proof{}, err
	}
	data, err := hex.DecodeString(raw)
	if err != nil || len(data) > maxProof {
		return chain.Proof{}, errs.E(errs.Unavailable, "the node's proof cannot be read")
	}
	m := new(wire.MsgMerkleBlock)
	r := bytes.NewReader(data)
	if err := m.BtcDecode(r, wire.BIP0037Version, wire.BaseEncoding); err != nil || r.Len() > 0 {
		return chain.Proof{}, errs.E(errs.Unavailable, "the node's proof cannot be read")
	}
	above, err := s.headersAbove(ctx, b.Height)
	return chain.Proof{Merkle: m, Above: above}, err
}

// headersAbove fetches the headers above a height, as far as there are any.
func (s *Source) headersAbove(ctx context.Context, height int32) ([]wire.BlockHeader, error) {
	hashes := make([]string, chain.ProofHeaders)
	var calls []*call
	for i := range hashes {
		calls = append(calls, &call{method: "getblockhash", params: []any{height + 1 + int32(i)}, result: &hashes[i]})
	}
	if err := s.c.batch(ctx, "", calls); err != nil {
		return nil, err
	}
	raws := make([]string, 0, len(hashes))
	calls = calls[:0:0]
	for i, q := range []string(hashes) {
		if q == "" { // above the tip
			break
		}
		raws = append(raws, "")
		calls = append(calls, &call{method: "getblockheader", params: []any{q, false}, result: &raws[i]})
	}
	if len(calls) == 0 {
		return nil, nil
	}
	if err := s.c.batch(ctx, "", calls); err != nil {
		return nil, err
	}
	var out []wire.BlockHeader
	for i, q := range calls {
		if q.err != nil {
			return nil, q.err
		}
		data, err := hex.DecodeString(raws[i])
		if err != nil || len(data) != wire.MaxBlockHeaderPayload {
			return nil, errs.E(errs.Unavailable, "the node's header cannot be read")
		}
		var h wire.BlockHeader
		if err := h.Deserialize(bytes.NewReader(data)); err != nil {
			return nil, errs.E(errs.Unavailable, "the node's header cannot be read: %w", err)
		}
		out = append(out, h)
	}
	return out, nil
}
