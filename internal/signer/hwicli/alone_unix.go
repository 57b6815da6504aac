//go:build unix

package hwicli

import (
	"os/exec"
	"syscall"
)

// alone gives the program a session of its own: without a terminal it reads its passphrase from
// where we write it, and it is ended together with everything that it started.
func alone(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
