package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"specter/internal/auth"
	"specter/internal/chain"
	"specter/internal/chain/demo"
	"specter/internal/chain/ownchain"
	"specter/internal/device"
	"specter/internal/door"
	"specter/internal/errs"
	"specter/internal/node"
	"specter/internal/remote/cert"
	"specter/internal/setting"
	"specter/internal/signer"
	"specter/internal/signer/bridge/agent"
	"specter/internal/signer/hot"
	"specter/internal/store"
	"specter/internal/wallet"
)

// App is the open house.
type App struct {
	c        Config
	folder   *folder
	db       *store.DB
	nodes    *node.Service
	devices  *device.Service
	wallets  *wallet.Service
	auth     *auth.Service
	settings *setting.Service
	outside  *outside
	headers  *ownchain.Keeper
	tunnels  *tunnels
	onions   *onionService
	called   Calling // what "specter doctor" knows the server by
	program  *steward
	backups  *backups
	secrets  *keeper
	importer *importer
	restores *restores
	hub      *signer.Hub
	agents   *agent.Broker
	memory   *drawer     // of the signers
	chain    *demo.Chain // nil: a real node
	listener net.Listener
	server   *http.Server

	source     cert.Source  // nil: plain HTTP
	plainPort  net.Listener // of TLS.HTTPPort; nil: none
	towardsTLS *http.Server // plain HTTP while the program speaks HTTPS

	from    *turn          // the house before, in whose place this one came by a restore; nil: none
	visitor sync.WaitGroup // requests that are answered
}

// databaseFile is the one file that holds everything; backups copy it.
const databaseFile = "specter.db"

// New opens the data folder, the database and the listener. Nothing waits for a node. What
// was opened is closed again where a later step fails.
func New(ctx context.Context, c Config) (*App, error) { return newApp(ctx, c, nil) }

// newApp is New; what a house before has left open it takes over.
func newApp(ctx context.Context, c Config, from *turn) (a *App, err error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	a = &App{c: c, server: newServer(c.Log), towardsTLS: newServer(c.Log), from: from}
	defer func() {
		if err != nil {
			if a.closeRooms(); from == nil {
				a.closeDoors()
			}
			a = nil
		}
	}()
	if from != nil {
		a.folder, a.listener, a.plainPort = from.folder, from.main, from.plain
	} else if a.folder, err = openFolder(c.DataDir); err != nil {
		return a, err
	}
	if a.db, err = store.Open(ctx, a.folder.file(databaseFile)); err != nil {
		return a, err
	}
	if err = a.openSecrets(ctx); err != nil {
		return a, err
	}
	if a.secrets.Locked() { // Run asks for the owner's password
		if a.listener == nil {
			a.listener, err = a.bind(c.Port)
		}
		return a, err
	}
	return a, a.build(ctx)
}

// build makes everything that needs the stored secrets.
func (a *App) build(ctx context.Context) (err error) {
	if a.c.Demo != nil {
		if a.chain, err = demo.Open(a.folder.file("demo-chain"), demo.Options{Now: a.c.Now}); err != nil {
			return fmt.Errorf("open the demo chain: %w", err)
		}
	}
	if err := a.furnish(ctx); err != nil {
		return err
	}
	if err := a.connect(ctx); err != nil {
		return err
	}
	if err := a.settle(ctx); err != nil {
		return err
	}
	if err := a.listen(); err != nil {
		return err
	}
	return a.callDoctor()
}

