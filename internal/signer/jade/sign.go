package jade

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"unicode/utf8"

	"specter/internal/btc"
	"specter/internal/btc/message"
	"specter/internal/btc/psbt"
	"specter/internal/errs"
	"specter/internal/signer"
)

// maxPSBT is what a board with enough memory reads at once (401 KiB with the request around it).
const maxPSBT = 400 << 10

// Sign asks for the signatures of this device. Wallets that are registered let it recognise
// change; it signs without them too and then shows every output.
func (d *device) Sign(ctx context.Context, w signer.Wallet, r signer.Registration, tx *psbt.Packet) (*psbt.Packet, error) {
	fp, err := d.Fingerprint(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.signable(tx, fp); err != nil {
		return nil, err
	}
	raw, err := forDevice(tx)
	if err != nil {
		return nil, err
	}
	if err := d.unlock(ctx); err != nil {
		return nil, err
	}
	d.o.Tell(signer.Notice{Kind: signer.NoticeConfirm})
	answer, err := d.wire.long(ctx, "sign_psbt", map[string]any{"network": network(d.o.Network), "psbt": raw})
	if err != nil {
		return nil, err
	}
	signed, err := psbt.Parse(answer)
	if err != nil {
		return nil, signer.E(signer.CodeConnection, "the Jade answered with a PSBT that cannot be read: %w", err)
	}
	merged, _, err := tx.Merge(signed)
	if err != nil {
		return nil, &signer.Fault{Code: signer.CodeConnection, Cause: errs.E(errs.Conflict, "the Jade's answer is not used: %w", err)}
	}
	return merged, nil
}

// signable refuses what this firmware would sign wrongly or leave out without a word.
func (d *device) signable(tx *psbt.Packet, fp btc.Fingerprint) error {
	taproot := 0
	for i, in := range tx.Inputs {
		for _, k := range in.TapDerivations {
			if k.Origin.Fingerprint != fp {
				continue
			}
			if !bytes.Equal(k.XOnly[:], in.TapInternalKey) || len(in.TapMerkleRoot) > 0 {
				return signer.E(signer.CodeUnavailable, "input %d is spent by a taproot script: a Jade signs taproot with a single key (BIP86) alone", i+1)
			}
			taproot++
			break
		}
	}
	switch {
	case taproot > 0 && d.fw.below(sinceTaproot):
		return signer.E(signer.CodeUnavailable, "taproot needs firmware %s or later on the Jade, this one has %s: update it with Blockstream's app", sinceTaproot, d.fw)
	case taproot > 1 && d.fw.below(sinceTaprootMany):
		return signer.E(signer.CodeUnavailable, "several taproot coins in one transaction need firmware %s or later on the Jade, this one has %s: update it with Blockstream's app", sinceTaprootMany, d.fw)
	}
	return nil
}

// forDevice writes version 0. Previous transactions of segwit coins, which the device can do
// without, are left out where all would be too much for its memory.
func forDevice(tx *psbt.Packet) ([]byte, error) {
	v0, err := tx.Convert(0)
	if err != nil {
		return nil, signer.E(signer.CodeBadTransaction, "a Jade reads PSBTs of version 0 alone, which this one cannot be written as: %w", err)
	}
	raw, err := v0.Serialize()
	if err != nil || len(raw) <= maxPSBT {
		return raw, err
	}
	slim := v0.Clone()
	for i := range slim.Inputs {
		in := &slim.Inputs[i]
		coin, err := slim.PrevOut(i)
		if err != nil || in.NonWitnessUTXO == nil {
			continue
		}
		script := coin.PkScript
		if len(in.RedeemScript) > 0 {
			script = in.RedeemScript
		}
		if _, _, segwit := btc.WitnessProgram(script); segwit {
			in.WitnessUTXO, in.NonWitnessUTXO = coin, nil
		}
	}
	if raw, err = slim.Serialize(); err == nil && len(raw) > maxPSBT {
		return nil, signer.E(signer.CodeBadTransaction, "the transaction is too large for a Jade (%d KiB, it reads %d): send fewer coins at a time", len(raw)>>10, maxPSBT>>10)
	}
	return raw, err
}

// maxMessage is what boards without extra memory take, with the request around it.
const maxMessage = 16 << 10

// SignMessage signs with the anti-exfil protocol: the device mixes in randomness of the host, and
// the host verifies that it did, so that a forged firmware cannot hide the key in signatures. The
// signature is therefore another one each time.
func (d *device) SignMessage(ctx context.Context, p btc.Path, text []byte) ([]byte, error) {
	switch {
	case len(p) == 0:
		return nil, signer.E(signer.CodeBadArgument, "a Jade does not sign messages with the master key: name a path")
	case len(text) == 0 || len(text) > maxMessage || !utf8.Valid(text):
		return nil, signer.E(signer.CodeBadArgument, "a Jade signs messages of 1 to %d bytes of text (UTF-8)", maxMessage)
	}
	key, err := d.XPub(ctx, p)
	if err != nil {
		return nil, err
	}
	var entropy [32]byte
	if _, err := io.ReadFull(d.o.Rand, entropy[:]); err != nil {
		return nil, err
	}
	commitment := HostCommitment(entropy)
	var opening []byte
	if err := d.ask(ctx, signer.NoticeConfirm, "sign_message", map[string]any{
		"message": string(text), "path": steps(p), "ae_host_commitment": commitment[:],
	}, &opening); err != nil {
		return nil, err
	}
	var encoded string
	if err := d.soon(ctx, "get_signature", map[string]any{"ae_host_entropy": entropy[:]}, &encoded); err != nil {
		return nil, err
	}
	sig, err := base64.StdEncoding.DecodeString(encoded)
	if len(encoded) > 128 || err != nil || len(sig) != 64 && len(sig) != 65 {
		return nil, errGarbled
	}
	sig = sig[len(sig)-64:]
	if !Includes(sig, opening, entropy) {
		return nil, &signer.Fault{Code: signer.CodeConnection, Cause: errs.E(errs.Conflict,
			"the Jade did not mix in the randomness that it was given, so its signatures could give its key away: the signature is not used, and its firmware may be forged")}
	}
	return recoverable(key, d.o.Network, string(text), sig)
}

// recoverable puts the header of BIP137 for a compressed key before a signature: of the four
// possible ones that under which the key comes out.
func recoverable(key btc.XKey, n btc.Network, text string, sig []byte) ([]byte, error) {
	addr, _ := btc.AddressOf(btc.PayToPubKeyHash(btc.Hash160(key.PublicKey[:])), n)
	for header := byte(31); header < 35; header++ {
		full := append([]byte{header}, sig...)
		if _, err := message.Verify(addr, n, text, base64.StdEncoding.EncodeToString(full)); err == nil {
			return full, nil
		}
	}
	return nil, &signer.Fault{Code: signer.CodeConnection, Cause: errs.E(errs.Conflict, "the Jade's signature is not of the key that it should be of: it is not used")}
}
