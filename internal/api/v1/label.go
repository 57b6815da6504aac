package v1

import (
	"specter/internal/wallet"
)

// labelInput puts a label on a thing; "" takes it away.
type labelInput struct {
	Type  string `json:"type" need:"yes"`
	Ref   string `json:"ref" need:"yes"`
	Label string `json:"label" need:"yes"`
}

// labelKinds are what a label may stand on, in the words of BIP329.
var labelKinds = []string{string(wallet.LabelTx), string(wallet.LabelAddress), string(wallet.LabelOutput)}

func putLabel(c *call) (any, error) {
	var in labelInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	if err := oneOf("type", in.Type, labelKinds); err != nil {
		return nil, err
	}
	return nil, c.s.c.Wallets.SetLabel(c.ctx(), c.ref(), wallet.LabelKind(in.Type), in.Ref, in.Label)
}
