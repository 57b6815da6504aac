package app

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"os"
	"path/filepath"
	"time"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/node"
	"specter/internal/store"
	"specter/internal/wallet"
)

// askFor is how long a login waits for the node.
const askFor = 10 * time.Second

// checkRPC tries a password against the active node, under the user name that was typed when
// the node was connected. The stored password opens too, as in the old Specter: a node that is
// away or starting cannot say, and its owner must reach the pages that mend the connection.
func (a *App) checkRPC(ctx context.Context, password string) error {
	n, err := a.nodes.Active(ctx)
	if errs.Is(err, errs.NotFound) || err == nil && (n.Kind != node.Core || n.Autodetect || n.User == "" || n.Password.IsZero()) {
		return errs.E(errs.Unavailable, "the node was not connected with a name and a password, so there is none to ask for")
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	kept := n.Password
	n.Password, n.CookieFile = node.NewSecret(password), ""
	for _, step := range a.nodes.Test(ctx, n).Steps {
		if step.Name == "login" && step.OK {
			return nil
		}
	}
	have, want := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(kept.Reveal()))
	if subtle.ConstantTimeCompare(have[:], want[:]) == 1 {
		return nil
	}
	return errs.E(errs.Denied, "this is not the node's password")
}

// forgetUser removes what belongs to a user: wallets of every network, here and in the node,
// then devices. Drafts, labels and history go with their wallets, settings with the user's row.
func (a *App) forgetUser(ctx context.Context, userID string) error {
	if userID == "" || userID == auth.OwnerID {
		return errs.E(errs.Denied, "the owner cannot be removed")
	}
	if a.agents != nil {
		a.agents.CutUser(userID) // their rows go with the user's
	}
	for _, n := range btc.Networks() {
		list, err := a.wallets.List(ctx, wallet.Owner(userID), n)
		if err != nil {
			return err
		}
		for _, r := range list {
			if err := a.wallets.Delete(ctx, r.Ref()); err != nil && !errs.Is(err, errs.NotFound) {
				return err
			}
		}
	}
	devices, err := a.devices.List(ctx, userID)
	if err != nil {
		return err
	}
	for _, d := range devices {
		if err := a.db.DeleteDevice(ctx, userID, d.ID); err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
	}
	return nil
}

// Desk is a data folder opened for a command: users, tokens and what they may reach, without
// pages, loops or a node being asked.
type Desk struct {
	Auth *auth.Service
	app  *App

	temporary string // a folder that goes with the desk; "": none
}

// OpenDesk opens the data folder of a Specter that does not run; errs.Conflict when one does.
// Only fresh makes a folder that is not there.
func OpenDesk(ctx context.Context, c Config, fresh bool) (*Desk, error) {
	if _, err := os.Stat(filepath.Join(c.DataDir, databaseFile)); err != nil && !fresh {
		return nil, errs.E(errs.NotFound, "there is no Specter's data in %s; say where it is with --data-dir", c.DataDir)
	}
	a := &App{c: c}
	var err error
	if a.folder, err = openFolder(c.DataDir); err != nil {
		return nil, err
	}
	if a.db, err = store.Open(ctx, a.folder.file(databaseFile)); err == nil {
		err = a.openSecrets(ctx)
	}
	if err == nil && a.secrets.Locked() {
		err = a.openAtDesk(ctx)
	}
	if err == nil {
		err = a.furnish(ctx)
	}
	if err != nil {
		a.close()
		return nil, err
	}
	return &Desk{Auth: a.auth, app: a}, nil
}

// Close gives the folder back.
func (d *Desk) Close() {
	d.app.close()
	if d.temporary != "" {
		if err := os.RemoveAll(d.temporary); err != nil {
			d.app.c.Log.Warn("an empty folder of a dry run stays behind", "folder", d.temporary, "error", err)
		}
	}
}

// Wallets lists a user's wallets of all networks.
func (d *Desk) Wallets(ctx context.Context, userID string) ([]wallet.Record, error) {
	var all []wallet.Record
	for _, n := range btc.Networks() {
		list, err := d.app.wallets.List(ctx, wallet.Owner(userID), n)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}
