package psbt_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/errs"
)

func TestDecodeTellsTextFormsApart(t *testing.T) {
	p := newDraft(t, "wpkh(@0)").Packet
	raw, err := p.Serialize()
	must(t, err)
	b64 := base64.StdEncoding.EncodeToString(raw)
	for name, text := range map[string]string{
		"base64": b64, "hex": hex.EncodeToString(raw), "binary": string(raw), "upper hex": strings.ToUpper(hex.EncodeToString(raw)),
		"wrapped base64": " " + b64[:60] + "\r\n" + b64[60:] + "\n", "unpadded base64": strings.TrimRight(b64, "="),
	} {
		got, err := psbt.Decode(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if back, _ := got.Serialize(); !bytes.Equal(back, raw) {
			t.Errorf("%s: read as something else", name)
		}
	}
	for text, code := range map[string]errs.Code{
		"": errs.Malformed, "hello, world!": errs.BadEncoding, "70736274ff0": errs.BadEncoding, "cHNidP8": errs.Malformed,
		"70736274ff": errs.Malformed, "psbt\xff": errs.Malformed,
	} {
		if _, err := psbt.Decode(text); errs.CodeOf(err) != code {
			t.Errorf("%q: %v, want code %s", text, err, code)
		}
	}
}

// raw builds a PSBT of hexadecimal maps.
func raw(t *testing.T, maps ...string) []byte {
	t.Helper()
	b, err := hex.DecodeString("70736274ff" + strings.ReplaceAll(strings.Join(maps, "00")+"00", " ", ""))
	must(t, err)
	return b
}

func TestParseRefusesHostileFields(t *testing.T) {
	const tx = "01 00 0a 02000000 00 00 00000000" // no inputs, no outputs
	v2 := func(in, out string) string {
		return "01 02 04 02000000 01 04 " + in + " 01 05 " + out + " 01 fb 04 02000000"
	}
	cases := map[string]struct {
		maps []string
		code errs.Code
	}{
		"input count beyond the data":       {[]string{v2("05 fe ffffff7f", "01 00")}, errs.Malformed},
		"huge input count":                  {[]string{v2("09 ff ffffffffffffffff", "01 00")}, errs.Malformed},
		"output count beyond the data":      {[]string{v2("01 00", "05 fe ffffff7f")}, errs.Malformed},
		"count with bytes left over":        {[]string{v2("02 00 00", "01 00")}, errs.Malformed},
		"value longer than the data":        {[]string{"01 00 fe ffffff7f 00"}, errs.Malformed},
		"length not in its shortest form":   {[]string{"01 00 fd 0a00 02000000 00 00 00000000"}, errs.Malformed},
		"transaction with a huge count":     {[]string{"01 00 0e 02000000 fe ffffff7f 00 00000000"}, errs.Malformed},
		"version 1":                         {[]string{tx + " 01 fb 04 01000000"}, errs.Malformed},
		"version 3":                         {[]string{tx + " 01 fb 04 03000000"}, errs.Unsupported},
		"the same unknown key twice":        {[]string{tx + " 02 f0 01 00 02 f0 01 00"}, errs.Malformed},
		"bytes left over":                   {[]string{tx, "01 f0"}, errs.Malformed},
		"proprietary without identifier":    {[]string{tx + " 02 fc 05 00"}, errs.Malformed},
		"proprietary without subtype":       {[]string{tx + " 03 fc 01 41 00"}, errs.Malformed},
		"key type not in its shortest form": {[]string{tx + " 03 fd 05 00 00"}, errs.Malformed},
		"ended early":                       {[]string{tx + " 05 f0"}, errs.Malformed},
	}
	for name, c := range cases {
		if _, err := psbt.Parse(raw(t, c.maps...)); errs.CodeOf(err) != c.code || errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s: %v, want code %s", name, err, c.code)
		}
	}
	if _, err := psbt.Parse(raw(t, tx)); err != nil {
		t.Errorf("the sound one: %v", err)
	}
}

