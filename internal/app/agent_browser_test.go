package app

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"specter/internal/errs"
	"specter/internal/signer/bridge/agent"
	"specter/internal/signer/signertest"
	"specter/internal/signer/trezor/trezortest"
)

// What the test of an agent tells the agent's own process.
const (
	agentAddressEnv = "SPECTER_TEST_AGENT"
	agentFolderEnv  = "SPECTER_TEST_AGENT_FOLDER"
)

// TestTheAgentsProcess is no test of its own: it is the agent, in a process and where possible in a
// network of its own, with a device on a loopback socket. It tells its story on standard output.
func TestTheAgentsProcess(t *testing.T) {
	address := os.Getenv(agentAddressEnv)
	if address == "" {
		t.Skip("this is the other process of TestADeskThatNothingReachesSigns")
	}
	box := plugIn(t, "trezor", 64, trezortest.Serve, signertest.Master(t, signertest.Alcohol, ""))
	said := 0
	tell := func(e agent.Event) {
		fmt.Println("event:", e.What, e.Method, e.Err)
		if e.What == "done" && e.Method == "sign_tx" {
			for _, s := range box.device.Person.Seen()[said:] {
				fmt.Println("saw:", s.Kind, s.Text)
			}
		}
	}
	err := RunAgent(t.Context(), AgentConfig{Address: address, Name: "Desk <at> home", HWI: noHWI, Log: quiet(), Version: "1.0", Tell: tell,
		Devices: Devices{Folder: os.Getenv(agentFolderEnv), Simulators: box.kind + "=tcp:" + box.at, Env: func(string) (string, bool) { return "", false }}})
	fmt.Println("ended:", err)
}

// passage is a way to a server that can be cut.
type passage struct {
	net.Listener
	mu    sync.Mutex
	to    string
	shut  bool
	conns map[net.Conn]bool
}

// newPassage leads from an address to another.
func newPassage(t *testing.T, at, to string) *passage {
	t.Helper()
	l, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	g := &passage{Listener: l, to: to, conns: map[net.Conn]bool{}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go g.lead(c)
		}
	}()
	t.Cleanup(func() { l.Close(); g.cut() })
	return g
}

func (g *passage) lead(c net.Conn) {
	defer c.Close()
	there, err := net.Dial("tcp", g.to)
	if err != nil {
		return
	}
	defer there.Close()
	g.mu.Lock()
	if g.shut {
		g.mu.Unlock()
		return
	}
	g.conns[c], g.conns[there] = true, true
	g.mu.Unlock()
	go func() { _, _ = io.Copy(there, c); there.Close() }()
	_, _ = io.Copy(c, there) // until one of the two has gone
}

// cut ends what is connected and lets nobody through.
func (g *passage) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = true
	for c := range g.conns {
		c.Close()
	}
	g.conns = map[net.Conn]bool{}
}

func (g *passage) mend() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = false
}

// place is where the agent's process runs, and what of it the test can do.
type place struct {
	host      string // the server's address as the agent sees it
	run       []string
	cut, mend func()
	way       string
}

// apart is a network of its own with one cable to this one; without the right to make networks it
// is this computer's loopback.
func apart(t *testing.T, g func() *passage) place {
	t.Helper()
	ip := func(args ...string) error { return exec.Command("ip", args...).Run() }
	name := fmt.Sprintf("sp%d", os.Getpid()%100000)
	here, there := "sa"+name[2:], "sb"+name[2:]
	net := fmt.Sprintf("10.%d.%d.", 200+os.Getpid()%50, os.Getpid()/50%250)
	if os.Getuid() != 0 || ip("netns", "add", name) != nil {
		return place{host: "127.0.0.1", way: "a process of its own", cut: func() { g().cut() }, mend: func() { g().mend() }}
	}
	t.Cleanup(func() {
		_ = ip("link", "del", here) // now, and not when the kernel comes to the namespace: the next browser would see its network change
		_ = ip("netns", "del", name)
	})
	run := func(args string) {
		t.Helper()
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v %s", args, err, out)
		}
	}
	for _, args := range []string{
		// Without addresses of IPv6, which come a second or two later: a browser ends what it is doing
		// when the machine's addresses change.
		"link add " + here + " type veth peer name " + there, "link set dev " + here + " addrgenmode none", "link set " + there + " netns " + name,
		"addr add " + net + "1/30 dev " + here, "link set " + here + " up",
		"-n " + name + " addr add " + net + "2/30 dev " + there, "-n " + name + " link set lo up", "-n " + name + " link set " + there + " up",
	} {
		run(args)
	}
	eventually(t, "the cable is plugged in", func() (bool, string) {
		state, err := os.ReadFile("/sys/class/net/" + here + "/operstate")
		return strings.TrimSpace(string(state)) == "up", fmt.Sprint(string(state), err)
	})
	// The line is cut at its far end and in silence, where the browser does not see it either.
	return place{host: net + "1", run: []string{"ip", "netns", "exec", name}, way: "a network of its own",
		cut:  func() { run("-n " + name + " route add blackhole " + net + "1/32") },
		mend: func() { run("-n " + name + " route del blackhole " + net + "1/32") }}
}

