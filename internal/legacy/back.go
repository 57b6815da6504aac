package legacy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/auth"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// Facts are the rows of wallets that are written out by the thousand.
type Facts interface {
	HistoryRows(ctx context.Context, ids []wallet.ID, p wallet.Page) ([]wallet.RowID, error)
	HistoryAt(ctx context.Context, ids []wallet.ID, rows []wallet.RowID) ([]wallet.HistoryRow, error)
	AddressesFrom(ctx context.Context, id wallet.ID, branch, from uint32, n int) ([]wallet.AddressRow, error)
	RawTx(ctx context.Context, id wallet.ID, txid chainhash.Hash) ([]byte, error)
	// ImportedOf lists what was noted of the things of a kind when they were taken over.
	ImportedOf(ctx context.Context, kind string, each func(owner, name, ref string, value []byte) error) error
}

// BackOptions say how the way back is written.
type BackOptions struct {
	// Passwords makes one-time passwords for users whose old hash is not known any more; otherwise
	// nobody can log in as them until one is set there.
	Passwords bool
}

// Written is the outcome of a thing that stands in the old program's folder now.
const Written Outcome = "written"

// Password is a one-time password that was made for the old program.
type Password struct{ User, Password string }

// back writes a folder.
type back struct {
	ctx   context.Context
	r     Rooms
	facts Facts
	o     BackOptions
	root  *os.Root
	pages *pages // in the place of root: the old program's backup of one user
	rep   *Report
	uid   string
	users []auth.User
	ids   map[string]string // the old program's, by ours
	names map[string]string // of users, by ours
	kept  map[string][]byte // what was kept as it was, by its file; of the owner's and everybody's

	written map[string][]byte // what the old program wrote of things that are here, by file
	old     map[string]string // aliases that things had there, by kind, owner and what they are here
	aliases map[string]string // of nodes and devices as they are written, by kind and id
	made    []Password
}

// Back writes what is here as a data folder of the old Specter (version 2.1). The folder must not
// be there, or be empty; it appears whole, or not at all. What the old program cannot have is a
// line of the report.
func Back(ctx context.Context, dir string, r Rooms, facts Facts, o BackOptions) (*Report, []Password, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, nil, err
	}
	if err := vacant(dir); err != nil {
		return nil, nil, err
	}
	if r.Now == nil {
		r.Now = time.Now
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return nil, nil, errs.E(errs.Unavailable, "the folder %s cannot be made: %w", filepath.Dir(dir), err)
	}
	part, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+"-part-")
	if err != nil {
		return nil, nil, errs.E(errs.Unavailable, "the folder %s cannot be written: %w", filepath.Dir(dir), err)
	}
	b := newBack(ctx, r, facts, o)
	b.rep.From = dir
	err = b.all(part)
	if err == nil {
		err = replaceEmpty(part, dir)
	}
	if err != nil {
		return b.rep, nil, errors.Join(err, os.RemoveAll(part))
	}
	return b.rep, b.made, nil
}

func newBack(ctx context.Context, r Rooms, facts Facts, o BackOptions) *back {
	return &back{ctx: ctx, r: r, facts: facts, o: o, rep: &Report{}, ids: map[string]string{}, names: map[string]string{}, kept: map[string][]byte{},
		written: map[string][]byte{}, old: map[string]string{}, aliases: map[string]string{}}
}

// vacant refuses a folder that holds anything.
func vacant(dir string) error {
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return errs.E(errs.Unavailable, "%s cannot be opened: %w", dir, err)
	}
	defer d.Close()
	if _, err := d.ReadDir(1); !errors.Is(err, io.EOF) {
		return errs.E(errs.Conflict, "%s is no empty folder; nothing was written. Name one that is not there yet", dir)
	}
	return nil
}

// replaceEmpty puts a finished folder where there is none, or an empty one.
func replaceEmpty(from, to string) error {
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errs.E(errs.Conflict, "%s is not empty any more; nothing was written there", to)
	}
	return os.Rename(from, to)
}

