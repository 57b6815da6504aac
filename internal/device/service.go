package device

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"specter/internal/btc"
	"specter/internal/btc/mnemonic"
	"specter/internal/errs"
	"specter/internal/interop"
)

// Store keeps devices; each call is one transaction. Package store implements it.
type Store interface {
	Devices(ctx context.Context, owner string) ([]Device, error)     // by name
	Device(ctx context.Context, owner, alias string) (Device, error) // errs.NotFound
	PutDevice(ctx context.Context, d *Device) error                  // ID 0 inserts and sets ID; else replaces name, type, keys, seed
	DeleteDevice(ctx context.Context, owner string, id int64) error
}

// Config is what the service needs.
type Config struct {
	Store Store
	Now   func() time.Time
	// Uses lists the names of the owner's wallets that have the key, on any network.
	Uses func(ctx context.Context, owner string, xpub string) ([]string, error)
	// Seal encrypts a software key's words under a password.
	Seal func(words, passphrase, password string) ([]byte, error)
	// HotAllowed tells whether software keys may be made; nil: they may. Those that are there
	// sign in any case.
	HotAllowed func(ctx context.Context) (bool, error)
}

// Service is the door to the user's devices.
type Service struct{ c Config }

// New makes the service.
func New(c Config) *Service { return &Service{c} }

// List returns the owner's devices by name.
func (s *Service) List(ctx context.Context, owner string) ([]Device, error) {
	return s.c.Store.Devices(ctx, owner)
}

// Get returns one device.
func (s *Service) Get(ctx context.Context, owner, alias string) (Device, error) {
	return s.c.Store.Device(ctx, owner, alias)
}

// Parsed is what ParseKeys understood.
type Parsed struct {
	Keys     []Key
	Problems []string // one sentence a line that was not understood
}

// ParseKeys reads keys from what a person typed or a device exported. It fails when nothing
// could be used.
func (s *Service) ParseKeys(data []byte) (Parsed, error) {
	f, err := interop.ReadKeys(data)
	if err != nil {
		return Parsed{}, err
	}
	var p Parsed
	for _, problem := range f.Problems {
		p.Problems = append(p.Problems, problem.String())
	}
	for _, k := range f.Keys {
		key := Key{Original: k.Original, Fingerprint: k.Origin.Fingerprint, Path: k.Origin.Path,
			HasOrigin: k.HasOrigin, XPub: k.XKey.String(), ScriptType: k.ScriptType}
		if !slices.ContainsFunc(p.Keys, func(o Key) bool { return same(o, key) }) {
			p.Keys = append(p.Keys, key)
		}
	}
	return p, nil
}

// same tells the same key typed twice: equal key and equal purpose.
func same(a, b Key) bool { return a.XPub == b.XPub && a.ScriptType == b.ScriptType }

// Create stores a new device. Name must be new for the owner and hold a letter or digit.
func (s *Service) Create(ctx context.Context, owner, name, typ string, keys []Key) (Device, error) {
	if TypeOf(typ).Hot {
		return Device{}, errs.E(errs.Invalid, "a software key is made of seed words, not of pasted keys")
	}
	if len(keys) == 0 {
		return Device{}, errs.E(errs.Invalid, "add at least one key of the device")
	}
	return s.insert(ctx, Device{Owner: owner, Name: name, Type: TypeOf(typ).ID, Keys: keys})
}

// Seed is what a software key is made of.
type Seed struct {
	Words      string // BIP39
	Passphrase string // BIP39 passphrase; "" none
	Password   string // encrypts the seed on disk; "" leaves it to whoever can read the data folder
	Network    btc.Network
	Account    uint32
	// Unprotected says that the empty password is meant. On networks for tests nobody has to.
	Unprotected bool
}

