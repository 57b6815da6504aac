package bitbox02_test

import (
	"context"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/signer"
	"specter/internal/signer/bitbox02"
	"specter/internal/signer/bitbox02/bitbox02test"
	"specter/internal/signer/bitbox02/hww"
	"specter/internal/signer/protolite"
	"specter/internal/signer/signertest"
)

// FuzzAnswers lets the device say anything at one place of a signing dialogue.
func FuzzAnswers(f *testing.F) {
	f.Add(uint8(3), []byte(protolite.Builder{}.Message(hww.RspSignNext, protolite.Builder{}.Uint(hww.NextType, 5).Uint(hww.NextIndex, 1<<31))))
	f.Add(uint8(5), []byte(protolite.Builder{}.Message(hww.RspBTC, protolite.Builder{}.Message(hww.BTCSignNext, nil))))
	f.Add(uint8(9), []byte(protolite.Builder{}.Message(hww.RspError, protolite.Builder{}.Uint(hww.ErrorCode, 104))))
	f.Add(uint8(11), []byte(protolite.Builder{}.Message(hww.RspSignNext, protolite.Builder{}.Uint(hww.NextType, 6).Message(hww.NextCommitment, protolite.Builder{}.Bytes(1, make([]byte, 33))))))
	f.Add(uint8(12), []byte(protolite.Builder{}.Message(hww.RspSignNext, protolite.Builder{}.Uint(hww.NextType, 2).Bool(hww.NextHasSignature, true).Bytes(hww.NextSignature, make([]byte, 64)))))
	master, err := btc.NewMaster(make([]byte, 32), false)
	if err != nil {
		f.Fatal(err)
	}
	account := btc.Path{btc.Hardened + 84, btc.Hardened + 1, btc.Hardened}
	k, err := master.Derive(account)
	if err != nil {
		f.Fatal(err)
	}
	w := parsed(f, "wpkh(["+btc.KeyOrigin{Fingerprint: master.Fingerprint(), Path: account}.String()+"]"+k.Public().String()+"/<0;1>/*)")
	p := spend(f, w, 2)
	f.Fuzz(func(t *testing.T, place uint8, answer []byte) {
		b := bitbox02test.New(signertest.Device{Master: master, Network: btc.Regtest})
		said := uint8(0)
		b.Garble = func(right []byte) []byte {
			if said++; said == place {
				return answer
			}
			return right
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		s, err := bitbox02.Driver{}.Open(ctx, plug(t, b).Host(), simPort, pairing(t))
		if err != nil {
			return
		}
		if _, err := s.Sign(ctx, w, signer.Registration{}, p); ctx.Err() != nil {
			t.Fatalf("it hangs: %v", err)
		}
	})
}
