package legacy_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/legacy"
	"specter/internal/legacy/legacytest"
	"specter/internal/wallet"
)

// line is a form of the contract, with what must come of it.
type line struct {
	files map[string]string
	want  func(t *testing.T, h *house, r *legacy.Report)
	back  map[string]string // a file of the way back, and a text that it must hold
}

const (
	single   = "wpkh(" + "[73c5da0a/84h/1h/0h]" + tpub + "/0/*)"
	head     = "address,index,change,label,used,service_id\r\n"
	txHead   = "txid,fee,blockhash,blockheight,time,blocktime,bip125-replaceable,conflicts,vsize,address,category,flow_amount,utxo_amount,ismine\r\n"
	password = `"password": {"salt": "` + salt + `", "pwdhash": "` + hash + `"}`
	coin     = "3a2ecf464ab4c61b0d2cc74388085cdaddd14b763dc6060ec624a83eae7fc417"
)

var savings = wallet.Ref{Owner: auth.OwnerID, Network: btc.Regtest, Alias: "savings"}

// labelled is a wallet whose address 0 must get a label out of a table of addresses.
func labelled(table, want string) line {
	return line{files: map[string]string{"wallets/regtest/savings.json": oldWallet("Savings", single, nil), "wallets/regtest/savings_addr.csv": table},
		want: func(t *testing.T, h *house, r *legacy.Report) {
			if got := h.labels(savings)[a0]; got != want {
				t.Errorf("the label is %q, want %q; %v", got, want, r.Problems)
			}
		}}
}

// cached is a wallet with a row of its history; want counts the transactions.
func cached(row string, height int32) line {
	id, raw := legacytest.Payment(legacytest.Scripts(single)[0], 0, 0)
	return line{files: map[string]string{"wallets/regtest/savings.json": oldWallet("Savings", single, nil), "wallets/regtest/savings_txs.csv": txHead + strings.ReplaceAll(row, "TXID", id) + "\r\n",
		"wallets/regtest/savings_txs_raw/" + id + ".bin": string(raw)},
		want: func(t *testing.T, h *house, r *legacy.Report) {
			page, err := h.wallets.History(context.Background(), savings, wallet.Query{Size: 10})
			if err != nil || len(page.Rows) != 1 || page.Rows[0].Height != height || page.Rows[0].TxID.String() != id {
				t.Errorf("the history is %+v, %v; %v", page.Rows, err, r.Problems)
			}
		}, back: map[string]string{"wallets/regtest/savings_txs.csv": id}}
}

// frozenAs is a wallet with a frozen coin in one of the forms.
func frozenAs(form any) line {
	return line{files: map[string]string{"wallets/regtest/savings.json": oldWallet("Savings", single, map[string]any{"frozen_utxo": []any{form}})},
		want: func(t *testing.T, h *house, r *legacy.Report) {
			_, frozen, err := h.wallets.Words(context.Background(), savings)
			if err != nil || len(frozen) != 1 || frozen[0].String() != coin+":1" {
				t.Errorf("frozen are %v, %v; %v", frozen, err, r.Problems)
			}
		}, back: map[string]string{"wallets/regtest/savings.json": coin + ":1"}}
}

// method is a way of logging in, as an old folder names it.
func method(text string, want auth.Method) line {
	return line{files: map[string]string{"config.json": `{"auth": ` + text + `}`, "users.json": `[{"id": "admin", "username": "admin", "is_admin": true, ` + password + `}]`},
		want: func(t *testing.T, h *house, r *legacy.Report) {
			if got := h.auth.Settings().Method; got != want {
				t.Errorf("the login is %q; %v %v", got, r.Lines, r.Problems)
			}
		}, back: map[string]string{"config.json": `"method": "` + string(want) + `"`, "users.json": salt}}
}

// nodeAs is a node in one of the forms.
func nodeAs(text, backHas string, managed bool) line {
	return line{files: map[string]string{"nodes/n.json": text},
		want: func(t *testing.T, h *house, r *legacy.Report) {
			n, err := h.nodes.Get(context.Background(), "n")
			said := false
			for _, l := range r.Lines {
				said = said || strings.Contains(l.Detail, "started this node itself")
			}
			if err != nil || n.Host != "10.1.2.3" || n.Port != 8332 || said != managed {
				t.Errorf("it is %+v, %v; %v", n, err, r.Lines)
			}
		}, back: map[string]string{"nodes/n.json": backHas}}
}

