package bridge_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/message"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
	"specter/internal/signer/bridge"
	"specter/internal/signer/signertest"
)

const (
	self    = "http://127.0.0.1:25441"
	vpub84  = "vpub5Y6cjg78GGuNLsaPhmYsiw4gYX3HoQiRBiSwDaBXKUafCt9bNwWQiitDk5VZ5BVxYnQdwoTyXSs2JHRPAgjAvtbBrf8ZhDYe2jWAqvZVnsc"
	refused = "Unauthorized request origin.<br>You must first whitelist this website URL in HWIBridge settings to grant it access."
)

// The table of origins in the contract, and what it leaves out.
func TestWhoMayAskByOrigin(t *testing.T) {
	standard := []string{bridge.DefaultOrigin}
	for _, k := range []struct {
		origin    string
		whitelist []string
		near      bool
		afar      bool
		user      string
		status    int
	}{
		{self, nil, true, false, "ada", 200},                        // same host
		{self, nil, true, false, "", 401},                           // same host, nobody logged in
		{"http://localhost:25441", standard, true, false, "", 200},  // normalised
		{"http://localhost:25441/", standard, true, false, "", 200}, // with a slash, as programs write it
		{"http://LOCALHOST:25441", standard, true, false, "", 200},  // hosts have no case
		{"https://specter.example", standard, true, false, "", 500}, // not listed
		{"https://specter.example", []string{"https://specter.example/"}, true, false, "", 200},
		{"https://specter.example:443", []string{"https://specter.example/"}, true, false, "", 200},
		{"http://specter.example", []string{"https://specter.example/"}, true, false, "", 500},
		{"https://specter.example.evil.example", []string{"https://specter.example/"}, true, false, "", 500},
		{"https://a.specter.example", []string{"https://specter.example/"}, true, false, "", 500},
		{"http://unauthorized_domain.com/", []string{"*"}, true, false, "", 200},
		{"null", []string{"*"}, true, false, "", 500},
		{"null", standard, true, false, "", 500},
		{"file://", []string{"*"}, true, false, "", 500},
		{"://127.0.0.1:25441", standard, true, false, "ada", 200}, // the host is the server's: a session decides
		{"127.0.0.1:25441", []string{"*"}, true, false, "ada", 500},
		{"", standard, true, false, "", 401},
		{"", []string{"*"}, true, false, "ada", 401},
		// From another computer an origin is a mere word.
		{"http://localhost:25441", standard, false, false, "", 500},
		{"http://localhost:25441", standard, false, true, "", 500},
		{"https://specter.example", []string{"https://specter.example/"}, false, false, "", 500},
		{"https://specter.example", []string{"https://specter.example/"}, false, true, "", 200},
		{"https://specter.example", []string{"*"}, false, false, "", 500},
		{"https://specter.example", []string{"*"}, false, true, "", 500}, // a star lets in nobody from afar
	} {
		o := open(t)
		o.rules.Origins, o.rules.Afar, o.near, o.user = k.whitelist, k.afar, k.near, k.user
		status, body, h := o.post(k.origin, `{"jsonrpc":"2.0","id":1,"method":"enumerate"}`)
		if status != k.status {
			t.Errorf("%+v: %d %s", k, status, body)
		}
		listed := k.status == 200 && k.user == ""
		if got := h.Get("Access-Control-Allow-Origin"); listed && got != k.origin || !listed && got != "" {
			t.Errorf("%+v: Access-Control-Allow-Origin is %q", k, got)
		}
		if want := `{"error":{"code":-32001,"message":"` + refused + `"},"id":null,"jsonrpc":"2.0"}` + "\n"; status == 500 && body != want {
			t.Errorf("%+v: %s", k, body)
		}
		if !strings.Contains(strings.Join(h.Values("Vary"), ","), "Origin") {
			t.Errorf("%+v: a cache could answer another origin with this", k)
		}
	}
}

func TestProgramsWithoutAnOriginNeedAToken(t *testing.T) {
	o := open(t)
	for token, want := range map[string]int{"letmein": 200, "api-token": 200, "": 401, "letmei": 401, "letmein2": 401, "null": 401} {
		for _, origin := range []string{"", "https://not.listed"} {
			status, body, h := o.post(origin, `{"id":1,"method":"enumerate"}`, func(r *http.Request) {
				if token != "" {
					r.Header.Set("Authorization", "Bearer "+token)
				}
			})
			if token == "" && origin != "" {
				continue // the table above
			}
			if status != want || want == 401 && (!strings.Contains(body, "-32001") || h.Get("WWW-Authenticate") == "") || h.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("token %q, origin %q: %d %s", token, origin, status, body)
			}
		}
	}
	o.rules.Token = ""
	if status, _, _ := o.post("", `{"id":1,"method":"enumerate"}`, func(r *http.Request) { r.Header.Set("Authorization", "Bearer ") }); status != 401 {
		t.Errorf("an empty token opens a bridge that has none: %d", status)
	}
}

