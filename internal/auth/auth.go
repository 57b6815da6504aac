package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"specter/internal/errs"
)

// Config is what the service stands on.
type Config struct {
	Store Store
	Now   func() time.Time // nil: time.Now
	Log   *slog.Logger     // nil: none
	// CheckRPC tries a password against the active node. errs.Denied: it is wrong;
	// errs.Unavailable: there is no node, or it does not answer. nil: MethodRPC is not on offer.
	CheckRPC func(ctx context.Context, password string) error
	// Open reports whether other machines can reach the program; MethodNone is refused then.
	// It must be quick. nil: they can.
	Open func() bool
	// Forget removes all that belongs to a user before the row goes. It may be called again
	// for the same user after a failure.
	Forget func(ctx context.Context, userID string) error
	Hash   HashParams // zero: 64 MiB, 3 passes, 1 lane
	// Keeper hears the owner's password where it is in clear; nil: nobody does.
	Keeper Keeper
	// First is the secret of a first start that goes on, when the program has opened its data anew
	// meanwhile; "": a new one is made.
	First string
}

// Keeper locks secrets under the owner's password. It is told of passwords that were typed and
// were right, never of guesses.
type Keeper interface {
	// OwnerProved hears the password with which the owner logged in.
	OwnerProved(ctx context.Context, password string)
	// OwnerChanges hears a new password before it is stored; an error stops the change.
	OwnerChanges(ctx context.Context, password string) error
	// OwnerChanged hears that it is stored: the one before opens nothing any more.
	OwnerChanged(ctx context.Context, password string)
}

// storePassword stores a hash. Where it is the owner's, the secrets open with the new password
// from before that on, and with no other after it.
func (s *Service) storePassword(ctx context.Context, userID, password, hash string, keep int64) error {
	keeper := s.c.Keeper
	if userID != OwnerID || keeper == nil {
		return s.c.Store.SetUserPassword(ctx, userID, hash, keep)
	}
	ctx = context.WithoutCancel(ctx)
	if err := keeper.OwnerChanges(ctx, password); err != nil {
		return err
	}
	if err := s.c.Store.SetUserPassword(ctx, userID, hash, keep); err != nil {
		return err
	}
	keeper.OwnerChanged(ctx, password)
	return nil
}

// proved tells the keeper of the owner's password. The factory's, which everybody knows, locks
// nothing.
func (s *Service) proved(ctx context.Context, userID, password string) {
	if s.c.Keeper != nil && userID == OwnerID && password != factoryPassword {
		s.c.Keeper.OwnerProved(context.WithoutCancel(ctx), password)
	}
}

// Service answers who is asking. It is safe for concurrent use.
type Service struct {
	c        Config
	hash     *hasher
	limits   *limits
	basics   *basics
	seen     seen
	pairings pairings
	tokenKey []byte

	// change is held by whatever changes settings or the owner's first password, so that two
	// such changes come one after the other. It is never held while mu is.
	change sync.Mutex
	adding sync.Mutex // held while a new user gets an id

	mu       sync.RWMutex // over what follows; held over memory alone
	settings Settings
	setup    string          // secret of the first start; "": not needed
	leaving  map[string]bool // users that are being deleted
	left     map[string]bool // ids of those that were
	oldKeys  [][]byte        // sign tokens that were taken over from an old Specter
}

// The names of our settings. They belong to the program, not to a user.
const (
	settingLogin    = "login"
	settingTokenKey = "token-key"
)

// New loads settings and keys, and makes those that are missing.
func New(ctx context.Context, c Config) (*Service, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Open == nil {
		c.Open = func() bool { return true }
	}
	if c.Forget == nil {
		return nil, errors.New("auth needs to know how a user's things are removed")
	}
	h, err := newHasher(c.Hash)
	if err != nil {
		return nil, err
	}
	s := &Service{c: c, hash: h, limits: newLimits(), basics: newBasics(), seen: seen{at: map[[2]string]time.Time{}},
		pairings: pairings{all: map[[sha256.Size]byte]pairing{}, used: map[string]time.Time{}}, leaving: map[string]bool{}, left: map[string]bool{}}
	if err := s.load(ctx); err != nil {
		return nil, err
	}
	if s.settings.Method == MethodUnset {
		if s.setup = c.First; !isSecret(s.setup) {
			s.setup = secret()
		}
	}
	return s, s.remember(ctx)
}

func (s *Service) now() time.Time { return s.c.Now().UTC() }

