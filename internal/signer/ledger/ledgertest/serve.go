// Package ledgertest is a Ledger in software: the device's side of the Bitcoin app's protocol 1,
// with real keys, for tests. It believes its host nothing: everything that it is given is checked
// against the Merkle roots of the command, registrations against its own HMAC, scripts against
// the policy. It shares no code with the driver.
package ledgertest

import (
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"io"

	"specter/internal/btc"
	"specter/internal/signer"
	"specter/internal/signer/signertest"
)

// Speculos's default phrase; its master key has the fingerprint f5acc2fd. Never fund it.
const Speculos = "glory promote mansion idle axis finger extra february uncover one trip resource lawn turtle enact monster seven myth punch hobby comfort wild raise skin"

// App is an open app on a device.
type App struct {
	Device  signertest.Device
	Name    string                      // "" is the Bitcoin app of the device's network
	Version string                      // "" is 2.4.6
	Seed    []byte                      // BIP39 seed, for the registration key of a real device (SLIP-21); nil: one is made of the master key
	Asks    func(request []byte) []byte // a hostile device: changes what is asked of the host; nil: honest

	unlocked bool
}

// Serve is a device with its Bitcoin app open.
func Serve(ctx context.Context, c signer.Conn, d signertest.Device) error {
	return (&App{Device: d}).Serve(ctx, c)
}

