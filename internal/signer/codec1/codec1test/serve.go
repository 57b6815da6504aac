// Package codec1test is the device side of package codec1 in software: a Trezor or KeepKey with
// real keys, whose person, lies and state a test scripts. It reads bytes of the host, checks
// transactions as the firmware does (amounts against previous transactions, scripts against
// keys, nothing changed between two looks) and shows what the firmware shows. It is made for
// tests and for trying things out without a device, never for money.
package codec1test

import (
	"context"
	"crypto/sha256"
	"errors"

	"specter/internal/signer"
	"specter/internal/signer/codec1"
	"specter/internal/signer/protolite"
	"specter/internal/signer/signertest"
)

// Model is which device it is and in what state.
type Model struct {
	Vendor     string
	Word       string // Features.model: 1, T, Safe 3…
	Internal   string
	Version    codec1.Version
	Label      string
	ID         string // device id
	Matrix     bool   // asks its PIN by the matrix and its passphrase from the host
	Taproot    bool
	Sorts      bool // knows sorted multisig
	OldForeign bool // believes what it is told of inputs of others (KeepKey, old firmware)
	NoRepeat   bool // refuses the same payment twice in a row (KeepKey)
	RootPrint  bool // tells the master's fingerprint with every key
	Sessions   bool // has session ids
	OnDevice   bool // the passphrase is always typed on the device
	Bootloader bool
	Blank      bool // it has no seed
	Unfinished bool // its backup was interrupted
	THP        bool // it speaks THP: every message of this protocol is refused
	Safety     uint32

	// Passphrase protection is on even with an empty signertest.Device.Passphrase.
	Protected bool
	// State outlives a connection, as a device's memory does while it has power; nil: forgotten.
	State *State
}

// State is what a device remembers while it has power.
type State struct {
	unlocked bool
	sessions map[string]string // id to passphrase
	off      bool              // passphrase protection was switched off
	on       bool              // or on
	count    int
	paid     string // the last output that was shown
}

// device is one connection to a device.
type device struct {
	signertest.Device
	model Model
	state *State
	conn  signer.Conn
	in    chan codec1.Frame

	session    string // the id; "" none
	passphrase *string
	pushed     *codec1.Frame // a message to be read again
}

// Why a workflow ended without an answer of its own.
var (
	errCancelled = errors.New("cancelled by the host")
	errRefused   = errors.New("refused by the person")
	errRestart   = errors.New("the host began anew")
)

// refusal is a Failure with its code.
type refusal struct {
	code uint64
	text string
}

func (r refusal) Error() string { return r.text }

// Serve is the device's side of a connection, until ctx or the connection ends.
func Serve(ctx context.Context, c signer.Conn, who signertest.Device, m Model) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	d := &device{Device: who, model: m, state: m.State, conn: c, in: make(chan codec1.Frame)}
	if d.Person == nil {
		d.Person = &signertest.Person{}
	}
	if d.state == nil {
		d.state = &State{}
	}
	ended := make(chan error, 1)
	go func() { ended <- d.listen(ctx) }()
	for {
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case f := <-d.in:
			for next := &f; next != nil; {
				if err := d.serve(ctx, *next); err != nil {
					return err
				}
				next, d.pushed = d.pushed, nil
			}
		}
	}
}

