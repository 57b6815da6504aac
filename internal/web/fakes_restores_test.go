package web_test

import (
	"context"
	"io"
	"time"

	"specter/internal/auth"
	"specter/internal/backup"
	"specter/internal/errs"
	"specter/internal/web"
)

// restorer restores as the pages see it: one passphrase opens one file.
type restorer struct {
	state  web.RestoreState
	sent   string // what came of the file
	out    web.RestoreOutcome
	done   bool
	poison string
	fast   time.Duration
}

// newRestorer has something to show at once where what is shown is poisoned.
func newRestorer(poison string) *restorer {
	k := &restorer{poison: poison}
	if poison != "" {
		k.state.Found = k.found("file" + poison)
	}
	return k
}

const backupWord = "four words that open"

func (k *restorer) RestoreState() web.RestoreState { return k.state }
func (k *restorer) TakeBackup(_ context.Context, name string, _ int64, body io.Reader) error {
	data, err := io.ReadAll(body)
	if err != nil {
		return errs.E(errs.Invalid, "the file broke off on its way")
	}
	k.sent = string(data)
	if kind := backup.Recognise(data); kind != backup.ByPassphrase && kind != backup.ByKey {
		return &backup.Foreign{Kind: kind}
	}
	k.state = web.RestoreState{File: name, Back: k.state.Back}
	return nil
}
func (k *restorer) LookAtBackup(_ context.Context, secret string) error {
	switch {
	case k.fast > 0:
		return &auth.TooFast{Wait: k.fast}
	case k.state.File == "":
		return errs.E(errs.Invalid, "choose the file of the backup")
	case secret != backupWord:
		return errs.E(errs.Denied, "this passphrase or key does not open the backup")
	}
	k.state = web.RestoreState{Found: k.found(k.state.File), Back: k.state.Back}
	return nil
}
func (k *restorer) LookBack(context.Context) error {
	if k.state.Back.IsZero() {
		return errs.E(errs.Conflict, "no restore has set a state aside here")
	}
	k.state.Found = k.found("")
	return nil
}
func (k *restorer) DropBackup() { k.state = web.RestoreState{Back: k.state.Back} }
func (k *restorer) Restore(_ context.Context, id, _ string) (string, error) {
	if k.state.Found == nil || id != k.state.Found.ID {
		return "", errs.E(errs.Conflict, "what you have looked at is not there any more")
	}
	k.done = true
	return "the-ticket", nil
}
func (k *restorer) Restored(ticket string) (web.RestoreOutcome, bool) {
	return k.out, k.done && ticket == "the-ticket"
}

// found is a comparison with something of every sort.
func (k *restorer) found(file string) *web.RestoreFound {
	f := &web.RestoreFound{ID: "found-1", File: file, Made: time.Unix(1_790_000_000, 0), Program: "2.0" + k.poison, Method: auth.MethodUsers, Owner: "satoshi" + k.poison, Proved: 20,
		Problems: []string{"the wallet \"Old\" has no addresses" + k.poison}}
	for _, kind := range []string{"user", "node", "device", "wallet", "label", "frozen", "draft", "token", "setting"} {
		f.Kinds = append(f.Kinds, web.RestoreKind{Kind: kind, Here: 3, There: 4, Same: 1, Gone: []string{kind + " gone" + k.poison}, New: []string{kind + " new", kind + " newer" + k.poison}, Changed: []string{kind + " changed" + k.poison}, More: 7})
	}
	return f
}
