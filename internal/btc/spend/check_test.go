package spend

import (
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
)

// The check that every plan goes through finds what a mistake in the planner could do. It is
// tested from inside, since the planner makes none of these on purpose.
func TestCheckFindsMistakes(t *testing.T) {
	tests := map[string]func(r *Result){
		"recipient robbed":           func(r *Result) { r.Packet.Outputs[1-r.ChangeVout].Amount -= 10_000 },
		"recipient enriched":         func(r *Result) { r.Packet.Outputs[1-r.ChangeVout].Amount++ },
		"recipient replaced":         func(r *Result) { r.Packet.Outputs[1-r.ChangeVout].Script = btc.WitnessScript(0, make([]byte, 20)) },
		"recipient left out":         func(r *Result) { r.Packet.Outputs = r.Packet.Outputs[r.ChangeVout : r.ChangeVout+1]; r.ChangeVout = 0 },
		"change replaced":            func(r *Result) { r.Packet.Outputs[r.ChangeVout].Script = btc.WitnessScript(0, make([]byte, 20)) },
		"change too small":           func(r *Result) { r.Packet.Outputs[r.ChangeVout].Amount -= 5_000 },
		"change that is dust":        func(r *Result) { r.Packet.Outputs[r.ChangeVout].Amount = 100; r.Change = 100 },
		"output added":               func(r *Result) { r.Packet.Outputs = append(r.Packet.Outputs, r.Packet.Outputs[r.ChangeVout]) },
		"input left out":             func(r *Result) { r.Packet.Inputs = r.Packet.Inputs[1:] },
		"input replaced":             func(r *Result) { r.Packet.Inputs[0].PrevOut.Index++ },
		"input worth something else": func(r *Result) { r.Packet.Inputs[0].NonWitnessUTXO.TxOut[0].Value++ },
		"coin worth something else":  func(r *Result) { r.Inputs[0].Amount++ },
		"fee misreported":            func(r *Result) { r.Fee++ },
		"weight misreported":         func(r *Result) { r.Weight -= 4 },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			p, r := planned(t)
			if err := p.check(r); err != nil {
				t.Fatalf("the plan itself is refused: %v", err)
			}
			spoil(r)
			if p.check(r) == nil {
				t.Error("it was not noticed")
			}
		})
	}
}

// planned makes a plan with two inputs and change, and the planner that made it.
func planned(t *testing.T) (*planner, *Result) {
	t.Helper()
	master, err := btc.NewMaster(chainhash.HashB([]byte("check")), false)
	if err != nil {
		t.Fatal(err)
	}
	d, err := descriptor.Parse("wpkh("+master.Public().String()+"/<0;1>/*)", descriptor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	branches := d.Expand()
	out, err := branches[0].Derive(0)
	if err != nil {
		t.Fatal(err)
	}
	var coins []Coin
	for i := range uint32(2) {
		prev := wire.NewMsgTx(2)
		prev.AddTxIn(wire.NewTxIn(&wire.OutPoint{Index: i}, nil, nil))
		prev.AddTxOut(wire.NewTxOut(100_000, out.Script))
		coins = append(coins, Coin{
			OutPoint: wire.OutPoint{Hash: prev.TxHash()}, Amount: 100_000, Script: out.Script, Confirmations: 1, PrevTx: prev,
		})
	}
	p, err := newPlanner(Params{
		Network: btc.Regtest, Branches: branches, FeeRate: btc.SatPerVB(3), Seed: [32]byte{1},
		Recipients: []Recipient{{Script: btc.WitnessScript(1, make([]byte, 32)), Amount: 120_000}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.run(coins)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Inputs) != 2 || r.ChangeVout < 0 {
		t.Fatalf("%d inputs, change at %d", len(r.Inputs), r.ChangeVout)
	}
	return p, r
}
