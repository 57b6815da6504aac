package interop

import (
	"encoding/json"

	"specter/internal/errs"
)

// readCoreDescriptors reads the answer of Bitcoin Core's listdescriptors (Liana and others
// write the same): the active receive and change descriptors, or a single multipath one.
func readCoreDescriptors(_ string, o map[string]json.RawMessage) (Wallet, error) {
	var list []struct {
		Desc     string `json:"desc"`
		Internal bool   `json:"internal"`
		Active   *bool  `json:"active"`
	}
	if err := json.Unmarshal(o["descriptors"], &list); err != nil {
		return Wallet{}, errs.Bad(errs.Malformed, "the list of descriptors cannot be read: %w", err)
	}
	var found []string
	for _, d := range list {
		if d.Active == nil || *d.Active {
			found = append(found, d.Desc)
		}
	}
	if len(found) > 2 {
		return Wallet{}, errs.Bad(errs.Unsupported, "the file lists %d active descriptors, which are several wallets; give the two of one wallet", len(found))
	}
	joined, err := JoinBranches(found)
	return Wallet{Name: str(o, "wallet_name"), Descriptor: joined}, err
}
