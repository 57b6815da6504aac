package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"specter/internal/vectors"
)

// fileOf carries a file of the vectors in a request.
func fileOf(t *testing.T, name string) string {
	return base64.StdEncoding.EncodeToString(vectors.Read(t, name))
}

func TestVectorsDevices(t *testing.T) {
	eachCase(t, "import/device_keys.json", nil, func(v struct {
		File, Derivation, Fingerprint, Network string
		ScriptType                             string `json:"script_type"`
		XPub                                   string `json:"xpub_any_slip132"`
	}) error {
		a := ask("device parse", fields{"file_base64": fileOf(t, v.File)})
		want := ask("key inspect", fields{"key": v.XPub}).text("canonical")
		for i := range a.list("keys") {
			if a.text("keys", i, "script_type") == v.ScriptType {
				return errors.Join(a.is(v.Derivation, "keys", i, "path"), a.is(v.Fingerprint, "keys", i, "fingerprint"),
					a.is(want, "keys", i, "xpub"), a.is(v.Network, "keys", i, "network"))
			}
		}
		return fmt.Errorf("no key of type %s: %v", v.ScriptType, a.body)
	})
	eachCase(t, "import/keeper_device_exports.json", nil, checkKeeperExport)
	eachCase(t, "ur/wallet_samples.json", nil, func(v struct {
		Type     string
		Parts    []string
		Complete bool
	}) error {
		if v.Type != "crypto-account" && v.Type != "crypto-hdkey" {
			return nil
		}
		a := ask("device parse", fields{"file": strings.Join(v.Parts, "\n")})
		if !v.Complete {
			return a.is("incomplete", "error", "code")
		}
		if a.code() != "" || len(a.list("keys")) == 0 {
			return fmt.Errorf("no keys: %v", a.body)
		}
		return nil
	})
}

// checkKeeperExport reads what a device gave: text, JSON, or the texts of its codes, of which
// some are partial.
func checkKeeperExport(v struct{ Export json.RawMessage }) error {
	var one struct{ Data json.RawMessage }
	var many []struct{ Data string }
	var lines []string
	if json.Unmarshal(v.Export, &many) == nil {
		for _, m := range many {
			lines = append(lines, m.Data)
		}
	} else if err := json.Unmarshal(v.Export, &one); err != nil {
		return err
	}
	var text string
	if len(lines) > 0 {
		text = strings.Join(lines, "\n")
	} else if json.Unmarshal(one.Data, &text) != nil {
		text = string(one.Data)
	}
	a := ask("device parse", fields{"file": text})
	if c := a.code(); c == "incomplete" && len(lines) > 0 {
		return ask("ur decode", fields{"parts": lines}).is("incomplete", "error", "code")
	}
	if a.code() != "" || len(a.list("keys")) == 0 {
		return fmt.Errorf("no keys: %v", a.body)
	}
	for i := range a.list("keys") {
		if a.text("keys", i, "xpub") == "" || a.text("keys", i, "path") == "" || len(a.text("keys", i, "fingerprint")) != 8 || a.text("keys", i, "purpose") == "" {
			return fmt.Errorf("key %d: %v", i, a.at("keys", i))
		}
	}
	return nil
}

