package door

import (
	"net/http"
	"time"
)

// writer counts an answer and bounds how long the other side may take to accept each piece of
// it. The bound is put on anew with each write: a stream of events or a long download may last,
// a client that takes nothing may not.
type writer struct {
	http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration
	status  int // 0: nothing answered yet
	written int64
}

// WriteHeader notes the first final status.
func (w *writer) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
		w.renew()
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write passes a piece on.
func (w *writer) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	w.renew()
	n, err := w.ResponseWriter.Write(p)
	w.written += int64(n)
	return n, err
}

// FlushError sends what is buffered.
func (w *writer) FlushError() error {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	w.renew()
	return w.control.Flush()
}

// Flush is FlushError for those who know only http.Flusher.
func (w *writer) Flush() { _ = w.FlushError() }

// Unwrap lets http.ResponseController reach what lies below.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// renew uses the real clock: deadlines belong to the connection. A recorder has none.
func (w *writer) renew() { _ = w.control.SetWriteDeadline(time.Now().Add(w.stall)) }
