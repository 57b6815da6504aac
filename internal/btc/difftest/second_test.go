package difftest_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/airgap/bbqr"
	"specter/internal/airgap/ur"
	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/miniscript"
	"specter/internal/btc/psbt"
)

// opinions is what scripts/second-opinions shows to other programs, and what they answer.
type opinions struct {
	Miniscripts []miniscriptOpinion
	Codes       []codeOpinion
	Signings    []signingOpinion
}

type miniscriptOpinion struct {
	Expression, ASM string
	Sane            bool
}

// codeOpinion is a PSBT in hex and its QR codes.
type codeOpinion struct {
	Inputs   int
	PSBT     string
	UR, BBQr []string
}

// signingOpinion is an unsigned PSBT, its private keys in hex, and what came of it.
type signingOpinion struct {
	Kind, PSBT string
	Keys       []string
	Signed     string // not final yet
	Final      string // the transaction
}

// TestExportForSecondOpinions writes our results into the file that SPECTER_SECOND_OUT names.
func TestExportForSecondOpinions(t *testing.T) {
	name := os.Getenv("SPECTER_SECOND_OUT")
	if name == "" {
		t.Skip("scripts/second-opinions runs this")
	}
	w := &world{T: t, Rand: rand.New(rand.NewPCG(20, 26))}
	w.master = w.newMaster()
	w.account = w.derive(w.master, accountPath)
	var o opinions
	for len(o.Miniscripts) < 400 {
		if m, ok := w.namedMiniscript(); ok {
			o.Miniscripts = append(o.Miniscripts, m)
		}
	}
	for _, n := range []int{1, 2, 5, 20, 100, 500} {
		o.Codes = append(o.Codes, w.codes(n))
	}
	for _, kind := range []string{"pkh(%k)", "wpkh(%k)", "sh(wpkh(%k))", "wsh(sortedmulti(2,%k,%k,%k))", "sh(wsh(sortedmulti(2,%k,%k,%k)))", "tr(%x)", "tr(" + numsKey + ",multi_a(2,%x,%x))"} {
		for range 10 {
			o.Signings = append(o.Signings, w.signing(kind))
		}
	}
	out, err := json.Marshal(o)
	w.must(err)
	w.must(os.WriteFile(name, out, 0o600))
}

// namedMiniscript writes a miniscript, sane or not, with names for its keys.
func (w *world) namedMiniscript() (miniscriptOpinion, bool) {
	n, err := miniscript.Parse(newAuthor(w, miniscript.WSH).text("B", 2+w.IntN(3)), miniscript.WSH)
	if err != nil || n.ScriptSize() > 3000 {
		return miniscriptOpinion{}, false
	}
	count := 0
	n, err = n.MapKeys(func(string) (string, error) { count++; return fmt.Sprintf("key%d", count), nil })
	w.must(err)
	return miniscriptOpinion{n.String(), n.ASM(), n.CheckSane() == nil}, true
}

// spending makes an updated PSBT of coins of one kind of wallet.
func (w *world) spending(kind string, inputs int, ring keyring) *psbt.Packet {
	w.Helper()
	ctx := miniscript.WSH
	if strings.Contains(kind, "%x") {
		ctx = miniscript.Tapscript
	}
	tx := wire.NewMsgTx(2)
	var outs []*descriptor.Output
	var prevs []*wire.MsgTx
	for range inputs {
		a := newAuthor(w, ctx)
		text := strings.ReplaceAll(kind, "%x", "%k")
		for strings.Contains(text, "%k") {
			text = strings.Replace(text, "%k", a.key(), 1)
		}
		d, err := descriptor.Parse(text, descriptor.Options{})
		w.must(err)
		out, err := d.Derive(index)
		w.must(err)
		for _, k := range a.keys {
			ring.add(k)
		}
		prev := wire.NewMsgTx(2)
		prev.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: [32]byte(w.bytes(32))}, Sequence: 7})
		prev.AddTxOut(wire.NewTxOut(100_000, out.Script))
		tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: prev.TxHash()}, Sequence: wire.MaxTxInSequenceNum - 2})
		outs, prevs = append(outs, out), append(prevs, prev)
	}
	tx.AddTxOut(wire.NewTxOut(int64(inputs)*100_000-20_000, btc.WitnessScript(0, w.bytes(20))))
	p, err := psbt.New(tx)
	w.must(err)
	for i := range outs {
		w.must(p.UpdateInput(i, prevs[i], nil, outs[i]))
	}
	return p
}

