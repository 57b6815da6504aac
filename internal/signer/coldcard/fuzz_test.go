package coldcard

import (
	"context"
	"errors"
	"io"
	"testing"

	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/signertest"
)

// FuzzPackets puts foreign packets together.
func FuzzPackets(f *testing.F) {
	f.Add([]byte{0x84, 'o', 'k', 'a', 'y'})
	f.Add([]byte{0x3f})
	f.Add([]byte{0xc0, 1, 2, 3})
	f.Fuzz(func(t *testing.T, data []byte) {
		var a assembler
		for n := range 200 {
			packet := make([]byte, packetSize)
			if len(data) > 0 {
				at := n * 7 % len(data)
				copy(packet, data[at:])
			}
			message, _, done, err := a.take(packet)
			if len(message) > maxMessage || len(a.got) > maxMessage || err != nil && done {
				t.Fatalf("%d bytes, %d kept, done %v, %v", len(message), len(a.got), done, err)
			}
		}
		if len(data) > 0 && len(data) <= maxMessage {
			var b assembler
			var got []byte
			for _, p := range packets(data, true) {
				message, secret, done, err := b.take(p)
				if err != nil || done && !secret {
					t.Fatal(done, secret, err)
				}
				got = append(got, message...)
			}
			if string(got) != string(data) {
				t.Fatalf("%x became %x", data, got)
			}
		}
	})
}

// talker is a device that says what it is told to and hangs up.
type talker struct{ rest []byte }

func (c *talker) Write(context.Context, []byte) (int, error) { return packetSize, nil }
func (c *talker) Close() error                               { return nil }
func (c *talker) Read(_ context.Context, p []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, errs.E(errs.Unavailable, "the device was unplugged: %w", io.EOF)
	}
	clear(p[:packetSize])
	n := copy(p[:packetSize], c.rest)
	c.rest = c.rest[n:]
	return packetSize, nil
}

// FuzzAnswers opens a device that answers anything.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte("\x84biny"), true)
	f.Add([]byte("\x90frammust encrypt"), false)
	f.Fuzz(func(t *testing.T, data []byte, echo bool) {
		if echo { // so that more than the greeting is reached
			nonce := make([]byte, 16)
			_, _ = io.ReadFull(signertest.Chance("fuzz"), nonce)
			hello := append([]byte{0x80 | 20}, append([]byte("biny"), nonce...)...)
			data = append(append(hello, make([]byte, packetSize-len(hello))...), data...)
		}
		o := signer.Options{Rand: signertest.Chance("fuzz")}
		s, err := Driver{}.Open(context.Background(), &talker{data}, signer.Port{}, o)
		if err == nil {
			_, err = s.Fingerprint(context.Background())
		}
		if err == nil || !errors.Is(err, signer.ErrNotThisKind) && signer.CodeOf(err) == 0 {
			t.Fatalf("it was taken for a device: %v", err)
		}
	})
}

// FuzzFirmware reads what devices say of their versions.
func FuzzFirmware(f *testing.F) {
	for _, v := range []string{"2026-08-20\n5.6.1\n3.2.1\n260820133600\nmk4", "\n1.5.1Q", "\n6.6.0QX", "", "\nXXXX\n"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v := parseFirmware(text)
		if v.maxTransaction() <= 0 || len(v.hint()) > 1000 || len([]rune(v.text)) > 201 {
			t.Fatalf("%+v", v)
		}
	})
}
