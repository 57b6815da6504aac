// Package coldcard drives Coldcards (Mk3, Mk4, Mk5, Q and their Edge firmware) over USB, and
// their simulator over a unix socket.
//
// The protocol is Coinkite's ckcc-protocol: commands of four letters in packets of 64 bytes,
// encrypted with AES-256-CTR under a key agreed by ECDH, and a signature by the master key over
// that key, which is verified before anything is asked that matters. The device asks its person
// while the host polls. It knows no command that takes a question back: what was asked stays on
// its screen until it is answered or replaced by the next question, so a late answer is fetched
// and dropped before the next one (see session.settle).
package coldcard

import (
	"context"
	"errors"
	"time"

	"specter/internal/btc"
	"specter/internal/signer"
)

// USB ids and the usage page of the report descriptor.
const (
	vendor  = 0xd13e
	product = 0xcc10
)

// greeting is how long a device may take to say that it is a Coldcard.
const greeting = 3 * time.Second

// Driver is the family; see signer.Driver.
type Driver struct {
	// Bound asks for version 2 of the encrypted link: the device then refuses everything that is
	// not encrypted, and any other link, until it is powered off. Meant for devices in HSM mode.
	Bound bool
}

// Kind is "coldcard".
func (Driver) Kind() string { return "coldcard" }

// Match tells whether a port may be a Coldcard's.
func (Driver) Match(p signer.Port) bool {
	if p.Kind != "" {
		return p.Kind == "coldcard"
	}
	return p.Way == signer.HID && p.Vendor == vendor && p.Product == product
}

// Open greets the device, agrees on a key and reads what the device is.
func (d Driver) Open(ctx context.Context, c signer.Conn, p signer.Port, o signer.Options) (signer.Signer, error) {
	s := &session{link: link{conn: c}, options: o}
	hello, cancel := context.WithTimeout(ctx, greeting)
	defer cancel()
	if err := s.link.greet(hello, o.Rand); err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			return nil, signer.E(signer.CodeConnection, "the Coldcard does not answer; is it unlocked, and no other program using it? Unplug it and connect it again if not")
		}
		return nil, err
	}
	version := uint32(1)
	if d.Bound {
		version = 2
	}
	about, err := s.link.encrypt(hello, o.Rand, version)
	if err != nil {
		return nil, err
	}
	s.info = signer.Info{Kind: "coldcard", Model: "coldcard", Path: p.Path}
	if p.Way == signer.Unix {
		s.info.Model += "_simulator"
	}
	if err := s.describe(hello); err != nil {
		return nil, err
	}
	if err := s.adopt(about); err != nil {
		return nil, err
	}
	return s, nil
}

// session is an open Coldcard.
type session struct {
	link    link
	options signer.Options
	info    signer.Info
	version firmware
	chain   string // BTC, XTN or XRT: the network that the device is set to

	master   btc.XKey // public key of the wallet that the device works with
	seeded   bool     // there is one
	verified bool     // the link was checked to end at the master key
	switched bool     // the passphrase of the options is in effect
}

// describe asks for firmware and network.
func (s *session) describe(ctx context.Context) error {
	text, err := s.text(ctx, "vers")
	if err != nil {
		return err
	}
	s.version = parseFirmware(text)
	s.info.Firmware = s.version.text
	if s.version.edge {
		s.info.Model += "_edge"
	}
	if hint := s.version.hint(); hint != "" {
		s.info.Warnings = append(s.info.Warnings, hint)
	}
	if s.chain, err = s.text(ctx, "blkc"); err != nil {
		return err
	}
	if err := s.rightNetwork(); err != nil {
		s.info.Warnings = append(s.info.Warnings, err.Error())
	}
	return nil
}

