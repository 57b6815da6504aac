package app

import (
	"context"
	"net"
	"strings"
	"time"

	"specter/internal/errs"
	"specter/internal/signer"
)

// commandPorts lists where devices may be: simulators that the caller names.
func commandPorts(d Devices) (func(ctx context.Context) ([]signer.Port, error), error) {
	var list []signer.Port
	for _, text := range d.Simulators {
		p, err := socketPort(text)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return func(context.Context) ([]signer.Port, error) { return list, nil }, nil
}

// socketPort reads "jade=tcp:127.0.0.1:30121".
func socketPort(text string) (signer.Port, error) {
	kind, path, named := strings.Cut(text, "=")
	way, address, ok := strings.Cut(path, ":")
	network := map[string]string{"tcp": "tcp", "udp": "udp", "unix": "unixgram"}[way]
	if !named || !ok || network == "" || address == "" {
		return signer.Port{}, errs.E(errs.Invalid, "%q is no address of a simulator: write it as jade=tcp:127.0.0.1:30121", text)
	}
	open := func(ctx context.Context) (signer.Conn, error) {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, network, address)
		if err != nil {
			return nil, errs.E(errs.Unavailable, "nothing answers at %s: %w", path, err)
		}
		return deviceSocket{c}, nil
	}
	return signer.Port{Path: path, Way: signer.Way(way), Interface: -1, Kind: kind, Open: open}, nil
}

// deviceSocket is a connection whose calls end with their context.
type deviceSocket struct{ net.Conn }

// Read reads what is there.
func (s deviceSocket) Read(ctx context.Context, p []byte) (int, error) {
	return s.do(ctx, s.SetReadDeadline, func() (int, error) { return s.Conn.Read(p) })
}

// Write writes all of p.
func (s deviceSocket) Write(ctx context.Context, p []byte) (int, error) {
	return s.do(ctx, s.SetWriteDeadline, func() (int, error) { return s.Conn.Write(p) })
}

func (s deviceSocket) do(ctx context.Context, deadline func(time.Time) error, call func() (int, error)) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := deadline(time.Time{}); err != nil {
		return 0, errs.E(errs.Unavailable, "the device was unplugged: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = deadline(time.Unix(1, 0)) })
	n, err := call()
	stop()
	switch {
	case err == nil || n > 0:
		return n, nil
	case ctx.Err() != nil:
		return n, ctx.Err()
	}
	return n, errs.E(errs.Unavailable, "the device was unplugged: %w", err)
}
