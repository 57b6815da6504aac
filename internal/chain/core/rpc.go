package core

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"specter/internal/errs"
)

// Bounds of one exchange with the node.
const (
	callTimeout = 30 * time.Second
	maxAnswer   = 256 << 20 // bytes of one answer that is read whole
	maxListing  = 4 << 30   // bytes of one answer that is read as a stream
	batchSize   = 250       // calls in one HTTP request
	busyTries   = 8         // while the node's work queue is full
)

// client speaks JSON-RPC with one node. It is safe for concurrent use.
type client struct {
	c    Config
	http *http.Client

	mu     sync.Mutex
	user   string // from the cookie file, when there is one
	pass   Secret
	cookie bool // user and pass were read
}

func newClient(c Config) *client {
	dial := c.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext
	}
	return &client{c: c, http: &http.Client{
		Transport: &http.Transport{
			DialContext:         dial,
			TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: 10 * time.Second,
			MaxIdleConnsPerHost: 4,
			IdleConnTimeout:     20 * time.Second, // Core closes an idle connection after 30
			DisableCompression:  true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// close drops idle connections.
func (c *client) close() { c.http.CloseIdleConnections() }

// args are named parameters; they hold across versions that drop one in the middle.
type args map[string]any

// call is one question of a batch. result is a pointer to decode into; nil: not wanted.
type call struct {
	method string
	params any // []any or args; nil: none
	result any
	err    error // of this call alone
}

type wireRequest struct {
	Version string `json:"jsonrpc"`
	ID      int    `json:"id"`
	Method  string `json:"method"`
	Params  any    `json:"params"`
}

type wireResponse struct {
	ID     json.RawMessage `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *RPCError       `json:"error"`
}

func request(id int, method string, params any) wireRequest {
	if params == nil {
		params = []any{}
	}
	return wireRequest{"1.0", id, method, params}
}

// call asks the node one question. The deadline is callTimeout unless ctx has one.
func (c *client) call(ctx context.Context, method string, params, result any) error {
	return c.walletCall(ctx, "", method, params, result)
}

// walletCall asks a wallet inside the node; "" asks the node itself.
func (c *client) walletCall(ctx context.Context, wallet, method string, params, result any) error {
	ctx, cancel := withTimeout(ctx)
	defer cancel()
	return c.longCall(ctx, wallet, method, params, result)
}

// longCall is walletCall without a deadline of its own, for scans that take hours.
func (c *client) longCall(ctx context.Context, wallet, method string, params, result any) error {
	body, err := json.Marshal(request(0, method, params))
	if err != nil {
		return fmt.Errorf("write %s: %w", method, err)
	}
	return c.post(ctx, wallet, method, body, func(r io.Reader) error {
		data, err := readAll(r, maxAnswer)
		if err != nil {
			return err
		}
		var w wireResponse
		if err := json.Unmarshal(data, &w); err != nil {
			return notANode(err)
		}
		return w.into(method, result)
	})
}

// into decodes one answer.
func (w *wireResponse) into(method string, result any) error {
	if w.Error != nil {
		w.Error.Method = method
		return classify(w.Error)
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(w.Result, result); err != nil {
		return unavailable(err, "the node's answer to %s cannot be understood", method)
	}
	return nil
}

// batch asks many questions in as few requests as their number allows. The error is of the
// exchange as a whole; each call's own error is in its err.
func (c *client) batch(ctx context.Context, wallet string, calls []*call) error {
	for len(calls) > 0 {
		n := min(len(calls), batchSize)
		if err := c.batchOnce(ctx, wallet, calls[:n]); err != nil {
			return err
		}
		calls = calls[n:]
	}
	return nil
}

func (c *client) batchOnce(ctx context.Context, wallet string, calls []*call) error {
	ctx, cancel := withTimeout(ctx)
	defer cancel()
	reqs := make([]wireRequest, len(calls))
	for i, q := range calls {
		q.err = errs.E(errs.Unavailable, "the node did not answer %s", q.method)
		reqs[i] = request(i, q.method, q.params)
	}
	body, err := json.Marshal(reqs)
	if err != nil {
		return fmt.Errorf("write a batch: %w", err)
	}
	return c.post(ctx, wallet, "", body, func(r io.Reader) error {
		return readBatch(io.LimitReader(r, maxAnswer), calls)
	})
}

// readBatch decodes the answers one by one, so that a large batch is held once in memory.
func readBatch(r io.Reader, calls []*call) error {
	dec := json.NewDecoder(r)
	t, err := dec.Token()
	if err != nil {
		return notANode(err)
	}
	if t != json.Delim('[') { // one object: the node refused the batch as a whole
		return errs.E(errs.Unavailable, "the node refused a batch of questions")
	}
	for dec.More() {
		var w wireResponse
		if err := dec.Decode(&w); err != nil {
			return broken(err)
		}
		var id int
		if json.Unmarshal(w.ID, &id) != nil || id < 0 || id >= len(calls) {
			continue
		}
		calls[id].err = w.into(calls[id].method, calls[id].result)
	}
	return nil
}

// stream asks one question and hands over the answer's body as it arrives, from the opening
// brace on; errors of the node come back with status 4xx or 5xx and are told as such.
func (c *client) stream(ctx context.Context, wallet, method string, params any, read func(io.Reader) error) error {
	body, err := json.Marshal(request(0, method, params))
	if err != nil {
		return fmt.Errorf("write %s: %w", method, err)
	}
	return c.post(ctx, wallet, method, body, func(r io.Reader) error { return read(io.LimitReader(r, maxListing)) })
}

// post sends a body and lets read take the answer. It logs in again when the cookie has changed
// and waits while the node's work queue is full.
func (c *client) post(ctx context.Context, wallet, method string, body []byte, read func(io.Reader) error) error {
	relogged := false
	for try := 0; ; try++ {
		used := c.login()
		res, err := c.send(ctx, wallet, body, used)
		if err != nil {
			return err
		}
		switch {
		case res.StatusCode == http.StatusUnauthorized && !relogged && c.relogin(used):
			relogged = true
		case res.StatusCode == http.StatusServiceUnavailable && try < busyTries:
			if err := pause(ctx, time.Duration(try+1)*100*time.Millisecond); err != nil {
				drain(res)
				return err
			}
		default:
			defer drain(res)
			return c.take(ctx, res, method, read)
		}
		drain(res)
	}
}

// take reads an answer, or tells what its status means.
func (c *client) take(ctx context.Context, res *http.Response, method string, read func(io.Reader) error) error {
	switch res.StatusCode {
	case http.StatusOK:
		if err := read(res.Body); err != nil {
			if ctx.Err() != nil {
				return c.trouble(ctx, ctx.Err())
			}
			return err
		}
		return nil
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusServiceUnavailable:
		return &statusError{res.StatusCode}
	}
	data, err := readAll(res.Body, 1<<20)
	if err != nil {
		return err
	}
	var w wireResponse
	if json.Unmarshal(data, &w) == nil && w.Error != nil {
		w.Error.Method = method
		return classify(w.Error)
	}
	return &statusError{res.StatusCode}
}

// send makes one HTTP request.
func (c *client) send(ctx context.Context, wallet string, body []byte, as credentials) (*http.Response, error) {
	target := c.c.url() + "/"
	if wallet != "" {
		target += "wallet/" + url.PathEscape(wallet)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, &errs.Error{Kind: errs.Invalid, Message: "the node's address cannot be used", Cause: err}
	}
	req.Header.Set("Content-Type", "application/json")
	req.SetBasicAuth(as.user, as.pass.Reveal())
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.trouble(ctx, err)
	}
	return res, nil
}

// credentials are what a request logs in with.
type credentials struct {
	user string
	pass Secret
}

// login returns the name and password to send; with a cookie, those of its last reading.
func (c *client) login() credentials {
	if c.c.CookieFile == "" {
		return credentials{c.c.User, c.c.Password}
	}
	c.mu.Lock()
	known, last := c.cookie, credentials{c.user, c.pass}
	c.mu.Unlock()
	if !known {
		c.relogin(last)
		c.mu.Lock()
		defer c.mu.Unlock()
		last = credentials{c.user, c.pass}
	}
	return last
}

// relogin reads the cookie again and reports whether it is another one than a request was refused
// with; of several that are refused at once each is sent again. A node writes a new cookie at each
// start.
func (c *client) relogin(refused credentials) bool {
	if c.c.CookieFile == "" {
		return false
	}
	user, pass, err := ReadCookie(c.c.CookieFile)
	if err != nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.user, c.pass, c.cookie = user, pass, true
	return user != refused.user || !pass.Equal(refused.pass)
}

func withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, has := ctx.Deadline(); has {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, callTimeout)
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// drain empties a body, so that the connection is used again, and closes it.
func drain(res *http.Response) {
	_, _ = io.CopyN(io.Discard, res.Body, 1<<16)
	_ = res.Body.Close()
}

func readAll(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, broken(err)
	}
	if int64(len(data)) > limit {
		return nil, errs.E(errs.Unavailable, "the node's answer is larger than %d MB", limit>>20)
	}
	return data, nil
}

func broken(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return unavailable(err, "the connection to the node broke off")
}

func notANode(err error) error {
	if e := (*json.SyntaxError)(nil); errors.As(err, &e) {
		return unavailable(err, "what answers there is no Bitcoin node")
	}
	return broken(err)
}
