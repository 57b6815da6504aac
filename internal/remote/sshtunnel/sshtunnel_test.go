package sshtunnel_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"specter/internal/errs"
	"specter/internal/remote/remotetest"
	"specter/internal/remote/sshtunnel"
	"specter/internal/testkit"
)

// target is where tunnels to a server go.
func target(t *testing.T, s *remotetest.SSHD) sshtunnel.Target {
	t.Helper()
	to, err := sshtunnel.ParseTarget(s.Target())
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// soon waits for a fact.
func soon(t *testing.T, what string, check func() bool) {
	t.Helper()
	testkit.Soon(t, what, func() (bool, string) { return check(), "" })
}

// line is a tunnel with a web server at its end that says who asked.
type line struct {
	*sshtunnel.Tunnel
	port  int
	files *remotetest.Files
	hosts *sshtunnel.Hosts
}

func newLine(t *testing.T, s *remotetest.SSHD, dial func(context.Context, string, string) (net.Conn, error), change func(*sshtunnel.Config)) *line {
	t.Helper()
	l := &line{port: testkit.Port(t), files: &remotetest.Files{}}
	l.hosts = sshtunnel.NewHosts(l.files)
	keys := sshtunnel.NewKeys(l.files, nil)
	bind := "localhost:" + strconv.Itoa(l.port)
	authorized, err := keys.AuthorizedKey([]string{bind}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Authorize(authorized)
	inlet := sshtunnel.NewInlet()
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	c := sshtunnel.Config{Target: target(t, s), Listen: bind, Keys: keys, Hosts: l.hosts, Take: inlet.Take(false), Dial: dial, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&c)
	}
	l.Tunnel = sshtunnel.New(c)
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RemoteAddr) })}
	go web.Serve(inlet)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { l.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done; web.Close(); inlet.Close() })
	return l
}

func (l *line) get() (string, error) {
	c := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Get("http://127.0.0.1:" + strconv.Itoa(l.port) + "/")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func (l *line) answers() bool { _, err := l.get(); return err == nil }

func TestAPageIsReachedThroughARealServer(t *testing.T) {
	s := remotetest.NewSSHD(t)
	l := newLine(t, s, nil, nil)
	soon(t, "an answer through the tunnel", l.answers)
	got, err := l.get()
	if err != nil || !strings.HasPrefix(got, "["+sshtunnel.Plain.String()+"]:") {
		t.Errorf("who asks on the server itself is seen as %q, %v; it must not be taken for this machine", got, err)
	}
	if st := l.Status(); !st.Up || st.Trouble != "" || l.hosts.Fingerprint(target(t, s)) == "" {
		t.Errorf("%+v, pinned %q", st, l.hosts.Fingerprint(target(t, s)))
	}
}

func TestKilledServerIsFoundAgainWithinTenSeconds(t *testing.T) {
	s := remotetest.NewSSHD(t)
	l := newLine(t, s, nil, nil)
	soon(t, "an answer through the tunnel", l.answers)
	for range 2 {
		s.Stop()
		soon(t, "the line is known to be down", func() bool { st := l.Status(); return !st.Up && st.Trouble != "" })
		s.Start()
		soon(t, "an answer after the server came back", l.answers)
	}
}

// A wire passes bytes until it is cut; a cut says nothing to either side.
type wire struct {
	net.Conn
	cut    <-chan struct{}
	closed chan struct{}
	once   sync.Once
}

func (w *wire) Write(p []byte) (int, error) {
	select {
	case <-w.cut:
		return len(p), nil
	default:
		return w.Conn.Write(p)
	}
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	select {
	case <-w.cut:
		<-w.closed
		return 0, net.ErrClosed
	default:
	}
	return n, err
}

func (w *wire) Close() error {
	w.once.Do(func() { close(w.closed) })
	return w.Conn.Close()
}

func TestSilentlyCutLineIsNoticedAndMadeAnew(t *testing.T) {
	s := remotetest.NewSSHD(t)
	cut := make(chan struct{})
	first := true
	l := newLine(t, s, func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err == nil && first {
			first = false
			return &wire{Conn: c, cut: cut, closed: make(chan struct{})}, nil
		}
		return c, err
	}, nil)
	soon(t, "an answer through the tunnel", l.answers)
	close(cut)
	soon(t, "the silence is noticed", func() bool { return !l.Status().Up })
	// The old connection may hold the port on the server until that notices too: here we end it.
	s.Drop()
	l.Retry()
	soon(t, "an answer again", l.answers)
}

func TestAnotherHostKeyIsRefusedUntilItIsForgotten(t *testing.T) {
	s := remotetest.NewSSHD(t)
	l := newLine(t, s, nil, nil)
	soon(t, "an answer through the tunnel", l.answers)
	before := l.hosts.Fingerprint(target(t, s))
	s.Stop()
	s.NewHostKey()
	s.Start()
	soon(t, "the other key is told", func() bool {
		tr := l.Status().Trouble
		return strings.Contains(tr, "shows another key than before") && strings.Contains(tr, before)
	})
	if l.answers() {
		t.Error("the tunnel came up to a server that may be an impostor")
	}
	if err := l.hosts.Forget(target(t, s)); err != nil {
		t.Fatal(err)
	}
	l.Retry()
	soon(t, "an answer after the old key was forgotten", l.answers)
	if after := l.hosts.Fingerprint(target(t, s)); after == before || after == "" {
		t.Errorf("pinned %q, then %q", before, after)
	}
}

