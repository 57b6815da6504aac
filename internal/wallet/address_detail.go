package wallet

import "context"

// AddressWords describe one address for other programs.
type AddressWords struct {
	AddressRow
	Descriptor string // with extended keys: shows the whole wallet to whoever has it
	Plain      string // with the address's own public keys alone; "" where it cannot be told
	Keys       []AddressKey
}

// AddressKey is a cosigner's part in an address.
type AddressKey struct {
	Cosigner
	At string // derivation path of this address's key, from the seed on; "" not known
}

// DescribeAddress finds an address of the wallet with its descriptors and the paths of all its
// keys; errs.NotFound where it is none of its own.
func (s *Service) DescribeAddress(ctx context.Context, ref Ref, address string) (AddressWords, error) {
	row, err := s.AddressInfo(ctx, ref, address)
	if err != nil {
		return AddressWords{}, err
	}
	out := AddressWords{AddressRow: row}
	r, w, err := s.ready(ctx, ref)
	if err != nil {
		return out, err
	}
	branch := w.branches[min(int(row.Branch), len(w.branches)-1)]
	if d, err := branch.At(row.Index); err == nil {
		out.Descriptor = d.String()
	}
	if d, err := branch.Plain(row.Index); err == nil {
		out.Plain = d.String()
	}
	s.decorate(&r, s.knownKeys(ctx, ref.Owner, ref.Network))
	made, err := branch.Derive(row.Index)
	if err != nil {
		return out, err
	}
	for i, c := range r.Cosigners {
		k := AddressKey{Cosigner: c}
		if i < len(made.Keys) && !c.Fingerprint.IsZero() && made.Keys[i].Origin.Fingerprint == c.Fingerprint {
			k.At = made.Keys[i].Origin.Path.Full()
		}
		out.Keys = append(out.Keys, k)
	}
	return out, nil
}