// load reads settings and the key of the tokens.
func (s *Service) load(ctx context.Context) error {
	text, err := s.c.Store.Setting(ctx, "", settingLogin)
	if err != nil {
		return err
	}
	if s.settings, err = readSettings(text); err != nil {
		return err
	}
	if text, err = s.c.Store.Setting(ctx, "", settingTokenKey); err != nil {
		return err
	}
	if text == "" {
		text = secret()
		if err := s.c.Store.PutSetting(ctx, "", settingTokenKey, text); err != nil {
			return err
		}
	}
	s.tokenKey, err = base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(s.tokenKey) != 32 {
		return errs.E(errs.Unavailable, "the key of the API tokens in the database is damaged; restore a backup")
	}
	return s.loadOldKeys(ctx)
}

// remember brings the counts of guesses and the known addresses back from the record, so that a
// restart makes nobody's guessing faster and no user's login slower.
func (s *Service) remember(ctx context.Context) error {
	users, err := s.c.Store.Users(ctx)
	if err != nil {
		return err
	}
	keys := map[string]string{}
	for _, u := range users {
		keys[u.ID] = u.Key
	}
	for _, part := range []struct {
		right bool
		since time.Duration
		what  []string
	}{{true, goodFor, []string{eventLogin, eventSetup}}, {false, forget, []string{eventRefused}}} {
		events, err := s.c.Store.EventsSince(ctx, s.now().Add(-part.since), part.what, goodMax)
		if err != nil {
			return err
		}
		for i := len(events) - 1; i >= 0; i-- {
			e := events[i]
			if key := keys[e.UserID]; !part.right || key != "" {
				s.limits.replay(guess{name: key, client: e.Client}, part.right, e.At)
			}
		}
	}
	return nil
}

// Settings returns what the owner chose. It never waits.
func (s *Service) Settings() Settings {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.settings
}

// The bounds of the settings.
const (
	minPasswordLeast = 6
	minPasswordMost  = 128
	hoursMost        = 8760
	idleLeast        = 5 * time.Minute
	absoluteMost     = 366 * 24 * time.Hour
)

var defaults = Settings{Method: MethodUnset, MinPassword: 8, InvitationHours: 1, Idle: 7 * 24 * time.Hour, Absolute: 30 * 24 * time.Hour}

// SetSettings stores what the owner chose. Another method than before asks the password that
// logs the owner in now, unless nobody logs in now; it ends all sessions but by's. Zero MinPassword, Idle and
// Absolute mean the defaults. errs.Invalid: out of bounds; errs.Conflict: the method cannot work
// here; errs.Denied or *TooFast: not the owner, or not the password.
func (s *Service) SetSettings(ctx context.Context, by Identity, v Settings, password string) error {
	if !by.IsOwner() {
		return errNotOwner
	}
	v = v.filled()
	if err := v.check(); err != nil {
		return err
	}
	old := s.Settings()
	if old.Method == MethodUnset {
		return errUnset
	}
	if v.Method != old.Method {
		if err := s.mayChoose(ctx, by, old.Method, v.Method, password); err != nil {
			return err
		}
	}
	s.change.Lock()
	defer s.change.Unlock()
	if s.Settings().Method != old.Method {
		return errs.E(errs.Conflict, "the login method was changed at the same time; look at it and try again")
	}
	if err := s.putSettings(ctx, v); err != nil || v.Method == old.Method {
		return err
	}
	var keep int64
	if by.Session != nil {
		keep = by.Session.ID
		if err := s.c.Store.SetSessionWay(ctx, keep, v.Method); err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
	}
	s.record(ctx, OwnerID, clientOf(by), "method-set", string(v.Method))
	return s.c.Store.EndSessions(ctx, "", keep)
}

// mayChoose refuses a method that cannot work, and asks for the password that is in force now.
func (s *Service) mayChoose(ctx context.Context, by Identity, old, chosen Method, password string) error {
	owner, err := s.c.Store.UserRow(ctx, OwnerID)
	if err != nil {
		return err
	}
	if err := s.canLogIn(chosen, owner); err != nil {
		return err
	}
	if chosen == MethodRPC && owner.Hash == "" {
		// A node that has no password to ask for would let nobody in again.
		if err := s.askNode(ctx, secret()); errs.Is(err, errs.Unavailable) {
			return errs.E(errs.Conflict, "by the node's password you could not come in again, and you have none of your own: %w", err)
		}
	}
	if err := s.notFactory(ctx, chosen, owner); err != nil || old == MethodNone {
		return err
	}
	_, err = s.prove(ctx, s.ownGuess(by, clientOf(by)), owner, password, old == MethodRPC, "settings")
	return err
}

// canLogIn refuses a method by which the owner could not come in again.
func (s *Service) canLogIn(m Method, owner UserRow) error {
	switch {
	case m == MethodNone && s.c.Open():
		return errOpen
	case m == MethodRPC && s.c.CheckRPC == nil:
		return errs.E(errs.Conflict, "logging in with the node's RPC password is not possible here")
	case (m == MethodPassword || m == MethodUsers) && owner.Hash == "":
		return errs.E(errs.Conflict, "the owner has no password yet; set one first")
	}
	return nil
}

