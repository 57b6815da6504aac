//go:build emulator

package keepkey_test

import (
	"testing"

	"specter/internal/signer/codec1/codec1test"
	"specter/internal/signer/keepkey"
)

// TestEmulator drives the vendor's emulator; see codec1test.Emulate.
func TestEmulator(t *testing.T) {
	codec1test.Emulate(t, keepkey.Driver{}, "SPECTER_KEEPKEY_EMULATOR", tourKinds)
}
