package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"specter/internal/errs"
	"specter/internal/signer"
)

func TestSimulatorsAreReadFromTheirText(t *testing.T) {
	list, err := ParseSimulators(" trezor=udp:127.0.0.1:21324, ledger=tcp:127.0.0.1:9999,coldcard=unix:/tmp/ckcc-simulator.sock,jade=tcp:[::1]:30121,,jade=serial:/dev/cu.usbmodem1")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range list {
		got = append(got, p.Kind+" "+string(p.Way)+" "+p.Path)
	}
	want := "trezor udp udp:127.0.0.1:21324|ledger tcp tcp:127.0.0.1:9999|coldcard unix unix:/tmp/ckcc-simulator.sock|jade tcp tcp:[::1]:30121|jade serial /dev/cu.usbmodem1"
	if strings.Join(got, "|") != want {
		t.Errorf("%s", strings.Join(got, "|"))
	}
	for _, bad := range []string{"trezor", "trezor=udp", "trezor=udp:", "abacus=udp:127.0.0.1:1", "trezor=ble:1", "trezor=udp:127.0.0.1", "trezor=tcp:127.0.0.1:0",
		"trezor=tcp:127.0.0.1:99999", strings.Repeat("trezor=udp:127.0.0.1:21324,", 65)} {
		if _, err := ParseSimulators(bad); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%.40q: %v", bad, err)
		}
	}
}

// openOnly opens the only simulator of a text.
func openOnly(t *testing.T, text string) signer.Conn {
	t.Helper()
	f, err := New(Config{Simulators: text, OnlyThose: true})
	if err != nil {
		t.Fatal(err)
	}
	list, err := f.Ports(t.Context())
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	c, err := list[0].Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// endsEarly holds a connection to the contract: a read ends with its context, and the next works.
func endsEarly(t *testing.T, c signer.Conn, send func([]byte)) {
	t.Helper()
	packet := bytes.Repeat([]byte{7}, packetSize)
	for range 3 {
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if n, err := c.Read(ctx, make([]byte, 64)); n != 0 || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("a read with nothing to read: %d, %v", n, err)
		}
		stop()
		send(packet)
		p := make([]byte, 100)
		ctx, stop = context.WithTimeout(t.Context(), time.Minute)
		if n, err := c.Read(ctx, p); err != nil || !bytes.Equal(p[:n], packet) {
			t.Fatalf("afterwards: %x, %v", p[:n], err)
		}
		stop()
	}
}

func TestAUDPSimulator(t *testing.T) {
	there, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	c := openOnly(t, "trezor=udp:"+there.LocalAddr().String())
	if _, err := c.Write(t.Context(), []byte("hello")); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 100)
	n, from, err := there.ReadFrom(p)
	if err != nil || string(p[:n]) != "hello" {
		t.Fatal(n, err)
	}
	endsEarly(t, c, func(b []byte) { _, _ = there.WriteTo(b, from) })
	_ = there.Close()
	for range 3 { // the system tells only after something was sent
		if _, err = c.Write(t.Context(), []byte("hello")); err != nil {
			break
		}
		if _, err = c.Read(t.Context(), p); err != nil {
			break
		}
	}
	if errs.KindOf(err) != errs.Unavailable {
		t.Errorf("a simulator that ended: %v", err)
	}
}

func TestPacketsOverTCPAreReadWhole(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := openOnly(t, "bitbox02=tcp:"+l.Addr().String())
	there, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	endsEarly(t, c, func(b []byte) { _, _ = there.Write(b) })
	packet := bytes.Repeat([]byte{1, 2}, 32)
	_, _ = there.Write(packet[:10])
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	if n, err := c.Read(ctx, make([]byte, 64)); n != 0 || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(n, err)
	}
	_, _ = there.Write(append(bytes.Clone(packet[10:]), packet...))
	for range 2 {
		p := make([]byte, 64)
		if n, err := c.Read(t.Context(), p); err != nil || n != 64 || !bytes.Equal(p, packet) {
			t.Fatalf("%x %v", p[:n], err)
		}
	}
	_ = there.Close()
	if _, err := c.Read(t.Context(), make([]byte, 64)); !errors.Is(err, io.EOF) || errs.KindOf(err) != errs.Unavailable {
		t.Errorf("a simulator that ended: %v", err)
	}
}

func TestACancelledReadIsCancelled(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := openOnly(t, "jade=tcp:"+l.Addr().String())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { _, err := c.Read(ctx, make([]byte, 1)); ended <- err }()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestNoSimulatorListens(t *testing.T) {
	for _, text := range []string{"jade=tcp:127.0.0.1:1", "coldcard=unix:" + filepath.Join(t.TempDir(), "none"), "jade=serial:" + filepath.Join(t.TempDir(), "tty")} {
		list, err := ParseSimulators(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := list[0].Open(t.Context()); errs.KindOf(err) != errs.Unavailable || signer.CodeOf(err) != signer.CodeConnection {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestUsagesOfReportDescriptors(t *testing.T) {
	for name, c := range map[string]struct {
		descriptor  []byte
		page, usage uint16
		ok          bool
	}{
		"ledger":              {[]byte{0x06, 0xa0, 0xff, 0x09, 0x01, 0xa1, 0x01, 0x09, 0x03, 0x15, 0x00}, 0xffa0, 1, true},
		"bitbox02":            {[]byte{0x06, 0xff, 0xff, 0x09, 0x01, 0xa1, 0x01}, 0xffff, 1, true},
		"keyboard":            {[]byte{0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x05, 0x07}, 1, 6, true},
		"usage with its page": {[]byte{0x0b, 0x06, 0x00, 0x01, 0x00, 0xa1, 0x01}, 1, 6, true},
		"a long item first":   {[]byte{0xfe, 0x02, 0x10, 0xaa, 0xbb, 0x05, 0x01, 0x09, 0x06, 0xa1}, 0, 0, false},
		"nothing":             {nil, 0, 0, false},
		"no collection":       {[]byte{0x05, 0x01, 0x09, 0x06}, 1, 6, false},
		"cut":                 {[]byte{0x06, 0xa0}, 0, 0, false},
		"long item cut":       {[]byte{0xfe}, 0, 0, false},
	} {
		page, usage, ok := Usage(c.descriptor)
		if ok != c.ok || ok && (page != c.page || usage != c.usage) {
			t.Errorf("%s: %x %x %v", name, page, usage, ok)
		}
	}
}

func FuzzUsage(f *testing.F) {
	f.Add([]byte{0x06, 0xa0, 0xff, 0x09, 0x01, 0xa1, 0x01})
	f.Add([]byte{0xfe, 0xff, 0x00})
	f.Fuzz(func(t *testing.T, descriptor []byte) { Usage(descriptor) })
}

func FuzzParseSimulators(f *testing.F) {
	f.Add("trezor=udp:127.0.0.1:21324,coldcard=unix:/tmp/x")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := ParseSimulators(text)
		for _, p := range list {
			if p.Open == nil || p.Kind == "" || p.Path == "" {
				t.Fatalf("%q gives %+v", text, p)
			}
		}
		if err != nil && errs.KindOf(err) != errs.Invalid {
			t.Fatal(err)
		}
	})
}
