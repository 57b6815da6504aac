package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/bridge/agent"
)

// server is a server's side with agents that are whom they say: the signature of "x" is "signed x".
type server struct {
	*agent.Broker
	t    *testing.T
	http *httptest.Server

	mu      sync.Mutex
	known   []agent.Known
	revoked map[string]bool
	gone    []string
	conns   map[net.Conn]bool
}

func newServer(t *testing.T, known ...agent.Known) *server {
	t.Helper()
	s := &server{t: t, known: known, revoked: map[string]bool{}, conns: map[net.Conn]bool{}}
	n := 0
	var err error
	s.Broker, err = agent.New(agent.Config{Instance: "here", Poll: 300 * time.Millisecond, Alive: 400 * time.Millisecond,
		Pair: func(_ context.Context, r agent.PairRequest) (agent.Known, error) {
			if r.Code != "right" {
				return agent.Known{}, errs.E(errs.Denied, "no such code")
			}
			return agent.Known{ID: "new", UserID: "ann", Name: r.Name}, nil
		},
		Challenge: func(id string) string {
			s.mu.Lock()
			defer s.mu.Unlock()
			n++
			return fmt.Sprint(id, " ", n)
		},
		Admit: func(_ context.Context, id, challenge string, signature []byte) (agent.Known, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			i := slices.IndexFunc(s.known, func(k agent.Known) bool { return k.ID == id })
			if i < 0 || s.revoked[id] || string(signature) != "signed "+challenge {
				return agent.Known{}, errs.E(errs.Denied, "nobody knows this agent")
			}
			return s.known[i], nil
		},
		Agents: func(_ context.Context, userID string) (out []agent.Known, err error) {
			for _, k := range s.known {
				if k.UserID == userID {
					out = append(out, k)
				}
			}
			return out, nil
		},
		Gone: func(k agent.Known) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.gone = append(s.gone, k.ID)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.http = httptest.NewServer(s.Broker)
	t.Cleanup(func() { s.Broker.Close(); s.http.Close() })
	return s
}

// box is what does the calls at a desk.
type box struct {
	mu    sync.Mutex
	done  []string
	do    func(ctx context.Context, method string, params map[string]json.RawMessage, tell func(signer.Notice)) (json.RawMessage, *agent.Failure)
	ended chan error
	stop  context.CancelFunc
	told  chan string
	on    chan struct{} // closed when the desk has heard that it is connected
}

func (b *box) count(method string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, m := range b.done {
		if m == method {
			n++
		}
	}
	return n
}

// wire is the way of a desk to the server, which a test can cut.
type wire struct {
	mu    sync.Mutex
	conns map[*held]bool
	down  bool // new connections are refused
	stuck chan struct{}
	lose  string
}

// held is a connection that can stop passing anything without being closed.
type held struct {
	net.Conn
	w *wire
}

func (h *held) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	h.w.mu.Lock()
	stuck := h.w.stuck
	h.w.mu.Unlock()
	if stuck != nil {
		<-stuck
		return 0, errors.New("the line was half open")
	}
	return n, err
}

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	down := w.down
	w.mu.Unlock()
	if down {
		return nil, errors.New("no way")
	}
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	h := &held{c, w}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down { // cut meanwhile
		c.Close()
		return nil, errors.New("no way")
	}
	w.conns[h] = true
	return h, nil
}

// cut closes all connections and refuses new ones.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = true
	for c := range w.conns {
		c.Close()
	}
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = false
	if w.stuck != nil {
		close(w.stuck)
		w.stuck = nil
	}
}

// RoundTrip loses an answer where it was told to.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	t := &http.Transport{DialContext: w.dial, DisableKeepAlives: true}
	resp, err := t.RoundTrip(r)
	w.mu.Lock()
	lost := w.lose != "" && strings.HasSuffix(r.URL.Path, w.lose)
	w.mu.Unlock()
	if err != nil || !lost {
		return resp, err
	}
	data, _ := io.ReadAll(resp.Body) // the server has done its part
	resp.Body.Close()
	if strings.HasSuffix(r.URL.Path, "/work") && !strings.Contains(string(data), "sign_tx") {
		resp.Body = io.NopCloser(strings.NewReader(string(data)))
		return resp, nil
	}
	w.mu.Lock()
	w.lose = ""
	w.mu.Unlock()
	return nil, errors.New("the answer was lost")
}

