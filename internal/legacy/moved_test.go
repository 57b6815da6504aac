package legacy_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/chain"
	"specter/internal/legacy"
	"specter/internal/node"
	"specter/internal/setting"
	"specter/internal/wallet"
)

// What was found by using the old program, version 2.1.11, by hand, and moving over.

// Two devices of one seed, a spare one or a software key beside a signing device, stay two, and a
// wallet stays with the one that the old program named, there and back.
func TestDevicesOfOneSeedStayTwo(t *testing.T) {
	ctx := context.Background()
	key := map[string]any{"original": key84, "fingerprint": "73c5da0a", "derivation": "m/84h/1h/0h", "type": "wpkh", "xpub": tpub}
	old := folder(t, map[string]string{
		"config.json":                `{"uid": "` + uid + `"}`,
		"devices/passport.json":      oldDevice("Passport", "passport", key),
		"devices/spare_seed.json":    oldDevice("Spare seed", "seedsigner", key),
		"wallets/regtest/funds.json": oldWallet("Funds", "wpkh("+key84+"/0/*)", map[string]any{"keys": []any{key}, "devices": []string{"spare_seed"}}),
	})
	h := newHouse(t)
	h.take(old, legacy.Options{})
	if again := changed(h.take(old, legacy.Options{})); len(again) > 0 {
		t.Errorf("a second time changed %v", again)
	}
	list, err := h.devices.List(ctx, auth.OwnerID)
	if err != nil || len(list) != 2 || list[0].Type == list[1].Type {
		t.Fatalf("devices are %+v, %v", list, err)
	}
	dir, _, _ := h.back(legacy.BackOptions{})
	for _, name := range []string{"passport", "spare_seed"} {
		was, is := readJSON(t, filepath.Join(old, "devices", name+".json")).(map[string]any), readJSON(t, filepath.Join(dir, "devices", name+".json")).(map[string]any)
		if was["name"] != is["name"] || was["type"] != is["type"] || len(is["keys"].([]any)) != 1 {
			t.Errorf("%s was %v and is %v", name, was, is)
		}
	}
	w := readJSON(t, filepath.Join(dir, "wallets", "regtest", "funds.json")).(map[string]any)
	if d := w["devices"].([]any); len(d) != 1 || d[0] != "spare_seed" {
		t.Errorf("the wallet's devices are %v", d)
	}
}

