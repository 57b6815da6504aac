package bitbox02_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/bitbox02"
	"specter/internal/signer/bitbox02/hww"
	"specter/internal/signer/signertest"
)

// script answers every message by a function of it; nil says nothing.
func script(t *testing.T, reply func(message []byte) [][]byte) signer.Conn {
	t.Helper()
	cable := signertest.NewCable(hww.PacketSize)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		var a hww.Assembler
		packet := make([]byte, hww.PacketSize)
		for {
			if hww.ReadPacket(ctx, cable.Device(), packet) != nil {
				return
			}
			if whole, _ := a.Add(packet); !whole {
				continue
			}
			for _, p := range reply(a.Message()) {
				copy(p, packet[:4]) // the channel
				if _, err := cable.Device().Write(ctx, p); err != nil {
					return
				}
			}
		}
	}()
	t.Cleanup(func() { stop(); cable.Unplug(); <-done })
	return cable.Host()
}

func packets(t *testing.T, message []byte) [][]byte {
	p, err := hww.Packets(0, hww.Command, message)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func raw(head ...byte) [][]byte {
	p := make([]byte, hww.PacketSize)
	copy(p[4:], head)
	return [][]byte{p}
}

func TestHostileDevicesAreEnded(t *testing.T) {
	info := append(append([]byte{7}, "v9.27.0"...), 0, 0, 1, 1)
	for name, reply := range map[string]func([]byte) [][]byte{
		"an answer of 65535 bytes":          func([]byte) [][]byte { return raw(hww.Command, 0xff, 0xff) },
		"an empty answer":                   func([]byte) [][]byte { return raw(hww.Command, 0, 0) },
		"a version longer than the answer":  func([]byte) [][]byte { return packets(t, []byte{200, 'v', '9'}) },
		"a version that is none":            func([]byte) [][]byte { return packets(t, append(append([]byte{7}, "v9.x.99"...), 0, 0, 1, 1)) },
		"another command":                   func([]byte) [][]byte { return raw(0x83, 0, 1, 0) },
		"a packet out of order":             func([]byte) [][]byte { return append(raw(hww.Command, 1, 0), raw(5)...) },
		"only continuations":                func([]byte) [][]byte { return bytes2(raw(0), 5000) },
		"an unknown failure":                func([]byte) [][]byte { return raw(hww.Failure, 0, 1, 0x7f) },
		"an unknown state":                  after(t, info, []byte{77}),
		"a refusal of everything":           after(t, info, []byte{hww.Nack}),
		"a greeting that is none":           after(t, info, []byte{hww.Ack, 1, 2, 3}),
		"a handshake of zeros":              after(t, info, append([]byte{hww.Ack, 0}, make([]byte, 96)...)),
		"a handshake that is too short":     after(t, info, []byte{hww.Ack, 0}),
		"an empty answer to a real request": after(t, info, nil),
	} {
		s, err := bitbox02.Driver{}.Open(limited(t), script(t, reply), usbPort, pairing(t))
		if err == nil {
			t.Errorf("%s: opened as %+v", name, s.Info())
		}
	}
}

func bytes2(p [][]byte, n int) (out [][]byte) {
	for range n {
		out = append(out, bytes.Clone(p[0]))
	}
	return out
}

// after answers the first question rightly and every other one with the same.
func after(t *testing.T, info, rest []byte) func([]byte) [][]byte {
	return func(m []byte) [][]byte {
		if m[0] == hww.Info {
			return packets(t, info)
		}
		return packets(t, rest)
	}
}

func TestAnswersToOtherProgramsAreSkipped(t *testing.T) {
	info := append(append([]byte{7}, "v9.27.0"...), 0, 0, 0, 1)
	cable := signertest.NewCable(hww.PacketSize)
	for channel := range uint32(40) {
		p, _ := hww.Packets(channel+2, hww.Command, bytes.Repeat([]byte{1}, 100))
		for _, one := range p {
			if _, err := cable.Device().Write(t.Context(), one); err != nil {
				t.Fatal(err)
			}
		}
	}
	go func() {
		packet := make([]byte, hww.PacketSize)
		_ = hww.ReadPacket(t.Context(), cable.Device(), packet)
		_ = hww.WriteMessage(t.Context(), cable.Device(), binary.BigEndian.Uint32(packet), hww.Command, info)
	}()
	s, err := bitbox02.Driver{}.Open(limited(t), cable.Host(), usbPort, signertest.Options(t))
	if err != nil || s.Info().Firmware != "9.27.0" {
		t.Errorf("%v", err)
	}
}

func TestABusyDeviceIsSaidToBeBusy(t *testing.T) {
	info := append(append([]byte{7}, "v9.27.0"...), 0, 0, 1, 1)
	ctx, stop := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer stop()
	_, err := bitbox02.Driver{}.Open(ctx, script(t, after(t, info, []byte{hww.Busy})), usbPort, pairing(t))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while there is time it waits: %v", err)
	}
}

