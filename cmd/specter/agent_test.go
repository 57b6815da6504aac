//go:build !offline

package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"specter/internal/errs"
	"specter/internal/signer/bridge/agent"
)

// screen is a terminal that can be read while it is written.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
	news chan struct{}
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	select {
	case s.news <- struct{}{}:
	default:
	}
	return len(p), nil
}

// shows waits until the screen holds a text.
func (s *screen) shows(text string) {
	for {
		s.mu.Lock()
		found := strings.Contains(s.text.String(), text)
		s.mu.Unlock()
		if found {
			return
		}
		<-s.news
	}
}

func newScreen() *screen { return &screen{news: make(chan struct{}, 1)} }

func TestThePersonAtTheTerminalIsAsked(t *testing.T) {
	for typed, want := range map[string]error{
		"y\n": nil, "YES\n": nil, "n\n": errs.E(errs.Declined, ""), "no\n": errs.E(errs.Declined, ""),
		"what?\ny\n": nil, "\nn\n": errs.E(errs.Declined, ""),
	} {
		in, keys := io.Pipe()
		s := newScreen()
		a := newAsker(in, &agentPrinter{w: s})
		done := make(chan error, 1)
		go func() { done <- a.ask(t.Context(), "Sign \x1b[2Jthis?") }()
		s.shows("Sign ?[2Jthis? [y/n]")
		if _, err := io.WriteString(keys, typed); err != nil {
			t.Fatal(err)
		}
		if err := <-done; (err == nil) != (want == nil) || errs.Is(want, errs.Declined) != errs.Is(err, errs.Declined) {
			t.Errorf("%q: %v", typed, err)
		}
		keys.Close()
	}
}

// A terminal that is gone refuses, and a page that has given up ends the question.
func TestAQuestionWithoutAnAnswer(t *testing.T) {
	if err := newAsker(strings.NewReader(""), &agentPrinter{w: newScreen()}).ask(t.Context(), "Sign?"); !errs.Is(err, errs.Declined) {
		t.Errorf("nobody there: %v", err)
	}
	in, keys := io.Pipe()
	defer keys.Close()
	s := newScreen()
	a := newAsker(in, &agentPrinter{w: s})
	ctx, stop := context.WithCancel(t.Context())
	go func() { s.shows("Sign? [y/n]"); stop() }()
	if err := a.ask(ctx, "Sign?"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A line that stays lost is told once; what a call carries is never told.
func TestWhatTheAgentPrints(t *testing.T) {
	s := newScreen()
	p := &agentPrinter{w: s}
	away := errs.E(errs.Unavailable, "no way\x1b[2J")
	for _, e := range []agent.Event{{What: "lost", Err: away}, {What: "lost", Err: away}, {What: "connected"}, {What: "call", Method: "sign_tx", Device: "trezor"}, {What: "done", Method: "sign_tx"}, {What: "failed", Method: "enumerate", Err: away}, {What: "lost", Err: away}} {
		p.tell(e)
	}
	text := s.text.String()
	if strings.Count(text, "not connected, trying again: no way?[2J") != 2 || strings.Count(text, "connected; Ctrl-C") != 1 || !strings.Contains(text, "sign_tx (trezor) …") || !strings.Contains(text, "sign_tx: done") || !strings.Contains(text, "enumerate: failed") {
		t.Error(text)
	}
	quiet := newScreen()
	q := &agentPrinter{w: quiet, quiet: true}
	q.tell(agent.Event{What: "connected"})
	if quiet.text.Len() != 0 {
		t.Error(quiet.text.String())
	}
}