// CreateHot makes a software key: the seed is encrypted, its account keys become the device's.
func (s *Service) CreateHot(ctx context.Context, owner, name string, seed Seed) (Device, error) {
	if s.c.HotAllowed != nil {
		allowed, err := s.c.HotAllowed(ctx)
		if err != nil {
			return Device{}, err
		}
		if !allowed {
			return Device{}, errs.E(errs.Denied, "software keys are turned off here; the owner of this Specter can turn them on where devices are added")
		}
	}
	if seed.Password == "" && seed.Network.IsMain() && !seed.Unprotected {
		return Device{}, errs.E(errs.Invalid, "give the key a password, or say that you want none: without one, whoever can read the data folder has the coins")
	}
	m, err := mnemonic.Parse(seed.Words)
	if err != nil {
		return Device{}, err
	}
	words := strings.Join(m.Words(), " ")
	keys, err := hotKeys(m.Seed(seed.Passphrase), seed.Network, seed.Account)
	if err != nil {
		return Device{}, err
	}
	sealed, err := s.c.Seal(words, seed.Passphrase, seed.Password)
	if err != nil {
		return Device{}, fmt.Errorf("encrypt the seed: %w", err)
	}
	return s.insert(ctx, Device{Owner: owner, Name: name, Type: "hot", Keys: keys, Sealed: sealed, NeedsSecret: seed.Password != ""})
}

// hotKeys derives the account keys that Specter offers for a seed.
func hotKeys(seed []byte, n btc.Network, account uint32) ([]Key, error) {
	master, err := btc.NewMaster(seed, n.IsMain())
	if err != nil {
		return nil, err
	}
	const h = btc.Hardened
	if account >= h {
		return nil, errs.Bad(errs.BadPath, "the account number is too large")
	}
	coin, acct := n.CoinType()|h, account|h
	paths := []btc.Path{
		{84 | h, coin, acct}, {86 | h, coin, acct}, {49 | h, coin, acct}, {44 | h, coin, acct},
		{48 | h, coin, acct, 2 | h}, {48 | h, coin, acct, 1 | h},
	}
	var keys []Key
	for _, p := range paths {
		x, err := master.Derive(p)
		if err != nil {
			return nil, err
		}
		typ := btc.ScriptTypeOf(p)
		pub := x.Public()
		keys = append(keys, Key{Original: pub.Encode(btc.VersionFor(typ, n.IsMain(), false).Bytes),
			Fingerprint: master.Fingerprint(), Path: p, HasOrigin: true, XPub: pub.String(), ScriptType: typ})
	}
	return keys, nil
}

func (s *Service) insert(ctx context.Context, d Device) (Device, error) {
	name, err := cleanName(d.Name)
	if err != nil {
		return Device{}, err
	}
	existing, err := s.c.Store.Devices(ctx, d.Owner)
	if err != nil {
		return Device{}, err
	}
	if slices.ContainsFunc(existing, func(o Device) bool { return strings.EqualFold(o.Name, name) }) {
		return Device{}, errs.E(errs.Conflict, "you have a device named %q already; choose another name", name)
	}
	d.Name, d.Created = name, s.c.Now()
	d.Alias = freeAlias(btc.Slug(name), func(a string) bool {
		return slices.ContainsFunc(existing, func(o Device) bool { return o.Alias == a })
	})
	if err := s.c.Store.PutDevice(ctx, &d); err != nil {
		return Device{}, err
	}
	return d, nil
}

// freeAlias appends a number to a slug until it is free.
func freeAlias(slug string, taken func(string) bool) string {
	alias := slug
	for i := 2; taken(alias); i++ {
		alias = fmt.Sprintf("%s_%d", slug, i)
	}
	return alias
}

func cleanName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if len(name) > 100 {
		return "", errs.E(errs.Invalid, "the name is too long; use at most 100 characters")
	}
	if strings.ContainsFunc(name, unicode.IsControl) || btc.Slug(name) == "" {
		return "", errs.E(errs.Invalid, "give the device a name with at least one letter or digit")
	}
	return name, nil
}

