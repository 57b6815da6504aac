package signer_test

import (
	"context"
	"encoding/base64"
	"errors"
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/message"
	"specter/internal/btc/psbt"
	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/signertest"
)

// puppet is a signer that answers what a test tells it.
type puppet struct {
	master btc.XKey
	key    func(btc.XKey, btc.Path) btc.XKey
	fp     func() btc.Fingerprint
	addr   func(signer.Wallet, uint32, uint32) string
	sign   func(*psbt.Packet) *psbt.Packet
	msg    func(btc.Path, []byte) []byte
	reg    signer.Registration
	asked  int
}

func (p *puppet) Info() signer.Info { return signer.Info{Kind: "puppet"} }
func (p *puppet) Close() error      { return nil }
func (p *puppet) Fingerprint(context.Context) (btc.Fingerprint, error) {
	if p.fp != nil {
		return p.fp(), nil
	}
	return p.master.Fingerprint(), nil
}
func (p *puppet) XPub(_ context.Context, at btc.Path) (btc.XKey, error) {
	key, err := p.master.Derive(at)
	key = key.Public()
	if p.key != nil {
		key = p.key(key, at)
	}
	return key, err
}
func (p *puppet) NeedsRegistration(signer.Wallet) bool { return true }
func (p *puppet) Register(context.Context, signer.Wallet) (signer.Registration, error) {
	p.asked++
	return p.reg, nil
}
func (p *puppet) ShowAddress(_ context.Context, w signer.Wallet, _ signer.Registration, branch, index uint32) (string, error) {
	p.asked++
	return p.addr(w, branch, index), nil
}
func (p *puppet) Sign(_ context.Context, _ signer.Wallet, _ signer.Registration, tx *psbt.Packet) (*psbt.Packet, error) {
	p.asked++
	return p.sign(tx), nil
}
func (p *puppet) SignMessage(_ context.Context, at btc.Path, text []byte) ([]byte, error) {
	return p.msg(at, text), nil
}

// isLie holds an error to what a device's lie is.
func isLie(t *testing.T, what string, err error) {
	t.Helper()
	var l *signer.LieError
	if !errors.As(err, &l) || errs.KindOf(err) != errs.Conflict {
		t.Errorf("%s: %v", what, err)
	}
}

func TestExtendedKeysMustFitTheirPath(t *testing.T) {
	m := masters(t)
	path := btc.Path{84 | btc.Hardened, 1 | btc.Hardened, btc.Hardened}
	for name, change := range map[string]func(btc.XKey, btc.Path) btc.XKey{
		"depth":         func(k btc.XKey, _ btc.Path) btc.XKey { k.Depth++; return k },
		"child index":   func(k btc.XKey, _ btc.Path) btc.XKey { k.ChildIndex ^= 1; return k },
		"network":       func(k btc.XKey, _ btc.Path) btc.XKey { k.Main = true; return k },
		"no point":      func(k btc.XKey, _ btc.Path) btc.XKey { k.PublicKey[0] = 5; return k },
		"a private key": func(_ btc.XKey, p btc.Path) btc.XKey { k, _ := m[0].Derive(p); return k },
	} {
		_, err := signer.CheckedOn(&puppet{master: m[0], key: change}, btc.Regtest).XPub(t.Context(), path)
		isLie(t, name, err)
	}
	good := signer.CheckedOn(&puppet{master: m[0]}, btc.Regtest)
	for _, p := range []btc.Path{{}, {3 | btc.Hardened}, path, path.Child(0), path.Child(0, 7)} {
		if _, err := good.XPub(t.Context(), p); err != nil {
			t.Errorf("%s: %v", p.Full(), err)
		}
	}
	// Keys that do not derive from each other, in both orders, and the same path twice.
	for name, paths := range map[string][2]btc.Path{"child after parent": {path, path.Child(0)}, "parent after child": {path.Child(0, 1), path}, "twice": {path, path}} {
		n := 0
		s := signer.CheckedOn(&puppet{master: m[0], key: func(k btc.XKey, p btc.Path) btc.XKey {
			if n++; n == 2 {
				other, _ := m[1].Derive(p)
				return other.Public()
			}
			return k
		}}, btc.Regtest)
		if _, err := s.XPub(t.Context(), paths[0]); err != nil {
			t.Fatal(err)
		}
		_, err := s.XPub(t.Context(), paths[1])
		isLie(t, name, err)
	}
	other := func(_ btc.XKey, p btc.Path) btc.XKey { k, _ := m[1].Derive(p); return k.Public() }
	for _, p := range []btc.Path{{}, {3 | btc.Hardened}} {
		_, err := signer.CheckedOn(&puppet{master: m[0], key: other}, btc.Regtest).XPub(t.Context(), p)
		isLie(t, "not of the master key at "+p.Full(), err)
	}
}

