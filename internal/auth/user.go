package auth

import (
	"context"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"specter/internal/errs"
)

const (
	nameMax  = 64   // characters
	typedMax = 1024 // bytes of a typed name that are looked at
)

// foldName is the form in which names are compared: without regard to case, width, composing and
// the marks that choose among pictures of one character. Names that are too long to exist are cut.
func foldName(name string) string {
	name = strings.TrimSpace(name)
	name = name[:min(len(name), typedMax)]
	name = norm.NFKC.String(strings.ToValidUTF8(name, "?"))
	name = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Variation_Selector, r) {
			return -1
		}
		return r
	}, name)
	return norm.NFKC.String(cases.Fold().String(name))
}

// unseen reports whether a character cannot be seen, so that two names with and without it look
// the same: controls, and what fonts leave blank although it is a letter or a mark.
func unseen(r rune) bool {
	const brailleBlank = '\u2800'
	return unicode.In(r, unicode.C, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point) || r == brailleBlank
}

// checkName returns the name as it is shown and as it is compared.
func checkName(name string) (shown, key string, err error) {
	shown = norm.NFC.String(strings.TrimSpace(name))
	switch {
	case shown == "":
		return "", "", errs.E(errs.Invalid, "the name is missing")
	case !utf8.ValidString(name) || utf8.RuneCountInString(shown) > nameMax:
		return "", "", errs.E(errs.Invalid, "the name may have %d characters", nameMax)
	case strings.ContainsFunc(shown, func(r rune) bool { return unseen(r) || r == ':' }):
		return "", "", errs.E(errs.Invalid, "the name may not have a colon or characters that cannot be seen")
	}
	if key = foldName(shown); key == "" {
		return "", "", errs.E(errs.Invalid, "the name is missing")
	}
	return shown, key, nil
}

// newHash checks a new password and hashes it, in the queue with all others.
func (s *Service) newHash(ctx context.Context, key, password string) (hash string, err error) {
	least := s.Settings().MinPassword
	switch {
	case utf8.RuneCountInString(password) < least:
		return "", errs.E(errs.Invalid, "the password must have %d characters or more", least)
	case len(password) > passwordMax || !utf8.ValidString(password):
		return "", errs.E(errs.Invalid, "the password may have %d bytes at most", passwordMax)
	case foldName(password) == key:
		return "", errs.E(errs.Invalid, "the password may not be the name")
	}
	err = s.hash.do(ctx, true, func() { hash = s.hash.make(password) })
	return hash, err
}

// isLeaving reports whether a user is being deleted: nothing new may be made for such a user.
func (s *Service) isLeaving(userID string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.leaving[userID]
}

// Users lists all users, the owner first, then by name.
func (s *Service) Users(ctx context.Context) ([]User, error) {
	rows, err := s.c.Store.Users(ctx)
	out := make([]User, len(rows))
	for i, r := range rows {
		out[i] = r.User
	}
	return out, err
}

// User returns a user. errs.NotFound when there is none of that id.
func (s *Service) User(ctx context.Context, id string) (User, error) {
	row, err := s.c.Store.UserRow(ctx, id)
	return row.User, err
}

// UserByName returns a user by the name, without regard to case. errs.NotFound when nobody is
// called so.
func (s *Service) UserByName(ctx context.Context, name string) (User, error) {
	row, err := s.c.Store.UserByKey(ctx, foldName(name))
	return row.User, err
}

// AddUser adds a member. errs.Conflict when the name is taken, errs.Invalid when name or
// password will not do.
func (s *Service) AddUser(ctx context.Context, by Identity, name, password string) (User, error) {
	if !by.IsOwner() {
		return User{}, errNotOwner
	}
	row, err := s.newRow(ctx, name, password)
	if err != nil {
		return User{}, err
	}
	if row, err = s.addRow(ctx, row, func(row UserRow) error { return s.c.Store.AddUser(ctx, row) }); err != nil {
		return User{}, err
	}
	s.record(ctx, row.ID, clientOf(by), "user-added", row.Name)
	return row.User, nil
}

// newRow prepares a member. That the name is taken is found out before the password is hashed.
func (s *Service) newRow(ctx context.Context, name, password string) (UserRow, error) {
	shown, key, err := checkName(name)
	if err != nil {
		return UserRow{}, err
	}
	_, err = s.c.Store.UserByKey(ctx, key)
	if err == nil {
		return UserRow{}, errs.E(errs.Conflict, "there is a user named %q already; choose another name", shown)
	}
	if !errs.Is(err, errs.NotFound) {
		return UserRow{}, err
	}
	hash, err := s.newHash(ctx, key, password)
	if err != nil {
		return UserRow{}, err
	}
	return UserRow{User: User{Name: shown, Role: Member, Created: s.now(), Password: true}, Key: key, Hash: hash}, nil
}

