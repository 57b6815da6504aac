package bitbox02_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
	"specter/internal/signer/bitbox02"
	"specter/internal/signer/bitbox02/bitbox02test"
	"specter/internal/signer/signertest"
)

// merged are the signatures of an answer that are new and verify.
func merged(t *testing.T, p, answer *psbt.Packet) []psbt.NewSignature {
	t.Helper()
	_, added, err := p.Merge(answer)
	if err != nil {
		t.Fatalf("the signatures do not verify: %v", err)
	}
	return added
}

func TestEveryKindOfWalletIsSigned(t *testing.T) {
	person := &signertest.Person{}
	b := box(t, person)
	s := open(t, b, pairing(t))
	for name, w := range wallets(t) {
		p := spend(t, w, 3)
		before, _ := p.Base64()
		answer, err := s.Sign(limited(t), w, signer.Registration{}, p)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := 3
		if name == "two times" { // two keys of the device in each input
			want = 6
		}
		if added := merged(t, p, answer); len(added) != want {
			t.Errorf("%s: %d signatures, want %d", name, len(added), want)
		}
		if after, _ := p.Base64(); after != before {
			t.Errorf("%s: the PSBT was changed", name)
		}
	}
	if !person.Saw(signertest.ShowOutput, " 30000") || !person.Saw(signertest.ShowFee, "1000") {
		t.Errorf("the person did not see the payment: %v", person.Seen())
	}
	for _, screen := range person.Seen() {
		if screen.Kind == signertest.ShowOutput && strings.HasSuffix(screen.Text, " 269000") {
			t.Errorf("change was shown as a payment: %v", screen)
		}
	}
}

