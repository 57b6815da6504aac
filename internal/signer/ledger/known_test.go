package ledger

import (
	"encoding/hex"
	"encoding/json"
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/signer"
	"specter/internal/signer/signertest"
	"specter/internal/vectors"
)

// testnet opens Speculos's device on testnet, for which the known answers are.
func testnet(t testing.TB) *session {
	a := newApp(t)
	a.Device.Network = btc.Testnet3
	o := signertest.Options(t)
	o.Network = btc.Testnet3
	return open(t, a, o)
}

// Measured with Speculos and the app's own tests: the registration of "Cold storage".
func TestTheAppsOwnRegistrationIsReproduced(t *testing.T) {
	s := testnet(t)
	if got := s.Info().Fingerprint.String(); got != "f5acc2fd" {
		t.Errorf("fingerprint %s", got)
	}
	d, err := descriptor.FromPolicy("wsh(sortedmulti(2,@0/**,@1/**))", []string{
		"[76223a6e/48'/1'/0'/2']tpubDE7NQymr4AFtewpAsWtnreyq9ghkzQBXpCZjWLFVRAvnbf7vya2eMTvT2fPapNqL8SuVvLQdbUbMfWLVDCZKnsEBqp6UK93QEzL8Ck23AwF",
		"[f5acc2fd/48'/1'/0'/2']tpubDFAqEGNyad35aBCKUAXbQGDjdVhNueno5ZZVEn3sQbW5ci457gLR7HyTmHBg93oourBssgUxuWz1jX5uhc1qaqFo9VsybY1J5FuedLfm4dK",
	}, descriptor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := signer.Wallet{Name: "Cold storage", Descriptor: d}
	r, err := s.Register(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	if r.Name != "Cold storage" || hex.EncodeToString(r.ID) != "cd9474ae9e74403128477789789db43a215e996af80d60120f0d844f8404ac64" {
		t.Errorf("id of %q: %x", r.Name, r.ID)
	}
	if hex.EncodeToString(r.Proof) != "d7c7a60b4ab4a14c1bf8901ba627d72140b2fb907f2b4e35d2e693bce9fbb371" {
		t.Errorf("proof %x", r.Proof)
	}
	got, err := s.ShowAddress(t.Context(), w, r, 0, 0)
	if err != nil || got != "tb1qmyauyzn08cduzdqweexgna2spwd0rndj55fsrkefry2cpuyt4cpsn2pg28" {
		t.Errorf("address %q, %v", got, err)
	}
}

var notByUs = map[string]string{"tr_musig_scriptpath-1": "MuSig2 wallets are refused: see readPolicy"}

func TestTheAppsOwnAddressesAreReproduced(t *testing.T) {
	s := testnet(t)
	vectors.Each(t, "bip388/ledger_addresses.json", notByUs, func(c vectors.Case) error {
		var v struct {
			Policy     struct{ Name string }
			Change     uint32
			Index      uint32
			Address    string
			Descriptor string
		}
		if err := json.Unmarshal(c.Raw, &v); err != nil {
			return err
		}
		d, err := descriptor.Parse(v.Descriptor, descriptor.Options{})
		if err != nil {
			return err
		}
		w := signer.Wallet{Name: v.Policy.Name, Descriptor: d}
		r, err := s.Register(t.Context(), w)
		if err != nil {
			return err
		}
		if (v.Policy.Name == "") != r.IsZero() {
			t.Errorf("%q needs registration: %t", v.Policy.Name, !r.IsZero())
		}
		got, err := s.ShowAddress(t.Context(), w, r, v.Change, v.Index)
		if err == nil && got != v.Address {
			t.Errorf("%s: %s, want %s", c.ID, got, v.Address)
		}
		return err
	})
}
