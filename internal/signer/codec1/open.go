package codec1

import (
	"context"
	"errors"
	"slices"

	"specter/internal/signer"
)

// Open greets a device. See signer.Driver.
func Open(ctx context.Context, c signer.Conn, p signer.Port, o signer.Options, dialect Dialect) (*Device, error) {
	d := &Device{conn: c, dialect: dialect, port: p, opt: o, quiet: true}
	d.info = signer.Info{Kind: dialect.Kind, Model: dialect.Kind, Path: p.Path}
	defer func() { d.quiet = false }()
	err := d.greet(ctx)
	switch {
	case errors.Is(err, errTHP):
		d.dead, d.info.Err, d.info.Model = errTHP, errTHP, "trezor_safe 7"
		return d, nil
	case err != nil:
		return nil, err
	case d.pinOpen:
		d.info.NeedsPIN, d.info.Err = true, d.locked()
		return d, nil
	}
	return d, d.learn(ctx)
}

// greet asks for Features. A device that waits for its PIN answers nothing: where it may be one,
// it is left as it is, so that the PIN can be sent.
func (d *Device) greet(ctx context.Context) error {
	soon, done := context.WithTimeout(ctx, greetTime)
	defer done()
	f, err := d.ask(soon, MsgGetFeatures)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		if d.pinOpen = d.dialect.Stuck(d.port); d.pinOpen {
			return nil
		}
		again, done := context.WithTimeout(ctx, cancelTime)
		defer done()
		f, err = d.ask(again, MsgInitialize) // ends what it was busy with
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return signer.E(signer.CodeConnection, "the device at %s does not answer; unplug it and plug it in again", d.port.Path)
	case err != nil && signer.CodeOf(err) == signer.CodeUnknown:
		return signer.Lost(err)
	case err != nil:
		return err
	case !slices.Contains(d.dialect.Vendors, f.Vendor):
		return signer.ErrNotThisKind
	}
	d.features = f
	return nil
}

func (d *Device) ask(ctx context.Context, kind uint16) (Features, error) {
	if err := Write(ctx, d.conn, kind, nil); err != nil {
		return Features{}, err
	}
	return d.awaitFeatures(ctx)
}

// learn fills the Info of a device that answered.
func (d *Device) learn(ctx context.Context) error {
	d.describe()
	f := d.features
	switch {
	case f.Bootloader:
		d.info.Err = signer.E(signer.CodeNotInitialized, "this %s is in its bootloader: unplug it and plug it in again without touching its buttons or screen", d.dialect.Name)
		return nil
	case !f.Initialized:
		d.info.Err = signer.E(signer.CodeNotInitialized, "Not initialized: set this %s up with its maker's program first", d.dialect.Name)
		return nil
	case f.Version.Before(d.dialect.Oldest(f)):
		d.info.Err = d.tooOld("be used here", d.dialect.Oldest(f))
		return nil
	}
	if err := d.initialize(ctx); err != nil {
		return err
	}
	d.describe()
	if d.info.Err != nil || d.info.NeedsPIN || !d.knownQuietly() {
		return nil
	}
	if _, err := d.Fingerprint(ctx); err != nil && !errors.Is(err, errWouldAsk) {
		if !isFailure(err) {
			return err
		}
		d.info.Err = err
	}
	return nil
}

// knownQuietly reports whether keys can be had without asking the person.
func (d *Device) knownQuietly() bool {
	f := d.features
	return !f.Passphrase || d.resumed || !f.TypesPassphrase() && !f.OnDeviceOnly
}

// describe makes the Info of the Features.
func (d *Device) describe() {
	f, i := d.features, &d.info
	i.Model, i.Label, i.Firmware = d.dialect.Model(f), f.Label, f.Version.String()
	if d.port.Way == signer.UDP {
		i.Model += "_simulator"
	}
	i.Warnings, i.Err = nil, nil
	i.NeedsPIN = f.PIN && !f.Unlocked
	i.NeedsPassphrase = f.Passphrase && d.dialect.Matrix(f) && d.opt.Passphrase == ""
	if i.NeedsPIN && d.dialect.Matrix(f) {
		i.Err = d.locked()
	}
	for _, w := range []struct {
		is   bool
		text string
	}{
		{i.NeedsPIN && !d.dialect.Matrix(f), "It is locked: its PIN is typed on the device."},
		{i.NeedsPassphrase, "Passphrase protection is on and no passphrase was given: this is the wallet of the empty passphrase."},
		{f.Passphrase && !d.dialect.Matrix(f) && (d.opt.Passphrase == "" || f.OnDeviceOnly) && !d.resumed, "Passphrase protection is on: the passphrase is typed on the device."},
		{f.Unfinished, "Its backup was interrupted: there is no way to restore its keys. Make a backup with its maker's program."},
		{f.NeedsBackup && !f.Unfinished, "Its keys were never backed up. Make a backup with its maker's program before you receive money."},
		{f.Recovery, "A recovery of its keys is under way."},
	} {
		if w.is {
			i.Warnings = append(i.Warnings, w.text)
		}
	}
}
