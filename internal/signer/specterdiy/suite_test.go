package specterdiy_test

import (
	"testing"

	"specter/internal/signer"
	"specter/internal/signer/signertest"
	"specter/internal/signer/specterdiy"
	"specter/internal/signer/specterdiy/specterdiytest"
)

// port is how the simulator's looks.
var port = signer.Port{Path: "tcp:127.0.0.1:8789", Way: signer.TCP, Kind: "specter"}

func TestFamily(t *testing.T) {
	signertest.Run(t, signertest.Family{
		Driver: specterdiy.Driver{}, Port: port, Serve: specterdiytest.Serve,
		Scripts:   []string{"wpkh", "pkh", "sh-wpkh", "wsh", "sh", "sh-wsh", "miniscript"},
		Registers: true, Messages: true, Looks: true,
		NoCancel: "the device reads nothing while it asks its person",
	})
}
