// Package codec1 speaks the protocol that Trezor's devices up to the Safe 5 and KeepKey share
// ("codec v1"): protobuf messages in 64-byte packets, one question and its answer at a time, in
// which the device may put questions of its own (press a button, PIN, passphrase).
//
// What is one vendor's alone stands in a Dialect; packages trezor and keepkey are little more
// than theirs. Numbers of messages, fields and versions are facts of the vendors' published
// definitions (common/protob of trezor-firmware, keepkey's device-protocol).
package codec1

import (
	"context"
	"encoding/binary"

	"specter/internal/errs"
	"specter/internal/signer"
)

// Packet is the size of every packet in bytes.
const Packet = 64

// MaxMessage is the longest message in bytes that is read. Devices send less than 4 KiB; a host
// sends scripts of previous transactions, of which 1 MiB is more than any.
const MaxMessage = 1 << 20

// maxStray is how many packets that begin no message are passed over: the rest of an answer
// that nobody waited for.
const maxStray = 1 << 10

// Frame is a message as it goes over the wire.
type Frame struct {
	Kind uint16 // one of the Msg numbers
	Body []byte // protobuf
}

// Write sends a message: "##", its kind and its length, then the body, cut into packets that
// each begin with "?".
func Write(ctx context.Context, c signer.Conn, kind uint16, body []byte) error {
	message := binary.BigEndian.AppendUint16([]byte("##"), kind)
	message = binary.BigEndian.AppendUint32(message, uint32(len(body)))
	message = append(message, body...)
	for len(message) > 0 {
		var packet [Packet]byte
		packet[0] = '?'
		n := copy(packet[1:], message)
		message = message[n:]
		if _, err := c.Write(ctx, packet[:]); err != nil {
			return err
		}
	}
	return nil
}

// Read reads the next message. Packets before it that begin none are passed over. Another
// framing and messages above MaxMessage are errors of kind errs.Invalid.
func Read(ctx context.Context, c signer.Conn) (Frame, error) {
	var packet [Packet]byte
	for stray := 0; ; stray++ {
		n, err := c.Read(ctx, packet[:])
		switch {
		case err != nil:
			return Frame{}, err
		case n != Packet || packet[0] != '?':
			return Frame{}, errs.E(errs.Invalid, "the answer is not in the packets of this protocol")
		case packet[1] == '#' && packet[2] == '#':
			return rest(ctx, c, packet)
		case stray == maxStray:
			return Frame{}, errs.E(errs.Invalid, "the device sends packets without end")
		}
	}
}

// rest reads what belongs to a first packet.
func rest(ctx context.Context, c signer.Conn, packet [Packet]byte) (Frame, error) {
	f := Frame{Kind: binary.BigEndian.Uint16(packet[3:])}
	size := binary.BigEndian.Uint32(packet[5:])
	if size > MaxMessage {
		return Frame{}, errs.E(errs.Invalid, "the device announces a message of %d bytes; %d are the most", size, MaxMessage)
	}
	f.Body = append(f.Body, packet[9:]...)
	for uint32(len(f.Body)) < size {
		n, err := c.Read(ctx, packet[:])
		if err != nil {
			return Frame{}, err
		}
		if n != Packet || packet[0] != '?' {
			return Frame{}, errs.E(errs.Invalid, "a packet in the middle of an answer is damaged")
		}
		f.Body = append(f.Body, packet[1:]...)
	}
	f.Body = f.Body[:size]
	return f, nil
}