func TestVectorsWallets(t *testing.T) {
	exceptions := map[string]string{"electrum-encrypted": "encrypted Electrum files are refused with a sentence, as the case's note allows"}
	eachCase(t, "import/wallet_files.json", exceptions, func(v struct {
		File, Name, Network string
		ScriptType          string `json:"script_type"`
		M, N                int
		Keys                []struct {
			Index                         int
			Fingerprint, Derivation, XPub string
		}
		KeyNames []string `json:"key_names"`
		Error    bool
		SameAs   string `json:"same_wallet_as"`
	}) error {
		w := ask("wallet parse", fields{"file_base64": fileOf(t, v.File)})
		if err := w.refusedIf(v.Error); err != nil || v.Error {
			return err
		}
		if v.SameAs != "" {
			twin := ask("wallet parse", fields{"file_base64": fileOf(t, "import/files/sparrow/"+v.SameAs+".txt")})
			return errors.Join(w.is(twin.at("descriptors"), "descriptors"), w.is(twin.at("first_address"), "first_address"))
		}
		err := errors.Join(ifGiven(w, notEmpty(v.Name), "name"), w.is(v.ScriptType, "script_type"), w.is(v.M, "m"), w.is(v.N, "n"), w.is(v.Network, "network"))
		for _, k := range v.Keys {
			err = errors.Join(err, w.is(k.Fingerprint, "keys", k.Index, "fingerprint"), w.is(k.Derivation, "keys", k.Index, "path"), ifGiven(w, notEmpty(k.XPub), "keys", k.Index, "xpub"))
		}
		for i, name := range v.KeyNames {
			err = errors.Join(err, w.is(name, "keys", i, "name"))
		}
		return errors.Join(err, exportsReadBack(w))
	})
	eachCase(t, "import/bsms.json", nil, func(v struct {
		Valid      bool
		Record     string
		ScriptType string `json:"script_type"`
		M          int
		First      string `json:"first_receive_address"`
	}) error {
		w := ask("wallet parse", fields{"file": v.Record})
		if err := w.refusedIf(!v.Valid); err != nil || !v.Valid {
			return err
		}
		err := errors.Join(ifGiven(w, notEmpty(v.ScriptType), "script_type"), ifGiven(w, notEmpty(v.First), "first_address"))
		if v.M != 0 {
			err = errors.Join(err, w.is(v.M, "m"))
		}
		return err
	})
	eachCase(t, "import/specter_wallet_importer.json", nil, func(v struct {
		Input   string `json:"input_text"`
		Receive string `json:"descriptor_receive"`
		Network string
		Error   bool
	}) error {
		w := ask("wallet parse", fields{"file": v.Input, "network": v.Network})
		if err := w.refusedIf(v.Error); err != nil || v.Error {
			return err
		}
		want := ask("descriptor normalize", fields{"descriptor": v.Receive, "network": v.Network}).text("descriptor")
		return w.is(want, "descriptors", 0)
	})
}

// exportsReadBack writes a wallet in every format and reads each file again.
func exportsReadBack(w answer) error {
	for _, format := range []string{"coldcard", "bsms", "caravan", "electrum", "sparrow", "specter", "descriptor"} {
		e := ask("wallet export", fields{"descriptor": w.at("descriptor"), "name": "again", "format": format})
		if e.code() == "unsupported" {
			continue // the format cannot tell this wallet
		}
		if err := e.err(); err != nil {
			return fmt.Errorf("%s: %w", format, err)
		}
		again := ask("wallet parse", fields{"file": e.at("file")})
		if err := again.is(w.at("first_address"), "first_address"); err != nil {
			return fmt.Errorf("%s: %w", format, err)
		}
	}
	return nil
}

func TestVectorsLabels(t *testing.T) {
	eachCase(t, "bip329/vectors.json", nil, func(v struct {
		Line   string
		Record map[string]any
	}) error {
		a := ask("labels convert", fields{"file": v.Line, "from": "bip329", "to": "bip329"})
		var back map[string]any
		if err := errors.Join(a.err(), json.Unmarshal([]byte(a.text("file")), &back)); err != nil {
			return err
		}
		if !reflect.DeepEqual(back, v.Record) || !reflect.DeepEqual(a.at("labels", 0), any(v.Record)) {
			return fmt.Errorf("got %v, want %v", back, v.Record)
		}
		return nil
	})
	eachCase(t, "import/labels.json", nil, func(v struct {
		Format string
		Input  map[string]string
	}) error {
		if v.Input == nil || v.Format != "electrum" {
			return nil // a wallet's backup: internal/wallet imports those
		}
		file, _ := json.Marshal(v.Input)
		a := ask("labels convert", fields{"file": string(file), "from": v.Format, "to": "electrum"})
		var back map[string]string
		if err := errors.Join(a.err(), json.Unmarshal([]byte(a.text("file")), &back)); err != nil || a.at("count") == float64(0) {
			return err // placeholders are neither address nor txid
		}
		if !reflect.DeepEqual(back, v.Input) {
			return fmt.Errorf("got %v, want %v", back, v.Input)
		}
		return nil
	})
}
