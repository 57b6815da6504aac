package main

import (
	"fmt"
	"io"
	"sort"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help shows how it is used.
func (completionCmd) Help() string {
	return "Examples:\n  specter completion bash > /etc/bash_completion.d/specter\n  specter completion zsh > \"${fpath[1]}/_specter\"\n  specter completion fish > ~/.config/fish/completions/specter.fish"
}

// Run prints the script. It is made of the commands themselves, so that it never lags behind.
func (c completionCmd) Run(h host, k *kong.Kong) error {
	words := completions(k.Model.Node, "", map[string][]string{})
	switch c.Shell {
	case "bash":
		return bashCompletion(h.stdout, words)
	case "zsh":
		fmt.Fprint(h.stdout, "#compdef specter\nautoload -U +X bashcompinit && bashcompinit\n")
		return bashCompletion(h.stdout, words)
	}
	return fishCompletion(h.stdout, words)
}

// completions lists, for each command by its words ("psbt sign"), what may follow.
func completions(n *kong.Node, path string, out map[string][]string) map[string][]string {
	for _, f := range n.AllFlags(true) {
		for _, flag := range f {
			out[path] = append(out[path], "--"+flag.Name)
		}
	}
	for _, child := range n.Children {
		if child.Type != kong.CommandNode || child.Hidden {
			continue
		}
		out[path] = append(out[path], child.Name)
		completions(child, strings.TrimSpace(path+" "+child.Name), out)
	}
	for _, p := range n.Positional {
		out[path] = append(out[path], p.EnumSlice()...)
	}
	sort.Strings(out[path])
	return out
}

func sortedPaths(words map[string][]string) []string {
	var paths []string
	for p := range words {
		paths = append(paths, p)
	}
	sort.Strings(paths)
	return paths
}

// bashCompletion looks up the words before the cursor that are commands, and offers files too
// once a command is complete.
func bashCompletion(w io.Writer, words map[string][]string) error {
	var b strings.Builder
	b.WriteString("_specter() {\n  local cur=\"${COMP_WORDS[COMP_CWORD]}\" path=\"\" i\n  for ((i = 1; i < COMP_CWORD && i < 3; i++)); do\n" +
		"    [[ ${COMP_WORDS[i]} == -* ]] && break\n    path=\"${path:+$path }${COMP_WORDS[i]}\"\n  done\n  local words=\"\"\n  case \"$path\" in\n")
	for _, p := range sortedPaths(words) {
		fmt.Fprintf(&b, "    %q) words=%q ;;\n", p, strings.Join(words[p], " "))
	}
	b.WriteString("  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n  if [[ ${#COMPREPLY[@]} -eq 0 ]]; then\n" +
		"    if [[ $cur == @* ]]; then COMPREPLY=($(compgen -P @ -f -- \"${cur#@}\")); else COMPREPLY=($(compgen -f -- \"$cur\")); fi\n  fi\n}\ncomplete -F _specter specter\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func fishCompletion(w io.Writer, words map[string][]string) error {
	var b strings.Builder
	b.WriteString("function __specter_at\n  set -l words (commandline -opc)\n  set -e words[1]\n  set -l path\n  for word in $words\n" +
		"    string match -q -- '-*' $word; and break\n    set path $path $word\n    test (count $path) -eq 2; and break\n  end\n  test \"$path\" = \"$argv[1]\"\nend\n")
	for _, p := range sortedPaths(words) {
		for _, word := range words[p] {
			if long, isFlag := strings.CutPrefix(word, "--"); isFlag {
				fmt.Fprintf(&b, "complete -c specter -n '__specter_at \"%s\"' -l %s\n", p, long)
			} else {
				fmt.Fprintf(&b, "complete -c specter -n '__specter_at \"%s\"' -f -a %s\n", p, word)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
