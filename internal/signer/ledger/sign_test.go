package ledger

import (
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
	"specter/internal/signer/ledger/ledgertest"
	"specter/internal/signer/signertest"
)

// register registers where that is needed.
func register(t testing.TB, s *session, w signer.Wallet) signer.Registration {
	t.Helper()
	r, err := s.Register(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEveryKindOfWalletIsSigned(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			a := newApp(t)
			s := open(t, a, signertest.Options(t))
			w := walletOf(t, "Größe – "+k.name, k.text, k.path)
			if s.NeedsRegistration(w) != k.registers {
				t.Errorf("needs registration: %t", !k.registers)
			}
			r := register(t, s, w)
			if r.IsZero() == k.registers || k.registers != a.Device.Person.Saw(signertest.ShowPolicy, "Groesse - "+k.name) {
				t.Errorf("registration %+v, screens %v", r, seen(a))
			}
			for _, branch := range []uint32{0, 1} {
				checkAddress(t, a, s, w, r, branch, 5)
			}
			for _, version := range []uint32{0, 2} {
				tx, err := spend(t, coinOf{w, 0, 3, 50_000}, coinOf{w, 1, 4, 70_000}).Convert(version)
				if err != nil {
					t.Fatal(err)
				}
				before, _ := tx.Serialize()
				got, err := s.Sign(t.Context(), w, r, tx)
				if err != nil {
					t.Fatal(err)
				}
				if after, _ := tx.Serialize(); string(after) != string(before) || got.Version != version {
					t.Error("the packet that was given was changed, or the answer is of another version")
				}
				if _, n := merged(t, tx, got); n != 2*k.sigs {
					t.Errorf("%d signatures, want %d", n, 2*k.sigs)
				}
			}
			foreign, _ := btc.AddressOf(btc.PayToPubKeyHash(make([]byte, 20)), btc.Testnet3)
			p := a.Device.Person
			if !p.Saw(signertest.ShowOutput, foreign+" 60000") || !p.Saw(signertest.ShowFee, "1000") || sawKind(a, signertest.ShowOutput) != 2 || sawKind(a, signertest.ShowWarning) != 0 {
				t.Errorf("the person saw %v", p.Seen())
			}
		})
	}
}

func checkAddress(t *testing.T, a *ledgertest.App, s *session, w signer.Wallet, r signer.Registration, branch, index uint32) {
	t.Helper()
	out := derive(t, w, branch, index)
	want, _ := out.Address(btc.Regtest)
	shown, _ := out.Address(btc.Testnet3)
	got, err := s.ShowAddress(t.Context(), w, r, branch, index)
	if err != nil || got != want {
		t.Errorf("address %q, %v; want %s", got, err, want)
	}
	if !a.Device.Person.Saw(signertest.ShowAddress, shown) {
		t.Errorf("the person did not see %s", shown)
	}
}

// What belongs to several wallets is signed in several passes, from the PSBT alone, and approved
// wallets are not asked about again.
func TestWalletsAreReadFromThePSBTAlone(t *testing.T) {
	a := newApp(t)
	o := signertest.Options(t)
	s := open(t, a, o)
	multi := "wsh(sortedmulti(2,%A,%B))"
	tx := spend(t,
		coinOf{walletOf(t, "", "tr(%A)", "86h/1h/0h"), 0, 0, 10_000},
		coinOf{walletOf(t, "", multi, "48h/1h/0h/2h"), 0, 1, 20_000},
		coinOf{walletOf(t, "", "pkh(%A)", "44h/1h/0h"), 1, 2, 30_000},
		coinOf{walletOf(t, "", "sh(wpkh(%A))", "49h/1h/3h"), 0, 3, 40_000},
		coinOf{walletOf(t, "", "wpkh(%A)", "84h/1h/0h"), 0, 4, 50_000},
	)
	for _, k := range walletOf(t, "", multi, "48h/1h/0h/2h").Descriptor.Keys() {
		if err := tx.AddXPub(*k.XKey, *k.Origin); err != nil {
			t.Fatal(err)
		}
	}
	for round := 1; round <= 2; round++ {
		got, err := s.Sign(t.Context(), signer.Wallet{}, signer.Registration{}, tx)
		if err != nil {
			t.Fatal(err)
		}
		if _, n := merged(t, tx, got); n != 5 {
			t.Errorf("%d signatures, want 5", n)
		}
		if fees := sawKind(a, signertest.ShowFee); fees != 5*round {
			t.Errorf("%d passes, want %d", fees, 5*round)
		}
		if !a.Device.Person.Saw(signertest.ShowPolicy, "2 of 2 Multisig") || sawKind(a, signertest.ShowPolicy) != 1 {
			t.Error("the multisig wallet was to be approved once, as HWI names it")
		}
		s = open(t, a, o) // another session with the same memory
	}
	other := spend(t, coinOf{walletOf(t, "", "wpkh(%B)", "84h/1h/0h"), 0, 0, 10_000})
	if _, err := s.Sign(t.Context(), signer.Wallet{}, signer.Registration{}, other); signer.CodeOf(err) != signer.CodeBadTransaction {
		t.Errorf("a transaction of another signer: %v", err)
	}
}

