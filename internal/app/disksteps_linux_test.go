//go:build linux && amd64

package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A process that is killed by the clock dies where it spends its time, which is in deciphering and
// hashing, and hardly ever between two renames. So a child is traced here: the kernel stops it
// before every system call that changes the disk, and it is killed before the n-th one, or, where
// that is a write, after half of it.

// diskCalls are the system calls that change a disk. The database makes its own, below os.
var diskCalls = []uint32{
	unix.SYS_WRITE, unix.SYS_PWRITE64, unix.SYS_WRITEV, unix.SYS_PWRITEV, unix.SYS_PWRITEV2,
	unix.SYS_FTRUNCATE, unix.SYS_TRUNCATE, unix.SYS_FALLOCATE, unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_SYNC_FILE_RANGE, unix.SYS_MSYNC,
	unix.SYS_OPEN, unix.SYS_OPENAT, unix.SYS_CREAT, unix.SYS_MKDIR, unix.SYS_MKDIRAT, unix.SYS_MKNODAT,
	unix.SYS_RMDIR, unix.SYS_UNLINK, unix.SYS_UNLINKAT, unix.SYS_RENAME, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2,
	unix.SYS_LINK, unix.SYS_LINKAT, unix.SYS_SYMLINK, unix.SYS_SYMLINKAT, unix.SYS_CHMOD, unix.SYS_FCHMOD, unix.SYS_FCHMODAT,
	unix.SYS_COPY_FILE_RANGE, unix.SYS_SENDFILE, unix.SYS_SPLICE,
}

// Of seccomp(2) and ptrace(2), which the syscall package does not name.
const (
	seccompFilter   = 1 // SECCOMP_SET_MODE_FILTER
	seccompAll      = 1 // SECCOMP_FILTER_FLAG_TSYNC: every thread
	retTrace        = 0x7ff00000
	retAllow        = 0x7fff0000
	eventSeccomp    = 7
	optionSeccomp   = 0x80
	optionExitKill  = 0x100000
	optionSysgood   = 0x1
	stoppedAtReturn = syscall.SIGTRAP | 0x80
)

// stopAtDiskCalls has the kernel tell the tracer of every disk call of this process from now on.
func stopAtDiskCalls() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	program := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}} // the call's number
	for i, nr := range diskCalls {
		program = append(program, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: nr, Jt: uint8(len(diskCalls) - i)})
	}
	program = append(program, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: retAllow}, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: retTrace})
	f := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if _, _, e := unix.Syscall(unix.SYS_SECCOMP, seccompFilter, seccompAll, uintptr(unsafe.Pointer(&f))); e != 0 {
		return e
	}
	return nil
}

// tracedEnd is how a traced child ended.
type tracedEnd struct {
	steps  int    // disk calls it made or was about to make
	killed bool   // before or in the last of them
	last   string // the call at which it was killed
	code   int    // its exit code, where it was not
}

var errNoTrace = errors.New("this machine does not let a process trace its child")

// traced runs this test binary as a child and kills it at its n-th disk call; 0: never. With torn, a
// write at that place is done by half.
func traced(n int, torn bool, said *os.File, env ...string) (end tracedEnd, err error) {
	runtime.LockOSThread() // the tracer is a thread
	defer runtime.UnlockOSThread()
	// Of an environment's variables the first of each name holds.
	p, err := os.StartProcess(os.Args[0], os.Args[:1], &os.ProcAttr{
		Env: append(append(env, "GODEBUG=asyncpreemptoff=1"), os.Environ()...), Files: []*os.File{nil, said, said},
		Sys: &syscall.SysProcAttr{Ptrace: true, Setpgid: true},
	})
	if err != nil {
		return end, errors.Join(errNoTrace, err)
	}
	pid := p.Pid
	_ = p.Release()
	var ws syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &ws, syscall.WALL, nil); err != nil || !ws.Stopped() {
		return end, errors.Join(errNoTrace, err)
	}
	if err := syscall.PtraceSetOptions(pid, syscall.PTRACE_O_TRACECLONE|optionSeccomp|optionExitKill|optionSysgood); err != nil {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		_, _ = syscall.Wait4(pid, &ws, syscall.WALL, nil)
		return end, errors.Join(errNoTrace, err)
	}
	slow := time.AfterFunc(2*time.Minute, func() { _ = syscall.Kill(pid, syscall.SIGKILL) }) // no child takes so long
	defer slow.Stop()
	_ = syscall.PtraceCont(pid, 0)
	for {
		who, err := syscall.Wait4(-pid, &ws, syscall.WALL|syscall.WNOTHREAD, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return end, fmt.Errorf("wait for the child: %w", err)
		}
		if who == pid && (ws.Exited() || ws.Signaled()) {
			end.code = ws.ExitStatus()
			return end, nil
		}
		if ws.Stopped() && !end.killed {
			end.step(pid, who, ws, n, torn)
		}
	}
}

