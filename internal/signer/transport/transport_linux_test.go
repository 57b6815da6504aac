package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"specter/internal/errs"
	"specter/internal/signer"
)

// fakeRoot lays out what sysfs has of some devices.
func fakeRoot(t *testing.T, files map[string]string, links map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range links {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(root, to), path); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func someDevices(t *testing.T) string {
	const ledger, keys = "sys/devices/pci/usb1/1-2/1-2:1.0/0003:2C97:1015.0004", "sys/devices/pci/usb1/1-3/1-3:1.1/0003:046D:C31C.0005"
	const blue, trezor, old = "sys/devices/virtual/0005:2C97:1015.0006", "sys/bus/usb/devices/1-1.3", "sys/bus/usb/devices/2-4"
	return fakeRoot(t, map[string]string{
		ledger + "/uevent":                                  "DRIVER=hid-generic\nHID_ID=0003:00002C97:00001015\nHID_NAME=Ledger Nano S\nHID_UNIQ=0001\n",
		ledger + "/report_descriptor":                       "\x06\xa0\xff\x09\x01\xa1\x01",
		"sys/devices/pci/usb1/1-2/1-2:1.0/bInterfaceNumber": "00\n",
		"sys/devices/pci/usb1/1-2/manufacturer":             "Ledger\n",
		"sys/devices/pci/usb1/1-2/product":                  "Nano S Plus\n",
		keys + "/uevent":                                    "HID_ID=0003:0000046D:0000C31C\nHID_NAME=Keyboard\n",
		keys + "/report_descriptor":                         "\x05\x01\x09\x06\xa1\x01",
		"sys/devices/pci/usb1/1-3/1-3:1.1/bInterfaceNumber": "01\n",
		blue + "/uevent":                                    "HID_ID=0005:00002C97:00001015\n",
		trezor + "/idVendor":                                "1209\n",
		trezor + "/idProduct":                               "53c1\n",
		trezor + "/busnum":                                  "1\n",
		trezor + "/devnum":                                  "17\n",
		trezor + "/manufacturer":                            "SatoshiLabs\n",
		trezor + "/product":                                 "TREZOR\n",
		trezor + "/serial":                                  "ABC\n",
		trezor + "/1-1.3:1.0/bInterfaceClass":               "ff\n",
		old + "/idVendor":                                   "534c\n",
		old + "/idProduct":                                  "0001\n",
		old + "/busnum":                                     "2\n",
		old + "/devnum":                                     "3\n",
		old + "/2-4:1.0/bInterfaceClass":                    "03\n",
		"sys/bus/usb/devices/usb1/idVendor":                 "1d6b\n",
		"dev/bus/usb/001/017":                               "",
	}, map[string]string{
		"sys/class/hidraw/hidraw0/device": ledger,
		"sys/class/hidraw/hidraw1/device": keys,
		"sys/class/hidraw/hidraw2/device": blue,
		"sys/class/hidraw/hidraw3/device": "sys/devices/gone",
	})
}

func TestPortsAreReadFromSysfs(t *testing.T) {
	f, err := New(Config{Root: someDevices(t)})
	if err != nil {
		t.Fatal(err)
	}
	list, err := f.Ports(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range list {
		got = append(got, fmt.Sprintf("%s %s %04x:%04x if%d %04x/%x %s|%s|%s", p.Path, p.Way, p.Vendor, p.Product, p.Interface, p.UsagePage, p.Usage, p.Manufacturer, p.ProductName, p.Serial))
	}
	want := []string{
		"/dev/hidraw0 hid 2c97:1015 if0 ffa0/1 Ledger|Nano S Plus|0001",
		"/dev/hidraw1 hid 046d:c31c if1 0001/6 |Keyboard|",
		"webusb:001:1:3 webusb 1209:53c1 if0 0000/0 SatoshiLabs|TREZOR|ABC",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if _, err := list[2].Open(t.Context()); err == nil { // a plain file is no device
		t.Error("a file was opened as a USB device")
	}
	if _, err := list[0].Open(t.Context()); signer.CodeOf(err) != signer.CodeConnection || !strings.Contains(err.Error(), "gone") {
		t.Errorf("a device that was unplugged: %v", err)
	}
}

func TestNoUSBAtAll(t *testing.T) {
	f, _ := New(Config{Root: t.TempDir()})
	if list, err := f.Ports(t.Context()); err != nil || len(list) != 0 {
		t.Fatal(list, err)
	}
}

func TestPermissionDeniedSaysWhatToDo(t *testing.T) {
	err := refused("/dev/hidraw0", &os.PathError{Op: "open", Path: "/dev/hidraw0", Err: unix.EACCES})
	if signer.CodeOf(err) != signer.CodeNeedsRoot || !strings.Contains(err.Error(), "specter udev install") || errs.KindOf(err) != errs.Unavailable {
		t.Error(err)
	}
}

func TestAHIDDeviceGetsTheReportIDAndEndsWithTheContext(t *testing.T) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	device := os.NewFile(uintptr(ends[1]), "device")
	c := &conn{d: os.NewFile(uintptr(ends[0]), "host"), packet: packetSize, prefix: []byte{0}}
	defer c.Close()
	endsEarly(t, c, func(b []byte) { _, _ = device.Write(b) })
	packet := bytes.Repeat([]byte{9}, 64)
	if n, err := c.Write(t.Context(), packet); err != nil || n != 64 {
		t.Fatal(n, err)
	}
	p := make([]byte, 100)
	if n, err := device.Read(p); err != nil || n != 65 || p[0] != 0 || !bytes.Equal(p[1:65], packet) {
		t.Fatalf("%x %v", p[:n], err)
	}
	_ = device.Close()
	if _, err := c.Read(t.Context(), p); !errors.Is(err, io.EOF) || errs.KindOf(err) != errs.Unavailable {
		t.Errorf("unplugged: %v", err)
	}
}

func TestAUSBDeviceIsReadInPiecesOfTime(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) == 8 && usbBulk != 0xc0185502 {
		t.Fatalf("the ioctl is %#x", uintptr(usbBulk))
	}
	waits, unplugged := 0, false
	var sent []byte
	u := &usb{fd: -1, ioctl: func(fd int, request uintptr, arg unsafe.Pointer) error {
		if request != usbBulk {
			return nil
		}
		tr := (*transfer)(arg)
		data := unsafe.Slice((*byte)(tr.data), tr.length)
		switch {
		case unplugged:
			return unix.ENODEV
		case tr.endpoint == endpoint:
			sent = append(sent, data...)
			return nil
		case waits > 0:
			waits--
			return unix.ETIMEDOUT
		}
		tr.length = uint32(copy(data, "an answer"))
		return nil
	}}
	waits = 3
	p := make([]byte, 64)
	if n, err := u.Read(t.Context(), p); err != nil || string(p[:n]) != "an answer" {
		t.Fatal(n, err)
	}
	if n, err := u.Write(t.Context(), []byte("a question")); err != nil || n != 10 || string(sent) != "a question" {
		t.Fatal(n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	waits = 1 << 30
	if _, err := u.Read(ctx, p); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	unplugged = true
	if _, err := u.Read(t.Context(), p); !errors.Is(err, io.EOF) || errs.KindOf(err) != errs.Unavailable {
		t.Errorf("unplugged: %v", err)
	}
	_ = u.Close()
	if _, err := u.Read(t.Context(), p); !errors.Is(err, io.EOF) {
		t.Errorf("closed: %v", err)
	}
}

func TestADatagramSocketHasANameAndLeavesNothingBehind(t *testing.T) {
	there, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "sim.sock"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	c := openOnly(t, "coldcard=unix:"+there.LocalAddr().String())
	if _, err := c.Write(t.Context(), []byte("hello")); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 100)
	n, from, err := there.ReadFromUnix(p)
	if err != nil || string(p[:n]) != "hello" {
		t.Fatal(n, err)
	}
	endsEarly(t, c, func(b []byte) { _, _ = there.WriteToUnix(b, from) })
	_ = c.Close()
	if _, err := os.Stat(filepath.Dir(from.Name)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket's folder is still there: %v", err)
	}
}

func TestASerialLine(t *testing.T) {
	master, name := pty(t)
	c := openOnly(t, "jade=serial:"+name)
	endsEarly(t, c, func(b []byte) { _, _ = master.Write(b) })
	all := []byte{0, 1, 3, 10, 13, 17, 19, 26, 28, 127, 255} // none of them is taken for a command
	if n, err := c.Write(t.Context(), all); err != nil || n != len(all) {
		t.Fatal(n, err)
	}
	p := make([]byte, 100)
	if n, err := io.ReadFull(master, p[:len(all)]); err != nil || !bytes.Equal(p[:n], all) {
		t.Fatalf("%x %v", p[:n], err)
	}
	_ = master.Close()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	if _, err := c.Read(ctx, p); errs.KindOf(err) != errs.Unavailable || !errors.Is(err, io.EOF) {
		t.Errorf("unplugged: %v", err)
	}
}

// pty makes a pair of pseudo terminals.
func pty(t *testing.T) (*os.File, string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("SKIPPED: no pseudo terminals here:", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	return master, fmt.Sprintf("/dev/pts/%d", n)
}