func TestADeviceThatDidNotComeFromItsVendorIsWarnedOf(t *testing.T) {
	b := box(t, nil) // it answers attestations with a refusal
	s, err := bitbox02.Driver{}.Open(limited(t), plug(t, b).Host(), usbPort, pairing(t))
	if err != nil {
		t.Fatal(err)
	}
	if w := s.Info().Warnings; len(w) != 1 || !strings.Contains(w[0], "vendor") {
		t.Errorf("warnings %q", w)
	}
	if w := open(t, b, pairing(t)).Info().Warnings; len(w) != 0 {
		t.Errorf("a simulator is warned of: %q", w)
	}
}

// TestKleptoAgainstKnownAnswers holds the check to numbers that the vendor's Python library
// accepts (hwilib.devices.bitbox02_lib.bitbox02.secp256k1.antiklepto_verify).
func TestKleptoAgainstKnownAnswers(t *testing.T) {
	for _, c := range kleptoVectors {
		nonce := [32]byte(unhex(t, c.nonce))
		if got := hww.HostCommitment(nonce); !bytes.Equal(got[:], unhex(t, c.commitment)) {
			t.Errorf("commitment %x", got)
		}
		point, sig := unhex(t, c.point), unhex(t, c.signature)
		if err := hww.CheckContribution(point, sig, nonce); err != nil {
			t.Errorf("a good signature: %v", err)
		}
		for name, bad := range map[string]func(p, s []byte, n *[32]byte){
			"another nonce":      func(_, _ []byte, n *[32]byte) { n[0] ^= 1 },
			"another signature":  func(_, s []byte, _ *[32]byte) { s[31] ^= 1 },
			"another commitment": func(p, _ []byte, _ *[32]byte) { p[0] ^= 1 },
			"no commitment":      func(p, _ []byte, _ *[32]byte) { clear(p) },
			"r beyond the order": func(_, s []byte, _ *[32]byte) { copy(s, bytes.Repeat([]byte{0xff}, 32)) },
		} {
			p, s, n := bytes.Clone(point), bytes.Clone(sig), nonce
			bad(p, s, &n)
			if err := hww.CheckContribution(p, s, n); errs.KindOf(err) != errs.Conflict {
				t.Errorf("%s: %v", name, err)
			}
		}
		if hww.CheckContribution(point[1:], sig, nonce) == nil || hww.CheckContribution(point, sig[1:], nonce) == nil {
			t.Error("cut values passed")
		}
	}
}

func TestAddressesOfAPlainKey(t *testing.T) {
	s := open(t, box(t, nil), pairing(t))
	for _, kind := range []string{"wpkh", "sh-wpkh", "tr"} {
		d, err := wallets(t)[kind].Descriptor.Expand()[1].Plain(6)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := derive(t, wallets(t)[kind].Descriptor.Expand()[1], 6).Address(btc.Regtest)
		got, err := s.ShowAddress(limited(t), signer.Wallet{Descriptor: d}, signer.Registration{}, 0, 0)
		if err != nil || got != want {
			t.Errorf("%s: %s, want %s (%v)", kind, got, want, err)
		}
	}
}
