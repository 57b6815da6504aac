//go:build emulator

package hwicli_test

import (
	"os"
	"testing"

	"specter/internal/btc"
	"specter/internal/signer"
	"specter/internal/signer/hwicli"
	"specter/internal/signer/signertest"
)

// The real program HWI, named by SPECTER_HWI, at a Jade of the phrase "alcohol …" where HWI looks
// for a simulator: the software one does (see jadetest's TestServeOthers).
func TestTheRealProgramHWI(t *testing.T) {
	path := os.Getenv("SPECTER_HWI")
	if path == "" {
		t.Skip("SPECTER_HWI names no program")
	}
	p := hwicli.Program{Path: path, Extra: []string{"--emulators"}}
	v, err := p.Version(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("HWI %s", v)
	infos, err := p.Enumerate(t.Context(), regtest, []string{"trezor", "ledger", "keepkey", "coldcard", "bitbox02", "digitalbitbox"})
	if err != nil || len(infos) != 1 || infos[0].Kind != "jade" || infos[0].Fingerprint.String() != "95d8f670" {
		t.Fatalf("%+v, %v", infos, err)
	}
	raw, err := p.Open(infos[0], regtest)
	if err != nil {
		t.Fatal(err)
	}
	s := signer.CheckedOn(raw, btc.Regtest)
	master := []btc.XKey{signertest.Master(t, signertest.Alcohol, ""), signertest.Master(t, signertest.Zoo, ""), signertest.Master(t, signertest.Legal, "")}
	for _, kind := range []string{"pkh", "sh-wpkh", "wpkh", "sh", "sh-wsh", "wsh"} {
		w := signertest.Wallet(t, kind, master...)
		addr, err := s.ShowAddress(t.Context(), w, signer.Registration{}, 1, 9)
		if want := (signertest.Coin{Wallet: w, Branch: 1, Index: 9}).Address(t, btc.Regtest); err != nil || addr != want {
			t.Errorf("%s: %s, want %s, %v", kind, addr, want, err)
		}
		tx := signertest.Payment{Coins: []signertest.Coin{{Wallet: w, Index: 1, Sat: 50_000}}, Pay: 40_000}.Packet(t, btc.Regtest)
		signed, err := s.Sign(t.Context(), w, signer.Registration{}, tx)
		if err != nil || len(signed.Inputs[0].PartialSigs) != 1 {
			t.Errorf("%s: %v", kind, err)
		}
	}
	path84 := btc.Path{btc.Hardened + 84, btc.Hardened + 1, btc.Hardened, 0, 0}
	for _, text := range []string{"hello", `it's "so" \ $HOME`} {
		if _, err := s.SignMessage(t.Context(), path84, []byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := s.XPub(t.Context(), path84[:3]); err != nil {
		t.Error(err)
	}
	if err := s.(signer.Unlocker).AskPIN(t.Context()); signer.CodeOf(err) != signer.CodeUnavailable {
		t.Errorf("a PIN of a Jade: %v", err)
	}
	with := regtest
	with.Passphrase = "a passphrase that a Jade does not take"
	if infos, err = p.Enumerate(t.Context(), with, []string{"trezor", "ledger", "keepkey", "coldcard", "bitbox02", "digitalbitbox"}); err != nil || len(infos) != 1 {
		t.Errorf("with a passphrase: %+v, %v", infos, err)
	}
}
