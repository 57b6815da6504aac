package trezor_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/txscript/v2"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
	"specter/internal/signer/codec1"
	"specter/internal/signer/codec1/codec1test"
	"specter/internal/signer/signertest"
	"specter/internal/signer/trezor/trezortest"
)

func (d *desk) wallet(kind string, others ...btc.XKey) signer.Wallet {
	return signertest.Wallet(d.t, kind, append([]btc.XKey{d.device.Master}, others...)...)
}

func (d *desk) others() []btc.XKey {
	return []btc.XKey{signertest.Master(d.t, signertest.Abandon, ""), signertest.Master(d.t, signertest.Zoo, "")}
}

// sign signs and holds the answer against the PSBT.
func (d *desk) sign(w signer.Wallet, tx *psbt.Packet) (*psbt.Packet, error) {
	d.t.Helper()
	s, ctx := d.connect()
	got, err := s.Sign(ctx, w, signer.Registration{}, tx)
	if err != nil {
		return nil, err
	}
	merged, _, err := tx.Merge(got)
	if err != nil {
		d.t.Errorf("the signatures do not verify: %v", err)
	}
	return merged, nil
}

func spend(w signer.Wallet, coins ...signertest.Coin) signertest.Payment {
	return signertest.Payment{Coins: coins, Pay: 20_000, Change: &signertest.Coin{Wallet: w, Branch: 1, Index: 7, Sat: 5_000}}
}

// screens counts the outputs that the person was shown.
func (d *desk) screens() (n int) {
	for _, s := range d.device.Person.Seen() {
		if s.Kind == signertest.ShowOutput {
			n++
		}
	}
	return n
}

func TestChangeIsNotShown(t *testing.T) {
	for name, model := range map[string]codec1test.Model{"One": trezortest.One(), "One of 2023": old(trezortest.One(), 1, 12, 1), "Safe 5": trezortest.Safe5()} {
		for _, kind := range []string{"pkh", "sh-wpkh", "wpkh", "tr", "sh", "sh-wsh", "wsh"} {
			d := newDesk(t, model)
			w := d.wallet(kind, d.others()...)
			tx := spend(w, signertest.Coin{Wallet: w, Index: 1, Sat: 40_000}, signertest.Coin{Wallet: w, Branch: 1, Index: 2, Sat: 40_000}).Packet(t, btc.Regtest)
			for from, wallet := range map[string]signer.Wallet{"the wallet": w, "the PSBT": {}} {
				if _, err := d.sign(wallet, tx); err != nil {
					t.Errorf("%s, %s, from %s: %v", name, kind, from, err)
				}
			}
			if n := d.screens(); n != 2 { // the stranger's, in each of two rounds
				t.Errorf("%s, %s: %d outputs were shown: %v", name, kind, n, d.device.Person.Seen())
			}
		}
	}
}

// old makes a model of older firmware, which does not sort keys.
func old(m codec1test.Model, major, minor, patch uint32) codec1test.Model {
	m.Version, m.Sorts = codec1.Version{major, minor, patch}, false
	return m
}

// TestFalseChangeIsShown: an output whose key is not the device's, whatever the PSBT claims of
// it, is shown to the person with its address.
func TestFalseChangeIsShown(t *testing.T) {
	for _, kind := range []string{"pkh", "sh-wpkh", "wpkh", "tr"} {
		d := newDesk(t, trezortest.T())
		w := d.wallet(kind)
		thief := signertest.Wallet(t, kind, signertest.Master(t, signertest.Zoo, ""))
		p := spend(w, signertest.Coin{Wallet: w, Index: 1, Sat: 40_000})
		p.Change.Wallet = thief
		tx := p.Packet(t, btc.Regtest)
		for i := range tx.Outputs { // "they are all ours"
			for j := range tx.Outputs[i].Derivations {
				tx.Outputs[i].Derivations[j].Origin.Fingerprint = d.device.Master.Fingerprint()
			}
			for j := range tx.Outputs[i].TapDerivations {
				tx.Outputs[i].TapDerivations[j].Origin.Fingerprint = d.device.Master.Fingerprint()
			}
		}
		if _, err := d.sign(w, tx); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if n := d.screens(); n != 2 {
			t.Errorf("%s: %d outputs were shown, want both: %v", kind, n, d.device.Person.Seen())
		}
	}
}

