package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/door"
	"specter/internal/errs"
	"specter/internal/setting"
	"specter/internal/signer"
	"specter/internal/signer/bridge"
	"specter/internal/web"
)

// bridgeRoot is where the bridge's API is, whatever else is mounted where.
const bridgeRoot = "/hwi/api"

// ofBridge tells which paths there are where the program is a bridge and nothing else: its own
// pages, the login, the program's health, and their files.
func ofBridge(path string) bool {
	for _, folder := range []string{"/hwi", "/auth", "/setup", "/static", "/healthz", "/authority"} {
		if below(path, folder) {
			return true
		}
	}
	return false
}

// newBridge makes the bridge. who tells whose session a request carries.
func (a *App) newBridge(who func(r *http.Request) (string, error)) (*bridge.Service, error) {
	return bridge.New(bridge.Config{Hub: a.hub, Memory: a.memory, Version: a.c.Version, Rules: a.bridgeRules, User: who, Bearer: a.mayDrive, Near: near,
		Elsewhere: a.elsewhereBridge, Remote: a.remoteBridge, Admitted: func(r *http.Request) { door.AllowBody(r, bridge.MaxBody, 2*time.Minute) }, Log: a.c.Log, Now: a.c.Now})
}

// bridgeRules are what the owner has decided. A line of the whitelist that is no origin (an old
// one, taken over) lets nobody in.
func (a *App) bridgeRules(ctx context.Context) (bridge.Rules, error) {
	b, err := a.settings.Bridge(ctx)
	if err != nil {
		return bridge.Rules{}, err
	}
	r := bridge.Rules{Afar: b.Afar, Token: b.Token}
	for _, line := range b.Origins {
		if o, err := bridge.CleanOrigin(line); err == nil {
			r.Origins = append(r.Origins, o)
		}
	}
	return r, nil
}

// near reports whether a request was made on this computer: from a loopback address, for a
// loopback name, and no proxy says that it passes on another's.
func near(r *http.Request) bool {
	a, err := netip.ParseAddr(door.ClientOf(r))
	return err == nil && a.IsLoopback() && bridge.Loopback(r.Host) && !door.Relayed(r)
}

// mayDrive tells whose API token this is, if it may sign: signing is writing, and a token for
// some wallets alone reaches no device.
func (a *App) mayDrive(ctx context.Context, token string) (string, error) {
	if !a.apiActive(ctx) {
		return "", errs.E(errs.Denied, "the API is switched off")
	}
	id, err := a.auth.Bearer(ctx, token)
	if err != nil {
		return "", err
	}
	if !id.Scope.May(auth.Write) || len(id.Scope.Wallets) > 0 {
		return "", errs.E(errs.Denied, "this token may not use devices")
	}
	return id.User.ID, nil
}

// elsewhereBridge is the bridge that a user has chosen, where this server asks it for them.
func (a *App) elsewhereBridge(ctx context.Context, userID string) (*bridge.Client, error) {
	u, err := a.settings.User(ctx, userID)
	switch {
	case err != nil:
		return nil, err
	case u.Bridge == "" || u.Bridge == setting.AgentBridge:
		return nil, nil
	case setting.BridgeInBrowser(u.Bridge):
		return nil, errs.E(errs.Conflict, "your devices are at %s on your own computer, where the page itself must ask; reload it, or choose this server's own devices under Settings, USB devices", u.Bridge)
	}
	return &bridge.Client{URL: u.Bridge, HTTP: a.outside.bridgeClient()}, nil
}

// bridgeClient is the way to bridges that users have named. Their naming one is their leave to
// ask it; how is decided as for services: onion names through the proxy, and with "through the
// proxy or not at all" all that is not plainly near.
func (o *outside) bridgeClient() *http.Client {
	return &http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10, TLSHandshakeTimeout: 20 * time.Second, DialContext: o.named}}
}

func onion(host string) bool {
	return strings.HasSuffix(strings.ToLower(strings.TrimSuffix(host, ".")), ".onion")
}

// nearby reports whether a host plainly stands in the own network: asking it tells no stranger.
func nearby(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && (a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast())
}

// maxRelay bounds what a server answers a device.
const maxRelay = 64 << 10

