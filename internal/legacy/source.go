package legacy

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"specter/internal/errs"
)

// Bounds on what is looked at.
const (
	maxFiles   = 500_000  // in a folder
	maxName    = 255      // bytes of a file's name
	maxJSON    = 32 << 20 // bytes of a JSON file
	maxTable   = 256 << 20
	maxRaw     = 4 << 20 // bytes of a transaction
	maxSmall   = 64 << 10
	maxKept    = 4 << 20
	listAtOnce = 4096
)

// Source is an opened folder, archive or single file. Close gives it back.
type Source struct {
	Name    string
	files   map[string]file // by path from the folder, with slashes
	single  string          // the one file that was named; "": a folder or an archive
	skipped []Problem
	close   func() error
}

// file is a file that can be read.
type file struct {
	size int64
	open func() (io.ReadCloser, error)
}

// Open opens a data folder, a zip of one, or a single JSON file. Links are never followed.
// errs.Invalid and errs.Unavailable say why it cannot be used.
func Open(name string) (*Source, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, errs.E(errs.Unavailable, "%s cannot be opened: %w", name, err)
	}
	switch {
	case info.IsDir():
		return openFolder(name)
	case !info.Mode().IsRegular():
		return nil, errs.E(errs.Invalid, "%s is neither a folder nor a file", name)
	case isZip(name):
		return openZip(name)
	case strings.EqualFold(filepath.Ext(name), ".json"):
		return openSingle(name)
	}
	return nil, errs.E(errs.Invalid, "%s is no data folder of Specter, no zip of one, and no JSON file; unpack other archives first", name)
}

// Lives reports whether a folder looks like one that an old Specter worked in.
func Lives(folder string) bool {
	if info, err := os.Stat(filepath.Join(folder, "config.json")); err == nil && info.Mode().IsRegular() {
		return true
	}
	for _, name := range []string{"wallets", "devices", "nodes"} {
		if info, err := os.Stat(filepath.Join(folder, name)); err == nil && info.IsDir() {
			return true
		}
	}
	return false
}

// Close closes what Open opened.
func (s *Source) Close() error {
	if s.close == nil {
		return nil
	}
	return s.close()
}

// Has reports whether there is a file.
func (s *Source) Has(name string) bool {
	_, has := s.files[name]
	return has
}

// read returns a file of at most so many bytes.
func (s *Source) read(name string, most int64) ([]byte, error) {
	f, has := s.files[name]
	if !has {
		return nil, fs.ErrNotExist
	}
	if f.size > most {
		return nil, errs.E(errs.Invalid, "it is too large (%d bytes)", f.size)
	}
	r, err := f.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(b)) > most {
		return nil, errs.E(errs.Invalid, "it is too large")
	}
	return b, err
}

// openFolder lists the parts of a folder that an old Specter uses.
func openFolder(name string) (*Source, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, errs.E(errs.Unavailable, "%s cannot be opened: %w", name, err)
	}
	s := &Source{Name: name, files: map[string]file{}, close: root.Close}
	if err := s.list(root, ".", 0); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return s, nil
}

// list reads a folder and those below it that matter.
func (s *Source) list(root *os.Root, dir string, depth int) error {
	d, err := root.Open(filepath.FromSlash(dir))
	if err != nil {
		s.skip(dir, "the folder cannot be opened")
		return nil
	}
	defer d.Close()
	for {
		entries, err := d.ReadDir(listAtOnce)
		for _, e := range entries {
			if err := s.entry(root, dir, e, depth); err != nil {
				return err
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				s.skip(dir, "the folder cannot be read to its end")
			}
			return nil
		}
	}
}

