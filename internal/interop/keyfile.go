package interop

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"specter/internal/btc"
	"specter/internal/errs"
)

// KeyFile is what a device's key export holds.
type KeyFile struct {
	Format      string          // "text", "coldcard", "coldcard-multisig", "electrum", "cobo", "keystone", "specter"
	DeviceType  string          // the old Specter's id where the file tells it, else ""
	Name        string          // the device's name where the file tells it
	Fingerprint btc.Fingerprint // of the master key; zero where the file does not tell
	Keys        []Key
	Problems    []Problem // what was not understood
}

// ReadKeys reads keys out of whatever a device exports or a person pastes: plain keys, one a
// line, descriptors, and the JSON of Coldcard, Passport, Cobo, Keystone, Electrum and Specter.
// It fails only when nothing at all could be used.
func ReadKeys(data []byte) (KeyFile, error) {
	if len(data) > MaxFile {
		return KeyFile{}, errs.Bad(errs.TooLarge, "the file has more than %d MB", MaxFile>>20)
	}
	if !utf8.Valid(data) {
		return KeyFile{}, errs.Bad(errs.BadEncoding, "this is no text; export the public keys as text or JSON")
	}
	text := strings.TrimSpace(strings.TrimPrefix(string(data), "\ufeff"))
	f := KeyFile{Format: "text"}
	if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[{") {
		var err error
		if f, err = readKeyJSON([]byte(text)); err != nil {
			return f, err
		}
	} else {
		f.Keys, f.Problems = keyLines(text)
	}
	if len(f.Keys) == 0 {
		if len(f.Problems) > 0 {
			return f, errs.Bad(errs.BadKey, "no key could be read: %s", f.Problems[0])
		}
		return f, errs.Bad(errs.Malformed, "there is no key in this text")
	}
	if f.Fingerprint.IsZero() && f.Keys[0].HasOrigin {
		f.Fingerprint = f.Keys[0].Origin.Fingerprint
	}
	return f, nil
}

// keyReaders are tried in order: the first whose mark is in the object reads it.
var keyReaders = []struct {
	mark string // a member that only this format has
	read func(o map[string]json.RawMessage, f *KeyFile)
}{
	{"keys", readSpecterDevice},
	{"keystore", readElectrumKeystore},
	{"x1/", readElectrumCosigners},
	{"ExtPubKey", readCobo},
	{"bip84", readColdcardGeneric}, {"bip49", readColdcardGeneric}, {"bip44", readColdcardGeneric},
	{"bip48_2", readColdcardGeneric}, {"bip86", readColdcardGeneric},
	{"p2wsh_deriv", readColdcardMultisig}, {"p2sh_deriv", readColdcardMultisig}, {"p2wsh_p2sh_deriv", readColdcardMultisig},
	{"p2sh_p2wsh_deriv", readColdcardMultisig}, {"p2tr_deriv", readColdcardMultisig},
	{"xpub", readKeystone},
}

func readKeyJSON(data []byte) (KeyFile, error) {
	var o map[string]json.RawMessage
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&o); err != nil {
		return KeyFile{}, errs.Bad(errs.Malformed, "the JSON cannot be read: %w", err)
	}
	for _, r := range keyReaders {
		if _, marked := o[r.mark]; marked {
			var f KeyFile
			r.read(o, &f)
			return f, nil
		}
	}
	return KeyFile{}, errs.Bad(errs.Unsupported, "this JSON is no key export that is known here")
}

// str reads a member that should be a string; anything else is "".
func str(o map[string]json.RawMessage, name string) string {
	var s string
	if json.Unmarshal(o[name], &s) != nil {
		return ""
	}
	return strings.TrimSpace(s)
}

// object reads a member that should be an object; anything else is nil.
func object(o map[string]json.RawMessage, name string) map[string]json.RawMessage {
	var inner map[string]json.RawMessage
	if json.Unmarshal(o[name], &inner) != nil {
		return nil
	}
	return inner
}

// add reads one key with its parts given separately. scriptType, when not empty, overrules
// what prefix and path say.
func (f *KeyFile) add(what, fingerprint, path, key, scriptType string) {
	if key == "" {
		return
	}
	text := key
	if fingerprint != "" {
		text = "[" + fingerprint
		if p := strings.Trim(strings.TrimPrefix(strings.TrimPrefix(path, "m"), "/"), "/"); p != "" {
			text += "/" + p
		}
		text += "]" + key
	}
	k, err := ParseKey(text)
	if err != nil {
		f.Problems = append(f.Problems, Problem{Text: what + ": " + err.Error()})
		return
	}
	if scriptType != "" {
		k.ScriptType = scriptType
	}
	f.Keys = append(f.Keys, k)
}

// setFingerprint notes the master fingerprint where it is one.
func (f *KeyFile) setFingerprint(s string) {
	if fp, err := btc.ParseFingerprint(strings.ToLower(s)); err == nil {
		f.Fingerprint = fp
	}
}
