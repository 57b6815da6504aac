package bridge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"specter/internal/errs"
	"specter/internal/signer"
)

// The codes of answers that carry an error.
const (
	codeDevice  = -32000 // whatever went wrong while doing it
	codeOrigin  = -32001
	codeRequest = -32600
	codeMethod  = -32601
	codeParse   = -32700
)

// The contract's texts; old clients compare and print them.
const (
	textOrigin  = "Unauthorized request origin.<br>You must first whitelist this website URL in HWIBridge settings to grant it access."
	textForward = "Request must specify its origin or set `forwarded_request` to `true`."
	textRequest = "Invalid Request. Request must specify a 'method'."
	textMethod  = "Method not found."
)

// call is one request.
type call struct {
	ID        json.RawMessage
	Method    string
	HasMethod bool
	Params    json.RawMessage
	Forwarded bool
}

// readCall reads one request. Whatever is no object is a call without a method.
func readCall(raw json.RawMessage) call {
	var fields map[string]json.RawMessage
	c := call{ID: json.RawMessage("null")}
	if json.Unmarshal(raw, &fields) != nil {
		return c
	}
	if id, ok := fields["id"]; ok {
		c.ID = id
	}
	var name any
	if m, ok := fields["method"]; ok && json.Unmarshal(m, &name) == nil {
		c.HasMethod = true
		c.Method, _ = name.(string) // another kind of value names no method
	}
	c.Params = fields["params"]
	c.Forwarded = truthy(fields["forwarded_request"])
	return c
}

// truthy reads a value as the old bridge does: false, null, 0 and empty things are not.
func truthy(raw json.RawMessage) bool {
	var v any
	if len(raw) == 0 || json.Unmarshal(raw, &v) != nil {
		return false
	}
	switch v := v.(type) {
	case bool:
		return v
	case float64:
		return v != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return false
}

// refusal is the error of an answer.
type refusal struct {
	code int
	text string
	err  error // what a device or method gave; nil for the protocol's own
}

// answer is what is sent back. Maps are printed with sorted keys, as the old bridge's are.
type answer map[string]any

func answerOf(id json.RawMessage, result any, bad *refusal) answer {
	a := answer{"jsonrpc": "2.0", "id": id}
	if bad == nil {
		a["result"] = result
		return a
	}
	e := map[string]any{"code": bad.code, "message": bad.text}
	if bad.err != nil {
		e["data"] = map[string]any{"code": int(signer.CodeOf(bad.err)), "kind": kindOf(bad.err)}
	}
	a["error"] = e
	return a
}

// kindOf is the word of an error's kind for programs.
func kindOf(err error) string {
	if errors.Is(err, context.Canceled) {
		return errs.Declined.String()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errs.Unavailable.String()
	}
	return errs.KindOf(err).String()
}

// Serve answers the body of a request: one call or a list of them. It returns the status too.
func (s *Service) Serve(ctx context.Context, who Caller, body []byte) (int, []byte) {
	var raw json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		return http.StatusInternalServerError, encode(answerOf(nil, nil, &refusal{codeParse, "Parse error:" + err.Error(), nil}))
	}
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")) {
		return s.serveList(ctx, who, raw)
	}
	status, a := s.serveOne(ctx, who, raw)
	return status, encode(a)
}

// serveList answers calls in their order.
func (s *Service) serveList(ctx context.Context, who Caller, raw json.RawMessage) (int, []byte) {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return http.StatusInternalServerError, encode(answerOf(nil, nil, &refusal{codeParse, "Parse error:" + err.Error(), nil}))
	}
	if len(list) > maxBatch {
		return http.StatusOK, encode(answerOf(nil, nil, &refusal{codeRequest, "Invalid Request. A list has 50 calls at most.", nil}))
	}
	out := make([]answer, 0, len(list))
	for _, item := range list {
		_, a := s.serveOne(ctx, who, item)
		out = append(out, a)
	}
	return http.StatusOK, encode(out)
}

// serveOne answers one call, here or by the bridge that the user has chosen.
func (s *Service) serveOne(ctx context.Context, who Caller, raw json.RawMessage) (int, answer) {
	c := readCall(raw)
	var via Remote
	if !c.Forwarded && who.UserID != "" && s.c.Remote != nil {
		var err error
		if via, err = s.c.Remote(ctx, who.UserID); err != nil {
			return http.StatusOK, answerOf(c.ID, nil, internal(err))
		}
	}
	if via == nil && !c.Forwarded && who.UserID != "" && s.c.Elsewhere != nil {
		client, err := s.c.Elsewhere(ctx, who.UserID)
		switch {
		case err != nil:
			return http.StatusOK, answerOf(c.ID, nil, internal(err))
		case client != nil && who.Origin == "":
			return http.StatusInternalServerError, answerOf(nil, nil, &refusal{codeRequest, textForward, nil})
		case client != nil:
			return http.StatusOK, s.pass(ctx, client, who, c, raw)
		}
	}
	if !c.HasMethod {
		return http.StatusOK, answerOf(c.ID, nil, &refusal{codeRequest, textRequest, nil})
	}
	m, known := methods[c.Method]
	if !known {
		return http.StatusOK, answerOf(c.ID, nil, &refusal{codeMethod, textMethod, nil})
	}
	p, err := readParams(c.Method, m.params, c.Params)
	if err != nil {
		return http.StatusOK, answerOf(c.ID, nil, internal(err))
	}
	result, err := s.run(ctx, who, via, c.Method, m, p)
	if err != nil {
		s.log.Debug("a bridge call failed", "method", c.Method, "code", int(signer.CodeOf(err)), "err", err)
		return http.StatusOK, answerOf(c.ID, nil, internal(err))
	}
	return http.StatusOK, answerOf(c.ID, result, nil)
}

// internal words a failure as the old bridge does: its sentence ends with a full stop.
func internal(err error) *refusal {
	text := err.Error()
	switch {
	case errors.Is(err, context.Canceled):
		text = "the call was cancelled"
	case errors.Is(err, context.DeadlineExceeded):
		text = "nobody answered on the device in time"
	case errs.KindOf(err) == errs.Internal && signer.CodeOf(err) == signer.CodeUnknown:
		text = "something went wrong inside Specter; the log says more"
	}
	if len(text) > 2000 {
		text = strings.ToValidUTF8(text[:2000], "") + "…"
	}
	return &refusal{codeDevice, "Internal error: " + strings.TrimSuffix(text, ".") + ".", err}
}

// encode writes JSON with a final newline and without HTML's escapes: the contract's text has a
// tag in it, and pages must treat all of it as text.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil { // nothing here cannot be encoded
		return []byte("{\"error\":{\"code\":-32000,\"message\":\"Internal error: the answer cannot be written.\"},\"id\":null,\"jsonrpc\":\"2.0\"}\n")
	}
	return b.Bytes()
}
