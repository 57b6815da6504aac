// Package mnemonic reads, makes and checks BIP39 mnemonics and turns them into BIP32 seeds; it
// also speaks SeedQR and CompactSeedQR. The word lists are BIP39's ten, and the Russian and
// Turkish ones that other wallets know besides.
//
// A Mnemonic is a secret: it prints nothing, and no error made here repeats a word of it. The
// package stores nothing and asks no clock; random bytes come from the reader that is passed in.
package mnemonic
