package transport

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"specter/internal/errs"
)

// RulesFile is where udev finds the rules; its number stands before 73-seat-late, which gives
// devices with the tag uaccess to who sits at the machine.
const RulesFile = "/etc/udev/rules.d/70-specter.rules"

// ruled are the devices that people may use without being root: USB ids by family. A product of
// "" is any of the vendor's.
var ruled = []struct{ family, vendor, product string }{
	{"Trezor One", "534c", "0001"},
	{"Trezor One, T, Safe 3, Safe 5", "1209", "53c1"},
	{"Trezor in its bootloader", "1209", "53c0"},
	{"KeepKey", "2b24", "0001"},
	{"KeepKey, newer firmware", "2b24", "0002"},
	{"Ledger", "2c97", ""},
	{"Coldcard", "d13e", "cc10"},
	{"BitBox02, BitBox02 Nova", "03eb", "2403"},
	{"Jade (CP210x)", "10c4", "ea60"},
	{"Jade (CH9102)", "1a86", "55d4"},
	{"Jade (CH340)", "1a86", "7523"},
	{"Jade (FTDI)", "0403", "6001"},
	{"Jade Plus", "303a", "4001"},
	{"Jade Plus, USB JTAG", "303a", "1001"},
	{"Specter-DIY (MicroPython)", "f055", ""},
}

// Rules is the text of the rules file. A group, where one is given, may use the devices too: for
// a server that nobody sits at.
func Rules(group string) (string, error) {
	if group != "" && !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,31}$`).MatchString(group) {
		return "", errs.E(errs.Invalid, "%q is no name of a group", group)
	}
	give := `MODE="0660", TAG+="uaccess"`
	if group != "" {
		give += fmt.Sprintf(`, GROUP="%s"`, group)
	}
	var out strings.Builder
	out.WriteString("# Signing devices for Specter. Written by \"specter udev\"; install it anew after an update.\n")
	for _, d := range ruled {
		fmt.Fprintf(&out, "\n# %s\n", d.family)
		ids := fmt.Sprintf(`ATTRS{idVendor}=="%s", `, d.vendor)
		if d.product != "" {
			ids += fmt.Sprintf(`ATTRS{idProduct}=="%s", `, d.product)
		}
		fmt.Fprintf(&out, "SUBSYSTEM==\"usb\", ENV{DEVTYPE}==\"usb_device\", %s%s\n", strings.ReplaceAll(ids, "ATTRS", "ATTR"), give)
		fmt.Fprintf(&out, "KERNEL==\"hidraw*\", SUBSYSTEM==\"hidraw\", %s%s\n", ids, give)
		fmt.Fprintf(&out, "KERNEL==\"ttyACM*|ttyUSB*\", SUBSYSTEM==\"tty\", %s%s\n", ids, give)
	}
	return out.String(), nil
}

// InstallRules writes the rules under a root folder ("" is this machine) and returns their path.
func InstallRules(root, group string) (string, error) {
	rules, err := Rules(group)
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, RulesFile)
	err = os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(rules), 0o644)
	}
	if errors.Is(err, fs.ErrPermission) {
		return "", errs.E(errs.Denied, "%s can only be written by root; run it again with sudo", path)
	}
	if err != nil {
		return "", errs.E(errs.Unavailable, "the rules could not be written: %w", err)
	}
	return path, nil
}

// CheckRules tells whether the rules are there and of this version.
func CheckRules(root string) error {
	path := filepath.Join(root, RulesFile)
	got, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return errs.E(errs.NotFound, "%s is missing; run \"sudo specter udev install\"", path)
	}
	if err != nil {
		return errs.E(errs.Unavailable, "%s cannot be read: %w", path, err)
	}
	group := ""
	if m := regexp.MustCompile(`GROUP="([^"]*)"`).FindSubmatch(got); m != nil {
		group = string(m[1])
	}
	if want, err := Rules(group); err != nil || want != string(got) {
		return errs.E(errs.Conflict, "%s is of another version or was changed; run \"sudo specter udev install\"", path)
	}
	return nil
}