// deviceAs is a device in one of the forms.
func deviceAs(text string, keys int, backHas string) line {
	return line{files: map[string]string{"devices/d.json": text},
		want: func(t *testing.T, h *house, r *legacy.Report) {
			d, err := h.devices.Get(context.Background(), auth.OwnerID, "d")
			if err != nil || len(d.Keys) != keys {
				t.Errorf("it is %+v, %v; %v", d, err, r.Problems)
			}
		}, back: map[string]string{"devices/d.json": backHas}}
}

func keyAs(fields string) string {
	return `{"name": "D", "type": "other", "keys": [{"original": "` + tpub + `"` + fields + `}]}`
}

var contractLines = map[string]line{
	"auth none":             method(`"none"`, auth.MethodNone),
	"auth passwordonly":     method(`"passwordonly"`, auth.MethodPassword),
	"auth rpcpasswordaspin": method(`"rpcpasswordaspin"`, auth.MethodRPC),
	"auth usernamepassword": method(`"usernamepassword"`, auth.MethodUsers),
	"auth as object":        method(`{"method": "usernamepassword", "rate_limit": "10", "registration_link_timeout": "2", "password_min_chars": "8"}`, auth.MethodUsers),

	"node without class":            nodeAs(`{"name": "N", "host": "10.1.2.3", "port": 8332, "protocol": "http"}`, "node.Node", false),
	"external node without class":   nodeAs(`{"name": "N", "host": "10.1.2.3", "port": "8332", "external_node": true}`, `"external_node": true`, false),
	"managed node without class":    nodeAs(`{"name": "N", "host": "10.1.2.3", "port": 8332, "external_node": false, "bitcoind_network": "main"}`, "InternalNode", true),
	"managed node with class":       nodeAs(`{"python_class": "cryptoadvance.specter.internal_node.InternalNode", "name": "N", "host": "10.1.2.3", "port": 8332, "bitcoind_path": "/x/bitcoind", "version": "0.21.1"}`, `"bitcoind_path": "/x/bitcoind"`, true),
	"node with null in every field": nodeAs(`{"python_class": null, "name": null, "alias": null, "autodetect": null, "datadir": null, "user": null, "password": null, "port": "8332", "host": "10.1.2.3", "protocol": null, "node_type": null, "external_node": null}`, "10.1.2.3", false),
	"node with a BOM":               nodeAs("\ufeff"+`{"name": "N", "host": "10.1.2.3", "port": 8332}`, "10.1.2.3", false),
	"node with Python's NaN":        nodeAs(`{"name": "NaN \" NaN", "host": "10.1.2.3", "port": 8332, "x": NaN, "y": [Infinity, -Infinity]}`, "10.1.2.3", false),

	"key without fingerprint":         deviceAs(keyAs(``), 1, tpub),
	"key with null fields":            deviceAs(keyAs(`, "fingerprint": null, "derivation": null, "type": null, "purpose": null, "xpub": null`), 1, tpub),
	"key of an unknown type":          deviceAs(keyAs(`, "type": "evil"`), 1, `"type": "evil"`),
	"key with a purpose of its own":   deviceAs(keyAs(`, "purpose": "für später"`), 1, "für später"),
	"key with its own fingerprint":    deviceAs(keyAs(`, "fingerprint": "e99b8628", "derivation": ""`), 1, "e99b8628"),
	"key that nobody reads":           deviceAs(`{"name": "D", "type": "jade", "keys": [{"original": "lqpub-what-is-this", "xpub": "", "purpose": "Liquid"}]}`, 0, "lqpub-what-is-this"),
	"device of an unknown type":       deviceAs(`{"name": "D", "type": "somebody's!", "keys": []}`, 0, `"type": "somebody's!"`),
	"device of a type we never had":   deviceAs(`{"name": "D", "type": "bitbox99", "keys": []}`, 0, `"type": "bitbox99"`),
	"device in the node":              deviceAs(`{"name": "D", "type": "bitcoincore", "keys": []}`, 0, `"type": "bitcoincore"`),
	"device of a backup":              deviceAs(`{"name": "D", "type": "bitcoincore_watchonly", "keys": []}`, 0, `"type": "bitcoincore_watchonly"`),
	"device of Elements":              deviceAs(`{"name": "D", "type": "elementscore", "keys": [], "blinding_key": "cQtaywTgN"}`, 0, `"blinding_key": "cQtaywTgN"`),
	"device with a software's type":   deviceAs(`{"name": "D", "type": "hot", "keys": []}`, 0, `"name": "D"`),
	"device with a very long name":    deviceAs(`{"name": "`+strings.Repeat("sehr langer Name ", 40)+`", "type": "other", "keys": []}`, 0, strings.Repeat("sehr langer Name ", 40)),
	"device with a path for a name":   deviceAs(`{"name": "../../etc/passwd", "type": "other", "keys": []}`, 0, "../../etc/passwd"),
	"device with a name of symbols":   deviceAs(`{"name": "🙂", "type": "other", "keys": []}`, 0, "🙂"),
	"device with fields nobody knows": deviceAs(`{"name": "D", "type": "other", "keys": [], "future": {"a": [1]}}`, 0, `"future"`),

	"addresses without labels":         labelled("address,index,change,used\r\n"+a0+",0,False,True\r\n", ""),
	"addresses in another order":       labelled("label,used,service_id,change,index,address\r\nsalary,True,,False,0,"+a0+"\r\n", "salary"),
	"addresses with LF":                labelled(strings.ReplaceAll(head, "\r", "")+a0+",0,False,salary,True,\n", "salary"),
	"addresses with a BOM":             labelled("\ufeff"+head+a0+",0,False,salary,True,\r\n", "salary"),
	"addresses with quotes":            labelled(head+a0+",0,False,\"from \"\"Bob\"\", cash\",True,swan\r\n", `from "Bob", cash`),
	"addresses with lines in a label":  labelled(head+a0+",0,False,\"two\nlines\",True,\r\n", "two lines"),
	"addresses with decimals":          labelled(head+a0+",0.0,False,salary,1,\r\n", "salary"),
	"addresses cut off without a copy": labelled(head+a0+",0,False,sal", "sal"),
	"address with its usual label":     labelled(head+a0+",0,False,Address #0,,\r\n", ""),
	"address with another's label":     labelled(head+a0+",0,False,Address #7,,\r\n", "Address #7"),

	"history with single quotes":     cached(`TXID,,`+strings.Repeat("0b", 32)+`,7,1700000000,1700000000,no,"['aa', 'bb']",,"['x', 'y']",receive,0.001,,True`, 7),
	"history with double quotes":     cached(`TXID,0,`+strings.Repeat("0b", 32)+`,7,1700000000,1700000000,yes,"[""aa""]",141,x,receive,0.001,0.001,True`, 7),
	"history with decimals":          cached(`TXID,,`+strings.Repeat("0b", 32)+`,7.0,1700000000.5,1700000000.5,no,[],,x,receive,0.001,,True`, 7),
	"history without a block's time": cached(`TXID,,`+strings.Repeat("0b", 32)+`,7,1700000000,,no,[],,x,receive,0.001,,True`, 7),
	"history not in a block":         cached(`TXID,,,,1700000000,,no,[],,x,receive,0.001,,True`, 0),
	"history cut off":                cached(`TXID,,`+strings.Repeat("0b", 32)+`,7,1700000000,1700000000,no,[],,x,receive,0.001,,True`+"\r\n"+strings.Repeat("c", 64)+",,", 7),

	"frozen coin as text":          frozenAs(coin + ":1"),
	"frozen coin in capitals":      frozenAs(strings.ToUpper(coin) + ":1"),
	"frozen coin as object":        frozenAs(map[string]any{"txid": coin, "vout": 1}),
	"frozen coin with text number": frozenAs(map[string]any{"txid": coin, "vout": "1", "amount": 0.1}),
	"frozen coin as pair":          frozenAs([]any{coin, 1}),
}

