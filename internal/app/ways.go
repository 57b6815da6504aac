package app

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"

	"specter/internal/errs"
)

// named dials what a person has named by address: a node, a server, a public authority. Onion
// names go through the proxy; with "through the proxy or not at all" everything does that does
// not plainly stand in the own network. Names are then looked up in the machine's own list
// alone: asking a name server would tell it, and whoever listens, what Specter looks for.
func (o *outside) named(ctx context.Context, network, address string) (net.Conn, error) {
	p, err := o.settings.Program(ctx)
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, errs.E(errs.Invalid, "%.100q is no address", address)
	}
	switch {
	case onion(host):
		return o.through(ctx, p.Proxy, network, address, host)
	case !p.ProxyOnly:
		return o.dial(ctx, network, address)
	}
	if at, ok := nearAddress(ctx, host); ok {
		return o.dial(ctx, network, net.JoinHostPort(at, port))
	}
	c, err := o.through(ctx, p.Proxy, network, address, host)
	if err != nil && homeName(host) {
		return nil, errs.E(errs.Unavailable, "%s is a name of a home network, and while everything goes through the proxy no name server is asked. Write the address in numbers (192.168.…), or put the name into the file /etc/hosts", host)
	}
	return c, err
}

// nearAddress is the address of a host that plainly stands in the own network, without asking
// anybody.
func nearAddress(ctx context.Context, host string) (string, bool) {
	if nearby(host) {
		return host, true
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return "", false
	}
	list, err := hostsFile.LookupHost(ctx, host)
	if err != nil || len(list) == 0 || !nearby(list[0]) {
		return "", false
	}
	return list[0], true
}

// hostsFile knows the names that this machine itself lists (/etc/hosts) and asks no server.
var hostsFile = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("no name server is asked")
}}

// homeName reports whether a name can only be one of the own network's.
func homeName(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, end := range []string{".local", ".lan", ".home", ".internal", ".home.arpa"} {
		if strings.HasSuffix(host, end) {
			return true
		}
	}
	_, err := netip.ParseAddr(host)
	return err != nil && !strings.Contains(host, ".")
}

// dialNode is the way to nodes. A node is the person's own: it is asked while outside services
// are not.
func (a *App) dialNode(ctx context.Context, network, address string) (net.Conn, error) {
	return a.outside.named(ctx, network, address)
}

// nodeProxied reports whether the proxy looks up a node's name.
func (a *App) nodeProxied(host string) bool {
	p, err := a.settings.Program(context.Background())
	return onion(host) || err != nil || p.ProxyOnly
}

// redial opens the line to the node anew, after the owner has chosen another way for it.
func (a *App) redial(ctx context.Context) {
	n, err := a.nodes.Active(ctx)
	if err == nil {
		_, err = a.nodes.Save(ctx, n) // a saved active node is opened again
	}
	if err != nil && !errs.Is(err, errs.NotFound) {
		a.c.Log.Warn("the line to the node could not be opened anew", "error", err)
	}
}
