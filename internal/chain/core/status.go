package core

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/errs"
)

// chainInfo is what we read of getblockchaininfo.
type chainInfo struct {
	Chain      string  `json:"chain"`
	Blocks     int32   `json:"blocks"`
	Headers    int32   `json:"headers"`
	Best       hash    `json:"bestblockhash"`
	Time       int64   `json:"time"`
	MedianTime int64   `json:"mediantime"`
	Progress   float64 `json:"verificationprogress"`
	IBD        bool    `json:"initialblockdownload"`
	Disk       int64   `json:"size_on_disk"`
	Pruned     bool    `json:"pruned"`
	PruneTo    int32   `json:"pruneheight"`
}

type networkInfo struct {
	Version     int    `json:"version"`
	SubVersion  string `json:"subversion"`
	Connections int    `json:"connections"`
}

type mempoolInfo struct {
	Size     int         `json:"size"`
	Bytes    int64       `json:"bytes"`
	TotalFee json.Number `json:"total_fee"`
	MinFee   json.Number `json:"mempoolminfee"`
	MinRelay json.Number `json:"minrelaytxfee"`
}

// hash is a block hash or txid as the node prints it.
type hash struct{ chainhash.Hash }

// UnmarshalText reads 64 hex digits.
func (h *hash) UnmarshalText(b []byte) error {
	if len(b) != 2*chainhash.HashSize {
		return fmt.Errorf("a hash has 64 hex digits, not %d", len(b))
	}
	v, err := chainhash.NewHashFromStr(string(b))
	if err == nil {
		h.Hash = *v
	}
	return err
}

// feeRate reads an amount in BTC/kvB as sat/kvB; the node prints decimals, never a float of ours.
func feeRate(n json.Number) (btc.FeeRate, error) {
	a, err := btc.ParseBTC(plain(n.String()))
	return btc.FeeRate(a), err
}

// plain writes a number such as "1e-05" without its exponent; what it does not understand it
// leaves to the parser to refuse.
func plain(s string) string {
	mantissa, exp, has := strings.Cut(strings.ToLower(s), "e")
	if !has || len(s) > 32 {
		return s
	}
	var e int
	if _, err := fmt.Sscanf(exp, "%d", &e); err != nil || e < -20 || e > 20 {
		return s
	}
	whole, frac, _ := strings.Cut(mantissa, ".")
	for ; e < 0; e++ {
		if whole == "" {
			whole = "0"
		}
		frac, whole = whole[len(whole)-1:]+frac, whole[:len(whole)-1]
	}
	for ; e > 0; e-- {
		if frac == "" {
			frac = "0"
		}
		whole, frac = whole+frac[:1], frac[1:]
	}
	if whole == "" {
		whole = "0"
	}
	if frac = strings.TrimRight(frac, "0"); frac != "" {
		return whole + "." + frac
	}
	return whole
}

// network reads the node's word for its network.
func (i chainInfo) network() (btc.Network, error) {
	n, err := btc.ParseNetwork(i.Chain)
	if err != nil {
		return 0, errs.E(errs.Unavailable, "the node runs on %q, which this program does not know", i.Chain)
	}
	return n, nil
}

// synced tells whether the node has caught up. On regtest the initial download has no meaning.
func (i chainInfo) synced(n btc.Network) bool {
	return (!i.IBD || n == btc.Regtest) && i.Headers-i.Blocks <= 2
}

func (i chainInfo) tip() chain.Block {
	return chain.Block{Height: i.Blocks, Hash: i.Best.Hash, Time: unix(i.Time)}
}

func unix(sec int64) time.Time {
	if sec <= 0 {
		return time.Time{}
	}
	return time.Unix(sec, 0).UTC()
}

// chainInfo asks how the chain stands and holds the node to the expected network.
func (c *client) chainInfo(ctx context.Context) (chainInfo, error) {
	var i chainInfo
	if err := c.call(ctx, "getblockchaininfo", nil, &i); err != nil {
		return i, err
	}
	return i, c.checkNetwork(i)
}

func (c *client) checkNetwork(i chainInfo) error {
	n, err := i.network()
	if err != nil || c.c.AnyNetwork || n == c.c.Network {
		return err
	}
	return errs.E(errs.Unavailable, "the node at %s runs on %s now, not on %s; connect the node of %s",
		c.c.address(), n, c.c.Network, c.c.Network)
}

// status asks everything that a page shows of a node in one request.
func (c *client) status(ctx context.Context) (chain.Status, error) {
	var info chainInfo
	var net networkInfo
	var pool mempoolInfo
	calls := []*call{
		{method: "getblockchaininfo", result: &info},
		{method: "getnetworkinfo", result: &net},
		{method: "getmempoolinfo", result: &pool},
	}
	if err := c.batch(ctx, "", calls); err != nil {
		return chain.Status{}, err
	}
	for _, q := range calls {
		if q.err != nil {
			return chain.Status{}, q.err
		}
	}
	n, err := info.network()
	if err != nil {
		return chain.Status{}, err
	}
	if err := c.checkNetwork(info); err != nil {
		return chain.Status{}, err
	}
	st := chain.Status{
		Network: n, Tip: info.tip(), Headers: info.Headers, Synced: info.synced(n), Progress: info.Progress,
		SeesMempool: true, Version: versionName(net), Connections: net.Connections,
		MempoolTxs: pool.Size, DiskSize: info.Disk,
	}
	if info.Pruned {
		st.PrunedTo = info.PruneTo
	}
	if st.MinRelay, err = feeRate(pool.MinRelay); err != nil {
		return st, unavailable(err, "the node's relay feerate cannot be understood")
	}
	return st, nil
}

// versionName tells a node's program and version for people: "/Satoshi:29.4.2/Knots:20260508/"
// is "Bitcoin Knots 29.4.2", "/Satoshi:28.1.0/" is "Bitcoin Core 28.1.0".
func versionName(i networkInfo) string {
	name := "Bitcoin Core"
	if strings.Contains(i.SubVersion, "/Knots:") {
		name = "Bitcoin Knots"
	}
	_, rest, _ := strings.Cut(i.SubVersion, "/Satoshi:")
	v, _, ok := strings.Cut(rest, "/")
	v, _, _ = strings.Cut(v, "(")
	if !ok || v == "" || len(v) > 20 {
		v = fmt.Sprintf("%d.%d.%d", i.Version/10000, i.Version/100%100, i.Version%100)
	}
	return name + " " + v
}
