package backup

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"

	"filippo.io/age"

	"specter/internal/errs"
)

// Part is a file that goes into a backup. It must not change meanwhile.
type Part struct {
	Name string
	Open func() (io.ReadCloser, error)
}

// Write makes a backup of parts, the database first. The manifest's list of files is made here;
// each part is read twice, once for its hash. It returns the manifest as written, and the keys with
// which Read opens what was written.
func Write(ctx context.Context, w io.Writer, m Manifest, parts []Part, l Lock) (Manifest, *Proof, error) {
	to, ids, err := l.recipients()
	if err != nil {
		return m, nil, err
	}
	m.Format, m.Files = Format, nil
	for _, p := range parts {
		f, err := measure(ctx, p)
		if err != nil {
			return m, nil, err
		}
		m.Files = append(m.Files, f)
	}
	if err := checkFiles(m.Files); err != nil {
		return m, nil, err
	}
	closed, err := age.Encrypt(w, to...)
	if err != nil {
		return m, nil, err
	}
	packed, err := gzip.NewWriterLevel(closed, gzip.BestSpeed)
	if err != nil {
		return m, nil, err
	}
	t := tar.NewWriter(packed)
	err = writeParts(ctx, t, m, parts)
	for _, c := range []io.Closer{t, packed, closed} {
		if err == nil {
			err = c.Close()
		}
	}
	return m, &Proof{ids}, err
}

// measure reads a part for its size and hash.
func measure(ctx context.Context, p Part) (File, error) {
	r, err := p.Open()
	if err != nil {
		return File{}, err
	}
	defer r.Close()
	h := sha256.New()
	n, err := io.Copy(h, stoppable{ctx, r})
	return File{p.Name, n, hex.EncodeToString(h.Sum(nil))}, err
}

func writeParts(ctx context.Context, t *tar.Writer, m Manifest, parts []Part) error {
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	if len(text) > maxManifest {
		return errs.E(errs.Internal, "the manifest grows beyond its bound")
	}
	if err := writeEntry(t, nameManifest, int64(len(text)), bytes.NewReader(text)); err != nil {
		return err
	}
	for i, p := range parts {
		r, err := p.Open()
		if err != nil {
			return err
		}
		err = writeEntry(t, p.Name, m.Files[i].Size, stoppable{ctx, r})
		if err = errors.Join(err, r.Close()); err != nil {
			return err
		}
	}
	return nil
}

func writeEntry(t *tar.Writer, name string, size int64, r io.Reader) error {
	if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600, Size: size, Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err := io.Copy(t, r)
	return err
}

// stoppable is a reader that ends with a context.
type stoppable struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (s stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}

// Into takes the files of a backup that is read. Manifest comes first and may refuse; then File
// for each in order. Nothing is to be trusted before Read has returned without an error.
type Into struct {
	Manifest func(Manifest) error
	File     func(File) (io.WriteCloser, error)
}

// Read decrypts a backup and holds every byte of it against its manifest, with the memory of a few
// buffers. errs.Denied: the keys do not open it; errs.Invalid: it is damaged, or holds what no
// backup of ours holds; errs.Unavailable: a newer program made it.
func Read(ctx context.Context, r io.Reader, k Keys, into Into) (Manifest, error) {
	ids, err := k.identities()
	if err != nil {
		return Manifest{}, err
	}
	return read(ctx, r, ids, into)
}

// Proof opens the backup that was just written.
type Proof struct{ ids []age.Identity }

// Read is Read with the keys that the writing left.
func (p *Proof) Read(ctx context.Context, r io.Reader, into Into) (Manifest, error) {
	return read(ctx, r, p.ids, into)
}

func read(ctx context.Context, r io.Reader, ids []age.Identity, into Into) (Manifest, error) {
	count := &counter{r: stoppable{ctx, r}}
	plain, err := open(count, ids)
	if err != nil {
		return Manifest{}, err
	}
	packed, err := gzip.NewReader(plain)
	if err != nil {
		return Manifest{}, damaged(err)
	}
	packed.Multistream(false)
	unpacked := &bounded{r: packed, in: count}
	t := tar.NewReader(unpacked)
	m, err := manifestOf(t)
	if err != nil {
		return Manifest{}, err
	}
	if into.Manifest != nil {
		if err := into.Manifest(m); err != nil {
			return m, err
		}
	}
	for _, f := range m.Files {
		if err := readFile(t, f, into.File); err != nil {
			return m, err
		}
	}
	if _, err := t.Next(); err != io.EOF {
		return m, errs.E(errs.Invalid, "the backup holds more than it says; it is refused")
	}
	return m, ends(unpacked, plain)
}