func TestParseRefusesAPreviousTransactionOfAnotherCoin(t *testing.T) {
	for _, version := range []uint32{0, 2} {
		d := newDraft(t, "wpkh(@0)", "wpkh(@0)")
		d.Inputs[0].NonWitnessUTXO = d.prev[1]
		p, err := d.Convert(version)
		must(t, err)
		text, err := p.Base64()
		must(t, err)
		if _, err := psbt.Decode(text); errs.CodeOf(err) != errs.Mismatch {
			t.Errorf("version %d: %v", version, err)
		}
	}
}

func TestConversionThereAndBackChangesNothing(t *testing.T) {
	for _, f := range forms {
		p := signedBy(t, newDraft(t, f.desc).Packet, f.signers...)
		v2, err := p.Convert(2)
		must(t, err)
		back, err := reread(t, v2).Convert(0)
		must(t, err)
		if canonical(t, back) != canonical(t, p) {
			t.Errorf("%s came back changed", f.name)
		}
		a, err := p.TxID()
		must(t, err)
		if b, err := v2.TxID(); err != nil || a != b {
			t.Errorf("%s: %v %v, %v", f.name, a, b, err)
		}
	}
}

func TestLockTimeOfVersion2(t *testing.T) {
	const time = 1_600_000_000
	cases := []struct {
		name   string
		inputs [][2]uint32 // height, time
		want   uint32
		fails  bool
	}{
		{"none", [][2]uint32{{}, {}}, 77, false},
		{"one height", [][2]uint32{{100, 0}, {}}, 100, false},
		{"greatest height", [][2]uint32{{100, 0}, {200, 0}}, 200, false},
		{"both kinds allow heights", [][2]uint32{{100, time}, {90, time + 1}}, 100, false},
		{"one allows time alone", [][2]uint32{{100, time}, {0, time + 1}}, time + 1, false},
		{"contradiction", [][2]uint32{{100, 0}, {0, time}}, 0, true},
		{"contradiction beside both", [][2]uint32{{100, 0}, {0, time}, {5, time}}, 0, true},
	}
	for _, c := range cases {
		p := &psbt.Packet{Version: 2, TxVersion: 2, FallbackLockTime: 77}
		for _, in := range c.inputs {
			p.Inputs = append(p.Inputs, psbt.Input{RequiredHeight: in[0], RequiredTime: in[1]})
		}
		got, err := p.LockTime()
		if got != c.want || (err != nil) != c.fails {
			t.Errorf("%s: %d, %v", c.name, got, err)
		}
	}
}

func TestCombineDoesNotDependOnTheOrder(t *testing.T) {
	d := newDraft(t, "wsh(multi(2,@0,@1,@2))", "tr("+nums+",multi_a(2,@0,@1,@2))")
	parts := []*psbt.Packet{strip(signedBy(t, d.Packet, 0)), d.Clone(), strip(signedBy(t, d.Packet, 1)), strip(signedBy(t, d.Packet, 2))}
	parts[1].Unknown = []psbt.KeyValue{{Key: []byte{0xf0}, Value: []byte{1}}}
	parts[2].Unknown = []psbt.KeyValue{{Key: []byte{0xf0}, Value: []byte{2}}, {Key: []byte{0xf1}, Value: []byte{3}}}
	want := ""
	for i := range parts {
		order := append(append([]*psbt.Packet{}, parts[i:]...), parts[:i]...)
		got, err := psbt.Combine(order...)
		must(t, err)
		if text := canonical(t, got); want == "" {
			want = text
		} else if text != want {
			t.Errorf("beginning with %d it is another", i)
		}
		nested, err := psbt.Combine(got, order[2])
		must(t, err)
		if canonical(t, nested) != want {
			t.Errorf("combined again it changes")
		}
		if !got.Complete() {
			t.Error("not complete")
		}
	}
}

