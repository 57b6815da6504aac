package core

import (
	"context"
	"encoding/json"
)

// maxLabels bounds the labels that a wallet inside the node is asked for.
const maxLabels = 20_000

// Labels tells what the wallet of that name inside the node calls addresses: older programs kept
// their labels nowhere else. A wallet that is not there has none, and is not made. Our own mark is
// no label.
func (s *Source) Labels(ctx context.Context, name string) (map[string]string, error) {
	b, end := s.bound(ctx)
	defer end()
	out := map[string]string{}
	var names []string
	err := s.c.walletCall(b, name, "listlabels", nil, &names)
	if isCode(err, codeWalletNotFound) {
		if err = s.c.longCall(b, "", "loadwallet", []any{name}, nil); isCode(err, codeWalletNotFound) {
			return out, nil
		}
		if err == nil || isCode(err, codeWalletLoaded) {
			err = s.c.walletCall(b, name, "listlabels", nil, &names)
		}
	}
	if err != nil {
		return nil, s.door(ctx, err)
	}
	for _, label := range names[:min(len(names), maxLabels)] {
		if label == "" || label == mark {
			continue
		}
		var addresses map[string]json.RawMessage
		err := s.c.walletCall(b, name, "getaddressesbylabel", []any{label}, &addresses)
		if isCode(err, codeNoLabel) {
			continue // taken away in between
		}
		if err != nil {
			return nil, s.door(ctx, err)
		}
		for a := range addresses {
			out[a] = label
		}
	}
	return out, nil
}
