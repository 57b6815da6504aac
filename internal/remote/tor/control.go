package tor

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"specter/internal/errs"
)

// answerWithin bounds the wait for one answer.
const answerWithin = 20 * time.Second

// control is an open line to a control port. One command at a time goes over it; what tor tells
// unasked arrives at events.
type control struct {
	c       net.Conn
	asking  sync.Mutex // held from a command to its answer
	answers chan reply
	events  chan reply    // the oldest are dropped where nobody reads
	gone    chan struct{} // closed when the line has ended
	err     error         // why; read after gone
}

func newControl(c net.Conn) *control {
	k := &control{c: c, answers: make(chan reply, 1), events: make(chan reply, 64), gone: make(chan struct{})}
	go k.listen()
	return k
}

// listen reads until the line ends.
func (k *control) listen() {
	defer close(k.gone)
	defer k.c.Close()
	r := bufio.NewReaderSize(k.c, maxLine)
	for {
		a, err := readReply(r)
		if err != nil {
			k.err = err
			return
		}
		if a.code >= 600 {
			select {
			case k.events <- a:
			default: // a slow reader misses news, never answers
			}
			continue
		}
		select {
		case k.answers <- a:
		default:
			k.err = errors.New("the control port answers what nobody asked")
			return
		}
	}
}

// ask sends a command and waits for its answer; a refusal is a *refused.
func (k *control) ask(ctx context.Context, command string) (reply, error) {
	if strings.ContainsAny(command, "\r\n") {
		return reply{}, errors.New("a command of one line was to be sent")
	}
	k.asking.Lock()
	defer k.asking.Unlock()
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if err := k.c.SetWriteDeadline(time.Now().Add(answerWithin)); err != nil {
		return reply{}, err
	}
	if _, err := k.c.Write([]byte(command + "\r\n")); err != nil {
		return reply{}, err
	}
	select {
	case a := <-k.answers:
		if !a.ok() {
			return a, &refused{a.code, a.last()}
		}
		return a, nil
	case <-k.gone:
		return reply{}, fmt.Errorf("the line to tor ended: %w", k.err)
	case <-ctx.Done():
		k.c.Close() // a late answer would be taken for the next command's
		return reply{}, ctx.Err()
	}
}

func (k *control) close() { k.c.Close(); <-k.gone }

// hello is what tor says about itself before a login.
type hello struct {
	methods []string
	cookie  string // path of the cookie's file; "" none
	version string
}

func readHello(a reply) (hello, error) {
	var h hello
	for _, l := range a.lines {
		kind, rest, _ := strings.Cut(l.text, " ")
		if kind != "AUTH" && kind != "VERSION" {
			continue
		}
		list, err := words(rest)
		if err != nil {
			return h, err
		}
		for _, w := range list {
			switch {
			case kind == "AUTH" && w.key == "METHODS":
				h.methods = strings.Split(w.value, ",")
			case kind == "AUTH" && w.key == "COOKIEFILE":
				h.cookie = w.value
			case kind == "VERSION" && w.key == "Tor":
				h.version = w.value
			}
		}
	}
	if len(h.methods) == 0 {
		return h, errors.New("tor does not say how to log in")
	}
	return h, nil
}

// login says hello and logs in: with the password where one was given, else with the cookie,
// which is proven instead of shown where tor can do that. It returns tor's version.
func (k *control) login(ctx context.Context, password string) (version string, err error) {
	a, err := k.ask(ctx, "PROTOCOLINFO 1")
	if err != nil {
		return "", errs.E(errs.Unavailable, "what answers at the control port does not speak as tor does: %w", err)
	}
	h, err := readHello(a)
	if err != nil {
		return "", errs.E(errs.Unavailable, "what answers at the control port does not speak as tor does: %w", err)
	}
	offers := func(m string) bool { return slices.Contains(h.methods, m) }
	switch {
	case offers("NULL"):
		_, err = k.ask(ctx, "AUTHENTICATE")
	case password != "" && offers("HASHEDPASSWORD"):
		if strings.ContainsAny(password, "\r\n\x00") {
			return "", errs.E(errs.Invalid, "the control port's password cannot hold line ends")
		}
		if _, err = k.ask(ctx, "AUTHENTICATE "+quote(password)); isRefused(err) {
			return "", errs.E(errs.Denied, "tor does not accept this password at its control port (HashedControlPassword in torrc)")
		}
	case offers("SAFECOOKIE"):
		err = k.proveCookie(ctx, h.cookie)
	case offers("COOKIE"):
		err = k.showCookie(ctx, h.cookie)
	case offers("HASHEDPASSWORD"):
		return "", errs.E(errs.Denied, "tor wants the password of its control port; type it here, or put CookieAuthentication 1 into torrc")
	default:
		return "", errs.E(errs.Unavailable, "tor offers no way to log in that Specter knows (%.100s)", strings.Join(h.methods, ", "))
	}
	if isRefused(err) {
		return "", errs.E(errs.Denied, "tor refuses the login at its control port: %w", err)
	}
	return h.version, err
}

