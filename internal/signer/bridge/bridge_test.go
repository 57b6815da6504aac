package bridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/bridge"
	"specter/internal/testkit"
)

// Preflights are answered for whitelisted sites alone, also those across the local network's border.
func TestPreflights(t *testing.T) {
	for _, k := range []struct {
		origin string
		near   bool
		status int
	}{
		{"https://specter.example", true, 204}, {"https://evil.example", true, 403}, {"null", true, 403}, {"", true, 403}, {self, true, 403}, {"https://specter.example", false, 403},
	} {
		o := open(t)
		o.rules.Origins, o.near = []string{"https://specter.example/"}, k.near
		r := httptest.NewRequest("OPTIONS", "http://127.0.0.1:25441/hwi/api/", nil)
		r.Host = "127.0.0.1:25441"
		if k.origin != "" {
			r.Header.Set("Origin", k.origin)
		}
		r.Header.Set("Access-Control-Request-Method", "POST")
		r.Header.Set("Access-Control-Request-Headers", "content-type")
		r.Header.Set("Access-Control-Request-Private-Network", "true")
		r.Header.Set("Access-Control-Request-Local-Network", "true")
		w := httptest.NewRecorder()
		o.ServeHTTP(w, r)
		h := w.Header()
		var got []string
		for name := range h {
			if strings.HasPrefix(name, "Access-Control-Allow") {
				got = append(got, name+": "+h.Get(name))
			}
		}
		slices.Sort(got)
		want := ""
		if k.status == 204 {
			want = "Access-Control-Allow-Headers: Accept, Authorization, Content-Type|Access-Control-Allow-Local-Network: true|Access-Control-Allow-Methods: POST|" +
				"Access-Control-Allow-Origin: https://specter.example|Access-Control-Allow-Private-Network: true"
		}
		if w.Code != k.status || strings.Join(got, "|") != want {
			t.Errorf("%+v: %d %v", k, w.Code, got)
		}
		if h.Get("Access-Control-Allow-Credentials") != "" {
			t.Error("cookies are no way in for other sites")
		}
	}
}

func TestOtherMethodsThanPostAreRefused(t *testing.T) {
	o := open(t)
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE"} {
		w := httptest.NewRecorder()
		o.ServeHTTP(w, httptest.NewRequest(method, "http://127.0.0.1:25441/hwi/api/", nil))
		if w.Code != 405 || w.Header().Get("Allow") == "" {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
}

func TestABodyThatIsTooLargeIsRefused(t *testing.T) {
	o := open(t)
	status, body, _ := o.post("http://localhost:25441", `{"id":"`+strings.Repeat("a", bridge.MaxBody)+`"}`)
	if status != http.StatusRequestEntityTooLarge || !strings.Contains(body, "-32700") {
		t.Errorf("%d %.200s", status, body)
	}
	if status, body, _ := o.post("http://localhost:25441", "["+strings.Repeat(`{"method":"version"},`, 60)+`1]`); status != 200 || !strings.Contains(body, "-32600") {
		t.Errorf("a long list: %d %.200s", status, body)
	}
}

// wait looks until something is so; what is waited for happens in another goroutine.
func wait(t *testing.T, what string, so func() bool) {
	t.Helper()
	testkit.Soon(t, what, func() (bool, string) { return so(), "" })
}

type talkAnswer struct {
	Next    int
	Running bool
	Notices []struct {
		Seq                      int
		Kind, Code, Text, Method string
	}
}

func (o *office) notices(session string, since, seconds int) (a talkAnswer) {
	o.t.Helper()
	result, _, text := o.call("notices", fmt.Sprintf(`{"session":%q,"since":%d,"wait":%d}`, session, since, seconds))
	if err := json.Unmarshal(result, &a); err != nil {
		o.t.Fatal(text)
	}
	return a
}

// What a device asks is heard beside the call; the call can be ended; another caller hears nothing.
func TestADialog(t *testing.T) {
	d := newThing(t, "bitbox02", "p")
	d.wait = make(chan struct{})
	o := open(t, d)
	o.rules.Origins = append(o.rules.Origins, "https://other.example/")
	if a := o.notices("dialog-one", 0, 0); a.Running || len(a.Notices) != 0 {
		t.Errorf("before anything: %+v", a)
	}
	ended := make(chan string, 1)
	go func() {
		_, code, text := o.call("sign_message", `{"message":"hello","derivation_path":"m/0","device_type":"bitbox02","session":"dialog-one","chain":"regtest"}`)
		ended <- fmt.Sprint(code, " ", text)
	}()
	var a talkAnswer
	wait(t, "a notice", func() bool { a = o.notices("dialog-one", 0, 5); return len(a.Notices) > 0 })
	if n := a.Notices[0]; !a.Running || n.Kind != "confirm" || n.Method != "sign_message" || n.Seq != 1 || a.Next != 1 {
		t.Errorf("%+v", a)
	}
	if a := o.notices("dialog-two", 0, 0); a.Running || len(a.Notices) > 0 {
		t.Errorf("another dialog hears %+v", a)
	}
	if _, body, _ := o.post("https://other.example", `{"id":1,"method":"notices","params":{"session":"dialog-one"}}`); strings.Contains(body, "confirm") || !strings.Contains(body, `"running":false`) {
		t.Errorf("another site hears %s", body)
	}
	if _, body, _ := o.post("https://other.example", `{"id":1,"method":"cancel","params":{"session":"dialog-one"}}`); !strings.Contains(body, "success") {
		t.Errorf("cancel: %s", body)
	}
	select {
	case text := <-ended:
		t.Fatalf("another site ended the call: %s", text)
	default:
	}
	if result, _, _ := o.call("cancel", `{"session":"dialog-one"}`); string(result) != `{"success":true}` {
		t.Errorf("cancel: %s", result)
	}
	if text := <-ended; text != "-32000 Internal error: the call was cancelled." {
		t.Errorf("the ended call: %s", text)
	}
	if a := o.notices("dialog-one", a.Next, 0); a.Running || len(a.Notices) != 0 {
		t.Errorf("afterwards: %+v", a)
	}
}

// The pairing code is there for old pages too while the device shows it, and not longer.
func TestThePairingCode(t *testing.T) {
	d := newThing(t, "bitbox02", "p")
	d.wait = make(chan struct{})
	o := open(t, d)
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.call("sign_message", `{"message":"x","derivation_path":"m/0","device_type":"bitbox02","chain":"regtest"}`)
	}()
	wait(t, "the call", func() bool { return len(o.asks()) > 0 })
	for _, a := range o.asks() {
		if !a.Pair {
			t.Error("a call may pair")
		}
		a.Notify(signer.Notice{Kind: signer.NoticePairing, Code: "ABCDE FGHIJ"})
	}
	if result, _, _ := o.call("bitbox02_pairing", `{}`); string(result) != `{"code":"ABCDE FGHIJ"}` {
		t.Errorf("while it pairs: %s", result)
	}
	close(d.wait)
	<-done
	if result, _, _ := o.call("bitbox02_pairing", `{}`); string(result) != `{"code":""}` {
		t.Errorf("afterwards: %s", result)
	}
}

