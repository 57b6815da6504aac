package app

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/chain/core/coretest"
	"specter/internal/signer/bitbox02/bitbox02test"
	"specter/internal/signer/ledger/ledgertest"
	"specter/internal/signer/signertest"
	"specter/internal/signer/trezor/trezortest"
)

// usb presses a button that begins a dialog with a device.
func (b *tab) usb(selector string) {
	b.t.Helper()
	b.until("the button "+selector, `document.documentElement.dataset.usbReady && document.querySelector(`+quote(selector)+`)`)
	b.run("press "+selector, `window.old = true; document.querySelector(`+quote(selector)+`).click()`)
}

// dialog waits until the dialog is at a screen.
func (b *tab) dialog(screen string) {
	b.t.Helper()
	b.until("the dialog at "+screen, `document.getElementById("usb").open && document.getElementById("usb").dataset.at === `+quote(screen))
}

// newPage waits for the page that a dialog leads to.
func (b *tab) newPage(what string) {
	b.t.Helper()
	b.until(what, `!window.old && document.readyState === "complete" && document.querySelector("main")`)
}

// answer presses something in the dialog.
func (b *tab) answer(selector string) {
	b.t.Helper()
	b.until("in the dialog "+selector, `document.querySelector(`+quote("#usb "+selector)+`)?.offsetParent`)
	b.run("press "+selector, `document.querySelector(`+quote("#usb "+selector)+`).click()`)
}

// addDevice makes a device of the keys that it gives by cable.
func (b *tab) addDevice(kind, name string) {
	b.t.Helper()
	b.visit("/new-device/" + kind)
	b.set("#name", name)
	b.usb("[data-test=usb-keys]")
	if kind == "coldcard" {
		b.answer("[data-test=usb-really]")
	}
	b.newPage("the keys of " + name)
	b.sees("Understood so far")
	b.submit("[data-test=save]")
	b.sees("is added")
}

// login goes in as the owner.
func (b *tab) login() {
	b.t.Helper()
	b.visit("/auth/login")
	b.set("[name=username]", "admin")
	b.set("[name=password]", "correct horse battery")
	b.submit("main form button")
}

// policies counts how often a person was shown a wallet to approve.
func policies(p *signertest.Person) int {
	times := 0
	for _, s := range p.Seen() {
		if s.Kind == signertest.ShowPolicy && strings.Contains(s.Text, "multi") {
			times++
		}
	}
	return times
}

// pairedBox, ledgerDesk and trezorDesk are devices with keys of their own.
func trezorDesk(t *testing.T) *desk {
	return plugIn(t, "trezor", 64, trezortest.Serve, signertest.Master(t, signertest.Abandon, "desk"))
}

func ledgerDesk(t *testing.T) *desk {
	return plugIn(t, "ledger", 0, ledgertest.Serve, signertest.Master(t, signertest.Zoo, "desk"))
}

func boxDesk(t *testing.T) *desk {
	return plugIn(t, "bitbox02", 64, bitbox02test.Serve, signertest.Master(t, signertest.Legal, "desk"))
}

// Three families sign for one 2-of-3 on a real node, all by cable and in the browser: their keys
// make the wallet, its address is shown on each of them, two payments go out, and nobody approves
// the wallet twice.
func TestThreeFamiliesByCableInABrowser(t *testing.T) {
	n := coretest.Start(t, coretest.Options{})
	all := []*desk{trezorDesk(t), ledgerDesk(t), boxDesk(t)}
	h := owned(t, Config{ports: simulators(t, all...)})
	h.connect(n)
	b := openTab(t, h.URL(), 1280, 1000)
	b.login()
	for i, name := range []string{"Tina", "Lena", "Bea"} {
		b.addDevice(all[i].kind, name)
	}
	b.visit("/new-wallet/multisig")
	for _, device := range []string{"tina", "lena", "bea"} {
		b.set("input[name=device][value="+device+"]", "")
	}
	b.submit("main form .buttons button.primary")
	b.set("#name", "Vault")
	b.submit("[data-test=check]")
	b.submit("[data-test=create-wallet]")
	ref := walletRef("vault")

	b.visit("/wallets/vault/receive")
	address := b.words(`document.querySelector("[data-test=address]").dataset.address`)
	for i, d := range all {
		b.usb(fmt.Sprintf("#usb-%s", d.device.Master.Fingerprint()))
		b.dialog("done")
		b.until("a match", `document.querySelector("#usb [data-word=match]").offsetParent && !document.querySelector("#usb [data-usb-bad]").offsetParent`)
		if !d.device.Person.Saw(signertest.ShowAddress, "") {
			t.Errorf("%s showed no address", d.kind)
		}
		b.shot(fmt.Sprintf("usb-match-%d", i))
		b.answer("[data-test=usb-close]")
	}
	n.Send(address, "1.5")
	n.Mine(1)
	eventually(t, "the coins", func() (bool, string) {
		h.sync(ref)
		r := h.record(ref)
		return r.Balance.Confirmed == 150_000_000, fmt.Sprint(r.Balance)
	})
	for i, signers := range [][]int{{0, 1}, {1, 2}} {
		b.visit("/wallets/vault/send")
		b.set("input[name=address]", n.NewAddress())
		b.set("input[name=amount]", "0.25")
		b.set("#fee-manual", "")
		b.set("[data-test=feerate]", "3")
		b.submit("[data-test=create]")
		for have, s := range signers {
			b.usb(fmt.Sprintf("#usb-%s", all[s].device.Master.Fingerprint()))
			b.newPage("the draft with a signature")
			b.sees(fmt.Sprintf("Signature accepted: %d of 2", have+1))
			if !all[s].device.Person.Saw(signertest.ShowOutput, "25000000") {
				t.Errorf("%s did not show the payment: %v", all[s].kind, all[s].device.Person.Seen())
			}
		}
		b.submit("[data-test=broadcast]")
		n.Mine(1)
		eventually(t, "the payment confirms", func() (bool, string) {
			h.sync(ref)
			r := h.record(ref)
			return r.Balance.Pending == 0 && r.Balance.Confirmed < btcutil.Amount(150_000_000-25_000_000*(i+1)), fmt.Sprint(r.Balance, r.SyncError)
		})
	}
	for _, d := range all[1:] {
		if times := policies(d.device.Person); times != 1 {
			t.Errorf("%s asked %d times for one wallet: %v", d.kind, times, d.device.Person.Seen())
		}
	}
	list, err := h.wallets.Registrations(context.Background(), ref)
	if err != nil || len(list) != 2 {
		t.Errorf("kept with the wallet: %+v, %v", list, err)
	}
	b.visit("/wallets/vault/register")
	b.sees("knows this wallet as Vault")
	b.shot("usb-register")
	// What the wallet keeps is enough: with the bridge's own notes gone the Ledger still asks nothing.
	h.memory.mu.Lock()
	for key := range h.memory.all {
		if strings.HasPrefix(key, "bridge/") || strings.HasPrefix(key, "ledger/") {
			delete(h.memory.all, key)
		}
	}
	h.memory.mu.Unlock()
	b.visit("/wallets/vault/receive")
	b.usb(fmt.Sprintf("#usb-%s", all[1].device.Master.Fingerprint()))
	b.dialog("done")
	if times := policies(all[1].device.Person); times != 1 {
		t.Errorf("the Ledger was asked again although the wallet keeps its proof")
	}
}