func TestTheLocktimeOfVersion2IsTheTransactions(t *testing.T) {
	a := newApp(t)
	s := open(t, a, signertest.Options(t))
	w := walletOf(t, "", "wpkh(%A)", "84h/1h/0h")
	tx, err := spend(t, coinOf{w, 0, 0, 50_000}).Convert(2)
	if err != nil {
		t.Fatal(err)
	}
	tx.Inputs[0].RequiredHeight = 700_000
	got, err := s.Sign(t.Context(), w, signer.Registration{}, tx)
	if err != nil {
		t.Fatal(err)
	}
	if _, n := merged(t, tx, got); n != 1 {
		t.Error("no signature for the required locktime")
	}
}

func TestMainnetIsSignedWithItsOwnApp(t *testing.T) {
	a := newApp(t)
	a.Device.Network, a.Device.Master.Main = btc.Mainnet, true
	o := signertest.Options(t)
	o.Network = btc.Mainnet
	s := open(t, a, o)
	p, _ := btc.ParsePath("84h/0h/0h")
	key, err := s.XPub(t.Context(), p)
	if err != nil || !key.Main || !strings.HasPrefix(key.String(), "xpub") {
		t.Fatalf("%v, %v", key, err)
	}
	d, err := descriptor.Parse("wpkh(["+s.Info().Fingerprint.String()+"/84h/0h/0h]"+key.String()+"/<0;1>/*)", descriptor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := signer.Wallet{Descriptor: d}
	if s.NeedsRegistration(w) {
		t.Error("a standard account is to be registered")
	}
	want, _ := derive(t, w, 0, 0).Address(btc.Mainnet)
	if got, err := s.ShowAddress(t.Context(), w, signer.Registration{}, 0, 0); err != nil || got != want || !a.Device.Person.Saw(signertest.ShowAddress, want) {
		t.Errorf("address %s, %v; want %s", got, err, want)
	}
	tx := spend(t, coinOf{w, 0, 0, 50_000})
	for _, wallet := range []signer.Wallet{w, {}} {
		got, err := s.Sign(t.Context(), wallet, signer.Registration{}, tx)
		checkSigned(t, "mainnet", tx, got, err, 1)
	}
}

func TestWhatLacksACoinIsRefused(t *testing.T) {
	a := newApp(t)
	s := open(t, a, signertest.Options(t))
	legacy, segwit := walletOf(t, "", "pkh(%A)", "44h/1h/0h"), walletOf(t, "", "wpkh(%A)", "84h/1h/0h")
	tx := spend(t, coinOf{legacy, 0, 0, 10_000})
	tx.Inputs[0].WitnessUTXO, tx.Inputs[0].NonWitnessUTXO = tx.Inputs[0].NonWitnessUTXO.TxOut[0], nil
	if _, err := s.Sign(t.Context(), legacy, signer.Registration{}, tx); signer.CodeOf(err) != signer.CodeBadTransaction {
		t.Errorf("legacy coin without its transaction: %v", err)
	}
	tx = spend(t, coinOf{segwit, 0, 0, 10_000})
	tx.Inputs[0].WitnessUTXO, tx.Inputs[0].NonWitnessUTXO = tx.Inputs[0].NonWitnessUTXO.TxOut[0], nil
	got, err := s.Sign(t.Context(), segwit, signer.Registration{}, tx)
	if err != nil {
		t.Fatal(err)
	}
	if _, n := merged(t, tx, got); n != 1 || !a.Device.Person.Saw(signertest.ShowWarning, "amount") {
		t.Error("a segwit coin without its transaction is signed after a warning")
	}
	tx.Inputs[0].WitnessUTXO = nil
	if _, err := s.Sign(t.Context(), segwit, signer.Registration{}, tx); signer.CodeOf(err) != signer.CodeBadTransaction {
		t.Errorf("no coin at all: %v", err)
	}
}

func TestAHundredInputsTakeLittleOfOurTime(t *testing.T) {
	a := newApp(t)
	s := open(t, a, signertest.Options(t))
	w := walletOf(t, "Vault", "wsh(sortedmulti(2,%A,%B,%C))", "48h/1h/0h/2h")
	r := register(t, s, w)
	var coins []coinOf
	for i := range uint32(100) {
		coins = append(coins, coinOf{w, i % 2, i, 10_000})
	}
	tx := spend(t, coins...)
	p, _, err := s.choose(w, r)
	if err != nil {
		t.Fatal(err)
	}
	ours := time.Hour
	for try := 0; try < 3 || try < 50 && ours > 200*time.Millisecond; try++ { // the best counts, for the machine may be busy
		start := time.Now()
		m, err := read(tx)
		if err != nil {
			t.Fatal(err)
		}
		commitments(p.clerk(), m.inputs)
		ours = min(ours, time.Since(start))
	}
	start := time.Now()
	got, err := s.Sign(t.Context(), w, r, tx)
	if err != nil {
		t.Fatal(err)
	}
	if _, n := merged(t, tx, got); n != 100 {
		t.Errorf("%d signatures", n)
	}
	t.Logf("reading 100 inputs and building their trees: %v; signing with the software device: %v", ours, time.Since(start))
	if ours > 200*time.Millisecond {
		t.Errorf("our part took %v", ours)
	}
}

// Previous transactions may be large: the device reads them byte by byte, and more than once.
func TestLargePreviousTransactionsAreRead(t *testing.T) {
	s := open(t, newApp(t), signertest.Options(t))
	w := walletOf(t, "", "pkh(%A)", "44h/1h/0h")
	prev := wire.NewMsgTx(2)
	prev.AddTxIn(wire.NewTxIn(&wire.OutPoint{}, make([]byte, 900_000), nil))
	out := derive(t, w, 0, 1)
	prev.AddTxOut(wire.NewTxOut(10_000, out.Script))
	id := prev.TxHash()
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&id, 0), nil, nil))
	tx.AddTxOut(wire.NewTxOut(9_000, btc.PayToPubKeyHash(make([]byte, 20))))
	p, err := psbt.New(tx)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.UpdateInput(0, prev, nil, out); err != nil {
		t.Fatal(err)
	}
	got, err := s.Sign(t.Context(), w, signer.Registration{}, p)
	if err != nil {
		t.Fatal(err)
	}
	if _, n := merged(t, p, got); n != 1 {
		t.Errorf("%d signatures", n)
	}
}

