package tor

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"specter/internal/errs"
	"specter/internal/remote"
)

// fileClients holds the public keys of those who may reach the service.
const fileClients = "tor/clients.json"

// Bounds of the clients: what a descriptor of version 3 carries comfortably.
const (
	maxClients    = 64
	maxClientName = 60 // characters
)

// Client may reach an onion service that is not open to everybody who knows its name.
type Client struct {
	Name   string    `json:"name"`
	Public string    `json:"public"` // x25519 in base32, 52 letters
	Made   time.Time `json:"made"`
}

// Pass is the private part of a new client, which is shown once and not kept.
type Pass struct {
	Key  string // what Tor Browser asks for
	Line string // of an .auth_private file, for tor itself (ClientOnionAuthDir)
}

// Clients are those who may reach the service; while there are none, everybody may who knows
// its name. It is safe for concurrent use.
type Clients struct {
	files remote.Files
	mu    sync.Mutex
}

// NewClients opens the list.
func NewClients(files remote.Files) *Clients { return &Clients{files: files} }

// List returns the clients, oldest first. A list that cannot be read is an error and not an
// empty one: that would open the service to everybody.
func (c *Clients) List() ([]Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read()
}

func (c *Clients) read() ([]Client, error) {
	raw, err := c.files.Read(fileClients)
	if errors.Is(err, remote.ErrNoFile) {
		return nil, nil
	}
	var list []Client
	if err == nil {
		err = json.Unmarshal(raw, &list)
	}
	if err == nil && (len(list) > maxClients || slices.ContainsFunc(list, func(c Client) bool { return !isClientKey(c.Public) })) {
		err = errors.New("it holds something else than keys of clients")
	}
	if err != nil {
		return nil, errs.E(errs.Unavailable, "the list of who may reach the onion service (%s) cannot be read: %w. Put it back from a backup, or delete it to let everybody in who knows the address", fileClients, err)
	}
	return list, nil
}

func isClientKey(text string) bool {
	raw, err := keyText.DecodeString(text)
	return err == nil && len(raw) == 32
}

// keyText is how keys of clients are written.
var keyText = base32.StdEncoding.WithPadding(base32.NoPadding)

// Add makes a key for somebody, for the service of that name. errs.Invalid and errs.Conflict say
// what is wrong with the client's name.
func (c *Clients) Add(client, service string, now time.Time) (Pass, error) {
	client = strings.TrimSpace(client)
	if client == "" || utf8.RuneCountInString(client) > maxClientName || strings.ContainsFunc(client, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return Pass{}, errs.E(errs.Invalid, "give the device or the person a name of at most %d letters", maxClientName)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	list, err := c.read()
	if err != nil {
		return Pass{}, err
	}
	switch {
	case slices.ContainsFunc(list, func(o Client) bool { return strings.EqualFold(o.Name, client) }):
		return Pass{}, errs.E(errs.Conflict, "there is a key for %q already; remove it first, or choose another name", client)
	case len(list) >= maxClients:
		return Pass{}, errs.E(errs.Invalid, "there are %d keys already; remove one first", maxClients)
	}
	private, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return Pass{}, err
	}
	list = append(list, Client{Name: client, Public: keyText.EncodeToString(private.PublicKey().Bytes()), Made: now.UTC().Truncate(time.Second)})
	if err := c.write(list); err != nil {
		return Pass{}, err
	}
	key := keyText.EncodeToString(private.Bytes())
	return Pass{Key: key, Line: strings.TrimSuffix(service, ".onion") + ":descriptor:x25519:" + key}, nil
}

// Remove shuts a client out; errs.NotFound where there is none of that name.
func (c *Clients) Remove(client string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	list, err := c.read()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(o Client) bool { return o.Name == client })
	if i < 0 {
		return errs.E(errs.NotFound, "there is no key for %.100q", client)
	}
	return c.write(slices.Delete(list, i, i+1))
}

func (c *Clients) write(list []Client) error {
	raw, err := json.MarshalIndent(list, "", " ")
	if err != nil {
		return err
	}
	return c.files.Write(fileClients, raw)
}
