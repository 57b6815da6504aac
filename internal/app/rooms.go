package app

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"time"

	"specter/internal/api/alpha"
	"specter/internal/api/v1"
	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/door"
	"specter/internal/errs"
	"specter/internal/remote/doctor"
	"specter/internal/signer/bridge/agent"
	"specter/internal/web"
)

// httpsFor is how long browsers stay with https for a name by which they once came that way.
const httpsFor = 180 * 24 * time.Hour

// settingAPI is the program's setting that switches the API on ("yes").
const settingAPI = "api-active"

// rooms makes the pages and the two APIs and puts them behind one another, below each prefix.
// Streams of events end when the server shuts down; they would not end by themselves.
func (a *App) rooms() (*mounts, error) {
	network := btc.Mainnet
	if a.c.Network != nil {
		network = *a.c.Network
	}
	if a.chain != nil {
		network = btc.Regtest
	}
	pages, err := a.pages(network)
	if err != nil {
		return nil, err
	}
	a.server.RegisterOnShutdown(pages.Close)
	usb, err := a.newBridge(pages.Who)
	if err != nil {
		return nil, err
	}
	if a.agents, err = a.newAgents(context.Background()); err != nil {
		return nil, err
	}
	m, err := newMounts(a.c.URLPrefix, firstParts(pages.Routes()), func(prefix string) (http.Handler, error) {
		return a.roomsBelow(prefix, network, pages, usb)
	})
	if err == nil {
		m.full = a.noteFull()
	}
	return m, err
}

// roomsBelow makes the rooms for one prefix. They are asked without it.
func (a *App) roomsBelow(prefix string, network btc.Network, all *web.Server, usb http.Handler) (http.Handler, error) {
	pages, err := all.Below(prefix)
	if err != nil {
		return nil, err
	}
	old, err := alpha.New(alpha.Config{Auth: a.auth, Wallets: a.wallets, Devices: a.devices, Nodes: a.nodes, Settings: a.db, Active: a.apiActive,
		DataDir: a.folder.path, URLPrefix: prefix, Network: network, Version: a.c.Version, Log: a.c.Log, Now: a.c.Now, Client: door.ClientOf})
	if err != nil {
		return nil, err
	}
	side := apiSide{a}
	var play v1.Demo
	if a.chain != nil {
		play = faucet{a.chain}
	}
	rest, err := v1.New(v1.Config{BackupFiles: a.backups, Secrets: a.program, Remote: side.remote(), USB: side.devices(), Demo: play, Fees: a, Auth: a.auth, Wallets: a.wallets, Devices: a.devices, Nodes: a.nodes, Settings: a.db, Idempotency: a.db, Backups: a.backups, Program: a.program, Imports: restImports{a.importer}, OldBackup: a.oldBackup, Price: a.outside.Price, PastPrices: a.pastPrices,
		Client: door.ClientOf, RequestID: door.RequestID, URLPrefix: prefix, Network: network, Version: a.c.Version, Log: a.c.Log, Now: a.c.Now})
	if err != nil {
		return nil, err
	}
	a.server.RegisterOnShutdown(rest.Close)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case (door.Relayed(r) || throughTunnel(r)) && a.auth.Settings().Method == auth.MethodNone:
			refuse(w, r, http.StatusForbidden, errRelayed)
		case below(path, doctor.Path):
			a.serveDoctor(w, r)
		case below(path, bridgeRoot):
			usb.ServeHTTP(w, r)
		case below(path, agent.Root) && !a.c.BridgeOnly:
			a.agents.ServeHTTP(w, r)
		case a.c.BridgeOnly && path == "/":
			http.Redirect(w, r, prefix+"/hwi/settings/", http.StatusSeeOther)
		case a.c.BridgeOnly && !ofBridge(path):
			http.NotFound(w, r)
		case below(path, "/api") && r.Header.Get("Authorization") != "" && a.unsafe(r) != nil:
			refuse(w, r, http.StatusForbidden, a.unsafe(r))
		case below(path, v1.Root) && a.apiActive(r.Context()):
			rest.ServeHTTP(w, r)
		case below(path, "/api"), below(path, "/healthz"):
			old.ServeHTTP(w, r)
		default:
			pages.ServeHTTP(w, moved(r, "", prefix))
		}
	}), nil
}

