package core_test

import (
	"context"
	"encoding/json"
	"testing"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/chain/core"
	"specter/internal/errs"
)

var _ chain.Teller = (*core.Source)(nil)

// The node's words come back as they are; what it will not tell stays open.
func TestFactsAreTheNodesOwnWords(t *testing.T) {
	f := newFake(t)
	f.set("uptime", 4711)
	f.set("scantxoutset", nil)
	f.set("getindexinfo", &core.RPCError{Code: -32601, Message: "Method not found"})
	s := open(t, f.config(t))
	facts, err := s.Facts(context.Background())
	must(t, err)
	if string(facts.Uptime) != "4711" || string(facts.Mempool) != `{"size":3,"mempoolminfee":0.00001000,"minrelaytxfee":1e-6}` || facts.Indexes != nil || string(facts.Scan) != "null" && facts.Scan != nil {
		t.Errorf("uptime %s, mempool %s, indexes %s, scan %s", facts.Uptime, facts.Mempool, facts.Indexes, facts.Scan)
	}
	var info map[string]any
	must(t, json.Unmarshal(facts.Blockchain, &info))
	if info["chain"] != "regtest" || info["mediantime"] == nil {
		t.Errorf("info %v", info)
	}
}

// A node of another network, one that does not know its chain, and one that is away tell nothing.
func TestFactsOfAnotherNodeAreNotTold(t *testing.T) {
	f := newFake(t)
	c := f.config(t)
	c.Network = btc.Signet
	s := open(t, c)
	if _, err := s.Facts(context.Background()); !errs.Is(err, errs.Unavailable) {
		t.Errorf("another network: %v", err)
	}
	f.set("getblockchaininfo", &core.RPCError{Code: -28, Message: "Loading block index…"})
	if _, err := open(t, f.config(t)).Facts(context.Background()); !errs.Is(err, errs.Unavailable) {
		t.Errorf("still starting: %v", err)
	}
	f.Close()
	if _, err := open(t, f.config(t)).Facts(context.Background()); !errs.Is(err, errs.Unavailable) {
		t.Errorf("away: %v", err)
	}
}
