package app

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"specter/internal/remote/remotetest"
	"specter/internal/testkit"
)

// vps is a server as the guide has it, on loopback: a real sshd and a real nginx in front of the
// port at which the tunnel ends.
type vps struct {
	t       *testing.T
	dir     string
	address string // of this machine, but loopback: a visitor is seen under it
	end     int    // where the tunnel ends on the server
	http    int    // nginx in plain, at address
	https   int    // nginx over TLS
	*remotetest.SSHD
	nginx *exec.Cmd
	said  lockedBuffer
	roots *x509.CertPool // of nginx's own certificate
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newVPS starts sshd, and nginx with the lines of the guide. The name is vps.test.
func newVPS(t *testing.T) *vps {
	t.Helper()
	v := &vps{t: t, dir: t.TempDir(), address: outerAddress(t), end: testkit.Port(t), http: testkit.Port(t), https: testkit.Port(t), roots: x509.NewCertPool()}
	testkit.Tool(t, "nginx", "nginx-light to be reached through a real one")
	testkit.Tool(t, "ssh", "openssh-client to be reached through a real one")
	v.SSHD = remotetest.NewSSHD(t)
	v.certificate()
	v.startNginx()
	t.Cleanup(func() {
		v.stopNginx()
		if t.Failed() {
			t.Log(v.said.String())
		}
	})
	return v
}

func (v *vps) file(name string) string { return filepath.Join(v.dir, name) }

func (v *vps) write(name, text string, mode os.FileMode) string {
	v.t.Helper()
	if err := os.WriteFile(v.file(name), []byte(text), mode); err != nil {
		v.t.Fatal(err)
	}
	return v.file(name)
}

func (v *vps) run(args ...string) string {
	v.t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		v.t.Fatalf("%v: %v %s", args, err, out)
	}
	return string(out)
}

// certificate makes one for the server's name.
func (v *vps) certificate() {
	v.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		v.t.Fatal(err)
	}
	now := time.Now()
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "vps.test"}, DNSNames: []string{"vps.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(48 * time.Hour), BasicConstraintsValid: true, IsCA: true}
	cert, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		v.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		v.t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
	v.write("cert.pem", text, 0o644)
	v.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})), 0o600)
	if !v.roots.AppendCertsFromPEM([]byte(text)) {
		v.t.Fatal("nginx's certificate is none")
	}
}

// passwd is what htpasswd would write for proxy:door, in the plain form that nginx reads.
const passwd = "proxy:{PLAIN}door\n"

// startNginx runs the guide's configuration: the whole site, a site below /specter/ whose prefix
// is passed on, one below /stripped/ whose prefix is taken off and named, and one with a password
// of its own on another port's name.
func (v *vps) startNginx() {
	v.t.Helper()
	v.write("passwd", passwd, 0o644)
	common := `proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $http_host; proxy_set_header Forwarded ""; proxy_http_version 1.1; proxy_read_timeout 1h;`
	sites := fmt.Sprintf(`
  location / { %[1]s proxy_pass http://127.0.0.1:%[2]d; proxy_set_header X-Forwarded-Prefix ""; }
  location /specter/ { %[1]s proxy_pass http://127.0.0.1:%[2]d; proxy_set_header X-Forwarded-Prefix /specter; }
  location /stripped/ { %[1]s proxy_pass http://127.0.0.1:%[2]d/; proxy_set_header X-Forwarded-Prefix /stripped; }
  location /private/ { auth_basic "proxy"; auth_basic_user_file %[3]s; %[1]s proxy_pass http://127.0.0.1:%[2]d/; proxy_set_header X-Forwarded-Prefix /private; }
`, common, v.end, v.file("passwd"))
	worker := ""
	if os.Getuid() == 0 { // its workers would be somebody who may not read this folder
		worker = "user root;"
	}
	config := v.write("nginx.conf", fmt.Sprintf(worker+`daemon off; pid %[1]s/nginx.pid; error_log stderr warn; worker_processes 1;
events { worker_connections 4096; }
http { access_log off; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
server { listen %[5]s:%[2]d; %[4]s }
server { listen %[5]s:%[3]d ssl; ssl_certificate %[1]s/cert.pem; ssl_certificate_key %[1]s/key.pem; %[4]s } }
`, v.dir, v.http, v.https, sites, v.address), 0o644)
	v.nginx = exec.Command(testkit.Tool(v.t, "nginx", "nginx-light"), "-c", config, "-e", "stderr", "-p", v.dir)
	v.nginx.Stderr, v.nginx.WaitDelay = &v.said, time.Second
	if err := v.nginx.Start(); err != nil {
		v.t.Fatal(err)
	}
	remotetest.Listens(v.t, net.JoinHostPort(v.address, strconv.Itoa(v.http)))
}