// pages makes the HTML side.
func (a *App) pages(network btc.Network) (*web.Server, error) {
	uid, err := a.nodes.UID(context.Background())
	if err != nil {
		return nil, err
	}
	c := web.Config{Wallets: a.wallets, Devices: a.devices, Nodes: a.nodes, Settings: a.db, Auth: a.auth, Fees: a, Explorer: a.explorer, PastPrices: a.pastPrices, Program: a.program, Imports: a.importer, OldBackup: a.oldBackup, Bridge: usb{a}, BridgeOnly: a.c.BridgeOnly, HTTPS: a, Onion: a.onions, Doctor: a.Examine, Backups: a.backups, Restores: a.restores, Open: a.reachable, Unsafe: a.unsafe, CheckPIN: a.auth.TryPIN,
		Instance: uid[:min(8, len(uid))], APIForced: a.c.API, Network: network, Version: a.c.Version, Log: a.c.Log, Now: a.c.Now}
	if !a.c.BridgeOnly {
		c.Tunnels = a.tunnels
	}
	if a.chain != nil {
		c.Demo = faucet{a.chain}
	}
	return web.New(c)
}

// errRelayed answers what a proxy passed on that we were not told of, while nobody logs in: to
// this program the whole world behind that proxy looks like this computer.
var errRelayed = errs.E(errs.Denied, "This request came through a proxy, and nobody logs in to this Specter, so it was refused. "+
	"Open Specter on this computer itself and choose a login under Settings, Authentication; then start it with --trusted-proxy and the proxy's address.")

// reachable reports whether other machines can reach the program now.
func (a *App) reachable() bool {
	return a.c.reachable() || a.tunnels != nil && a.tunnels.open() || a.onions != nil && a.onions.on.Load()
}

// unsafe says why nobody may send a password or a token by the way that a request came: over
// plain HTTP from another machine, everybody on the way reads it. An onion service encrypts by
// itself, and a proxy that is believed says how it was reached. nil: it may be sent.
func (a *App) unsafe(r *http.Request) error {
	host := r.Host
	if h, _, err := net.SplitHostPort(r.Host); err == nil {
		host = h
	}
	if a.c.InsecureHTTP || door.IsHTTPS(r) || loopback(door.ClientOf(r)) && !throughTunnel(r) || onion(host) {
		return nil
	}
	return errUnsafe
}

// errUnsafe answers a password or token that came in plain.
var errUnsafe = errs.E(errs.Denied, "This connection is not encrypted: everybody between your device and Specter could read the password, so nobody logs in this way.")

// below reports whether a path is a folder itself or lies in it.
func below(path, folder string) bool {
	rest, ok := strings.CutPrefix(path, folder)
	return ok && (rest == "" || rest[0] == '/')
}

// apiActive reports whether programs may ask: the environment says so, else the owner.
func (a *App) apiActive(ctx context.Context) bool {
	if a.c.API != nil {
		return *a.c.API
	}
	v, err := a.db.Setting(ctx, "", settingAPI)
	if err != nil {
		a.c.Log.Error("is the API on? The setting cannot be read", "error", err)
	}
	return v == "yes"
}

// refuse words what the door refuses: programs read JSON, people a sentence. It asks nobody who
// they are.
func refuse(w http.ResponseWriter, r *http.Request, status int, err error) {
	var body any
	kind := "application/json"
	switch {
	case below(r.URL.Path, v1.Root):
		kind = "application/problem+json"
		body = map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": err.Error(), "instance": door.RequestID(r)}
	case below(r.URL.Path, agent.Root):
		body = map[string]any{"error": err.Error()}
	case below(r.URL.Path, "/api"), below(r.URL.Path, "/healthz"):
		body = map[string]any{"message": err.Error()}
	default:
		http.Error(w, err.Error(), status)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the other side has gone; nobody is left to tell
}
