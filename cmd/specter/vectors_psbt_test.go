package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"specter/internal/btc/psbt"
	"specter/internal/vectors"
)

// roundTrip compares a PSBT that is read and written with the text it came from.
func roundTrip(text string) error {
	return ask("psbt convert", fields{"psbt": text, "to": "base64"}).is(canonicalPSBT(text), "psbt")
}

// canonicalPSBT is a case's PSBT in base64: some come in hex.
func canonicalPSBT(text string) string {
	raw, err := psbt.Bytes(text)
	if err != nil {
		return text
	}
	return base64.StdEncoding.EncodeToString(raw)
}

type psbtCase struct {
	Kind, Role string
	Valid      *bool
	Signable   *bool
	PSBT       string
}

func checkPSBT(v psbtCase) error {
	a := ask("psbt inspect", fields{"psbt": v.PSBT})
	if v.Valid != nil && !*v.Valid {
		return errors.Join(a.refusedIf(true), ask("psbt convert", fields{"psbt": v.PSBT}).refusedIf(true))
	}
	if err := errors.Join(a.err(), roundTrip(v.PSBT)); err != nil {
		return err
	}
	if v.Signable != nil && !*v.Signable || v.Kind == "fails-signer" {
		s := ask("psbt sign", fields{"psbt": v.PSBT, "key": strings.Repeat("01", 32)})
		if s.code() == "" {
			return fmt.Errorf("was signed: %v", s.body)
		}
		s = ask("psbt sign", fields{"psbt": v.PSBT, "key": "L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1"})
		return errors.Join(s.is("mismatch", "error", "code"), s.is([]any{}, "signed"), s.is(canonicalPSBT(v.PSBT), "psbt"))
	}
	return nil
}

func TestVectorsPSBTParse(t *testing.T) {
	for _, file := range []string{"bip174_parse", "bip370_v2", "bip371_taproot", "bip373_musig2", "core_parse"} {
		eachCase(t, "psbt/"+file+".json", nil, checkPSBT)
	}
	eachCase(t, "psbt/bip375_silent_payments.json", notCounted, func(v psbtCase) error {
		a := ask("psbt inspect", fields{"psbt": v.PSBT})
		if err := a.refusedIf(!*v.Valid); err != nil || !*v.Valid {
			return err
		}
		return roundTrip(v.PSBT)
	})
	eachCase(t, "psbt/bip370_locktime.json", nil, func(v struct {
		PSBT     string
		Locktime uint32
		Error    bool
	}) error {
		a := ask("psbt inspect", fields{"psbt": v.PSBT})
		if v.Error {
			return a.refusedIf(true)
		}
		return errors.Join(a.err(), a.is(v.Locktime, "lock_time"), a.is(v.Locktime, "tx", "lock_time"))
	})
	eachCase(t, "base43/vectors.json", nil, func(v struct{ Hex, Base43 string }) error {
		if v.Hex == "" {
			return ask("qr decode", fields{"parts": []string{v.Base43}}).refusedIf(true)
		}
		a := ask("qr decode", fields{"parts": []string{v.Base43}})
		if a.text("format") == "base43" {
			return a.is(v.Hex, "data")
		}
		return a.err() // short ones are as well text: only what is recognised inside is taken for Base43
	})
}

var notCounted = map[string]string{
	"bip375-val-00": "its only input spends the bare script OP_2, which BIP352 does not count, so nothing can be paid silently from it; the case is about the script being no witness program",
}

// roleCase holds the fields of all role vectors.
type roleCase struct {
	psbtCase
	PSBTs       []string
	Combine     []string
	Finalize    string
	Extract     string
	Result      string
	Transaction string
	Privkeys    []string
	Keys        []struct{ WIF string }
	FeeRate     *int64 `json:"fee_rate_sat_vb_rounded"`
	Inputs      any
	Outputs     any
	Previous    []string                        `json:"previous_transactions"`
	PublicKeys  []struct{ PubKey, Path string } `json:"public_keys"`
	Sighash     string
}

