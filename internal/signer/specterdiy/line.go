package specterdiy

import (
	"bytes"
	"context"
	"errors"

	"specter/internal/signer"
)

// Bounds of what is read: a signed transaction is one line.
const (
	maxLine   = 16 << 20
	maxStale  = 1000 // lines skipped in search of an answer
	pieceSize = 4096
)

var endOfLine = []byte("\r\n")

// lines cuts a stream into lines that end with CR LF. Errors of the device hold single line feeds.
type lines struct {
	rest []byte
	seen int // bytes of rest that hold no end of line
}

// next takes a line from what is there.
func (l *lines) next() (line []byte, ok bool) {
	from := max(l.seen-1, 0)
	i := bytes.Index(l.rest[from:], endOfLine)
	if i < 0 {
		l.seen = len(l.rest)
		return nil, false
	}
	line, l.rest, l.seen = l.rest[:from+i], l.rest[from+i+2:], 0
	return line, true
}

// add takes what was read; a line without end is refused.
func (l *lines) add(p []byte) error {
	if len(l.rest)+len(p) > maxLine {
		l.rest, l.seen = nil, 0
		return garbled()
	}
	l.rest = append(l.rest, p...)
	return nil
}

func garbled() error {
	return signer.E(signer.CodeConnection, "the answer of the Specter-DIY cannot be read; unplug it and connect it again, and close other programs that use it")
}

// link carries commands to the device.
type link struct {
	conn  signer.Conn
	lines lines
	dirty bool // a command was given up: its answer may still come
	dead  error
}

// write sends a command, after two ends of line that clear whatever was begun before.
func (l *link) write(ctx context.Context, command string) error {
	if l.dead != nil {
		return l.dead
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	l.dirty = true
	for p := []byte("\r\n\r\n" + command + "\r\n"); len(p) > 0; {
		n, err := l.conn.Write(ctx, p[:min(pieceSize, len(p))])
		if err != nil {
			return l.lost(ctx, err)
		}
		p = p[n:]
	}
	return nil
}

// read gives the next line.
func (l *link) read(ctx context.Context) ([]byte, error) {
	if l.dead != nil {
		return nil, l.dead
	}
	for {
		if line, ok := l.lines.next(); ok {
			return line, nil
		}
		p := make([]byte, pieceSize)
		n, err := l.conn.Read(ctx, p)
		if err != nil {
			return nil, l.lost(ctx, err)
		}
		if err := l.lines.add(p[:n]); err != nil {
			l.dead = err
			return nil, err
		}
	}
}

// answer waits for "ACK" and the line after it. An end of line that reached the device in two
// parts counts as an empty command, which it acknowledges and answers with an empty line.
func (l *link) answer(ctx context.Context) (string, error) {
	acknowledged := false
	for range maxStale {
		line, err := l.read(ctx)
		switch {
		case err != nil:
			return "", err
		case string(line) == "ACK":
			acknowledged = true
		case acknowledged && len(line) > 0:
			return string(line), nil
		default:
			acknowledged = false
		}
	}
	return "", garbled()
}

// query sends a command and returns its answer.
func (l *link) query(ctx context.Context, command string) (string, error) {
	if err := l.write(ctx, command); err != nil {
		return "", err
	}
	text, err := l.answer(ctx)
	if err != nil {
		return "", err
	}
	l.dirty = false
	return text, refused(text)
}

// lost tells a failure of the connection from a call that was given up.
func (l *link) lost(ctx context.Context, err error) error {
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return err
	}
	l.dead = signer.Lost(err)
	return l.dead
}
