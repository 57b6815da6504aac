package trezor_test

import (
	"testing"

	"specter/internal/signer"
	"specter/internal/signer/codec1"
	"specter/internal/signer/codec1/codec1test"
	"specter/internal/signer/signertest"
	"specter/internal/signer/trezor"
	"specter/internal/signer/trezor/trezortest"
)

// webUSB is the port of all but the One.
var webUSB = signer.Port{Path: "webusb:001:4", Way: signer.WebUSB, Vendor: 0x1209, Product: 0x53c1}

func TestFamily(t *testing.T) {
	for name, model := range map[string]codec1test.Model{"One": trezortest.One(), "Safe 5": trezortest.Safe5()} {
		t.Run(name, func(t *testing.T) {
			signertest.Run(t, signertest.Family{
				Driver: trezor.Driver{}, Port: webUSB, Packet: codec1.Packet, Serve: trezortest.ServeAs(model),
				Scripts: []string{"pkh", "sh-wpkh", "wpkh", "tr", "sh", "sh-wsh", "wsh"}, Messages: true,
			})
		})
	}
}
