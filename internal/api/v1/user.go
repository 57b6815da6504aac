package v1

import (
	"net/url"
	"strconv"
	"time"

	"specter/internal/auth"
)

// userView is a person who may log in.
type userView struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Role        string `json:"role"`
	Created     moment `json:"created"`
	LastLogin   moment `json:"last_login"`
	HasPassword bool   `json:"has_password"`
}

// userPage is a page of users.
type userPage struct {
	Items []userView `json:"items"`
	paging
}

// userInput asks for a user.
type userInput struct {
	Name     string `json:"name" need:"yes"`
	Password string `json:"password" need:"yes"`
}

// passwordInput sets a password.
type passwordInput struct {
	Password string `json:"password" need:"yes"`
}

// ownPasswordInput changes the own password.
type ownPasswordInput struct {
	Old string `json:"old" need:"yes"`
	New string `json:"new" need:"yes"`
}

// invitationView is a registration link after it was made.
type invitationView struct {
	ID      int64  `json:"id"`
	Created moment `json:"created"`
	Expires moment `json:"expires"`
}

// newInvitationView is a registration link with its secret, which is told once.
type newInvitationView struct {
	invitationView
	Secret string `json:"secret"`
}

// invitationPage is a page of invitations.
type invitationPage struct {
	Items []invitationView `json:"items"`
	paging
}

// invitationInput asks for a registration link.
type invitationInput struct {
	Hours *int `json:"hours"`
}

// meView is who asks, and what they may.
type meView struct {
	User   userView   `json:"user"`
	Token  *tokenView `json:"token"`
	Rights []string   `json:"rights"`
}

// loginEventView is one line of the record around logins.
type loginEventView struct {
	ID     int64   `json:"id"`
	At     moment  `json:"at"`
	User   *string `json:"user_id"`
	Client string  `json:"client"`
	What   string  `json:"what"`
	Detail string  `json:"detail"`
}

// loginEventPage is a page of the record.
type loginEventPage struct {
	Items      []loginEventView `json:"items"`
	NextCursor *string          `json:"next_cursor"`
}

func userOf(u auth.User) userView {
	return userView{ID: u.ID, Name: u.Name, Role: string(u.Role), Created: moment(u.Created), LastLogin: moment(u.LastLogin), HasPassword: u.Password}
}

func getMe(c *call) (any, error) {
	v := meView{User: userOf(c.id.User), Rights: rightsOf(c.id)}
	if c.id.Token != nil {
		t := c.s.tokenOf(*c.id.Token)
		v.Token = &t
	}
	return v, nil
}

// rightsOf lists what who asks may do.
func rightsOf(id auth.Identity) []string {
	out := []string{}
	for _, r := range auth.Rights {
		if id.May(r) {
			out = append(out, string(r))
		}
	}
	return out
}

func postOwnPassword(c *call) (any, error) {
	var in ownPasswordInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	return nil, c.s.c.Auth.ChangePassword(c.ctx(), c.id, in.Old, in.New, c.s.c.Client(c.Request))
}

func getUsers(c *call) (any, error) {
	l, err := c.list()
	if err != nil {
		return nil, err
	}
	all, err := c.s.c.Auth.Users(c.ctx())
	if err != nil {
		return nil, err
	}
	rows, p, err := sliced(l, all, func(u auth.User) string { return u.ID })
	return userPage{mapped(rows, userOf), p}, err
}

func postUser(c *call) (any, error) {
	var in userInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	u, err := c.s.c.Auth.AddUser(c.ctx(), c.id, in.Name, in.Password)
	return created{"/users/" + url.PathEscape(u.ID), userOf(u)}, err
}

func getUser(c *call) (any, error) {
	u, err := c.s.c.Auth.User(c.ctx(), c.PathValue("id"))
	return userOf(u), err
}

func patchUser(c *call) (any, error) {
	var in nameInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	if err := c.s.c.Auth.RenameUser(c.ctx(), c.PathValue("id"), in.Name); err != nil {
		return nil, err
	}
	return getUser(c)
}

func deleteUser(c *call) (any, error) {
	return nil, c.s.c.Auth.DeleteUser(c.ctx(), c.id, c.PathValue("id"))
}

