package tor

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"specter/internal/errs"
	"specter/internal/remote/remotetest"
	"specter/internal/testkit"
)

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

func dialer() func(context.Context, string, string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext
}

// here listens for what arrives.
func here(ours, theirs netip.Addr) (net.Listener, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(ours.String(), "0"))
	if err != nil {
		return nil, err
	}
	return NewGate(l, theirs), nil
}

// pretender speaks as tor does, by a script of answers.
type pretender struct {
	addr string
	mu   sync.Mutex
	said []string
}

func pretend(t *testing.T, answer func(line string) string) *pretender {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &pretender{addr: l.Addr().String()}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				r := bufio.NewReader(c)
				for {
					text, err := r.ReadString('\n')
					if err != nil {
						return
					}
					text = strings.TrimSpace(text)
					p.mu.Lock()
					p.said = append(p.said, text)
					p.mu.Unlock()
					a := answer(text)
					if a == "" {
						return
					}
					io.WriteString(c, a)
				}
			}()
		}
	}()
	return p
}

func (p *pretender) heard() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.said, "\n")
}

const helloNull = "250-PROTOCOLINFO 1\r\n250-AUTH METHODS=NULL\r\n250-VERSION Tor=\"0.4.8.1\"\r\n250 OK\r\n"

func TestWhoPosesAsTorGetsNothing(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("a seed phrase that is longer than a cookie"), 0o600); err != nil {
		t.Fatal(err)
	}
	cookie := filepath.Join(t.TempDir(), "cookie")
	if err := os.WriteFile(cookie, []byte(strings.Repeat("c", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	hello := func(auth string) string {
		return "250-PROTOCOLINFO 1\r\n250-AUTH " + auth + "\r\n250-VERSION Tor=\"1\"\r\n250 OK\r\n"
	}
	for name, k := range map[string]struct {
		hello, then, fault string
		password           string
	}{
		"names another file as its cookie":   {hello: hello("METHODS=COOKIE COOKIEFILE=\"" + secret + "\""), fault: "no cookie"},
		"names no file":                      {hello: hello("METHODS=COOKIE,SAFECOOKIE"), fault: "does not say where"},
		"names a file that is not there":     {hello: hello("METHODS=SAFECOOKIE COOKIEFILE=\"/nowhere/x\""), fault: "cannot be read"},
		"names a device":                     {hello: hello("METHODS=SAFECOOKIE COOKIEFILE=\"/dev/zero\""), fault: "no cookie"},
		"does not know the cookie":           {hello: hello("METHODS=COOKIE,SAFECOOKIE COOKIEFILE=\"" + cookie + "\""), then: "250 AUTHCHALLENGE SERVERHASH=" + strings.Repeat("00", 32) + " SERVERNONCE=" + strings.Repeat("00", 32) + "\r\n", fault: "not the tor that wrote it"},
		"answers a challenge with a word":    {hello: hello("METHODS=SAFECOOKIE COOKIEFILE=\"" + cookie + "\""), then: "250 hello\r\n", fault: "challenge"},
		"offers ways that nobody knows":      {hello: hello("METHODS=MAGIC"), fault: "no way to log in"},
		"wants a password that is not there": {hello: hello("METHODS=HASHEDPASSWORD"), fault: "wants the password"},
		"refuses the password":               {hello: hello("METHODS=HASHEDPASSWORD"), then: "515 Bad\r\n", password: "x", fault: "does not accept"},
		"is a web server":                    {hello: "HTTP/1.1 400 Bad Request\r\n\r\n", fault: "does not speak as tor"},
		"hangs up":                           {hello: "", fault: "does not speak as tor"},
		"says nothing of logging in":         {hello: "250 OK\r\n", fault: "does not speak as tor"},
	} {
		p := pretend(t, func(line string) string {
			if strings.HasPrefix(line, "PROTOCOLINFO") {
				return k.hello
			}
			return k.then
		})
		l, _, err := Connect(context.Background(), p.addr, k.password, dialer())
		if err == nil {
			l.Close()
			t.Errorf("who %s is taken for tor", name)
			continue
		}
		if !strings.Contains(err.Error(), k.fault) {
			t.Errorf("who %s: %v", name, err)
		}
		if heard := p.heard(); strings.Contains(strings.ToLower(heard), hex.EncodeToString([]byte(strings.Repeat("c", 32)))) || strings.Contains(heard, hex.EncodeToString([]byte("a seed"))) {
			t.Errorf("who %s was told a secret: %s", name, heard)
		}
	}
}

func TestAWrongAddressFromTorIsRefused(t *testing.T) {
	other := strings.TrimSuffix(NewKey().Name(), ".onion")
	p := pretend(t, func(line string) string {
		switch {
		case strings.HasPrefix(line, "PROTOCOLINFO"):
			return helloNull
		case strings.HasPrefix(line, "ADD_ONION"):
			return "250-ServiceID=" + other + "\r\n250 OK\r\n"
		}
		return "250 OK\r\n"
	})
	_, status := runOnce(t, Config{Control: p.addr})
	if status.Made || !strings.Contains(status.Trouble, "another address") {
		t.Errorf("%+v", status)
	}
}

// runOnce runs a service until it has failed once.
func runOnce(t *testing.T, c Config) (*Service, State) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c.Key, c.Listen, c.Dial, c.Now, c.Log, c.Ports = NewKey(), here, dialer(), time.Now, silent(), []int{80}
	var s *Service
	var st State
	c.Pause = func(context.Context, time.Duration) { st = s.State(); cancel() }
	s = New(c)
	s.Run(ctx)
	return s, st
}

func TestNoTorIsSaidWithWhatToDo(t *testing.T) {
	_, st := runOnce(t, Config{Control: "127.0.0.1:1"})
	if !strings.Contains(st.Trouble, "ControlPort 9051") || st.Tries != 1 || st.Retry.IsZero() {
		t.Errorf("%+v", st)
	}
}

func TestAnnouncementsAreFollowed(t *testing.T) {
	key := NewKey()
	id := strings.TrimSuffix(key.Name(), ".onion")
	s := New(Config{Key: key, Now: clock, Log: silent()})
	say := func(text string) { s.news(reply{650, []line{{text, ""}}}) }
	say("STATUS_CLIENT NOTICE BOOTSTRAP PROGRESS=45 TAG=x SUMMARY=\"Asking for descriptors\"")
	if st := s.State(); !strings.Contains(st.Trouble, "45 %: Asking") {
		t.Errorf("%+v", st)
	}
	say("HS_DESC FAILED " + id + " UNKNOWN $a x REASON=UPLOAD_REJECTED")
	if st := s.State(); st.Up || !strings.Contains(st.Trouble, "UPLOAD_REJECTED") {
		t.Errorf("%+v", st)
	}
	say("HS_DESC UPLOADED " + strings.Repeat("a", 56) + " UNKNOWN $a")
	if s.State().Up {
		t.Error("another service's announcement counts")
	}
	say("HS_DESC UPLOADED " + id + " UNKNOWN $a")
	say("HS_DESC FAILED " + id + " UNKNOWN $a x REASON=UPLOAD_REJECTED")
	if st := s.State(); !st.Up || st.Trouble != "" {
		t.Errorf("%+v", st)
	}
}

func TestTheGateGivesEverybodyOneAddressAndHasABound(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := NewGate(l, netip.MustParseAddr("127.0.0.1"))
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		local := r.Context().Value(http.LocalAddrContextKey).(net.Addr).String()
		fmt.Fprint(w, r.RemoteAddr, " ", local)
	})}
	go srv.Serve(g)
	defer srv.Close()
	resp, err := http.Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if text := string(body); !strings.HasPrefix(text, "["+Visitor.String()+"]:") || strings.Contains(text, "127.0.0.1") {
		t.Errorf("a visitor is %s", text)
	}
	g.open.Store(atOnce)
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Error("beyond its bound the gate lets in")
	}
	far := NewGate(l, netip.MustParseAddr("192.0.2.1"))
	go func() { srv.Serve(far) }()
}

