package transport

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"
)

// pollEvery is how often the listing is looked at where nobody tells.
const pollEvery = 2 * time.Second

func (f *Finder) poll(ctx context.Context, news chan<- struct{}) {
	defer close(news)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	before := f.paths(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if now := f.paths(ctx); now != before {
			before = now
			tell(news)
		}
	}
}

func (f *Finder) paths(ctx context.Context) string {
	list, _ := f.Ports(ctx)
	var out strings.Builder
	for _, p := range list {
		out.WriteString(p.Path + "\x00" + p.Serial + "\x00")
	}
	return out.String()
}

// tell leaves a mark for a listener who is busy.
func tell(news chan<- struct{}) {
	select {
	case news <- struct{}{}:
	default:
	}
}

func isClosed(err error) bool { return errors.Is(err, os.ErrClosed) }
