package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"specter/internal/btc"
	"specter/internal/chain/core"
	"specter/internal/errs"
)

// maxName bounds a node's name, in characters.
const maxName = 60

// GuessNetwork tells of which network a node of Bitcoin Core is that listens on its usual port.
func GuessNetwork(port int) (btc.Network, bool) { return core.NetworkOfPort(port) }

// Adopt stores a node that another program knew, without asking it anything. Alias and name are
// kept where they are free; a number goes to them where they are not.
func (s *Service) Adopt(ctx context.Context, n Node) (Node, error) {
	name := strings.TrimSpace(strings.ToValidUTF8(n.Name, "?"))
	if name == "" {
		name = "Bitcoin Core"
	}
	for utf8.RuneCountInString(name) > maxName-5 {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	nodes, err := s.c.Store.Nodes(ctx)
	if err != nil {
		return Node{}, err
	}
	n.ID, n.Name = 0, name
	for i := 2; taken(nodes, func(o Node) bool { return strings.EqualFold(o.Name, n.Name) }); i++ {
		n.Name = fmt.Sprintf("%s %d", name, i)
	}
	if n, err = tidy(n); err != nil {
		return Node{}, err
	}
	if n.Alias == "" || len(n.Alias) > 4*maxName || !btc.IsAlias(n.Alias) || taken(nodes, func(o Node) bool { return o.Alias == n.Alias }) {
		n.Alias = freeAlias(n.Name, nodes)
	}
	if n.Alias == "" {
		return Node{}, errs.E(errs.Invalid, "the name needs at least one letter or digit")
	}
	n.Created = s.c.Now()
	return n, s.c.Store.SaveNode(ctx, &n)
}

func taken(nodes []Node, is func(Node) bool) bool {
	for _, n := range nodes {
		if is(n) {
			return true
		}
	}
	return false
}

// AdoptUID makes the uid of another program this one's, so that wallets made from here on lie
// beside the old ones inside the node. It is for a program that has no wallets yet; whoever knows the
// uid already is to be told, as wallet.Service by SetUID.
func (s *Service) AdoptUID(ctx context.Context, uid string) error {
	if !ValidUID(uid) {
		return errs.E(errs.Invalid, "%.40q is no uid", uid)
	}
	keeper, ok := s.c.Store.(interface {
		SetUID(ctx context.Context, uid string) error
	})
	if !ok {
		return errors.New("this store does not change the uid")
	}
	return keeper.SetUID(ctx, uid)
}

// ValidUID reports whether a text can be the uid of an old program: 1 to 16 hex digits.
func ValidUID(uid string) bool {
	return len(uid) > 0 && len(uid) <= 16 && strings.Trim(uid, "0123456789abcdef") == ""
}
