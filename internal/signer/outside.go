package signer

import "context"

// Outside is a program beside this one that drives devices of its own, such as HWI. A Hub asks it
// for what its own drivers do not know, and treats its signers like its own: Checked, one call at
// a time at a path.
type Outside interface {
	// Enumerate lists the devices of the kinds that are not in skip, those that cannot be used
	// with their error. The program is given a limit of time and is ended when it is over.
	Enumerate(ctx context.Context, a Ask, skip []string) ([]Info, error)
	// Open takes an Info that Enumerate gave. Nothing is opened yet: every call of the Signer is a
	// run of the program.
	Open(info Info, a Ask) (Signer, error)
}
