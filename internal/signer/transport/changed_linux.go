package transport

import (
	"bytes"
	"context"
	"os"

	"golang.org/x/sys/unix"
)

// Changed receives when something was plugged in or out, until ctx ends and the channel is
// closed. The kernel tells; nothing is polled. Where it does not (a container without its own
// network), the listing is looked at every two seconds.
func (f *Finder) Changed(ctx context.Context) <-chan struct{} {
	news := make(chan struct{}, 1)
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err == nil {
		if err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1}); err != nil {
			_ = unix.Close(fd)
		}
	}
	if err != nil {
		go f.poll(ctx, news)
		return news
	}
	go listen(ctx, os.NewFile(uintptr(fd), "uevents"), news)
	return news
}

// listen reads the kernel's messages: rows that end in zero bytes.
func listen(ctx context.Context, in *os.File, news chan<- struct{}) {
	defer close(news)
	defer in.Close()
	defer context.AfterFunc(ctx, func() { _ = in.Close() })()
	p := make([]byte, 16<<10)
	for {
		n, err := in.Read(p)
		if ctx.Err() != nil {
			return
		}
		if err != nil || concerns(p[:n]) { // too many messages at once are an error, and news
			tell(news)
		}
		if err != nil && n == 0 && isClosed(err) {
			return
		}
	}
}

// concerns reports whether a message is about a bus where devices are found.
func concerns(message []byte) bool {
	for row := range bytes.SplitSeq(message, []byte{0}) {
		switch string(row) {
		case "SUBSYSTEM=hidraw", "SUBSYSTEM=usb", "SUBSYSTEM=tty":
			return true
		}
	}
	return false
}