func TestCombineRefusesContradictions(t *testing.T) {
	base := newDraft(t, "wsh(pk(@0))")
	for name, change := range map[string]func(p *psbt.Packet){
		"another amount":         func(p *psbt.Packet) { p.Outputs[0].Amount++ },
		"another locktime":       func(p *psbt.Packet) { p.FallbackLockTime++ },
		"another witness script": func(p *psbt.Packet) { p.Inputs[0].WitnessScript = []byte{0x51} },
		"another coin":           func(p *psbt.Packet) { p.Inputs[0].WitnessUTXO = wire.NewTxOut(1, []byte{0x51}) },
		"another derivation":     func(p *psbt.Packet) { p.Inputs[0].Derivations[0].Origin.Path = nil },
		"another sighash type":   func(p *psbt.Packet) { p.SetSighash(0, txscript.SigHashNone) },
	} {
		a, b := base.Clone(), base.Clone()
		a.SetSighash(0, txscript.SigHashAll)
		b.SetSighash(0, txscript.SigHashAll)
		change(b)
		if _, err := psbt.Combine(a, b); errs.CodeOf(err) != errs.Mismatch {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := psbt.Combine(); err == nil {
		t.Error("nothing was combined")
	}
}

func TestJoinPutsTransactionsTogetherUnsigned(t *testing.T) {
	a := newDraft(t, "wpkh(@0)")
	b := newDraft(t, "tr(@0)", "pkh(@1)")
	joined, err := psbt.Join(signedBy(t, a.Packet, 0), signedBy(t, b.Packet, 0, 1))
	must(t, err)
	if len(joined.Inputs) != 3 || len(joined.Outputs) != 4 || joined.Analyse().Status != psbt.StatusUnsigned {
		t.Fatalf("%d inputs, %d outputs, %s", len(joined.Inputs), len(joined.Outputs), joined.Analyse().Status)
	}
	joined = reread(t, signedBy(t, joined, 0, 1))
	must(t, joined.Finalize())
	if _, err := joined.Extract(); err != nil {
		t.Error(err)
	}
	if _, err := psbt.Join(a.Packet, a.Packet); errs.CodeOf(err) != errs.Mismatch {
		t.Errorf("one coin twice: %v", err)
	}
	late := b.Clone()
	late.FallbackLockTime = 1_700_000_000
	if _, err := psbt.Join(a.Packet, late); errs.CodeOf(err) != errs.Mismatch {
		t.Errorf("locktimes of two kinds: %v", err)
	}
}

func TestNewRefusesWhatIsNoUnsignedTransaction(t *testing.T) {
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(&wire.TxIn{Sequence: 1})
	tx.AddTxOut(wire.NewTxOut(1, nil))
	if _, err := psbt.New(tx); err != nil {
		t.Fatal(err)
	}
	twice, signed, witness := tx.Copy(), tx.Copy(), tx.Copy()
	twice.AddTxIn(&wire.TxIn{})
	signed.TxIn[0].SignatureScript = []byte{0}
	witness.TxIn[0].Witness = wire.TxWitness{{}}
	for name, bad := range map[string]*wire.MsgTx{"a coin twice": twice, "scriptSig": signed, "witness": witness} {
		if _, err := psbt.New(bad); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestUpdateRefusesWhatDoesNotFit(t *testing.T) {
	d := newDraft(t, "wpkh(@0)", "pkh(@0)")
	before, err := d.Base64()
	must(t, err)
	for name, c := range map[string]struct {
		err  error
		code errs.Code
	}{
		"previous transaction of another input": {d.UpdateInput(0, d.prev[1], nil, d.outs[0]), errs.Mismatch},
		"coin of another amount":                {d.UpdateInput(0, d.prev[0], wire.NewTxOut(1, d.outs[0].Script), d.outs[0]), errs.Mismatch},
		"output of another descriptor":          {d.UpdateInput(0, d.prev[0], nil, d.outs[1]), errs.Mismatch},
		"nothing":                               {d.UpdateInput(0, nil, nil, d.outs[0]), errs.Incomplete},
		"legacy coin without its transaction":   {d.UpdateInput(1, nil, d.prev[1].TxOut[1], d.outs[1]), errs.Incomplete},
		"output that pays elsewhere":            {d.UpdateOutput(0, d.outs[0]), errs.Mismatch},
	} {
		if errs.CodeOf(c.err) != c.code {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	if after, _ := d.Base64(); after != before {
		t.Error("a refused update changed the PSBT")
	}
	if d.UpdateInput(9, nil, nil, nil) == nil || d.UpdateOutput(-1, d.outs[0]) == nil {
		t.Error("an input or output that is not there was updated")
	}
}

func TestChangeIsOursOnlyIfTheWalletDerivesIt(t *testing.T) {
	d := newDraft(t, "wpkh(@0)")
	wallet := multipath(t, "wpkh(@0)")
	change, err := mustBranch(t, wallet, 1).Derive(5)
	must(t, err)
	d.Outputs[1].Script = change.Script
	d.Outputs[1].Derivations = nil
	must(t, d.UpdateOutput(1, change))
	// The foreign output claims to be ours.
	d.Outputs[0].Derivations = d.Outputs[1].Derivations
	own, err := d.OwnBy(wallet)
	must(t, err)
	a := d.AnalyseFor(own)
	if o := a.Outputs[1]; o.Owned == nil || !o.Change || !o.Derived || o.Owned.Index != 5 {
		t.Errorf("our change: %+v", o)
	}
	if o := a.Outputs[0]; o.Owned != nil || o.Change || o.Derived || !o.Claimed {
		t.Errorf("the foreign output: %+v", o)
	}
	if a.Inputs[0].Owned == nil {
		t.Error("our coin is not ours")
	}
	d.Outputs[1].Derivations[0].Origin.Path = btc.Path{1, 5}
	if o := d.AnalyseFor(own).Outputs[1]; !o.Change || o.Derived {
		t.Errorf("change under a false path: %+v", o)
	}
}

func mustBranch(t *testing.T, d *descriptor.Descriptor, i int) *descriptor.Descriptor {
	t.Helper()
	b, err := d.Branch(i)
	must(t, err)
	return b
}

func multipath(t *testing.T, s string) *descriptor.Descriptor {
	t.Helper()
	d, err := descriptor.Parse(strings.ReplaceAll(s, "@0", newCosigner(t, 1).text+"/<0;1>/*"), descriptor.Options{})
	must(t, err)
	return d
}

func TestAnalysisTellsWhoSignedAndWhoIsMissing(t *testing.T) {
	d := newDraft(t, "wsh(multi(2,@0,@1,@2))", "wpkh(@0)")
	p := signedBy(t, d.Packet, 1)
	a := p.Analyse()
	if a.Status != psbt.StatusPartial || a.Complete || a.Inputs[0].Status != psbt.StatusPartial || a.Inputs[1].Status != psbt.StatusUnsigned {
		t.Fatalf("%s %s %s", a.Status, a.Inputs[0].Status, a.Inputs[1].Status)
	}
	in := a.Inputs[0]
	if in.Signatures != 1 || in.Required != 2 || in.Missing != 1 || len(in.Keys) != 3 {
		t.Fatalf("%+v", in)
	}
	for _, k := range in.Keys {
		if want := k.Origin.Fingerprint == newCosigner(t, 2).master.Fingerprint(); k.Signed != want {
			t.Errorf("%s signed: %v", k.Origin.Fingerprint, k.Signed)
		}
	}
	p.Inputs[0].PartialSigs[0].Signature = flip(p.Inputs[0].PartialSigs[0].Signature, 20)
	if in := p.Analyse().Inputs[0]; in.Signatures != 0 || in.Missing != 2 || len(in.Problems) != 1 || in.Status != psbt.StatusUnsigned {
		t.Errorf("an invalid signature counts: %+v", in)
	}
}

func TestFeeIsNeverBelieved(t *testing.T) {
	d := newDraft(t, "wpkh(@0)")
	stripped := strip(d.Packet).Analyse()
	if stripped.HasFee {
		t.Error("a fee out of nothing")
	}
	d.Outputs[0].Amount = 2 * coinSat
	if a := d.Analyse(); !a.HasFee || a.Fee >= 0 {
		t.Errorf("fee %d", a.Fee)
	}
	d.Outputs[0].Amount = -1
	if a := d.Analyse(); a.HasFee || len(a.Problems) == 0 {
		t.Error("a negative amount passed")
	}
}

func TestExtractRunsEveryScript(t *testing.T) {
	d := newDraft(t, "wpkh(@0)", "pkh(@0)")
	if _, err := d.Extract(); errs.CodeOf(err) != errs.Incomplete {
		t.Errorf("unsigned: %v", err)
	}
	p := signedBy(t, d.Packet, 0)
	must(t, p.Finalize())
	for name, spoil := range map[string]func(c *psbt.Packet){
		"another signature": func(c *psbt.Packet) {
			w := append(wire.TxWitness(nil), c.Inputs[0].FinalScriptWitness...)
			w[0] = flip(w[0], 20)
			c.Inputs[0].FinalScriptWitness = w
		},
		"another amount":   func(c *psbt.Packet) { c.Outputs[0].Amount-- },
		"another sequence": func(c *psbt.Packet) { c.Inputs[1].Sequence++ },
		"more out than in": func(c *psbt.Packet) { c.Outputs[0].Amount += coinSat },
	} {
		c := p.Clone()
		spoil(c)
		if _, err := c.Extract(); errs.CodeOf(err) != errs.Mismatch {
			t.Errorf("%s: %v", name, err)
		}
	}
	unknown := p.Clone()
	unknown.Inputs[0].WitnessUTXO, unknown.Inputs[0].NonWitnessUTXO = nil, nil
	if _, err := unknown.Extract(); errs.CodeOf(err) != errs.Incomplete {
		t.Errorf("a coin that is not described: %v", err)
	}
}

func TestKeySourcesDeriveByOrigin(t *testing.T) {
	c := newCosigner(t, 1)
	path, err := btc.ParsePath(accountPath)
	must(t, err)
	account, err := c.master.Derive(path)
	must(t, err)
	origin := btc.KeyOrigin{Fingerprint: c.master.Fingerprint(), Path: path}
	foreign := newCosigner(t, 2).source()
	for name, source := range map[string]psbt.KeySource{
		"master": c.source(), "account": psbt.ExtendedKey(account, origin), "several": psbt.Sources(foreign, c.source()),
	} {
		for _, desc := range []string{"wpkh(@0)", "tr(@0)", "wsh(pk(@0))"} {
			p := newDraft(t, desc).Packet
			if added, err := p.Sign(source); err != nil || len(added) != 1 {
				t.Errorf("%s, %s: %d signatures, %v", name, desc, len(added), err)
			}
		}
	}
	for name, source := range map[string]psbt.KeySource{
		"foreign": foreign, "public": psbt.ExtendedKey(account.Public(), origin),
		"under a false origin": psbt.ExtendedKey(newCosigner(t, 2).master, btc.KeyOrigin{Fingerprint: c.master.Fingerprint()}),
	} {
		p := newDraft(t, "wpkh(@0)").Packet
		if added, err := p.Sign(source); err != nil || len(added) != 0 {
			t.Errorf("%s: %d signatures, %v", name, len(added), err)
		}
	}
}

func TestSigningClosesWhatMayNotBeChangedAnyMore(t *testing.T) {
	for sighash, want := range map[txscript.SigHashType]byte{0x01: 0, 0x81: 1, 0x02: 2, 0x82: 3, 0x03: 4, 0x83: 5} {
		p, err := newDraft(t, "wpkh(@0)").Convert(2)
		must(t, err)
		flags := byte(3)
		p.Modifiable = &flags
		p.SetSighash(0, sighash)
		p = signedBy(t, p, 0)
		if *p.Modifiable != want {
			t.Errorf("%#x leaves flags %d, want %d", sighash, *p.Modifiable, want)
		}
	}
}

func TestSignerAsksBeforeARiskySighashType(t *testing.T) {
	p := newDraft(t, "wpkh(@0)").Packet
	p.SetSighash(0, txscript.SigHashNone)
	o := psbt.SignOptions{AllowSighash: func(int, txscript.SigHashType) bool { return false }}
	if _, err := p.SignWith(newCosigner(t, 1).source(), o); errs.CodeOf(err) != errs.Mismatch {
		t.Errorf("signed: %v", err)
	}
}

func TestVerifySignaturesNamesTheWrongOne(t *testing.T) {
	p := signedBy(t, newDraft(t, "wpkh(@0)", "wsh(multi(1,@0,@1))").Packet, 0)
	must(t, p.VerifySignatures())
	for reason, spoil := range map[psbt.Reason]func(in *psbt.Input){
		psbt.ReasonInvalidSignature: func(in *psbt.Input) { in.PartialSigs[0].Signature = flip(in.PartialSigs[0].Signature, 20) },
		psbt.ReasonForeignKey:       func(in *psbt.Input) { in.PartialSigs[0].PubKey = otherKey().PubKey().SerializeCompressed() },
		psbt.ReasonSighash:          func(in *psbt.Input) { none := txscript.SigHashNone; in.SighashType = &none },
	} {
		c := p.Clone()
		spoil(&c.Inputs[1])
		var fault *psbt.SignatureError
		if err := c.VerifySignatures(); !errors.As(err, &fault) || fault.Reason != reason || fault.Input != 1 || errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s: %v", reason, err)
		}
	}
}

func TestGlobalXPubsAreKept(t *testing.T) {
	p := newDraft(t, "wpkh(@0)").Packet
	c := newCosigner(t, 1)
	path, err := btc.ParsePath(accountPath)
	must(t, err)
	account, err := c.master.Derive(path)
	must(t, err)
	origin := btc.KeyOrigin{Fingerprint: c.master.Fingerprint(), Path: path}
	must(t, p.AddXPub(account, origin))
	must(t, p.AddXPub(account, origin))
	if p.AddXPub(account, btc.KeyOrigin{}) == nil {
		t.Error("a key of depth 4 without a path was accepted")
	}
	p = reread(t, p)
	if len(p.XPubs) != 1 || p.XPubs[0].Origin.String() != origin.String() {
		t.Fatalf("%v", p.XPubs)
	}
	if k, err := p.XPubs[0].Key(); err != nil || k.IsPrivate() || !k.Identical(account) {
		t.Errorf("%v %v", k, err)
	}
}

func TestMuSig2ParticipantsAreTold(t *testing.T) {
	for _, desc := range []string{"tr(musig(@0,@1))", "tr(" + nums + ",pk(musig(@0,@1)))"} {
		d := newDraft(t, desc)
		p := reread(t, d.Packet)
		in := p.Inputs[0]
		if len(in.MuSig2Participants) != 1 || len(in.MuSig2Participants[0].Keys) != 2 || len(in.TapDerivations) < 2 {
			t.Errorf("%s: %d aggregates, %d derivations", desc, len(in.MuSig2Participants), len(in.TapDerivations))
		}
		if len(p.Outputs[1].MuSig2Participants) != 1 {
			t.Errorf("%s: the change does not tell its participants", desc)
		}
	}
}

func TestSighashNames(t *testing.T) {
	for _, name := range []string{"DEFAULT", "ALL", "NONE", "SINGLE", "ALL|ANYONECANPAY", "NONE|ANYONECANPAY", "SINGLE|ANYONECANPAY"} {
		sighash, err := psbt.ParseSighash(name)
		must(t, err)
		if got, ok := psbt.SighashName(sighash); !ok || got != name {
			t.Errorf("%s became %s", name, got)
		}
	}
	for _, sighash := range []txscript.SigHashType{4, 0x80, 0x84, 0x101} {
		if name, ok := psbt.SighashName(sighash); ok {
			t.Errorf("%#x is called %s", sighash, name)
		}
	}
	if _, err := psbt.ParseSighash("MOST"); err == nil {
		t.Error("MOST is a sighash type")
	}
}

func TestUnknownFieldsOfEveryMapSurviveEveryRole(t *testing.T) {
	kv := []psbt.KeyValue{{Key: []byte{0xfc, 2, 'h', 'i', 1}, Value: []byte("x")}, {Key: []byte{0x77, 1, 2}, Value: []byte{}}}
	d := newDraft(t, "wpkh(@0)")
	d.Unknown, d.Inputs[0].Unknown, d.Outputs[0].Unknown = kv, kv, kv
	p, err := reread(t, d.Packet).Convert(2)
	must(t, err)
	p = signedBy(t, reread(t, p), 0)
	if p, err = psbt.Combine(p, p.Clone()); err != nil {
		t.Fatal(err)
	}
	if p, _, err = p.Merge(p.Clone()); err != nil {
		t.Fatal(err)
	}
	must(t, p.Finalize())
	p = reread(t, p)
	for i, list := range [][]psbt.KeyValue{p.Unknown, p.Inputs[0].Unknown, p.Outputs[0].Unknown} {
		if fmt.Sprint(list) != fmt.Sprint(kv) {
			t.Errorf("map %d: %v", i, list)
		}
	}
}