// relay carries what a device asks of a server on the net (Jade's PIN server). It is a service
// outside and follows the owner's choice: not at all, straight, or through the proxy and then to
// the onion address alone.
func (o *outside) relay(ctx context.Context, urls []string, body []byte) ([]byte, error) {
	p, err := o.settings.Program(ctx)
	if err != nil {
		return nil, err
	}
	if !p.Outside {
		return nil, errs.E(errs.Unavailable, "the device needs its maker's server to check the PIN, and outside services are switched off; the owner can allow them under Settings, Program, or the device is unlocked another way (by QR code)")
	}
	address, err := chooseRelay(urls, p)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, errs.E(errs.Invalid, "the device names %.100q, which is no address", address)
	}
	r.Header.Set("Content-Type", "application/json")
	c := o.client(p.ProxyOnly)
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := c.Do(r)
	if err != nil {
		return nil, errs.E(errs.Unavailable, "the device's PIN server %s does not answer: %w", r.URL.Host, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxRelay+1))
	switch {
	case err != nil:
		return nil, errs.E(errs.Unavailable, "the device's PIN server %s broke off: %w", r.URL.Host, err)
	case resp.StatusCode != http.StatusOK || len(data) > maxRelay || !json.Valid(data):
		return nil, errs.E(errs.Unavailable, "the device's PIN server %s answers HTTP %d and nothing that helps", r.URL.Host, resp.StatusCode)
	}
	return data, nil
}

// chooseRelay picks the address that the owner's choice allows. What a device names in our own
// network is not asked: a device must not look around there.
func chooseRelay(urls []string, p setting.Program) (string, error) {
	for _, text := range urls {
		u, err := url.Parse(text)
		if err != nil || u.User != nil || u.Hostname() == "" {
			continue
		}
		_, numeric := netip.ParseAddr(u.Hostname())
		switch hidden := onion(u.Hostname()); {
		case p.ProxyOnly && hidden && (u.Scheme == "http" || u.Scheme == "https"):
			return text, nil
		case !p.ProxyOnly && !hidden && u.Scheme == "https" && numeric != nil && strings.Contains(u.Hostname(), "."):
			return text, nil
		}
	}
	if p.ProxyOnly {
		return "", errs.E(errs.Unavailable, "the device names no onion address of its PIN server, and outside services are reached through the proxy alone")
	}
	return "", errs.E(errs.Unavailable, "the device names no address of its PIN server that Specter may ask")
}

// usb is what the pages about USB devices ask of the program.
type usb struct{ a *App }

// SetWhitelist stores who may ask the bridge.
func (u usb) SetWhitelist(ctx context.Context, text string, afar bool) error {
	list, err := bridge.CleanOrigins(text)
	if err != nil {
		return err
	}
	_, err = u.a.settings.ChangeBridge(ctx, func(b *setting.Bridge) error {
		b.Origins, b.Afar = list, afar
		return nil
	})
	return err
}

// SetToken makes a new token of the bridge, or drops the one there is.
func (u usb) SetToken(ctx context.Context, wanted bool) error {
	_, err := u.a.settings.ChangeBridge(ctx, func(b *setting.Bridge) error {
		if b.Token = ""; wanted {
			b.Token = rand.Text()
		}
		return nil
	})
	return err
}

// TestBridge tries the bridge that a user has chosen, as far as this server can; origin is under
// which name the user's browser knows this server.
func (u usb) TestBridge(ctx context.Context, userID, origin string) (web.BridgeReport, error) {
	if chosen, err := u.a.settings.User(ctx, userID); err != nil || chosen.Bridge == setting.AgentBridge {
		if err != nil {
			return web.BridgeReport{}, err
		}
		return u.testAgents(ctx, userID)
	}
	c, err := u.a.elsewhereBridge(ctx, userID)
	if err != nil {
		return web.BridgeReport{}, err
	}
	if c == nil {
		return u.testHere(ctx), nil
	}
	c.Origin = origin
	r := c.Test(ctx)
	out := web.BridgeReport{Devices: r.Devices, Version: r.Version}
	for _, s := range r.Steps {
		out.Steps = append(out.Steps, web.BridgeStep{Name: s.Name, Err: s.Err})
	}
	return out, nil
}

// testHere looks for devices at this computer.
func (u usb) testHere(ctx context.Context) web.BridgeReport {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	list, err := u.a.hub.Enumerate(ctx, signer.Ask{Network: btc.Mainnet})
	out := web.BridgeReport{Version: u.a.c.Version, Devices: len(list), Steps: []web.BridgeStep{{Name: "devices", Err: err}}}
	for _, i := range list {
		if i.Err != nil {
			out.Steps = append(out.Steps, web.BridgeStep{Name: "device", About: i.Kind, Err: i.Err})
		}
	}
	return out
}
