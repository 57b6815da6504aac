package v1

import (
	"specter/internal/interop"
	"specter/internal/wallet"
)

// labelView is a label of the wallet, in the words of BIP329.
type labelView struct {
	Type      string `json:"type"`
	Ref       string `json:"ref"`
	Label     string `json:"label"`
	Spendable *bool  `json:"spendable"`
}

// labelPage is a page of labels.
type labelPage struct {
	Items []labelView `json:"items"`
	paging
}

// labelInput puts a label on a thing; "" takes it away.
type labelInput struct {
	Type  string `json:"type" need:"yes"`
	Ref   string `json:"ref" need:"yes"`
	Label string `json:"label" need:"yes"`
}

// labelFileInput is a label file and what may be done with it.
type labelFileInput struct {
	File      string `json:"file" need:"yes"`
	Overwrite bool   `json:"overwrite"`
	Strangers bool   `json:"strangers"`
	NoFreeze  bool   `json:"no_freeze"`
	// Take and Keep choose single lines, each named by type and ref with a blank between.
	Take []string `json:"take"`
	Keep []string `json:"keep"`
}

// fileInput is the text of a file.
type fileInput struct {
	File string `json:"file" need:"yes"`
}

// labelLineView is a line of a label file beside what the wallet has.
type labelLineView struct {
	Type   string `json:"type"`
	Ref    string `json:"ref"`
	Label  string `json:"label"`
	Old    string `json:"old"`
	Status string `json:"status"`
	Freeze bool   `json:"freeze"`
	Thaw   bool   `json:"thaw"`
}

// labelPreviewView is what a label file would do.
type labelPreviewView struct {
	Format    string          `json:"format"`
	Lines     []labelLineView `json:"lines"`
	New       int             `json:"new"`
	Same      int             `json:"same"`
	Conflicts int             `json:"conflicts"`
	Strangers int             `json:"strangers"`
	Freeze    int             `json:"freeze"`
	Thaw      int             `json:"thaw"`
	Bad       int             `json:"bad"`
	Problems  []string        `json:"problems"`
}

// labelResultView is what an import did.
type labelResultView struct {
	Set       int `json:"set"`
	Kept      int `json:"kept"`
	Strangers int `json:"strangers"`
	Frozen    int `json:"frozen"`
	Thawed    int `json:"thawed"`
	Bad       int `json:"bad"`
}

// labelKinds are what a label may stand on, in the words of BIP329.
var labelKinds = []string{string(wallet.LabelTx), string(wallet.LabelAddress), string(wallet.LabelPubKey), string(wallet.LabelInput),
	string(wallet.LabelOutput), string(wallet.LabelXPub)}

// getLabels lists what the wallet's BIP329 file would hold.
func getLabels(c *call) (any, error) {
	l, err := c.list()
	if err != nil {
		return nil, err
	}
	if err := oneOf("filter", c.params.Get("filter"), labelKinds); err != nil {
		return nil, err
	}
	f, err := c.s.c.Wallets.ExportLabels(c.ctx(), c.ref(), "bip329")
	if err != nil {
		return nil, err
	}
	var all []interop.Label
	if len(f.Data) > 0 {
		file, err := interop.ReadLabels(f.Data, "bip329")
		if err != nil {
			return nil, err
		}
		for _, x := range file.Labels {
			if c.wanted(x.Type, x.Ref, x.Label) {
				all = append(all, x)
			}
		}
	}
	rows, p, err := sliced(l, all, func(x interop.Label) string { return x.Type + " " + x.Ref })
	return labelPage{mapped(rows, func(x interop.Label) labelView { return labelView{x.Type, x.Ref, x.Label, x.Spendable} }), p}, err
}

func putLabel(c *call) (any, error) {
	var in labelInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	if err := wordOf("type", in.Type, labelKinds); err != nil {
		return nil, err
	}
	return nil, c.s.c.Wallets.SetLabel(c.ctx(), c.ref(), wallet.LabelKind(in.Type), in.Ref, in.Label)
}

// getLabelFile hands out all labels in one of several programs' formats.
func getLabelFile(c *call) (any, error) {
	f, err := c.s.c.Wallets.ExportLabels(c.ctx(), c.ref(), c.PathValue("format"))
	return f, asPath(err)
}

// postLabelPreview compares a label file with what is here; nothing is changed.
func postLabelPreview(c *call) (any, error) {
	var in fileInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	p, err := c.s.c.Wallets.LabelsPreview(c.ctx(), c.ref(), []byte(in.File))
	return labelPreviewView{Format: p.Format, New: p.New, Same: p.Same, Conflicts: p.Conflicts, Strangers: p.Strangers,
		Freeze: p.Freeze, Thaw: p.Thaw, Bad: p.Bad, Problems: texts(p.Problems),
		Lines: mapped(p.Lines, func(x wallet.LabelLine) labelLineView {
			return labelLineView{Type: string(x.Kind), Ref: x.Key, Label: x.Label.Label, Old: x.Old, Status: string(x.Status), Freeze: x.Freeze, Thaw: x.Thaw}
		})}, err
}

// postLabelImport takes a label file: all of it or nothing.
func postLabelImport(c *call) (any, error) {
	var in labelFileInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	rows := map[string]bool{}
	for _, id := range in.Take {
		rows[id] = true
	}
	for _, id := range in.Keep {
		if rows[id] {
			return nil, invalid("keep", "%q is both taken and kept", limit(id, 120))
		}
		rows[id] = false
	}
	r, err := c.s.c.Wallets.ImportLabels(c.ctx(), c.ref(), []byte(in.File),
		wallet.LabelChoice{Overwrite: in.Overwrite, Strangers: in.Strangers, NoFreeze: in.NoFreeze, Rows: rows})
	return labelResultView{Set: r.Set, Kept: r.Kept, Strangers: r.Strangers, Frozen: r.Frozen, Thawed: r.Thawed, Bad: r.Bad}, err
}
