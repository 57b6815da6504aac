//go:build !offline

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"specter/internal/btc"
	hw "specter/internal/signer"
)

// maxHWILine bounds a line of --stdin: a PSBT of a hundred inputs with their transactions.
const maxHWILine = 16 << 20

// parseHWI reads HWI's arguments in the way of Python's argparse: options before the command are
// for all, those after it are the command's; long options may be cut short while they are clear;
// "--" ends the options.
func parseHWI(h host, args []string) (hwiCall, error) {
	in := bufio.NewReader(h.stdin)
	if slices.Contains(args, "--stdin") {
		more, err := hwiLines(in)
		if err != nil {
			return hwiCall{}, err
		}
		args = append(slices.Clone(args), more...)
	}
	c := hwiCall{options: map[string]string{}, in: in}
	globals, rest, err := hwiOptions(args, hwiGlobals)
	if err != nil {
		return c, err
	}
	if err := c.take(globals); err != nil || c.version {
		return c, err
	}
	if len(rest) == 0 {
		return c, usage("the following arguments are required: command")
	}
	command, known := hwiCommands[rest[0]]
	if !known {
		return c, usage("argument command: invalid choice: %q (choose from %s)", rest[0], strings.Join(slices.Sorted(maps.Keys(hwiCommands)), ", "))
	}
	c.command = rest[0]
	if err := c.takeCommand(command, rest[1:]); err != nil {
		return c, err
	}
	if _, ask := globals["stdinpass"]; ask {
		if c.password, err = c.secret(h, "Enter your device password: "); errors.Is(err, io.EOF) {
			err = hw.E(hw.CodeNoPassword, "no passphrase came on standard input")
		}
		c.hasPassword = true
	}
	return c, err
}

// takeCommand reads what follows the command: options and arguments in any order.
func (c *hwiCall) takeCommand(command hwiCommand, rest []string) error {
	options := maps.Clone(command.options)
	if options == nil {
		options = map[string]hwiOption{}
	}
	options["help"] = hwiGlobals["help"]
	for len(rest) > 0 {
		found, after, err := hwiOptions(rest, options)
		if err != nil {
			return err
		}
		maps.Copy(c.options, found)
		if _, help := found["help"]; help {
			return errHelp
		}
		if len(after) > 0 && len(after) == len(rest) || len(found) == 0 && len(after) > 0 {
			c.args, after = append(c.args, after[0]), after[1:]
		}
		rest = after
	}
	if len(c.args) < len(command.args) {
		return usage("the following arguments are required: %s", strings.Join(command.args[len(c.args):], ", "))
	}
	if len(c.args) > len(command.args) {
		return usage("unrecognized arguments: %s", strings.Join(c.args[len(command.args):], " "))
	}
	return c.checkValues()
}

// checkValues refuses what argparse refuses: numbers that are none, types of addresses that are
// not known, options that exclude each other.
func (c *hwiCall) checkValues() error {
	numbers := map[string]string{"--account": c.options["account"]}
	if c.command == "getkeypool" {
		numbers["start"], numbers["end"] = c.args[0], c.args[1]
	}
	for name, text := range numbers {
		if _, err := strconv.ParseInt(text, 10, 64); text != "" && err != nil {
			return usage("argument %s: invalid int value: %q", name, text)
		}
	}
	if _, err := c.kindOf(); err != nil {
		return usage("argument --addr-type: %v", err)
	}
	has := func(name string) bool { _, ok := c.options[name]; return ok }
	switch {
	case c.command == "displayaddress" && !has("desc") && !has("path"):
		return usage("one of the arguments --desc --path is required")
	case has("desc") && has("path"):
		return usage("argument --path: not allowed with argument --desc")
	case has("all") && has("addr-type"):
		return usage("argument --addr-type: not allowed with argument --all")
	case has("keypool") && has("nokeypool"):
		return usage("argument --nokeypool: not allowed with argument --keypool")
	}
	return nil
}

// hwiOptions takes the options in front of a list and returns what follows them.
func hwiOptions(args []string, known map[string]hwiOption) (found map[string]string, rest []string, err error) {
	found = map[string]string{}
	for len(args) > 0 {
		arg := args[0]
		if arg == "--" {
			return found, args[1:], nil
		}
		if len(arg) < 2 || arg[0] != '-' {
			return found, args, nil
		}
		name, value, attached, err := hwiOptionName(arg, known)
		if err != nil {
			return nil, nil, err
		}
		args = args[1:]
		switch o := known[name]; {
		case !o.value && attached:
			return nil, nil, usage("argument --%s: ignored explicit argument %q", name, value)
		case o.value && !attached && len(args) == 0:
			return nil, nil, usage("argument --%s: expected one argument", name)
		case o.value && !attached:
			value, args = args[0], args[1:]
		}
		found[name] = value
	}
	return found, nil, nil
}