// newServer bounds what a client may take before it has said anything; a failed handshake is a
// line for people who look for it.
func newServer(log *slog.Logger) *http.Server {
	return &http.Server{DisableGeneralOptionsHandler: true, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
}

// furnish makes the services and ties them together.
func (a *App) furnish(ctx context.Context) error {
	env := func(name string) string {
		if a.c.Env == nil {
			return ""
		}
		v, _ := a.c.Env(name)
		return v
	}
	nodes := node.Config{Store: a.db, Env: env, Home: a.c.HomeDir, AppData: env("APPDATA"), OS: runtime.GOOS, Now: a.c.Now, Log: a.c.Log}
	nodes.Dial, nodes.Proxied = a.dialNode, a.nodeProxied
	if a.chain != nil {
		nodes.OpenDemo = func(context.Context) (chain.Source, error) { return unclosed{a.chain}, nil }
	}
	a.nodes = node.New(nodes)
	uid, err := a.nodes.UID(ctx)
	if err != nil {
		return err
	}
	a.settings = setting.New(a.db)
	a.outside = newOutside(a.c, a.settings, a.feeRate)
	a.program = &steward{a: a}
	a.importer = newImporter(a)
	a.backups = a.newBackups()
	a.restores = newRestores(a)
	if a.onions, err = a.newOnion(ctx); err != nil {
		return err
	}
	if a.tunnels, err = a.newTunnels(ctx); err != nil {
		return err
	}
	if a.hub, err = a.newHub(); err != nil {
		return err
	}
	if err := a.setLevel(ctx); err != nil {
		return err
	}
	a.headers = a.headerChain()
	a.wallets = wallet.New(wallet.Config{Headers: a.headers, Store: a.db, Sources: a.nodes, Devices: a.deviceKeys, FeeRate: a.feeRate, SignHot: a.signHot, Post: a.post, Limits: device.Limit,
		UID: uid, DraftDays: a.draftDays, Now: a.c.Now, Log: a.c.Log})
	a.devices = device.New(device.Config{Store: a.db, Now: a.c.Now, Seal: hot.Seal, Uses: a.wallets.Uses, HotAllowed: a.hotAllowed})
	a.auth, err = auth.New(ctx, auth.Config{Store: a.db, Now: a.c.Now, Log: a.c.Log, CheckRPC: a.checkRPC, Open: a.reachable, Forget: a.forgetUser, Hash: a.c.hash, Keeper: a.secrets, First: a.from.link()})
	return err
}

// connect gives a new program a node: the demo's own, or one that the environment names.
func (a *App) connect(ctx context.Context) error {
	if a.chain != nil {
		return a.activateDemo(ctx)
	}
	if a.c.BridgeOnly {
		return nil
	}
	if err := a.nodes.Bootstrap(ctx); err != nil {
		a.c.Log.Warn("no node was taken from the environment", "error", err)
	}
	return nil
}

// unclosed keeps the demo chain open when the node room closes its source: the app does that.
type unclosed struct{ *demo.Chain }

// Close does nothing.
func (unclosed) Close() error { return nil }

// listen opens the port and prepares the server. A request's head must come within seconds; how
// long bodies and answers may take is the door's matter.
func (a *App) listen() error {
	h, err := a.rooms()
	if err != nil {
		return err
	}
	if a.source, err = a.certificates(); err != nil {
		return err
	}
	if a.listener == nil {
		if a.listener, err = a.bind(a.c.Port); err != nil {
			return err
		}
	}
	hsts := httpsFor
	if a.c.TLS.Mode == TLSSelfSigned {
		hsts = 0 // a browser that does not know the authority yet could not be let through any more
	}
	c := a.doorFor(h)
	c.HSTS = hsts
	a.server.Handler = a.counted(entry(door.New(c, h)))
	if a.source == nil {
		return nil
	}
	a.towardsTLS.Handler = a.counted(entry(door.New(c, a.towards(h))))
	if public, ok := a.source.(*cert.ACME); ok {
		a.towardsTLS.Handler = public.Challenges(a.towardsTLS.Handler)
	}
	if a.c.TLS.HTTPPort != 0 && a.plainPort == nil {
		a.plainPort, err = a.bind(a.c.TLS.HTTPPort)
	}
	return err
}

// bind opens a port.
func (a *App) bind(port int) (net.Listener, error) {
	address := net.JoinHostPort(a.c.Host, strconv.Itoa(port))
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, errs.E(errs.Unavailable, "cannot listen on %s: %w. Is another Specter running? Choose another port with --port", address, err)
	}
	return l, nil
}

