// Package node keeps the user's nodes: stored connections, of which one is active for the
// whole program, and the open chain.Source that answers for it. It finds nodes on this machine
// and tests a connection step by step. It speaks to no node itself: chain/core does.
package node
