package app

import (
	"context"
	"crypto/rand"
	"strings"

	"specter/internal/api/v1"
	"specter/internal/auth"
	"specter/internal/errs"
	"specter/internal/remote/cert"
	"specter/internal/remote/sshtunnel"
	"specter/internal/setting"
)

// apiSide is what programs ask that pages ask too, in the API's own types. Web and API stand on one
// floor and do not know each other; where their types are alike a conversion does.
type apiSide struct{ a *App }

// remote is what the API asks about being reached from elsewhere.
func (s apiSide) remote() v1.Remote {
	r := v1.Remote{Certificates: s.a, Doctor: s.a.Examine, Reachable: s.a.reachable, Onion: s.a.onions}
	if !s.a.c.BridgeOnly {
		r.Tunnels = apiTunnels{s.a.tunnels}
	}
	return r
}

// devices is what the API asks about the bridge and its agents.
func (s apiSide) devices() v1.USB { return apiUSB{usb(s)} }

// RenewCertificate gets a new certificate; errs.Conflict while the program speaks plain HTTP.
func (a *App) RenewCertificate(ctx context.Context) error {
	source, ok := a.source.(cert.Renewer)
	if !ok {
		return errs.E(errs.Conflict, "this Specter speaks plain HTTP and has no certificate; start it with --tls self-signed, --acme or --cert and --key")
	}
	err := source.Renew(ctx)
	if err == nil {
		a.c.Log.Info("the certificate was renewed by the owner's wish", "names", a.source.State().Names)
	}
	return err
}

// apiTunnels are the tunnels for the API.
type apiTunnels struct{ *tunnels }

// Tunnels lists them.
func (t apiTunnels) Tunnels(ctx context.Context) ([]v1.TunnelState, error) {
	list, err := t.tunnels.Tunnels(ctx)
	out := make([]v1.TunnelState, len(list))
	for i, one := range list {
		out[i] = v1.TunnelState(one)
	}
	return out, err
}

// AddTunnel makes a tunnel and tells its id. Errors as of PutTunnel.
func (t *tunnels) AddTunnel(ctx context.Context, one setting.Tunnel) (id string, err error) {
	if one, err = cleanTunnel(one); err != nil {
		return "", err
	}
	one.ID = strings.ToLower(rand.Text()[:8])
	return one.ID, t.change(ctx, func(list []setting.Tunnel) ([]setting.Tunnel, error) { return append(list, one), nil })
}

// ChangeTunnel alters a stored tunnel in one step; its id and whether it is taken down stay.
func (t *tunnels) ChangeTunnel(ctx context.Context, id string, alter func(*setting.Tunnel)) error {
	return t.change(ctx, func(list []setting.Tunnel) ([]setting.Tunnel, error) {
		i, err := t.find(list, id)
		if err != nil {
			return nil, err
		}
		one := list[i]
		alter(&one)
		if one, err = cleanTunnel(one); err != nil {
			return nil, err
		}
		one.ID, one.Paused = list[i].ID, list[i].Paused
		list[i] = one
		return list, nil
	})
}

// ExpectHost pins the key of a tunnel's server by its fingerprint and tries again.
func (t *tunnels) ExpectHost(ctx context.Context, id, fingerprint string) error {
	one, _, err := t.running(id)
	if err != nil {
		return err
	}
	target, err := sshtunnel.ParseTarget(one.Target)
	if err != nil {
		return err
	}
	if err := t.hosts.Expect(target, fingerprint); err != nil {
		return err
	}
	t.log.Warn("the key of an SSH server was pinned by the owner", "server", one.Target, "key", fingerprint)
	return t.RetryTunnel(ctx, id)
}

// apiUSB is the bridge and its agents for the API.
type apiUSB struct{ usb }

// TestBridge tries the bridge that a user has chosen.
func (u apiUSB) TestBridge(ctx context.Context, userID, origin string) (v1.BridgeReport, error) {
	r, err := u.usb.TestBridge(ctx, userID, origin)
	out := v1.BridgeReport{Devices: r.Devices, Version: r.Version}
	for _, s := range r.Steps {
		out.Steps = append(out.Steps, v1.BridgeStep(s))
	}
	return out, err
}

// Agents lists the agents of who asks.
func (u apiUSB) Agents(ctx context.Context, by auth.Identity) ([]v1.BridgeAgent, error) {
	list, err := u.usb.Agents(ctx, by)
	out := make([]v1.BridgeAgent, len(list))
	for i, one := range list {
		out[i] = v1.BridgeAgent(one)
	}
	return out, err
}

// PairAgent makes the code for one agent.
func (u apiUSB) PairAgent(ctx context.Context, by auth.Identity, direct bool) (v1.BridgePairing, error) {
	p, err := u.usb.PairAgent(ctx, by, direct)
	return v1.BridgePairing(p), err
}