// adopt takes over what the device said of its master key.
func (s *session) adopt(m about) error {
	if m.xpub == "" {
		s.info.Err = signer.E(signer.CodeNotInitialized, "this Coldcard has no seed yet; set one up on the device first")
		return nil
	}
	key, _, err := btc.ParseXKey(m.xpub)
	if err != nil || key.Depth != 0 || key.IsPrivate() {
		return signer.E(signer.CodeConnection, "the Coldcard told a master key that is none; unplug it and connect it again")
	}
	if key.Fingerprint() != m.fingerprint {
		return signer.E(signer.CodeConnection, "the Coldcard's fingerprint %s is not that of its master key, %s; something between it and this computer may be changing what it says", m.fingerprint, key.Fingerprint())
	}
	if err := s.sameMaster(key); err != nil {
		return err
	}
	s.master, s.seeded, s.verified = key, true, false
	s.switched = s.options.Passphrase == "" || s.remembered(key)
	s.info.Fingerprint, s.info.Known = btc.Fingerprint{}, s.switched
	if s.switched {
		s.info.Fingerprint = key.Fingerprint()
	}
	return nil
}

// Info is what is known of the device.
func (s *session) Info() signer.Info { return s.info }

// Close ends the session. The key of the link is forgotten; the device keeps its own until the
// next one greets it.
func (s *session) Close() error { s.link.forget(); return nil }

// ready is called before everything that matters: there is a seed, the link ends at the device,
// and the passphrase that was asked for is in effect.
func (s *session) ready(ctx context.Context) error {
	if !s.seeded {
		return s.info.Err
	}
	if err := s.verify(ctx); err != nil {
		return err
	}
	if s.switched {
		return nil
	}
	return s.usePassphrase(ctx)
}

// Fingerprint is the master key's, with the passphrase in effect.
func (s *session) Fingerprint(ctx context.Context) (btc.Fingerprint, error) {
	if err := s.ready(ctx); err != nil {
		return btc.Fingerprint{}, err
	}
	return s.master.Fingerprint(), nil
}

// XPub derives a public key.
func (s *session) XPub(ctx context.Context, p btc.Path) (btc.XKey, error) {
	text, err := pathText(p)
	if err != nil {
		return btc.XKey{}, err
	}
	if err := s.ready(ctx); err != nil {
		return btc.XKey{}, err
	}
	answer, err := s.text(ctx, "xpub"+text)
	if err != nil {
		return btc.XKey{}, err
	}
	key, _, err := btc.ParseXKey(answer)
	if err != nil || key.IsPrivate() {
		return btc.XKey{}, signer.E(signer.CodeConnection, "the Coldcard answered with something that is no public key; unplug it and connect it again")
	}
	key.Main = s.options.Network.IsMain() // the device writes the network that it is set to
	return key, nil
}

// maxDepth is how many steps of a path the device takes.
const maxDepth = 12

// pathText writes a path as the device reads it: m/84'/0'/0'.
func pathText(p btc.Path) (string, error) {
	if len(p) > maxDepth {
		return "", signer.E(signer.CodeBadArgument, "a Coldcard takes paths of at most %d steps; this one has %d", maxDepth, len(p))
	}
	return apostrophes(p.Full()), nil
}

// rightNetwork compares the device's setting with the network we are on. The kinds of test
// networks that a Coldcard does not tell apart are one.
func (s *session) rightNetwork() error {
	n := s.options.Network
	want, set := "XTN", map[string]string{"BTC": "Bitcoin's main network", "XTN": "Testnet", "XRT": "Regtest"}[s.chain]
	switch {
	case n.IsMain():
		want = "BTC"
	case n == btc.Regtest:
		want = "XRT"
	}
	if want == s.chain {
		return nil
	}
	if set == "" {
		set = "another network"
	}
	return signer.E(signer.CodeNotReady, "this Coldcard is set to %s, but this wallet is on %s; change it on the device under Advanced/Tools, Danger Zone, Testnet Mode", set, n)
}

// sameCoins is rightNetwork for what looks alike on all test networks.
func (s *session) sameCoins() error {
	if s.options.Network.IsMain() == (s.chain == "BTC") {
		return nil
	}
	return s.rightNetwork()
}
