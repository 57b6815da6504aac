package unit_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"specter/internal/remote/unit"
)

func options(t *testing.T) unit.Options {
	return unit.Options{Program: "/bin/true", DataDir: "/var/lib/specter/.specter", User: "daemon", Args: []string{"--host", "0.0.0.0", "--name", "my $HOME 100%"}}
}

func TestAUnitSaysWhatItRuns(t *testing.T) {
	o := options(t)
	text, err := unit.Text(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{unit.Mark + "\n", "\nUser=daemon\n", `ExecStart=/bin/true server --no-open --data-dir /var/lib/specter/.specter --host 0.0.0.0 --name "my $$HOME 100%%"`,
		"ProtectSystem=strict", "ReadWritePaths=\"/var/lib/specter/.specter\"", "NoNewPrivileges=yes", "DeviceAllow=char-hidraw rw", "CapabilityBoundingSet=\n", "WantedBy=multi-user.target"} {
		if !strings.Contains(text, want) {
			t.Errorf("the unit lacks %q:\n%s", want, text)
		}
	}
	o.LowPort, o.Groups = true, []string{"plugdev", "dialout"}
	if text, err = unit.Text(o); err != nil || !strings.Contains(text, "AmbientCapabilities=CAP_NET_BIND_SERVICE\n") || !strings.Contains(text, "SupplementaryGroups=plugdev dialout\n") {
		t.Errorf("%v\n%s", err, text)
	}
	o.Mine, o.User = true, ""
	if text, err = unit.Text(o); err != nil || strings.Contains(text, "User=") || strings.Contains(text, "ProtectSystem") || !strings.Contains(text, "WantedBy=default.target") {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestUnitsThatWouldDoHarmAreNotWritten(t *testing.T) {
	for name, change := range map[string]func(*unit.Options){
		"as root":              func(o *unit.Options) { o.User = "root" },
		"as nobody named":      func(o *unit.Options) { o.User = "" },
		"a user with a line":   func(o *unit.Options) { o.User = "a\nExecStart=/bin/evil" },
		"a group with a space": func(o *unit.Options) { o.Groups = []string{"a b"} },
		"a relative program":   func(o *unit.Options) { o.Program = "specter" },
		"a relative folder":    func(o *unit.Options) { o.DataDir = "data" },
		"a folder with a line": func(o *unit.Options) { o.DataDir = "/a\nUser=root" },
		"an argument with one": func(o *unit.Options) { o.Args = []string{"a\nUser=root"} },
	} {
		o := options(t)
		change(&o)
		if text, err := unit.Text(o); err == nil {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// systemd's own judgement of the unit.
func TestSystemdTakesTheUnit(t *testing.T) {
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("SKIPPED WITHOUT SYSTEMD: systemd-analyze is not installed")
	}
	for name, change := range map[string]func(*unit.Options){
		"plain": func(*unit.Options) {}, "low port": func(o *unit.Options) { o.LowPort = true }, "a folder with a space": func(o *unit.Options) { o.DataDir = `/srv/my "data" 5%` },
	} {
		o := options(t)
		change(&o)
		text, err := unit.Text(o)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), unit.Name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(tool, "verify", "--man=no", file).CombinedOutput()
		if err != nil || strings.Contains(string(out), unit.Name) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		out, err = exec.Command(tool, "security", "--offline=true", "--no-pager", file).CombinedOutput()
		m := regexp.MustCompile(`Overall exposure level for \S+: ([\d.]+)`).FindSubmatch(out)
		if m == nil {
			t.Fatalf("%s: systemd-analyze security says nothing: %v\n%s", name, err, out)
		}
		level, _ := strconv.ParseFloat(string(m[1]), 64)
		t.Logf("%s: exposure %.1f of 10", name, level)
		if level > 3 {
			t.Errorf("%s: exposure %.1f is more than 3\n%s", name, level, out)
		}
	}
}
