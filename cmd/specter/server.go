//go:build !offline

package main

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"specter/internal/app"
	"specter/internal/btc"
	"specter/internal/errs"
)

// serverCmd runs the web server. Environment names are the original's.
type serverCmd struct {
	Host    string   `help:"Address to listen on." default:"${host}" env:"HOST"`
	Port    int      `help:"Port to listen on; 0 takes any free one." default:"${port}" env:"PORT"`
	DataDir string   `help:"Data folder (default ~/.specter)." env:"SPECTER_DATA_FOLDER" placeholder:"FOLDER"`
	Network string   `help:"Network to show while no node is active: main, test, testnet4, signet or regtest." placeholder:"NETWORK"`
	Name    []string `help:"Further host names under which browsers may ask for it." placeholder:"HOST"`
	Debug   bool     `help:"Log everything, private data included."`
}

// Run serves until it is interrupted.
func (c serverCmd) Run(h host) error {
	cfg, err := c.config(h)
	if err != nil {
		return err
	}
	return serve(h, cfg, false)
}

func (c serverCmd) config(h host) (app.Config, error) {
	home, _ := os.UserHomeDir()
	cfg := app.Config{Host: c.Host, Port: c.Port, DataDir: c.DataDir, Hosts: c.Name, HomeDir: home,
		Env: h.env, API: truthy(h, "SPECTER_API_ACTIVE"), Version: version,
		Log: logger(h.stderr, c.Debug), Out: h.stdout, Now: time.Now}
	if cfg.DataDir == "" {
		if home == "" {
			return cfg, errs.E(errs.Invalid, "your home folder is not known; say where the data goes with --data-dir")
		}
		cfg.DataDir = filepath.Join(home, ".specter")
	}
	if c.Network != "" {
		n, err := btc.ParseNetwork(c.Network)
		if err != nil {
			return cfg, err
		}
		cfg.Network = &n
	}
	return cfg, nil
}

// serve opens the house, tells the person where it is, and runs it until the context ends.
func serve(h host, cfg app.Config, open bool) error {
	a, err := app.New(h.ctx, cfg)
	if err != nil {
		return err
	}
	if open {
		openBrowser(a.URL())
	}
	return a.Run(h.ctx)
}

// truthy reads a switch as the original does: unset, empty and "false" are off.
func truthy(h host, name string) bool {
	v, set := h.env(name)
	return set && v != "" && !strings.EqualFold(v, "false")
}

func logger(w io.Writer, debug bool) *slog.Logger {
	level := slog.LevelInfo
	if debug {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}