// hwiOptionName finds the option that an argument means, and the value that hangs on it
// (--chain=main, -fd34db33f).
func hwiOptionName(arg string, known map[string]hwiOption) (name, value string, attached bool, err error) {
	if long, ok := strings.CutPrefix(arg, "--"); ok {
		long, value, attached = strings.Cut(long, "=")
		if _, exact := known[long]; exact {
			return long, value, attached, nil
		}
		var fits []string
		for n := range known {
			if strings.HasPrefix(n, long) {
				fits = append(fits, n)
			}
		}
		switch slices.Sort(fits); len(fits) {
		case 1:
			return fits[0], value, attached, nil
		case 0:
			return "", "", false, usage("unrecognized arguments: %s", arg)
		}
		return "", "", false, usage("ambiguous option: %s could match --%s", arg, strings.Join(fits, ", --"))
	}
	for n, o := range known {
		if o.short != "" && arg[1:2] == o.short {
			return n, strings.TrimPrefix(arg[2:], "="), len(arg) > 2, nil
		}
	}
	return "", "", false, usage("unrecognized arguments: %s", arg)
}

// take sets what the options for all commands say.
func (c *hwiCall) take(o map[string]string) error {
	if _, help := o["help"]; help {
		return errHelp
	}
	_, c.version = o["version"]
	_, c.expert = o["expert"]
	_, c.emulators = o["emulators"]
	_, c.interactive = o["interactive"]
	c.path, c.kind, c.fingerprint = o["device-path"], strings.ToLower(o["device-type"]), o["fingerprint"]
	c.password, c.hasPassword = o["password"], o["password"] != ""
	if chain, given := o["chain"]; given {
		i := slices.IndexFunc(btc.Networks(), func(n btc.Network) bool { return n.CoreName() == chain })
		if i < 0 {
			return usage("argument --chain: invalid choice: %q (choose from main, test, testnet4, signet, regtest)", chain)
		}
		c.chain = btc.Networks()[i]
	}
	return nil
}

// secret asks for something on a terminal without showing it, or takes a line of standard input;
// io.EOF is that there is none.
func (c hwiCall) secret(h host, question string) (string, error) {
	file, ok := h.stdin.(*os.File)
	if !ok || !terminal(h.stdin) {
		return hwiLine(c.in)
	}
	fmt.Fprint(h.stderr, question)
	defer fmt.Fprintln(h.stderr)
	return readHidden(h, file)
}

// hwiLine reads a line of at most maxHWILine bytes without its end. io.EOF is that there is none.
func hwiLine(in *bufio.Reader) (string, error) {
	var line []byte
	for {
		piece, err := in.ReadSlice('\n')
		if line = append(line, piece...); len(line) > maxHWILine {
			return "", hw.E(hw.CodeBadArgument, "a line on standard input is longer than %d MiB", maxHWILine>>20)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && (len(line) == 0 || !errors.Is(err, io.EOF)) {
			return "", err
		}
		return strings.TrimRight(string(line), "\r\n"), nil
	}
}

// hwiLines reads arguments from standard input until an empty line or its end.
func hwiLines(in *bufio.Reader) (args []string, err error) {
	for {
		line, err := hwiLine(in)
		if errors.Is(err, io.EOF) || err == nil && line == "" {
			return args, nil
		}
		if err != nil {
			return nil, err
		}
		words, err := shellWords(line)
		if err != nil {
			return nil, err
		}
		args = append(args, words...)
	}
}

// shellWords splits a line as a shell does: blanks part words, quotes keep them together, a
// backslash takes the next letter as it is.
func shellWords(line string) (words []string, err error) {
	var word strings.Builder
	begun, quote := false, rune(0)
	escaped := false
	for _, r := range line {
		switch {
		case escaped:
			if quote == '"' && r != '"' && r != '\\' {
				word.WriteByte('\\')
			}
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, begun = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, begun = r, true
		case quote == 0 && (r == ' ' || r == '\t' || r == '\r'):
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if quote != 0 || escaped {
		return nil, hw.E(hw.CodeBadArgument, "a line on standard input has a quote that does not end")
	}
	if begun {
		words = append(words, word.String())
	}
	return words, nil
}

// hwiHelp lists commands and options.
func hwiHelp() string {
	var out strings.Builder
	out.WriteString("specter hwi [options] command [arguments]\n\nThe program hwi's commands over Specter's drivers, one JSON value each. For Bitcoin Core: -signer=\"specter hwi\".\n\nOptions:\n")
	list := func(o map[string]hwiOption, indent string) {
		for _, n := range slices.Sorted(maps.Keys(o)) {
			short := ""
			if o[n].short != "" {
				short = "-" + o[n].short + ", "
			}
			fmt.Fprintf(&out, "%s%s--%s  %s\n", indent, short, n, o[n].help)
		}
	}
	list(hwiGlobals, "  ")
	out.WriteString("\nCommands:\n")
	for _, n := range slices.Sorted(maps.Keys(hwiCommands)) {
		c := hwiCommands[n]
		if c.help == "" {
			continue
		}
		fmt.Fprintf(&out, "  %s  %s\n", strings.Join(append([]string{n}, c.args...), " "), c.help)
		list(c.options, "      ")
	}
	out.WriteString("\nSetting up, wiping, restoring and backing up devices is left to their makers' programs.\n")
	return out.String()
}
