// Package backup writes and reads the program's backups: one file, encrypted with age
// (age-encryption.org/v1) under a passphrase or to recipients, in it a gzipped tar that begins with
// a manifest. What goes in, and what becomes of what came out, is decided by others; a backup that
// is read is foreign until every byte of it was held against the manifest.
package backup

import (
	"encoding/hex"
	"encoding/json"
	"path"
	"regexp"
	"strings"
	"time"

	"specter/internal/errs"
)

// Format is the version of the archive's layout that this program writes. Newer ones are refused.
const Format = 1

// Bounds of an archive. What the program writes is far below them; variables for tests.
const (
	MaxFiles    = 2_000    // besides the manifest
	maxManifest = 1 << 20  // bytes
	maxName     = 200      // bytes of a name
	maxDepth    = 6        // parts of a name
	maxSmall    = 64 << 20 // bytes of a file other than the database
	maxHeader   = 64 << 10 // bytes of age's header, which names the recipients
)

// maxTotal is how many bytes all files have together, and maxRatio how many times its own size an
// archive may unpack to, where that is more than freeRatio. Compressed zeros make about 1000.
var (
	maxTotal  int64 = 64 << 30
	maxRatio  int64 = 250
	freeRatio int64 = 64 << 20
)

// Database is the name of the database in an archive.
const Database = "specter.db"

// nameManifest is the archive's first entry.
const nameManifest = "manifest.json"

// File is one file of a backup.
type File struct {
	Name   string `json:"name"` // from the data folder, with slashes
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// Manifest tells what a backup holds.
type Manifest struct {
	Format   int              `json:"format"`
	Program  string           `json:"program"` // version that made it
	Made     time.Time        `json:"made"`
	Instance string           `json:"instance"` // whose it is: the program's uid
	Schema   int              `json:"schema"`   // of the database
	Counts   map[string]int64 `json:"counts"`   // rows by table
	Files    []File           `json:"files"`
}

// Total is how many bytes the files have together.
func (m Manifest) Total() (n int64) {
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// safeName is what names of files look like; the program's own are so. No backslash, colon, blank
// or control character: what is harmless on one system leads elsewhere on another.
var safeName = regexp.MustCompile(`^[A-Za-z0-9_.@+-]+(/[A-Za-z0-9_.@+-]+)*$`)

// reserved are names that Windows takes for devices.
var reserved = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$`)

// CheckName reports whether a name may stand in a backup: it stays inside its folder on every
// system. errs.Invalid otherwise.
func CheckName(name string) error {
	refused := errs.E(errs.Invalid, "the backup holds the name %.100q, which could lead elsewhere; it is refused", strings.ToValidUTF8(name, "?"))
	if len(name) > maxName || !safeName.MatchString(name) || path.Clean(name) != name || strings.Count(name, "/") >= maxDepth {
		return refused
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.Trim(part, ".") == "" || strings.HasSuffix(part, ".") || reserved.MatchString(part) {
			return refused
		}
	}
	return nil
}

// readManifest takes a manifest that somebody else may have written.
func readManifest(data []byte) (Manifest, error) {
	var m Manifest
	damaged := errs.E(errs.Invalid, "the backup's list of what it holds is damaged; it is refused")
	if err := json.Unmarshal(data, &m); err != nil || m.Format < 1 {
		return Manifest{}, damaged
	}
	if m.Format > Format {
		return Manifest{}, errs.E(errs.Unavailable, "this backup was made by a newer Specter (%.40q); restore it with that one or a later one", m.Program)
	}
	if len(m.Files) == 0 || len(m.Files) > MaxFiles || len(m.Counts) > 1000 || m.Files[0].Name != Database || m.Schema < 1 {
		return Manifest{}, damaged
	}
	return m, checkFiles(m.Files)
}

// checkFiles holds the list of files to its bounds.
func checkFiles(files []File) error {
	seen := map[string]bool{}
	total := int64(0)
	for i, f := range files {
		if err := CheckName(f.Name); err != nil {
			return err
		}
		key := strings.ToLower(f.Name)
		if sum, err := hex.DecodeString(f.SHA256); err != nil || len(sum) != 32 || seen[key] || key == nameManifest {
			return errs.E(errs.Invalid, "the backup holds %q twice, or differing in case alone, or without its hash; it is refused", f.Name)
		}
		for dir := path.Dir(key); dir != "."; dir = path.Dir(dir) {
			if seen[dir] {
				return errs.E(errs.Invalid, "%q is a file and a folder in the backup; it is refused", dir)
			}
		}
		seen[key] = true
		if f.Size < 0 || f.Size > maxTotal || i > 0 && f.Size > maxSmall {
			return errs.E(errs.Invalid, "%q in the backup is larger than any file of Specter; it is refused", f.Name)
		}
		if total += f.Size; total > maxTotal {
			return errs.E(errs.Invalid, "the backup unpacks to more than %d bytes; it is refused", maxTotal)
		}
	}
	for _, f := range files {
		for dir := path.Dir(strings.ToLower(f.Name)); dir != "."; dir = path.Dir(dir) {
			if seen[dir] {
				return errs.E(errs.Invalid, "%q is a file and a folder in the backup; it is refused", dir)
			}
		}
	}
	return nil
}