func TestAFingerprintDoesNotChange(t *testing.T) {
	m, n := masters(t), 0
	s := signer.Checked(&puppet{fp: func() btc.Fingerprint { n++; return m[n%2].Fingerprint() }})
	if _, err := s.Fingerprint(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := s.Fingerprint(t.Context())
	isLie(t, "another fingerprint", err)
}

func TestAddressesAreComparedByScriptAndComeInOurForm(t *testing.T) {
	m := masters(t)[0]
	w := signertest.Wallet(t, "wpkh", m)
	at := signertest.Coin{Wallet: w, Branch: 1, Index: 5}
	next := signertest.Coin{Wallet: w, Branch: 1, Index: 6}
	for name, c := range map[string]struct {
		says  string
		on    btc.Network
		ok    bool
		shown string
	}{
		"our form":           {at.Address(t, btc.Regtest), btc.Regtest, true, ""},
		"testnet's form":     {at.Address(t, btc.Testnet3), btc.Regtest, true, at.Address(t, btc.Testnet3)},
		"mainnet's form":     {at.Address(t, btc.Mainnet), btc.Regtest, false, ""},
		"another index":      {next.Address(t, btc.Regtest), btc.Regtest, false, ""},
		"nothing":            {"", btc.Regtest, false, ""},
		"nonsense":           {"bcrt1q", btc.Regtest, false, ""},
		"testnet for signet": {at.Address(t, btc.Testnet3), btc.Signet, true, ""},
	} {
		p := &puppet{master: m, addr: func(signer.Wallet, uint32, uint32) string { return c.says }}
		s := signer.CheckedOn(p, c.on)
		got, err := s.ShowAddress(t.Context(), w, signer.Registration{}, 1, 5)
		if !c.ok {
			isLie(t, name, err)
			continue
		}
		if err != nil || got != at.Address(t, c.on) || s.(signer.Shower).Shown() != c.shown {
			t.Errorf("%s: %q, %v, shown %q", name, got, err, s.(signer.Shower).Shown())
		}
	}
}

func TestAWalletOfOthersIsRefusedBeforeTheDeviceIsAsked(t *testing.T) {
	m := masters(t)
	p := &puppet{master: m[0], reg: signer.Registration{Name: "x"}}
	s := signer.CheckedOn(p, btc.Regtest)
	w := signertest.Wallet(t, "wpkh", m[1])
	_, err1 := s.ShowAddress(t.Context(), w, signer.Registration{}, 0, 0)
	_, err2 := s.Sign(t.Context(), w, signer.Registration{}, &psbt.Packet{})
	_, err3 := s.Register(t.Context(), w)
	_, err4 := s.Register(t.Context(), signer.Wallet{})
	_, err5 := s.ShowAddress(t.Context(), signertest.Wallet(t, "wpkh", m[0]), signer.Registration{}, 2, 0)
	_, err6 := s.ShowAddress(t.Context(), signertest.Wallet(t, "wpkh", m[0]), signer.Registration{}, 0, 1<<31)
	for i, err := range []error{err1, err2, err3, err4, err5, err6} {
		if signer.CodeOf(err) != signer.CodeBadArgument {
			t.Errorf("%d: %v", i+1, err)
		}
	}
	if p.asked != 0 {
		t.Errorf("the device was asked %d times", p.asked)
	}
	p.reg = signer.Registration{}
	_, err := s.Register(t.Context(), signertest.Wallet(t, "wsh", m...))
	isLie(t, "no proof", err)
}

func TestSignaturesAreVerifiedBeforeTheyAreTaken(t *testing.T) {
	m := masters(t)
	w := signertest.Wallet(t, "wpkh", m[0])
	tx := signertest.Payment{Coins: []signertest.Coin{{Wallet: w, Index: 1, Sat: 50_000}, {Wallet: w, Index: 2, Sat: 50_000}}, Pay: 90_000}.Packet(t, btc.Regtest)
	honest := func(tx *psbt.Packet) *psbt.Packet {
		if _, err := tx.Sign(psbt.ExtendedKey(m[0], btc.KeyOrigin{})); err != nil {
			t.Fatal(err)
		}
		return tx
	}
	ask := func(sign func(*psbt.Packet) *psbt.Packet) (*psbt.Packet, error) {
		return signer.CheckedOn(&puppet{master: m[0], sign: sign}, btc.Regtest).Sign(t.Context(), w, signer.Registration{}, tx)
	}
	if got, err := ask(honest); err != nil || !got.Complete() {
		t.Fatal(err)
	}
	for name, sign := range map[string]func(*psbt.Packet) *psbt.Packet{
		"nothing": func(*psbt.Packet) *psbt.Packet { return nil },
		"another transaction": func(tx *psbt.Packet) *psbt.Packet {
			tx.Outputs[0].Amount--
			return honest(tx)
		},
		"another script": func(tx *psbt.Packet) *psbt.Packet {
			tx.Outputs[0].Script = tx.Inputs[0].NonWitnessUTXO.TxOut[1].PkScript
			return honest(tx)
		},
		"swapped signatures": func(tx *psbt.Packet) *psbt.Packet {
			tx = honest(tx)
			a, b := tx.Inputs[0].PartialSigs[0], tx.Inputs[1].PartialSigs[0]
			a.Signature = b.Signature
			tx.Inputs[0].PartialSigs = []psbt.PartialSig{a}
			return tx
		},
		"another sighash": func(tx *psbt.Packet) *psbt.Packet { tx.SetSighash(0, 3); return honest(tx) },
	} {
		_, err := ask(sign)
		isLie(t, name, err)
	}
	if tx.Complete() || len(tx.Inputs[0].PartialSigs) != 0 {
		t.Error("the transaction that was given has changed")
	}
}

func TestAMessageMustBeSignedByTheKeyAtThePath(t *testing.T) {
	m := masters(t)
	path := signertest.AccountPath(t, "wpkh").Child(0, 3)
	sign := func(master btc.XKey, at btc.Path, text string) []byte {
		key, err := master.Derive(at)
		if err != nil {
			t.Fatal(err)
		}
		secret, _ := key.PrivateKey()
		a, _ := btc.AddressOf(btc.WitnessScript(0, btc.Hash160(key.PublicKey[:])), btc.Mainnet)
		sig, err := message.Sign(secret, a, btc.Mainnet, text, message.BIP137)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := base64.StdEncoding.DecodeString(sig)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	ask := func(sig []byte) error {
		p := &puppet{master: m[0], msg: func(btc.Path, []byte) []byte { return sig }}
		_, err := signer.CheckedOn(p, btc.Regtest).SignMessage(t.Context(), path, []byte("hello"))
		return err
	}
	good := sign(m[0], path, "hello")
	for _, header := range []byte{39, 35, 31} { // segwit, segwit in P2SH, P2PKH: the same key
		sig := append([]byte{header + (good[0]-39)&3}, good[1:]...)
		if err := ask(sig); err != nil {
			t.Errorf("header %d: %v", sig[0], err)
		}
	}
	for name, sig := range map[string][]byte{
		"another message": sign(m[0], path, "hullo"),
		"another key":     sign(m[1], path, "hello"),
		"another path":    sign(m[0], path.Child(1), "hello"),
		"short":           good[:64],
		"nothing":         nil,
		"header":          append([]byte{99}, good[1:]...),
		"uncompressed":    append([]byte{good[0] - 12}, good[1:]...),
	} {
		isLie(t, name, ask(sig))
	}
}

// unlocker is a puppet with a PIN.
type unlocker struct{ *puppet }

func (unlocker) AskPIN(context.Context) error                   { return nil }
func (unlocker) SendPIN(context.Context, string) error          { return nil }
func (unlocker) TogglePassphrase(context.Context) (bool, error) { return false, nil }

func TestWhatCanBeUnlockedStaysSo(t *testing.T) {
	if _, can := signer.Checked(&puppet{}).(signer.Unlocker); can {
		t.Error("a signer without a PIN got one")
	}
	s, can := signer.Checked(unlocker{&puppet{}}).(signer.Unlocker)
	if !can || s.AskPIN(t.Context()) != nil {
		t.Error("a signer with a PIN lost it")
	}
	if _, shows := signer.Checked(unlocker{&puppet{}}).(signer.Shower); !shows {
		t.Error("and what it shows")
	}
}

func TestAnAddressThatIsNotThereIsSaidSo(t *testing.T) {
	w := signertest.Wallet(t, "wpkh", masters(t)[0])
	for _, c := range []struct {
		w             signer.Wallet
		branch, index uint32
		code          signer.Code
	}{
		{signer.Wallet{}, 0, 0, signer.CodeMissing}, {w, 2, 0, signer.CodeBadArgument}, {w, 1<<32 - 1, 0, signer.CodeBadArgument}, {w, 0, btc.Hardened, signer.CodeBadArgument},
	} {
		if _, _, err := c.w.At(c.branch, c.index); err == nil || signer.CodeOf(err) != c.code {
			t.Errorf("%d/%d: %v", c.branch, c.index, err)
		}
	}
	if d, out, err := w.At(1, 7); err != nil || d.Branches() != 1 || len(out.Script) != 22 {
		t.Errorf("1/7: %v", err)
	}
}
