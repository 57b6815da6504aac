package web_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
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
		body = strings.Replace(body, ")", ","+secondKey()+"/<0;1>/*)", 1)
	}
	data, err := interop.WriteWallet(interop.Wallet{Name: rec.Name, Descriptor: body}, format, ref.Network)
	if err != nil {
		return wallet.File{}, errs.E(errs.Invalid, "%w", err)
	}
	return wallet.File{Name: rec.Alias + "-" + format, Type: "text/plain; charset=utf-8", Data: data}, nil
}

// draftPSBT is an unsigned payment of n coins of a 2-of-3, as wallets make them: with previous
// transactions, scripts, derivations and xpubs.
func draftPSBT(n int) []byte {
	script := append([]byte{0, 32}, make([]byte, 32)...)
	tx := wire.NewMsgTx(2)
	var coins []*wire.MsgTx
	for i := range n {
		prev := wire.NewMsgTx(2)
		prev.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&chainhash.Hash{byte(i), byte(i >> 8), 1}, 0), nil, nil))
		prev.AddTxOut(wire.NewTxOut(50_000_000, script))
		prev.AddTxOut(wire.NewTxOut(40_000_000, script))
		hash := prev.TxHash()
		tx.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&hash, 0), nil, nil))
		coins = append(coins, prev)
	}
	tx.AddTxOut(wire.NewTxOut(40_000_000, script))
	tx.AddTxOut(wire.NewTxOut(9_999_000, script))
	p, err := psbt.New(tx)
	if err != nil {
		panic(err)
	}
	path, _ := btc.ParsePath("48h/1h/0h/2h/0/5")
	var keys []psbt.Derivation
	for k, fp := range []btc.Fingerprint{{0x11, 1, 1, 1}, {0x73, 0xc5, 0xda, 0x0a}, {0x22, 2, 2, 2}} {
		pub := append([]byte{2}, make([]byte, 32)...)
		pub[32] = byte(k + 1)
		keys = append(keys, psbt.Derivation{PubKey: pub, Origin: btc.KeyOrigin{Fingerprint: fp, Path: path}})
	}
	for i := range p.Inputs {
		p.Inputs[i].NonWitnessUTXO, p.Inputs[i].WitnessUTXO = coins[i], coins[i].TxOut[0]
		p.Inputs[i].WitnessScript, p.Inputs[i].Derivations = make([]byte, 105), keys
	}
	p.Outputs[1].WitnessScript, p.Outputs[1].Derivations = make([]byte, 105), keys
	x, _, err := btc.ParseXKey(testXPub)
	if err == nil {
		err = p.AddXPub(x, btc.KeyOrigin{Fingerprint: btc.Fingerprint{0x73, 0xc5, 0xda, 0x0a}, Path: path[:4]})
	}
	raw, e := p.Serialize()
	if err != nil || e != nil {
		panic(fmt.Sprint(err, e))
	}
	return raw
}

// airgapPages are the pages of camera and files.
func airgapPages() map[string]int {
	const draft = "/wallets/family_vault/drafts/7/qr"
	return map[string]int{
		draft: 200, draft + "?device=1": 200, draft + "?type=jade&list=0": 200, draft + "?device=77": 404,
		"/wallets/family_vault/register": 200, "/wallets/family_vault/register?type=jade": 200, "/wallets/family_vault/register?type=trezor": 200, "/wallets/savings/register?type=keystone": 200,
		"/wallets/family_vault/codes": 200, "/wallets/family_vault/codes?as=output": 200, "/wallets/savings/codes?as=bsms": 200, "/wallets/family_vault/files/abacus": 422,
		"/wallets/family_vault/addresses/" + testAddress + "/check": 200, "/devices/cold_a/message": 200, "/verify-message": 200,
		"/guides": 200, "/guides/coldcard": 200, "/guides/seedsigner": 200, "/guides/trezor": 200, "/guides/abacus": 404, "/help/camera": 200,
	}
}

// secondKey is a cosigner besides testXPub.
func secondKey() string {
	master, err := btc.NewMaster(make([]byte, 32), false)
	if err != nil {
		panic(err)
	}
	path, _ := btc.ParsePath("48h/1h/0h/2h")
	k, err := master.Derive(path)
	if err != nil {
		panic(err)
	}
	return "[" + btc.KeyOrigin{Fingerprint: master.Fingerprint(), Path: path}.String() + "]" + k.Public().String()
}
