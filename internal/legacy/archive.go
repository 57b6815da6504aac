package legacy

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"specter/internal/errs"
)

// Bounds of an archive. What the old program writes is far below them.
const (
	maxDirectory = 32 << 20 // bytes of its list of files
	maxArchived  = 65_000   // entries
	maxUnpacked  = 2 << 30  // bytes of all files together
	maxRatio     = 200      // a file unpacks to so many times its size at most
	freeRatio    = 1 << 20  // below this size the ratio is not looked at
)

func isZip(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	var magic [4]byte
	_, err = io.ReadFull(f, magic[:])
	return err == nil && (string(magic[:]) == "PK\x03\x04" || string(magic[:]) == "PK\x05\x06")
}

// openZip opens an archive of a data folder, or the old program's own backup. Nothing is ever
// unpacked to the disk. An archive with names that lead out of it, links, doubles or more than it
// can hold is refused as a whole: whoever made it did not make it with Specter.
func openZip(name string) (*Source, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, errs.E(errs.Unavailable, "%s cannot be opened: %w", name, err)
	}
	s, err := zipSource(f, name)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	s.close = f.Close
	return s, nil
}

func zipSource(f *os.File, name string) (*Source, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, errs.E(errs.Unavailable, "%s cannot be opened: %w", name, err)
	}
	return readZip(f, info.Size(), name)
}

// readZip checks and lists an archive.
func readZip(r io.ReaderAt, size int64, name string) (*Source, error) {
	if err := checkDirectory(r, size); err != nil {
		return nil, err
	}
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, errs.E(errs.Invalid, "%s cannot be read as a zip: %w", name, err)
	}
	s := &Source{Name: name, files: map[string]file{}}
	seen := map[string]bool{}
	var total uint64
	for _, e := range z.File {
		folder := strings.HasSuffix(e.Name, "/")
		clean, err := archived(e, folder)
		if err != nil {
			return nil, err
		}
		if folder {
			continue
		}
		key := strings.ToLower(clean)
		if seen[key] {
			return nil, errs.E(errs.Invalid, "the archive holds %q twice, or differing in case alone; it is refused", clip(clean, 100))
		}
		seen[key] = true
		if total += e.UncompressedSize64; total > maxUnpacked || e.UncompressedSize64 > maxUnpacked {
			return nil, errs.E(errs.Invalid, "the archive unpacks to more than %d bytes; it is refused", int64(maxUnpacked))
		}
		if e.UncompressedSize64 > freeRatio && e.UncompressedSize64/maxRatio > e.CompressedSize64 {
			return nil, errs.E(errs.Invalid, "%q unpacks to far more than a file of Specter; the archive is refused", clip(clean, 100))
		}
		if !strings.HasPrefix(clean, "__MACOSX/") { // what macOS adds of its own
			s.files[clean] = file{int64(e.UncompressedSize64), honest(e)}
		}
	}
	s.strip()
	for n := range s.files {
		if !known(n) {
			delete(s.files, n)
		}
	}
	return s, nil
}

// archived checks the name and kind of an entry.
func archived(e *zip.File, folder bool) (string, error) {
	n := strings.TrimSuffix(e.Name, "/")
	shown := clip(strings.ToValidUTF8(e.Name, "?"), 100)
	switch {
	case n == "" || len(n) > 4*maxName || !usable(path.Base(n)) || strings.ContainsAny(n, `\:`) || path.IsAbs(n) || path.Clean(n) != n || n == ".." || strings.HasPrefix(n, "../"):
		return "", errs.E(errs.Invalid, "the archive holds the name %q, which could lead elsewhere; it is refused", shown)
	case e.Flags&1 != 0:
		return "", errs.E(errs.Invalid, "the archive is encrypted; unpack it first")
	case folder && e.Mode().Type() != fs.ModeDir, !folder && !e.Mode().IsRegular():
		return "", errs.E(errs.Invalid, "%q in the archive is a link or a device; it is refused", shown)
	}
	return n, nil
}