// connect runs a desk until the test ends, and waits until both sides know that it is connected.
func (s *server) connect(id string, b *box, w *wire) {
	s.t.Helper()
	if w == nil {
		w = &wire{}
	}
	w.conns = map[*held]bool{}
	ctx, stop := context.WithCancel(context.Background())
	b.ended, b.stop, b.told, b.on = make(chan error, 1), stop, make(chan string, 1000), make(chan struct{})
	var once sync.Once
	d := &agent.Desk{Client: &agent.Client{Base: s.http.URL, HTTP: &http.Client{Transport: w}}, ID: id, Instance: "here",
		Sign: func(c string) []byte { return []byte("signed " + c) },
		Do: func(ctx context.Context, method string, params map[string]json.RawMessage, tell func(signer.Notice)) (json.RawMessage, *agent.Failure) {
			b.mu.Lock()
			b.done = append(b.done, method)
			b.mu.Unlock()
			return b.do(ctx, method, params, tell)
		},
		Tell: func(e agent.Event) {
			if e.What == "connected" {
				once.Do(func() { close(b.on) })
			}
			b.told <- strings.TrimSpace(e.What + " " + e.Method)
		},
		Poll: 300 * time.Millisecond, First: 10 * time.Millisecond, Longest: 50 * time.Millisecond, Abandon: 2 * time.Second}
	go func() { b.ended <- d.Run(ctx) }()
	s.t.Cleanup(func() {
		stop()
		select {
		case <-b.ended:
		case <-time.After(10 * time.Second):
			s.t.Error("the desk does not end")
		}
	})
	select {
	case <-b.on:
	case <-time.After(20 * time.Second):
		s.t.Fatal("it does not come: the agent " + id + " is connected")
	}
}

func (s *server) eventually(what string, so func() bool) {
	s.t.Helper()
	for end := time.Now().Add(10 * time.Second); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatal("it does not come: " + what)
		}
	}
}

// call does a call of a user.
func (s *server) call(ctx context.Context, user, method, params string, tell func(signer.Notice)) (string, error) {
	s.t.Helper()
	r, err := s.Of(ctx, user)
	if err != nil {
		s.t.Error(err)
		return "", err
	}
	p := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(params), &p); err != nil {
		s.t.Error(err)
		return "", err
	}
	raw, err := r.Do(ctx, method, p, tell)
	return string(raw), err
}

// lists is a desk with devices; everything else answers with the path that was asked.
func lists(devices string) *box {
	b := &box{}
	b.do = func(_ context.Context, method string, params map[string]json.RawMessage, _ func(signer.Notice)) (json.RawMessage, *agent.Failure) {
		switch method {
		case "enumerate":
			return json.RawMessage(devices), nil
		case "detect_device":
			return json.RawMessage("null"), nil
		case "bitbox02_pairing":
			return json.RawMessage(`{"code":""}`), nil
		}
		return json.RawMessage(fmt.Sprintf(`{"at":%s}`, or(params["path"], `""`))), nil
	}
	return b
}

func or(v json.RawMessage, other string) string {
	if len(v) == 0 {
		return other
	}
	return string(v)
}

func annsTwo() []agent.Known {
	return []agent.Known{{ID: "home", UserID: "ann", Name: "Home"}, {ID: "work", UserID: "ann", Name: "Office"}, {ID: "bobs", UserID: "bob", Name: "Bob's"}}
}

