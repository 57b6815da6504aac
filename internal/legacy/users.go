package legacy

import (
	"bytes"
	"encoding/json"
	"math"
	"path"
	"sort"
	"strings"
	"time"

	"specter/internal/auth"
)

// Bounds on people.
const (
	maxUsers  = 5000
	maxTokens = 1000 // of one user
	maxLinks  = 1000
)

// users reads users.json.
func (f *Found) users(s *Source) {
	var list []object
	if _, ok := f.decode(s, "users.json", &list, nil); !ok {
		return
	}
	if len(list) > maxUsers {
		f.problem("users.json", "it has more users than a Specter can; only the first are read")
		list = list[:maxUsers]
	}
	owned := false
	for _, o := range list {
		id := o.text("id")
		if o.yes("is_admin") && !owned { // there is one; another one is a member here
			id, owned = OwnerID, true
		} else if id == OwnerID && owned {
			id = "admin_2"
		}
		if id == "" || !usable(id) || strings.ContainsAny(id, `/\`) || o.text("username") == "" {
			f.problem("users.json", "a user without a usable id and name is left out")
			continue
		}
		u := f.user(id)
		if u.Listed {
			f.problem("users.json", "the user "+clip(id, 40)+" stands there twice; the first counts")
			continue
		}
		u.Listed, u.Name = true, o.text("username")
		f.readUser(o, u)
	}
}

func (f *Found) readUser(o object, u *User) {
	u.raw = o.without("password", "services", "encrypted_user_secret") // these are kept by themselves
	p := o.object("password")
	if hash, err := auth.LegacyHash(p.text("salt"), p.text("pwdhash")); err == nil {
		u.Hash = hash
	} else {
		f.problem("users.json", "the password of "+clip(u.Name, 40)+" cannot be read; set a new one")
	}
	tokens := o.object("jwt_tokens")
	if len(tokens) > maxTokens {
		f.problem("users.json", "the user "+clip(u.Name, 40)+" has more tokens than a Specter can; they are left out")
		tokens = nil
	}
	for id := range tokens {
		t := tokens.object(id)
		if jwt := t.text("jwt_token"); jwt != "" {
			life := time.Duration(min(t.seconds("jwt_token_life"), math.MaxInt64/2e9) * float64(time.Second))
			u.Tokens = append(u.Tokens, Token{ID: id, JWT: jwt, Description: t.text("jwt_token_description"), Life: life})
		}
	}
	sort.Slice(u.Tokens, func(i, j int) bool { return u.Tokens[i].ID < u.Tokens[j].ID })
	if !u.Owner {
		u.Settings = settingsOf(o.object("config"))
	}
	if list := o.texts("services"); len(list) > 0 && len(o["services"]) <= maxSmall {
		f.Kept = append(f.Kept, Kept{Kind: "services of a user", User: u.ID, Name: u.Name,
			File: "users.json/" + u.ID + "/services", Data: append(json.RawMessage(nil), o["services"]...)})
	}
	if o.has("encrypted_user_secret") && len(o["encrypted_user_secret"]) <= maxSmall {
		f.Kept = append(f.Kept, Kept{Kind: "key of a user's services", User: u.ID, Name: u.Name,
			File: "users.json/" + u.ID + "/encrypted_user_secret", Data: append(json.RawMessage(nil), o["encrypted_user_secret"]...)})
	}
}

// links reads the registration links.
func (f *Found) links(s *Source) {
	var o object
	if _, ok := f.decode(s, "otps.json", &o, nil); !ok {
		return
	}
	f.Kept = append(f.Kept, Kept{Kind: "registration links", User: OwnerID, Name: "otps.json", File: "otps.json", Data: marshal(o), quiet: true})
	list, _ := o.objects("new_user_otps")
	if len(list) > maxLinks {
		f.problem("otps.json", "it has more registration links than a Specter can; only the first are read")
		list = list[:maxLinks]
	}
	for _, l := range list {
		if secret := l.text("otp"); secret != "" {
			f.Invitations = append(f.Invitations, Invitation{secret, moment(l.seconds("created_at")), moment(l.seconds("expiry"))})
		}
	}
}

// moment is a time of so many unix seconds; 0 is the zero time.
func moment(s float64) time.Time {
	if s <= 0 {
		return time.Time{}
	}
	whole, part := math.Modf(s)
	return time.Unix(int64(whole), int64(part*1e9)).UTC()
}

// services keeps what extensions stored: they are not there yet.
func (f *Found) services(s *Source) {
	names := make([]string, 0, len(s.files))
	for n := range s.files {
		names = append(names, n)
	}
	sort.Strings(names)
	seen := map[string]bool{}
	for _, n := range names {
		if n = strings.TrimSuffix(n, bkp); seen[n] {
			continue
		}
		seen[n] = true
		if strings.HasPrefix(n, extensions+"/") {
			f.keep(s, "file of an extension", OwnerID, strings.TrimPrefix(n, extensions+"/"), n)
			continue
		}
		base, is := strings.CutSuffix(n, "_services.json")
		if !is || strings.Contains(n, "/") {
			continue
		}
		name := strings.TrimSuffix(base, "_unencrypted")
		user := OwnerID
		for _, u := range f.Users {
			if u.Name == name {
				user = u.ID
			}
		}
		f.keep(s, "services of a user", user, name, n)
	}
	f.keepConfig(s)
}

// keepConfig keeps the words of the config that nobody here reads yet.
func (f *Found) keepConfig(s *Source) {
	for _, n := range []string{"config.json", "hwi_bridge_config.json", "migration_data.json"} {
		var o object
		if raw, ok := s.sound(n, &o); ok {
			f.Kept = append(f.Kept, Kept{Kind: "settings file", User: OwnerID, Name: n, File: n, Data: raw, quiet: true})
		}
	}
}

// sound returns a JSON file as it is, or its copy where it is missing or damaged.
func (s *Source) sound(name string, v any) (raw []byte, ok bool) {
	for _, n := range []string{name, name + bkp} {
		raw, err := s.read(n, maxKept)
		if err == nil && unmarshal(raw, v, nil) == nil {
			return raw, true
		}
	}
	return nil, false
}

// keep keeps a file as it is; where it is a JSON file that is damaged, its copy, if that is sound.
func (f *Found) keep(s *Source, kind, user, name, file string) {
	var any json.RawMessage
	raw, ok := s.sound(file, &any)
	if !ok || path.Ext(file) != ".json" {
		var err error
		raw, err = s.read(file, maxKept)
		if spare, e := s.read(file+bkp, maxKept); e == nil && (err != nil || !bytes.HasSuffix(raw, []byte("\n"))) && len(spare) > len(raw) { // cut off
			raw, err = spare, nil
		}
		if err != nil {
			f.problem(file, "it is not supported yet, and cannot be kept either ("+why(err)+")")
			return
		}
	}
	f.Kept = append(f.Kept, Kept{Kind: kind, User: user, Name: clip(name, 200), File: file, Data: raw})
}
