package specterdiy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/signertest"
)

// FuzzLines cuts a foreign stream into lines, however it comes in pieces.
func FuzzLines(f *testing.F) {
	f.Add([]byte("ACK\r\n73c5da0a\r\n"), uint8(3))
	f.Add([]byte("ACK\r\nerror: Invalid PSBT:\n\nshort\r\n\r\n"), uint8(1))
	f.Add([]byte("\r\r\n\n\r"), uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, size uint8) {
		var l lines
		var got [][]byte
		for rest := data; len(rest) > 0; {
			n := min(int(size)+1, len(rest))
			if err := l.add(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
			for line, ok := l.next(); ok; line, ok = l.next() {
				got = append(got, bytes.Clone(line))
			}
		}
		got = append(got, l.rest)
		if want := bytes.Split(data, endOfLine); !bytes.Equal(bytes.Join(got, []byte("|")), bytes.Join(want, []byte("|"))) {
			t.Fatalf("%q in pieces of %d became %q", data, size, got)
		}
	})
}

// talker is a device that says what it is told to and hangs up.
type talker struct{ io.Reader }

func (c talker) Write(_ context.Context, p []byte) (int, error) { return len(p), nil }
func (c talker) Close() error                                   { return nil }
func (c talker) Read(_ context.Context, p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if err != nil {
		err = errs.E(errs.Unavailable, "the device was unplugged: %w", err)
	}
	return n, err
}

// FuzzAnswers opens a device that answers anything.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte("ACK\r\nerror: Device is locked\r\n"))
	f.Add([]byte("ACK\r\ntpubD6NzVbkrYhZ4XzL5Dhayo67Gorv1YMS7j8pRUvVMd5odC2LBPLAygka9p7748JtSq82FNGPppFEz5xxZUdasBRCqJqXvUHq6xpnsMcYJzeh\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		o := signer.Options{Rand: signertest.Chance("fuzz")}
		s, err := Driver{}.Open(context.Background(), talker{bytes.NewReader(data)}, signer.Port{}, o)
		if err != nil {
			if !errors.Is(err, signer.ErrNotThisKind) && signer.CodeOf(err) == 0 {
				t.Fatal(err)
			}
			return
		}
		if i := s.Info(); !i.Known && i.Err == nil {
			t.Fatalf("%q was taken for a device", data)
		}
	})
}

func TestALineWithoutEndIsRefused(t *testing.T) {
	var l lines
	piece := bytes.Repeat([]byte("a"), 1<<20)
	var err error
	for n := 0; err == nil && n < 20; n++ {
		err = l.add(piece)
	}
	if err == nil || len(l.rest) > maxLine {
		t.Errorf("%d bytes are kept: %v", len(l.rest), err)
	}
}

func TestWhatTheDeviceComplainsOf(t *testing.T) {
	for text, code := range map[string]signer.Code{
		"error: User cancelled":                        signer.CodeCancelled,
		"error: Unknown command":                       signer.CodeUnavailable,
		"error: Can't find matching app for this":      signer.CodeUnavailable,
		"error: Can't find wallet owning address":      signer.CodeNotRegistered,
		"error: Device is locked":                      signer.CodeNotReady,
		"error: Device is busy":                        signer.CodeBusy,
		"error: Invalid PSBT:\n\nshort":                signer.CodeBadTransaction,
		"error: Some keys don't belong to the Regtest": signer.CodeNotReady,
		"error: \x1b[2J\x07":                           signer.CodeBadArgument,
		"error:":                                       signer.CodeBadArgument,
	} {
		if err := refused(text); signer.CodeOf(err) != code || bytes.ContainsAny([]byte(err.Error()), "\x1b\x07\n") {
			t.Errorf("%q: %v (%d)", text, err, signer.CodeOf(err))
		}
	}
	if err := refused("success"); err != nil {
		t.Error(err)
	}
}
