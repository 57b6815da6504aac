package airgap_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/airgap"
	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	packets "specter/internal/btc/psbt"
)

var update = flag.Bool("update", false, "write the table of docs/airgap.md anew")

// payment is an unsigned PSBT as a wallet makes it: n coins of a single key or a 2-of-3, one
// recipient, one change, everything that signers may want described.
func payment(t testing.TB, keys, n int) []byte {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var texts []string
	var cosigners []btc.XKey
	var origins []btc.KeyOrigin
	path, err := btc.ParsePath(map[int]string{1: "84h/0h/0h", 3: "48h/0h/0h/2h"}[keys])
	check(err)
	for i := range keys {
		seed := sha256.Sum256([]byte{byte(i), 77})
		m, err := btc.NewMaster(seed[:], true)
		check(err)
		k, err := m.Derive(path)
		check(err)
		o := btc.KeyOrigin{Fingerprint: m.Fingerprint(), Path: path}
		texts = append(texts, "["+o.String()+"]"+k.Public().String()+"/<0;1>/*")
		cosigners, origins = append(cosigners, k.Public()), append(origins, o)
	}
	text := "wpkh(" + texts[0] + ")"
	if keys > 1 {
		text = "wsh(sortedmulti(2," + strings.Join(texts, ",") + "))"
	}
	d, err := descriptor.Parse(text, descriptor.Options{})
	check(err)
	receive, err := d.Branch(0)
	check(err)
	change, err := d.Branch(1)
	check(err)
	tx := wire.NewMsgTx(2)
	var prevs []*wire.MsgTx
	var outs []*descriptor.Output
	for i := range n {
		out, err := receive.Derive(uint32(i))
		check(err)
		prev := wire.NewMsgTx(2)
		for j := range 2 {
			h := chainhash.HashH(binary.LittleEndian.AppendUint32([]byte{byte(j)}, uint32(i)))
			in := wire.NewTxIn(wire.NewOutPoint(&h, uint32(j)), nil, nil)
			sig := sha256.Sum256(h[:])
			in.Witness = wire.TxWitness{append(append(sig[:], h[:]...), sig[:7]...), append([]byte{2}, h[:]...)}
			prev.AddTxIn(in)
		}
		other := sha256.Sum256(binary.LittleEndian.AppendUint32([]byte("other"), uint32(i)))
		prev.AddTxOut(wire.NewTxOut(int64(1_000_000+i*777), out.Script))
		prev.AddTxOut(wire.NewTxOut(int64(2_345_678+i*31), append([]byte{0, 20}, other[:20]...)))
		h := prev.TxHash()
		tx.AddTxIn(&wire.TxIn{PreviousOutPoint: *wire.NewOutPoint(&h, 0), Sequence: wire.MaxTxInSequenceNum - 2})
		prevs, outs = append(prevs, prev), append(outs, out)
	}
	to := sha256.Sum256([]byte("recipient"))
	back, err := change.Derive(3)
	check(err)
	tx.AddTxOut(wire.NewTxOut(900_000, append([]byte{0, 20}, to[:20]...)))
	tx.AddTxOut(wire.NewTxOut(90_000, back.Script))
	p, err := packets.New(tx)
	check(err)
	for i := range prevs {
		check(p.UpdateInput(i, prevs[i], nil, outs[i]))
	}
	check(p.UpdateOutput(1, back))
	for i, k := range cosigners {
		check(p.AddXPub(k, origins[i]))
	}
	raw, err := p.Serialize()
	check(err)
	return raw
}

const docs = "../../docs/airgap.md"