func (w *world) codes(inputs int) codeOpinion {
	w.Helper()
	raw, err := w.spending("wsh(sortedmulti(2,%k,%k,%k))", inputs, keyring{}).Serialize()
	w.must(err)
	c := codeOpinion{Inputs: inputs, PSBT: hex.EncodeToString(raw)}
	e, err := ur.NewEncoder(ur.NewPSBT(raw, ur.Old), 400)
	w.must(err)
	for i := range e.Len()*3 + 20 { // pure parts, then mixed ones
		if i%3 != 1 || e.Len() == 1 { // some are never seen
			c.UR = append(c.UR, e.Part(i))
		}
	}
	c.BBQr, err = bbqr.Split(bbqr.File{Type: bbqr.PSBT, Data: raw}, bbqr.Deflate, 1000)
	w.must(err)
	return c
}

func (w *world) signing(kind string) signingOpinion {
	w.Helper()
	ring := keyring{}
	p := w.spending(kind, 1+w.IntN(3), ring)
	o := signingOpinion{Kind: kind, PSBT: w.base64(p)}
	for _, k := range w.shuffled(ring) {
		o.Keys = append(o.Keys, hex.EncodeToString(k.Serialize()))
	}
	_, err := p.Sign(ring)
	w.must(err)
	o.Signed = w.base64(p)
	w.must(p.Finalize())
	tx, err := p.Extract()
	w.must(err)
	o.Final = rawHex(tx)
	return o
}

// TestSecondOpinions reads what the others made, from the file that SPECTER_SECOND_IN names.
func TestSecondOpinions(t *testing.T) {
	name := os.Getenv("SPECTER_SECOND_IN")
	if name == "" {
		t.Skip("scripts/second-opinions runs this")
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var o opinions
	if err := json.Unmarshal(data, &o); err != nil || len(o.Codes) == 0 || len(o.Signings) == 0 {
		t.Fatal(len(o.Codes), len(o.Signings), err)
	}
	for _, c := range o.Codes {
		want, err := hex.DecodeString(c.PSBT)
		if err != nil {
			t.Fatal(err)
		}
		u, err := ur.Decode(c.UR...)
		if err != nil {
			t.Errorf("their UR of %d inputs: %v", c.Inputs, err)
		} else if content, err := u.Content(); err != nil || !bytes.Equal(content.PSBT, want) {
			t.Errorf("their UR of %d inputs holds another PSBT: %v", c.Inputs, err)
		}
		if f, err := bbqr.Join(c.BBQr...); err != nil || f.Type != bbqr.PSBT || !bytes.Equal(f.Data, want) {
			t.Errorf("their BBQr of %d inputs: %v", c.Inputs, err)
		}
	}
	for _, s := range o.Signings {
		p, err := psbt.Decode(s.Signed)
		if err != nil {
			t.Errorf("%s: their PSBT: %v", s.Kind, err)
			continue
		}
		ours, err := psbt.Decode(s.PSBT)
		if err != nil {
			t.Fatal(err)
		}
		merged, added, err := ours.Merge(p)
		if err != nil || len(added) == 0 {
			t.Errorf("%s: their signatures are refused: %v", s.Kind, err)
			continue
		}
		if err := merged.Finalize(); err != nil {
			t.Errorf("%s: %v", s.Kind, err)
			continue
		}
		if _, err := merged.Extract(); err != nil {
			t.Errorf("%s: %v", s.Kind, err)
		}
	}
	t.Logf("%d QR codes and %d signed PSBTs of other programs read", 2*len(o.Codes), len(o.Signings))
}
