package backup

import (
	"os"

	"golang.org/x/sys/unix"
)

// forget has the system drop what it keeps in memory of a file that is on the disk, so that it is
// read from there. A system that will not is no reason to fail.
func forget(f *os.File) { _ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) }
