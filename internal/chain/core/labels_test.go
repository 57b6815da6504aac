package core_test

import (
	"context"
	"encoding/json"
	"maps"
	"testing"

	"specter/internal/chain/core"
)

// Labels of a wallet inside the node come with their addresses; our own mark is none, a wallet that
// is not loaded is, and one that is not there has no labels and is not made.
func TestLabelsOfAWalletInsideTheNode(t *testing.T) {
	f := newFake(t)
	loaded := false
	f.set("listlabels", func(json.RawMessage) any {
		if !loaded {
			return &core.RPCError{Code: -18, Message: "Requested wallet does not exist or is not loaded"}
		}
		return []string{"", "specter", "Lohn, März", "gone"}
	})
	f.set("loadwallet", func(json.RawMessage) any { loaded = true; return map[string]any{"name": "specterab/old"} })
	f.set("getaddressesbylabel", func(params json.RawMessage) any {
		switch {
		case string(params) == `["Lohn, März"]`:
			return map[string]any{"bcrt1qa": map[string]string{"purpose": "receive"}, "bcrt1qb": map[string]string{"purpose": "send"}}
		case string(params) == `["gone"]`:
			return &core.RPCError{Code: -11, Message: "No addresses with label gone"}
		}
		t.Errorf("it asked for %s", params)
		return nil
	})
	s, err := core.Open(f.config(t))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got, err := s.Labels(context.Background(), "specterab/old")
	if err != nil || !maps.Equal(got, map[string]string{"bcrt1qa": "Lohn, März", "bcrt1qb": "Lohn, März"}) {
		t.Errorf("labels are %v, %v", got, err)
	}
	loaded = false
	f.set("loadwallet", &core.RPCError{Code: -18, Message: "Path does not exist"})
	if got, err := s.Labels(context.Background(), "specterab/never"); err != nil || len(got) > 0 || f.count("createwallet") > 0 {
		t.Errorf("labels of no wallet are %v, %v", got, err)
	}
}
