package legacy_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/legacy"
	"specter/internal/wallet"
)

// back writes the house as an old folder.
func (h *house) back(o legacy.BackOptions) (string, *legacy.Report, []legacy.Password) {
	h.t.Helper()
	dir := filepath.Join(h.t.TempDir(), "back")
	r, made, err := legacy.Back(context.Background(), dir, h.rooms(), h.db, o)
	if err != nil {
		h.t.Fatal(err)
	}
	return dir, r, made
}

func readJSON(t *testing.T, path string) any {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return v
}

// fields compares two objects key by key, but for those that are named.
func fields(t *testing.T, where string, old, now any, but ...string) {
	t.Helper()
	a, b := old.(map[string]any), now.(map[string]any)
	for key, want := range a {
		if !slices.Contains(but, key) && !reflect.DeepEqual(want, b[key]) {
			t.Errorf("%s: %s was %v and is %v", where, key, want, b[key])
		}
	}
	for key := range b {
		if _, was := a[key]; !was {
			t.Errorf("%s: %s is new", where, key)
		}
	}
}

// rowsOf reads a table by its first column; rows have their columns by name.
func rowsOf(t *testing.T, path string) map[string]map[string]string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(raw, []byte("address,")) && !bytes.HasPrefix(raw, []byte("txid,")) || !bytes.Contains(raw, []byte("\r\n")) {
		t.Errorf("%s begins with %.40q", path, raw)
	}
	all, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]string{}
	for _, r := range all[1:] {
		row := map[string]string{}
		for i, column := range all[0] {
			row[column] = r[i]
		}
		out[r[0]] = row
	}
	return out
}

// The folder that the original wrote, taken over and written back, is the same field by field:
// nothing that the original reads is lost on the way there and back.
func TestSampleComesBackFieldByField(t *testing.T) {
	dir := samples(t)
	m := readManifest(t, dir)
	old := unpack(t, filepath.Join(dir, "specter-sample-a.tar.gz"))
	h := newHouse(t)
	h.take(old, legacy.Options{SecretKey: []byte(m.Auth.SecretKey)})
	now, rep, _ := h.back(legacy.BackOptions{})
	if n := rep.Count(legacy.LeftOut); n > 0 {
		t.Errorf("left out: %v", changed(rep))
	}
	both := func(name string) (a, b any) {
		return readJSON(t, filepath.Join(old, name)), readJSON(t, filepath.Join(now, name))
	}
	a, b := both("config.json")
	fields(t, "config.json", a, b)
	a, b = both("users.json")
	if !reflect.DeepEqual(a, b) {
		t.Errorf("users.json was %v and is %v", a, b)
	}
	a, b = both("nodes/home_node.json")
	fields(t, "nodes/home_node.json", a, b, "fullpath")
	for alias := range m.Devices {
		a, b = both("devices/" + alias + ".json")
		fields(t, alias, a, b, "fullpath")
	}
	for alias := range m.Wallets {
		a, b = both("wallets/regtest/" + alias + ".json")
		fields(t, alias, a, b, "keypool", "change_keypool", "pending_psbts", "change_index", "change_address")
		pendingSame(t, a, b)
		// As many addresses, or more; and the change address of a pending payment is not given to
		// another one.
		for _, key := range []string{"keypool", "change_keypool", "change_index"} {
			if was, is := a.(map[string]any)[key].(float64), b.(map[string]any)[key].(float64); is < was {
				t.Errorf("%s: %s was %v and is %v", alias, key, was, is)
			}
		}
		tablesSame(t, filepath.Join(old, "wallets/regtest", alias), filepath.Join(now, "wallets/regtest", alias))
	}
	// What came back is taken over by another new Specter like the first.
	again := newHouse(t)
	if r := again.take(now, legacy.Options{SecretKey: []byte(m.Auth.SecretKey)}); len(r.Problems) > 0 || r.Count(legacy.LeftOut) > 0 {
		t.Errorf("taken over again: %v, %v", r.Problems, changed(r))
	}
	checkPeople(t, again, m)
	checkNode(t, again, m)
	checkDevices(t, again, m)
	for alias := range m.Wallets {
		checkWallet(t, again, m, alias)
	}
}

// pendingSame compares what the original reads of a pending payment.
func pendingSame(t *testing.T, a, b any) {
	t.Helper()
	was, is := a.(map[string]any)["pending_psbts"].(map[string]any), b.(map[string]any)["pending_psbts"].(map[string]any)
	if len(was) == 0 || len(was) != len(is) {
		t.Errorf("%d pending payments were, %d are", len(was), len(is))
	}
	for id, p := range was {
		q, ok := is[id].(map[string]any)
		if !ok || q["base64"] != p.(map[string]any)["base64"] || int64(q["time"].(float64)) != int64(p.(map[string]any)["time"].(float64)) {
			t.Errorf("the payment %s came back as %v", id, q)
		}
	}
}