// Serve answers until the cable is pulled out (nil) or ctx ends.
func (a *App) Serve(ctx context.Context, c signer.Conn) error {
	w := &wires{conn: c}
	for {
		apdu, err := w.receive(ctx)
		if err == nil {
			data, sw := a.handle(ctx, w, apdu)
			err = w.reply(ctx, data, sw)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// wires carries APDUs over HID packets or a stream; the first bytes tell which.
type wires struct {
	conn    signer.Conn
	rest    []byte
	stream  bool
	channel []byte

	message []byte // of packets, as far as they came
	want    int
	seq     int
}

func (w *wires) receive(ctx context.Context) ([]byte, error) {
	if err := w.fill(ctx, 4); err != nil {
		return nil, err
	}
	if w.stream = w.rest[0] == 0 && w.rest[1] == 0; w.stream {
		n := int(binary.BigEndian.Uint32(w.rest))
		if err := w.fill(ctx, 4+n); err != nil {
			return nil, err
		}
		apdu := w.rest[4 : 4+n]
		w.rest = w.rest[4+n:]
		return apdu, nil
	}
	for {
		if err := w.fill(ctx, 64); err != nil {
			return nil, err
		}
		p := w.rest[:64]
		w.rest = w.rest[64:]
		if n := int(binary.BigEndian.Uint16(p[3:])); n == 0 {
			w.message, w.want, w.seq = nil, int(binary.BigEndian.Uint16(p[5:])), 0 // a new message, whatever was before
			w.channel, p = p[:2], p[2:]
		} else if n != w.seq || p[2] != 5 {
			return nil, errors.New("the host's packets are out of order")
		}
		w.seq++
		if w.message = append(w.message, p[5:]...); len(w.message) >= w.want {
			return w.message[:w.want], nil
		}
	}
}

func (w *wires) fill(ctx context.Context, n int) error {
	for len(w.rest) < n {
		buf := make([]byte, 4096)
		k, err := w.conn.Read(ctx, buf)
		if err != nil {
			return err
		}
		w.rest = append(w.rest, buf[:k]...)
	}
	return nil
}

func (w *wires) reply(ctx context.Context, data []byte, sw uint16) error {
	if w.stream {
		out := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
		_, err := w.conn.Write(ctx, binary.BigEndian.AppendUint16(append(out, data...), sw))
		return err
	}
	out := binary.BigEndian.AppendUint16(nil, uint16(len(data)+2))
	out = binary.BigEndian.AppendUint16(append(out, data...), sw)
	for seq := 0; len(out) > 0; seq++ {
		p := make([]byte, 64)
		copy(p, w.channel)
		p[2] = 5
		binary.BigEndian.PutUint16(p[3:], uint16(seq))
		out = out[copy(p[5:], out):]
		if _, err := w.conn.Write(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// refusal ends a command with a status word, and from app 2.3 on a number that says why.
type refusal struct {
	sw     uint16
	detail []byte
}

func (r refusal) Error() string { return "status word" }

var (
	denied      = refusal{sw: 0x6985}
	badData     = refusal{sw: 0x6a80}
	unsupported = refusal{sw: 0x6a82}
	badLength   = refusal{sw: 0x6a87}
	badProof    = refusal{sw: 0xb008}
)

func because(r refusal, reason uint16) error {
	return refusal{r.sw, binary.BigEndian.AppendUint16(nil, reason)}
}

// handle carries out one command.
func (a *App) handle(ctx context.Context, w *wires, apdu []byte) ([]byte, uint16) {
	if len(apdu) < 5 || len(apdu) != 5+int(apdu[4]) {
		return nil, badLength.sw
	}
	if !a.unlock(ctx) {
		return nil, 0x5515
	}
	cla, ins, data := apdu[0], apdu[1], apdu[5:]
	if cla == 0xb0 && ins == 1 {
		name, version := a.title()
		out := append([]byte{1, byte(len(name))}, name...)
		return append(append(append(out, byte(len(version))), version...), 1, 0), 0x9000
	}
	if name, _ := a.title(); cla != 0xe1 || name == "BOLOS" {
		return nil, 0x6e00
	}
	if apdu[2] != 0 || apdu[3] > 1 {
		return nil, 0x6a86
	}
	c := &client{ctx: ctx, wires: w, asks: a.Asks}
	commands := map[byte]func(*client, *reader) ([]byte, error){
		0x00: a.xpub, 0x02: a.register, 0x03: a.address, 0x04: a.sign, 0x05: a.fingerprint, 0x10: a.message,
	}
	command, ok := commands[ins]
	if !ok {
		return nil, 0x6d00
	}
	out, err := command(c, &reader{b: data})
	var r refusal
	switch {
	case err == nil:
		return out, 0x9000
	case errors.As(err, &r):
		return r.detail, r.sw
	}
	return nil, 0xb007 // of a cable that is gone the reply tells
}

func (a *App) title() (name, version string) {
	name, version = a.Name, a.Version
	if name == "" {
		name = "Bitcoin Test"
		if a.Device.Network.IsMain() {
			name = "Bitcoin"
		}
	}
	if version == "" {
		version = "2.4.6"
	}
	return name, version
}

// unlock lets the person type the PIN.
func (a *App) unlock(ctx context.Context) bool {
	if !a.unlocked {
		a.unlocked = a.Device.PIN == "" || a.ask(ctx, signertest.ShowPIN, "").Text == a.Device.PIN
	}
	return a.unlocked
}

func (a *App) ask(ctx context.Context, kind, text string) signertest.Decision {
	if a.Device.Person == nil {
		return signertest.Decision{Approve: true}
	}
	return a.Device.Person.Ask(ctx, kind, text)
}

// confirm shows something; a refusal ends the command. While it waits for its person, the device
// answers every other command with "busy", as the real app does (measured with 2.4.6).
func (a *App) confirm(c *client, kind, text string) error {
	ctx, stop := context.WithCancel(c.ctx)
	defer stop()
	decided := make(chan signertest.Decision, 1)
	listen, done := context.WithCancel(ctx)
	go func() {
		decided <- a.ask(ctx, kind, text)
		done()
	}()
	for {
		_, err := c.wires.receive(listen)
		switch {
		case err == nil:
			err = c.wires.reply(ctx, nil, 0x6901)
		case listen.Err() != nil && ctx.Err() == nil:
			if !(<-decided).Approve {
				return denied
			}
			return nil
		}
		if err != nil {
			stop()
			<-decided
			return err
		}
	}
}

// network is the one whose addresses the app writes: it knows testnet and mainnet alone.
func (a *App) network() btc.Network {
	if a.Device.Network.IsMain() {
		return btc.Mainnet
	}
	return btc.Testnet3
}

func (a *App) own() btc.Fingerprint { return a.Device.Master.Fingerprint() }

func (a *App) key(p btc.Path) (btc.XKey, error) {
	k, err := a.Device.Master.Derive(p)
	k.Main = a.Device.Network.IsMain()
	return k, err
}

// proof is the HMAC of a policy's id under SLIP-21's key "LEDGER-Wallet policy".
func (a *App) proof(id [32]byte) []byte {
	seed := a.Seed
	if seed == nil {
		k, _ := a.Device.Master.PrivateKey()
		seed = k.Serialize()
	}
	node := mac512([]byte("Symmetric key seed"), seed)
	node = mac512(node[:32], []byte("\x00LEDGER-Wallet policy"))
	return mac256(node[32:], id[:])
}

func mac512(key, data []byte) []byte {
	m := hmac.New(sha512.New, key)
	m.Write(data)
	return m.Sum(nil)
}

// reader takes a command's data apart; what is missing is remembered.
type reader struct {
	b     []byte
	short bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.short = true
		return make([]byte, max(0, min(n, 64)))
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) byte() byte     { return r.take(1)[0] }
func (r *reader) hash() [32]byte { return [32]byte(r.take(32)) }
func (r *reader) uint32() uint32 { return binary.BigEndian.Uint32(r.take(4)) }
func (r *reader) left() int      { return len(r.b) }

func (r *reader) size() int {
	switch n := r.byte(); n {
	case 0xfd:
		return int(binary.LittleEndian.Uint16(r.take(2)))
	case 0xfe:
		return int(binary.LittleEndian.Uint32(r.take(4)))
	case 0xff:
		r.short = true
		return 0
	default:
		return int(n)
	}
}

func (r *reader) path() btc.Path {
	n := int(r.byte())
	if n > 10 {
		r.short = true
		return nil
	}
	var p btc.Path
	for range n {
		p = append(p, r.uint32())
	}
	return p
}
