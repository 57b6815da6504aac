package bitbox02test

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"specter/internal/btc"
	"specter/internal/signer/bitbox02/hww"
	"specter/internal/signer/protolite"
	"specter/internal/signer/signertest"
)

// fault is one of the firmware's errors.
type fault int

func (f fault) Error() string { return fmt.Sprint("error ", int(f)) }

const (
	invalid = fault(hww.ErrInvalidInput)
	aborted = fault(hww.ErrUserAbort)
)

// process answers a request.
func (b *Box) process(t *task, m protolite.Message) protolite.Builder {
	out, err := b.dispatch(t, m)
	if err == nil {
		return out
	}
	code := fault(hww.ErrGeneric)
	errors.As(err, &code)
	return protolite.Builder{}.Message(hww.RspError, protolite.Builder{}.Uint(hww.ErrorCode, uint64(code)).Text(hww.ErrorText, "error"))
}

func (b *Box) dispatch(t *task, m protolite.Message) (protolite.Builder, error) {
	if m.Has(hww.ReqDeviceInfo) && (b.Empty || b.isUnlocked()) {
		return protolite.Builder{}.Message(hww.RspDeviceInfo, protolite.Builder{}.Text(hww.DeviceName, b.Name).
			Bool(hww.DeviceInitialized, !b.Empty).Text(hww.DeviceVersion, b.Firmware).Bool(hww.DevicePassphrase, b.passphrase)), nil
	}
	if !b.isUnlocked() {
		return nil, fault(hww.ErrState)
	}
	sub := func(n int) protolite.Message { s, _, _ := m.Message(n); return s }
	switch {
	case m.Has(hww.ReqFingerprint):
		fp := b.master.Fingerprint()
		return protolite.Builder{}.Message(hww.RspFingerprint, protolite.Builder{}.Bytes(1, fp[:])), nil
	case m.Has(hww.ReqPub):
		text, err := b.pub(t, sub(hww.ReqPub))
		return protolite.Builder{}.Message(hww.RspPub, protolite.Builder{}.Text(1, text)), err
	case m.Has(hww.ReqSignInit):
		return b.signTx(t, sub(hww.ReqSignInit))
	case m.Has(hww.ReqPassphrase):
		return b.togglePassphrase(t, sub(hww.ReqPassphrase).Bool(1))
	case m.Has(hww.ReqBTC):
		out, err := b.bitcoin(t, sub(hww.ReqBTC))
		return protolite.Builder{}.Message(hww.RspBTC, out), err
	}
	return nil, fault(hww.ErrState)
}

