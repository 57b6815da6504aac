package codec1

import (
	"context"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/signer"
	"specter/internal/signer/protolite"
)

// splitPath cuts the path behind a key ("0/*") into its steps.
func splitPath(path string) []string {
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

// ShowAddress shows an address on the device. On test networks other than testnet the device's
// screen has the testnet's form of it; the answer is in the network's own.
func (d *Device) ShowAddress(ctx context.Context, w signer.Wallet, _ signer.Registration, branch, index uint32) (string, error) {
	if err := d.usable(); err != nil {
		return "", err
	}
	fp, err := d.Fingerprint(ctx)
	if err != nil {
		return "", err
	}
	body, err := d.addressRequest(w, fp, branch, index)
	if err != nil {
		return "", err
	}
	m, err := d.call(ctx, "the address", MsgGetAddress, body, MsgAddress)
	if err != nil {
		return "", err
	}
	said := clean(m.Text(1))
	a, err := btc.ParseAddress(said, d.spoken())
	if err != nil {
		return "", signer.E(signer.CodeUnknown, "the %s answers with %q, which is no address: %w", d.dialect.Name, said, err)
	}
	ours, ok := btc.AddressOf(a.Script, d.opt.Network)
	if !ok {
		return said, nil
	}
	return ours, nil
}

// addressRequest writes GetAddress.
func (d *Device) addressRequest(w signer.Wallet, fp btc.Fingerprint, branch, index uint32) (protolite.Builder, error) {
	desc, out, err := w.At(branch, index)
	if err != nil {
		return nil, err
	}
	kind, many, err := d.scriptKind(desc, out)
	if err != nil {
		return nil, err
	}
	var path btc.Path
	for _, k := range out.Keys {
		if k.Origin.Fingerprint == fp && path == nil {
			path = k.Origin.Path
		}
	}
	if path == nil {
		return nil, signer.E(signer.CodeBadArgument, "the %s %s has no key in this wallet: choose the device that has", d.dialect.Name, fp)
	}
	body := protolite.Builder{}.Uint32s(1, path).Text(2, d.coin()).Bool(3, true)
	if many {
		m, err := ofDescriptor(desc, out, index)
		if err != nil {
			return nil, err
		}
		m.sorted = d.dialect.Sorts(d.features) && isSorted(desc)
		body = body.Message(4, m.encode())
	}
	return body.Uint(5, kind), nil
}

// isSorted reports whether a multisig descriptor sorts its keys.
func isSorted(d *descriptor.Descriptor) bool { return strings.Contains(d.String(), "sortedmulti(") }

// scriptKind tells the device's word for a wallet's script, and whether it is multisig.
func (d *Device) scriptKind(desc *descriptor.Descriptor, out *descriptor.Output) (kind uint64, many bool, err error) {
	_, _, many = desc.Threshold()
	switch t := desc.ScriptType(); {
	case t == "tr":
		if err := d.canTaproot(); err != nil {
			return 0, false, err
		}
		if out.Taproot == nil || len(out.Taproot.Leaves) > 0 || len(out.Keys) != 1 {
			return 0, false, d.cannot("taproot with scripts")
		}
		return SpendTaproot, false, nil
	case t == "pkh":
		return SpendAddress, false, nil
	case t == "wpkh":
		return SpendWitness, false, nil
	case t == "sh-wpkh":
		return SpendP2SHWitness, false, nil
	case !many:
		return 0, false, d.cannot("miniscript")
	case t == "sh":
		return SpendMultisig, true, nil
	case t == "wsh":
		return SpendWitness, true, nil
	case t == "sh-wsh":
		return SpendP2SHWitness, true, nil
	}
	return 0, false, d.cannot("scripts of this kind")
}

// cannot refuses what no firmware of the vendor does.
func (d *Device) cannot(what string) error {
	return signer.E(signer.CodeUnavailable, "%s devices cannot do %s: use another of the wallet's devices for that", d.dialect.Name, what)
}

// canTaproot refuses taproot where the firmware has none.
func (d *Device) canTaproot() error {
	first, ok := d.dialect.Taproot(d.features)
	switch {
	case !ok:
		return d.cannot("taproot")
	case d.features.Version.Before(first):
		return d.tooOld("do taproot", first)
	}
	return nil
}