func (s *Source) entry(root *os.Root, dir string, e fs.DirEntry, depth int) error {
	name := path.Join(dir, e.Name())
	switch {
	case e.IsDir():
		if wanted(name, depth) {
			return s.list(root, name, depth+1)
		}
	case !usable(e.Name()):
		s.skip(name, "this is no name of a file of Specter")
	case e.Type()&fs.ModeSymlink != 0:
		if known(name) {
			s.skip(name, "it is a link, and links are not followed")
		}
	case e.Type().IsRegular() && known(name):
		if len(s.files) >= maxFiles {
			return errs.E(errs.Invalid, "%s holds more than %d files; that is no data folder of Specter", s.Name, maxFiles)
		}
		info, err := e.Info()
		if err != nil {
			s.skip(name, "it cannot be read")
			return nil
		}
		s.files[name] = file{info.Size(), func() (io.ReadCloser, error) { return root.Open(filepath.FromSlash(name)) }}
	}
	return nil
}

func (s *Source) skip(name, why string) {
	if len(s.skipped) < maxProblems {
		s.skipped = append(s.skipped, Problem{name, why})
	}
}

// usable reports whether a name can be one of the old program's files.
func usable(name string) bool {
	return len(name) <= maxName && utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsControl)
}

// wanted reports whether a folder at a depth is one that the old program keeps its words in.
func wanted(name string, depth int) bool {
	base := path.Base(name)
	switch depth {
	case 0:
		return base == "nodes" || base == extensions || ownerOf(base, "devices") != "" || ownerOf(base, "wallets") != ""
	case 1:
		if strings.HasPrefix(name, extensions+"/") {
			return !strings.HasPrefix(base, ".")
		}
		return ownerOf(path.Base(path.Dir(name)), "wallets") != "" && !strings.HasPrefix(base, ".")
	case 2:
		return strings.HasSuffix(base, "_txs_raw")
	}
	return false
}

// extensions is the folder in which the old program's extensions keep what they want.
const extensions = "extensions"

// known reports whether a file may be one that is read. Everything else in the folder (logs,
// binaries, the node's blocks, our own database) is passed by.
func known(name string) bool {
	dir, base := path.Split(name)
	if dir == "" {
		switch strings.TrimSuffix(base, bkp) {
		case "cert.pem", "key.pem", "onion.txt", ".tor_service_key":
			return true
		}
	}
	if strings.HasPrefix(base, ".") {
		return false
	}
	switch path.Ext(strings.TrimSuffix(base, bkp)) {
	case ".json", ".csv":
		return true
	case ".bin":
		return strings.HasSuffix(strings.TrimSuffix(dir, "/"), "_txs_raw")
	}
	return false
}

// ownerOf reads whose folder one is: "wallets" is the owner's, "wallets_ann" is ann's. "" where
// it is another folder.
func ownerOf(base, kind string) string {
	if base == kind {
		return OwnerID
	}
	id, is := strings.CutPrefix(base, kind+"_")
	if !is || !usable(id) || strings.ContainsAny(id, `/\:`) {
		return ""
	}
	return id
}

// openSingle opens one JSON file, with the tables of a wallet beside it.
func openSingle(name string) (*Source, error) {
	dir, base := filepath.Split(name)
	if dir == "" {
		dir = "."
	}
	if !usable(base) {
		return nil, errs.E(errs.Invalid, "%q is no name of a file of Specter", base)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, errs.E(errs.Unavailable, "%s cannot be opened: %w", dir, err)
	}
	s := &Source{Name: name, files: map[string]file{}, single: base, close: root.Close}
	stem := strings.TrimSuffix(base, filepath.Ext(base))
	for _, b := range []string{base, base + bkp, stem + "_addr.csv", stem + "_txs.csv", stem + "_addr.csv" + bkp, stem + "_txs.csv" + bkp} {
		if info, err := root.Lstat(b); err == nil && info.Mode().IsRegular() {
			s.files[b] = file{info.Size(), func() (io.ReadCloser, error) { return root.Open(b) }}
		}
	}
	if info, err := root.Lstat(stem + "_txs_raw"); err == nil && info.IsDir() {
		err = s.list(root, stem+"_txs_raw", 3)
		if err != nil {
			return nil, errors.Join(err, root.Close())
		}
	}
	abs, err := filepath.Abs(dir)
	if err == nil {
		s.Name = filepath.Join(abs, base)
	}
	return s, nil
}
