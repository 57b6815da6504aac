package core

// Step is one step of the test of a connection.
type Step struct {
	Name    string // "address", "port", "http", "login", "wallets", "version", "network", "sync", "prune"
	Title   string // for the page: "Find the host"
	OK      bool
	Warning bool   // passed, but Detail and Cure deserve to be read
	Skipped bool   // not reached, because an earlier step failed
	Detail  string // what was seen
	Cure    string // what to do about it; "" when all is well
}
