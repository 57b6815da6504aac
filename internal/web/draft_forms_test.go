package web_test

import (
	"net/url"
	"strings"
	"testing"
)

const draft = "/wallets/family_vault/drafts/7"

func TestADraftIsSignedAndSent(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	a := c.get(draft).want(200).says("signed", "1 of 2").says("fee", "0.00001000").says("change", "Change")
	if len(a.all("sign")) != 1 || len(a.all("signer")) != 3 || len(a.all("broadcast")) != 0 {
		t.Fatalf("%d ways to sign, %d signers, %d ways to send", len(a.all("sign")), len(a.all("signer")), len(a.all("broadcast")))
	}
	c.post(draft+"/broadcast", nil).want(422).says("error", "Signatures are missing")
	c.post(draft+"/sign", url.Values{"device": {"3"}, "password": {"wrong"}}).want(403).says("error", "password is wrong")
	c.post(draft+"/sign", url.Values{"device": {"3"}, "password": {"right"}}).want(200).says("flash", "2 of 2").says("draft-state", "Ready to send")
	sent := c.post(draft+"/broadcast", nil).want(200).says("flash", "Sent")
	if want := "/wallets/family_vault/tx/" + hashOf(1).String(); sent.path != want {
		t.Errorf("leads to %s, want %s", sent.path, want)
	}
	if a := c.get(draft).want(200); len(a.all("broadcast")) != 0 || len(a.all("signed-psbt")) != 0 {
		t.Error("a sent draft offers to be signed or sent")
	}
}

func TestSignaturesComeByPasteAndFile(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	a := c.post(draft+"/signatures", url.Values{"psbt": {"another transaction"}}).want(422).says("error", "for another transaction")
	if got := a.fields(draft + "/signatures").Get("psbt"); got != "another transaction" {
		t.Errorf("what was pasted comes back as %q", got)
	}
	c.post(draft+"/signatures", url.Values{"psbt": {" "}}).want(422).says("error", "Paste the signed PSBT")
	c.upload(draft+"/signatures", "file", map[string]string{"a.psbt": "good", "b.psbt": "good"}).want(200).says("flash", "Signature accepted: 2 of 2")
	c.upload(draft+"/signatures", "file", map[string]string{"a.psbt": "good", "b.psbt": "bad"}).want(422)
}

func TestFilesAreHandedOut(t *testing.T) {
	c := open(t, newHouse(""))
	a := c.get(draft + "/psbt").want(200)
	if !strings.HasPrefix(a.body, "psbt\xff") || !strings.Contains(a.header.Get("Content-Disposition"), `filename="binary_`+hashOf(1).String()+`.psbt"`) {
		t.Errorf("the PSBT comes as %.20q, %s", a.body, a.header.Get("Content-Disposition"))
	}
	if a := c.get(draft + "/psbt?format=base64").want(200); !strings.HasPrefix(a.body, "cHNidP8B") {
		t.Errorf("as text: %.20q", a.body)
	}
	if a := c.get("/wallets/family_vault/export/descriptor").want(200); !strings.HasPrefix(a.body, "wsh(") {
		t.Errorf("the descriptor comes as %q", a.body)
	}
	c.get("/wallets/family_vault/export/abacus").want(422)
	c.post(draft+"/note", url.Values{"note": {"new note"}}).want(200).says("flash", "Note saved")
	c.post(draft+"/delete", nil).want(200).says("flash", "coins are free")
	c.get(draft).want(404)
}
