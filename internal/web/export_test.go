package web

import (
	"time"

	"specter/internal/btc"
)

// Patterns lists the route table's patterns, for the test that holds a row against each.
func (s *Server) Patterns() []string {
	var out []string
	for _, r := range s.routes() {
		out = append(out, r.pattern)
	}
	return out
}

// RouteForNobody tries to serve a route that does not say for whom it is.
func (s *Server) RouteForNobody() error {
	_, err := s.mux([]route{{pattern: "GET /forgotten", h: s.getWelcome}})
	return err
}

// Bounds of kept forms, for tests.
const (
	MaxKeptBytes = maxKeptBytes
	MaxKeptForms = maxKeptForms
)

// KeptForms is the store of kept forms by itself.
type KeptForms struct{ k keptForms }

// NewKeptForms makes an empty one.
func NewKeptForms(now func() time.Time) *KeptForms { return &KeptForms{keptForms{now: now}} }

// Put keeps a form of so many bytes.
func (k *KeptForms) Put(user string, size int) {
	k.k.put(keptForm{user: user, body: make([]byte, size)})
}

// Count is how many of a user's forms are kept, and their bytes.
func (k *KeptForms) Count(user string) (n, bytes int) {
	for _, f := range k.k.forms(user) {
		n, bytes = n+1, bytes+len(f.body)
	}
	return n, bytes
}

// Begin hands out a user's oldest kept form for sending.
func (k *KeptForms) Begin(user string) bool {
	for _, f := range k.k.forms(user) {
		_, ok := k.k.begin(user, f.ID)
		return ok
	}
	return false
}

// ReadPayments reads a list of payments in BTC; each is "address amount label" or "error: why".
func ReadPayments(list string, n btc.Network) []string {
	var out []string
	lines, problem := readPayments(list, catalogue{}, money{unit: unitBTC}, n)
	for _, l := range lines {
		amount := l.Row.Amount
		if l.Row.Max {
			amount = "max"
		}
		if l.Error != "" {
			out = append(out, "error: "+l.Error)
			continue
		}
		out = append(out, l.Row.Address+" "+amount+" "+l.Row.Label)
	}
	if problem != "" {
		out = append(out, "error: "+problem)
	}
	return out
}
