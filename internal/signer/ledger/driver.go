// Package ledger drives Ledger devices with the Bitcoin app from version 2.1: wallet policies
// (BIP388) that the device approves once and whose proof (an HMAC) the host keeps, PSBTs of
// version 2 that it reads piece by piece from Merkle trees, and client commands by which it asks
// for them (LedgerHQ/app-bitcoin-new, doc/bitcoin.md, merkle.md and wallet.md). The protocol of
// apps before 2.1 is not spoken; such an app is told to be updated.
//
// A Ledger has no command by which a host could take a question back: when a call is cancelled,
// the person refuses it on the device, which until then answers everything with "busy".
package ledger

import (
	"context"
	"encoding/hex"
	"strings"

	"specter/internal/btc"
	"specter/internal/signer"
)

const (
	kind      = "ledger"
	vendor    = 0x2c97
	usagePage = 0xffa0
)

// models are HWI's words for the upper byte of the product number; the lower byte tells which
// interfaces the open app has.
var models = map[uint16]string{
	0x10: "ledger_nano_s", 0x40: "ledger_nano_x", 0x50: "ledger_nano_s_plus",
	0x60: "ledger_stax", 0x70: "ledger_flex", 0x80: "ledger_nano_gen5",
}

var legacyModels = map[uint16]string{0x0001: "ledger_nano_s", 0x0004: "ledger_nano_x"}

// Driver is the family of Ledger devices.
type Driver struct{}

// Kind is "ledger".
func (Driver) Kind() string { return kind }

// Match knows Ledger's HID interface, and sockets that are configured for it.
func (Driver) Match(p signer.Port) bool {
	if p.Way != signer.HID {
		return p.Kind == kind
	}
	if p.Vendor != vendor || modelOf(p) == "" {
		return false
	}
	return p.UsagePage == usagePage || p.UsagePage == 0 && p.Interface <= 0
}

func modelOf(p signer.Port) string {
	if p.Way != signer.HID {
		return "ledger_nano_s_simulator" // HWI's word for Speculos
	}
	if m, ok := legacyModels[p.Product]; ok {
		return m
	}
	return models[p.Product>>8]
}

// Open asks which app is open, and the fingerprint where that app can serve.
func (Driver) Open(ctx context.Context, c signer.Conn, p signer.Port, o signer.Options) (signer.Signer, error) {
	l, err := newLink(c, p.Way, o.Rand)
	if err != nil {
		return nil, err
	}
	s := &session{link: l, o: o, emulator: p.Way != signer.HID}
	s.info = signer.Info{Kind: kind, Model: modelOf(p), Path: p.Path}
	if err := s.look(ctx); err != nil {
		if signer.CodeOf(err) == signer.CodeUnknownDevice {
			return nil, signer.ErrNotThisKind
		}
		return nil, err
	}
	return s, nil
}

// session is an open Ledger.
type session struct {
	link     *link
	o        signer.Options
	info     signer.Info
	emulator bool
}

// look learns what is open on the device. What keeps it from serving goes into Info.Err; the
// error is of the connection, or that no Ledger speaks there.
func (s *session) look(ctx context.Context) error {
	s.info.Err, s.info.Known = nil, false
	data, sw, err := s.link.exchange(ctx, apdu(claCommon, insAppInfo, 0, nil))
	if err != nil {
		return err
	}
	if sw != swOK {
		if len(data) > 2 || sw>>12 != 5 && sw>>12 != 6 {
			return malformed("status %04x", sw)
		}
		s.info.Err = fault(sw, "the name of the app")
		return nil
	}
	app, err := parseAppInfo(data)
	if err != nil {
		return err
	}
	s.info.Firmware = app.version
	if s.info.Err = app.check(s.o.Network, s.emulator); s.info.Err != nil {
		return nil
	}
	data, sw, err = s.link.exchange(ctx, apdu(claApp, insFingerprint, protocol, nil))
	switch {
	case err != nil:
		return err
	case sw != swOK:
		s.info.Err = fault(sw, "its fingerprint")
	case len(data) != 4:
		return malformed("a fingerprint of %d bytes", len(data))
	default:
		s.info.Fingerprint, s.info.Known = btc.Fingerprint(data), true
	}
	return nil
}

