package v1_test

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/api/v1"
	"specter/internal/auth"
	"specter/internal/chain/demo"
	"specter/internal/errs"
	"specter/internal/remote"
	"specter/internal/remote/cert"
	"specter/internal/remote/doctor"
	"specter/internal/remote/tor"
	"specter/internal/setting"
)

// privateTunnelKey stands in for what no answer may hold.
const privateTunnelKey = "OPENSSH PRIVATE KEY"

// gatehouse is the ways in of a test: it remembers what it was told.
type gatehouse struct {
	secure  bool
	renewed int
	asked   string // of the doctor
	tunnels []v1.TunnelState
	tor     setting.Tor
	clients []tor.Client
}

func (g *gatehouse) remote() v1.Remote {
	return v1.Remote{Certificates: g, Tunnels: g, Onion: onions{g}, Doctor: g.examine, Reachable: func() bool { return g.secure }}
}

func (g *gatehouse) examine(_ context.Context, address string) []doctor.Finding {
	g.asked = address
	return []doctor.Finding{{ID: "certificate-expired", Level: doctor.Fault, What: "It is over.", Why: "Browsers refuse it.", Mend: "renew it"}, {ID: "login", Level: doctor.OK, What: "People log in."}}
}

func (g *gatehouse) Certificate() (cert.State, bool) {
	return cert.State{Kind: "self-signed", Names: []string{"localhost"}, NotAfter: time.Unix(1_900_000_000, 0), Fingerprint: "AA:BB", Authority: "CC:DD"}, g.secure
}
func (g *gatehouse) Authority() (pem, der []byte) {
	if !g.secure {
		return nil, nil
	}
	return []byte("-----BEGIN CERTIFICATE-----\n"), []byte{1}
}
func (g *gatehouse) RenewCertificate(context.Context) error {
	if !g.secure {
		return errs.E(errs.Conflict, "this Specter speaks plain HTTP")
	}
	g.renewed++
	return nil
}

func (g *gatehouse) Tunnels(context.Context) ([]v1.TunnelState, error) { return g.tunnels, nil }

func (g *gatehouse) at(id string) (*v1.TunnelState, error) {
	i := slices.IndexFunc(g.tunnels, func(t v1.TunnelState) bool { return t.ID == id })
	if i < 0 {
		return nil, errs.E(errs.NotFound, "there is no such tunnel any more")
	}
	return &g.tunnels[i], nil
}

func (g *gatehouse) AddTunnel(_ context.Context, t setting.Tunnel) (string, error) {
	if !strings.Contains(t.Target, "@") {
		return "", errs.E(errs.Invalid, "%q is no server", t.Target)
	}
	t.ID = "t" + string(rune('a'+len(g.tunnels)))
	g.tunnels = append(g.tunnels, v1.TunnelState{Tunnel: t, Status: remote.Status{Up: true, Since: time.Unix(1_800_000_000, 0), Address: "vps:25441"},
		Line: "restrict ssh-ed25519 AAAA specter", Fingerprint: "SHA256:old"})
	return t.ID, nil
}
func (g *gatehouse) ChangeTunnel(_ context.Context, id string, alter func(*setting.Tunnel)) error {
	t, err := g.at(id)
	if err == nil {
		alter(&t.Tunnel)
	}
	return err
}
func (g *gatehouse) PauseTunnel(_ context.Context, id string, paused bool) error {
	t, err := g.at(id)
	if err == nil {
		t.Paused, t.Status.Up = paused, !paused
	}
	return err
}
func (g *gatehouse) RemoveTunnel(_ context.Context, id string) error {
	_, err := g.at(id)
	g.tunnels = slices.DeleteFunc(g.tunnels, func(t v1.TunnelState) bool { return t.ID == id })
	return err
}
func (g *gatehouse) RetryTunnel(_ context.Context, id string) error {
	t, err := g.at(id)
	if err == nil {
		t.Status.Tries++
	}
	return err
}
func (g *gatehouse) ForgetHost(_ context.Context, id string) error {
	t, err := g.at(id)
	if err == nil {
		t.Fingerprint = ""
	}
	return err
}
func (g *gatehouse) ExpectHost(_ context.Context, id, fingerprint string) error {
	t, err := g.at(id)
	if err == nil {
		t.Fingerprint = fingerprint
	}
	return err
}

// onions is the onion service of a test.
type onions struct{ *gatehouse }

