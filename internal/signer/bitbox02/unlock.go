package bitbox02

import (
	"context"

	"specter/internal/signer"
	"specter/internal/signer/bitbox02/hww"
	"specter/internal/signer/protolite"
)

// errNoPIN is HWI's answer to PINs for this family.
var errNoPIN = signer.E(signer.CodeUnavailable, "the BitBox02's password is entered on the device; no PIN is sent to it")

// AskPIN refuses: the password is entered on the device.
func (s *session) AskPIN(context.Context) error { return errNoPIN }

// SendPIN refuses: the password is entered on the device.
func (s *session) SendPIN(context.Context, string) error { return errNoPIN }

// TogglePassphrase switches whether the device asks for a BIP39 passphrase when it is unlocked;
// its person confirms. It takes effect when the device is unlocked the next time.
func (s *session) TogglePassphrase(ctx context.Context) (on bool, err error) {
	if err := s.begin(ctx); err != nil {
		return false, err
	}
	r, err := s.call(ctx, protolite.Builder{}.Message(hww.ReqDeviceInfo, nil), hww.RspDeviceInfo)
	if err != nil {
		return false, err
	}
	was := r.Bool(hww.DevicePassphrase)
	s.options.Tell(signer.Notice{Kind: signer.NoticeConfirm})
	_, err = s.call(ctx, protolite.Builder{}.Message(hww.ReqPassphrase, protolite.Builder{}.Bool(1, !was)), hww.RspSuccess)
	if numberOf(err) == hww.ErrUserAbort {
		return was, signer.Declined("switching the passphrase")
	}
	if err != nil {
		return was, err
	}
	return !was, nil
}

// errPassphrase is why a passphrase cannot be used from here.
var errPassphrase = signer.E(signer.CodeBadArgument, "the BitBox02 takes no passphrase from a computer; switch passphrases on, and enter it on the device when it is unlocked")
