package keepkey_test

import (
	"testing"

	"specter/internal/signer"
	"specter/internal/signer/codec1"
	"specter/internal/signer/keepkey"
	"specter/internal/signer/keepkey/keepkeytest"
	"specter/internal/signer/signertest"
)

var port = signer.Port{Path: "webusb:001:5", Way: signer.WebUSB, Vendor: 0x2b24, Product: 2}

func TestFamily(t *testing.T) {
	signertest.Run(t, signertest.Family{
		Driver: keepkey.Driver{}, Port: port, Packet: codec1.Packet, Serve: keepkeytest.Serve,
		Scripts: []string{"pkh", "sh-wpkh", "wpkh", "sh", "sh-wsh", "wsh"}, Messages: true,
	})
}
