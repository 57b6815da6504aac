// Package descriptor reads, prints, derives and weighs output descriptors: BIP380 to BIP390,
// the annotations of BIP393 and the wallet policies of BIP388.
//
// A Descriptor never changes after it was parsed and may be used by many goroutines at once.
// It is printed without private keys unless StringPrivate is asked for. Length and nesting of
// everything that is read are bounded.
package descriptor
