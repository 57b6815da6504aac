package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"specter/internal/vectors"
)

// The vector tests ask the commands as --jsonl does: one JSON request, one JSON answer. They
// prove the commands and their field names; the rooms have vector tests of their own.

// verbs are the offline commands by their words.
var verbs = map[string]func(request) (any, error){
	"address inspect": inspectAddress, "bbqr join": joinBBQr, "bbqr split": splitFile,
	"descriptor inspect": inspectDescriptor, "descriptor checksum": checksumDescriptor, "descriptor derive": deriveDescriptor,
	"descriptor expand": expandDescriptor, "descriptor normalize": normalizeDescriptor,
	"device parse": parseDevice, "key inspect": inspectKey, "key derive": deriveKey, "key convert": convertKey,
	"labels convert": convertLabels, "message verify": verifyMessage, "message sign": signMessage, "message parse": parseMessageRequest,
	"miniscript inspect": inspectMiniscript, "miniscript satisfy": satisfyMiniscript,
	"policy expand": expandPolicy, "policy from-descriptor": policyOfDescriptor,
	"psbt inspect": inspectPSBT, "psbt convert": convertPSBT, "psbt combine": combinePSBTs, "psbt join": joinPSBTs,
	"psbt update": updatePSBT, "psbt sign": signPSBT, "psbt finalize": finalizePSBT, "psbt create": createPSBT,
	"qr decode": decodeQR, "script infer": inferScript, "seed inspect": inspectSeed, "seed derive": deriveSeed,
	"seed from-qr": seedFromQR, "seed to-qr": seedToQR, "tx inspect": inspectTx, "ur decode": decodeUR, "ur encode": encodeUR,
	"uri parse": parseURI, "uri build": buildURI, "wallet parse": parseWallet, "wallet export": exportWallet,
}

// fields is a request without its id.
type fields map[string]any

// answer is what a command answered.
type answer struct{ body any }

// ask sends a request through the path of --jsonl.
func ask(verb string, f fields) answer {
	f["id"] = "q"
	line, err := json.Marshal(f)
	if err != nil {
		return answer{map[string]any{"error": map[string]any{"code": "test", "message": err.Error()}}}
	}
	raw, err := marshal(answerLine(line, []byte("{}"), verbs[verb]))
	var body any
	if err := errors.Join(err, json.Unmarshal(raw, &body)); err != nil {
		return answer{map[string]any{"error": map[string]any{"code": "test", "message": err.Error()}}}
	}
	return answer{body}
}

// at follows member names and indexes; nil where there is nothing.
func (a answer) at(path ...any) any {
	v := a.body
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			list, _ := v.([]any)
			if p >= len(list) {
				return nil
			}
			v = list[p]
		}
	}
	return v
}

func (a answer) text(path ...any) string {
	s, _ := a.at(path...).(string)
	return s
}

func (a answer) list(path ...any) []any {
	l, _ := a.at(path...).([]any)
	return l
}

// code is that of the error, "" where there is none.
func (a answer) code() string { return a.text("error", "code") }

// err is the answer's error.
func (a answer) err() error {
	if c := a.code(); c != "" {
		return fmt.Errorf("%s: %s", c, a.text("error", "message"))
	}
	return nil
}

// refusedIf wants an error exactly where the case is not valid. A fault of ours is never right.
func (a answer) refusedIf(bad bool) error {
	if c := a.code(); c == "internal" || c == "test" || a.text("id") != "q" {
		return fmt.Errorf("answered %v", a.body)
	}
	if err := a.err(); bad != (err != nil) {
		return fmt.Errorf("refused: %v (%v), want %v", err != nil, err, bad)
	}
	return nil
}

// is compares one member; numbers compare by value.
func (a answer) is(want any, path ...any) error {
	raw, _ := json.Marshal(want)
	var w any
	_ = json.Unmarshal(raw, &w)
	if got := a.at(path...); !reflect.DeepEqual(got, w) {
		return fmt.Errorf("%v: got %v, want %v", path, got, w)
	}
	return nil
}

// ifGiven compares only where the case asserts the field.
func ifGiven[T any](a answer, want *T, path ...any) error {
	if want == nil {
		return nil
	}
	return a.is(*want, path...)
}

// notEmpty is a pointer to a text, nil for none.
func notEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// bare drops a checksum, withH writes hardened steps as descriptors here are printed.
func bare(desc string) string {
	body, _, _ := strings.Cut(desc, "#")
	return body
}

var apostrophe = regexp.MustCompile(`([0-9*>])'`)

func withH(s string) string { return apostrophe.ReplaceAllString(s, "${1}h") }

// eachCase runs a vector file with cases decoded into T.
func eachCase[T any](t *testing.T, file string, exceptions map[string]string, check func(v T) error) {
	t.Helper()
	vectors.Each(t, file, exceptions, func(c vectors.Case) error {
		var v T
		c.Decode(&v)
		return check(v)
	})
}

func TestVectorsAddress(t *testing.T) {
	type c struct {
		Input, Address, Network, Kind string
		Script                        string `json:"script_pubkey"`
		Private                       string `json:"privkey_hex"`
		Compressed                    *bool
		AnyCase                       bool `json:"case_insensitive"`
		Valid                         bool
		Locations                     []int `json:"error_locations"`
	}
	eachCase(t, "address/core_key_io_valid.json", nil, func(v c) error {
		if v.Kind != "address" {
			a := ask("key inspect", fields{"key": v.Input, "network": v.Network, "show_private": true})
			return errors.Join(a.err(), ifGiven(a, v.Compressed, "compressed"), a.is(v.Input, "private"))
		}
		a := ask("address inspect", fields{"address": v.Input, "network": v.Network})
		err := errors.Join(a.err(), a.is(true, "valid"), a.is(v.Script, "script_pubkey"), a.is(v.Network, "network"))
		if v.AnyCase {
			upper := ask("address inspect", fields{"address": strings.ToUpper(v.Input), "network": v.Network})
			err = errors.Join(err, upper.is(v.Script, "script_pubkey"))
		}
		return err
	})
	eachCase(t, "address/core_key_io_invalid.json", nil, func(v c) error {
		for _, n := range []string{"main", "test", "signet", "regtest"} {
			a := ask("address inspect", fields{"address": v.Input, "network": n})
			if err := errors.Join(a.refusedIf(true), ask("key inspect", fields{"key": v.Input, "network": n}).refusedIf(true)); err != nil {
				return err
			}
		}
		return nil
	})
	eachCase(t, "address/core_validate.json", nil, func(v c) error {
		a := ask("address inspect", fields{"address": v.Address, "network": v.Network})
		if err := errors.Join(a.refusedIf(!v.Valid), a.is(v.Valid, "valid")); err != nil {
			return err
		}
		if v.Valid {
			return ifGiven(a, notEmpty(v.Script), "script_pubkey")
		}
		if len(v.Locations) > 0 {
			return a.is(v.Locations, "error_positions")
		}
		return nil
	})
	eachCase(t, "address/segwit_bip350.json", nil, func(v c) error {
		a := ask("address inspect", fields{"address": v.Address, "network": v.Network})
		return errors.Join(a.refusedIf(!v.Valid), ifGiven(a, notEmpty(v.Script), "script_pubkey"))
	})
}
