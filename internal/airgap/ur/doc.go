// Package ur reads and writes Uniform Resources, the form in which most signing devices speak
// over the camera: version 2 (BCR-2020-005) with bytewords (BCR-2020-012) and fountain codes
// (BCR-2024-001), and the older version 1 that Cobo Vault used (bc32, BCR-2020-004).
//
// Inside a resource is CBOR. The types that a Bitcoin wallet meets are understood: psbt, bytes,
// hdkey, eckey, address, output-descriptor, account-descriptor, seed and bip39, under their
// old names (crypto-…, tags 300 to 311) and new ones (tags 40300 to 40311).
//
// Descriptors come out as text without a checksum: whether they make sense is for the room
// that knows descriptors. Everything foreign is bounded: see the Max constants.
package ur