func TestTheRegtestFormOnTheScreenIsTold(t *testing.T) {
	a := newApp(t)
	o := signertest.Options(t)
	var told []string
	o.Notify = func(n signer.Notice) { told = append(told, n.Text) }
	s := open(t, a, o)
	if _, err := s.ShowAddress(t.Context(), walletOf(t, "", "wpkh(%A)", "84h/1h/0h"), signer.Registration{}, 0, 0); err != nil {
		t.Fatal(err)
	}
	shown := a.Device.Person.Seen()[0].Text
	if len(told) != 1 || !strings.Contains(told[0], shown) || !strings.HasPrefix(shown, "tb1") {
		t.Errorf("told %q, shown %q", told, shown)
	}
}

func TestMuSig2AndUnusualBranchesAreRefusedClearly(t *testing.T) {
	s := open(t, newApp(t), signertest.Options(t))
	for text, say := range map[string]string{
		"tr(musig(%A,%B))": "MuSig2",
		"wpkh(" + account(t, ledgertest.Speculos, "84h/1h/0h", "/0/*") + ")": "<0;1>",
	} {
		text = strings.ReplaceAll(text, "/<0;1>/*))", ")/<0;1>/*)")
		w := walletOf(t, "x", text, "86h/1h/0h")
		for what, err := range map[string]error{
			"register": second(s.Register(t.Context(), w)),
			"address":  second(s.ShowAddress(t.Context(), w, signer.Registration{}, 0, 0)),
			"sign":     second(s.Sign(t.Context(), w, signer.Registration{}, &psbt.Packet{})),
		} {
			if err == nil || !strings.Contains(err.Error(), say) {
				t.Errorf("%s of %s: %v", what, text, err)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }
