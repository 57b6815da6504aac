package alpha

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	"specter/internal/errs"
)

// maxKept is how much of a part of an answer stays in memory; what is more waits in a file.
const maxKept = 2 << 20

// spool takes a part of an answer as it is read from the database and gives it back when all
// of it is there: nothing is sent before it is known that the answer is whole.
type spool struct {
	dir  string
	kept bytes.Buffer
	file *os.File // what went over maxKept, in order; nil: nothing did
	size int64
	err  error // the first that happened; later writes do nothing
}

// Write takes bytes. Its error comes again from every later call.
func (s *spool) Write(b []byte) (int, error) {
	if s.err == nil && s.kept.Len()+len(b) > maxKept {
		s.spill()
	}
	if s.err != nil {
		return 0, s.err
	}
	s.size += int64(len(b))
	return s.kept.Write(b)
}

// text writes a text; trouble shows at the end.
func (s *spool) text(t string) { _, _ = s.Write([]byte(t)) }

// waiting is how the files are named.
const waiting = ".answer-*"

// sweep removes files that a program which was killed left behind.
func sweep(dir string) {
	if dir == "" {
		return // the system cleans its own folder
	}
	left, _ := filepath.Glob(filepath.Join(dir, waiting)) // the pattern is a good one
	for _, name := range left {
		_ = os.Remove(name) // what stays takes room and does nothing else
	}
}

// spill moves what is in memory to the file.
func (s *spool) spill() {
	if s.file == nil {
		if s.file, s.err = os.CreateTemp(s.dir, waiting); s.err != nil {
			s.err = errs.E(errs.Unavailable, "a large answer cannot be prepared: %w", s.err)
			return
		}
		_ = os.Remove(s.file.Name()) // it lives as long as it is open; where that cannot be, close removes it
	}
	if _, err := s.kept.WriteTo(s.file); err != nil {
		s.err = errs.E(errs.Unavailable, "a large answer cannot be prepared, the disk may be full: %w", err)
	}
	s.kept.Reset()
}

// copyTo sends everything.
func (s *spool) copyTo(w io.Writer) error {
	if s.err != nil {
		return s.err
	}
	if s.file != nil {
		if _, err := s.file.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("read a large answer again: %w", err)
		}
		if _, err := io.Copy(w, s.file); err != nil {
			return err
		}
	}
	_, err := w.Write(s.kept.Bytes())
	return err
}

// close gives the file back.
func (s *spool) close() {
	if s.file != nil {
		s.file.Close()
		_ = os.Remove(s.file.Name()) // gone already where open files can be removed
	}
}

// send answers with parts, one after another.
func send(w http.ResponseWriter, parts ...*spool) error {
	var size int64
	for _, p := range parts {
		if p.err != nil {
			return p.err
		}
		size += p.size
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	for _, p := range parts {
		if err := p.copyTo(w); err != nil {
			return &lost{err}
		}
	}
	return nil
}

// lost is trouble after the answer began: nobody can be told any more.
type lost struct{ err error }

// Error tells the trouble, for the log.
func (l *lost) Error() string { return "the answer broke off: " + l.err.Error() }

// Unwrap returns the trouble.
func (l *lost) Unwrap() error { return l.err }
