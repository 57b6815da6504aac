package specterdiy

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
)

// NeedsRegistration is false for the one wallet that the device has from the beginning: native
// segwit, one key, account 0. It shows addresses of known wallets alone.
func (s *session) NeedsRegistration(w signer.Wallet) bool {
	if w.Descriptor == nil {
		return false
	}
	keys := w.Descriptor.Keys()
	if w.Descriptor.ScriptType() != "wpkh" || len(keys) != 1 || keys[0].Origin == nil {
		return true
	}
	account := btc.Path{btc.Hardened | 84, btc.Hardened | s.options.Network.CoinType(), btc.Hardened}
	return keys[0].Origin.Path.String() != account.String() || keys[0].Path != "<0;1>/*"
}

// maxName is how many characters of a wallet's name are kept; the device shows two lines.
const maxName = 40

// walletName makes a name that stands in a command: one line without the sign between name and
// descriptor.
func walletName(name string) string {
	name = printable(strings.ReplaceAll(name, "&", "+"))
	if runes := []rune(name); len(runes) > maxName {
		name = strings.TrimSpace(string(runes[:maxName]))
	}
	if name == "no reason given" {
		return "Specter"
	}
	return name
}

// Register adds a wallet to the device. One that is there already is not asked about again.
func (s *session) Register(ctx context.Context, w signer.Wallet) (signer.Registration, error) {
	if !s.NeedsRegistration(w) {
		return signer.Registration{}, nil
	}
	if err := s.sameCoins(); err != nil {
		return signer.Registration{}, err
	}
	bare, err := w.Descriptor.WithAnnotations(nil)
	if err != nil {
		return signer.Registration{}, signer.E(signer.CodeBadArgument, "the wallet's descriptor cannot be used: %w", err)
	}
	text, _, _ := strings.Cut(bare.String(), "#")
	name := walletName(w.Name)
	s.options.Tell(signer.Notice{Kind: signer.NoticeRegister})
	answer, err := s.query(ctx, "addwallet "+name+"&"+text)
	switch {
	case err != nil && strings.Contains(err.Error(), "already exists"):
	case signer.CodeOf(err) == signer.CodeCancelled && ctx.Err() == nil:
		return signer.Registration{}, signer.Declined("the wallet")
	case err != nil:
		return signer.Registration{}, err
	case answer != "success":
		return signer.Registration{}, garbled()
	}
	return signer.Registration{Name: name}, nil
}

// ShowAddress shows an address until the person leaves it.
func (s *session) ShowAddress(ctx context.Context, w signer.Wallet, _ signer.Registration, branch, index uint32) (string, error) {
	if err := s.sameCoins(); err != nil {
		return "", err
	}
	_, out, err := w.At(branch, index)
	if err != nil {
		return "", err
	}
	command, err := s.addressCommand(w, out, branch)
	if err != nil {
		return "", err
	}
	s.options.Tell(signer.Notice{Kind: signer.NoticeConfirm})
	answer, err := s.query(ctx, command)
	if err != nil {
		return "", err
	}
	if answer == "success" { // a known address was shown, and is not repeated
		address, _ := out.Address(s.options.Network)
		return address, nil
	}
	return answer, s.onOurNetwork(answer)
}

// onOurNetwork tells when an address is of another network.
func (s *session) onOurNetwork(address string) error {
	if _, err := btc.ParseAddress(address, s.options.Network); err == nil {
		return nil
	}
	for _, n := range btc.Networks() {
		if _, err := btc.ParseAddress(address, n); err == nil {
			return otherNetwork(n.String(), s.options.Network)
		}
	}
	return garbled()
}