// addRow adds a member under the first id that is free. Ids of users who are being deleted are
// not: their things are still being removed by it. Nor are those of users who were deleted while
// the program runs: what waits in memory for one person must not be handed to another.
func (s *Service) addRow(ctx context.Context, row UserRow, add func(UserRow) error) (UserRow, error) {
	s.adding.Lock()
	defer s.adding.Unlock()
	users, err := s.c.Store.Users(ctx)
	if err != nil {
		return row, err
	}
	taken := map[string]bool{}
	for _, u := range users {
		taken[u.ID] = true
	}
	base := slug(row.Key)
	row.ID = base
	for n := 2; taken[row.ID] || s.isLeaving(row.ID) || s.hasLeft(row.ID); n++ {
		row.ID = base + strconv.Itoa(n)
	}
	return row, add(row)
}

// slug makes an id of a name: letters and digits, and _ for everything else.
func slug(key string) string {
	var b strings.Builder
	for _, r := range key {
		switch {
		case b.Len() >= 40:
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
	}
	if id := strings.Trim(b.String(), "_"); id != "" {
		return id
	}
	return "user"
}

// SetPassword sets a password without asking for the old one, and ends all sessions of the user.
// Tokens stay: they are deleted one by one. It is for commands on the machine itself.
func (s *Service) SetPassword(ctx context.Context, userID, password string) error {
	return s.setPassword(ctx, userID, password, "", 0)
}

func (s *Service) setPassword(ctx context.Context, userID, password, client string, keep int64) error {
	row, err := s.c.Store.UserRow(ctx, userID)
	if err != nil {
		return err
	}
	hash, err := s.newHash(ctx, row.Key, password)
	if err != nil {
		return err
	}
	if err := s.storePassword(ctx, userID, password, hash, keep); err != nil {
		return err
	}
	s.record(ctx, userID, client, "password-set", "")
	return nil
}

// ChangePassword sets the password of the user who asks and ends the user's other sessions. The
// old one is asked; where the owner has none yet, the PIN, or nothing while nobody logs in.
// errs.Denied or *TooFast: it is not the old one; errs.Invalid: the new one will not do.
func (s *Service) ChangePassword(ctx context.Context, by Identity, old, new string, client string) error {
	row, err := s.c.Store.UserRow(ctx, by.User.ID)
	if err != nil {
		return err
	}
	if !by.May(Admin) {
		return errs.E(errs.Denied, "this token may not change the password")
	}
	method := s.Settings().Method
	pin := method == MethodRPC && row.Owner() && row.Hash == ""
	if free := method == MethodNone && row.Owner() && row.Hash == "" && !s.c.Open(); !free {
		if row, err = s.prove(ctx, s.ownGuess(by, client), row, old, pin, "password change"); err != nil {
			return err
		}
	}
	var keep int64
	if by.Session != nil {
		keep = by.Session.ID
	}
	return s.setPassword(ctx, row.ID, new, client, keep)
}

// ownGuess is a guess at the own password: a session has a count of its own.
func (s *Service) ownGuess(by Identity, client string) guess {
	g := guess{name: foldName(by.User.Name), client: client}
	if by.Session != nil {
		g.known = "session " + strconv.FormatInt(by.Session.ID, 10)
	}
	return g
}

// RenameUser changes the name that is typed at the login; the id stays. errs.Conflict when it is
// taken.
func (s *Service) RenameUser(ctx context.Context, userID, name string) error {
	shown, key, err := checkName(name)
	if err != nil {
		return err
	}
	if err := s.c.Store.RenameUser(ctx, userID, shown, key); err != nil {
		return err
	}
	s.record(ctx, userID, "", "user-renamed", shown)
	return nil
}

// DeleteUser deletes a member with all that belongs to the member. The member is shut out at
// once; after a failure it can be called again. errs.Denied: not the owner asks;
// errs.Conflict: it is the owner, who stays.
func (s *Service) DeleteUser(ctx context.Context, by Identity, userID string) error {
	if !by.IsOwner() {
		return errNotOwner
	}
	if userID == OwnerID {
		return errs.E(errs.Conflict, "the owner cannot be deleted")
	}
	row, err := s.c.Store.UserRow(ctx, userID)
	if err != nil {
		return err
	}
	if !s.leave(userID, true) {
		return errs.E(errs.Conflict, "this user is being deleted already")
	}
	defer s.leave(userID, false)
	s.pairings.drop(userID)
	if err := s.c.Forget(ctx, userID); err != nil {
		return err
	}
	if err := s.c.Store.RemoveUser(ctx, userID); err != nil {
		return err
	}
	s.mu.Lock()
	s.left[userID] = true
	s.mu.Unlock()
	s.record(ctx, by.User.ID, clientOf(by), "user-deleted", row.Name)
	return nil
}

// hasLeft reports whether a user of that id was deleted since the program started.
func (s *Service) hasLeft(userID string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.left[userID]
}

// leave marks a user as one that is being deleted; false when that is so already.
func (s *Service) leave(userID string, on bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !on {
		delete(s.leaving, userID)
		return true
	}
	if s.leaving[userID] {
		return false
	}
	s.leaving[userID] = true
	return true
}
