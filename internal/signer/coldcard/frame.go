package coldcard

import (
	"specter/internal/signer"
)

// A packet is a byte of flags and 63 bytes of a message. The flags are the number of bytes that
// count, whether it is the message's last packet and whether the message is encrypted.
const (
	packetSize = 64
	pieceSize  = packetSize - 1
	flagLast   = 0x80
	flagSecret = 0x40
	lengthMask = 0x3f
)

// Sizes of messages: a block of a file and what stands before it.
const (
	blockSize  = 2048
	maxMessage = 4 + 4 + 4 + blockSize
)

// packets cuts a message into packets.
func packets(message []byte, secret bool) [][]byte {
	var out [][]byte
	for len(message) > 0 {
		p := make([]byte, packetSize)
		n := copy(p[1:], message)
		p[0] = byte(n)
		if message = message[n:]; len(message) == 0 {
			p[0] |= flagLast
			if secret {
				p[0] |= flagSecret
			}
		}
		out = append(out, p)
	}
	return out
}

// resetPacket makes the device forget the beginning of a message. It answers nothing.
func resetPacket() []byte {
	p := make([]byte, packetSize)
	p[0] = flagLast
	return p
}

// assembler puts messages together from packets.
type assembler struct{ got []byte }

// take adds a packet; done tells that the message is whole.
func (a *assembler) take(packet []byte) (message []byte, secret, done bool, err error) {
	if len(packet) != packetSize {
		a.got = nil
		return nil, false, false, garbled()
	}
	n := int(packet[0] & lengthMask)
	if len(a.got)+n > maxMessage {
		a.got = nil
		return nil, false, false, garbled()
	}
	a.got = append(a.got, packet[1:1+n]...)
	if packet[0]&flagLast == 0 {
		return nil, false, false, nil
	}
	message, a.got = a.got, nil
	return message, packet[0]&flagSecret != 0, true, nil
}

func garbled() error {
	return signer.E(signer.CodeConnection, "the Coldcard's answer cannot be read; unplug it and connect it again, and close other programs that use it")
}
