//go:build !offline

package main

import (
	"specter/internal/app"
	"specter/internal/errs"
	"specter/internal/setting"
)

// tunnels reads the SSH tunnels from the flags. One place to listen is for all of them; more go
// with the tunnels in their order.
func (c serverCmd) tunnels() ([]setting.Tunnel, error) {
	switch n := len(c.Listen); {
	case n > 0 && len(c.Tunnel) == 0:
		return nil, errs.E(errs.Invalid, "--tunnel-listen says where a tunnel's server listens; name the server with --tunnel")
	case n > 1 && n != len(c.Tunnel):
		return nil, errs.E(errs.Invalid, "there are %d tunnels and %d places to listen; give --tunnel-listen once for all, or once for each", len(c.Tunnel), n)
	case c.Behind && len(c.Tunnel) == 0:
		return nil, errs.E(errs.Invalid, "--tunnel-proxy is about a proxy on a tunnel's server; name the server with --tunnel")
	}
	var out []setting.Tunnel
	for i, target := range c.Tunnel {
		t := setting.Tunnel{Target: target, Listen: app.DefaultTunnelListen, Proxied: c.Behind}
		switch len(c.Listen) {
		case 0:
		case 1:
			t.Listen = c.Listen[0]
		default:
			t.Listen = c.Listen[i]
		}
		out = append(out, t)
	}
	return out, nil
}
