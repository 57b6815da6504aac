package wallet

import (
	"context"
	"sync"
	"time"
)

// jobs are the wallets' background work: at most one for each wallet at a time.
type jobs struct {
	mu   sync.Mutex
	wg   sync.WaitGroup
	list map[ID]*job
}

// job is the background work of one wallet.
type job struct {
	running bool
	again   bool // news came while it ran
	cancel  context.CancelFunc
	fails   int       // in a row
	retry   time.Time // not before; zero: when there is news
}

// The first retry after a failure waits so long, each further one twice as long.
const (
	firstRetry = time.Second
	lastRetry  = time.Minute
)

// kick starts a wallet's work, or makes the one that runs look again at its end. Work that
// failed waits for its retry, unless force is set.
func (j *jobs) kick(ctx context.Context, id ID, now time.Time, force bool, work func(ctx context.Context) error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.list == nil {
		j.list = map[ID]*job{}
	}
	w := j.list[id]
	if w == nil {
		w = &job{}
		j.list[id] = w
	}
	switch {
	case w.running:
		w.again = w.again || force
		return
	case !force && (w.retry.IsZero() || now.Before(w.retry)):
		return
	case w.retry.After(now) && w.fails > 3:
		return // news does not hurry a node that is away for long
	}
	ctx, w.cancel = context.WithCancel(ctx)
	w.running, w.again = true, false
	j.wg.Go(func() { j.run(ctx, w, work) })
}

func (j *jobs) run(ctx context.Context, w *job, work func(ctx context.Context) error) {
	for {
		err := work(ctx)
		j.mu.Lock()
		w.retry = time.Time{}
		if err != nil {
			w.retry = time.Now().Add(min(firstRetry<<min(w.fails, 10), lastRetry))
			w.fails++
		} else {
			w.fails = 0
		}
		if err == nil && w.again && ctx.Err() == nil {
			w.again = false
			j.mu.Unlock()
			continue
		}
		w.running = false
		w.cancel()
		j.mu.Unlock()
		return
	}
}

// known reports whether a wallet has had work.
func (j *jobs) known(id ID) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.list[id] != nil
}

// stop ends a wallet's work without waiting for it.
func (j *jobs) stop(id ID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if w := j.list[id]; w != nil && w.cancel != nil {
		w.cancel()
		w.again = false
	}
}

// want makes the next look start a wallet's work though there is no news.
func (j *jobs) want(id ID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if w := j.list[id]; w != nil {
		w.again = true
		if w.retry.IsZero() {
			w.retry = time.Now()
		}
	}
}