// What is sent and what comes back, byte for byte, where clients compare.
func TestTheContractsConversations(t *testing.T) {
	trezor := newThing(t, "trezor", "webusb:001:4")
	o := open(t, trezor)
	for _, k := range []struct {
		name, body string
		status     int
		answer     string
	}{
		{"enumerate", `{"jsonrpc":"2.0","id":"k3f","method":"enumerate","params":{"passphrase":"","chain":"regtest"},"forwarded_request":true}`, 200,
			`{"id":"k3f","jsonrpc":"2.0","result":[{"fingerprint":"73c5da0a","label":"","model":"trezor_t","needs_passphrase_sent":false,"needs_pin_sent":false,"path":"webusb:001:4","type":"trezor"}]}`},
		{"an extended key", `{"jsonrpc":"2.0","id":1,"method":"extract_xpub","params":{"derivation":"m/84h/1h/0h","device_type":"trezor","path":"webusb:001:4","passphrase":"","chain":"regtest"}}`, 200,
			`{"id":1,"jsonrpc":"2.0","result":"[73c5da0a/84h/1h/0h]` + vpub84 + `\n"}`},
		{"the master key", `{"id":1,"method":"extract_xpub","params":{"derivation":"m","device_type":"trezor"}}`, 200,
			`{"id":1,"jsonrpc":"2.0","result":"[73c5da0a]xpub661MyMwAqRbcFkPHucMnrGNzDwb6teAX1RbKQmqtEF8kK3Z7LZ59qafCjB9eCRLiTVG3uxBxgKvRgbubRhqSKXnGGb1aoaqLrpMBDrVxga8\n"}`},
		{"no PIN for a Ledger", `{"jsonrpc":"2.0","id":2,"method":"prompt_pin","params":{"device_type":"ledger"}}`, 200,
			`{"error":{"code":-32000,"data":{"code":-9,"kind":"unavailable"},"message":"Internal error: Invalid HWI device type ledger, prompt_pin is only supported for Trezor and Keepkey devices."},"id":2,"jsonrpc":"2.0"}`},
		{"nothing connected", `{"jsonrpc":"2.0","id":3,"method":"detect_device","params":{"device_type":"jade","rescan_devices":true}}`, 200, `{"id":3,"jsonrpc":"2.0","result":null}`},
		{"no PSBT", `{"jsonrpc":"2.0","id":4,"method":"sign_tx","params":{"psbt":""}}`, 200,
			`{"error":{"code":-32000,"data":{"code":-2,"kind":"invalid"},"message":"Internal error: PSBT must not be empty."},"id":4,"jsonrpc":"2.0"}`},
		{"no pairing", `{"jsonrpc":"2.0","id":5,"method":"bitbox02_pairing","params":{"chain":"main"}}`, 200, `{"id":5,"jsonrpc":"2.0","result":{"code":""}}`},
		{"no method", `{"jsonrpc":"2.0","id":6}`, 200, `{"error":{"code":-32600,"message":"Invalid Request. Request must specify a 'method'."},"id":6,"jsonrpc":"2.0"}`},
		{"an unknown method", `{"jsonrpc":"2.0","id":[7,{"a":null}],"method":"wipe"}`, 200, `{"error":{"code":-32601,"message":"Method not found."},"id":[7,{"a":null}],"jsonrpc":"2.0"}`},
		{"no id", `{"method":"bitbox02_pairing"}`, 200, `{"id":null,"jsonrpc":"2.0","result":{"code":""}}`},
		{"a method that is no word", `{"id":1,"method":5}`, 200, `{"error":{"code":-32601,"message":"Method not found."},"id":1,"jsonrpc":"2.0"}`},
		{"no object", `"enumerate"`, 200, `{"error":{"code":-32600,"message":"Invalid Request. Request must specify a 'method'."},"id":null,"jsonrpc":"2.0"}`},
		{"by position", `{"id":1,"method":"extract_xpub","params":["m/84h/1h/0h","trezor","webusb:001:4"]}`, 200, `{"id":1,"jsonrpc":"2.0","result":"[73c5da0a/84h/1h/0h]` + vpub84 + `\n"}`},
		{"a param nobody knows", `{"id":1,"method":"enumerate","params":{"colour":"red"}}`, 200,
			`{"error":{"code":-32000,"data":{"code":-7,"kind":"invalid"},"message":"Internal error: enumerate() got an unexpected keyword argument 'colour'."},"id":1,"jsonrpc":"2.0"}`},
		{"a list", `[{"id":1,"method":"bitbox02_pairing"},{"id":2,"method":"none"},3]`, 200,
			`[{"id":1,"jsonrpc":"2.0","result":{"code":""}},{"error":{"code":-32601,"message":"Method not found."},"id":2,"jsonrpc":"2.0"},{"error":{"code":-32600,"message":"Invalid Request. Request must specify a 'method'."},"id":null,"jsonrpc":"2.0"}]`},
		{"an empty list", `[]`, 200, `[]`},
		{"the PIN's matrix", `{"id":1,"method":"prompt_pin","params":{"device_type":"trezor"}}`, 200, `{"id":1,"jsonrpc":"2.0","result":{"success":true}}`},
		{"the PIN", `{"id":1,"method":"send_pin","params":{"device_type":"trezor","pin":"1234"}}`, 200, `{"id":1,"jsonrpc":"2.0","result":{"success":true}}`},
		{"a wrong PIN", `{"id":1,"method":"send_pin","params":{"device_type":"trezor","pin":"4321"}}`, 200, `{"id":1,"jsonrpc":"2.0","result":{"success":false}}`},
		{"an empty PIN", `{"id":1,"method":"send_pin","params":{"device_type":"trezor","pin":""}}`, 200,
			`{"error":{"code":-32000,"data":{"code":-2,"kind":"invalid"},"message":"Internal error: Must enter a non-empty PIN."},"id":1,"jsonrpc":"2.0"}`},
		{"the passphrase's switch", `{"id":1,"method":"toggle_passphrase","params":["trezor","webusb:001:4"]}`, 200, `{"id":1,"jsonrpc":"2.0","result":{"success":true}}`},
	} {
		trezor.info.NeedsPIN = false
		status, answer, h := o.post("http://localhost:25441", k.body)
		if status != k.status || answer != k.answer+"\n" {
			t.Errorf("%s: %d %s", k.name, status, answer)
		}
		if h.Get("Content-Type") != "application/json" {
			t.Errorf("%s: it is %s", k.name, h.Get("Content-Type"))
		}
	}
}

