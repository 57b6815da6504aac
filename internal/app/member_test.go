package app

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/device"
	"specter/internal/wallet"
)

// member is a user of a demo with one of everything. All names begin with the member's, so that
// a page that shows them to somebody else gives itself away.
type member struct {
	user     auth.User
	password string
	browser  visitor // logged in
	session  auth.Session
	token    auth.Token
	jwt      string
	device   device.Device
	ref      wallet.Ref
	address  string
	txid     string
	draft    wallet.Draft
}

// member adds a user with a device, a wallet that was paid, a label, a draft and a token.
func (h *house) member(name, words string) member {
	h.t.Helper()
	ctx := context.Background()
	check := func(err error) {
		h.t.Helper()
		if err != nil {
			h.t.Fatal(err)
		}
	}
	admin, err := h.auth.User(ctx, auth.OwnerID)
	check(err)
	m := member{password: "correct horse battery " + name}
	m.user, err = h.auth.AddUser(ctx, auth.Identity{User: admin}, name, m.password)
	check(err)
	m.device, err = h.devices.CreateHot(ctx, m.user.ID, name+" device", device.Seed{Words: words, Network: btc.Regtest})
	check(err)
	key := m.device.KeysFor(btc.Regtest, "wpkh")[0].Expression()
	w, err := h.wallets.Create(ctx, wallet.Owner(m.user.ID), btc.Regtest, wallet.NewWallet{Name: name + " wallet", ScriptType: "wpkh", Keys: []string{key}})
	check(err)
	m.ref = w.Ref()
	address, err := h.wallets.NewAddress(ctx, m.ref)
	check(err)
	m.address = address.Address
	check(h.wallets.SetLabel(ctx, m.ref, wallet.LabelAddress, m.address, name+" label"))
	tx, err := h.chain.Faucet(m.address, 10_000_000)
	check(err)
	m.txid = tx.TxHash().String()
	mine(h.t, h)
	h.sync(m.ref)
	m.draft, err = h.wallets.NewDraft(ctx, m.ref, wallet.SpendRequest{FeeRate: btc.SatPerVB(2),
		Recipients: []wallet.Recipient{{Address: "bcrt1q6rz28mcfaxtmd6v789l9rrlrusdprr9pz3cppk", Amount: 1_000_000, Label: name + " payee"}}})
	check(err)
	check(h.wallets.SetNote(ctx, m.ref, m.draft.ID, name+" note"))
	m.token, m.jwt, err = h.auth.NewToken(ctx, auth.Identity{User: m.user}, auth.TokenRequest{Description: name + " token", Life: time.Hour})
	check(err)
	m.browser, m.session = h.logIn(m.user, m.password)
	return m
}

// logIn logs a user in by the page.
func (h *house) logIn(u auth.User, password string) (visitor, auth.Session) {
	h.t.Helper()
	v := newVisitor(h.t)
	if status, _, body := v.post(h.URL()+"auth/login", url.Values{"username": {u.Name}, "password": {password}}); status != 303 {
		h.t.Fatalf("the login of %s answers %d %s", u.Name, status, body)
	}
	list, err := h.auth.Sessions(context.Background(), u.ID)
	if err != nil || len(list) == 0 {
		h.t.Fatalf("%s has %d sessions, %v", u.Name, len(list), err)
	}
	return v, list[0]
}

// tells reports which of the member's names a text holds; "" for none.
func (m member) tells(text string) string {
	text = strings.ToLower(text)
	name := strings.ToLower(m.user.Name)
	for _, word := range []string{name + " device", name + " wallet", name + " label", name + " payee", name + " note", name + " token", name + "_wallet", name + "_device", m.address, m.txid} {
		if strings.Contains(text, strings.ToLower(word)) {
			return word
		}
	}
	return ""
}

func TestTellsKnowsTheNames(t *testing.T) {
	m := member{user: auth.User{Name: "Alice"}, address: "bcrt1x", txid: "00ff"}
	if m.tells("<b>Alice wallet</b>") == "" || m.tells("/wallets/alice_wallet") == "" || m.tells("alice") != "" {
		t.Error("the test's own eyes are bad")
	}
}
