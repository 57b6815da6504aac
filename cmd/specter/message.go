package main

import (
	"encoding/hex"
	"strings"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/message"
	"specter/internal/btc/mnemonic"
	"specter/internal/errs"
)

type messageCmd struct {
	Verify messageVerifyCmd `cmd:"" help:"Check a signed message (legacy, BIP137, BIP322)."`
	Sign   messageSignCmd   `cmd:"" help:"Sign a message with a key from standard input."`
	Parse  messageParseCmd  `cmd:"" help:"Read a \"signmessage …\" request for a device."`
}

type messageVerifyCmd struct {
	common
	Message   string `help:"The message; without it standard input is the message." placeholder:"TEXT"`
	Address   string `arg:"" optional:"" help:"Address of the signer."`
	Signature string `arg:"" optional:"" help:"Signature in base64."`
}

// Help shows how it is used.
func (messageVerifyCmd) Help() string {
	return "Example:\n  printf %s 'Trust no one' | specter message verify 15CRxFdyRpGZLW9w8HnHvVduizdL5jKNbs IPojfrX2dfPnH26UegfbGQQLrdK844DlHq5157/P6h57WyuS/Qsl+h/WSVGDF4MUi4rWSswW38oimDYfNNUBUOk="
}

// Run answers. The message is taken as it is, but for the line end that a shell adds.
func (c messageVerifyCmd) Run(h host) error {
	return c.answer(h, func(r *request) error {
		r.Address, r.Signature, r.Message = c.Address, c.Signature, c.Message
		if c.JSONL || c.Message != "" {
			return nil
		}
		data, err := h.inputBytes("")
		r.Message = strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
		return err
	}, verifyMessage)
}

type messageAnswer struct {
	Valid    bool    `json:"valid"`
	Format   string  `json:"format"`
	LockTime *uint32 `json:"lock_time,omitempty"` // good from then on
	Sequence *uint32 `json:"sequence,omitempty"`
}

func verifyMessage(r request) (any, error) {
	n, err := r.network()
	if err != nil {
		return nil, err
	}
	result, err := message.Verify(r.Address, n, r.Message, r.Signature)
	if err != nil {
		return nil, invalid(err)
	}
	a := messageAnswer{Valid: true, Format: string(result.Format)}
	if result.LockTime != 0 {
		a.LockTime = &result.LockTime
	}
	if result.Sequence != 0 {
		a.Sequence = &result.Sequence
	}
	return a, nil
}

type messageSignCmd struct {
	common
	Path       string `help:"Path of the key, such as m/84h/0h/0h/0/0." placeholder:"PATH"`
	Address    string `help:"Address to sign for; without it the one that the path or key stands for." placeholder:"ADDR"`
	Format     string `help:"legacy, bip137, bip322-simple or bip322-full; without it what fits the address." placeholder:"FORMAT"`
	Passphrase string `help:"BIP39 passphrase as @file." placeholder:"@FILE"`
	Message    string `arg:"" optional:"" help:"The message, or @file."`
}

// Help says where the key comes from.
func (messageSignCmd) Help() string {
	return "The key comes by standard input and is never an argument: WIF, xprv or seed words.\n\nExample:\n  specter message sign --path m/84h/0h/0h/0/0 'I own this' < words.txt"
}

// Run answers.
func (c messageSignCmd) Run(h host) error {
	return c.answer(h, func(r *request) (err error) {
		r.Path, r.Address, r.Format, r.Message = c.Path, c.Address, c.Format, c.Message
		if strings.HasPrefix(c.Message, "@") {
			data, err := h.inputBytes(c.Message)
			if err != nil {
				return err
			}
			r.Message = strings.TrimSuffix(string(data), "\n")
		}
		if err := h.passphrase(r, c.Passphrase); err != nil || c.JSONL {
			return err
		}
		r.Key, err = h.input("")
		return
	}, signMessage)
}

