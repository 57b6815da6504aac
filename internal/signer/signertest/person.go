package signertest

import (
	"context"
	"slices"
	"strings"
	"sync"
)

// Screen is what a software device shows its person and asks.
type Screen struct {
	Kind string // one of the Show constants
	Text string // what stands on the screen: the address, "0.5 BTC to bcrt1q…", the policy…
}

// What a device shows.
const (
	ShowAddress    = "address"
	ShowXPub       = "xpub"
	ShowPolicy     = "policy"  // a wallet to register; every key on its own screen or all in one text
	ShowOutput     = "output"  // a recipient: "<address> <sat>"
	ShowFee        = "fee"     // "<sat>"
	ShowMessage    = "message" // the message
	ShowPairing    = "pairing" // the code
	ShowPIN        = "pin"     // Decision.Text is what is typed on the device
	ShowPassphrase = "passphrase"
	ShowWarning    = "warning" // the device warns of something unusual
)

// Decision is what the person does.
type Decision struct {
	Approve bool
	Text    string // typed on the device, for ShowPIN and ShowPassphrase
	Away    bool   // nobody answers until the call is cancelled or the cable cut
}

// Person looks at a device and decides. The zero Person approves everything.
type Person struct {
	Decide func(s Screen) Decision // nil: approve

	mu   sync.Mutex
	seen []Screen
}

// Ask shows a screen and waits for the decision; a person who is away answers false when ctx ends.
func (p *Person) Ask(ctx context.Context, kind, text string) Decision {
	s := Screen{kind, text}
	p.mu.Lock()
	p.seen = append(p.seen, s)
	p.mu.Unlock()
	if p.Decide == nil {
		return Decision{Approve: true}
	}
	d := p.Decide(s)
	if d.Away {
		<-ctx.Done()
		return Decision{}
	}
	return d
}

// Seen lists the screens in their order.
func (p *Person) Seen() []Screen { p.mu.Lock(); defer p.mu.Unlock(); return slices.Clone(p.seen) }

// Saw reports whether a screen of the kind held the text.
func (p *Person) Saw(kind, text string) bool {
	return slices.ContainsFunc(p.Seen(), func(s Screen) bool { return s.Kind == kind && strings.Contains(s.Text, text) })
}

// Refuse is a person who refuses screens of some kinds and approves the rest.
func Refuse(kinds ...string) *Person {
	return &Person{Decide: func(s Screen) Decision { return Decision{Approve: !slices.Contains(kinds, s.Kind)} }}
}

// GoneAway is a person who never answers screens of some kinds.
func GoneAway(kinds ...string) *Person {
	return &Person{Decide: func(s Screen) Decision {
		away := slices.Contains(kinds, s.Kind)
		return Decision{Approve: !away, Away: away}
	}}
}

// Lie is how a software device deceives its host; the zero Lie is an honest device.
type Lie struct {
	XPub      bool // another key than the path's
	Address   bool // another address than the wallet's, on the screen and on the wire
	Signature bool // signatures of the right form by another key
	Amount    bool // signs a transaction whose amounts are not those it was given
	Registry  bool // says that a wallet is registered that is not
}
