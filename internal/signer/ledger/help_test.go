package ledger

import (
	"context"
	"encoding/base64"
	"strings"
	"sync"
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/message"
	"specter/internal/btc/mnemonic"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
	"specter/internal/signer/ledger/ledgertest"
	"specter/internal/signer/signertest"
)

// phraseSeed is the BIP39 seed of a phrase without a passphrase.
func phraseSeed(t testing.TB, words string) []byte {
	t.Helper()
	m, err := mnemonic.Parse(words)
	if err != nil {
		t.Fatal(err)
	}
	return m.Seed("")
}

// newApp is Speculos's device on regtest, with the seed that its HMACs come from.
func newApp(t testing.TB) *ledgertest.App {
	return &ledgertest.App{
		Device: signertest.Device{Master: signertest.Master(t, ledgertest.Speculos, ""), Network: btc.Regtest, Person: &signertest.Person{}},
		Seed:   phraseSeed(t, ledgertest.Speculos),
	}
}

var hidPort = signer.Port{Path: "/dev/hidraw9", Way: signer.HID, Vendor: vendor, Product: 0x5011, UsagePage: usagePage}

// plug serves the app on a new cable and gives the host's end.
func plug(t testing.TB, a *ledgertest.App, packet int) (*signertest.Cable, signer.Conn) {
	t.Helper()
	cable := signertest.NewCable(packet)
	ctx, stop := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { _ = a.Serve(ctx, cable.Device()) })
	t.Cleanup(func() { cable.Unplug(); stop(); done.Wait() })
	return cable, cable.Host()
}

// open opens a device over HID.
func open(t testing.TB, a *ledgertest.App, o signer.Options) *session {
	t.Helper()
	_, conn := plug(t, a, packetSize)
	s, err := Driver{}.Open(t.Context(), conn, hidPort, o)
	if err != nil {
		t.Fatal(err)
	}
	return s.(*session)
}

// account prints a key expression of a phrase's account.
func account(t testing.TB, words, path, tail string) string {
	t.Helper()
	m := signertest.Master(t, words, "")
	p, err := btc.ParsePath(path)
	if err != nil {
		t.Fatal(err)
	}
	k, err := m.Derive(p)
	if err != nil {
		t.Fatal(err)
	}
	return "[" + m.Fingerprint().String() + "/" + p.String() + "]" + k.Public().String() + tail
}