func TestMixedInputs(t *testing.T) {
	d := newDesk(t, trezortest.Safe5())
	var coins []signertest.Coin
	for i, kind := range []string{"pkh", "sh-wpkh", "wpkh", "tr"} {
		coins = append(coins, signertest.Coin{Wallet: d.wallet(kind), Index: uint32(i), Sat: 30_000})
	}
	tx := spend(coins[2].Wallet, coins...).Packet(t, btc.Regtest)
	got, err := d.sign(signer.Wallet{}, tx)
	if err != nil {
		t.Fatal(err)
	}
	if err := got.Finalize(); err != nil {
		t.Error(err)
	}
	if _, err := got.Extract(); err != nil {
		t.Error(err)
	}
}

func TestTransactionsKeepTheirParts(t *testing.T) {
	d := newDesk(t, trezortest.T())
	w := d.wallet("wpkh")
	tx := spend(w, signertest.Coin{Wallet: w, Index: 1, Sat: 40_000}, signertest.Coin{Wallet: w, Index: 2, Sat: 40_000}).Packet(t, btc.Regtest)
	tx.TxVersion, tx.FallbackLockTime = 3, 700_001
	tx.Inputs[0].Sequence, tx.Inputs[1].Sequence = 17, 0xfffffffd
	data, err := txscript.NewScriptBuilder().AddOp(txscript.OP_RETURN).AddFullData(bytes.Repeat([]byte{7}, 80)).Script()
	if err != nil {
		t.Fatal(err)
	}
	tx.Outputs = append(tx.Outputs, psbt.Output{Script: data})
	got, err := d.sign(w, tx) // Merge verifies the signatures over all of that
	if err != nil || len(got.Inputs[1].PartialSigs) != 1 {
		t.Errorf("%v", err)
	}
	if !d.device.Person.Saw(signertest.ShowOutput, "OP_RETURN 0707") {
		t.Errorf("shown: %v", d.device.Person.Seen())
	}
}

