package app

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/chromedp/chromedp/kb"

	"specter/internal/auth"
	"specter/internal/setting"
	"specter/internal/signer"
	"specter/internal/signer/bitbox02/bitbox02test"
	"specter/internal/signer/codec1/codec1test"
	"specter/internal/signer/coldcard/coldcardtest"
	"specter/internal/signer/jade/jadetest"
	"specter/internal/signer/signertest"
	"specter/internal/signer/trezor/trezortest"
	"specter/internal/wallet"
)

// single is a house on the demo chain with one device's single key wallet and coins in it.
func single(t *testing.T, d *desk, others ...*desk) (*house, *tab) {
	t.Helper()
	ctx := context.Background()
	h := owned(t, Config{Demo: &Demo{}, ports: simulators(t, append([]*desk{d}, others...)...)})
	key := signertest.Account(t, d.device.Master, signertest.AccountPath(t, "wpkh"))
	parsed, err := h.devices.ParseKeys([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.devices.Create(ctx, demoOwner, "Mine", d.kind, parsed.Keys); err != nil {
		t.Fatal(err)
	}
	rec, err := h.wallets.Create(ctx, demoOwner, walletRef("").Network, wallet.NewWallet{Name: "Purse", ScriptType: "wpkh", Keys: []string{key}})
	if err != nil {
		t.Fatal(err)
	}
	a, err := h.wallets.NewAddress(ctx, rec.Ref())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.chain.Faucet(a.Address, 100_000_000); err != nil {
		t.Fatal(err)
	}
	mine(t, h)
	eventually(t, "the coins", func() (bool, string) {
		h.sync(rec.Ref())
		r := h.record(rec.Ref())
		return r.Balance.Available() == 100_000_000, fmt.Sprint(r.Balance)
	})
	b := openTab(t, h.URL(), 1280, 900)
	b.login()
	return h, b
}

// draft makes a payment and opens its page.
func (h *house) draft(b *tab, alias string) {
	h.t.Helper()
	d, err := h.wallets.NewDraft(context.Background(), walletRef(alias), wallet.SpendRequest{FeeRate: 2_000, Recipients: []wallet.Recipient{{Address: strangers, Amount: btcutil.Amount(12_345_678)}}})
	if err != nil {
		h.t.Fatal(err)
	}
	b.visit(fmt.Sprintf("/wallets/%s/drafts/%d", alias, d.ID))
}

// trouble waits for the dialog's words about what went wrong.
func (b *tab) trouble(word, says string) {
	b.t.Helper()
	b.dialog("trouble")
	b.until("the words for "+word, `document.querySelector("#usb [data-screen=trouble] [data-say=`+word+`]").offsetParent && document.querySelector("#usb [data-screen=trouble]").innerText.includes(`+quote(says)+`)`)
}

// A person refuses, changes their mind, pulls the cable out while it asks, and signs in the end:
// each time the dialog says what happened and goes on.
func TestRefusedUnpluggedAndSignedInTheEnd(t *testing.T) {
	d := trezorDesk(t)
	asked := make(chan string, 100)
	refuse, away := true, false
	d.device.Person.Decide = func(s signertest.Screen) signertest.Decision {
		asked <- s.Kind
		return signertest.Decision{Approve: !refuse, Away: away}
	}
	h, b := single(t, d)
	h.draft(b, "purse")
	b.usb("[data-test=usb-sign]")
	b.trouble("declined", "refused on the device")
	b.shot("usb-refused")

	for len(asked) > 0 {
		<-asked
	}
	refuse, away = false, true
	b.answer("[data-test=usb-retry]")
	<-asked
	b.dialog("confirm")
	b.until("what the device must show", `document.querySelector("[data-test=usb-shows]").innerText.replace(/\s/g, "").includes("0.12345678") && document.querySelector("[data-test=usb-shows]").innerText.replace(/\s/g, "").includes(`+quote(strangers)+`)`)
	b.shot("usb-confirm")
	d.pull()
	b.trouble("gone", "unplugged")
	away = false
	b.answer("[data-test=usb-retry]")
	b.dialog("detect")
	b.until("help after a while", `document.querySelector("[data-test=usb-slow] a").offsetParent`)
	b.shot("usb-slow")
	d.plug()
	b.newPage("the signed draft")
	b.sees("Signature accepted: 1 of 1")
	b.submit("[data-test=broadcast]")
	mine(t, h)
	eventually(t, "the payment confirms", func() (bool, string) {
		h.sync(walletRef("purse"))
		r := h.record(walletRef("purse"))
		return r.Balance.Pending == 0 && r.Balance.Confirmed < 90_000_000, fmt.Sprint(r.Balance)
	})
}

// Closing the dialog tells the device to stop asking, and the focus is where it was.
func TestEscapeCancelsAtTheDevice(t *testing.T) {
	d := trezorDesk(t)
	asked, left := make(chan bool, 10), make(chan bool, 10)
	inner := d.serve
	d.serve = func(ctx context.Context, c signer.Conn, dev signertest.Device) error {
		defer func() { left <- true }()
		return inner(ctx, c, dev)
	}
	d.device.Person.Decide = func(signertest.Screen) signertest.Decision {
		asked <- true
		return signertest.Decision{Away: true}
	}
	h, b := single(t, d)
	h.draft(b, "purse")
	b.tabTo("[data-test=usb-sign]")
	b.press(kb.Enter)
	<-asked
	b.dialog("confirm")
	for len(left) > 0 {
		<-left
	}
	b.press(kb.Escape)
	b.until("the dialog is closed", `!document.getElementById("usb").open && document.activeElement.matches("[data-test=usb-sign]")`)
	<-left // the call has ended at the device's end too
}

// A Trezor One asks for its PIN by places: a wrong one is said, keys do, digits are never shown.
func TestThePINMatrixByKeyboardAlone(t *testing.T) {
	model := trezortest.One()
	model.State = &codec1test.State{}
	d := plugIn(t, "trezor", 64, trezortest.ServeAs(model), signertest.Master(t, signertest.Abandon, "desk"))
	d.device.PIN = "1234"
	h, b := single(t, d)
	h.draft(b, "purse")
	b.tabTo("[data-test=usb-sign]")
	b.run("mark the page", `window.old = true`)
	b.press(kb.Enter)
	b.dialog("pin")
	b.press("1", "1", "1", kb.Backspace, kb.Enter)
	b.until("a wrong PIN is said", `document.querySelector("[data-test=usb-wrong-pin]").offsetParent && document.getElementById("usb").dataset.at === "pin"`)
	b.shot("usb-pin")
	for _, place := range codec1test.Places("1234") {
		b.press(string(place))
	}
	b.until("four places, and no digit", `(t => t.includes("4 places") && !/[0-35-9]/.test(t))(document.querySelector("[data-test=usb-places]").textContent)`)
	b.press(kb.Enter)
	b.newPage("the signed draft")
	b.sees("Signature accepted: 1 of 1")
}

// Of two devices of a kind the person says which; one that is not the wanted is named.
func TestSeveralDevicesAndTheWrongOne(t *testing.T) {
	d := trezorDesk(t)
	other := plugIn(t, "trezor", 64, trezortest.Serve, signertest.Master(t, signertest.Zoo, "desk"))
	h, b := single(t, d, other)
	b.visit("/new-device/trezor")
	b.set("#name", "Second")
	b.usb("[data-test=usb-keys]")
	b.dialog("choose")
	b.until("both are listed", `[`+quote(d.device.Master.Fingerprint().String())+`, `+quote(other.device.Master.Fingerprint().String())+`].every(f => document.querySelector("[data-usb-list]").innerText.includes(f))`)
	b.shot("usb-choose")
	b.tabTo("#usb [data-device='1']")
	b.press(kb.Enter)
	b.newPage("its keys")
	b.sees(other.device.Master.Fingerprint().String())

	d.pull()
	h.draft(b, "purse")
	b.usb("[data-test=usb-sign]")
	b.dialog("wrong")
	b.until("both are named", `document.querySelector("[data-test=usb-is]").textContent.includes(`+quote(other.device.Master.Fingerprint().String())+`) && document.querySelector("[data-usb-wants]").textContent.includes(`+quote(d.device.Master.Fingerprint().String())+`)`)
	b.shot("usb-wrong")
	other.pull()
	d.plug()
	b.answer("[data-test=usb-again]")
	b.newPage("the signed draft")
	b.sees("Signature accepted: 1 of 1")
}

// A device that lies about an address, and one that signs something else, are caught in words.
func TestLyingDevicesAreCaughtInWords(t *testing.T) {
	d := trezorDesk(t)
	d.device.Lie = signertest.Lie{Address: true}
	h, b := single(t, d)
	b.visit("/wallets/purse/receive")
	b.usb("[data-test=usb-show]")
	b.trouble("lie", "Do not use this device")
	b.shot("usb-lie")
	d.device.Lie = signertest.Lie{Signature: true}
	h.draft(b, "purse")
	b.usb("[data-test=usb-sign]")
	b.trouble("lie", "Do not use this device")
	if list, err := h.wallets.Drafts(context.Background(), walletRef("purse")); err != nil || len(list) != 1 || list[0].Have != 0 {
		t.Errorf("a false signature was taken: %v, %v", list, err)
	}
}

// A message is signed by cable and verified; a pairing code and a Coldcard's question are shown.
func TestMessagesPairingAndTheQuestionOfAColdcard(t *testing.T) {
	d := trezorDesk(t)
	box := plugIn(t, "bitbox02", 64, bitbox02test.Serve, signertest.Master(t, signertest.Legal, "desk"))
	card := plugIn(t, "coldcard", 64, coldcardtest.Serve, signertest.Master(t, signertest.Alcohol, "desk"))
	jade := plugIn(t, "jade", 0, jadetest.Serve, signertest.Master(t, signertest.Zoo, "desk"))
	pairing := make(chan bool)
	box.device.Person.Decide = func(s signertest.Screen) signertest.Decision {
		if s.Kind == signertest.ShowPairing {
			<-pairing
		}
		return signertest.Decision{Approve: true}
	}
	_, b := single(t, d, box, card, jade)
	b.visit("/devices/mine/message?wallet=purse")
	b.set("#message", "Grüße from the desk")
	b.submit("[data-test=ask]")
	b.usb("[data-test=usb-message]")
	b.newPage("the verified message")
	b.sees("The signature is good")
	if !d.device.Person.Saw(signertest.ShowMessage, "from the desk") {
		t.Error("the device did not show the message")
	}

	b.visit("/new-device/bitbox02")
	b.usb("[data-test=usb-keys]")
	b.dialog("pairing")
	b.until("a code", `document.querySelector("[data-test=usb-code]").textContent.trim().length > 10`)
	b.shot("usb-pairing")
	close(pairing)
	b.newPage("its keys")
	b.sees("Understood so far")

	b.visit("/new-device/coldcard")
	b.usb("[data-test=usb-keys]")
	b.dialog("question")
	b.shot("usb-question")
	b.answer("[data-test=usb-really]")
	b.newPage("its keys")
	b.sees("Understood so far")

	b.visit("/new-device/jade")
	b.set("#usb-path", "m/48h/1h/7h/2h")
	b.usb("[data-test=usb-keys]")
	b.newPage("its key")
	b.sees("m/48h/1h/7h/2h")

	b.visit("/devices/mine")
	b.usb("[data-test=usb-toggle]")
	b.dialog("done")
	b.sees("Unplug the device")
}

// The open dialog is for everybody, on every screen, at both widths, dark and light.
func TestTheOpenDialogIsForEverybody(t *testing.T) {
	script := axeScript(t)
	d := trezorDesk(t)
	h, b := single(t, d)
	b.early(script)
	h.draft(b, "purse")
	b.run("open the dialog", `document.getElementById("usb-title").textContent = "Sign with Mine"; document.getElementById("usb").showModal()`)
	for _, screen := range []string{"question", "detect", "choose", "pin", "passphrase", "talk", "unlock", "typed", "pairing", "confirm", "wrong", "trouble", "done"} {
		b.put(screen)
		b.judge("the dialog at " + screen)
		for _, width := range []int64{1280, 390} {
			b.look(width, map[int64]string{1280: "dark", 390: "light"}[width])
			b.settle()
			b.shot(fmt.Sprintf("usb-screen-%s-%d", screen, width))
		}
	}
}

// put puts a screen up by hand, with something in it.
func (b *tab) put(screen string) {
	b.t.Helper()
	b.run("show "+screen, `for (const s of document.querySelectorAll("#usb [data-screen]")) s.hidden = s.dataset.screen !== `+quote(screen)+`;
		document.querySelector("[data-usb-code]").textContent = "ABCDE FGHIJ\nKLMNO PQRST";
		document.querySelector("[data-usb-is]").textContent = "trezor_t 73c5da0a";
		document.querySelector("[data-usb-shows]").replaceChildren(document.getElementById("usb-payment").content.cloneNode(true));
		for (const p of document.querySelectorAll("#usb [data-screen=trouble] [data-say]")) p.hidden = p.dataset.say !== "gone";
		document.querySelector("[data-usb-bad]").hidden = false`)
}

// A bridge on the desk, asked by the browser itself: kept out in words until it lets the page in,
// then the address is compared; and a PIN's places, a signature, go the same way.
func TestTheBridgeOfTheOwnComputer(t *testing.T) {
	d := trezorDesk(t)
	away, b := single(t, d)
	local := owned(t, Config{BridgeOnly: true, ports: simulators(t, d)})
	local.allow("https://specter.example/")
	if _, err := away.settings.ChangeUser(t.Context(), auth.OwnerID, func(u *setting.User) error { u.Bridge = local.URL(); return nil }); err != nil {
		t.Fatal(err)
	}
	b.visit("/wallets/purse/receive")
	b.usb("[data-test=usb-show]")
	b.trouble("list", strings.TrimSuffix(away.URL(), "/"))
	local.allow(away.URL())
	b.answer("[data-test=usb-retry]")
	b.dialog("done")
	b.answer("[data-test=usb-close]")
	away.draft(b, "purse")
	b.usb("[data-test=usb-sign]")
	b.newPage("the signed draft")
	b.sees("Signature accepted: 1 of 1")
	local.stop()
	b.visit("/wallets/purse/receive")
	b.usb("[data-test=usb-show]")
	b.trouble("off", "Nothing answers at this address")
}

// The words of the dialog are German where the person reads German.
func TestTheDialogSpeaksGerman(t *testing.T) {
	d := trezorDesk(t)
	h, b := single(t, d)
	if _, err := h.settings.ChangeUser(t.Context(), auth.OwnerID, func(u *setting.User) error { u.Language = "de"; return nil }); err != nil {
		t.Fatal(err)
	}
	d.device.Person.Decide = func(signertest.Screen) signertest.Decision { return signertest.Decision{} }
	h.draft(b, "purse")
	b.usb("[data-test=usb-sign]")
	b.trouble("declined", "Am Gerät wurde abgelehnt")
}
