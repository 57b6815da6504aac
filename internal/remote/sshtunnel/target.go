// Package sshtunnel keeps reverse SSH tunnels up (RFC 4254, chapter 7): it logs in to a server
// that the world reaches, has it listen there, and takes what arrives as if it had come to a port
// of our own. The other direction is here too: a port of this machine that leads through the
// server to a node's RPC port.
//
// What ssh(1) does in the user's hands it does by itself: the server's key is pinned on first
// sight, a lost line is noticed and made anew, and every trouble is a sentence for the person.
package sshtunnel

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"specter/internal/errs"
)

// Target is where a tunnel goes: user@host, and a port.
type Target struct {
	User string
	Host string // name or address
	Port int
}

// ParseTarget reads user@host or user@host:port; the port is 22 where none is said. An IPv6
// address stands in brackets.
func ParseTarget(text string) (Target, error) {
	wrong := errs.E(errs.Invalid, "%.100q is no SSH destination; write user@host or user@host:port", text)
	user, rest, ok := strings.Cut(strings.TrimSpace(text), "@")
	if !ok || user == "" || len(user) > 64 || user[0] == '-' || strings.ContainsAny(user, " \t\n:/\x00") {
		return Target{}, wrong
	}
	host, port := rest, "22"
	if h, p, err := net.SplitHostPort(rest); err == nil {
		host, port = h, p
	}
	host = strings.Trim(host, "[]")
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || !hostName(host) {
		return Target{}, wrong
	}
	return Target{user, strings.ToLower(host), int(n)}, nil
}

func hostName(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return host != "" && len(host) <= 253 && strings.Trim(strings.ToLower(host), "abcdefghijklmnopqrstuvwxyz0123456789-._") == ""
}

// Address is host:port, as dialled.
func (t Target) Address() string { return net.JoinHostPort(t.Host, strconv.Itoa(t.Port)) }

// String is the destination as ParseTarget reads it.
func (t Target) String() string {
	if t.Port == 22 && !strings.Contains(t.Host, ":") {
		return t.User + "@" + t.Host
	}
	return t.User + "@" + t.Address()
}

// CleanBind reads where the server is to listen: a port, host:port, or *:port for all addresses
// of the server. A port alone is the server's loopback, as ssh -R has it.
func CleanBind(text string) (string, error) {
	host, port := "localhost", strings.TrimSpace(text)
	if h, p, err := net.SplitHostPort(port); err == nil {
		host, port = h, p
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "", errs.E(errs.Invalid, "%.100q is no port of the server; write 25441, localhost:25441, or *:443 for all its addresses", text)
	}
	switch {
	case host == "" || host == "*":
		host = "0.0.0.0"
	case !hostName(host):
		return "", errs.E(errs.Invalid, "%.100q is no address of the server", host)
	}
	return net.JoinHostPort(strings.ToLower(host), strconv.FormatUint(n, 10)), nil
}
