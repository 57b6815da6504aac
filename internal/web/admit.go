package web

import (
	"net/http"

	"specter/internal/auth"
	"specter/internal/errs"
)

// audience says for whom a route is. The zero value is nobody's: a route must say it.
type audience int

const (
	forEveryone audience = iota + 1 // also who is not logged in: the login itself, pictures, styles
	forUser                         // who is logged in; the handler asks for what belongs to them
	forOwner                        // the owner alone: nodes, users, how people log in
)

// String is the word of an audience in the route table.
func (a audience) String() string {
	switch a {
	case forEveryone:
		return "everyone"
	case forUser:
		return "user"
	case forOwner:
		return "owner"
	}
	return "nobody"
}

// admit is the one gate before every handler: it finds out who asks and lets them in, or not.
func (s *Server) admit(who audience, h handler) handler {
	if who == forEveryone {
		return h
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		o, err := s.owner(r)
		if err != nil {
			return err
		}
		if who == forOwner && string(o) != auth.OwnerID {
			return errs.E(errs.Denied, "this is for the owner of this Specter alone")
		}
		return h(w, r)
	}
}
