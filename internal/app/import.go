package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"specter/internal/btc"
	"specter/internal/legacy"
)

// ImportOptions say how an old Specter's folder is taken over.
type ImportOptions struct {
	Dry       bool
	Again     bool         // what was deleted here since the last time comes back
	SecretKey string       // the old program's SECRET_KEY; "": not known
	Network   *btc.Network // of wallets that tell none; nil: it is found out
	Progress  func(done, total int)
}

// OpenImport opens the data folder for taking an old Specter over, and makes it where it is not
// there. For a dry run on a folder that is not there, an empty one lives until Close.
func OpenImport(ctx context.Context, c Config, dry bool) (*Desk, error) {
	if !dry {
		return OpenDesk(ctx, c, true)
	}
	if _, err := os.Stat(filepath.Join(c.DataDir, databaseFile)); err == nil {
		return OpenDesk(ctx, c, false)
	}
	empty, err := os.MkdirTemp("", "specter-dry-run-")
	if err != nil {
		return nil, err
	}
	c.DataDir = empty
	d, err := OpenDesk(ctx, c, true)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(empty))
	}
	d.temporary = empty
	return d, nil
}

// Import takes over what an old Specter kept: its data folder, a zip of it, or a single file. It
// is read only. The report tells what was taken, what was not and why; it comes with an error
// too, as far as things went.
func (d *Desk) Import(ctx context.Context, path string, o ImportOptions) (*legacy.Report, error) {
	source, err := legacy.Open(path)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	found, err := legacy.Read(source, o.Network)
	if err != nil {
		return nil, err
	}
	a := d.app
	rooms := legacy.Rooms{Auth: a.auth, Nodes: a.nodes, Devices: a.devices, Wallets: a.wallets, Settings: a.settings, Words: a.db, Memory: a.db, Now: a.c.Now}
	return legacy.Take(ctx, source, found, rooms, legacy.Options{Dry: o.Dry, Again: o.Again, SecretKey: []byte(o.SecretKey), Progress: o.Progress})
}

// oldFolder is a line for whoever starts this program beside an old Specter's files; "" where
// there are none, or they were taken over.
func (a *App) oldFolder(ctx context.Context) string {
	if a.chain != nil || !legacy.Lives(a.folder.path) {
		return ""
	}
	if done, err := a.db.ImportedAny(ctx); done || err != nil {
		return ""
	}
	return "An old Specter's wallets, devices and users lie in " + a.folder.path + ". To take them over, stop this program and run: specter import\n"
}
