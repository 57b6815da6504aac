package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The command line asks a device's PIN server only as its environment says, by the server's rules.
func TestTheCommandLineAsksNoPINServerUntold(t *testing.T) {
	urls := []string{"https://pin.invalid/get_pin", "http://mrrxtq6tjpbnbm7vh5jt6mpjctn7ggyfy5wegvbeff3x7jrznqawlmid.onion/get_pin"}
	for way, says := range map[string]string{
		"":                      PINServerVar,
		"127.0.0.1:1":           "onion", // nobody listens there; the onion was chosen
		"socks5h://127.0.0.1:1": "onion",
	} {
		relay, err := commandRelay(func(string) (string, bool) { return way, way != "" })
		if err != nil {
			t.Fatalf("%q: %v", way, err)
		}
		if _, err := relay(t.Context(), urls, []byte("{}")); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", way, err)
		}
	}
	// Straight means that it would be asked: a call that is given up at once does not get as far.
	relay, err := commandRelay(func(string) (string, bool) { return "direct", true })
	if err != nil {
		t.Fatal(err)
	}
	over, stop := context.WithCancel(t.Context())
	stop()
	if _, err := relay(over, urls, []byte("{}")); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "pin.invalid") {
		t.Errorf("direct: %v", err)
	}
	if _, err := commandRelay(func(string) (string, bool) { return "no address at all", true }); err == nil {
		t.Error("a proxy that is none was taken")
	}
}

// Devices are opened without the rest of the program: nothing of its folder is touched but one
// file of their own, and that only when a driver keeps something.
func TestDevicesAreOpenedBesideARunningServer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "specter")
	hub, err := OpenDevices(Devices{Folder: dir, Env: func(string) (string, bool) { return "", false }})
	if err != nil || hub == nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}
	if _, err := OpenDevices(Devices{Folder: dir, Simulators: "jade=nowhere", Env: os.LookupEnv}); err == nil {
		t.Error("a simulator at no address was taken")
	}
}
