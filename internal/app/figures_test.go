package app

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/chain/core/coretest"
	"specter/internal/wallet"
)

// TestFigures measures the promises of docs/benchmarks.md on a real bitcoind and the real
// binary, with as many transactions as SPECTER_FIGURES says. It prints; `make bench` runs it.
func TestFigures(t *testing.T) {
	count, err := strconv.Atoi(os.Getenv("SPECTER_FIGURES"))
	if err != nil {
		t.Skip("a benchmark: set SPECTER_FIGURES to a number of transactions")
	}
	n := coretest.Start(t, coretest.Options{})
	ctx := context.Background()
	h := open(t, Config{})
	h.connect(n)
	w, err := h.wallets.Create(ctx, demoOwner, btc.Regtest, wallet.NewWallet{Name: "Vault", ScriptType: "wsh", Threshold: 2, Keys: h.wshKeys()})
	if err != nil {
		t.Fatal(err)
	}
	scripts := h.scripts(w.Descriptor, 500)
	n.Fill(count, 50_000, func(i int) []byte { return scripts[i%len(scripts)] })

	start := time.Now()
	if err := h.wallets.Sync(ctx, w.Ref()); err != nil {
		t.Fatal(err)
	}
	if got := h.record(w.Ref()).TxCount; got != count {
		t.Fatalf("%d transactions came, want %d", got, count)
	}
	t.Logf("FIGURE sync of %d transactions into the database: %.2f s", count, time.Since(start).Seconds())

	start = time.Now()
	n.Mine(1)
	eventually(t, "the block", func() (bool, string) { r := h.record(w.Ref()); return r.Tip.Height == n.Height(), "" })
	t.Logf("FIGURE a new block seen in the wallet's rows: %.2f s", time.Since(start).Seconds())
	h.figureDraft(w.Ref(), n.NewAddress())
	address, err := h.wallets.NewAddress(ctx, w.Ref())
	if err != nil {
		t.Fatal(err)
	}
	token := h.token()
	h.stop()
	figurePages(t, h.cfg.DataDir, count, token, address.Address)
}

func (h *house) wshKeys() []string {
	var keys []string
	for _, d := range h.keys("Red", "Green", "Blue") {
		keys = append(keys, d.KeysFor(btc.Regtest, "wsh")[0].Expression())
	}
	return keys
}

// scripts derives the wallet's first receive scripts.
func (h *house) scripts(desc string, count uint32) [][]byte {
	h.t.Helper()
	d, err := descriptor.Parse(desc, descriptor.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	receive, err := d.Branch(0)
	if err != nil {
		h.t.Fatal(err)
	}
	var out [][]byte
	for i := range count {
		o, err := receive.Derive(i)
		if err != nil {
			h.t.Fatal(err)
		}
		out = append(out, o.Script)
	}
	return out
}

// figureDraft times drafts with the whole pool of coins to choose from.
func (h *house) figureDraft(ref wallet.Ref, to string) {
	h.t.Helper()
	var took []time.Duration
	for i := range 5 {
		start := time.Now()
		d, err := h.wallets.NewDraft(context.Background(), ref, wallet.SpendRequest{FeeRate: btc.SatPerVB(2),
			Recipients: []wallet.Recipient{{Address: to, Amount: 1_000_000}}, Token: fmt.Sprint("figure ", i)})
		if err != nil {
			h.t.Fatal(err)
		}
		took = append(took, time.Since(start))
		if err := h.wallets.DeleteDraft(context.Background(), ref, d.ID); err != nil {
			h.t.Fatal(err)
		}
	}
	slices.Sort(took)
	h.t.Logf("FIGURE a draft with all coins to choose from: median %d ms", took[2].Milliseconds())
}

// figurePages starts the binary on the data folder and times its pages as a browser sees them.
func figurePages(t *testing.T, data string, count int, token, address string) {
	bin := buildBinary(t)
	var firsts []time.Duration
	for range 5 {
		cmd, base, start := launch(t, bin, data)
		get(t, base+"wallets/vault/history")
		firsts = append(firsts, time.Since(start))
		if len(firsts) == 5 {
			measure(t, base, cmd, count)
			c := client{base, token, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: time.Minute}}
			figureAPI(t, c, address, count)
			figureLoad(t, c, address, cmd.Process.Pid)
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}
	slices.Sort(firsts)
	t.Logf("FIGURE exec to first history page: median %d ms, worst %d ms", firsts[2].Milliseconds(), firsts[4].Milliseconds())
}

// buildBinary builds the program as it is shipped.
func buildBinary(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "specter")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", bin, "specter/cmd/specter")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %s", out)
	}
	return bin
}

// launch starts the server and waits for its line.
func launch(t *testing.T, bin, data string, env ...string) (*exec.Cmd, string, time.Time) {
	t.Helper()
	cmd := exec.Command(bin, "server", "--port", "0", "--data-dir", data)
	cmd.Env = []string{"HOME=" + t.TempDir(), "SPECTER_API_ACTIVE=true"}
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return cmd, strings.TrimSpace(line[strings.Index(line, "http"):]), start
}

func get(t *testing.T, url string) time.Duration {
	t.Helper()
	start := time.Now()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", url, resp.Status, err)
	}
	return time.Since(start)
}

// measure times pages of 100 rows from all over the history, and reads resident memory.
func measure(t *testing.T, base string, cmd *exec.Cmd, count int) {
	for name, path := range map[string]string{
		"history page of 100 rows": "wallets/vault/history?size=100&page=%d",
		"coins page of 100 rows":   "wallets/vault/coins?size=100&page=%d",
		"history search":           "wallets/vault/history?size=100&q=%x",
		"overview":                 "overview?x=%d",
	} {
		var took []time.Duration
		for i := range 100 {
			took = append(took, get(t, base+fmt.Sprintf(path, 1+(i*37)%max(1, count/100))))
		}
		slices.Sort(took)
		t.Logf("FIGURE %s at %d transactions: median %d ms, p95 %d ms", name, count, took[50].Milliseconds(), took[94].Milliseconds())
	}
	time.Sleep(3 * time.Second) // idle is what is measured
	t.Logf("FIGURE idle: %s", resident(cmd.Process.Pid))
}

// resident reads how much memory a process holds and has held at most.
func resident(pid int) string {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return "resident memory cannot be read here: " + err.Error()
	}
	var out []string
	for _, line := range strings.Split(string(status), "\n") {
		if strings.HasPrefix(line, "VmRSS") || strings.HasPrefix(line, "VmHWM") {
			out = append(out, strings.Fields(line)...)
		}
	}
	return strings.Join(out, " ")
}
