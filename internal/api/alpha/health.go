package alpha

import (
	"context"
	"net/http"
	"strings"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/wallet"
)

func (s *Server) getAlive(w http.ResponseWriter, r *http.Request, _ call) error {
	s.message(w, r, http.StatusOK, "i am alive")
	return nil
}

// getReady looks whether the program can do its work: its settings and the owner's wallets can
// be read. A node that is away alone does not make it unready.
func (s *Server) getReady(w http.ResponseWriter, r *http.Request, _ call) error {
	if err := s.ready(r.Context()); err != nil {
		s.c.Log.Error("not ready", "error", err)
		text := unexpected
		if !strings.HasPrefix(r.URL.Path, "/api/") {
			text = "i am not ready"
		}
		return refuse(http.StatusInternalServerError, text)
	}
	s.message(w, r, http.StatusOK, "i am ready")
	return nil
}

func (s *Server) ready(ctx context.Context) error {
	n, err := s.network(ctx)
	if err != nil {
		return err
	}
	if _, err := s.c.Wallets.List(ctx, auth.OwnerID, n); err != nil {
		return err
	}
	_, err = s.c.Settings.Setting(ctx, auth.OwnerID, "unit")
	return err
}

// network is the active node's, else the one of the configuration.
func (s *Server) network(ctx context.Context) (btc.Network, error) {
	n, err := s.c.Nodes.Network(ctx)
	if errs.Is(err, errs.NotFound) {
		return s.c.Network, nil
	}
	return n, err
}

// ref names a wallet of who asks on the active network. What the token does not reach does not
// belong to who asks.
func (s *Server) ref(r *http.Request, c call, right auth.Right) (wallet.Ref, wallet.Record, error) {
	n, err := s.network(r.Context())
	if err != nil {
		return wallet.Ref{}, wallet.Record{}, err
	}
	ref := wallet.Ref{Owner: wallet.Owner(c.User.ID), Network: n, Alias: c.arg}
	rec, err := s.c.Wallets.Get(r.Context(), ref)
	if errs.Is(err, errs.NotFound) || err == nil && !c.Scope.Reaches(int64(rec.ID)) {
		return ref, rec, refuse(http.StatusForbidden, foreign)
	}
	if err == nil && !c.May(right) {
		err = refuse(http.StatusForbidden, "The token may not do this: it lacks the right "+string(right)+".")
	}
	return ref, rec, err
}

// getIndex is a page for people who open the address in a browser.
func (s *Server) getIndex(w http.ResponseWriter, _ *http.Request, _ call) error {
	var b strings.Builder
	b.WriteString("<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>Specter REST API</title></head>\n<body>\n<h1>Specter REST API</h1>\n" +
		"<p>Make a token with your name and password (Basic), then use it with the other paths (Bearer).</p>\n<table>\n<tr><th>Method</th><th>Path</th><th>Authorization</th><th>For</th></tr>\n")
	for _, rt := range s.routes {
		how := map[login]string{open: "none", basic: "Basic", bearer: "Bearer"}[rt.login]
		path := strings.NewReplacer("token/{arg}", "token/&lt;id&gt;", "{arg}", "&lt;alias&gt;").Replace(rt.pattern)
		b.WriteString("<tr><td>" + rt.method + "</td><td><code>" + s.c.URLPrefix + path + "</code></td><td>" + how + "</td><td>" + string(rt.who) + "</td></tr>\n")
	}
	b.WriteString("</table>\n</body>\n</html>\n")
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	_, err := w.Write([]byte(b.String()))
	return err
}