// Every form of the contract comes over, and its words come back.
func TestEveryLineOfTheContract(t *testing.T) {
	for name, l := range contractLines {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			old := folder(t, l.files)
			l.want(t, h, h.take(old, legacy.Options{}))
			dir, _, _ := h.back(legacy.BackOptions{})
			for file, want := range l.back {
				if b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(file))); err != nil || !strings.Contains(string(b), want) {
					t.Errorf("%s came back without %q: %s, %v", file, want, b, err)
				}
			}
			if again := changed(h.take(old, legacy.Options{})); len(again) > 0 {
				t.Errorf("a second time changed %v", again)
			}
		})
	}
}

// A copy takes the place of every kind of file that is missing or cut off.
func TestEveryKindOfFileHasItsCopy(t *testing.T) {
	m, _ := made(t, 5)
	for name, text := range maps.Clone(m.files) {
		if strings.HasSuffix(name, ".bin") || strings.HasPrefix(name, "extensions/") {
			continue
		}
		m.files[name+".bkp"] = text
		switch cut := text[:len(text)*2/3]; {
		case strings.HasSuffix(name, ".json"):
			m.files[name] = cut
		case strings.HasSuffix(name, ".csv") && len(name)%2 == 0:
			m.files[name] = text[:strings.LastIndex(strings.TrimSpace(text), ",")-3] // within the last row
		default:
			delete(m.files, name)
		}
	}
	h := newHouse(t)
	r := h.take(m.write(), legacy.Options{})
	for _, l := range r.Lines {
		if l.Outcome == legacy.LeftOut && l.Kind != "token" {
			t.Errorf("left out: %+v", l)
		}
	}
	whole, old := made(t, 5)
	dir, _, _ := h.back(legacy.BackOptions{})
	sameFolder(t, whole.files, old, dir)
	for _, name := range []string{"config.json", "users.json", "otps.json", "hwi_bridge_config.json", "nodes/home.json", ".tor_service_key", "onion.txt"} {
		if !told(r, name, "its copy") {
			t.Errorf("nothing is told of the copy of %s", name)
		}
	}
}

