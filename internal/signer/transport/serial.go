package transport

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"sync"
	"time"

	"go.bug.st/serial"

	"specter/internal/signer"
)

// serialNames lists ports whose names are those of USB serial chips.
func serialNames() ([]signer.Port, error) {
	names, err := serial.GetPortsList()
	var list []signer.Port
	for _, name := range names {
		for _, mark := range []string{"cu.usbserial", "cu.usbmodem", "cu.SLAB", "cu.wchusbserial"} {
			if strings.Contains(name, mark) {
				list = append(list, serialPort(name))
				break
			}
		}
	}
	return list, err
}

func serialPort(name string) signer.Port {
	return signer.Port{Path: name, Way: signer.Serial, Interface: -1,
		Open: func(ctx context.Context) (signer.Conn, error) { return openSerial(ctx, name) }}
}

// tick is how long a read of a serial port waits before it looks whether it is still wanted.
const tick = 50 * time.Millisecond

// openSerial opens a port with 115200 8N1. DTR and RTS are left low as far as the system lets us:
// boards with an automatic reset restart when they change.
func openSerial(ctx context.Context, name string) (signer.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p, err := serial.Open(name, &serial.Mode{BaudRate: 115200, InitialStatusBits: &serial.ModemOutputBits{}})
	var known *serial.PortError
	if errors.As(err, &known) && known.Code() == serial.InvalidSerialPort {
		err = nil // a pseudo terminal has no modem bits: open it without touching them
		p, err = serial.Open(name, &serial.Mode{BaudRate: 115200})
	}
	if errors.As(err, &known) {
		switch known.Code() {
		case serial.PermissionDenied:
			err = errors.Join(fs.ErrPermission, err)
		case serial.PortNotFound:
			err = errors.Join(fs.ErrNotExist, err)
		}
	}
	if err != nil {
		return nil, refused(name, err)
	}
	if err := p.SetReadTimeout(tick); err != nil {
		_ = p.Close()
		return nil, refused(name, err)
	}
	return &line{port: p}, nil
}

// line is an open serial port.
type line struct {
	port serial.Port
	once sync.Once
}

func (l *line) Read(ctx context.Context, p []byte) (int, error) {
	for len(p) > 0 {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n, err := l.port.Read(p)
		switch {
		case err != nil:
			return n, gone(errors.Join(io.EOF, err))
		case n > 0:
			return n, nil
		}
	}
	return 0, nil
}

// Write sends everything; the system takes it at once into its buffer.
func (l *line) Write(ctx context.Context, p []byte) (int, error) {
	for sent := 0; sent < len(p); {
		if err := ctx.Err(); err != nil {
			return sent, err
		}
		n, err := l.port.Write(p[sent:])
		if err != nil {
			return sent + n, gone(errors.Join(io.EOF, err))
		}
		sent += n
	}
	return len(p), nil
}

func (l *line) Close() (err error) {
	l.once.Do(func() { err = l.port.Close() })
	return err
}
