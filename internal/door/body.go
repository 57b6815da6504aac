package door

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// body bounds how much a request may carry and how long that may take. The time ends with the
// body: a handler that then works for a while must not lose its connection over it, because
// net/http takes a read deadline that passes for a client that has gone.
type body struct {
	mu    sync.Mutex
	inner io.ReadCloser
	w     *writer
	limit int64
	left  int64
	err   error // sticky
	timed bool
}

// newBody returns nil for a request without a body.
func newBody(w *writer, r *http.Request, limit int64, read time.Duration) *body {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	b := &body{inner: r.Body, w: w, limit: limit, left: limit}
	b.timed = w.control.SetReadDeadline(time.Now().Add(read)) == nil
	return b
}

func (b *body) allow(n int64, d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if more := n - b.limit; more > 0 && b.err == nil {
		b.limit, b.left = n, b.left+more
	}
	if b.timed && b.err == nil {
		_ = b.w.control.SetReadDeadline(time.Now().Add(d))
	}
}

// Read gives at most what is allowed; then *http.MaxBytesError.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return 0, b.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if int64(len(p))-1 > b.left { // one byte more than is left, to see whether there is one
		p = p[:b.left+1]
	}
	n, err := b.inner.Read(p)
	if int64(n) > b.left {
		n = int(b.left)
		err = &http.MaxBytesError{Limit: b.limit}
		if b.w.status == 0 {
			b.w.Header().Set("Connection", "close") // what is still on its way is not waited for
		}
	}
	b.left -= int64(n)
	b.err = err
	if err == io.EOF {
		b.untime()
	}
	return n, err
}

// Close ends the reading.
func (b *body) Close() error { return b.inner.Close() }

// untime takes the deadline off when all has arrived.
func (b *body) untime() {
	if b.timed {
		b.timed = false
		_ = b.w.control.SetReadDeadline(time.Time{})
	}
}
