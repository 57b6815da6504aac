package codec1test

import (
	"context"
	"net"

	"specter/internal/signer"
	"specter/internal/signer/codec1"
	"specter/internal/signer/protolite"
)

// Finger presses the buttons of an emulator over its debugging port.
type Finger struct{ conn net.Conn }

const (
	msgLoadDevice        = 13
	msgWipeDevice        = 5
	msgLockDevice        = 24
	msgDebugLinkDecision = 100
	msgDebugLinkGetState = 101
)

// PutFinger reaches for an emulator's debugging port, "127.0.0.1:21325" say.
func PutFinger(ctx context.Context, address string) (Finger, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "udp", address)
	return Finger{c}, err
}

// Press says yes to what the emulator asks now. It is made for Options.Notify.
func (f Finger) Press(signer.Notice) {
	_ = codec1.Write(context.Background(), dialled{f.conn}, msgDebugLinkDecision, protolite.Builder{}.Uint(1, 1))
}

// Load wipes an emulator and gives it a phrase, a PIN and a label.
func (f Finger) Load(ctx context.Context, c signer.Conn, words, pin, label string) error {
	load := protolite.Builder{}.Text(1, words)
	if pin != "" {
		load = load.Text(3, pin)
	}
	load = load.Bool(4, false).Text(5, "en-US").Text(6, label).Bool(7, true)
	for _, m := range []codec1.Frame{{Kind: codec1.MsgInitialize}, {Kind: msgWipeDevice}, {Kind: msgLoadDevice, Body: load}} {
		if err := f.talk(ctx, c, m); err != nil {
			return err
		}
	}
	return nil
}

// Lock makes an emulator forget that its PIN was given.
func (f Finger) Lock(ctx context.Context, c signer.Conn) error {
	return f.talk(ctx, c, codec1.Frame{Kind: msgLockDevice})
}

// Places tells what a person would send for a PIN who sees the matrix that the emulator shows now.
func (f Finger) Places(ctx context.Context, pin string) (string, error) {
	conn := dialled{f.conn}
	if err := codec1.Write(ctx, conn, msgDebugLinkGetState, nil); err != nil {
		return "", err
	}
	got, err := codec1.Read(ctx, conn)
	if err != nil {
		return "", err
	}
	state, err := protolite.Parse(got.Body)
	return places(state.Text(3), pin), err
}

// talk sends a message and says yes until it is answered.
func (f Finger) talk(ctx context.Context, c signer.Conn, m codec1.Frame) error {
	for {
		if err := codec1.Write(ctx, c, m.Kind, m.Body); err != nil {
			return err
		}
		got, err := codec1.Read(ctx, c)
		if err != nil {
			return err
		}
		switch got.Kind {
		case codec1.MsgButtonRequest:
			f.Press(signer.Notice{})
			m = codec1.Frame{Kind: codec1.MsgButtonAck}
		case codec1.MsgFailure:
			answer, err := protolite.Parse(got.Body)
			if err != nil {
				return err
			}
			return refusal{answer.Uint(1), answer.Text(2)}
		default:
			return nil
		}
	}
}