// The table of docs/airgap.md is what the code does: sizes and numbers of codes by the payment's
// coins, beside the old Specter's chunks of 300 characters. Run with -update after a change.
func TestTheTableOfSizesIsTrue(t *testing.T) {
	var b strings.Builder
	b.WriteString("| Wallet | Inputs | PSBT whole, bytes | cut for cameras | the old Specter's 300-character chunks | UR (Keystone, Passport, Jade) | BBQr (Coldcard Q) | UR version 1 (Cobo) | parts (SeedSigner) | slim parts (Specter-DIY) |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, keys := range []int{1, 3} {
		for _, n := range []int{1, 2, 5, 10, 20, 60, 200, 500} {
			whole := payment(t, keys, n)
			cut, err := airgap.Cut(whole, airgap.Variant{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			old := (base64.StdEncoding.EncodedLen(len(cut)) + 299) / 300
			fmt.Fprintf(&b, "| %s | %d | %d | %d | %d |", map[int]string{1: "single key, wpkh", 3: "2 of 3, wsh"}[keys], n, len(whole), len(cut), old)
			for _, typ := range []string{"keystone", "coldcard", "cobo", "seedsigner", "specter"} {
				profile := airgap.ProfileOf(typ)
				data, err := airgap.Cut(whole, profile.QR, nil)
				if err != nil {
					t.Fatal(err)
				}
				p := airgap.Payload{Kind: airgap.KindPSBT, Data: data}
				a, err := profile.Show(p, profile.Format, 0, 0)
				if err != nil {
					t.Fatalf("%s, %d inputs: %v", typ, n, err)
				}
				fmt.Fprintf(&b, " %d × %d |", a.Len(), profile.AutoDensity(p))
			}
			b.WriteString("\n")
		}
	}
	text, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok1 := strings.Cut(string(text), "<!-- sizes -->\n")
	_, tail, ok2 := strings.Cut(rest, "<!-- end of sizes -->")
	if !ok1 || !ok2 {
		t.Fatal("docs/airgap.md has no place for the table")
	}
	fresh := head + "<!-- sizes -->\n" + b.String() + "<!-- end of sizes -->" + tail
	if *update {
		if err := os.WriteFile(docs, []byte(fresh), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if fresh != string(text) {
		t.Errorf("the table differs; it is now\n%s", b.String())
	}
}

// A variant keeps the transaction and drops what it says, and what comes back signed by it merges
// with the whole PSBT; inputs that only a previous transaction describes keep it.
func TestCutKeepsWhatSignersNeed(t *testing.T) {
	whole := payment(t, 3, 3)
	own := []btc.Fingerprint{}
	for i := range 3 {
		seed := sha256.Sum256([]byte{byte(i), 77})
		m, err := btc.NewMaster(seed[:], true)
		if err != nil {
			t.Fatal(err)
		}
		own = append(own[:0], m.Fingerprint())
		for _, v := range []airgap.Variant{{}, {KeepXPubs: true}, {KeepPrevious: true}, {Slim: true}, {KeepPrevious: true, KeepXPubs: true}} {
			raw, err := airgap.Cut(whole, v, own)
			if err != nil {
				t.Fatal(err)
			}
			p, err := packets.Parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			if (len(p.XPubs) > 0) != v.KeepXPubs || (p.Inputs[1].NonWitnessUTXO != nil) != v.KeepPrevious || (len(p.Inputs[1].Derivations) == 1) != v.Slim {
				t.Errorf("%+v: %d xpubs, %d derivations", v, len(p.XPubs), len(p.Inputs[1].Derivations))
			}
			if made, err := p.Sign(packets.ExtendedKey(m, btc.KeyOrigin{})); err != nil || len(made) != 3 {
				t.Fatalf("%+v: cosigner %d signs %d of 3 inputs: %v", v, i, len(made), err)
			}
			full, err := packets.Parse(whole)
			if err != nil {
				t.Fatal(err)
			}
			if _, fresh, err := full.Merge(p); err != nil || len(fresh) != 3 {
				t.Errorf("%+v: %d signatures come back: %v", v, len(fresh), err)
			}
		}
	}
	legacy, err := packets.Parse(whole)
	if err != nil {
		t.Fatal(err)
	}
	legacy.Inputs[0].WitnessUTXO = nil
	raw, err := legacy.Serialize()
	if err != nil {
		t.Fatal(err)
	}
	if raw, err = airgap.Cut(raw, airgap.Variant{Slim: true}, nil); err != nil {
		t.Fatal(err)
	}
	if p, err := packets.Parse(raw); err != nil || p.Inputs[0].NonWitnessUTXO == nil || p.Inputs[1].NonWitnessUTXO != nil {
		t.Errorf("the only description of a coin was dropped: %v", err)
	}
	if _, err := airgap.Cut([]byte("psbt\xff"), airgap.Variant{}, nil); err == nil {
		t.Error("half a PSBT is cut")
	}
}
