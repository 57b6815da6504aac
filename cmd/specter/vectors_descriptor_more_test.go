package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"specter/internal/vectors"
)

func TestVectorsDescriptorsOfOtherPrograms(t *testing.T) {
	eachCase(t, "descriptors/electrum_hwi_expand.json", nil, func(v struct {
		Descriptor, Network, Address string
		Index                        *int
		Valid                        bool
		Output                       string `json:"output_script"`
		Redeem                       string `json:"redeem_script"`
		Witness                      string `json:"witness_script"`
	}) error {
		f := fields{"descriptor": v.Descriptor, "network": v.Network}
		if v.Index != nil {
			f["range"] = fmt.Sprint(*v.Index)
		}
		a := ask("descriptor derive", f)
		if !v.Valid {
			return a.refusedIf(true)
		}
		item := func(name, want string) error {
			return ifGiven(a, notEmpty(want), "branches", 0, "items", 0, name)
		}
		return errors.Join(a.err(), item("script_pubkey", v.Output), item("redeem_script", v.Redeem), item("witness_script", v.Witness), item("address", v.Address))
	})
	type libwally struct {
		Descriptor, Network, Checksum string
		Variant                       int `json:"combo_variant"`
		Branch                        *int
		First                         int `json:"first_index"`
		Index                         int
		Addresses                     []string
		Error, Valid                  bool
		Script                        string `json:"script_pubkey"`
	}
	request := func(v libwally, from, to int) fields {
		f := fields{"descriptor": v.Descriptor, "network": v.Network}
		if a := ask("descriptor inspect", fields{"descriptor": v.Descriptor, "network": v.Network}); a.at("ranged") == true {
			f["range"] = fmt.Sprintf("%d-%d", from, to)
		}
		if v.Branch != nil {
			f["branch"] = *v.Branch
		}
		return f
	}
	eachCase(t, "descriptors/libwally_addresses.json", nil, func(v libwally) error {
		a := ask("descriptor derive", request(v, v.First, v.First+max(1, len(v.Addresses))-1))
		if v.Error {
			if got := a.text("branches", v.Variant, "items", 0, "address"); got != "" {
				return fmt.Errorf("got %s", got)
			}
			return nil
		}
		err := a.err()
		for i, want := range v.Addresses {
			err = errors.Join(err, a.is(want, "branches", v.Variant, "items", i, "address"))
		}
		return err
	})
	eachCase(t, "descriptors/libwally_valid.json", nil, func(v libwally) error {
		a := ask("descriptor derive", request(v, v.Index, v.Index))
		sum := ask("descriptor checksum", fields{"descriptor": v.Descriptor})
		return errors.Join(a.err(), sum.is(v.Checksum, "checksum"), a.is(v.Script, "branches", v.Variant, "items", 0, "script_pubkey"))
	})
	eachCase(t, "descriptors/libwally_invalid.json", nil, func(v libwally) error {
		return ask("descriptor derive", request(v, 0, 0)).refusedIf(true)
	})
	eachCase(t, "descriptors/multipath_derive_hwi.json", nil, func(v struct {
		Descriptor string
		Index      int
		Branch     int
		Derived    string `json:"derived_descriptor"`
	}) error {
		a := ask("descriptor derive", fields{"descriptor": v.Descriptor, "range": fmt.Sprint(v.Index), "branch": v.Branch})
		return errors.Join(a.err(), same("descriptor", bare(a.text("branches", 0, "items", 0, "descriptor")), v.Derived))
	})
}

func TestVectorsPastedDescriptors(t *testing.T) {
	eachCase(t, "descriptors/sparrow_normalise.json", nil, func(v struct {
		Input, Normalized string
		With              bool `json:"with_checksum"`
	}) error {
		got := ask("descriptor normalize", fields{"descriptor": v.Input}).text("descriptor")
		if !v.With {
			got = bare(got)
		}
		return same("normalized", got, v.Normalized)
	})
	eachCase(t, "descriptors/sparrow_watch_addresses.json", nil, func(v struct {
		Input, Address, Network string
		Branch, Index           int
	}) error {
		w := ask("wallet parse", fields{"file": v.Input, "network": v.Network})
		if err := w.err(); err != nil {
			return err
		}
		f := fields{"descriptor": w.text("descriptors", v.Branch), "network": v.Network, "range": fmt.Sprint(v.Index)}
		err := ask("descriptor derive", f).is(v.Address, "branches", 0, "items", 0, "address")
		if v.Branch == 0 && v.Index == 0 {
			err = errors.Join(err, w.is(v.Address, "first_address"))
		}
		return err
	})
	vectors.Each(t, "descriptors/specter_desktop.json", nil, checkSpecterDescriptor)
}