// Where a signer answered with a signed transaction, the old program kept that beside a PSBT
// without a signature. It counts here, and the way back tells the old program of it.
func TestSignedTransactionBesideAPaymentCounts(t *testing.T) {
	ctx := context.Background()
	old := unpack(t, filepath.Join(samples(t), "specter-sample-a.tar.gz"))
	file := filepath.Join(old, "wallets", "regtest", "savings.json")
	w := readJSON(t, file).(map[string]any)
	var raw string
	for _, v := range w["pending_psbts"].(map[string]any) {
		p, err := psbt.Decode(v.(map[string]any)["base64"].(string))
		if err != nil {
			t.Fatal(err)
		}
		if p, err = psbt.Decode(sign(t, p)); err != nil {
			t.Fatal(err)
		}
		if err := p.Finalize(); err != nil {
			t.Fatal(err)
		}
		tx, err := p.Extract()
		if err != nil {
			t.Fatal(err)
		}
		raw = hex.EncodeToString(psbt.SerializeTx(tx))
		v.(map[string]any)["raw"] = raw
	}
	b, err := json.Marshal(w)
	if err == nil {
		err = os.WriteFile(file, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t)
	h.take(old, legacy.Options{})
	drafts, err := h.wallets.Drafts(ctx, wallet.Ref{Owner: auth.OwnerID, Network: btc.Regtest, Alias: "savings"})
	if err != nil || len(drafts) != 1 || drafts[0].State != wallet.Complete {
		t.Fatalf("drafts are %+v, %v", drafts, err)
	}
	dir, _, _ := h.back(legacy.BackOptions{})
	for id, v := range readJSON(t, filepath.Join(dir, "wallets", "regtest", "savings.json")).(map[string]any)["pending_psbts"].(map[string]any) {
		if v.(map[string]any)["raw"] != raw {
			t.Errorf("%s went back with the transaction %v", id, v.(map[string]any)["raw"])
		}
	}
}

// A transaction that is another one, or whose signature is not valid, adds nothing to a payment.
func TestForeignTransactionBesideAPaymentAddsNothing(t *testing.T) {
	old := unpack(t, filepath.Join(samples(t), "specter-sample-a.tar.gz"))
	file := filepath.Join(old, "wallets", "regtest", "savings.json")
	w := readJSON(t, file).(map[string]any)
	for _, v := range w["pending_psbts"].(map[string]any) {
		v.(map[string]any)["raw"] = "0200000000010100000000000000000000000000000000000000000000000000000000000000000000000000fdffffff0101000000000000000151010151000000"
	}
	b, err := json.Marshal(w)
	if err == nil {
		err = os.WriteFile(file, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t)
	h.take(old, legacy.Options{})
	drafts, err := h.wallets.Drafts(context.Background(), wallet.Ref{Owner: auth.OwnerID, Network: btc.Regtest, Alias: "savings"})
	if err != nil || len(drafts) != 1 || drafts[0].State != wallet.Unsigned {
		t.Fatalf("drafts are %+v, %v", drafts, err)
	}
}

// When everybody is logged out comes over, "never" too, and goes back; an explorer that means
// nothing here (one of mainnet, chosen on regtest) stands there again.
func TestLogoutAndForeignExplorersComeAndGoBack(t *testing.T) {
	ctx := context.Background()
	user := func(id, config string) string {
		return `{"id": "` + id + `", "username": "` + id + `", "is_admin": ` + strconv.FormatBool(id == "admin") + `, "password": {"salt": "` + salt + `", "pwdhash": "` + hash + `"}, "config": ` + config + `}`
	}
	explorers := `"explorers": {"main": "", "test": "", "regtest": "https://mempool.space/", "signet": ""}, "explorer_id": {"main": "CUSTOM", "test": "CUSTOM", "regtest": "MEMPOOL_SPACE", "signet": "CUSTOM"}`
	old := folder(t, map[string]string{
		"config.json": `{"auth": {"method": "usernamepassword"}, "uid": "` + uid + `", "autologout_timeout_hours": 2}`,
		"users.json":  "[" + user("admin", "{}") + "," + user("ann", `{"autologout_timeout_hours": null, `+explorers+`}`) + "," + user("bob", `{"autologout_timeout_hours": 12}`) + "]",
	})
	h := newHouse(t)
	h.take(old, legacy.Options{})
	users, err := h.auth.Users(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"admin": 120, "ann": 0, "bob": 720}
	for _, u := range users {
		if got, err := h.settings.LogoutAfter(ctx, u.ID); err != nil || got != want[u.Name] {
			t.Errorf("%s is logged out after %d minutes, %v", u.Name, got, err)
		}
	}
	if again := changed(h.take(old, legacy.Options{})); len(again) > 0 {
		t.Errorf("a second time changed %v", again)
	}
	dir, _, _ := h.back(legacy.BackOptions{})
	if v := readJSON(t, filepath.Join(dir, "config.json")).(map[string]any)["autologout_timeout_hours"]; v != 2.0 {
		t.Errorf("the owner's went back as %v", v)
	}
	for _, u := range readJSON(t, filepath.Join(dir, "users.json")).([]any) {
		c, _ := u.(map[string]any)["config"].(map[string]any)
		switch u.(map[string]any)["username"] {
		case "ann":
			if v, told := c["autologout_timeout_hours"]; !told || v != nil {
				t.Errorf("ann's went back as %v", v)
			}
			if e := c["explorers"].(map[string]any)["regtest"]; e != "https://mempool.space/" {
				t.Errorf("ann's explorer went back as %v", e)
			}
		case "bob":
			if c["autologout_timeout_hours"] != 12.0 {
				t.Errorf("bob's went back as %v", c["autologout_timeout_hours"])
			}
		}
	}
}

// Where nobody logs in the old program wrote "never" by itself: that is no choice.
func TestNeverLoggedOutIsNoChoiceWhereNobodyLogsIn(t *testing.T) {
	old := folder(t, map[string]string{"config.json": `{"auth": {"method": "none"}, "uid": "` + uid + `", "autologout_timeout_hours": null}`})
	h := newHouse(t)
	h.take(old, legacy.Options{})
	if got, err := h.settings.LogoutAfter(context.Background(), auth.OwnerID); err != nil || got != setting.DefaultLogoutAfter {
		t.Errorf("the owner is logged out after %d minutes, %v", got, err)
	}
}

// Names like "Off & away" got aliases with two underscores there. They stay, as scripts and
// bookmarks name them.
func TestAliasesOfTheOldProgramStay(t *testing.T) {
	ctx := context.Background()
	key := map[string]any{"original": key84, "fingerprint": "73c5da0a", "derivation": "m/84h/1h/0h", "type": "wpkh", "xpub": tpub}
	old := folder(t, map[string]string{
		"config.json":                    `{"uid": "` + uid + `"}`,
		"nodes/off__away.json":           `{"python_class": "cryptoadvance.specter.node.Node", "name": "Off & away", "host": "10.1.2.3", "port": 8332, "user": "u", "password": "p", "protocol": "http"}`,
		"devices/kalt__küche.json":       oldDevice("Kalt & Küche", "passport", key),
		"wallets/regtest/nah__weit.json": oldWallet("Nah & weit", "wpkh("+key84+"/0/*)", map[string]any{"keys": []any{key}, "devices": []string{"kalt__küche"}}),
	})
	h := newHouse(t)
	h.take(old, legacy.Options{})
	nodes, err := h.nodes.List(ctx)
	if err != nil || len(nodes) != 1 || nodes[0].Alias != "off__away" {
		t.Errorf("nodes are %+v, %v", nodes, err)
	}
	devices, err := h.devices.List(ctx, auth.OwnerID)
	if err != nil || len(devices) != 1 || devices[0].Alias != "kalt__küche" {
		t.Errorf("devices are %+v, %v", devices, err)
	}
	if list := h.list(auth.OwnerID, btc.Regtest); len(list) != 1 || list[0].Alias != "nah__weit" || list[0].NodeName != "specter"+uid+"/nah__weit" {
		t.Errorf("wallets are %+v", list)
	}
}

// Version 0.3 wrote multi(…) and sorted the keys of every address all the same, named devices
// instead of their aliases, and one of its own where there was one key. The address that stands in
// the file tells how the keys are ordered; multi(…) that is meant stays.
func TestOldestMultisigKeepsItsAddresses(t *testing.T) {
	// Two keys of the reference, in the order that sorting turns round in the first address.
	const a, b = "[73c5da0a/48h/1h/0h/2h]" + tpub48, "[3f635a63/48h/1h/0h/2h]tpubDFPtPArj4GzBEFHohegg1Xatrc1Fi9oSox5LzuSRX91miwQxuUrEpBxpvDRsmZYJKYFhgdK3UStsjC8JKXfUbMinjFqiEM4uNwzVaCaHpys"
	first := func(text string) string {
		t.Helper()
		d, err := descriptor.Parse(text, descriptor.Options{})
		if err != nil {
			t.Fatal(err)
		}
		out, err := d.Derive(0)
		if err != nil {
			t.Fatal(err)
		}
		address, _ := out.Address(btc.Regtest)
		return address
	}
	order := a + "/0/*," + b + "/0/*"
	sorted, plain := first("wsh(sortedmulti(1,"+order+"))"), first("wsh(multi(1,"+order+"))")
	if sorted == plain {
		order = b + "/0/*," + a + "/0/*"
		plain = first("wsh(multi(1," + order + "))")
	}
	devices := []map[string]string{{"name": "Cold one", "type": "coldcard"}, {"name": "Safe one", "type": "trezor"}}
	single := map[string]any{"key": map[string]any{"original": key84}, "device": "Cold one", "device_type": "coldcard"}
	for _, tt := range []struct {
		name, descriptor string
		more             map[string]any
		want             string
		called           []string
	}{
		{"sorted by the address", "wsh(multi(1," + order + "))", map[string]any{"address": sorted, "address_index": 0, "devices": devices}, sorted, []string{"Cold one", "Safe one"}},
		{"sorted by the form", "wsh(multi(1," + order + "))", map[string]any{"devices": devices}, sorted, []string{"Cold one", "Safe one"}},
		{"not sorted", "wsh(multi(1," + order + "))", map[string]any{"address": plain, "address_index": 0, "devices": []string{"cold_one", "safe_one"}}, plain, []string{"cold_one", "safe_one"}},
		{"one key", "wpkh(" + key84 + "/0/*)", single, a0, []string{"Cold one"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			h.take(folder(t, map[string]string{"wallets/regtest/old.json": oldWallet("Old", tt.descriptor, tt.more)}), legacy.Options{})
			list := h.list(auth.OwnerID, btc.Regtest)
			if len(list) != 1 {
				t.Fatalf("wallets are %+v", list)
			}
			got, err := branchOf(h, list[0].Ref(), 0)
			if err != nil || first(got) != tt.want {
				t.Errorf("the receive branch is %s, %v", got, err)
			}
			for i, c := range list[0].Cosigners {
				if c.Called != tt.called[i] {
					t.Errorf("key %d is of %q", i, c.Called)
				}
			}
		})
	}
}

// Versions before 1.0 wrote "Address #2" beside each address that has no label. These are no
// labels; the same words on another address are one.
func TestLabelsThatAreNoneStayBehind(t *testing.T) {
	h := newHouse(t)
	labels := map[string][]string{"Address #0": {a0}, "Address #1": {a1, a0}, "wages": {a1}}
	h.take(folder(t, map[string]string{"wallets/regtest/old.json": oldWallet("Old", "wpkh("+key84+"/0/*)", map[string]any{"labels": labels, "devices": []string{}})}), legacy.Options{})
	list := h.list(auth.OwnerID, btc.Regtest)
	if len(list) != 1 {
		t.Fatalf("wallets are %+v", list)
	}
	if got := h.labels(list[0].Ref()); len(got) != 2 || got[a0] != "Address #1" || got[a1] != "wages" {
		t.Errorf("labels are %v", got)
	}
}

// The one connection of the oldest folders, which stands in their config, was the active one.
func TestConnectionOfTheOldestConfigIsTheActiveOne(t *testing.T) {
	ctx := context.Background()
	old := folder(t, map[string]string{"config.json": `{"auth": "none", "uid": "` + uid + `", "rpc": {"autodetect": false, "datadir": "", "user": "u", "password": "p", "port": "18443", "host": "127.0.0.1", "protocol": "http"}}`})
	h := newHouse(t)
	h.take(old, legacy.Options{})
	n, err := h.nodes.Active(ctx)
	if err != nil || n.Host != "127.0.0.1" || n.Port != 18443 || n.User != "u" {
		t.Fatalf("the active one is %+v, %v", n, err)
	}
	dir, _, _ := h.back(legacy.BackOptions{})
	if v := readJSON(t, filepath.Join(dir, "config.json")).(map[string]any)["active_node_alias"]; v != "bitcoin_core" {
		t.Errorf("%v went back as the active one", v)
	}
	if _, err := os.Stat(filepath.Join(dir, "nodes", "bitcoin_core.json")); err != nil {
		t.Error(err)
	}
}

// Without its diary of changes the old program takes every connection for a node that it started
// itself. A folder that it never had gets one, an old one is made to name both changes, and that of
// a newer folder goes back as it was.
func TestDiaryOfChangesGoesBack(t *testing.T) {
	first := `{"events": [{"timestamp": "2021-03-21 17:05:09.123456", "version": "v1.5.0"}], "migration_executions": [{"timestamp": "2021-03-21 17:05:10.123456", "migration_id": 1, "status": "completed", "executing_version": "v1.7.0"}]}`
	newer := `{"events": [{"timestamp": "2024-03-21 17:05:09.123456", "version": "2.1.1"}], "migration_executions": []}`
	for name, tt := range map[string]struct {
		diary string
		want  []float64
	}{"never there": {"", []float64{1, 2}}, "old": {first, []float64{1, 2}}, "newer": {newer, nil}, "damaged": {`{"events": 5}`, []float64{1, 2}}} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"config.json": `{"uid": "` + uid + `", "rpc": {"autodetect": false, "user": "u", "password": "p", "port": "18443", "host": "127.0.0.1", "protocol": "http"}}`}
			if tt.diary != "" {
				files["migration_data.json"] = tt.diary
			}
			h := newHouse(t)
			h.take(folder(t, files), legacy.Options{})
			dir, _, _ := h.back(legacy.BackOptions{})
			o := readJSON(t, filepath.Join(dir, "migration_data.json")).(map[string]any)
			var got []float64
			for _, e := range o["migration_executions"].([]any) {
				got = append(got, e.(map[string]any)["migration_id"].(float64))
			}
			if !slices.Equal(got, tt.want) || len(o["events"].([]any)) != 1 {
				t.Errorf("the diary is %v", o)
			}
		})
	}
}

