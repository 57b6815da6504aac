package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/legacy"
	"specter/internal/wallet"
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

// ExportArchive makes the old Specter's backup zip: a user's wallets of a network, and their
// devices. nil: of the only network that the user has wallets of; errs.Invalid where there are more.
func (d *Desk) ExportArchive(ctx context.Context, userID string, n *btc.Network) ([]byte, *legacy.Report, error) {
	if n == nil {
		list, err := d.Wallets(ctx, userID)
		if err != nil {
			return nil, nil, err
		}
		for _, w := range list {
			if n != nil && *n != w.Network {
				return nil, nil, errs.E(errs.Invalid, "the old program's backup has the wallets of one network; name it with --network")
			}
			n = &w.Network
		}
		if n == nil {
			n = new(btc.Network)
			*n = btc.Mainnet
		}
	}
	return legacy.Archive(ctx, d.app.oldRooms(), d.app.db, userID, *n)
}

// oldBackup is the same for the page, of the network that is active.
func (a *App) oldBackup(ctx context.Context, userID string, n btc.Network) (wallet.File, error) {
	data, _, err := legacy.Archive(ctx, a.oldRooms(), a.db, userID, n)
	return wallet.File{Name: legacy.ArchiveName, Type: "application/zip", Data: data}, err
}

// oldFolder is a line for whoever starts this program beside an old Specter's files; "" where
// there are none, or they were taken over.
func (a *App) oldFolder(ctx context.Context) string {
	if a.importer.OldFolder(ctx) == "" {
		return ""
	}
	return "An old Specter's wallets, devices and users lie in " + a.folder.path + ". Take them over on the page that opens after the set-up, or stop this program and run: specter import\n"
}
