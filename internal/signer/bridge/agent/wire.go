// Package agent carries calls of the USB bridge to signing devices at a desk that nothing can
// reach: the agent there dials out to the server, and the server hands it calls over that line.
// docs/agent.md is the protocol, docs/adr/0015-agents.md says why it is as it is.
//
// What lives here: the words on the wire (wire.go); the server's side, which knows the agents that
// are connected (broker.go, link.go), answers them over HTTP (serve.go) and sends each call of a
// user to the right one (route.go); the desk's side, which dials, comes back and does the calls
// (client.go, desk.go). What does not: keys, codes and who is whose agent (Config's functions
// tell), devices (a bridge.Service at the desk has them).
package agent

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/bridge"
)

// Root is the folder of the agents' endpoints on a server.
const Root = "/hwi/agent"

// Header is sent by agents with every request. No page can add it to a request to another site
// without asking first, and nobody ever allows that.
const Header = "Specter-Agent"

// TokenHeader carries the token of a line. It is not Authorization: a proxy before the server may
// ask for a password of its own, which goes there. Agents of before send it as a bearer token there
// and are understood.
const TokenHeader = "Specter-Agent-Token"

// Bounds of the channel.
const (
	maxSmall   = 8 << 10                 // bytes of a request but a work's and an answer's
	maxCall    = bridge.MaxBody + 64<<10 // of the calls in one answer to an agent, unless it is one alone
	maxAnswers = 24 << 20                // of what an agent says at once
	maxQueue   = 48 << 20                // of the calls that wait for one agent
	maxCalls   = 64                      // under way at one agent
	maxOusted  = 16                      // runs that a line remembers to have taken the place of
	maxNotices = 200                     // heard of one call; more are dropped
)

// Times of the channel.
const (
	PollFor  = 20 * time.Second // how long a server holds an agent's question for work
	AliveFor = 15 * time.Second // how long an agent may be silent before it counts as gone
)

// carried are the methods that pass; nothing else does, in either direction.
var carried = []string{
	"enumerate", "detect_device", "toggle_passphrase", "prompt_pin", "send_pin", "extract_xpubs", "extract_xpub", "display_address",
	"register_multisig", "sign_tx", "sign_message", "extract_master_blinding_key", "bitbox02_pairing", "register_wallet",
}

// Carried reports whether a method may be asked of an agent.
func Carried(method string) bool { return slices.Contains(carried, method) }

// PairRequest is what an agent that has a code sends.
type PairRequest struct {
	Code      string `json:"code"`
	Name      string `json:"name"`
	Key       []byte `json:"key"` // ed25519, public
	Signature []byte `json:"signature"`
	Client    string `json:"-"` // address it came from
}

// PairAnswer tells an agent who it is from now on.
type PairAnswer struct {
	ID       string `json:"id"`
	Instance string `json:"instance"` // the server's name for itself, signed at every login
}

type challengeRequest struct {
	ID string `json:"id"`
}

type challengeAnswer struct {
	Challenge string `json:"challenge"`
	Instance  string `json:"instance"`
}

type openRequest struct {
	ID        string `json:"id"`
	Challenge string `json:"challenge"`
	Signature []byte `json:"signature"`
	Run       string `json:"run"` // random, of this run of the agent: what was under way goes on
}

type openAnswer struct {
	Token   string `json:"token"`   // of this line
	Resumed bool   `json:"resumed"` // the calls that were under way still are
}

type workRequest struct {
	Ack int64 `json:"ack"` // the last order that arrived
}

type workAnswer struct {
	Orders []order `json:"orders"`
}

// order is what a server wants of an agent: do a call, or end one.
type order struct {
	Seq    int64                      `json:"seq"`
	ID     string                     `json:"id"`
	Cancel bool                       `json:"cancel,omitempty"`
	Method string                     `json:"method,omitempty"`
	Params map[string]json.RawMessage `json:"params,omitempty"`
}

func (o order) size() int {
	n := 200
	for k, v := range o.Params {
		n += len(k) + len(v)
	}
	return n
}

type sayRequest struct {
	Words []word `json:"words"`
}

// word is what an agent says about a call: something that the device asks, or how it ended.
type word struct {
	N       int64           `json:"n"`
	ID      string          `json:"id"`
	Notice  *notice         `json:"notice,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Failure *Failure        `json:"failure,omitempty"`
}

func (w word) size() int { return 300 + len(w.Result) }

type notice struct {
	Kind string `json:"kind"`
	Code string `json:"code,omitempty"`
	Text string `json:"text,omitempty"`
}

// Failure is why a call went wrong at the desk.
type Failure struct {
	Message string      `json:"message"`
	Code    signer.Code `json:"code"` // HWI's
	Kind    string      `json:"kind"` // of errs
}

// maxSentence bounds a text of the other side, in bytes.
const maxSentence = 2000

// err is the failure as an error of this side.
func (f Failure) err() error {
	text := strings.ToValidUTF8(f.Message, "")
	if len(text) > maxSentence {
		text = strings.ToValidUTF8(text[:maxSentence], "")
	}
	kind := errs.Unavailable
	for k := errs.Invalid; k <= errs.Declined; k++ {
		if k.String() == f.Kind {
			kind = k
		}
	}
	code := f.Code
	if code >= 0 || code < -100 {
		code = signer.CodeUnknown
	}
	return &signer.Fault{Code: code, Cause: errs.E(kind, "%s", text)}
}

// noticeKinds are what a device may ask through an agent.
var noticeKinds = []signer.NoticeKind{signer.NoticeConfirm, signer.NoticeUnlock, signer.NoticePassphrase, signer.NoticePairing, signer.NoticeRegister}

// heard is a notice of the other side; false for one that makes no sense.
func (n notice) heard() (signer.Notice, bool) {
	out := signer.Notice{Kind: signer.NoticeKind(n.Kind), Code: n.Code, Text: n.Text}
	return out, slices.Contains(noticeKinds, out.Kind) && len(n.Code) <= 400 && len(n.Text) <= maxSentence
}

// refusal is the body of an answer that refuses.
type refusal struct {
	Error string `json:"error"`
}
