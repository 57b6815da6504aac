package difftest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/miniscript"
	"specter/internal/btc/psbt"
)

// psbtRounds is the number of PSBTs of one round.
const psbtRounds = 60

// templates are the wallets that PSBTs spend from; %k is a key of the author, %x an x-only one's.
var templates = []string{
	"pkh(%k)", "wpkh(%k)", "sh(wpkh(%k))", "sh(multi(2,%k,%k,%k))", "wsh(sortedmulti(2,%k,%k,%k))", "wsh(multi(1,%k,%k))",
	"sh(wsh(sortedmulti(3,%k,%k,%k,%k)))", "wsh(pk(%k))", "wsh(pkh(%k))", "wsh(and_v(v:pk(%k),older(5)))",
	"wsh(andor(pk(%k),pk(%k),and_v(v:pk(%k),older(5))))",
	"tr(%x)", "tr(%x,pk(%x))", "tr(" + numsKey + ",multi_a(2,%x,%x,%x))", "tr(" + numsKey + ",{pk(%x),and_v(v:pk(%x),older(5))})",
}

// draft is a PSBT with the keys of its coins.
type draft struct {
	*psbt.Packet
	ring keyring
}

func psbts(w *world) {
	complete := 0
	for range psbtRounds * w.rounds {
		d := w.draft()
		w.sameDecoding(d.Packet)
		w.sameAnalysis(d.Packet)
		parts := w.signers(d)
		for _, p := range parts {
			w.sameDecoding(p)
			w.sameAnalysis(p)
		}
		all := append([]*psbt.Packet{d.Packet}, parts...)
		w.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		joined := w.sameCombination(all[:1+w.IntN(len(all))])
		w.sameAnalysis(joined)
		if w.sameFinal(joined) {
			complete++
		}
		w.sameFinal(w.sameCombination(all))
		w.sameRefusal(joined)
	}
	w.Logf("%d PSBTs, of which %d could be made final before all had signed", psbtRounds*w.rounds, complete)
}

// draft makes an updated PSBT that spends some coins, which no chain knows.
func (w *world) draft() draft {
	w.Helper()
	d := draft{ring: keyring{}}
	tx := wire.NewMsgTx(2)
	tx.LockTime = w.Uint32N(400)
	var outs []*descriptor.Output
	var prevs []*wire.MsgTx
	n := 1 + w.IntN(5)
	for range n {
		out := w.output(d.ring)
		prev := wire.NewMsgTx(2)
		prev.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: [32]byte(w.bytes(32))}, SignatureScript: w.bytes(w.IntN(40))})
		prev.AddTxOut(wire.NewTxOut(int64(1+w.IntN(1e6)), w.script()))
		prev.AddTxOut(wire.NewTxOut(100_000, out.Script))
		tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: prev.TxHash(), Index: 1}, Sequence: 5 + w.Uint32N(9)})
		outs, prevs = append(outs, out), append(prevs, prev)
	}
	change := w.output(keyring{})
	tx.AddTxOut(wire.NewTxOut(int64(10_000+w.IntN(20_000)), w.script()))
	tx.AddTxOut(wire.NewTxOut(int64(n)*100_000-40_000, change.Script))
	var err error
	d.Packet, err = psbt.New(tx)
	w.must(err)
	for i, out := range outs {
		w.must(d.UpdateInput(i, prevs[i], nil, out))
		if i < len(tx.TxOut) && w.chance(5) { // SINGLE needs an output of its own
			d.SetSighash(i, []txscript.SigHashType{txscript.SigHashAll, txscript.SigHashSingle, txscript.SigHashNone | txscript.SigHashAnyOneCanPay}[w.IntN(3)])
		}
	}
	w.must(d.UpdateOutput(1, change))
	if w.chance(3) {
		d.Unknown = append(d.Unknown, psbt.KeyValue{Key: append([]byte{0xf0}, w.bytes(3)...), Value: w.bytes(9)})
	}
	if w.chance(3) {
		w.must(d.AddXPub(w.account.Public(), btc.KeyOrigin{Fingerprint: w.master.Fingerprint(), Path: accountPath}))
	}
	return d
}

// output derives a random wallet's output and puts its keys on the ring.
func (w *world) output(ring keyring) *descriptor.Output {
	w.Helper()
	a := newAuthor(w, miniscript.WSH)
	text := templates[w.IntN(len(templates))]
	if strings.Contains(text, "%x") {
		a.ctx = miniscript.Tapscript
	}
	for strings.Contains(text, "%k") || strings.Contains(text, "%x") {
		text = strings.Replace(strings.Replace(text, "%x", "%k", 1), "%k", a.key(), 1)
	}
	d, err := descriptor.Parse(text, descriptor.Options{})
	w.must(err)
	out, err := d.Derive(index)
	w.must(err)
	for _, k := range a.keys {
		ring.add(k)
	}
	return out
}

// signers deals the keys out to a few signers and returns what each makes of the PSBT.
func (w *world) signers(d draft) []*psbt.Packet {
	w.Helper()
	rings := make([]keyring, 1+w.IntN(4))
	for i := range rings {
		rings[i] = keyring{}
	}
	for _, k := range w.shuffled(d.ring) {
		rings[w.IntN(len(rings))].add(k)
	}
	var list []*psbt.Packet
	for _, r := range rings {
		p := w.reread(d.Packet)
		_, err := p.Sign(r)
		w.must(err)
		list = append(list, w.reread(p))
	}
	return list
}

