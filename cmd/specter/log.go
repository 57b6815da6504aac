//go:build !offline

package main

import (
	"io"
	"log/slog"

	"specter/internal/app"
)

// The forms of the log.
const (
	logAuto = "auto" // text on a terminal, JSON elsewhere
	logText = "text"
	logJSON = "json"
)

// logForm decides the form: the flag, the environment (where the old Specter may have left a
// pattern of Python's, which says nothing here), else what the log goes to.
func logForm(h host, flag string) string {
	env, _ := h.env("SPECTER_LOGFORMAT")
	for _, said := range []string{flag, env} {
		if said == logText || said == logJSON {
			return said
		}
	}
	if _, service := h.env("JOURNAL_STREAM"); !service && terminal(h.stderr) {
		return logText
	}
	return logJSON
}

// logger writes the log in a form, and keeps the last lines for the owner's page.
func logger(h host, form string, debug bool) (*slog.Logger, *app.Log) {
	lines := &app.Log{}
	if debug {
		lines.Level.Set(slog.LevelDebug)
	}
	w, o := io.MultiWriter(lines, h.stderr), &slog.HandlerOptions{Level: &lines.Level}
	if logForm(h, form) == logJSON {
		return slog.New(slog.NewJSONHandler(w, o)), lines
	}
	if terminal(h.stderr) { // a person reads it while it happens: the day is known
		o.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				a.Value = slog.StringValue(a.Value.Time().Local().Format("15:04:05"))
			}
			return a
		}
	}
	return slog.New(slog.NewTextHandler(w, o)), lines
}