// agentProcess is an agent that runs elsewhere.
type agentProcess struct {
	t     *testing.T
	cmd   *exec.Cmd
	mu    sync.Mutex
	lines []string
	ended chan struct{}
}

// startAgent runs the agent at its place.
func startAgent(t *testing.T, p place, address, folder string) *agentProcess {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := append(p.run[:len(p.run):len(p.run)], self, "-test.run=^TestTheAgentsProcess$", "-test.timeout=10m")
	a := &agentProcess{t: t, cmd: exec.Command(args[0], args[1:]...), ended: make(chan struct{})}
	a.cmd.Env = append(os.Environ(), agentAddressEnv+"="+address, agentFolderEnv+"="+folder)
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(a.ended)
		for s := bufio.NewScanner(out); s.Scan(); {
			a.mu.Lock()
			a.lines = append(a.lines, s.Text())
			a.mu.Unlock()
		}
		_ = a.cmd.Wait() // what it has to say is in the lines
	}()
	t.Cleanup(func() {
		_ = a.cmd.Process.Kill()
		<-a.ended
		if t.Failed() {
			t.Logf("the agent:\n%s", a.all())
		}
	})
	return a
}

func (a *agentProcess) all() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.Join(a.lines, "\n")
}

// says waits until the agent has said something for the nth time.
func (a *agentProcess) says(what string, n int) {
	a.t.Helper()
	eventually(a.t, fmt.Sprintf("the agent says %q %d times", what, n), func() (bool, string) {
		return strings.Count(a.all(), what) >= n, a.all()
	})
}

// call has the page ask the bridge, as its own scripts do, and returns what came.
func (b *tab) call(method, params string) string {
	b.t.Helper()
	b.run("ask "+method, `window.answer = ""; fetch("/hwi/api/", {method: "POST", headers: {"Content-Type": "application/json"},
		body: JSON.stringify({jsonrpc: "2.0", id: 1, method: `+quote(method)+`, params: `+params+`, forwarded_request: false})}).then(r => r.text()).then(a => { window.answer = a })`)
	b.until("an answer to "+method, `window.answer`)
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`window.answer`))
	if err != nil {
		b.fail(method, err)
	}
	return text
}