// Only the beginning of the parser's text is a contract.
func TestWhatIsNoJSONIsSaidSo(t *testing.T) {
	o := open(t)
	for _, body := range []string{`{'muh':'meh'}`, ``, `{`, `[`, `{"id":1}x`, "\x00"} {
		status, answer, _ := o.post("http://localhost:25441", body)
		if status != 500 || !regexp.MustCompile(`^\{"error":\{"code":-32700,"message":"Parse error:.+"\},"id":null,"jsonrpc":"2.0"\}\n$`).MatchString(answer) {
			t.Errorf("%q: %d %s", body, status, answer)
		}
	}
}

func TestRefusalsInTheContractsWords(t *testing.T) {
	o := open(t, newThing(t, "trezor", "webusb:001:4"))
	for _, k := range []struct{ method, params, text string }{
		{"toggle_passphrase", `{}`, "Invalid HWI device type None, toggle_passphrase is only supported for Trezor and Keepkey devices."},
		{"send_pin", `{"pin":"1","device_type":"jade"}`, "Invalid HWI device type jade, send_pin is only supported for Trezor and Keepkey devices."},
		{"extract_xpub", `{"derivation":"m/84h"}`, "The device could not be found. Please check it is properly connected and try again."},
		{"extract_xpub", `{"derivation":"m/84h","device_type":"jade"}`, "The device could not be found. Please check it is properly connected and try again."},
		{"sign_message", `{"message":"","device_type":"trezor"}`, "Message must not be empty."},
		{"display_address", `{"device_type":"trezor"}`, "Descriptor must not be empty."},
		{"register_multisig", `{"device_type":"trezor"}`, "Descriptor must not be empty."},
		{"send_pin", `{"pin":"12a","device_type":"trezor"}`, "Non-numeric PIN provided."},
	} {
		if _, code, text := o.call(k.method, k.params); code != -32000 || text != "Internal error: "+k.text {
			t.Errorf("%s %s: %d %s", k.method, k.params, code, text)
		}
	}
	for _, k := range []struct{ method, params, about string }{
		{"enumerate", `{"chain":"liquidv1"}`, "Liquid"},
		{"extract_master_blinding_key", `{"device_type":"jade"}`, "Liquid"},
		{"enumerate", `{"chain":"dogecoin"}`, "no chain"},
		{"extract_xpub", `{"derivation":"84h/0h","device_type":"trezor"}`, "derivation path"},
		{"extract_xpubs", `{"account":-1,"device_type":"trezor"}`, "account"},
		{"extract_xpubs", `{"account":2147483648,"device_type":"trezor"}`, "account"},
		{"sign_tx", `{"psbt":"cHNidP8=","device_type":"trezor"}`, "Internal error"},
		{"sign_tx", `{"psbt":5}`, "text"},
		{"detect_device", `{"fingerprint":"xyz"}`, "fingerprint"},
		{"enumerate", `["a","main","x","y"]`, "params"},
		{"enumerate", `7`, "params"},
		{"notices", `{"session":"a b c d e f"}`, "session"},
	} {
		if _, code, text := o.call(k.method, k.params); code != -32000 || !strings.Contains(text, k.about) {
			t.Errorf("%s %s: %d %s", k.method, k.params, code, text)
		}
	}
}