func isRefused(err error) bool { var r *refused; return errors.As(err, &r) }

// cookieSize is the size of tor's cookie.
const cookieSize = 32

// readCookie reads the file that tor has named. Whoever poses as tor may name any file, so only
// what can be a cookie is read.
func readCookie(path string) ([]byte, error) {
	if path == "" {
		return nil, errs.E(errs.Unavailable, "tor wants its cookie and does not say where it lies; set CookieAuthFile in torrc, or use a password")
	}
	info, err := os.Stat(path)
	if err == nil && (!info.Mode().IsRegular() || info.Size() != cookieSize) {
		return nil, errs.E(errs.Denied, "%.200s, which tor's control port names, is no cookie of tor", path)
	}
	var raw []byte
	if err == nil {
		raw, err = os.ReadFile(path)
	}
	if errors.Is(err, os.ErrPermission) {
		return nil, errs.E(errs.Denied, "Specter's user may not read tor's cookie %.200s. On Debian: sudo adduser $USER debian-tor, and CookieAuthFileGroupReadable 1 in torrc; then log in anew and restart Specter", path)
	}
	if err != nil {
		return nil, errs.E(errs.Unavailable, "tor's cookie cannot be read: %w. A password (HashedControlPassword in torrc) works without it", err)
	}
	if len(raw) != cookieSize {
		return nil, errs.E(errs.Denied, "%.200s, which tor's control port names, is no cookie of tor", path)
	}
	return raw, nil
}

func (k *control) showCookie(ctx context.Context, path string) error {
	cookie, err := readCookie(path)
	if err != nil {
		return err
	}
	_, err = k.ask(ctx, "AUTHENTICATE "+strings.ToUpper(hex.EncodeToString(cookie)))
	return err
}

// The keys by which both sides prove that they know the cookie (control-spec, AUTHCHALLENGE).
const (
	serverProof = "Tor safe cookie authentication server-to-controller hash"
	clientProof = "Tor safe cookie authentication controller-to-server hash"
)

func proof(key string, parts ...[]byte) []byte {
	m := hmac.New(sha256.New, []byte(key))
	for _, p := range parts {
		m.Write(p)
	}
	return m.Sum(nil)
}

func (k *control) proveCookie(ctx context.Context, path string) error {
	cookie, err := readCookie(path)
	if err != nil {
		return err
	}
	ours := make([]byte, 32)
	rand.Read(ours)
	a, err := k.ask(ctx, "AUTHCHALLENGE SAFECOOKIE "+strings.ToUpper(hex.EncodeToString(ours)))
	if err != nil {
		return err
	}
	hash, theirs, err := readChallenge(a)
	if err != nil {
		return errs.E(errs.Unavailable, "tor's challenge cannot be read: %w", err)
	}
	if !hmac.Equal(hash, proof(serverProof, cookie, ours, theirs)) {
		return errs.E(errs.Denied, "what answers at the control port does not know tor's cookie, so it is not the tor that wrote it")
	}
	_, err = k.ask(ctx, "AUTHENTICATE "+strings.ToUpper(hex.EncodeToString(proof(clientProof, cookie, ours, theirs))))
	return err
}

// readChallenge reads "AUTHCHALLENGE SERVERHASH=… SERVERNONCE=…".
func readChallenge(a reply) (hash, nonce []byte, err error) {
	list, err := words(a.last())
	if err != nil {
		return nil, nil, err
	}
	for _, w := range list {
		switch w.key {
		case "SERVERHASH":
			hash, err = hex.DecodeString(w.value)
		case "SERVERNONCE":
			nonce, err = hex.DecodeString(w.value)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	if len(hash) != 32 || len(nonce) != 32 {
		return nil, nil, errors.New("hash or nonce are missing")
	}
	return hash, nonce, nil
}