// The whole way: a server that cannot reach the desk, a browser at the server, and a device at the
// desk. The agent is paired from the page, its device shows up there, gives its keys for a 2-of-3 and
// signs a payment; the line is cut and comes back; a code that was used opens nothing; a revoked
// agent is out at once.
func TestADeskThatNothingReachesSigns(t *testing.T) {
	var g *passage
	p := apart(t, func() *passage { return g })
	t.Logf("the agent has %s", p.way)
	h := owned(t, Config{Demo: &Demo{}, Hosts: []string{p.host}, TLS: TLS{Mode: TLSSelfSigned}})
	g = newPassage(t, net.JoinHostPort(p.host, "0"), h.listener.Addr().String())
	base := "https://" + g.Addr().String()
	b := openTab(t, base, 1280, 1000, chromedp.Flag("ignore-certificate-errors", true))
	b.visit("/auth/login")
	b.set("[name=username]", "admin")
	b.set("[name=password]", "correct horse battery")
	b.submit("main form button")
	b.visit("/settings/usb")
	b.set("input[name=kind][value=agent]", "")
	b.submit("[data-test=save]")
	if text := b.call("enumerate", `{}`); !strings.Contains(text, "none is paired yet") {
		t.Errorf("before an agent is paired: %s", text)
	}
	b.submit("[data-test=pair-agent]")
	b.judgeAgents("agent-pairing")
	command, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector("[data-test=agent-command]").textContent`))
	if err != nil {
		b.fail("the command", err)
	}
	address, ok := strings.CutPrefix(command, `specter agent "`)
	address = strings.TrimSuffix(address, `"`)
	if !ok || !strings.HasPrefix(address, base+"/#") || !strings.Contains(address, ".") {
		t.Fatalf("the command: %s", command)
	}
	folder := t.TempDir()
	a := startAgent(t, p, address, folder)
	a.says("event: connected", 1)
	if info, err := filepath.Glob(filepath.Join(folder, "agent", "*", "agent.json")); err != nil || len(info) != 1 {
		t.Fatalf("%v %v", info, err)
	} else if f, err := os.Stat(info[0]); err != nil || f.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v %v", f, err)
	}
	// The code is used up, for whoever has seen it.
	thief := AgentConfig{Address: address, Name: "thief", HWI: noHWI, Log: quiet(), Devices: Devices{Folder: t.TempDir(), Env: func(string) (string, bool) { return "", false }}}
	if err := RunAgent(t.Context(), thief); !errs.Is(err, errs.Denied) || !strings.Contains(err.Error(), "not good any more") {
		t.Errorf("a code that was used: %v", err)
	}
	b.submit("[data-test=agent-done], [data-test=agent-done] *")
	b.sees("Desk <at> home")
	b.until("it is connected", `document.querySelector("[data-test=agent-on]")`)
	b.submit("[data-test=usb-test]")
	b.sees("1 device")
	b.judgeAgents("agent-connected")
	text := b.call("enumerate", `{chain: "regtest"}`)
	var found struct {
		Result []struct{ Type, Path, Fingerprint, Agent string }
	}
	master := signertest.Master(t, signertest.Alcohol, "")
	if err := json.Unmarshal([]byte(text), &found); err != nil || len(found.Result) != 1 || found.Result[0].Type != "trezor" || found.Result[0].Fingerprint != master.Fingerprint().String() ||
		!strings.HasPrefix(found.Result[0].Path, "agent:") || found.Result[0].Agent != "Desk <at> home" {
		t.Fatalf("enumerate: %s", text)
	}

	// The device's keys make a 2-of-3 with two others.
	b.visit("/new-device/trezor")
	b.set("#name", "Tina")
	b.byCable("[data-test=usb-keys]")
	b.sees("Understood so far")
	b.submit("[data-test=save]")
	b.visit("/new-wallet/multisig")
	for _, device := range []string{"tina", "green_key", "blue_key"} {
		b.set("input[name=device][value="+device+"]", "")
	}
	b.submit("main form .buttons button.primary")
	b.set("input[name=name]", "Vault")
	b.submit("[data-test=check]")
	b.sees("Vault")
	b.run("be sure, where that is asked", `const e = document.querySelector("[data-test=sure]"); if (e) { e.checked = true }`)
	b.submit("[data-test=create-wallet]")
	ref := walletRef("vault")
	at, err := h.wallets.NewAddress(context.Background(), ref)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.chain.Faucet(at.Address, 200_000_000); err != nil {
		t.Fatal(err)
	}
	mine(t, h)
	h.sync(ref)
	b.visit("/wallets/vault/send")
	b.set("input[name=address]", nobodys)
	b.set("input[name=amount]", "0.75")
	b.submit("[data-test=create]")
	b.byCable("#usb-" + master.Fingerprint().String())
	b.sees("Signature accepted: 1 of 2")
	a.says("event: done sign_tx", 1)
	a.says("75000000", 1) // the device showed it to its person
	b.submit("[data-test=sign]")
	b.submit("[data-test=broadcast]")
	mine(t, h)
	eventually(t, "the payment confirms", func() (bool, string) {
		h.sync(ref)
		r := h.record(ref)
		return r.Balance.Pending == 0 && r.Balance.Confirmed < 125_000_000, fmt.Sprint(r.Balance, r.SyncError)
	})

	// The line is cut, and mended.
	p.cut()
	a.says("event: lost", 1)
	p.mend()
	mended := time.Now()
	a.says("event: connected", 2)
	took := time.Since(mended)
	t.Logf("connected again %s after the line's return", took.Round(100*time.Millisecond))
	if took > 10*time.Second {
		t.Errorf("it took %s to come back", took)
	}
	b.visit("/settings/usb")
	if text := b.call("enumerate", `{chain: "regtest"}`); !strings.Contains(text, `"type":"trezor"`) {
		t.Errorf("after the line's return: %s", text)
	}

	// Revoked, it is out at once, and stays out.
	b.run("open the question", `document.querySelector("[data-test=agent] details").open = true`)
	b.submit("[data-test=revoke]")
	a.says("ended: this agent was revoked", 1)
	if text := b.call("enumerate", `{chain: "regtest"}`); !strings.Contains(text, "none is paired yet") {
		t.Errorf("after it was revoked: %s", text)
	}
	again := startAgent(t, p, base+"/", folder)
	again.says("ended: this server does not know the agent", 1)
	b.visit("/settings/record")
	for _, words := range []string{"Pairing code for an agent made", "Agent paired", "Agent revoked"} {
		b.sees(words)
	}
}

// judgeAgents looks at the part about agents on a telephone, in the dark, and as it was.
func (b *tab) judgeAgents(name string) {
	b.t.Helper()
	for _, width := range []int64{390, 1280} {
		for _, scheme := range []string{"dark", "light"} {
			b.look(width, scheme)
			b.run("go there", `document.getElementById("agents").scrollIntoView()`)
			if over := b.number(`document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
				b.t.Errorf("%s at %d px is %v px too wide", name, width, over)
			}
			b.shot(fmt.Sprintf("%s-%d-%s", name, width, scheme))
		}
	}
}

// byCable begins a dialog with a device.
func (b *tab) byCable(selector string) {
	b.t.Helper()
	b.until("the button "+selector, `document.documentElement.dataset.usbReady && document.querySelector(`+quote(selector)+`)`)
	b.run("press "+selector, `document.querySelector(`+quote(selector)+`).click()`)
}
