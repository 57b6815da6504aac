// Package coldcardtest is a Coldcard in software, for tests: the device's side of the protocol
// with real keys, a person who decides and, where asked for, lies. It shares no code with the
// driver.
package coldcardtest

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/signer"
	"specter/internal/signer/signertest"
)

// Model says which Coldcard it is.
type Model struct {
	Version  string // firmware: 5.6.1, 1.5.1Q, 4.1.8, 6.6.0X; "" is 5.6.1
	Hardware string // mk3, mk4, mk5, q1; "" is mk4
	Chain    string // BTC, XTN or XRT; "" follows the device's network
	Blank    bool   // no seed yet
	Impostor bool   // somebody in the middle: signs the link with another key than the master's
}

// Device is a Coldcard. It keeps the wallets that were enrolled from one connection to the next.
type Device struct {
	signertest.Device
	Model Model

	mu      sync.Mutex
	wallets []enrolled
	active  *request // what the person is asked
	bound   bool     // version 2 of the link is in effect until power is cut
	now     btc.XKey // master key of the wallet in use
}

type enrolled struct {
	name string
	desc *descriptor.Descriptor
}

// request is a question on the screen.
type request struct {
	kind    string // the command that asked
	cancel  context.CancelFunc
	settled chan struct{} // closed once done
	done    bool
	answer  []byte // of the polling command, once done
}

// New makes a device.
func New(d signertest.Device, m Model) *Device {
	if m.Version == "" {
		m.Version = "5.6.1"
	}
	if m.Hardware == "" {
		m.Hardware = "mk4"
	}
	if m.Chain == "" {
		m.Chain = map[btc.Network]string{btc.Mainnet: "BTC", btc.Regtest: "XRT"}[d.Network]
	}
	if m.Chain == "" {
		m.Chain = "XTN"
	}
	if d.Person == nil {
		d.Person = &signertest.Person{}
	}
	out := &Device{Device: d, Model: m, now: d.Master}
	if d.Passphrase != "" {
		out.now = other(d.Master, "")
	}
	return out
}

// other is the master key of another passphrase.
func other(master btc.XKey, passphrase string) btc.XKey {
	sum := sha256.Sum256([]byte(master.String() + "/" + passphrase))
	key, err := btc.NewMaster(sum[:], master.Main)
	if err != nil {
		panic(err) // a seed of 32 bytes is good, but for one in 2^127
	}
	return key
}

// Serve is a Coldcard Mk4 of newest firmware that was just switched on.
func Serve(ctx context.Context, c signer.Conn, d signertest.Device) error {
	return New(d, Model{}).Serve(ctx, c)
}

// ServeEdge is Serve with the Edge firmware.
func ServeEdge(ctx context.Context, c signer.Conn, d signertest.Device) error {
	return New(d, Model{Version: "6.6.0X"}).Serve(ctx, c)
}

func (d *Device) edge() bool { return strings.HasSuffix(d.Model.Version, "X") }

// old tells whether the firmware is older than a version of Mk4's.
func (d *Device) old(major, minor int) bool {
	if d.edge() || strings.HasSuffix(d.Model.Version, "Q") {
		return false
	}
	var a, b int
	if _, err := fmt.Sscanf(d.Model.Version, "%d.%d", &a, &b); err != nil {
		return true
	}
	return a < major || a == major && b < minor
}

// port is one connection: the handler of the firmware's USB task.
type port struct {
	*Device
	ctx  context.Context
	conn signer.Conn

	key      [32]byte
	in, out  cipher.Stream
	secret   bool // the request came encrypted
	upload   []byte
	running  hash.Hash
	result   []byte // may be downloaded
	shutdown bool
}

// Serve answers a host until the connection ends, which is no error.
func (d *Device) Serve(ctx context.Context, c signer.Conn) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := &port{Device: d, ctx: ctx, conn: c, running: sha256.New()}
	var message []byte
	for !p.shutdown {
		packet := make([]byte, 64)
		n, err := c.Read(ctx, packet)
		if err != nil {
			return ended(ctx, err)
		}
		flags, size := packet[0], int(packet[0]&0x3f)
		switch {
		case n != 64:
			err, message = p.framing("short"), nil
		case size == 0:
			p.running.Reset()
			message = nil
			continue
		case len(message)+size > 2060:
			err, message = p.framing("xlong"), nil
		default:
			message = append(message, packet[1:1+size]...)
			if flags&0x80 == 0 {
				continue
			}
			err, message = p.request(message, flags&0x40 != 0), nil
		}
		if err != nil {
			return ended(ctx, err)
		}
	}
	return nil
}

func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil || signer.CodeOf(err) != 0 && !errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// request handles one whole message.
func (p *port) request(message []byte, secret bool) error {
	switch {
	case len(message) < 4:
		return p.framing("badsz")
	case !secret && p.isBound():
		return p.framing("must encrypt")
	case secret && p.in == nil:
		return p.framing("no key")
	case secret:
		p.in.XORKeyStream(message, message)
	}
	p.secret = secret
	answer, err := p.handle(string(message[:4]), message[4:])
	var f framingError
	switch {
	case errors.As(err, &f):
		return p.framing(string(f))
	case errors.Is(err, errBusy):
		answer = []byte("busy")
	case err != nil:
		answer = append([]byte("err_"), err.Error()...)
		if len(answer) > 84 {
			answer = answer[:84]
		}
	case answer == nil:
		answer = []byte("okay")
	}
	if string(message[:4]) == "ncry" {
		return p.send(answer, false)
	}
	return p.send(answer, secret)
}

type framingError string

func (f framingError) Error() string { return string(f) }

const errBusy = said("busy")

func (p *port) framing(why string) error { return p.send([]byte("fram"+why), false) }

func (p *port) isBound() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.bound }

func (p *port) send(message []byte, secret bool) error {
	last := byte(0x80)
	if secret {
		last |= 0x40
		message = append([]byte(nil), message...)
		p.out.XORKeyStream(message, message)
	}
	for len(message) > 0 {
		packet := make([]byte, 64)
		n := copy(packet[1:], message)
		packet[0] = byte(n)
		if message = message[n:]; len(message) == 0 {
			packet[0] |= last
		}
		if _, err := p.conn.Write(p.ctx, packet); err != nil {
			return err
		}
	}
	return nil
}

// draw makes a key for the link.
func draw() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	return b
}

func words(args []byte, n int) ([]uint32, []byte, error) {
	if len(args) < 4*n {
		return nil, nil, said("badlen")
	}
	out := make([]uint32, n)
	for i := range out {
		out[i] = binary.LittleEndian.Uint32(args[4*i:])
	}
	return out, args[4*n:], nil
}

// said is an error in the firmware's own words.
type said string

func (s said) Error() string { return string(s) }