// inNode is a node that has labels inside its wallets.
type inNode struct {
	chain.Source
	labels map[string]map[string]string
}

func (inNode) Status(context.Context) (chain.Status, error) {
	return chain.Status{Network: btc.Regtest}, nil
}
func (inNode) Close() error             { return nil }
func (inNode) Changed() <-chan struct{} { return nil }
func (n inNode) Labels(_ context.Context, name string) (map[string]string, error) {
	return n.labels[name], nil
}

// Versions before 1.0 had labels inside the node alone, and later ones ask there where the table of
// addresses is lost. So does this program; the files' words count more, and a sound table alone.
func TestLabelsInsideTheNodeComeOver(t *testing.T) {
	ctx := context.Background()
	const a2 = "bcrt1qxdyjf6h5d6qxap4n2dap97q4j5ps6ua8jkxz0z"
	files := map[string]string{
		"config.json":              `{"uid": "` + uid + `"}`,
		"wallets/regtest/old.json": oldWallet("Old", "wpkh("+key84+"/0/*)", map[string]any{"labels": map[string][]string{"wages": {a0}}}),
	}
	told := map[string]map[string]string{"specter" + uid + "/old": {a0: "older word", a1: "only there", a2: "Address #2"}}
	visit := func(h *house) {
		h.nodes = node.New(node.Config{Store: h.db, OpenDemo: func(context.Context) (chain.Source, error) { return inNode{labels: told}, nil }})
		n, err := h.nodes.Save(ctx, node.Node{Name: "Demo", Kind: node.Demo})
		if err == nil {
			err = h.nodes.Activate(ctx, n.Alias)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	labels := func(h *house) map[string]string { return h.labels(h.list(auth.OwnerID, btc.Regtest)[0].Ref()) }

	h := newHouse(t)
	old := folder(t, files)
	if r := h.take(old, legacy.Options{}); !told1(r, "inside the node") || len(labels(h)) != 1 {
		t.Errorf("without a node: labels are %v, problems %v", labels(h), r.Problems)
	}
	visit(h)
	if r := h.take(old, legacy.Options{}); len(r.Problems) > 0 || !maps.Equal(labels(h), map[string]string{a0: "wages", a1: "only there"}) {
		t.Errorf("with the node: labels are %v, problems %v", labels(h), r.Problems)
	}
	files["wallets/regtest/old_addr.csv"] = "address,index,change,label,used,service_id\r\n" + a1 + ",1,False,,,\r\n"
	h = newHouse(t)
	visit(h)
	if r := h.take(folder(t, files), legacy.Options{}); len(r.Problems) > 0 || !maps.Equal(labels(h), map[string]string{a0: "wages"}) {
		t.Errorf("with a table: labels are %v, problems %v", labels(h), r.Problems)
	}
}

func told1(r *legacy.Report, word string) bool {
	return len(r.Problems) == 1 && strings.Contains(r.Problems[0].Text, word)
}

// A device that was deleted in the old program leaves its copy there. It stays deleted, unless a
// wallet needs it.
func TestDeletedDevicesStayDeleted(t *testing.T) {
	ctx := context.Background()
	key := map[string]any{"original": key84, "fingerprint": "73c5da0a", "derivation": "m/84h/1h/0h", "type": "wpkh", "xpub": tpub}
	other := map[string]any{"original": tpub48}
	h := newHouse(t)
	r := h.take(folder(t, map[string]string{
		"config.json":                `{"uid": "` + uid + `"}`,
		"devices/gone.json.bkp":      oldDevice("Gone", "trezor", other),
		"devices/lost.json.bkp":      oldDevice("Lost", "coldcard", key),
		"wallets/regtest/funds.json": oldWallet("Funds", "wpkh("+key84+"/0/*)", map[string]any{"devices": []string{"lost"}}),
	}), legacy.Options{})
	list, err := h.devices.List(ctx, auth.OwnerID)
	if err != nil || len(list) != 1 || list[0].Alias != "lost" || !told(r, "devices/gone.json", "deleted") || !told(r, "devices/lost.json", "copy") {
		t.Errorf("devices are %+v, %v; problems %v", list, err, r.Problems)
	}
}

// What extensions keep is encrypted with the password. With a new one the old program fails at each
// login where it finds the old secret, so none goes back; it makes another.
func TestNewPasswordsGoBackWithoutTheOldSecret(t *testing.T) {
	ctx := context.Background()
	user := func(id string) string {
		return `{"id": "` + id + `", "username": "` + id + `", "is_admin": ` + strconv.FormatBool(id == "admin") + `, "password": {"salt": "` + salt + `", "pwdhash": "` + hash + `"}, "config": {}, "encrypted_user_secret": {"token": "gAAAA", "salt": "AA", "iterations": 390000}}`
	}
	h := newHouse(t)
	h.take(folder(t, map[string]string{
		"config.json": `{"auth": {"method": "usernamepassword"}, "uid": "` + uid + `"}`,
		"users.json":  "[" + user("admin") + "," + user("ann") + "," + user("bob") + "]",
	}), legacy.Options{})
	if _, _, err := h.auth.Login(ctx, auth.Login{Name: "ann", Password: "hunter22", Client: "127.0.0.1"}); err != nil {
		t.Fatal(err)
	}
	dir, _, made := h.back(legacy.BackOptions{Passwords: true})
	if len(made) != 1 || made[0].User != "ann" {
		t.Errorf("passwords were made for %v", made)
	}
	for _, v := range readJSON(t, filepath.Join(dir, "users.json")).([]any) {
		u := v.(map[string]any)
		if secret := u["encrypted_user_secret"]; (secret == nil) != (u["username"] == "ann") {
			t.Errorf("%v went back with the secret %v", u["username"], secret)
		}
	}
}

// The old program lets two devices or connections have one name; here the second gets another, and
// the report says which.
func TestTwinNamesAreTold(t *testing.T) {
	key := map[string]any{"original": key84, "fingerprint": "73c5da0a", "derivation": "m/84h/1h/0h", "type": "wpkh", "xpub": tpub}
	connection := func(host string) string {
		return `{"python_class": "cryptoadvance.specter.node.Node", "name": "Home", "host": "` + host + `", "port": 8332, "user": "u", "password": "p", "protocol": "http"}`
	}
	h := newHouse(t)
	r := h.take(folder(t, map[string]string{
		"config.json": `{"uid": "` + uid + `"}`, "devices/one.json": oldDevice("Twin", "passport", key), "devices/two.json": oldDevice("Twin", "seedsigner", key),
		"nodes/home.json": connection("192.0.2.20"), "nodes/home_2.json": connection("192.0.2.21"),
	}), legacy.Options{})
	list, err := h.devices.List(context.Background(), auth.OwnerID)
	if err != nil || len(list) != 2 || list[0].Name == list[1].Name {
		t.Fatalf("devices are %+v, %v", list, err)
	}
	told := map[string][]string{}
	for _, l := range r.Lines {
		told[l.Kind] = append(told[l.Kind], l.Name+": "+l.Detail)
	}
	for kind, want := range map[string]string{"device": "Twin: named " + list[1].Name, "node": "Home: named Home"} {
		if n := len(told[kind]); n != 2 || !strings.HasSuffix(told[kind][0], ": ") || !strings.HasPrefix(told[kind][1], want) {
			t.Errorf("of %ss it says %q, want %q", kind, told[kind], want)
		}
	}
}
