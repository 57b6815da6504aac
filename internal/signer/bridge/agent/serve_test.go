package agent_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"specter/internal/errs"
	"specter/internal/signer/bridge/agent"
)

// post asks a broker as an agent would, but for what change does.
func (s *server) post(path, body string, change func(*http.Request)) (int, string) {
	s.t.Helper()
	r := httptest.NewRequest("POST", "http://here"+agent.Root+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(agent.Header, "1")
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// line opens a line and returns its token.
func (s *server) line(id, run string) string {
	s.t.Helper()
	_, text := s.post("/challenge", `{"id":"`+id+`"}`, nil)
	var c struct{ Challenge string }
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		s.t.Fatal(text)
	}
	sig, err := json.Marshal([]byte("signed " + c.Challenge))
	if err != nil {
		s.t.Fatal(err)
	}
	status, text := s.post("/open", `{"id":"`+id+`","challenge":"`+c.Challenge+`","signature":`+string(sig)+`,"run":"`+run+`"}`, nil)
	var o struct{ Token string }
	if json.Unmarshal([]byte(text), &o) != nil || status != 200 {
		s.t.Fatal(status, text)
	}
	return o.Token
}

func as(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(agent.TokenHeader, token) }
}

const aRun = "run-of-sixteen-or-more"

// Pages cannot speak here, whoever is logged in in that browser.
func TestBrowsersAreRefused(t *testing.T) {
	s := newServer(t, annsTwo()...)
	for name, k := range map[string]struct {
		change func(*http.Request)
		status int
	}{
		"an agent":                    {nil, 200},
		"a page of this server":       {func(r *http.Request) { r.Header.Set("Origin", "http://here") }, 403},
		"a page of another site":      {func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403},
		"a sandboxed frame":           {func(r *http.Request) { r.Header.Set("Origin", "null") }, 403},
		"a browser without an origin": {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") }, 403},
		"a navigation":                {func(r *http.Request) { r.Header.Set("Sec-Fetch-Mode", "navigate") }, 403},
		"no header of an agent":       {func(r *http.Request) { r.Header.Del(agent.Header) }, 415},
		"a form":                      {func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415},
		"a GET":                       {func(r *http.Request) { r.Method = "GET" }, 405},
		"a preflight":                 {func(r *http.Request) { r.Method = "OPTIONS"; r.Header.Set("Origin", "https://evil.example") }, 405},
	} {
		if status, text := s.post("/challenge", `{"id":"home"}`, k.change); status != k.status || strings.Contains(text, "challenge\"") != (status == 200) {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
}

func TestALineIsItsAgentsAlone(t *testing.T) {
	s := newServer(t, annsTwo()...)
	token := s.line("home", aRun)
	for name, k := range map[string]struct {
		path, body string
		change     func(*http.Request)
		status     int
	}{
		"no token":            {"/work", `{}`, nil, 401},
		"a wrong token":       {"/work", `{}`, as("x" + token), 401},
		"no token to say":     {"/say", `{"words":[]}`, nil, 401},
		"no token to leave":   {"/leave", `{}`, nil, 401},
		"no scheme":           {"/work", `{}`, func(r *http.Request) { r.Header.Set("Authorization", token) }, 401},
		"another scheme":      {"/work", `{}`, func(r *http.Request) { r.Header.Set("Authorization", "Basic "+token) }, 401},
		"a body that is none": {"/work", `[`, as(token), 400},
		"too much":            {"/work", `{"ack":1,"x":"` + strings.Repeat("x", 10_000) + `"}`, as(token), 413},
		"nothing to say":      {"/say", `{"words":[]}`, as(token), 200},
		"an unknown call":     {"/say", `{"words":[{"n":1,"id":"nothing","result":1}]}`, as(token), 200},
		"another endpoint":    {"/other", `{}`, as(token), 404},
		"work":                {"/work", `{}`, as(token), 200},
		"an older agent":      {"/work", `{}`, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }, 200},
		"behind a gate":       {"/work", `{}`, func(r *http.Request) { as(token)(r); r.SetBasicAuth("gate", "keeper") }, 200},
		"the gate's word":     {"/work", `{}`, func(r *http.Request) { r.SetBasicAuth("gate", token) }, 401},
		"a wrong one of two":  {"/work", `{}`, func(r *http.Request) { as("x")(r); r.Header.Set("Authorization", "Bearer "+token) }, 401},
		"a wrong code":        {"/pair", `{"code":"wrong"}`, nil, 403},
		"the right code":      {"/pair", `{"code":"right","name":"Desk"}`, nil, 200},
		"no run":              {"/open", `{"id":"home","challenge":"home 1","signature":"eA==","run":""}`, nil, 400},
		"a wrong signature":   {"/open", `{"id":"home","challenge":"home 1","signature":"eA==","run":"` + aRun + `"}`, nil, 403},
	} {
		if status, text := s.post(k.path, k.body, k.change); status != k.status {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	next := s.line("home", aRun)
	if status, _ := s.post("/work", `{}`, as(token)); status != 401 {
		t.Errorf("the token of before: %d", status)
	}
	if status, _ := s.post("/leave", `{}`, as(next)); status != 200 {
		t.Errorf("leaving: %d", status)
	}
	if status, _ := s.post("/work", `{}`, as(next)); status != 401 {
		t.Errorf("after leaving: %d", status)
	}
}

// A server that is none, or one with something before it, is told apart from a refusal.
func TestPairingWithWhatIsNoServer(t *testing.T) {
	for name, k := range map[string]struct {
		answer func(http.ResponseWriter)
		kind   errs.Kind
		says   string
	}{
		"a web site":      {func(w http.ResponseWriter) { io.WriteString(w, "<html>") }, errs.Unavailable, "no Specter"},
		"nothing there":   {func(w http.ResponseWriter) { http.Error(w, "no", http.StatusNotFound) }, errs.Unavailable, "no Specter"},
		"another's login": {func(w http.ResponseWriter) { http.Error(w, "log in", http.StatusForbidden) }, errs.Unavailable, "no Specter"},
		"half an answer":  {func(w http.ResponseWriter) { io.WriteString(w, `{"id":""}`) }, errs.Unavailable, "no Specter"},
		"https":           {func(w http.ResponseWriter) { w.Header().Set("Location", "https://here/"); w.WriteHeader(308) }, errs.Invalid, "leads to https://here/"},
		"a refusal":       {func(w http.ResponseWriter) { w.WriteHeader(403); io.WriteString(w, `{"error":"no such code"}`) }, errs.Denied, "no such code"},
		"a terminal's words": {func(w http.ResponseWriter) {
			w.WriteHeader(403)
			io.WriteString(w, `{"error":"no\u001b[2J\u202ecode"}`)
		}, errs.Denied, "no?[2J?code"},
		"a pause": {func(w http.ResponseWriter) { w.WriteHeader(429); io.WriteString(w, `{"error":"wait 4 seconds"}`) }, errs.Denied, "wait 4 seconds"},
	} {
		there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { k.answer(w) }))
		_, err := (&agent.Client{Base: there.URL, HTTP: http.DefaultClient}).Pair(t.Context(), agent.PairRequest{Code: "x"})
		if errs.KindOf(err) != k.kind || !strings.Contains(err.Error(), k.says) {
			t.Errorf("%s: %v", name, err)
		}
		there.Close()
	}
	if _, err := (&agent.Client{Base: "http://127.0.0.1:1", HTTP: http.DefaultClient}).Pair(t.Context(), agent.PairRequest{}); !errs.Is(err, errs.Unavailable) {
		t.Errorf("nobody: %v", err)
	}
}

// Whatever an agent says, the server goes on.
func FuzzSay(f *testing.F) {
	for _, text := range []string{
		`{"words":[{"n":1,"id":"a","result":null}]}`, `{"words":[{"n":2,"id":"a","failure":{"message":"m","code":-14,"kind":"declined"}}]}`,
		`{"words":[{"n":3,"id":"a","notice":{"kind":"confirm","code":"x","text":"y"}}]}`, `{"words":null}`, `[]`, `{"words":[{"n":-1}]}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := newServer(t, annsTwo()...)
		token := s.line("home", aRun)
		if status, answer := s.post("/say", text, as(token)); status != 200 && status != 400 {
			t.Errorf("%d %s", status, answer)
		}
		if _, ok := s.Since("home"); !ok {
			t.Error("the line is gone")
		}
	})
}
