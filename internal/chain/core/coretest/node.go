// Package coretest starts a real bitcoind on regtest for tests. Tests alone import it.
//
//	n := coretest.Start(t, coretest.Options{})   // skips loudly where no bitcoind can be had
//	n.Mine(1); id := n.Send(address, "0.1"); n.Restart()
//
// The node has 210 blocks and a counterparty wallet with the money of the first 110. Every method ends the
// test when it cannot do what it says.
package coretest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc"
	"specter/internal/testkit"
)

// Counterparty is the name of the node's own wallet, which holds the money.
const Counterparty = "counterparty"

// Options change how the node is started.
type Options struct {
	Args  []string // further arguments of bitcoind
	Prune bool     // -prune=1 with small block files, for Prune
	Empty bool     // neither blocks nor counterparty
	Flush bool     // wallets wait for the disk at each write, as a real node's do: much slower
}

// Node is a running bitcoind.
type Node struct {
	t     testing.TB
	opts  Options
	bin   string
	dir   string
	port  int
	cmd   *exec.Cmd
	ended chan struct{}
	log   bytes.Buffer
	mined int // how many addresses of nobody were mined to
}

// Find returns the path of a bitcoind: $BITCOIND, the PATH, or .cache/bitcoind of the checkout
// (scripts/bitcoind puts it there); "" when there is none.
func Find() string {
	if path := os.Getenv("BITCOIND"); path != "" {
		return path
	}
	if path, err := exec.LookPath("bitcoind"); err == nil {
		return path
	}
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			path := filepath.Join(dir, ".cache", "bitcoind", "bitcoind")
			if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
				return path
			}
			return ""
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

// Start starts a node in t.TempDir() on a free port and stops it when the test ends. Without a
// bitcoind the test is skipped and says so.
func Start(t testing.TB, opts Options) *Node {
	t.Helper()
	bin := Find()
	if bin == "" {
		t.Skip("SKIPPED WITHOUT BITCOIND: run scripts/bitcoind, or set $BITCOIND")
	}
	n := &Node{t: t, opts: opts, bin: bin, dir: t.TempDir(), port: testkit.Port(t)}
	t.Cleanup(n.Kill)
	n.launch()
	if opts.Empty {
		return n
	}
	n.mustRPC("", "createwallet", nil, Counterparty)
	// The subsidy halves every 150 blocks; and all the money is mature, so that a reorg makes
	// none of it immature.
	n.MineTo(n.NewAddress(), 110)
	n.Mine(100)
	return n
}

func (n *Node) launch() {
	n.t.Helper()
	a := []string{
		"-regtest", "-datadir=" + n.dir, "-server=1", "-listen=0", "-dnsseed=0", "-rpcbind=127.0.0.1", "-rpcallowip=127.0.0.1",
		"-rpcport=" + strconv.Itoa(n.port), "-fallbackfee=0.0001", "-rpcworkqueue=256", "-rpcthreads=4", "-par=1",
		"-dbcache=16", "-printtoconsole=0", "-keypool=100",
	}
	if n.opts.Prune {
		a = append(a, "-prune=1", "-fastprune")
	} else {
		a = append(a, "-blockfilterindex=1")
	}
	if !n.opts.Flush {
		a = append(a, "-unsafesqlitesync")
	}
	n.log.Reset()
	n.cmd = exec.Command(n.bin, append(a, n.opts.Args...)...)
	n.cmd.Stdout, n.cmd.Stderr = &n.log, &n.log
	n.cmd.WaitDelay = 5 * time.Second // for its words, once it has ended: a test must not wait for ever
	if err := n.cmd.Start(); err != nil {
		n.t.Fatalf("start bitcoind: %v", err)
	}
	n.ended = make(chan struct{})
	go func(c *exec.Cmd, ended chan struct{}) { _ = c.Wait(); close(ended) }(n.cmd, n.ended)
	n.waitUp()
}