func (w *world) base64(p *psbt.Packet) string {
	w.Helper()
	text, err := p.Base64()
	w.must(err)
	return text
}

// sameDecoding compares decodepsbt.
func (w *world) sameDecoding(p *psbt.Packet) {
	w.Helper()
	var theirs decoded
	w.ask(&theirs, "decodepsbt", w.base64(p))
	ours, err := json.Marshal(w.describe(p))
	w.must(err)
	if want, err := json.Marshal(theirs); err != nil || !bytes.Equal(ours, want) {
		at := 0
		for at < min(len(ours), len(want)) && ours[at] == want[at] {
			at++
		}
		w.Errorf("decodepsbt: we …%.200s, the node …%.200s: %s", ours[max(0, at-100):], want[max(0, at-100):], w.base64(p))
	}
}

// sameAnalysis compares analyzepsbt where it and we speak of the same.
func (w *world) sameAnalysis(p *psbt.Packet) {
	w.Helper()
	var theirs struct {
		Inputs []struct {
			HasUTXO bool `json:"has_utxo"`
			IsFinal bool `json:"is_final"`
			Next    string
		}
		Fee   json.Number
		Next  string
		Error string
	}
	w.ask(&theirs, "analyzepsbt", w.base64(p))
	a := p.Analyse()
	if string(theirs.Fee) != btc.FormatBTC(a.Fee) || theirs.Error != "" {
		w.Errorf("analyzepsbt: fee %v, the node %s (%s): %s", a.Fee, theirs.Fee, theirs.Error, w.base64(p))
	}
	for i, in := range a.Inputs {
		t := theirs.Inputs[i]
		done := in.Status == psbt.StatusComplete || in.Status == psbt.StatusFinalized
		if t.HasUTXO != (in.Coin != nil) || t.IsFinal != (in.Status == psbt.StatusFinalized) || (t.Next == "finalizer" || t.Next == "extractor") != done {
			w.Errorf("analyzepsbt: input %d is %s, the node says %+v: %s", i, in.Status, t, w.base64(p))
		}
	}
}

// sameCombination compares combinepsbt, field by field.
func (w *world) sameCombination(list []*psbt.Packet) *psbt.Packet {
	w.Helper()
	ours, err := psbt.Combine(list...)
	w.must(err)
	var texts []string
	for _, p := range list {
		texts = append(texts, w.base64(p))
	}
	var theirs string
	w.ask(&theirs, "combinepsbt", texts)
	if a, b := w.maps(w.base64(ours)), w.maps(theirs); !slices.Equal(a, b) {
		w.Errorf("combinepsbt %v: we %s, the node %s", texts, w.base64(ours), theirs)
	}
	return w.reread(ours)
}

// sameFinal compares finalizepsbt and, where all is signed, the transaction.
func (w *world) sameFinal(p *psbt.Packet) bool {
	w.Helper()
	var theirs struct {
		PSBT     string
		Hex      string
		Complete bool
	}
	text := w.base64(p)
	w.ask(&theirs, "finalizepsbt", text, false)
	ours := p.Clone()
	err := ours.Finalize()
	if (err == nil) != theirs.Complete {
		w.Errorf("finalizepsbt %s: we say %v, the node %v", text, err, theirs.Complete)
		return false
	}
	if a, b := w.maps(w.base64(ours)), w.maps(theirs.PSBT); !slices.Equal(a, b) {
		w.Errorf("finalizepsbt %s: we %s, the node %s", text, w.base64(ours), theirs.PSBT)
	}
	w.sameAnalysis(ours)
	if err != nil {
		return false
	}
	w.ask(&theirs, "finalizepsbt", text, true)
	tx, err := ours.Extract()
	w.must(err)
	if rawHex(tx) != theirs.Hex {
		w.Errorf("extract %s: we %s, the node %s", text, rawHex(tx), theirs.Hex)
	}
	return true
}

// sameRefusal changes a byte of a PSBT: what the node refuses to read, we refuse.
func (w *world) sameRefusal(p *psbt.Packet) {
	w.Helper()
	raw, err := p.Serialize()
	w.must(err)
	for range 10 {
		bad := slices.Clone(raw)
		bad[w.IntN(len(bad))] ^= 1 << w.IntN(8)
		text := base64.StdEncoding.EncodeToString(bad)
		if theirs := w.node.RPC("", "decodepsbt", nil, text); theirs != nil {
			if _, err := psbt.Decode(text); err == nil && !strings.Contains(theirs.Error(), "not a valid") {
				w.Errorf("we read %s, the node says %v", text, theirs)
			}
		}
	}
}

// maps lists the fields of a PSBT, each map's in one order: programs order them differently.
func (w *world) maps(text string) []string {
	w.Helper()
	raw, err := base64.StdEncoding.DecodeString(text)
	w.must(err)
	r := bytes.NewReader(raw[5:])
	var all, fields []string
	for r.Len() > 0 {
		key, err := wire.ReadVarBytes(r, 0, 1<<20, "key")
		w.must(err)
		if len(key) == 0 {
			slices.Sort(fields)
			all = append(append(all, fields...), "--")
			fields = nil
			continue
		}
		value, err := wire.ReadVarBytes(r, 0, 4<<20, "value")
		w.must(err)
		fields = append(fields, fmt.Sprintf("%x=%x", key, value))
	}
	if fields != nil {
		w.must(errors.New("a map without an end"))
	}
	return all
}
