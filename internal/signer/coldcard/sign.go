package coldcard

import (
	"context"
	"encoding/binary"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
)

// Sign uploads the transaction, waits for the person and takes over what was signed. The device
// reads from the PSBT and from the wallets it knows what it signs for.
func (s *session) Sign(ctx context.Context, _ signer.Wallet, _ signer.Registration, tx *psbt.Packet) (*psbt.Packet, error) {
	if err := s.sameCoins(); err != nil {
		return nil, err
	}
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	s.settle(ctx)
	signed := tx.Clone()
	for range s.passes(tx) {
		answer, err := s.signOnce(ctx, signed)
		if err != nil {
			return nil, err
		}
		merged, added, err := signed.Merge(answer)
		if err != nil {
			return nil, signer.E(signer.CodeUnknown, "the Coldcard's answer was refused: %w", err)
		}
		if signed = merged; len(added) == 0 {
			break
		}
	}
	return signed, nil
}

// signOnce has the device sign what it can in one go.
func (s *session) signOnce(ctx context.Context, tx *psbt.Packet) (*psbt.Packet, error) {
	file, err := s.version.file(tx)
	if err != nil {
		return nil, err
	}
	sum, err := s.upload(ctx, file)
	if err != nil {
		return nil, err
	}
	const asPSBT = 0 // not as a finished transaction, and with no signature over the text shown
	if err := s.do(ctx, fileRequest("stxn", file, sum, asPSBT)); err != nil {
		return nil, err
	}
	s.options.Tell(signer.Notice{Kind: signer.NoticeConfirm})
	told, err := s.poll(ctx, "stok", "strx", "the transaction")
	if err != nil {
		return nil, err
	}
	raw, err := s.download(ctx, told)
	if err != nil {
		return nil, err
	}
	answer, err := psbt.Parse(raw)
	if err != nil {
		return nil, signer.E(signer.CodeUnknown, "the Coldcard's signed transaction cannot be read: %w", err)
	}
	return answer, nil
}

// file writes a packet in the newest version that the firmware reads.
func (f firmware) file(tx *psbt.Packet) ([]byte, error) {
	if tx.Version == 2 && !f.readsV2() {
		var err error
		if tx, err = tx.Convert(0); err != nil {
			return nil, signer.E(signer.CodeBadTransaction, "this Coldcard's firmware cannot read a PSBT of version 2, and it cannot be written as version 0: %w", err)
		}
	}
	raw, err := tx.Serialize()
	if err != nil {
		return nil, signer.E(signer.CodeBadTransaction, "the transaction cannot be written: %w", err)
	}
	if most := f.maxTransaction(); len(raw) > most {
		return nil, signer.E(signer.CodeBadTransaction, "the transaction has %d kB, but this Coldcard takes at most %d; spend fewer coins at a time", len(raw)>>10, most>>10)
	}
	return raw, nil
}

// passes is how often the device must be asked: below Edge it signs each input with one of its
// keys at a time.
func (s *session) passes(tx *psbt.Packet) int {
	most := 1
	if s.version.edge {
		return most
	}
	fp := s.master.Fingerprint()
	for i := range tx.Inputs {
		n := 0
		for _, d := range tx.Inputs[i].Derivations {
			if d.Origin.Fingerprint == fp && !hasSignature(&tx.Inputs[i], d.PubKey) {
				n++
			}
		}
		most = max(most, n)
	}
	return min(most, 15)
}

func hasSignature(in *psbt.Input, pub []byte) bool {
	for _, s := range in.PartialSigs {
		if string(s.PubKey) == string(pub) {
			return true
		}
	}
	return false
}

// Lengths of messages that the device signs.
const (
	minText = 2
	maxText = 240
)

// SignMessage signs a message for the address that the path's purpose says: native segwit below
// m/84h, nested below m/49h, else a legacy one. The header of the signature follows (BIP137);
// firmware below 5.1.0 always writes that of a legacy address.
func (s *session) SignMessage(ctx context.Context, p btc.Path, message []byte) ([]byte, error) {
	if err := fits(message); err != nil {
		return nil, err
	}
	path, err := pathText(p)
	if err != nil {
		return nil, err
	}
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	s.settle(ctx)
	request := binary.LittleEndian.AppendUint32([]byte("smsg"), messageFormat(p))
	request = binary.LittleEndian.AppendUint32(request, uint32(len(path)))
	request = binary.LittleEndian.AppendUint32(request, uint32(len(message)))
	request = append(append(request, path...), message...)
	if err := s.do(ctx, request); err != nil {
		return nil, err
	}
	s.options.Tell(signer.Notice{Kind: signer.NoticeConfirm})
	body, err := s.poll(ctx, "smok", "smrx", "the message")
	if err != nil {
		return nil, err
	}
	if len(body) < 4 || uint64(len(body)) != 4+uint64(binary.LittleEndian.Uint32(body))+65 {
		return nil, garbled()
	}
	return body[len(body)-65:], nil
}

// fits tells before the person is asked what the device would refuse.
func fits(message []byte) error {
	if len(message) < minText || len(message) > maxText {
		return signer.E(signer.CodeBadArgument, "a Coldcard signs messages of %d to %d characters; this one has %d", minText, maxText, len(message))
	}
	for _, c := range message {
		if c < ' ' || c > '~' {
			return signer.E(signer.CodeBadArgument, "a Coldcard signs messages of one line in plain English letters, digits and signs")
		}
	}
	if message[0] == ' ' || message[len(message)-1] == ' ' {
		return signer.E(signer.CodeBadArgument, "a Coldcard signs no messages that begin or end with a space")
	}
	return nil
}

func messageFormat(p btc.Path) uint32 {
	if len(p) > 0 {
		switch p[0] {
		case btc.Hardened | 84:
			return formatWPKH
		case btc.Hardened | 49:
			return formatShWPKH
		}
	}
	return formatPKH
}
