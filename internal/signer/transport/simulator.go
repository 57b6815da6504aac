package transport

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"specter/internal/errs"
	"specter/internal/signer"
)

// packetSize is what HID devices and their simulators speak in.
const packetSize = 64

// whole are the families whose 64-byte packets go over TCP; others have frames of their own
// there, which are their drivers' business.
var whole = map[string]bool{"bitbox02": true, "coldcard": true, "trezor": true, "keepkey": true}

// kinds are the families that may be configured.
var kinds = []string{"trezor", "keepkey", "ledger", "coldcard", "bitbox02", "jade", "specter"}

// maxSimulators bounds the list.
const maxSimulators = 64

// ParseSimulators reads where simulators listen, and serial ports that are known to have a
// device: kind=way:address, separated by commas. Ways are udp, tcp (host:port), unix (a socket's
// path, datagrams) and serial (a port's name).
func ParseSimulators(text string) ([]signer.Port, error) {
	var list []signer.Port
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		if len(list) == maxSimulators {
			return nil, errs.E(errs.Invalid, "at most %d simulators can be configured", maxSimulators)
		}
		p, err := parseSimulator(item)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

func parseSimulator(item string) (signer.Port, error) {
	kind, place, ok := strings.Cut(item, "=")
	way, address, also := strings.Cut(place, ":")
	if !ok || !also || address == "" {
		return signer.Port{}, errs.E(errs.Invalid, "%q does not say where a simulator is; write it like trezor=udp:127.0.0.1:21324", item)
	}
	if !contains(kinds, kind) {
		return signer.Port{}, errs.E(errs.Invalid, "%q is no kind of device; there are %s", kind, strings.Join(kinds, ", "))
	}
	p := signer.Port{Path: place, Way: signer.Way(way), Interface: -1, Kind: kind}
	switch p.Way {
	case signer.UDP, signer.TCP:
		if _, port, err := net.SplitHostPort(address); err != nil || !isPort(port) {
			return signer.Port{}, errs.E(errs.Invalid, "%q is no address of a simulator; write it like 127.0.0.1:21324", address)
		}
		p.Open = dial(p.Way, address, whole[kind])
	case signer.Unix:
		p.Open = func(ctx context.Context) (signer.Conn, error) { return dialUnix(ctx, address) }
	case signer.Serial:
		p.Path = address
		p.Open = func(ctx context.Context) (signer.Conn, error) { return openSerial(ctx, address) }
	default:
		return signer.Port{}, errs.E(errs.Invalid, "a simulator is reached by udp, tcp, unix or serial, not by %q", way)
	}
	return p, nil
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// dial connects to a simulator by UDP or TCP.
func dial(way signer.Way, address string, packets bool) func(context.Context) (signer.Conn, error) {
	return func(ctx context.Context) (signer.Conn, error) {
		var d net.Dialer
		c, err := d.DialContext(ctx, string(way), address)
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, signer.E(signer.CodeConnection, "no simulator listens at %s:%s (%w)", way, address, err)
		}
		out := &conn{d: c}
		if way == signer.UDP || packets {
			out.packet, out.whole = packetSize, way == signer.TCP
		}
		return out, nil
	}
}

// dialUnix connects to a simulator's datagram socket. It answers to the sender's name, so that
// we need one: a file in a folder of its own, which is removed with the connection.
func dialUnix(ctx context.Context, address string) (signer.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "specter-")
	if err != nil {
		return nil, refused(address, err)
	}
	c, err := net.DialUnix("unixgram",
		&net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unixgram"}, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, signer.E(signer.CodeConnection, "no simulator listens at unix:%s (%w)", address, err)
	}
	return &conn{d: &named{c, dir}, packet: packetSize}, nil
}

// named is a socket with a name in a folder of its own.
type named struct {
	*net.UnixConn
	dir string
}

func (n *named) Close() error {
	err := n.UnixConn.Close()
	_ = os.RemoveAll(n.dir)
	return err
}
