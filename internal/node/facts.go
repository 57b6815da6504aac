package node

import (
	"context"
	"encoding/json"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/chain"
)

// Facts is what the active node says of itself, in Bitcoin Core's words, as JSON objects. They
// are nil when there is no node, or none that has answered yet.
type Facts struct {
	Blockchain json.RawMessage // as getblockchaininfo
	Network    json.RawMessage // as getnetworkinfo
	Mempool    json.RawMessage // as getmempoolinfo
	Uptime     json.RawMessage // seconds
	Indexes    json.RawMessage // as getindexinfo
	Scan       json.RawMessage // as scantxoutset status
	Old        bool            // the node does not answer now: told from its last status
}

// factsFor is how long Facts waits for the node.
const factsFor = 3 * time.Second

// Facts asks the active node what it says of itself. When it is away, or no Bitcoin Core, the
// facts are told from its last status. It never fails.
func (s *Service) Facts(ctx context.Context) Facts {
	st := s.Status(ctx)
	old := factsOf(st)
	if src := s.current(); src != nil {
		t, ok := src.(chain.Teller)
		if !ok {
			old.Old = st.Away
			return old
		}
		ask, cancel := context.WithTimeout(ctx, factsFor)
		defer cancel()
		if f, err := t.Facts(ask); err == nil && s.current() == src {
			return Facts{f.Blockchain, f.Network, f.Mempool, f.Uptime, f.Indexes, f.Scan, false}
		}
	}
	old.Old = true
	return old
}

// factsOf tells a status in Bitcoin Core's words.
func factsOf(st State) (f Facts) {
	if !st.Known {
		return f
	}
	s := st.Status
	f.Blockchain = object(map[string]any{
		"chain": s.Network.CoreName(), "blocks": s.Tip.Height, "headers": s.Headers, "bestblockhash": s.Tip.Hash.String(), "time": s.Tip.Time.Unix(),
		"verificationprogress": s.Progress, "initialblockdownload": !s.Synced, "size_on_disk": s.DiskSize, "pruned": s.PrunedTo > 0, "warnings": []string{},
	})
	f.Network = object(map[string]any{
		"subversion": s.Version, "connections": max(s.Connections, 0), "networkactive": true, "relayfee": json.RawMessage(btc.FormatBTC(btcutil.Amount(s.MinRelay))), "warnings": []string{},
	})
	f.Mempool = object(map[string]any{"loaded": s.SeesMempool, "size": s.MempoolTxs, "minrelaytxfee": json.RawMessage(btc.FormatBTC(btcutil.Amount(s.MinRelay)))})
	return f
}

// object writes a JSON object; what is in it can be written.
func object(m map[string]any) json.RawMessage {
	b, err := json.Marshal(m)
	if err != nil {
		return nil
	}
	return b
}
