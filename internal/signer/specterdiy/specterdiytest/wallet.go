package specterdiytest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/message"
	"specter/internal/btc/psbt"
	"specter/internal/signer/signertest"
)

// addWallet asks whether to keep a wallet.
func (p *port) addWallet(ctx context.Context, args string) (string, error) {
	i := strings.LastIndex(args, "&") // a name may hold the sign
	name, text := "Untitled", args
	if i >= 0 {
		name, text = args[:i], args[i+1:]
	}
	d, err := descriptor.Parse(text, descriptor.Options{})
	if err != nil {
		return "", said(fmt.Sprintf("Can't parse descriptor\n\n%v", err))
	}
	if main, known := d.IsMain(); known && main != p.Network.IsMain() {
		return "", said(fmt.Sprintf("Some keys don't belong to the %s network!", p.Network))
	}
	for _, old := range p.known() {
		if old.String() == d.String() {
			return "", said("Wallet with this descriptor already exists")
		}
	}
	if p.Lie.Registry {
		return "success", nil
	}
	if !p.Person.Ask(ctx, signertest.ShowPolicy, name+": "+d.String()).Approve {
		return "", errCancelled
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wallets = append(p.wallets, wallet{name, d})
	return "success", nil
}

// showAddress shows an address of a known wallet.
func (p *port) showAddress(ctx context.Context, args string) (string, error) {
	parts := strings.Split(args, " ")
	if len(parts) != 2 && len(parts) != 3 {
		return "", said("Too many arguments")
	}
	first, _, _ := strings.Cut(parts[1], ",")
	origin, err := p.origin(first)
	if err != nil {
		return "", err
	}
	var script []byte
	if len(parts) == 3 {
		if script, err = scriptOf(parts[0], parts[2]); err != nil {
			return "", err
		}
	} else {
		key, err := p.Master.Derive(origin.Path)
		if err != nil {
			return "", err
		}
		if script = signertest.SingleScripts(key)[parts[0]]; script == nil || parts[0] == "tr" {
			return "", said(fmt.Sprintf("Unsupported script type: %s", parts[0]))
		}
	}
	if n := len(origin.Path); n >= 2 {
		for _, d := range p.known() {
			if out := outputAt(d, origin.Path[n-2], origin.Path[n-1]); out != nil && bytes.Equal(out.Script, script) {
				return p.display(ctx, d, origin.Path[n-2], origin.Path[n-1])
			}
		}
	}
	address, _ := btc.AddressOf(script, p.Network)
	return "", said(fmt.Sprintf("Can't find wallet owning address %s", address))
}

func (p *port) origin(text string) (btc.KeyOrigin, error) {
	if strings.HasPrefix(text, "m") {
		path, err := btc.ParsePath(text)
		return btc.KeyOrigin{Fingerprint: p.Master.Fingerprint(), Path: path}, err
	}
	return btc.ParseKeyOrigin(text)
}

func scriptOf(kind, text string) ([]byte, error) {
	raw, err := hex.DecodeString(text)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(raw)
	wsh := btc.WitnessScript(0, sum[:])
	switch kind {
	case "wsh":
		return wsh, nil
	case "sh-wsh":
		return btc.PayToScriptHash(btc.Hash160(wsh)), nil
	case "sh":
		return btc.PayToScriptHash(btc.Hash160(raw)), nil
	}
	return nil, said(fmt.Sprintf("Unsupported script type: %s", kind))
}

func outputAt(d *descriptor.Descriptor, branch, index uint32) *descriptor.Output {
	if int64(branch) >= int64(d.Branches()) {
		return nil
	}
	part, err := d.Branch(int(branch))
	if err != nil {
		return nil
	}
	out, err := part.Derive(index)
	if err != nil {
		return nil
	}
	return out
}

// display shows an address until the person leaves it.
func (p *port) display(ctx context.Context, d *descriptor.Descriptor, branch, index uint32) (string, error) {
	if p.Lie.Address {
		index++
	}
	out := outputAt(d, branch, index)
	if out == nil {
		return "", said("No such address")
	}
	address, _ := out.Address(p.Network)
	p.Person.Ask(ctx, signertest.ShowAddress, address)
	return address, ctx.Err()
}

// recognise shows an address with its wallet, where one of the receiving branch is known.
func (p *port) recognise(ctx context.Context, text string) (string, error) {
	address, rest, _ := strings.Cut(text, "?")
	number, found := strings.CutPrefix(rest, "index=")
	index, err := strconv.ParseUint(number, 10, 31)
	if !found || err != nil {
		return "", said("Can't verify address with unknown index")
	}
	for _, d := range p.known() {
		out := outputAt(d, 0, uint32(index))
		if out == nil {
			continue
		}
		if own, _ := out.Address(p.Network); own == address {
			_, err := p.display(ctx, d, 0, uint32(index))
			return "success", err
		}
	}
	return "", said(fmt.Sprintf("Can't find wallet owning address %s", address))
}

// sign shows a transaction and answers with its signatures alone.
func (p *port) sign(ctx context.Context, text string) (string, error) {
	tx, err := psbt.Decode(text)
	if err != nil {
		return "", said(fmt.Sprintf("Invalid PSBT:\n\n%v", err))
	}
	if !p.spendsKnown(tx) && !p.Person.Ask(ctx, signertest.ShowWarning, "Unknown wallet in inputs!").Approve {
		return "", errCancelled
	}
	if !p.AskSpend(ctx, tx, p.known()) {
		return "", errCancelled
	}
	signed, err := p.SignSpend(tx, psbt.ExtendedKey(p.Master, btc.KeyOrigin{}))
	if err != nil {
		return "", err
	}
	return stripped(signed)
}

func (p *port) spendsKnown(tx *psbt.Packet) bool {
	ours := signertest.Owners(tx, p.known())
	for i := range tx.Inputs {
		if prev, err := tx.PrevOut(i); err != nil || !ours(prev.PkScript) {
			return false
		}
	}
	return true
}

// stripped leaves nothing but the transaction and its signatures.
func stripped(p *psbt.Packet) (string, error) {
	tx, err := p.UnsignedTx()
	if err != nil {
		return "", err
	}
	out, err := psbt.New(tx)
	if err != nil {
		return "", err
	}
	for i := range out.Inputs {
		in := &p.Inputs[i]
		out.Inputs[i].PartialSigs, out.Inputs[i].TapKeySig, out.Inputs[i].TapScriptSigs = in.PartialSigs, in.TapKeySig, in.TapScriptSigs
	}
	return out.Base64()
}

// signMessage asks whether to sign a message. The header is always a legacy address's.
func (p *port) signMessage(ctx context.Context, args string) (string, error) {
	where, body, found := strings.Cut(strings.TrimSpace(args), " ")
	if !found {
		return "", said("Invalid data encoding")
	}
	path, err := btc.ParsePath(where)
	if err != nil {
		return "", err
	}
	text, isText := strings.CutPrefix(body, "ascii:")
	if !isText {
		raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(body, "base64:"))
		if err != nil || !strings.HasPrefix(body, "base64:") {
			return "", said("Invalid message encoding!")
		}
		text = string(raw)
	}
	if !p.Person.Ask(ctx, signertest.ShowMessage, text).Approve {
		return "", errCancelled
	}
	key, err := p.Master.Derive(path)
	if err != nil {
		return "", err
	}
	if p.Lie.Signature {
		key, _ = key.Child(7)
	}
	private, ok := key.PrivateKey()
	if !ok {
		return "", said("no key")
	}
	address, _ := btc.AddressOf(signertest.SingleScripts(key)["pkh"], p.Network)
	return message.Sign(private, address, p.Network, text, message.Legacy)
}
