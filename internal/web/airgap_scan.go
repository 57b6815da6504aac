package web

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"specter/internal/airgap"
	"specter/internal/errs"
)

// Bounds of the scans that are under way. A scan is what a camera has seen of one message; its
// parts are joined here, by the same code as the commands use.
const (
	maxScans      = 64       // of all users together
	maxScansEach  = 6        // of one user: a few tabs
	maxScanBytes  = 12 << 20 // characters of one scan's codes
	maxScansBytes = 96 << 20 // of all scans
	maxScanParts  = 256      // codes in one request
	scanLife      = 10 * time.Minute
)

// scan is one message on its way in.
type scan struct {
	owner string
	until time.Time

	mu      sync.Mutex // the decoder is used by one request at a time
	decoder airgap.Scanner
	bytes   int // characters taken; guarded by scans.mu
}

// scans keeps what is on its way in, bounded for each user and for all; the oldest goes first.
type scans struct {
	now   func() time.Time
	mu    sync.Mutex
	byID  map[string]*scan
	bytes int
}

func newScans(now func() time.Time) *scans { return &scans{now: now, byID: map[string]*scan{}} }

// open finds a user's scan, or begins one where the id is unknown, foreign or empty.
func (v *scans) open(id, owner string) (string, *scan) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.now()
	for name, s := range v.byID {
		if s.until.Before(now) {
			v.drop(name)
		}
	}
	if s := v.byID[id]; s != nil && s.owner == owner {
		s.until = now.Add(scanLife)
		return id, s
	}
	v.makeRoom(owner)
	id = rand.Text()
	s := &scan{owner: owner, until: now.Add(scanLife)}
	v.byID[id] = s
	return id, s
}

// makeRoom drops the oldest scans until one more of the owner's fits. Called with v.mu held.
func (v *scans) makeRoom(owner string) {
	for {
		all, mine, oldest, oldestMine := 0, 0, "", ""
		for name, s := range v.byID {
			all++
			if oldest == "" || s.until.Before(v.byID[oldest].until) {
				oldest = name
			}
			if s.owner != owner {
				continue
			}
			mine++
			if oldestMine == "" || s.until.Before(v.byID[oldestMine].until) {
				oldestMine = name
			}
		}
		switch {
		case mine >= maxScansEach:
			v.drop(oldestMine)
		case all >= maxScans || v.bytes > maxScansBytes/2 && all > 0:
			v.drop(oldest)
		default:
			return
		}
	}
}

func (v *scans) drop(id string) {
	if s := v.byID[id]; s != nil {
		v.bytes -= s.bytes
		delete(v.byID, id)
	}
}

// close forgets a scan.
func (v *scans) close(id string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.drop(id)
}

// take counts what a request brings against the bounds.
func (v *scans) take(s *scan, n int) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if s.bytes+n > maxScanBytes || v.bytes+n > maxScansBytes {
		return errs.Bad(errs.TooLarge, "the codes hold more than Specter reads from a camera; use a file instead")
	}
	s.bytes += n
	v.bytes += n
	return nil
}

// scanAnswer is what the page is told after each handful of codes.
type scanAnswer struct {
	Session  string `json:"session"`
	Known    int    `json:"known"`
	Total    int    `json:"total"`
	Map      string `json:"map"`      // a digit a part: 1 known, 0 missing
	Progress string `json:"progress"` // for people: "7 of 12 parts"
	Done     bool   `json:"done"`
	Failed   bool   `json:"failed"` // the scan is over without a result
	Text     string `json:"text"`   // the result, as the form takes it
	Problem  string `json:"problem"`
}