// togglePassphrase switches the question for a passphrase at unlocking.
func (b *Box) togglePassphrase(t *task, on bool) (protolite.Builder, error) {
	if !b.ask(t, signertest.ShowWarning, fmt.Sprintf("Passphrase enabled: %v", on)) {
		return nil, aborted
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.passphrase = on
	return protolite.Builder{}.Message(hww.RspSuccess, nil), nil
}

func (b *Box) bitcoin(t *task, m protolite.Message) (protolite.Builder, error) {
	for _, field := range []int{hww.BTCIsRegistered, hww.BTCRegister, hww.BTCSignMessage} {
		sub, ok, err := m.Message(field)
		switch {
		case err != nil:
			return nil, invalid
		case !ok:
		case field == hww.BTCIsRegistered:
			return b.isRegistered(sub)
		case field == hww.BTCRegister:
			return protolite.Builder{}.Message(hww.BTCSuccess, nil), b.register(t, sub)
		default:
			return b.signMessage(t, sub)
		}
	}
	return nil, fault(hww.ErrState)
}

func pathIn(m protolite.Message, field int) (btc.Path, error) {
	list, err := m.Uints(field)
	if err != nil {
		return nil, invalid
	}
	p := make(btc.Path, len(list))
	for i, v := range list {
		p[i] = uint32(v)
	}
	return p, nil
}

// pub gives an extended key or shows an address.
func (b *Box) pub(t *task, m protolite.Message) (string, error) {
	coin, err := coinIn(m, hww.PubCoin)
	if err != nil {
		return "", err
	}
	path, err := pathIn(m, hww.PubPath)
	if err != nil {
		return "", err
	}
	config, isAddress, err := m.Message(hww.PubConfig)
	switch {
	case err != nil:
		return "", invalid
	case isAddress:
		return b.address(t, coin, config, path, m.Bool(hww.PubDisplay))
	}
	if !usualAccount(coin, path) && !b.ask(t, signertest.ShowXPub, "Warning: unusual keypath "+path.Full()) {
		return "", aborted
	}
	if b.d.Lie.XPub && len(path) > 0 {
		path = append(slices.Clone(path[:len(path)-1]), path[len(path)-1]^1)
	}
	k, err := b.master.Derive(path)
	if err != nil {
		return "", invalid
	}
	k = k.Public()
	k.Main = m.Uint(hww.PubXPub) == hww.XPub
	return k.String(), nil
}

func (b *Box) address(t *task, c coin, config protolite.Message, path btc.Path, display bool) (string, error) {
	if len(path) < 3 {
		return "", invalid
	}
	a, err := b.accountOf(c, config, path[:len(path)-2])
	if err != nil {
		return "", err
	}
	if err := a.checkPath(path, true); err != nil {
		return "", err
	}
	if b.d.Lie.Address {
		path = append(slices.Clone(path[:len(path)-1]), path[len(path)-1]^1)
	}
	s, err := a.script(path)
	if err != nil {
		return "", err
	}
	text, ok := btc.AddressOf(s.spk, c.network)
	if !ok {
		return "", invalid
	}
	if display && !b.ask(t, signertest.ShowAddress, text) {
		return "", aborted
	}
	return text, nil
}

// registration reads what is asked about, unregistered as it may be.
func (b *Box) registration(m protolite.Message) (*account, error) {
	c, err := coinIn(m, hww.RegCoin)
	if err != nil {
		return nil, err
	}
	config, ok, err := m.Message(hww.RegConfig)
	if err != nil || !ok || config.Has(hww.ConfigSimple) {
		return nil, invalid
	}
	path, err := pathIn(m, hww.RegPath)
	if err != nil {
		return nil, err
	}
	return b.readAccount(c, config, path)
}

func (b *Box) isRegistered(m protolite.Message) (protolite.Builder, error) {
	what, ok, err := m.Message(1)
	if err != nil || !ok {
		return nil, invalid
	}
	a, err := b.registration(what)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	_, known := b.accounts[a.id]
	return protolite.Builder{}.Message(hww.BTCIsRegisteredRsp, protolite.Builder{}.Bool(1, known || b.d.Lie.Registry)), nil
}

func (b *Box) register(t *task, m protolite.Message) error {
	what, ok, err := m.Message(hww.RegisterWhat)
	if err != nil || !ok {
		return invalid
	}
	a, err := b.registration(what)
	if err != nil {
		return err
	}
	name := m.Text(hww.RegisterName)
	if name == "" {
		name = fmt.Sprintf("Wallet %d", b.Registered()+1) // typed on the device
	}
	if len(name) > hww.MaxName || name[0] == ' ' || name[len(name)-1] == ' ' || slices.ContainsFunc([]byte(name), func(c byte) bool { return c < ' ' || c > '~' }) {
		return invalid
	}
	if !b.ask(t, signertest.ShowPolicy, name+"\n"+a.text) {
		return aborted
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if id, taken := b.names[name]; taken && id != a.id {
		return fault(hww.ErrDuplicate)
	}
	b.names[name], b.accounts[a.id] = a.id, name
	return nil
}

// identify is the hash that a wallet is kept under.
func identify(kind byte, c coin, parts ...[]byte) [32]byte {
	h := sha256.New()
	h.Write([]byte{kind, byte(c.number)})
	for _, p := range parts {
		h.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(p))))
		h.Write(p)
	}
	return [32]byte(h.Sum(nil))
}