func (b *back) all(dir string) (err error) {
	if b.root, err = os.OpenRoot(dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.root.Close()) }()
	if b.uid, err = b.r.Nodes.UID(b.ctx); err != nil {
		return err
	}
	for _, step := range []func() error{b.readKept, b.people, b.nodes, b.devices, b.wallets, b.config, b.program, b.history, b.rest} {
		if err := step(); err != nil {
			return err
		}
		if err := b.ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// readKept reads what was kept as it was, and what things were called. The first of several old
// Specters counts.
func (b *back) readKept() error {
	err := b.facts.ImportedOf(b.ctx, "kept", func(_, name, _ string, value []byte) error {
		_, file, ok := strings.Cut(name, "/")
		into := b.kept
		if of, is := strings.CutPrefix(file, writtenPrefix); is {
			into, file = b.written, of
		}
		if ok && into[file] == nil {
			into[file] = value
		}
		return nil
	})
	for _, kind := range []string{"node", "device", "wallet"} {
		if err == nil {
			err = b.facts.ImportedOf(b.ctx, kind, func(owner, name, ref string, _ []byte) error {
				_, alias, _ := strings.Cut(name, "/")
				if key := oldKey(kind, owner, ref); b.old[key] == "" {
					b.old[key] = path.Base(alias)
				}
				return nil
			})
		}
	}
	return err
}

func oldKey(kind, owner, ref string) string { return kind + " " + owner + " " + ref }

// oldAlias is the alias that a thing had in the old program, where it came from there and no file
// of that name was written yet; else its alias here, or one with a number.
func (b *back) oldAlias(kind, owner string, id int64, folder, alias string) string {
	free := func(a string) bool {
		return a != "" && usable(a+".json") && !strings.ContainsAny(a, `/\`) && !strings.HasPrefix(a, ".") && !b.has(path.Join(folder, a+".json"))
	}
	if old := b.old[oldKey(kind, owner, strconv.FormatInt(id, 10))]; free(old) {
		return old
	}
	taken := map[string]bool{}
	for key, old := range b.old {
		taken[old] = taken[old] || strings.HasPrefix(key, kind+" "+owner+" ")
	}
	for base, i := alias, 2; taken[alias] || !free(alias); i++ {
		alias = fmt.Sprintf("%s_%d", base, i)
	}
	return alias
}

// keptObject is a kept JSON object; empty where there is none.
func (b *back) keptObject(file string) object {
	var o object
	if raw := b.kept[file]; raw == nil || json.Unmarshal(raw, &o) != nil || o == nil {
		return object{}
	}
	delete(b.kept, file)
	return o
}

func (b *back) line(kind, user, name string, o Outcome, detail string, args ...any) {
	if len(args) > 0 {
		detail = fmt.Sprintf(detail, args...)
	}
	b.rep.Lines = append(b.rep.Lines, Line{kind, shown(user), shown(name), o, detail})
}

// json writes a file as the old program does.
func (b *back) json(name string, v any) error {
	data, err := json.MarshalIndent(v, "", "    ")
	if err != nil {
		return err
	}
	return b.file(name, data)
}

// file writes a file; one that is there already is never written over.
func (b *back) file(name string, data []byte) error {
	f, err := b.create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

func (b *back) create(name string) (io.WriteCloser, error) {
	if b.pages != nil {
		return b.pages.create(name)
	}
	local := filepath.FromSlash(name)
	if !filepath.IsLocal(local) {
		return nil, errs.E(errs.Internal, "%q is no name inside the folder", name)
	}
	if err := b.root.MkdirAll(filepath.Dir(local), 0o700); err != nil {
		return nil, err
	}
	return b.root.OpenFile(local, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

func (b *back) has(name string) bool {
	if b.pages != nil {
		return b.pages.files[name] != nil
	}
	_, err := b.root.Lstat(filepath.FromSlash(name))
	return err == nil
}

// folder is a user's folder of a kind of things.
func (b *back) folder(kind, userID string) string {
	if userID == auth.OwnerID || b.pages != nil {
		return kind
	}
	return kind + "_" + b.ids[userID]
}

// rest writes what was kept and nothing above has used: wallets of Liquid, connections to
// Spectrum, services.
func (b *back) rest() error {
	for _, file := range sortedKeys(b.kept) {
		name := strings.TrimSuffix(file, bkp)
		switch {
		case strings.HasPrefix(file, "users.json/"), file == "otps.json", b.has(name):
			continue // used, or something of that name is newer
		case path.Clean(name) != name || !known(name) || !filepath.IsLocal(filepath.FromSlash(name)) || !usable(path.Base(name)):
			b.line("other", "", file, LeftOut, "this is no name of a file of Specter")
			continue
		}
		if err := b.file(name, b.kept[file]); err != nil {
			return err
		}
		b.line("other", "", name, Written, "as it was taken over")
	}
	return nil
}
