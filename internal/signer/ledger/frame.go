package ledger

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"specter/internal/signer"
)

// Sizes of the two framings.
const (
	packetSize = 64
	tagAPDU    = 0x05
	maxAnswer  = 1024 // bytes of an answer with its status word; the app's buffer holds 260
	maxStray   = 4096 // packets of other conversations that are passed over while waiting
)

// link carries one APDU at a time over HID packets or over Speculos's TCP stream.
type link struct {
	conn    signer.Conn
	stream  bool
	channel uint16
	owed    int // of a stream: answers to earlier requests whose caller went away; they are thrown away
	dead    error
	packets assembler
	rest    []byte // of the stream
}

// newLink makes a link. The channel is chosen by chance: a device answers on the channel on which
// it was asked last, so an answer to a question of an earlier session (its person pressed the
// button after the host had gone) is not taken for an answer to this one.
func newLink(c signer.Conn, way signer.Way, chance io.Reader) (*link, error) {
	l := &link{conn: c, stream: way == signer.TCP}
	if !l.stream {
		var b [2]byte
		if _, err := io.ReadFull(chance, b[:]); err != nil {
			return nil, fmt.Errorf("chance for the channel: %w", err)
		}
		l.channel = 0x0101 + binary.BigEndian.Uint16(b[:])%0xf000 // never 0
	}
	l.packets.channel = l.channel
	return l, nil
}

// exchange sends an APDU and waits for its answer: data and status word. When ctx ends it returns
// at once, while the device goes on asking its person; measured: it answers every other APDU with
// 6901 until then, and the old question's answer follows. It is passed over: packets by their
// channel, a stream by waiting for it.
func (l *link) exchange(ctx context.Context, apdu []byte) (data []byte, sw uint16, err error) {
	if l.dead != nil {
		return nil, 0, l.dead
	}
	for ; l.owed > 0; l.owed-- {
		if _, err := l.receive(ctx); err != nil {
			return nil, 0, l.fail(err)
		}
	}
	if err := l.send(ctx, apdu); err != nil {
		l.dead = signer.E(signer.CodeConnection, "the device was asked only half a question; connect it again: %w", err)
		return nil, 0, signer.Lost(err)
	}
	l.owed = 1
	answer, err := l.receive(ctx)
	if err != nil {
		l.another()
		return nil, 0, l.fail(err)
	}
	l.owed = 0
	if len(answer) < 2 {
		return nil, 0, l.fail(malformed("an answer of %d bytes", len(answer)))
	}
	n := len(answer) - 2
	if sw = binary.BigEndian.Uint16(answer[n:]); sw == swBusy {
		l.owed = 1
		l.another()
	}
	return answer[:n], sw, nil
}

// another takes the next channel, so that what is still said on the old one is passed over.
func (l *link) another() {
	if l.stream {
		return
	}
	l.owed = 0
	if l.channel++; l.channel == 0 {
		l.channel = 1
	}
	l.packets = assembler{channel: l.channel}
}

// fail remembers errors after which frames can no longer be told apart.
func (l *link) fail(err error) error {
	if signer.CodeOf(err) == signer.CodeUnknownDevice {
		l.dead = err
		return err
	}
	return signer.Lost(err)
}

// malformed is an answer that no Ledger gives.
func malformed(format string, args ...any) error {
	return signer.E(signer.CodeUnknownDevice, "the device does not speak Ledger's protocol (%s)", fmt.Sprintf(format, args...))
}

func (l *link) send(ctx context.Context, apdu []byte) error {
	if l.stream {
		return l.write(ctx, append(binary.BigEndian.AppendUint32(nil, uint32(len(apdu))), apdu...))
	}
	for _, p := range packets(l.channel, apdu) {
		if err := l.write(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (l *link) write(ctx context.Context, p []byte) error {
	for len(p) > 0 {
		n, err := l.conn.Write(ctx, p)
		if err != nil {
			return err
		}
		if n <= 0 || n > len(p) {
			return io.ErrShortWrite
		}
		p = p[n:]
	}
	return nil
}

// packets cuts a message into HID packets: channel, tag 05, number, and in the first the length.
func packets(channel uint16, message []byte) [][]byte {
	rest := append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...)
	var out [][]byte
	for seq := uint16(0); len(rest) > 0; seq++ {
		p := make([]byte, packetSize)
		binary.BigEndian.PutUint16(p, channel)
		p[2] = tagAPDU
		binary.BigEndian.PutUint16(p[3:], seq)
		rest = rest[copy(p[5:], rest):]
		out = append(out, p)
	}
	return out
}

func (l *link) receive(ctx context.Context) ([]byte, error) {
	if l.stream {
		return l.receiveStream(ctx)
	}
	buf := make([]byte, packetSize+1)
	for range maxStray {
		n, err := l.conn.Read(ctx, buf)
		if err != nil {
			return nil, err
		}
		answer, done, err := l.packets.add(buf[:n])
		if err != nil || done {
			return answer, err
		}
	}
	return nil, malformed("packets without end")
}

// receiveStream reads len32 data sw, where the length does not count the status word.
func (l *link) receiveStream(ctx context.Context) ([]byte, error) {
	buf := make([]byte, maxAnswer)
	for {
		answer, used, err := splitStream(l.rest)
		if err != nil || used > 0 {
			l.rest = l.rest[used:]
			return answer, err
		}
		n, err := l.conn.Read(ctx, buf)
		if err != nil {
			return nil, err
		}
		l.rest = append(l.rest, buf[:n]...)
	}
}

// splitStream takes one answer off a stream; used is 0 while it is not whole.
func splitStream(b []byte) (answer []byte, used int, err error) {
	if len(b) < 4 {
		return nil, 0, nil
	}
	n := binary.BigEndian.Uint32(b)
	if n > maxAnswer-2 {
		return nil, 0, malformed("an answer of %d bytes", n)
	}
	used = 4 + int(n) + 2
	if len(b) < used {
		return nil, 0, nil
	}
	return b[4:used], used, nil
}

// assembler joins HID packets. It keeps its place when a reader goes away in the middle.
type assembler struct {
	channel uint16
	seq     uint16
	want    int // bytes of the message; 0 between messages
	buf     []byte
}

// add takes a packet and gives the message when it is whole. Packets of other channels are
// passed over.
func (a *assembler) add(p []byte) (message []byte, done bool, err error) {
	switch {
	case len(p) != packetSize:
		return nil, false, malformed("a packet of %d bytes", len(p))
	case binary.BigEndian.Uint16(p) != a.channel:
		return nil, false, nil
	case p[2] != tagAPDU:
		return nil, false, malformed("a packet with tag %02x", p[2])
	case binary.BigEndian.Uint16(p[3:]) != a.seq:
		return nil, false, malformed("packet %d where %d was due", binary.BigEndian.Uint16(p[3:]), a.seq)
	}
	p = p[5:]
	if a.seq == 0 {
		a.want = int(binary.BigEndian.Uint16(p))
		p = p[2:]
		if a.want < 2 || a.want > maxAnswer {
			return nil, false, malformed("an answer of %d bytes", a.want)
		}
	}
	a.seq++
	a.buf = append(a.buf, p[:min(len(p), a.want-len(a.buf))]...)
	if len(a.buf) < a.want {
		return nil, false, nil
	}
	message = a.buf
	a.seq, a.want, a.buf = 0, 0, nil
	return message, true, nil
}
