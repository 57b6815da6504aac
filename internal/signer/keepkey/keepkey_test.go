package keepkey_test

import (
	"context"
	"testing"

	"specter/internal/signer"
	"specter/internal/signer/codec1"
	"specter/internal/signer/codec1/codec1test"
	"specter/internal/signer/keepkey"
	"specter/internal/signer/keepkey/keepkeytest"
	"specter/internal/signer/signertest"
)

var port = signer.Port{Path: "webusb:001:5", Way: signer.WebUSB, Vendor: 0x2b24, Product: 2}

func TestFamily(t *testing.T) {
	// The suite signs the same payment twice, which a KeepKey refuses (TestTheSamePaymentTwice).
	patient := keepkeytest.KeepKey()
	patient.NoRepeat = false
	serve := func(ctx context.Context, c signer.Conn, d signertest.Device) error {
		return codec1test.Serve(ctx, c, d, patient)
	}
	signertest.Run(t, signertest.Family{
		Driver: keepkey.Driver{}, Port: port, Packet: codec1.Packet, Serve: serve,
		Scripts: []string{"pkh", "sh-wpkh", "wpkh", "sh", "sh-wsh", "wsh"}, Messages: true,
	})
}
