package web_test

import (
	"context"
	"strings"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/interop"
	"specter/internal/wallet"
)

// The files of others are read and written by the code that does it in earnest: nothing of it
// needs a database.

func (h wallets) ReadFile(data []byte, n btc.Network) (wallet.Foreign, error) {
	return wallet.New(wallet.Config{}).ReadFile(data, n)
}

func (h wallets) ExportFile(_ context.Context, ref wallet.Ref, format string) (wallet.File, error) {
	rec, err := h.find(ref)
	if err != nil {
		return wallet.File{}, err
	}
	body, _, _ := strings.Cut(rec.Descriptor, "#")
	if rec.Multisig() { // the house's cosigners share one key; a real wallet's do not
		body = strings.Replace(body, testXPub, "[73c5da0a/48h/1h/0h/2h]"+testXPub, 1)
		body = strings.Replace(body, ")", ",[3f635a63/48h/1h/0h/2h]tpubDFPtPArj4GzBENB76MRALjXyucjovnDRXVWeDUDCw1HAjtNuLUoQbHixUnmBZYvwb3t9HKoF1jaKnjt8AWjEVbyz6f6jwqkr5VpHJ6jFmWa/<0;1>/*)", 1)
	}
	data, err := interop.WriteWallet(interop.Wallet{Name: rec.Name, Descriptor: body}, format, ref.Network)
	if err != nil {
		return wallet.File{}, errs.E(errs.Invalid, "%w", err)
	}
	return wallet.File{Name: rec.Alias + "-" + format, Type: "text/plain; charset=utf-8", Data: data}, nil
}
