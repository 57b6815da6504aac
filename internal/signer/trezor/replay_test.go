package trezor_test

import (
	"testing"

	"specter/internal/signer/codec1/codec1test"
	"specter/internal/signer/trezor"
)

var tourKinds = []string{"pkh", "sh-wpkh", "wpkh", "tr", "sh", "sh-wsh", "wsh"}

// TestRecordings replays what TestEmulator (tag emulator) recorded.
func TestRecordings(t *testing.T) { codec1test.Replay(t, trezor.Driver{}, tourKinds) }
