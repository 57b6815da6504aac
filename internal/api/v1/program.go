package v1

import (
	"context"
	"strings"

	"specter/internal/errs"
	"specter/internal/setting"
	"specter/internal/wallet"
)

// Program is what the API asks of the program itself, for the owner alone.
type Program interface {
	// ChangeProgram stores what the owner decides and puts it into force at once.
	ChangeProgram(ctx context.Context, change func(*setting.Program) error) (setting.Program, error)
	// LogLines are the last lines of the log, oldest first.
	LogLines() []string
	Storage(ctx context.Context) (setting.Storage, error)
	// Compact writes the database anew without its gaps; errs.Conflict while it is at it.
	Compact(ctx context.Context) (before, after int64, err error)
}

// programView is what the owner has decided for everybody.
type programView struct {
	OutsideServices bool   `json:"outside_services"`
	Proxy           string `json:"proxy"`
	ProxyOnly       bool   `json:"proxy_only"`
	LogLevel        string `json:"log_level"`
}

// programPatch changes some of it.
type programPatch struct {
	OutsideServices *bool   `json:"outside_services"`
	Proxy           *string `json:"proxy"`
	ProxyOnly       *bool   `json:"proxy_only"`
	LogLevel        *string `json:"log_level"`
}

// storageView is what the data takes up, in bytes.
type storageView struct {
	DatabaseBytes int64      `json:"database_bytes"`
	SpareBytes    int64      `json:"spare_bytes"`
	FreeBytes     *int64     `json:"free_bytes"`
	Tables        []rowsView `json:"tables"`
}

type rowsView struct {
	Table string `json:"table"`
	Rows  int64  `json:"rows"`
}

func viewProgram(p setting.Program) programView {
	return programView{OutsideServices: p.Outside, Proxy: p.Proxy, ProxyOnly: p.ProxyOnly, LogLevel: p.LogLevel}
}

// program is the program itself, where this API has it.
func (c *call) program() (Program, error) {
	if c.s.c.Program == nil {
		return nil, errs.E(errs.Unavailable, "this program has no settings of its own here")
	}
	return c.s.c.Program, nil
}

func getProgram(c *call) (any, error) {
	p, err := c.s.settings.Program(c.ctx())
	return viewProgram(p), err
}

func patchProgram(c *call) (any, error) {
	var in programPatch
	if err := c.take(&in); err != nil {
		return nil, err
	}
	program, err := c.program()
	if err != nil {
		return nil, err
	}
	after, err := program.ChangeProgram(c.ctx(), func(p *setting.Program) error {
		over(&p.Outside, in.OutsideServices)
		over(&p.Proxy, in.Proxy)
		over(&p.ProxyOnly, in.ProxyOnly)
		over(&p.LogLevel, in.LogLevel)
		return nil
	})
	return viewProgram(after), err
}

func getLog(c *call) (any, error) {
	program, err := c.program()
	if err != nil {
		return nil, err
	}
	return wallet.File{Name: "specter-log.txt", Type: "text/plain; charset=utf-8", Data: []byte(strings.Join(program.LogLines(), "\n") + "\n")}, nil
}

func viewStorage(s setting.Storage) storageView {
	v := storageView{DatabaseBytes: s.Database, SpareBytes: s.Spare, Tables: mapped(s.Rows, func(r setting.Rows) rowsView { return rowsView{r.Table, r.Count} })}
	if s.Free >= 0 {
		v.FreeBytes = &s.Free
	}
	return v
}

func getStorage(c *call) (any, error) {
	program, err := c.program()
	if err != nil {
		return nil, err
	}
	s, err := program.Storage(c.ctx())
	return viewStorage(s), err
}

func postCompact(c *call) (any, error) {
	program, err := c.program()
	if err != nil {
		return nil, err
	}
	if _, _, err := program.Compact(c.ctx()); err != nil {
		return nil, err
	}
	return getStorage(c)
}
