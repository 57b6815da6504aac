//go:build !offline

package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// Where no person looks, the log is for programs; the flag and the environment have the last word.
func TestTheFormOfTheLog(t *testing.T) {
	for name, k := range map[string]struct {
		flag string
		env  map[string]string
		json bool
	}{
		"no terminal":           {logAuto, nil, true},
		"a service":             {logAuto, map[string]string{"JOURNAL_STREAM": "8:1"}, true},
		"text by the flag":      {logText, map[string]string{"JOURNAL_STREAM": "8:1"}, false},
		"text by environment":   {logAuto, map[string]string{"SPECTER_LOGFORMAT": "text"}, false},
		"flag over environment": {logJSON, map[string]string{"SPECTER_LOGFORMAT": "text"}, true},
		"a pattern of Python's": {logAuto, map[string]string{"SPECTER_LOGFORMAT": "[%(levelname)7s] %(message)s"}, true},
	} {
		var out bytes.Buffer
		h := host{stderr: &out, env: func(n string) (string, bool) { v, ok := k.env[n]; return v, ok }}
		log, lines := logger(h, k.flag, false)
		log.Warn("hello", "client", "192.0.2.1")
		log.Debug("not this")
		if got := json.Valid(out.Bytes()); got != k.json {
			t.Errorf("%s: %s", name, &out)
		}
		if kept := lines.Lines(); len(kept) != 1 || !strings.Contains(kept[0], "192.0.2.1") || strings.TrimSpace(out.String()) != kept[0] {
			t.Errorf("%s keeps %q", name, kept)
		}
	}
}