func tablesSame(t *testing.T, old, now string) {
	t.Helper()
	for _, table := range []string{"_addr.csv", "_txs.csv"} {
		was, is := rowsOf(t, old+table), rowsOf(t, now+table)
		if len(was) == 0 {
			t.Errorf("%s%s is empty", old, table)
		}
		for key, row := range was {
			if !maps.Equal(row, is[key]) {
				t.Errorf("%s%s: %v came back as %v", filepath.Base(old), table, row, is[key])
			}
		}
	}
	raw, err := os.ReadDir(old + "_txs_raw")
	if err != nil || len(raw) == 0 {
		t.Fatal(err)
	}
	for _, f := range raw {
		a, err1 := os.ReadFile(filepath.Join(old+"_txs_raw", f.Name()))
		b, err2 := os.ReadFile(filepath.Join(now+"_txs_raw", f.Name()))
		if err1 != nil || err2 != nil || !bytes.Equal(a, b) {
			t.Errorf("%s: %v %v", f.Name(), err1, err2)
		}
	}
}

// What is not supported here stands in the way back as it was, members have their old ids, and a
// folder that holds anything is not touched.
func TestTheWayBackBringsWhatWasKept(t *testing.T) {
	ctx := context.Background()
	spectrum := `{"python_class": "cryptoadvance.specterext.spectrum.spectrum_node.SpectrumNode", "name": "Spectrum Node", "alias": "spectrum_node", "host": "electrum.example", "port": 50002, "ssl": true}`
	liquid := `{"name": "L", "alias": "l", "recv_descriptor": "blinded(...)"}`
	old := folder(t, map[string]string{
		"config.json":                   `{"auth": {"method": "usernamepassword"}, "uid": "0123456789abcdef", "unit": "sat", "weight_unit": "kg", "hide_sensitive_info": true}`,
		"users.json":                    `[{"id": "admin", "username": "admin", "is_admin": true, "password": {"salt": "fiuUbFa1Y69UnbFklzGGNXkN1t2kDDES5htxsK6yBK0=", "pwdhash": "9gUsIgxxLVdWXnto9rUZNjWOmpsEyjRop3E01G/CrI4="}, "services": ["swan"], "encrypted_user_secret": {"token": "gAAAA", "salt": "AA", "iterations": 390000}}, {"id": "id of ann", "username": "Ann", "is_admin": false, "password": {"salt": "fiuUbFa1Y69UnbFklzGGNXkN1t2kDDES5htxsK6yBK0=", "pwdhash": "9gUsIgxxLVdWXnto9rUZNjWOmpsEyjRop3E01G/CrI4="}, "config": {"unit": "sat"}}]`,
		"nodes/spectrum_node.json":      spectrum,
		"wallets/liquidv1/l.json":       liquid,
		"admin_services.json":           `{"swan": "gAAAAA", "encrypted_storage_version": 1}`,
		"devices_id of ann/dev.json":    `{"name": "Dev", "type": "keepkey", "keys": []}`,
		"hwi_bridge_config.json":        `{"whitelisted_domains": "http://127.0.0.1:25441/\nhttps://box.example/\n", "bitbox02_pairing_code": "AB CD"}`,
		".tor_service_key":              "ED25519-V3:" + strings.Repeat("eHh4", 21) + "eA==",
		"devices/l.json":                `{"name": "LL", "type": "jade", "keys": [], "blinding_key": "cQtaywTgN"}`,
		"wallets_id of ann/a_swan.json": `{"addrs": {}, "txs": {}}`,
	})
	h := newHouse(t)
	h.take(old, legacy.Options{})
	dir, _, made := h.back(legacy.BackOptions{Passwords: true})
	if len(made) > 0 {
		t.Errorf("passwords were made although the old ones are known: %v", made)
	}
	for name, want := range map[string]string{"nodes/spectrum_node.json": spectrum, "wallets/liquidv1/l.json": liquid,
		"admin_services.json": `{"swan": "gAAAAA", "encrypted_storage_version": 1}`, "wallets_id of ann/a_swan.json": `{"addrs": {}, "txs": {}}`} {
		if got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name))); err != nil || string(got) != want {
			t.Errorf("%s came back as %s, %v", name, got, err)
		}
	}
	config := readJSON(t, filepath.Join(dir, "config.json")).(map[string]any)
	if config["unit"] != "sat" || config["weight_unit"] != "kg" || config["hide_sensitive_info"] != true {
		t.Errorf("the config came back as %v", config)
	}
	users := readJSON(t, filepath.Join(dir, "users.json")).([]any)
	owner, ann := users[0].(map[string]any), users[1].(map[string]any)
	if ann["id"] != "id of ann" || ann["config"].(map[string]any)["unit"] != "sat" || owner["services"].([]any)[0] != "swan" || owner["encrypted_user_secret"].(map[string]any)["token"] != "gAAAA" ||
		ann["password"].(map[string]any)["pwdhash"] != "9gUsIgxxLVdWXnto9rUZNjWOmpsEyjRop3E01G/CrI4=" {
		t.Errorf("the users came back as %v", users)
	}
	bridge := readJSON(t, filepath.Join(dir, "hwi_bridge_config.json")).(map[string]any)
	if bridge["whitelisted_domains"] != "http://127.0.0.1:25441/\nhttps://box.example/\n" || bridge["bitbox02_pairing_code"] != "AB CD" {
		t.Errorf("the bridge came back as %v", bridge)
	}
	if d := readJSON(t, filepath.Join(dir, "devices/l.json")).(map[string]any); d["blinding_key"] != "cQtaywTgN" || d["type"] != "jade" {
		t.Errorf("the device came back as %v", d)
	}
	if d := readJSON(t, filepath.Join(dir, "devices_id of ann/dev.json")).(map[string]any); d["type"] != "keepkey" {
		t.Errorf("ann's device came back as %v", d)
	}
	key, err := os.ReadFile(filepath.Join(dir, ".tor_service_key"))
	if want := "ED25519-V3:" + strings.Repeat("eHh4", 21) + "eA=="; err != nil || string(key) != want || strings.TrimSpace(string(h.files["tor/onion.key"])) != want {
		t.Errorf("the onion key came back as %s, %v; the onion service has %s", key, err, h.files["tor/onion.key"])
	}
	before := snapshot(t, dir)
	if _, _, err := legacy.Back(ctx, dir, h.rooms(), h.db, legacy.BackOptions{}); !errs.Is(err, errs.Conflict) {
		t.Errorf("a second time into the same folder: %v", err)
	}
	if !maps.Equal(before, snapshot(t, dir)) {
		t.Error("the folder was changed")
	}
}

