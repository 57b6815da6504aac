package jade_test

import (
	"testing"

	"specter/internal/signer/jade"
	"specter/internal/signer/jade/jadetest"
	"specter/internal/signer/signertest"
)

func TestTheFamilysSuite(t *testing.T) {
	signertest.Run(t, signertest.Family{
		Driver: jade.Driver{}, Port: port, Serve: jadetest.Serve,
		Scripts:   []string{"pkh", "sh-wpkh", "wpkh", "tr", "sh", "sh-wsh", "wsh", "miniscript"},
		Registers: true, Messages: true,
	})
}
