// Command specter is a self-hosted coordinator for Bitcoin wallets on signing devices: a web
// server on your own node, and offline tools for descriptors, PSBTs, keys and QR codes.
//
// This package is the only place that reads arguments and environment, prints and exits. One
// file per noun.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"specter/internal/errs"
)

// version is set by the linker in releases.
var version = "dev"

// Exit codes of every command.
const (
	exitDone    = 0
	exitRefused = 1 // the input was read and refused
	exitUsage   = 2 // wrong usage
	exitFault   = 3 // our fault
)

// host is what a command may touch of the world around it; tests pass their own.
type host struct {
	ctx    context.Context
	env    func(string) (string, bool)
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], host{env: os.LookupEnv, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr})
	stop()
	os.Exit(code)
}

// exitPanic carries an exit code out of the parser, which would end the process itself.
type exitPanic int

// run parses and executes a command line and returns its exit code.
func run(ctx context.Context, args []string, h host) (code int) {
	h.ctx = ctx
	defer func() {
		if r := recover(); r != nil {
			exit, ours := r.(exitPanic)
			if !ours {
				panic(r)
			}
			code = int(exit)
		}
	}()
	var c cli
	parser, err := kong.New(&c,
		kong.Name("specter"),
		kong.Description("Specter: your keys on signing devices, your wallets on your own Bitcoin node."),
		kong.Writers(h.stdout, h.stderr),
		kong.Exit(func(n int) { panic(exitPanic(n)) }),
		kong.Bind(h),
		kong.Vars{"host": "127.0.0.1", "port": "25441"},
	)
	if err != nil {
		fmt.Fprintln(h.stderr, "specter:", err)
		return exitFault
	}
	k, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(h.stderr, "specter: %v\nRun \"specter --help\" to see how it is used.\n", err)
		return exitUsage
	}
	return h.report(k.Run())
}

// report prints an error for a person and returns the exit code that it stands for.
func (h host) report(err error) int {
	if err == nil || errors.Is(err, context.Canceled) {
		return exitDone
	}
	if code, printed := asRefused(err); printed {
		return code
	}
	fmt.Fprintln(h.stderr, "specter:", err)
	if errs.KindOf(err) == errs.Internal {
		return exitFault
	}
	return exitRefused
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(h host) error {
	_, err := fmt.Fprintln(h.stdout, "specter", version)
	return err
}
