package codec1

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"golang.org/x/text/unicode/norm"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/protolite"
)

const (
	maxTurns      = 64                     // questions that a device may ask within one call
	maxPassphrase = 50                     // bytes; the devices' limit
	greetTime     = 500 * time.Millisecond // within which a device that is not busy answers
	cancelTime    = 2 * time.Second        // within which it answers Cancel
)

// Device is an open device: a signer.Signer and a signer.Unlocker.
type Device struct {
	conn    signer.Conn
	dialect Dialect
	port    signer.Port
	opt     signer.Options
	info    signer.Info

	features Features
	session  []byte            // the id that Initialize gave
	resumed  bool              // the session was there before: its passphrase is known to the device
	asked    bool              // a passphrase was given in this session
	pinOpen  bool              // the device shows its PIN matrix and waits
	stale    bool              // the device may be in the middle of something
	button   uint64            // the code of the last ButtonRequest
	quiet    bool              // opening: nothing may be asked
	notice   signer.NoticeKind // what to tell the page once the device has its answer; "" nothing
	dead     error             // why nothing can be called
}

var errWouldAsk = errs.E(errs.Unavailable, "the device would ask its person")

// Info is what is known of the device.
func (d *Device) Info() signer.Info {
	i := d.info
	i.Warnings = slices.Clone(i.Warnings)
	return i
}

// NeedsRegistration is false: multisig wallets are told in every request.
func (d *Device) NeedsRegistration(signer.Wallet) bool { return false }

// Register does nothing: these devices keep no wallets.
func (d *Device) Register(context.Context, signer.Wallet) (signer.Registration, error) {
	return signer.Registration{}, nil
}

// Close ends the use of the device. A PIN matrix that is shown stays: another program may answer.
func (d *Device) Close() error { return nil }

// call asks the device and answers what it asks back, until the answer is there, which must be
// of the kind want. what names the act in a refusal ("the transaction").
func (d *Device) call(ctx context.Context, what string, kind uint16, body protolite.Builder, want uint16) (protolite.Message, error) {
	got, m, err := d.turn(ctx, what, kind, body)
	if err == nil && got != want {
		d.abort(ctx)
		err = signer.E(signer.CodeUnknown, "the %s answers with message %d where %d was due; try again, and update it if that does not help", d.dialect.Name, got, want)
	}
	return m, err
}

// ready brings a device that was left in the middle of something back to its start.
func (d *Device) ready(ctx context.Context) error {
	if d.dead != nil {
		return d.dead
	}
	if !d.stale && !d.pinOpen {
		return nil
	}
	d.pinOpen = false
	return d.initialize(ctx)
}

// turn is call without an opinion on the kind of the answer.
func (d *Device) turn(ctx context.Context, what string, kind uint16, body protolite.Builder) (uint16, protolite.Message, error) {
	if err := d.ready(ctx); err != nil {
		return 0, protolite.Message{}, err
	}
	return d.talk(ctx, what, kind, body)
}

// talk sends a message and goes on until an answer is there that is no question.
func (d *Device) talk(ctx context.Context, what string, kind uint16, body protolite.Builder) (uint16, protolite.Message, error) {
	none := protolite.Message{}
	d.notice, d.button = "", 0
	for range maxTurns {
		if err := Write(ctx, d.conn, kind, body); err != nil {
			return 0, none, d.lost(ctx, err)
		}
		if d.notice != "" {
			d.opt.Tell(signer.Notice{Kind: d.notice})
			d.notice = ""
		}
		f, err := Read(ctx, d.conn)
		if err != nil {
			return 0, none, d.lost(ctx, err)
		}
		m, err := protolite.Parse(f.Body)
		if err != nil {
			d.abort(ctx)
			return 0, none, d.garbled(err)
		}
		switch f.Kind {
		case MsgFailure:
			return 0, none, d.failure(what, m)
		case MsgPinMatrixRequest:
			d.pinOpen = true
			if d.quiet {
				d.abort(ctx)
				return 0, none, errWouldAsk
			}
			d.info.NeedsPIN, d.info.Err = true, d.locked()
			return 0, none, d.info.Err
		case MsgButtonRequest, MsgPassphraseRequest, MsgPassphraseStateReq:
			if kind, body, err = d.reply(f.Kind, m); err != nil {
				d.abort(ctx)
				return 0, none, err
			}
		default:
			d.remember()
			return f.Kind, m, nil
		}
	}
	d.abort(ctx)
	return 0, none, signer.E(signer.CodeUnknown, "the %s asks without end; unplug it and try again", d.dialect.Name)
}

