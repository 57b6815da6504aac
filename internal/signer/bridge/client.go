package bridge

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"specter/internal/errs"
	"specter/internal/signer"
)

// maxAnswer bounds what a bridge elsewhere may answer.
const maxAnswer = 32 << 20

// Client asks a bridge elsewhere, ours or an old one. It is safe for concurrent use.
type Client struct {
	URL    string       // of the bridge's API, such as http://192.168.1.7:25441/hwi/api/
	Origin string       // who asks, as the bridge's whitelist has it
	Token  string       // of the bridge; "" where the origin is enough
	HTTP   *http.Client // its way there: proxy, time limits; required
}

// Error is a bridge's own error.
type Error struct {
	Code    int    `json:"code"` // of JSON-RPC
	Message string `json:"message"`
	Data    struct {
		Code signer.Code `json:"code"` // HWI's; 0 from old bridges
		Kind string      `json:"kind"`
	} `json:"data"`
}

// Error is the sentence.
func (e *Error) Error() string { return e.Message }

// post sends a body and returns the answer's, with its status.
func (c *Client) post(ctx context.Context, body []byte) ([]byte, int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(body))
	if err != nil {
		return nil, 0, errs.E(errs.Invalid, "%.100q is no address of a bridge: %w", c.URL, err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	if c.Origin != "" {
		r.Header.Set("Origin", c.Origin)
	}
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	h := *c.HTTP
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := h.Do(r)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(data) > maxAnswer {
		err = errs.E(errs.Unavailable, "the bridge answers more than Specter reads")
	}
	return data, resp.StatusCode, err
}

// reply is an answer as it is read.
type reply struct {
	ID     json.RawMessage `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *Error          `json:"error"`
}

// Call does one call. A bridge's refusal is an *Error; result may be nil.
func (c *Client) Call(ctx context.Context, method string, params, result any) error {
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params, "forwarded_request": true})
	if err != nil {
		return err
	}
	data, status, err := c.post(ctx, body)
	if err != nil {
		return c.away(err)
	}
	var r reply
	if err := json.Unmarshal(data, &r); err != nil {
		return errs.E(errs.Unavailable, "what answers at %s is no bridge (HTTP %d)", c.URL, status)
	}
	switch {
	case r.Error != nil:
		return r.Error
	case string(r.ID) != "1" || status != http.StatusOK:
		return errs.E(errs.Unavailable, "what answers at %s is no bridge (HTTP %d)", c.URL, status)
	case result == nil:
		return nil
	}
	return json.Unmarshal(r.Result, result)
}

// away words why a bridge was not reached.
func (c *Client) away(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	if e := (*errs.Error)(nil); errors.As(err, &e) {
		return e // worded already: what the proxy or the settings refuse
	}
	return errs.E(errs.Unavailable, "the bridge at %s does not answer: %w", c.URL, err)
}

// pass sends a caller's request on to the bridge that they have chosen, marked as forwarded and
// with their origin, and hands back what it says.
func (s *Service) pass(ctx context.Context, client *Client, who Caller, c call, raw json.RawMessage) answer {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return answerOf(c.ID, nil, &refusal{codeRequest, textRequest, nil})
	}
	fields["forwarded_request"] = json.RawMessage("true")
	body, err := json.Marshal(fields)
	if err != nil {
		return answerOf(c.ID, nil, internal(err))
	}
	end, err := s.limit.enter(who, false)
	if err != nil {
		return answerOf(c.ID, nil, internal(err))
	}
	defer func() { end(nil) }()
	ctx, stop := context.WithTimeout(ctx, maxCall)
	defer stop()
	to := *client
	to.Origin = who.Origin
	data, status, err := to.post(ctx, body)
	if err != nil {
		return answerOf(c.ID, nil, internal(to.away(err)))
	}
	var a map[string]json.RawMessage
	if err := json.Unmarshal(data, &a); err != nil || a["result"] == nil && a["error"] == nil {
		return answerOf(c.ID, nil, internal(errs.E(errs.Unavailable, "what answers at %s is no bridge (HTTP %d)", to.URL, status)))
	}
	out := answer{"id": c.ID} // what the other side says belongs to this call, whatever it echoes
	for _, name := range []string{"jsonrpc", "result", "error"} {
		if v, ok := a[name]; ok {
			out[name] = v
		}
	}
	return out
}

// Step is one thing that a test of a bridge tried.
type Step struct {
	Name string // address, reach, tls, bridge, origin, devices
	OK   bool
	Err  error // why not
}

// Devices is how many devices a tested bridge sees.
type Report struct {
	Steps   []Step
	Devices int
	Version string // of one of ours; "" of an old one
}

// OK reports whether every step went well.
func (r Report) OK() bool { return len(r.Steps) > 0 && r.Steps[len(r.Steps)-1].OK }

// Test tries a bridge step by step and stops where one fails.
func (c *Client) Test(ctx context.Context) Report {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	var rep Report
	step := func(name string, err error) bool {
		rep.Steps = append(rep.Steps, Step{name, err == nil, err})
		return err == nil
	}
	u, err := url.Parse(c.URL)
	if err == nil && u.Host == "" {
		err = errs.E(errs.Invalid, "%.100q is no address of a bridge", c.URL)
	}
	if !step("address", err) {
		return rep
	}
	var ours struct{ Name, Version string }
	err = c.Call(ctx, "version", map[string]any{}, &ours)
	var said *Error
	switch where := stepOf(err); {
	case errors.As(err, &said) && said.Code == codeMethod: // an old bridge
	case errors.As(err, &said) && said.Code == codeOrigin:
		step("reach", nil)
		step("bridge", nil)
		step("origin", errs.E(errs.Denied, "the bridge runs, but does not let this Specter in: write %s into the whitelist on its settings page", c.Origin))
		return rep
	case err != nil:
		if where != "reach" {
			step("reach", nil)
		}
		step(where, err)
		return rep
	}
	step("reach", nil)
	step("bridge", nil)
	step("origin", nil)
	rep.Version = clip(ours.Version)
	var devices []json.RawMessage
	if step("devices", c.Call(ctx, "enumerate", map[string]any{"passphrase": ""}, &devices)) {
		rep.Devices = len(devices)
	}
	return rep
}

// stepOf tells what failed: the way there, the encryption, or what answers.
func stepOf(err error) string {
	var cert *tls.CertificateVerificationError
	var name x509.HostnameError
	var unknown x509.UnknownAuthorityError
	var record tls.RecordHeaderError
	var said *Error
	var timeout net.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &said):
		return "bridge"
	case errors.As(err, &cert), errors.As(err, &name), errors.As(err, &unknown), errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "tls"
	case errors.As(err, &timeout), errors.Is(err, io.EOF):
		return "reach"
	}
	if e := (*errs.Error)(nil); errors.As(err, &e) && e.Cause == nil {
		return "bridge"
	}
	return "reach"
}