// The eight lines, as the old bridge writes them; what a device does not give is left out.
func TestAllKeysOfAnAccount(t *testing.T) {
	d := newThing(t, "coldcard", "hid:/dev/hidraw3")
	o := open(t, d)
	result, _, text := o.call("extract_xpubs", `{"account":3,"device_type":"coldcard","path":"/dev/hidraw3","chain":"regtest"}`)
	var all string
	if err := json.Unmarshal(result, &all); err != nil {
		t.Fatal(err, text)
	}
	lines := strings.Split(strings.TrimSuffix(all, "\n"), "\n")
	want := []string{"[73c5da0a/49'/0'/3']ypub", "[73c5da0a/84'/0'/3']zpub", "[73c5da0a/48'/0'/3'/1']Ypub", "[73c5da0a/48'/0'/3'/2']Zpub",
		"[73c5da0a/49'/1'/3']upub", "[73c5da0a/84'/1'/3']vpub", "[73c5da0a/48'/1'/3'/1']Upub", "[73c5da0a/48'/1'/3'/2']Vpub"}
	if len(lines) != len(want) || !strings.HasSuffix(all, "\n") {
		t.Fatalf("%d lines: %q", len(lines), all)
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, want[i]) {
			t.Errorf("line %d is %s, want %s…", i, line, want[i])
		}
	}
	d.fail = signer.E(signer.CodeUnavailable, "this path is not allowed")
	if _, code, text := o.call("extract_xpubs", `{"device_type":"coldcard"}`); code != -32000 || !strings.Contains(text, "not allowed") {
		t.Errorf("no key at all: %d %s", code, text)
	}
}

func TestAMessageIsSigned(t *testing.T) {
	o := open(t, newThing(t, "trezor", "p"))
	result, _, text := o.call("sign_message", `{"message":"hello","derivation_path":"m/44h/1h/0h/0/0","device_type":"trezor","chain":"regtest"}`)
	var sig string
	if err := json.Unmarshal(result, &sig); err != nil {
		t.Fatal(err, text)
	}
	x, err := signertest.Master(t, signertest.Abandon, "").Derive(btc.Path{44 | btc.Hardened, 1 | btc.Hardened, btc.Hardened, 0, 0})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := message.Verify(p2pkh(x), btc.Regtest, "hello", sig); err != nil {
		t.Errorf("the signature: %+v, %v", r, err)
	}
}

