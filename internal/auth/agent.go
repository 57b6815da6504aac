package auth

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"specter/internal/errs"
)

// Agent is a program at a user's desk that has signing devices and comes to us from outside. It
// has a key of its own, of which we keep the public half. It may do one thing: do calls to the
// devices that its user asks for.
type Agent struct {
	ID       string // random
	UserID   string
	Name     string // of the computer, as the agent said it; at most 60 characters
	Key      ed25519.PublicKey
	Created  time.Time
	LastSeen time.Time // zero: never
}

// AgentStore keeps the agents. They go with their user.
type AgentStore interface {
	// AddAgent gives errs.Conflict for a key that is known, or when the user has that many already.
	AddAgent(ctx context.Context, a Agent, most int) error
	// Agents lists a user's, oldest first.
	Agents(ctx context.Context, userID string) ([]Agent, error)
	AgentByID(ctx context.Context, id string) (Agent, error)
	SeeAgent(ctx context.Context, id string, at time.Time) error
	RenameAgent(ctx context.Context, userID, id, name string) error
	RemoveAgent(ctx context.Context, userID, id string) error
}

// The bounds of agents.
const (
	agentsMax    = 20               // of one user
	agentNameMax = 60               // characters
	codeFor      = 10 * time.Minute // a pairing code is good for
	challengeFor = time.Minute      // a challenge is good for
	codesMax     = 1000             // of all users together
	usedMax      = 100_000          // challenges that were used and are not over yet
)

var (
	errCode  = errs.E(errs.Denied, "this pairing code is not good any more, or never was; make a new one under Settings, USB devices")
	errAgent = errs.E(errs.Denied, "this server does not know the agent, or it was revoked; pair it again under Settings, USB devices")
)

// pairings are the codes that wait for their agents, by hash: one for each user, in memory alone.
type pairings struct {
	mu   sync.Mutex
	all  map[[sha256.Size]byte]pairing
	used map[string]time.Time // challenges that were answered, until they are over
}

type pairing struct {
	userID string
	until  time.Time
}

// PairingCode makes the code by which one agent of this user is let in, once, within ten minutes.
// The user's code of before is worth nothing from here on.
func (s *Service) PairingCode(ctx context.Context, by Identity) (code string, until time.Time, err error) {
	if by.User.ID == "" || !by.May(Admin) {
		return "", until, errs.E(errs.Denied, "this token may not pair agents")
	}
	now := s.now()
	code, until = rand.Text(), now.Add(codeFor)
	p := &s.pairings
	p.mu.Lock()
	for k, one := range p.all {
		if one.userID == by.User.ID || !now.Before(one.until) {
			delete(p.all, k)
		}
	}
	full := len(p.all) >= codesMax
	if !full {
		p.all[sha256.Sum256([]byte(code))] = pairing{by.User.ID, until}
	}
	p.mu.Unlock()
	if full {
		return "", until, errs.E(errs.Unavailable, "too many agents are being paired; try again in ten minutes")
	}
	s.record(ctx, by.User.ID, clientOf(by), "agent-code", "")
	return code, until, nil
}

// take uses a code up: whoever comes first has it, whatever becomes of it then.
func (p *pairings) take(code string, now time.Time) (userID string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := sha256.Sum256([]byte(code))
	one, ok := p.all[k]
	delete(p.all, k)
	return one.userID, ok && now.Before(one.until)
}

// drop makes a user's code worthless.
func (p *pairings) drop(userID string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k, one := range p.all {
		if one.userID == userID {
			delete(p.all, k)
		}
	}
}

// AgentPairing is what an agent sends with its code.
type AgentPairing struct {
	Code      string
	Name      string
	Key       ed25519.PublicKey
	Signature []byte // over PairingMessage
	Client    string // address
}

// PairingMessage is what an agent signs to show that it has the key it names.
func PairingMessage(code, name string, key ed25519.PublicKey) []byte {
	return signedText("specter agent pairing 1", []byte(code), []byte(name), key)
}

// signedText joins parts so that no two lists of parts give the same text.
func signedText(about string, parts ...[]byte) []byte {
	out := []byte(about)
	for _, p := range parts {
		out = binary.BigEndian.AppendUint32(out, uint32(len(p)))
		out = append(out, p...)
	}
	return out
}

// PairAgent lets an agent in by its code, which is used up whatever comes next. errs.Denied: the
// code is not good; *TooFast: too many wrong ones from this address; errs.Invalid: key, signature
// or name will not do; errs.Conflict: the user has too many agents.
func (s *Service) PairAgent(ctx context.Context, r AgentPairing) (Agent, error) {
	slot, err := s.limits.take(guess{client: r.Client}, s.now())
	if err != nil {
		return Agent{}, err
	}
	userID, ok := s.pairings.take(r.Code, s.now())
	if !ok || s.isLeaving(userID) {
		s.record(ctx, "", r.Client, eventRefused, "agent")
		return Agent{}, errCode
	}
	slot.unjudged() // the code is right; it was no guess
	name, err := agentName(r.Name)
	if err == nil && (len(r.Key) != ed25519.PublicKeySize || !ed25519.Verify(r.Key, PairingMessage(r.Code, r.Name, r.Key), r.Signature)) {
		err = errs.E(errs.Invalid, "the agent does not show that it has the key it names; make a new code and pair it again")
	}
	if err != nil {
		return Agent{}, err
	}
	a := Agent{ID: strings.ToLower(rand.Text()[:12]), UserID: userID, Name: name, Key: r.Key, Created: s.now().Truncate(time.Second)}
	if err := s.c.Store.AddAgent(ctx, a, agentsMax); err != nil {
		return Agent{}, err
	}
	s.record(ctx, userID, r.Client, "agent-paired", a.Name)
	return a, nil
}

