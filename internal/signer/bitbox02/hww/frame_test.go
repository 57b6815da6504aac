package hww

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

func TestMessagesGoThroughPackets(t *testing.T) {
	for _, n := range []int{0, 1, 57, 58, 116, 117, 1000, MaxMessage} {
		message := bytes.Repeat([]byte{0xab}, n)
		packets, err := Packets(0xdeadbeef, Command, message)
		if err != nil {
			t.Fatal(err)
		}
		var a Assembler
		for i, p := range packets {
			done, err := a.Add(p)
			if err != nil || done != (i == len(packets)-1) {
				t.Fatalf("%d bytes, packet %d: %v %v", n, i, done, err)
			}
		}
		if !bytes.Equal(a.Message(), message) || a.Channel != 0xdeadbeef || a.Command != Command {
			t.Errorf("%d bytes came out as %d", n, len(a.Message()))
		}
	}
	if _, err := Packets(1, Command, make([]byte, MaxMessage+1)); err == nil {
		t.Error("a message that is too long was cut")
	}
}

// TestPacketsHaveTheVendorsForm holds to the layout of u2fhid.py and usb_frame.c.
func TestPacketsHaveTheVendorsForm(t *testing.T) {
	p, err := Packets(0x01020304, Command, append([]byte{New, Noise}, make([]byte, 70)...))
	if err != nil || len(p) != 2 {
		t.Fatal(len(p), err)
	}
	if !bytes.HasPrefix(p[0], []byte{1, 2, 3, 4, 0xc1, 0, 72, 0, 'n'}) || !bytes.HasPrefix(p[1], []byte{1, 2, 3, 4, 0}) || len(p[0]) != 64 || len(p[1]) != 64 {
		t.Errorf("%x\n%x", p[0], p[1])
	}
}

func TestDamagedPacketsAreRefused(t *testing.T) {
	first := func(length uint16) []byte {
		p := make([]byte, PacketSize)
		p[4] = Command
		binary.BigEndian.PutUint16(p[5:], length)
		return p
	}
	next := func(seq byte) []byte { p := make([]byte, PacketSize); p[4] = seq; return p }
	for name, list := range map[string][][]byte{
		"a length beyond all":    {first(MaxMessage + 1)},
		"a packet is missing":    {first(200), next(1)},
		"a packet comes twice":   {first(200), next(0), next(0)},
		"a short packet":         {first(200)[:63]},
		"a packet of no bytes":   {nil},
		"too many bytes at once": {append(first(3), 0)},
	} {
		var a Assembler
		var err error
		for _, p := range list {
			if _, err = a.Add(p); err != nil {
				break
			}
		}
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	var a Assembler
	if done, err := a.Add(next(0)); done || err != nil {
		t.Errorf("a continuation of nothing: %v %v", done, err)
	}
}

func TestPairingCodes(t *testing.T) {
	// base32 of 32 zero bytes but the first five, which are "hello"
	if got := PairingCode(append([]byte("hello"), make([]byte, 27)...)); got != "NBSWY 3DPAA\nAAAAA AAAAA" {
		t.Errorf("%q", got)
	}
	if got := PairingCode(nil); strings.Count(got, "=") != 20 {
		t.Errorf("%q", got)
	}
}

func FuzzAssembler(f *testing.F) {
	p, _ := Packets(7, Command, make([]byte, 130))
	f.Add(bytes.Join(p, nil))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var a Assembler
		for len(raw) >= PacketSize {
			done, err := a.Add(raw[:PacketSize])
			if raw = raw[PacketSize:]; err != nil {
				continue
			}
			if len(a.Message()) > MaxMessage || done && len(a.Message()) > 57+59*128 {
				t.Fatalf("a message of %d bytes", len(a.Message()))
			}
		}
	})
}

func FuzzCheckContribution(f *testing.F) {
	f.Add(make([]byte, 33), make([]byte, 64), make([]byte, 32))
	f.Fuzz(func(t *testing.T, point, sig, nonce []byte) {
		var n [32]byte
		copy(n[:], nonce)
		_ = CheckContribution(point, sig, n)
	})
}
