package core

import (
	"context"
	"encoding/json"

	"specter/internal/chain"
)

// Facts asks what the node says of itself, in one request. A question that the node refuses
// (an old node, an RPC whitelist) is left open; errs.Unavailable when none can be answered.
func (s *Source) Facts(ctx context.Context) (chain.Facts, error) {
	b, end := s.bound(ctx)
	defer end()
	var f chain.Facts
	calls := []*call{
		{method: "getblockchaininfo", result: &f.Blockchain},
		{method: "getnetworkinfo", result: &f.Network},
		{method: "getmempoolinfo", result: &f.Mempool},
		{method: "uptime", result: &f.Uptime},
		{method: "getindexinfo", result: &f.Indexes},
		{method: "scantxoutset", params: []any{"status"}, result: &f.Scan},
	}
	if err := s.c.batch(b, "", calls); err != nil {
		return chain.Facts{}, s.door(ctx, err)
	}
	if calls[0].err != nil {
		return chain.Facts{}, s.door(ctx, calls[0].err)
	}
	var info chainInfo
	if err := json.Unmarshal(f.Blockchain, &info); err != nil {
		return chain.Facts{}, unavailable(err, "the node's answer to getblockchaininfo cannot be understood")
	}
	return f, s.c.checkNetwork(info)
}
