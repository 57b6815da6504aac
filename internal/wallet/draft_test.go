package wallet_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/btc/spend"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// funded makes a 2-of-3 with confirmed coins.
func funded(t *testing.T, amounts ...btcutil.Amount) (*house, wallet.Ref) {
	t.Helper()
	h := newHouse(t)
	ref := h.create("Savings", "wsh", 2, people...).Ref()
	for _, a := range amounts {
		h.pay(ref, a)
	}
	h.mine(1)
	h.sync(ref)
	return h, ref
}

func request(to string, amount btcutil.Amount) wallet.SpendRequest {
	return wallet.SpendRequest{Recipients: []wallet.Recipient{{Address: to, Amount: amount}}, FeeRate: btc.SatPerVB(2)}
}

func TestTwoTabsSubmittingTheSameDraftMakeOne(t *testing.T) {
	h, ref := funded(t, 100_000, 100_000, 100_000)
	q := request(stranger(1), 20_000)
	q.Token = "form 1"
	var wg sync.WaitGroup
	ids := make([]wallet.DraftID, 8)
	for i := range ids {
		wg.Go(func() {
			d, err := h.s.NewDraft(context.Background(), ref, q)
			if err != nil {
				t.Error(err)
			}
			ids[i] = d.ID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("drafts %v", ids)
		}
	}
	if b := h.get(ref).Balance; b.Reserved != 100_000 {
		t.Errorf("held: %+v", b)
	}
	h.reopen()
	if d, err := h.s.NewDraft(context.Background(), ref, q); err != nil || d.ID != ids[0] {
		t.Errorf("the form again after a restart: draft %d, %v", d.ID, err)
	}
}

func TestDraftsNeverShareCoinsOrChange(t *testing.T) {
	h, ref := funded(t, 100_000, 100_000, 100_000)
	var wg sync.WaitGroup
	drafts := make([]wallet.Draft, 3)
	for i := range drafts {
		wg.Go(func() {
			var err error
			if drafts[i], err = h.s.NewDraft(context.Background(), ref, request(stranger(byte(i)), 20_000)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	coins, change := map[wire.OutPoint]bool{}, map[string]bool{}
	for _, d := range drafts {
		for _, in := range d.Inputs {
			coins[in.OutPoint] = true
		}
		for _, o := range d.Outputs {
			if o.Change {
				change[o.Address] = true
			}
		}
	}
	if len(coins) != 3 || len(change) != 3 {
		t.Errorf("%d coins and %d change addresses for 3 drafts", len(coins), len(change))
	}
	h.check(ref)
	_, err := h.s.NewDraft(context.Background(), ref, request(stranger(9), 1_000))
	var short *spend.InsufficientError
	if !errors.As(err, &short) {
		t.Errorf("a fourth draft: %v", err)
	}
	if p := h.coins(ref, wallet.Query{Filter: "reserved"}); p.Total != 3 || p.Amount != 300_000 {
		t.Errorf("reserved: %d coins of %d", p.Total, p.Amount)
	}
}

func TestDeletingADraftReleasesCoinsAndChange(t *testing.T) {
	h, ref := funded(t, 100_000)
	d := h.send(ref, stranger(1), 10_000, "")
	next := h.get(ref).Next[1]
	if err := h.s.DeleteDraft(context.Background(), ref, d.ID); err != nil {
		t.Fatal(err)
	}
	if r := h.get(ref); r.Balance.Reserved != 0 || r.Next[1] != next-1 {
		t.Errorf("held %d, next change %d, was %d", r.Balance.Reserved, r.Next[1], next)
	}
	_, err := h.s.Draft(context.Background(), ref, d.ID)
	wantKind(t, err, errs.NotFound, "the deleted draft")
	wantKind(t, h.s.DeleteDraft(context.Background(), ref, d.ID), errs.NotFound, "deleting it again")
	h.check(ref)
}

func TestPreviewIsWhatTheDraftBecomes(t *testing.T) {
	h, ref := funded(t, 100_000, 50_000, 70_000)
	q := request(stranger(1), 60_000)
	q.Token = "x"
	p, err := h.s.Preview(context.Background(), ref, q)
	if err != nil {
		t.Fatal(err)
	}
	if b := h.get(ref).Balance; b.Reserved != 0 {
		t.Errorf("a preview holds %d", b.Reserved)
	}
	d, err := h.s.NewDraft(context.Background(), ref, q)
	if err != nil {
		t.Fatal(err)
	}
	if p.Fee != d.Fee || p.Change != d.Change || len(p.Inputs) != len(d.Inputs) || p.VSize != d.VSize || p.How == "" || p.ChangeAddr == "" {
		t.Errorf("preview %+v, draft fee %d change %d inputs %d size %d", p, d.Fee, d.Change, len(d.Inputs), d.VSize)
	}
	for i, in := range p.Inputs {
		if in.OutPoint != d.Inputs[i].OutPoint || in.Amount == 0 {
			t.Errorf("input %d: %+v and %+v", i, in, d.Inputs[i])
		}
	}
}

func TestMaxSubtractFeeAndChosenCoins(t *testing.T) {
	h, ref := funded(t, 100_000, 50_000)
	ctx := context.Background()
	q := wallet.SpendRequest{Recipients: []wallet.Recipient{{Address: stranger(1), Max: true, Label: "Everything to Ann"}}, FeeRate: btc.SatPerVB(1)}
	p, err := h.s.Preview(ctx, ref, q)
	if err != nil || p.Recipients[0].Amount+p.Fee != 150_000 || p.Change != 0 {
		t.Errorf("max: %+v, %v", p, err)
	}
	coins := h.coins(ref, wallet.Query{Filter: "unspent", Sort: "amount"})
	q = request(stranger(1), 20_000)
	q.Coins = []wire.OutPoint{coins.Rows[0].OutPoint, coins.Rows[0].OutPoint}
	q.SubtractFee = []int{0}
	if p, err = h.s.Preview(ctx, ref, q); err != nil || len(p.Inputs) != 1 || p.Inputs[0].Amount != 50_000 || p.Recipients[0].Amount+p.Fee != 20_000 {
		t.Errorf("chosen: %+v, %v", p, err)
	}
	if err := h.s.Freeze(ctx, ref, q.Coins[:1], true); err != nil {
		t.Fatal(err)
	}
	_, err = h.s.Preview(ctx, ref, q)
	wantKind(t, err, errs.Conflict, "a frozen coin, chosen")
	q.Coins = []wire.OutPoint{{Index: 9}}
	_, err = h.s.Preview(ctx, ref, q)
	wantKind(t, err, errs.Invalid, "a coin that is not ours")
}

func TestRefusedPayments(t *testing.T) {
	h, ref := funded(t, 100_000)
	mainnet := "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
	for name, change := range map[string]func(q *wallet.SpendRequest){
		"no recipient":       func(q *wallet.SpendRequest) { q.Recipients = nil },
		"other network":      func(q *wallet.SpendRequest) { q.Recipients[0].Address = mainnet },
		"nonsense address":   func(q *wallet.SpendRequest) { q.Recipients[0].Address = "bcrt1qnonsense" },
		"dust":               func(q *wallet.SpendRequest) { q.Recipients[0].Amount = 100 },
		"nothing":            func(q *wallet.SpendRequest) { q.Recipients[0].Amount = 0 },
		"negative":           func(q *wallet.SpendRequest) { q.Recipients[0].Amount = -5 },
		"more than there is": func(q *wallet.SpendRequest) { q.Recipients[0].Amount = 100_000 },
		"10,000 sat/vB":      func(q *wallet.SpendRequest) { q.FeeRate = btc.SatPerVB(10_000) },
		"negative feerate":   func(q *wallet.SpendRequest) { q.FeeRate = -1 },
		"two of everything": func(q *wallet.SpendRequest) {
			q.Recipients = []wallet.Recipient{{Address: stranger(1), Max: true}, {Address: stranger(2), Max: true}}
		},
		"fee of nobody":        func(q *wallet.SpendRequest) { q.SubtractFee = []int{3} },
		"a label of two lines": func(q *wallet.SpendRequest) { q.Recipients[0].Label = "a\nb" },
	} {
		q := request(stranger(1), 10_000)
		change(&q)
		_, err := h.s.NewDraft(context.Background(), ref, q)
		wantKind(t, err, errs.Invalid, name)
	}
	if b := h.get(ref).Balance; b.Reserved != 0 {
		t.Errorf("refused payments hold %d", b.Reserved)
	}
	if d, err := h.s.Drafts(context.Background(), ref); err != nil || len(d) != 0 {
		t.Errorf("%d drafts, %v", len(d), err)
	}
}

func TestEstimatedFeerateIsTakenWhereNoneIsGiven(t *testing.T) {
	h, ref := funded(t, 100_000)
	q := request(stranger(1), 10_000)
	q.FeeRate = 0
	p, err := h.s.Preview(context.Background(), ref, q)
	want, _ := h.chain.FeeRate(context.Background(), 6)
	if err != nil || p.FeeRate < want-200 || p.FeeRate > want+200 {
		t.Errorf("feerate %s, estimate %s, %v", p.FeeRate, want, err)
	}
}

// signedBy lets a person sign a draft's PSBT outside of the program.
func signedBy(t *testing.T, d wallet.Draft, who string) *psbt.Packet {
	t.Helper()
	p, err := psbt.Parse(d.PSBT)
	if err != nil {
		t.Fatal(err)
	}
	m := master(who)
	if _, err := p.Sign(psbt.ExtendedKey(m, btc.KeyOrigin{Fingerprint: m.Fingerprint()})); err != nil {
		t.Fatal(err)
	}
	return p
}

func bytesOf(t *testing.T, p *psbt.Packet) []byte {
	t.Helper()
	b, err := p.Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSignaturesComeBackInAnyForm(t *testing.T) {
	h, ref := funded(t, 100_000, 50_000)
	ctx := context.Background()
	forms := map[string]func(d wallet.Draft) []byte{
		"binary": func(d wallet.Draft) []byte { return bytesOf(t, signedBy(t, d, "alice")) },
		"base64": func(d wallet.Draft) []byte {
			return []byte(" " + base64.StdEncoding.EncodeToString(bytesOf(t, signedBy(t, d, "alice"))) + "\n")
		},
		"hex": func(d wallet.Draft) []byte { return []byte(hex.EncodeToString(bytesOf(t, signedBy(t, d, "alice")))) },
		"version 2": func(d wallet.Draft) []byte {
			p, err := signedBy(t, d, "alice").Convert(2)
			if err != nil {
				t.Fatal(err)
			}
			return bytesOf(t, p)
		},
	}
	for name, form := range forms {
		d := h.send(ref, stranger(1), 10_000, "")
		data := form(d)
		d, err := h.s.AddSignatures(ctx, ref, d.ID, data)
		if err != nil || d.Have != 1 || d.State != wallet.PartlySig || !d.Signers[0].Signed || d.Signers[1].Signed {
			t.Errorf("%s: %d signers, %s, %v", name, d.Have, d.State, err)
		}
		if again, err := h.s.AddSignatures(ctx, ref, d.ID, data); err != nil || again.Have != 1 {
			t.Errorf("%s again: %v", name, err)
		}
		if err := h.s.DeleteDraft(ctx, ref, d.ID); err != nil {
			t.Fatal(err)
		}
	}
	d := h.send(ref, stranger(1), 10_000, "")
	both, err := psbt.Combine(signedBy(t, d, "bob"), signedBy(t, d, "carol"))
	if err != nil {
		t.Fatal(err)
	}
	if err := both.Finalize(); err != nil {
		t.Fatal(err)
	}
	tx, err := both.Extract()
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range [][]byte{wallet.WriteTx(tx), []byte(hex.EncodeToString(wallet.WriteTx(tx)))} {
		d, err = h.s.AddSignatures(ctx, ref, d.ID, data)
		if err != nil || d.State != wallet.Complete || d.Have != 2 || d.Signers[0].Signed {
			t.Errorf("raw transaction: %d signers, %s, %v", d.Have, d.State, err)
		}
	}
	if _, err := h.s.Broadcast(ctx, ref, d.ID); err != nil {
		t.Error(err)
	}
}

func TestMutatedAnswersAreRefusedWithTheirReason(t *testing.T) {
	h, ref := funded(t, 100_000)
	ctx := context.Background()
	d := h.send(ref, stranger(1), 10_000, "")
	other, err := h.s.Preview(ctx, ref, request(stranger(2), 1)) // nothing left: all is held
	if err == nil {
		t.Fatalf("preview %+v", other)
	}
	for want, change := range map[psbt.Reason]func(p *psbt.Packet){
		psbt.ReasonAmountChanged:    func(p *psbt.Packet) { p.Outputs[0].Amount-- },
		psbt.ReasonOutputChanged:    func(p *psbt.Packet) { p.Outputs[0].Script = btc.WitnessScript(0, make([]byte, 20)) },
		psbt.ReasonOutputAdded:      func(p *psbt.Packet) { p.Outputs = append(p.Outputs, psbt.Output{Amount: 1, Script: []byte{0x6a}}) },
		psbt.ReasonLockTimeChanged:  func(p *psbt.Packet) { p.FallbackLockTime++ },
		psbt.ReasonOtherTransaction: func(p *psbt.Packet) { p.Inputs[0].PrevOut.Hash[0] ^= 1; p.Inputs[0].NonWitnessUTXO = nil },
		psbt.ReasonCoinAmountChanged: func(p *psbt.Packet) {
			p.Inputs[0].NonWitnessUTXO = nil
			p.Inputs[0].WitnessUTXO = &wire.TxOut{Value: 99, PkScript: p.Inputs[0].WitnessUTXO.PkScript}
		},
		psbt.ReasonInvalidSignature: func(p *psbt.Packet) { p.Inputs[0].PartialSigs[0].Signature[10] ^= 1 },
		psbt.ReasonForeignKey: func(p *psbt.Packet) {
			x := master("mallory")
			p.Inputs[0].PartialSigs[0].PubKey = x.PublicKey[:]
		},
	} {
		p := signedBy(t, d, "alice")
		change(p)
		_, err := h.s.AddSignatures(ctx, ref, d.ID, bytesOf(t, p))
		var refused *psbt.MergeError
		if !errors.As(err, &refused) || refused.Reason != want {
			t.Errorf("%s: %v", want, err)
		}
		wantKind(t, err, errs.Invalid, string(want))
	}
	for name, data := range map[string][]byte{"empty": nil, "blanks": []byte(" \n"), "cut off": d.PSBT[:len(d.PSBT)-9], "rubbish": []byte("hello"), "unsigned": d.PSBT} {
		_, err := h.s.AddSignatures(ctx, ref, d.ID, data)
		wantKind(t, err, errs.Invalid, name)
	}
	now, err := h.s.Draft(ctx, ref, d.ID)
	if err != nil || now.Have != 0 || !bytes.Equal(now.PSBT, d.PSBT) {
		t.Errorf("the draft has changed: %v", err)
	}
	_, err = h.s.Broadcast(ctx, ref, d.ID)
	wantKind(t, err, errs.Conflict, "broadcast without signatures")
	_, err = h.s.SignHot(ctx, ref, d.ID, 3, "wrong")
	wantKind(t, err, errs.Denied, "a wrong password")
}

func TestUnreadableDraftIsOneMarkedRow(t *testing.T) {
	h, ref := funded(t, 100_000, 100_000)
	ctx := context.Background()
	a, b := h.send(ref, stranger(1), 10_000, ""), h.send(ref, stranger(2), 10_000, "")
	h.raw(`UPDATE drafts SET psbt = x'00', recipients = '{' WHERE id = ?`, a.ID)
	list, err := h.s.Drafts(ctx, ref)
	if err != nil || len(list) != 2 || list[0].ID != b.ID || list[1].State != wallet.DraftBroken || list[1].Trouble == "" || list[0].State != wallet.Unsigned {
		t.Fatalf("drafts %+v, %v", list, err)
	}
	_, err = h.s.SignHot(ctx, ref, a.ID, 1, "")
	wantKind(t, err, errs.Unavailable, "signing a broken draft")
	if err := h.s.DeleteDraft(ctx, ref, a.ID); err != nil {
		t.Error(err)
	}
	h.check(ref)
}

func TestDraftWhoseCoinIsGoneSaysSo(t *testing.T) {
	h, ref := funded(t, 100_000)
	ctx := context.Background()
	d := h.sign(ref, h.send(ref, stranger(1), 10_000, ""), 1, 2)
	// The same keys in another program spend the coin first.
	p, err := psbt.Parse(d.PSBT)
	if err != nil {
		t.Fatal(err)
	}
	p.Outputs[0].Amount -= 500
	p.DropSignatures()
	for _, who := range people[:2] {
		m := master(who)
		if _, err := p.Sign(psbt.ExtendedKey(m, btc.KeyOrigin{Fingerprint: m.Fingerprint()})); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Finalize(); err != nil {
		t.Fatal(err)
	}
	tx, err := p.Extract()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.chain.Broadcast(ctx, tx); err != nil {
		t.Fatal(err)
	}
	h.sync(ref)
	if d, err = h.s.Draft(ctx, ref, d.ID); err != nil || d.Inputs[0].SpentBy == nil || *d.Inputs[0].SpentBy != tx.TxHash() {
		t.Errorf("the input is spent by %v, %v", d.Inputs[0].SpentBy, err)
	}
	_, err = h.s.Broadcast(ctx, ref, d.ID)
	wantKind(t, err, errs.Conflict, "broadcast of a dead draft")
}

func TestDraftThatSomebodyElseSentIsSeenAsBroadcast(t *testing.T) {
	h, ref := funded(t, 100_000)
	ctx := context.Background()
	d := h.sign(ref, h.send(ref, stranger(1), 10_000, ""), 1, 2)
	tx, err := psbt.ParseTx(d.Final)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.chain.Broadcast(ctx, tx); err != nil { // as if we had died before writing it down
		t.Fatal(err)
	}
	h.mine(1)
	h.sync(ref)
	if d, err = h.s.Draft(ctx, ref, d.ID); err != nil || d.State != wallet.Broadcast {
		t.Errorf("state %s, %v", d.State, err)
	}
	if _, err := h.s.Broadcast(ctx, ref, d.ID); err != nil {
		t.Errorf("broadcast after the block: %v", err)
	}
}

func TestImportedPSBTBecomesADraft(t *testing.T) {
	h, ref := funded(t, 100_000, 40_000)
	ctx := context.Background()
	d := h.send(ref, stranger(1), 90_000, "")
	signed := bytesOf(t, signedBy(t, d, "bob"))
	if same, err := h.s.ImportPSBT(ctx, ref, signed); err != nil || same.ID != d.ID || same.Have != 1 {
		t.Errorf("import of a draft that is here: %d, %d signers, %v", same.ID, same.Have, err)
	}
	if err := h.s.DeleteDraft(ctx, ref, d.ID); err != nil {
		t.Fatal(err)
	}
	got, err := h.s.ImportPSBT(ctx, ref, signed)
	if err != nil || got.Have != 1 || got.State != wallet.PartlySig || got.Fee != d.Fee || got.Change != d.Change || got.Recipients[0].Address != stranger(1) {
		t.Fatalf("imported %+v, %v", got, err)
	}
	if b := h.get(ref).Balance; b.Reserved == 0 {
		t.Error("an imported draft holds nothing")
	}
	ours := func(d wallet.Draft) string {
		i := slices.IndexFunc(d.Outputs, func(o wallet.TxOutput) bool { return o.Change })
		return d.Outputs[i].Address
	}
	next := h.send(ref, stranger(2), 10_000, "")
	if ours(next) == ours(got) {
		t.Errorf("the change address of an imported draft, %s, is used again", ours(got))
	}
	if err := h.s.DeleteDraft(ctx, ref, next.ID); err != nil {
		t.Fatal(err)
	}
	got = h.sign(ref, got, 1)
	if _, err := h.s.Broadcast(ctx, ref, got.ID); err != nil {
		t.Error(err)
	}
	h.check(ref)

	other := h.create("Other", "wpkh", 0, "bob").Ref()
	_, err = h.s.ImportPSBT(ctx, other, signed)
	wantKind(t, err, errs.Invalid, "a PSBT of another wallet")
	_, err = h.s.ImportPSBT(ctx, ref, []byte("cHNidA=="))
	wantKind(t, err, errs.Invalid, "a truncated PSBT")
}

func TestImportedPSBTWithABadSignatureOrAmountIsRefused(t *testing.T) {
	h, ref := funded(t, 100_000)
	ctx := context.Background()
	d := h.send(ref, stranger(1), 90_000, "")
	if err := h.s.DeleteDraft(ctx, ref, d.ID); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(p *psbt.Packet){
		"signature": func(p *psbt.Packet) { p.Inputs[0].PartialSigs[0].Signature[12] ^= 1 },
		"amount": func(p *psbt.Packet) {
			p.Inputs[0].NonWitnessUTXO = nil
			p.Inputs[0].WitnessUTXO = &wire.TxOut{Value: 1_000_000, PkScript: p.Inputs[0].WitnessUTXO.PkScript}
		},
		"outputs beyond the coins": func(p *psbt.Packet) { p.Outputs[0].Amount += 100_000; p.DropSignatures() },
	} {
		p := signedBy(t, d, "bob")
		change(p)
		_, err := h.s.ImportPSBT(ctx, ref, bytesOf(t, p))
		wantKind(t, err, errs.Invalid, name)
	}
	if list, err := h.s.Drafts(ctx, ref); err != nil || len(list) != 0 {
		t.Errorf("%d drafts, %v", len(list), err)
	}
}

func TestNotesAndRecipientLabels(t *testing.T) {
	h, ref := funded(t, 100_000)
	ctx := context.Background()
	q := request(stranger(1), 10_000)
	q.Recipients[0].Label, q.Note = "Rent for Ann", "november"
	d, err := h.s.NewDraft(ctx, ref, q)
	if err != nil || d.Note != "november" {
		t.Fatalf("note %q, %v", d.Note, err)
	}
	if err := h.s.SetNote(ctx, ref, d.ID, "december"); err != nil {
		t.Fatal(err)
	}
	d = h.sign(ref, d, 1, 2)
	if d.Note != "december" {
		t.Errorf("note %q", d.Note)
	}
	if _, err := h.s.Broadcast(ctx, ref, d.ID); err != nil {
		t.Fatal(err)
	}
	p := h.history(ref, wallet.Query{Search: "RENT"})
	if p.Total != 1 || p.Rows[0].Label != "Rent for Ann" {
		t.Errorf("history by the recipient's label: %+v", p.Rows)
	}
	wantKind(t, h.s.SetNote(ctx, ref, d.ID, strings.Repeat("x", 2000)), errs.Invalid, "a long note")
}
