package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"specter/internal/vectors"
)

type urCase struct {
	UR, Type, Error, PSBT string
	Parts                 []string
	Complete              *bool
	CBOR                  string `json:"cbor_hex"`
	Payload               string `json:"payload_hex"`
	Text                  string `json:"payload_text"`
	Decoded               map[string]json.RawMessage
}

// checkUR decodes a resource and, where it is one part, encodes it again.
func checkUR(v urCase) error {
	parts := v.Parts
	if v.UR != "" {
		parts = []string{v.UR}
	}
	if parts == nil { // CBOR alone: its resource is made first
		parts = []string{ask("ur encode", fields{"type": v.Type, "cbor": v.CBOR, "max_fragment": 4096}).text("parts", 0)}
	}
	a := ask("ur decode", fields{"parts": parts, "show_private": true})
	if v.Error != "" {
		return a.refusedIf(true)
	}
	if v.Complete != nil && !*v.Complete {
		return errors.Join(a.is("incomplete", "error", "code"), a.is(false, "complete"), a.is(v.Type, "type"))
	}
	if err := a.err(); err != nil {
		return err
	}
	upper := ask("ur decode", fields{"parts": strings.Split(strings.ToUpper(strings.Join(parts, " ")), " "), "show_private": true})
	err := errors.Join(a.is(v.Type, "type"), a.is(true, "complete"), a.is(1, "progress"), ifGiven(a, notEmpty(v.CBOR), "cbor"), ifGiven(upper, notEmpty(v.CBOR), "cbor"),
		ifGiven(a, notEmpty(v.Payload), "bytes"), ifGiven(a, notEmpty(v.Text), "text"), ifGiven(a, notEmpty(v.PSBT), "psbt"), checkDecoded(a, v.Decoded))
	if v.UR != "" {
		again := ask("ur encode", fields{"type": v.Type, "cbor": a.text("cbor"), "max_fragment": 4096})
		err = errors.Join(err, again.is(strings.ToLower(v.UR), "parts", 0))
	}
	return err
}

// checkDecoded compares what the cases say of a resource's content.
func checkDecoded(a answer, want map[string]json.RawMessage) error {
	var err error
	for name, raw := range want {
		var v any
		err = errors.Join(err, json.Unmarshal(raw, &v))
		switch name {
		case "psbt_hex":
			psbt, _ := base64.StdEncoding.DecodeString(a.text("psbt"))
			err = errors.Join(err, same(name, hex.EncodeToString(psbt), v.(string)))
		case "master_fingerprint":
			err = errors.Join(err, a.is(v, name))
		case "descriptor":
			if v != nil {
				err = errors.Join(err, a.is(v, "descriptors", 0))
			}
		case "descriptors":
			for i, d := range v.([]any) {
				if long, ok := d.(map[string]any); ok {
					d = long["descriptor"]
				}
				err = errors.Join(err, a.is(d, "descriptors", i))
			}
		case "keys":
			for i, k := range v.([]any) {
				err = errors.Join(err, sameURKey(a, i, k))
			}
		case "hdkey", "eckey":
			err = errors.Join(err, sameURKey(a, 0, v))
		case "mnemonic":
			err = errors.Join(err, a.is(v, "mnemonic"))
		}
	}
	return err
}

func sameURKey(a answer, i int, want any) error {
	if text, ok := want.(string); ok {
		return a.is(text, "keys", i, "expression")
	}
	k, _ := want.(map[string]any)
	var err error
	for _, name := range []string{"key", "private", "xkey", "chain_code", "parent_fingerprint", "expression"} {
		if v, has := k[name]; has {
			err = errors.Join(err, a.is(v, "keys", i, name))
		}
	}
	return err
}

func TestVectorsUR(t *testing.T) {
	eachCase(t, "ur/single.json", nil, checkUR)
	eachCase(t, "ur/multipart.json", nil, checkUR)
	eachCase(t, "ur/legacy_v1.json", nil, checkUR)
	eachCase(t, "ur/registry.json", nil, checkUR)
	eachCase(t, "ur/wallet_samples.json", nil, checkUR)
}