// agentName brings a name into a form that can be shown.
func agentName(text string) (string, error) {
	if !utf8.ValidString(text) || len(text) > 1000 {
		return "", errs.E(errs.Invalid, "the agent's name cannot be read")
	}
	name := strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u202e' || r == '\u2066' || r == '\u2067' {
			return -1
		}
		return r
	}, text))
	if name == "" {
		return "", errs.E(errs.Invalid, "the agent needs a name")
	}
	return cut(name, agentNameMax), nil
}

// Agents lists the agents of who asks, oldest first.
func (s *Service) Agents(ctx context.Context, by Identity) ([]Agent, error) {
	if by.User.ID == "" {
		return nil, errSession
	}
	return s.c.Store.Agents(ctx, by.User.ID)
}

// AgentsOf lists a user's agents for the program itself.
func (s *Service) AgentsOf(ctx context.Context, userID string) ([]Agent, error) {
	return s.c.Store.Agents(ctx, userID)
}

// RevokeAgent shuts an agent of who asks out. errs.NotFound: it is not theirs. Who calls this ends
// the agent's connection too.
func (s *Service) RevokeAgent(ctx context.Context, by Identity, id string) error {
	if by.User.ID == "" || !by.May(Admin) {
		return errs.E(errs.Denied, "this token may not revoke agents")
	}
	a, err := s.c.Store.AgentByID(ctx, id)
	if err != nil {
		return err
	}
	if err := s.c.Store.RemoveAgent(ctx, by.User.ID, id); err != nil {
		return err
	}
	s.record(ctx, by.User.ID, clientOf(by), "agent-revoked", a.Name)
	return nil
}

// RenameAgent gives an agent of who asks another name. errs.NotFound: it is not theirs;
// errs.Invalid: the name will not do.
func (s *Service) RenameAgent(ctx context.Context, by Identity, id, name string) error {
	if by.User.ID == "" || !by.May(Admin) {
		return errs.E(errs.Denied, "this token may not rename agents")
	}
	name, err := agentName(name)
	if err != nil {
		return err
	}
	return s.c.Store.RenameAgent(ctx, by.User.ID, id, name)
}

// SeeAgent notes that an agent is or was connected until now.
func (s *Service) SeeAgent(ctx context.Context, id string) error {
	return s.c.Store.SeeAgent(ctx, id, s.now())
}

// challengeLen is time, chance and seal of a challenge.
const challengeLen = 8 + 16 + sha256.Size

// AgentChallenge makes what an agent must sign to come in. It is good for one minute, once, and
// for this agent alone; nothing is kept of it until it is used.
func (s *Service) AgentChallenge(id string) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(s.now().Unix()))
	b = append(b, make([]byte, 16)...)
	rand.Read(b[8:])
	return base64.RawURLEncoding.EncodeToString(append(b, s.seal(id, b)...))
}

func (s *Service) seal(id string, b []byte) []byte {
	h := hmac.New(sha256.New, s.tokenKey)
	h.Write(signedText("specter agent challenge 1", []byte(id), b))
	return h.Sum(nil)
}

// LoginMessage is what an agent signs: the server's name for itself, its own, and the challenge.
func LoginMessage(instance, id, challenge string) []byte {
	return signedText("specter agent login 1", []byte(instance), []byte(id), []byte(challenge))
}

// AdmitAgent lets a paired agent in that has signed a challenge for this instance. Everything
// that is not right is errs.Denied in one sentence, whether the agent exists or not; a challenge that is
// over or was used is errs.Conflict.
func (s *Service) AdmitAgent(ctx context.Context, instance, id, challenge string, signature []byte) (Agent, error) {
	now := s.now()
	b, err := base64.RawURLEncoding.Strict().DecodeString(challenge)
	if err != nil || len(b) != challengeLen || subtle.ConstantTimeCompare(b[24:], s.seal(id, b[:24])) != 1 {
		return Agent{}, errAgent
	}
	made := time.Unix(int64(binary.BigEndian.Uint64(b)), 0)
	if age := now.Sub(made); age < -time.Second || age > challengeFor {
		return Agent{}, errs.E(errs.Conflict, "the challenge is too old; ask for a new one")
	}
	a, err := s.c.Store.AgentByID(ctx, id)
	if errs.Is(err, errs.NotFound) {
		return Agent{}, errAgent
	}
	if err != nil {
		return Agent{}, err
	}
	if !ed25519.Verify(a.Key, LoginMessage(instance, id, challenge), signature) || s.isLeaving(a.UserID) {
		return Agent{}, errAgent
	}
	if err := s.pairings.once(challenge, made.Add(challengeFor), now); err != nil {
		return Agent{}, err
	}
	return a, s.SeeAgent(ctx, id)
}

// once lets a challenge through the first time. Only signed ones come this far, so that nobody
// but agents themselves can fill the list.
func (p *pairings) once(challenge string, until, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, again := p.used[challenge]; again {
		return errs.E(errs.Conflict, "this challenge was answered already; ask for a new one")
	}
	for c, end := range p.used {
		if now.After(end.Add(time.Second)) {
			delete(p.used, c)
		}
	}
	if len(p.used) >= usedMax {
		return errs.E(errs.Unavailable, "too many agents connect at once; try again in a minute")
	}
	p.used[challenge] = until
	return nil
}

// String names an agent without its key.
func (a Agent) String() string { return fmt.Sprintf("agent %s", a.ID) }
