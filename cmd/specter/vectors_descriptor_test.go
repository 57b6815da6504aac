package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// scriptsAt lists the scripts of an answer at an index, over all its branches in order.
func (a answer) scriptsAt(index int) []string {
	var out []string
	for b := range a.list("branches") {
		for i := range a.list("branches", b, "items") {
			if a.at("branches", b, "items", i, "index") == float64(index) {
				out = append(out, a.text("branches", b, "items", i, "script_pubkey"))
			}
		}
	}
	return out
}

// checkScripts derives a descriptor and compares the scripts at each index from 0.
func checkScripts(f fields, ranged bool, want [][]string) error {
	if ranged {
		f["range"] = fmt.Sprintf("0-%d", len(want)-1)
	}
	a := ask("descriptor derive", f)
	if err := a.err(); err != nil {
		return err
	}
	for i, scripts := range want {
		if got := a.scriptsAt(i); !reflect.DeepEqual(got, scripts) {
			return fmt.Errorf("scripts at %d: got %v, want %v", i, got, scripts)
		}
	}
	return nil
}

// same compares texts.
func same(what, got, want string) error {
	if got != want {
		return fmt.Errorf("%s: got %s, want %s", what, got, want)
	}
	return nil
}

func TestVectorsDescriptorText(t *testing.T) {
	type c struct {
		Descriptor, Network string
		Without             string `json:"descriptor_without_checksum"`
		Key                 string `json:"key_expression"`
		Valid               bool
		Expanded            []string
	}
	eachCase(t, "descriptors/bip380_checksum.json", nil, func(v c) error {
		a := ask("descriptor inspect", fields{"descriptor": v.Descriptor})
		if !v.Valid {
			return errors.Join(a.is("bad-checksum", "error", "code"), ask("descriptor derive", fields{"descriptor": v.Descriptor}).refusedIf(true))
		}
		sum := ask("descriptor checksum", fields{"descriptor": v.Descriptor})
		return errors.Join(a.err(), a.is("89f8spxm", "checksum"), a.is(strings.Contains(v.Descriptor, "#"), "checksum_given"),
			sum.is("89f8spxm", "checksum"), sum.is("raw(deadbeef)#89f8spxm", "descriptor"))
	})
	eachCase(t, "descriptors/bip380_key_expressions.json", nil, func(v c) error {
		a := ask("descriptor inspect", fields{"descriptor": "pkh(" + v.Key + ")", "network": v.Network})
		return errors.Join(a.refusedIf(!v.Valid), a.is(v.Valid, "valid"))
	})
	eachCase(t, "descriptors/bip381_390_invalid.json", nil, func(v c) error {
		return ask("descriptor inspect", fields{"descriptor": v.Descriptor, "network": v.Network}).refusedIf(true)
	})
	eachCase(t, "descriptors/core_invalid.json", nil, func(v c) error {
		return ask("descriptor inspect", fields{"descriptor": v.Descriptor, "network": v.Network}).refusedIf(true)
	})
	eachCase(t, "descriptors/bip389_multipath.json", nil, func(v c) error {
		a, e := ask("descriptor inspect", fields{"descriptor": v.Descriptor, "private": true}), ask("descriptor expand", fields{"descriptor": v.Descriptor, "private": true})
		if len(a.list("expanded")) != len(v.Expanded) || len(e.list("descriptors")) != len(v.Expanded) {
			return fmt.Errorf("expanded to %v", a.list("expanded"))
		}
		for i, want := range v.Expanded {
			if err := errors.Join(same("expanded", bare(a.text("expanded", i)), withH(want)), same("expand", bare(e.text("descriptors", i)), withH(want))); err != nil {
				return err
			}
		}
		return nil
	})
	eachCase(t, "descriptors/bip393_annotations.json", nil, func(v c) error {
		text := v.Descriptor
		if text == "" {
			text = v.Without
		}
		a := ask("descriptor inspect", fields{"descriptor": text})
		if !v.Valid {
			return a.refusedIf(true)
		}
		return errors.Join(a.err(), a.is(v.Descriptor, "canonical"))
	})
}