func TestVectorsBBQr(t *testing.T) {
	eachCase(t, "bbqr/join.json", nil, func(v struct {
		Parts    []string
		Complete *bool
		FileType string `json:"file_type"`
		Payload  string `json:"payload_hex"`
		Text     string `json:"payload_text"`
		PSBT     string
		Error    bool
	}) error {
		a, q := ask("bbqr join", fields{"parts": v.Parts}), ask("qr decode", fields{"parts": v.Parts})
		if v.Error {
			return a.refusedIf(true) // to qr decode, the shortest is a text that happens to begin with B$
		}
		if v.Complete != nil && !*v.Complete {
			return errors.Join(a.is("incomplete", "error", "code"), q.is("incomplete", "error", "code"))
		}
		return errors.Join(a.err(), a.is(v.FileType, "type"), ifGiven(a, notEmpty(v.Payload), "data"), ifGiven(a, notEmpty(v.Text), "text"),
			ifGiven(a, notEmpty(v.PSBT), "psbt"), q.is(a.at("type"), "type"), q.is(a.at("data"), "data"))
	})
	eachCase(t, "bbqr/files.json", nil, func(v struct {
		ID     string
		Size   int
		Base64 string
	}) error {
		data, err := base64.StdEncoding.DecodeString(v.Base64)
		if err != nil || len(data) != v.Size {
			return fmt.Errorf("%d bytes: %w", len(data), err)
		}
		for _, encoding := range []string{"H", "2", "Z"} {
			for _, size := range []int{24 + len(data)/600, 300, 4296} {
				s := ask("bbqr split", fields{"type": "B", "encoding": encoding, "data": hex.EncodeToString(data), "max_fragment": size})
				if err := s.err(); err != nil {
					return err
				}
				j := ask("bbqr join", fields{"parts": s.at("parts")})
				if err := errors.Join(j.is(hex.EncodeToString(data), "data"), j.is("B", "type")); err != nil {
					return fmt.Errorf("%s in %d: %w", encoding, size, err)
				}
			}
		}
		return nil
	})
}

func TestVectorsMessages(t *testing.T) {
	eachCase(t, "message/legacy.json", nil, func(v struct {
		Network, Address, Message, Signature string
		Valid                                bool
		WIF, Mnemonic, Path                  string
		Hex                                  string `json:"private_key_hex"`
		ScriptType                           string `json:"script_type"`
		NoScriptType                         bool   `json:"no_script_type_in_header"`
		Source                               string
		SignResult                           string `json:"sign_result"`
	}) error {
		a := ask("message verify", fields{"address": v.Address, "network": v.Network, "message": v.Message, "signature": v.Signature})
		if err := errors.Join(a.refusedIf(!v.Valid), a.is(v.Valid, "valid")); err != nil || v.SignResult != "same" {
			return err
		}
		format := "legacy"
		if !v.NoScriptType && (v.ScriptType == "sh-wpkh" || v.ScriptType == "wpkh") {
			format = "bip137"
		}
		if v.Source == "electrum" {
			format = "legacy-low-r"
		}
		s := ask("message sign", fields{"address": v.Address, "network": v.Network, "message": v.Message, "format": format, "key": v.WIF + v.Hex, "mnemonic": v.Mnemonic, "path": v.Path})
		return s.is(v.Signature, "signature")
	})
	var doc struct {
		Simple []struct {
			Message, Address string
			Keys             []string `json:"private_keys"`
			WitnessScript    string   `json:"witness_script"`
			Signatures       []string `json:"bip322_signatures"`
		}
		Error []struct{ Description, Message, Address, Signature string }
	}
	if err := json.Unmarshal(vectors.Read(t, "message/bip322/basic-test-vectors.json"), &doc); err != nil {
		t.Fatal(err)
	}
	for _, v := range doc.Simple {
		for _, s := range v.Signatures {
			a := ask("message verify", fields{"address": v.Address, "message": v.Message, "signature": s})
			if err := errors.Join(a.is(true, "valid"), a.is("bip322-simple", "format")); err != nil {
				t.Errorf("%s: %v", v.Address, err)
			}
		}
		if v.WitnessScript != "" {
			continue // of several keys: package message signs those
		}
		signed := ask("message sign", fields{"address": v.Address, "message": v.Message, "format": "bip322-simple", "key": v.Keys[0]})
		a := ask("message verify", fields{"address": v.Address, "message": v.Message, "signature": signed.at("signature")})
		if err := errors.Join(signed.err(), a.is(true, "valid")); err != nil {
			t.Errorf("%s: %v", v.Address, err)
		}
	}
	for _, v := range doc.Error {
		a := ask("message verify", fields{"address": v.Address, "message": v.Message, "signature": v.Signature})
		if err := errors.Join(a.refusedIf(true), a.is(false, "valid")); err != nil {
			t.Errorf("%s: %v", v.Description, err)
		}
	}
}

func TestVectorsURI(t *testing.T) {
	eachCase(t, "bip21/vectors.json", nil, func(v struct {
		URI, Network string
		Amount       *string
		Valid        bool
		Sat          int64 `json:"amount_sat"`
		Expect       map[string]any
	}) error {
		if v.Amount != nil {
			v.URI = "bitcoin:175tWpb8K1S7NmH4Zx6rewF9WQrcZv245W?amount=" + *v.Amount
			v.Expect = map[string]any{"amount_sat": float64(v.Sat)}
		}
		a := ask("uri parse", fields{"uri": v.URI, "network": v.Network})
		if err := a.refusedIf(!v.Valid); err != nil || !v.Valid {
			return err
		}
		for name, want := range v.Expect {
			got := a.at(name)
			switch name {
			case "amount_btc": // the same as amount_sat
				continue
			case "memo":
				got = a.at("message")
			}
			if p := a.at("params", name); p != nil {
				got = p
			}
			if !reflect.DeepEqual(got, want) {
				return fmt.Errorf("%s is %v, want %v", name, got, want)
			}
		}
		return nil
	})
}