// ends reads what is left: padding of the tar, the sum of the gzip, age's last piece, and then
// nothing.
func ends(unpacked, plain io.Reader) error {
	rest, err := io.Copy(io.Discard, io.LimitReader(unpacked, 64<<10))
	if err != nil {
		return damaged(err)
	}
	more, err := io.Copy(io.Discard, io.LimitReader(plain, 1))
	if err != nil {
		return damaged(err)
	}
	if rest >= 64<<10 || more > 0 {
		return errs.E(errs.Invalid, "something follows the backup's end; it is refused")
	}
	return nil
}

func manifestOf(t *tar.Reader) (Manifest, error) {
	h, err := t.Next()
	if err != nil {
		return Manifest{}, damaged(err)
	}
	if h.Name != nameManifest || h.Typeflag != tar.TypeReg || h.Size > maxManifest {
		return Manifest{}, errs.E(errs.Invalid, "this is no backup of Specter: it does not begin with a list of what it holds")
	}
	text, err := io.ReadAll(io.LimitReader(t, maxManifest))
	if err != nil {
		return Manifest{}, damaged(err)
	}
	return readManifest(text)
}

// readFile reads the next entry, which must be the file that the manifest says.
func readFile(t *tar.Reader, f File, into func(File) (io.WriteCloser, error)) error {
	h, err := t.Next()
	if err != nil {
		return damaged(err)
	}
	if h.Name != f.Name || h.Typeflag != tar.TypeReg || h.Size != f.Size || h.Linkname != "" {
		return errs.E(errs.Invalid, "the backup holds something else than it says in the place of %q; it is refused", f.Name)
	}
	var out io.WriteCloser = nowhere{}
	if into != nil {
		if out, err = into(f); err != nil {
			return err
		}
	}
	sum := sha256.New()
	_, err = io.Copy(writeBoth{out, sum}, t)
	var refused *writeError
	if errors.As(err, &refused) {
		return errors.Join(errs.E(errs.Unavailable, "%q cannot be written: %w", f.Name, refused.err), out.Close())
	}
	if err != nil {
		return errors.Join(damaged(err), out.Close())
	}
	if err := out.Close(); err != nil {
		return errs.E(errs.Unavailable, "%q cannot be written: %w", f.Name, err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return errs.E(errs.Invalid, "%q in the backup is not what it was; the backup is refused", f.Name)
	}
	return nil
}

func damaged(err error) error {
	if errs.KindOf(err) != errs.Internal || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return errs.E(errs.Invalid, "the backup is damaged or cut off: %w", err)
}

// nowhere takes bytes that are only to be checked.
type nowhere struct{}

// Write implements io.Writer.
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

// Close does nothing.
func (nowhere) Close() error { return nil }

// writeBoth tells errors of writing from those of reading.
type writeBoth struct{ out, sum io.Writer }

type writeError struct{ err error }

// Error implements error.
func (w *writeError) Error() string { return w.err.Error() }

// Write implements io.Writer.
func (w writeBoth) Write(p []byte) (int, error) {
	w.sum.Write(p)
	n, err := w.out.Write(p)
	if err != nil {
		return n, &writeError{err}
	}
	return n, nil
}

// counter counts what was read.
type counter struct {
	r io.Reader
	n int64
}

// Read implements io.Reader.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// bounded refuses a stream that unpacks to far more than it is.
type bounded struct {
	r  io.Reader
	in *counter
	n  int64
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.n += int64(n); b.n > freeRatio && b.n/maxRatio > b.in.n {
		return n, errs.E(errs.Invalid, "the backup unpacks to far more than a Specter's data; it is refused")
	}
	if b.n > maxTotal+(maxManifest<<2) {
		return n, errs.E(errs.Invalid, "the backup unpacks to more than %d bytes; it is refused", maxTotal)
	}
	return n, err
}
