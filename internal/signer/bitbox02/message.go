package bitbox02

import (
	"context"
	"io"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/bitbox02/hww"
	"specter/internal/signer/protolite"
)

// hostNonce draws our share of a signature's randomness.
func (s *session) hostNonce() ([32]byte, error) {
	var n [32]byte
	if _, err := io.ReadFull(s.options.Rand, n[:]); err != nil {
		return n, errs.E(errs.Internal, "there is no randomness: %w", err)
	}
	return n, nil
}

func commitment(nonce [32]byte) protolite.Builder {
	c := hww.HostCommitment(nonce)
	return protolite.Builder{}.Bytes(1, c[:])
}

// SignMessage signs a message with the key of an address of one of the single-key accounts. The
// header byte is 31 to 34 (a compressed key), as HWI and Electrum have it for segwit too.
func (s *session) SignMessage(ctx context.Context, p btc.Path, message []byte) ([]byte, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	request, err := s.messageRequest(p, message)
	if err != nil {
		return nil, err
	}
	s.options.Tell(signer.Notice{Kind: signer.NoticeConfirm})
	signature, err := s.messageSignature(ctx, request)
	if numberOf(err) == hww.ErrUserAbort {
		return nil, signer.Declined("signing the message")
	}
	if err != nil {
		return nil, err
	}
	return append([]byte{31 + signature[64]}, signature[:64]...), nil
}

func (s *session) messageRequest(p btc.Path, message []byte) (protolite.Builder, error) {
	if err := s.need(sinceMessages, "signing messages"); err != nil {
		return nil, err
	}
	if !s.options.Network.IsMain() {
		if err := s.need(sinceTestMessages, "signing messages on a test network"); err != nil {
			return nil, err
		}
	}
	var simple hww.Simple
	switch {
	case len(p) == 5 && s.isSimplePath(hww.WPKH, p[:3]):
		simple = hww.WPKH
	case len(p) == 5 && s.isSimplePath(hww.WrappedWPKH, p[:3]):
		simple = hww.WrappedWPKH
	default:
		return nil, signer.E(signer.CodeUnavailable, "the BitBox02 signs messages only with keys of native and nested segwit addresses: m/84h or m/49h, coin %dh, account, 0 or 1, index; not with %s", s.options.Network.CoinType(), p.Full())
	}
	switch n := len(message); {
	case n == 0:
		return nil, signer.E(signer.CodeBadArgument, "there is no message to sign")
	case n > hww.MaxText:
		return nil, signer.E(signer.CodeUnavailable, "the message has %d bytes; the BitBox02 signs up to %d", n, hww.MaxText)
	}
	config := protolite.Builder{}.Message(hww.WithPathConfig, protolite.Builder{}.Uint(hww.ConfigSimple, uint64(simple))).Uint32s(hww.WithPathPath, p)
	return protolite.Builder{}.Uint(hww.MsgCoin, uint64(s.coinFor(hww.ConfigSimple))).Message(hww.MsgConfig, config).Bytes(hww.MsgText, message), nil
}

// messageSignature gives r, s and the number that tells the key.
func (s *session) messageSignature(ctx context.Context, request protolite.Builder) ([]byte, error) {
	if !s.version.atLeast(sinceMessageKlepto) {
		r, err := s.callBTC(ctx, hww.BTCSignMessage, request, hww.BTCSignMessageRsp)
		if err != nil {
			return nil, err
		}
		return wholeMessageSignature(r.Bytes(1))
	}
	nonce, err := s.hostNonce()
	if err != nil {
		return nil, err
	}
	r, err := s.callBTC(ctx, hww.BTCSignMessage, request.Message(hww.MsgCommitment, commitment(nonce)), hww.BTCSignerCommitment)
	if err != nil {
		return nil, err
	}
	point := r.Bytes(1)
	if r, err = s.callBTC(ctx, hww.BTCHostNonce, protolite.Builder{}.Bytes(1, nonce[:]), hww.BTCSignMessageRsp); err != nil {
		return nil, err
	}
	signature, err := wholeMessageSignature(r.Bytes(1))
	if err != nil {
		return nil, err
	}
	return signature, s.contributed(point, signature[:64], nonce)
}

func wholeMessageSignature(b []byte) ([]byte, error) {
	if len(b) != 65 || b[64] > 3 {
		return nil, garbled(errs.E(errs.Invalid, "a message's signature of %d bytes", len(b)))
	}
	return b, nil
}

// contributed refuses a signature that our randomness is not in.
func (s *session) contributed(point, signature []byte, nonce [32]byte) error {
	if err := hww.CheckContribution(point, signature, nonce); err != nil {
		return &signer.Fault{Code: signer.CodeUnknown, Cause: err}
	}
	return nil
}