// reply answers what the device asks in the middle of a call.
func (d *Device) reply(kind uint16, m protolite.Message) (uint16, protolite.Builder, error) {
	if kind == MsgPassphraseStateReq {
		d.session = bytes.Clone(m.Bytes(1))
		return MsgPassphraseStateAck, nil, nil
	}
	if kind == MsgPassphraseRequest {
		ack, err := d.passphrase(m)
		return MsgPassphraseAck, ack, err
	}
	if d.quiet {
		return 0, nil, errWouldAsk
	}
	d.notice, d.button = signer.NoticeConfirm, m.Uint(1)
	switch d.button {
	case ButtonPinEntry:
		d.notice = signer.NoticeUnlock
	case ButtonPassphraseEntry:
		d.notice, d.asked = signer.NoticePassphrase, true
	}
	return MsgButtonAck, nil, nil
}

// passphrase answers PassphraseRequest. A passphrase of the options is sent; without one it is
// typed on devices that can, and is the empty one (the standard wallet) on others.
func (d *Device) passphrase(m protolite.Message) (protolite.Builder, error) {
	typed := m.Bool(1) || d.features.OnDeviceOnly || d.opt.Passphrase == "" && d.features.TypesPassphrase()
	if d.quiet && (typed || d.features.TypesPassphrase()) {
		return nil, errWouldAsk
	}
	d.asked = true
	if typed {
		d.notice = signer.NoticePassphrase
		if m.Bool(1) { // Trezor T before 2.3.0 says so itself
			return nil, nil
		}
		return protolite.Builder{}.Bool(3, true), nil
	}
	p := norm.NFKD.String(d.opt.Passphrase)
	if len(p) > maxPassphrase {
		return nil, signer.E(signer.CodeBadArgument, "the passphrase is longer than the %d bytes that a %s takes", maxPassphrase, d.dialect.Name)
	}
	ack := protolite.Builder{}.Text(1, p)
	if d.features.TypesPassphrase() {
		ack = ack.Bool(3, false)
	}
	return ack, nil
}

// lost explains a connection that failed; where the caller gave up, the device is told.
func (d *Device) lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		d.abort(ctx)
		return ctx.Err()
	}
	if errs.KindOf(err) == errs.Invalid {
		d.stale = true
		return d.garbled(err)
	}
	return signer.Lost(err)
}

func (d *Device) garbled(err error) error {
	return signer.E(signer.CodeConnection, "what the %s answers cannot be read; unplug it and try again: %w", d.dialect.Name, err)
}

// abort makes the device give up what it does, for which the caller's time may be over.
func (d *Device) abort(ctx context.Context) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), cancelTime)
	defer done()
	d.pinOpen, d.stale = false, true
	if Write(ctx, d.conn, MsgCancel, nil) != nil {
		return
	}
	for range maxTurns {
		f, err := Read(ctx, d.conn)
		if err != nil && errs.KindOf(err) != errs.Invalid {
			return
		}
		if f.Kind == MsgFailure { // the end of what was cancelled
			d.stale = false
			return
		}
	}
}

// initialize begins anew: Initialize resumes the session of the device where it still has it.
func (d *Device) initialize(ctx context.Context) error {
	id := d.session
	if id == nil {
		id = d.recall()
	}
	var body protolite.Builder
	if len(id) > 0 {
		body = body.Bytes(1, id)
	}
	if err := Write(ctx, d.conn, MsgInitialize, body); err != nil {
		return d.lost(ctx, err)
	}
	d.stale = true
	f, err := d.awaitFeatures(ctx)
	switch {
	case err != nil && isFailure(err):
		return err
	case err != nil:
		return d.lost(ctx, err)
	}
	d.stale, d.features = false, f
	d.resumed = len(f.Session) > 0 && bytes.Equal(f.Session, id)
	d.session = bytes.Clone(f.Session)
	d.asked = d.asked && d.resumed
	return nil
}

// awaitFeatures reads until Features come; what was still on its way before is passed over.
func (d *Device) awaitFeatures(ctx context.Context) (Features, error) {
	for range maxTurns {
		f, err := Read(ctx, d.conn)
		if err != nil {
			if errs.KindOf(err) == errs.Invalid {
				return Features{}, signer.ErrNotThisKind
			}
			return Features{}, err
		}
		m, err := protolite.Parse(f.Body)
		switch {
		case err != nil:
			return Features{}, signer.ErrNotThisKind
		case f.Kind == MsgFeatures:
			return readFeatures(m)
		case f.Kind == MsgFailure && (m.Uint(1) == FailInvalidProtocol || m.Uint(1) == FailThpSession):
			return Features{}, errTHP
		case f.Kind == MsgFailure && m.Uint(1) == FailBusy:
			return Features{}, d.failure("", m)
		}
	}
	return Features{}, signer.ErrNotThisKind
}

var errTHP = signer.E(signer.CodeUnavailable, "this Trezor (a Safe 7, most likely) speaks Trezor's newer protocol THP, which Specter does not drive; sign with Trezor Suite, or use another device")

