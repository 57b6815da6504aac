// Package specterdiy drives the Specter-DIY over its serial port, and its simulator over TCP
// (127.0.0.1:8789).
//
// The device reads commands of one line and answers "ACK" and one line (docs/communication.md of
// cryptoadvance/specter-diy). It reads nothing while its person decides, and knows no command
// that takes a question back: what was given up stays on the screen, and its late answer is
// skipped before the next command (see session.clear).
package specterdiy

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"specter/internal/btc"
	"specter/internal/signer"
)

// vendor is the USB id of MicroPython's boards.
const vendor = 0xf055

// greeting is how long a device may take to answer at first.
const greeting = 3 * time.Second

// Driver is the family; see signer.Driver.
type Driver struct{}

// Kind is "specter".
func (Driver) Kind() string { return "specter" }

// Match tells whether a port may be a Specter-DIY's.
func (Driver) Match(p signer.Port) bool {
	if p.Kind != "" {
		return p.Kind == "specter"
	}
	return p.Way == signer.Serial && p.Vendor == vendor
}

// Open asks for a key that only this device and this question lead to, which tells fingerprint
// and network too.
func (Driver) Open(ctx context.Context, c signer.Conn, p signer.Port, o signer.Options) (signer.Signer, error) {
	s := &session{link: link{conn: c, dirty: true}, options: o}
	s.info = signer.Info{Kind: "specter", Model: "specter-diy", Path: p.Path}
	if o.Passphrase != "" {
		s.info.Warnings = append(s.info.Warnings, "A Specter-DIY takes its passphrase on the device, under Settings, Enter passphrase; the one given here is not used.")
	}
	hello, cancel := context.WithTimeout(ctx, greeting)
	defer cancel()
	err := s.clear(hello)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return nil, signer.E(signer.CodeBusy, "the Specter-DIY does not answer; unlock it, load the key, allow USB communication in its settings, and answer what it may still ask")
	case signer.CodeOf(err) == signer.CodeNotReady:
		s.info.Err = err
	default:
		return nil, err
	}
	return s, nil
}

// session is an open Specter-DIY.
type session struct {
	link    link
	options signer.Options
	info    signer.Info
	main    bool // the device is set to the main network
}

// Info is what is known of the device.
func (s *session) Info() signer.Info { return s.info }

// Close ends the session.
func (s *session) Close() error {
	if s.link.dead == nil {
		s.link.dead = signer.E(signer.CodeConnection, "the connection to the Specter-DIY was closed")
	}
	return nil
}

// clear brings commands and answers together again: it asks for a child key of random number and
// skips everything until that very key is told.
func (s *session) clear(ctx context.Context) error {
	var raw [4]byte
	if _, err := io.ReadFull(s.options.Rand, raw[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(raw[:]) &^ btc.Hardened
	if err := s.link.write(ctx, fmt.Sprintf("xpub m/%d", n)); err != nil {
		return err
	}
	for range maxStale {
		text, err := s.link.answer(ctx)
		if err != nil {
			return err
		}
		key, _, err := btc.ParseXKey(text)
		if err == nil && key.Depth == 1 && key.ChildIndex == n && !key.IsPrivate() {
			s.link.dirty = false
			return s.met(key)
		}
		if err := refused(text); signer.CodeOf(err) == signer.CodeNotReady {
			return err
		}
	}
	return signer.ErrNotThisKind
}

// met takes over what a child key of the master key tells.
func (s *session) met(child btc.XKey) error {
	if s.info.Known && child.Parent != s.info.Fingerprint {
		return signer.E(signer.CodeUnknownDevice, "another key was loaded on the Specter-DIY: it is %s now and was %s; look for devices again", child.Parent, s.info.Fingerprint)
	}
	s.main, s.info.Fingerprint, s.info.Known, s.info.Err = child.Main, child.Parent, true, nil
	return nil
}

// query sends a command when nothing old is to be expected any more.
func (s *session) query(ctx context.Context, command string) (string, error) {
	if s.link.dirty && s.link.dead == nil {
		s.options.Tell(signer.Notice{Kind: signer.NoticeConfirm, Text: "If the Specter-DIY still asks about something earlier, answer that first."})
		if err := s.clear(ctx); err != nil {
			return "", err
		}
	}
	return s.link.query(ctx, command)
}

// Fingerprint is the master key's.
func (s *session) Fingerprint(ctx context.Context) (btc.Fingerprint, error) {
	text, err := s.query(ctx, "fingerprint")
	if err != nil {
		return btc.Fingerprint{}, err
	}
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != 4 {
		return btc.Fingerprint{}, garbled()
	}
	if fp := btc.Fingerprint(raw); s.info.Known && fp != s.info.Fingerprint {
		return btc.Fingerprint{}, signer.E(signer.CodeUnknownDevice, "another key was loaded on the Specter-DIY: it is %s now and was %s; look for devices again", fp, s.info.Fingerprint)
	}
	s.info.Fingerprint, s.info.Known, s.info.Err = btc.Fingerprint(raw), true, nil
	return s.info.Fingerprint, nil
}

// XPub derives a public key. The device writes it for the network that it is set to; the answer
// is written for ours.
func (s *session) XPub(ctx context.Context, p btc.Path) (btc.XKey, error) {
	text, err := s.query(ctx, "xpub "+p.Full())
	if err != nil {
		return btc.XKey{}, err
	}
	key, _, err := btc.ParseXKey(text)
	if err != nil || key.IsPrivate() {
		return btc.XKey{}, garbled()
	}
	s.main, key.Main = key.Main, s.options.Network.IsMain()
	return key, nil
}

// sameCoins refuses what would be shown in the addresses of another network. Test networks
// cannot be told apart before an address is shown.
func (s *session) sameCoins() error {
	if s.info.Err != nil {
		return s.info.Err
	}
	if s.main == s.options.Network.IsMain() {
		return nil
	}
	set := "a test network"
	if s.main {
		set = "Bitcoin's main network"
	}
	return otherNetwork(set, s.options.Network)
}

func otherNetwork(set string, ours btc.Network) error {
	return signer.E(signer.CodeNotReady, "the Specter-DIY is set to %s, but this wallet is on %s; choose it on the device under Settings, Switch network", set, ours)
}
