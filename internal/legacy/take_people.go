package legacy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"specter/internal/auth"
	"specter/internal/errs"
)

// people takes the owner, the members, and their tokens.
func (t *taker) people() error {
	for i := range t.f.Users {
		u := &t.f.Users[i]
		var err error
		if u.Owner {
			t.ids[u.ID] = auth.OwnerID
			err = t.owner(u)
		} else {
			err = t.member(u)
		}
		if err == nil && !t.gone[u.ID] {
			err = t.tokens(u)
		}
		if err != nil {
			return err
		}
	}
	t.ids[OwnerID] = auth.OwnerID
	return nil
}

func (t *taker) owner(u *User) error {
	_, needed, err := t.r.Auth.SetupLink(t.ctx)
	if err != nil {
		return err
	}
	if !needed {
		t.line("owner", u.ID, u.Name, Same, "this Specter has an owner already; name, password and way of logging in stay")
		return nil
	}
	if !u.Listed || t.f.Login == nil {
		return nil // a file without people tells nothing of them
	}
	l := t.f.Login
	o := auth.OldOwner{Name: auth.NameLike(u.Name, OwnerID), Hash: u.Hash, Method: l.Method, MinPassword: l.MinPassword, InvitationHours: l.InvitationHours}
	err = o.Check()
	if err == nil && !t.o.Dry {
		_, err = t.r.Auth.AdoptOwner(t.ctx, o)
	}
	if errs.Is(err, errs.Invalid) {
		t.line("owner", u.ID, u.Name, LeftOut, "%s; finish the first start of this Specter as usual, and the owner's things are yours", err)
		return nil
	}
	if err != nil {
		return err
	}
	detail := "logs in as before (" + string(l.Method) + ")"
	if l.Method == auth.MethodNone {
		detail = "nobody logs in on this computer, as before"
	}
	t.line("owner", u.ID, u.Name, Taken, "%s", named(u, o.Name)+detail)
	return nil
}

// named begins a detail where a user's name had to change.
func named(u *User, name string) string {
	if name == u.Name {
		return ""
	}
	return "named " + shown(name) + "; "
}

func (t *taker) member(u *User) error {
	ref, _, found, err := t.before(auth.OwnerID, "user", u.ID)
	if err != nil {
		return err
	}
	if found {
		if _, err := t.r.Auth.User(t.ctx, ref); err == nil {
			t.ids[u.ID] = ref
			t.line("user", u.ID, u.Name, Same, "")
			return nil
		} else if !errs.Is(err, errs.NotFound) {
			return err
		}
		if !t.o.Again {
			t.gone[u.ID] = true
			t.line("user", u.ID, u.Name, LeftOut, deletedHere)
			return nil
		}
	}
	name := auth.NameLike(u.Name, u.ID)
	here, err := t.r.Auth.UserByName(t.ctx, name)
	if err == nil && here.Owner() { // nobody becomes the owner by a name
		return t.namesake(u, name+" (member)", ", for the owner has that name here")
	}
	if err == nil && slices.Contains(slices.Collect(maps.Values(t.ids)), here.ID) || t.named[auth.SameName(name)] { // nor another user of the old program
		return t.namesake(u, auth.NameLike(name+" ("+u.ID+")", u.ID), ", for another user of the old Specter has that name here")
	}
	t.named[auth.SameName(name)] = true
	switch {
	case err == nil:
		t.line("user", u.ID, u.Name, Same, "there is a user of this name; name and password stay, and what belongs to the user comes along")
	case !errs.Is(err, errs.NotFound):
		return err
	case t.o.Dry:
		t.line("user", u.ID, u.Name, Taken, "%s", named(u, name)+passwordWords(u))
		return nil
	default:
		if here, err = t.r.Auth.AdoptUser(t.ctx, name, u.Hash); err != nil {
			t.gone[u.ID] = true
			return t.refused(err, "user", u.ID, u.Name)
		}
		t.line("user", u.ID, u.Name, Taken, "%s", named(u, name)+passwordWords(u))
	}
	t.ids[u.ID] = here.ID
	return t.note(auth.OwnerID, "user", u.ID, here.ID, nil)
}

