//go:build !offline

package main

import (
	"os"
	"os/exec"
	"runtime"
	"time"

	"specter/internal/app"
)

// demoCmd runs the program on a chain inside the process.
type demoCmd struct {
	Host     string        `help:"Address to listen on." default:"${host}" env:"HOST"`
	Port     int           `help:"Port to listen on; 0 takes any free one." default:"${port}" env:"PORT"`
	DataDir  string        `help:"Keep the demo's data here (default: a temporary folder, removed at the end)." placeholder:"FOLDER"`
	Interval time.Duration `help:"Time between blocks; 0 mines none by itself." default:"5s"`
	NoOpen   bool          `help:"Do not open the browser."`
	Debug    bool          `help:"Log everything."`
}

// Run serves the demo until it is interrupted.
func (c demoCmd) Run(h host) error {
	dir := c.DataDir
	if dir == "" {
		tmp, err := os.MkdirTemp("", "specter-demo-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		dir = tmp
	}
	cfg := app.Config{Host: c.Host, Port: c.Port, DataDir: dir, API: truthy(h, "SPECTER_API_ACTIVE"), Version: version, Debug: c.Debug,
		Out: h.stdout, Now: time.Now, Demo: &app.Demo{BlockInterval: c.Interval}}
	cfg.Log, cfg.Lines = logger(h, logAuto, c.Debug)
	if !c.NoOpen {
		cfg.Show = openBrowser
	}
	return serve(h, cfg)
}

// openBrowser shows a page on a desktop; where there is none the printed link serves.
func openBrowser(url string) {
	var cmd *exec.Cmd
	switch runtime.GOOS {
	case "darwin":
		cmd = exec.Command("open", url)
	case "windows":
		cmd = exec.Command("rundll32", "url.dll,FileProtocolHandler", url)
	default:
		if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
			return
		}
		cmd = exec.Command("xdg-open", url)
	}
	if cmd.Start() == nil {
		go cmd.Wait() //nolint:errcheck // whether a browser came up is not ours to know
	}
}