func (d *desk) asks() []signer.Ask {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.asked)
}

// Closing the page ends the call.
func TestWhoGoesAwayEndsTheCall(t *testing.T) {
	d := newThing(t, "trezor", "p")
	d.wait = make(chan struct{})
	o := open(t, d)
	ctx, leave := context.WithCancel(context.Background())
	done := make(chan string, 1)
	go func() {
		_, body, _ := o.post("http://localhost:25441", `{"id":1,"method":"sign_message","params":{"message":"x","device_type":"trezor","session":"some-session"}}`,
			within(ctx))
		done <- body
	}()
	wait(t, "the question", func() bool { return len(o.notices("some-session", 0, 0).Notices) > 0 })
	leave()
	if body := <-done; !strings.Contains(body, `"code":-14`) {
		t.Errorf("the call ended with %s", body)
	}
}

// A web site cannot wear a person down with questions; users of this server are not held up.
func TestAWebSiteIsNotAllowedToFlood(t *testing.T) {
	d := newThing(t, "trezor", "p")
	o := open(t, d)
	ask := `{"message":"x","derivation_path":"m/0","device_type":"trezor","chain":"regtest"}`
	for i := range 30 {
		if _, _, text := o.call("sign_message", ask); text != "" {
			t.Fatalf("question %d: %s", i, text)
		}
	}
	if _, code, text := o.call("sign_message", ask); code != -32000 || !strings.Contains(text, "30 times") {
		t.Errorf("question 31: %d %s", code, text)
	}
	if result, _, text := o.call("enumerate", `{}`); result == nil {
		t.Errorf("looking asks nobody: %s", text)
	}
	o.clock = o.clock.Add(11 * time.Minute)
	d.fail = signer.Declined("signing")
	for range 3 {
		o.call("sign_message", ask)
	}
	if _, _, text := o.call("sign_message", ask); !strings.Contains(text, "refused 3 times") {
		t.Errorf("after three refusals: %s", text)
	}
	o.clock = o.clock.Add(2 * time.Minute)
	d.fail = nil
	if result, _, text := o.call("sign_message", ask); result == nil {
		t.Errorf("after a minute: %s", text)
	}
	o.user = "ada"
	for i := range 40 {
		if _, body, _ := o.post(self, `{"id":1,"method":"sign_message","params":`+ask+`}`); !strings.Contains(body, "result") {
			t.Fatalf("a user's question %d: %s", i, body)
		}
	}
}

