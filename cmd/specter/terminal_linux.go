//go:build !offline

package main

import "golang.org/x/sys/unix"

const getTerm, setTerm = unix.TCGETS, unix.TCSETS
