package coldcard

import (
	"fmt"
	"strconv"
	"strings"
)

// firmware is what the device says of its firmware: date, version, bootloader, a longer date and,
// in newer ones, the hardware.
type firmware struct {
	text     string // as the device says it: 5.6.1, 1.5.1Q, 6.6.0X, 6.6.0QX
	number   [3]int
	q, edge  bool
	hardware string // mk3, mk4, mk5, q1; "" where the device does not say
}

// parseFirmware never fails: what cannot be read is an old firmware.
func parseFirmware(answer string) firmware {
	var f firmware
	lines := strings.Split(answer, "\n")
	if len(lines) > 1 {
		f.text = printable([]byte(lines[1]))
	}
	if len(lines) > 4 {
		f.hardware = strings.TrimSpace(lines[4])
	}
	rest := f.text
	for {
		switch {
		case strings.HasSuffix(rest, "X"):
			f.edge = true
		case strings.HasSuffix(rest, "Q"):
			f.q = true
		default:
			for i, part := range strings.SplitN(rest, ".", 3) {
				if n, err := strconv.Atoi(part); err == nil && n >= 0 {
					f.number[i] = n
				} else if part == "x" {
					f.number[i] = 99 // the simulator's 5.x.x: newer than all
				}
			}
			f.q = f.q || f.hardware == "q1"
			return f
		}
		rest = rest[:len(rest)-1]
	}
}

func (f firmware) atLeast(major, minor, patch int) bool {
	want := [3]int{major, minor, patch}
	for i, n := range f.number {
		if n != want[i] {
			return n > want[i]
		}
	}
	return true
}

// since compares with the version of the Mk4's firmware that first could something; the Q could
// from the given version of its own, Edge always.
func (f firmware) since(mk, q [3]int) bool {
	switch {
	case f.edge:
		return true
	case f.q:
		return f.atLeast(q[0], q[1], q[2])
	}
	return f.atLeast(mk[0], mk[1], mk[2])
}

// readsV2 tells whether PSBTs of version 2 are understood (5.2.0).
func (f firmware) readsV2() bool { return f.since([3]int{5, 2, 0}, [3]int{0, 0, 1}) }

// readsNamed tells whether a wallet may come as JSON with a name and a descriptor (5.4.0).
func (f firmware) readsNamed() bool { return f.since([3]int{5, 4, 0}, [3]int{1, 3, 0}) }

// maxTransaction is how many bytes of PSBT the hardware holds. Firmware below 5 is of Mk3.
func (f firmware) maxTransaction() int {
	if !f.q && !f.edge && !f.atLeast(5, 0, 0) {
		return 384 << 10
	}
	return 2 << 20
}

// hint tells of newer firmware, by the maker's change log of 2026-08-20: 5.6.1 (Mk4, Mk5),
// 1.5.1Q, 4.2.0 (Mk3) and 6.6.0X (Edge).
func (f firmware) hint() string {
	newest, name := [3]int{5, 6, 1}, "5.6.1"
	switch {
	case f.number == [3]int{}:
		return ""
	case f.edge:
		newest, name = [3]int{6, 6, 0}, "6.6.0X"
		if f.q {
			name = "6.6.0QX"
		}
	case f.q:
		newest, name = [3]int{1, 5, 1}, "1.5.1Q"
	case !f.atLeast(5, 0, 0):
		newest, name = [3]int{4, 2, 0}, "4.2.0"
	}
	if f.atLeast(newest[0], newest[1], newest[2]) {
		return ""
	}
	return fmt.Sprintf("This Coldcard has firmware %s; newer firmware exists (%s or later). Its maker's release notes tell what it changes.", f.text, name)
}
