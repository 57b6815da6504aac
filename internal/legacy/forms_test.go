package legacy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/legacy"
	"specter/internal/setting"
)

// The keys of the reference: single key and a cosigner of test networks, and one of mainnet.
const (
	tpub   = "tpubDC8msFGeGuwnKG9Upg7DM2b4DaRqg3CUZa5g8v2SRQ6K4NSkxUgd7HsL2XVWbVm39yBA4LAxysQAm397zwQSQoQgewGiYZqrA9DsP4zbQ1M"
	vpub   = "vpub5Y6cjg78GGuNLsaPhmYsiw4gYX3HoQiRBiSwDaBXKUafCt9bNwWQiitDk5VZ5BVxYnQdwoTyXSs2JHRPAgjAvtbBrf8ZhDYe2jWAqvZVnsc"
	tpub48 = "tpubDFH9dgzveyD8zTbPUFuLrGmCydNvxehyNdUXKJAQN8x4aZ4j6UZqGfnqFrD4NqyaTVGKbvEW54tsvPTK2UoSbCC1PJY8iCNiwTL3RWZEheQ"
	xpub   = "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8"
	a0     = "bcrt1q6rz28mcfaxtmd6v789l9rrlrusdprr9pz3cppk"
	a1     = "bcrt1qd7spv5q28348xl4myc8zmh983w5jx32cs707jh"
	salt   = "fiuUbFa1Y69UnbFklzGGNXkN1t2kDDES5htxsK6yBK0="
	hash   = "9gUsIgxxLVdWXnto9rUZNjWOmpsEyjRop3E01G/CrI4=" // of hunter22
	uid    = "9f3c01d2a4b5e678"
)

var key84 = "[73c5da0a/84h/1h/0h]" + tpub