// ready looks again where the device could not serve before: it may have been unlocked since.
func (s *session) ready(ctx context.Context) error {
	if s.info.Err == nil {
		return nil
	}
	if err := s.look(ctx); err != nil {
		return err
	}
	return s.info.Err
}

// ask carries out a command of the app, answering its client commands. what is the thing asked
// for, in an error's sentence.
func (s *session) ask(ctx context.Context, ins byte, data []byte, c *clerk, what string) ([]byte, uint16, error) {
	if err := s.ready(ctx); err != nil {
		return nil, 0, err
	}
	if len(data) > maxData {
		return nil, 0, signer.E(signer.CodeBadArgument, "%s is too large for a Ledger", what)
	}
	out, sw, err := s.link.exchange(ctx, apdu(claApp, ins, protocol, data))
	for err == nil && sw == swMore {
		if c == nil {
			return nil, 0, refuse("(a question where there is none)")
		}
		var answer []byte
		if answer, err = c.answer(out); err != nil {
			s.link.dead = err // the device waits for an answer that it does not get
			return nil, 0, err
		}
		out, sw, err = s.link.exchange(ctx, apdu(claFramework, insContinue, protocol, answer))
	}
	return out, sw, err
}

// Info is what was learned at opening.
func (s *session) Info() signer.Info { return s.info }

// Close ends the session; the device has none.
func (s *session) Close() error { return nil }

// Fingerprint is the master key's.
func (s *session) Fingerprint(ctx context.Context) (btc.Fingerprint, error) {
	if err := s.ready(ctx); err != nil {
		return btc.Fingerprint{}, err
	}
	return s.info.Fingerprint, nil
}

// XPub derives an extended public key; paths outside the standard accounts are shown on the
// device, where the person confirms them.
func (s *session) XPub(ctx context.Context, p btc.Path) (btc.XKey, error) {
	data, err := pathData(p)
	if err != nil {
		return btc.XKey{}, err
	}
	what := "the public key at " + p.Full()
	out, sw, err := s.ask(ctx, insXPub, append([]byte{0}, data...), nil, what)
	if err == nil && sw == swUnsupported {
		s.o.Tell(signer.Notice{Kind: signer.NoticeConfirm, Text: "The path " + p.Full() + " is unusual: compare it on the Ledger and confirm."})
		out, sw, err = s.ask(ctx, insXPub, append([]byte{1}, data...), nil, what)
	}
	if err != nil {
		return btc.XKey{}, err
	}
	if sw == swUnsupported { // measured: each app may derive only some paths, asked or not
		return btc.XKey{}, signer.E(signer.CodeUnavailable, "the Bitcoin app on the Ledger gives no key at %s: its second step must be %dh", p.Full(), s.o.Network.CoinType())
	}
	if sw != swOK {
		return btc.XKey{}, fault(sw, what)
	}
	key, version, err := btc.ParseXKey(string(out))
	if err != nil || version.Private || version.ScriptType != "" {
		return btc.XKey{}, malformed("no extended public key")
	}
	if key.Main != s.o.Network.IsMain() {
		return btc.XKey{}, signer.E(signer.CodeNotReady, "the app open on the Ledger is for another network than %s", s.o.Network)
	}
	return key, nil
}

// SignMessage signs with the key at p as P2PKH: the app knows no other header.
func (s *session) SignMessage(ctx context.Context, p btc.Path, text []byte) ([]byte, error) {
	data, err := pathData(p)
	if err != nil {
		return nil, err
	}
	if len(text) > maxMessage {
		return nil, signer.E(signer.CodeBadArgument, "the message is longer than %d bytes", maxMessage)
	}
	var chunks [][]byte
	for rest := text; len(rest) > 0; rest = rest[min(len(rest), chunkSize):] {
		chunks = append(chunks, rest[:min(len(rest), chunkSize)])
	}
	c := newClerk()
	root := c.addList(chunks)
	c.budget(0, 0, 0)
	s.o.Tell(signer.Notice{Kind: signer.NoticeConfirm})
	data = append(append(data, compactSize(len(text))...), root[:]...)
	sig, sw, err := s.ask(ctx, insMessage, data, c, "the message's signature")
	switch {
	case err != nil:
		return nil, err
	case sw != swOK:
		return nil, fault(sw, "the message's signature")
	case len(sig) != 65:
		return nil, malformed("a signature of %d bytes", len(sig))
	}
	return sig, nil
}