func (n *Node) waitUp() {
	n.t.Helper()
	testkit.Soon(n.t, "an answer of bitcoind", func() (bool, string) {
		select {
		case <-n.ended:
			n.t.Fatalf("bitcoind ended at its start: %s", n.log.String())
		default:
		}
		err := n.RPC("", "getblockcount", nil)
		return err == nil, fmt.Sprint(err)
	})
}

// Stop ends the node in order; Start or Restart bring it back with its data.
func (n *Node) Stop() {
	n.t.Helper()
	if n.cmd == nil {
		return
	}
	if err := n.RPC("", "stop", nil); err != nil {
		_ = n.cmd.Process.Signal(syscall.SIGTERM)
	}
	if !n.gone(testkit.Patience) {
		n.t.Logf("bitcoind does not end in order, and is killed. It said: %s", n.lastWords())
		_ = n.cmd.Process.Kill()
	}
	n.buried()
}

// Kill ends the node at once, as a power cut would.
func (n *Node) Kill() {
	if n.cmd == nil {
		return
	}
	_ = n.cmd.Process.Kill()
	n.buried()
}

// gone reports whether the process has ended within a time.
func (n *Node) gone(within time.Duration) bool {
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case <-n.ended:
		return true
	case <-late.C:
		return false
	}
}

// buried waits for a killed process.
func (n *Node) buried() {
	n.t.Helper()
	if !n.gone(testkit.Patience) {
		state, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.cmd.Process.Pid))
		n.t.Fatalf("bitcoind is killed, and does not end: %s", state)
	}
	n.cmd = nil
}

// lastWords is the end of its log.
func (n *Node) lastWords() string {
	text, _ := os.ReadFile(filepath.Join(n.dir, "regtest", "debug.log"))
	return string(text[max(0, len(text)-2000):])
}

// Start brings a stopped node back, with further arguments for this time if any. Its cookie is
// another one, and its wallets are not loaded, apart from the counterparty.
func (n *Node) Start(args ...string) {
	n.t.Helper()
	if n.cmd != nil {
		return
	}
	kept := n.opts.Args
	n.opts.Args = append(append([]string{}, kept...), args...)
	n.launch()
	n.opts.Args = kept
	if !n.opts.Empty {
		if err := n.RPC("", "loadwallet", nil, Counterparty); err != nil && !strings.Contains(err.Error(), "already loaded") {
			n.t.Fatal(err)
		}
	}
}

// Restart is Stop and Start.
func (n *Node) Restart() {
	n.t.Helper()
	n.Stop()
	n.Start()
}

// Port is the RPC port on 127.0.0.1.
func (n *Node) Port() int { return n.port }

// Dir is the data folder.
func (n *Node) Dir() string { return n.dir }

// CookieFile is the path of the cookie.
func (n *Node) CookieFile() string { return filepath.Join(n.dir, "regtest", ".cookie") }

// RPCError is what the node answers when it refuses.
type RPCError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *RPCError) Error() string { return fmt.Sprintf("%s (%d)", e.Message, e.Code) }

// RPC asks the node (wallet "") or one of its wallets; result may be nil. A single argument
// that is a map is sent as named arguments.
func (n *Node) RPC(wallet, method string, result any, params ...any) error {
	var p any = params
	if len(params) == 0 {
		p = []any{}
	} else if m, named := params[0].(map[string]any); named && len(params) == 1 {
		p = m
	}
	raw, err := n.exchange(wallet, map[string]any{"jsonrpc": "1.0", "id": 1, "method": method, "params": p})
	if err != nil {
		return err
	}
	return decode(raw, method, result)
}

func decode(raw []byte, method string, result any) error {
	var out struct {
		Result json.RawMessage
		Error  *RPCError
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		return fmt.Errorf("%s: %w: %.200s", method, err, raw)
	}
	if out.Error != nil {
		return fmt.Errorf("%s: %w", method, out.Error)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(out.Result, result)
}

var httpClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2, IdleConnTimeout: 10 * time.Second}}

