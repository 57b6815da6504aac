//go:build !offline

package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"specter/internal/errs"
)

// healthCmd asks a running server of this machine how it is: for containers and monitors.
type healthCmd struct {
	Host   string        `help:"Address that the server listens on." default:"${host}" env:"HOST"`
	Port   int           `help:"Its port." default:"${port}" env:"PORT"`
	Prefix string        `name:"url-prefix" help:"Path below which it is mounted." env:"APP_URL_PREFIX" placeholder:"PATH"`
	Wait   time.Duration `help:"How long to wait for an answer." default:"5s"`
}

// Run ends with 0 where the server is ready. Health checks are answered in plain HTTP also where
// the server speaks HTTPS.
func (c healthCmd) Run(h host) error {
	host := c.Host
	if a, err := netip.ParseAddr(host); err == nil && a.IsUnspecified() {
		host = "127.0.0.1"
	}
	at := "http://" + net.JoinHostPort(host, strconv.Itoa(c.Port)) + "/" + strings.Trim(c.Prefix, "/")
	at = strings.TrimSuffix(at, "/") + "/healthz/readyness"
	ctx, stop := context.WithTimeout(h.ctx, cmp.Or(c.Wait, 5*time.Second))
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return errs.E(errs.Invalid, "%s is no address: %w", at, err)
	}
	client := &http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		return errs.E(errs.Unavailable, "the server does not answer: %w", err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000)) // the status says enough
	if resp.StatusCode != http.StatusOK {
		return errs.E(errs.Unavailable, "the server answers %s: %s", resp.Status, strings.TrimSpace(string(text)))
	}
	fmt.Fprintln(h.stdout, "ready")
	return nil
}

// parseServer reads flags as "specter server" reads them.
func parseServer(h host, flags []string) (serverCmd, error) {
	var c struct {
		Server serverCmd `cmd:""`
	}
	p, err := kong.New(&c, kong.Name("specter"), kong.Writers(io.Discard, io.Discard), kong.Exit(func(int) {}), kong.NoDefaultHelp(), kong.Vars{"host": "127.0.0.1", "port": "25441"})
	if err != nil {
		return c.Server, err
	}
	if _, err := p.Parse(append([]string{"server"}, flags...)); err != nil {
		return c.Server, errs.E(errs.Invalid, "the flags after -- are none of \"specter server\": %w", err)
	}
	return c.Server, nil
}
