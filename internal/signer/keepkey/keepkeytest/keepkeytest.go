// Package keepkeytest is a KeepKey in software, for tests and for trying things out.
package keepkeytest

import (
	"context"

	"specter/internal/signer"
	"specter/internal/signer/codec1"
	"specter/internal/signer/codec1/codec1test"
	"specter/internal/signer/signertest"
)

// KeepKey is a device with a current firmware.
func KeepKey() codec1test.Model {
	return codec1test.Model{
		Vendor: "keepkey.com", Word: "K1-14AM", Version: codec1.Version{7, 10, 0}, Label: "My KeepKey", ID: "keepkey",
		Matrix: true, OldForeign: true, NoRepeat: true,
	}
}

// Serve is the device's side of a connection.
func Serve(ctx context.Context, c signer.Conn, d signertest.Device) error {
	return codec1test.Serve(ctx, c, d, KeepKey())
}
