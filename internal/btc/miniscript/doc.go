// Package miniscript reads, checks, prints, compiles, decompiles and satisfies miniscript
// (BIP379) for its two contexts: witness scripts of P2WSH and leaf scripts of taproot.
//
// Keys are opaque text: "key expressions" of a descriptor, names or hex. The package never
// looks into them; whoever compiles a script says what public key a text stands for.
//
// A Node is built once, with its type and its worst-case costs, and never changes. Size and
// nesting of everything that is read are bounded, so that hostile input costs neither memory
// nor stack.
package miniscript
