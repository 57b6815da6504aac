package bitbox02_test

import (
	"testing"

	"specter/internal/signer/bitbox02"
	"specter/internal/signer/bitbox02/bitbox02test"
	"specter/internal/signer/bitbox02/hww"
	"specter/internal/signer/signertest"
)

func TestFamily(t *testing.T) {
	signertest.Run(t, signertest.Family{
		Driver: bitbox02.Driver{}, Port: usbPort, Packet: hww.PacketSize, Serve: bitbox02test.Serve,
		Scripts:   []string{"sh-wpkh", "wpkh", "tr", "sh-wsh", "wsh", "miniscript", "tr-tree"},
		Registers: true, Messages: true,
	})
}
