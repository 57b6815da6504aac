package legacy

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"slices"
	"time"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// ArchiveName is what the old program calls its backup.
const ArchiveName = "specter-backup.zip"

// Archive makes the old program's backup: one user's wallets of one network in their export form,
// and their devices. It holds no private keys, and neither frozen coins nor pending payments, as
// the old program's has none. What it cannot have is a line of the report.
func Archive(ctx context.Context, r Rooms, facts Facts, userID string, n btc.Network) ([]byte, *Report, error) {
	if r.Now == nil {
		r.Now = time.Now
	}
	b := newBack(ctx, r, facts, BackOptions{})
	b.rep.From, b.pages = ArchiveName, &pages{}
	users, err := r.Auth.Users(ctx)
	if err != nil {
		return nil, nil, err
	}
	at := slices.IndexFunc(users, func(u auth.User) bool { return u.ID == userID })
	if at < 0 {
		return nil, nil, errs.E(errs.NotFound, "there is no such user")
	}
	b.users = users[at : at+1]
	if b.uid, err = r.Nodes.UID(ctx); err != nil {
		return nil, nil, err
	}
	for _, step := range []func() error{b.readKept, b.devices, func() error { return b.exported(b.users[0], n) }} {
		if err := step(); err != nil {
			return nil, nil, err
		}
	}
	data, err := b.pages.zip(r.Now())
	return data, b.rep, err
}

// exported writes the wallets of a network as one is exported: with their labels by their words.
func (b *back) exported(u auth.User, n btc.Network) error {
	list, err := b.r.Wallets.List(b.ctx, wallet.Owner(u.ID), n)
	if err != nil {
		return err
	}
	for _, r := range list {
		o, err := b.export(u, r)
		if err != nil || o == nil {
			if err != nil {
				return err
			}
			continue
		}
		alias := b.oldAlias("wallet", u.ID, int64(r.ID), "wallets", r.Alias)
		o.put("alias", alias)
		if err := b.json("wallets/"+alias+".json", o); err != nil {
			return err
		}
		b.line("wallet", u.Name, r.Name, Written, "%s", r.Network.String())
	}
	return nil
}

// pages are files that are written in memory.
type pages struct {
	names []string
	files map[string]*page
}

type page struct{ bytes.Buffer }

func (*page) Close() error { return nil }

func (p *pages) create(name string) (io.WriteCloser, error) {
	if p.files == nil {
		p.files = map[string]*page{}
	}
	if p.files[name] != nil {
		return nil, errs.E(errs.Internal, "%q is written twice", name)
	}
	f := &page{}
	p.files[name], p.names = f, append(p.names, name)
	return f, nil
}

func (p *pages) zip(at time.Time) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range p.names {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: at})
		if err == nil {
			_, err = w.Write(p.files[name].Bytes())
		}
		if err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return out.Bytes(), err
}
