package ur_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"specter/internal/airgap/ur"
	"specter/internal/errs"
	"specter/internal/vectors"
)

func eq(what, got, want string) error {
	if got != want {
		return fmt.Errorf("%s:\n got  %s\n want %s", what, got, want)
	}
	return nil
}

// optional compares only where the vector names a value.
func optional(what, got, want string) error {
	if want == "" {
		return nil
	}
	return eq(what, got, want)
}

func TestVectorsSingle(t *testing.T) {
	vectors.Each(t, "ur/single.json", nil, func(c vectors.Case) error {
		var v struct {
			UR, Type, Error string
			CBOR            string `json:"cbor_hex"`
			Payload         string `json:"payload_hex"`
		}
		c.Decode(&v)
		for _, text := range []string{v.UR, strings.ToUpper(v.UR)} {
			u, err := ur.Decode(text)
			if v.Error != "" {
				if err == nil {
					return fmt.Errorf("accepted, but: %s", v.Error)
				}
				continue
			}
			if err != nil {
				return err
			}
			if err := errors.Join(eq("type", u.Type, v.Type), optional("cbor", hex.EncodeToString(u.CBOR), v.CBOR)); err != nil {
				return err
			}
			if v.Payload != "" {
				content, err := u.Content()
				if err := errors.Join(err, eq("payload", hex.EncodeToString(content.Bytes), v.Payload)); err != nil {
					return err
				}
			}
			e, err := ur.NewEncoder(u, 4096)
			if err != nil {
				return err
			}
			if err := eq("written again", e.Part(0), strings.ToLower(text)); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestVectorsMultipart(t *testing.T) {
	vectors.Each(t, "ur/multipart.json", nil, func(c vectors.Case) error {
		var v struct {
			Type     string
			Parts    []string
			Complete bool
			Payload  string `json:"payload_hex"`
			CBOR     string `json:"cbor_hex"`
		}
		c.Decode(&v)
		u, err := ur.Decode(v.Parts...)
		if !v.Complete {
			if errs.CodeOf(err) != errs.Incomplete {
				return fmt.Errorf("want incomplete, got %v", err)
			}
			return nil
		}
		if err != nil {
			return err
		}
		content, err := u.Content()
		return errors.Join(err, eq("type", u.Type, v.Type), optional("payload", hex.EncodeToString(content.Bytes), v.Payload), optional("cbor", hex.EncodeToString(u.CBOR), v.CBOR))
	})
}

func TestVectorsLegacy(t *testing.T) {
	vectors.Each(t, "ur/legacy_v1.json", nil, func(c vectors.Case) error {
		var v struct {
			Type    string
			Parts   []string
			CBOR    string `json:"cbor_hex"`
			Payload string `json:"payload_hex"`
			Text    string `json:"payload_text"`
		}
		c.Decode(&v)
		u, err := ur.Decode(v.Parts...)
		if err != nil {
			return err
		}
		content, err := u.Content()
		if err := errors.Join(err, eq("type", u.Type, v.Type), eq("cbor", hex.EncodeToString(u.CBOR), v.CBOR),
			eq("payload", hex.EncodeToString(content.Bytes), v.Payload), optional("text", string(content.Bytes), v.Text)); err != nil {
			return err
		}
		// Written again in the same number of parts, the longest piece being as long.
		e, err := ur.NewLegacyEncoder(u, longestPiece(v.Parts))
		if err != nil {
			return err
		}
		if len(v.Parts) == 1 && strings.Count(v.Parts[0], "/") == 1 {
			return eq("static", e.Static(), strings.ToUpper(v.Parts[0]))
		}
		var again []string
		for i := range e.Len() {
			again = append(again, e.Part(i))
		}
		if len(again) != len(v.Parts) {
			return fmt.Errorf("written again in %d parts, not %d", len(again), len(v.Parts))
		}
		back, err := ur.Decode(again...)
		return errors.Join(err, eq("read again", hex.EncodeToString(back.CBOR), v.CBOR))
	})
}

func longestPiece(parts []string) int {
	longest := 0
	for _, p := range parts {
		longest = max(longest, len(p)-strings.LastIndexByte(p, '/')-1)
	}
	return longest
}

// key is a key as the vectors print it.
type key struct {
	Key, Network, XKey, Children, Expression string
	Private                                  bool
	OriginPath                               *string `json:"origin_path"`
	OriginFingerprint                        string  `json:"origin_fingerprint"`
	ChainCode                                string  `json:"chain_code"`
	Parent                                   string  `json:"parent_fingerprint"`
}

type decoded struct {
	Master      string `json:"master_fingerprint"`
	Descriptors []json.RawMessage
	Descriptor  string
	Keys        []json.RawMessage
	HDKey       *key
	ECKey       *key
	PSBT        string `json:"psbt_hex"`
	Text        string
	Source      string
}

func checkKey(k ur.Key, want key) error {
	network := "main"
	if !k.Main {
		network = "test"
	}
	err := errors.Join(eq("key", hex.EncodeToString(k.Data), want.Key), optional("network", network, want.Network),
		eq("expression", k.Expression(), want.Expression), eq("children", k.Children, want.Children))
	if k.Private != want.Private {
		err = errors.Join(err, fmt.Errorf("private is %v", k.Private))
	}
	if want.XKey != "" {
		err = errors.Join(err, eq("xkey", k.XKey.String(), want.XKey), eq("chain code", hex.EncodeToString(k.XKey.ChainCode[:]), want.ChainCode), eq("parent", k.XKey.Parent.String(), want.Parent))
	}
	if want.OriginPath != nil {
		err = errors.Join(err, eq("origin", k.Origin.Path.String(), *want.OriginPath), optional("fingerprint", k.Origin.Fingerprint.String(), want.OriginFingerprint))
	}
	return err
}

// checkContent compares a content with what a vector says, and counts what it compared.
func checkContent(c ur.Content, want decoded) (compared int, err error) {
	cmp := func(what, got, want string) {
		if want != "" {
			compared++
			err = errors.Join(err, eq(what, got, want))
		}
	}
	cmp("fingerprint", c.Fingerprint.String(), want.Master)
	cmp("psbt", hex.EncodeToString(c.PSBT), want.PSBT)
	cmp("text", string(c.Bytes), want.Text)
	descriptors := c.Descriptors()
	cmp("descriptor", strings.Join(descriptors, " "), want.Descriptor)
	if want.Descriptors != nil {
		if len(descriptors) != len(want.Descriptors) {
			return compared, fmt.Errorf("%d descriptors, want %d", len(descriptors), len(want.Descriptors))
		}
		for i, raw := range want.Descriptors {
			var text string
			var long struct{ Descriptor string }
			if json.Unmarshal(raw, &text) != nil {
				_ = json.Unmarshal(raw, &long)
				text = long.Descriptor
			}
			cmp("descriptor", descriptors[i], text)
		}
	}
	for i, raw := range want.Keys {
		var k key
		var text string
		if string(raw) == "null" {
			continue
		}
		if i >= len(c.Keys) {
			return compared, fmt.Errorf("%d keys, want %d", len(c.Keys), len(want.Keys))
		}
		if json.Unmarshal(raw, &text) == nil {
			cmp("key", c.Keys[i].Expression(), text)
			continue
		}
		compared++
		err = errors.Join(err, json.Unmarshal(raw, &k), checkKey(c.Keys[i], k))
	}
	for _, k := range []*key{want.HDKey, want.ECKey} {
		if k != nil {
			compared++
			err = errors.Join(err, checkKey(c.Keys[0], *k))
		}
	}
	return compared, err
}

// rewrite writes a content again and reads it back.
func rewrite(u ur.UR, c ur.Content) (ur.UR, error) {
	version := ur.New
	if strings.HasPrefix(u.Type, "crypto-") {
		version = ur.Old
	}
	switch c.Kind {
	case "psbt":
		return ur.NewPSBT(c.PSBT, version), nil
	case "bytes":
		return ur.NewBytes(c.Bytes), nil
	case "output-descriptor":
		return ur.NewOutput(c.Outputs[0].Descriptor, version)
	case "account-descriptor":
		return ur.NewAccount(c.Fingerprint, c.Descriptors(), version)
	case "hdkey":
		return ur.NewHDKey(c.Keys[0].Expression(), version)
	}
	return u, nil
}

func TestVectorsRegistry(t *testing.T) {
	exact := 0
	vectors.Each(t, "ur/registry.json", nil, func(c vectors.Case) error {
		var v struct {
			UR, Type     string
			CBOR         string `json:"cbor_hex"`
			Decoded      decoded
			DecodedError string `json:"decoded_error"`
		}
		c.Decode(&v)
		cbor, err := hex.DecodeString(v.CBOR)
		if err != nil {
			return err
		}
		u := ur.UR{Type: v.Type, CBOR: cbor}
		if v.UR != "" {
			if u, err = ur.Decode(v.UR); err != nil {
				return err
			}
			if err := errors.Join(eq("type", u.Type, v.Type), eq("cbor", hex.EncodeToString(u.CBOR), v.CBOR)); err != nil {
				return err
			}
			e, err := ur.NewEncoder(u, 1<<16)
			if err := errors.Join(err, eq("ur", e.Part(0), strings.ToLower(v.UR))); err != nil {
				return err
			}
		}
		content, err := u.Content()
		if err != nil {
			return err
		}
		compared, err := checkContent(content, v.Decoded)
		if err != nil {
			return err
		}
		if compared == 0 && v.DecodedError == "" && content.Address == "" && v.Decoded.Source == "" {
			return fmt.Errorf("nothing was compared")
		}
		again, err := rewrite(u, content)
		if err != nil {
			return err
		}
		if bytes.Equal(again.CBOR, u.CBOR) {
			exact++
		}
		back, err := again.Content()
		return errors.Join(err, eq("written and read again", strings.Join(back.Descriptors(), "\n"), strings.Join(content.Descriptors(), "\n")),
			eq("type", again.Type, u.Type))
	})
	if exact < 20 {
		t.Errorf("only %d of the registry's examples are written again byte for byte", exact)
	}
	t.Logf("%d examples are written again byte for byte", exact)
}

func TestVectorsWalletSamples(t *testing.T) {
	vectors.Each(t, "ur/wallet_samples.json", nil, func(c vectors.Case) error {
		var v struct {
			Parts    []string
			Type     string
			Complete bool
			CBOR     string `json:"cbor_hex"`
			PSBT     string
			Decoded  decoded
		}
		c.Decode(&v)
		u, err := ur.Decode(v.Parts...)
		if !v.Complete {
			if errs.CodeOf(err) != errs.Incomplete {
				return fmt.Errorf("want incomplete, got %v", err)
			}
			return nil
		}
		if err != nil {
			return err
		}
		content, err := u.Content()
		if err := errors.Join(err, eq("type", u.Type, v.Type), optional("cbor", hex.EncodeToString(u.CBOR), v.CBOR),
			optional("psbt", base64.StdEncoding.EncodeToString(content.PSBT), v.PSBT)); err != nil {
			return err
		}
		compared, err := checkContent(content, v.Decoded)
		if compared == 0 && v.PSBT == "" {
			return errors.Join(err, fmt.Errorf("nothing was compared"))
		}
		return err
	})
}
