//go:build !offline

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"specter/internal/btc"
	hw "specter/internal/signer"
)

// hwiCmd is HWI's command line over our own drivers, for programs that call HWI: Bitcoin Core's
// -signer=, scripts. Its arguments are HWI's and not read by the parser of the other commands.
type hwiCmd struct {
	Args []string `arg:"" optional:"" passthrough:"" help:"Arguments as for the program hwi; specter hwi --help lists them."`
}

// devices is what the command needs of a hw.Hub.
type devices interface {
	Enumerate(ctx context.Context, a hw.Ask) ([]hw.Info, error)
	Do(ctx context.Context, s hw.Select, a hw.Ask, f func(context.Context, hw.Signer) error) error
}

// Run prints one JSON value on standard output. Like HWI's, its exit code is 0 whatever the value
// says, but for arguments that are wrong.
func (c hwiCmd) Run(h host) error {
	return runHWI(h, c.Args, func(call hwiCall) (devices, error) { return openDevices(h, call) })
}

// hwiUsage is a mistake in the arguments.
type hwiUsage struct{ text string }

func (u *hwiUsage) Error() string { return u.text }

func usage(format string, args ...any) error { return &hwiUsage{fmt.Sprintf(format, args...)} }

// errHelp is that help was asked for.
var errHelp = errors.New("help")

// failure is HWI's form of an error.
type failure struct {
	Error string  `json:"error"`
	Code  hw.Code `json:"code"`
}

func runHWI(h host, args []string, open func(hwiCall) (devices, error)) error {
	call, err := parseHWI(h, args)
	var wrong *hwiUsage
	switch {
	case errors.Is(err, errHelp):
		fmt.Fprint(h.stderr, hwiHelp())
		return printHWI(h, failure{"Help text requested", hw.CodeHelp})
	case errors.As(err, &wrong):
		fmt.Fprintln(h.stderr, "usage: specter hwi [options] command …; specter hwi --help tells all")
		if err := printHWI(h, failure{"specter hwi: error: " + wrong.text, hw.CodeMissing}); err != nil {
			return err
		}
		return refused{code: exitUsage}
	case err != nil:
		return printHWI(h, failureOf(err))
	case call.version:
		_, err := fmt.Fprintln(h.stdout, "specter-hwi", version)
		return err
	}
	answer, err := call.do(h, open)
	if err != nil {
		return printHWI(h, failureOf(err))
	}
	return printHWI(h, answer)
}

func failureOf(err error) failure { return failure{err.Error(), hw.CodeOf(err)} }

// printHWI writes JSON as Python does, with a blank after commas and colons and without letters
// beyond ASCII, so that answers compare byte for byte.
func printHWI(h host, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var out strings.Builder
	inText, escaped := false, false
	for _, r := range string(raw) {
		switch {
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		case r >= 0x7f:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			out.WriteRune(r)
		}
		switch {
		case escaped:
			escaped = false
		case inText && r == '\\':
			escaped = true
		case r == '"':
			inText = !inText
		case !inText && (r == ',' || r == ':'):
			out.WriteByte(' ')
		}
	}
	_, err = fmt.Fprintln(h.stdout, out.String())
	return err
}

// hwiCall is a command line that was understood.
type hwiCall struct {
	path, kind, fingerprint string
	password                string
	hasPassword             bool
	expert, emulators       bool
	interactive             bool
	version                 bool
	chain                   btc.Network
	command                 string
	options                 map[string]string // of the command, by their long names
	args                    []string          // of the command, by position
	in                      *bufio.Reader     // standard input
}

// hwiOption is an option that HWI has: its short form, and whether a value follows.
type hwiOption struct {
	short string
	value bool
	help  string
}

var hwiGlobals = map[string]hwiOption{
	"help":        {"h", false, "tell all this"},
	"device-path": {"d", true, "path of the device"},
	"device-type": {"t", true, "type of the device; the first of it where no path is given"},
	"password":    {"p", true, "passphrase, which others can read in the list of processes; --stdinpass hides it"},
	"stdinpass":   {"", false, "ask for the passphrase, or read it from standard input"},
	"chain":       {"", true, "main, test, testnet4, signet or regtest"},
	"debug":       {"", false, "nothing is added; HWI has it"},
	"fingerprint": {"f", true, "fingerprint of the device's master key"},
	"version":     {"", false, "print the version"},
	"stdin":       {"", false, "read more arguments from standard input, until an empty line"},
	"interactive": {"i", false, "with promptpin: ask for the places and send them in the same run"},
	"expert":      {"", false, "tell more"},
	"emulators":   {"", false, "look for simulators at HWI's addresses too"},
}

// hwiCommand is a command of HWI's.
type hwiCommand struct {
	args    []string
	options map[string]hwiOption
	help    string
}

var (
	hwiAccount  = hwiOption{"", true, "account number, 0 where it is left away"}
	hwiAddrType = hwiOption{"", true, "legacy, sh_wit, wit or tap; wit where it is left away"}
	hwiLabel    = hwiOption{"l", true, ""}
	hwiBackup   = hwiOption{"b", true, ""}
)

var hwiCommands = map[string]hwiCommand{
	"enumerate":        {nil, nil, "list the connected devices"},
	"getmasterxpub":    {nil, map[string]hwiOption{"addr-type": hwiAddrType, "account": hwiAccount}, "extended public key of an account"},
	"signtx":           {[]string{"psbt"}, nil, "sign a PSBT"},
	"getxpub":          {[]string{"path"}, nil, "extended public key at a path"},
	"signmessage":      {[]string{"message", "path"}, nil, "sign a message"},
	"getkeypool":       {[]string{"start", "end"}, map[string]hwiOption{"keypool": {}, "nokeypool": {}, "internal": {}, "addr-type": hwiAddrType, "all": {}, "account": hwiAccount, "path": {"", true, "path that ends in /*"}}, "descriptors for importdescriptors"},
	"getdescriptors":   {nil, map[string]hwiOption{"account": hwiAccount}, "receiving and change descriptors of an account"},
	"displayaddress":   {nil, map[string]hwiOption{"desc": {"", true, "descriptor of one address"}, "path": {"", true, "path of the key"}, "addr-type": hwiAddrType}, "show an address on the device"},
	"promptpin":        {nil, nil, "make the device show its PIN matrix"},
	"sendpin":          {[]string{"pin"}, nil, "send the places of the PIN on the matrix"},
	"togglepassphrase": {nil, nil, "switch the passphrase on or off"},
	"setup":            {nil, map[string]hwiOption{"label": hwiLabel, "backup_passphrase": hwiBackup}, ""},
	"wipe":             {nil, nil, ""},
	"restore":          {nil, map[string]hwiOption{"word_count": {"w", true, ""}, "label": hwiLabel}, ""},
	"backup":           {nil, map[string]hwiOption{"label": hwiLabel, "backup_passphrase": hwiBackup}, ""},
	"installudevrules": {nil, map[string]hwiOption{"location": {"", true, ""}}, ""},
}
