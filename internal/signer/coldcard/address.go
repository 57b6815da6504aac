package coldcard

import (
	"context"
	"encoding/binary"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/signer"
)

// Formats of addresses: bits for a public key (1), a witness (2), bech32 (4), a script (8), one
// wrapped in P2SH (16) and bech32m (32).
const (
	formatPKH    = 0x01
	formatWPKH   = 0x07
	formatShWPKH = 0x13
	formatTR     = 0x23
	formatSh     = 0x08
	formatWsh    = 0x0e
	formatShWsh  = 0x1a
)

var singles = map[string]uint32{"pkh": formatPKH, "wpkh": formatWPKH, "sh-wpkh": formatShWPKH, "tr": formatTR}

var scripts = map[string]uint32{"sh": formatSh, "wsh": formatWsh, "sh-wsh": formatShWsh}

// single tells the format of a wallet with one key; ok is false for all others.
func single(d *descriptor.Descriptor) (format uint32, ok bool) {
	format, ok = singles[d.ScriptType()]
	return format, ok && len(d.Keys()) == 1
}

// ShowAddress shows an address. The device only shows; there is nothing to confirm on it.
func (s *session) ShowAddress(ctx context.Context, w signer.Wallet, r signer.Registration, branch, index uint32) (string, error) {
	if err := s.rightNetwork(); err != nil {
		return "", err
	}
	_, out, err := w.At(branch, index)
	if err != nil {
		return "", err
	}
	if err := s.ready(ctx); err != nil {
		return "", err
	}
	request, err := s.addressRequest(w, r, out, branch, index)
	if err != nil {
		return "", err
	}
	s.options.Tell(signer.Notice{Kind: signer.NoticeConfirm, Text: "Compare the address on the Coldcard with this one, then leave it there with X."})
	return s.text(ctx, string(request))
}

func (s *session) addressRequest(w signer.Wallet, r signer.Registration, out *descriptor.Output, branch, index uint32) ([]byte, error) {
	if format, ok := single(w.Descriptor); ok {
		return s.showRequest(format, out)
	}
	if s.version.edge && r.Name != "" {
		if branch > 1 {
			return nil, signer.E(signer.CodeUnavailable, "a Coldcard shows addresses of the receiving and the change branch alone")
		}
		request := binary.LittleEndian.AppendUint32([]byte("msas"), branch)
		request = binary.LittleEndian.AppendUint32(request, index)
		return append(request, r.Name...), nil
	}
	m, _, plain := w.Descriptor.Threshold()
	format, known := scripts[w.Descriptor.ScriptType()]
	switch {
	case s.version.edge && !plain:
		return nil, signer.E(signer.CodeNotRegistered, "this Coldcard does not know the wallet yet; register it on the device first")
	case !plain || !known:
		return nil, signer.E(signer.CodeUnavailable, "this Coldcard's firmware knows wallets with one key and multisig alone; the Edge firmware knows more")
	}
	return multisigRequest(format, m, out)
}

// showRequest is the command for an address of one key.
func (s *session) showRequest(format uint32, out *descriptor.Output) ([]byte, error) {
	if format == formatTR && !s.version.edge {
		return nil, signer.E(signer.CodeUnavailable, "this Coldcard's firmware does not show Taproot addresses; the Edge firmware does")
	}
	origin := out.Keys[0].Origin
	if origin.Fingerprint != s.master.Fingerprint() {
		return nil, notMine(s.master.Fingerprint())
	}
	path, err := pathText(origin.Path)
	if err != nil {
		return nil, err
	}
	return append(binary.LittleEndian.AppendUint32([]byte("show"), format), path...), nil
}

func notMine(fp btc.Fingerprint) error {
	return signer.E(signer.CodeBadArgument, "no key of this wallet is on the Coldcard %s; connect the device that belongs to it, or give the passphrase", fp)
}

// maxKeys is how many keys a multisig address may have, and maxScript how long its script.
const (
	maxKeys   = 15
	maxScript = 520
)

// multisigRequest is the command for a multisig address: the script, and of each key in the
// script's order where it comes from.
func multisigRequest(format uint32, m int, out *descriptor.Output) ([]byte, error) {
	script := out.WitnessScript
	if script == nil {
		script = out.RedeemScript
	}
	if len(out.Keys) > maxKeys || len(script) > maxScript {
		return nil, signer.E(signer.CodeUnavailable, "a Coldcard takes multisig wallets of at most %d keys", maxKeys)
	}
	request := binary.LittleEndian.AppendUint32([]byte("p2sh"), format)
	request = append(request, byte(m), byte(len(out.Keys)))
	request = binary.LittleEndian.AppendUint16(request, uint16(len(script)))
	request = append(request, script...)
	for _, k := range inScriptOrder(script, out.Keys) {
		if len(k.Origin.Path) >= 16 {
			return nil, signer.E(signer.CodeUnavailable, "a Coldcard takes paths of at most %d steps", maxDepth)
		}
		request = append(request, byte(1+len(k.Origin.Path)))
		request = append(request, k.Origin.Fingerprint[:]...)
		for _, step := range k.Origin.Path {
			request = binary.LittleEndian.AppendUint32(request, step)
		}
	}
	return request, nil
}

// inScriptOrder sorts keys as they stand in the script.
func inScriptOrder(script []byte, keys []descriptor.DerivedKey) []descriptor.DerivedKey {
	body := string(script)
	var sorted []descriptor.DerivedKey
	for at := 1; at < len(body); {
		next := len(body)
		for _, k := range keys {
			if strings.HasPrefix(body[at:], string(rune(len(k.PubKey)))+string(k.PubKey)) {
				sorted, next = append(sorted, k), at+1+len(k.PubKey)
				break
			}
		}
		at = next
	}
	return sorted
}
