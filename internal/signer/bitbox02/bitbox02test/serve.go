// Package bitbox02test is a BitBox02 in software: the vendor's side of the protocol with real
// keys and a person who decides. It is made for tests and rehearsals.
package bitbox02test

import (
	"context"
	"sync"

	"specter/internal/btc"
	"specter/internal/signer"
	"specter/internal/signer/signertest"
)

// boxes are the devices that Serve was asked for. A device keeps pairings and wallets when it is
// plugged in again; which device it is, its person's hand tells.
var boxes sync.Map

type hand struct {
	person *signertest.Person
	master btc.Fingerprint
	lie    signertest.Lie
	pin    string
}

// Serve answers at a port as a BitBox02 until ctx ends or the port closes. Devices of the same
// person, keys and lies are one device.
func Serve(ctx context.Context, c signer.Conn, d signertest.Device) error {
	b := New(d)
	if d.Person != nil {
		kept, _ := boxes.LoadOrStore(hand{d.Person, d.Master.Fingerprint(), d.Lie, d.PIN}, b)
		b, _ = kept.(*Box)
	}
	return b.Serve(ctx, c)
}
