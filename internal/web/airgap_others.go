package web

import (
	"net/http"

	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// Bounds of looking for the user's other wallets among a payment's outputs.
const (
	othersOutputs = 30
	othersWallets = 50
)

// withOthers describes outputs of a draft that pay other wallets of the same user, for devices
// that keep several wallets and then say which one is paid.
func (s *Server) withOthers(r *http.Request, p draftPage) ([]byte, error) {
	if len(p.Draft.Outputs) > othersOutputs || len(p.Wallets) > othersWallets {
		return p.Draft.PSBT, nil
	}
	packet, err := psbt.Parse(p.Draft.PSBT)
	if err != nil {
		return nil, err
	}
	if len(packet.Outputs) != len(p.Draft.Outputs) {
		return p.Draft.PSBT, nil
	}
	for i, out := range p.Draft.Outputs {
		if out.Mine || out.Address == "" {
			continue
		}
		for _, rec := range p.Wallets {
			if rec.ID == p.Wallet.ID {
				continue
			}
			found, err := s.describeOther(r, packet, i, rec, out.Address)
			if err != nil {
				return nil, err
			}
			if found {
				break
			}
		}
	}
	return packet.Serialize()
}

// describeOther describes one output if it is of a wallet. A wallet that cannot be read describes
// nothing; that is no reason not to sign.
func (s *Server) describeOther(r *http.Request, packet *psbt.Packet, i int, rec wallet.Record, address string) (bool, error) {
	row, err := s.c.Wallets.AddressInfo(r.Context(), rec.Ref(), address)
	if errs.Is(err, errs.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	d, err := descriptor.Parse(rec.Descriptor, descriptor.Options{})
	if err != nil {
		return false, nil
	}
	if d.Branches() > 1 {
		if d, err = d.Branch(int(row.Branch)); err != nil {
			return false, nil
		}
	}
	out, err := d.Derive(row.Index)
	if err != nil {
		return false, nil
	}
	return packet.UpdateOutput(i, out) == nil, nil
}
