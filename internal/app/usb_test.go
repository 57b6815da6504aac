package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/setting"
	"specter/internal/signer"
	"specter/internal/signer/bitbox02/bitbox02test"
	"specter/internal/signer/coldcard/coldcardtest"
	"specter/internal/signer/jade/jadetest"
	"specter/internal/signer/ledger/ledgertest"
	"specter/internal/signer/signertest"
	"specter/internal/signer/trezor/trezortest"
)

// socket is a place at the computer where a software device is plugged in and pulled out.
type socket struct {
	t      *testing.T
	port   signer.Port
	packet int
	serve  func(context.Context, signer.Conn, signertest.Device) error
	device signertest.Device

	mu    sync.Mutex
	out   bool // nothing is plugged in
	cable *signertest.Cable
}

// usbSockets are where devices of the families usually show up; each has the keys of its own phrase.
func usbSockets(t *testing.T) map[string]*socket {
	all := map[string]*socket{
		"trezor":   {packet: 64, serve: trezortest.Serve, port: signer.Port{Path: "webusb:001:4", Way: signer.WebUSB, Vendor: 0x1209, Product: 0x53c1}, device: signertest.Device{Master: signertest.Master(t, signertest.Abandon, "")}},
		"ledger":   {packet: 64, serve: ledgertest.Serve, port: signer.Port{Path: "hid:/dev/hidraw9", Way: signer.HID, Vendor: 0x2c97, Product: 0x5011, UsagePage: 0xffa0}, device: signertest.Device{Master: signertest.Master(t, signertest.Zoo, "")}},
		"jade":     {serve: jadetest.Serve, port: signer.Port{Path: "/dev/ttyUSB0", Way: signer.Serial, Vendor: 0x10c4, Product: 0xea60, ProductName: "Jade"}, device: signertest.Device{Master: signertest.Master(t, signertest.Legal, "")}},
		"coldcard": {packet: 64, serve: coldcardtest.Serve, port: signer.Port{Path: "hid:/dev/hidraw3", Way: signer.HID, Vendor: 0xd13e, Product: 0xcc10}, device: signertest.Device{Master: signertest.Master(t, signertest.Alcohol, "")}},
		"bitbox02": {packet: 64, serve: bitbox02test.Serve, port: signer.Port{Path: "hid:/dev/hidraw7", Way: signer.HID, Vendor: 0x03eb, Product: 0x2403, UsagePage: 0xffff, ProductName: "BitBox02"}, device: signertest.Device{Master: signertest.Master(t, signertest.Abandon, "box")}},
	}
	for _, s := range all {
		s.t, s.device.Network, s.device.Person = t, btc.Regtest, &signertest.Person{}
		s.port.Open = s.open
	}
	return all
}

// open lays a new cable to the device; it ends with the connection or the test.
func (s *socket) open(context.Context) (signer.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out {
		return nil, signer.Lost(io.EOF)
	}
	s.cable = signertest.NewCable(s.packet)
	ctx, stop := context.WithCancel(context.Background())
	cable, served := s.cable, make(chan struct{})
	go func() {
		defer close(served)
		_ = s.serve(ctx, cable.Device(), s.device) // it ends when the cable is pulled out
	}()
	s.t.Cleanup(func() { stop(); cable.Unplug(); <-served })
	return cable.Host(), nil
}

// pull takes the device out, also under a call.
func (s *socket) pull() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out = true
	if s.cable != nil {
		s.cable.Unplug()
	}
}

// plugged are the ports of sockets that have a device.
func plugged(all ...*socket) func(context.Context) ([]signer.Port, error) {
	return func(context.Context) ([]signer.Port, error) {
		var list []signer.Port
		for _, s := range all {
			s.mu.Lock()
			if !s.out {
				list = append(list, s.port)
			}
			s.mu.Unlock()
		}
		return list, nil
	}
}

// usbHouse is a house with the devices of some sockets and a login.
func usbHouse(t *testing.T, all ...*socket) *house {
	t.Helper()
	return owned(t, Config{API: yes(), ports: plugged(all...)})
}

