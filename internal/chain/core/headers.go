package core

import (
	"bytes"
	"context"
	"encoding/hex"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/chain"
	"specter/internal/errs"
)

var _ chain.HeaderTeller = (*Source)(nil)

// Headers asks for block hashes by height and for their headers, in batches.
func (s *Source) Headers(ctx context.Context, from int32, n int) ([]wire.BlockHeader, error) {
	c, end := s.bound(ctx)
	defer end()
	out, err := s.rawHeaders(c, from, min(n, chain.MaxHeaders))
	return out, s.door(ctx, err)
}

func (s *Source) rawHeaders(ctx context.Context, from int32, n int) ([]wire.BlockHeader, error) {
	hashes, err := s.hashesFrom(ctx, from, n)
	if err != nil || len(hashes) == 0 {
		return nil, err
	}
	raws := make([]string, len(hashes))
	calls := make([]*call, len(hashes))
	for i, q := range hashes {
		calls[i] = &call{method: "getblockheader", params: []any{q, false}, result: &raws[i]}
	}
	if err := s.c.batch(ctx, "", calls); err != nil {
		return nil, err
	}
	out := make([]wire.BlockHeader, len(hashes))
	for i, q := range calls {
		if q.err != nil {
			return nil, q.err
		}
		data, err := hex.DecodeString(raws[i])
		if err != nil || len(data) != wire.MaxBlockHeaderPayload {
			return nil, errs.E(errs.Unavailable, "the node's header cannot be read")
		}
		if err := out[i].Deserialize(bytes.NewReader(data)); err != nil {
			return nil, errs.E(errs.Unavailable, "the node's header cannot be read: %w", err)
		}
	}
	return out, nil
}

// hashesFrom tells the hashes of the active chain from a height on, at most n and none above the
// tip. One question tells where that is, so that a node is not asked thousands in vain.
func (s *Source) hashesFrom(ctx context.Context, from int32, n int) ([]string, error) {
	var tip int32
	if n > 1 {
		if err := s.c.call(ctx, "getblockcount", nil, &tip); err != nil {
			return nil, err
		}
		n = min(n, int(tip)-int(from)+1)
	}
	if n <= 0 || from < 0 {
		return nil, nil
	}
	hashes := make([]string, n)
	calls := make([]*call, n)
	for i := range hashes {
		calls[i] = &call{method: "getblockhash", params: []any{from + int32(i)}, result: &hashes[i]}
	}
	if err := s.c.batch(ctx, "", calls); err != nil {
		return nil, err
	}
	for i, q := range calls {
		switch {
		case isCode(q.err, codeInvalidParam): // a reorg made the chain shorter
			return hashes[:i], nil
		case q.err != nil:
			return nil, q.err
		}
	}
	return hashes, nil
}
