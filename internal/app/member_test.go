package app

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/device"
	"specter/internal/signer/hot"
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
	agent    auth.Agent
	jwt      string
	device   device.Device
	ref      wallet.Ref
	address  string
	txid     string
	coin     string // outpoint of what was paid
	draft    wallet.Draft
	words    string
	signed   []byte // the draft's PSBT with the member's signature
}

// nobodys is an address of no wallet here.
const nobodys = "bcrt1q6rz28mcfaxtmd6v789l9rrlrusdprr9pz3cppk"

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
	coins, err := h.wallets.Coins(ctx, m.ref, wallet.Query{Size: 10})
	check(err)
	m.coin = coins.Rows[0].OutPoint.String()
	m.words = words
	h.newDraft(&m)
	h.newToken(&m)
	m.agent, _ = h.newAgent(m.user, name+" desk")
	m.browser, m.session = h.logIn(m.user, m.password)
	return m
}

// newDraft makes a payment on its way, and what the member's device would answer to it.
func (h *house) newDraft(m *member) {
	h.t.Helper()
	ctx := context.Background()
	d, err := h.wallets.NewDraft(ctx, m.ref, wallet.SpendRequest{FeeRate: btc.SatPerVB(2), Recipients: []wallet.Recipient{{Address: nobodys, Amount: 1_000_000, Label: m.user.Name + " payee"}}})
	if err == nil {
		err = h.wallets.SetNote(ctx, m.ref, d.ID, m.user.Name+" note")
	}
	if err != nil {
		h.t.Fatal(err)
	}
	m.draft, m.signed = d, h.signedBy(m.words, d.PSBT)
}

// newToken makes a token with all of the member's rights.
func (h *house) newToken(m *member) {
	h.t.Helper()
	var err error
	m.token, m.jwt, err = h.auth.NewToken(context.Background(), auth.Identity{User: m.user}, auth.TokenRequest{Description: m.user.Name + " token", Life: time.Hour})
	if err != nil {
		h.t.Fatal(err)
	}
}

// signedBy signs a PSBT as a device would, away from the house.
func (h *house) signedBy(words string, raw []byte) []byte {
	h.t.Helper()
	sealed, err := hot.Seal(words, "", "")
	if err != nil {
		h.t.Fatal(err)
	}
	keys, err := hot.Open(sealed, "")
	if err != nil {
		h.t.Fatal(err)
	}
	p, err := psbt.Parse(raw)
	if err != nil {
		h.t.Fatal(err)
	}
	if n, err := keys.Sign(p); err != nil || n == 0 {
		h.t.Fatalf("%d signatures, %v", n, err)
	}
	out, err := p.Serialize()
	if err != nil {
		h.t.Fatal(err)
	}
	return out
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

// tells reports which of the member's names a text holds; "" for none. What was asked for by
// its name may be repeated.
func (m member) tells(text, asked string) string {
	text, asked = strings.ToLower(text), strings.ToLower(asked)
	name := strings.ToLower(m.user.Name)
	for _, word := range []string{name + " device", name + " wallet", name + " label", name + " payee", name + " note", name + " token", name + "_wallet", name + "_device", m.address, m.txid} {
		if word = strings.ToLower(word); strings.Contains(text, word) && !strings.Contains(asked, word) {
			return word
		}
	}
	return ""
}

func TestTellsKnowsTheNames(t *testing.T) {
	m := member{user: auth.User{Name: "Alice"}, address: "bcrt1x", txid: "00ff"}
	if m.tells("<b>Alice wallet</b>", "") == "" || m.tells("alice_wallet ALICE LABEL", "/wallets/alice_wallet") != "alice label" || m.tells("alice", "") != "" {
		t.Error("the test's own eyes are bad")
	}
}
