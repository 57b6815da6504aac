package legacy

import (
	"context"
	"fmt"
	"strings"
	"time"

	"specter/internal/auth"
	"specter/internal/chain"
	"specter/internal/device"
	"specter/internal/errs"
	"specter/internal/node"
	"specter/internal/setting"
	"specter/internal/wallet"
)

// Rooms are the doors through which what was found goes.
type Rooms struct {
	Auth     *auth.Service
	Nodes    *node.Service
	Devices  *device.Service
	Wallets  *wallet.Service
	Settings *setting.Service
	Words    Words
	Memory   Memory
	Files    Files // nil: keys of ways in from outside are kept with the words alone
	Now      func() time.Time
}

// Files are the small files of other rooms, such as the key of the onion service.
type Files interface {
	Read(name string) ([]byte, error) // fs.ErrNotExist where there is none
	Write(name string, data []byte) error
}

// Words are the program's own settings.
type Words interface {
	Setting(ctx context.Context, owner, name string) (string, error)
	PutSetting(ctx context.Context, owner, name, value string) error
}

// Memory keeps what was taken over before, so that the same word is not taken twice.
type Memory interface {
	// Imported returns what became of a thing here, and what the old program said of it.
	Imported(ctx context.Context, owner, kind, name string) (ref string, value []byte, found bool, err error)
	PutImported(ctx context.Context, owner, kind, name, ref string, value []byte, at time.Time) error
}

// Options say how to take over.
type Options struct {
	Dry       bool   // nothing is changed; the report says what would be
	Again     bool   // what was taken over before and deleted here since comes back
	SecretKey []byte // the old program's SECRET_KEY, for its tokens; nil: not known
	// Progress hears how many cached transactions of how many are in; nil: nobody listens.
	Progress func(done, total int)
}

// Outcome says what became of a thing.
type Outcome string

// The outcomes.
const (
	Taken   Outcome = "taken"
	Merged  Outcome = "merged" // it was here; something came along
	Same    Outcome = "same"   // nothing new
	Stored  Outcome = "kept"   // not supported yet, stored as it was
	LeftOut Outcome = "left-out"
)

// Line is what became of one thing.
type Line struct {
	Kind    string  `json:"kind"` // owner, user, token, link, node, device, wallet, settings, program, other
	User    string  `json:"user,omitempty"`
	Name    string  `json:"name"`
	Outcome Outcome `json:"outcome"`
	Detail  string  `json:"detail,omitempty"` // a sentence without a full stop; "" where the outcome says it all
}

// Report is what taking over did, or would do.
type Report struct {
	From     string
	Dry      bool
	Lines    []Line
	Problems []Problem
}

// Count counts the lines of an outcome.
func (r *Report) Count(o Outcome) int {
	n := 0
	for _, l := range r.Lines {
		if l.Outcome == o {
			n++
		}
	}
	return n
}

// taker takes over.
type taker struct {
	ctx   context.Context // of this one call
	s     *Source
	f     *Found
	r     Rooms
	o     Options
	rep   *Report
	ids   map[string]string // ours, by the old id; "": will be made
	gone  map[string]bool   // users who are left out
	named map[string]bool   // names that users got, as they are compared
	done  int               // transactions
	total int

	asked   bool           // the node was
	labels  chain.Labeller // nil: nobody can be asked
	status  *chain.Status
	unasked int // wallets that nobody could be asked about
}

// Take hands over what was found. What cannot be taken is a line of the report; an error is
// trouble of this program or its disk, and Take can be called again after it. What is here and
// newer is never overwritten.
func Take(ctx context.Context, s *Source, f *Found, r Rooms, o Options) (*Report, error) {
	if r.Now == nil {
		r.Now = time.Now
	}
	t := &taker{ctx: ctx, s: s, f: f, r: r, o: o, rep: &Report{From: f.From, Dry: o.Dry}, ids: map[string]string{}, gone: map[string]bool{}, named: map[string]bool{}}
	for _, w := range f.Wallets {
		t.total += w.Txs
	}
	for _, step := range []func() error{t.people, t.links, t.nodes, t.devices, t.uid, t.wallets, t.settings, t.program, t.kept} {
		if err := step(); err != nil {
			t.rep.Problems = f.Problems
			return t.rep, err
		}
		if err := ctx.Err(); err != nil {
			return t.rep, err
		}
	}
	t.rep.Problems = f.Problems
	return t.rep, nil
}

func (t *taker) line(kind, user, name string, o Outcome, detail string, args ...any) {
	if len(args) > 0 {
		detail = fmt.Sprintf(detail, args...)
	}
	t.rep.Lines = append(t.rep.Lines, Line{kind, t.nameOf(user), shown(name), o, detail})
}

// shown is a foreign name for a terminal: no control characters, not too long.
func shown(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '?'
		}
		return r
	}, clip(strings.ToValidUTF8(name, "?"), 100))
}

func (t *taker) nameOf(user string) string {
	for _, u := range t.f.Users {
		if u.ID == user {
			return shown(u.Name)
		}
	}
	return shown(user)
}

// refused turns an error about the thing itself into a line; other errors end the work.
func (t *taker) refused(err error, kind, user, name string) error {
	switch errs.KindOf(err) {
	case errs.Invalid, errs.Conflict, errs.NotFound:
		t.line(kind, user, name, LeftOut, "%s", strings.TrimSuffix(shownText(err.Error()), "."))
		return nil
	}
	return err
}

func shownText(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, clip(strings.ToValidUTF8(text, "?"), 400))
}

// key names a thing of this old Specter among those of others.
func (t *taker) key(name string) string {
	uid := t.f.UID
	if uid == "" {
		uid = "-"
	}
	return uid + "/" + name
}

// before looks up what became of a thing that was taken over before. A user who is yet to be made
// has nothing.
func (t *taker) before(owner, kind, name string) (ref string, value []byte, found bool, err error) {
	if owner == "" {
		return "", nil, false, nil
	}
	return t.r.Memory.Imported(t.ctx, owner, kind, t.key(name))
}

// The old program's tokens as they are written are kept, so that the way back has them.
const kindToken = "token"

// note remembers what became of a thing.
func (t *taker) note(owner, kind, name, ref string, value []byte) error {
	if t.o.Dry {
		return nil
	}
	return t.r.Memory.PutImported(t.ctx, owner, kind, t.key(name), ref, value, t.r.Now())
}

// deletedHere is the line of what was taken over before and deleted here since.
const deletedHere = "it was taken over before and deleted here since; --again brings it back"
