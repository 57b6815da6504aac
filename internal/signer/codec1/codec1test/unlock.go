package codec1test

import (
	"context"
	"crypto/sha256"
	"strings"

	"specter/internal/btc"
	"specter/internal/signer/codec1"
	"specter/internal/signer/protolite"
	"specter/internal/signer/signertest"
)

// Matrix is how a device with a matrix shows the digits of the keypad, place 1 to 9: where the
// text has the digit 7 first, 7 is at place 1.
const Matrix = "285197346"

// Places is what a person sends for a PIN who sees the matrix.
func Places(pin string) string { return places(Matrix, pin) }

func places(matrix, pin string) string {
	var out strings.Builder
	for _, digit := range pin {
		out.WriteByte(byte('1' + strings.IndexRune(matrix, digit)))
	}
	return out.String()
}

// unlock asks for the PIN where there is one that was not given yet.
func (d *device) unlock(ctx context.Context) error {
	if d.PIN == "" || d.state.unlocked {
		return nil
	}
	var typed string
	if d.model.Matrix {
		if err := d.send(ctx, codec1.MsgPinMatrixRequest, protolite.Builder{}.Uint(1, 1)); err != nil {
			return err
		}
		m, err := d.next(ctx, codec1.MsgPinMatrixAck)
		if err != nil {
			return err
		}
		for _, place := range m.Text(1) {
			if place < '1' || place > '9' {
				return refusal{codec1.FailPinInvalid, "PIN invalid"}
			}
			typed += string(Matrix[place-'1'])
		}
	} else {
		got, err := d.show(ctx, codec1.ButtonPinEntry, signertest.ShowPIN, "Enter PIN")
		if err != nil {
			return err
		}
		typed = got.Text
	}
	if typed != d.PIN {
		return refusal{codec1.FailPinInvalid, "PIN invalid"}
	}
	d.state.unlocked = true
	return nil
}

// master is the master key of the session's passphrase.
func (d *device) master(ctx context.Context) (btc.XKey, error) {
	if !d.protected() {
		return d.Master, nil
	}
	if d.passphrase == nil {
		p, err := d.askPassphrase(ctx)
		if err != nil {
			return btc.XKey{}, err
		}
		d.passphrase = &p
		if d.session != "" {
			if d.state.sessions == nil {
				d.state.sessions = map[string]string{}
			}
			d.state.sessions[d.session] = p
		}
	}
	if *d.passphrase == d.Passphrase {
		return d.Master, nil
	}
	seed := sha256.Sum256([]byte("another passphrase: " + *d.passphrase + d.Master.String()))
	return btc.NewMaster(seed[:], d.Master.Main)
}

func (d *device) askPassphrase(ctx context.Context) (string, error) {
	onDevice := d.model.OnDevice
	var sent string
	if !onDevice {
		if err := d.send(ctx, codec1.MsgPassphraseRequest, nil); err != nil {
			return "", err
		}
		m, err := d.next(ctx, codec1.MsgPassphraseAck)
		if err != nil {
			return "", err
		}
		switch sent, onDevice = m.Text(1), m.Bool(3); {
		case onDevice && m.Has(1):
			return "", refusal{codec1.FailDataError, "Passphrase provided when it should not be"}
		case onDevice && d.model.Matrix:
			return "", refusal{codec1.FailDataError, "Passphrase cannot be entered on this device"}
		case len(sent) > 50:
			return "", refusal{codec1.FailDataError, "Maximum passphrase length is 50 bytes"}
		case !onDevice && sent != "" && !d.model.Matrix:
			_, err := d.show(ctx, codec1.ButtonOther, signertest.ShowPassphrase, "Access hidden wallet? "+sent)
			return sent, err
		}
	}
	if onDevice {
		got, err := d.show(ctx, codec1.ButtonPassphraseEntry, signertest.ShowPassphrase, "Enter passphrase")
		return got.Text, err
	}
	return sent, nil
}

// settings switches passphrase protection.
func (d *device) settings(ctx context.Context, m protolite.Message) (uint16, protolite.Builder, error) {
	if !m.Has(3) {
		return 0, nil, refusal{codec1.FailDataError, "No setting provided"}
	}
	on := m.Bool(3)
	text := "Disable passphrase"
	if on {
		text = "Enable passphrase"
	}
	if _, err := d.show(ctx, codec1.ButtonProtectCall, signertest.ShowWarning, text); err != nil {
		return 0, nil, err
	}
	d.state.on, d.state.off, d.state.sessions, d.passphrase = on, !on, nil, nil
	return codec1.MsgSuccess, protolite.Builder{}.Text(1, "Settings applied"), nil
}
