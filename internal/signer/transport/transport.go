// Package transport finds the ports where signing devices may be and opens them: USB HID, the
// vendor interfaces of Trezor and KeepKey (WebUSB), serial ports, and the sockets of simulators.
// It knows operating systems and no device's protocol; drivers get a signer.Conn.
//
// On Linux HID and USB are read from sysfs and spoken to through hidraw and usbfs, without any
// library; on Windows and macOS HID goes through usbhid, and vendor interfaces cannot be reached
// (docs/signers.md tells what that means). Nothing is opened by listing.
package transport

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"

	"specter/internal/signer"
)

// Config says where to look. The zero value looks at this machine.
type Config struct {
	Simulators string // such as "trezor=udp:127.0.0.1:21324,ledger=tcp:127.0.0.1:9999"; see ParseSimulators
	OnlyThose  bool   // no real ports: tests
	Root       string // where /sys and /dev lie; "" is the real root
}

// Finder lists ports. It is safe for concurrent use.
type Finder struct {
	cfg        Config
	simulators []signer.Port
}

// New makes a Finder; the error is about the simulators' text.
func New(cfg Config) (*Finder, error) {
	simulators, err := ParseSimulators(cfg.Simulators)
	if err != nil {
		return nil, err
	}
	return &Finder{cfg, simulators}, nil
}

// Ports lists what is connected now, simulators first. One bus that cannot be listed does not
// hide the others; the error is of all that failed, beside the ports that were found.
func (f *Finder) Ports(ctx context.Context) ([]signer.Port, error) {
	list := slices.Clone(f.simulators)
	if f.cfg.OnlyThose {
		return list, ctx.Err()
	}
	var wrong []error
	for _, find := range []func(root string) ([]signer.Port, error){hidPorts, usbPorts, serialPorts} {
		found, err := find(f.cfg.Root)
		if err != nil {
			wrong = append(wrong, err)
		}
		list = append(list, found...)
	}
	if len(list) > 0 {
		return list, ctx.Err() // what is there can be used
	}
	return nil, errors.Join(append(wrong, ctx.Err())...)
}

// refused explains why a port could not be opened.
func refused(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return signer.E(signer.CodeNeedsRoot, "this program may not open the device at %s. On Linux run \"sudo specter udev install\", then plug the device out and in again: %w", path, err)
	case errors.Is(err, fs.ErrNotExist):
		return signer.E(signer.CodeConnection, "the device at %s is gone; plug it in again", path)
	}
	return signer.E(signer.CodeConnection, "the device at %s cannot be opened; is another program using it? (%w)", path, err)
}

// gone wraps an error of reading or writing: the contract wants kind Unavailable.
func gone(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
		err = errors.Join(io.EOF, err)
	}
	return signer.Lost(err)
}
