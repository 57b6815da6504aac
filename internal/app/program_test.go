package app

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"specter/internal/errs"
	"specter/internal/setting"
)

func TestTheLogsLevelChangesWhileItRunsAndHoldsAfterwards(t *testing.T) {
	lines := &Log{}
	log := slog.New(slog.NewTextHandler(lines, &slog.HandlerOptions{Level: &lines.Level}))
	h := open(t, Config{Demo: &Demo{}, Log: log, Lines: lines})
	ctx := context.Background()
	says := func(level setting.Program, want string) {
		t.Helper()
		if _, err := h.program.ChangeProgram(ctx, func(p *setting.Program) error { p.LogLevel = level.LogLevel; return nil }); err != nil {
			t.Fatal(err)
		}
		from := len(lines.Lines())
		log.Debug("a-small-thing")
		log.Info("a-thing")
		log.Warn("a-trouble")
		got := strings.Join(lines.Lines()[from:], "\n")
		for _, word := range []string{"a-small-thing", "a-thing", "a-trouble"} {
			if strings.Contains(got, word) != strings.Contains(want, word) {
				t.Errorf("at %s the log says %q", level.LogLevel, got)
			}
		}
	}
	says(setting.Program{LogLevel: "debug"}, "a-small-thing a-thing a-trouble")
	says(setting.Program{LogLevel: "info"}, "a-thing a-trouble")
	says(setting.Program{LogLevel: "warn"}, "a-trouble")
	lines.Level.Set(slog.LevelInfo)
	h = h.reopen()
	if lines.Level.Level() != slog.LevelWarn {
		t.Errorf("after a new start the level is %v", lines.Level.Level())
	}
	h.cfg.Debug = true
	lines.Level.Set(slog.LevelDebug)
	h.reopen()
	if lines.Level.Level() != slog.LevelDebug {
		t.Errorf("the command line's level is not kept: %v", lines.Level.Level())
	}
}

func TestTheLastLinesAreKeptAndNoMore(t *testing.T) {
	l := &Log{}
	for range maxLines + 10 {
		_, _ = l.Write([]byte("old\n"))
	}
	_, _ = l.Write([]byte("half"))
	_, _ = l.Write([]byte(" a line\nnext\n" + strings.Repeat("x", 10_000) + "\n"))
	got := l.Lines()
	if len(got) != maxLines || got[len(got)-3] != "half a line" || got[len(got)-2] != "next" || len(got[len(got)-1]) != maxLine {
		t.Errorf("%d lines, the last: %.40q", len(got), got[len(got)-3:])
	}
}

func TestCompactingGivesRoomBack(t *testing.T) {
	h := open(t, Config{Demo: &Demo{}})
	ctx := context.Background()
	values := map[string]string{}
	for i := range 400 {
		values[strings.Repeat("n", i+1)] = strings.Repeat("v", 10_000)
	}
	if err := h.db.PutSettings(ctx, demoOwner, values); err != nil {
		t.Fatal(err)
	}
	for name := range values {
		values[name] = ""
	}
	if err := h.db.PutSettings(ctx, demoOwner, values); err != nil {
		t.Fatal(err)
	}
	full, err := h.program.Storage(ctx)
	if err != nil || full.Spare < 3_000_000 || full.Free <= 0 || len(full.Rows) < 10 || full.Rows[0].Count < full.Rows[1].Count {
		t.Fatalf("storage %+v, %v", full, err)
	}
	before, after, err := h.program.Compact(ctx)
	if err != nil || after > before-3_000_000 {
		t.Errorf("from %d to %d bytes, %v", before, after, err)
	}
	left, err := h.program.Storage(ctx)
	if err != nil || left.Spare > full.Spare/10 {
		t.Errorf("still unused: %d, %v", left.Spare, err)
	}
	if h.record(walletRef("spending")).Balance.Total() == 0 {
		t.Error("the wallets are gone")
	}
	h.program.busy.Lock()
	if _, _, err := h.program.Compact(ctx); !errs.Is(err, errs.Conflict) {
		t.Errorf("a second time at once: %v", err)
	}
	h.program.busy.Unlock()
}
