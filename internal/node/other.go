package node

import (
	"context"

	"specter/internal/chain"
	"specter/internal/errs"
)

// Other opens a source of a stored node that need not be the active one. Nothing is asked of the
// node yet. The caller closes it. errs.NotFound when there is no such node.
func (s *Service) Other(ctx context.Context, alias string) (chain.Source, error) {
	n, err := s.Get(ctx, alias)
	if err != nil {
		return nil, err
	}
	if n.Kind == Demo {
		return nil, errs.E(errs.Invalid, "the demo chain is no other node")
	}
	return s.openNode(ctx, n)
}
