package coldcard

import (
	"bytes"
	"context"
	"crypto/pbkdf2"
	"crypto/sha512"
	"crypto/subtle"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"

	"specter/internal/btc"
	"specter/internal/signer"
)

// verify makes sure, once a link, that nobody sits in its middle: the device signs the key of
// the link with its master key.
func (s *session) verify(ctx context.Context) error {
	if s.verified {
		return nil
	}
	sig, err := s.ask(ctx, []byte("mitm"), "biny")
	if err != nil {
		return err
	}
	if !signedBy(s.master.PublicKey[:], s.link.key[:], sig) {
		return s.link.kill(signer.E(signer.CodeConnection, "the link to the Coldcard does not end at the device itself: something between it and this computer reads along or changes what is said. Nothing was asked of it; connect it directly, without hub or adapter, and to a computer you trust"))
	}
	s.verified = true
	s.keepMaster()
	return nil
}

// signedBy checks a signature of 65 bytes, the first of which is of no use here.
func signedBy(pub, hash, sig []byte) bool {
	if len(sig) != 65 {
		return false
	}
	key, err := btcec.ParsePubKey(pub)
	if err != nil {
		return false
	}
	var r, v btcec.ModNScalar
	if r.SetByteSlice(sig[1:33]) || v.SetByteSlice(sig[33:]) || r.IsZero() || v.IsZero() {
		return false
	}
	return ecdsa.NewSignature(&r, &v).Verify(hash, key)
}

// What stands in the middle could claim a master key of its own with the same fingerprint, which
// is only four bytes. So the key itself is kept at the first link and compared ever after.
func masterName(fp btc.Fingerprint) string { return "coldcard/master-" + fp.String() }

func (s *session) sameMaster(key btc.XKey) error {
	if s.options.Memory == nil {
		return nil
	}
	kept, ok := s.options.Memory.Get(masterName(key.Fingerprint()))
	if ok && !bytes.Equal(kept, key.PublicKey[:]) {
		return signer.E(signer.CodeConnection, "the Coldcard %s has another master key than when it was connected before; this may be another device that pretends to be yours", key.Fingerprint())
	}
	return nil
}

func (s *session) keepMaster() {
	if s.options.Memory == nil {
		return
	}
	name := masterName(s.master.Fingerprint())
	if _, ok := s.options.Memory.Get(name); !ok {
		// Without it the next link is checked as this one was, so a full disk is no reason to stop.
		_ = s.options.Memory.Put(name, s.master.PublicKey[:])
	}
}

// maxPassphrase is what the device takes.
const maxPassphrase = 99

// usePassphrase asks the person to switch to the wallet of the passphrase.
func (s *session) usePassphrase(ctx context.Context) error {
	if len(s.options.Passphrase) > maxPassphrase {
		return signer.E(signer.CodeBadArgument, "a Coldcard takes passphrases of at most %d bytes over USB; type longer ones on the device", maxPassphrase)
	}
	s.settle(ctx)
	err := s.passphrase(ctx)
	switch {
	case err == nil:
	case signer.CodeOf(err) == signer.CodeBadArgument:
		return signer.E(signer.CodeUnavailable, "the Coldcard takes no passphrase now: it has no seed words, or a wallet with a passphrase is open already. Leave that one on the device, or try without a passphrase here (%w)", err)
	default:
		return err
	}
	s.remember()
	return nil
}

func (s *session) passphrase(ctx context.Context) error {
	if err := s.do(ctx, append([]byte("pass"), s.options.Passphrase...)); err != nil {
		return err
	}
	s.options.Tell(signer.Notice{Kind: signer.NoticePassphrase, Text: "Confirm on the Coldcard that it shall switch to the wallet of this passphrase."})
	body, err := s.poll(ctx, "pwok", "asci", "the passphrase")
	if err != nil {
		return err
	}
	key, _, err := btc.ParseXKey(string(body))
	if err != nil || key.IsPrivate() || key.Depth != 0 {
		return garbled()
	}
	if err := s.sameMaster(key); err != nil {
		return err
	}
	s.master, s.verified, s.switched = key, false, true
	s.info.Fingerprint, s.info.Known = key.Fingerprint(), true
	return s.verify(ctx)
}

// The device stays in the wallet of a passphrase until it is switched off, and takes none in
// such a wallet. So a slow hash of the passphrase is kept with the key that it led to: when that
// key is met again with the same passphrase, nothing needs to be asked.
func passphraseName(fp btc.Fingerprint) string { return "coldcard/passphrase-" + fp.String() }

const passphraseRounds = 200_000

func (s *session) passphraseHash(master btc.XKey) []byte {
	h, err := pbkdf2.Key(sha512.New, s.options.Passphrase, append([]byte("specter coldcard "), master.PublicKey[:]...), passphraseRounds, 32)
	if err != nil {
		return nil
	}
	return h
}

func (s *session) remembered(master btc.XKey) bool {
	if s.options.Memory == nil {
		return false
	}
	kept, ok := s.options.Memory.Get(passphraseName(master.Fingerprint()))
	return ok && len(kept) == 32 && subtle.ConstantTimeCompare(kept, s.passphraseHash(master)) == 1
}

func (s *session) remember() {
	if h := s.passphraseHash(s.master); s.options.Memory != nil && h != nil {
		// Without it the person is asked again, and told what to do.
		_ = s.options.Memory.Put(passphraseName(s.master.Fingerprint()), h)
	}
}
