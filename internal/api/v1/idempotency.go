package v1

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Bounds of what is remembered of repeated requests.
const (
	rememberFor = 24 * time.Hour
	maxKey      = 255     // characters of an Idempotency-Key
	maxKept     = 1 << 20 // bytes of an answer; of a larger one only that it was given
)

// inFlight holds the keys that are being answered now.
type inFlight struct {
	mu   sync.Mutex
	keys map[string]bool
}

func (f *inFlight) begin(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.keys[key] {
		return false
	}
	if f.keys == nil {
		f.keys = map[string]bool{}
	}
	f.keys[key] = true
	return true
}

func (f *inFlight) end(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.keys, key)
}

// kept is an answer as it is stored.
type kept struct {
	Status   int    `json:"s"`
	Type     string `json:"t,omitempty"`
	Location string `json:"l,omitempty"`
	Body     []byte `json:"b,omitempty"`
	Gone     bool   `json:"g,omitempty"` // the body was a secret, or too large to keep
}

// idempotent runs a request with an Idempotency-Key once. The same key again gives the same
// answer; with another request it is refused. The key itself is not stored, so that the
// fingerprint beside its hash does not help to guess a password that the body held.
func (c *call) idempotent() error {
	keys := c.Header.Values("Idempotency-Key")
	if len(keys) > 1 || keys[0] == "" || len(keys[0]) > maxKey || strings.ContainsFunc(keys[0], func(r rune) bool { return r < '!' || r > '~' }) {
		return &problemError{status: http.StatusUnprocessableEntity, code: "bad-idempotency-key",
			detail: "an Idempotency-Key is one text of 1 to 255 visible ASCII characters, such as a random UUID"}
	}
	hash := sha256.Sum256([]byte(c.user() + "\x00" + keys[0]))
	mac := hmac.New(sha256.New, []byte(keys[0]))
	_, _ = mac.Write([]byte(c.Method + " " + c.network.String() + " " + c.URL.RequestURI() + "\n" + c.Header.Get("Content-Type") + "\n"))
	_, _ = mac.Write(c.body)
	c.print = mac.Sum(nil)

	name := string(hash[:])
	if !c.s.once.begin(name) {
		return &problemError{status: http.StatusConflict, code: "idempotency-in-flight",
			detail: "a request with this Idempotency-Key is being answered now; ask again in a moment"}
	}
	defer c.s.once.end(name)
	now := c.s.now()
	print, answer, found, err := c.s.c.Idempotency.IdempotentAnswer(c.ctx(), c.user(), hash[:], now.Add(-rememberFor))
	if err != nil {
		return err
	}
	if found {
		return c.replay(print, answer)
	}
	return c.runOnce(hash[:], now)
}

// replay gives the answer of before.
func (c *call) replay(print, answer []byte) error {
	if !bytes.Equal(print, c.print) {
		return &problemError{status: http.StatusUnprocessableEntity, code: "idempotency-key-reused",
			detail: "this Idempotency-Key was used for another request; take a new key for a new request"}
	}
	var k kept
	if err := json.Unmarshal(answer, &k); err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Idempotent-Replayed", "true")
	if k.Gone {
		return &problemError{status: http.StatusConflict, code: "answer-not-kept",
			detail: "this request was carried out before; its answer held a secret or was large, and was not kept"}
	}
	if k.Type != "" {
		h.Set("Content-Type", k.Type)
	}
	if k.Location != "" {
		h.Set("Location", k.Location)
	}
	c.w.WriteHeader(k.Status)
	_, _ = c.w.Write(k.Body)
	return nil
}

// runOnce answers, and remembers the answer where it is final. One that a repetition may better
// (the node was away, too fast, the draft not complete yet) is not remembered. A program that is
// killed between the two carries the request out again: what it makes has a name or a token that
// makes it once.
func (c *call) runOnce(key []byte, now time.Time) error {
	rec := &recorder{ResponseWriter: c.w}
	err := c.run(rec)
	k := kept{Status: rec.status, Type: c.w.Header().Get("Content-Type"), Location: c.w.Header().Get("Location"), Body: rec.body.Bytes()}
	if err != nil {
		b := bodyOf(err)
		if b.Status != http.StatusUnprocessableEntity && b.Status != http.StatusNotFound {
			return err
		}
		c.s.problem(rec, c.Request, err)
		k = kept{Status: b.Status, Type: "application/problem+json", Body: rec.body.Bytes()}
	} else if c.route.o.secret || len(k.Body) > maxKept {
		k.Body, k.Gone = nil, true
	}
	raw, _ := json.Marshal(k) // strings and numbers
	store := c.s.c.Idempotency
	if err := store.PutIdempotentAnswer(c.background(), c.user(), key, c.print, raw, now, now.Add(-rememberFor)); err != nil {
		c.s.log.Warn("the answer to a request with an Idempotency-Key was not remembered", "operation", c.route.OperationID, "err", err)
	}
	return rec.flush()
}

// onceToken makes a draft once for one request with a key; "" without one.
func (c *call) onceToken() string {
	if c.print == nil {
		return ""
	}
	return "api-" + hex.EncodeToString(c.print[:16])
}

// recorder holds an answer back until it is remembered.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader keeps the status.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

// Write keeps the body.
func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(b)
}

func (r *recorder) flush() error {
	if r.status != 0 {
		r.ResponseWriter.WriteHeader(r.status)
	}
	_, _ = r.ResponseWriter.Write(r.body.Bytes())
	return nil
}