// A wallet of several keys is registered once, kept, and asked for again where the device has
// forgotten it.
func TestADeviceIsAskedOnceToKnowAWallet(t *testing.T) {
	d := newThing(t, "ledger", "p")
	d.registers = true
	o := open(t, d)
	others := []btc.XKey{d.master, signertest.Master(t, signertest.Zoo, ""), signertest.Master(t, signertest.Legal, "")}
	w := signertest.Wallet(t, "wsh", others...)
	coin := signertest.Coin{Wallet: w, Index: 5, Sat: 100_000}
	tx := signertest.Payment{Coins: []signertest.Coin{coin}, Pay: 90_000}.Packet(t, btc.Regtest)
	text, err := tx.Base64()
	if err != nil {
		t.Fatal(err)
	}
	sign := func(more string) *psbt.Packet {
		t.Helper()
		result, _, refusal := o.call("sign_tx", `{"psbt":"`+text+`","device_type":"ledger","chain":"regtest"`+more+`}`)
		var signed string
		if err := json.Unmarshal(result, &signed); err != nil {
			t.Fatal(refusal)
		}
		raw, err := base64.StdEncoding.DecodeString(signed)
		if err != nil {
			t.Fatal(err)
		}
		out, err := psbt.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if _, new, err := tx.Merge(out); err != nil || len(new) != 1 {
			t.Fatalf("%d signatures, %v", len(new), err)
		}
		return out
	}
	named := `,"wallet_name":"Vault","descriptor":` + quoted(w.Descriptor.String())
	for range 3 {
		sign(named)
	}
	if d.enrolled != 1 {
		t.Errorf("the person was asked %d times to register one wallet", d.enrolled)
	}
	d.forgets = true // another device with the same seed, or one that was reset
	sign(named)
	if d.enrolled != 2 {
		t.Errorf("a device that has forgotten the wallet was asked %d times in all", d.enrolled)
	}
	result, _, refusal := o.call("register_wallet", `{"descriptor":`+quoted(w.Descriptor.String())+`,"wallet_name":"Vault","device_type":"ledger","chain":"regtest"}`)
	if string(result) != `{"id":"01","name":"Vault","needed":true,"proof":"0203"}` {
		t.Errorf("register_wallet: %s %s", result, refusal)
	}
	if result, _, refusal := o.call("register_multisig", `{"descriptor":`+quoted(w.Descriptor.String())+`,"device_type":"ledger"}`); string(result) != "true" {
		t.Errorf("register_multisig: %s %s", result, refusal)
	}
	before := d.enrolled
	o.memory = signertest.Drawer{}
	sign(named + `,"registration":"0203"`) // the caller has kept it
	if d.enrolled != before {
		t.Error("the proof that the caller brought was not used")
	}
	// An old client says nothing of the wallet: it is read from the PSBT.
	sign("")
	if d.enrolled != before+1 {
		t.Errorf("a wallet that the PSBT tells of was registered %d times", d.enrolled-before)
	}
	want := coin.Address(t, btc.Regtest)
	at, err := w.Descriptor.Branch(0)
	if err != nil {
		t.Fatal(err)
	}
	if at, err = at.At(5); err != nil {
		t.Fatal(err)
	}
	result, _, refusal = o.call("display_address", `{"descriptor":"bad","xpubs_descriptor":`+quoted(at.String())+`,"device_type":"ledger","chain":"regtest"}`)
	if string(result) != quoted(want) {
		t.Errorf("display_address: %s %s, want %s", result, refusal, want)
	}
}

func quoted(s string) string {
	b, _ := json.Marshal(s) // a string always can be
	return string(b)
}

// Which of several devices is meant: the last criterion that is given.
func TestTheLastCriterionWins(t *testing.T) {
	a, b := newThing(t, "trezor", "webusb:1"), newThing(t, "jade", "/dev/ttyACM0")
	b.master = signertest.Master(t, signertest.Zoo, "")
	b.info.Fingerprint = b.master.Fingerprint()
	o := open(t, a, b)
	for params, want := range map[string]string{
		`{"device_type":"TREZOR"}`: "webusb:1", `{"device_type":"trezor","fingerprint":"3f635a63"}`: "/dev/ttyACM0",
		`{"fingerprint":"3f635a63","path":"webusb:1"}`: "webusb:1", `{"path":"nowhere","device_type":"trezor"}`: "", `{}`: "",
	} {
		result, _, text := o.call("detect_device", params)
		if want == "" && string(result) != "null" || want != "" && !strings.Contains(string(result), `"path":"`+want+`"`) {
			t.Errorf("%s: %s %s", params, result, text)
		}
	}
}

// A device that cannot be used is listed with HWI's code.
func TestALockedDeviceIsListedWithItsCode(t *testing.T) {
	d := newThing(t, "trezor", "webusb:1")
	d.info.Known, d.info.NeedsPIN, d.info.Err = false, true, signer.E(signer.CodeNotReady, "Could not open client or get fingerprint information: Trezor is locked")
	o := open(t, d)
	result, _, _ := o.call("enumerate", `{}`)
	want := `[{"code":-12,"error":"Could not open client or get fingerprint information: Trezor is locked","fingerprint":"","label":"","model":"trezor_t","needs_passphrase_sent":false,"needs_pin_sent":true,"path":"webusb:1","type":"trezor"}]`
	if string(result) != want {
		t.Errorf("%s", result)
	}
}