func signMessage(r request) (any, error) {
	n, err := r.network()
	if err != nil {
		return nil, err
	}
	key, compressed, err := r.signingKey()
	if err != nil {
		return nil, err
	}
	address := r.Address
	if address == "" {
		if address, err = addressOfKey(key, compressed, r.Path, n); err != nil {
			return nil, err
		}
	}
	signature, err := message.Sign(key, address, n, r.Message, message.Format(r.Format))
	if err != nil {
		return nil, err
	}
	made, err := message.Verify(address, n, r.Message, signature)
	if err != nil {
		return nil, err
	}
	return map[string]string{"signature": signature, "address": address, "format": string(made.Format)}, nil
}

// signingKey reads the private key: WIF, hex, or an extended key or words with a path. Errors
// never repeat it.
func (r request) signingKey() (key *btcec.PrivateKey, compressed bool, err error) {
	text := strings.TrimSpace(firstOf(r.Key, r.Mnemonic))
	if wif, err := btcutil.DecodeWIF(text); err == nil {
		return wif.PrivKey, wif.CompressPubKey, nil
	}
	if raw, err := hex.DecodeString(text); err == nil && len(raw) == 32 {
		var s btcec.ModNScalar
		if s.SetByteSlice(raw) || s.IsZero() {
			return nil, false, errs.Bad(errs.BadKey, "the key is no number that a private key can be")
		}
		key, _ := btcec.PrivKeyFromBytes(raw)
		return key, true, nil
	}
	x, err := r.masterKey(text)
	if err != nil {
		return nil, false, err
	}
	p, err := btc.ParsePath(firstOf(r.Path, "m"))
	if err != nil {
		return nil, false, err
	}
	child, err := x.Derive(p)
	if err != nil {
		return nil, false, err
	}
	key, ok := child.PrivateKey()
	if !ok {
		return nil, false, errs.Bad(errs.BadKey, "the key is public; signing needs a private one")
	}
	return key, true, nil
}

// masterKey reads seed words or an extended key.
func (r request) masterKey(text string) (btc.XKey, error) {
	if strings.ContainsAny(text, " \n\u3000") {
		m, err := mnemonic.Parse(text)
		if err != nil {
			return btc.XKey{}, err
		}
		return btc.NewMaster(m.Seed(r.Passphrase), true)
	}
	x, _, err := btc.ParseXKey(text)
	if err != nil {
		return x, errs.Bad(errs.BadKey, "the key is neither WIF, an extended private key nor seed words")
	}
	return x, nil
}

// addressOfKey returns the address that a path's purpose stands for, P2PKH where it tells none.
func addressOfKey(key *btcec.PrivateKey, compressed bool, path string, n btc.Network) (string, error) {
	pub := hex.EncodeToString(key.PubKey().SerializeCompressed())
	text := "pkh(" + pub + ")"
	p, _ := btc.ParsePath(firstOf(path, "m"))
	switch btc.ScriptTypeOf(p) {
	case "wpkh":
		text = "wpkh(" + pub + ")"
	case "sh-wpkh":
		text = "sh(wpkh(" + pub + "))"
	case "tr":
		text = "tr(" + pub[2:] + ")"
	default:
		if !compressed {
			text = "pkh(" + hex.EncodeToString(key.PubKey().SerializeUncompressed()) + ")"
		}
	}
	d, err := descriptor.Parse(text, descriptor.Options{})
	if err != nil {
		return "", err
	}
	out, err := d.Derive(0)
	if err != nil {
		return "", err
	}
	address, _ := out.Address(n)
	return address, nil
}

type messageParseCmd struct {
	common
	Request string `arg:"" optional:"" help:"The request; - or none reads standard input."`
}

// Help shows how it is used.
func (messageParseCmd) Help() string {
	return "Example:\n  specter message parse \"signmessage m/84h/0h/0h/0/5 ascii:hello\""
}

// Run answers.
func (c messageParseCmd) Run(h host) error {
	return c.answer(h, func(r *request) (err error) { r.Message, err = h.argument(c.common, c.Request); return }, parseMessageRequest)
}

func parseMessageRequest(r request) (any, error) {
	req, err := message.ParseRequest(firstOf(r.Message, r.Data))
	if err != nil {
		return nil, err
	}
	return map[string]string{"path": req.Path.Full(), "message": req.Message}, nil
}