// AddKeys adds keys; those that the device has already are passed over.
func (s *Service) AddKeys(ctx context.Context, owner, alias string, keys []Key) (Device, error) {
	d, err := s.Get(ctx, owner, alias)
	if err != nil {
		return Device{}, err
	}
	for _, k := range keys {
		if !slices.ContainsFunc(d.Keys, func(o Key) bool { return same(o, k) }) {
			d.Keys = append(d.Keys, k)
		}
	}
	return d, s.c.Store.PutDevice(ctx, &d)
}

// RemoveKey removes a key by its canonical xpub and script type; refused while a wallet uses it.
func (s *Service) RemoveKey(ctx context.Context, owner, alias, xpub, scriptType string) (Device, error) {
	d, err := s.Get(ctx, owner, alias)
	if err != nil {
		return Device{}, err
	}
	i := slices.IndexFunc(d.Keys, func(k Key) bool { return k.XPub == xpub && k.ScriptType == scriptType })
	if i < 0 {
		return Device{}, errs.E(errs.NotFound, "the device has no such key")
	}
	twins := 0
	for _, k := range d.Keys {
		if k.XPub == xpub {
			twins++
		}
	}
	if twins == 1 {
		if err := s.unused(ctx, owner, "This key", d.Keys[i:i+1]); err != nil {
			return Device{}, err
		}
	}
	d.Keys = slices.Delete(d.Keys, i, i+1)
	return d, s.c.Store.PutDevice(ctx, &d)
}

func (s *Service) unused(ctx context.Context, owner, what string, keys []Key) error {
	for _, k := range keys {
		wallets, err := s.c.Uses(ctx, owner, k.XPub)
		if err != nil {
			return err
		}
		if len(wallets) > 0 {
			return errs.E(errs.Conflict, "%s is used by the wallet %q; delete that wallet first", what, wallets[0])
		}
	}
	return nil
}

// Uses lists the wallets that have one of the device's keys, without repeats.
func (s *Service) Uses(ctx context.Context, owner string, d Device) ([]string, error) {
	var out []string
	for _, k := range d.Keys {
		names, err := s.c.Uses(ctx, owner, k.XPub)
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			if !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	return out, nil
}

// Rename changes the display name; the alias stays.
func (s *Service) Rename(ctx context.Context, owner, alias, name string) (Device, error) {
	d, err := s.Get(ctx, owner, alias)
	if err != nil {
		return Device{}, err
	}
	if name, err = cleanName(name); err != nil {
		return Device{}, err
	}
	all, err := s.c.Store.Devices(ctx, owner)
	if err != nil {
		return Device{}, err
	}
	if slices.ContainsFunc(all, func(o Device) bool { return o.ID != d.ID && strings.EqualFold(o.Name, name) }) {
		return Device{}, errs.E(errs.Conflict, "you have a device named %q already; choose another name", name)
	}
	d.Name = name
	return d, s.c.Store.PutDevice(ctx, &d)
}

// SetType changes the type of a device that is no software key.
func (s *Service) SetType(ctx context.Context, owner, alias, typ string) (Device, error) {
	d, err := s.Get(ctx, owner, alias)
	if err != nil {
		return Device{}, err
	}
	if d.Hot() || TypeOf(typ).Hot {
		return Device{}, errs.E(errs.Invalid, "a software key cannot change into another type, nor another into it")
	}
	d.Type = TypeOf(typ).ID
	return d, s.c.Store.PutDevice(ctx, &d)
}

// Forget deletes a device; refused while a wallet uses one of its keys.
func (s *Service) Forget(ctx context.Context, owner, alias string) error {
	d, err := s.Get(ctx, owner, alias)
	if err != nil {
		return err
	}
	if err := s.unused(ctx, owner, "The device", d.Keys); err != nil {
		return err
	}
	return s.c.Store.DeleteDevice(ctx, owner, d.ID)
}
