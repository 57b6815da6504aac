package ledger

import (
	"testing"

	"specter/internal/signer/ledger/ledgertest"
	"specter/internal/signer/signertest"
)

func TestSuite(t *testing.T) {
	family := signertest.Family{
		Driver: Driver{}, Port: hidPort, Packet: packetSize, Serve: ledgertest.Serve,
		Scripts:   []string{"pkh", "sh-wpkh", "wpkh", "tr", "sh", "sh-wsh", "wsh", "miniscript", "tr-tree"},
		Registers: true, Messages: true,
		NoCancel: "a Ledger has no command that takes a question back",
	}
	signertest.Run(t, family)
}