// oldWallet is a wallet's file with the fields that it must have, and more.
func oldWallet(name, descriptor string, more map[string]any) string {
	o := map[string]any{"name": name, "address_type": "bech32", "keys": []any{}, "devices": []string{},
		"recv_descriptor": descriptor, "change_descriptor": strings.ReplaceAll(descriptor, "/0/*", "/1/*")}
	maps.Copy(o, more)
	b, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func oldDevice(name, kind string, keys ...map[string]any) string {
	b, err := json.Marshal(map[string]any{"name": name, "type": kind, "keys": keys})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// everything is a folder of the older forms: one word for the login, nodes without a class,
// tables without labels, two users with one wallet name, three chains.
func everything() map[string]string {
	single := "wpkh(" + key84 + "/0/*)"
	other := "wpkh([73c5da0a/48h/1h/0h/2h]" + tpub48 + "/0/*)"
	password := fmt.Sprintf(`{"salt": %q, "pwdhash": %q}`, salt, hash)
	return map[string]string{
		"config.json": `{"auth": "usernamepassword", "uid": "` + uid + `", "unit": "sat", "active_node_alias": "default", "hwi_bridge_url": "/hwi/api/",
			"only_tor": true, "proxy_url": "socks5h://localhost:9050", "explorers": {"main": "https://mempool.space/", "regtest": "http://explorer.local:3000"},
			"explorer_id": {"main": "MEMPOOL_SPACE"}, "rpc": {"autodetect": false, "host": "10.0.0.5", "port": "8332", "user": "joe", "password": "secret", "protocol": "http"},
			"fee_estimator": "mempool", "price_check": true, "price_provider": "spotbit_bitstamp_eur", "autohide_sensitive_info_timeout_minutes": "20"}`,
		"users.json": `[{"id": "admin", "username": "Alice", "password": ` + password + `, "is_admin": true},
			{"id": "ann", "username": "Ann", "password": ` + password + `, "is_admin": false, "jwt_tokens": null, "encrypted_user_secret": {"token": "gAAAA", "salt": "AAEC", "iterations": 390000}, "config": {"unit": "sat"}},
			{"id": "bob_builder", "username": "Bob Builder", "password": {"salt": "x", "pwdhash": "??"}, "is_admin": false}]`,
		"otps.json":                       `{"new_user_otps": [{"otp": "kQ3kQ3kQ3kQ3kQ3kQ3kQ3g", "created_at": 1700000000.1, "expiry": 0}, {"otp": "aaaaaaaaaaaaaaaaaaaaaA", "created_at": 1700000000.1, "expiry": 1700003600.1}]}`,
		"hwi_bridge_config.json":          `{"whitelisted_domains": "http://127.0.0.1:25441/\nhttps://box.local/\n", "bitbox02_pairing_code": ""}`,
		"nodes/plain.json":                `{"name": "Plain", "alias": "whatever", "user": "u", "password": "p", "port": 18443, "host": "192.168.1.20", "protocol": "http", "external_node": true}`,
		"nodes/managed.json":              `{"python_class": "cryptoadvance.specter.node.InternalNode", "name": "Managed", "host": "localhost", "port": 38332, "bitcoind_network": "signet", "user": "bitcoin", "password": "p"}`,
		"nodes/spectrum_node.json":        `{"python_class": "cryptoadvance.specterext.spectrum.spectrum_node.SpectrumNode", "name": "Spectrum Node", "alias": "spectrum_node", "host": "electrum.emzy.de", "port": 50002, "ssl": true}`,
		"nodes/strange.json":              `{"python_class": "somebody.Strange", "name": "Strange", "host": "h"}`,
		"devices/cold.json":               oldDevice("Cold", "coldcard", map[string]any{"original": vpub, "fingerprint": "73c5da0a", "derivation": "m/84h/1h/0h", "type": "wpkh", "purpose": "#0 Single Sig (Segwit)", "xpub": tpub}),
		"devices/core.json":               oldDevice("Core hot", "bitcoincore", map[string]any{"original": tpub48, "fingerprint": "73c5da0a", "derivation": "m/48h/1h/0h/2h"}),
		"devices_ann/cold.json":           oldDevice("Cold", "ledger", map[string]any{"original": "[73c5da0a/84h/1h/0h]" + tpub}),
		"wallets/regtest/family.json":     oldWallet("Family", single, map[string]any{"address_index": 1, "devices": []string{"cold"}, "frozen_utxo": []string{"3a2ecf464ab4c61b0d2cc74388085cdaddd14b763dc6060ec624a83eae7fc417:0", "nonsense"}}),
		"wallets/regtest/family_addr.csv": "address,index,change,used\r\n" + a0 + ",0,False,True\r\n" + a1 + ",1,False,\r\n",
		"wallets_ann/regtest/family.json": oldWallet("Family", other, nil),
		"wallets/main/savings.json":       oldWallet("Savings", "wpkh("+xpub+"/0/*)", map[string]any{"blockheight": 799899}),
		"wallets/signet/savings.json":     oldWallet("Savings", single, nil),
		"wallets/liquidv1/assets.json":    `{"name": "Assets", "recv_descriptor": "blinded(slip77(L1),wpkh(x))", "change_descriptor": "y"}`,
		"wallets/family_swan.json":        `{"addrs": {"` + a0 + `": {"autowithdraw": true}}, "txs": {}}`,
		"Ann_services.json":               `{"swan": "gAAAAA", "encrypted_storage_version": 1}`,
		"onion.txt":                       "http.onion\n",
		".tor_service_key":                "ED25519-V3:" + strings.Repeat("A", 86) + "==",
	}
}

func TestOlderFormsComeOver(t *testing.T) {
	ctx := context.Background()
	h := newHouse(t)
	old := folder(t, everything())
	r := h.take(old, legacy.Options{})
	for _, want := range []struct {
		kind, name string
		is         legacy.Outcome
	}{
		{"owner", "Alice", legacy.Taken}, {"user", "Ann", legacy.Taken}, {"user", "Bob Builder", legacy.Taken},
		{"node", "Bitcoin Core", legacy.Taken}, {"node", "Plain", legacy.Taken}, {"node", "Managed", legacy.Taken},
		{"device", "Cold", legacy.Taken}, {"device", "Core hot", legacy.Taken},
		{"wallet", "Family", legacy.Taken}, {"wallet", "Savings", legacy.Taken},
		{"other", "Spectrum connection Spectrum Node", legacy.Stored}, {"other", "connection of the kind Strange Strange", legacy.Stored},
		{"other", "Liquid wallet assets", legacy.Stored}, {"other", "notes of a service on a wallet family_swan", legacy.Stored},
		{"other", "services of a user Ann", legacy.Stored}, {"other", "key of a user's services Ann", legacy.Stored},
		{"link", "registration link 1", legacy.Taken}, {"link", "registration link 2", legacy.LeftOut},
		{"program", "whitelist of the bridge", legacy.Taken}, {"program", "key of the onion service", legacy.Taken},
		{"program", "outside services over Tor alone", legacy.Taken}, {"settings", "Alice", legacy.Taken}, {"settings", "Ann", legacy.Taken},
	} {
		if got := outcome(r, want.kind, want.name); got != want.is {
			t.Errorf("%s %s is %q, want %q", want.kind, want.name, got, want.is)
		}
	}
	if !told(r, "users.json", "Bob Builder") || !told(r, "wallets/regtest/family.json", "1 frozen coin") {
		t.Errorf("problems are %v", r.Problems)
	}
	checkOldUsers(t, h)
	checkOldWallets(t, h)
	n, err := h.nodes.Get(ctx, "managed")
	if err != nil || n.Network != btc.Signet {
		t.Errorf("the managed node is %+v, %v", n, err)
	}
	if n, err := h.nodes.Active(ctx); err != nil || n.Host != "10.0.0.5" || n.Password.Reveal() != "secret" || n.Network != btc.Mainnet {
		t.Errorf("the node of the oldest form is %+v, %v", n, err)
	}
	if again := changed(h.take(old, legacy.Options{})); len(again) != 1 { // the link that has expired
		t.Errorf("a second time changed %v", again)
	}
}

func checkOldUsers(t *testing.T, h *house) {
	ctx := context.Background()
	if m := h.auth.Settings().Method; m != auth.MethodUsers {
		t.Errorf("the login is %q", m)
	}
	for _, name := range []string{"alice", "ANN"} {
		for range 2 { // the first time upgrades the hash
			if _, _, err := h.auth.Login(ctx, auth.Login{Name: name, Password: "hunter22", Client: "127.0.0.1"}); err != nil {
				t.Errorf("%s cannot log in: %v", name, err)
			}
		}
	}
	row, err := h.db.UserByKey(ctx, "alice")
	if err != nil || !strings.HasPrefix(row.Hash, "$argon2id$") {
		t.Errorf("the old hash stays: %.20s, %v", row.Hash, err)
	}
	if _, err := h.auth.Invited(ctx, "kQ3kQ3kQ3kQ3kQ3kQ3kQ3g"); err != nil {
		t.Errorf("the old link: %v", err)
	}
	if _, err := h.auth.Register(ctx, auth.Registration{Secret: "kQ3kQ3kQ3kQ3kQ3kQ3kQ3g", Name: "carol", Password: "correct horse", Client: "127.0.0.1"}); err != nil {
		t.Errorf("the old link lets nobody in: %v", err)
	}
	u, err := h.settings.User(ctx, auth.OwnerID)
	if err != nil || u.Unit != "sat" || u.Rates.Fees != "mempool" || u.Rates.Price != "bitstamp" || u.Rates.Currency != "EUR" || u.HideAfter != 20 ||
		u.Explorers[btc.Mainnet].Kind != setting.ExplorerMempool || u.Explorers[btc.Regtest].URL != "http://explorer.local:3000" {
		t.Errorf("the owner's settings are %+v, %v", u, err)
	}
	if p, err := h.settings.Program(ctx); err != nil || p.Outside || p.Proxy != "localhost:9050" || !p.ProxyOnly {
		t.Errorf("the program's settings are %+v, %v", p, err)
	}
	if v, err := h.db.Setting(ctx, "", legacy.SettingWhitelist); err != nil || v != "http://127.0.0.1:25441/\nhttps://box.local/" {
		t.Errorf("the whitelist is %q, %v", v, err)
	}
}

func checkOldWallets(t *testing.T, h *house) {
	ctx := context.Background()
	family := h.list(auth.OwnerID, btc.Regtest)
	ann, err := h.auth.UserByName(ctx, "ann")
	if err != nil {
		t.Fatal(err)
	}
	anns := h.list(ann.ID, btc.Regtest)
	if len(family) != 1 || len(anns) != 1 || family[0].Alias != "family" || anns[0].Alias != "family" ||
		family[0].NodeName != "specter"+uid+"/family" || anns[0].NodeName != "specter"+uid+"/family_2" {
		t.Fatalf("the families are %+v and %+v", family, anns)
	}
	if family[0].Next[0] != 2 || family[0].Used[0] != 0 {
		t.Errorf("handed out are %v, used %v", family[0].Next, family[0].Used)
	}
	if family[0].Cosigners[0].DeviceAlias != "" { // no Devices func in this house
		t.Errorf("the cosigner is %+v", family[0].Cosigners[0])
	}
	if _, frozen, err := h.wallets.Words(ctx, family[0].Ref()); err != nil || len(frozen) != 1 {
		t.Errorf("a coin that is not known yet is not frozen: %v %v", frozen, err)
	}
	if list := h.list(auth.OwnerID, btc.Signet); len(list) != 1 || list[0].NodeName != "specter"+uid+"/savings" {
		t.Errorf("on signet there are %+v", list)
	}
	main := h.list(auth.OwnerID, btc.Mainnet)
	if len(main) != 1 || main[0].Birthday.After(time.Unix(1690000000, 0)) || main[0].Birthday.Before(time.Unix(1600000000, 0)) {
		t.Errorf("on mainnet there are %+v", main)
	}
	d, err := h.devices.Get(ctx, auth.OwnerID, "cold")
	if err != nil || d.Keys[0].Original != vpub || d.Keys[0].XPub != tpub || d.Keys[0].Purpose != "#0 Single Sig (Segwit)" {
		t.Errorf("the device is %+v, %v", d, err)
	}
	if d, err := h.devices.Get(ctx, ann.ID, "cold"); err != nil || d.Type != "ledger" {
		t.Errorf("ann's device is %+v, %v", d, err)
	}
}

// Files that a crash cut off give way to their copies, one line each; the rest comes in.
func TestDamagedFilesGiveWayToTheirCopies(t *testing.T) {
	files := everything()
	for _, name := range []string{"config.json", "users.json", "nodes/plain.json", "devices/cold.json", "wallets/regtest/family.json"} {
		files[name+".bkp"] = files[name]
		files[name] = files[name][:len(files[name])/2]
	}
	delete(files, "wallets/signet/savings.json")
	files["wallets/signet/savings.json.bkp"] = oldWallet("Savings", "wpkh("+key84+"/0/*)", nil)
	files["wallets/main/savings.json"] = "{"         // no copy
	files["devices_ann/cold.json"] = "\x00\x01\xff{" // no copy
	files["nodes/managed.json"] = ""
	h := newHouse(t)
	r := h.take(folder(t, files), legacy.Options{})
	for _, name := range []string{"config.json", "users.json", "nodes/plain.json", "devices/cold.json", "wallets/regtest/family.json", "wallets/signet/savings.json"} {
		if !told(r, name, "its copy") {
			t.Errorf("%s: nothing is told of its copy in %v", name, r.Problems)
		}
	}
	for _, name := range []string{"wallets/main/savings.json", "devices_ann/cold.json", "nodes/managed.json"} {
		if !told(r, name, "left out") {
			t.Errorf("%s: nothing is told in %v", name, r.Problems)
		}
	}
	if len(h.list(auth.OwnerID, btc.Regtest)) != 1 || len(h.list(auth.OwnerID, btc.Signet)) != 1 || len(h.list(auth.OwnerID, btc.Mainnet)) != 0 {
		t.Error("the wallets are not those that can be read")
	}
	if _, _, err := h.auth.Login(context.Background(), auth.Login{Name: "Ann", Password: "hunter22", Client: "127.0.0.1"}); err != nil {
		t.Errorf("ann cannot log in: %v", err)
	}
}

// The factory password opens no login that others could reach.
func TestFactoryPasswordOpensNoLogin(t *testing.T) {
	ctx := context.Background()
	factory := `[{"id": "admin", "username": "admin", "is_admin": true, "password": {"salt": "BJayXXm1XsiZoabHbTEVF2wJCaHW3Of2ZHaYIeluVlA=", "pwdhash": "GxjlwecrAyjuji0edwAt/9UD3LZRikqGXlpdQL0tWXo="}}]`
	h := newHouse(t)
	r := h.take(folder(t, map[string]string{"config.json": `{"auth": {"method": "passwordonly"}}`, "users.json": factory}), legacy.Options{})
	if outcome(r, "owner", "admin") != legacy.LeftOut {
		t.Errorf("it said %v", r.Lines)
	}
	if _, needed, _ := h.auth.SetupLink(ctx); !needed {
		t.Error("the first start counts as finished")
	}
	h = newHouse(t)
	h.take(folder(t, map[string]string{"config.json": `{"auth": {"method": "none"}}`, "users.json": factory}), legacy.Options{})
	owner := auth.Identity{}
	owner.User, _ = h.auth.User(ctx, auth.OwnerID)
	s := h.auth.Settings()
	s.Method = auth.MethodPassword
	if err := h.auth.SetSettings(ctx, owner, s, ""); err == nil || !strings.Contains(err.Error(), "factory password") {
		t.Errorf("a login was opened with the factory password: %v", err)
	}
	if err := h.auth.SetPassword(ctx, auth.OwnerID, "something else"); err != nil {
		t.Fatal(err)
	}
	if err := h.auth.SetSettings(ctx, owner, s, ""); err != nil {
		t.Errorf("with another password: %v", err)
	}
}

// Tokens go on under the key that signed them, for the user whose they are.
func TestTokensGoOn(t *testing.T) {
	ctx := context.Background()
	const good = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VybmFtZSI6ImFkbWluIiwiand0X3Rva2VuX2lkIjoiMGI3YzFkNWUtNmY3MC00YTgxLTliMzItNGM1ZDZlN2Y4MDkxIiwiand0X3Rva2VuX2Rlc2NyaXB0aW9uIjoid2F0Y2h0b3dlciIsImV4cCI6NDEwMjQ0NDgwMCwiaWF0IjoxNzAwMDAwMDAwfQ.iL_1gjSkwLNWG0uXLht4mtEUug4PZFOkXQv1X74ajMU"
	record := fmt.Sprintf(`"jwt_tokens": {"0b7c1d5e-6f70-4a81-9b32-4c5d6e7f8091": {"jwt_token": %q, "jwt_token_description": "watchtower", "jwt_token_life": 187200.5}}`, good)
	password := fmt.Sprintf(`"password": {"salt": %q, "pwdhash": %q}`, salt, hash)
	files := map[string]string{"config.json": `{"auth": {"method": "passwordonly"}, "uid": "` + uid + `"}`,
		"users.json": `[{"id": "admin", "username": "admin", "is_admin": true, ` + password + `, ` + record + `}, {"id": "ann", "username": "ann", "is_admin": false, ` + password + `, ` + record + `}]`}
	old := folder(t, files)
	h := newHouse(t)
	if r := h.take(old, legacy.Options{}); outcome(r, "token", "1 API token") != legacy.LeftOut {
		t.Errorf("without the key: %v", r.Lines)
	}
	if r := h.take(old, legacy.Options{SecretKey: []byte("another key")}); outcome(r, "token", "watchtower") != legacy.LeftOut {
		t.Errorf("under another key: %v", r.Lines)
	}
	if _, err := h.auth.Bearer(ctx, good); err == nil {
		t.Error("a token that was not taken opens")
	}
	h.take(old, legacy.Options{SecretKey: []byte("test key")})
	who, err := h.auth.Bearer(ctx, good)
	if err != nil || who.User.ID != auth.OwnerID {
		t.Fatalf("it is %+v, %v", who, err)
	}
	if ann, err := h.auth.UserByName(ctx, "ann"); err != nil {
		t.Error(err)
	} else if list, err := h.auth.Tokens(ctx, ann.ID); err != nil || len(list) > 0 {
		t.Errorf("a token in another user's record was taken: %v %v", list, err)
	}
	again, err := auth.New(ctx, auth.Config{Store: h.db, Forget: func(context.Context, string) error { return nil }, Hash: auth.HashParams{Memory: 64, Passes: 1, Lanes: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Bearer(ctx, good); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	if err := h.auth.DeleteToken(ctx, auth.OwnerID, who.Token.ID); err != nil {
		t.Fatal(err)
	}
	h.take(old, legacy.Options{SecretKey: []byte("test key")})
	if _, err := h.auth.Bearer(ctx, good); err == nil {
		t.Error("a token that was deleted here came back")
	}
}

// A single file, and the backup's zip, tell what they are.
func TestSingleFiles(t *testing.T) {
	files := everything()
	dir := folder(t, files)
	for name, want := range map[string]func(h *house) bool{
		"wallets/regtest/family.json": func(h *house) bool {
			list := h.list(auth.OwnerID, btc.Regtest)
			return len(list) == 1 && list[0].Name == "Family" && list[0].Used[0] == 0 && list[0].Cosigners[0].DeviceName == "cold"
		},
		"wallets/main/savings.json": func(h *house) bool { return len(h.list(auth.OwnerID, btc.Mainnet)) == 1 },
		"devices/cold.json": func(h *house) bool {
			d, err := h.devices.Get(context.Background(), auth.OwnerID, "cold")
			return err == nil && len(d.Keys) == 1
		},
		"nodes/plain.json": func(h *house) bool { _, err := h.nodes.Get(context.Background(), "plain"); return err == nil },
		"users.json":       func(h *house) bool { _, err := h.auth.UserByName(context.Background(), "ann"); return err == nil },
	} {
		h := newHouse(t)
		if r := h.take(dir+"/"+name, legacy.Options{}); !want(h) {
			t.Errorf("%s: %v %v", name, r.Lines, r.Problems)
		}
	}
	for _, name := range []string{"wallets/family_swan.json", "onion.txt", "missing.json"} {
		if r, err := newHouse(t).try(dir+"/"+name, legacy.Options{}); err == nil {
			t.Errorf("%s was taken: %v", name, r.Lines)
		}
	}
	if _, err := newHouse(t).try(t.TempDir(), legacy.Options{}); err == nil || !strings.Contains(err.Error(), "nothing of an old Specter") {
		t.Errorf("an empty folder: %v", err)
	}
}

// A member does not become the owner by having the owner's name.
func TestMemberWithTheOwnersNameStaysMember(t *testing.T) {
	ctx := context.Background()
	h := newHouse(t)
	if err := h.auth.SetOwner(ctx, "Ann", "correct horse"); err != nil {
		t.Fatal(err)
	}
	old := folder(t, everything())
	h.take(old, legacy.Options{})
	ann, err := h.auth.UserByName(ctx, "ann (member)")
	if err != nil || ann.Owner() {
		t.Fatalf("she is %+v, %v", ann, err)
	}
	if len(h.list(ann.ID, btc.Regtest)) != 1 || len(h.list(auth.OwnerID, btc.Regtest)) != 1 {
		t.Error("her wallets went elsewhere")
	}
	if u, err := h.auth.User(ctx, auth.OwnerID); err != nil || u.Name != "Ann" {
		t.Errorf("the owner is %+v, %v", u, err)
	}
	if again := changed(h.take(old, legacy.Options{})); len(again) != 1 { // the link that has expired
		t.Errorf("a second time changed %v", again)
	}
}