// checkSpecterDescriptor compares the facts of Specter's tests with what inspect and derive say.
func checkSpecterDescriptor(c vectors.Case) error {
	var v struct {
		Descriptor string
		Expect     map[string]any
	}
	c.Decode(&v)
	a := ask("descriptor inspect", fields{"descriptor": v.Descriptor})
	if err := a.err(); err != nil {
		return err
	}
	for name, want := range v.Expect {
		if strings.HasPrefix(name, "derive(1") { // the order of sortedmulti's keys says nothing; the script does
			at := ask("descriptor derive", fields{"descriptor": v.Descriptor, "range": "1"}).text("branches", 0, "items", 0, "script_pubkey")
			if err := ask("descriptor derive", fields{"descriptor": want}).is(at, "branches", 0, "items", 0, "script_pubkey"); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			continue
		}
		got, known := specterFact(a, v.Descriptor, name)
		if !known {
			return fmt.Errorf("the fact %s is not compared", name)
		}
		x, _ := json.Marshal(got)
		y, _ := json.Marshal(want)
		if strings.HasSuffix(name, "serialize()") {
			x, y = []byte(bare(string(x))), []byte(bare(string(y)))
		}
		if string(x) != withH(string(y)) {
			return fmt.Errorf("%s: got %s, want %s", name, x, y)
		}
	}
	return nil
}

func specterFact(a answer, desc, name string) (any, bool) {
	perKey := func(pick func(i int) any) (any, bool) {
		var all []any
		for i := range a.list("keys") {
			all = append(all, pick(i))
		}
		if len(all) == 1 {
			return all[0], true
		}
		return all, true
	}
	orNil := func(prefix, s string) any {
		if s == "" {
			return nil
		}
		return prefix + s
	}
	switch name {
	case "wpkh", "sh_wpkh", "wsh", "sh_wsh":
		if a.text("script_type") == strings.ReplaceAll(name, "_", "-") {
			return true, true
		}
		return nil, true
	case "address_type":
		return a.text("script_type"), true
	case "testnet":
		return a.text("network") == "test", true
	case "origin_fingerprint":
		return perKey(func(i int) any { return orNil("", a.text("keys", i, "origin", "fingerprint")) })
	case "m_path_base":
		return perKey(func(i int) any { return orNil("", a.text("keys", i, "origin", "path")) })
	case "base_key":
		return perKey(func(i int) any { return a.at("keys", i, "xkey") })
	case "path_suffix":
		return perKey(func(i int) any { return orNil("/", a.text("keys", i, "path")) })
	case "serialize()":
		return a.text("canonical"), true
	case "address(5)":
		return ask("descriptor derive", fields{"descriptor": desc, "range": "5", "network": "regtest"}).text("branches", 0, "items", 0, "address"), true
	case "address(5, 'main')":
		return ask("descriptor derive", fields{"descriptor": desc, "range": "5", "network": "main"}).text("branches", 0, "items", 0, "address"), true
	case "origin_path":
		return perKey(func(i int) any { return orNil("", strings.TrimPrefix(a.text("keys", i, "origin", "path"), "m")) })
	case "m_path":
		return perKey(func(i int) any {
			origin, path := a.text("keys", i, "origin", "path"), a.text("keys", i, "path")
			if origin == "" || path == "" {
				return orNil("", origin)
			}
			return origin + "/" + path
		})
	}
	return nil, false
}

func TestVectorsSortedMultisig(t *testing.T) {
	eachCase(t, "bip67/vectors.json", nil, func(v struct {
		Threshold              int
		Keys                   []string
		Redeem                 string `json:"redeem_script"`
		Address, Network, Note string
	}) error {
		desc := fmt.Sprintf("sh(sortedmulti(%d,%s))", v.Threshold, strings.Join(v.Keys, ","))
		a := ask("descriptor derive", fields{"descriptor": desc, "network": v.Network})
		i := ask("descriptor inspect", fields{"descriptor": desc})
		return errors.Join(a.err(), a.is(v.Redeem, "branches", 0, "items", 0, "redeem_script"), a.is(v.Address, "branches", 0, "items", 0, "address"), i.is(v.Threshold, "threshold"))
	})
	eachCase(t, "descriptors/core_infer.json", nil, func(v struct {
		Script, Descriptor string
		Scripts            []string    `json:"known_scripts"`
		Keys               [][2]string `json:"known_pubkeys"`
	}) error {
		keys := []string{}
		for _, k := range v.Keys {
			if k[1] != "" {
				k[0] = "[" + k[1] + "]" + k[0]
			}
			keys = append(keys, k[0])
		}
		a := ask("script infer", fields{"script": v.Script, "keys": keys, "scripts": v.Scripts})
		return errors.Join(a.err(), same("descriptor", bare(a.text("descriptor")), v.Descriptor))
	})
}
