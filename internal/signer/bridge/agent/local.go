package agent

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/bridge"
)

// Local makes what a Desk does calls with: a bridge that nobody reaches but the server of this
// desk. To that bridge the server is a stranger that was let in: its questions are counted, and
// after refusals in a row it waits.
func Local(c bridge.Config) (func(ctx context.Context, method string, params map[string]json.RawMessage, tell func(signer.Notice)) (json.RawMessage, *Failure), error) {
	nobody := errs.E(errs.Denied, "this bridge has no door")
	c.Rules = func(context.Context) (bridge.Rules, error) { return bridge.Rules{}, nobody }
	c.User = func(*http.Request) (string, error) { return "", nobody }
	c.Bearer = func(context.Context, string) (string, error) { return "", nobody }
	c.Near = func(*http.Request) bool { return false }
	c.Elsewhere, c.Remote, c.Admitted = nil, nil, nil
	s, err := bridge.New(c)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, method string, params map[string]json.RawMessage, tell func(signer.Notice)) (json.RawMessage, *Failure) {
		body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params, "forwarded_request": true})
		if err != nil {
			return nil, &Failure{Message: "the call cannot be read", Code: signer.CodeBadArgument, Kind: errs.Invalid.String()}
		}
		_, raw := s.Serve(ctx, bridge.Caller{Key: "server", Tell: tell}, body)
		return parted(raw)
	}, nil
}

// parted takes result or failure out of an answer of the bridge.
func parted(raw []byte) (json.RawMessage, *Failure) {
	var a struct {
		Result json.RawMessage
		Error  *struct {
			Message string
			Data    struct {
				Code signer.Code
				Kind string
			}
		}
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		return nil, &Failure{Message: "the agent's bridge gave no answer that can be read", Code: signer.CodeUnknown, Kind: errs.Internal.String()}
	}
	if a.Error == nil {
		return a.Result, nil
	}
	text := strings.TrimSuffix(strings.TrimPrefix(a.Error.Message, "Internal error: "), ".")
	return nil, &Failure{Message: text, Code: a.Error.Data.Code, Kind: a.Error.Data.Kind}
}