// Twenty at once: everybody is answered, one device keeps nobody else waiting.
func TestTwentyCallersAtOnce(t *testing.T) {
	slow, quick := newThing(t, "trezor", "slow"), newThing(t, "coldcard", "quick")
	slow.wait = make(chan struct{})
	o := open(t, slow, quick)
	o.user = "ada"
	stuck := make(chan string, 1)
	go func() {
		_, body, _ := o.post(self, `{"id":1,"method":"sign_message","params":{"message":"x","derivation_path":"m/0","path":"slow","chain":"regtest"}}`)
		stuck <- body
	}()
	var all sync.WaitGroup
	for i := range 20 {
		all.Add(1)
		go func() {
			defer all.Done()
			_, body, _ := o.post(self, fmt.Sprintf(`{"id":%d,"method":"extract_xpub","params":{"derivation":"m/84h/0h/%dh","path":"quick"}}`, i, i))
			if !strings.Contains(body, fmt.Sprintf(`{"id":%d,"jsonrpc":"2.0","result":"[73c5da0a/84h/0h/%dh]zpub`, i, i)) {
				t.Errorf("caller %d: %s", i, body)
			}
		}()
	}
	all.Wait()
	close(slow.wait)
	if body := <-stuck; !strings.Contains(body, "result") {
		t.Errorf("the slow one: %s", body)
	}
}

// far is a bridge that is reached over the net.
func far(t *testing.T, o *office) *bridge.Client {
	t.Helper()
	srv := httptest.NewServer(o)
	t.Cleanup(srv.Close)
	return &bridge.Client{URL: srv.URL + "/hwi/api/", HTTP: srv.Client(), Origin: "https://specter.example"}
}

// A user's calls go on to the bridge that they have chosen, marked and with their origin.
func TestCallsAreSentOn(t *testing.T) {
	there := open(t, newThing(t, "trezor", "p"))
	there.rules.Origins = []string{"http://127.0.0.1:25441/"}
	here := open(t)
	here.user, here.away = "ada", far(t, there)
	if _, body, _ := here.post(self, `{"jsonrpc":"2.0","id":"a b","method":"enumerate","params":{}}`); !strings.Contains(body, `{"id":"a b","jsonrpc":"2.0","result":[{"fingerprint":"73c5da0a"`) {
		t.Errorf("sent on: %s", body)
	}
	if _, body, _ := here.post(self, `{"jsonrpc":"2.0","id":1,"method":"enumerate","forwarded_request":true}`); body != `{"id":1,"jsonrpc":"2.0","result":[]}`+"\n" {
		t.Errorf("with forwarded_request it is done here: %s", body)
	}
	if _, body, _ := here.post(self, `[{"id":1,"method":"nope"},{"id":2,"method":"enumerate"}]`); !strings.Contains(body, `[{"error":{"code":-32601`) || !strings.Contains(body, `{"id":2,"jsonrpc":"2.0","result":[{`) {
		t.Errorf("a list: %s", body)
	}
	status, body, _ := here.post("", `{"id":1,"method":"enumerate"}`, func(r *http.Request) { r.Header.Set("Authorization", "Bearer api-token") })
	if want := `{"error":{"code":-32600,"message":"Request must specify its origin or set ` + "`forwarded_request` to `true`" + `."},"id":null,"jsonrpc":"2.0"}` + "\n"; status != 500 || body != want {
		t.Errorf("without an origin: %d %s", status, body)
	}
	there.rules.Origins = nil
	if _, body, _ := here.post(self, `{"id":1,"method":"enumerate"}`); !strings.Contains(body, "-32001") || !strings.Contains(body, "whitelist") {
		t.Errorf("where we are not listed: %s", body)
	}
	there.user, here.away = "", &bridge.Client{URL: "http://127.0.0.1:1/hwi/api/", HTTP: &http.Client{}}
	if _, body, _ := here.post(self, `{"id":1,"method":"enumerate"}`); !strings.Contains(body, "does not answer") || !strings.Contains(body, `"id":1`) {
		t.Errorf("where nobody is: %s", body)
	}
}

