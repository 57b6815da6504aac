package psbt_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/miniscript"
	"specter/internal/btc/psbt"
)

// cosigner is a master key with its account.
type cosigner struct {
	master btc.XKey
	text   string // [fingerprint/path]xpub
}

const accountPath = "48h/1h/0h/2h"

func newCosigner(t testing.TB, n byte) cosigner {
	t.Helper()
	master, err := btc.NewMaster(bytes.Repeat([]byte{n}, 32), false)
	must(t, err)
	path, err := btc.ParsePath(accountPath)
	must(t, err)
	account, err := master.Derive(path)
	must(t, err)
	return cosigner{master, fmt.Sprintf("[%s/%s]%s", master.Fingerprint(), accountPath, account.Public())}
}

func (c cosigner) source() psbt.KeySource { return psbt.ExtendedKey(c.master, btc.KeyOrigin{}) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// nums is BIP341's point without a private key, as a plain key of a descriptor.
const nums = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0"

// template fills @0, @1… of a descriptor with cosigners' keys of branch 0.
func template(t testing.TB, s string) *descriptor.Descriptor {
	t.Helper()
	for n := range byte(4) {
		s = strings.ReplaceAll(s, fmt.Sprintf("@%d", n), newCosigner(t, n+1).text+"/0/*")
	}
	d, err := descriptor.Parse(s, descriptor.Options{})
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return d
}

// unsafe names a script that no descriptor may have: a key, or a preimage alone.
const unsafe = "a key or a preimage"

// outputAt derives a descriptor, or makes the unsafe output.
func outputAt(t testing.TB, s string, index uint32) *descriptor.Output {
	t.Helper()
	if s != unsafe {
		out, err := template(t, s).Derive(index)
		must(t, err)
		return out
	}
	out := outputAt(t, "wsh(pk(@0))", index)
	expr := fmt.Sprintf("or_i(pk(%x),sha256(%s))", out.Keys[0].PubKey, hash32)
	node, err := miniscript.Parse(expr, miniscript.WSH)
	must(t, err)
	out.WitnessScript, err = node.Script(nil)
	must(t, err)
	out.Script = btc.WitnessScript(0, sha256Sum(out.WitnessScript))
	return out
}

// draft is a PSBT that spends one coin of each of some descriptors, with change to the first.
type draft struct {
	*psbt.Packet
	outs []*descriptor.Output // of the inputs
	prev []*wire.MsgTx
}

const coinSat = 100_000

// newDraft makes an updated, unsigned PSBT. Sequences and locktime let timelocks pass.
func newDraft(t testing.TB, descriptors ...string) draft {
	t.Helper()
	tx := wire.NewMsgTx(2)
	tx.LockTime = 700_000
	var d draft
	for i, s := range descriptors {
		out := outputAt(t, s, uint32(i))
		prev := wire.NewMsgTx(2)
		prev.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: [32]byte{byte(i), 9}}, SignatureScript: []byte{1, byte(i)}})
		prev.AddTxOut(wire.NewTxOut(7, []byte{0x51}))
		prev.AddTxOut(wire.NewTxOut(coinSat, out.Script))
		tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: prev.TxHash(), Index: 1}, Sequence: 100})
		d.outs, d.prev = append(d.outs, out), append(d.prev, prev)
	}
	change := outputAt(t, descriptors[0], 77)
	tx.AddTxOut(wire.NewTxOut(50_000, []byte{0x00, 0x14, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}))
	tx.AddTxOut(wire.NewTxOut(int64(len(descriptors))*coinSat-60_000, change.Script))
	p, err := psbt.New(tx)
	must(t, err)
	d.Packet = p
	for i, out := range d.outs {
		must(t, d.UpdateInput(i, d.prev[i], nil, out))
	}
	must(t, d.UpdateOutput(1, change))
	return d
}

// signedBy returns a copy that the cosigners have signed.
func signedBy(t testing.TB, p *psbt.Packet, cosigners ...byte) *psbt.Packet {
	t.Helper()
	c := p.Clone()
	for _, n := range cosigners {
		_, err := c.Sign(newCosigner(t, n+1).source())
		must(t, err)
	}
	return c
}

// reread writes and reads a packet, as if it had been away.
func reread(t testing.TB, p *psbt.Packet) *psbt.Packet {
	t.Helper()
	text, err := p.Base64()
	must(t, err)
	q, err := psbt.Decode(text)
	must(t, err)
	return q
}

// forms are descriptors of every kind with the cosigners that sign and how many are needed.
var forms = []struct {
	name, desc string
	signers    []byte
	need       int
}{
	{"pk", "pk(@0)", []byte{0}, 1},
	{"pkh", "pkh(@0)", []byte{0}, 1},
	{"wpkh", "wpkh(@0)", []byte{0}, 1},
	{"sh-wpkh", "sh(wpkh(@0))", []byte{0}, 1},
	{"sh-pk", "sh(pk(@0))", []byte{0}, 1},
	{"sh-pkh", "sh(pkh(@0))", []byte{0}, 1},
	{"bare multi", "multi(1,@0,@1)", []byte{1}, 1},
	{"sh multi", "sh(multi(2,@0,@1,@2))", []byte{2, 0}, 2},
	{"wsh multi", "wsh(multi(2,@0,@1,@2))", []byte{1, 2}, 2},
	{"wsh pk", "wsh(pk(@0))", []byte{0}, 1},
	{"wsh pkh", "wsh(pkh(@0))", []byte{0}, 1},
	{"sh-wsh sortedmulti", "sh(wsh(sortedmulti(2,@0,@1,@2)))", []byte{0, 2}, 2},
	{"wsh timelock by the first key", "wsh(or_d(pk(@0),and_v(v:pkh(@1),older(10))))", []byte{0}, 1},
	{"wsh timelock by the second key", "wsh(or_d(pk(@0),and_v(v:pkh(@1),older(10))))", []byte{1}, 1},
	{"wsh thresh with after", "wsh(thresh(2,pk(@0),s:pk(@1),sln:after(600000)))", []byte{1}, 1},
	{"sh-wsh andor", "sh(wsh(andor(pk(@0),pk(@1),and_v(v:pk(@2),after(100)))))", []byte{2}, 1},
	{"tr", "tr(@0)", []byte{0}, 1},
	{"tr key path beside leaves", "tr(@0,{pk(@1),pk(@2)})", []byte{0}, 1},
	{"tr leaf", "tr(@0,{pk(@1),and_v(v:pk(@2),older(5))})", []byte{2}, 1},
	{"tr multi_a", "tr(" + nums + ",multi_a(2,@0,@1,@2))", []byte{2, 1}, 2},
	{"tr pkh leaf", "tr(" + nums + ",and_v(v:pkh(@0),older(9)))", []byte{0}, 1},
	{"tr deep", "tr(" + nums + ",{{multi_a(2,@0,@1),pk(@3)},and_v(v:pk(@0),pk(@2))})", []byte{0, 2}, 2},
}
