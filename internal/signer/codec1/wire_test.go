package codec1_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"specter/internal/errs"
	"specter/internal/signer/codec1"
	"specter/internal/signer/signertest"
)

// pipe is a connection that gives what lies in it.
type pipe struct{ packets [][]byte }

func (p *pipe) Read(_ context.Context, b []byte) (int, error) {
	if len(p.packets) == 0 {
		return 0, errs.E(errs.Unavailable, "no more: %w", io.EOF)
	}
	n := copy(b, p.packets[0])
	p.packets = p.packets[1:]
	return n, nil
}

func (p *pipe) Write(_ context.Context, b []byte) (int, error) {
	p.packets = append(p.packets, bytes.Clone(b))
	return len(b), nil
}

func (p *pipe) Close() error { return nil }

func packet(text string) []byte {
	return append([]byte(text), make([]byte, codec1.Packet-len(text))...)
}

func TestMessagesOfEverySizePass(t *testing.T) {
	for _, size := range []int{0, 1, 54, 55, 56, 117, 118, 119, 5000} {
		c, body := &pipe{}, bytes.Repeat([]byte{0x23}, size) // "#": may not be taken for a beginning
		if err := codec1.Write(t.Context(), c, 0x1234, body); err != nil {
			t.Fatal(err)
		}
		if want := 1 + max(0, size-55+62)/63; len(c.packets) != want {
			t.Errorf("%d bytes go in %d packets, want %d", size, len(c.packets), want)
		}
		got, err := codec1.Read(t.Context(), c)
		if err != nil || got.Kind != 0x1234 || !bytes.Equal(got.Body, body) {
			t.Errorf("%d bytes come back as %d: %v", size, len(got.Body), err)
		}
	}
}

func TestFirstPacketIsAsTheProtocolHasIt(t *testing.T) {
	c := &pipe{}
	if err := codec1.Write(t.Context(), c, codec1.MsgButtonAck, []byte{0xaa}); err != nil {
		t.Fatal(err)
	}
	if want := packet("?##\x00\x1b\x00\x00\x00\x01\xaa"); len(c.packets) != 1 || !bytes.Equal(c.packets[0], want) {
		t.Errorf("%x, want %x", c.packets, want)
	}
}

func TestDamagedFrames(t *testing.T) {
	for name, test := range map[string]struct {
		packets [][]byte
		kind    errs.Kind
	}{
		"a short packet":              {[][]byte{[]byte("?##\x00\x00")}, errs.Invalid},
		"another framing":             {[][]byte{packet("\x01\x01\x05\x00")}, errs.Invalid},
		"a message above all bounds":  {[][]byte{packet("?##\x00\x11\xff\xff\xff\xff")}, errs.Invalid},
		"a packet that is no sequel":  {[][]byte{packet("?##\x00\x11\x00\x00\x00\xff"), packet("x")}, errs.Invalid},
		"an end in the middle":        {[][]byte{packet("?##\x00\x11\x00\x00\x00\xff")}, errs.Unavailable},
		"strays without end":          {repeat(packet("?more"), 1100), errs.Invalid},
		"nothing":                     {nil, errs.Unavailable},
		"strays and then the message": {append(repeat(packet("?more"), 20), packet("?##\x00\x02")), 0},
	} {
		f, err := codec1.Read(t.Context(), &pipe{test.packets})
		switch {
		case test.kind == 0 && (err != nil || f.Kind != codec1.MsgSuccess):
			t.Errorf("%s: %v %v", name, f, err)
		case test.kind != 0 && errs.KindOf(err) != test.kind:
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := codec1.Read(ctx, signertest.NewCable(codec1.Packet).Host()); !errors.Is(err, context.Canceled) {
		t.Errorf("a call that was given up: %v", err)
	}
}

func repeat(p []byte, n int) (all [][]byte) {
	for range n {
		all = append(all, p)
	}
	return all
}

func FuzzRead(f *testing.F) {
	f.Add(packet("?##\x00\x11\x00\x00\x00\x05abcde"))
	f.Add(append(packet("?##\x00\x11\x00\x00\x00\x50abcde"), packet("?rest")...))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &pipe{}
		for len(data) > 0 {
			n := min(codec1.Packet, len(data))
			c.packets, data = append(c.packets, data[:n]), data[n:]
		}
		got, err := codec1.Read(t.Context(), c)
		if err != nil {
			return
		}
		back := &pipe{}
		if err := codec1.Write(t.Context(), back, got.Kind, got.Body); err != nil {
			t.Fatal(err)
		}
		if again, err := codec1.Read(t.Context(), back); err != nil || again.Kind != got.Kind || !bytes.Equal(again.Body, got.Body) {
			t.Fatalf("%v does not come back: %v %v", got, again, err)
		}
	})
}
