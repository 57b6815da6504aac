package app

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"specter/internal/auth"
)

// guesses is what the guessers' requests came to.
type guesses struct {
	in, refused, slowed, other atomic.Int64
}

func (g *guesses) add(status int, in bool) {
	switch {
	case in:
		g.in.Add(1)
	case status == http.StatusTooManyRequests:
		g.slowed.Add(1)
	case status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusUnprocessableEntity || status == http.StatusSeeOther:
		g.refused.Add(1)
	default:
		g.other.Add(1)
	}
}

// guess tries one password at the page or at the API, under a forged address.
func guess(c *http.Client, base, password string, n int) (status int, in bool, err error) {
	var req *http.Request
	if n%2 == 0 {
		form := url.Values{"username": {"admin"}, "password": {password}}
		req, err = http.NewRequest("POST", base+"auth/login", strings.NewReader(form.Encode()))
		if err == nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	} else {
		req, err = http.NewRequest("GET", base+"api/v1alpha/token/", nil)
		if err == nil {
			req.SetBasicAuth("admin", password)
		}
	}
	if err != nil {
		return 0, false, err
	}
	forged := fmt.Sprintf("203.0.113.%d", n%250)
	for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "True-Client-Ip", "Cf-Connecting-Ip"} {
		req.Header.Set(name, forged)
	}
	req.Header.Set("Forwarded", "for="+forged)
	resp, err := c.Do(req)
	if err != nil {
		return 0, false, err
	}
	defer resp.Body.Close()
	location := resp.Header.Get("Location")
	in = resp.StatusCode == http.StatusSeeOther && !strings.Contains(location, "/auth/login") || n%2 == 1 && (resp.StatusCode == 200 || resp.StatusCode == 404)
	return resp.StatusCode, in, nil
}

// TestFiftyGuessersAreHeldWhileTheOwnerGetsIn lets 50 clients guess the owner's password at the
// page and at the API, side by side and under forged addresses. The right password is among the
// guesses, late: held to the limit they never reach it.
func TestFiftyGuessersAreHeldWhileTheOwnerGetsIn(t *testing.T) {
	const password, perClient = "correct horse battery", 20
	on := true
	h := open(t, Config{API: &on})
	ctx := context.Background()
	if err := h.auth.SetOwner(ctx, "admin", password); err != nil {
		t.Fatal(err)
	}
	if h.auth.Settings().Method != auth.MethodUsers {
		t.Fatalf("the method is %q", h.auth.Settings().Method)
	}
	login := func(v visitor) (int, string) {
		status, head, _ := v.post(h.URL()+"auth/login", url.Values{"username": {"admin"}, "password": {password}})
		return status, head.Get("Location")
	}
	owner := newVisitor(t) // a browser that has been here before
	if status, location := login(owner); status != 303 || strings.Contains(location, "login") {
		t.Fatalf("the owner's login answers %d %s", status, location)
	}
	var sum guesses
	var wg sync.WaitGroup
	start := time.Now()
	for client := range 50 {
		wg.Go(func() {
			c := &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			for i := range perClient {
				word := fmt.Sprintf("guess %d %d", client, i)
				if i >= perClient-3 {
					word = password
				}
				status, in, err := guess(c, h.URL(), word, client*perClient+i)
				if err != nil {
					t.Error(err)
					return
				}
				sum.add(status, in)
			}
		})
	}
	for range 3 { // meanwhile, from the same address
		if status, location := login(owner); status != 303 || strings.Contains(location, "login") {
			t.Errorf("while others guess, the owner's known browser gets %d %s", status, location)
		}
	}
	wg.Wait()
	t.Logf("%d guesses in %.1f s: %d judged wrong, %d told to wait, %d got in", 50*perClient, time.Since(start).Seconds(), sum.refused.Load(), sum.slowed.Load(), sum.in.Load())
	if sum.in.Load() != 0 || sum.other.Load() != 0 {
		t.Errorf("%d guessers got in, %d got other answers", sum.in.Load(), sum.other.Load())
	}
	if sum.refused.Load() > 40 {
		t.Errorf("%d guesses were judged; the limit lets few dozens through", sum.refused.Load())
	}
	if status, location := login(owner); status != 303 || strings.Contains(location, "login") {
		t.Errorf("after the storm the owner's known browser gets %d %s", status, location)
	}
	if status, _ := login(newVisitor(t)); status != http.StatusTooManyRequests {
		t.Errorf("an unknown browser from the guessers' address gets %d at once", status)
	}
}
