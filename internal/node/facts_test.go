package node_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"specter/internal/chain"
	"specter/internal/chain/demo"
	"specter/internal/node"
)

func chainIn(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	var info struct {
		Chain string `json:"chain"`
		Best  string `json:"bestblockhash"`
	}
	if err := json.Unmarshal(raw, &info); err != nil || len(info.Best) != 64 {
		t.Errorf("info %s: %v", raw, err)
	}
	return info.Chain
}

// Facts are the node's own while it answers, and those of its last status when it does not.
func TestFactsOutliveTheNode(t *testing.T) {
	s := newService(t, node.Config{})
	ctx := t.Context()
	if f := s.Facts(ctx); f.Blockchain != nil || f.Network != nil {
		t.Errorf("without a node: %+v", f)
	}
	fake := newFake(t)
	_, _, err := s.Connect(ctx, fake.node("Home"))
	must(t, err)
	s.Look(ctx)
	f := s.Facts(ctx)
	if f.Old || chainIn(t, f.Blockchain) != "regtest" || !strings.Contains(string(f.Network), "/Satoshi:29.0.0/") {
		t.Errorf("facts %s %s", f.Blockchain, f.Network)
	}
	fake.down.Store(true)
	s.Look(ctx)
	f = s.Facts(ctx)
	if !f.Old || chainIn(t, f.Blockchain) != "regtest" || !strings.Contains(string(f.Network), "Bitcoin Core 29.0.0") || f.Uptime != nil {
		t.Errorf("while it is away: old %v, %s %s", f.Old, f.Blockchain, f.Network)
	}
}

// The demo chain speaks no RPC; its facts are told from its status.
func TestFactsOfTheDemoChain(t *testing.T) {
	c, err := demo.Open("", demo.Options{})
	must(t, err)
	t.Cleanup(func() { c.Close() })
	s := newService(t, node.Config{OpenDemo: func(context.Context) (chain.Source, error) { return c, nil }})
	n, err := s.Save(t.Context(), node.Node{Name: "Demo", Kind: node.Demo})
	must(t, err)
	must(t, s.Activate(t.Context(), n.Alias))
	s.Look(t.Context())
	if f := s.Facts(t.Context()); f.Old || chainIn(t, f.Blockchain) != "regtest" || !json.Valid(f.Network) || !json.Valid(f.Mempool) {
		t.Errorf("facts %+v", f)
	}
}
