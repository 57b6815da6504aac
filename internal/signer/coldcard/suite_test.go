package coldcard_test

import (
	"context"
	"testing"

	"specter/internal/signer"
	"specter/internal/signer/coldcard"
	"specter/internal/signer/coldcard/coldcardtest"
	"specter/internal/signer/signertest"
)

const noCancel = "the protocol has no command that takes a question back; the next one replaces it"

func TestFamily(t *testing.T) {
	for name, f := range map[string]signertest.Family{
		"Mk4":  {Scripts: []string{"wpkh", "pkh", "sh-wpkh", "wsh", "sh", "sh-wsh"}, Serve: coldcardtest.Serve},
		"Edge": {Scripts: []string{"wpkh", "tr", "wsh", "miniscript", "tr-tree"}, Serve: coldcardtest.ServeEdge},
		"Mk3": {Scripts: []string{"wpkh", "wsh"}, Serve: func(ctx context.Context, c signer.Conn, d signertest.Device) error {
			return coldcardtest.New(d, coldcardtest.Model{Version: "4.2.0", Hardware: "mk3"}).Serve(ctx, c)
		}},
	} {
		f.Driver, f.Port, f.Packet = coldcard.Driver{}, port, 64
		f.Registers, f.Messages, f.Looks, f.Polls, f.NoCancel = true, true, true, true, noCancel
		t.Run(name, func(t *testing.T) { signertest.Run(t, f) })
	}
}
