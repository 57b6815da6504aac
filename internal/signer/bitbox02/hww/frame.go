// Package hww holds what the two sides of the BitBox02's wire share: the frames of U2F-HID, the
// states of a request, the code of a pairing, and the numbers of the vendor's messages. The
// facts are those of the vendor's firmware repository (messages/*.proto, src/hww.c,
// src/usb/usb_frame.c).
package hww

import (
	"context"
	"encoding/base32"
	"encoding/binary"
	"io"

	"specter/internal/errs"
	"specter/internal/signer"
)

// The sizes of U2F-HID: a packet of 64 bytes holds 57 bytes of a message in its first packet and
// 59 in each that continues it; sequence numbers end at 127.
const (
	PacketSize = 64
	firstBytes = PacketSize - 7
	nextBytes  = PacketSize - 5
	MaxMessage = firstBytes + 128*nextBytes // 7609 bytes
)

// Command is the U2F-HID command of the wallet, its answers bear it too. Failure is the command
// of an answer that tells an error by one byte.
const (
	Command byte = 0x80 | 0x40 | 0x01
	Failure byte = 0x80 | 0x3f
)

// What a failure's byte tells.
const (
	FailCommand byte = 0x01 // this command is unknown: the bootloader answers so
	FailLength  byte = 0x03
	FailBusy    byte = 0x06
)

// The first byte of a request, and of an answer. Info is answered without a state.
const (
	New    byte = 0x00
	Retry  byte = 0x01
	Cancel byte = 0x02
	Info   byte = 'i'

	Ack      byte = 0x00 // the answer follows
	NotReady byte = 0x01 // ask again with Retry
	Busy     byte = 0x02 // the request was dropped
	Nack     byte = 0x03 // the request was refused
)

// The operations: the first byte of a New request.
const (
	Unlock      byte = 'u'
	Attestation byte = 'a'
	Greet       byte = 'h' // begins a handshake
	Handshake   byte = 'H' // carries a message of it
	Verify      byte = 'v' // shows the pairing code on the device
	Noise       byte = 'n' // an encrypted message
)

// The first byte of an operation's answer.
const (
	Success       byte = 0x00
	Refused       byte = 0x01
	Uninitialized byte = 0x02 // to Unlock: the device holds no wallet
)

// Pattern is the handshake and, at the same time, its prologue.
const Pattern = "Noise_XX_25519_ChaChaPoly_SHA256"

// PairingCode is what both sides show of the channel binding (32 bytes): two lines of two groups
// of five letters.
func PairingCode(binding []byte) string {
	c := base32.StdEncoding.EncodeToString(binding) + "===================="
	return c[:5] + " " + c[5:10] + "\n" + c[10:15] + " " + c[15:20]
}

// Packets cuts a message into its packets. Messages above MaxMessage are refused with kind
// Invalid.
func Packets(channel uint32, command byte, message []byte) ([][]byte, error) {
	if len(message) > MaxMessage {
		return nil, errs.E(errs.Invalid, "a message of %d bytes is too long for this device, which takes %d", len(message), MaxMessage)
	}
	first := make([]byte, PacketSize)
	binary.BigEndian.PutUint32(first, channel)
	first[4] = command
	binary.BigEndian.PutUint16(first[5:], uint16(len(message)))
	rest := message[copy(first[7:], message):]
	packets := [][]byte{first}
	for seq := byte(0); len(rest) > 0; seq++ {
		p := make([]byte, PacketSize)
		binary.BigEndian.PutUint32(p, channel)
		p[4] = seq
		rest = rest[copy(p[5:], rest):]
		packets = append(packets, p)
	}
	return packets, nil
}

// Assembler puts packets together to messages.
type Assembler struct {
	Channel uint32
	Command byte
	message []byte
	length  int
	seq     byte
	open    bool
}

// Add takes a packet; done tells that Message is whole. A packet that continues nothing is
// skipped, one that does not fit is an error of kind Invalid.
func (a *Assembler) Add(packet []byte) (done bool, err error) {
	if len(packet) != PacketSize {
		return false, errs.E(errs.Invalid, "the device sent a packet of %d bytes; packets here have %d", len(packet), PacketSize)
	}
	channel := binary.BigEndian.Uint32(packet)
	if packet[4]&0x80 != 0 {
		length := int(binary.BigEndian.Uint16(packet[5:]))
		if length > MaxMessage {
			return false, errs.E(errs.Invalid, "the device announces a message of %d bytes; %d are the most there can be", length, MaxMessage)
		}
		*a = Assembler{Channel: channel, Command: packet[4], length: length, open: true}
		a.message = append(a.message, packet[7:7+min(length, firstBytes)]...)
		return a.whole(), nil
	}
	if !a.open || channel != a.Channel {
		return false, nil
	}
	if packet[4] != a.seq {
		a.open = false
		return false, errs.E(errs.Invalid, "a packet of the device's answer is missing")
	}
	a.seq++
	a.message = append(a.message, packet[5:5+min(a.length-len(a.message), nextBytes)]...)
	return a.whole(), nil
}

func (a *Assembler) whole() bool {
	if len(a.message) < a.length {
		return false
	}
	a.open = false
	return true
}

// Open reports whether a message was begun that is not whole yet.
func (a *Assembler) Open() bool { return a.open }

// Message is the message that was put together last.
func (a *Assembler) Message() []byte { return a.message }

// ReadPacket reads one packet, from a stream piece by piece.
func ReadPacket(ctx context.Context, c signer.Conn, packet []byte) error {
	for got := 0; got < PacketSize; {
		n, err := c.Read(ctx, packet[got:PacketSize])
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.E(errs.Unavailable, "the port gave nothing: %w", io.ErrNoProgress)
		}
		got += n
	}
	return nil
}

// WriteMessage sends a message.
func WriteMessage(ctx context.Context, c signer.Conn, channel uint32, command byte, message []byte) error {
	packets, err := Packets(channel, command, message)
	if err != nil {
		return err
	}
	for _, p := range packets {
		for sent := 0; sent < len(p); {
			n, err := c.Write(ctx, p[sent:])
			if err != nil {
				return err
			}
			sent += n
		}
	}
	return nil
}