func TestCallsGoToTheAgentThatHasTheDevice(t *testing.T) {
	s := newServer(t, annsTwo()...)
	home := lists(`[{"type":"trezor","path":"webusb:001:4","fingerprint":"73c5da0a"},null]`)
	work := lists(`[{"type":"ledger","path":"/dev/hidraw9","fingerprint":"0f056943"},{"type":"jade","path":"/dev/ttyUSB0","fingerprint":""}]`)
	bobs := lists(`[{"type":"coldcard","path":"/dev/hidraw3","fingerprint":"d34db33f"}]`)
	s.connect("home", home, nil)
	s.connect("work", work, nil)
	s.connect("bobs", bobs, nil)
	var list []struct{ Type, Path, Agent string }
	raw, err := s.call(t.Context(), "ann", "enumerate", `{"chain":"regtest"}`, nil)
	if err != nil || json.Unmarshal([]byte(raw), &list) != nil || len(list) != 3 {
		t.Fatal(raw, err)
	}
	for i, want := range []string{"trezor agent:home:webusb:001:4 Home", "ledger agent:work:/dev/hidraw9 Office", "jade agent:work:/dev/ttyUSB0 Office"} {
		if got := list[i].Type + " " + list[i].Path + " " + list[i].Agent; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for params, want := range map[string]string{
		`{"path":"agent:work:/dev/ttyUSB0"}`:                          `{"at":"/dev/ttyUSB0"}`,
		`{"path":"agent:home:webusb:001:4","fingerprint":"0f056943"}`: `{"at":"webusb:001:4"}`,
		`{"fingerprint":"0F056943","chain":"regtest"}`:                `{"at":"/dev/hidraw9"}`,
		`{"device_type":"trezor"}`:                                    `{"at":"webusb:001:4"}`,
	} {
		if raw, err := s.call(t.Context(), "ann", "extract_xpub", params, nil); err != nil || raw != want {
			t.Errorf("%s: %s, %v", params, raw, err)
		}
	}
	for _, params := range []string{`{"path":"agent:bobs:/dev/hidraw3"}`, `{"path":"/dev/hidraw3"}`, `{"fingerprint":"d34db33f"}`, `{"device_type":"coldcard"}`, `{"path":"agent:none:x"}`, `{"path":"agent:"}`, `{}`} {
		if raw, err := s.call(t.Context(), "ann", "sign_tx", params, nil); signer.CodeOf(err) != signer.CodeUnknownDevice || !errs.Is(err, errs.NotFound) {
			t.Errorf("%s: %s, %v", params, raw, err)
		}
	}
	if bobs.count("sign_tx")+bobs.count("extract_xpub")+bobs.count("enumerate") != 0 {
		t.Error("another's agent was asked")
	}
	if raw, err := s.call(t.Context(), "ann", "detect_device", `{"device_type":"coldcard"}`, nil); err != nil || raw != "null" {
		t.Errorf("detect: %s, %v", raw, err)
	}
	if raw, err := s.call(t.Context(), "ann", "bitbox02_pairing", `{}`, nil); err != nil || raw != `{"code":""}` {
		t.Errorf("pairing: %s, %v", raw, err)
	}
	if _, err := s.call(t.Context(), "carol", "enumerate", `{}`, nil); err == nil || !strings.Contains(err.Error(), "none is paired") {
		t.Errorf("a user without agents: %v", err)
	}
}

func TestNothingButTheBridgesMethodsPasses(t *testing.T) {
	s := newServer(t, annsTwo()...)
	home := lists(`[]`)
	s.connect("home", home, nil)
	for _, method := range []string{"version", "notices", "cancel", "", "exec", "Enumerate"} {
		if _, err := s.call(t.Context(), "ann", method, `{}`, nil); err == nil {
			t.Errorf("%q passed", method)
		}
	}
	if len(home.done) != 0 {
		t.Errorf("the agent did %v", home.done)
	}
}

// What a device asks comes before how it ended, and a failure keeps its code.
func TestNoticesAndFailuresComeThrough(t *testing.T) {
	s := newServer(t, annsTwo()...)
	b := &box{do: func(_ context.Context, _ string, _ map[string]json.RawMessage, tell func(signer.Notice)) (json.RawMessage, *agent.Failure) {
		tell(signer.Notice{Kind: signer.NoticePairing, Code: "ABCDE FGHIJ"})
		tell(signer.Notice{Kind: "a kind of its own"})
		tell(signer.Notice{Kind: signer.NoticeConfirm, Text: strings.Repeat("x", 5000)})
		tell(signer.Notice{Kind: signer.NoticeConfirm, Text: "address"})
		return nil, &agent.Failure{Message: "the payment was refused on the device", Code: signer.CodeCancelled, Kind: "declined"}
	}}
	s.connect("home", b, nil)
	var heard []string
	_, err := s.call(t.Context(), "ann", "sign_tx", `{}`, func(n signer.Notice) { heard = append(heard, string(n.Kind)+" "+n.Code+n.Text) })
	if signer.CodeOf(err) != signer.CodeCancelled || !errs.Is(err, errs.Declined) || err.Error() != "the payment was refused on the device" {
		t.Errorf("%v", err)
	}
	if strings.Join(heard, "|") != "pairing ABCDE FGHIJ|confirm address" {
		t.Errorf("heard %q", heard)
	}
}

// A call that its caller gives up is ended at the device too.
func TestGivingUpEndsTheCallAtTheDesk(t *testing.T) {
	s := newServer(t, annsTwo()...)
	begun, ended := make(chan struct{}), make(chan struct{})
	b := &box{do: func(ctx context.Context, _ string, _ map[string]json.RawMessage, _ func(signer.Notice)) (json.RawMessage, *agent.Failure) {
		close(begun)
		<-ctx.Done()
		close(ended)
		return nil, &agent.Failure{Message: "cancelled", Code: signer.CodeCancelled, Kind: "declined"}
	}}
	s.connect("home", b, nil)
	ctx, stop := context.WithCancel(t.Context())
	go func() { <-begun; stop() }()
	if _, err := s.call(ctx, "ann", "sign_tx", `{}`, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	<-ended
}

func TestAnAgentThatIsNotThere(t *testing.T) {
	s := newServer(t, annsTwo()...)
	for _, params := range []string{`{}`, `{"path":"agent:work:x"}`} {
		_, err := s.call(t.Context(), "ann", "sign_tx", params, nil)
		if signer.CodeOf(err) != signer.CodeConnection || !strings.Contains(err.Error(), "is not connected") {
			t.Errorf("%s: %v", params, err)
		}
	}
	s.connect("home", lists(`[]`), nil)
	if _, err := s.call(t.Context(), "ann", "sign_tx", `{"path":"agent:work:x"}`, nil); err == nil || !strings.Contains(err.Error(), "the agent at Office is not connected") {
		t.Errorf("one of two: %v", err)
	}
}

// held up calls of an agent whose line ends, and how.
func waiting(s *server, w *wire) (b *box, began chan struct{}, release chan struct{}) {
	began, release = make(chan struct{}, 10), make(chan struct{})
	b = &box{do: func(ctx context.Context, _ string, _ map[string]json.RawMessage, _ func(signer.Notice)) (json.RawMessage, *agent.Failure) {
		began <- struct{}{}
		select {
		case <-release:
			return json.RawMessage(`"signed"`), nil
		case <-ctx.Done():
			return nil, &agent.Failure{Message: "cancelled", Code: signer.CodeCancelled, Kind: "declined"}
		}
	}}
	s.connect("home", b, w)
	return b, began, release
}

// A short cut in the line is not noticed by who waits: the same run takes the call up again, and
// nobody is asked twice.
func TestACallOutlivesAShortCut(t *testing.T) {
	s := newServer(t, annsTwo()...)
	w := &wire{}
	b, began, release := waiting(s, w)
	got := make(chan string, 1)
	go func() {
		raw, err := s.call(context.Background(), "ann", "sign_tx", `{}`, nil)
		got <- fmt.Sprint(raw, err)
	}()
	<-began
	w.cut()
	close(release) // it is signed while the line is away
	w.mend()
	if text := <-got; text != `"signed"<nil>` {
		t.Error(text)
	}
	if b.count("sign_tx") != 1 {
		t.Errorf("it was signed %d times", b.count("sign_tx"))
	}
}

// An order whose delivery the server did not hear of is sent again, and done once; likewise what
// the agent says.
func TestWhatIsLostOnTheWayIsSentAgainAndDoneOnce(t *testing.T) {
	for _, path := range []string{"/work", "/say"} {
		s := newServer(t, annsTwo()...)
		w := &wire{lose: path}
		b := &box{do: func(_ context.Context, _ string, _ map[string]json.RawMessage, tell func(signer.Notice)) (json.RawMessage, *agent.Failure) {
			tell(signer.Notice{Kind: signer.NoticeConfirm})
			return json.RawMessage(`"signed"`), nil
		}}
		s.connect("home", b, w)
		heard := 0
		raw, err := s.call(t.Context(), "ann", "sign_tx", `{}`, func(signer.Notice) { heard++ })
		if err != nil || raw != `"signed"` || b.count("sign_tx") != 1 || heard != 1 {
			t.Errorf("%s: %s, %v; done %d times, heard %d times", path, raw, err, b.count("sign_tx"), heard)
		}
		s.eventually(path+": something is lost", func() bool { w.mu.Lock(); defer w.mu.Unlock(); return w.lose == "" })
	}
}

// An agent that is gone for longer is found out, also where the line is only half open.
func TestACallWhoseAgentIsGoneFails(t *testing.T) {
	for name, end := range map[string]func(*wire){
		"cut":       func(w *wire) { w.cut() },
		"half open": func(w *wire) { w.mu.Lock(); w.stuck = make(chan struct{}); w.mu.Unlock() },
	} {
		s := newServer(t, annsTwo()...)
		w := &wire{}
		b, began, _ := waiting(s, w)
		got := make(chan error, 1)
		go func() {
			_, err := s.call(context.Background(), "ann", "sign_tx", `{}`, nil)
			got <- err
		}()
		<-began
		end(w)
		if err := <-got; err == nil || !strings.Contains(err.Error(), "the agent at Home is not connected") || signer.CodeOf(err) != signer.CodeConnection {
			t.Errorf("%s: %v", name, err)
		}
		s.eventually("that it is gone is told", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return slices.Contains(s.gone, "home") })
		w.mend()
		s.eventually(name+": it is back", func() bool { _, ok := s.Since("home"); return ok })
		s.eventually(name+": what nobody waits for is ended", func() bool {
			select {
			case e := <-b.told:
				return e == "cancelled sign_tx"
			default:
				return false
			}
		})
	}
}

func TestARevokedAgentIsCutAtOnce(t *testing.T) {
	s := newServer(t, annsTwo()...)
	b, began, _ := waiting(s, nil)
	got := make(chan error, 1)
	go func() {
		_, err := s.call(context.Background(), "ann", "sign_tx", `{}`, nil)
		got <- err
	}()
	<-began
	s.mu.Lock()
	s.revoked["home"] = true
	s.mu.Unlock()
	s.Cut("home")
	if err := <-got; err == nil || !strings.Contains(err.Error(), "not connected") {
		t.Error(err)
	}
	if err := <-b.ended; !errs.Is(err, errs.Denied) {
		t.Errorf("the agent ends with %v", err)
	}
	b.ended <- nil // for the end of the test
	if _, ok := s.Since("home"); ok {
		t.Error("it still counts as connected")
	}
}

// The last one that was started stays, wherever the first one is caught by it.
func TestTheSameAgentTwice(t *testing.T) {
	for name, w := range map[string]*wire{"while it asks for work": nil, "while its line is down": {}} {
		s := newServer(t, annsTwo()...)
		first := lists(`[]`)
		s.connect("home", first, w)
		if w != nil {
			w.cut()
		}
		second := lists(`[{"type":"trezor","path":"p"}]`)
		s.connect("home", second, nil)
		if w != nil {
			w.mend()
		}
		select {
		case err := <-first.ended:
			if !errs.Is(err, errs.Denied) || !strings.Contains(err.Error(), "second time") {
				t.Error(name, err)
			}
			first.ended <- nil
		case <-time.After(20 * time.Second):
			t.Fatal(name + ": the first goes on")
		}
		if raw, err := s.call(t.Context(), "ann", "enumerate", `{}`, nil); err != nil || !strings.Contains(raw, "trezor") {
			t.Errorf("%s: %s, %v", name, raw, err)
		}
	}
}

func TestAnAgentThatEndsSaysSo(t *testing.T) {
	s := newServer(t, annsTwo()...)
	b := lists(`[]`)
	s.connect("home", b, nil)
	b.stop()
	if err := <-b.ended; err != nil {
		t.Error(err)
	}
	b.ended <- nil
	if _, ok := s.Since("home"); ok {
		t.Error("it still counts as connected")
	}
}

// Another server under the same address gets no signature.
func TestADeskSignsForItsServerAlone(t *testing.T) {
	s := newServer(t, annsTwo()...)
	signed := false
	lost := make(chan error, 10)
	ctx, stop := context.WithCancel(t.Context())
	d := &agent.Desk{Client: &agent.Client{Base: s.http.URL, HTTP: http.DefaultClient}, ID: "home", Instance: "elsewhere", First: time.Millisecond,
		Sign: func(string) []byte { signed = true; return nil }, Tell: func(e agent.Event) { lost <- e.Err; stop() }}
	if err := d.Run(ctx); err != nil {
		t.Error(err)
	}
	if err := <-lost; err == nil || !strings.Contains(err.Error(), "another server") || signed {
		t.Errorf("%v, signed: %v", err, signed)
	}
}