// postScan takes codes that the page's camera read and tells how far the message is.
func (s *Server) postScan(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	o, err := s.owner(r)
	if err != nil {
		return err
	}
	if len(r.Form["part"])+len(r.Form["bytes"]) > maxScanParts {
		return errs.E(errs.Invalid, "too many codes at once")
	}
	id, sc := s.scans.open(limit(r.FormValue("session"), 64), string(o))
	a := scanAnswer{Session: id}
	sc.mu.Lock()
	defer sc.mu.Unlock()
	if err := s.scans.addCodes(sc, r.Form["part"], r.Form["bytes"]); err != nil {
		a.Problem = s.sentence(r, err)
		a.Failed = errs.CodeOf(err) == errs.TooLarge
	}
	known, total := sc.decoder.Parts()
	a.Known, a.Total, a.Map = known, total, partMap(sc.decoder.Seen())
	a.Progress = s.words(r).n(total, "%d code", "%d parts")
	if total > 1 {
		a.Progress = s.tr(r, "%d of %d parts", known, total)
	}
	if p, whole := sc.decoder.Payload(); whole {
		a.Done = true
		if a.Text, err = fieldText(p, r.FormValue("for")); err != nil {
			a.Done, a.Failed, a.Problem = false, true, s.sentence(r, err)
		} else {
			a.Problem = ""
		}
	}
	if a.Done || a.Failed {
		s.scans.close(id)
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(a)
}

// addCodes feeds the codes of one request. A code that is damaged or of another message does not
// stop the others; the last such error is returned.
func (v *scans) addCodes(sc *scan, texts, binaries []string) error {
	var last error
	feed := func(n int, add func() error) bool {
		if err := v.take(sc, n); err != nil {
			last = err
			return false
		}
		if err := add(); err != nil {
			last = err
		}
		return true
	}
	for _, text := range texts {
		if !feed(len(text), func() error { return sc.decoder.Add(text) }) {
			return last
		}
	}
	for _, text := range binaries {
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			last = errs.Bad(errs.BadEncoding, "a code came in damaged from the page")
			continue
		}
		if !feed(len(data), func() error { return sc.decoder.AddBytes(data) }) {
			return last
		}
	}
	return last
}

// partMap draws at most 400 parts.
func partMap(seen []bool) string {
	if len(seen) > 400 {
		return ""
	}
	var b strings.Builder
	for _, is := range seen {
		b.WriteByte('0' + map[bool]byte{true: 1}[is])
	}
	return b.String()
}

// wanted says which kinds of payload answer a form's question.
var wanted = map[string][]airgap.Kind{
	"psbt":      {airgap.KindPSBT, airgap.KindTransaction},
	"keys":      {airgap.KindText, airgap.KindKey, airgap.KindDescriptors},
	"wallet":    {airgap.KindText, airgap.KindDescriptors},
	"address":   {airgap.KindText, airgap.KindAddress},
	"signature": {airgap.KindText},
}

// kindWords names what a code holds, for the sentence that it is not what was asked for.
var kindWords = map[airgap.Kind]string{
	airgap.KindPSBT: "a PSBT", airgap.KindTransaction: "a transaction", airgap.KindText: "text", airgap.KindKey: "a public key",
	airgap.KindDescriptors: "keys or descriptors", airgap.KindAddress: "an address",
}

var askWords = map[string]string{
	"psbt": "a PSBT or a signed transaction", "keys": "public keys", "wallet": "a wallet", "address": "an address", "signature": "a signature",
}

// fieldText is the payload as the form takes it, if it is of a kind that the form asks for.
func fieldText(p airgap.Payload, question string) (string, error) {
	text, err := p.FieldText()
	if err != nil {
		return "", err
	}
	kinds, known := wanted[question]
	if known && !slices.Contains(kinds, p.Kind) {
		return "", errs.E(errs.Invalid, "this code holds %s; %s is wanted here", kindWords[p.Kind], askWords[question])
	}
	return text, nil
}

// foreign is pasted, with codes joined: what a device shows as several codes may be pasted or
// uploaded one a line, and is whole afterwards.
func foreign(r *http.Request, text, files string) ([][]byte, error) {
	pieces, err := pasted(r, text, files)
	if err != nil {
		return nil, err
	}
	return airgap.Join(pieces)
}
