//go:build emulator

package jade_test

import (
	"os"
	"path/filepath"
	"testing"

	"specter/internal/btc"
	"specter/internal/signer"
	"specter/internal/signer/jade"
	"specter/internal/signer/signertest"
	"specter/internal/signer/transport"
)

// TestAnotherJade drives a Jade that is not ours: Blockstream's emulator (QEMU or libjade) with
// the wallet "alcohol …", at SPECTER_JADE, such as tcp:127.0.0.1:30121 or serial:/dev/ttyACM0. Its
// screens are answered by hand, or by the emulator's own clicking. With SPECTER_RECORD the
// conversation is written into that folder.
func TestAnotherJade(t *testing.T) {
	address := os.Getenv("SPECTER_JADE")
	if address == "" {
		t.Skip("no Jade was driven: SPECTER_JADE names none")
	}
	ports, err := transport.ParseSimulators("jade=" + address)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := ports[0].Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	record := &signertest.Recording{Driver: jade.Kind, Seed: t.Name(), About: "the tour of emulator_test.go"}
	s, err := jade.Driver{}.Open(t.Context(), record.Over(conn), ports[0], signertest.Options(t))
	if err != nil {
		t.Fatal(err)
	}
	record.Firmware = s.Info().Firmware
	tour(t, signer.CheckedOn(s, btc.Regtest))
	if dir := os.Getenv("SPECTER_RECORD"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "tour.jsonl"), record.Text(), 0o600); err != nil {
			t.Error(err)
		}
	}
}

// tour asks for everything that a Jade can.
func tour(t *testing.T, s signer.Signer) {
	t.Logf("%+v", s.Info())
	master := []btc.XKey{signertest.Master(t, signertest.Alcohol, ""), signertest.Master(t, signertest.Zoo, ""), signertest.Master(t, signertest.Legal, "")}
	if fp, err := s.Fingerprint(t.Context()); err != nil || fp != master[0].Fingerprint() {
		t.Fatalf("%s, %v: is it the wallet of the known answers?", fp, err)
	}
	for _, kind := range []string{"pkh", "sh-wpkh", "wpkh", "tr", "sh", "sh-wsh", "wsh", "miniscript"} {
		w := signertest.Wallet(t, kind, master...)
		r, err := s.Register(t.Context(), w)
		if err != nil {
			t.Errorf("%s: registering: %v", kind, err)
			continue
		}
		if again, err := s.Register(t.Context(), w); err != nil || again.Name != r.Name {
			t.Errorf("%s: registered again as %q, %v", kind, again.Name, err)
		}
		if _, err := s.ShowAddress(t.Context(), w, r, 0, 3); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		tx := signertest.Payment{
			Coins: []signertest.Coin{{Wallet: w, Index: 3, Sat: 70_000}, {Wallet: w, Branch: 1, Index: 4, Sat: 50_000}},
			Pay:   81_234, Change: &signertest.Coin{Wallet: w, Branch: 1, Index: 7, Sat: 37_000},
		}.Packet(t, btc.Regtest)
		got, err := s.Sign(t.Context(), w, r, tx)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if _, fresh, err := tx.Merge(got); err != nil || len(fresh) != 2 {
			t.Errorf("%s: %d signatures, %v", kind, len(fresh), err)
		}
	}
	if _, err := s.SignMessage(t.Context(), path(t, "m/84h/1h/0h/0/0"), []byte("hello")); err != nil {
		t.Error(err)
	}
}
