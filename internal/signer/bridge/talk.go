package bridge

import (
	"context"
	"sync"
	"time"

	"specter/internal/errs"
	"specter/internal/signer"
)

// Bounds of dialogs.
const (
	maxTalks   = 500
	maxNotices = 50 // kept of each dialog
	talkLife   = 10 * time.Minute
)

// talks are the dialogs of all callers: what devices asked while calls waited. Nobody reads
// another caller's.
type talks struct {
	now func() time.Time
	mu  sync.Mutex // over everything below, also inside a talk; held over memory alone
	all map[[2]string]*talk
}

// talk is one dialog: the calls that carry the same session word.
type talk struct {
	of      *talks
	seq     int
	notices []notice
	running map[int]func() // ends a call
	next    int
	last    time.Time
	news    chan struct{} // closed when something has changed, then replaced
}

// notice is what a device asked, as clients read it.
type notice struct {
	Seq    int    `json:"seq"`
	Kind   string `json:"kind"`
	Code   string `json:"code"`
	Text   string `json:"text"`
	Method string `json:"method"`
	call   int
}

func newTalks(now func() time.Time) *talks { return &talks{now: now, all: map[[2]string]*talk{}} }

// get finds a dialog or makes it. Called with the lock held.
func (t *talks) get(caller, word string) (*talk, error) {
	now := t.now()
	key := [2]string{caller, word}
	d := t.all[key]
	if d == nil {
		for k, old := range t.all {
			if len(old.running) == 0 && now.Sub(old.last) > talkLife {
				delete(t.all, k)
			}
		}
		if len(t.all) >= maxTalks {
			return nil, signer.E(signer.CodeBusy, "too many dialogs with devices are open; try again in a few minutes")
		}
		d = &talk{of: t, running: map[int]func(){}, news: make(chan struct{})}
		t.all[key] = d
	}
	d.last = now
	return d, nil
}

// begin notes a call. Of the funcs that come back one keeps what a device asks during it, the
// other ends it.
func (t *talks) begin(caller, word string, stop func()) (tell func(string, signer.Notice), end func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d, err := t.get(caller, word)
	if err != nil {
		return nil, nil, err
	}
	d.next++
	id := d.next
	d.running[id] = stop
	d.changed()
	tell = func(method string, n signer.Notice) { d.tell(method, id, n) }
	return tell, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(d.running, id)
		d.last = t.now()
		d.changed()
	}, nil
}

// changed wakes who waits. Called with the lock held.
func (d *talk) changed() {
	close(d.news)
	d.news = make(chan struct{})
}

// tell keeps what a device asks.
func (d *talk) tell(method string, call int, n signer.Notice) {
	d.of.mu.Lock()
	defer d.of.mu.Unlock()
	d.seq++
	d.notices = append(d.notices, notice{d.seq, string(n.Kind), n.Code, n.Text, method, call})
	if len(d.notices) > maxNotices {
		d.notices = d.notices[1:]
	}
	d.changed()
}

// pairing is the newest code that a device of this caller shows now.
func (t *talks) pairing(caller string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, d := range t.all {
		if key[0] != caller {
			continue
		}
		for i := len(d.notices) - 1; i >= 0; i-- {
			if n := d.notices[i]; n.Kind == string(signer.NoticePairing) && d.running[n.call] != nil {
				return codeOf(n.Code)
			}
		}
	}
	return ""
}

// since lists what a dialog has after a number.
func (d *talk) since(n int64) (out []notice, running bool, news chan struct{}) {
	out = []notice{}
	for _, one := range d.notices {
		if int64(one.Seq) > n {
			out = append(out, one)
		}
	}
	return out, len(d.running) > 0, d.news
}

func readNotices(ctx context.Context, j *job) (any, error) {
	since, err := j.p.number("since", 1<<40)
	if err != nil {
		return nil, err
	}
	wait, err := j.p.number("wait", 600)
	if err != nil {
		return nil, err
	}
	if j.word == "" {
		return nil, errs.E(errs.Invalid, "say which session")
	}
	timer := time.NewTimer(min(time.Duration(wait)*time.Second, maxWait))
	defer timer.Stop()
	was, started := false, false
	for {
		t := j.s.talks
		t.mu.Lock()
		d, err := t.get(j.who.Key, j.word)
		if err != nil {
			t.mu.Unlock()
			return nil, err
		}
		list, running, news := d.since(since)
		next := d.seq
		t.mu.Unlock()
		if !started {
			was, started = running, true
		}
		if wait == 0 || len(list) > 0 || running != was {
			return map[string]any{"notices": list, "next": next, "running": running}, nil
		}
		select {
		case <-news:
		case <-timer.C:
			wait = 0
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func cancelCalls(_ context.Context, j *job) (any, error) {
	if j.word == "" {
		return nil, errs.E(errs.Invalid, "say which session")
	}
	t := j.s.talks
	t.mu.Lock()
	var stops []func()
	if d := t.all[[2]string{j.who.Key, j.word}]; d != nil {
		for _, stop := range d.running {
			stops = append(stops, stop)
		}
	}
	t.mu.Unlock()
	for _, stop := range stops {
		stop()
	}
	return success, nil
}
