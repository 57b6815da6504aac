// Package trezortest are Trezors in software, for tests and for trying things out.
package trezortest

import (
	"context"

	"specter/internal/signer"
	"specter/internal/signer/codec1"
	"specter/internal/signer/codec1/codec1test"
	"specter/internal/signer/signertest"
)

// One is a Trezor One with a current firmware.
func One() codec1test.Model {
	return codec1test.Model{
		Vendor: "trezor.io", Word: "1", Internal: "T1B1", Version: codec1.Version{1, 13, 1}, Label: "My Trezor", ID: "0ne",
		Matrix: true, Taproot: true, Sorts: true, RootPrint: true, Sessions: true,
	}
}

// core is a device with Trezor's newer firmware.
func core(word, internal string) codec1test.Model {
	return codec1test.Model{
		Vendor: "trezor.io", Word: word, Internal: internal, Version: codec1.Version{2, 8, 9}, Label: "My Trezor", ID: internal,
		Taproot: true, Sorts: true, RootPrint: true, Sessions: true,
	}
}

// T is a Trezor T with a current firmware.
func T() codec1test.Model { return core("T", "T2T1") }

// Safe3 is a Trezor Safe 3 with a current firmware.
func Safe3() codec1test.Model { return core("Safe 3", "T3B1") }

// Safe5 is a Trezor Safe 5 with a current firmware.
func Safe5() codec1test.Model { return core("Safe 5", "T3T1") }

// Serve is a Safe 5's side of a connection.
func Serve(ctx context.Context, c signer.Conn, d signertest.Device) error {
	return codec1test.Serve(ctx, c, d, Safe5())
}

// ServeAs serves another model.
func ServeAs(m codec1test.Model) func(context.Context, signer.Conn, signertest.Device) error {
	return func(ctx context.Context, c signer.Conn, d signertest.Device) error {
		return codec1test.Serve(ctx, c, d, m)
	}
}
