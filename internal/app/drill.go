package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"specter/internal/backup"
	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/errs"
	"specter/internal/safe"
	"specter/internal/store"
	"specter/internal/wallet"
)

// Drill is what a restore drill proved.
type Drill struct {
	Manifest  backup.Manifest `json:"manifest"`
	Wallets   int             `json:"wallets"`
	Addresses int             `json:"addresses"` // derived from descriptors and found equal to what is stored
	Devices   int             `json:"devices"`
	Labels    int64           `json:"labels"`
	Drafts    int             `json:"drafts"` // whose PSBT was read
	Users     int             `json:"users"`
	Tokens    int             `json:"tokens"`  // of living users
	Secrets   string          `json:"secrets"` // opened, or why not
	Problems  []string        `json:"problems"`
}

// perBranch is how many addresses of each branch a drill derives.
const perBranch = 5

// RunDrill restores a backup into a temporary folder, opens everything in it, and removes it
// again. What is wrong with single things is told in Problems; an error means that the backup as a
// whole cannot be restored.
func RunDrill(ctx context.Context, file string, k backup.Keys) (d Drill, err error) {
	f, err := os.Open(file)
	if err != nil {
		return d, errs.E(errs.Unavailable, "the backup cannot be opened: %w", err)
	}
	defer f.Close()
	clearDrills()
	top, err := os.MkdirTemp("", drillPrefix)
	if err != nil {
		return d, errs.E(errs.Unavailable, "there is no room for the drill: %w", err)
	}
	held, err := openFolder(top)
	if err != nil {
		return d, errors.Join(err, os.RemoveAll(top))
	}
	defer func() { err = errors.Join(err, held.Close(), os.RemoveAll(top)) }()
	folder := filepath.Join(top, "data")
	if d.Manifest, err = unpack(ctx, f, k, folder); err != nil {
		return d, err
	}
	db, err := store.Open(ctx, filepath.Join(folder, databaseFile))
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	d.Problems = []string{}
	counts, err := db.Counts(ctx)
	if err != nil {
		return d, err
	}
	d.Labels = counts["labels"]
	if err := d.secrets(ctx, db, folder); err != nil {
		return d, err
	}
	if err := d.wallets(ctx, db); err != nil {
		return d, err
	}
	return d, d.people(ctx, db)
}

// drillPrefix begins the names of folders for drills among the temporary files.
const drillPrefix = "specter-drill-"

// clearDrills removes what drills that were killed have left: a whole state lies there. A folder
// that is locked belongs to a drill that runs, and one of another user cannot be removed.
func clearDrills() {
	left, _ := named(os.TempDir(), drillPrefix)
	for _, path := range left {
		info, err := os.Lstat(path)
		if err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 || time.Since(info.ModTime()) < time.Minute {
			continue // none of ours, or one that has only just begun
		}
		f, err := os.OpenFile(filepath.Join(path, lockName), os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if lockFile(f) == nil {
			_ = os.RemoveAll(path)
		}
		_ = f.Close()
	}
}

func (d *Drill) problem(format string, args ...any) {
	if len(d.Problems) < 1000 {
		d.Problems = append(d.Problems, fmt.Sprintf(format, args...))
	}
}

// secrets opens the safe with the key file that is in the backup.
func (d *Drill) secrets(ctx context.Context, db *store.DB, folder string) error {
	wraps, err := db.Wraps(ctx)
	if err != nil {
		return err
	}
	key, err := readKeyFile(filepath.Join(folder, KeyFileName))
	switch {
	case !wraps.Any():
		d.Secrets = "there are none"
	case err != nil && wraps.HasPassword():
		d.Secrets = "they open with the owner's password, which was not asked for"
		return nil
	case err != nil:
		d.problem("the stored secrets cannot be opened: the backup holds no key file")
	default:
		var s safe.Safe
		if err := s.OpenFile(wraps, key); err != nil {
			d.problem("the stored secrets cannot be opened with the key file in the backup: %v", err)
			return nil
		}
		db.Guard(&s)
		if _, err := db.Settings(ctx, ""); err != nil {
			d.problem("the stored secrets cannot be read: %v", err)
			return nil
		}
		if _, err := db.Nodes(ctx); err != nil {
			d.problem("the nodes cannot be read: %v", err)
			return nil
		}
		d.Secrets = "opened with the key file in the backup"
	}
	return nil
}

// wallets derives addresses from every descriptor and reads every draft.
func (d *Drill) wallets(ctx context.Context, db *store.DB) error {
	all, err := db.AllWallets(ctx)
	if err != nil {
		return err
	}
	for _, w := range all {
		d.Wallets++
		n, err := deriveFirst(ctx, db, w)
		if d.Addresses += n; err != nil {
			d.problem("the wallet %q: %v", w.Name, err)
		}
		drafts, err := db.Drafts(ctx, w.ID)
		if err != nil {
			return err
		}
		for _, one := range drafts {
			if _, err := psbt.Parse(one.PSBT); err != nil {
				d.problem("a draft of the wallet %q cannot be read: %v", w.Name, err)
				continue
			}
			d.Drafts++
		}
	}
	return nil
}

// deriveFirst derives the first addresses of each branch and holds them against those stored.
func deriveFirst(ctx context.Context, db *store.DB, w wallet.Record) (n int, err error) {
	desc, err := descriptor.Parse(w.Descriptor, descriptor.Options{Network: &w.Network})
	if err != nil {
		return 0, err
	}
	for b := range desc.Branches() {
		branch, err := desc.Branch(b)
		if err != nil {
			return n, err
		}
		stored, err := db.AddressesFrom(ctx, w.ID, uint32(b), 0, perBranch)
		if err != nil {
			return n, err
		}
		if len(stored) == 0 {
			return n, errs.E(errs.Invalid, "it has no addresses")
		}
		for _, a := range stored {
			out, err := branch.Derive(a.Index)
			if err != nil {
				return n, err
			}
			if text, _ := out.Address(w.Network); !bytes.Equal(out.Script, a.Script) || text != a.Address {
				return n, errs.E(errs.Invalid, "its descriptor derives %s where %s is stored", text, a.Address)
			}
			n++
		}
	}
	return n, nil
}

// people reads users, their devices with every key, and their tokens.
func (d *Drill) people(ctx context.Context, db *store.DB) error {
	users, err := db.Users(ctx)
	if err != nil {
		return err
	}
	d.Users = len(users)
	for _, u := range users {
		devices, err := db.Devices(ctx, u.ID)
		if err != nil {
			return err
		}
		for _, one := range devices {
			d.Devices++
			for _, k := range one.Keys {
				if _, _, err := btc.ParseXKey(k.XPub); err != nil {
					d.problem("a key of the device %q cannot be read: %v", one.Name, err)
				}
			}
		}
		tokens, err := db.Tokens(ctx, u.ID)
		if err != nil {
			return err
		}
		for _, t := range tokens {
			if _, owner, hash, err := db.TokenByID(ctx, t.ID); err != nil || owner.ID != u.ID || len(hash) != 32 {
				d.problem("the token %q does not verify", t.Description)
				continue
			}
			d.Tokens++
		}
	}
	return nil
}
