//go:build !offline && unix

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// isTerminal asks the file for a terminal's settings.
func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), getTerm)
	return err == nil
}

// hideEcho switches the echo off until restore is called. Lines are still edited by the
// terminal, and interrupting still works.
func hideEcho(f *os.File) (restore func(), err error) {
	fd := int(f.Fd())
	old, err := unix.IoctlGetTermios(fd, getTerm)
	if err != nil {
		return nil, err
	}
	hidden := *old
	hidden.Lflag &^= unix.ECHO
	hidden.Lflag |= unix.ICANON | unix.ISIG
	hidden.Iflag |= unix.ICRNL
	if err := unix.IoctlSetTermios(fd, setTerm, &hidden); err != nil {
		return nil, err
	}
	return func() { _ = unix.IoctlSetTermios(fd, setTerm, old) }, nil
}
