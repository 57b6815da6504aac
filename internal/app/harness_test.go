package app

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/chain/core/coretest"
	"specter/internal/device"
	"specter/internal/node"
	"specter/internal/testkit"
	"specter/internal/wallet"
)

// house is an App that runs for a test.
type house struct {
	*App
	t    *testing.T
	cfg  Config
	stop func()
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// open starts an App on a free port; it ends with the test.
func open(t *testing.T, cfg Config) *house {
	t.Helper()
	if cfg.Host == "" {
		cfg.Host = "127.0.0.1"
	}
	if cfg.DataDir == "" {
		cfg.DataDir = t.TempDir()
	}
	if cfg.Log == nil {
		cfg.Log = quiet()
	}
	if cfg.ports == nil {
		cfg.ports = plugged() // no test asks the devices of whose computer it runs on
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.hash = auth.HashParams{Memory: 64, Passes: 1, Lanes: 1}
	ctx, cancel := context.WithCancel(context.Background())
	a, err := New(ctx, cfg)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	if err := a.db.PutSetting(ctx, "", settingHotKeys, "yes"); err != nil { // as an owner who wants to sign in tests
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	h := &house{App: a, t: t, cfg: cfg}
	stopped := false
	h.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the app ended with %v", err)
		}
	}
	t.Cleanup(h.stop)
	return h
}

// reopen starts the App anew on the same folder.
func (h *house) reopen() *house {
	h.t.Helper()
	h.stop()
	return open(h.t, h.cfg)
}

// connect stores a bitcoind as the active node.
func (h *house) connect(n *coretest.Node) {
	h.t.Helper()
	ctx := context.Background()
	_, report, err := h.nodes.Connect(ctx, node.Node{Name: "Regtest", Kind: node.Core, Network: btc.Regtest, Protocol: "http",
		Host: "127.0.0.1", Port: n.Port(), CookieFile: n.CookieFile()})
	if err != nil {
		h.t.Fatalf("connect: %v %+v", err, report)
	}
}

// keys makes n software keys and returns their devices.
func (h *house) keys(names ...string) []device.Device {
	h.t.Helper()
	var out []device.Device
	for i, name := range names {
		d, err := h.devices.CreateHot(context.Background(), demoOwner, name, device.Seed{Words: demoKeys[i].words, Network: btc.Regtest, Password: "pw-" + name})
		if err != nil {
			h.t.Fatal(err)
		}
		out = append(out, d)
	}
	return out
}

// eventually waits until check holds; every wait in these tests ends with a fact, not a time.
func eventually(t *testing.T, what string, check func() (bool, string)) {
	t.Helper()
	testkit.Soon(t, what, check)
}

// record reads a wallet.
func (h *house) record(ref wallet.Ref) wallet.Record {
	h.t.Helper()
	r, err := h.wallets.Get(context.Background(), ref)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// sync brings a wallet up to date.
func (h *house) sync(ref wallet.Ref) {
	h.t.Helper()
	if err := h.wallets.Sync(context.Background(), ref); err != nil {
		h.t.Fatalf("sync %s: %v", ref.Alias, err)
	}
}

// sign signs a draft with devices in turn.
func (h *house) sign(ref wallet.Ref, d wallet.Draft, devices ...device.Device) wallet.Draft {
	h.t.Helper()
	for _, dev := range devices {
		password := ""
		if dev.NeedsSecret {
			password = "pw-" + dev.Name
		}
		var err error
		if d, err = h.wallets.SignHot(context.Background(), ref, d.ID, dev.ID, password); err != nil {
			h.t.Fatalf("%s signs: %v", dev.Name, err)
		}
	}
	return d
}

// walletRef names a wallet of the demo's owner.
func walletRef(alias string) wallet.Ref {
	return wallet.Ref{Owner: demoOwner, Network: btc.Regtest, Alias: alias}
}
