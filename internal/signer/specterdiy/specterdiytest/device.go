// Package specterdiytest is a Specter-DIY in software, for tests: the device's side of the
// protocol with real keys, a person who decides and, where asked for, lies. It shares no code with
// the driver.
package specterdiytest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/signer"
	"specter/internal/signer/signertest"
)

// Device is a Specter-DIY. It keeps the wallets that were added from one connection to the next.
type Device struct {
	signertest.Device
	Locked bool

	mu      sync.Mutex
	wallets []wallet
}

type wallet struct {
	name string
	desc *descriptor.Descriptor
}

// New makes a device with its default wallet.
func New(d signertest.Device) *Device {
	if d.Person == nil {
		d.Person = &signertest.Person{}
	}
	out := &Device{Device: d}
	out.Master.Main = d.Network.IsMain()
	account := btc.Path{btc.Hardened | 84, btc.Hardened | d.Network.CoinType(), btc.Hardened}
	key, err := out.Master.Derive(account)
	if err != nil {
		return out
	}
	origin := btc.KeyOrigin{Fingerprint: out.Master.Fingerprint(), Path: account}
	desc, err := descriptor.Parse("wpkh(["+origin.String()+"]"+key.Public().String()+"/<0;1>/*)", descriptor.Options{})
	if err == nil {
		out.wallets = []wallet{{"Default", desc}}
	}
	return out
}

// Serve is a Specter-DIY that was just unlocked.
func Serve(ctx context.Context, c signer.Conn, d signertest.Device) error {
	return New(d).Serve(ctx, c)
}

// Serve answers a host until the connection ends, which is no error. Like the firmware it takes
// what was sent in pieces of 64 bytes, and reads nothing while it works on a command.
func (d *Device) Serve(ctx context.Context, c signer.Conn) error {
	p := &port{Device: d, conn: c}
	for {
		piece, err := p.piece(ctx)
		if err == nil {
			err = p.take(ctx, piece)
		}
		if err != nil {
			if ctx.Err() != nil || !errors.Is(err, context.Canceled) {
				return nil
			}
			return err
		}
	}
}

type port struct {
	*Device
	conn    signer.Conn
	waiting []byte // read from the connection, not yet by the firmware
	begun   []byte // a command without its end
}

// piece is what the firmware reads at once.
func (p *port) piece(ctx context.Context) ([]byte, error) {
	if len(p.waiting) == 0 {
		buf := make([]byte, 1<<16)
		n, err := p.conn.Read(ctx, buf)
		if err != nil {
			return nil, err
		}
		p.waiting = buf[:n]
	}
	n := min(64, len(p.waiting))
	piece := p.waiting[:n]
	p.waiting = p.waiting[n:]
	return piece, nil
}

// take looks for the end of a command. Two ends in a row throw away what was begun.
func (p *port) take(ctx context.Context, piece []byte) error {
	if !bytes.ContainsAny(piece, "\r\n") {
		p.begun = append(p.begun, piece...)
		return nil
	}
	var end []byte
	for _, end = range [][]byte{[]byte("\r\n"), []byte("\r"), []byte("\n")} {
		if i := bytes.LastIndex(piece, append(bytes.Clone(end), end...)); i >= 0 {
			p.begun, piece = nil, piece[i+2*len(end):]
			if !bytes.Contains(piece, end) {
				p.begun = append(p.begun, piece...)
				return nil
			}
		}
		if bytes.Contains(piece, end) {
			break
		}
	}
	rest, _, _ := bytes.Cut(piece, end) // what follows is thrown away
	command := string(append(p.begun, rest...))
	p.begun = nil
	if err := p.write(ctx, "ACK\r\n"); err != nil {
		return err
	}
	return p.write(ctx, p.answer(ctx, command)+"\r\n")
}

func (p *port) write(ctx context.Context, text string) error {
	_, err := p.conn.Write(ctx, []byte(text))
	return err
}

const errCancelled = said("User cancelled")

// answer carries a command out.
func (p *port) answer(ctx context.Context, command string) string {
	if command == "" {
		return ""
	}
	word, args, _ := strings.Cut(command, " ")
	text, err := p.handle(ctx, word, args, command)
	if err != nil {
		return "error: " + err.Error()
	}
	return text
}

func (p *port) handle(ctx context.Context, word, args, command string) (string, error) {
	if p.Locked {
		return "", said("Device is locked")
	}
	switch word {
	case "fingerprint":
		return p.Master.Fingerprint().String(), nil
	case "xpub":
		return p.xpub(strings.TrimSpace(args))
	case "sign":
		return p.sign(ctx, args)
	case "showaddr":
		return p.showAddress(ctx, args)
	case "signmessage":
		return p.signMessage(ctx, args)
	case "addwallet":
		return p.addWallet(ctx, args)
	}
	if strings.HasPrefix(command, "bitcoin:") {
		return p.recognise(ctx, strings.TrimPrefix(command, "bitcoin:"))
	}
	return "", said("Unknown command")
}

func (p *port) xpub(text string) (string, error) {
	path, err := btc.ParsePath(text)
	if err != nil {
		return "", said(`Invalid path: "` + text + `"`)
	}
	key, err := p.Master.Derive(path)
	if err != nil {
		return "", err
	}
	if p.Lie.XPub && len(path) > 1 {
		key = signertest.Elsewhere(key)
	}
	return key.Public().String(), nil
}

func (p *port) known() []*descriptor.Descriptor {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]*descriptor.Descriptor, len(p.wallets))
	for i, w := range p.wallets {
		out[i] = w.desc
	}
	return out
}

// said is an error in the firmware's own words.
type said string

func (s said) Error() string { return string(s) }
