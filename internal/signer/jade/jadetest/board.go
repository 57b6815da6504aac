// Package jadetest is a Jade in software: the vendor's side of the protocol with real keys, a
// scripted person and, if wanted, lies. It reads the host's bytes with code of its own, shares
// with the driver nothing but the arithmetic of anti-exfil, and serves tests alone: the driver's,
// those of pages, bridge and agent, and HWI's own client as a witness.
//
// Rules and messages are those of the firmware as its documentation and sources tell them. Where a
// real Jade leaves a question on its screen after the host gave up, the person here presses cancel.
package jadetest

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"

	"github.com/fxamacker/cbor/v2"

	"specter/internal/btc"
	"specter/internal/signer"
	"specter/internal/signer/signertest"
)

// Serve is a Jade of current firmware at the end of a cable, until the cable is pulled out.
func Serve(ctx context.Context, c signer.Conn, d signertest.Device) error {
	return (&Board{Device: d}).Serve(ctx, c)
}

// Board is a Jade. Its registered wallets and its being unlocked outlive a connection.
type Board struct {
	signertest.Device
	Version  string  // of the firmware; "" is 1.0.40
	State    string  // "" is LOCKED with a PIN and READY without
	Networks string  // MAIN, TEST or ALL; "" is what Device.Network is of
	Oracle   *Oracle // the PIN server that it trusts; needed with a PIN
	Exfil    bool    // does not mix the host's entropy into its nonces
	Mute     bool    // never answers
	Noise    []byte  // sent before anything else, as a booting board does

	mu          sync.Mutex
	init        sync.Once
	unlocked    bool
	multisigs   map[string]multisig
	descriptors map[string]policy
	pending     *visit // of the PIN server
	calls       []string
}

// Calls lists the methods that hosts called, in order.
func (b *Board) Calls() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.calls...)
}

func (b *Board) setUp() {
	b.multisigs, b.descriptors = map[string]multisig{}, map[string]policy{}
	if b.Person == nil {
		b.Person = &signertest.Person{}
	}
	if b.Version == "" {
		b.Version = "1.0.40"
	}
	if b.Networks == "" {
		b.Networks = map[bool]string{true: "MAIN", false: "TEST"}[b.Network.IsMain()]
	}
	b.unlocked = b.PIN == "" && (b.State == "" || b.State == "READY" || b.State == "TEMP")
}

// state is the word of get_version_info.
func (b *Board) state() string {
	switch {
	case b.State != "":
		return b.State
	case b.unlocked:
		return "READY"
	}
	return "LOCKED"
}

// call is a host's request.
type call struct {
	ID     string          `cbor:"id"`
	Method string          `cbor:"method"`
	Params cbor.RawMessage `cbor:"params"`

	gone chan struct{} // closed when the host gives the call up
}

// into reads the parameters.
func (m call) into(v any) error {
	if len(m.Params) == 0 || cbor.Unmarshal(m.Params, v) != nil {
		return refuse(badParameters, "Failed to extract parameters")
	}
	return nil
}

// refused is an error that goes to the host.
type refused struct {
	code int
	text string
}

func (r *refused) Error() string { return r.text }

func refuse(code int, text string) error { return &refused{code, text} }

// The firmware's error codes.
const (
	unknownMethod   = -32601
	badParameters   = -32602
	internalError   = -32603
	userCancelled   = -32000
	protocolError   = -32001
	hardwareLocked  = -32002
	networkMismatch = -32003
)

// link is one connection.
type link struct {
	b    *Board
	c    signer.Conn
	in   chan call     // requests in order
	now  call          // the one that is being answered
	done chan struct{} // the cable is out, or Serve has ended
}

// Serve answers a host.
func (b *Board) Serve(ctx context.Context, c signer.Conn) error {
	b.init.Do(b.setUp)
	ctx, end := context.WithCancel(ctx)
	defer end()
	l := &link{b: b, c: c, in: make(chan call, 16), done: make(chan struct{})}
	if len(b.Noise) > 0 {
		if _, err := c.Write(ctx, b.Noise); err != nil {
			return nil
		}
	}
	go l.read(ctx)
	for {
		m, ok := l.receive(ctx)
		if !ok {
			return nil
		}
		if b.Mute {
			continue
		}
		if err := l.answer(ctx, m); err != nil {
			return nil // the cable is out
		}
	}
}

// reader makes an io.Reader of a connection.
type reader struct {
	ctx context.Context
	c   signer.Conn
}

func (r reader) Read(p []byte) (int, error) { return r.c.Read(r.ctx, p) }

// read takes requests from the cable. "cancel" interrupts the question that stands on the screen.
func (l *link) read(ctx context.Context) {
	defer close(l.done)
	dec := cbor.NewDecoder(reader{ctx, l.c})
	gone := make(chan struct{})
	for {
		m := call{gone: gone}
		if err := dec.Decode(&m); err != nil {
			return
		}
		if m.Method == "cancel" {
			close(gone)
			gone = make(chan struct{})
		}
		select {
		case l.in <- m:
		case <-ctx.Done():
			return
		}
	}
}

func (l *link) receive(ctx context.Context) (call, bool) {
	select {
	case m := <-l.in:
		return m, true
	case <-ctx.Done():
		return call{}, false
	case <-l.done:
	}
	select {
	case m := <-l.in: // what came before the cable was pulled out
		return m, true
	default:
		return call{}, false
	}
}

// asking is a context for questions to the person: it ends when the host gives the call up or the
// cable is pulled out.
func (l *link) asking(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancel(ctx)
	gone := l.now.gone
	go func() {
		select {
		case <-gone:
		case <-l.done:
		case <-ctx.Done():
		}
		end()
	}()
	return ctx, end
}

