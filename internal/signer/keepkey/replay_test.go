package keepkey_test

import (
	"testing"

	"specter/internal/signer/codec1/codec1test"
	"specter/internal/signer/keepkey"
)

var tourKinds = []string{"pkh", "sh-wpkh", "wpkh", "sh", "sh-wsh", "wsh"}

// TestRecordings replays what TestEmulator (tag emulator) recorded.
func TestRecordings(t *testing.T) { codec1test.Replay(t, keepkey.Driver{}, tourKinds) }
