//go:build !offline

package main

import (
	"strings"
	"testing"
)

// Whatever stands on standard input becomes arguments or an error.
func FuzzHWIArguments(f *testing.F) {
	for _, s := range []string{"signtx \"cHNi\"\n\n", "signmessage 'it''s' m/0\n", "--chain regtest\nenumerate\n", "\\\n", "-fx --chain=main getkeypool 0 1 --path m/*\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		h := host{stdin: strings.NewReader(in), stderr: &strings.Builder{}}
		c, err := parseHWI(h, []string{"--stdin"})
		if err == nil && !c.version && len(c.args) != len(hwiCommands[c.command].args) {
			t.Errorf("%q: %+v", in, c)
		}
	})
}