// ask shows a screen.
func (l *link) ask(ctx context.Context, kind, text string) signertest.Decision {
	ctx, end := l.asking(ctx)
	defer end()
	return l.b.Person.Ask(ctx, kind, text)
}

// approve asks, and refuses the call in the firmware's way where the person does not approve.
func (l *link) approve(ctx context.Context, kind, text, refusal string) error {
	if l.ask(ctx, kind, text).Approve {
		return nil
	}
	return refuse(userCancelled, refusal)
}

// write sends a message after a line of the log, in pieces as a serial port gives them.
func (l *link) write(ctx context.Context, m map[string]any) error {
	log, err := cbor.Marshal(map[string]any{"log": []byte("I (1234) JADE: free heap 123456")})
	if err != nil {
		return err
	}
	raw, err := cbor.Marshal(m)
	if err != nil {
		return err
	}
	for raw = append(log, raw...); len(raw) > 0; {
		n, err := l.c.Write(ctx, raw[:min(len(raw), 1021)])
		if err != nil {
			return err
		}
		raw = raw[n:]
	}
	return nil
}

// answer handles a request; an error means that the cable is out.
func (l *link) answer(ctx context.Context, m call) error {
	l.b.mu.Lock()
	l.b.calls = append(l.b.calls, m.Method)
	l.b.mu.Unlock()
	l.now = m
	if m.Method == "cancel" {
		return nil // nothing is in progress; the firmware does not answer
	}
	if len(m.ID) == 0 || len(m.ID) > 16 || m.Method == "" {
		return l.write(ctx, map[string]any{"id": "00", "error": map[string]any{"code": -32600, "message": "Invalid RPC Request message", "data": nil}})
	}
	result, err := l.handle(ctx, m)
	var no *refused
	switch {
	case errors.As(err, &no):
		return l.write(ctx, map[string]any{"id": m.ID, "error": map[string]any{"code": no.code, "message": no.text, "data": nil}})
	case err != nil:
		return err
	case result == nil:
		return nil // it was answered on the way
	}
	return l.write(ctx, map[string]any{"id": m.ID, "result": result})
}

// handle runs a method and returns its result.
func (l *link) handle(ctx context.Context, m call) (any, error) {
	switch m.Method {
	case "get_version_info":
		return l.b.versionInfo(), nil
	case "ping":
		return 0, nil
	case "add_entropy", "set_epoch":
		return true, nil
	case "logout":
		l.b.unlocked = false
		return true, nil
	case "auth_user":
		return l.authUser(ctx, m)
	case "pin":
		return l.pin(m)
	}
	method, known := map[string]func(context.Context, call) (any, error){
		"get_xpub": l.xpub, "get_receive_address": l.address, "sign_message": l.signMessage, "sign_psbt": l.signPSBT,
		"register_multisig": l.registerMultisig, "get_registered_multisigs": l.listMultisigs, "get_registered_multisig": l.showMultisig,
		"register_descriptor": l.registerDescriptor, "get_registered_descriptors": l.listDescriptors, "get_registered_descriptor": l.showDescriptor,
	}[m.Method]
	switch {
	case !known:
		return nil, refuse(unknownMethod, "Unknown method")
	case !l.b.unlocked:
		return nil, refuse(hardwareLocked, "Cannot process message - hardware is locked or uninitialized")
	}
	return method(ctx, m)
}

func (b *Board) versionInfo() map[string]any {
	return map[string]any{
		"JADE_VERSION": b.Version, "JADE_OTA_MAX_CHUNK": 4096, "JADE_CONFIG": "BLE", "BOARD_TYPE": "JADE_V1.1",
		"JADE_FEATURES": "SB", "IDF_VERSION": "v5.4.1", "CHIP_FEATURES": "32000000", "EFUSEMAC": "246F288F6364",
		"BATTERY_STATUS": 5, "JADE_STATE": b.state(), "JADE_NETWORKS": b.Networks, "JADE_HAS_PIN": b.PIN != "",
	}
}

// networkOf reads the parameter "network" and holds it to what the wallet is locked to.
func (b *Board) networkOf(name string) (btc.Network, error) {
	n, known := map[string]btc.Network{"mainnet": btc.Mainnet, "testnet": btc.Testnet3, "localtest": btc.Regtest}[name]
	switch {
	case !known:
		return 0, refuse(badParameters, "Failed to extract valid network from parameters")
	case b.Networks == "MAIN" && !n.IsMain(), b.Networks == "TEST" && n.IsMain():
		return 0, refuse(networkMismatch, "Network type inconsistent with prior usage")
	}
	return n, nil
}

// key derives from the wallet's master key.
func (b *Board) key(path []uint32) (btc.XKey, error) {
	if len(path) > 16 {
		return btc.XKey{}, refuse(badParameters, "Failed to extract valid path from parameters")
	}
	return b.Master.Derive(path)
}

func (l *link) xpub(_ context.Context, m call) (any, error) {
	var p struct {
		Network string   `cbor:"network"`
		Path    []uint32 `cbor:"path"`
	}
	if err := m.into(&p); err != nil {
		return nil, err
	}
	n, err := l.b.networkOf(p.Network)
	if err != nil {
		return nil, err
	}
	k, err := l.b.key(p.Path)
	if err != nil {
		return nil, err
	}
	k = k.Public()
	if l.b.Lie.XPub && len(p.Path) > 0 {
		k = signertest.Elsewhere(k)
	}
	k.Main = n.IsMain()
	return k.String(), nil
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}
