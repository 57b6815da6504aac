//go:build unix

package app

import "golang.org/x/sys/unix"

// diskFree is how many bytes this program may still write to the disk of a folder; -1 where
// that is not known.
func diskFree(folder string) int64 {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return -1
	}
	return int64(s.Bavail) * int64(s.Bsize)
}

// otherDisk reports whether two folders lie on different disks; false where that is not known.
func otherDisk(a, b string) bool {
	var x, y unix.Stat_t
	return unix.Stat(a, &x) == nil && unix.Stat(b, &y) == nil && x.Dev != y.Dev
}