func TestAKeyThatIsPinnedByItsFingerprintIsTheOnlyOneTaken(t *testing.T) {
	s := remotetest.NewSSHD(t)
	l := newLine(t, s, nil, nil)
	soon(t, "an answer through the tunnel", l.answers)
	right, wrong := l.hosts.Fingerprint(target(t, s)), "SHA256:"+strings.Repeat("A", 43)
	for _, text := range []string{"", "SHA256:", "MD5:aa", "SHA256:" + strings.Repeat("A", 42), right + "=", "ssh-ed25519 AAAA"} {
		if err := l.hosts.Expect(target(t, s), text); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q is taken for a fingerprint: %v", text, err)
		}
	}
	if err := l.hosts.Expect(target(t, s), wrong); err != nil {
		t.Fatal(err)
	}
	s.Drop()
	soon(t, "the other key is told", func() bool {
		tr := l.Status().Trouble
		return strings.Contains(tr, right) && strings.Contains(tr, wrong)
	})
	if got := l.hosts.Fingerprint(target(t, s)); got != wrong || l.answers() {
		t.Errorf("pinned is %q, and the tunnel came up to a key that nobody named", got)
	}
	if err := l.hosts.Expect(target(t, s), " "+right+"\n"); err != nil {
		t.Fatal(err)
	}
	l.Retry()
	soon(t, "an answer after the right key was named", l.answers)
	if got := l.hosts.Fingerprint(target(t, s)); got != right {
		t.Errorf("pinned is %q, want %q", got, right)
	}
}

func TestTroublesAreTold(t *testing.T) {
	t.Run("a key that the server does not know", func(t *testing.T) {
		s := remotetest.NewSSHD(t)
		l := newLine(t, s, nil, nil)
		soon(t, "an answer", l.answers)
		s.Authorize("")
		s.Stop()
		s.Start()
		soon(t, "the trouble", func() bool { return strings.Contains(l.Status().Trouble, "authorized_keys") })
	})
	t.Run("a port that the key may not have", func(t *testing.T) {
		s := remotetest.NewSSHD(t)
		other := "localhost:" + strconv.Itoa(testkit.Port(t))
		l := newLine(t, s, nil, func(c *sshtunnel.Config) { c.Listen = other })
		soon(t, "the trouble", func() bool { return strings.Contains(l.Status().Trouble, "does not listen on "+other) })
	})
	t.Run("nobody there", func(t *testing.T) {
		s := remotetest.NewSSHD(t)
		s.Stop()
		l := newLine(t, s, nil, nil)
		soon(t, "the trouble", func() bool { return strings.Contains(l.Status().Trouble, "cannot be reached") })
	})
}

// The other direction: a port of this machine that leads to the node's, as the server sees it.
func TestTheNodesPortComesThroughTheTunnel(t *testing.T) {
	node, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the node") })}
	go web.Serve(node)
	t.Cleanup(func() { web.Close() })
	s := remotetest.NewSSHD(t)
	l := newLine(t, s, nil, func(c *sshtunnel.Config) {
		c.Listen = ""
		c.Forward = &sshtunnel.Forward{Local: "127.0.0.1:0", Remote: node.Addr().String()}
		line, err := c.Keys.AuthorizedKey(nil, []string{node.Addr().String()})
		if err != nil {
			t.Fatal(err)
		}
		s.Authorize(line)
	})
	ask := func() bool {
		c := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := c.Get("http://" + l.Local() + "/")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return string(body) == "the node"
	}
	soon(t, "the node answers through the tunnel", ask)
	s.Stop()
	s.Start()
	soon(t, "and after the server was away", ask)
}

func TestDestinationsAreReadAndRefused(t *testing.T) {
	for text, want := range map[string]string{"me@vps.example": "me@vps.example", "me@VPS.example:22": "me@vps.example", "me@vps:2222": "me@vps:2222",
		"me@203.0.113.5": "me@203.0.113.5", "me@[2001:db8::1]:22": "me@[2001:db8::1]:22"} {
		got, err := sshtunnel.ParseTarget(text)
		if err != nil || got.String() != want {
			t.Errorf("%s: %q, %v", text, got, err)
		}
		if again, err := sshtunnel.ParseTarget(got.String()); err != nil || again != got {
			t.Errorf("%s: printed and read again: %+v, %v", text, again, err)
		}
	}
	for _, text := range []string{"", "vps", "@vps", "me@", "me@vps:0", "me@vps:99999", "me@vps:ssh", "me@v ps", "a b@vps", "me@vps/x", "-oProxyCommand=x@vps\n"} {
		if got, err := sshtunnel.ParseTarget(text); err == nil {
			t.Errorf("%q was read as %+v", text, got)
		}
	}
	for text, want := range map[string]string{"25441": "localhost:25441", "localhost:80": "localhost:80", "*:443": "0.0.0.0:443", "[::1]:80": "[::1]:80"} {
		if got, err := sshtunnel.CleanBind(text); err != nil || got != want {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", "0", "a b:80", "localhost:"} {
		if got, err := sshtunnel.CleanBind(text); err == nil {
			t.Errorf("%q was read as %q", text, got)
		}
	}
}
