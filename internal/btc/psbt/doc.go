// Package psbt holds partially signed transactions: create, update, sign, combine, merge a
// signer's answer, verify, analyse, finalize and extract.
//
// It follows BIP174 (version 0), BIP370 (version 2), BIP371 (taproot), BIP373 (MuSig2) and
// keeps the fields of BIP374 and BIP375 (silent payments). Both versions are held in one
// Packet; what differs is how it is written. Fields that this package does not know, and
// proprietary ones, are kept byte for byte, and a packet that was read and not changed is
// written exactly as it was read.
//
// Everything that is read is hostile: sizes and counts are bounded, keys are unique, public
// keys lie on the curve, previous transactions have the txid that the input spends. Merge is
// the gate through which signatures come back: it adds nothing that is not verified.
//
// Byte slices inside a Packet are never changed in place; replace them as a whole.
package psbt
