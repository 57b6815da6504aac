package web_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"

	"specter/internal/airgap"
	"specter/internal/btc"
	"specter/internal/btc/message"
	"specter/internal/wallet"
)

// watch reads all codes of a page with another program's reader and joins them.
func (c *client) watch(path string) airgap.Payload {
	c.t.Helper()
	var s airgap.Scanner
	for total, from := 1, 0; from < total; {
		f := c.film(path + "&frames=" + itoa(from))
		total = f.Total
		for i := range f.Frames {
			if err := s.Add(f.look(c.t, i)); err != nil {
				c.t.Fatalf("%s: %v", path, err)
			}
		}
		from += len(f.Frames)
	}
	p, ok := s.Payload()
	if !ok {
		c.t.Fatalf("%s: the codes give nothing", path)
	}
	return p
}

func TestEachDeviceIsToldOfTheWallet(t *testing.T) {
	h := newHouse("")
	h.wallets[0].Name = "Vault"
	c := open(t, h)
	for typ, want := range map[string]struct {
		format airgap.Format
		says   string
	}{
		"cobo": {airgap.FormatURLegacy, "Format: P2WSH\n"}, "coldcard": {airgap.FormatBBQr, "Policy: 2 of 2\n"}, "jade": {airgap.FormatUR, "Sorted: True\n"},
		"keystone": {airgap.FormatUR, "Derivation: m/48'/1'/0'/2'\n"}, "passport": {airgap.FormatUR, "73C5DA0A: tpub"}, "krux": {airgap.FormatSpecter, "wsh(sortedmulti(2,"},
		"seedsigner": {airgap.FormatSpecter, "/<0;1>/*"}, "specter": {airgap.FormatSpecter, "addwallet Vault&wsh(sortedmulti(2,[73c5da0a/48h/1h/0h/2h]tpub"}, "other": {airgap.FormatSpecter, "wsh("},
	} {
		path := "/wallets/family_vault/register?type=" + typ
		p := c.watch(path + "&density=200")
		if p.Kind != airgap.KindText || p.Format != want.format || !strings.Contains(p.Text(), want.says) {
			t.Errorf("%s gets %s: %s", typ, p.Format, p.Text())
		}
		file := c.get(path + "&file=yes").want(200)
		if strings.TrimSuffix(file.body, "\n") != strings.TrimSuffix(p.Text(), "\n") || !strings.HasPrefix(file.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: the file differs from the codes: %s", typ, file.body)
		}
		c.get(path).want(200)
		back, err := wallet.New(wallet.Config{}).ReadFile(p.Data, btc.Regtest)
		if err != nil || !strings.HasPrefix(back.Descriptor, "wsh(sortedmulti(2,[73c5da0a/48h/1h/0h/2h]") {
			t.Errorf("%s: comes back as %s: %v", typ, back.Descriptor, err)
		}
	}
	c.get("/wallets/family_vault/register?type=trezor").says("error", "not told of wallets")
	c.get("/wallets/savings/register?type=keystone").says("error", "knows its own")
}

func TestWalletsGoToOtherProgramsAsCodes(t *testing.T) {
	c := open(t, newHouse(""))
	for as, kind := range map[string]airgap.Kind{"account-map": airgap.KindText, "descriptor": airgap.KindText, "output": airgap.KindDescriptors, "bbqr": airgap.KindText, "bsms": airgap.KindText, "coldcard": airgap.KindText} {
		p := c.watch("/wallets/family_vault/codes?as=" + as)
		text, err := p.FieldText()
		if as == "output" { // the house's own descriptor has one key without an origin
			if p.Kind != kind || !strings.Contains(text, testXPub) {
				t.Errorf("%s: %s %s", as, p.Kind, text)
			}
			continue
		}
		back, e := wallet.New(wallet.Config{}).ReadFile([]byte(text), btc.Regtest)
		if err != nil || e != nil || p.Kind != kind || !strings.HasPrefix(back.Descriptor, "wsh(sortedmulti(2,[73c5da0a/48h/1h/0h/2h]") {
			t.Errorf("%s as %s: %s %v %v", as, p.Kind, back.Descriptor, err, e)
		}
	}
}

func TestAddressesAreCheckedByCode(t *testing.T) {
	c := open(t, newHouse(""))
	a := c.get("/wallets/family_vault/receive").want(200)
	check := attr(a.all("check-address")[0], "href")
	if got := c.get(check).want(200).one("check-text"); !strings.HasPrefix(got, "bitcoin:"+testAddress+"?index=") {
		t.Errorf("the code says %q", got)
	}
}

func TestMessagesAreSignedByDevicesAndVerified(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	const page = "/devices/cold_a/message"
	form := url.Values{"wallet": {"savings"}, "address": {testAddress}, "message": {"I own this"}, "action": {"ask"}}
	path := strings.Fields(c.post(page, form).want(200).one("request"))[1]
	c.post(page, form).says("request", "signmessage "+path+" ascii:I own this")
	odd := url.Values{"wallet": {"savings"}, "address": {testAddress}, "message": {"zwei\r\nZeilen ü"}, "action": {"ask"}}
	c.post(page, odd).want(200).says("request", "signmessage "+path+" base64:"+base64.StdEncoding.EncodeToString([]byte("zwei\nZeilen ü")))

	one := make([]byte, 32)
	one[31] = 1 // the address is the generator's own
	key, _ := btcec.PrivKeyFromBytes(one)
	sig, err := message.Sign(key, testAddress, btc.Regtest, "I own this", "")
	if err != nil {
		t.Fatal(err)
	}
	form.Set("action", "verify")
	for _, answer := range []string{sig, " " + sig + "\n", "-----BEGIN BITCOIN SIGNED MESSAGE-----\nI own this\n-----BEGIN BITCOIN SIGNATURE-----\n" + testAddress + "\n" + sig + "\n-----END BITCOIN SIGNATURE-----\n"} {
		form.Set("signature", answer)
		a := c.post(page, form).want(200).says("verified", "good")
		// what is given to somebody verifies by itself
		c.post("/verify-message", url.Values{"signature": {raw(a.all("armored")[0])}}).want(200).says("verified", "good")
	}
	form.Set("signature", "-----BEGIN BITCOIN SIGNED MESSAGE-----\nI own that\n-----BEGIN BITCOIN SIGNATURE-----\n"+testAddress+"\n"+sig+"\n-----END BITCOIN SIGNATURE-----\n")
	c.post(page, form).want(422).says("error", "another message")
	form.Set("signature", sig)
	form.Set("message", "I own that")
	if a := c.post(page, form).want(422); a.one("verified") != "" || a.one("error") == "" {
		t.Error("a signature of another message passes")
	}
	form.Set("address", "bcrt1q6rz28mcfaxtmd6v789l9rrlrusdprr9pz3cppk")
	c.post(page, form).want(422).says("error", "Choose an address")
	form.Set("signature", "")
	c.post("/verify-message", form).want(422)
	form = url.Values{"wallet": {"savings"}, "address": {testAddress}, "message": {"for the card"}, "action": {"file"}}
	if a := c.post(page, form).want(200); a.body != "for the card\n"+strings.ReplaceAll(path, "h", "'")+"\np2wpkh\n" {
		t.Errorf("the file is %q", a.body)
	}
	form.Set("message", strings.Repeat("x", 1001))
	c.post(page, form).want(422)
}
