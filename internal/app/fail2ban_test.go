package app

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// sharedLog is a log that several goroutines write.
type sharedLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *sharedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *sharedLog) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

const filterFile = "../../contrib/fail2ban/specter.conf"

// banned reads the filter's expressions as fail2ban does and returns whom the lines name.
func banned(t *testing.T, text string) []string {
	t.Helper()
	raw, err := os.ReadFile(filterFile)
	if err != nil {
		t.Fatal(err)
	}
	_, part, _ := strings.Cut(string(raw), "failregex =")
	part, _, _ = strings.Cut(part, "ignoreregex")
	var list []*regexp.Regexp
	for _, one := range strings.Split(strings.TrimSpace(part), "\n") {
		list = append(list, regexp.MustCompile(strings.ReplaceAll(strings.TrimSpace(one), "<HOST>", `([0-9a-fA-F:.]+)`)))
	}
	if len(list) != 2 {
		t.Fatalf("the filter has %d expressions", len(list))
	}
	var out []string
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		for _, re := range list {
			if m := re.FindStringSubmatch(line); m != nil {
				out = append(out, m[1])
			}
		}
	}
	return out
}

// The real lines of a real program, in both forms, with what strangers may try to write into them.
func TestFail2banFindsWhoGuessesAndNobodyElse(t *testing.T) {
	for form, handler := range map[string]func(*sharedLog) slog.Handler{
		"text": func(w *sharedLog) slog.Handler { return slog.NewTextHandler(w, nil) },
		"json": func(w *sharedLog) slog.Handler { return slog.NewJSONHandler(w, nil) },
	} {
		t.Run(form, func(t *testing.T) {
			var log sharedLog
			h := owned(t, Config{Log: slog.New(handler(&log)), Trusted: []netip.Prefix{netip.MustParsePrefix("198.51.100.1/32")}})
			guess := func(peer, name, forwarded string) {
				r := httptest.NewRequest("POST", "/auth/login", strings.NewReader("username="+name+"&password=wrong"))
				r.Host, r.RemoteAddr = "localhost", peer
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Header.Set("User-Agent", "x\" msg=\"login refused\" client=9.9.9.9 way=page")
				r.Header.Set("X-Forwarded-Proto", "https")
				if forwarded != "" {
					r.Header.Set("X-Forwarded-For", forwarded)
				}
				w := httptest.NewRecorder()
				h.server.Handler.ServeHTTP(w, r)
				if w.Code == http.StatusSeeOther {
					t.Fatal("a wrong password let somebody in")
				}
			}
			guess("127.0.0.1:5000", "admin", "") // at this computer
			guess("198.51.100.1:5000", "admin", "203.0.113.9")
			guess("198.51.100.1:5000", "admin%0Atime=x+level=WARN+msg=%22login+refused%22+client=9.9.9.9+way=page", "203.0.113.10, 203.0.113.11")
			guess("198.51.100.1:5000", "a\" msg=", "2001:db8::7")
			want := "127.0.0.1 203.0.113.9 203.0.113.11 2001:db8::7"
			if got := strings.Join(banned(t, log.String()), " "); got != want {
				t.Errorf("fail2ban finds %q, want %q in\n%s", got, want, &log)
			}
			tool, err := exec.LookPath("fail2ban-regex")
			if err != nil {
				t.Log("fail2ban-regex is not installed; the expressions were run alone")
				return
			}
			file := filepath.Join(t.TempDir(), "log")
			if err := os.WriteFile(file, []byte(log.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(tool, file, filterFile).CombinedOutput()
			if err != nil || !strings.Contains(string(out), "4 matched") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
