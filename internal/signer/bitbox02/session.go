package bitbox02

import (
	"context"
	"errors"

	"github.com/flynn/noise"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/bitbox02/hww"
	"specter/internal/signer/protolite"
)

// session is an open device.
type session struct {
	link     link
	options  signer.Options
	info     signer.Info
	sats     bool
	physical bool // no simulator

	version     version
	unlocked    bool
	initialized bool // meaningful from sinceInitialized on, and after an unlock
	emptyKnown  bool // initialized is meaningful

	app       *noise.DHKey // our static key of this session
	send, get *noise.CipherState
	metNow    string // the device whose code was compared in this session
	paired    bool   // the channel is open and both sides know each other
	never     error  // why nothing can be done with this device
}

// readInfo reads the answer to Info: version text, platform, edition, unlocked, initialized.
func (s *session) readInfo(b []byte) error {
	if len(b) < 1 || len(b) < 1+int(b[0])+3 {
		return signer.ErrNotThisKind
	}
	text, rest := string(b[1:1+int(b[0])]), b[1+int(b[0]):]
	v, ok := parseVersion(text)
	if !ok {
		return signer.ErrNotThisKind
	}
	s.version, s.info.Firmware = v, v.String()
	platform, edition := rest[0], rest[1]
	s.unlocked = rest[2] == 1
	if v.atLeast(sinceInitialized) && len(rest) >= 4 {
		s.initialized, s.emptyKnown = rest[3] == 1, true
	}
	model := map[[2]byte]string{
		{0, 0}: "bitbox02_multi", {0, 1}: "bitbox02_btconly",
		{2, 0}: "bitbox02_nova_multi", {2, 1}: "bitbox02_nova_btconly",
	}[[2]byte{platform, edition}]
	if model == "" {
		return signer.E(signer.CodeUnknownDevice, "this BitBox is of a model that is not known here (%d/%d); update this program", platform, edition)
	}
	s.info.Model = model
	return nil
}

func (s *session) checkVersion() error {
	switch {
	case !s.version.atLeast(oldest):
		return signer.E(signer.CodeNotReady, "the BitBox02's firmware %s is too old; update it with the BitBoxApp to %s or newer", s.version, oldest)
	case s.version.atLeast(tooNew):
		return signer.E(signer.CodeNotReady, "the BitBox02's firmware %s is newer than what this program understands; update this program", s.version)
	}
	return nil
}

// The states in which a device cannot be used, as HWI's codes have them when it lists devices.
var (
	errEmpty    = signer.E(signer.CodeNotReady, "the BitBox02 holds no wallet yet; set it up with the BitBoxApp")
	errLocked   = signer.E(signer.CodeNotReady, "the BitBox02 is locked; unlock it by entering its password")
	errUnpaired = signer.E(signer.CodeNotReady, "the BitBox02 is not paired with this program yet; pair it by comparing a code on its screen")
)

// greet brings the session as far as it comes without asking the person, or with Options.Pair
// all the way. What keeps it from being usable stands in Info afterwards.
func (s *session) greet(ctx context.Context) error {
	err := s.ready(ctx, s.options.Pair)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errEmpty), errors.Is(err, errLocked), errors.Is(err, errUnpaired):
		s.info.Err = err
		return nil
	}
	return err
}

// ready makes sure that encrypted messages can be sent. It asks the person to unlock and to pair
// the device only where ask says so.
func (s *session) ready(ctx context.Context, ask bool) error {
	switch {
	case s.never != nil:
		return s.never
	case s.paired:
		return nil
	}
	if !s.unlocked {
		if err := s.unlock(ctx, ask); err != nil {
			return err
		}
	}
	if err := s.shake(ctx, ask); err != nil {
		return err
	}
	if s.info.Known {
		return nil
	}
	return s.look(ctx)
}

// unlock waits while the person types the password on the device.
func (s *session) unlock(ctx context.Context, ask bool) error {
	if s.emptyKnown && !s.initialized {
		return errEmpty
	}
	if !ask {
		return errLocked
	}
	s.options.Tell(signer.Notice{Kind: signer.NoticeUnlock})
	answer, err := s.link.query(ctx, []byte{hww.Unlock})
	if err != nil {
		return err
	}
	switch {
	case len(answer) == 1 && answer[0] == hww.Success:
		s.unlocked, s.initialized, s.emptyKnown = true, true, true
		return nil
	case len(answer) == 1 && answer[0] == hww.Uninitialized:
		s.initialized, s.emptyKnown = false, true
		return errEmpty
	case len(answer) == 1:
		return signer.Declined("unlocking the BitBox02")
	}
	return garbled(errs.E(errs.Invalid, "unlock: %x", clip(answer)))
}

// look learns the device's name and fingerprint.
func (s *session) look(ctx context.Context) error {
	r, err := s.call(ctx, protolite.Builder{}.Message(hww.ReqDeviceInfo, nil), hww.RspDeviceInfo)
	if err != nil {
		return err
	}
	s.info.Label = r.Text(hww.DeviceName)
	if s.initialized, s.emptyKnown = r.Bool(hww.DeviceInitialized), true; !s.initialized {
		s.paired = false // nothing but setting up is possible; ask again when it was done
		return errEmpty
	}
	if r, err = s.call(ctx, protolite.Builder{}.Message(hww.ReqFingerprint, nil), hww.RspFingerprint); err != nil {
		return err
	}
	fp := r.Bytes(1)
	if len(fp) != 4 {
		return garbled(errs.E(errs.Invalid, "a fingerprint of %d bytes", len(fp)))
	}
	s.info.Fingerprint, s.info.Known, s.info.Err = btc.Fingerprint(fp), true, nil
	return nil
}

