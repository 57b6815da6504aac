package legacy

import (
	"encoding/json"
	"path"
	"sort"
	"strings"

	"specter/internal/btc"
	"specter/internal/device"
	"specter/internal/errs"
	"specter/internal/interop"
)

const maxKeys = 500 // of one device

// folders lists the folders of a kind, by the user whose they are.
func (s *Source) folders(kind string) (users []string, dir map[string]string) {
	dir = map[string]string{}
	for n := range s.files {
		top, _, deep := strings.Cut(n, "/")
		if id := ownerOf(top, kind); deep && id != "" && dir[id] == "" {
			dir[id] = top
			users = append(users, id)
		}
	}
	sort.Strings(users)
	return users, dir
}

// devices reads the devices of all users.
func (f *Found) devices(s *Source) {
	users, dirs := s.folders("devices")
	for _, user := range users {
		list := s.stems(dirs[user])
		if len(list) > maxThings {
			f.problem(dirs[user], "there are more devices than can be; they are left out")
			continue
		}
		var named map[string]bool
		for _, alias := range list {
			file := path.Join(dirs[user], alias+".json")
			var o object
			check := func() error {
				if _, is := o.objects("keys"); !is {
					return errs.E(errs.Invalid, "it has no list of keys")
				}
				return nil
			}
			problems := len(f.Problems)
			if _, ok := f.decode(s, file, &o, check); ok {
				f.device(user, alias, file, o)
			}
			if s.Has(file) {
				continue
			}
			if named == nil {
				named = s.named(user)
			}
			if !named[alias] && !named[o.text("name")] {
				f.deletedDevice(user, file, problems)
			}
		}
	}
}

// named are the devices that a user's wallets name, by alias or, in old forms, by name.
func (s *Source) named(user string) map[string]bool {
	_, dirs := s.folders("wallets")
	out := map[string]bool{}
	for n := range s.files {
		if !strings.HasPrefix(n, dirs[user]+"/") || dirs[user] == "" || !strings.HasSuffix(strings.TrimSuffix(n, bkp), ".json") {
			continue
		}
		var o object
		if _, ok := s.sound(n, &o); ok {
			for _, d := range signersOf(o) {
				out[d] = true
			}
		}
	}
	return out
}

// deletedDevice takes a device back of which there is only the copy: the old program leaves that of
// one that was deleted there. A device that a wallet needs was lost instead.
func (f *Found) deletedDevice(user, file string, problems int) {
	if n := len(f.Devices) - 1; n >= 0 && f.Devices[n].User == user && f.Devices[n].file == file {
		f.Devices = f.Devices[:n]
	}
	f.Problems = f.Problems[:problems]
	f.problem(file, "only its copy is there, as the old program leaves it of a device that was deleted, and no wallet names it; it is left out (rename the copy to take it over)")
}

func (f *Found) device(user, alias, file string, o object) {
	keys, ok := o.objects("keys")
	if !ok || len(keys) > maxKeys {
		f.problem(file, "it has no list of keys, so it is no device; it is left out")
		return
	}
	f.user(user)
	d := Device{User: user, file: file, raw: o, Device: device.Device{Alias: alias, Name: o.text("name"), Type: o.text("type")}}
	if d.Name == "" {
		d.Name = alias
	}
	if d.Type == "" || device.TypeOf(d.Type).Hot { // seeds never came from there
		d.Type = "other"
	}
	d.InNode = d.Type == "bitcoincore" || d.Type == "elementscore"
	bad := 0
	for _, k := range keys {
		key, err := readKey(k)
		if err != nil {
			bad++
			continue
		}
		d.Keys = append(d.Keys, key)
	}
	if bad > 0 {
		f.problem(file, plural(bad, "key", "keys")+" cannot be read (or are of Liquid) and are left out; the way back writes them again")
	}
	if o.text("blinding_key") != "" {
		f.Kept = append(f.Kept, Kept{Kind: "Liquid blinding key", User: user, Name: d.Name, File: file, Data: marshal(object{"blinding_key": o["blinding_key"]})})
	}
	f.Devices = append(f.Devices, d)
}

// readKey reads a key as it was typed, with the fingerprint and path that stood beside it.
func readKey(o object) (device.Key, error) {
	text := o.text("original")
	if text == "" {
		text = o.text("xpub")
	}
	k, err := interop.ParseKey(text)
	if err != nil {
		return device.Key{}, err
	}
	out := device.Key{Original: k.Original, Fingerprint: k.Origin.Fingerprint, Path: k.Origin.Path, HasOrigin: k.HasOrigin,
		XPub: k.XKey.String(), ScriptType: keyType(o.text("type"), k.ScriptType), Purpose: clip(o.text("purpose"), 200)}
	fp, err := btc.ParseFingerprint(strings.ToLower(o.text("fingerprint")))
	if err != nil || fp.IsZero() {
		return out, nil
	}
	p, err := btc.ParsePath(o.text("derivation"))
	if err != nil || len(p) != int(k.XKey.Depth) {
		return out, nil
	}
	out.Fingerprint, out.Path, out.HasOrigin = fp, p, true
	return out, nil
}

// keyType takes the type that stood there, where it is one.
func keyType(told, guessed string) string {
	switch told {
	case "pkh", "sh-wpkh", "wpkh", "tr", "sh-wsh", "wsh", "sh", "":
		return told
	}
	return guessed
}

func marshal(o object) []byte {
	b, err := json.Marshal(o)
	if err != nil {
		return []byte("{}") // it was read from JSON
	}
	return b
}
