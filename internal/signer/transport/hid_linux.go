package transport

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"specter/internal/signer"
)

// hidPorts lists hidraw devices from sysfs.
func hidPorts(root string) ([]signer.Port, error) {
	class := filepath.Join(root, "/sys/class/hidraw")
	entries, err := os.ReadDir(class)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []signer.Port
	for _, e := range entries {
		device, err := filepath.EvalSymlinks(filepath.Join(class, e.Name(), "device"))
		if err != nil {
			continue // unplugged meanwhile
		}
		if p, ok := hidPort(device); ok {
			node := filepath.Join(root, "/dev", e.Name())
			p.Path = "/dev/" + e.Name()
			p.Open = func(ctx context.Context) (signer.Conn, error) { return openHID(ctx, node) }
			list = append(list, p)
		}
	}
	return list, nil
}

// hidPort reads what sysfs says of a HID device: its own folder, the USB interface above it, and
// the USB device above that.
func hidPort(device string) (signer.Port, bool) {
	p := signer.Port{Way: signer.HID, Interface: -1}
	for _, row := range strings.Split(text(device, "uevent"), "\n") {
		key, value, _ := strings.Cut(row, "=")
		switch key {
		case "HID_ID": // 0003:00002C97:00001015, bus, vendor, product
			parts := strings.Split(value, ":")
			if len(parts) != 3 || hexID(parts[0]) != 3 { // 3 is USB
				return p, false
			}
			p.Vendor, p.Product = hexID(strings.TrimLeft(parts[1], "0")), hexID(strings.TrimLeft(parts[2], "0"))
		case "HID_NAME":
			p.ProductName = value
		case "HID_UNIQ":
			p.Serial = value
		}
	}
	if raw, err := os.ReadFile(filepath.Join(device, "report_descriptor")); err == nil {
		p.UsagePage, p.Usage, _ = Usage(raw[:min(len(raw), 4096)])
	}
	above := filepath.Dir(device)
	if n, err := strconv.ParseUint(text(above, "bInterfaceNumber"), 16, 8); err == nil {
		p.Interface = int(n)
		usb := filepath.Dir(above)
		p.Manufacturer = text(usb, "manufacturer")
		if name := text(usb, "product"); name != "" {
			p.ProductName = name
		}
	}
	return p, p.Vendor != 0
}

// text reads a small file of sysfs.
func text(dir, name string) string {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return ""
	}
	defer f.Close()
	p := make([]byte, 1024)
	n, _ := f.Read(p)
	return string(bytes.TrimSpace(p[:n]))
}

// openHID opens a hidraw device. Writes begin with the report id, which these devices do not
// use; reads come without it.
func openHID(ctx context.Context, node string) (signer.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	fd, err := syscall.Open(node, syscall.O_RDWR|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, refused(node, err)
	}
	return &conn{d: os.NewFile(uintptr(fd), node), packet: packetSize, prefix: []byte{0}}, nil
}
