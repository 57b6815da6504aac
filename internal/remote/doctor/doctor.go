// Package doctor tests from the outside in how Specter is reached: the address, the certificate,
// the proxy before it, its headers, the stream of events. What it finds wrong it tells with the
// reason and with what mends it.
//
// It asks the very server that it tests, under the address that people use, and knows its
// answers by a secret that both have from the data folder: so it notices when another program or
// another machine answers there, and nobody else can have a server tell what it sees.
package doctor

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Level is how much a finding matters.
type Level string

// The levels.
const (
	OK    Level = "ok"
	Hint  Level = "hint" // works, and could be better
	Fault Level = "fault"
)

// Finding is one thing that was looked at.
type Finding struct {
	ID    string `json:"id"` // short and stable: "certificate-expired"
	Level Level  `json:"level"`
	What  string `json:"what"`           // in a sentence
	Why   string `json:"why,omitempty"`  // why it matters
	Mend  string `json:"mend,omitempty"` // the command or setting that mends it
}

// Sort puts the worst first and keeps the order otherwise.
func Sort(list []Finding) {
	rank := map[Level]int{Fault: 0, Hint: 1, OK: 2}
	slices.SortStableFunc(list, func(a, b Finding) int { return rank[a.Level] - rank[b.Level] })
}

// Healthy reports whether nothing is at fault.
func Healthy(list []Finding) bool {
	return !slices.ContainsFunc(list, func(f Finding) bool { return f.Level == Fault })
}

// Seen is what the server saw of a request of the doctor's, and what it knows of itself.
type Seen struct {
	Client   string    `json:"client"`   // address that rate limits and records name
	Peer     string    `json:"peer"`     // other end of the connection
	Host     string    `json:"host"`     // as the browser asked for it
	HTTPS    bool      `json:"https"`    // as far as the server knows
	Relayed  bool      `json:"relayed"`  // a proxy says that it passes it on
	Believed bool      `json:"believed"` // the peer is one of the trusted proxies
	Inside   bool      `json:"inside"`   // so is the client: the test runs on a proxy's own machine
	Now      time.Time `json:"now"`      // the server's clock
	Findings []Finding `json:"findings"` // about the server itself
}

// The doctor's paths, below the prefix.
const (
	Path       = "/healthz/doctor"
	PathEvents = "/healthz/doctor/events"
)

// The headers by which both sides know each other.
const (
	HeaderAsk   = "X-Specter-Doctor"
	HeaderProof = "X-Specter-Doctor-Proof"
)

// freshFor is how long a question is good: an old one that was overheard opens nothing.
const freshFor = 5 * time.Minute

// Secret is what the doctor and its server share.
type Secret string

// NewSecret makes one.
func NewSecret() Secret { return Secret(rand.Text()) }

// String hides it.
func (Secret) String() string { return "secret" }

func (s Secret) mac(parts ...string) string {
	m := hmac.New(sha256.New, []byte(s))
	m.Write([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(m.Sum(nil))
}

// Ask is the header of a question.
func (s Secret) Ask(now time.Time) string {
	head := strconv.FormatInt(now.Unix(), 10) + "." + rand.Text()
	return head + "." + s.mac("ask", head)
}

// Asked reports whether a header is a question of somebody with the secret. Clocks may differ:
// that is one of the things to find, so only much older questions are refused.
func (s Secret) Asked(header string, now time.Time) bool {
	part := strings.Split(header, ".")
	if len(s) < 16 || len(part) != 3 || len(header) > 200 || !hmac.Equal([]byte(part[2]), []byte(s.mac("ask", part[0]+"."+part[1]))) {
		return false
	}
	at, err := strconv.ParseInt(part[0], 10, 64)
	return err == nil && now.Sub(time.Unix(at, 0)).Abs() < 48*time.Hour+freshFor
}

// Proof is the header of the answer to a question.
func (s Secret) Proof(ask string, body []byte) string { return s.mac("answer", ask, string(body)) }

// Proven reports whether an answer is the server's.
func (s Secret) Proven(ask, proof string, body []byte) bool {
	return hmac.Equal([]byte(proof), []byte(s.Proof(ask, body)))
}