// What cannot be a wallet here is kept, with its labels, and comes back.
func TestWalletsThatCannotBeUsedAreKept(t *testing.T) {
	table := head + a0 + ",0,False,salary,,\r\n"
	files := map[string]string{
		"wallets/regtest/odd.json":         oldWallet("Odd", single, map[string]any{"change_descriptor": "wpkh(" + key84 + "/7/*)"}),
		"wallets/regtest/odd_addr.csv":     table,
		"wallets/main/foreign.json":        oldWallet("Foreign", single, nil), // a test key on mainnet
		"wallets/main/foreign_addr.csv":    table,
		"wallets/elreg/liquid.json":        `{"name": "L", "recv_descriptor": "blinded(x)"}`,
		"wallets/elreg/liquid_txs.csv":     txHead,
		"wallets/regtest/.hidden.json":     oldWallet("Hidden", single, nil),
		"wallets/empty_swan.json":          `{}`,
		"wallets/regtest/folder.json/x":    "",
		"devices/folder.json/y.json":       "{}",
		"extensions/swan/deep.json":        `{"a": 1}`,
		"wallets/regtest/gone.json":        oldWallet("Gone", "wpkh([73c5da0a/48h/1h/0h/2h]"+tpub48+"/0/*)", map[string]any{"devices": []string{"lost_device"}}),
		"wallets_ann/regtest/savings.json": oldWallet("Savings", single, nil),
	}
	h := newHouse(t)
	r := h.take(folder(t, files), legacy.Options{})
	dir, _, _ := h.back(legacy.BackOptions{})
	for _, name := range []string{"wallets/regtest/odd.json", "wallets/regtest/odd_addr.csv", "wallets/main/foreign.json", "wallets/main/foreign_addr.csv",
		"wallets/elreg/liquid.json", "wallets/elreg/liquid_txs.csv", "wallets/empty_swan.json", "extensions/swan/deep.json"} {
		if b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name))); err != nil || string(b) != files[name] {
			t.Errorf("%s came back as %s, %v", name, b, err)
		}
	}
	if outcome(r, "wallet", "Foreign") != legacy.LeftOut || outcome(r, "wallet", "Hidden") != "" || !told(r, "wallets/regtest/odd.json", "kept for the way back") {
		t.Errorf("it said %v, %v", r.Lines, r.Problems)
	}
	list := h.list(auth.OwnerID, btc.Regtest)
	if len(list) != 1 || list[0].Name != "Gone" {
		t.Fatalf("wallets are %+v", list)
	}
	w := readJSON(t, filepath.Join(dir, "wallets/regtest/gone.json")).(map[string]any)
	if devices := w["devices"].([]any); len(devices) != 1 || devices[0] != "lost_device" {
		t.Errorf("the wallet without its device came back with %v", devices)
	}
	if _, err := os.Stat(filepath.Join(dir, "devices/lost_device.json")); err != nil {
		t.Error("the old program would not open a wallet without its device:", err)
	}
}

