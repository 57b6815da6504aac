package transport

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"specter/internal/errs"
)

func TestTheRulesNameEveryDevice(t *testing.T) {
	rules, err := Rules("plugdev")
	if err != nil {
		t.Fatal(err)
	}
	for ids := range vendorInterfacesText() {
		if !strings.Contains(rules, ids) {
			t.Errorf("%s has no rule", ids)
		}
	}
	line := regexp.MustCompile(`^(KERNEL=="[a-zA-Z*|]+", )?SUBSYSTEM=="[a-z]+", (ENV\{DEVTYPE\}=="usb_device", )?ATTRS?\{idVendor\}=="[0-9a-f]{4}", (ATTRS?\{idProduct\}=="[0-9a-f]{4}", )?MODE="0660", TAG\+="uaccess", GROUP="plugdev"$`)
	for row := range strings.Lines(rules) {
		if row = strings.TrimSpace(row); row != "" && row[0] != '#' && !line.MatchString(row) {
			t.Errorf("no rule: %s", row)
		}
	}
	if none, _ := Rules(""); strings.Contains(none, "GROUP") {
		t.Error("a group that nobody named")
	}
	for _, bad := range []string{`a"`, "a b", "-x", strings.Repeat("a", 40), "a\nRUN+=x"} {
		if _, err := Rules(bad); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// vendorInterfacesText are ids that the rules must have.
func vendorInterfacesText() map[string]bool {
	return map[string]bool{
		`ATTR{idVendor}=="1209", ATTR{idProduct}=="53c1"`:   true,
		`ATTR{idVendor}=="534c", ATTR{idProduct}=="0001"`:   true,
		`ATTR{idVendor}=="2b24", ATTR{idProduct}=="0002"`:   true,
		`ATTRS{idVendor}=="2c97", MODE`:                     true,
		`ATTRS{idVendor}=="10c4", ATTRS{idProduct}=="ea60"`: true,
	}
}

func TestRulesAreInstalledAndChecked(t *testing.T) {
	root := t.TempDir()
	if err := CheckRules(root); errs.KindOf(err) != errs.NotFound {
		t.Fatal(err)
	}
	for _, group := range []string{"", "specter"} {
		path, err := InstallRules(root, group)
		if err != nil || path != filepath.Join(root, RulesFile) {
			t.Fatal(path, err)
		}
		if err := CheckRules(root); err != nil {
			t.Error(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, RulesFile), []byte("# old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := CheckRules(root); errs.KindOf(err) != errs.Conflict {
		t.Error(err)
	}
}
