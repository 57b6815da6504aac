//go:build !offline

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"specter/internal/app"
	"specter/internal/errs"
	"specter/internal/signer/bridge/agent"
)

// agentCmd brings the signing devices of this computer to a server elsewhere.
type agentCmd struct {
	Address  string `arg:"" help:"The server's address; with #CODE, from its page Settings, USB devices, to be paired."`
	Name     string `help:"What this computer is called on the server's page (default: its host name)." placeholder:"NAME"`
	Proxy    string `help:"SOCKS5 proxy, as Tor's 127.0.0.1:9050; needed for onion addresses." env:"SPECTER_AGENT_PROXY" placeholder:"HOST:PORT"`
	Confirm  bool   `help:"Ask here, on this terminal, before something is signed."`
	Forget   bool   `help:"Forget the server: remove the key for it. Revoke the agent on the server's page too."`
	Insecure bool   `name:"insecure-http" help:"Go by plain HTTP to another computer, where everybody on the way can read along and change what is shown."`
	Quiet    bool   `help:"Print nothing but errors."`
	DataDir  string `help:"Data folder (default ~/.specter)." env:"SPECTER_DATA_FOLDER" placeholder:"FOLDER"`
	Sims     string `name:"simulators" help:"Emulators of devices, as for the server." env:"SPECTER_SIMULATORS" placeholder:"KIND=PORT"`
	HWI      string `name:"hwi" help:"The program HWI for devices that Specter does not drive itself: its path, or off." env:"SPECTER_HWI" placeholder:"PATH"`
	Debug    bool   `help:"Log everything."`
}

// Help shows how it is used.
func (agentCmd) Help() string {
	return `The agent runs where your devices are and goes out to the server; nothing has to reach this
computer. Choose "By an agent" on the server's page Settings, USB devices, press "Pair an agent" there,
and run the command that it shows:

  specter agent "https://my.server/#CODE"

From then on, without the code, as often as you like:

  specter agent https://my.server/

Where a proxy before the server asks for a name and a password of its own, write them into the address,
once: specter agent "https://name:password@my.server/#CODE". They are kept with the agent's key.

It does what the server's pages ask of devices and nothing else, prints each call, and comes back by
itself when the line was lost. A Jade's PIN server is asked only where SPECTER_PIN_SERVER says
"direct" or names a proxy. It ends with 1 when the server does not want it any more.`
}

// Run serves the server's calls until it is interrupted.
func (c agentCmd) Run(h host) error {
	dir, _, err := dataDir(c.DataDir)
	if err != nil {
		return err
	}
	log, _ := logger(h, logAuto, c.Debug)
	p := &agentPrinter{w: h.stderr, quiet: c.Quiet}
	cfg := app.AgentConfig{Address: c.Address, Name: c.Name, Proxy: c.Proxy, Insecure: c.Insecure, HWI: c.HWI, Version: version, Log: log,
		Devices: app.Devices{Folder: dir, Simulators: c.Sims, Env: h.env, Log: log}, Tell: p.tell,
		Paired: func(server, name string) {
			p.line("paired with %s as %q; from now on: specter agent %s/", server, name, server)
		}}
	if c.Forget {
		if err := app.ForgetAgent(cfg); err != nil {
			return err
		}
		p.line("the server is forgotten here; revoke the agent on its page under Settings, USB devices, too")
		return nil
	}
	if c.Confirm {
		cfg.Confirm = newAsker(h.stdin, p).ask
	}
	return app.RunAgent(h.ctx, cfg)
}

// agentPrinter writes lines for the person, one at a time.
type agentPrinter struct {
	mu    sync.Mutex
	w     io.Writer
	quiet bool
	lost  bool
}

func (p *agentPrinter) line(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.quiet {
		fmt.Fprintln(p.w, time.Now().Format(time.TimeOnly), plain(fmt.Sprintf(format, args...)))
	}
}

// plain takes out what could move a terminal's cursor: the server's words are foreign.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '?'
		}
		return r
	}, text)
}

// tell prints what happens: methods and families, never what they carry. A line that stays lost is
// told once.
func (p *agentPrinter) tell(e agent.Event) {
	about := e.Method
	if e.Device != "" {
		about += fmt.Sprintf(" (%.20s)", e.Device)
	}
	switch e.What {
	case "connected":
		p.lostNow(false)
		p.line("connected; Ctrl-C ends the agent")
	case "lost":
		if p.lostNow(true) {
			p.line("not connected, trying again: %v", e.Err)
		}
	case "failed":
		p.line("%s: failed: %v", about, e.Err)
	case "call":
		p.line("%s …", about)
	default:
		p.line("%s: %s", about, e.What)
	}
}

// lostNow notes whether the line is lost; true when that has changed.
func (p *agentPrinter) lostNow(lost bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	changed := p.lost != lost
	p.lost = lost
	return changed
}

// asker asks the person at the terminal, one question after the other.
type asker struct {
	p     *agentPrinter
	turn  chan struct{}
	lines chan string // closed at the end of the input
}

func newAsker(in io.Reader, p *agentPrinter) *asker {
	a := &asker{p: p, turn: make(chan struct{}, 1), lines: make(chan string)}
	go func() {
		defer close(a.lines)
		for s := bufio.NewScanner(in); s.Scan(); {
			a.lines <- s.Text()
		}
	}()
	return a
}

// ask waits for y or n. What was typed before the question counts for nothing.
func (a *asker) ask(ctx context.Context, question string) error {
	select {
	case a.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-a.turn }()
	for drained := false; !drained; {
		select {
		case _, ok := <-a.lines:
			drained = !ok
		default:
			drained = true
		}
	}
	a.p.mu.Lock()
	fmt.Fprintf(a.p.w, "%s [y/n] ", plain(question))
	a.p.mu.Unlock()
	for {
		select {
		case line, ok := <-a.lines:
			switch answer := strings.ToLower(strings.TrimSpace(line)); {
			case ok && (answer == "y" || answer == "yes"):
				return nil
			case !ok || answer == "n" || answer == "no":
				return errs.E(errs.Declined, "it was refused at the agent's terminal")
			}
			fmt.Fprint(a.p.w, "y or n? ")
		case <-ctx.Done():
			fmt.Fprintln(a.p.w, "the page has given up")
			return ctx.Err()
		}
	}
}
