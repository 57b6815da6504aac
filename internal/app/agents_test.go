package app

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"crypto/ed25519"

	"specter/internal/auth"
)

// newAgent pairs an agent of a user, as the agent's program does it.
func (h *house) newAgent(u auth.User, name string) (auth.Agent, ed25519.PrivateKey) {
	h.t.Helper()
	code, _, err := h.auth.PairingCode(h.t.Context(), auth.Identity{User: u})
	if err != nil {
		h.t.Fatal(err)
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	a, err := h.auth.PairAgent(h.t.Context(), auth.AgentPairing{Code: code, Name: name, Key: public, Client: "192.0.2.9",
		Signature: ed25519.Sign(private, auth.PairingMessage(code, name, public))})
	if err != nil {
		h.t.Fatal(err)
	}
	return a, private
}

// readCloser is a request's body.
func readCloser(text string) io.ReadCloser { return io.NopCloser(strings.NewReader(text)) }

// rawParams are parameters of a call.
func rawParams(t *testing.T, texts map[string]string) map[string]json.RawMessage {
	t.Helper()
	out := map[string]json.RawMessage{}
	for k, v := range texts {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out[k] = raw
	}
	return out
}
