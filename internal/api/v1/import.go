package v1

import (
	"context"
	"encoding/base64"

	"specter/internal/auth"
	"specter/internal/errs"
)

// Imports takes an old Specter over in the background, for the owner alone.
type Imports interface {
	// Import begins to look at an old Specter, or with take to take it over. errs.Conflict while
	// one is under way, errs.Invalid or errs.Unavailable where it cannot be opened.
	Import(ctx context.Context, q ImportRequest, take bool) error
	// Imported tells how far it is, or what came of the last one.
	Imported() Import
}

// ImportRequest names an old Specter.
type ImportRequest struct {
	Name      string // a folder or file on this computer; with Data the sent file's name
	Data      []byte // what was sent; nil: Name is a path
	SecretKey string // the old program's SECRET_KEY; "": not known
	Again     bool   // what was taken over before and deleted here since comes back
}

// Import is how far one is, or what came of it.
type Import struct {
	From        string
	Running     bool
	Dry         bool // nothing is changed
	Done, Total int  // cached transactions
	Lines       []ImportLine
	Problems    []string
	Trouble     error // why it ended early; nil: it did not
}

// ImportLine is what became of one thing, or would.
type ImportLine struct {
	Kind, User, Name, Outcome, Detail string
}

// importInput asks to look at an old Specter or to take it over.
type importInput struct {
	Folder    string `json:"folder"`
	FileName  string `json:"file_name"`
	File      string `json:"file"`
	SecretKey string `json:"secret_key"`
	Again     bool   `json:"again"`
	Take      bool   `json:"take"`
}

// importView tells how far it is.
type importView struct {
	State    string           `json:"state"`
	From     string           `json:"from"`
	DryRun   bool             `json:"dry_run"`
	Done     int              `json:"transactions_done"`
	Total    int              `json:"transactions"`
	Lines    []importLineView `json:"lines"`
	Problems []string         `json:"problems"`
	Trouble  string           `json:"trouble"`
}

type importLineView struct {
	Kind    string `json:"kind"`
	User    string `json:"user"`
	Name    string `json:"name"`
	Outcome string `json:"outcome"`
	Detail  string `json:"detail"`
}

// importRoutes: an old Specter is looked at, and taken over.
func importRoutes() []Route {
	return []Route{
		{"GET", "/program/import", auth.Admin, OwnerOnly, Whole, "readImport", getImport, options{out: importView{}}},
		{"GET", "/me/specter-backup", auth.Read, AnyUser, Whole, "readOldBackup", getOldBackup, options{file: "application/zip"}},
		{"POST", "/program/import", auth.Admin, OwnerOnly, Whole, "importOldSpecter", postImport, options{in: importInput{}, out: importView{}, status: 202}},
	}
}

var errNoImports = errs.E(errs.Unavailable, "nothing can be taken over here")

func viewImport(i Import) importView {
	v := importView{State: "idle", From: i.From, DryRun: i.Dry, Done: i.Done, Total: i.Total, Problems: append([]string{}, i.Problems...),
		Lines: mapped(i.Lines, func(l ImportLine) importLineView { return importLineView(l) })}
	switch {
	case i.Running:
		v.State = "running"
	case i.Trouble != nil:
		v.State, v.Trouble = "failed", "something went wrong inside this program; its log tells more"
		if !errs.Is(i.Trouble, errs.Internal) {
			v.Trouble = i.Trouble.Error()
		}
	case i.From != "":
		v.State = "done"
	}
	return v
}

func getImport(c *call) (any, error) {
	if c.s.c.Imports == nil {
		return nil, errNoImports
	}
	return viewImport(c.s.c.Imports.Imported()), nil
}

// getOldBackup hands out one's own wallets and devices as the old program's backup.
func getOldBackup(c *call) (any, error) {
	if c.s.c.OldBackup == nil {
		return nil, errs.E(errs.Unavailable, "there is no such file here")
	}
	return c.s.c.OldBackup(c.ctx(), c.user(), c.network)
}

func postImport(c *call) (any, error) {
	var in importInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	q := ImportRequest{Name: in.Folder, SecretKey: in.SecretKey, Again: in.Again}
	switch {
	case (in.Folder == "") == (in.File == ""):
		return nil, invalid("folder", "name a folder on Specter's own computer, or send a file")
	case len(in.Folder) > 4096 || len(in.FileName) > 4096 || len(in.SecretKey) > 4096:
		return nil, invalid("folder", "that is longer than any path or key")
	case in.File != "":
		data, err := base64.StdEncoding.DecodeString(in.File)
		if err != nil || len(data) == 0 {
			return nil, invalid("file", "the file is to be sent as base64")
		}
		q.Name, q.Data = in.FileName, data
	}
	if c.s.c.Imports == nil {
		return nil, errNoImports
	}
	if err := c.s.c.Imports.Import(c.ctx(), q, in.Take); err != nil {
		return nil, err
	}
	return viewImport(c.s.c.Imports.Imported()), nil
}