func TestASingleKeyTransactionIsComplete(t *testing.T) {
	s := open(t, box(t, nil), pairing(t))
	for _, name := range []string{"wpkh", "sh-wpkh", "tr", "policy", "tr tree"} {
		p := spend(t, wallets(t)[name], 2)
		answer, err := s.Sign(limited(t), wallets(t)[name], signer.Registration{}, p)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := answer.Finalize(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSignaturesWithoutOurRandomnessAreRefused(t *testing.T) {
	b := box(t, nil)
	b.OwnNonce = true
	s := open(t, b, pairing(t))
	for _, name := range []string{"wpkh", "sh-wpkh", "wsh", "policy"} {
		w := wallets(t)[name]
		if _, err := s.Sign(limited(t), w, signer.Registration{}, spend(t, w, 1)); err == nil || !strings.Contains(err.Error(), "randomness") {
			t.Errorf("%s: %v", name, err)
		}
	}
	p, _ := btc.ParsePath("m/84h/1h/0h/0/0")
	if _, err := s.SignMessage(limited(t), p, []byte("x")); err == nil || !strings.Contains(err.Error(), "randomness") {
		t.Errorf("a message: %v", err)
	}
	if w := wallets(t)["tr"]; w.Descriptor != nil { // the firmware has no such protocol for Schnorr signatures
		if _, err := s.Sign(limited(t), w, signer.Registration{}, spend(t, w, 1)); err != nil {
			t.Errorf("taproot: %v", err)
		}
	}
	b.Firmware = "v9.3.1" // nor for anything in old days
	old := open(t, b, pairing(t))
	w := wallets(t)["wpkh"]
	answer, err := old.Sign(limited(t), w, signer.Registration{}, low(t, spend(t, w, 1)))
	if err != nil || len(merged(t, low(t, spend(t, w, 1)), answer)) != 1 {
		t.Errorf("old firmware: %v", err)
	}
}

// low gives every input a sequence number that the oldest firmware takes.
func low(t *testing.T, p *psbt.Packet) *psbt.Packet {
	t.Helper()
	for i := range p.Inputs {
		p.Inputs[i].Sequence = wire.MaxTxInSequenceNum - 2
	}
	return p
}

func TestLiesAreFoundOut(t *testing.T) {
	for name, lie := range map[string]signertest.Lie{"another key": {Signature: true}, "another amount": {Amount: true}} {
		for _, kind := range []string{"wpkh", "wsh", "tr"} {
			d := device(t, nil)
			d.Lie = lie
			w := wallets(t)[kind]
			p := spend(t, w, 1)
			answer, err := open(t, bitbox02test.New(d), pairing(t)).Sign(limited(t), w, signer.Registration{}, p)
			if err == nil {
				_, _, err = p.Merge(answer)
			}
			if err == nil {
				t.Errorf("%s, %s: nobody noticed", name, kind)
			}
		}
	}
	d := device(t, nil)
	d.Lie.Registry = true
	w := wallets(t)["wsh"]
	if _, err := open(t, bitbox02test.New(d), pairing(t)).Sign(limited(t), w, signer.Registration{}, spend(t, w, 1)); signer.CodeOf(err) != signer.CodeUnavailable {
		t.Errorf("a wallet that is registered only in words: %v", err)
	}
}

func TestRefusalsWhileSigning(t *testing.T) {
	for _, screen := range []string{signertest.ShowOutput, signertest.ShowFee, signertest.ShowPolicy} {
		b := box(t, signertest.Refuse(screen))
		s := open(t, b, pairing(t))
		w := wallets(t)["wsh"]
		if _, err := s.Sign(limited(t), w, signer.Registration{}, spend(t, w, 1)); signer.CodeOf(err) != signer.CodeCancelled {
			t.Errorf("%s: %v", screen, err)
		}
		if _, err := s.Fingerprint(limited(t)); err != nil {
			t.Errorf("%s: after it: %v", screen, err)
		}
	}
}

func TestAwayWhileSigning(t *testing.T) {
	asked := make(chan struct{}, 1)
	away := true
	person := &signertest.Person{Decide: func(s signertest.Screen) signertest.Decision {
		if s.Kind == signertest.ShowFee && away {
			away = false
			asked <- struct{}{}
			return signertest.Decision{Away: true}
		}
		return signertest.Decision{Approve: true}
	}}
	s := open(t, box(t, person), pairing(t))
	w := wallets(t)["wpkh"]
	ctx, stop := context.WithCancel(limited(t))
	go func() { <-asked; stop() }()
	if _, err := s.Sign(ctx, w, signer.Registration{}, spend(t, w, 2)); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	p := spend(t, w, 2)
	answer, err := s.Sign(limited(t), w, signer.Registration{}, p)
	if err != nil || len(merged(t, p, answer)) != 2 {
		t.Errorf("after giving up: %v", err)
	}
}

// TestUnpluggedAnywhere pulls the cable out after every few bytes of a conversation.
func TestUnpluggedAnywhere(t *testing.T) {
	w := wallets(t)["wpkh"]
	talk := func(cut int) (passed int, err error) {
		cable := plug(t, box(t, nil))
		if cut >= 0 {
			cable.CutAfter(cut)
		}
		s, err := bitbox02.Driver{}.Open(limited(t), cable.Host(), simPort, pairing(t))
		if err == nil {
			_, err = s.Sign(limited(t), w, signer.Registration{}, spend(t, w, 1))
		}
		return cable.Passed(), err
	}
	total, err := talk(-1)
	if err != nil {
		t.Fatal(err)
	}
	whole := 0 // the driver asks less often where the device is quick
	for cut := 0; cut < total-64; cut += 97 {
		switch passed, err := talk(cut); {
		case err == nil && passed < cut:
			whole++
		case signer.CodeOf(err) != signer.CodeConnection:
			t.Errorf("cut after %d of %d bytes: %v", cut, total, err)
		}
	}
	if whole*97 > total/2 {
		t.Errorf("%d conversations ended before the cable was cut", whole)
	}
}

func TestTransactionsThatTheDeviceDoesNotTake(t *testing.T) {
	s := open(t, box(t, nil), pairing(t))
	edit := func(f func(*psbt.Packet)) *psbt.Packet { p := spend(t, wallets(t)["wpkh"], 2); f(p); return p }
	none := txscript.SigHashNone
	for want, p := range map[string]*psbt.Packet{
		"version 3":     edit(func(p *psbt.Packet) { p.TxVersion = 3 }),
		"block height":  edit(func(p *psbt.Packet) { p.FallbackLockTime = 1_700_000_000 }),
		"pays nothing":  edit(func(p *psbt.Packet) { p.Outputs[0].Amount = 0 }),
		"does not know": edit(func(p *psbt.Packet) { p.Outputs[0].Script = []byte{txscript.OP_1, 2, 0x4e, 0x73} }),
		"burns money":   edit(func(p *psbt.Packet) { p.Outputs[0].Script = []byte{txscript.OP_RETURN, 1, 'x'} }),
		"single piece of data": edit(func(p *psbt.Packet) {
			p.Outputs[0].Script, p.Outputs[0].Amount = []byte{txscript.OP_RETURN, 1, 'x', 1, 'y'}, 0
		}),
		"covers only parts":             edit(func(p *psbt.Packet) { p.Inputs[1].SighashType = &none }),
		"without the transaction":       edit(func(p *psbt.Packet) { p.Inputs[1].NonWitnessUTXO = nil }),
		"input 1 is not of this wallet": edit(func(p *psbt.Packet) { p.Inputs[1].Derivations = nil }),
		"does not say which coin":       edit(func(p *psbt.Packet) { p.Inputs[1].NonWitnessUTXO, p.Inputs[1].WitnessUTXO = nil, nil }),
	} {
		if _, err := s.Sign(limited(t), wallets(t)["wpkh"], signer.Registration{}, p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestNotesAndEveryKindOfPayment(t *testing.T) {
	person := &signertest.Person{}
	b := box(t, person)
	s := open(t, b, pairing(t))
	w := wallets(t)["wpkh"]
	hash := bytes.Repeat([]byte{7}, 20)
	for name, script := range map[string][]byte{
		"p2pkh": btc.PayToPubKeyHash(hash), "p2sh": btc.PayToScriptHash(hash), "p2wsh": btc.WitnessScript(0, append(hash, hash[:12]...)),
		"p2tr": derive(t, wallets(t)["tr odd"].Descriptor.Expand()[0], 1).Script, "note": {txscript.OP_RETURN, 3, 'a', 'b', 'c'}, "empty note": {txscript.OP_RETURN, 0},
	} {
		p := spend(t, w, 1)
		p.Outputs[0].Script = script
		if strings.HasSuffix(name, "note") {
			p.Outputs[0].Amount = 0
		}
		answer, err := s.Sign(limited(t), w, signer.Registration{}, p)
		if err != nil || len(merged(t, p, answer)) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.Firmware = "v9.23.0"
	p := spend(t, w, 1)
	p.Outputs[0].Script, p.Outputs[0].Amount = []byte{txscript.OP_RETURN, 1, 'x'}, 0
	if _, err := open(t, b, pairing(t)).Sign(limited(t), w, signer.Registration{}, p); err == nil || !strings.Contains(err.Error(), "9.24.0") {
		t.Errorf("a note on old firmware: %v", err)
	}
}

func TestOutputsToTheDevicesOtherAccountsAreNamed(t *testing.T) {
	person := &signertest.Person{}
	b := box(t, person)
	w := wallets(t)["wpkh"]
	for firmware, want := range map[string]string{"v9.22.0": "This BitBox: ", "v9.21.0": "bcrt1p"} {
		b.Firmware = firmware
		p := spend(t, w, 1)
		out := derive(t, wallets(t)["tr"].Descriptor.Expand()[0], 3)
		p.Outputs[0].Script = out.Script
		if err := p.UpdateOutput(0, out); err != nil {
			t.Fatal(err)
		}
		answer, err := open(t, b, pairing(t)).Sign(limited(t), w, signer.Registration{}, p)
		if err != nil || len(merged(t, p, answer)) != 1 {
			t.Fatalf("%s: %v", firmware, err)
		}
		seen := person.Seen()
		if !strings.HasPrefix(seen[len(seen)-2].Text, want) {
			t.Errorf("%s: %v", firmware, seen[len(seen)-2])
		}
	}
}

// TestCallsAreGivenUpAnywhere cancels a call after every number of packets; the device must be
// well afterwards, which it is not after half a message.
func TestCallsAreGivenUpAnywhere(t *testing.T) {
	cable := plug(t, box(t, nil))
	conn := &counted{Conn: cable.Host(), left: -1}
	s, err := bitbox02.Driver{}.Open(limited(t), conn, simPort, pairing(t))
	if err != nil {
		t.Fatal(err)
	}
	w := wallets(t)["wsh"]
	if _, err := s.Register(limited(t), w); err != nil {
		t.Fatal(err)
	}
	p := spend(t, w, 1)
	for packets := range 30 {
		ctx, stop := context.WithCancel(limited(t))
		conn.left, conn.stop = packets, stop
		if _, err := s.Sign(ctx, w, signer.Registration{}, p); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("after %d packets: %v", packets, err)
		}
		stop()
		conn.left = -1
		if answer, err := s.Sign(limited(t), w, signer.Registration{}, p); err != nil || len(merged(t, p, answer)) != 1 {
			t.Fatalf("given up after %d packets: %v", packets, err)
		}
	}
}
