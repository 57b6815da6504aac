package codec1_test

import (
	"context"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/signer"
	"specter/internal/signer/codec1"
	"specter/internal/signer/protolite"
	"specter/internal/signer/signertest"
)

// scripted answers every message with the next of a list, then hangs up.
type scripted struct {
	pipe
	answers []codec1.Frame
}

func (s *scripted) Write(_ context.Context, b []byte) (int, error) {
	if len(b) > 3 && b[1] == '#' && b[2] == '#' && len(s.answers) > 0 {
		_ = codec1.Write(context.Background(), &s.pipe, s.answers[0].Kind, s.answers[0].Body)
		s.answers = s.answers[1:]
	}
	return len(b), nil
}

// FuzzHostileDevice lets a device answer anything after it was found: the driver ends with a
// result or an error, never in a panic or without end.
func FuzzHostileDevice(f *testing.F) {
	features := protolite.Builder{}.Text(1, "fuzz").Uint(2, 9).Bool(12, true).Bool(16, true).Text(21, "F")
	key := []byte("\x00\x0c\x00")
	f.Add(key)
	f.Add(append([]byte("\x00\x15\x0b"), protolite.Builder{}.Uint(1, 0).Message(2, protolite.Builder{}.Uint(1, 0))...))
	f.Add(append([]byte("\x00\x15\x08"), protolite.Builder{}.Uint(1, 3).Message(3, protolite.Builder{}.Uint(1, 9).Bytes(2, []byte("x")))...))
	wallet := signertest.Wallet(f, "wpkh", signertest.Master(f, signertest.Alcohol, ""))
	tx := signertest.Payment{Coins: []signertest.Coin{{Wallet: wallet, Sat: 9000}}, Pay: 8000}.Packet(f, btc.Regtest)
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &scripted{answers: []codec1.Frame{{Kind: codec1.MsgFeatures, Body: features}, {Kind: codec1.MsgFeatures, Body: features}}}
		for len(data) >= 3 {
			kind, n := uint16(data[0])<<8|uint16(data[1]), min(int(data[2]), len(data)-3)
			c.answers, data = append(c.answers, codec1.Frame{Kind: kind, Body: data[3 : 3+n]}), data[3+n:]
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		d, err := codec1.Open(ctx, c, signer.Port{}, signertest.Options(t), anyDialect)
		if err != nil {
			return
		}
		_, _ = d.XPub(ctx, btc.Path{1})
		_, _ = d.ShowAddress(ctx, wallet, signer.Registration{}, 0, 0)
		_, _ = d.Sign(ctx, wallet, signer.Registration{}, tx)
		_, _ = d.SignMessage(ctx, btc.Path{1}, nil)
		if ctx.Err() != nil {
			t.Fatal("the driver waits for a device that is gone")
		}
	})
}

var anyDialect = codec1.Dialect{
	Kind: "fuzz", Name: "Fuzz", Vendors: []string{"fuzz"},
	Model:   func(codec1.Features) string { return "fuzz" },
	Matrix:  func(codec1.Features) bool { return true },
	Stuck:   func(signer.Port) bool { return false },
	Oldest:  func(codec1.Features) codec1.Version { return codec1.Version{} },
	Taproot: func(codec1.Features) (codec1.Version, bool) { return codec1.Version{}, true },
	Sorts:   func(codec1.Features) bool { return true },
	Foreign: func(codec1.Features) codec1.Foreign { return codec1.ForeignSigned },
}
