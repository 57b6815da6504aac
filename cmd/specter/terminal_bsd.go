//go:build !offline && (darwin || freebsd || netbsd || openbsd || dragonfly)

package main

import "golang.org/x/sys/unix"

const getTerm, setTerm = unix.TIOCGETA, unix.TIOCSETA
