package signertest

import (
	"context"

	"specter/internal/btc"
	"specter/internal/signer"
)

// Device is what a software device is made of: its keys, who holds it and how it lies.
type Device struct {
	Master     btc.XKey
	Network    btc.Network
	Person     *Person
	Lie        Lie
	PIN        string // of families that ask; "" is an unlocked device
	Passphrase string // that belongs to Master, where the protocol tells the device one; others give other keys
}

// Family is one kind of device for the suite.
type Family struct {
	Driver    signer.Driver
	Port      signer.Port // as the family's real port looks, without Open
	Packet    int         // bytes of a packet; 0 for a stream
	Serve     func(ctx context.Context, c signer.Conn, d Device) error
	Scripts   []string // what the device can: pkh, sh-wpkh, wpkh, tr, sh, sh-wsh, wsh, miniscript, tr-tree
	Registers bool     // wants multisig wallets registered
	Messages  bool     // signs messages
	Looks     bool     // addresses are shown without a question, so that nobody can refuse them
	Polls     bool     // the driver asks again and again with pauses, which are no work of ours
	NoCancel  string   // why a host cannot make the device stop asking its person; "" it can
}