// putSettings saves first and believes afterwards.
func (s *Service) putSettings(ctx context.Context, v Settings) error {
	if err := s.c.Store.PutSetting(ctx, "", settingLogin, v.text()); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings = v
	return nil
}

func (v Settings) filled() Settings {
	if v.MinPassword == 0 {
		v.MinPassword = defaults.MinPassword
	}
	if v.Idle == 0 {
		v.Idle = defaults.Idle
	}
	if v.Absolute == 0 {
		v.Absolute = max(defaults.Absolute, v.Idle)
	}
	v.Idle, v.Absolute = v.Idle.Truncate(time.Second), v.Absolute.Truncate(time.Second)
	return v
}

func (v Settings) check() error {
	switch v.Method {
	case MethodNone, MethodPassword, MethodRPC, MethodUsers:
	default:
		return errs.E(errs.Invalid, "there is no login method %q", string(v.Method))
	}
	switch {
	case v.MinPassword < minPasswordLeast || v.MinPassword > minPasswordMost:
		return errs.E(errs.Invalid, "the shortest password may be %d to %d characters", minPasswordLeast, minPasswordMost)
	case v.InvitationHours < 0 || v.InvitationHours > hoursMost:
		return errs.E(errs.Invalid, "a registration link may be good for 1 to %d hours, or 0 for ever", hoursMost)
	case v.Idle < idleLeast || v.Idle > v.Absolute || v.Absolute > absoluteMost:
		return errs.E(errs.Invalid, "a session may rest for 5 minutes or more, and last for 366 days at most")
	}
	return nil
}

// savedSettings is the stored form.
type savedSettings struct {
	Method          Method `json:"method"`
	MinPassword     int    `json:"min_password"`
	InvitationHours int    `json:"invitation_hours"`
	Idle            int64  `json:"idle_seconds"`
	Absolute        int64  `json:"absolute_seconds"`
}

func (v Settings) text() string {
	b, err := json.Marshal(savedSettings{v.Method, v.MinPassword, v.InvitationHours, int64(v.Idle / time.Second), int64(v.Absolute / time.Second)})
	if err != nil {
		panic(err) // numbers and words always have a text
	}
	return string(b)
}

// readSettings reads the stored form. What cannot be read stops the program: to start it as if
// it were new would let anybody become the owner.
func readSettings(text string) (Settings, error) {
	if text == "" {
		return defaults, nil
	}
	var f savedSettings
	err := json.Unmarshal([]byte(text), &f)
	v := Settings{f.Method, f.MinPassword, f.InvitationHours, time.Duration(f.Idle) * time.Second, time.Duration(f.Absolute) * time.Second}
	if err == nil {
		err = v.check()
	}
	if err != nil {
		return v, errs.E(errs.Unavailable, "the login settings in the database are damaged; restore a backup: %w", err)
	}
	return v, nil
}

// sweepEvery is how often what has expired is removed.
const sweepEvery = 10 * time.Minute

// Run removes what has expired, now and then, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		if err := s.sweep(ctx); err != nil && ctx.Err() == nil {
			s.c.Log.Warn("removing expired sessions and links", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

// sweep keeps ended sessions and links for as long as something is said about them.
func (s *Service) sweep(ctx context.Context) error {
	now, v := s.now(), s.Settings()
	s.limits.sweep(now)
	s.basics.sweep(now)
	s.seen.sweep(now)
	return errors.Join(
		s.c.Store.SweepSessions(ctx, now.Add(-v.Absolute-grace), now.Add(-v.Idle-grace)),
		s.c.Store.SweepInvitations(ctx, now.Add(-24*time.Hour)),
		s.c.Store.SweepEvents(ctx, now.Add(-eventsFor), eventRefused, refusedMax, eventsMax))
}

// secret makes 32 random bytes in base64url.
func secret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// hashSecret is what is stored of a random secret. It needs no salt, as nobody can guess it.
func hashSecret(text string) []byte {
	h := sha256.Sum256([]byte(text))
	return h[:]
}

// isSecret reports whether a text can be one of ours, before anything is asked of the database.
func isSecret(text string) bool { return len(text) == 43 }

// The sentences that stand in several places.
var (
	errWrong    = errs.E(errs.Denied, "the name or the password is not right")
	errSession  = errs.E(errs.Denied, "you are not logged in")
	errToken    = errs.E(errs.Denied, "the token is not valid")
	errNotOwner = errs.E(errs.Denied, "only the owner may do this")
	errUnset    = errs.E(errs.Conflict, "the first start is not finished; open the link that the program printed")
	errOpen     = errs.E(errs.Conflict, "without a login the program may be reached from this computer alone; choose a login method, or listen on 127.0.0.1 alone and remove or pause the tunnels")
)
