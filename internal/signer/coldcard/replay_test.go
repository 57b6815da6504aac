package coldcard_test

import (
	"os"
	"sync/atomic"
	"testing"

	"specter/internal/btc"
	"specter/internal/signer/coldcard/coldcardtest"
	"specter/internal/signer/signertest"
)

// TestTheSimulatorsRecording goes through the tour with what Coinkite's simulator answered.
func TestTheSimulatorsRecording(t *testing.T) {
	for file, edge := range map[string]bool{"testdata/simulator.jsonl": false, "testdata/simulator-edge.jsonl": true} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		record, err := signertest.ReadRecording(data)
		if err != nil || len(record.Lines) < 400 {
			t.Fatalf("%s: %d lines: %v", file, len(record.Lines), err)
		}
		nothing := func() {}
		tour{conn: record.Replay(t), seed: record.Seed, press: nothing, last: nothing, refuse: nothing, edge: edge}.run(t)
	}
}

// TestTheTourOfTheSoftwareDevice is the same tour with the device of coldcardtest.
func TestTheTourOfTheSoftwareDevice(t *testing.T) {
	master, _, err := btc.ParseXKey(simulatorKey)
	if err != nil {
		t.Fatal(err)
	}
	for version, edge := range map[string]bool{"5.6.1": false, "6.6.0X": true} {
		var refuse atomic.Bool
		person := &signertest.Person{Decide: func(signertest.Screen) signertest.Decision {
			return signertest.Decision{Approve: !refuse.Swap(false)}
		}}
		b := newBench(t, signertest.Device{Master: master, Network: btc.Testnet3, Person: person}, coldcardtest.Model{Version: version})
		nothing := func() {}
		tour{conn: b.cable.Host(), seed: "tour", press: nothing, last: nothing, refuse: func() { refuse.Store(true) }, edge: edge}.run(t)
	}
}