func (n *Node) exchange(wallet string, body any) ([]byte, error) {
	cookie, err := os.ReadFile(n.CookieFile())
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	url := fmt.Sprintf("http://127.0.0.1:%d/", n.port)
	if wallet != "" {
		url += "wallet/" + wallet
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	user, pass, _ := strings.Cut(string(cookie), ":")
	req.SetBasicAuth(user, pass)
	res, err := httpClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusUnauthorized {
		return nil, errors.New("the node refuses its cookie")
	}
	return io.ReadAll(res.Body)
}

func (n *Node) mustRPC(wallet, method string, result any, params ...any) {
	n.t.Helper()
	if err := n.RPC(wallet, method, result, params...); err != nil {
		n.t.Fatal(err)
	}
}

// NewAddress is a fresh address of the counterparty.
func (n *Node) NewAddress() string {
	n.t.Helper()
	var a string
	n.mustRPC(Counterparty, "getnewaddress", &a)
	return a
}

// Mine mines blocks to nobody, each time to another address: after a reorg the same block
// would be refused.
func (n *Node) Mine(blocks int) {
	n.t.Helper()
	n.MineTo(n.nobody(), blocks)
}

// nobody is a fresh address without a key.
func (n *Node) nobody() string {
	n.t.Helper()
	n.mined++
	h := chainhash.HashB([]byte(fmt.Sprint("nobody ", n.mined)))
	address, ok := btc.AddressOf(btc.WitnessScript(0, h[:20]), btc.Regtest)
	if !ok {
		n.t.Fatal("no address")
	}
	return address
}

// MineTo mines blocks to an address.
func (n *Node) MineTo(address string, blocks int) {
	n.t.Helper()
	n.mustRPC("", "generatetoaddress", nil, blocks, address)
}

// Send pays an amount in BTC ("0.1") from the counterparty to an address; the transaction is in
// the mempool.
func (n *Node) Send(address, amount string) chainhash.Hash {
	n.t.Helper()
	var id string
	n.mustRPC(Counterparty, "sendtoaddress", &id, address, json.Number(amount))
	return n.hash(id)
}

func (n *Node) hash(s string) chainhash.Hash {
	n.t.Helper()
	h, err := chainhash.NewHashFromStr(s)
	if err != nil {
		n.t.Fatal(err)
	}
	return *h
}

// Height is the height of the tip.
func (n *Node) Height() int32 {
	n.t.Helper()
	var h int32
	n.mustRPC("", "getblockcount", &h)
	return h
}

// Invalidate takes the newest blocks away; their transactions go back to the mempool.
func (n *Node) Invalidate(depth int) {
	n.t.Helper()
	var id string
	n.mustRPC("", "getblockhash", &id, n.Height()-int32(depth)+1)
	n.mustRPC("", "invalidateblock", nil, id)
}

// Reorg replaces the newest blocks by one or two more than they were. With empty the new blocks have
// nothing in them and all the old transactions are in the mempool, also those whose locktime
// the node's wallet had set to a height that was gone for a moment; else the new blocks have
// the transactions again.
func (n *Node) Reorg(depth int, empty bool) {
	n.t.Helper()
	var old []string
	for h := n.Height() - int32(depth) + 1; h <= n.Height(); h++ {
		old = append(old, n.transactions(h)...)
	}
	n.Invalidate(depth)
	for range depth + 1 {
		n.mustRPC("", "generateblock", nil, n.nobody(), []string{})
	}
	for _, raw := range old {
		_ = n.RPC("", "sendrawtransaction", nil, raw, 0) // those that stayed are refused
	}
	if !empty {
		n.Mine(1)
	}
}

// transactions lists the raw transactions of a block without its coinbase.
func (n *Node) transactions(height int32) []string {
	n.t.Helper()
	var id string
	n.mustRPC("", "getblockhash", &id, height)
	var block struct {
		Tx []struct{ Hex string }
	}
	n.mustRPC("", "getblock", &block, id, 2)
	var out []string
	for _, tx := range block.Tx[1:] {
		out = append(out, tx.Hex)
	}
	return out
}