// usbCall asks the house's bridge. Status 200 and no error are wanted where want is not nil.
func usbCall(t *testing.T, url, origin, token, method string, params map[string]any, want any) (status int, body string, header http.Header) {
	t.Helper()
	data, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": method, "method": method, "params": params, "forwarded_request": true})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest("POST", strings.TrimSuffix(url, "/")+"/hwi/api/", strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if want != nil {
		var a struct {
			Result json.RawMessage
			Error  *struct{ Message string }
		}
		if err := json.Unmarshal(text, &a); err != nil || a.Error != nil || json.Unmarshal(a.Result, want) != nil {
			t.Fatalf("%s: HTTP %d %s %v", method, resp.StatusCode, text, err)
		}
	}
	return resp.StatusCode, string(text), resp.Header
}

// allow whitelists origins and makes the bridge's token.
func (h *house) allow(origins ...string) (token string) {
	h.t.Helper()
	b, err := h.settings.ChangeBridge(h.t.Context(), func(b *setting.Bridge) error {
		b.Origins, b.Token = origins, "the-bridges-token"
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return b.Token
}

// Three families sign a 2-of-3 of theirs, each asked over the bridge; every signature verifies,
// and nobody is asked twice to register the wallet.
func TestThreeFamiliesSignOverTheBridge(t *testing.T) {
	at := usbSockets(t)
	families := []string{"trezor", "ledger", "jade"}
	h := usbHouse(t, at["trezor"], at["ledger"], at["jade"])
	token := h.allow()
	var devices []struct{ Type, Path, Fingerprint string }
	usbCall(t, h.URL(), "", token, "enumerate", map[string]any{"chain": "regtest"}, &devices)
	if len(devices) != 3 {
		t.Fatalf("%+v", devices)
	}
	var keys []string
	for _, d := range devices {
		var line string
		usbCall(t, h.URL(), "", token, "extract_xpub", map[string]any{"derivation": "m/48h/1h/0h/2h", "device_type": d.Type, "path": d.Path, "chain": "regtest"}, &line)
		master := at[d.Type].device.Master
		want := signertest.Account(t, master, signertest.AccountPath(t, "wsh"))
		text, err := neutral(strings.TrimSpace(line))
		if err != nil || text != want || d.Fingerprint != master.Fingerprint().String() {
			t.Fatalf("%s: %s is %s, %v; want %s", d.Type, line, text, err, want)
		}
		keys = append(keys, text)
	}
	w := signertest.WalletOf(t, "wsh", keys...)
	coin := signertest.Coin{Wallet: w, Index: 3, Sat: 200_000}
	change := signertest.Coin{Wallet: w, Branch: 1, Index: 1, Sat: 90_000}
	tx := signertest.Payment{Coins: []signertest.Coin{coin}, Pay: 100_000, Change: &change}.Packet(t, btc.Regtest)
	for _, d := range devices {
		var shown string
		branch, err := w.Descriptor.Branch(0)
		if err != nil {
			t.Fatal(err)
		}
		one, err := branch.At(3)
		if err != nil {
			t.Fatal(err)
		}
		for _, more := range []map[string]any{{"descriptor": one.String()}, {"xpubs_descriptor": one.String(), "descriptor": "unused"}} {
			more["path"], more["device_type"], more["chain"] = d.Path, d.Type, "regtest"
			usbCall(t, h.URL(), "", token, "display_address", more, &shown)
			if want := coin.Address(t, btc.Regtest); shown != want || !at[d.Type].device.Person.Saw(signertest.ShowAddress, "") {
				t.Errorf("%s shows %s, want %s", d.Type, shown, want)
			}
		}
		text, err := tx.Base64()
		if err != nil {
			t.Fatal(err)
		}
		var signed string
		usbCall(t, h.URL(), "", token, "sign_tx", map[string]any{"psbt": text, "path": d.Path, "device_type": d.Type, "chain": "regtest"}, &signed)
		answer, err := psbt.Decode(signed)
		if err != nil {
			t.Fatal(err)
		}
		next, made, err := tx.Merge(answer)
		if err != nil || len(made) != 1 {
			t.Fatalf("%s: %d signatures, %v", d.Type, len(made), err)
		}
		tx = next
	}
	if err := tx.VerifySignatures(); err != nil {
		t.Error(err)
	}
	for _, family := range families {
		times := 0
		for _, s := range at[family].device.Person.Seen() {
			if s.Kind == signertest.ShowPolicy && strings.Contains(s.Text, "sortedmulti") {
				times++
			}
		}
		if times > 1 {
			t.Errorf("%s asked %d times for one wallet", family, times)
		}
	}
	file := filepath.Join(h.cfg.DataDir, signersFile)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("what is kept: %v, %v", info, err)
	}
}

// neutral writes a key line with tpub or xpub.
func neutral(line string) (string, error) {
	origin, key, _ := strings.Cut(line, "]")
	x, _, err := btc.ParseXKey(key)
	return origin + "]" + x.String(), err
}

// A device that is pulled out while it is asked ends that call with HWI's code, and no other's.
func TestADeviceIsPulledOutUnderACall(t *testing.T) {
	at := usbSockets(t)
	box := at["trezor"]
	asked := make(chan struct{})
	box.device.Person.Decide = func(signertest.Screen) signertest.Decision {
		close(asked)
		return signertest.Decision{Away: true}
	}
	h := usbHouse(t, box, at["coldcard"])
	token := h.allow()
	ended := make(chan string, 1)
	go func() {
		_, body, _ := usbCall(t, h.URL(), "", token, "sign_message", map[string]any{"message": "hello", "derivation_path": "m/84h/1h/0h/0/0", "device_type": "trezor", "chain": "regtest"}, nil)
		ended <- body
	}()
	<-asked
	var line string // nobody waits for the person at the other device
	usbCall(t, h.URL(), "", token, "extract_xpub", map[string]any{"derivation": "m/84h/1h/0h", "device_type": "coldcard", "chain": "regtest"}, &line)
	box.pull()
	if body := <-ended; !strings.Contains(body, `"code":-3,`) || !strings.Contains(body, `"code":-32000`) {
		t.Errorf("the call ended with %s", body)
	}
	var left []map[string]any
	usbCall(t, h.URL(), "", token, "enumerate", map[string]any{"chain": "regtest"}, &left)
	if len(left) != 1 || left[0]["type"] != "coldcard" {
		t.Errorf("what is left: %v", left)
	}
}

// Twenty callers at once, over several devices: everybody gets their own answer.
func TestTwentyCallersShareTheDevices(t *testing.T) {
	at := usbSockets(t)
	h := usbHouse(t, at["trezor"], at["ledger"], at["jade"], at["coldcard"])
	token := h.allow()
	families := []string{"trezor", "ledger", "jade", "coldcard"}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			family := families[i%len(families)]
			path := fmt.Sprintf("m/84h/1h/%dh", i)
			var line string
			usbCall(t, h.URL(), "", token, "extract_xpub", map[string]any{"derivation": path, "device_type": family, "chain": "regtest"}, &line)
			p, err := btc.ParsePath(path)
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := neutral(strings.TrimSpace(line)); err != nil || got != signertest.Account(t, at[family].device.Master, p) {
				t.Errorf("caller %d at %s: %s, %v", i, family, line, err)
			}
		})
	}
	all.Wait()
}

