package keepkey_test

import (
	"os"
	"path/filepath"
	"testing"

	"specter/internal/btc"
	"specter/internal/signer"
	"specter/internal/signer/codec1/codec1test"
	"specter/internal/signer/keepkey"
	"specter/internal/signer/signertest"
)

var tourKinds = []string{"pkh", "sh-wpkh", "wpkh", "sh", "sh-wsh", "wsh"}

// TestRecordings replays conversations with the vendor's emulators: the driver says the same,
// and understands the answers. The files are of TestEmulator (tag emulator).
func TestRecordings(t *testing.T) {
	files, err := filepath.Glob("testdata/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			r, err := signertest.ReadRecording(raw)
			if err != nil {
				t.Fatal(err)
			}
			o := signertest.Options(t)
			o.Network = btc.Testnet3
			s, err := keepkey.Driver{}.Open(t.Context(), r.Replay(t), signer.Port{Path: "udp:", Way: signer.UDP, Kind: "keepkey"}, o)
			if err != nil {
				t.Fatal(err)
			}
			if i := s.Info(); i.Firmware != r.Firmware || i.Label != "emulator" {
				t.Errorf("found as %+v", i)
			}
			codec1test.Tour(t.Context(), t, s, tourKinds)
		})
	}
}
