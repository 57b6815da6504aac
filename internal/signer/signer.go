// Package signer is the family of things that can sign while they are connected: one contract
// for USB devices, bridges and software keys. Today it holds the software keys (hot); the
// drivers of USB devices come to stand beside it.
package signer
