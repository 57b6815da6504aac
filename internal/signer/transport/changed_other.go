//go:build !linux

package transport

import "context"

// Changed receives when something was plugged in or out, until ctx ends and the channel is
// closed. The listing is looked at every two seconds while somebody listens.
func (f *Finder) Changed(ctx context.Context) <-chan struct{} {
	news := make(chan struct{}, 1)
	go f.poll(ctx, news)
	return news
}
