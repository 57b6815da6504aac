package chain

import (
	"context"
	"encoding/json"
)

// Facts is what a node says of itself, in its own words: programs that read them know Bitcoin
// Core's answers. A field that is nil was not answered.
type Facts struct {
	Blockchain json.RawMessage // getblockchaininfo
	Network    json.RawMessage // getnetworkinfo
	Mempool    json.RawMessage // getmempoolinfo
	Uptime     json.RawMessage // uptime, in seconds
	Indexes    json.RawMessage // getindexinfo
	Scan       json.RawMessage // scantxoutset status
}

// Teller is a source whose node speaks Bitcoin Core's language.
type Teller interface {
	// Facts asks for everything at once. What the node refuses to tell stays nil.
	Facts(ctx context.Context) (Facts, error)
}
