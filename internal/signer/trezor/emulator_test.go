//go:build emulator

package trezor_test

import (
	"testing"

	"specter/internal/signer/codec1/codec1test"
	"specter/internal/signer/trezor"
)

// TestEmulator drives the vendor's emulator; see codec1test.Emulate.
func TestEmulator(t *testing.T) {
	codec1test.Emulate(t, trezor.Driver{}, "SPECTER_TREZOR_EMULATOR", tourKinds)
}
