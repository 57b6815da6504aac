package web

import (
	"net/http"
	"strconv"

	"specter/internal/auth"
)

// recordSize is how many lines a page of the record has.
const recordSize = 50

type recordPage struct {
	settingsFrame
	Events []eventRow
	Older  int64 // the last id shown, when there is more
	Newest bool  // this is the first page
}

// eventRow is a line of the record in words.
type eventRow struct {
	auth.Event
	Words string
	Name  string
	Bad   bool
}

// getRecord shows what happened around logins: the owner all of it, others their own.
func (s *Server) getRecord(w http.ResponseWriter, r *http.Request) error {
	f, err := s.settingsFrame(r, "record", s.tr(r, "Record of logins"))
	if err != nil {
		return err
	}
	by, err := s.identity(r)
	if err != nil {
		return err
	}
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64) // anything else is the first page
	events, err := s.c.Auth.Events(r.Context(), by, max(0, before), recordSize+1)
	if err != nil {
		return err
	}
	v := recordPage{settingsFrame: f, Newest: before <= 0}
	if len(events) > recordSize {
		events = events[:recordSize]
		v.Older = events[recordSize-1].ID
	}
	names := map[string]string{by.User.ID: by.User.Name}
	if by.User.Owner() {
		users, err := s.c.Auth.Users(r.Context())
		if err != nil {
			return err
		}
		for _, u := range users {
			names[u.ID] = u.Name
		}
	}
	for _, e := range events {
		v.Events = append(v.Events, eventRow{e, s.words(r).eventWords(e.What), names[e.UserID], e.What == "login-refused"})
	}
	return s.render(w, r, http.StatusOK, "settings_record", v)
}

// eventWords says what happened.
func (c catalogue) eventWords(what string) string {
	words := c.t(map[string]string{
		"login": "Logged in", "login-refused": "Login refused", "logout": "Logged out", "session-ended": "Session ended",
		"token-made": "Token made", "token-deleted": "Token deleted", "user-added": "User added", "user-deleted": "User deleted",
		"user-renamed": "User renamed", "password-set": "Password changed", "method-set": "Login method changed", "invited": "Invitation made",
		"invitation-revoked": "Invitation revoked", "registered": "Registered", "setup": "First start finished",
		"agent-code": "Pairing code for an agent made", "agent-paired": "Agent paired", "agent-revoked": "Agent revoked",
	}[what])
	if words == "" {
		return what // a newer record than this page
	}
	return words
}
