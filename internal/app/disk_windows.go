package app

import "golang.org/x/sys/windows"

// diskFree is how many bytes this program may still write to the disk of a folder; -1 where
// that is not known.
func diskFree(folder string) int64 {
	path, err := windows.UTF16PtrFromString(folder)
	if err != nil {
		return -1
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(path, &free, nil, nil); err != nil || free > 1<<62 {
		return -1
	}
	return int64(free)
}

// otherDisk is not known here, where a disk that is away takes its folders along.
func otherDisk(_, _ string) bool { return false }
