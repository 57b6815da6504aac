package bridge

import (
	"sync"
	"time"

	"specter/internal/errs"
	"specter/internal/signer"
)

// How much one caller may do. Users of this server are bounded in what runs at once; web sites
// that are merely whitelisted also in how often they may bother the person.
const (
	maxAtOnce  = 32
	maxAsks    = 30 // questions of a web site in askSpan
	askSpan    = 10 * time.Minute
	maxRefused = 3 // refusals in a row after which a web site waits
	refusedFor = time.Minute
	maxCallers = 2000
)

// limits counts what callers do.
type limits struct {
	now func() time.Time
	mu  sync.Mutex
	all map[string]*tally
}

// tally is one caller's.
type tally struct {
	running int
	asked   []time.Time // within the span
	refused int
	until   time.Time // no questions before
	last    time.Time
}

func newLimits(now func() time.Time) *limits { return &limits{now: now, all: map[string]*tally{}} }

// enter lets a call begin, or says why not. The func that comes back is told how it ended.
func (l *limits) enter(who Caller, asks bool) (end func(error), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	t := l.all[who.Key]
	if t == nil {
		for k, old := range l.all {
			if old.running == 0 && now.Sub(old.last) > askSpan {
				delete(l.all, k)
			}
		}
		if len(l.all) >= maxCallers {
			return nil, signer.E(signer.CodeBusy, "too many web sites ask for devices at once; try again in a few minutes")
		}
		t = &tally{}
		l.all[who.Key] = t
	}
	t.last = now
	if t.running >= maxAtOnce {
		return nil, signer.E(signer.CodeBusy, "HWI is busy processing previous request; %d calls wait already", t.running)
	}
	counted := asks && who.UserID == ""
	if counted {
		for len(t.asked) > 0 && now.Sub(t.asked[0]) > askSpan {
			t.asked = t.asked[1:]
		}
		if now.Before(t.until) {
			return nil, signer.E(signer.CodeBusy, "the person refused %d times in a row; this web site may ask again in a minute", maxRefused)
		}
		if len(t.asked) >= maxAsks {
			return nil, signer.E(signer.CodeBusy, "this web site has asked the devices %d times within ten minutes; it must wait", maxAsks)
		}
		t.asked = append(t.asked, now)
	}
	t.running++
	return func(err error) { l.leave(t, counted, err) }, nil
}

func (l *limits) leave(t *tally, counted bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t.running--
	t.last = l.now()
	switch {
	case !counted:
	case err == nil:
		t.refused = 0
	case errs.Is(err, errs.Declined):
		if t.refused++; t.refused >= maxRefused {
			t.refused, t.until = 0, t.last.Add(refusedFor)
		}
	}
}