// A password that the old program cannot use any more is replaced by a one-time one, where that is
// wanted, and nobody can log in otherwise.
func TestPasswordsOfTheWayBack(t *testing.T) {
	ctx := context.Background()
	h := newHouse(t)
	if err := h.auth.SetOwner(ctx, "admin", "correct horse battery"); err != nil {
		t.Fatal(err)
	}
	_, rep, made := h.back(legacy.BackOptions{})
	if len(made) != 0 || !strings.Contains(rep.Lines[0].Detail, "--new-passwords") {
		t.Errorf("without: %v %v", made, rep.Lines)
	}
	dir, _, made := h.back(legacy.BackOptions{Passwords: true})
	if len(made) != 1 || len(made[0].Password) < 20 {
		t.Fatalf("with: %v", made)
	}
	again := newHouse(t)
	again.take(dir, legacy.Options{})
	if _, err := again.auth.Basic(ctx, "admin", made[0].Password, "127.0.0.1"); err != nil {
		t.Errorf("the one-time password: %v", err)
	}
	if _, err := again.auth.Basic(ctx, "admin", "correct horse battery", "127.0.0.1"); err == nil {
		t.Error("the old password works there")
	}
}

// A wallet that the old program cannot open is left out and told; a key without a device gets one,
// or the old program would not open the wallet.
func TestWalletsThatTheOldProgramCannotHave(t *testing.T) {
	ctx := context.Background()
	h := newHouse(t)
	const (
		a = "[73c5da0a/48h/1h/0h/2h]tpubDFH9dgzveyD8zTbPUFuLrGmCydNvxehyNdUXKJAQN8x4aZ4j6UZqGfnqFrD4NqyaTVGKbvEW54tsvPTK2UoSbCC1PJY8iCNiwTL3RWZEheQ"
		b = "[3f635a63/48h/1h/0h/2h]tpubDFPtPArj4GzBEFHohegg1Xatrc1Fi9oSox5LzuSRX91miwQxuUrEpBxpvDRsmZYJKYFhgdK3UStsjC8JKXfUbMinjFqiEM4uNwzVaCaHpys"
	)
	for name, d := range map[string]string{"Mini": "wsh(or_d(pk(" + a + "/<0;1>/*),and_v(v:pk(" + b + "/<0;1>/*),older(100))))", "Vault": "wsh(sortedmulti(2," + a + "/<0;1>/*," + b + "/<0;1>/*))"} {
		if _, err := h.wallets.Adopt(ctx, wallet.Owner(auth.OwnerID), btc.Regtest, wallet.Adopted{Name: name, Descriptor: d}); err != nil {
			t.Fatal(name, err)
		}
	}
	dir, rep, _ := h.back(legacy.BackOptions{})
	if outcome(rep, "wallet", "Mini") != legacy.LeftOut || outcome(rep, "wallet", "Vault") != legacy.Written {
		t.Errorf("the report says %v", rep.Lines)
	}
	w := readJSON(t, filepath.Join(dir, "wallets/regtest/vault.json")).(map[string]any)
	for i, alias := range w["devices"].([]any) {
		d := readJSON(t, filepath.Join(dir, "devices", alias.(string)+".json")).(map[string]any)
		if !reflect.DeepEqual(d["keys"].([]any)[0], w["keys"].([]any)[i]) {
			t.Errorf("the device %s has %v, the wallet's key is %v", alias, d["keys"], w["keys"].([]any)[i])
		}
	}
}
