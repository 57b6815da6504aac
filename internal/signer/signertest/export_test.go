package signertest

import (
	"specter/internal/btc"
	"specter/internal/signer"
)

// Trust takes the checks away, for the test that the suite then finds lies.
func Trust() { guard = func(s signer.Signer, _ btc.Network) signer.Signer { return s } }
