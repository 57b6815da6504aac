package auth

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"specter/internal/errs"
)

// What an old Specter knew of people and programs is taken over here. Its password hashes open
// once and are upgraded then (see LegacyHash), its tokens go on under the key that signed them.

// OldOwner is the owner of an old Specter, and how people logged in there.
type OldOwner struct {
	Name            string
	Hash            string // of LegacyHash; "": none
	Method          Method
	MinPassword     int // 0: our own
	InvitationHours int // 0: for ever
}

// factoryPassword is what every old Specter began with. It opens nothing here but an API that
// listens for this computer alone, where nobody logs in anyway.
const factoryPassword = "admin"

// Factory reports whether a hash of LegacyHash is that of the old Specter's factory password.
func Factory(hash string) bool {
	return strings.HasPrefix(hash, legacyPrefix) && checkLegacy(hash, factoryPassword)
}

// AdoptOwner finishes the first start with an old Specter's owner: name, password and login
// method. taken is false, and nothing changes, where this Specter has an owner already. Where the
// method needs a password and there is none, or it is the factory's, errs.Invalid says so.
func (s *Service) AdoptOwner(ctx context.Context, o OldOwner) (taken bool, err error) {
	s.change.Lock()
	defer s.change.Unlock()
	if _, needed, _ := s.SetupLink(ctx); !needed {
		return false, nil
	}
	name, key, err := checkName(o.Name)
	if err != nil {
		return false, err
	}
	v := defaults
	v.Method, v.InvitationHours = o.Method, min(max(o.InvitationHours, 0), hoursMost)
	if o.MinPassword != 0 {
		v.MinPassword = min(max(o.MinPassword, minPasswordLeast), minPasswordMost)
	}
	if err := o.Check(); err != nil {
		return false, err
	}
	if err := v.check(); err != nil {
		return false, err
	}
	if err := s.c.Store.RenameUser(ctx, OwnerID, name, key); err != nil {
		return false, err
	}
	if o.Hash != "" {
		if err := s.c.Store.SetUserPassword(ctx, OwnerID, o.Hash, 0); err != nil {
			return false, err
		}
	}
	if Factory(o.Hash) {
		if err := s.c.Store.PutSetting(ctx, "", settingFactory, "yes"); err != nil {
			return false, err
		}
	}
	if err := s.finish(ctx, v); err != nil {
		return false, err
	}
	s.record(ctx, OwnerID, "", eventSetup, "taken over")
	return true, nil
}

// Check refuses (errs.Invalid) a login by which anybody, or nobody, could come in.
func (o OldOwner) Check() error {
	switch {
	case o.Method == MethodUnset:
		return errs.E(errs.Invalid, "the old folder does not say how people logged in")
	case o.Method == MethodNone:
	case Factory(o.Hash):
		return errs.E(errs.Invalid, "the owner still had the old Specter's factory password, which everybody knows")
	case o.Hash == "" && o.Method != MethodRPC:
		return errs.E(errs.Invalid, "the owner's password cannot be read in the old folder")
	}
	return nil
}

// settingFactory says that the owner came with the factory password ("yes"). Whether it still
// stands is asked of the hash.
const settingFactory = "factory-password"

// notFactory refuses to open a login with the password that everybody knows.
func (s *Service) notFactory(ctx context.Context, chosen Method, owner UserRow) error {
	if chosen == MethodNone || owner.Hash == "" {
		return nil
	}
	came, err := s.c.Store.Setting(ctx, "", settingFactory)
	if err != nil || came == "" {
		return err
	}
	var still bool
	if err := s.hash.do(ctx, true, func() { still, _ = s.hash.check(owner.Hash, factoryPassword) }); err != nil {
		return err
	}
	if still {
		return errs.E(errs.Conflict, "the owner still has the old Specter's factory password %q, which everybody knows; set another one first", factoryPassword)
	}
	return s.c.Store.PutSetting(ctx, "", settingFactory, "")
}