const (
	chunkSize  = 64      // of a message; the app's
	maxMessage = 1 << 20 // bytes; as much as this program signs
)

// NeedsRegistration reports whether the person must approve the wallet on the device once: all
// but single keys of standard accounts.
func (s *session) NeedsRegistration(w signer.Wallet) bool {
	p, err := readPolicy(w)
	return err == nil && !p.standard(s.o.Network)
}

// Register shows name, policy and keys to the person. The answer's proof lets the device know
// the wallet again; whoever keeps it spares the person a second approval.
func (s *session) Register(ctx context.Context, w signer.Wallet) (signer.Registration, error) {
	p, err := readPolicy(w)
	if err != nil || p.standard(s.o.Network) {
		return signer.Registration{}, err
	}
	p = p.named(nameOf(w))
	blob := p.serialize()
	s.o.Tell(signer.Notice{Kind: signer.NoticeRegister})
	out, sw, err := s.ask(ctx, insRegister, append(compactSize(len(blob)), blob...), p.clerk(), "the wallet's registration")
	if err != nil {
		return signer.Registration{}, err
	}
	switch sw {
	case swOK:
	case swBadData:
		return signer.Registration{}, signer.E(signer.CodeBadArgument, "the Ledger does not accept the wallet: none of its keys is this device's, or its policy is beyond what the app can do")
	case swUnsupported:
		return signer.Registration{}, signer.E(signer.CodeUnavailable, "this version of the Ledger's Bitcoin app does not support the wallet's policy")
	default:
		return signer.Registration{}, fault(sw, "the wallet's registration")
	}
	id := p.id()
	if len(out) != 64 || string(out[:32]) != string(id[:]) || hash(out[32:]) == (hash{}) {
		return signer.Registration{}, signer.E(signer.CodeUnknown, "the Ledger says that it registered another wallet; do not use it (%s)", hex.EncodeToString(out[:min(len(out), 32)]))
	}
	if err := s.remember(p, hash(out[32:])); err != nil {
		return signer.Registration{}, err
	}
	return signer.Registration{Name: p.name, ID: id[:], Proof: out[32:]}, nil
}

// ShowAddress shows an address. Apps for test networks write those of testnet (tb1…) on regtest
// too; the answer is in the network's own form.
func (s *session) ShowAddress(ctx context.Context, w signer.Wallet, r signer.Registration, branch, index uint32) (string, error) {
	if branch > 1 || index >= btc.Hardened {
		return "", signer.E(signer.CodeBadArgument, "a Ledger shows receiving and change addresses (branch 0 and 1), not branch %d, index %d", branch, index)
	}
	p, proof, err := s.choose(w, r)
	if err != nil {
		return "", err
	}
	id := p.id()
	data := append([]byte{1}, id[:]...)
	data = append(append(data, proof[:]...), byte(branch), byte(index>>24), byte(index>>16), byte(index>>8), byte(index))
	s.o.Tell(signer.Notice{Kind: signer.NoticeConfirm, Text: s.shownText(w, branch, index)})
	out, sw, err := s.ask(ctx, insAddress, data, p.clerk(), "the address")
	if err != nil {
		return "", err
	}
	if sw != swOK {
		return "", fault(sw, "the address")
	}
	return s.local(string(out)), nil
}

// shownText tells on regtest in which form the device shows the address; "" elsewhere.
func (s *session) shownText(w signer.Wallet, branch, index uint32) string {
	if s.o.Network != btc.Regtest {
		return ""
	}
	d, err := w.Descriptor.Branch(int(branch))
	if err != nil {
		return ""
	}
	out, err := d.Derive(index)
	if err != nil {
		return ""
	}
	text, ok := out.Address(btc.Testnet3)
	if !ok {
		return ""
	}
	return "The Bitcoin Test app shows regtest addresses in testnet's form: " + text
}

// local writes an address of testnet as one of the session's network. What is no address stays
// as it is, for who compares it.
func (s *session) local(text string) string {
	if s.o.Network != btc.Regtest || !strings.HasPrefix(text, "tb1") {
		return text
	}
	a, err := btc.ParseAddress(text, btc.Testnet3)
	if err != nil {
		return text
	}
	if own, ok := btc.AddressOf(a.Script, s.o.Network); ok {
		return own
	}
	return text
}