func TestVectorsDescriptorScripts(t *testing.T) {
	eachCase(t, "descriptors/bip381_390_valid.json", nil, func(v struct {
		Descriptor, Network string
		Scripts             [][]string
		Ranged              bool
	}) error {
		a := ask("descriptor inspect", fields{"descriptor": v.Descriptor, "network": v.Network})
		return errors.Join(a.is(true, "valid"), a.is(v.Ranged, "ranged"),
			checkScripts(fields{"descriptor": v.Descriptor, "network": v.Network, "all_branches": true}, v.Ranged, v.Scripts))
	})
	eachCase(t, "descriptors/core_valid.json", nil, checkCoreValid)
	eachCase(t, "descriptors/core_multipath.json", nil, checkCoreMultipath)
	eachCase(t, "descriptors/core_getdescriptorinfo.json", nil, func(v struct {
		Network, Descriptor                        string
		Valid, IsRange, IsSolvable, HasPrivateKeys bool
		With                                       string   `json:"descriptor_with_checksum"`
		Expansion                                  []string `json:"multipath_expansion"`
	}) error {
		a := ask("descriptor inspect", fields{"descriptor": v.Descriptor, "network": v.Network})
		if err := a.refusedIf(!v.Valid); err != nil || !v.Valid {
			return err
		}
		err := errors.Join(a.is(v.IsRange, "ranged"), a.is(v.IsSolvable, "solvable"), a.is(v.HasPrivateKeys, "has_private"))
		if v.Expansion == nil {
			return errors.Join(err, a.is(v.With, "canonical"), a.is(v.With[len(v.With)-8:], "checksum"))
		}
		return errors.Join(err, a.is(v.Expansion, "expanded"), a.is(v.With, "expanded", 0))
	})
	eachCase(t, "descriptors/core_deriveaddresses.json", map[string]string{
		"bad-02": "'Missing checksum' is a rule of Core's command line; the file says so itself",
	}, checkDeriveAddresses)
	eachCase(t, "miniscript/core_wallet_watchonly.json", nil, func(v struct{ Descriptor, Network string }) error {
		a := ask("descriptor inspect", fields{"descriptor": v.Descriptor, "network": v.Network})
		d := ask("descriptor derive", fields{"descriptor": v.Descriptor, "network": v.Network, "range": "7"})
		if d.text("branches", 0, "items", 0, "address") == "" {
			return fmt.Errorf("no address: %v", d.body)
		}
		return errors.Join(a.is(true, "valid"), a.is(true, "solvable"), same("canonical", bare(a.text("canonical")), withH(v.Descriptor)))
	})
}

type coreValid struct {
	Private    string `json:"descriptor_private"`
	Public     string `json:"descriptor_public"`
	Normalized string
	Network    string
	Ranged     bool
	Needs      bool `json:"needs_private_key_to_derive"`
	Solvable   bool
	OutputType *string `json:"output_type"`
	Scripts    [][]string
}

func checkCoreValid(v coreValid) error {
	a := ask("descriptor inspect", fields{"descriptor": v.Private, "network": v.Network})
	p := ask("descriptor inspect", fields{"descriptor": v.Public, "network": v.Network})
	n := ask("descriptor normalize", fields{"descriptor": v.Private, "network": v.Network})
	kept := ask("descriptor normalize", fields{"descriptor": v.Private, "network": v.Network, "private": true})
	err := errors.Join(a.is(true, "valid"), p.is(true, "valid"), same("public", bare(a.text("canonical")), withH(v.Public)),
		same("normalized", bare(n.text("descriptor")), v.Normalized), same("private", bare(kept.text("descriptor")), withH(v.Private)),
		a.is(v.Private != v.Public, "has_private"), p.is(false, "has_private"), a.is(v.Ranged, "ranged"), a.is(v.Solvable, "solvable"),
		ifGiven(a, v.OutputType, "output_type"),
		checkScripts(fields{"descriptor": v.Private, "network": v.Network, "all_branches": true}, v.Ranged, v.Scripts))
	if v.Needs {
		return errors.Join(err, ask("descriptor derive", fields{"descriptor": v.Public, "network": v.Network}).is("bad-path", "error", "code"))
	}
	return errors.Join(err, checkScripts(fields{"descriptor": v.Public, "network": v.Network, "all_branches": true}, v.Ranged, v.Scripts))
}

func checkCoreMultipath(v struct {
	Private   string   `json:"descriptor_private"`
	Public    string   `json:"descriptor_public"`
	ExpPublic []string `json:"expanded_public"`
	Network   string
	Scripts   [][][]string
}) error {
	a := ask("descriptor inspect", fields{"descriptor": v.Private, "network": v.Network})
	err := errors.Join(same("public", bare(a.text("canonical")), withH(v.Public)), a.is(true, "multipath"))
	for i, want := range v.ExpPublic {
		f := fields{"descriptor": v.Private, "network": v.Network, "branch": i}
		err = errors.Join(err, same("expanded", bare(a.text("expanded", i)), withH(want)), checkScripts(f, a.at("ranged") == true, v.Scripts[i]))
	}
	return err
}

func checkDeriveAddresses(v struct {
	Network, Descriptor string
	Range               *[2]uint32
	Addresses           []any
	Error               bool
}) error {
	f := fields{"descriptor": v.Descriptor, "network": v.Network, "all_branches": true}
	if v.Range != nil {
		f["range"] = fmt.Sprintf("%d-%d", v.Range[0], v.Range[1])
	}
	a := ask("descriptor derive", f)
	var all []any
	for b := range a.list("branches") {
		var list []any
		for i := range a.list("branches", b, "items") {
			list = append(list, a.text("branches", b, "items", i, "address"))
			if list[i] == "" {
				all, a = nil, answer{map[string]any{"id": "q", "error": map[string]any{"code": "no-address"}}}
			}
		}
		all = append(all, list)
	}
	if err := a.refusedIf(v.Error); err != nil || v.Error {
		return err
	}
	var got any = all
	if len(all) == 1 {
		got = all[0]
	}
	x, _ := json.Marshal(got)
	y, _ := json.Marshal(v.Addresses)
	return same("addresses", string(x), string(y))
}
