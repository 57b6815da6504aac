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
	words := s.words(r)
	for _, e := range events {
		row := eventRow{e, words.eventWords(e.What), names[e.UserID], e.What == "login-refused"}
		row.Detail = words.eventDetail(e)
		v.Events = append(v.Events, row)
	}
	return s.render(w, r, http.StatusOK, "settings_record", v)
}

// eventWords says what happened.
func (c catalogue) eventWords(what string) string {
	words := c.t(map[string]string{
		"login": "Logged in", "login-refused": "Login refused", "logout": "Logged out", "session-ended": "Session ended",
		"token-made": "Token made", "token-deleted": "Token deleted", "user-added": "User added", "user-deleted": "User deleted",
		"user-renamed": "User renamed", "password-set": "Password changed", "method-set": "Login method changed", "invited": "Invitation made",
		"invitation-revoked": "Invitation revoked", "registered": "Registered", "setup": "First start finished", "restored": "Restored from a backup",
		"agent-code": "Pairing code for an agent made", "agent-paired": "Agent paired", "agent-revoked": "Agent revoked",
	}[what])
	if words == "" {
		return what // a newer record than this page
	}
	return words
}

// eventDetail puts the program's own words of a record into the reader's; names stay as they are.
func (c catalogue) eventDetail(e auth.Event) string {
	words := ""
	switch e.What {
	case "login", "setup", "method-set":
		words = c.t(map[string]string{
			string(auth.MethodNone): "No login", string(auth.MethodPassword): "Password", string(auth.MethodRPC): "RPC password as PIN", string(auth.MethodUsers): "Name and password",
		}[e.Detail])
	case "session-ended":
		words = c.t(map[string]string{"left alone": "left alone too long", "one": "by hand", "all others": "all others at once"}[e.Detail])
	case "login-refused":
		words = c.t(map[string]string{"page": "at the login page", "settings": "at the settings", "registration": "an invitation that is not good", "agent": "a code that is not good"}[e.Detail])
	}
	if words == "" {
		return e.Detail
	}
	return words
}