// follow runs a service and returns a func that waits for a fact, and one that ends it.
func follow(t *testing.T, c Config) (*Service, func(what string, is func(State) bool), func()) {
	t.Helper()
	c.Listen, c.Dial, c.Now, c.Log = here, dialer(), time.Now, silent()
	c.Pause = func(ctx context.Context, _ time.Duration) { pause(ctx, 20*time.Millisecond) }
	s := New(c)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { s.Run(ctx); close(done) }()
	end := func() { cancel(); <-done }
	t.Cleanup(end)
	return s, func(what string, is func(State) bool) {
		t.Helper()
		testkit.Soon(t, what, func() (bool, string) { st := s.State(); return is(st), fmt.Sprintf("%+v", st) })
	}, end
}

func made(s State) bool { return s.Made }

// hashed asks tor for the hash of a password.
func hashed(t *testing.T, password string) string {
	t.Helper()
	out, err := exec.Command(remotetest.TorPath(t), "--quiet", "--hash-password", password).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestARealTorMakesTheServiceByEveryLogin(t *testing.T) {
	const password = `pass "word" \ with signs`
	for name, k := range map[string]struct{ arg, value, password, fault string }{
		"nothing":          {"--AvoidDiskWrites", "1", "", ""},
		"cookie":           {"--CookieAuthentication", "1", "", ""},
		"password":         {"--HashedControlPassword", hashed(t, password), password, ""},
		"a wrong password": {"--HashedControlPassword", hashed(t, password), "other", "does not accept"},
		"no password":      {"--HashedControlPassword", hashed(t, password), "", "wants the password"},
	} {
		t.Run(name, func(t *testing.T) {
			control := remotetest.NewTor(t, k.arg, k.value).Control
			key := NewKey()
			s, wait, end := follow(t, Config{Control: control, Password: k.password, Key: key, Ports: []int{80, 443}})
			if k.fault != "" {
				wait(k.fault, func(s State) bool { return strings.Contains(s.Trouble, k.fault) })
				return
			}
			wait("the service", made)
			if st := s.State(); st.Address != key.Name() || !strings.HasPrefix(st.Version, "0.4") || st.Up {
				t.Errorf("%+v", st)
			}
			end()
			if st := s.State(); st.Made || st.Up {
				t.Errorf("after the end: %+v", st)
			}
		})
	}
}

func TestAServiceOutlivesItsTorAndItsSpecter(t *testing.T) {
	real := remotetest.NewTor(t, "--CookieAuthentication", "1")
	key := NewKey()
	s, wait, end := follow(t, Config{Control: real.Control, Key: key, Ports: []int{80}})
	wait("the service", made)
	real.Stop()
	wait("the end of tor", func(s State) bool { return !s.Made && s.Trouble != "" && s.Tries > 1 })
	real.Start()
	wait("the service, made again", made)
	if s.State().Address != key.Name() {
		t.Errorf("it has another address: %+v", s.State())
	}
	end()
	// another Specter with the same key, at once
	_, wait, end = follow(t, Config{Control: real.Control, Key: key, Ports: []int{80}})
	wait("the service of the next start", made)
	_, wait, endSecond := follow(t, Config{Control: real.Control, Key: key, Ports: []int{80}})
	wait("two at one time", func(s State) bool { return strings.Contains(s.Trouble, "somebody else") })
	endSecond()
	end()
	// tor no longer has it: the same key is taken at the first asking, where it was a collision before
	l, _, err := Connect(context.Background(), real.Control, "", dialer())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.k.ask(context.Background(), "ADD_ONION "+key.text()+" Flags=DiscardPK Port=80,127.0.0.1:1"); err != nil {
		t.Errorf("tor still runs the service after it was switched off: %v", err)
	}
}

func TestARealTorTakesClients(t *testing.T) {
	control := remotetest.NewTor(t).Control
	files := newFiles()
	c := NewClients(files)
	key := NewKey()
	for _, name := range []string{"phone", "laptop"} {
		if _, err := c.Add(name, key.Name(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	list, err := c.List()
	if err != nil {
		t.Fatal(err)
	}
	_, wait, _ := follow(t, Config{Control: control, Key: key, Ports: []int{80}, Clients: list})
	wait("the service for clients", made)
	list[0].Public = strings.Repeat("1", 52) // no base32
	_, wait, _ = follow(t, Config{Control: control, Key: NewKey(), Ports: []int{80}, Clients: list})
	wait("a refusal", func(s State) bool { return strings.Contains(s.Trouble, "does not make") })
}

func TestALoginThatTorRefusesIsDenied(t *testing.T) {
	control := remotetest.NewTor(t, "--HashedControlPassword", hashed(t, "right")).Control
	if _, _, err := Connect(context.Background(), control, "wrong", dialer()); !errs.Is(err, errs.Denied) {
		t.Errorf("%v", err)
	}
}