// A test of a bridge names the step that fails.
func TestATestNamesTheStepThatFails(t *testing.T) {
	there := open(t, newThing(t, "trezor", "p"))
	there.rules.Origins = []string{"https://specter.example/"}
	good := far(t, there)
	with := func(change func(c *bridge.Client)) *bridge.Client { c := *good; change(&c); return &c }
	web := func(h http.HandlerFunc) *bridge.Client {
		srv := httptest.NewServer(h)
		t.Cleanup(srv.Close)
		return with(func(c *bridge.Client) { c.URL = srv.URL + "/hwi/api/" })
	}
	secret := httptest.NewTLSServer(there)
	t.Cleanup(secret.Close)
	moved := httptest.NewServer(http.RedirectHandler(good.URL, http.StatusTemporaryRedirect))
	t.Cleanup(moved.Close)
	for name, k := range map[string]struct {
		c    *bridge.Client
		last string
		ok   bool
	}{
		"all is well":     {good, "devices", true},
		"not listed":      {with(func(c *bridge.Client) { c.Origin = "https://other.example" }), "origin", false},
		"nobody there":    {with(func(c *bridge.Client) { c.URL = "http://127.0.0.1:1/hwi/api/" }), "reach", false},
		"no address":      {with(func(c *bridge.Client) { c.URL = "hwi" }), "address", false},
		"a web site":      {web(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<h1>hello</h1>") }), "bridge", false},
		"a closed site":   {web(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", 404) }), "bridge", false},
		"leads elsewhere": {with(func(c *bridge.Client) { c.URL = moved.URL }), "bridge", false},
		"unknown issuer":  {with(func(c *bridge.Client) { c.URL, c.HTTP = secret.URL, &http.Client{} }), "tls", false},
		"https at http":   {with(func(c *bridge.Client) { c.URL = strings.Replace(good.URL, "http:", "https:", 1) }), "tls", false},
		"an old bridge": {web(func(w http.ResponseWriter, r *http.Request) {
			var q struct{ Method string }
			_ = json.NewDecoder(r.Body).Decode(&q)
			if q.Method == "enumerate" {
				fmt.Fprint(w, `{"id":1,"jsonrpc":"2.0","result":[]}`)
				return
			}
			fmt.Fprint(w, `{"error":{"code":-32601,"message":"Method not found."},"id":1,"jsonrpc":"2.0"}`)
		}), "devices", true},
	} {
		r := k.c.Test(t.Context())
		last := r.Steps[len(r.Steps)-1]
		if last.Name != k.last || last.OK != k.ok || r.OK() != k.ok {
			t.Errorf("%s: %+v", name, r)
		}
		if !k.ok && (last.Err == nil || strings.TrimSpace(last.Err.Error()) == "") {
			t.Errorf("%s: it does not say why", name)
		}
	}
	if r := good.Test(t.Context()); r.Devices != 1 || r.Version != "1.2.3" {
		t.Errorf("%+v", r)
	}
}

// What a bridge answers is bounded.
func TestABridgeThatAnswersWithoutEndIsCutOff(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		piece := []byte(strings.Repeat(" ", 1<<20))
		for range 40 {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	}))
	t.Cleanup(srv.Close)
	c := &bridge.Client{URL: srv.URL, HTTP: srv.Client()}
	if err := c.Call(t.Context(), "enumerate", nil, nil); !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "more than") {
		t.Errorf("%v", err)
	}
}

func FuzzServe(f *testing.F) {
	for _, s := range []string{`{"id":1,"method":"enumerate","params":{"chain":"main"}}`, `[{"method":"sign_tx","params":["x"]}]`, `{"method":"display_address","params":{"descriptor":"wpkh(x)","device_type":"trezor"}}`, `{"method":"notices","params":{"session":"abcdefgh","since":"1"}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		o := open(t, newThing(t, "trezor", "p"))
		ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond) // notices may be waited for
		defer stop()
		status, answer := o.Serve(ctx, bridge.Caller{Key: "x", UserID: "x"}, body)
		if (status != 200 && status != 500) || !json.Valid(answer) || !strings.HasSuffix(string(answer), "\n") {
			t.Errorf("%d %q", status, answer)
		}
	})
}

func TestOriginsHaveOneSpelling(t *testing.T) {
	for text, want := range map[string]string{"http://localhost:25441": bridge.DefaultOrigin, "HTTP://127.0.0.1:25441/": bridge.DefaultOrigin, "https://A.example:443": "https://a.example/",
		"http://[::1]:80/": "http://[::1]/", " * ": "*", "http://x.onion": "http://x.onion/"} {
		if got, err := bridge.CleanOrigin(text); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "null", "localhost:25441", "file:///etc", "http://", "http://a/b", "http://a/?x", "http://u@a/", "http://*.example", "javascript:1", "ftp://a", "http://a#b", strings.Repeat("a", 400)} {
		if got, err := bridge.CleanOrigin(text); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q is taken as %q, %v", text, got, err)
		}
	}
	if list, err := bridge.CleanOrigins("http://localhost:25441\nhttp://127.0.0.1:25441/\r\n https://a.example "); err != nil || len(list) != 2 {
		t.Errorf("%v, %v", list, err)
	}
}