// walletOf fills a descriptor's %A, %B, %C (and %a… with the branches <2;3>) with accounts of
// Speculos's, Alcohol's and Legal's phrase.
func walletOf(t testing.TB, name, text, path string) signer.Wallet {
	t.Helper()
	for letter, words := range map[string]string{"A": ledgertest.Speculos, "B": signertest.Alcohol, "C": signertest.Legal} {
		text = strings.ReplaceAll(text, "%"+letter, account(t, words, path, "/<0;1>/*"))
		text = strings.ReplaceAll(text, "%"+strings.ToLower(letter), account(t, words, path, "/<2;3>/*"))
	}
	d, err := descriptor.Parse(text, descriptor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return signer.Wallet{Name: name, Descriptor: d}
}

// coinOf is a coin of a wallet, and where it stands.
type coinOf struct {
	w             signer.Wallet
	branch, index uint32
	sat           int64
}

// spend makes a PSBT that spends coins to a foreign address, with change to the first wallet.
func spend(t testing.TB, coins ...coinOf) *psbt.Packet {
	t.Helper()
	tx := wire.NewMsgTx(2)
	var prevs []*wire.MsgTx
	var outs []*descriptor.Output
	total := int64(0)
	for i, c := range coins {
		out := derive(t, c.w, c.branch, c.index)
		prev := wire.NewMsgTx(2)
		prev.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: chainhash.HashH([]byte{byte(i), byte(i >> 8)})}, nil, nil))
		prev.AddTxOut(wire.NewTxOut(c.sat, out.Script))
		id := prev.TxHash()
		tx.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&id, 0), nil, nil))
		tx.TxIn[i].Sequence = 0xfffffffd
		prevs, outs, total = append(prevs, prev), append(outs, out), total+c.sat
	}
	change := derive(t, coins[0].w, 1, 7)
	tx.AddTxOut(wire.NewTxOut(total/2, btc.PayToPubKeyHash(make([]byte, 20))))
	tx.AddTxOut(wire.NewTxOut(total/2-1000, change.Script))
	tx.LockTime = 321
	p, err := psbt.New(tx)
	if err != nil {
		t.Fatal(err)
	}
	for i := range coins {
		if err := p.UpdateInput(i, prevs[i], nil, outs[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.UpdateOutput(1, change); err != nil {
		t.Fatal(err)
	}
	return p
}

func derive(t testing.TB, w signer.Wallet, branch, index uint32) *descriptor.Output {
	t.Helper()
	d, err := w.Descriptor.Branch(int(branch))
	if err != nil {
		t.Fatal(err)
	}
	out, err := d.Derive(index)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// merged takes an answer into the packet, which verifies every signature, and counts them.
func merged(t testing.TB, tx, answer *psbt.Packet) (*psbt.Packet, int) {
	t.Helper()
	out, sigs, err := tx.Merge(answer)
	if err != nil {
		t.Fatal(err)
	}
	return out, len(sigs)
}

// kinds are wallets of every form; sigs is what one device gives for one input.
var kinds = []struct {
	name, text, path string
	sigs             int
	registers        bool
}{
	{"pkh", "pkh(%A)", "44h/1h/0h", 1, false},
	{"sh-wpkh", "sh(wpkh(%A))", "49h/1h/0h", 1, false},
	{"wpkh", "wpkh(%A)", "84h/1h/0h", 1, false},
	{"tr", "tr(%A)", "86h/1h/0h", 1, false},
	{"wpkh of account 101", "wpkh(%A)", "84h/1h/101h", 1, true},
	{"sh multi", "sh(multi(2,%A,%B))", "45h/1h/0h", 1, true},
	{"sh sortedmulti", "sh(sortedmulti(2,%A,%B,%C))", "45h/1h/0h", 1, true},
	{"sh-wsh", "sh(wsh(sortedmulti(2,%A,%B,%C)))", "48h/1h/0h/1h", 1, true},
	{"wsh sortedmulti", "wsh(sortedmulti(2,%C,%B,%A))", "48h/1h/0h/2h", 1, true},
	{"wsh multi", "wsh(multi(2,%C,%B,%A))", "48h/1h/0h/2h", 1, true},
	{"miniscript", "wsh(or_d(pk(%B),and_v(v:pkh(%A),older(10))))", "48h/1h/0h/2h", 1, true},
	{"miniscript with a key twice", "wsh(or_d(multi(2,%A,%B),and_v(v:pk(%a),older(10))))", "48h/1h/0h/2h", 2, true},
	{"tr with leaves", "tr(%B,{pk(%A),multi_a(2,%C,%a)})", "48h/1h/0h/2h", 2, true},
	{"tr with key path and leaf", "tr(%A,sortedmulti_a(2,%B,%C,%a))", "48h/1h/0h/2h", 2, true},
}

// seen are the kinds of the screens that the person saw.
func seen(a *ledgertest.App) []string {
	var out []string
	for _, s := range a.Device.Person.Seen() {
		out = append(out, s.Kind)
	}
	return out
}

func sawKind(a *ledgertest.App, kind string) int {
	n := 0
	for _, k := range seen(a) {
		if k == kind {
			n++
		}
	}
	return n
}

// recovers checks that a message's signature is by the key at a path.
func recovers(a *ledgertest.App, p btc.Path, text, sig []byte) error {
	k, err := a.Device.Master.Derive(p)
	if err != nil {
		return err
	}
	addr, _ := btc.AddressOf(btc.PayToPubKeyHash(btc.Hash160(k.PublicKey[:])), btc.Regtest)
	_, err = message.Verify(addr, btc.Regtest, string(text), base64.StdEncoding.EncodeToString(sig))
	return err
}