// postUserPassword sets a member's password. The owner's own is changed with the old one at
// hand: a token that leaked must not take the house.
func postUserPassword(c *call) (any, error) {
	var in passwordInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	u, err := c.s.c.Auth.User(c.ctx(), c.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if u.ID == c.user() {
		return nil, denied("denied", "your own password is changed with the old one: POST "+Root+"/me/password")
	}
	return nil, c.s.c.Auth.SetPassword(c.ctx(), u.ID, in.Password)
}

func invitation(i auth.Invitation) invitationView {
	return invitationView{ID: i.ID, Created: moment(i.Created), Expires: moment(i.Expires)}
}

func getInvitations(c *call) (any, error) {
	l, err := c.list()
	if err != nil {
		return nil, err
	}
	all, err := c.s.c.Auth.Invitations(c.ctx(), c.id)
	if err != nil {
		return nil, err
	}
	rows, p, err := sliced(l, all, func(i auth.Invitation) string { return strconv.FormatInt(i.ID, 10) })
	return invitationPage{mapped(rows, invitation), p}, err
}

func postInvitation(c *call) (any, error) {
	var in invitationInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	hours := c.s.c.Auth.Settings().InvitationHours
	over(&hours, in.Hours)
	if hours < 0 || hours > 8760 {
		return nil, invalid("hours", "an invitation is good for 1 to 8760 hours, or for ever with 0")
	}
	i, secret, err := c.s.c.Auth.Invite(c.ctx(), c.id, hours)
	return created{"/invitations", newInvitationView{invitation(i), secret}}, err
}

func deleteInvitation(c *call) (any, error) {
	id, err := c.number("id", "invitation")
	if err != nil {
		return nil, err
	}
	return nil, c.s.c.Auth.RevokeInvitation(c.ctx(), c.id, id)
}

// getLoginEvents pages through the record, newest first; its cursor is the last row's number.
func getLoginEvents(c *call) (any, error) {
	l, err := c.list()
	if err != nil {
		return nil, err
	}
	before := int64(0)
	if l.from != nil {
		if before, err = strconv.ParseInt(l.from.Last, 10, 64); err != nil || before < 1 {
			return nil, &problemError{status: 422, code: "bad-cursor", field: "cursor", detail: "this cursor is not of this list"}
		}
	}
	rows, err := c.s.c.Auth.Events(c.ctx(), c.id, before, l.limit)
	if err != nil {
		return nil, err
	}
	v := loginEventPage{Items: mapped(rows, func(e auth.Event) loginEventView {
		return loginEventView{ID: e.ID, At: moment(e.At), User: maybe(e.UserID), Client: e.Client, What: e.What, Detail: e.Detail}
	})}
	if len(rows) == l.limit {
		last := rows[len(rows)-1].ID
		v.NextCursor = l.after(0, len(rows), len(rows)+1, strconv.FormatInt(last, 10)).NextCursor
	}
	return v, nil
}

// sessionView is a browser that is logged in.
type sessionView struct {
	ID       int64  `json:"id"`
	Created  moment `json:"created"`
	LastSeen moment `json:"last_seen"`
	Expires  moment `json:"expires"`
	Client   string `json:"client"`
	Agent    string `json:"agent"`
	Way      string `json:"way"`
}

// sessionPage is a page of sessions.
type sessionPage struct {
	Items []sessionView `json:"items"`
	paging
}

func getSessions(c *call) (any, error) {
	l, err := c.list()
	if err != nil {
		return nil, err
	}
	all, err := c.s.c.Auth.Sessions(c.ctx(), c.user())
	if err != nil {
		return nil, err
	}
	rows, p, err := sliced(l, all, func(s auth.Session) string { return strconv.FormatInt(s.ID, 10) })
	return sessionPage{mapped(rows, func(s auth.Session) sessionView {
		return sessionView{ID: s.ID, Created: moment(s.Created), LastSeen: moment(s.LastSeen), Expires: moment(s.Expires), Client: s.Client,
			Agent: s.Agent, Way: string(s.Way)}
	}), p}, err
}

func deleteSession(c *call) (any, error) {
	id, err := c.number("id", "session")
	if err != nil {
		return nil, err
	}
	return nil, c.s.c.Auth.EndSession(c.ctx(), c.user(), id)
}

// deleteSessions logs all browsers of the user out.
func deleteSessions(c *call) (any, error) {
	return nil, c.s.c.Auth.EndOtherSessions(c.ctx(), c.user(), 0)
}

// seconds of a span in answers.
func seconds(d time.Duration) int64 { return int64(d / time.Second) }
