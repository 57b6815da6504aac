package main

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// Every verb shows how it is used.
func TestEveryVerbHasAnExample(t *testing.T) {
	var c cli
	k, err := kong.New(&c, kong.Vars{"host": "h", "port": "1"}, kong.Bind(host{}))
	if err != nil {
		t.Fatal(err)
	}
	offline := map[string]bool{}
	for _, leaf := range k.Model.Leaves(true) {
		path := strings.TrimPrefix(leaf.FullPath(), "specter ")
		path = path[strings.Index(path, " ")+1:]
		if leaf.Parent.Type != kong.CommandNode {
			continue // server, demo, version: their flags say it all
		}
		noun, _, _ := strings.Cut(path, " ")
		offline[path] = !slices.Contains([]string{"user", "token", "udev", "service", "secrets", "backup"}, noun) // these work on a data folder or the machine
		if !strings.Contains(leaf.Detail, "Example") || !strings.Contains(leaf.Detail, "specter "+path) || leaf.Help == "" {
			t.Errorf("%s has no example in its help", path)
		}
	}
	for verb := range verbs {
		if !offline[verb] {
			t.Errorf("the tests ask %q, which is no command (%v)", verb, offline)
		}
	}
	for path, is := range offline {
		if _, asked := verbs[path]; is && !asked {
			t.Errorf("no test asks %q", path)
		}
	}
}

// Help of every verb must print: a broken tag would show here.
func TestHelpPrints(t *testing.T) {
	for verb := range verbs {
		h := host{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}
		if code := run(context.Background(), append(strings.Fields(verb), "--help"), h); code != exitDone {
			t.Errorf("%s --help ended with %d", verb, code)
		}
	}
}