// begin is the start of every call that a person made: it may ask to unlock, for the person
// waits for it, but pairs only where that is allowed.
func (s *session) begin(ctx context.Context) error {
	switch {
	case s.never != nil:
		return s.never
	case s.options.Passphrase != "":
		return errPassphrase
	case !s.paired && !s.unlocked:
		if err := s.unlock(ctx, true); err != nil {
			return setup(err)
		}
	}
	return setup(s.ready(ctx, s.options.Pair))
}

// setup gives a call on an empty device HWI's code for it, which is another than in lists.
func setup(err error) error {
	if errors.Is(err, errEmpty) {
		return signer.E(signer.CodeNotInitialized, "%w", err)
	}
	return err
}

// call sends a message and reads the answer, whose kind must be the wanted field of Response.
func (s *session) call(ctx context.Context, request protolite.Builder, want int) (protolite.Message, error) {
	r, err := s.exchange(ctx, request)
	if err != nil {
		return protolite.Message{}, err
	}
	return s.pick(r, want)
}

// pick takes the wanted field of an answer, or its error.
func (s *session) pick(r protolite.Message, want int) (protolite.Message, error) {
	sub, ok, err := r.Message(want)
	if err == nil && ok {
		return sub, nil
	}
	s.paired = s.paired && err == nil // after garbage the channel is opened anew
	if err == nil {
		err = errs.E(errs.Invalid, "field %d is not there", want)
	}
	return protolite.Message{}, garbled(err)
}

// exchange sends a message through the channel and reads the answer. The device's error is an
// error.
func (s *session) exchange(ctx context.Context, request protolite.Builder) (protolite.Message, error) {
	if !s.paired {
		return protolite.Message{}, errUnpaired
	}
	r, err := s.channel(ctx, request)
	if err != nil {
		s.paired = false // the counters of both sides may differ now; the next call shakes hands again
		return protolite.Message{}, err
	}
	fault, failed, err := r.Message(hww.RspError)
	switch {
	case err != nil:
		s.paired = false
		return protolite.Message{}, garbled(err)
	case failed:
		return protolite.Message{}, s.refusal(fault)
	}
	return r, nil
}

func (s *session) channel(ctx context.Context, request protolite.Builder) (protolite.Message, error) {
	message, err := s.send.Encrypt([]byte{hww.Noise}, nil, request)
	if err != nil {
		return protolite.Message{}, garbled(err)
	}
	if len(message) >= hww.MaxMessage {
		return protolite.Message{}, signer.E(signer.CodeUnavailable, "a part of this request has %d bytes; the BitBox02 takes %d at once", len(message), hww.MaxMessage-1)
	}
	answer, err := s.link.query(ctx, message)
	if err != nil {
		return protolite.Message{}, err
	}
	if len(answer) == 0 || answer[0] != hww.Success {
		return protolite.Message{}, garbled(errs.E(errs.Invalid, "a message through the channel: %x", clip(answer)))
	}
	plain, err := s.get.Decrypt(nil, nil, answer[1:])
	if err != nil {
		return protolite.Message{}, garbled(err)
	}
	r, err := protolite.Parse(plain)
	if err != nil {
		return protolite.Message{}, garbled(err)
	}
	return r, nil
}

// faultOf is the device's own error within the chain, for who acts on its number.
type faultOf struct {
	error
	number int32
}

func (f faultOf) Unwrap() error { return f.error }

func numberOf(err error) int32 {
	var f faultOf
	if errors.As(err, &f) {
		return f.number
	}
	return 0
}

// refusal is what the firmware's error numbers mean to a person.
func (s *session) refusal(m protolite.Message) error {
	number := int32(m.Uint32(hww.ErrorCode))
	return faultOf{sentence(number), number}
}

func sentence(number int32) error {
	switch number {
	case hww.ErrUserAbort:
		return signer.Declined("the request")
	case hww.ErrInvalidInput, hww.ErrGeneric:
		return signer.E(signer.CodeUnavailable, "the BitBox02 does not accept this request (error %d). It knows these paths: m/49h, m/84h and m/86h with coin and an account below 100 for single keys, m/48h/coin/account/2h or /1h for multisig, then 0 or 1 and an index below 10000", number)
	case hww.ErrState:
		return signer.E(signer.CodeNotReady, "the BitBox02 cannot do this now; unlock it, or plug it in again")
	case hww.ErrDisabled:
		return signer.E(signer.CodeUnavailable, "this edition of the BitBox02 cannot do this")
	case hww.ErrDuplicate:
		return signer.E(signer.CodeBadArgument, "the BitBox02 keeps another wallet under this name already; give the wallet another name")
	case hww.ErrMemory:
		return signer.E(signer.CodeUnknown, "the BitBox02's memory failed; plug it in again")
	case hww.ErrEncrypt, hww.ErrDecrypt:
		return signer.E(signer.CodeConnection, "the encrypted channel to the BitBox02 broke; try again")
	}
	return signer.E(signer.CodeUnknown, "the BitBox02 failed with error %d", number)
}

// Info tells what is known of the device.
func (s *session) Info() signer.Info { return s.info }

// Fingerprint is the master key's.
func (s *session) Fingerprint(ctx context.Context) (btc.Fingerprint, error) {
	if err := s.begin(ctx); err != nil {
		return btc.Fingerprint{}, err
	}
	return s.info.Fingerprint, nil
}

// Close forgets the channel's keys.
func (s *session) Close() error {
	s.paired, s.send, s.get = false, nil, nil
	return nil
}
