package tor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"specter/internal/errs"
	"specter/internal/remote"
)

// dialWithin bounds the wait for the control port.
const dialWithin = 10 * time.Second

// pauses before another try, by how many have failed; the last one repeats.
var pauses = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 15 * time.Second}

// Config is what a service needs.
type Config struct {
	Control  string // "127.0.0.1:9051" or "unix:/run/tor/control", see CleanControl
	Password string // "": the cookie
	Key      Key
	Clients  []Client // who may reach it; none: everybody who knows the name
	Ports    []int    // of the onion address
	// Listen opens the port at which tor hands over what arrives, on an address that tor reaches,
	// and serves it until it is closed. ours is our end of the line to tor, theirs tor's.
	Listen func(ours, theirs netip.Addr) (net.Listener, error)
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)
	Now    func() time.Time
	Log    *slog.Logger
	// Pause waits between tries. nil: a timer.
	Pause func(ctx context.Context, d time.Duration)
}

// Service is one onion service. It is a remote.Tunnel.
type Service struct {
	c    Config
	name string

	mu    sync.Mutex
	state State
}

// State is how a service stands.
type State struct {
	remote.Status        // Up: tor has announced it
	Made          bool   // tor runs it; it may not be announced yet
	Version       string // of tor; "" unknown
}

// New makes a service; Run brings it up.
func New(c Config) *Service {
	if c.Pause == nil {
		c.Pause = pause
	}
	return &Service{c: c, name: c.Key.Name(), state: State{Status: remote.Status{Since: c.Now()}}}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Name is the host name of the service.
func (s *Service) Name() string { return s.name }

// Status tells how the service stands.
func (s *Service) Status() remote.Status { return s.State().Status }

// State tells more than Status.
func (s *Service) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Run keeps the service up until ctx ends; then tor removes it.
func (s *Service) Run(ctx context.Context) error {
	for tries := 0; ; tries++ {
		made, err := s.once(ctx)
		if ctx.Err() != nil {
			s.set(State{Status: remote.Status{Since: s.c.Now()}})
			return ctx.Err()
		}
		if made {
			tries = 0
		}
		wait := pauses[min(tries, len(pauses)-1)]
		s.set(State{Status: remote.Status{Since: s.since(), Trouble: err.Error(), Retry: s.c.Now().Add(wait), Tries: tries + 1}})
		if tries == 0 {
			s.c.Log.Warn("the onion service is down; it is tried again", "error", err)
		}
		s.c.Pause(ctx, wait)
	}
}

func (s *Service) set(st State) { s.mu.Lock(); s.state = st; s.mu.Unlock() }

// since is when the service went down, where it is down already.
func (s *Service) since() time.Time {
	if st := s.State(); !st.Up && !st.Made {
		return st.Since
	}
	return s.c.Now()
}

// once makes the service and holds it until the line to tor ends.
func (s *Service) once(ctx context.Context) (made bool, err error) {
	k, version, err := Connect(ctx, s.c.Control, s.c.Password, s.c.Dial)
	if err != nil {
		return false, err
	}
	defer k.Close()
	stop := context.AfterFunc(ctx, func() { s.remove(k.k) })
	defer stop()
	ours, theirs := ends(k.k.c)
	l, err := s.c.Listen(ours, theirs)
	if err != nil {
		return false, fmt.Errorf("the port for what comes through Tor cannot be opened: %w", err)
	}
	defer l.Close()
	if _, err := k.k.ask(ctx, "SETEVENTS HS_DESC STATUS_CLIENT"); err != nil {
		return false, fmt.Errorf("tor does not tell of its services: %w", err)
	}
	if err := s.add(ctx, k.k, l.Addr().String()); err != nil {
		return false, err
	}
	s.set(State{Made: true, Version: version, Status: remote.Status{Since: s.c.Now(), Address: s.name, Trouble: "tor has made the service and announces it; that can take a minute"}})
	s.bootstrap(ctx, k.k)
	s.c.Log.Info("tor runs the onion service", "tor", version)
	return true, s.hold(ctx, k.k)
}

// ends are the two addresses of a line; loopback's where it is a socket in a folder.
func ends(c net.Conn) (ours, theirs netip.Addr) {
	ours, theirs = netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if l, ok := c.LocalAddr().(*net.TCPAddr); ok {
		ours = l.AddrPort().Addr().Unmap()
	}
	if r, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		theirs = r.AddrPort().Addr().Unmap()
	}
	return ours, theirs
}

// add has tor make the service, and compares the name that it tells with ours.
func (s *Service) add(ctx context.Context, k *control, target string) error {
	a, err := k.ask(ctx, s.command(target))
	var no *refused
	if errors.As(err, &no) && no.code == 550 && strings.Contains(no.text, "collision") {
		return errs.E(errs.Conflict, "tor runs this onion service for somebody else already: another Specter with the same key, or one that has just ended. It is tried again")
	}
	if errors.As(err, &no) {
		return errs.E(errs.Unavailable, "tor does not make the onion service: %w", err)
	}
	if err != nil {
		return err
	}
	id := ""
	for _, l := range a.lines {
		if v, ok := strings.CutPrefix(l.text, "ServiceID="); ok {
			id = v
		}
	}
	if id+".onion" != s.name {
		return errs.E(errs.Denied, "tor tells another address (%.60q) than follows from the key; it is not trusted with the service", id)
	}
	return nil
}

// command is ADD_ONION for the service.
func (s *Service) command(target string) string {
	var b strings.Builder
	b.WriteString("ADD_ONION " + s.c.Key.text() + " Flags=DiscardPK")
	if len(s.c.Clients) > 0 {
		b.WriteString(",V3Auth")
	}
	for _, p := range s.c.Ports {
		b.WriteString(" Port=" + strconv.Itoa(p) + "," + target)
	}
	for _, c := range s.c.Clients {
		b.WriteString(" ClientAuthV3=" + c.Public)
	}
	return b.String()
}