// step lets a stopped thread of the child go on, or ends the child.
func (end *tracedEnd) step(pid, who int, ws syscall.WaitStatus, n int, torn bool) {
	kill := func() {
		end.killed = true
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	switch signal := ws.StopSignal(); {
	case signal == stoppedAtReturn: // half of the write is done
		kill()
	case signal == syscall.SIGTRAP && ws.TrapCause() == eventSeccomp:
		var r syscall.PtraceRegs
		if syscall.PtraceGetRegs(who, &r) != nil { // it is dying
			return
		}
		if !changesDisk(pid, &r) {
			_ = syscall.PtraceCont(who, 0)
			return
		}
		if end.steps++; end.steps != n {
			_ = syscall.PtraceCont(who, 0)
			return
		}
		end.last = fmt.Sprintf("call %d", r.Orig_rax)
		if torn && (r.Orig_rax == unix.SYS_WRITE || r.Orig_rax == unix.SYS_PWRITE64) && r.Rdx > 1 {
			end.last += ", half"
			r.Rdx /= 2
			if syscall.PtraceSetRegs(who, &r) == nil && syscall.PtraceSyscall(who, 0) == nil {
				return
			}
		}
		kill()
	case signal == syscall.SIGTRAP || signal == syscall.SIGSTOP: // a thread begins
		_ = syscall.PtraceCont(who, 0)
	default:
		_ = syscall.PtraceCont(who, int(signal))
	}
}

// changesDisk reports whether a call would change a disk: opening makes or empties a file, and
// what is written to is one.
func changesDisk(pid int, r *syscall.PtraceRegs) bool {
	fd := r.Rdi
	switch r.Orig_rax {
	case unix.SYS_OPEN:
		return r.Rsi&(unix.O_CREAT|unix.O_TRUNC) != 0
	case unix.SYS_OPENAT:
		return r.Rdx&(unix.O_CREAT|unix.O_TRUNC) != 0
	case unix.SYS_COPY_FILE_RANGE, unix.SYS_SPLICE:
		fd = r.Rdx
	case unix.SYS_WRITE, unix.SYS_PWRITE64, unix.SYS_WRITEV, unix.SYS_PWRITEV, unix.SYS_PWRITEV2, unix.SYS_FTRUNCATE, unix.SYS_FALLOCATE,
		unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_SYNC_FILE_RANGE, unix.SYS_FCHMOD, unix.SYS_SENDFILE:
	default:
		return true
	}
	to, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, fd))
	return err == nil && strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "/dev/") && !strings.HasPrefix(to, "/proc/") && !strings.HasSuffix(to, "said")
}

// points spreads so many kills evenly over all disk calls, the first and the last included.
func points(n, steps int) []int {
	if n >= steps {
		n = steps
	}
	out := make([]int, n)
	for i := range out {
		out[i] = 1 + i*(steps-1)/max(1, n-1)
	}
	return out
}

// tracing runs a child to its end and counts its disk calls, or skips loudly.
func tracing(t *testing.T, env ...string) int {
	t.Helper()
	said := saidTo(t)
	end, err := traced(0, false, said, env...)
	if errors.Is(err, errNoTrace) {
		t.Skipf("SKIPPED WITHOUT TRACING: %v", err)
	}
	text, _ := os.ReadFile(said.Name())
	if err != nil || end.code != 0 || end.steps < 20 {
		t.Fatalf("the child ended with %+v, %v: %s", end, err, text)
	}
	return end.steps
}

func saidTo(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "said"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
