package setting

import (
	"context"
	"encoding/json"
	"slices"

	"specter/internal/errs"
)

// Tunnel is a way in from outside that the owner has set up: an SSH connection to a server. What
// its addresses must look like is sshtunnel's matter; here they are words.
type Tunnel struct {
	ID     string // short; who adds one chooses it
	Target string // user@host or user@host:port
	Listen string // where the server listens for us; "": nowhere
	// Proxied: a proxy on the server (nginx) is believed about its clients.
	Proxied bool
	Names   []string // by which browsers know the server, besides the Target's
	Local   string   // address of this machine that leads to Remote; "": none
	Remote  string   // the node's RPC port, as the server sees it
	Paused  bool
}

// Bounds of what is kept.
const (
	maxTunnels = 10
	maxNames   = 10
)

const nameTunnels = "tunnels"

func readTunnels(v map[string]string) ([]Tunnel, error) {
	var list []Tunnel
	if v[nameTunnels] == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(v[nameTunnels]), &list); err != nil {
		return nil, errs.E(errs.Internal, "the stored tunnels cannot be read: %w", err)
	}
	return list, nil
}

// Tunnels returns what the owner has set up, oldest first.
func (s *Service) Tunnels(ctx context.Context) ([]Tunnel, error) {
	stored, err := s.store.Settings(ctx, "")
	if err != nil {
		return nil, err
	}
	return readTunnels(stored)
}

// ChangeTunnels lets change alter the list, which is its own to change, and stores it.
// errs.Invalid for more tunnels or names than are kept, and for two of one ID.
func (s *Service) ChangeTunnels(ctx context.Context, change func([]Tunnel) ([]Tunnel, error)) ([]Tunnel, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, err := s.Tunnels(ctx)
	if err != nil {
		return nil, err
	}
	after, err := change(slices.Clone(before))
	if err != nil {
		return before, err
	}
	ids := map[string]bool{}
	for _, t := range after {
		if t.ID == "" || ids[t.ID] || len(t.Names) > maxNames {
			return before, errs.E(errs.Invalid, "a tunnel needs a name of its own, and may have %d host names at most", maxNames)
		}
		ids[t.ID] = true
	}
	if len(after) > maxTunnels {
		return before, errs.E(errs.Invalid, "%d tunnels are enough; remove one first", maxTunnels)
	}
	text := ""
	if len(after) > 0 {
		b, err := json.Marshal(after)
		if err != nil {
			return before, err
		}
		text = string(b)
	}
	return after, s.store.PutSettings(ctx, "", map[string]string{nameTunnels: text})
}