// remove has tor forget the service; where that fails, the end of the line does it.
func (s *Service) remove(k *control) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, _ = k.ask(ctx, "DEL_ONION "+strings.TrimSuffix(s.name, ".onion"))
	k.close()
}

// bootstrap tells in the state how far tor is with its own network.
func (s *Service) bootstrap(ctx context.Context, k *control) {
	a, err := k.ask(ctx, "GETINFO status/bootstrap-phase")
	if err == nil {
		s.progress(a.lines[0].text)
	}
}

// progress reads PROGRESS and SUMMARY of a status line.
func (s *Service) progress(text string) {
	list, err := words(text)
	if err != nil {
		return
	}
	done, at := "", ""
	for _, w := range list {
		switch w.key {
		case "PROGRESS":
			done = w.value
		case "SUMMARY":
			at = w.value
		}
	}
	n, err := strconv.Atoi(done)
	if err != nil || n < 0 || n >= 100 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.state.Up {
		s.state.Trouble = fmt.Sprintf("tor is still connecting to its network (%d %%: %.60s)", n, at)
	}
}

// hold follows tor's news until the line ends.
func (s *Service) hold(ctx context.Context, k *control) error {
	for {
		select {
		case <-k.gone:
			return errs.E(errs.Unavailable, "tor has ended, or closed the line to its control port")
		case <-ctx.Done():
			<-k.gone // after the service was removed
			return ctx.Err()
		case e := <-k.events:
			s.news(e)
		}
	}
}

// news takes one event: a descriptor that was published, one that was refused, tor's progress.
func (s *Service) news(e reply) {
	for _, l := range e.lines {
		part := strings.Fields(l.text)
		switch {
		case len(part) >= 3 && part[0] == "HS_DESC" && part[2]+".onion" == s.name:
			s.descriptor(part[1], l.text)
		case len(part) >= 2 && part[0] == "STATUS_CLIENT" && strings.Contains(l.text, "BOOTSTRAP"):
			s.progress(l.text)
		}
	}
}

func (s *Service) descriptor(action, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case action == "UPLOADED" && !s.state.Up:
		s.state.Up, s.state.Since, s.state.Trouble = true, s.c.Now(), ""
		s.c.Log.Info("the onion service is announced and can be reached")
	case action == "FAILED" && !s.state.Up:
		reason := "no reason given"
		if list, err := words(text); err == nil {
			for _, w := range list {
				if w.key == "REASON" {
					reason = w.value
				}
			}
		}
		s.state.Trouble = fmt.Sprintf("a directory of Tor's did not take the service's announcement (%.40s); tor tries others", reason)
	}
}

// Line is a line to a control port that was logged in to, for a test of the settings.
type Line struct{ k *control }

// Close ends the line.
func (l *Line) Close() { l.k.close() }

// Connect opens a control port and logs in. It returns the line and tor's version. Errors say
// what the person can do.
func Connect(ctx context.Context, address, password string, dial func(ctx context.Context, network, address string) (net.Conn, error)) (*Line, string, error) {
	network, at, err := splitControl(address)
	if err != nil {
		return nil, "", err
	}
	open, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	c, err := dial(open, network, at)
	if err != nil {
		return nil, "", errs.E(errs.Unavailable, "tor's control port %s cannot be reached: %w. Does tor run, and does its torrc say ControlPort 9051?", address, err)
	}
	k := newControl(c)
	version, err := k.login(ctx, password)
	if err != nil {
		k.close()
		return nil, "", err
	}
	return &Line{k}, version, nil
}

// DefaultControl is where tor's control port is as a rule.
const DefaultControl = "127.0.0.1:9051"

// CleanControl brings the address of a control port into its one spelling: host and port, a port
// alone, or unix: and a path. "" is DefaultControl. A password goes over it in plain, so hosts
// must stand in the own network: addresses in numbers that are private, or names without a dot.
func CleanControl(text string) (string, error) {
	text = strings.TrimSpace(text)
	bad := errs.E(errs.Invalid, "%.80q is no address of a control port; write it as %s or unix:/run/tor/control", text, DefaultControl)
	if text == "" {
		return DefaultControl, nil
	}
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		if !strings.HasPrefix(path, "/") || len(path) > 100 || strings.ContainsAny(path, "\r\n\x00") {
			return "", bad
		}
		return text, nil
	}
	if n, err := strconv.Atoi(text); err == nil && n > 0 && n < 65536 {
		return net.JoinHostPort("127.0.0.1", text), nil
	}
	host, port, err := net.SplitHostPort(text)
	n, portErr := strconv.Atoi(port)
	if err != nil || portErr != nil || n < 1 || n > 65535 || host == "" || len(host) > 253 || strings.ContainsAny(host, " /@?#\\%\t\r\n") {
		return "", bad
	}
	a, err := netip.ParseAddr(host)
	switch {
	case err == nil && !a.IsLoopback() && !a.IsPrivate() && !a.IsLinkLocalUnicast(), err != nil && strings.Contains(host, "."):
		return "", errs.E(errs.Invalid, "the control port %.80q is not plainly in your own network, and who reaches it owns the onion service; use tor on this computer", text)
	}
	return net.JoinHostPort(host, strconv.Itoa(n)), nil
}

func splitControl(address string) (network, at string, err error) {
	clean, err := CleanControl(address)
	if err != nil {
		return "", "", err
	}
	if path, ok := strings.CutPrefix(clean, "unix:"); ok {
		return "unix", path, nil
	}
	return "tcp", clean, nil
}
