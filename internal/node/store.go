package node

import "context"

// Store keeps the nodes; package store implements it. Each call is one transaction. Passwords
// are handed over as they are (Secret.Reveal): the store keeps them out of reach of others.
type Store interface {
	// Nodes lists all nodes by name.
	Nodes(ctx context.Context) ([]Node, error)
	// SaveNode inserts a node whose ID is 0 and sets its ID, else updates it. errs.Conflict
	// when another node has its alias or name.
	SaveNode(ctx context.Context, n *Node) error
	// DeleteNode removes a node; the active mark goes with it. errs.NotFound when there is none.
	DeleteNode(ctx context.Context, id int64) error
	// ActiveNode returns the ID of the active node; 0 when none is.
	ActiveNode(ctx context.Context) (int64, error)
	// SetActiveNode marks a node as the active one; 0: none.
	SetActiveNode(ctx context.Context, id int64) error
	// UID returns the program's uid, part of the wallets' names inside nodes; where there is
	// none yet it stores fresh and returns that.
	UID(ctx context.Context, fresh string) (string, error)
}