// sessionKey names the device's session in the memory.
func (d *Device) sessionKey() string { return d.dialect.Kind + "/session/" + d.features.ID }

// mask hides a session id under the passphrase: what is kept tells nothing of the passphrase,
// since under a wrong one it is just another id, which the device does not know.
func (d *Device) mask(id []byte) []byte {
	passphrase := d.opt.Passphrase
	if d.features.OnDeviceOnly {
		passphrase = "" // none is sent
	}
	pad := sha256.Sum256([]byte("specter session\x00" + d.features.ID + "\x00" + passphrase))
	out := make([]byte, len(id))
	for i := range id {
		out[i] = id[i] ^ pad[i]
	}
	return out
}

// recall finds the session of an earlier connection.
func (d *Device) recall() []byte {
	if d.opt.Memory == nil || d.features.ID == "" || !d.features.Passphrase {
		return nil
	}
	id, ok := d.opt.Memory.Get(d.sessionKey())
	if !ok || len(id) != sha256.Size {
		return nil
	}
	return d.mask(id)
}

// remember keeps the session once a passphrase belongs to it. What cannot be kept is asked again.
func (d *Device) remember() {
	if d.asked && d.opt.Memory != nil && d.features.ID != "" && len(d.session) == sha256.Size {
		_ = d.opt.Memory.Put(d.sessionKey(), d.mask(d.session))
		d.asked = false
	}
}

// Fingerprint is the master key's.
func (d *Device) Fingerprint(ctx context.Context) (btc.Fingerprint, error) {
	if d.info.Known && d.dead == nil {
		return d.info.Fingerprint, nil
	}
	if err := d.usable(); err != nil {
		return btc.Fingerprint{}, err
	}
	key, err := d.XPub(ctx, btc.Path{btc.Hardened})
	if err != nil {
		return btc.Fingerprint{}, err
	}
	d.info.Fingerprint, d.info.Known = key.Parent, true
	return key.Parent, nil
}

// usable tells why the device cannot do anything that needs its seed.
func (d *Device) usable() error {
	switch {
	case d.dead != nil:
		return d.dead
	case d.info.Err != nil: // locked, without a seed, in its bootloader
		return d.info.Err
	}
	return nil
}

func (d *Device) tooOld(what string, need Version) error {
	return signer.E(signer.CodeUnavailable, "the firmware %s of this %s is too old to %s: update it %s to %s or newer", d.features.Version, d.dialect.Name, what, d.dialect.Update, need)
}

// locked is the state of a device whose PIN is asked from the host.
func (d *Device) locked() error {
	return signer.E(signer.CodeNotReady, "%s is locked. Let it show its PIN matrix and send the PIN's places", d.dialect.Name)
}

// failure makes the device's Failure an error with HWI's code.
func (d *Device) failure(what string, m protolite.Message) error {
	text, name := clean(m.Text(2)), d.dialect.Name
	if text == "" {
		text = "no reason given"
	}
	switch m.Uint(1) {
	case FailActionCancelled, FailPinCancelled:
		if d.dialect.NoRepeat && what == theTransaction && d.button == ButtonOther {
			return signer.E(signer.CodeUnavailable, "%s has just signed a transaction with the same payment and refuses to sign it again: unplug it, plug it in again, and repeat this if you mean to", name)
		}
		return signer.Declined(what)
	case FailPinExpected:
		return d.locked()
	case FailPinInvalid, FailPinMismatch:
		return signer.E(signer.CodeNotReady, "%w; %s stays locked", signer.ErrWrongPIN, name)
	case FailDataError:
		return signer.E(signer.CodeBadArgument, "%s does not accept %s: %s", name, what, text)
	case FailNotEnoughFunds:
		return signer.E(signer.CodeBadTransaction, "%s says that the transaction spends more than its inputs hold: %s", name, text)
	case FailNotInitialized:
		return signer.E(signer.CodeNotInitialized, "%s is not set up yet: do that with its maker's program first", name)
	case FailProcessError, FailInvalidSignature:
		return signer.E(signer.CodeUnavailable, "%s cannot do that with %s: %s", name, what, text)
	case FailBusy, FailInProgress:
		return signer.E(signer.CodeBusy, "%s is busy with something else: finish that on the device and try again", name)
	case FailInvalidProtocol, FailThpSession:
		return errTHP
	case FailUnexpectedMessage, FailButtonExpected, FailInvalidSession:
		d.stale = true
		return signer.E(signer.CodeUnavailable, "%s does not know or does not expect this request (%s): try again, and update its firmware if that does not help", name, text)
	}
	return signer.E(signer.CodeUnknown, "%s reports an error: %s", name, text)
}

// isFailure reports whether an error is the device's own answer, not a lost connection or the
// end of the caller's patience.
func isFailure(err error) bool {
	var f *signer.Fault
	return errors.As(err, &f) && f.Code != signer.CodeConnection
}
