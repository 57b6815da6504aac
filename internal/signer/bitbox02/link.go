package bitbox02

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/bitbox02/hww"
)

// Bounds of patience. The device gives a request up when it was not asked for 500 ms.
const (
	firstPoll   = 2 * time.Millisecond
	slowestPoll = 200 * time.Millisecond
	busyFor     = 6 * time.Second // another program may be talking with the device
	cancelFor   = time.Second
	foreign     = 4096 // packets of other programs that are skipped before an answer
)

// link exchanges requests and answers with the device.
type link struct {
	conn signer.Conn
	rand io.Reader
}

// ask sends a message and reads its answer, which bears the same channel.
func (l *link) ask(ctx context.Context, message []byte) ([]byte, error) {
	var id [4]byte
	if _, err := io.ReadFull(l.rand, id[:]); err != nil {
		return nil, errs.E(errs.Internal, "there is no randomness: %w", err)
	}
	channel := binary.BigEndian.Uint32(id[:])
	if channel == 0 || channel == 0xffffffff { // these two mean something else in U2F-HID
		channel = 1
	}
	if err := l.write(ctx, channel, message); err != nil {
		return nil, l.lost(err)
	}
	return l.read(ctx, channel)
}

// write sends a whole message or nothing: the firmware waits for the rest of one that was begun
// and says to everybody else that it is busy, until it is plugged in again.
func (l *link) write(ctx context.Context, channel uint32, message []byte) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	whole, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelFor)
	defer stop()
	err := hww.WriteMessage(whole, l.conn, channel, hww.Command, message)
	if err != nil && whole.Err() != nil {
		return errs.E(errs.Unavailable, "the device takes no more packets")
	}
	return err
}

// read skips what belongs to other channels: answers to programs that are gone.
func (l *link) read(ctx context.Context, channel uint32) ([]byte, error) {
	var a hww.Assembler
	packet := make([]byte, hww.PacketSize)
	for skipped := 0; skipped < foreign; {
		if err := hww.ReadPacket(ctx, l.conn, packet); err != nil {
			return nil, l.lost(err)
		}
		if binary.BigEndian.Uint32(packet) != channel {
			skipped++
			continue
		}
		done, err := a.Add(packet)
		switch {
		case err != nil:
			return nil, garbled(err)
		case !done:
			skipped++
		case a.Command == hww.Failure:
			return nil, failure(a.Message())
		case a.Command != hww.Command:
			return nil, garbled(errs.E(errs.Invalid, "command %#x", a.Command))
		default:
			return a.Message(), nil
		}
	}
	return nil, garbled(errs.E(errs.Invalid, "no answer among %d packets", foreign))
}

func (l *link) lost(err error) error {
	if errs.KindOf(err) == errs.Invalid {
		return &signer.Fault{Code: signer.CodeBadArgument, Cause: err}
	}
	return signer.Lost(err)
}

// garbled is for answers that are none.
func garbled(err error) error {
	return signer.E(signer.CodeConnection, "the BitBox02 answered with something that is not understood; plug it in again (%w)", err)
}

// errCommand is the bootloader's answer to what only the firmware understands.
var errCommand = signer.E(signer.CodeNotReady, "the BitBox02 is in its bootloader; unplug it and plug it in again, or finish the update in the BitBoxApp")

func failure(message []byte) error {
	switch {
	case len(message) > 0 && message[0] == hww.FailCommand:
		return errCommand
	case len(message) > 0 && message[0] == hww.FailBusy:
		return errBusy
	}
	return garbled(errs.E(errs.Invalid, "failure %x", clip(message)))
}

func clip(b []byte) []byte { return b[:min(len(b), 16)] }

var errBusy = signer.E(signer.CodeBusy, "the BitBox02 is busy with another program or with a question on its screen; close the BitBoxApp and try again")

// query sends a request and waits for its answer, as long as the person at the device needs.
// When ctx ends, the device is told to stop asking.
func (l *link) query(ctx context.Context, request []byte) ([]byte, error) {
	message := append([]byte{hww.New}, request...)
	status, answer, err := l.start(ctx, message)
	for pause := firstPoll; err == nil && status == hww.NotReady; pause = min(2*pause, slowestPoll) {
		if err = wait(ctx, pause); err == nil {
			status, answer, err = l.state(ctx, []byte{hww.Retry})
		}
	}
	switch {
	case err != nil && ctx.Err() != nil:
		l.cancel(ctx)
		return nil, ctx.Err()
	case err != nil:
		return nil, err
	case status == hww.Ack:
		return answer, nil
	case status == hww.Busy:
		return nil, errBusy
	}
	return nil, signer.E(signer.CodeConnection, "the BitBox02 dropped the request (state %d); try again", status)
}

// start sends a new request, again and again while another one is under way.
func (l *link) start(ctx context.Context, message []byte) (byte, []byte, error) {
	for waited := time.Duration(0); ; waited += slowestPoll {
		status, answer, err := l.state(ctx, message)
		if errors.Is(err, errBusy) {
			status, err = hww.Busy, nil
		}
		if err != nil || status != hww.Busy || waited >= busyFor {
			return status, answer, err
		}
		if err := wait(ctx, slowestPoll); err != nil {
			return 0, nil, err
		}
	}
}

// state asks and splits the answer's state off.
func (l *link) state(ctx context.Context, message []byte) (byte, []byte, error) {
	answer, err := l.ask(ctx, message)
	if err != nil {
		return 0, nil, err
	}
	if len(answer) == 0 {
		return 0, nil, garbled(errs.E(errs.Invalid, "an empty answer"))
	}
	return answer[0], answer[1:], nil
}

// cancel tells the device that nobody waits any more. Firmware that does not know the request
// refuses it and stops by itself half a second later, so the answer does not matter.
func (l *link) cancel(ctx context.Context) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelFor)
	defer stop()
	_, _ = l.ask(ctx, []byte{hww.Cancel})
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
