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
	return d.app.takeOver(ctx, source, found, o)
}

// takeOver hands over what was found.
func (a *App) takeOver(ctx context.Context, source *legacy.Source, found *legacy.Found, o ImportOptions) (*legacy.Report, error) {
	return legacy.Take(ctx, source, found, a.oldRooms(), legacy.Options{Dry: o.Dry, Again: o.Again, SecretKey: []byte(o.SecretKey), Progress: o.Progress})
}

// oldRooms are the doors between an old Specter and this one, in both directions.
func (a *App) oldRooms() legacy.Rooms {
	return legacy.Rooms{Auth: a.auth, Nodes: a.nodes, Devices: a.devices, Wallets: a.wallets, Settings: a.settings, Words: a.db, Memory: a.db, Files: a.own(), Now: a.c.Now}
}

// Export writes what is here as a data folder of the old Specter. The folder must be empty or not
// there. With passwords, users whose password the old program cannot use get one-time ones.
func (d *Desk) Export(ctx context.Context, folder string, passwords bool) (*legacy.Report, []legacy.Password, error) {
	return legacy.Back(ctx, folder, d.app.oldRooms(), d.app.db, legacy.BackOptions{Passwords: passwords})
}

// oldFolder is a line for whoever starts this program beside an old Specter's files; "" where
// there are none, or they were taken over.
func (a *App) oldFolder(ctx context.Context) string {
	if a.importer.OldFolder(ctx) == "" {
		return ""
	}
	return "An old Specter's wallets, devices and users lie in " + a.folder.path + ". Take them over on the page that opens after the set-up, or stop this program and run: specter import\n"
}
