package bitbox02test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/flynn/noise"

	"specter/internal/btc"
	"specter/internal/signer"
	"specter/internal/signer/bitbox02/hww"
	"specter/internal/signer/signertest"
)

// Box is a BitBox02: what it keeps stays from one connection to the next. Its fields are set
// before the first Serve.
type Box struct {
	Firmware   string // the version, "v9.27.0"
	Name       string // the device's name
	BTCOnly    bool   // the Bitcoin-only edition
	Nova       bool
	Empty      bool // it holds no wallet
	Bootloader bool // it understands nothing of the wallet's
	Stubborn   bool // it never answers but NotReady
	OwnNonce   bool // it does not put the host's nonce into ECDSA signatures

	// Garble changes what is said through the channel before it is encrypted; nil leaves it.
	Garble func(response []byte) []byte

	d      signertest.Device
	master btc.XKey

	mu         sync.Mutex
	unlocked   bool
	passphrase bool // it asks for one when it is unlocked
	static     noise.DHKey
	hosts      map[string]bool     // static keys of hosts that were paired
	accounts   map[[32]byte]string // names of registered wallets
	names      map[string][32]byte
	channel    channel
}

// The times of the device. Real ones give a request up after half a second in which nobody asked
// for it; here it is more, so that a slow machine does not fail tests.
const (
	atOnce   = 4 * time.Millisecond // what is answered within needs no polling
	forgotIn = 5 * time.Second
)

// New makes a device of the newest firmware that the driver knows. It is unlocked unless d has a
// PIN, which its person types.
func New(d signertest.Device) *Box {
	if d.Person == nil {
		d.Person = &signertest.Person{}
	}
	seed := d.Master.Fingerprint()
	static, err := noise.DH25519.GenerateKeypair(signertest.Chance("bitbox02 " + seed.String()))
	if err != nil {
		panic(err) // cannot be: the chance never ends
	}
	return &Box{Firmware: "v9.27.0", Name: "My BitBox", d: d, master: d.Master, static: static, unlocked: d.PIN == "",
		hosts: map[string]bool{}, accounts: map[[32]byte]string{}, names: map[string][32]byte{}}
}

// Registered counts the wallets that the device keeps.
func (b *Box) Registered() int { b.mu.Lock(); defer b.mu.Unlock(); return len(b.accounts) }

// Forget drops what the device keeps of hosts and wallets, as a factory reset does.
func (b *Box) Forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.hosts)
	clear(b.accounts)
	clear(b.names)
}

// request is a message of the host.
type request struct {
	channel uint32
	command byte
	body    []byte
}

// answer is what a task says; last tells that it ended with it.
type answer struct {
	body []byte
	last bool
}

// task is one request in work, with the dialogue that follows it.
type task struct {
	in   chan []byte
	out  chan answer
	stop context.CancelFunc
	ctx  context.Context
}

// Serve answers at a port until ctx ends or the port closes.
func (b *Box) Serve(ctx context.Context, c signer.Conn) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	requests, failed := make(chan request), make(chan error, 1)
	go func() { failed <- receive(ctx, c, requests) }()
	port := &port{b: b, c: c}
	defer port.drop()
	for {
		var forgotten <-chan time.Time
		if port.busy {
			timer := time.NewTimer(forgotIn)
			defer timer.Stop()
			forgotten = timer.C
		}
		select {
		case r := <-requests:
			if err := port.take(ctx, r); err != nil {
				return err
			}
		case <-forgotten:
			port.drop()
		case err := <-failed:
			if errors.Is(err, io.EOF) || ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
}

func receive(ctx context.Context, c signer.Conn, to chan<- request) error {
	var a hww.Assembler
	packet := make([]byte, hww.PacketSize)
	for {
		if err := hww.ReadPacket(ctx, c, packet); err != nil {
			return err
		}
		if other := binary.BigEndian.Uint32(packet); packet[4]&0x80 != 0 && a.Open() && other != a.Channel {
			// the firmware waits for the rest of what another channel began
			if err := hww.WriteMessage(ctx, c, other, hww.Failure, []byte{hww.FailBusy}); err != nil {
				return err
			}
			continue
		}
		done, err := a.Add(packet)
		if err != nil {
			return err
		}
		if !done {
			continue
		}
		select {
		case to <- request{a.Channel, a.Command, a.Message()}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// port is the state of the request on one connection.
type port struct {
	b    *Box
	c    signer.Conn
	busy bool // a request has no answer yet
	now  *task
}

// drop ends what is under way.
func (p *port) drop() {
	if p.now != nil {
		p.now.stop()
	}
	p.now, p.busy = nil, false
}

func (p *port) take(ctx context.Context, r request) error {
	if r.command != hww.Command || p.b.Bootloader || len(r.body) == 0 {
		return hww.WriteMessage(ctx, p.c, r.channel, hww.Failure, []byte{hww.FailCommand})
	}
	return hww.WriteMessage(ctx, p.c, r.channel, hww.Command, p.state(ctx, r.body))
}

func (p *port) state(ctx context.Context, body []byte) []byte {
	switch {
	case body[0] == hww.Info:
		return p.b.info()
	case p.b.Stubborn:
		return []byte{hww.NotReady}
	case body[0] == hww.New && p.busy:
		return []byte{hww.Busy}
	case body[0] == hww.New:
		p.start(ctx, body[1:])
		return p.poll()
	case body[0] == hww.Retry && p.busy:
		return p.poll()
	case body[0] == hww.Cancel:
		p.drop()
	}
	return []byte{hww.Nack}
}

func (p *port) start(ctx context.Context, body []byte) {
	p.busy = true
	if p.now != nil {
		p.now.in <- body
		return
	}
	t := &task{in: make(chan []byte, 1), out: make(chan answer, 1)}
	t.ctx, t.stop = context.WithCancel(ctx)
	p.now = t
	go func() { t.out <- answer{p.b.operate(t, body), true} }()
}

func (p *port) poll() []byte {
	timer := time.NewTimer(atOnce)
	defer timer.Stop()
	select {
	case a := <-p.now.out:
		p.busy = false
		if a.last {
			p.drop()
		}
		return append([]byte{hww.Ack}, a.body...)
	case <-timer.C:
		return []byte{hww.NotReady}
	}
}

// info is version, platform, edition, unlocked and initialized.
func (b *Box) info() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := append([]byte{byte(len(b.Firmware))}, b.Firmware...)
	flag := func(on bool, v byte) byte {
		if on {
			return v
		}
		return 0
	}
	return append(out, flag(b.Nova, 2), flag(b.BTCOnly, 1), flag(b.unlocked && !b.Empty, 1), flag(!b.Empty, 1))
}
