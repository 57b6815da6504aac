package ledger

import (
	"testing"

	"specter/internal/signer"
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
	t.Run("hid", func(t *testing.T) { signertest.Run(t, family) })
	family.Port, family.Packet = signer.Port{Path: "tcp:127.0.0.1:9999", Way: signer.TCP, Kind: kind, Interface: -1}, 0
	t.Run("speculos", func(t *testing.T) { signertest.Run(t, family) })
}