// honest opens an entry that gives no more bytes than it said it has: the list was counted by what
// it says.
func honest(e *zip.File) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		r, err := e.Open()
		if err != nil {
			return nil, err
		}
		return &measured{r, e.UncompressedSize64}, nil
	}
}

type measured struct {
	io.ReadCloser
	left uint64
}

func (m *measured) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	if uint64(n) > m.left {
		return 0, errs.E(errs.Invalid, "it holds more than the archive says")
	}
	m.left -= uint64(n)
	return n, err
}

// strip takes off a folder in which all of the archive lies.
func (s *Source) strip() {
	for {
		top := ""
		for n := range s.files {
			first, _, deep := strings.Cut(n, "/")
			if !deep || top != "" && first != top || wanted(first, 0) {
				return
			}
			top = first
		}
		if top == "" {
			return
		}
		inner := map[string]file{}
		for n, f := range s.files {
			inner[strings.TrimPrefix(n, top+"/")] = f
		}
		s.files = inner
	}
}

// The end of a zip's list of files, and the heads in it.
const (
	endLen  = 22
	endMark = 0x06054b50
	headLen = 46
	head    = 0x02014b50
)

// checkDirectory counts the entries before the list of files is read into memory, which would
// take as much as the archive likes. Archives with a comment or of the 64-bit form are refused:
// neither Specter nor a usual zip of its folder has them.
func checkDirectory(r io.ReaderAt, size int64) error {
	refused := errs.E(errs.Invalid, "this zip is damaged, or of a form that Specter never writes; unpack it and import the folder")
	if size < endLen {
		return refused
	}
	var end [endLen]byte
	if _, err := r.ReadAt(end[:], size-endLen); err != nil {
		return refused
	}
	le := binary.LittleEndian
	length, offset := int64(le.Uint32(end[12:])), int64(le.Uint32(end[16:]))
	switch {
	case le.Uint32(end[:]) != endMark || le.Uint16(end[20:]) != 0 || offset+length != size-endLen:
		return refused
	case length > maxDirectory:
		return errs.E(errs.Invalid, "the archive lists far more files than a Specter has; it is refused")
	}
	b := bufio.NewReader(io.NewSectionReader(r, offset, length))
	var h [headLen]byte
	n := 0
	for {
		_, err := io.ReadFull(b, h[:])
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || le.Uint32(h[:]) != head {
			return refused
		}
		if n++; n > maxArchived {
			return errs.E(errs.Invalid, "the archive holds more than %d files; it is refused", maxArchived)
		}
		rest := int(le.Uint16(h[28:])) + int(le.Uint16(h[30:])) + int(le.Uint16(h[32:]))
		if _, err := b.Discard(rest); err != nil {
			return refused
		}
	}
	if n != int(le.Uint16(end[10:])) || n == 0xffff { // the last is the mark of the 64-bit form
		return refused
	}
	return nil
}

// maxUpload bounds an archive or file that was sent, in bytes.
const maxUpload = 64 << 20

// OpenBytes opens what a browser sent: a zip of a data folder, the old program's backup, or one of
// its JSON files. The name is the file's own, for its kind.
func OpenBytes(name string, data []byte) (*Source, error) {
	base := path.Base(strings.ReplaceAll(name, `\`, "/"))
	switch {
	case len(data) > maxUpload:
		return nil, errs.E(errs.Invalid, "%d MB is more than can be sent; put the folder on this computer and type where it is", len(data)>>20)
	case len(data) >= 4 && (string(data[:4]) == "PK\x03\x04" || string(data[:4]) == "PK\x05\x06"):
		return readZip(bytes.NewReader(data), int64(len(data)), clip(strings.ToValidUTF8(base, "?"), 100))
	case strings.EqualFold(path.Ext(base), ".json") && usable(base):
		open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
		return &Source{Name: base, single: base, files: map[string]file{base: {int64(len(data)), open}}}, nil
	}
	return nil, errs.E(errs.Invalid, "this is no zip of an old Specter's folder and no JSON file of one")
}