func checkRole(v roleCase) error {
	want := canonicalPSBT(v.Result)
	switch v.Role + v.Kind {
	case "creator":
		return ask("psbt create", fields{"inputs": v.Inputs, "outputs": v.Outputs, "network": "regtest"}).is(want, "psbt")
	case "updater":
		return checkUpdate(v)
	case "signer":
		return checkSigner(v)
	case "combiner":
		list := append(v.PSBTs, v.Combine...)
		forward := ask("psbt combine", fields{"psbts": list})
		slices.Reverse(list)
		return errors.Join(forward.is(want, "psbt"), ask("psbt combine", fields{"psbts": list}).is(want, "psbt"))
	case "finalizer":
		a := ask("psbt finalize", fields{"psbt": v.PSBT + v.Finalize})
		return errors.Join(a.is(want, "psbt"), a.is(true, "complete"))
	case "extractor":
		a := ask("psbt finalize", fields{"psbt": v.PSBT + v.Extract, "extract": true})
		return errors.Join(a.err(), a.is(v.Transaction+v.Result, "tx_hex"), ask("tx inspect", fields{"tx": a.text("tx_hex")}).is(a.at("txid"), "txid"))
	case "fee":
		rate, _, _ := strings.Cut(ask("psbt inspect", fields{"psbt": v.PSBT}).text("fee_rate"), ".")
		return same("feerate", rate, fmt.Sprint(*v.FeeRate))
	}
	return checkPSBT(v.psbtCase)
}

// checkSigner signs with and without grinding: the vectors come from signers of both kinds.
func checkSigner(v roleCase) error {
	keys := v.Privkeys
	for _, k := range v.Keys {
		keys = append(keys, k.WIF)
	}
	want := canonicalPSBT(v.Result)
	f := func(noGrind bool) fields { return fields{"psbt": v.PSBT, "keys": keys, "no_grind": noGrind} }
	a, b := ask("psbt sign", f(false)), ask("psbt sign", f(true))
	if a.text("psbt") != want && b.text("psbt") != want {
		return fmt.Errorf("signed %v, want %s", a.body, want)
	}
	return nil
}

// checkUpdate sets a sighash, or is the updater of BIP174: input 0 pays to a legacy 2 of 2,
// whose transaction is given, input 1 to a nested one, whose coin is.
func checkUpdate(v roleCase) error {
	want := canonicalPSBT(v.Result)
	if v.Sighash != "" {
		a := ask("psbt update", fields{"psbt": v.PSBT, "sighash": v.Sighash})
		return errors.Join(a.err(), a.is(want, "psbt"))
	}
	key := func(i int) string {
		return "[d90c6a4f/" + strings.TrimPrefix(v.PublicKeys[i].Path, "m/") + "]" + v.PublicKeys[i].PubKey
	}
	in := ask("psbt inspect", fields{"psbt": v.PSBT})
	utxos := []any{}
	for _, raw := range v.Previous {
		tx := ask("tx inspect", fields{"tx": raw})
		switch tx.at("txid") {
		case in.at("inputs", 0, "txid"):
			utxos = append(utxos, raw)
		case in.at("inputs", 1, "txid"):
			vout := int(in.at("inputs", 1, "vout").(float64))
			utxos = append(utxos, fields{"txid": tx.at("txid"), "vout": vout, "amount_sat": tx.at("outputs", vout, "amount_sat"), "script_pubkey": tx.at("outputs", vout, "script_pubkey")})
		}
	}
	return ask("psbt update", fields{"psbt": v.PSBT, "utxos": utxos, "network": "regtest", "descriptors": []string{
		"sh(multi(2," + key(0) + "," + key(1) + "))", "sh(wsh(multi(2," + key(2) + "," + key(3) + ")))", "wpkh(" + key(4) + ")", "wpkh(" + key(5) + ")",
	}}).is(want, "psbt")
}

// unverified are PSBTs of bitcoinjs whose finalizer verifies nothing: their signatures are
// invalid, and no node would take what it makes of them. Ours (and Core's) refuses.
var unverified = map[string]string{
	"final-1":  "the key path signature of input 1 does not verify against the transaction",
	"finall-3": "the signature of the nested segwit input signs the legacy hash (BIP143 asks for another)",
}