// AdoptUser adds a member of an old Specter with a hash of LegacyHash ("": no password yet).
// errs.Conflict where somebody has the name, errs.Invalid where the name will not do.
func (s *Service) AdoptUser(ctx context.Context, name, hash string) (User, error) {
	shown, key, err := checkName(name)
	if err != nil {
		return User{}, err
	}
	row := UserRow{User: User{Name: shown, Role: Member, Created: s.now(), Password: hash != ""}, Key: key, Hash: hash}
	if row, err = s.addRow(ctx, row, func(row UserRow) error { return s.c.Store.AddUser(ctx, row) }); err != nil {
		return User{}, err
	}
	s.record(ctx, row.ID, "", "user-added", row.Name+" (taken over)")
	return row.User, nil
}

// isOldSecret reports whether a text can be the secret of an old Specter's registration link: 16
// random bytes.
func isOldSecret(text string) bool {
	b, err := base64.RawURLEncoding.DecodeString(text)
	return err == nil && len(b) == 16
}

// AdoptInvitation takes an old Specter's registration link, good until a time (zero: for ever).
// taken is false where it is here already. errs.Invalid where it has expired or is none.
func (s *Service) AdoptInvitation(ctx context.Context, text string, created, expires time.Time) (taken bool, err error) {
	i := Invitation{Created: created.UTC().Truncate(time.Second), Expires: expires.UTC().Truncate(time.Second)}
	if expires.IsZero() {
		i.Expires = time.Time{}
	}
	switch {
	case !isOldSecret(text):
		return false, errs.E(errs.Invalid, "this is no registration link's secret")
	case !i.good(s.now()):
		return false, errs.E(errs.Invalid, "the registration link has expired")
	}
	if _, err = s.c.Store.InvitationByHash(ctx, hashSecret(text)); err == nil || !errs.Is(err, errs.NotFound) {
		return false, err
	}
	all, err := s.c.Store.Invitations(ctx)
	if err != nil {
		return false, err
	}
	if len(all) >= invitationsMax {
		return false, errs.E(errs.Conflict, "there are %d registration links already", len(all))
	}
	return true, s.c.Store.AddInvitation(ctx, &i, hashSecret(text))
}

// OldToken is an API token of an old Specter.
type OldToken struct {
	JWT         string
	Username    string // of the user in whose record it stood
	Description string
	Life        time.Duration
	Key         []byte // the old program's SECRET_KEY
}

// AdoptToken registers an old Specter's token for a user, so that it goes on until it expires.
// taken is false where it is here already. errs.Invalid says why one is worth nothing.
func (s *Service) AdoptToken(ctx context.Context, userID string, o OldToken) (taken bool, err error) {
	t, err := s.oldToken(o)
	if err != nil {
		return false, err
	}
	t.UserID = userID
	_, _, _, err = s.c.Store.TokenByID(ctx, t.ID)
	if err == nil || !errs.Is(err, errs.NotFound) {
		return false, err
	}
	all, err := s.c.Store.Tokens(ctx, userID)
	if err != nil {
		return false, err
	}
	if len(all) >= tokensMax {
		return false, errs.E(errs.Conflict, "the user has %d tokens already", len(all))
	}
	if err := s.addOldKey(ctx, o.Key); err != nil {
		return false, err
	}
	if err := s.c.Store.AddToken(ctx, t, hashSecret(o.JWT)); err != nil {
		return false, err
	}
	s.record(ctx, userID, "", "token-made", t.Description+" (taken over)")
	return true, nil
}

// CheckOldToken says whether AdoptToken could register a token: nil, or errs.Invalid.
func (s *Service) CheckOldToken(o OldToken) error {
	_, err := s.oldToken(o)
	return err
}

// oldToken reads a token. One that stands in another user's record than it names is nobody's: the
// old program put some there by mistake.
func (s *Service) oldToken(o OldToken) (Token, error) {
	if len(o.Key) == 0 || len(o.Key) > 4096 {
		return Token{}, errs.E(errs.Invalid, "the old SECRET_KEY is needed")
	}
	c, err := readClaims(o.JWT, o.Key, s.now())
	switch {
	case err != nil:
		return Token{}, errs.E(errs.Invalid, "it has expired, or another SECRET_KEY signed it")
	case c.Username != o.Username:
		return Token{}, errs.E(errs.Invalid, "it belongs to another user")
	case c.Expires == nil:
		return Token{}, errs.E(errs.Invalid, "it has no end")
	}
	t := Token{ID: c.ID, Description: cut(strings.ToValidUTF8(o.Description, "?"), descriptionMax), Expires: c.Expires.UTC(), Created: s.now()}
	if c.Issued != nil {
		t.Created = c.Issued.UTC()
	}
	if t.Description == "" {
		t.Description = t.ID
	}
	if t.Life = o.Life; t.Life <= 0 || t.Life > lifeMax {
		t.Life = min(max(t.Expires.Sub(t.Created), time.Second), lifeMax)
	}
	return t, nil
}

