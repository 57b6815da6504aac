// Package auth decides who is asking: users and their passwords, sessions of browsers, tokens of
// programs (JWT), invitations, and the limit on guessing. It knows nothing of wallets or HTTP;
// what a user may do to whose things is asked with Identity.
package auth

import (
	"slices"
	"time"
)

// OwnerID is the id of the one owner; it exists from the first migration on and never changes,
// whatever the owner's name is.
const OwnerID = "admin"

// Role says what a user may do besides caring for own things.
type Role string

// The roles. There is exactly one owner.
const (
	Owner  Role = "owner"  // also nodes, login method, invitations, users, Tor, log level
	Member Role = "member" // own wallets, devices, tokens, settings
)

// User is a person who may log in.
type User struct {
	ID        string // never changes; everything that belongs to the user names it
	Name      string // what is typed at the login; unique without regard to case
	Role      Role
	Created   time.Time
	LastLogin time.Time // zero: never
	Password  bool      // has one set
}

// Owner reports whether the user is the owner.
func (u User) Owner() bool { return u.Role == Owner }

// Method is how people log in, in the old Specter's words.
type Method string

// The methods. MethodUnset is the state before the first start is finished.
const (
	MethodUnset    Method = ""
	MethodNone     Method = "none"             // everybody is the owner; this computer only
	MethodPassword Method = "passwordonly"     // the owner's password
	MethodRPC      Method = "rpcpasswordaspin" // the node's RPC password, for the owner
	MethodUsers    Method = "usernamepassword" // name and password, several users
)

// Right is one thing a token may do.
type Right string

// The rights of a token, from small to great. Each stands alone: Write does not imply Read.
const (
	Read      Right = "read"      // see wallets, devices, history, drafts
	Write     Right = "write"     // addresses, labels, frozen coins, drafts, signatures
	Broadcast Right = "broadcast" // send a signed transaction to the network
	Manage    Right = "manage"    // create, rename, rescan and delete wallets and devices; settings
	Admin     Right = "admin"     // what is the owner's alone (nodes, users), and tokens
)

// Rights lists all rights in order.
var Rights = []Right{Read, Write, Broadcast, Manage, Admin}

// Scope bounds a token. The zero Scope is everything the user may do.
type Scope struct {
	Wallets []int64 // row numbers; empty: all the user's wallets, and things that belong to none
	Rights  []Right // empty: all
}

// Full reports whether the scope bounds nothing.
func (s Scope) Full() bool { return len(s.Wallets) == 0 && len(s.Rights) == 0 }

// May reports whether the scope holds a right.
func (s Scope) May(r Right) bool { return len(s.Rights) == 0 || slices.Contains(s.Rights, r) }

// Reaches reports whether the scope reaches a wallet. A scope that names wallets reaches
// nothing else: no devices, no nodes, no other wallets.
func (s Scope) Reaches(walletID int64) bool {
	return len(s.Wallets) == 0 || slices.Contains(s.Wallets, walletID)
}

// Within reports whether s allows nothing that outer does not.
func (s Scope) Within(outer Scope) bool {
	if len(outer.Wallets) > 0 && (len(s.Wallets) == 0 || !subset(s.Wallets, outer.Wallets)) {
		return false
	}
	return len(outer.Rights) == 0 || (len(s.Rights) > 0 && subset(s.Rights, outer.Rights))
}

func subset[T comparable](inner, outer []T) bool {
	for _, v := range inner {
		if !slices.Contains(outer, v) {
			return false
		}
	}
	return true
}

// Identity is who asks, and how that is known.
type Identity struct {
	User    User
	Session *Session // nil: not by a browser's cookie
	Token   *Token   // nil: not by a token
	Scope   Scope    // zero unless a token bounds it
}

// Session is a browser that is logged in.
type Session struct {
	ID       int64
	UserID   string
	Created  time.Time
	LastSeen time.Time
	Expires  time.Time // idle or absolute end, whichever comes first
	Client   string    // address it was last seen from
	Agent    string    // the browser's words about itself, at most 200 characters
	Way      Method    // how it logged in
}

// Token is a program's way in. The JWT itself is shown once and stored hashed.
type Token struct {
	ID          string // UUID4
	UserID      string
	Description string
	Life        time.Duration // as asked for
	Created     time.Time
	Expires     time.Time
	LastUsed    time.Time // zero: never; kept to the minute
	Scope       Scope
}

// Remaining is the life left; 0 when expired.
func (t Token) Remaining(now time.Time) time.Duration { return max(0, t.Expires.Sub(now)) }

// Invitation is a registration link, as the owner sees it after it was made.
type Invitation struct {
	ID      int64
	Created time.Time
	Expires time.Time // zero: never
}

// Settings is what the owner chooses about logging in.
type Settings struct {
	Method          Method
	MinPassword     int           // characters, 6 to 128; default 8
	InvitationHours int           // life of a new link, 1 to 8760; 0: for ever
	Idle            time.Duration // a session ends this long after it was last seen; default 7 days
	Absolute        time.Duration // and this long after the login in any case; default 30 days
}

// Event is one line of the record of what happened around logins.
type Event struct {
	ID     int64
	At     time.Time
	UserID string // "": nobody known
	Client string // address
	What   string // login, login-refused, logout, session-ended, token-made, token-deleted, user-added, user-renamed, user-deleted, password-set, method-set, invited, invitation-revoked, registered, setup, restored, agent-code, agent-paired, agent-revoked
	Detail string // never a secret
}
