package bridge

import (
	"context"
	"strings"
	"sync"
	"time"

	"specter/internal/signer"
)

// Old pages know one way to pair a BitBox02: they enumerate, give up after a minute, ask for the
// pairing code, show it and enumerate again. So enumerating for them pairs in the background, and
// goes on pairing when they give up.

// pairingFor is how long a person has to compare the code.
const pairingFor = 3 * time.Minute

// pairings are the devices that pair now, by path.
type pairings struct {
	mu   sync.Mutex
	done map[string]chan struct{} // closed when it is over
}

// ofOldPage reports whether a call comes from a page that knows nothing of ours.
func (j *job) ofOldPage() bool {
	_, told := j.p["pair"]
	return j.word == "" && !told
}

// pairUnpaired pairs what must be paired before it can be used, and waits for it as long as the
// caller does. true: something has changed.
func (j *job) pairUnpaired(ctx context.Context, list []signer.Info) bool {
	changed := false
	for _, i := range list {
		if i.Kind != "bitbox02" || signer.CodeOf(i.Err) != signer.CodeNotReady || i.Err == nil {
			continue
		}
		done, ok := j.startPairing(ctx, i.Path)
		if !ok {
			continue
		}
		select {
		case <-done:
			changed = true
		case <-ctx.Done():
			return false
		}
	}
	return changed
}

// startPairing begins to pair a device, or joins who does already.
func (j *job) startPairing(ctx context.Context, path string) (chan struct{}, bool) {
	p := &j.s.pairings
	p.mu.Lock()
	defer p.mu.Unlock()
	if done := p.done[path]; done != nil {
		return done, true
	}
	end, err := j.s.limit.enter(j.who, true)
	if err != nil {
		return nil, false
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), pairingFor)
	tell, over, err := j.s.talks.begin(j.who.Key, j.word, stop)
	if err != nil {
		stop()
		end(err)
		return nil, false
	}
	tell = j.who.hears(tell)
	done := make(chan struct{})
	if p.done == nil {
		p.done = map[string]chan struct{}{}
	}
	p.done[path] = done
	ask := j.ask()
	ask.Pair, ask.Notify = true, func(n signer.Notice) { tell(j.name, n) }
	go func() {
		err := j.s.c.Hub.Do(ctx, signer.Select{Kind: "bitbox02", Path: path}, ask, func(ctx context.Context, s signer.Signer) error {
			_, err := s.Fingerprint(ctx)
			return err
		})
		if err != nil {
			j.s.log.Debug("a device was not paired", "err", err)
		}
		stop()
		over()
		end(err)
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.done, path)
		close(done)
	}()
	return done, true
}

// codeOf is a pairing code as a page shows it: in groups, on one line.
func codeOf(code string) string { return strings.Join(strings.Fields(code), " ") }