// namesake takes a member whose name somebody else has under another one.
func (t *taker) namesake(u *User, name, why string) error {
	detail := "named " + shown(name) + why + "; " + passwordWords(u)
	if t.o.Dry {
		t.line("user", u.ID, u.Name, Taken, "%s", detail)
		return nil
	}
	made, err := t.r.Auth.UserByName(t.ctx, name)
	if errs.Is(err, errs.NotFound) {
		made, err = t.r.Auth.AdoptUser(t.ctx, name, u.Hash)
	}
	if err != nil {
		t.gone[u.ID] = true
		return t.refused(err, "user", u.ID, u.Name)
	}
	t.ids[u.ID] = made.ID
	t.line("user", u.ID, u.Name, Taken, "%s", detail)
	return t.note(auth.OwnerID, "user", u.ID, made.ID, nil)
}

func passwordWords(u *User) string {
	if u.Hash == "" {
		return "without a password; set one with: specter user passwd"
	}
	return "with the old password"
}

// tokens takes a user's tokens where the key that signed them is known.
func (t *taker) tokens(u *User) error {
	if len(u.Tokens) == 0 {
		return nil
	}
	if len(t.o.SecretKey) == 0 {
		t.line("token", u.ID, plural(len(u.Tokens), "API token", "API tokens"), LeftOut,
			"the old SECRET_KEY is needed (--secret-key); without it the old program's tokens ended with each of its starts")
		return nil
	}
	for _, k := range u.Tokens {
		if err := t.token(u, k); err != nil {
			return err
		}
	}
	return nil
}

func (t *taker) token(u *User, k Token) error {
	owner, name := t.ids[u.ID], k.Description
	if name == "" {
		name = k.ID
	}
	_, _, found, err := t.before(owner, kindToken, k.ID)
	if err != nil {
		return err
	}
	if found && !t.o.Again {
		t.line("token", u.ID, name, Same, "")
		return nil
	}
	old := auth.OldToken{JWT: k.JWT, Username: u.Name, Description: k.Description, Life: k.Life, Key: t.o.SecretKey}
	if t.o.Dry {
		if err := t.r.Auth.CheckOldToken(old); err != nil {
			return t.refused(err, "token", u.ID, name)
		}
		t.line("token", u.ID, name, Taken, "")
		return nil
	}
	taken, err := t.r.Auth.AdoptToken(t.ctx, owner, old)
	if err != nil {
		return t.refused(err, "token", u.ID, name)
	}
	outcome := Same
	if taken {
		outcome = Taken
	}
	t.line("token", u.ID, name, outcome, "")
	return t.note(owner, kindToken, k.ID, "", []byte(k.JWT))
}

// links takes the registration links that are still good.
func (t *taker) links() error {
	now := t.r.Now()
	for i, l := range t.f.Invitations {
		name := fmt.Sprintf("registration link %d", i+1)
		if !l.Expires.IsZero() && !now.Before(l.Expires) {
			t.line("link", OwnerID, name, LeftOut, "it has expired")
			continue
		}
		key := "link-" + fingerprint(l.Secret)
		_, _, found, err := t.before(auth.OwnerID, "link", key)
		if err != nil {
			return err
		}
		if found {
			t.line("link", OwnerID, name, Same, "")
			continue
		}
		if t.o.Dry {
			t.line("link", OwnerID, name, Taken, "")
			continue
		}
		taken, err := t.r.Auth.AdoptInvitation(t.ctx, l.Secret, l.Created, l.Expires)
		if err != nil {
			if err := t.refused(err, "link", OwnerID, name); err != nil {
				return err
			}
			continue
		}
		outcome := Same
		if taken {
			outcome = Taken
		}
		t.line("link", OwnerID, name, outcome, "")
		if err := t.note(auth.OwnerID, "link", key, "", nil); err != nil {
			return err
		}
	}
	return nil
}

// fingerprint names a secret without telling it.
func fingerprint(secret string) string {
	h := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(h[:16])
}
