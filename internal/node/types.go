package node

import (
	"time"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/chain/core"
)

// Secret is a password that never prints; Reveal returns it.
type Secret = core.Secret

// NewSecret wraps a password.
func NewSecret(s string) Secret { return core.NewSecret(s) }

// Kind says what sort of node a connection leads to.
type Kind string

// The kinds of node.
const (
	Core Kind = "core" // Bitcoin Core or Knots over JSON-RPC
	Demo Kind = "demo" // the chain inside this program
)

// Node is a stored connection. Its settings of a demo node are empty.
type Node struct {
	ID         int64
	Alias      string // slug of the first name, in URLs; never changes
	Name       string
	Kind       Kind
	Network    btc.Network // as the node said when the connection was saved
	Protocol   string      // http or https
	Host       string      // name or address, without brackets
	Port       int         // 0: the network's own
	User       string      // empty: the cookie is used
	Password   Secret
	CookieFile string // path; read again when the node refuses the login
	Datadir    string // the node's data folder, where its bitcoin.conf and cookie are looked for when Autodetect
	Autodetect bool   // settings come from Datadir (empty: the default one) and are found again at each start
	Created    time.Time
}

// State is how the active node stands, from the last time it answered.
type State struct {
	Node    Node         // zero when none is active
	Active  bool         // a node is active
	Known   bool         // the node has answered at least once since the program started or the node was activated
	Status  chain.Status // the last answer; zero before the first
	At      time.Time    // when it was given
	Away    bool         // the node does not answer now; Status is old
	Since   time.Time    // since when it is away; zero when it is not
	Trouble string       // why, for the person; "" when it answers
}

// Age is how old the last answer is at a time.
func (s State) Age(now time.Time) time.Duration {
	if !s.Known {
		return 0
	}
	return now.Sub(s.At)
}

// Step is one step of the test of a connection.
type Step = core.Step

// Report is the outcome of testing a connection, in the order of the steps.
type Report struct {
	Steps       []Step      // up to and with the first that failed, then the rest as not reached
	OK          bool        // every needed step passed; warnings may stand
	Network     btc.Network // what the node said; sound when the step "network" was reached and passed
	Version     string
	Status      chain.Status
	SameNetwork []string // names of other stored nodes of this network
}

// Candidate is a node found on this machine or in the environment.
type Candidate struct {
	Node    Node   // ready for Connect; Name is a proposal
	Source  string // where the settings were found: "environment", "bitcoin.conf", "cookie"
	Works   bool   // the node answered with these settings
	Version string
	Trouble string // why it does not work, for the person
}
