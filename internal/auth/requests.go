package auth

import "time"

// SetupRequest finishes the first start.
type SetupRequest struct {
	Secret   string // of the one-time link
	Name     string // of the owner; "": admin
	Password string
	NoLogin  bool   // nobody logs in, this computer only; name and password are not looked at then
	Client   string // address
	Agent    string // the browser's words about itself
}

// Login is a try to log in at the page.
type Login struct {
	Name     string // not asked by MethodPassword and MethodRPC
	Password string // or the PIN
	Client   string // address, of a trusted proxy at most
	Agent    string
	Old      string // the session cookie from before; that session ends, so the id rotates
	Browser  string // the marker of Service.Browser; a known browser gets in while others guess
}

// TokenRequest asks for a token.
type TokenRequest struct {
	Description string        // not blank, unique among the user's tokens, at most 200 characters
	Life        time.Duration // above 0, at most 100 years
	Scope       Scope         // within the scope of who asks
}

// Registration uses an invitation up.
type Registration struct {
	Secret   string // of the link
	Name     string
	Password string
	Client   string
	Agent    string
}

// IsOwner reports whether what is the owner's alone may be done: the role is owner, and no token
// bounds it to wallets or takes the Admin right away.
func (i Identity) IsOwner() bool { return i.User.Owner() && i.May(Admin) }

// May reports whether the scope holds a right. A scope that names wallets holds no Admin right,
// as that is about none of them.
func (i Identity) May(r Right) bool {
	if r == Admin && len(i.Scope.Wallets) > 0 {
		return false
	}
	return i.Scope.May(r)
}
