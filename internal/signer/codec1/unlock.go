package codec1

import (
	"context"

	"specter/internal/btc"
	"specter/internal/signer"
	"specter/internal/signer/protolite"
)

// AskPIN makes the device show its PIN matrix and leaves the question open. A device that asks
// its PIN on its own screen is waited for until the PIN is typed there.
func (d *Device) AskPIN(ctx context.Context) error {
	switch f := d.features; {
	case d.dead != nil:
		return d.dead
	case f.Vendor != "" && !f.PIN:
		return signer.E(signer.CodeUnlocked, "This device does not need a PIN")
	case f.Vendor != "" && f.Unlocked:
		return signer.E(signer.CodeUnlocked, "The PIN has already been sent to this device")
	}
	coin := btc.Path{btc.Hardened | 44, btc.Hardened | 1, btc.Hardened}
	_, _, err := d.turn(ctx, "the PIN", MsgGetPublicKey, d.keyRequest(coin))
	switch {
	case d.pinOpen:
		return nil
	case err != nil:
		return err
	}
	return d.unlocked(ctx)
}

// SendPIN answers the PIN matrix. A wrong PIN is a Fault with signer.CodeNotReady and signer.ErrWrongPIN.
func (d *Device) SendPIN(ctx context.Context, positions string) error {
	if d.dead != nil {
		return d.dead
	}
	if n := len(positions); n < 1 || n > 50 {
		return signer.E(signer.CodeBadArgument, "a PIN has 1 to 50 places")
	}
	for _, c := range positions {
		if c < '1' || c > '9' {
			return signer.E(signer.CodeBadArgument, "Non-numeric PIN provided: give the places of its digits, 7 8 9 in the upper row, 4 5 6, 1 2 3")
		}
	}
	if !d.pinOpen {
		if d.features.Unlocked || !d.features.PIN {
			return signer.E(signer.CodeUnlocked, "The PIN has already been sent to this device")
		}
		return signer.E(signer.CodeNotReady, "the device shows no PIN matrix: ask for it first")
	}
	d.pinOpen = false
	_, _, err := d.talk(ctx, "the PIN", MsgPinMatrixAck, protolite.Builder{}.Text(1, positions))
	if err != nil {
		return err
	}
	return d.unlocked(ctx)
}

// unlocked learns what the device tells once its PIN was given.
func (d *Device) unlocked(ctx context.Context) error {
	d.quiet = true
	defer func() { d.quiet = false }()
	if err := d.greet(ctx); err != nil {
		return err
	}
	return d.learn(ctx)
}

// TogglePassphrase switches passphrase protection; the person confirms on the device. Where a
// KeepKey asks for its PIN for that, its matrix is left open: SendPIN finishes the switch.
func (d *Device) TogglePassphrase(ctx context.Context) (bool, error) {
	if err := d.usable(); err != nil {
		return false, err
	}
	on := !d.features.Passphrase
	_, err := d.call(ctx, "the change of passphrase protection", MsgApplySettings, protolite.Builder{}.Bool(3, on), MsgSuccess)
	if err != nil {
		return !on, err
	}
	d.session, d.info.Known = nil, false
	return on, d.unlocked(ctx)
}
