//go:build unix

package remotetest

import "syscall"

// freeze has a process stand still until thaw; it may have ended.
func freeze(pid int) { _ = syscall.Kill(pid, syscall.SIGSTOP) }

func thaw(pid int) { _ = syscall.Kill(pid, syscall.SIGCONT) }
