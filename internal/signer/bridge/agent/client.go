package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"specter/internal/errs"
)

// Client speaks to one server from the desk. It is safe for concurrent use.
type Client struct {
	Base string       // the server's address, without a slash at its end
	HTTP *http.Client // the way there: proxy, certificates; without a time limit of its own
	// User and Password are what a reverse proxy before the server asks for (Basic); "": none does.
	User, Password string
}

// Times of one request.
const (
	smallFor = 40 * time.Second // through Tor a first request takes its time
	sayFor   = 5 * time.Minute
	workMore = 10 * time.Second // beyond the time that a server holds the question
)

// status is an answer that is no success.
type status struct {
	code int
	text string
}

// Error is the server's sentence.
func (s *status) Error() string { return s.text }

// post sends a request and reads the answer.
func (c *Client) post(ctx context.Context, path, token string, within time.Duration, ask, into any) error {
	body, err := json.Marshal(ask)
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, within)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Base+Root+path, bytes.NewReader(body))
	if err != nil {
		return errs.E(errs.Invalid, "%.200q is no address of a server: %w", c.Base, err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Specter agent")
	r.Header.Set(Header, "1")
	if token != "" {
		r.Header.Set(TokenHeader, token)
	}
	if c.User != "" {
		r.SetBasicAuth(c.User, c.Password)
	}
	h := *c.HTTP
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := h.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	const most = maxCall + maxSmall + bridgeMost
	data, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	switch {
	case err != nil:
		return err
	case len(data) > most:
		return errs.E(errs.Unavailable, "the server says more than the agent reads")
	case resp.StatusCode != http.StatusOK:
		return c.worded(resp, data)
	case json.Unmarshal(data, into) != nil:
		return errs.E(errs.Unavailable, "what answers at %s is no Specter that knows agents", c.Base)
	}
	return nil
}

// What a proxy before the server may say. Coming back with the same words would only have it shut
// the agent out for longer.
var (
	errGateAsks    = errs.E(errs.Denied, "a proxy before the server asks for a name and a password; write them into the address, as in specter agent \"https://name:password@my.server/\"")
	errGateRefuses = errs.E(errs.Denied, "the proxy before the server does not take this name and password; write the right ones into the address, as in specter agent \"https://name:password@my.server/\"")
)

// bridgeMost is how much larger than maxCall one call alone may come out in JSON.
const bridgeMost = 4 << 20

// gate reports whether a proxy on the way asks for a name and a password. A Specter asks agents for
// neither.
func gate(resp *http.Response) bool {
	return resp.StatusCode == http.StatusUnauthorized && slices.ContainsFunc(resp.Header.Values("WWW-Authenticate"), func(way string) bool {
		scheme, _, _ := strings.Cut(strings.TrimSpace(way), " ")
		return strings.EqualFold(scheme, "Basic")
	})
}

// worded reads why a server refuses.
func (c *Client) worded(resp *http.Response, data []byte) error {
	if gate(resp) && c.User == "" {
		return errGateAsks
	}
	if gate(resp) {
		return errGateRefuses
	}
	if to := resp.Header.Get("Location"); to != "" && resp.StatusCode/100 == 3 {
		return errs.E(errs.Invalid, "the server at %s leads to %.200s; use the address that its own pages have", c.Base, printable(to))
	}
	var why refusal
	if json.Unmarshal(data, &why) != nil || why.Error == "" {
		why.Error = fmt.Sprintf("what answers at %s is no Specter that knows agents (HTTP %d)", c.Base, resp.StatusCode)
		if resp.StatusCode == http.StatusForbidden || resp.StatusCode == http.StatusGone { // of something on the way, not of a Specter
			return errs.E(errs.Unavailable, "%s", why.Error)
		}
	}
	return &status{resp.StatusCode, printable(why.Error)}
}

// printable takes out of the server's words what could move a terminal's cursor or turn its text.
func printable(text string) string {
	return clip(strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '?'
		}
		return r
	}, text), maxSentence)
}

// Pair lets an agent in by its code. errs.Denied: the code is not good; errs.Unavailable: the
// server was not reached, and the code may still be good.
func (c *Client) Pair(ctx context.Context, r PairRequest) (PairAnswer, error) {
	var a PairAnswer
	err := c.post(ctx, "/pair", "", smallFor, r, &a)
	var said *status
	switch {
	case errors.As(err, &said) && said.code == http.StatusTooManyRequests:
		return a, errs.E(errs.Denied, "%s", said.text)
	case errors.As(err, &said) && said.code < 500 && said.code != http.StatusNotFound:
		return a, errs.E(errs.Denied, "the server refuses: %s", said.text)
	case errors.As(err, &said):
		return a, errs.E(errs.Unavailable, "%s", said.text)
	case err != nil:
		return a, c.away(err)
	case a.ID == "" || a.Instance == "" || len(a.ID) > 64 || len(a.Instance) > 200:
		return a, errs.E(errs.Unavailable, "what answers at %s is no Specter that knows agents", c.Base)
	}
	return a, nil
}

// away words why a server was not reached.
func (c *Client) away(err error) error {
	if e := (*errs.Error)(nil); errors.As(err, &e) {
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errs.E(errs.Unavailable, "the server at %s does not answer in time", c.Base)
	}
	var inner interface{ Unwrap() error }
	if errors.As(err, &inner) && inner.Unwrap() != nil { // without the address once more
		err = inner.Unwrap()
	}
	return errs.E(errs.Unavailable, "the server at %s is not reached: %w", c.Base, err)
}