// Old keys are few: one for each old Specter.
const (
	settingOldKeys = "token-keys-old"
	oldKeysMax     = 8
)

func (s *Service) oldTokenKeys() [][]byte {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.oldKeys
}

// loadOldKeys reads them. Where they cannot be read, the old tokens are worth nothing, and no more.
func (s *Service) loadOldKeys(ctx context.Context) error {
	text, err := s.c.Store.Setting(ctx, "", settingOldKeys)
	if err != nil || text == "" {
		return err
	}
	var keys [][]byte
	if err := json.Unmarshal([]byte(text), &keys); err != nil || len(keys) > oldKeysMax {
		s.c.Log.Warn("the keys of tokens that were taken over cannot be read")
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.oldKeys = slices.DeleteFunc(keys, func(k []byte) bool { return len(k) == 0 })
	return nil
}

// addOldKey keeps a key that signed old tokens.
func (s *Service) addOldKey(ctx context.Context, key []byte) error {
	s.change.Lock()
	defer s.change.Unlock()
	keys := s.oldTokenKeys()
	if slices.ContainsFunc(keys, func(k []byte) bool { return string(k) == string(key) }) {
		return nil
	}
	if len(keys) >= oldKeysMax {
		return errs.E(errs.Conflict, "tokens of %d other Specters were taken over already", len(keys))
	}
	keys = append(slices.Clone(keys), slices.Clone(key))
	text, err := json.Marshal(keys)
	if err != nil {
		return err
	}
	if err := s.c.Store.PutSetting(ctx, "", settingOldKeys, string(text)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.oldKeys = keys
	return nil
}

// OldHash returns a user's password hash in the old Specter's form, where it is still known: from
// the first login on only our own is, and the old program could not use that.
func (s *Service) OldHash(ctx context.Context, userID string) (salt, pwdhash string, known bool, err error) {
	row, err := s.c.Store.UserRow(ctx, userID)
	if err != nil {
		return "", "", false, err
	}
	rest, is := strings.CutPrefix(row.Hash, legacyPrefix)
	if !is {
		return "", "", false, nil
	}
	salt, pwdhash, known = strings.Cut(rest, "$")
	return salt, pwdhash, known, nil
}

// MakeOldHash hashes a password in the old Specter's form, for its users.json.
func MakeOldHash(password string) (salt, pwdhash string, err error) {
	raw := make([]byte, 32)
	rand.Read(raw)
	salt = base64.StdEncoding.EncodeToString(raw)
	key, err := pbkdf2.Key(sha256.New, password, []byte(salt), legacyRounds, keyLen)
	return salt, base64.StdEncoding.EncodeToString(key), err
}

// NameLike is a user's name of another program as it can be here: as it stands where it will do,
// else without what no name may have, cut where it is too long; fallback where nothing is left.
func NameLike(name, fallback string) string {
	if _, _, err := checkName(name); err == nil {
		return name
	}
	name = strings.Map(func(r rune) rune {
		if unseen(r) || r == ':' {
			return '_'
		}
		return r
	}, norm.NFC.String(strings.TrimSpace(strings.ToValidUTF8(name, "_"))))
	if runes := []rune(name); len(runes) > nameMax {
		name = strings.TrimSpace(string(runes[:nameMax]))
	}
	if _, _, err := checkName(name); err == nil {
		return name
	}
	if _, _, err := checkName(fallback); err == nil {
		return fallback
	}
	return "user"
}

// SameName is how names are compared: two that differ in case alone are one.
func SameName(name string) string { return foldName(norm.NFC.String(strings.TrimSpace(name))) }

// Waiting reports whether a registration link with a secret is still to be used, whatever way of
// logging in holds now.
func (s *Service) Waiting(ctx context.Context, secret string) (bool, error) {
	i, err := s.c.Store.InvitationByHash(ctx, hashSecret(secret))
	if errs.Is(err, errs.NotFound) {
		return false, nil
	}
	return err == nil && i.good(s.now()), err
}
