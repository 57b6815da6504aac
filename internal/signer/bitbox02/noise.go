package bitbox02

import (
	"context"
	"crypto/ecdh"
	"encoding/hex"

	"github.com/flynn/noise"

	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/bitbox02/hww"
)

// What is kept between connections: our static key, and which devices the person paired.
const (
	keptKey    = Kind + "/app"
	keptDevice = Kind + "/device/" // and the device's static key in hex
)

// appKey is our static key: kept, or made now and kept.
func (s *session) appKey() (noise.DHKey, error) {
	if s.app != nil {
		return *s.app, nil
	}
	if m := s.options.Memory; m != nil {
		if raw, ok := m.Get(keptKey); ok && len(raw) == 32 {
			if key, err := ecdh.X25519().NewPrivateKey(raw); err == nil {
				s.app = &noise.DHKey{Private: raw, Public: key.PublicKey().Bytes()}
				return *s.app, nil
			}
		}
	}
	key, err := noise.DH25519.GenerateKeypair(s.options.Rand)
	if err != nil {
		return noise.DHKey{}, errs.E(errs.Internal, "there is no randomness: %w", err)
	}
	if m := s.options.Memory; m != nil {
		if err := m.Put(keptKey, key.Private); err != nil {
			return noise.DHKey{}, errs.E(errs.Internal, "the key for talking with the BitBox02 cannot be kept: %w", err)
		}
	}
	s.app = &key
	return key, nil
}

// shake opens the channel, and pairs where both sides do not know each other yet.
func (s *session) shake(ctx context.Context, ask bool) error {
	key, err := s.appKey()
	if err != nil {
		return err
	}
	state, err := noise.NewHandshakeState(noise.Config{
		CipherSuite: noise.NewCipherSuite(noise.DH25519, noise.CipherChaChaPoly, noise.HashSHA256),
		Pattern:     noise.HandshakeXX, Initiator: true, Prologue: []byte(hww.Pattern),
		StaticKeypair: key, Random: s.options.Rand,
	})
	if err != nil {
		return garbled(err)
	}
	if err := s.hello(ctx); err != nil {
		return err
	}
	first, _, _, err := state.WriteMessage([]byte{hww.Handshake}, nil)
	if err != nil {
		return garbled(err)
	}
	answer, err := s.step(ctx, first)
	if err != nil {
		return err
	}
	if _, _, _, err = state.ReadMessage(nil, answer); err != nil {
		return garbled(err)
	}
	last, send, get, err := state.WriteMessage([]byte{hww.Handshake}, nil)
	if err != nil {
		return garbled(err)
	}
	if answer, err = s.step(ctx, last); err != nil {
		return err
	}
	if len(answer) != 1 {
		return garbled(errs.E(errs.Invalid, "the end of the handshake: %x", clip(answer)))
	}
	wanted := answer[0] != 0
	if err := s.meet(ctx, state, wanted, ask); err != nil {
		return err
	}
	s.send, s.get, s.paired = send, get, true
	return nil
}

// hello begins a handshake. A device that was left in the middle of a dialogue takes the first
// one for a wrong step of that and ends it, so a second one is sent.
func (s *session) hello(ctx context.Context) error {
	var answer []byte
	for range 2 {
		var err error
		if answer, err = s.link.query(ctx, []byte{hww.Greet}); err != nil {
			return err
		}
		if len(answer) == 1 && answer[0] == hww.Success {
			return nil
		}
	}
	return garbled(errs.E(errs.Invalid, "greeting: %x", clip(answer)))
}

// step sends one message of the handshake.
func (s *session) step(ctx context.Context, message []byte) ([]byte, error) {
	answer, err := s.link.query(ctx, message)
	if err != nil {
		return nil, err
	}
	if len(answer) == 0 || answer[0] != hww.Success {
		return nil, garbled(errs.E(errs.Invalid, "handshake: %x", clip(answer)))
	}
	return answer[1:], nil
}

// meet lets the person compare the code where one side does not know the other.
func (s *session) meet(ctx context.Context, state *noise.HandshakeState, wanted, ask bool) error {
	device := keptDevice + hex.EncodeToString(state.PeerStatic())
	known := false
	if m := s.options.Memory; m != nil {
		_, known = m.Get(device)
	}
	if (known || s.metNow == device) && !wanted {
		return nil
	}
	if !ask {
		return errUnpaired
	}
	s.attest(ctx)
	s.options.Tell(signer.Notice{Kind: signer.NoticePairing, Code: hww.PairingCode(state.ChannelBinding())})
	answer, err := s.link.query(ctx, []byte{hww.Verify})
	if err != nil {
		return err
	}
	switch {
	case len(answer) == 1 && answer[0] == hww.Success:
	case len(answer) == 1 && answer[0] == hww.Refused:
		return signer.Declined("pairing")
	default:
		return garbled(errs.E(errs.Invalid, "pairing: %x", clip(answer)))
	}
	s.metNow = device
	if m := s.options.Memory; m != nil {
		if err := m.Put(device, []byte{1}); err != nil {
			s.info.Warnings = append(s.info.Warnings, "The pairing with this device could not be kept; it will be asked for again.")
		}
	}
	return nil
}
