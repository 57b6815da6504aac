//go:build windows || darwin

package transport

import (
	"context"
	"errors"
	"io"
	"sync"

	"rafaelmartins.com/p/usbhid"

	"specter/internal/signer"
)

// hidPorts lists HID devices through usbhid.
func hidPorts(string) ([]signer.Port, error) {
	devices, err := usbhid.Enumerate(nil)
	if err != nil {
		return nil, err
	}
	var list []signer.Port
	for _, d := range devices {
		list = append(list, signer.Port{
			Path: d.Path(), Way: signer.HID, Interface: -1, Vendor: d.VendorId(), Product: d.ProductId(),
			UsagePage: d.UsagePage(), Usage: d.Usage(),
			Manufacturer: d.Manufacturer(), ProductName: d.Product(), Serial: d.SerialNumber(),
			Open: func(ctx context.Context) (signer.Conn, error) { return openHID(ctx, d) },
		})
	}
	return list, nil
}

// usbPorts: vendor interfaces cannot be reached here without cgo or a driver of the vendor.
func usbPorts(string) ([]signer.Port, error) { return nil, nil }

// hid is an open HID device. The library's reads cannot be given up, so that one goroutine reads
// ahead until the device is closed.
type hid struct {
	d    *usbhid.Device
	in   chan []byte
	over chan struct{}
	once sync.Once

	mu  sync.Mutex
	err error // why reading ended
}

func openHID(ctx context.Context, d *usbhid.Device) (signer.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := d.Open(true); err != nil {
		return nil, refused(d.Path(), err)
	}
	h := &hid{d: d, in: make(chan []byte, 64), over: make(chan struct{})}
	go h.readAhead()
	return h, nil
}

func (h *hid) readAhead() {
	defer close(h.in)
	for {
		_, packet, err := h.d.GetInputReport()
		if err != nil {
			h.mu.Lock()
			h.err = err
			h.mu.Unlock()
			return
		}
		select {
		case h.in <- packet:
		case <-h.over:
			return
		}
	}
}

func (h *hid) Read(ctx context.Context, p []byte) (int, error) {
	select {
	case packet, ok := <-h.in:
		if !ok {
			h.mu.Lock()
			defer h.mu.Unlock()
			return 0, gone(errors.Join(io.EOF, h.err))
		}
		return copy(p, packet), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (h *hid) Write(ctx context.Context, p []byte) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := h.d.SetOutputReport(0, p); err != nil {
		return 0, gone(errors.Join(io.EOF, err))
	}
	return len(p), nil
}

func (h *hid) Close() (err error) {
	h.once.Do(func() {
		close(h.over)
		err = h.d.Close()
	})
	return err
}