func (v *vps) stopNginx() {
	if v.nginx == nil {
		return
	}
	v.nginx.Process.Signal(os.Interrupt)
	v.nginx.Wait()
	v.nginx = nil
}

// target is sshd's, or that of a line to it at another port.
func (v *vps) target(port int) string { return fmt.Sprintf("%s@127.0.0.1:%d", v.User(), port) }

// plainTunnel is ssh -N -R as people type it, to a Specter that is told of the proxy.
func (v *vps) plainTunnel(h *house) {
	v.t.Helper()
	v.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", v.file("id"))
	public, err := os.ReadFile(v.file("id.pub"))
	if err != nil {
		v.t.Fatal(err)
	}
	v.Authorize(string(public))
	run := exec.Command(testkit.Tool(v.t, "ssh", "openssh-client"), "-nN", "-F", "none", "-i", v.file("id"), "-o", "StrictHostKeyChecking=accept-new", "-o", "UserKnownHostsFile="+v.file("known"),
		"-o", "ExitOnForwardFailure=yes", "-p", strconv.Itoa(v.Port), "-R", fmt.Sprintf("%d:localhost:%s", v.end, portOf(h.listener)), v.User()+"@127.0.0.1")
	run.Stderr, run.WaitDelay = &v.said, time.Second
	if err := run.Start(); err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { run.Process.Kill(); run.Wait() })
	remotetest.Listens(v.t, fmt.Sprintf("127.0.0.1:%d", v.end))
}

// visitor is a browser of somebody in the street, who knows the server as vps.test.
func (v *vps) visitor() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		v.t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: v.roots}, DisableKeepAlives: true,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				_, port, _ := net.SplitHostPort(address)
				return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(v.address, port))
			}}}
}

func (v *vps) plain() string  { return fmt.Sprintf("http://vps.test:%d", v.http) }
func (v *vps) secure() string { return fmt.Sprintf("https://vps.test:%d", v.https) }

// send sends one request and reads the answer.
func send(c *http.Client, method, address string, form url.Values, head ...string) (int, http.Header, string, error) {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequest(method, address, body)
	if err != nil {
		return 0, nil, "", err
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", r.URL.Scheme+"://"+r.URL.Host)
	}
	for i := 0; i+1 < len(head); i += 2 {
		r.Header.Set(head[i], head[i+1])
	}
	resp, err := c.Do(r)
	if err != nil {
		return 0, nil, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(text), err
}

// comesUp reports whether the login page comes.
func comesUp(c *http.Client, base string) (bool, string) {
	code, _, body, err := send(c, "GET", base+"/auth/login", nil)
	if err != nil {
		return false, err.Error()
	}
	return code == 200 && strings.Contains(body, "Log in to Specter"), fmt.Sprint(code, " ", body[:min(len(body), 200)])
}

// cable is a way to a server that can be cut: connections drop, and new ones are refused.
type cable struct {
	net.Listener
	mu    sync.Mutex
	to    string
	cut   bool
	conns map[net.Conn]bool
}

func newCable(t *testing.T, to string) *cable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{Listener: l, to: to, conns: map[net.Conn]bool{}}
	t.Cleanup(func() { l.Close(); c.sever(true) })
	go func() {
		for {
			near, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				go c.carry(near)
			}
		}
	}()
	return c
}

func (c *cable) carry(near net.Conn) {
	defer near.Close()
	c.mu.Lock()
	cut := c.cut
	c.mu.Unlock()
	if cut {
		return
	}
	far, err := net.Dial("tcp", c.to)
	if err != nil {
		return
	}
	defer far.Close()
	c.mu.Lock()
	cut = c.cut // perhaps meanwhile
	c.conns[near], c.conns[far] = true, true
	c.mu.Unlock()
	if cut {
		return
	}
	go func() { io.Copy(far, near); far.Close() }()
	io.Copy(near, far)
}

// sever cuts the line, or mends it.
func (c *cable) sever(cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = cut
	for one := range c.conns {
		one.Close()
	}
	c.conns = map[net.Conn]bool{}
}
