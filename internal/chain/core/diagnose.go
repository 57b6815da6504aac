package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"specter/internal/btc"
	"specter/internal/chain"
)

// MinVersion is the oldest node that this program works with, as getnetworkinfo counts.
const MinVersion = 250000

// Diagnosis is the outcome of Diagnose.
type Diagnosis struct {
	Steps   []Step
	OK      bool // no step failed; warnings may stand
	Network btc.Network
	Status  chain.Status
}

// The steps in their order; the titles are for the page.
var stepTitles = []struct{ name, title string }{
	{"address", "Find the host"}, {"port", "Reach the port"}, {"http", "Speak with the node"},
	{"login", "Log in"}, {"wallets", "Wallet support"}, {"version", "Version"},
	{"network", "Network"}, {"sync", "Synchronisation"}, {"prune", "Old blocks"},
}

// Diagnose tries a connection step by step and names the cure for each failure. It stops at the
// first step that fails; the later ones are there as skipped. Each exchange has some seconds.
func Diagnose(ctx context.Context, conf Config) Diagnosis {
	d := diagnosis{c: newClient(conf), out: Diagnosis{OK: true}}
	defer d.c.close()
	run := []func(context.Context) Step{
		d.address, d.port, d.http, d.login, d.wallets, d.version, d.network, d.sync, d.prune,
	}
	for i, t := range stepTitles {
		st := Step{Skipped: true}
		if d.out.OK {
			ask, cancel := context.WithTimeout(ctx, 10*time.Second)
			st = run[i](ask)
			cancel()
			d.out.OK = st.OK
		}
		st.Name, st.Title = t.name, t.title
		d.out.Steps = append(d.out.Steps, st)
	}
	return d.out
}

type diagnosis struct {
	c     *client
	out   Diagnosis
	info  chainInfo
	net   networkInfo
	reply error // of the first question
}

func pass(format string, a ...any) Step { return Step{OK: true, Detail: fmt.Sprintf(format, a...)} }

func fail(detail, cure string) Step { return Step{Detail: detail, Cure: cure} }

func warn(detail, cure string) Step {
	return Step{OK: true, Warning: true, Detail: detail, Cure: cure}
}

// address looks the host name up, unless a proxy will.
func (d *diagnosis) address(ctx context.Context) Step {
	if err := d.c.c.check(); err != nil {
		return fail(err.Error(), "Correct the address.")
	}
	host := d.c.c.Host
	if host == "" || net.ParseIP(host) != nil {
		return pass("%s is an address", cmp.Or(host, "127.0.0.1"))
	}
	if d.c.c.Dial != nil && (d.c.c.Proxied == nil || d.c.c.Proxied(host)) {
		return pass("the proxy looks up %s", host)
	}
	if strings.HasSuffix(strings.ToLower(host), ".onion") {
		return fail("An onion address is reached through Tor alone", "Switch Tor on in the settings, then try again.")
	}
	found, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil || len(found) == 0 {
		return fail(fmt.Sprintf("The host %q is not known", host),
			"Check the spelling, or type the machine's address (such as 192.168.1.20).")
	}
	return pass("%s is at %s", host, found[0])
}

// port opens a connection and closes it again.
func (d *diagnosis) port(ctx context.Context) Step {
	dial := d.c.c.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	at := d.c.c.address()
	conn, err := dial(ctx, "tcp", at)
	if err == nil {
		_ = conn.Close()
		return pass("%s accepts connections", at)
	}
	switch causeOf(err) {
	case causeRefused:
		return fail("Nothing listens at "+at,
			"Is the node running, with server=1 in its bitcoin.conf? Is the port right ("+portsOfNetworks()+")? For another machine it also needs rpcbind and rpcallowip.")
	case causeSilent:
		return fail("No answer from "+at, "Is the machine on? A firewall may block the port; the node needs rpcbind and rpcallowip for other machines.")
	}
	return fail(fmt.Sprintf("%s cannot be reached (%.150v)", at, err), "Check the address, the network and the proxy.")
}

func portsOfNetworks() string {
	var parts []string
	for _, n := range btc.Networks() {
		parts = append(parts, fmt.Sprintf("%s %d", n, DefaultPort(n)))
	}
	return strings.Join(parts, ", ")
}

// http asks the first question; whether the login was right is the next step's matter.
func (d *diagnosis) http(ctx context.Context) Step {
	d.reply = d.c.call(ctx, "getblockchaininfo", nil, &d.info)
	var status *statusError
	var rpc *RPCError
	if d.reply == nil || errors.As(d.reply, &rpc) {
		return pass("a node answers")
	}
	if errors.As(d.reply, &status) {
		switch status.status {
		case http.StatusUnauthorized, http.StatusForbidden:
			return pass("a node answers")
		case http.StatusServiceUnavailable:
			return fail("The node is overloaded: its work queue is full", "Try again in a moment; rpcworkqueue=128 in its bitcoin.conf helps.")
		}
		return fail(fmt.Sprintf("Something answers, but no Bitcoin node (HTTP status %d)", status.status), "Check the port: it must be the node's RPC port ("+portsOfNetworks()+").")
	}
	switch causeOf(d.reply) {
	case causePlain:
		return fail("The node speaks http, not https", "Choose http, or put a TLS proxy before the node.")
	case causeTLS:
		return fail("The certificate is not trusted", "Use a certificate that this machine trusts, or http inside a network of your own.")
	case causeSilent:
		return fail("The port is open, but no answer came in time", "The node may be busy; try again. If this stays so, check that the port is the RPC port.")
	case causeReset:
		return fail("The connection was closed without an answer", "Check the port: it must be the RPC port, not the one for peers. Does the node speak https? Does rpcallowip name this machine?")
	}
	return fail(sentence(d.reply), "Check the port: it must be the node's RPC port ("+portsOfNetworks()+").")
}

