package legacy

import (
	"sort"

	"specter/internal/btc/descriptor"
	"specter/internal/chain"
	"specter/internal/errs"
)

// labeller finds who can be asked for the labels of wallets inside the node: the active node, if it
// answers. It is asked once; nil: nobody.
func (t *taker) labeller() (chain.Labeller, *chain.Status, error) {
	if t.asked {
		return t.labels, t.status, nil
	}
	t.asked = true
	src, err := t.r.Nodes.Source(t.ctx)
	if errs.Is(err, errs.Unavailable) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	l, can := src.(chain.Labeller)
	if !can {
		return nil, nil, nil
	}
	status, err := src.Status(t.ctx)
	if err != nil {
		return nil, nil, t.ctx.Err() // a node that is away is no reason to take nothing
	}
	t.labels, t.status = l, &status
	return t.labels, t.status, nil
}

// untold tells of wallets whose labels may stand inside the node alone.
func (t *taker) untold() {
	if t.unasked > 0 {
		t.f.problem("", plural(t.unasked, "wallet has", "wallets have")+" no sound table of addresses; labels that stand inside the node alone come over when this folder is taken over again while its node is active and runs")
	}
}

// nodeLabels adds the labels that the wallet inside the node has, where the old program's table of
// addresses is missing or damaged: versions before 1.0 had none, and later ones ask the node then,
// too. What stands in the files counts more.
func (t *taker) nodeLabels(w *Wallet) error {
	name := t.adopted(w).NodeName
	if w.tabled || name == "" || t.o.Dry {
		return nil
	}
	l, status, err := t.labeller()
	if err != nil {
		return err
	}
	var told map[string]string
	if l != nil && status.Network == w.Network {
		told, err = l.Labels(t.ctx, name)
	}
	if l == nil || status.Network != w.Network || err != nil {
		if t.ctx.Err() != nil {
			return t.ctx.Err()
		}
		t.unasked++
		return nil
	}
	known := map[string]bool{}
	for _, have := range w.Labels {
		known[have.Address] = true
	}
	d, err := descriptor.Parse(w.Descriptor, descriptor.Options{})
	derived := 0
	for address, label := range told {
		if at, usual := unlabelled(label); usual && err == nil && derived < maxUsual {
			derived++
			if addressOf(d, w.Network, at) == address {
				continue
			}
		}
		if !known[address] {
			w.Labels = append(w.Labels, Label{address, clip(label, maxLabel)})
		}
	}
	sort.SliceStable(w.Labels, func(i, j int) bool { return w.Labels[i].Address < w.Labels[j].Address })
	return nil
}