func (o onions) Onion(context.Context) (tor.Standing, error) {
	s := tor.Standing{On: o.tor.On, Control: o.tor.Control, Password: o.tor.Password != "", Clients: o.clients, Proxy: "127.0.0.1:9050"}
	if s.On {
		s.Name = strings.Repeat("a", 56) + ".onion"
		s.State = tor.State{Status: remote.Status{Up: true, Since: time.Unix(1_800_000_000, 0)}, Made: true, Version: "0.4.8"}
	}
	return s, nil
}
func (o onions) ChangeOnion(_ context.Context, change func(*setting.Tor) error) error {
	next := o.tor
	if err := change(&next); err != nil {
		return err
	}
	if next.On && next.Control == "" {
		return errs.E(errs.Unavailable, "nothing answers at the control port")
	}
	o.gatehouse.tor = next
	return nil
}
func (o onions) AddOnionClient(_ context.Context, name string) (tor.Pass, error) {
	if name == "" {
		return tor.Pass{}, errs.E(errs.Invalid, "a client needs a name")
	}
	o.gatehouse.clients = append(o.gatehouse.clients, tor.Client{Name: name, Public: "PUBLIC", Made: time.Unix(1_800_000_000, 0)})
	return tor.Pass{Key: "PRIVATE", Line: "x:descriptor:x25519:PRIVATE"}, nil
}
func (o onions) RemoveOnionClient(_ context.Context, name string) error {
	o.gatehouse.clients = slices.DeleteFunc(o.gatehouse.clients, func(c tor.Client) bool { return c.Name == name })
	return nil
}
func (o onions) TestProxy(context.Context) ([]tor.ProxyStep, error) {
	return []tor.ProxyStep{{Name: "proxy"}, {Name: "tor", Err: errs.E(errs.Unavailable, "it leads nowhere")}}, nil
}

// drivers is the bridge of a test. Its agents are the owner's.
type drivers struct {
	settings *setting.Service
	agents   []v1.BridgeAgent
}

func (d *drivers) SetWhitelist(ctx context.Context, text string, afar bool) error {
	if strings.Contains(text, "ftp:") {
		return errs.E(errs.Invalid, "%q is no origin", text)
	}
	_, err := d.settings.ChangeBridge(ctx, func(b *setting.Bridge) error {
		b.Origins, b.Afar = strings.Fields(text), afar
		return nil
	})
	return err
}
func (d *drivers) SetToken(ctx context.Context, wanted bool) error {
	_, err := d.settings.ChangeBridge(ctx, func(b *setting.Bridge) error {
		if b.Token = ""; wanted {
			b.Token = "BRIDGETOKEN"
		}
		return nil
	})
	return err
}
func (d *drivers) TestBridge(_ context.Context, _, origin string) (v1.BridgeReport, error) {
	return v1.BridgeReport{Devices: 1, Version: "test", Steps: []v1.BridgeStep{{Name: "devices", About: origin}, {Name: "device", About: "jade", Err: errs.E(errs.Unavailable, "it sleeps")}}}, nil
}
func (d *drivers) Agents(_ context.Context, by auth.Identity) ([]v1.BridgeAgent, error) {
	if !by.User.Owner() {
		return nil, nil
	}
	return d.agents, nil
}
func (d *drivers) PairAgent(_ context.Context, _ auth.Identity, direct bool) (v1.BridgePairing, error) {
	return v1.BridgePairing{Code: "CODE", Until: time.Unix(1_800_000_000, 0), Fingerprint: map[bool]string{true: "FP"}[direct]}, nil
}
func (d *drivers) at(by auth.Identity, id string) (int, error) {
	i := slices.IndexFunc(d.agents, func(a v1.BridgeAgent) bool { return a.ID == id })
	if i < 0 || !by.User.Owner() {
		return 0, errs.E(errs.NotFound, "there is no such agent")
	}
	return i, nil
}
func (d *drivers) RenameAgent(_ context.Context, by auth.Identity, id, name string) error {
	i, err := d.at(by, id)
	if err == nil {
		d.agents[i].Name = name
	}
	return err
}
func (d *drivers) RevokeAgent(_ context.Context, by auth.Identity, id string) error {
	i, err := d.at(by, id)
	if err == nil {
		d.agents = slices.Delete(d.agents, i, i+1)
	}
	return err
}

// vault is the locked secrets of a test.
type vault struct{ locked bool }

func (v *vault) Secrets() (string, bool) {
	if v.locked {
		return "", true
	}
	return "/data/secrets.key", true
}
func (v *vault) KeepLocked(_ context.Context, locked bool, _ string) error {
	v.locked = locked
	return nil
}

// handout gives backups out.
type handout struct{}

func (handout) Download(_ context.Context, passphrase string) (string, int64, io.ReadCloser, error) {
	if len(passphrase) < 12 {
		return "", 0, nil, errs.E(errs.Invalid, "the passphrase is too short")
	}
	return "specter.age", 4, io.NopCloser(strings.NewReader("age!")), nil
}

// play is the demo's chain.
type play struct{ *demo.Chain }

func (p play) Faucet(_ context.Context, address string, amount btcutil.Amount) error {
	_, err := p.Chain.Faucet(address, amount)
	return err
}
func (p play) Mine(_ context.Context, n int) error {
	_, err := p.Chain.Mine(n, nil)
	return err
}