// login tells whether name and password, or the cookie, were accepted.
func (d *diagnosis) login(context.Context) Step {
	var status *statusError
	if errors.As(d.reply, &status) && status.status == http.StatusForbidden {
		return fail("The node does not accept connections from this machine", "Add rpcallowip=<this machine's address> to its bitcoin.conf and restart it.")
	}
	if file := d.c.c.CookieFile; status != nil && file != "" {
		return d.cookieTrouble(file)
	}
	if status != nil {
		return fail("The node refuses the user name or the password", "Compare them with rpcuser and rpcpassword (or rpcauth) in its bitcoin.conf; after a change the node must be restarted.")
	}
	if isCode(d.reply, codeWarmUp) {
		return fail(sentence(d.reply), "Wait until the node has started, then try again.")
	}
	if d.reply != nil {
		return fail(sentence(d.reply), "The user may lack the right to ask this (rpcwhitelist).")
	}
	return pass("accepted")
}

// cookieTrouble tells why the cookie did not do.
func (d *diagnosis) cookieTrouble(file string) Step {
	_, _, err := ReadCookie(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fail("There is no cookie at "+file, "Is the node running, and is this its data folder? Or use rpcuser and rpcpassword.")
	case errors.Is(err, os.ErrPermission):
		return fail("The cookie at "+file+" may not be read", "Run both programs as the same user, or set rpccookieperms=group, or use a user name and password.")
	case err != nil:
		return fail(sentence(err), "Use the cookie file that the node writes at its start.")
	}
	return fail("The node refuses the cookie at "+file, "Is it the cookie of this very node? A node with rpcpassword set writes no cookie: type that password instead.")
}

// wallets asks for the node's wallets.
func (d *diagnosis) wallets(ctx context.Context) Step {
	var names []string
	err := d.c.call(ctx, "listwallets", nil, &names)
	switch {
	case err == nil:
		return pass("the node can watch wallets (%d loaded)", len(names))
	case isCode(err, codeNoMethod):
		return fail("The node runs without wallets", "Remove disablewallet=1 from its bitcoin.conf and restart it. It must be built with wallet support.")
	}
	return fail(sentence(err), "The user may lack the right to use wallets (rpcwhitelist).")
}

func (d *diagnosis) version(ctx context.Context) Step {
	if err := d.c.call(ctx, "getnetworkinfo", nil, &d.net); err != nil {
		return fail(sentence(err), "Try again.")
	}
	name := versionName(d.net)
	if d.net.Version < MinVersion {
		return fail(name+" is too old", "Upgrade the node to Bitcoin Core 25 or newer.")
	}
	return pass("%s", name)
}

func (d *diagnosis) network(context.Context) Step {
	n, err := d.info.network()
	if err != nil {
		return fail(sentence(err), "Connect a node of the Bitcoin network or one of its test networks.")
	}
	if want := d.c.c.Network; !d.c.c.AnyNetwork && n != want {
		return fail(fmt.Sprintf("The node runs on %s, not on %s", n, want),
			fmt.Sprintf("Check the port (%s is %d), or add this node as a new one.", want, DefaultPort(want)))
	}
	d.out.Network = n
	return pass("%s", n)
}

func (d *diagnosis) sync(ctx context.Context) Step {
	st, err := d.c.status(ctx)
	if err != nil {
		return fail(sentence(err), "Try again.")
	}
	d.out.Status = st
	if !st.Synced {
		return warn(fmt.Sprintf("The node is still catching up: block %d of %d, %.1f %%", st.Tip.Height, max(st.Headers, st.Tip.Height), 100*st.Progress),
			"You may go on; balances are right once it has caught up.")
	}
	return pass("up to date at block %d", st.Tip.Height)
}

func (d *diagnosis) prune(context.Context) Step {
	if to := d.out.Status.PrunedTo; to > 0 {
		return warn(fmt.Sprintf("The node has thrown away the blocks below %d", to),
			"New wallets work. Coins older than that block cannot be found with this node.")
	}
	if d.info.Pruned {
		return warn("The node throws away old blocks", "New wallets work. Old coins can only be found while their blocks are there.")
	}
	return pass("all blocks are there")
}

// sentence begins an error's words with a capital.
func sentence(err error) string {
	s := err.Error()
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