// People whose names differ in case alone stay two, names that nobody can have here become others,
// and a member's own server does not stop the rest.
func TestPeopleStayApart(t *testing.T) {
	ctx := context.Background()
	users := `[{"id": "admin", "username": "the:owner", "is_admin": true, ` + password + `},
		{"id": "ann", "username": "Ann", "is_admin": false, ` + password + `},
		{"id": "ann_2", "username": "ann", "is_admin": false, ` + password + `, "config": {"fee_estimator": "custom", "fee_estimator_custom_url": "https://fees.example", "hwi_bridge_url": "http://192.168.0.7:25441/hwi/api/"}},
		{"id": "long", "username": "` + strings.Repeat("sehr lang ", 30) + `", "is_admin": false, ` + password + `},
		{"id": "other", "username": "Second", "is_admin": true, ` + password + `}]`
	old := folder(t, map[string]string{"config.json": `{"auth": "usernamepassword", "uid": "` + uid + `"}`, "users.json": users,
		"wallets_ann/regtest/savings.json": oldWallet("Savings", single, nil), "wallets_ann_2/regtest/savings.json": oldWallet("Other", "wpkh([73c5da0a/48h/1h/0h/2h]"+tpub48+"/0/*)", nil)})
	h := newHouse(t)
	r := h.take(old, legacy.Options{})
	if n := r.Count(legacy.LeftOut); n > 0 {
		t.Errorf("left out: %v", changed(r))
	}
	list, err := h.auth.Users(ctx)
	if err != nil || len(list) != 5 {
		t.Fatalf("users are %+v, %v", list, err)
	}
	owners := 0
	for _, u := range list {
		if u.Owner() {
			owners++
		}
		if len(h.list(u.ID, btc.Regtest)) > 1 {
			t.Errorf("%s has another's wallet", u.Name)
		}
	}
	if owners != 1 {
		t.Errorf("there are %d owners", owners)
	}
	dir, _, _ := h.back(legacy.BackOptions{})
	back := readJSON(t, filepath.Join(dir, "users.json")).([]any)
	for _, u := range back {
		o := u.(map[string]any)
		if o["id"] == "ann_2" && o["config"].(map[string]any)["fee_estimator_custom_url"] != "https://fees.example" {
			t.Errorf("ann's settings came back as %v", o)
		}
	}
	for _, name := range []string{"wallets_ann/regtest/savings.json", "wallets_ann_2/regtest/savings.json"} {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			t.Error(err)
		}
	}
	if again := changed(h.take(old, legacy.Options{})); len(again) > 0 {
		t.Errorf("a second time changed %v", again)
	}
}

// Wallets whose files differ in case alone, or have names that no alias can be, come over all, under
// the names that they have inside the node, and come back under their files' names.
func TestFilesNamesOfAllKinds(t *testing.T) {
	long := strings.Repeat("n", 240)
	keys := []string{"1h", "2h", "3h", "4h"}
	names := []string{"Savings", "savings", "geschäft & söhne", long}
	files := map[string]string{"config.json": `{"auth": "none", "uid": "` + uid + `"}`}
	for i, name := range names {
		text := "wpkh(" + key84 + "/" + strings.TrimSuffix(keys[i], "h") + "/0/*)"
		files["wallets/regtest/"+name+".json"] = oldWallet(name, text, nil)
		files["wallets/regtest/"+name+"_addr.csv"] = head + addressOf(t, text, 0) + ",0,False,label " + keys[i] + ",,\r\n"
	}
	h := newHouse(t)
	r := h.take(folder(t, files), legacy.Options{})
	list := h.list(auth.OwnerID, btc.Regtest)
	if len(list) != len(names) || len(r.Problems) > 0 {
		t.Fatalf("%d wallets, %v %v", len(list), r.Problems, changed(r))
	}
	dir, _, _ := h.back(legacy.BackOptions{})
	for i, name := range names {
		b, err := os.ReadFile(filepath.Join(dir, "wallets/regtest", name+"_addr.csv"))
		if err != nil || !strings.Contains(string(b), "label "+keys[i]) {
			t.Errorf("%.20s: %v", name, err)
		}
		found := false
		for _, w := range list {
			found = found || w.NodeName == "specter"+uid+"/"+name
		}
		if !found {
			t.Errorf("no wallet is specter%s/%.20s inside the node", uid, name)
		}
	}
}

func addressOf(t *testing.T, text string, i int) string {
	a, ok := btc.AddressOf(legacytest.Scripts(text)[i], btc.Regtest)
	if !ok {
		t.Fatal("no address")
	}
	return a
}
