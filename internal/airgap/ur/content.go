package ur

import (
	"encoding/binary"
	"strings"

	"specter/internal/btc"
	"specter/internal/errs"
)

// Secret is text or bytes that prints nothing.
type Secret []byte

// String says nothing about the secret.
func (Secret) String() string { return "secret (hidden)" }

// GoString says nothing about the secret.
func (Secret) GoString() string { return "secret (hidden)" }

// MarshalText says nothing about the secret.
func (Secret) MarshalText() ([]byte, error) { return []byte("secret (hidden)"), nil }

// Content is what a resource of a known type holds. Which fields are filled depends on Kind.
type Content struct {
	Kind string // the type's new name: psbt, bytes, hdkey, eckey, address, output-descriptor, account-descriptor, seed, bip39

	PSBT        []byte          // psbt: the binary PSBT; not verified here
	Bytes       []byte          // bytes
	Keys        []Key           // hdkey, eckey: one; output-descriptor, account-descriptor: all in order
	Outputs     []Output        // output-descriptor: one; account-descriptor: one each
	Fingerprint btc.Fingerprint // account-descriptor: of the master key
	Address     string          // address
	Mnemonic    Secret          // bip39: the words, with blanks between
	Seed        Secret          // seed: the entropy, which is not a BIP32 seed
	Name, Note  string          // seed
}

// Descriptors lists the texts of the outputs.
func (c Content) Descriptors() []string {
	var out []string
	for _, o := range c.Outputs {
		out = append(out, o.Descriptor)
	}
	return out
}

// kinds maps the names of types, old and new, to the new one.
var kinds = map[string]string{
	"psbt": "psbt", "crypto-psbt": "psbt",
	"bytes": "bytes",
	"hdkey": "hdkey", "crypto-hdkey": "hdkey",
	"eckey": "eckey", "crypto-eckey": "eckey",
	"address": "address", "crypto-address": "address",
	"output-descriptor": "output-descriptor", "crypto-output": "output-descriptor",
	"account-descriptor": "account-descriptor", "crypto-account": "account-descriptor",
	"seed": "seed", "crypto-seed": "seed",
	"bip39": "bip39", "crypto-bip39": "bip39",
}

// Content reads the CBOR of a resource. The error has the code unsupported for a type that is not
// known here; the resource itself is good then.
func (u UR) Content() (Content, error) {
	c := Content{Kind: kinds[u.Type]}
	if c.Kind == "" {
		return c, errs.Bad(errs.Unsupported, "a resource of type %s is not understood here", u.Type)
	}
	it, err := parseCBOR(u.CBOR)
	if err != nil {
		return c, err
	}
	switch c.Kind {
	case "psbt":
		c.PSBT, err = parseBytes(it, tagPSBT, tagPSBTNew)
	case "bytes":
		c.Bytes, err = parseBytes(it)
	case "hdkey", "eckey":
		err = c.parseKey(it)
	case "address":
		if it, err = untag(it, tagAddress, tagAddressNew); err == nil {
			c.Address, err = parseAddress(it)
		}
	case "output-descriptor":
		err = c.addOutput(it, nil)
	case "account-descriptor":
		err = c.parseAccount(it)
	case "seed":
		err = c.parseSeed(it)
	case "bip39":
		err = c.parseMnemonic(it)
	}
	return c, err
}

func parseBytes(it item, tags ...uint64) ([]byte, error) {
	it, err := untag(it, tags...)
	if err != nil {
		return nil, err
	}
	if it.kind != kindBytes {
		return nil, malformed("the content")
	}
	return it.data, nil
}

// parseKey reads an hdkey or eckey; at the top of a resource they have no tag.
func (c *Content) parseKey(it item) error {
	var k Key
	var err error
	switch {
	case it.kind == kindTag:
		k, err = parseKey(it)
	case c.Kind == "hdkey":
		k, err = parseHDKey(it)
	default:
		k, err = parseECKey(it)
	}
	c.Keys = []Key{k}
	return err
}

func (c *Content) addOutput(it item, master *btc.Fingerprint) error {
	o, err := parseOutput(it, master)
	if err != nil {
		return err
	}
	c.Outputs = append(c.Outputs, o)
	c.Keys = append(c.Keys, o.Keys...)
	return nil
}

// parseAccount reads an account of either version (BCR-2020-015, BCR-2023-019).
func (c *Content) parseAccount(it item) error {
	it, err := untag(it, tagAccount, tagAccountNew)
	if err != nil {
		return err
	}
	fp, ok1 := it.field(1)
	outputs, ok2 := it.field(2)
	if !ok1 || !ok2 || fp.kind != kindUint || fp.n >= 1<<32 || outputs.kind != kindArray {
		return malformed("the account")
	}
	binary.BigEndian.PutUint32(c.Fingerprint[:], uint32(fp.n))
	for _, o := range outputs.items {
		if err := c.addOutput(o, &c.Fingerprint); err != nil {
			return err
		}
	}
	return nil
}

func (c *Content) parseSeed(it item) error {
	it, err := untag(it, tagSeed, tagSeedNew)
	if err != nil {
		return err
	}
	payload, ok := it.field(1)
	if !ok || payload.kind != kindBytes {
		return malformed("the seed")
	}
	c.Seed = payload.data
	if name, ok := it.field(3); ok && name.kind == kindText {
		c.Name = string(name.data)
	}
	if note, ok := it.field(4); ok && note.kind == kindText {
		c.Note = string(note.data)
	}
	return nil
}

// parseMnemonic joins the words; whether they are a mnemonic is for the room that knows.
func (c *Content) parseMnemonic(it item) error {
	it, err := untag(it, tagBIP39)
	if err != nil {
		return err
	}
	words, ok := it.field(1)
	if !ok || words.kind != kindArray || len(words.items) > 24 {
		return malformed("the mnemonic")
	}
	var list []string
	for _, w := range words.items {
		if w.kind != kindText {
			return malformed("the mnemonic")
		}
		list = append(list, string(w.data))
	}
	c.Mnemonic = Secret(strings.Join(list, " "))
	return nil
}