func TestTransactionsThatAreRefused(t *testing.T) {
	type packet = *psbt.Packet
	all, single := txscript.SigHashAll, txscript.SigHashSingle
	for name, test := range map[string]struct {
		model  codec1test.Model
		kind   string
		change func(packet)
		says   string
	}{
		"taproot with old firmware":   {old(trezortest.T(), 2, 4, 2), "tr", func(packet) {}, "2.4.3"},
		"another sighash":             {trezortest.T(), "wpkh", func(p packet) { p.Inputs[0].SighashType = &single }, "SINGLE"},
		"taproot with sighash all":    {trezortest.T(), "tr", func(p packet) { p.Inputs[0].SighashType = &all }, "ALL"},
		"a previous one is missing":   {trezortest.T(), "wpkh", func(p packet) { p.Inputs[0].NonWitnessUTXO = nil }, "non_witness_utxo"},
		"no coin at all":              {trezortest.T(), "wpkh", func(p packet) { p.Inputs[0].NonWitnessUTXO, p.Inputs[0].WitnessUTXO = nil, nil }, "input 0"},
		"a witness script is missing": {trezortest.T(), "wsh", func(p packet) { p.Inputs[0].WitnessScript = nil }, "witness script"},
		"money in OP_RETURN":          {trezortest.T(), "wpkh", func(p packet) { p.Outputs[0].Script = []byte{0x6a, 1, 1} }, "OP_RETURN"},
		"a script without address":    {trezortest.T(), "wpkh", func(p packet) { p.Outputs[0].Script = []byte{0x51} }, "no address"},
		"nobody's transaction":        {trezortest.T(), "wpkh", func(p packet) { p.Inputs[0].Derivations = nil }, "not this Trezor's"},
		"a script tree":               {trezortest.T(), "tr", func(p packet) { p.Inputs[0].TapMerkleRoot = make([]byte, 32) }, "scripts"},
	} {
		d := newDesk(t, test.model)
		w := d.wallet(test.kind, d.others()...)
		tx := spend(w, signertest.Coin{Wallet: w, Index: 1, Sat: 40_000}).Packet(t, btc.Regtest)
		test.change(tx)
		if _, err := d.sign(w, tx); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	d := newDesk(t, trezortest.T())
	s, ctx := d.connect()
	for _, kind := range []string{"miniscript", "tr-tree"} {
		if _, err := s.ShowAddress(ctx, d.wallet(kind, d.others()...), signer.Registration{}, 0, 0); signer.CodeOf(err) != signer.CodeUnavailable {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// TestInputsOfOthers: each firmware has its own way with them.
func TestInputsOfOthers(t *testing.T) {
	unsafe := trezortest.T()
	unsafe.Safety = 1
	ancient := old(trezortest.One(), 1, 10, 5)
	ancient.OldForeign = true
	for name, test := range map[string]struct {
		model codec1test.Model
		final bool
		says  string // "" it signs
	}{
		"One refuses":                    {trezortest.One(), true, "inputs of others"},
		"Safe wants them signed":         {trezortest.Safe3(), false, "let the others sign first"},
		"Safe takes them signed":         {trezortest.Safe3(), true, ""},
		"T with its safety checks off":   {unsafe, false, ""},
		"old firmware believes anything": {ancient, false, ""},
	} {
		d := newDesk(t, test.model)
		w, theirs := d.wallet("wpkh"), signertest.Wallet(t, "wpkh", signertest.Master(t, signertest.Zoo, ""))
		tx := spend(w, signertest.Coin{Wallet: theirs, Index: 3, Sat: 10_000}, signertest.Coin{Wallet: w, Index: 1, Sat: 40_000}).Packet(t, btc.Regtest)
		if test.final {
			if _, err := tx.Sign(psbt.ExtendedKey(signertest.Master(t, signertest.Zoo, ""), btc.KeyOrigin{Fingerprint: signertest.Master(t, signertest.Zoo, "").Fingerprint()})); err != nil {
				t.Fatal(err)
			}
			if err := tx.FinalizeInput(0); err != nil {
				t.Fatal(err)
			}
		}
		got, err := d.sign(w, tx)
		switch {
		case test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)):
			t.Errorf("%s: %v", name, err)
		case test.says == "" && (err != nil || len(got.Inputs[1].PartialSigs) != 1 || len(got.Inputs[0].PartialSigs) != 0):
			t.Errorf("%s: %v", name, err)
		}
	}
	ancient.Taproot, ancient.Version = true, codec1.Version{1, 10, 4}
	d := newDesk(t, ancient)
	w, theirs := d.wallet("tr"), signertest.Wallet(t, "wpkh", signertest.Master(t, signertest.Zoo, ""))
	tx := spend(w, signertest.Coin{Wallet: theirs, Index: 3, Sat: 10_000}, signertest.Coin{Wallet: w, Index: 1, Sat: 40_000}).Packet(t, btc.Regtest)
	if _, err := d.sign(w, tx); err == nil || !strings.Contains(err.Error(), "taproot") {
		t.Errorf("old firmware signs taproot beside inputs of others: %v", err)
	}
}

// TestSeveralOwnKeys: where a multisig has two keys of the device, it signs in two passes.
func TestSeveralOwnKeys(t *testing.T) {
	d := newDesk(t, trezortest.T())
	m := d.device.Master
	var keys []string
	for _, account := range []uint32{0, 1} {
		keys = append(keys, signertest.Account(t, m, btc.Path{btc.Hardened | 48, btc.Hardened | 1, btc.Hardened | account, btc.Hardened | 2}))
	}
	w := signertest.WalletOf(t, "wsh", append(keys, signertest.Account(t, d.others()[0], signertest.AccountPath(t, "wsh")))...)
	tx := spend(w, signertest.Coin{Wallet: w, Index: 1, Sat: 40_000}).Packet(t, btc.Regtest)
	got, err := d.sign(w, tx)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got.Inputs[0].PartialSigs); n != 2 {
		t.Errorf("%d signatures, want 2", n)
	}
	before := len(d.device.Person.Seen())
	again, err := d.sign(w, got)
	if err != nil || len(again.Inputs[0].PartialSigs) != 2 || len(d.device.Person.Seen()) != before {
		t.Errorf("what is signed already is signed again: %v", err)
	}
}

// TestCancel: a call that is given up ends the question on the device, which then goes on.
func TestCancel(t *testing.T) {
	d := newDesk(t, trezortest.T())
	d.device.Person = signertest.GoneAway(signertest.ShowAddress)
	s, ctx := d.connect()
	for limit := 50 * time.Millisecond; ; limit *= 4 { // until there is a question to be given up
		short, stop := context.WithTimeout(ctx, limit)
		_, err := s.ShowAddress(short, d.wallet("wpkh"), signer.Registration{}, 0, 0)
		if err == nil || short.Err() == nil || signer.CodeOf(err) != signer.CodeBusy {
			t.Errorf("given up: %v (%d)", err, signer.CodeOf(err))
		}
		stop()
		if len(d.device.Person.Seen()) > 0 || limit > time.Minute {
			break
		}
	}
	if _, err := s.SignMessage(ctx, btc.Path{btc.Hardened | 84, btc.Hardened | 1, btc.Hardened, 0, 0}, []byte("on we go")); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if len(d.notices) < 2 {
		t.Errorf("the page was told %v", d.notices)
	}
}
