package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/wallet"
)

type usersPage struct {
	settingsFrame
	Method      auth.Method
	People      []person
	Invitations []auth.Invitation
	Hours       int
	Link        string // of an invitation made just now
	Min         int    // characters of a password
	Trouble     string // id of the user whose new password was refused
	Error       string
}

// person is a user with what belongs to them.
type person struct {
	auth.User
	Wallets, Devices int
}

// holdings counts what a user has, on every network.
func (s *Server) holdings(ctx context.Context, u auth.User) (person, error) {
	p := person{User: u}
	for _, n := range btc.Networks() {
		list, err := s.c.Wallets.List(ctx, wallet.Owner(u.ID), n)
		if err != nil {
			return p, err
		}
		p.Wallets += len(list)
	}
	list, err := s.c.Devices.List(ctx, u.ID)
	p.Devices = len(list)
	return p, err
}

func (s *Server) usersPage(r *http.Request) (usersPage, error) {
	f, err := s.settingsFrame(r, "users", s.tr(r, "Users"))
	if err != nil {
		return usersPage{}, err
	}
	now := s.c.Auth.Settings()
	v := usersPage{settingsFrame: f, Method: now.Method, Hours: now.InvitationHours, Min: now.MinPassword}
	users, err := s.c.Auth.Users(r.Context())
	if err != nil {
		return v, err
	}
	for _, u := range users {
		one, err := s.holdings(r.Context(), u)
		if err != nil {
			return v, err
		}
		v.People = append(v.People, one)
	}
	by, err := s.identity(r)
	if err != nil {
		return v, err
	}
	v.Invitations, err = s.c.Auth.Invitations(r.Context(), by)
	return v, err
}

func (s *Server) getUsers(w http.ResponseWriter, r *http.Request) error {
	v, err := s.usersPage(r)
	if err != nil {
		return err
	}
	if name := r.URL.Query().Get("made"); name != "" {
		if made, ok := s.tokens.take(name); ok && made.user == v.User.ID {
			v.Link = s.address(r) + "/auth/register?" + url.Values{"otp": {made.secret}}.Encode()
		}
	}
	return s.render(w, r, http.StatusOK, "settings_users", v)
}

// postInvite makes a registration link and shows it once, on the page that follows.
func (s *Server) postInvite(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	by, err := s.identity(r)
	if err != nil {
		return err
	}
	hours, err := strconv.Atoi(strings.TrimSpace(r.PostFormValue("hours")))
	if err != nil || hours < 0 || hours > 8760 {
		err = errs.E(errs.Invalid, "type the hours as a whole number from 1 to 8760, or 0 for a link that never ends")
	}
	secret := ""
	if err == nil {
		_, secret, err = s.c.Auth.Invite(r.Context(), by, hours)
	}
	if err != nil {
		v, pageErr := s.usersPage(r)
		if pageErr != nil || errs.Is(err, errs.Internal) {
			return err
		}
		v.Error = s.refusal(w, r, err)
		return s.render(w, r, statusOf(err), "settings_users", v)
	}
	return s.redirect(w, r, "/settings/users?made="+s.tokens.put(newToken{user: by.User.ID, secret: secret}))
}

func (s *Server) postRevoke(w http.ResponseWriter, r *http.Request) error {
	by, err := s.identity(r)
	if err != nil {
		return err
	}
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return errs.E(errs.NotFound, "there is no such invitation")
	}
	if err := s.c.Auth.RevokeInvitation(r.Context(), by, id); err != nil {
		return err
	}
	s.say(w, r, flashOK, "The link is revoked. Whoever opens it is refused.")
	return s.redirect(w, r, "/settings/users")
}

// postUserPassword gives a member a new password, and ends the member's sessions. The owner's own
// is changed on the account's page, where the old one is asked.
func (s *Server) postUserPassword(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	u, err := s.c.Auth.User(r.Context(), r.PathValue("id"))
	if err == nil && u.Owner() {
		err = errs.E(errs.Denied, "change your own password on the page of your account")
	}
	if err == nil {
		err = samePassword(r.PostFormValue("password"), r.PostFormValue("again"))
	}
	if err == nil {
		err = s.c.Auth.SetPassword(r.Context(), u.ID, r.PostFormValue("password"))
	}
	if err != nil {
		v, pageErr := s.usersPage(r)
		if pageErr != nil || errs.Is(err, errs.Internal) || errs.Is(err, errs.NotFound) {
			return err
		}
		v.Error, v.Trouble = s.refusal(w, r, err), u.ID
		return s.render(w, r, statusOf(err), "settings_users", v)
	}
	s.say(w, r, flashOK, "%s has a new password and is logged out everywhere. Tokens stay until they are deleted.", u.Name)
	return s.redirect(w, r, "/settings/users")
}

type deleteUserPage struct {
	settingsFrame
	Person person
	Error  string
}

func (s *Server) deleteUserPage(r *http.Request) (deleteUserPage, error) {
	f, err := s.settingsFrame(r, "users", "")
	if err != nil {
		return deleteUserPage{}, err
	}
	u, err := s.c.Auth.User(r.Context(), r.PathValue("id"))
	if err != nil {
		return deleteUserPage{}, err
	}
	if u.Owner() {
		return deleteUserPage{}, errs.E(errs.Denied, "the owner cannot be deleted")
	}
	f.Title = s.tr(r, "Delete %s", u.Name)
	v := deleteUserPage{settingsFrame: f}
	v.Person, err = s.holdings(r.Context(), u)
	return v, err
}

// getDeleteUser says what is lost before anything is.
func (s *Server) getDeleteUser(w http.ResponseWriter, r *http.Request) error {
	v, err := s.deleteUserPage(r)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "settings_user_delete", v)
}

// postDeleteUser deletes a user whose name was typed.
func (s *Server) postDeleteUser(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.deleteUserPage(r)
	if err != nil {
		return err
	}
	if strings.TrimSpace(r.PostFormValue("name")) != v.Person.Name {
		v.Error = s.tr(r, "Type the name %s exactly, to delete this user. Nothing was deleted.", v.Person.Name)
		return s.render(w, r, http.StatusUnprocessableEntity, "settings_user_delete", v)
	}
	by, err := s.identity(r)
	if err != nil {
		return err
	}
	if err := s.c.Auth.DeleteUser(r.Context(), by, v.Person.ID); err != nil {
		return err
	}
	s.say(w, r, flashOK, "%s is deleted, with everything that was theirs here.", v.Person.Name)
	return s.redirect(w, r, "/settings/users")
}
