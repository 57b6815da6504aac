package signertest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"specter/internal/signer"
)

// Recording is a conversation with a device, as a text of one JSON object a line: first what it
// is ({"driver":…,"firmware":…,"seed":…}; seed is the host's chance), then packets in their order
// ({"dir":">","hex":…} from the host, "<" from the device).
type Recording struct {
	Driver   string `json:"driver"`
	Firmware string `json:"firmware"`
	Seed     string `json:"seed"` // of Chance
	About    string `json:"about"`

	mu    sync.Mutex
	Lines []Line `json:"-"`
}

// Line is one packet, or one piece of a stream.
type Line struct {
	Dir string `json:"dir"`
	Hex string `json:"hex"`
}

// ReadRecording reads the text form.
func ReadRecording(data []byte) (*Recording, error) {
	scan := bufio.NewScanner(bytes.NewReader(data))
	scan.Buffer(nil, 1<<22)
	r := &Recording{}
	for first := true; scan.Scan(); first = false {
		if len(bytes.TrimSpace(scan.Bytes())) == 0 {
			continue
		}
		var line Line
		into := any(&line)
		if first {
			into = r
		}
		if err := json.Unmarshal(scan.Bytes(), into); err != nil {
			return nil, fmt.Errorf("a line of a recording: %w", err)
		}
		if !first {
			r.Lines = append(r.Lines, line)
		}
	}
	return r, scan.Err()
}

// Text writes the text form.
func (r *Recording) Text() []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	_ = enc.Encode(r)
	for _, l := range r.Lines {
		_ = enc.Encode(l)
	}
	return out.Bytes()
}

// Over records what passes over a connection.
func (r *Recording) Over(c signer.Conn) signer.Conn { return &recorder{c, r} }

type recorder struct {
	signer.Conn
	r *Recording
}

func (c *recorder) Read(ctx context.Context, p []byte) (int, error) {
	n, err := c.Conn.Read(ctx, p)
	c.r.add("<", p[:n])
	return n, err
}

func (c *recorder) Write(ctx context.Context, p []byte) (int, error) {
	n, err := c.Conn.Write(ctx, p)
	c.r.add(">", p[:n])
	return n, err
}

func (r *Recording) add(dir string, p []byte) {
	if len(p) == 0 {
		return
	}
	r.mu.Lock()
	r.Lines = append(r.Lines, Line{dir, hex.EncodeToString(p)})
	r.mu.Unlock()
}

// Replay answers a driver as the recorded device did, and fails the test where the driver says
// anything else than it said then.
func (r *Recording) Replay(t testing.TB) signer.Conn { return &replay{t: t, r: r} }

type replay struct {
	t    testing.TB
	r    *Recording
	at   int
	rest []byte // of a stream piece that was read in part, or is still to be written
	gone bool
}

func (c *replay) next(dir string) ([]byte, bool) {
	if c.gone || c.at >= len(c.r.Lines) || c.r.Lines[c.at].Dir != dir {
		return nil, false
	}
	p, err := hex.DecodeString(c.r.Lines[c.at].Hex)
	if err != nil {
		c.t.Fatalf("line %d of the recording: %v", c.at+2, err)
	}
	c.at++
	return p, true
}

func (c *replay) Read(ctx context.Context, p []byte) (int, error) {
	if len(c.rest) == 0 {
		got, ok := c.next("<")
		if !ok {
			return 0, unplugged()
		}
		c.rest = got
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *replay) Write(ctx context.Context, p []byte) (int, error) {
	for sent := p; len(sent) > 0; {
		want, ok := c.next(">")
		if !ok || len(want) > len(sent) || !bytes.Equal(want, sent[:len(want)]) {
			c.gone = true
			c.t.Errorf("line %d: the driver says %x, then it said %x", c.at+1, sent, want)
			return 0, unplugged()
		}
		sent = sent[len(want):]
	}
	return len(p), nil
}

func (c *replay) Close() error { c.gone = true; return nil }
