package ledger

import (
	"compress/gzip"
	"embed"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
	"specter/internal/signer/signertest"
)

// talks are the conversations that recordings are made of. Their answers are checked: keys by our
// own derivation, signatures by merging.
var talks = map[string]func(*testing.T, signer.Signer){
	"legacy-nested-segwit-taproot": func(t *testing.T, s signer.Signer) { talkOfKinds(t, s, "pkh", "sh-wpkh", "wpkh", "tr") },
	"multisig":                     func(t *testing.T, s signer.Signer) { talkOfKinds(t, s, "sh multi", "sh-wsh", "wsh sortedmulti") },
	"miniscript": func(t *testing.T, s signer.Signer) {
		talkOfKinds(t, s, "miniscript with a key twice", "tr with leaves", "tr with key path and leaf")
	},
	"troubles": talkOfTroubles,
	"psbt":     talkOfPSBT,
}

// talkOfKinds registers wallets, shows an address and signs for each.
func talkOfKinds(t *testing.T, s signer.Signer, names ...string) {
	for _, k := range kinds {
		if !slices.Contains(names, k.name) {
			continue
		}
		w := walletOf(t, "Cold storage", k.text, k.path)
		r, err := s.Register(t.Context(), w)
		if err != nil {
			t.Errorf("%s: registering: %v", k.name, err)
			continue
		}
		want, _ := derive(t, w, 0, 3).Address(btc.Testnet3)
		if got, err := s.ShowAddress(t.Context(), w, r, 0, 3); err != nil || got != want {
			t.Errorf("%s: address %s, %v; want %s", k.name, got, err, want)
		}
		tx := spend(t, coinOf{w, 0, 3, 50_000})
		got, err := s.Sign(t.Context(), w, r, tx)
		checkSigned(t, k.name, tx, got, err, k.sigs)
	}
}

// talkOfTroubles is about keys, messages and what is refused.
func talkOfTroubles(t *testing.T, s signer.Signer) {
	ctx, master := t.Context(), newApp(t).Device.Master
	for _, text := range []string{"84h/1h/0h", "46h/1h/333h"} { // the second is shown
		p, _ := btc.ParsePath(text)
		want, _ := master.Derive(p)
		if key, err := s.XPub(ctx, p); err != nil || key.String() != want.Public().String() {
			t.Errorf("key at %s: %v, %v", text, key, err)
		}
	}
	if _, err := s.XPub(ctx, btc.Path{1}); signer.CodeOf(err) != signer.CodeUnavailable {
		t.Errorf("a path that the app may not derive: %v", err)
	}
	w := walletOf(t, "Cold storage", "wsh(sortedmulti(2,%A,%B))", "48h/1h/0h/2h")
	tx := spend(t, coinOf{w, 0, 3, 50_000})
	wrong := signer.Registration{Name: w.Name, Proof: []byte(strings.Repeat("x", 32))}
	if _, err := s.Sign(ctx, w, wrong, tx); signer.CodeOf(err) != signer.CodeNotRegistered {
		t.Errorf("a foreign proof: %v", err)
	}
	if _, err := s.Register(ctx, walletOf(t, "Cold storage", "wsh(multi(1,%B,%C))", "48h/1h/0h/2h")); signer.CodeOf(err) != signer.CodeBadArgument {
		t.Errorf("a wallet of others: %v", err)
	}
	single := walletOf(t, "", "wpkh(%A)", "84h/1h/0h")
	if _, err := s.Sign(ctx, single, signer.Registration{}, tx); signer.CodeOf(err) != signer.CodeBadTransaction {
		t.Errorf("a transaction of another wallet: %v", err)
	}
	tx = spend(t, coinOf{single, 0, 3, 50_000})
	tx.Inputs[0].WitnessUTXO, tx.Inputs[0].NonWitnessUTXO = tx.Inputs[0].NonWitnessUTXO.TxOut[0], nil
	got, err := s.Sign(ctx, single, signer.Registration{}, tx)
	checkSigned(t, "a coin whose amount cannot be verified", tx, got, err, 1)
	for _, n := range []int{0, 5, 200} {
		text := []byte(strings.Repeat("hello ", 40)[:n])
		p := btc.Path{btc.Hardened + 44, btc.Hardened + 1, btc.Hardened, 0, 3}
		sig, err := s.SignMessage(ctx, p, text)
		if err == nil {
			err = recovers(newApp(t), p, text, sig)
		}
		if err != nil {
			t.Errorf("a message of %d bytes: %v", n, err)
		}
	}
}

// talkOfPSBT signs for four wallets that the PSBT alone tells of, with a locktime that an input
// requires.
func talkOfPSBT(t *testing.T, s signer.Signer) {
	tx, err := spend(t,
		coinOf{walletOf(t, "", "tr(%A)", "86h/1h/0h"), 0, 0, 10_000},
		coinOf{walletOf(t, "", "pkh(%A)", "44h/1h/0h"), 1, 2, 30_000},
		coinOf{walletOf(t, "", "sh(wpkh(%A))", "49h/1h/3h"), 0, 3, 40_000},
		coinOf{walletOf(t, "", "wpkh(%A)", "84h/1h/0h"), 0, 4, 50_000},
	).Convert(2)
	if err != nil {
		t.Fatal(err)
	}
	tx.Inputs[3].RequiredHeight = 700_000
	got, err := s.Sign(t.Context(), signer.Wallet{}, signer.Registration{}, tx)
	checkSigned(t, "four wallets", tx, got, err, 4)
}

func checkSigned(t *testing.T, what string, tx, got *psbt.Packet, err error, want int) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	_, sigs, err := tx.Merge(got)
	if err != nil || len(sigs) != want {
		t.Errorf("%s: %d signatures, want %d: %v", what, len(sigs), want, err)
	}
}

// talkOptions are those of recordings: the same in every run.
func talkOptions() signer.Options {
	return signer.Options{Network: btc.Testnet3, Rand: signertest.Chance("ledger"), Now: time.Now}
}

var speculosPort = signer.Port{Path: "tcp:127.0.0.1:9999", Way: signer.TCP, Kind: kind}

func TestTheTalksOfRecordings(t *testing.T) {
	for name, talk := range talks {
		t.Run(name, func(t *testing.T) { talk(t, testnet(t)) })
	}
}

//go:embed testdata/recordings/*.gz
var recordings embed.FS

// TestRecordings plays what the real Bitcoin app answered under Speculos; the driver must say
// word for word what it said then.
func TestRecordings(t *testing.T) {
	for name, talk := range talks {
		t.Run(name, func(t *testing.T) {
			f, err := recordings.Open("testdata/recordings/" + name + ".jsonl.gz")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			z, err := gzip.NewReader(f)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(z)
			if err != nil {
				t.Fatal(err)
			}
			rec, err := signertest.ReadRecording(text)
			if err != nil {
				t.Fatal(err)
			}
			s, err := Driver{}.Open(t.Context(), rec.Replay(t), speculosPort, talkOptions())
			if err != nil || s.Info().Err != nil || s.Info().Firmware != rec.Firmware {
				t.Fatal(err, s.Info())
			}
			talk(t, s)
		})
	}
}
