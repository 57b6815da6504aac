package app

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/setting"
	"specter/internal/signer/bridge/agent"
	"specter/internal/signer/signertest"
	"specter/internal/signer/trezor/trezortest"
)

func noEnv(string) (string, bool) { return "", false }

// agentFor is an agent's configuration with a folder of its own.
func agentFor(t *testing.T, address string) AgentConfig {
	return AgentConfig{Address: address, Name: "Desk", HWI: noHWI, Log: quiet(), Version: "1.0", Devices: Devices{Folder: t.TempDir(), Env: noEnv}}
}

func TestAddressesOfServers(t *testing.T) {
	pin := base64.RawURLEncoding.EncodeToString(make([]byte, sha256.Size))
	for text, want := range map[string]agentAddress{
		"https://My.Server/#CODE":               {base: "https://my.server", host: "my.server", code: "CODE", secure: true},
		" https://my.server:8443/specter/#CODE": {base: "https://my.server:8443/specter", host: "my.server", code: "CODE", secure: true},
		"https://my.server":                     {base: "https://my.server", host: "my.server", secure: true},
		"http://abcdef.onion/#CODE." + pin:      {base: "http://abcdef.onion", host: "abcdef.onion", code: "CODE", pin: pin},
		"http://[::1]:25441/#CODE":              {base: "http://[::1]:25441", host: "::1", code: "CODE"},
		"https://me:w%40rd%3A@my.server/#CODE":  {base: "https://my.server", host: "my.server", code: "CODE", secure: true, user: "me", password: "w@rd:"},
	} {
		if got, err := parseAgentAddress(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "my.server", "ftp://my.server/#CODE", "https:///#CODE", "https://user@my.server/#CODE", "https://:word@my.server/#CODE", "https://user:@my.server/", "https://us%3Aer:word@my.server/", "https://user:wo%0Ard@my.server/", "https://my.server/?code=CODE", "https://my.server/#CODE.short",
		"https://my.server/#CODE." + pin + "x", "https://my.server/#" + strings.Repeat("x", 300), "file:///etc/passwd", "https://%zz/"} {
		if got, err := parseAgentAddress(text); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

// Ways on which others read along are refused before anything is sent.
func TestPlainHTTPIsForThisComputerAndForTor(t *testing.T) {
	for address, want := range map[string]struct {
		proxy    string
		insecure bool
		says     string // "" it may go
	}{
		"https://my.server/#C":          {"", false, ""},
		"http://127.0.0.1:25441/#C":     {"", false, ""},
		"http://localhost:25441/#C":     {"", false, ""},
		"http://my.server/#C":           {"", false, "plain HTTP"},
		"http://192.168.1.5:25441/#C":   {"127.0.0.1:9050", false, "plain HTTP"},
		"http://192.168.1.6:25441/#C":   {"", true, ""},
		"http://abcdef.onion/#C":        {"127.0.0.1:9050", false, ""},
		"https://abcdeg.onion/#C":       {"", false, "--proxy"},
		"http://abcdeh.onion/#C":        {"", true, "--proxy"},
		"http://localhost.evil.test/#C": {"", false, "plain HTTP"},
	} {
		a, err := parseAgentAddress(address)
		if err != nil {
			t.Fatal(err)
		}
		err = a.check(AgentConfig{Proxy: want.proxy, Insecure: want.insecure})
		if (err == nil) != (want.says == "") || err != nil && !strings.Contains(err.Error(), want.says) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// runAgent runs one until the test ends and returns what it tells.
func runAgent(t *testing.T, c AgentConfig) (told chan string, ended chan error, stop func()) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	told, ended = make(chan string, 1000), make(chan error, 1)
	c.Tell = func(e agent.Event) { told <- strings.TrimSpace(e.What + " " + e.Method) }
	done := make(chan struct{})
	go func() {
		defer close(done)
		ended <- RunAgent(ctx, c)
	}()
	t.Cleanup(func() { stop(); <-done })
	return told, ended, stop
}

func waitFor(t *testing.T, told chan string, what string) {
	t.Helper()
	eventually(t, what, func() (bool, string) {
		for {
			select {
			case got := <-told:
				if got == what {
					return true, ""
				}
			default:
				return false, "nothing yet"
			}
		}
	})
}

// What an agent may and may not at a real server: whose it is, who may ask it, what becomes of it
// with its user.
func TestAgentsKnowTheirServerAfterATakeover(t *testing.T) {
	h := owned(t, Config{})
	before, err := h.instance(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := h.db.SetUID(t.Context(), "594501b238513d16"); err != nil {
		t.Fatal(err)
	}
	h = h.reopen()
	if uid, err := h.nodes.UID(t.Context()); err != nil || uid != "594501b238513d16" {
		t.Fatalf("the uid is %s, %v", uid, err)
	}
	if after, err := h.instance(t.Context()); err != nil || after != before || after == "" {
		t.Errorf("agents knew %s and are asked to know %s, %v", before, after, err)
	}
}

func TestAnAgentBelongsToItsUser(t *testing.T) {
	h := owned(t, Config{API: yes()})
	admin := auth.Identity{User: h.owner(t)}
	ann, err := h.auth.AddUser(t.Context(), admin, "Ann", "letter advice cage")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{ann.ID, auth.OwnerID} {
		if _, err := h.settings.ChangeUser(t.Context(), id, func(u *setting.User) error { u.Bridge = setting.AgentBridge; return nil }); err != nil {
			t.Fatalf("%s chooses an agent: %v", id, err)
		}
	}
	code, _, err := h.auth.PairingCode(t.Context(), auth.Identity{User: ann})
	if err != nil {
		t.Fatal(err)
	}
	box := plugIn(t, "trezor", 64, trezortest.Serve, signertest.Master(t, signertest.Abandon, ""))
	c := agentFor(t, h.URL()+"#"+code)
	c.Devices.Simulators = "trezor=tcp:" + box.at
	var asked []string
	c.Confirm = func(_ context.Context, question string) error {
		asked = append(asked, question)
		return errs.E(errs.Declined, "it was refused at the agent's terminal")
	}
	told, ended, _ := runAgent(t, c)
	waitFor(t, told, "connected")
	jwt := func(u auth.User) string {
		_, jwt, err := h.auth.NewToken(t.Context(), auth.Identity{User: u}, auth.TokenRequest{Description: "asks", Life: 1 << 40})
		if err != nil {
			t.Fatal(err)
		}
		return jwt
	}
	anns, owners := jwt(ann), jwt(admin.User)
	call := func(token, method, params string) string {
		t.Helper()
		_, _, body := ask(t, "POST", strings.TrimSuffix(h.URL(), "/")+"/hwi/api/", func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+token)
			r.Body = http.NoBody
			text := fmt.Sprintf(`{"id":1,"method":%q,"params":%s}`, method, params)
			r.Body, r.ContentLength = readCloser(text), int64(len(text))
		})
		return body
	}
	if body := call(anns, "enumerate", `{"chain":"regtest"}`); !strings.Contains(body, `"path":"agent:`) || !strings.Contains(body, `"agent":"Desk"`) {
		t.Errorf("Ann's: %s", body)
	}
	if body := call(owners, "enumerate", `{"chain":"regtest"}`); !strings.Contains(body, "none is paired yet") {
		t.Errorf("the owner's: %s", body)
	}
	// Before something is signed the person at the terminal is asked, and refuses; keys are given without.
	if body := call(anns, "sign_message", `{"message":"hello","derivation_path":"m/84h/1h/0h/0/0","device_type":"trezor","chain":"regtest"}`); !strings.Contains(body, "refused at the agent") || !strings.Contains(body, `"code":-14`) {
		t.Errorf("refused at the terminal: %s", body)
	}
	if len(asked) != 1 || !strings.Contains(asked[0], `"hello"`) || box.device.Person.Saw(signertest.ShowMessage, "") {
		t.Errorf("asked %q; the device showed %v", asked, box.device.Person.Seen())
	}
	if body := call(anns, "extract_xpub", `{"derivation":"m/84h/1h/0h","device_type":"trezor","chain":"regtest"}`); !strings.Contains(body, "result") || len(asked) != 1 {
		t.Errorf("a key: %s, asked %q", body, asked)
	}
	// A second agent for the same server in the same folder does not start.
	twin := c
	twin.Address = h.URL()
	if err := RunAgent(t.Context(), twin); !errs.Is(err, errs.Conflict) {
		t.Errorf("a second one: %v", err)
	}
	if err := ForgetAgent(twin); !errs.Is(err, errs.Conflict) {
		t.Errorf("forgetting while it runs: %v", err)
	}
	if err := h.auth.DeleteUser(t.Context(), admin, ann.ID); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errs.Is(err, errs.Denied) {
		t.Errorf("its user is gone: %v", err)
	}
	if err := ForgetAgent(twin); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(c.Devices.Folder, agentFolder, "*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := ForgetAgent(twin); !errs.Is(err, errs.NotFound) {
		t.Errorf("forgetting twice: %v", err)
	}
	if err := RunAgent(t.Context(), twin); !errs.Is(err, errs.NotFound) {
		t.Errorf("without a code: %v", err)
	}
}

// Behind the door agents have their own rules: no page gets in, and a bridge alone has none.
func TestTheDoorOfAgents(t *testing.T) {
	h := owned(t, Config{})
	base := strings.TrimSuffix(h.URL(), "/")
	v, _ := h.logIn(h.owner(t), "correct horse battery")
	try := func(change func(*http.Request)) int {
		t.Helper()
		r, err := http.NewRequest("POST", base+"/hwi/agent/challenge", strings.NewReader(`{"id":"x"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set(agent.Header, "1")
		if change != nil {
			change(r)
		}
		status, _, _ := v.read(v.http.Do(r)) // with the owner's cookie
		return status
	}
	for name, k := range map[string]struct {
		change func(*http.Request)
		status int
	}{
		"an agent":             {nil, 200},
		"a page of ours":       {func(r *http.Request) { r.Header.Set("Origin", base) }, 403},
		"a page of another":    {func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403},
		"by a name of another": {func(r *http.Request) { r.Host = "evil.example" }, 421},
	} {
		if status := try(k.change); status != k.status {
			t.Errorf("%s: %d", name, status)
		}
	}
	alone := owned(t, Config{BridgeOnly: true})
	base = strings.TrimSuffix(alone.URL(), "/")
	if status := try(nil); status == http.StatusOK {
		t.Errorf("a bridge alone: %d", status)
	}
}

// A server with a certificate of its own is believed by the fingerprint from its page, and nobody
// else under its address.
func TestAServersOwnAuthorityIsPinned(t *testing.T) {
	h := owned(t, Config{TLS: TLS{Mode: TLSSelfSigned}})
	base := "https://" + h.listener.Addr().String()
	u := usb{h.App}
	pairing, err := u.PairAgent(t.Context(), auth.Identity{User: h.owner(t)}, true)
	if err != nil || pairing.Fingerprint == "" {
		t.Fatal(pairing, err)
	}
	if err := RunAgent(t.Context(), agentFor(t, base+"/#"+pairing.Code)); !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("without the fingerprint: %v", err)
	}
	other := sha256.Sum256([]byte("another"))
	if err := RunAgent(t.Context(), agentFor(t, base+"/#"+pairing.Code+"."+base64.RawURLEncoding.EncodeToString(other[:]))); !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "another certificate") {
		t.Errorf("another authority: %v", err)
	}
	c := agentFor(t, base+"/#"+pairing.Code+"."+pairing.Fingerprint) // the code was not sent before
	told, ended, stop := runAgent(t, c)
	waitFor(t, told, "connected")
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	c.Address = base
	told, _, _ = runAgent(t, c) // it remembers the authority
	waitFor(t, told, "connected")
	if again, err := u.PairAgent(t.Context(), auth.Identity{User: h.owner(t)}, false); err != nil || again.Fingerprint != "" {
		t.Errorf("through a proxy's certificate: %+v, %v", again, err)
	}
}

func TestADamagedIdentityIsNamed(t *testing.T) {
	c := agentFor(t, "https://my.server/")
	a, err := parseAgentAddress(c.Address)
	if err != nil {
		t.Fatal(err)
	}
	dir := folderOf(c, a)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, agentFile), []byte(`{"server":"https://my.server"`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := RunAgent(t.Context(), c); !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "--forget") {
		t.Error(err)
	}
}

// What the person at the terminal is asked names what is paid, to whom and the fee.
func TestTheQuestionNamesThePayments(t *testing.T) {
	w := signertest.WalletOf(t, "wpkh", signertest.Account(t, signertest.Master(t, signertest.Abandon, ""), signertest.AccountPath(t, "wpkh")))
	tx := signertest.Payment{Coins: []signertest.Coin{{Wallet: w, Sat: 200_000}}, Pay: 150_000}.Packet(t, btc.Regtest)
	text, err := tx.Base64()
	if err != nil {
		t.Fatal(err)
	}
	q, signs := questionOf("sign_tx", rawParams(t, map[string]string{"psbt": text, "chain": "regtest"}))
	for _, want := range []string{"0.00150000 BTC to bcrt1", "0.00050000 BTC as fee"} {
		if !signs || !strings.Contains(q, want) {
			t.Errorf("%q is not in %q", want, q)
		}
	}
	if q, signs := questionOf("sign_tx", rawParams(t, map[string]string{"psbt": "no"})); !signs || !strings.Contains(q, "cannot be read") {
		t.Errorf("%q %v", q, signs)
	}
	for _, method := range []string{"enumerate", "extract_xpub", "display_address", "register_multisig"} {
		if q, signs := questionOf(method, nil); signs {
			t.Errorf("%s: %s", method, q)
		}
	}
}

// gatekeeper is a reverse proxy that asks for a name and a password before it passes anything on.
func gatekeeper(t *testing.T, to, name, password string) *httptest.Server {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	pass := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.SetXForwarded()
	}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, ok := r.BasicAuth(); !ok || u != name || p != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="my server"`)
			http.Error(w, "<html>401 Authorization Required</html>", http.StatusUnauthorized)
			return
		}
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// An agent gets through a proxy that asks for a password of its own, as nginx does with auth_basic.
func TestAnAgentPassesAProxyThatAsksForAPassword(t *testing.T) {
	h := owned(t, Config{API: yes()})
	gate := gatekeeper(t, h.URL(), "gate", "k: e@per")
	host := strings.TrimPrefix(gate.URL, "http://")
	admin := auth.Identity{User: h.owner(t)}
	code, _, err := h.auth.PairingCode(t.Context(), admin)
	if err != nil {
		t.Fatal(err)
	}
	c := agentFor(t, "http://"+host+"/#"+code)
	if err := RunAgent(t.Context(), c); !errs.Is(err, errs.Denied) || !strings.Contains(err.Error(), "asks for a name and a password") {
		t.Errorf("without a password: %v", err)
	}
	c.Address = "http://gate:wrong@" + host + "/#" + code
	if err := RunAgent(t.Context(), c); !errs.Is(err, errs.Denied) || !strings.Contains(err.Error(), "does not take this name") || strings.Contains(err.Error(), "wrong@") {
		t.Errorf("with a wrong one: %v", err)
	}
	// The code is still good: it never came to the server.
	c.Address = "http://gate:k%3A%20e%40per@" + host + "/#" + code
	paired := make(chan string, 1)
	c.Paired = func(server, _ string) { paired <- server }
	told, ended, stop := runAgent(t, c)
	waitFor(t, told, "connected")
	if server := <-paired; strings.Contains(server, "e@per") || strings.Contains(server, "gate") {
		t.Errorf("the password is told: %s", server)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	file, err := filepath.Glob(filepath.Join(c.Devices.Folder, agentFolder, "*", agentFile))
	if err != nil || len(file) != 1 {
		t.Fatal(file, err)
	}
	if info, err := os.Stat(file[0]); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others may read %s: %v (%v)", file[0], info.Mode(), err)
	}
	// From then on it need not be written any more: it would stand in the list of processes.
	c.Address = "http://" + host + "/"
	told, ended, stop = runAgent(t, c)
	waitFor(t, told, "connected")
	list, err := usb{h.App}.Agents(t.Context(), admin)
	if err != nil || len(list) != 1 || !list[0].Connected {
		t.Errorf("agents: %+v (%v)", list, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	// A proxy that has got another password ends it, and does not shut it out by coming back for ever.
	c.Address = "http://gate:old@" + host + "/"
	_, ended, _ = runAgent(t, c)
	if err := <-ended; !errs.Is(err, errs.Denied) || !strings.Contains(err.Error(), "does not take this name") {
		t.Errorf("after the proxy's password changed: %v", err)
	}
}