// listen reads messages beside the workflows, so that Cancel is heard while the person is asked.
func (d *device) listen(ctx context.Context) error {
	for {
		f, err := codec1.Read(ctx, d.conn)
		if err != nil {
			return err
		}
		select {
		case d.in <- f:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (d *device) send(ctx context.Context, kind uint16, body protolite.Builder) error {
	return codec1.Write(ctx, d.conn, kind, body)
}

// serve answers one message; a workflow that ends early is a Failure.
func (d *device) serve(ctx context.Context, f codec1.Frame) error {
	kind, body, err := d.answer(ctx, f)
	var r refusal
	switch {
	case err == nil:
		return d.send(ctx, kind, body)
	case errors.Is(err, errRestart):
		return nil // what began it is answered next
	case errors.Is(err, errCancelled) || errors.Is(err, errRefused):
		r = refusal{codec1.FailActionCancelled, "Cancelled"}
	case !errors.As(err, &r):
		return err
	}
	return d.send(ctx, codec1.MsgFailure, protolite.Builder{}.Uint(1, r.code).Text(2, r.text))
}

func (d *device) answer(ctx context.Context, f codec1.Frame) (uint16, protolite.Builder, error) {
	m, err := protolite.Parse(f.Body)
	switch {
	case d.model.THP:
		return 0, nil, refusal{codec1.FailInvalidProtocol, "Invalid protocol"}
	case err != nil:
		return 0, nil, refusal{codec1.FailDataError, "Failed to decode message"}
	}
	switch f.Kind {
	case codec1.MsgInitialize:
		d.open(m.Bytes(1))
		return codec1.MsgFeatures, d.features(), nil
	case codec1.MsgGetFeatures:
		return codec1.MsgFeatures, d.features(), nil
	case codec1.MsgCancel:
		return 0, nil, errCancelled
	case codec1.MsgPing:
		return codec1.MsgSuccess, protolite.Builder{}.Text(1, m.Text(1)), nil
	}
	if d.model.Blank || d.model.Bootloader {
		return 0, nil, refusal{codec1.FailNotInitialized, "Device is not initialized"}
	}
	flow, ok := map[uint16]func(context.Context, protolite.Message) (uint16, protolite.Builder, error){
		codec1.MsgGetPublicKey: d.publicKey, codec1.MsgGetAddress: d.address, codec1.MsgSignMessage: d.signMessage,
		codec1.MsgSignTx: d.signTx, codec1.MsgApplySettings: d.settings,
	}[f.Kind]
	if !ok {
		return 0, nil, refusal{codec1.FailUnexpectedMessage, "Unexpected message"}
	}
	if err := d.unlock(ctx); err != nil {
		return 0, nil, err
	}
	return flow(ctx, m)
}

// open begins or resumes a session.
func (d *device) open(id []byte) {
	if !d.model.Sessions {
		d.passphrase = nil
		return
	}
	if p, ok := d.state.sessions[string(id)]; ok {
		d.session, d.passphrase = string(id), &p
		return
	}
	d.state.count++
	sum := sha256.Sum256([]byte{byte(d.state.count), 's'})
	d.session, d.passphrase = string(sum[:]), nil
}

func (d *device) protected() bool {
	return !d.state.off && (d.state.on || d.model.Protected || d.Passphrase != "" || d.model.OnDevice)
}

func (d *device) features() protolite.Builder {
	m := d.model
	b := protolite.Builder{}.Text(1, m.Vendor).Uint(2, uint64(m.Version[0])).Uint(3, uint64(m.Version[1])).Uint(4, uint64(m.Version[2])).
		Text(6, m.ID).Bool(7, d.PIN != "").Bool(8, d.protected()).Text(10, m.Label).Bool(12, !m.Blank && !m.Bootloader).
		Bool(16, d.PIN == "" || d.state.unlocked)
	if m.Bootloader {
		b = b.Bool(5, true)
	}
	if m.Word != "" {
		b = b.Text(21, m.Word)
	}
	if m.Unfinished {
		b = b.Bool(27, true)
	}
	if !m.Matrix {
		b = b.Uint(30, 1).Uint(30, codec1.CapPassphrase).Bool(36, m.OnDevice)
	}
	if d.session != "" {
		b = b.Bytes(35, []byte(d.session))
	}
	b = b.Uint(37, uint64(m.Safety))
	if m.Internal != "" {
		b = b.Text(44, m.Internal)
	}
	return b
}

// next waits for the host's next message within a workflow: one of a kind. Cancel and a new
// beginning end the workflow; what else comes is passed over, as firmware does.
func (d *device) next(ctx context.Context, want uint16) (protolite.Message, error) {
	for {
		select {
		case <-ctx.Done():
			return protolite.Message{}, ctx.Err()
		case f := <-d.in:
			switch f.Kind {
			case want:
				m, err := protolite.Parse(f.Body)
				if err != nil {
					return m, refusal{codec1.FailDataError, "Failed to decode message"}
				}
				return m, nil
			case codec1.MsgCancel:
				return protolite.Message{}, errCancelled
			case codec1.MsgInitialize:
				d.pushed = &f
				return protolite.Message{}, errRestart
			}
		}
	}
}

// show asks the person on the device, after the host has been told that it must wait.
func (d *device) show(ctx context.Context, button uint64, kind, text string) (signertest.Decision, error) {
	if err := d.send(ctx, codec1.MsgButtonRequest, protolite.Builder{}.Uint(1, button)); err != nil {
		return signertest.Decision{}, err
	}
	if _, err := d.next(ctx, codec1.MsgButtonAck); err != nil {
		return signertest.Decision{}, err
	}
	asking, stop := context.WithCancel(ctx)
	defer stop()
	decided := make(chan signertest.Decision, 1)
	go func() { decided <- d.Person.Ask(asking, kind, text) }()
	for {
		select {
		case <-ctx.Done():
			return signertest.Decision{}, ctx.Err()
		case got := <-decided:
			if !got.Approve {
				return got, errRefused
			}
			return got, nil
		case f := <-d.in:
			switch f.Kind {
			case codec1.MsgCancel:
				return signertest.Decision{}, errCancelled
			case codec1.MsgInitialize:
				d.pushed = &f
				return signertest.Decision{}, errRestart
			}
		}
	}
}
