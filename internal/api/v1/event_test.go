package v1_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"specter/internal/api/v1"
)

// follow opens a stream; each line that is not a comment goes into the channel.
func (h *house) follow(ctx context.Context, token, query string) (<-chan string, int) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(ctx, "GET", h.server.URL+v1.Root+"/events"+query, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	lines := make(chan string, 100)
	go func() {
		defer resp.Body.Close()
		defer close(lines)
		for s := bufio.NewScanner(resp.Body); s.Scan(); {
			if text, ok := strings.CutPrefix(s.Text(), "data: "); ok {
				lines <- text
			}
		}
	}()
	return lines, resp.StatusCode
}

func next(t *testing.T, lines <-chan string, want string) {
	t.Helper()
	for {
		select {
		case line := <-lines:
			if line == want {
				return
			}
			if err := doc.check(parseJSON(t, []byte(line)), doc.Components.Schemas["Event"], "event"); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("no event %s", want)
		}
	}
}

func TestEventsReachWhoMayKnow(t *testing.T) {
	h := newHouse(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	alias, id := h.hotWallet(h.owner, "Vault", 1, 1)
	other, _ := h.hotWallet(h.owner, "Other", 1, 1)
	all, status := h.follow(ctx, h.owner, "")
	one, _ := h.follow(ctx, h.owner, "?wallet="+alias)
	bound, _ := h.follow(ctx, h.token(h.owner, []string{"read"}, id), "")
	theirs, _ := h.follow(ctx, h.member, "")
	if status != 200 {
		t.Fatalf("events: %d", status)
	}
	h.no(request{method: "GET", path: "/events?wallet=nothing", token: h.owner}, 404, "not-found")
	h.no(request{method: "GET", path: "/events?wallet=" + alias, token: h.member}, 404, "not-found")
	h.no(request{method: "GET", path: "/events?wallet=" + other, token: h.token(h.owner, nil, id)}, 404, "not-found")

	h.ok(h.owner, "PATCH", "/wallets/"+other, `{"name":"Another"}`)
	h.ok(h.owner, "PATCH", "/wallets/"+alias, `{"name":"The vault"}`)
	change := `{"kind":"wallet","network":"regtest","wallet":"other"}`
	next(t, all, change)
	mine := `{"kind":"wallet","network":"regtest","wallet":"vault"}`
	for name, lines := range map[string]<-chan string{"one wallet's": one, "a bound token's": bound} {
		if got := <-lines; got != mine {
			t.Errorf("%s stream told %s first", name, got)
		}
	}
	h.hotWallet(h.member, "Mine", 1, 1)
	if got := <-theirs; !strings.Contains(got, `"mine"`) {
		t.Errorf("another user's stream told %s", got)
	}
	h.api.Close()
	for range all { // ends: the server closes its streams
	}
}

func TestStreamsOfOneUserAreBounded(t *testing.T) {
	h := newHouse(t)
	ctx, cancel := context.WithCancel(t.Context())
	for range 20 {
		if _, status := h.follow(ctx, h.member, ""); status != 200 {
			t.Fatalf("a stream was refused: %d", status)
		}
	}
	h.no(request{method: "GET", path: "/events", token: h.member}, 503, "unavailable")
	if _, status := h.follow(ctx, h.owner, ""); status != 200 {
		t.Errorf("another user's stream was refused: %d", status)
	}
	cancel()
	end := time.Now().Add(5 * time.Second)
	for {
		again, stop := context.WithCancel(t.Context())
		_, status := h.follow(again, h.member, "")
		stop()
		if status == 200 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("streams that ended still count")
		}
	}
}
