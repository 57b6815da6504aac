package tor

// Standing is the onion service as its owner sees it: what is wanted and how it stands.
type Standing struct {
	On       bool
	Forced   bool   // by the command line
	Fixed    bool   // the control port or its password come from the command line
	Control  string // tor's control port; "": where it is as a rule
	Password bool   // one is kept
	Name     string // of the service that runs; "" none does
	State    State
	Trouble  string // why none runs though it is wanted
	Clients  []Client
	Proxy    string // the SOCKS proxy for the ways out
	Outside  bool   // outside services may be asked
}

// ProxyStep is one step of a test of the SOCKS proxy.
type ProxyStep struct {
	Name string // proxy, tor, onion, own
	Err  error
}