// Who comes in by which door: names, sessions, origins, tokens, over real connections.
func TestWhoMayUseTheDevicesOfAServer(t *testing.T) {
	at := usbSockets(t)
	h := usbHouse(t, at["coldcard"])
	token := h.allow("https://specter.example/")
	self := strings.TrimSuffix(h.URL(), "/")
	_, jwt, err := h.auth.NewToken(t.Context(), auth.Identity{User: h.owner(t)}, auth.TokenRequest{Description: "all", Life: 1 << 40})
	if err != nil {
		t.Fatal(err)
	}
	_, reader, err := h.auth.NewToken(t.Context(), auth.Identity{User: h.owner(t)}, auth.TokenRequest{Description: "reads", Life: 1 << 40, Scope: auth.Scope{Rights: []auth.Right{auth.Read}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]struct {
		origin, token string
		status        int
	}{
		"a page of ours without a login":  {self, "", 401},
		"a whitelisted site":              {"https://specter.example", "", 200},
		"another site":                    {"https://evil.example", "", 500},
		"a sandboxed frame":               {"null", "", 500},
		"a program":                       {"", "", 401},
		"a program with the token":        {"", token, 200},
		"a program with an API token":     {"", jwt, 200},
		"a program that may read alone":   {"", reader, 401},
		"a program with a wrong token":    {"", token + "x", 401},
		"a site that took another's name": {"https://specter.example.evil.example", "", 500},
	} {
		status, body, _ := usbCall(t, self, k.origin, k.token, "enumerate", nil, nil)
		if status != k.status || (status == 200) != strings.Contains(body, `"type":"coldcard"`) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	// With a session the server's own pages may ask.
	v, _ := h.logIn(h.owner(t), "correct horse battery")
	req, err := http.NewRequest("POST", self+"/hwi/api/", strings.NewReader(`{"id":1,"method":"enumerate","forwarded_request":false}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", self)
	if status, _, body := v.read(v.http.Do(req)); status != 200 || !strings.Contains(body, "coldcard") {
		t.Errorf("a page with a login: %d %s", status, body)
	}
	// A name that somebody else's DNS gave this address (DNS rebinding) is not ours.
	for _, host := range []string{"evil.example", "localhost.evil.example", "evil.example:25441"} {
		status, _, body := ask(t, "POST", self+"/hwi/api/", func(r *http.Request) {
			r.Host = host
			r.Header.Set("Origin", "http://"+host)
		})
		if status != http.StatusMisdirectedRequest || strings.Contains(body, "coldcard") {
			t.Errorf("for %s: %d %s", host, status, body)
		}
	}
	// What another site sends elsewhere is refused as ever.
	if status, _, _ := ask(t, "POST", self+"/settings/usb", func(r *http.Request) { r.Header.Set("Origin", "https://specter.example") }); status != http.StatusForbidden {
		t.Errorf("a whitelisted site changes the settings: %d", status)
	}
	// A proxy that we were not told of may carry anybody.
	if status, _, body := ask(t, "POST", self+"/hwi/api/", func(r *http.Request) {
		r.Header.Set("Origin", "https://specter.example")
		r.Header.Set("X-Forwarded-For", "198.51.100.7")
	}); status != http.StatusInternalServerError || !strings.Contains(body, "-32001") {
		t.Errorf("through a proxy: %d %s", status, body)
	}
}

func (h *house) owner(t *testing.T) auth.User {
	t.Helper()
	u, err := h.auth.User(t.Context(), auth.OwnerID)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// server --hwibridge: the bridge, its settings, the login, and nothing else.
func TestABridgeAndNothingElse(t *testing.T) {
	at := usbSockets(t)
	h := owned(t, Config{BridgeOnly: true, ports: plugged(at["coldcard"])})
	h.allow("http://127.0.0.1:25441/")
	status, body, _ := usbCall(t, h.URL(), "http://localhost:25441", "", "enumerate", nil, nil)
	if status != 200 || !strings.Contains(body, "coldcard") {
		t.Errorf("the bridge: %d %s", status, body)
	}
	v, _ := h.logIn(h.owner(t), "correct horse battery")
	for path, want := range map[string]int{"/": 303, "/hwi/": 303, "/hwi/settings/": 200, "/healthz/liveness": 200, "/wallets/x": 404, "/settings": 404, "/overview": 404, "/api/v1/wallets": 404, "/new-node": 404} {
		if status, _, body := v.get(strings.TrimSuffix(h.URL(), "/") + path); status != want || want == 200 && path != "/healthz/liveness" && !strings.Contains(body, "whitelisted_domains") {
			t.Errorf("%s: %d %.300s", path, status, body)
		}
	}
}

// What is kept survives the program; what cannot be read is set aside.
func TestWhatSignersKeepIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), signersFile)
	d, err := openMemory(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := d.Get("jade/x"); ok {
		t.Error("there is something in a new drawer")
	}
	if err := d.Put("jade/x", []byte{1, 2}); err != nil {
		t.Fatal(err)
	}
	if d, err = openMemory(path, nil); err != nil {
		t.Fatal(err)
	}
	if v, ok := d.Get("jade/x"); !ok || !slices.Equal(v, []byte{1, 2}) {
		t.Errorf("%v %v", v, ok)
	}
	if err := d.Put("jade/y", make([]byte, maxValue+1)); err == nil {
		t.Error("there is no bound")
	}
	if err := os.WriteFile(path, []byte("{torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if d, err = openMemory(path, nil); err != nil {
		t.Fatal(err)
	}
	if err := d.Put("jade/z", []byte{3}); err != nil {
		t.Fatal(err)
	}
	if kept, err := os.ReadFile(filepath.Join(filepath.Dir(path), "signers-damaged.json")); err != nil || string(kept) != "{torn" {
		t.Errorf("%q, %v", kept, err)
	}
}

// Jade's PIN server is an outside service like others.
func TestTheWayToAPINServer(t *testing.T) {
	urls := []string{"https://pin.example/set_pin", "http://abcdef.onion/set_pin"}
	for name, k := range map[string]struct {
		urls []string
		p    setting.Program
		want string
	}{
		"straight":            {urls, setting.Program{}, urls[0]},
		"over Tor alone":      {urls, setting.Program{ProxyOnly: true}, urls[1]},
		"no onion address":    {urls[:1], setting.Program{ProxyOnly: true}, ""},
		"an onion alone":      {urls[1:], setting.Program{}, ""},
		"plain http":          {[]string{"http://pin.example/"}, setting.Program{}, ""},
		"in our own network":  {[]string{"https://192.168.1.1/", "https://[::1]/", "https://router/"}, setting.Program{}, ""},
		"with a name in it":   {[]string{"https://a:b@pin.example/"}, setting.Program{}, ""},
		"nothing":             {nil, setting.Program{}, ""},
		"another kind of way": {[]string{"ftp://pin.example/", "file:///etc/passwd"}, setting.Program{}, ""},
	} {
		if got, err := chooseRelay(k.urls, k.p); got != k.want || (err == nil) != (k.want != "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	h := owned(t, Config{ports: plugged()})
	if _, err := h.outside.relay(t.Context(), urls, nil); err == nil || !strings.Contains(err.Error(), "switched off") {
		t.Errorf("while outside services are off: %v", err)
	}
	tor := newSocks(t)
	if _, err := h.program.ChangeProgram(t.Context(), func(p *setting.Program) error {
		p.Outside, p.Proxy, p.ProxyOnly = true, tor.Addr().String(), true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if data, err := h.outside.relay(t.Context(), urls, []byte(`{"data":"00"}`)); err != nil || !json.Valid(data) {
		t.Errorf("over Tor: %s, %v", data, err)
	}
	if said := tor.all(); len(said) != 1 || !strings.HasSuffix(said[0], "|abcdef.onion:80") {
		t.Errorf("the proxy was asked for %v", said)
	}
	if _, err := h.outside.relay(t.Context(), []string{"http://refuses.onion/"}, nil); err == nil || !strings.Contains(err.Error(), "nothing that helps") {
		t.Errorf("an answer that is no JSON: %v", err)
	}
}

// A page of another site, in a real browser: let in where it is whitelisted, kept out where not,
// and the test on the settings page names each trouble.
func TestAPageOfAnotherOriginInABrowser(t *testing.T) {
	at := usbSockets(t)
	desk := owned(t, Config{BridgeOnly: true, ports: plugged(at["coldcard"])})
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>A site</title><main>A site</main>")
	}))
	t.Cleanup(site.Close)
	b := openTab(t, site.URL, 1000, 800)
	b.visit("/")
	fetch := func(more string) string {
		return `fetch(` + quote(desk.URL()+"hwi/api/") + `,{method:"POST",headers:{"Content-Type":"` + more + `"},body:JSON.stringify({jsonrpc:"2.0",id:1,method:"enumerate",params:{},forwarded_request:true})}).then(r=>r.json()).then(a=>{window.answer=JSON.stringify(a)}).catch(e=>{window.answer="kept out"})`
	}
	desk.allow("https://specter.example/")
	for _, kind := range []string{"application/json", "text/plain"} {
		b.run("ask", `window.answer="";`+fetch(kind))
		b.until("not whitelisted, "+kind, `window.answer === "kept out"`)
	}
	desk.allow(site.URL + "/")
	b.run("ask", `window.answer="";`+fetch("application/json"))
	b.until("whitelisted", `window.answer.includes("coldcard")`)

	// The same from the settings page of a Specter elsewhere.
	away := owned(t, Config{})
	if _, err := away.settings.ChangeUser(t.Context(), auth.OwnerID, func(u *setting.User) error { u.Bridge = desk.URL(); return nil }); err != nil {
		t.Fatal(err)
	}
	b.base = strings.TrimSuffix(away.URL(), "/")
	b.visit("/auth/login?next=/settings/usb")
	b.set("[name=username]", "admin")
	b.set("[name=password]", "correct horse battery")
	b.submit("main form button")
	outcome := func(want string) {
		t.Helper()
		b.run("test", `document.getElementById("usb-test").click()`)
		b.until(want, `document.getElementById("usb-result").dataset.outcome === `+quote(want))
	}
	b.until("the page", `document.getElementById("usb-test") && !document.getElementById("usb-test").hidden`)
	outcome("list")
	desk.allow(away.URL())
	outcome("ok")
	b.until("its device is named", `document.querySelector("[data-say=ok]").textContent.includes("coldcard")`)
	at["coldcard"].pull()
	outcome("none")
	desk.stop()
	outcome("off")
	b.shot("usb-test")
}

// Bridges that users have named are asked as the owner lets Specter out: onion names through the
// proxy or not at all, and with "through the proxy or not at all" everything that is not near.
func TestTheWayToABridgeElsewhere(t *testing.T) {
	s := newSocks(t)
	var d dials
	h := owned(t, Config{dial: d.dial})
	near := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") != "https://specter.example" {
			http.Error(w, "who asks?", http.StatusBadRequest)
			return
		}
		fmt.Fprint(w, `{"id":1,"jsonrpc":"2.0","result":{"code":""}}`)
	}))
	t.Cleanup(near.Close)
	ask := func(address string) error {
		t.Helper()
		if _, err := h.settings.ChangeUser(t.Context(), auth.OwnerID, func(u *setting.User) error { u.Bridge = address; return nil }); err != nil {
			t.Fatal(err)
		}
		c, err := h.elsewhereBridge(t.Context(), auth.OwnerID)
		if err != nil {
			return err
		}
		c.Origin = "https://specter.example"
		return c.Call(t.Context(), "bitbox02_pairing", nil, nil)
	}
	other := strings.Replace(near.URL, "127.0.0.1", "127.0.0.2", 1) // not for the browser to ask; the dialler below finds it
	if err := ask("http://bridgebridge.onion/"); err == nil || !strings.Contains(err.Error(), "proxy") {
		t.Errorf("an onion name without a proxy: %v", err)
	}
	for _, address := range d.all() {
		if strings.Contains(address, "onion") {
			t.Errorf("%s was called straight", address)
		}
	}
	if err := ask(setting.RemoteBridge); err == nil || !strings.Contains(err.Error(), "your own computer") {
		t.Errorf("a bridge at the browser: %v", err)
	}
	if _, err := h.program.ChangeProgram(t.Context(), func(p *setting.Program) error {
		p.Proxy, p.ProxyOnly = s.Addr().String(), true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for address, proxied := range map[string]bool{"http://bridgebridge.onion/": true, "http://desk.example/": true, "http://198.51.100.7/": true, other: false} {
		before := len(s.all())
		err := ask(address)
		if went := len(s.all()) > before; went != proxied {
			t.Errorf("%s: through the proxy: %v, %v", address, went, err)
		}
	}
	for _, address := range d.all() {
		if host, _, _ := strings.Cut(address, ":"); host != "127.0.0.1" && host != "127.0.0.2" {
			t.Errorf("%s was called past the proxy", address)
		}
	}
}

func (s *socks) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.said)
}
