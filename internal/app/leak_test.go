package app

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/node"
	"specter/internal/setting"
	"specter/internal/wallet"
)

// insideNamespace marks the process that runs in a network of its own.
const insideNamespace = "SPECTER_TEST_NAMESPACE"

// In a network namespace with a way to the world and a name server out there, every packet that
// would leave is counted by the kernel. With "only Tor" there is none, names included.
func TestWithOnlyTorNoPacketLeavesButToTheProxy(t *testing.T) {
	if os.Getenv(insideNamespace) != "" {
		leakTest(t)
		return
	}
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("SKIPPED WITHOUT ROOT: a network namespace needs it")
	}
	for _, tool := range []string{"unshare", "ip", "mount"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("SKIPPED WITHOUT %s: install iproute2 and util-linux", tool)
		}
	}
	resolv := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(resolv, []byte("nameserver 203.0.113.53\noptions timeout:1 attempts:1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	const world = `set -e
mount --bind "$R" /etc/resolv.conf
ip link set lo up
echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6 2>/dev/null || true
echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6 2>/dev/null || true
ip link add out0 type veth peer name far0
ip link set far0 up
ip addr add 198.51.100.2/24 dev out0
ip link set out0 up
ip neigh add 198.51.100.1 lladdr 02:00:00:00:00:01 dev out0
ip route add default via 198.51.100.1
`
	c := exec.Command("unshare", "-n", "-m", "sh", "-c", world+`exec "$@"`, "sh", os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	c.Env = append(os.Environ(), insideNamespace+"=1", "R="+resolv)
	out, err := c.CombinedOutput()
	if strings.Contains(string(out), "Operation not permitted") {
		t.Skipf("SKIPPED WITHOUT NAMESPACES: %s", out)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// left is how many packets the kernel has sent out of the way to the world.
func left(t *testing.T) int {
	t.Helper()
	raw, err := os.ReadFile("/proc/self/net/dev")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(raw), "\n") {
		if name, rest, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && name == "out0" {
			n, err := strconv.Atoi(strings.Fields(rest)[9])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("there is no way to the world")
	return 0
}

func leakTest(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var asked atomic.Int64
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			asked.Add(1)
			c.Close() // Tor is away; nobody may go around it
		}
	}()
	h := open(t, Config{Demo: &Demo{}})
	greedy(t, h)
	ctx := context.Background()
	if _, err := h.program.ChangeProgram(ctx, func(p *setting.Program) error {
		p.Outside, p.ProxyOnly, p.Proxy = true, true, l.Addr().String()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	before := left(t)
	pages := walk(t, h, 60)
	_, _ = h.outside.Price(ctx, demoOwner)
	for _, via := range []string{"mempool", "mempool-tor", "blockstream", "own"} {
		if err := h.post(ctx, wallet.Owner(demoOwner), btc.Mainnet, via, wire.NewMsgTx(2)); err == nil {
			t.Errorf("a transaction was handed to %s", via)
		}
	}
	_, _ = h.outside.relay(ctx, []string{"https://jadepin.example", "http://mrrxtq6tjpbnbm7vh5jt6mpjctn7ggyfy5wegvbeff3x7jrznqawlmid.onion"}, []byte("{}"))
	for _, address := range []string{"node.example:8332", "8.8.8.8:8332", "abcdef.onion:8332", "my-node.local:8332", "box:8332", "[2001:db8::1]:8332"} {
		if c, err := h.dialNode(ctx, "tcp", address); err == nil {
			c.Close()
			t.Errorf("%s was reached", address)
		}
		host, _, _ := net.SplitHostPort(address)
		_ = h.nodes.Test(ctx, node.Node{Kind: node.Core, Protocol: "http", Host: host, Port: 8332})
	}
	if resp, err := h.outside.bridgeClient().Get("http://bridge.example/hwi/api/"); err == nil {
		resp.Body.Close()
	}
	acme, err := TLS{}.client(h.outside.named)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := acme.Get("https://acme-v02.api.letsencrypt.org/directory"); err == nil {
		resp.Body.Close()
	}
	h.Examine(ctx, "https://specter.example/")
	if n := left(t) - before; n != 0 {
		t.Errorf("%d packets left the machine", n)
	}
	if asked.Load() < 10 {
		t.Errorf("only %d connections to the proxy: the test asks too little to prove anything", asked.Load())
	}
	t.Logf("%d pages, %d connections to the proxy, no packet to the world", pages, asked.Load())
	// the same without "only Tor" shows that packets are counted
	if _, err := h.program.ChangeProgram(ctx, func(p *setting.Program) error { p.ProxyOnly = false; return nil }); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r, _ := http.NewRequestWithContext(short, "GET", "https://mempool.example/", nil)
	if resp, err := h.outside.client(false).Do(r); err == nil {
		resp.Body.Close()
	}
	if left(t) == before {
		t.Error("a direct question sends no packet: the counter counts nothing")
	}
}