// Run serves until the context ends, then closes listener, loops and database in that order. A
// restore that is decided on at the pages closes this house and opens another on the same folder
// and port; Run goes on with that.
func (a *App) Run(ctx context.Context) error {
	for {
		err := a.runHouse(ctx)
		if err != nil || a.restores == nil || a.restores.decision() == nil {
			a.close()
			return err
		}
		next, err := a.makeRoom().move(ctx)
		if next == nil {
			return err
		}
		a = next
	}
}

// runHouse serves until the context ends or a restore is decided on.
func (a *App) runHouse(ctx context.Context) error {
	if a.secrets.Locked() {
		if err := a.waitForOwner(ctx); err != nil {
			return ended(err)
		}
		if err := a.build(ctx); err != nil {
			return err
		}
	}
	a.from.noted(a)
	if err := a.greet(ctx); err != nil {
		return err
	}
	loops, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g, gctx := errgroup.WithContext(loops)
	if !a.c.BridgeOnly {
		g.Go(func() error { return ended(a.nodes.Run(gctx)) })
		g.Go(func() error { return ended(a.wallets.Run(gctx)) })
		g.Go(func() error { return ended(a.wallets.RunProofs(gctx, a.wantsProofs)) })
	}
	g.Go(func() error { return ended(a.auth.Run(gctx)) })
	if a.chain != nil && a.c.Demo.BlockInterval > 0 {
		g.Go(func() error { return ended(a.chain.Run(gctx, a.c.Demo.BlockInterval)) })
	}
	g.Go(func() error { return a.serve(doorway{listener: &keptOpen{Listener: a.listener}}) })
	if a.plainPort != nil {
		g.Go(func() error { return a.serve(doorway{listener: &keptOpen{Listener: a.plainPort}, plain: true}) })
	}
	if !a.c.BridgeOnly {
		g.Go(func() error { return a.serve(doorway{listener: a.tunnels.inlet}) })
		g.Go(func() error { a.tunnels.run(gctx); return nil })
	}
	g.Go(func() error { a.onions.run(gctx); return nil })
	g.Go(func() error { a.backups.run(gctx); return nil })
	g.Go(func() error { a.restores.run(gctx); return nil })
	g.Go(func() error { a.fetch(gctx); return nil })
	g.Go(func() error {
		select {
		case <-ctx.Done():
		case <-gctx.Done():
		case <-a.restores.decided:
		}
		a.shutdown()
		stop()
		return nil
	})
	return g.Wait()
}

// shutdown lets requests finish for a moment; what is left then is cut.
func (a *App) shutdown() {
	grace, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if a.agents != nil {
		a.agents.Close()
	}
	for _, s := range []*http.Server{a.server, a.towardsTLS} {
		if s.Shutdown(grace) != nil {
			s.Close()
		}
	}
}

// ended hides the error of a loop that was told to stop.
func ended(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// close gives back all that New took.
func (a *App) close() {
	a.closeRooms()
	a.closeDoors()
}

// closeRooms gives back what New took, last taken first, but for the data folder and the ports.
func (a *App) closeRooms() {
	var all []error
	if a.called.Secret != "" {
		all = append(all, os.Remove(a.folder.file(doctorFile)))
	}
	if a.importer != nil {
		a.importer.close()
	}
	if a.restores != nil {
		a.restores.close()
	}
	if a.nodes != nil {
		all = append(all, a.nodes.Close())
	}
	if a.headers != nil {
		all = append(all, a.headers.Close())
	}
	if a.hub != nil {
		all = append(all, a.hub.Close())
	}
	if a.chain != nil {
		all = append(all, a.chain.Close())
	}
	if a.db != nil {
		all = append(all, a.db.Close())
	}
	if err := errors.Join(all...); err != nil && a.c.Log != nil {
		a.c.Log.Warn("closing", "error", err)
	}
}

// closeDoors gives back the ports and the data folder.
func (a *App) closeDoors() {
	for _, l := range []net.Listener{a.listener, a.plainPort} {
		if l != nil {
			l.Close() // nothing accepts any more
		}
	}
	if a.folder == nil {
		return
	}
	if err := a.folder.Close(); err != nil && a.c.Log != nil {
		a.c.Log.Warn("closing", "error", err)
	}
}
