package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"specter/internal/signer"
)

// vendorInterfaces are the devices that are spoken to on their vendor interface.
var vendorInterfaces = map[[2]uint16]bool{
	{0x1209, 0x53c1}: true, // Trezor T, Safe 3, Safe 5, One with newer firmware
	{0x534c, 0x0001}: true, // Trezor One
	{0x2b24, 0x0002}: true, // KeepKey
}

// usbPorts lists these devices from sysfs.
func usbPorts(root string) ([]signer.Port, error) {
	bus := filepath.Join(root, "/sys/bus/usb/devices")
	entries, err := os.ReadDir(bus)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []signer.Port
	for _, e := range entries {
		dir := filepath.Join(bus, e.Name())
		p := signer.Port{Way: signer.WebUSB, Vendor: hexID(text(dir, "idVendor")), Product: hexID(text(dir, "idProduct"))}
		if strings.Contains(e.Name(), ":") || !vendorInterfaces[[2]uint16{p.Vendor, p.Product}] || !speaks(dir) {
			continue
		}
		number, err1 := strconv.ParseUint(text(dir, "busnum"), 10, 16)
		device, err2 := strconv.ParseUint(text(dir, "devnum"), 10, 16)
		_, ports, ok := strings.Cut(e.Name(), "-")
		if err1 != nil || err2 != nil || !ok {
			continue
		}
		p.Path = fmt.Sprintf("webusb:%03d:%s", number, strings.ReplaceAll(ports, ".", ":"))
		p.Manufacturer, p.ProductName, p.Serial = text(dir, "manufacturer"), text(dir, "product"), text(dir, "serial")
		node := filepath.Join(root, fmt.Sprintf("/dev/bus/usb/%03d/%03d", number, device))
		p.Open = func(ctx context.Context) (signer.Conn, error) { return openUSB(ctx, node) }
		list = append(list, p)
	}
	return list, nil
}

// speaks reports whether interface 0 is of the vendor's class; very old firmware has HID there,
// and is found as a HID port.
func speaks(dir string) bool {
	class := text(filepath.Join(dir, filepath.Base(dir)+":1.0"), "bInterfaceClass")
	return class == "ff" || class == ""
}

// The ioctls of usbfs (linux/usbdevice_fs.h), by the sizes of what they point to.
const (
	usbClaim   = 0x8004550f
	usbRelease = 0x80045510
	endpointIn = 0x81
	endpoint   = 0x01
)

// transfer is struct usbdevfs_bulktransfer.
type transfer struct {
	endpoint, length, timeout uint32 // bytes, milliseconds
	data                      unsafe.Pointer
}

// usbBulk is _IOWR('U', 2, struct usbdevfs_bulktransfer).
const usbBulk = 3<<30 | unsafe.Sizeof(transfer{})<<16 | 'U'<<8 | 2

// usbTick is how long one transfer waits before it looks whether it is still wanted. A transfer
// that the kernel gives up takes no data with it.
const usbTick = 100 // milliseconds

// openUSB claims the vendor interface.
func openUSB(ctx context.Context, node string) (signer.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	fd, err := unix.Open(node, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, refused(node, err)
	}
	u := &usb{fd: fd, ioctl: ioctl}
	var zero uint32
	if err := u.ioctl(fd, usbClaim, unsafe.Pointer(&zero)); err != nil {
		_ = unix.Close(fd)
		return nil, refused(node, err)
	}
	return u, nil
}

func ioctl(fd int, request uintptr, arg unsafe.Pointer) error {
	n, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
	if errno != 0 {
		return errno
	}
	if request == usbBulk {
		(*transfer)(arg).length = uint32(n)
	}
	return nil
}

// usb is an open vendor interface.
type usb struct {
	ioctl func(fd int, request uintptr, arg unsafe.Pointer) error

	mu     sync.RWMutex // held for reading while the file is used
	fd     int
	closed bool
}

// move runs one transfer, again and again until it is done or not wanted any more.
func (u *usb) move(ctx context.Context, where uint32, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		t := transfer{endpoint: where, length: uint32(len(p)), timeout: usbTick, data: unsafe.Pointer(&p[0])}
		err := u.once(&t)
		runtime.KeepAlive(p)
		switch {
		case err == nil:
			return int(t.length), nil
		case errors.Is(err, unix.ETIMEDOUT), errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.ENODEV), errors.Is(err, unix.ESHUTDOWN), errors.Is(err, os.ErrClosed):
			return 0, gone(errors.Join(io.EOF, err))
		default:
			return 0, gone(err)
		}
	}
}

func (u *usb) once(t *transfer) error {
	u.mu.RLock()
	defer u.mu.RUnlock()
	if u.closed {
		return os.ErrClosed
	}
	return u.ioctl(u.fd, usbBulk, unsafe.Pointer(t))
}

func (u *usb) Read(ctx context.Context, p []byte) (int, error)  { return u.move(ctx, endpointIn, p) }
func (u *usb) Write(ctx context.Context, p []byte) (int, error) { return u.move(ctx, endpoint, p) }

// Close waits for a transfer that goes on, a tenth of a second at most.
func (u *usb) Close() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return nil
	}
	u.closed = true
	var zero uint32
	_ = u.ioctl(u.fd, usbRelease, unsafe.Pointer(&zero))
	return unix.Close(u.fd)
}