// addressCommand writes the command for an address. Taproot has none; there the device is asked
// to recognise the address, which it does on the receiving branch.
func (s *session) addressCommand(w signer.Wallet, out *descriptor.Output, branch uint32) (string, error) {
	kind := w.Descriptor.ScriptType()
	path := out.Keys[0].Origin
	for _, k := range out.Keys {
		if k.Origin.Fingerprint == s.info.Fingerprint {
			path = k.Origin
			break
		}
	}
	if path.Fingerprint != s.info.Fingerprint {
		return "", signer.E(signer.CodeBadArgument, "no key of this wallet is on the Specter-DIY %s; load the key that belongs to it", s.info.Fingerprint)
	}
	switch kind {
	case "pkh", "wpkh", "sh-wpkh":
		return "showaddr " + kind + " " + path.Path.Full(), nil
	case "sh":
		return "showaddr sh " + path.String() + " " + hex.EncodeToString(out.RedeemScript), nil
	case "wsh", "sh-wsh":
		return "showaddr " + kind + " " + path.String() + " " + hex.EncodeToString(out.WitnessScript), nil
	case "tr":
		if branch != 0 {
			return "", signer.E(signer.CodeUnavailable, "a Specter-DIY shows Taproot addresses of the receiving branch alone")
		}
		address, ok := out.Address(s.options.Network)
		if !ok {
			break
		}
		return fmt.Sprintf("bitcoin:%s?index=%d", address, out.Index), nil
	}
	return "", signer.E(signer.CodeUnavailable, "a Specter-DIY cannot show addresses of this kind")
}

// Sign sends the transaction as one line. The answer has the signatures and little else.
func (s *session) Sign(ctx context.Context, _ signer.Wallet, _ signer.Registration, tx *psbt.Packet) (*psbt.Packet, error) {
	if err := s.sameCoins(); err != nil {
		return nil, err
	}
	sent := tx
	if tx.Version == 2 {
		var err error
		if sent, err = tx.Convert(0); err != nil {
			return nil, signer.E(signer.CodeBadTransaction, "the transaction cannot be written for a Specter-DIY: %w", err)
		}
	}
	text, err := sent.Base64()
	if err != nil {
		return nil, signer.E(signer.CodeBadTransaction, "the transaction cannot be written: %w", err)
	}
	s.options.Tell(signer.Notice{Kind: signer.NoticeConfirm})
	answer, err := s.query(ctx, "sign "+text)
	if err != nil {
		if signer.CodeOf(err) == signer.CodeCancelled && ctx.Err() == nil {
			err = signer.Declined("the transaction")
		}
		return nil, err
	}
	signed, err := psbt.Decode(strings.Join(strings.Fields(answer), ""))
	if err != nil {
		return nil, signer.E(signer.CodeUnknown, "the signed transaction of the Specter-DIY cannot be read: %w", err)
	}
	merged, _, err := tx.Merge(signed)
	if err != nil {
		return nil, signer.E(signer.CodeUnknown, "the answer of the Specter-DIY was refused: %w", err)
	}
	return merged, nil
}

// SignMessage signs a message. The header of the signature is that of a legacy address, whatever
// the path.
func (s *session) SignMessage(ctx context.Context, p btc.Path, message []byte) ([]byte, error) {
	body := "base64:" + base64.StdEncoding.EncodeToString(message)
	if plain(message) {
		body = "ascii:" + string(message)
	}
	s.options.Tell(signer.Notice{Kind: signer.NoticeConfirm})
	answer, err := s.query(ctx, "signmessage "+p.Full()+" "+body)
	if err != nil {
		if signer.CodeOf(err) == signer.CodeCancelled && ctx.Err() == nil {
			err = signer.Declined("the message")
		}
		return nil, err
	}
	sig, err := base64.StdEncoding.DecodeString(strings.TrimSpace(answer))
	if err != nil || len(sig) != 65 {
		return nil, garbled()
	}
	return sig, nil
}

// plain tells whether a message can stand in a command as it is: the device cuts spaces at the
// ends and reads one line.
func plain(message []byte) bool {
	for _, c := range message {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(message) > 0 && message[0] != ' ' && message[len(message)-1] != ' '
}