func TestVectorsPSBTRoles(t *testing.T) {
	eachCase(t, "psbt/bip174_roles.json", nil, checkRole)
	eachCase(t, "psbt/core_roles.json", nil, checkRole)
	eachCase(t, "psbt/hwi.json", nil, checkRole)
	eachCase(t, "psbt/bitcoinjs.json", unverified, checkRole)
	vectors.Each(t, "psbt/caravan.json", nil, checkCaravan)
	vectors.Each(t, "psbt/specter_inspect.json", nil, checkSpecterInspect)
	eachCase(t, "core_tx/specter_decode.json", nil, func(v struct {
		Tx, Network         string
		Size, VSize, Weight int
	}) error {
		a := ask("tx inspect", fields{"tx": v.Tx, "network": v.Network})
		return errors.Join(a.err(), a.is(v.Size, "size"), a.is(v.VSize, "vsize"), a.is(v.Weight, "weight"))
	})
}

func checkCaravan(c vectors.Case) error {
	var v struct {
		PSBT, Network, Mnemonic string
		Paths                   []string
		PublicKeys              []string `json:"public_keys"`
		Signatures              []string
		Unsigned                string `json:"unsigned_tx_hex"`
	}
	c.Decode(&v)
	a := ask("psbt inspect", fields{"psbt": v.PSBT, "network": v.Network})
	if err := errors.Join(a.err(), roundTrip(v.PSBT)); err != nil || v.Mnemonic == "" {
		return err
	}
	tx := ask("tx inspect", fields{"tx": v.Unsigned})
	err := tx.is(a.at("txid"), "txid")
	for _, f := range []fields{{"paths": v.Paths}, {}} { // at the paths, and by what the PSBT tells
		f["psbt"], f["mnemonic"], f["no_grind"] = v.PSBT, v.Mnemonic, true
		s := ask("psbt sign", f)
		p, perr := psbt.Decode(s.text("psbt"))
		if perr != nil {
			return fmt.Errorf("%v: %w", s.body, perr)
		}
		for i, want := range v.Signatures {
			got := ""
			for _, sig := range p.Inputs[i].PartialSigs {
				if fmt.Sprintf("%x", sig.PubKey) == v.PublicKeys[i] {
					got = fmt.Sprintf("%x", sig.Signature)
				}
			}
			err = errors.Join(err, same("signature", got, want), s.is(v.PublicKeys[i], "signed", i, "pubkey"))
		}
	}
	return err
}

func checkSpecterInspect(c vectors.Case) error {
	type derivation struct {
		PubKey      string
		Fingerprint string `json:"master_fingerprint"`
		Path        string
	}
	type side struct {
		Mine, Change bool
		IsMine       bool         `json:"is_mine"`
		Internal     string       `json:"taproot_internal_key"`
		Derivations  []derivation `json:"taproot_bip32_derivs"`
	}
	var v struct {
		Network, Descriptor, PSBT string
		Expect                    struct{ Inputs, Outputs []side }
	}
	c.Decode(&v)
	a := ask("psbt inspect", fields{"psbt": v.PSBT, "descriptor": v.Descriptor, "network": v.Network})
	err := a.err()
	for name, list := range map[string][]side{"inputs": v.Expect.Inputs, "outputs": v.Expect.Outputs} {
		for i, s := range list {
			err = errors.Join(err, a.is(s.IsMine, name, i, "is_mine"), ifGiven(a, notEmpty(s.Internal), name, i, "taproot_internal_key"))
			if name == "outputs" {
				err = errors.Join(err, a.is(s.Change, name, i, "change"))
			}
			for k, d := range s.Derivations {
				err = errors.Join(err, a.is(d.PubKey, name, i, "keys", k, "pubkey"), a.is(d.Path, name, i, "keys", k, "origin", "path"), a.is(d.Fingerprint, name, i, "keys", k, "origin", "fingerprint"))
			}
		}
	}
	return err
}
